"""The audit chain, sealed secrets and the request budget."""

from typing import Any, ClassVar

from django.db import migrations, models


def _owned(*fields: tuple[str, Any]) -> list[tuple[str, Any]]:
    identity: models.BigAutoField[int, int] = models.BigAutoField(
        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
    )
    organisation: models.ForeignKey[Any, Any] = models.ForeignKey(
        "records.organisation", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    return [("id", identity), ("organisation", organisation), *fields]


class Migration(migrations.Migration):
    """Creates tables only."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("records", "0002_writing")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="AuditLink",
            fields=_owned(
                ("number", models.BigIntegerField()),
                ("at", models.TextField()),
                ("actor", models.TextField()),
                ("event", models.TextField()),
                ("subject", models.TextField()),
                ("run_id", models.TextField()),
                ("details", models.TextField()),
                ("hash_before", models.TextField()),
                ("hash_after", models.TextField()),
            ),
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "number"), name="records_audit_one_number"
                    )
                ]
            },
        ),
        migrations.CreateModel(
            name="AuditHead",
            fields=_owned(
                ("number", models.BigIntegerField()),
                ("hash_after", models.TextField()),
            ),
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("organisation",), name="records_audit_one_head")
                ]
            },
        ),
        migrations.CreateModel(
            name="Secret",
            fields=_owned(
                ("name", models.TextField()),
                ("key_id", models.TextField()),
                ("blob", models.BinaryField()),
                ("saved_at", models.DateTimeField()),
            ),
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "name"), name="records_secret_one"
                    )
                ]
            },
        ),
        migrations.CreateModel(
            name="BudgetHead",
            fields=_owned(
                ("key", models.TextField()),
                ("size", models.BigIntegerField()),
                ("grants", models.BigIntegerField()),
                ("granted_us", models.BigIntegerField()),
                ("hold_us", models.BigIntegerField()),
            ),
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "key"), name="records_budget_one"
                    )
                ]
            },
        ),
        migrations.CreateModel(
            name="BudgetSlot",
            fields=_owned(
                (
                    "head",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=models.PROTECT,
                        related_name="+",
                        to="records.budgethead",
                    ),
                ),
                ("slot", models.BigIntegerField()),
                ("granted_us", models.BigIntegerField()),
            ),
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "head", "slot"), name="records_budget_slot_one"
                    )
                ]
            },
        ),
    ]
