"""Periods as they were last seen, what became of them, and maintenance windows.

Only adds: processes of the version before go on working beside it.
"""

from typing import Any, ClassVar

from django.db import migrations, models


def _make_key() -> Any:
    return models.BigAutoField(
        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
    )


def _make_owner() -> Any:
    return models.ForeignKey(
        "records.organisation", on_delete=models.PROTECT, related_name="+", db_index=False
    )


def _make_unique(name: str, *names: str) -> Any:
    return models.UniqueConstraint(fields=("organisation", *names), name=f"records_{name}")


class Migration(migrations.Migration):
    """Creates four tables, and two columns of schedules."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("records", "0018_pre_refused_by_cause")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="PeriodWatch",
            fields=[
                ("id", _make_key()),
                ("connection", models.TextField()),
                ("next_look_at", models.DateTimeField()),
                ("looked_at", models.DateTimeField(null=True)),
                ("failures", models.BigIntegerField(default=0)),
                ("problem", models.TextField(default="")),
                ("organisation", _make_owner()),
            ],
            options={"constraints": [_make_unique("watch_one", "connection")]},
        ),
        migrations.CreateModel(
            name="KnownPeriod",
            fields=[
                ("id", _make_key()),
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
                ("organisation", _make_owner()),
            ],
            options={"constraints": [_make_unique("period_one", "connection", "ledger", "name")]},
        ),
        migrations.CreateModel(
            name="PeriodEvent",
            fields=[
                ("id", _make_key()),
                ("connection", models.TextField()),
                ("ledger", models.TextField()),
                ("period", models.TextField()),
                ("kind", models.TextField()),
                ("number", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                ("organisation", _make_owner()),
            ],
            options={
                "constraints": [
                    _make_unique(
                        "period_event_one", "connection", "ledger", "period", "kind", "number"
                    ),
                    _make_unique("period_event_at", "at"),
                ]
            },
        ),
        migrations.CreateModel(
            name="MaintenanceWindow",
            fields=[
                ("id", _make_key()),
                ("key", models.TextField()),
                ("connection", models.TextField()),
                ("begins", models.TextField()),
                ("ends", models.TextField()),
                ("zone", models.TextField()),
                ("reason", models.TextField(default="")),
                ("is_filed", models.BooleanField(default=False)),
                ("added_by", models.TextField()),
                ("added_at", models.DateTimeField()),
                ("organisation", _make_owner()),
            ],
            options={"constraints": [_make_unique("maintenance_one", "key")]},
        ),
        migrations.AddField("Schedule", "done_at", models.DateTimeField(null=True)),
        migrations.AddField("Schedule", "since_at", models.DateTimeField(null=True)),
    ]
