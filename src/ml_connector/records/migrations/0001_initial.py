"""Organisations, people, runs and batches: every row belongs to an organisation from the start."""

from typing import Any, ClassVar

from django.db import migrations, models


def _owned(*fields: tuple[str, Any]) -> list[tuple[str, Any]]:
    identity: models.BigAutoField[int, int] = models.BigAutoField(
        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
    )
    organisation: models.ForeignKey[Any, Any] = models.ForeignKey(
        "records.organisation", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    return [("id", identity), ("organisation", organisation), *fields]


def _create_default_organisation(apps: Any, _schema_editor: Any) -> None:
    apps.get_model("records", "Organisation").objects.create(name="default")


class Migration(migrations.Migration):
    """Creates tables, and the default organisation."""

    initial = True

    dependencies: ClassVar[list[tuple[str, str]]] = [
        ("auth", "0012_alter_user_first_name_max_length")
    ]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="Organisation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.TextField(unique=True)),
            ],
        ),
        migrations.CreateModel(
            name="User",
            fields=_owned(
                ("password", models.CharField(max_length=128, verbose_name="password")),
                (
                    "last_login",
                    models.DateTimeField(blank=True, null=True, verbose_name="last login"),
                ),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions "
                        "without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                ("username", models.TextField()),
                ("display_name", models.TextField(blank=True, default="")),
                ("email", models.EmailField(blank=True, default="", max_length=254)),
                ("is_active", models.BooleanField(default=True)),
                ("joined_at", models.DateTimeField(auto_now_add=True)),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. "
                        "A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ),
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "username"), name="records_user_one_name"
                    )
                ]
            },
        ),
        migrations.CreateModel(
            name="Run",
            fields=_owned(
                ("run_id", models.TextField()),
                ("flow", models.TextField()),
                ("kind", models.TextField()),
                ("state", models.TextField()),
                ("actor", models.TextField()),
                ("request", models.JSONField()),
                ("summary", models.JSONField(default=dict)),
                ("error", models.JSONField(null=True)),
                ("created_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
            ),
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "run_id"), name="records_run_one_id"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(
                            ("state__in", ["interrupted", "outcome unknown", "queued", "running"])
                        ),
                        fields=("organisation", "flow"),
                        name="records_run_one_unfinished",
                    ),
                ],
                "indexes": [
                    models.Index(fields=["organisation", "flow", "-id"], name="records_run_newest")
                ],
            },
        ),
        migrations.CreateModel(
            name="Step",
            fields=_owned(
                (
                    "run",
                    models.ForeignKey(
                        db_index=False, on_delete=models.PROTECT, related_name="+", to="records.run"
                    ),
                ),
                ("name", models.TextField()),
                ("attempt", models.BigIntegerField()),
                ("state", models.TextField()),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
                ("result", models.JSONField(default=dict)),
            ),
            options={
                "indexes": [
                    models.Index(fields=["organisation", "run", "id"], name="records_step_in_order")
                ]
            },
        ),
        migrations.CreateModel(
            name="Watermark",
            fields=_owned(
                ("connection", models.TextField()),
                ("at", models.DateTimeField()),
            ),
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "connection"), name="records_watermark_one"
                    )
                ]
            },
        ),
        migrations.CreateModel(
            name="BatchRevision",
            fields=_owned(
                ("connection", models.TextField()),
                ("batch_id", models.TextField()),
                ("revision", models.BigIntegerField()),
                ("is_current", models.BooleanField()),
                ("is_removed", models.BooleanField()),
                ("updated_at", models.DateTimeField()),
                ("file_hash", models.TextField()),
                ("content_hash", models.TextField()),
                ("lines", models.BigIntegerField()),
                ("name", models.TextField()),
                ("run_id", models.TextField()),
                ("periods", models.JSONField()),
            ),
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "connection", "batch_id", "revision"),
                        name="records_revision_one_number",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("is_current", True)),
                        fields=("organisation", "connection", "batch_id"),
                        name="records_revision_one_current",
                    ),
                ]
            },
        ),
        migrations.CreateModel(
            name="BatchPeriod",
            fields=_owned(
                (
                    "revision",
                    models.ForeignKey(
                        on_delete=models.PROTECT, related_name="+", to="records.batchrevision"
                    ),
                ),
                ("connection", models.TextField()),
                ("ledger", models.TextField()),
                ("period", models.TextField()),
            ),
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "connection", "ledger", "period", "revision"),
                        name="records_batch_period_one",
                    )
                ]
            },
        ),
        migrations.CreateModel(
            name="WholePeriod",
            fields=_owned(
                ("connection", models.TextField()),
                ("ledger", models.TextField()),
                ("period", models.TextField()),
                ("run_id", models.TextField()),
                ("at", models.DateTimeField()),
            ),
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "connection", "ledger", "period"),
                        name="records_whole_period_one",
                    )
                ]
            },
        ),
        migrations.CreateModel(
            name="TouchedPeriod",
            fields=_owned(
                ("flow", models.TextField()),
                ("ledger", models.TextField()),
                ("period", models.TextField()),
            ),
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "flow", "ledger", "period"),
                        name="records_touched_period_one",
                    )
                ]
            },
        ),
        migrations.RunPython(_create_default_organisation, migrations.RunPython.noop),
    ]
