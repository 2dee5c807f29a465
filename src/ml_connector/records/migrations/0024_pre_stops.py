"""Runs remember who has asked them to stop.

Only adds: processes of the version before go on working beside it, and stop nothing.
"""

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds a column that older code leaves empty."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("records", "0023_pre_history")]

    operations: ClassVar[list[Any]] = [
        migrations.AddField("run", "stop_asked_by", models.TextField(null=True)),
    ]
