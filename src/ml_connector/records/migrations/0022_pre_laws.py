"""Which run applies a plan, and where in the planning system a standing's amounts are held.

Only adds: processes of the version before go on working beside it.
"""

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds two columns."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("records", "0021_pre_trace")]

    operations: ClassVar[list[Any]] = [
        migrations.AddField("approval", "applied_run", models.TextField(null=True)),
        migrations.AddField("standing", "target", models.TextField(null=True)),
    ]
