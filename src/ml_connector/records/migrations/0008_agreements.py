"""What model and ERP each held of a member when they last said the same."""

from typing import Any, ClassVar

from django.db import migrations, models

from ml_connector.records.migration_operations import make_key, make_owner


class Migration(migrations.Migration):
    """Creates one table."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("records", "0007_postings_guard")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="Agreement",
            fields=[
                ("id", make_key()),
                ("flow", models.TextField()),
                ("code", models.TextField()),
                ("attributes", models.JSONField()),
                ("run_id", models.TextField()),
                ("at", models.DateTimeField()),
                ("organisation", make_owner()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "flow", "code"), name="records_agreement_one"
                    )
                ],
            },
        ),
    ]
