"""Indexes for installations with many thousand runs, found by looking at every question's plan.

Only adds: processes of the version before go on working beside it.
"""

from typing import Any, ClassVar

from django.db import migrations, models

INDEXES: list[tuple[str, Any]] = [
    ("run", models.Index(fields=("organisation", "-id"), name="records_run_by_age")),
    ("run", models.Index(fields=("organisation", "flow", "state"), name="records_run_by_state")),
    (
        "run",
        models.Index(
            fields=("organisation", "run_id"),
            opclasses=("int8_ops", "text_pattern_ops"),
            name="records_run_by_prefix",
        ),
    ),
    (
        "intent",
        models.Index(
            fields=("organisation", "model_id", "state", "made_at"), name="records_intent_by_model"
        ),
    ),
    ("posting", models.Index(fields=("organisation", "-id"), name="records_posting_by_age")),
    (
        "posting",
        models.Index(fields=("organisation", "flow", "-id"), name="records_posting_by_flow"),
    ),
    (
        "posting",
        models.Index(fields=("organisation", "run_id", "-id"), name="records_posting_by_run"),
    ),
    ("approval", models.Index(fields=("organisation", "-id"), name="records_approval_by_age")),
    (
        "auditlink",
        models.Index(fields=("organisation", "run_id", "event"), name="records_audit_by_run"),
    ),
]


class Migration(migrations.Migration):
    """Creates indexes."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("records", "0009_pre_schedules")]

    operations: ClassVar[list[Any]] = [
        migrations.AddIndex(model_name=name, index=index) for name, index in INDEXES
    ]
