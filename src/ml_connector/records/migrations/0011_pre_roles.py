"""What people may do."""

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Creates one table."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("records", "0010_pre_indexes")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="PersonRole",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("role", models.TextField()),
                (
                    "organisation",
                    models.ForeignKey(
                        "records.organisation",
                        on_delete=models.PROTECT,
                        related_name="+",
                        db_index=False,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        "records.user",
                        on_delete=models.CASCADE,
                        related_name="+",
                        db_index=False,
                    ),
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
