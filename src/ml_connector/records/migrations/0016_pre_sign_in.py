"""How people are told apart."""

from typing import Any, ClassVar

from django.db import migrations, models


def _key(to: str, *, on_delete: Any = models.CASCADE) -> Any:
    return models.ForeignKey(f"records.{to}", on_delete=on_delete, related_name="+", db_index=False)


def _own() -> list[tuple[str, Any]]:
    number: Any = models.BigAutoField(
        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
    )
    return [("id", number), ("organisation", _key("organisation", on_delete=models.PROTECT))]


class Migration(migrations.Migration):
    """Creates four tables."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("records", "0015_pre_unmapped")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="PersonAccount",
            fields=[
                *_own(),
                ("user", _key("user")),
                ("account", models.TextField()),
                ("bound_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "account"),
                        condition=models.Q(ended_at=None),
                        name="records_account_one",
                    )
                ],
                "indexes": [
                    models.Index(fields=("organisation", "user"), name="records_account_of"),
                    models.Index(fields=("organisation", "account"), name="records_account"),
                ],
            },
        ),
        migrations.CreateModel(
            name="PersonIdentity",
            fields=[
                *_own(),
                ("user", _key("user")),
                ("issuer", models.TextField()),
                ("subject", models.TextField()),
                ("bound_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "issuer", "subject"), name="records_identity_once"
                    ),
                    models.UniqueConstraint(
                        fields=("organisation", "user", "issuer"), name="records_identity_of"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SecondFactor",
            fields=[
                *_own(),
                ("user", _key("user")),
                ("made_at", models.DateTimeField()),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("step_used", models.BigIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "user"), name="records_factor_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RecoveryCode",
            fields=[
                *_own(),
                ("factor", _key("secondfactor")),
                ("digest", models.TextField()),
                ("used_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "factor", "digest"), name="records_recovery_once"
                    )
                ],
            },
        ),
    ]
