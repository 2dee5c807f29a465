"""Periods as they were last seen, what became of them, and maintenance windows.

Only adds: processes of the version before go on working beside it.
"""

from typing import Any, ClassVar

from django.db import migrations, models

from ml_connector.records.migration_operations import make_key, make_owner, make_unique


class Migration(migrations.Migration):
    """Creates four tables, and two columns of schedules."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("records", "0018_pre_refused_by_cause")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="PeriodWatch",
            fields=[
                ("id", make_key()),
                ("connection", models.TextField()),
                ("next_look_at", models.DateTimeField()),
                ("looked_at", models.DateTimeField(null=True)),
                ("failures", models.BigIntegerField(default=0)),
                ("problem", models.TextField(default="")),
                ("organisation", make_owner()),
            ],
            options={"constraints": [make_unique("records_watch_one", "connection")]},
        ),
        migrations.CreateModel(
            name="KnownPeriod",
            fields=[
                ("id", make_key()),
                ("connection", models.TextField()),
                ("ledger", models.TextField()),
                ("name", models.TextField()),
                ("calendar", models.TextField()),
                ("year", models.BigIntegerField()),
                ("number", models.BigIntegerField()),
                ("date_first", models.DateField()),
                ("date_last", models.DateField()),
                ("is_adjustment", models.BooleanField(default=False)),
                ("state", models.TextField(default="")),
                ("seen_at", models.DateTimeField(null=True)),
                ("organisation", make_owner()),
            ],
            options={
                "constraints": [make_unique("records_period_one", "connection", "ledger", "name")]
            },
        ),
        migrations.CreateModel(
            name="PeriodEvent",
            fields=[
                ("id", make_key()),
                ("connection", models.TextField()),
                ("ledger", models.TextField()),
                ("period", models.TextField()),
                ("kind", models.TextField()),
                ("number", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                ("organisation", make_owner()),
            ],
            options={
                "constraints": [
                    make_unique(
                        "records_period_event_one",
                        "connection",
                        "ledger",
                        "period",
                        "kind",
                        "number",
                    ),
                    make_unique("records_period_event_at", "at"),
                ]
            },
        ),
        migrations.CreateModel(
            name="MaintenanceWindow",
            fields=[
                ("id", make_key()),
                ("key", models.TextField()),
                ("connection", models.TextField()),
                ("begins", models.TextField()),
                ("ends", models.TextField()),
                ("zone", models.TextField()),
                ("reason", models.TextField(default="")),
                ("is_filed", models.BooleanField(default=False)),
                ("added_by", models.TextField()),
                ("added_at", models.DateTimeField()),
                ("organisation", make_owner()),
            ],
            options={"constraints": [make_unique("records_maintenance_one", "key")]},
        ),
        migrations.AddField("Schedule", "done_at", models.DateTimeField(null=True)),
        migrations.AddField("Schedule", "since_at", models.DateTimeField(null=True)),
    ]
