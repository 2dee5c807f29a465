"""Standings of the periods of each ledger, and their past.

Only adds: processes of the version before go on working beside it.
"""

from typing import Any, ClassVar

from django.db import migrations, models

from ml_connector.records.migration_operations import make_key, make_owner


class Migration(migrations.Migration):
    """Creates two tables."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("records", "0013_pre_tokens")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="Standing",
            fields=[
                ("id", make_key()),
                ("flow", models.TextField()),
                ("ledger", models.TextField()),
                ("period", models.TextField()),
                ("member", models.TextField()),
                ("date_first", models.DateField(null=True)),
                ("date_last", models.DateField(null=True)),
                ("status", models.TextField(default="")),
                ("stages", models.JSONField()),
                ("amounts", models.JSONField()),
                ("content_hash", models.TextField()),
                ("report", models.TextField(default="")),
                ("proof_hash", models.TextField()),
                ("run_id", models.TextField()),
                ("at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
                ("organisation", make_owner()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "flow", "ledger", "period"),
                        name="records_standing_one",
                    )
                ],
                "indexes": [
                    models.Index(
                        fields=("organisation", "date_last"), name="records_standing_ends"
                    ),
                    models.Index(
                        fields=("organisation", "flow", "member"), name="records_standing_member"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StandingChange",
            fields=[
                ("id", make_key()),
                ("flow", models.TextField()),
                ("ledger", models.TextField()),
                ("period", models.TextField()),
                ("is_tied", models.BooleanField()),
                ("has_unexplained", models.BooleanField()),
                ("proof_hash", models.TextField()),
                ("run_id", models.TextField()),
                ("at", models.DateTimeField()),
                ("organisation", make_owner()),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=("organisation", "flow", "ledger", "period", "at"),
                        name="records_standing_past",
                    )
                ],
            },
        ),
    ]
