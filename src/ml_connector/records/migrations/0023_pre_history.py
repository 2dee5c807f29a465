"""Indexes by which history that nobody asks for any more is found.

Only adds: processes of the version before go on working beside it.
"""

from typing import Any, ClassVar

from django.db import migrations, models

from ml_connector.records.migration_operations import AddIndexBeside


class Migration(migrations.Migration):
    """Creates indexes beside what goes on."""

    atomic = False
    dependencies: ClassVar[list[tuple[str, str]]] = [("records", "0022_pre_laws")]

    operations: ClassVar[list[Any]] = [
        AddIndexBeside(
            model_name="alert",
            index=models.Index(
                fields=("organisation", "ended_at"),
                condition=models.Q(ended_at__isnull=False),
                name="records_alert_ended",
            ),
        ),
        AddIndexBeside(
            model_name="alertdelivery",
            index=models.Index(
                fields=("organisation", "made_at"),
                condition=models.Q(alert__isnull=True),
                name="records_alert_channel_tests",
            ),
        ),
        # Whoever removes an alert is asked by the database itself whether anything still names it.
        AddIndexBeside(
            model_name="alertoccurrence",
            index=models.Index(fields=("alert",), name="records_alert_occurrence_of"),
        ),
        AddIndexBeside(
            model_name="alertdelivery",
            index=models.Index(fields=("alert",), name="records_alert_delivery_of"),
        ),
        AddIndexBeside(
            model_name="connectiontest",
            index=models.Index(fields=("organisation", "at"), name="records_connection_test_age"),
        ),
    ]
