"""An index by which old times of schedules are found.

Only adds: processes of the version before go on working beside it.
"""

from typing import Any, ClassVar

from django.db import migrations, models

from ml_connector.records.migration_operations import AddIndexBeside


class Migration(migrations.Migration):
    """Creates an index beside what goes on."""

    atomic = False
    dependencies: ClassVar[list[tuple[str, str]]] = [("records", "0024_pre_stops")]

    operations: ClassVar[list[Any]] = [
        AddIndexBeside(
            model_name="firing",
            index=models.Index(
                fields=("organisation", "ended_at"),
                condition=models.Q(ended_at__isnull=False),
                name="records_firing_ended",
            ),
        ),
    ]
