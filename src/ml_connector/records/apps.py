"""The Django app that holds every row of records."""

from django.apps import AppConfig


class RecordsConfig(AppConfig):
    """The app `records`: tables are named `records_*`."""

    name = "ml_connector.records"
    label = "records"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Records"
