"""Indexes by which a key is traced: tasks, plans, subjects of the audit chain.

Only adds: processes of the version before go on working beside it.
"""

from typing import Any, ClassVar

from django.db import migrations, models

from ml_connector.records.migration_operations import AddIndexBeside

COLUMNS = (
    ("load", "task_id", "records_load_by_task"),
    ("load", "plan_hash", "records_load_by_plan"),
    ("intent", "task_id", "records_intent_task"),
    ("auditlink", "subject", "records_audit_by_subject"),
)


class Migration(migrations.Migration):
    """Creates indexes beside what goes on."""

    atomic = False
    dependencies: ClassVar[list[tuple[str, str]]] = [("records", "0020_pre_alerts")]

    operations: ClassVar[list[Any]] = [
        AddIndexBeside(
            model_name=model,
            index=models.Index(
                fields=("organisation", column),
                opclasses=("int8_ops", "text_pattern_ops"),
                name=name,
            ),
        )
        for model, column, name in COLUMNS
    ]
