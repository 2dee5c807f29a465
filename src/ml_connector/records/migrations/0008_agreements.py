"""What model and ERP each held of a member when they last said the same."""

from typing import Any, ClassVar

from django.db import migrations, models


def _sort_codes_by_bytes(_apps: Any, schema_editor: Any) -> None:
    """Codes sort as Python sorts them, which SQLite does anyway; the key's index follows."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            'ALTER TABLE records_agreement ALTER COLUMN code TYPE text COLLATE "C"'
        )


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
        migrations.RunPython(_sort_codes_by_bytes, migrations.RunPython.noop),
    ]
