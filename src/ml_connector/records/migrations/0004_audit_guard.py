"""The database itself refuses to change or remove links of the audit chain."""

from typing import Any, ClassVar

from django.db import migrations

SQLITE = (
    """
    CREATE TRIGGER records_audit_no_update BEFORE UPDATE ON records_auditlink
    BEGIN SELECT RAISE(ABORT, 'links of the audit chain are never changed'); END
    """,
    """
    CREATE TRIGGER records_audit_no_delete BEFORE DELETE ON records_auditlink
    BEGIN SELECT RAISE(ABORT, 'links of the audit chain are never removed'); END
    """,
    """
    CREATE TRIGGER records_audit_head_grows BEFORE UPDATE ON records_audithead
    WHEN NEW.number <> OLD.number + 1 OR NEW.organisation_id <> OLD.organisation_id
    BEGIN SELECT RAISE(ABORT, 'the audit chain only grows'); END
    """,
    """
    CREATE TRIGGER records_audit_head_stays BEFORE DELETE ON records_audithead
    BEGIN SELECT RAISE(ABORT, 'the audit chain only grows'); END
    """,
    # INSERT OR REPLACE removes what is in its way without asking the triggers on removal.
    """
    CREATE TRIGGER records_audit_no_replace BEFORE INSERT ON records_auditlink
    WHEN EXISTS (
        SELECT 1 FROM records_auditlink
        WHERE id = NEW.id OR (organisation_id = NEW.organisation_id AND number = NEW.number)
    )
    BEGIN SELECT RAISE(ABORT, 'links of the audit chain are never changed'); END
    """,
    """
    CREATE TRIGGER records_audit_head_once BEFORE INSERT ON records_audithead
    WHEN EXISTS (
        SELECT 1 FROM records_audithead
        WHERE id = NEW.id OR organisation_id = NEW.organisation_id
    )
    BEGIN SELECT RAISE(ABORT, 'the audit chain only grows'); END
    """,
)
SQLITE_UNDONE = (
    "DROP TRIGGER records_audit_no_update",
    "DROP TRIGGER records_audit_no_delete",
    "DROP TRIGGER records_audit_head_grows",
    "DROP TRIGGER records_audit_head_stays",
    "DROP TRIGGER records_audit_no_replace",
    "DROP TRIGGER records_audit_head_once",
)
POSTGRESQL = (
    """
    CREATE FUNCTION records_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'links of the audit chain are never changed or removed'; END $$
    """,
    """
    CREATE FUNCTION records_audit_head_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.number <> OLD.number + 1 OR NEW.organisation_id <> OLD.organisation_id THEN
            RAISE EXCEPTION 'the audit chain only grows';
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER records_audit_no_change BEFORE UPDATE OR DELETE ON records_auditlink
    FOR EACH ROW EXECUTE FUNCTION records_audit_refuse()
    """,
    """
    CREATE TRIGGER records_audit_no_truncate BEFORE TRUNCATE ON records_auditlink
    FOR EACH STATEMENT EXECUTE FUNCTION records_audit_refuse()
    """,
    """
    CREATE TRIGGER records_audit_head_grows BEFORE UPDATE ON records_audithead
    FOR EACH ROW EXECUTE FUNCTION records_audit_head_refuse()
    """,
    """
    CREATE TRIGGER records_audit_head_stays BEFORE DELETE OR TRUNCATE ON records_audithead
    FOR EACH STATEMENT EXECUTE FUNCTION records_audit_refuse()
    """,
)
POSTGRESQL_UNDONE = (
    "DROP TRIGGER records_audit_no_change ON records_auditlink",
    "DROP TRIGGER records_audit_no_truncate ON records_auditlink",
    "DROP TRIGGER records_audit_head_grows ON records_audithead",
    "DROP TRIGGER records_audit_head_stays ON records_audithead",
    "DROP FUNCTION records_audit_refuse",
    "DROP FUNCTION records_audit_head_refuse",
)


def _guard(_apps: Any, schema_editor: Any) -> None:
    is_sqlite = schema_editor.connection.vendor == "sqlite"
    for statement in SQLITE if is_sqlite else POSTGRESQL:
        schema_editor.execute(statement)


def _unguard(_apps: Any, schema_editor: Any) -> None:
    is_sqlite = schema_editor.connection.vendor == "sqlite"
    for statement in SQLITE_UNDONE if is_sqlite else POSTGRESQL_UNDONE:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    """Triggers only; the tables are those of the migration before."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("records", "0003_keeping")]

    operations: ClassVar[list[Any]] = [migrations.RunPython(_guard, _unguard)]
