"""Tokens of programs, and the runs that were asked for under a key."""

from typing import Any, ClassVar

from django.db import migrations, models


def _key() -> Any:
    return models.BigAutoField(
        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
    )


def _owner() -> Any:
    return models.ForeignKey(
        "records.organisation", on_delete=models.PROTECT, related_name="+", db_index=False
    )


class Migration(migrations.Migration):
    """Creates two tables."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("records", "0012_pre_sign_offs")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                ("id", _key()),
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
                ("organisation", _owner()),
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
                ("id", _key()),
                ("actor", models.TextField()),
                ("key", models.TextField()),
                ("digest", models.TextField()),
                ("run_id", models.TextField()),
                ("asked_at", models.DateTimeField()),
                ("organisation", _owner()),
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
