"""Postings, the plans they belong to, and what people said of these."""

from typing import Any, ClassVar

from django.db import migrations, models

from ml_connector.records.migration_operations import make_key, make_owner


def _owned(*fields: tuple[str, Any]) -> list[tuple[str, Any]]:
    return [("id", make_key()), ("organisation", make_owner()), *fields]


class Migration(migrations.Migration):
    """Creates tables only."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("records", "0005_versions")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="Posting",
            fields=_owned(
                ("posting_key", models.TextField()),
                ("flow", models.TextField()),
                ("run_id", models.TextField()),
                ("plan_hash", models.TextField()),
                ("connection", models.TextField()),
                ("kind", models.TextField()),
                ("subject", models.TextField()),
                ("generation", models.BigIntegerField()),
                ("content_hash", models.TextField()),
                ("totals", models.JSONField()),
                ("state", models.TextField()),
                ("receipt", models.JSONField(default=dict)),
                ("reason", models.TextField(default="")),
                ("reverses", models.TextField(default="")),
                ("reversed_by", models.TextField(default="")),
                ("made_at", models.DateTimeField()),
                ("sent_at", models.DateTimeField(null=True)),
                ("settled_at", models.DateTimeField(null=True)),
            ),
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "posting_key"), name="records_posting_one_key"
                    ),
                    models.UniqueConstraint(
                        fields=("organisation", "flow", "plan_hash", "subject", "generation"),
                        name="records_posting_one_place",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["open", "quarantined", "unknown"])),
                        fields=("organisation", "connection", "subject"),
                        name="records_posting_one_unsettled",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(
                            models.Q(("reverses", ""), _negated=True),
                            models.Q(("state", "refused"), _negated=True),
                        ),
                        fields=("organisation", "reverses"),
                        name="records_posting_one_reversal",
                    ),
                ],
                "indexes": [
                    models.Index(
                        fields=["organisation", "plan_hash"], name="records_posting_by_plan"
                    ),
                    models.Index(
                        fields=["organisation", "connection", "id"],
                        name="records_posting_by_conn",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Approval",
            fields=_owned(
                ("plan_hash", models.TextField()),
                ("flow", models.TextField()),
                ("run_id", models.TextField()),
                ("maker", models.TextField()),
                ("maker_person", models.TextField()),
                ("needed", models.BigIntegerField()),
                ("amounts", models.JSONField()),
                ("totals", models.JSONField()),
                ("state", models.TextField()),
                ("made_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
            ),
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "plan_hash"), name="records_approval_one"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "waiting")),
                        fields=("organisation", "flow"),
                        name="records_approval_one_waiting",
                    ),
                ],
                "indexes": [
                    models.Index(
                        fields=["organisation", "flow", "id"], name="records_approval_by_flow"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Decision",
            fields=_owned(
                (
                    "approval",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=models.PROTECT,
                        related_name="+",
                        to="records.approval",
                    ),
                ),
                ("actor", models.TextField()),
                ("person", models.TextField()),
                ("is_approval", models.BooleanField()),
                ("reason", models.TextField()),
                ("at", models.DateTimeField()),
            ),
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "approval", "person"), name="records_decision_one"
                    )
                ]
            },
        ),
    ]
