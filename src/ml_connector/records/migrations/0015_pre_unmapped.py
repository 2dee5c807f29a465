"""The history of mapping rules, and what the rules reach and do not.

Only adds: processes of the version before go on working beside it.
"""

from typing import Any, ClassVar

from django.db import migrations, models

from ml_connector.records.migration_operations import make_key, make_owner


class Migration(migrations.Migration):
    """Creates four tables."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("records", "0014_pre_standings")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="MappingRevision",
            fields=[
                ("id", make_key()),
                ("flow", models.TextField()),
                ("number", models.BigIntegerField()),
                ("content_hash", models.TextField()),
                ("rules", models.BigIntegerField()),
                ("is_kept", models.BooleanField()),
                ("deed", models.TextField()),
                ("comment", models.TextField(default="")),
                ("actor", models.TextField()),
                ("at", models.DateTimeField()),
                ("organisation", make_owner()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "flow", "number"),
                        name="records_mapping_revision_one",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PlacedPeriod",
            fields=[
                ("id", make_key()),
                ("flow", models.TextField()),
                ("member", models.TextField()),
                ("mapping_hash", models.TextField()),
                ("document", models.TextField()),
                ("run_id", models.TextField()),
                ("at", models.DateTimeField()),
                ("organisation", make_owner()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "flow", "member"), name="records_placed_one"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="UnmappedValue",
            fields=[
                ("id", make_key()),
                ("flow", models.TextField()),
                ("dimension", models.TextField()),
                ("fact", models.TextField()),
                ("value", models.TextField()),
                ("is_open", models.BooleanField(default=True)),
                ("first_seen_at", models.DateTimeField()),
                ("first_run_id", models.TextField()),
                ("sample", models.JSONField(default=dict)),
                ("totals", models.JSONField(default=dict)),
                ("members", models.JSONField(default=list)),
                ("lines", models.BigIntegerField(default=0)),
                ("stake", models.BigIntegerField(default=0)),
                ("owner", models.TextField(default="")),
                ("note", models.TextField(default="")),
                ("assigned_by", models.TextField(default="")),
                ("assigned_at", models.DateTimeField(null=True)),
                ("organisation", make_owner()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "flow", "dimension", "fact", "value"),
                        name="records_unmapped_one",
                    )
                ],
                "indexes": [
                    models.Index(
                        fields=("organisation", "-stake", "id"),
                        condition=models.Q(is_open=True),
                        name="records_unmapped_queue",
                    ),
                    models.Index(
                        fields=("organisation", "flow", "-stake", "id"),
                        condition=models.Q(is_open=True),
                        name="records_unmapped_of_flow",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="UnmappedAmount",
            fields=[
                ("id", make_key()),
                (
                    "value",
                    models.ForeignKey(
                        "records.unmappedvalue",
                        on_delete=models.CASCADE,
                        related_name="amounts",
                        db_index=False,
                    ),
                ),
                ("flow", models.TextField()),
                ("member", models.TextField()),
                ("ledger", models.TextField()),
                ("period", models.TextField()),
                ("currency", models.TextField()),
                ("debit", models.TextField()),
                ("credit", models.TextField()),
                ("lines", models.BigIntegerField()),
                ("organisation", make_owner()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "value", "member", "ledger", "period", "currency"),
                        name="records_unmapped_amount_one",
                    )
                ],
                "indexes": [
                    models.Index(
                        fields=("organisation", "flow", "member"),
                        name="records_unmapped_by_member",
                    )
                ],
            },
        ),
    ]
