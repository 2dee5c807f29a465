"""Tokens of programs, and the runs that were asked for under a key."""

from typing import Any, ClassVar

from django.db import migrations, models

from ml_connector.records.migration_operations import make_key, make_owner, make_reference


class Migration(migrations.Migration):
    """Creates two tables."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("records", "0012_pre_sign_offs")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                ("id", make_key()),
                ("token_id", models.TextField()),
                ("digest", models.TextField()),
                ("name", models.TextField()),
                ("rights", models.JSONField(default=list)),
                ("created_at", models.DateTimeField()),
                ("created_by", models.TextField()),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                ("revoked_by", models.TextField(default="")),
                ("organisation", make_owner()),
                (
                    "user",
                    make_reference("user", on_delete=models.CASCADE),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "token_id"), name="records_token_one"
                    )
                ],
                "indexes": [
                    models.Index(fields=("organisation", "user"), name="records_token_by_user")
                ],
            },
        ),
        migrations.CreateModel(
            name="AskedRun",
            fields=[
                ("id", make_key()),
                ("actor", models.TextField()),
                ("key", models.TextField()),
                ("digest", models.TextField()),
                ("run_id", models.TextField()),
                ("asked_at", models.DateTimeField()),
                ("organisation", make_owner()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "actor", "key"), name="records_asked_run_one"
                    )
                ],
                "indexes": [
                    models.Index(
                        fields=("organisation", "asked_at"), name="records_asked_run_by_age"
                    )
                ],
            },
        ),
    ]
