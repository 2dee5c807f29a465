"""What people may do."""

from typing import Any, ClassVar

from django.db import migrations, models

from ml_connector.records.migration_operations import make_key, make_owner, make_reference


class Migration(migrations.Migration):
    """Creates one table."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("records", "0010_pre_indexes")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="PersonRole",
            fields=[
                ("id", make_key()),
                ("role", models.TextField()),
                ("organisation", make_owner()),
                (
                    "user",
                    make_reference("user", on_delete=models.CASCADE),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "user", "role"), name="records_role_once"
                    )
                ],
            },
        ),
    ]
