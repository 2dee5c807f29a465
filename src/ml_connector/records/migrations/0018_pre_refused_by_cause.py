"""Open refusals are found by why they were refused."""

from typing import Any, ClassVar

from django.db import migrations, models

from ml_connector.records.migration_operations import AddIndexBeside


class Migration(migrations.Migration):
    """Builds one index while others write."""

    atomic = False
    dependencies: ClassVar[list[tuple[str, str]]] = [("records", "0017_pre_refused_causes")]

    operations: ClassVar[list[Any]] = [
        AddIndexBeside(
            model_name="refusedsummary",
            index=models.Index(
                fields=("organisation", "flow", "cause", "period", "id"),
                condition=models.Q(is_settled=False),
                name="records_refused_cause",
            ),
        ),
    ]
