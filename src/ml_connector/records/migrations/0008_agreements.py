"""What model and ERP each held of a member when they last said the same."""

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Creates one table."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("records", "0007_postings_guard")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="Agreement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("flow", models.TextField()),
                ("code", models.TextField()),
                ("attributes", models.JSONField()),
                ("run_id", models.TextField()),
                ("at", models.DateTimeField()),
                (
                    "organisation",
                    models.ForeignKey(
                        "records.organisation",
                        on_delete=models.PROTECT,
                        related_name="+",
                        db_index=False,
                    ),
                ),
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
