"""What people are told of by themselves, what connections were found to be, requests by minute.

Only adds: processes of the version before go on working beside it.
"""

from typing import Any, ClassVar

from django.db import migrations, models

from ml_connector.records.migration_operations import (
    make_key,
    make_owner,
    make_reference,
    make_unique,
)

IS_OPEN = models.Q(ended_at__isnull=True)


def _make_table(name: str, *fields: tuple[str, Any], **options: Any) -> migrations.CreateModel:
    return migrations.CreateModel(
        name=name,
        fields=[
            ("id", make_key()), *fields,
            ("organisation", make_owner()),
        ],
        options=options,
    )  # fmt: skip


def _find(name: str, *fields: str, **how: Any) -> models.Index:
    return models.Index(fields=("organisation", *fields), name=name, **how)


def _words(*names: str) -> list[tuple[str, Any]]:
    return [(name, models.TextField(default="")) for name in names]


def _instants(*names: str, null: bool = False) -> list[tuple[str, Any]]:
    return [(name, models.DateTimeField(null=null)) for name in names]


class Migration(migrations.Migration):
    """Creates seven tables."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("records", "0019_pre_closing")]

    operations: ClassVar[list[Any]] = [
        _make_table(
            "AlertNote",
            ("kind", models.TextField()), ("key", models.TextField()), *_words("state"),
            *_instants("at"),
            indexes=[_find("records_alert_note_order", "id")],
        ),
        _make_table(
            "AlertMark",
            ("name", models.TextField()), *_instants("at"),
            constraints=[make_unique("records_alert_mark_one", "name")],
        ),
        _make_table(
            "Alert",
            *((name, models.TextField())
              for name in ("alert_id", "event", "severity", "subject", "cause")),
            *_words("run_id"), ("title", models.TextField()),
            ("happened", models.JSONField(default=list)), *_words("written", "next_step"),
            ("count", models.BigIntegerField(default=1)),
            ("told_count", models.BigIntegerField(default=0)),
            *_instants("told_at", null=True), *_instants("first_at", "last_at"),
            *_instants("ended_at", null=True), *_words("ended_by"),
            *_instants("acknowledged_at", null=True), *_words("acknowledged_by", "remark"),
            constraints=[
                make_unique("records_alert_one", "alert_id"),
                make_unique(
                    "records_alert_one_open", "event", "subject", "cause", condition=IS_OPEN
                ),
            ],
            indexes=[
                _find("records_alert_by_age", "-id"),
                _find("records_alert_open", "subject", condition=IS_OPEN),
            ],
        ),
        _make_table(
            "AlertOccurrence",
            ("key", models.TextField()), *_words("run_id", "text"), *_instants("at"),
            ("alert", make_reference("alert")),
            constraints=[make_unique("records_alert_occurrence_one", "key")],
            indexes=[_find("records_alert_occurrences", "alert", "-id")],
        ),
        _make_table(
            "AlertDelivery",
            ("channel", models.TextField()), ("kind", models.TextField()),
            ("number", models.BigIntegerField(default=1)), ("state", models.TextField()),
            *_instants("made_at", "due_at"),
            ("attempts", models.BigIntegerField(default=0)),
            ("lapses", models.BigIntegerField(default=0)),
            *_words("holder"), *_instants("sent_at", null=True), *_words("error"),
            ("alert", make_reference("alert", null=True)),
            constraints=[
                make_unique("records_alert_delivery_one", "alert", "channel", "kind", "number")
            ],
            indexes=[
                _find("records_alert_delivery_due", "state", "due_at"),
                _find("records_alert_deliveries", "alert", "-id"),
                _find("records_alert_delivery_by_age", "-id"),
                _find("records_alert_delivery_channel", "channel", "-id"),
            ],
        ),
        _make_table(
            "ConnectionTest",
            ("connection", models.TextField()), ("actor", models.TextField()), *_instants("at"),
            ("milliseconds", models.BigIntegerField()), ("is_whole", models.BooleanField()),
            ("checks", models.JSONField()),
            indexes=[_find("records_connection_test_new", "connection", "-id")],
        ),
        _make_table(
            "BudgetMinute",
            ("key", models.TextField()), ("minute", models.DateTimeField()),
            ("grants", models.BigIntegerField()),
            constraints=[make_unique("records_budget_minute_one", "key", "minute")],
        ),
    ]  # fmt: skip
