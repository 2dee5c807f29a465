"""Sign-offs of periods; the database itself refuses to change or remove one."""

from typing import Any, ClassVar

from django.db import migrations, models

from ml_connector.records.migration_operations import make_key, make_owner, make_reference

OLDER_CODE_GOES_ON = "The triggers are on tables that older code neither reads nor writes."
SAME = {
    "signoff": "sign_off_id = NEW.sign_off_id OR (flow = NEW.flow AND ledger = NEW.ledger"
    " AND period = NEW.period AND number = NEW.number)",
    "withdrawal": "sign_off_id = NEW.sign_off_id",
}
"""What a row would replace, by table."""
SQLITE = (
    """
    CREATE TRIGGER records_{0}_no_update BEFORE UPDATE ON records_{0}
    BEGIN SELECT RAISE(ABORT, 'sign-offs are never changed'); END
    """,
    """
    CREATE TRIGGER records_{0}_no_delete BEFORE DELETE ON records_{0}
    BEGIN SELECT RAISE(ABORT, 'sign-offs are never removed'); END
    """,
    # INSERT OR REPLACE removes what is in its way without asking the triggers on removal.
    """
    CREATE TRIGGER records_{0}_no_replace BEFORE INSERT ON records_{0}
    WHEN EXISTS (
        SELECT 1 FROM records_{0}
        WHERE id = NEW.id OR (organisation_id = NEW.organisation_id AND ({1}))
    )
    BEGIN SELECT RAISE(ABORT, 'sign-offs are never changed'); END
    """,
)
SQLITE_UNDONE = (
    "DROP TRIGGER records_{0}_no_update",
    "DROP TRIGGER records_{0}_no_delete",
    "DROP TRIGGER records_{0}_no_replace",
)
POSTGRESQL = (
    """
    CREATE FUNCTION records_{0}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'sign-offs are never changed or removed'; END $$
    """,
    """
    CREATE TRIGGER records_{0}_no_change BEFORE UPDATE OR DELETE ON records_{0}
    FOR EACH ROW EXECUTE FUNCTION records_{0}_refuse()
    """,
    """
    CREATE TRIGGER records_{0}_no_truncate BEFORE TRUNCATE ON records_{0}
    FOR EACH STATEMENT EXECUTE FUNCTION records_{0}_refuse()
    """,
)
POSTGRESQL_UNDONE = (
    "DROP TRIGGER records_{0}_no_change ON records_{0}",
    "DROP TRIGGER records_{0}_no_truncate ON records_{0}",
    "DROP FUNCTION records_{0}_refuse",
)


def _guard(_apps: Any, schema_editor: Any) -> None:
    is_sqlite = schema_editor.connection.vendor == "sqlite"
    _execute(schema_editor, SQLITE if is_sqlite else POSTGRESQL)


def _unguard(_apps: Any, schema_editor: Any) -> None:
    is_sqlite = schema_editor.connection.vendor == "sqlite"
    _execute(schema_editor, SQLITE_UNDONE if is_sqlite else POSTGRESQL_UNDONE)


def _execute(schema_editor: Any, statements: tuple[str, ...]) -> None:
    for table, same in SAME.items():
        for statement in statements:
            schema_editor.execute(statement.format(table, same))


class Migration(migrations.Migration):
    """Creates two tables and their guards."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("records", "0011_pre_roles")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="SignOff",
            fields=[
                ("id", make_key()),
                ("sign_off_id", models.TextField()),
                ("flow", models.TextField()),
                ("ledger", models.TextField()),
                ("period", models.TextField()),
                ("number", models.BigIntegerField()),
                ("proof_hash", models.TextField()),
                ("run_id", models.TextField()),
                ("signed_by", models.TextField()),
                ("comment", models.TextField()),
                ("stated", models.TextField()),
                ("signed_at", models.DateTimeField()),
                ("organisation", make_owner()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "flow", "ledger", "period", "number"),
                        name="records_sign_off_one_number",
                    ),
                    models.UniqueConstraint(
                        fields=("organisation", "sign_off_id"), name="records_sign_off_one_id"
                    ),
                ],
                "indexes": [
                    models.Index(fields=("organisation", "-id"), name="records_sign_off_by_age")
                ],
            },
        ),
        migrations.CreateModel(
            name="Withdrawal",
            fields=[
                ("id", make_key()),
                (
                    "sign_off",
                    make_reference("signoff"),
                ),
                ("actor", models.TextField()),
                ("reason", models.TextField()),
                ("at", models.DateTimeField()),
                ("organisation", make_owner()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "sign_off"), name="records_withdrawal_once"
                    )
                ],
            },
        ),
        migrations.RunPython(_guard, _unguard),
    ]
