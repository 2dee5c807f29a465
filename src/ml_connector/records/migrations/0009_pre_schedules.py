"""Schedules and their firings.

Only adds: processes of the version before go on working beside it.
"""

from typing import Any, ClassVar

from django.db import migrations, models

from ml_connector.records.migration_operations import make_key, make_owner

OPEN = ["claimed", "recorded", "waiting"]
"""States in which somebody has to do something yet."""


class Migration(migrations.Migration):
    """Creates two tables."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("records", "0008_agreements")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="Schedule",
            fields=[
                ("id", make_key()),
                ("name", models.TextField()),
                ("flow", models.TextField()),
                ("definition", models.JSONField(default=dict)),
                ("is_listed", models.BooleanField(default=True)),
                ("next_due_at", models.DateTimeField(null=True)),
                ("paused_by", models.TextField(default="")),
                ("paused_at", models.DateTimeField(null=True)),
                ("organisation", make_owner()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "name"), name="records_schedule_one"
                    )
                ],
                "indexes": [
                    models.Index(
                        fields=("organisation", "next_due_at"),
                        condition=models.Q(next_due_at__isnull=False),
                        name="records_schedule_due",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Firing",
            fields=[
                ("id", make_key()),
                ("schedule", models.TextField()),
                ("flow", models.TextField()),
                ("due_at", models.DateTimeField()),
                ("run_id", models.TextField()),
                ("state", models.TextField()),
                ("reason", models.TextField(default="")),
                ("actor", models.TextField()),
                ("request", models.JSONField(default=dict)),
                ("looks", models.BigIntegerField(default=0)),
                ("looked_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("organisation", make_owner()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "schedule", "due_at"), name="records_firing_one"
                    )
                ],
                "indexes": [
                    models.Index(
                        fields=("organisation", "looked_at"),
                        condition=models.Q(state__in=OPEN),
                        name="records_firing_open",
                    )
                ],
            },
        ),
    ]
