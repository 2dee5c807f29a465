"""The database itself forbids what must not happen to postings, approvals and decisions.

SQLite loses the triggers of a table that a later migration rebuilds: such a migration takes the
guard off and puts it on again.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

from django.db import migrations

POSTING = "records_posting"
APPROVAL = "records_approval"
DECISION = "records_decision"
POSTING_STATES = "('open', 'confirmed', 'refused', 'unknown', 'quarantined')"
POSTING_CONTENT = (
    "id", "organisation_id", "posting_key", "flow", "run_id", "plan_hash", "connection", "kind",
    "subject", "generation", "content_hash", "totals", "reverses", "made_at",
)  # fmt: skip
APPROVAL_CONTENT = (
    "id", "organisation_id", "plan_hash", "flow", "run_id", "maker", "maker_person", "needed",
    "amounts", "totals", "made_at", "expires_at",
)  # fmt: skip
FORGETS = "RECEIPT_FORGETS"
"""Stands in a condition for: the new receipt lacks or changes what the old one says."""
FORGETS_SQLITE = """EXISTS (
    SELECT 1 FROM json_each(OLD.receipt) o LEFT JOIN json_each(NEW.receipt) n ON n.key = o.key
    WHERE n.key IS NULL OR n.type <> o.type OR n.value IS NOT o.value
)"""
FORGETS_POSTGRESQL = """EXISTS (
    SELECT 1 FROM jsonb_each(OLD.receipt) o WHERE NEW.receipt -> o.key IS DISTINCT FROM o.value
)"""


class Rule(NamedTuple):
    """A trigger that refuses a change of a row when the condition holds.

    Conditions are in the SQL that SQLite and PostgreSQL share; NEW and OLD are the row.
    """

    name: str
    table: str
    event: str
    condition: str
    message: str


def _differs(columns: tuple[str, ...]) -> str:
    return " OR ".join(f"NEW.{column} <> OLD.{column}" for column in columns)


def _differs_or_goes(column: str) -> str:
    """A stored instant that is taken away or replaced."""
    return f"OLD.{column} IS NOT NULL AND (NEW.{column} IS NULL OR NEW.{column} <> OLD.{column})"


RULES = (
    Rule(
        "records_posting_made",
        POSTING,
        "INSERT",
        """
        NEW.state <> 'open' OR NEW.reversed_by <> ''
        OR NEW.sent_at IS NOT NULL OR NEW.settled_at IS NOT NULL
        """,
        "a posting begins open, with nothing sent",
    ),
    Rule(
        "records_posting_key_fits",
        POSTING,
        "INSERT",
        "length(NEW.posting_key) <> 8",
        "a posting key has eight signs",
    ),
    # INSERT OR REPLACE removes what is in its way without asking the triggers on removal.
    Rule(
        "records_posting_no_replace",
        POSTING,
        "INSERT",
        """
        EXISTS (
            SELECT 1 FROM records_posting p WHERE p.id = NEW.id
            OR (p.organisation_id = NEW.organisation_id AND (
                p.posting_key = NEW.posting_key
                OR (p.flow = NEW.flow AND p.plan_hash = NEW.plan_hash
                    AND p.subject = NEW.subject AND p.generation = NEW.generation)
                OR (p.connection = NEW.connection AND p.subject = NEW.subject
                    AND p.state IN ('open', 'unknown', 'quarantined'))
                OR (NEW.reverses <> '' AND p.reverses = NEW.reverses AND p.state <> 'refused')
            ))
        )
        """,
        "another posting has its key or place, is unsettled on its subject, or reverses the same",
    ),
    Rule(
        "records_posting_reverses",
        POSTING,
        "INSERT",
        """
        NEW.reverses <> '' AND NOT EXISTS (
            SELECT 1 FROM records_posting p
            WHERE p.organisation_id = NEW.organisation_id AND p.connection = NEW.connection
            AND p.posting_key = NEW.reverses AND p.state = 'confirmed'
            AND p.reverses = '' AND p.reversed_by = ''
        )
        """,
        "only a confirmed posting that is not reversed, and no reversal itself, is reversed",
    ),
    Rule(
        "records_posting_not_beside",
        POSTING,
        "INSERT",
        """
        NEW.reverses = '' AND EXISTS (
            SELECT 1 FROM records_posting p
            WHERE p.organisation_id = NEW.organisation_id AND p.flow = NEW.flow
            AND p.plan_hash = NEW.plan_hash AND p.subject = NEW.subject
            AND p.reverses = '' AND p.state = 'confirmed'
            AND NOT EXISTS (
                SELECT 1 FROM records_posting r WHERE r.organisation_id = p.organisation_id
                AND r.posting_key = p.reversed_by AND r.state = 'confirmed'
            )
        )
        """,
        "an earlier generation of this posting is confirmed and not reversed",
    ),
    Rule(
        "records_posting_content",
        POSTING,
        "UPDATE",
        _differs(POSTING_CONTENT),
        "the content of a posting never changes",
    ),
    Rule(
        "records_posting_known_state",
        POSTING,
        "UPDATE",
        f"""
        NEW.state NOT IN {POSTING_STATES}
        OR (NEW.state IN ('confirmed', 'refused')) <> (NEW.settled_at IS NOT NULL)
        """,
        "a posting has a known state, and a time of settling exactly when it is settled",
    ),
    Rule(
        "records_posting_final",
        POSTING,
        "UPDATE",
        f"""
        OLD.state IN ('confirmed', 'refused') AND (
            {_differs(("state", "reason"))} OR {_differs_or_goes("settled_at")} OR {FORGETS}
        )
        """,
        "confirmed and refused postings never change, their receipts only grow",
    ),
    Rule(
        "records_posting_sent",
        POSTING,
        "UPDATE",
        """
        (OLD.sent_at IS NOT NULL AND (NEW.sent_at IS NULL OR NEW.sent_at < OLD.sent_at))
        OR (NEW.sent_at IS NOT NULL AND (OLD.sent_at IS NULL OR NEW.sent_at <> OLD.sent_at)
            AND OLD.state NOT IN ('open', 'unknown'))
        """,
        "a posting is sent while it is open or unknown, and its time never goes back",
    ),
    Rule(
        "records_posting_reversed",
        POSTING,
        "UPDATE",
        """
        NEW.reversed_by <> OLD.reversed_by AND NOT EXISTS (
            SELECT 1 FROM records_posting r
            WHERE r.organisation_id = NEW.organisation_id AND r.reverses = NEW.posting_key
            AND (
                (OLD.reversed_by = '' AND r.posting_key = NEW.reversed_by
                    AND r.state <> 'refused' AND NEW.state = 'confirmed')
                OR (NEW.reversed_by = '' AND r.posting_key = OLD.reversed_by
                    AND r.state = 'refused')
            )
        )
        """,
        "a posting is reversed by the posting that says so, and no more once that is refused",
    ),
    Rule("records_posting_kept", POSTING, "DELETE", "", "postings are never removed"),
    Rule(
        "records_approval_made",
        APPROVAL,
        "INSERT",
        "NEW.state <> 'waiting' OR NEW.needed < 1 OR NEW.maker_person = ''",
        "a plan begins waiting, with a maker, for at least one person",
    ),
    Rule(
        "records_approval_no_replace",
        APPROVAL,
        "INSERT",
        """
        EXISTS (
            SELECT 1 FROM records_approval a WHERE a.id = NEW.id
            OR (a.organisation_id = NEW.organisation_id AND (
                a.plan_hash = NEW.plan_hash OR (a.flow = NEW.flow AND a.state = 'waiting')
            ))
        )
        """,
        "the plan is known, or another of its flow waits",
    ),
    Rule(
        "records_approval_content",
        APPROVAL,
        "UPDATE",
        _differs(APPROVAL_CONTENT),
        "the content of a plan never changes",
    ),
    Rule(
        "records_approval_moves",
        APPROVAL,
        "UPDATE",
        """
        NEW.state <> OLD.state AND NOT (
            (OLD.state = 'waiting' AND NEW.state IN ('approved', 'rejected', 'expired', 'stale'))
            OR (OLD.state = 'approved' AND NEW.state IN ('applied', 'expired', 'stale'))
        )
        """,
        "a plan never goes back, and is applied only once it is approved",
    ),
    Rule(
        "records_approval_counted",
        APPROVAL,
        "UPDATE",
        """
        NEW.state = 'approved' AND OLD.state <> 'approved' AND (
            EXISTS (
                SELECT 1 FROM records_decision d
                WHERE d.approval_id = NEW.id AND NOT d.is_approval
            )
            OR NEW.needed > (
                SELECT count(*) FROM records_decision d
                WHERE d.approval_id = NEW.id AND d.is_approval
            )
        )
        """,
        "a plan is approved by as many people as it needs, and nobody rejects it",
    ),
    Rule(
        "records_approval_rejected",
        APPROVAL,
        "UPDATE",
        """
        NEW.state = 'rejected' AND OLD.state <> 'rejected' AND NOT EXISTS (
            SELECT 1 FROM records_decision d WHERE d.approval_id = NEW.id AND NOT d.is_approval
        )
        """,
        "a plan is rejected by a person",
    ),
    Rule("records_approval_kept", APPROVAL, "DELETE", "", "plans are never removed"),
    Rule(
        "records_decision_made",
        DECISION,
        "INSERT",
        """
        NEW.person = '' OR NOT EXISTS (
            SELECT 1 FROM records_approval a
            WHERE a.id = NEW.approval_id AND a.organisation_id = NEW.organisation_id
            AND a.state = 'waiting' AND a.maker_person <> NEW.person
        )
        """,
        "a decision is made on a plan that waits, by another person than its maker",
    ),
    Rule(
        "records_decision_no_replace",
        DECISION,
        "INSERT",
        """
        EXISTS (
            SELECT 1 FROM records_decision d
            WHERE d.id = NEW.id OR (d.approval_id = NEW.approval_id AND d.person = NEW.person)
        )
        """,
        "nobody decides twice",
    ),
    Rule("records_decision_stays", DECISION, "UPDATE", "", "decisions are never changed"),
    Rule("records_decision_kept", DECISION, "DELETE", "", "decisions are never removed"),
)


def _render_sqlite(rule: Rule) -> Iterator[str]:
    condition = rule.condition.replace(FORGETS, FORGETS_SQLITE)
    when = f"WHEN {condition}" if condition else ""
    yield (
        f"CREATE TRIGGER {rule.name} BEFORE {rule.event} ON {rule.table} {when}"
        f" BEGIN SELECT RAISE(ABORT, '{rule.message}'); END"
    )


def _render_postgresql(rule: Rule) -> Iterator[str]:
    condition = rule.condition.replace(FORGETS, FORGETS_POSTGRESQL) or "TRUE"
    # A condition of a trigger may not look into other rows there; one of its function may.
    yield f"""
        CREATE FUNCTION {rule.name}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF {condition} THEN RAISE EXCEPTION '{rule.message}'; END IF;
            RETURN NEW;
        END $$
    """
    yield (
        f"CREATE TRIGGER {rule.name} BEFORE {rule.event} ON {rule.table}"
        f" FOR EACH ROW EXECUTE FUNCTION {rule.name}()"
    )
    if rule.event == "DELETE":
        yield (
            f"CREATE TRIGGER {rule.name}_whole BEFORE TRUNCATE ON {rule.table}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {rule.name}()"
        )


def _guard(_apps: Any, schema_editor: Any) -> None:
    render = _render_sqlite if _is_sqlite(schema_editor) else _render_postgresql
    for rule in RULES:
        for statement in render(rule):
            schema_editor.execute(statement)


def _unguard(_apps: Any, schema_editor: Any) -> None:
    for rule in RULES:
        if _is_sqlite(schema_editor):
            schema_editor.execute(f"DROP TRIGGER {rule.name}")
        else:
            # Its triggers go with it.
            schema_editor.execute(f"DROP FUNCTION {rule.name} CASCADE")


def _is_sqlite(schema_editor: Any) -> bool:
    return bool(schema_editor.connection.vendor == "sqlite")


class Migration(migrations.Migration):
    """Triggers only; the tables are those of the migration before."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("records", "0006_postings")]

    operations: ClassVar[list[Any]] = [migrations.RunPython(_guard, _unguard)]
