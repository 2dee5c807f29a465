"""Leases, intents, plans, shadows, loads and mapping versions."""

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


class Migration(migrations.Migration):
    """Creates tables only."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("records", "0001_initial")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="ModelLease",
            fields=_owned(
                ("model_id", models.TextField()),
                ("holder", models.TextField()),
                ("fence", models.BigIntegerField()),
                ("seconds", models.BigIntegerField()),
                ("expires_at", models.DateTimeField()),
            ),
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "model_id"), name="records_lease_one"
                    )
                ]
            },
        ),
        migrations.CreateModel(
            name="Intent",
            fields=_owned(
                ("intent_id", models.TextField()),
                ("run_id", models.TextField()),
                ("model_id", models.TextField()),
                ("action_id", models.TextField()),
                ("action_name", models.TextField()),
                ("content_hash", models.TextField()),
                ("state", models.TextField()),
                ("task_id", models.TextField()),
                ("made_at", models.DateTimeField()),
                ("fence", models.BigIntegerField()),
            ),
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "intent_id"), name="records_intent_one_id"
                    ),
                    models.UniqueConstraint(
                        fields=("organisation", "run_id", "model_id", "action_id", "content_hash"),
                        name="records_intent_one_content",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ("open", "unknown"))),
                        fields=("organisation", "model_id"),
                        name="records_intent_one_unsettled",
                    ),
                ],
                "indexes": [
                    models.Index(
                        fields=["organisation", "action_id", "task_id"],
                        name="records_intent_by_task",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Plan",
            fields=_owned(
                ("plan_hash", models.TextField()),
                ("run_id", models.TextField()),
                ("flow", models.TextField()),
                ("model_id", models.TextField()),
                ("mapping_hash", models.TextField()),
                ("shadow_revision", models.BigIntegerField()),
                ("periods", models.JSONField()),
                ("totals", models.JSONField()),
                ("created_at", models.DateTimeField()),
                ("state", models.TextField()),
            ),
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "plan_hash"), name="records_plan_one"
                    )
                ]
            },
        ),
        migrations.CreateModel(
            name="Shadow",
            fields=_owned(
                ("flow", models.TextField()),
                ("model_id", models.TextField()),
                ("revision", models.BigIntegerField()),
            ),
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "flow", "model_id"), name="records_shadow_one"
                    )
                ]
            },
        ),
        migrations.CreateModel(
            name="ShadowFile",
            fields=_owned(
                (
                    "shadow",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=models.PROTECT,
                        related_name="+",
                        to="records.shadow",
                    ),
                ),
                ("period", models.TextField()),
                ("revision", models.BigIntegerField()),
                ("file_hash", models.TextField()),
                ("why", models.TextField()),
                ("at", models.DateTimeField()),
                ("is_current", models.BooleanField()),
            ),
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "shadow", "period", "revision"),
                        name="records_shadow_file_one",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("is_current", True)),
                        fields=("organisation", "shadow", "period"),
                        name="records_shadow_file_current",
                    ),
                ]
            },
        ),
        migrations.CreateModel(
            name="Load",
            fields=_owned(
                ("load_id", models.TextField()),
                ("run_id", models.TextField()),
                ("flow", models.TextField()),
                ("plan_hash", models.TextField()),
                ("intent_id", models.TextField()),
                ("task_id", models.TextField()),
                ("outcome", models.TextField()),
                ("chunks", models.BigIntegerField()),
                ("cells_sent", models.BigIntegerField()),
                ("cells_refused", models.BigIntegerField()),
                ("result_hash", models.TextField()),
                ("dump_hashes", models.JSONField()),
                ("created_at", models.DateTimeField()),
            ),
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "load_id"), name="records_load_one"
                    )
                ],
                "indexes": [
                    models.Index(
                        fields=["organisation", "flow", "id"], name="records_load_by_flow"
                    ),
                    models.Index(
                        fields=["organisation", "run_id", "id"], name="records_load_by_run"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RefusedSummary",
            fields=_owned(
                (
                    "load",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=models.PROTECT,
                        related_name="+",
                        to="records.load",
                    ),
                ),
                ("flow", models.TextField()),
                ("key", models.TextField()),
                ("before", models.TextField()),
                ("after", models.TextField()),
                ("reasons", models.JSONField()),
                ("is_settled", models.BooleanField()),
            ),
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "load", "key"), name="records_refused_one"
                    )
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("is_settled", False)),
                        fields=["organisation", "flow", "key"],
                        name="records_refused_open",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MappingVersion",
            fields=_owned(
                ("flow", models.TextField()),
                ("number", models.BigIntegerField()),
                ("content_hash", models.TextField()),
                ("content", models.TextField()),
                ("actor", models.TextField()),
                ("at", models.DateTimeField()),
            ),
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "flow", "number"), name="records_mapping_one_number"
                    ),
                    models.UniqueConstraint(
                        fields=("organisation", "flow", "content_hash"),
                        name="records_mapping_one_hash",
                    ),
                ],
                "indexes": [
                    models.Index(
                        fields=["organisation", "content_hash"], name="records_mapping_by_hash"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MappingApplied",
            fields=_owned(
                ("flow", models.TextField()),
                ("content_hash", models.TextField()),
                ("at", models.DateTimeField()),
            ),
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "flow"), name="records_mapping_applied_one"
                    )
                ]
            },
        ),
    ]
