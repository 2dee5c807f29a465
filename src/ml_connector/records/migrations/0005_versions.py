"""What tells one state of a batch from another, and which batches are not posted yet."""

from typing import Any, ClassVar

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Batches known before get an empty version: whatever a listing says is news of them."""

    dependencies: ClassVar[list[Any]] = [
        ("records", "0004_audit_guard"),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.AddField(
            model_name="batchrevision",
            name="version",
            field=models.TextField(default=""),
        ),
        migrations.AddField(
            model_name="mappingapplied",
            name="explained_hash",
            field=models.TextField(default=""),
        ),
        migrations.CreateModel(
            name="PendingBatch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("connection", models.TextField()),
                ("batch_id", models.TextField()),
                (
                    "organisation",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="records.organisation",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "connection", "batch_id"),
                        name="records_pending_one",
                    )
                ],
            },
        ),
    ]
