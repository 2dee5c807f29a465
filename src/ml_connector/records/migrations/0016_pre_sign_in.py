"""How people are told apart."""

from typing import Any, ClassVar

from django.db import migrations, models

from ml_connector.records.migration_operations import make_key, make_owner, make_reference


class Migration(migrations.Migration):
    """Creates four tables."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("records", "0015_pre_unmapped")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="PersonAccount",
            fields=[
                ("id", make_key()),
                ("organisation", make_owner()),
                ("user", make_reference("user", on_delete=models.CASCADE)),
                ("account", models.TextField()),
                ("bound_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "account"),
                        condition=models.Q(ended_at=None),
                        name="records_account_one",
                    )
                ],
                "indexes": [
                    models.Index(fields=("organisation", "user"), name="records_account_of"),
                    models.Index(fields=("organisation", "account"), name="records_account"),
                ],
            },
        ),
        migrations.CreateModel(
            name="PersonIdentity",
            fields=[
                ("id", make_key()),
                ("organisation", make_owner()),
                ("user", make_reference("user", on_delete=models.CASCADE)),
                ("issuer", models.TextField()),
                ("subject", models.TextField()),
                ("bound_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "issuer", "subject"), name="records_identity_once"
                    ),
                    models.UniqueConstraint(
                        fields=("organisation", "user", "issuer"), name="records_identity_of"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SecondFactor",
            fields=[
                ("id", make_key()),
                ("organisation", make_owner()),
                ("user", make_reference("user", on_delete=models.CASCADE)),
                ("made_at", models.DateTimeField()),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("step_used", models.BigIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "user"), name="records_factor_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RecoveryCode",
            fields=[
                ("id", make_key()),
                ("organisation", make_owner()),
                ("factor", make_reference("secondfactor", on_delete=models.CASCADE)),
                ("digest", models.TextField()),
                ("used_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "factor", "digest"), name="records_recovery_once"
                    )
                ],
            },
        ),
    ]
