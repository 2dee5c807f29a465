"""Why summaries were refused, in a word each, and how much is open of each."""

from typing import Any, ClassVar

from django.db import migrations, models

from ml_connector.records.migration_operations import make_key, make_owner


class Migration(migrations.Migration):
    """Adds three columns and creates one table."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("records", "0016_pre_sign_in")]

    operations: ClassVar[list[Any]] = [
        migrations.AddField("refusedsummary", "cause", models.TextField(null=True)),
        migrations.AddField("refusedsummary", "period", models.TextField(null=True)),
        migrations.AddField("refusedsummary", "currency", models.TextField(null=True)),
        migrations.CreateModel(
            name="RefusedTally",
            fields=[
                ("id", make_key()),
                ("flow", models.TextField()),
                ("cause", models.TextField()),
                ("period", models.TextField()),
                ("currency", models.TextField()),
                ("count", models.BigIntegerField()),
                ("amount", models.TextField()),
                ("organisation", make_owner()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "flow", "cause", "period", "currency"),
                        name="records_refused_tally_one",
                    )
                ],
                "indexes": [
                    models.Index(
                        fields=("organisation", "flow"),
                        condition=models.Q(count__gt=0),
                        name="records_refused_tally_open",
                    )
                ],
            },
        ),
    ]
