"""What the database itself forbids to postings and approvals, and what races leave behind."""

import subprocess
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from ml_connector.ports import (
    Approval,
    ApprovalState,
    Clock,
    Posting,
    PostingState,
    Records,
)

Spawn = Callable[..., "subprocess.Popen[str]"]
Sql = Callable[..., list[tuple[object, ...]]]
Ids = dict[str, int]
TABLES = ("records_posting", "records_approval", "records_decision")
IN_THE_WAY = "another posting has its key or place"


@pytest.fixture
def stored(records: Records, records_clock: Clock) -> None:
    """A confirmed, an unknown and a refused posting; plans approved, waiting, applied."""
    for key, state in (
        ("AAAAAAA2", PostingState.CONFIRMED),
        ("BBBBBBB2", PostingState.UNKNOWN),
        ("CCCCCCC2", PostingState.REFUSED),
    ):
        records.postings.make_posting(
            Posting(
                posting_key=key, flow="budget", run_id="r1", plan_hash="p1", connection="jde",
                kind="journal", subject=f"subject {key[0]}", generation=1, content_hash="c",
                totals={"debits": "1.00"}, made_at=records_clock.now(),
            )
        )  # fmt: skip
        records.postings.mark_sent(key, last=None)
        records.postings.save_posting(key, state, receipt={"batch": key})
    for plan_hash in ("a1", "a2", "a3"):
        records.approvals.request_approval(
            Approval(
                plan_hash=plan_hash, flow=f"flow {plan_hash}", run_id="r1", maker="kim", needed=1,
                amounts={"USD": Decimal("1.00")}, totals={}, state=ApprovalState.WAITING,
                made_at=records_clock.now(), expires_at=records_clock.now() + timedelta(days=3),
            )
        )  # fmt: skip
    for plan_hash in ("a1", "a3"):
        records.approvals.decide(plan_hash, actor="lee", approves=True, reason="checked")
    records.approvals.save_state("a3", ApprovalState.APPLIED, before=ApprovalState.APPROVED)


def copy_row(table: str, where: str, **changes: str) -> str:
    """A statement that inserts a copy of a row, some columns as given in SQL."""
    from ml_connector.records import models  # noqa: PLC0415 -- needs Django

    model = {m._meta.db_table: m for m in (models.Posting, models.Approval, models.Decision)}[table]
    columns = [f.column for f in model._meta.concrete_fields if f.column and not f.primary_key]
    values = [changes.get(column, column) for column in columns]
    return (
        f"INSERT INTO {table} ({', '.join(columns)})"
        f" SELECT {', '.join(values)} FROM {table} WHERE {where}"
    )


def dump(sql: Sql) -> list[list[tuple[object, ...]]]:
    """Every row of the three tables."""
    return [sql(f"SELECT * FROM {table} ORDER BY id") for table in TABLES]


CHANGES = [
    ("UPDATE records_posting SET totals = '{}' WHERE posting_key = 'BBBBBBB2'", "content"),
    ("UPDATE records_posting SET content_hash = 'x' WHERE posting_key = 'BBBBBBB2'", "content"),
    ("UPDATE records_posting SET posting_key = 'DDDDDDD2'", "content"),
    ("UPDATE records_posting SET generation = generation + 1", "content"),
    ("UPDATE records_posting SET made_at = '2020-01-01 00:00:00+00:00'", "content"),
    ("UPDATE records_posting SET id = id + 100", "content"),
    ("UPDATE records_posting SET state = 'done' WHERE state = 'unknown'", "known state"),
    ("UPDATE records_posting SET state = 'confirmed' WHERE state = 'unknown'", "time of settling"),
    ("UPDATE records_posting SET settled_at = sent_at WHERE state = 'unknown'", "time of settling"),
    (
        "UPDATE records_posting SET state = 'open', settled_at = NULL WHERE state = 'confirmed'",
        "never change",
    ),
    (
        "UPDATE records_posting SET state = 'unknown', settled_at = NULL WHERE state = 'refused'",
        "never change",
    ),
    ("UPDATE records_posting SET state = 'refused' WHERE state = 'confirmed'", "never change"),
    ("UPDATE records_posting SET receipt = '{}' WHERE state = 'confirmed'", "only grow"),
    (
        """UPDATE records_posting SET receipt = '{"n": 1, "batch": "x"}' WHERE state = 'refused'""",
        "only grow",
    ),
    (
        """UPDATE records_posting SET receipt = '{"batch": null}' WHERE state = 'confirmed'""",
        "only grow",
    ),
    ("UPDATE records_posting SET reason = 'x' WHERE state = 'refused'", "never change"),
    (
        "UPDATE records_posting SET settled_at = '2020-01-01 00:00+00:00' WHERE state = 'refused'",
        "never change",
    ),
    ("UPDATE records_posting SET sent_at = NULL WHERE state = 'unknown'", "never goes back"),
    (
        "UPDATE records_posting SET sent_at = '2020-01-01 00:00:00+00:00' WHERE state = 'unknown'",
        "never goes back",
    ),
    (
        "UPDATE records_posting SET reversed_by = 'BBBBBBB2' WHERE posting_key = 'AAAAAAA2'",
        "reversed by the posting that says so",
    ),
    ("DELETE FROM records_posting WHERE state = 'refused'", "never removed"),
    ("UPDATE records_approval SET maker = 'ann'", "content of a plan"),
    ("UPDATE records_approval SET maker_person = 'ann'", "content of a plan"),
    ("UPDATE records_approval SET needed = 0", "content of a plan"),
    ("UPDATE records_approval SET amounts = '{}'", "content of a plan"),
    ("UPDATE records_approval SET expires_at = '2099-01-01 00:00:00+00:00'", "content of a plan"),
    ("UPDATE records_approval SET state = 'applied' WHERE plan_hash = 'a2'", "never goes back"),
    ("UPDATE records_approval SET state = 'waiting' WHERE plan_hash = 'a1'", "never goes back"),
    ("UPDATE records_approval SET state = 'expired' WHERE plan_hash = 'a3'", "never goes back"),
    ("UPDATE records_approval SET state = 'signed' WHERE plan_hash = 'a2'", "never goes back"),
    ("UPDATE records_approval SET state = 'approved' WHERE plan_hash = 'a2'", "as many people"),
    ("UPDATE records_approval SET state = 'rejected' WHERE plan_hash = 'a2'", "by a person"),
    ("DELETE FROM records_approval WHERE plan_hash = 'a2'", "never removed"),
    ("UPDATE records_decision SET is_approval = NOT is_approval", "never changed"),
    ("UPDATE records_decision SET reason = 'x'", "never changed"),
    ("DELETE FROM records_decision", "never removed"),
]
TRUNCATES = [(f"TRUNCATE {table} CASCADE", "never removed") for table in TABLES]
REPLACES = [
    ("INSERT OR REPLACE INTO records_posting SELECT * FROM records_posting", "posting"),
    (
        "UPDATE OR REPLACE records_posting SET subject = 'subject B' WHERE state = 'confirmed'",
        "content",
    ),
    ("INSERT OR REPLACE INTO records_approval SELECT * FROM records_approval", "waiting|is known"),
    ("INSERT OR REPLACE INTO records_decision SELECT * FROM records_decision", "decides twice"),
]


@pytest.mark.parametrize(("statement", "message"), CHANGES)
def test_database_refuses_to_rewrite_what_happened(
    stored: None, sql: Sql, statement: str, message: str
) -> None:
    """No client of the database changes content, settled outcomes, states backwards or words."""
    refuse_to_rewrite(sql, statement, message)


@pytest.mark.parametrize(("statement", "message"), REPLACES)
def test_sqlite_refuses_to_replace_what_happened(
    sqlite_only: None, stored: None, sql: Sql, statement: str, message: str
) -> None:
    """A conflict clause is no way around the triggers."""
    refuse_to_rewrite(sql, statement, message)


@pytest.mark.parametrize(("statement", "message"), TRUNCATES)
def test_postgresql_refuses_to_empty_what_happened(
    postgresql_only: None, stored: None, sql: Sql, statement: str, message: str
) -> None:
    """Nor is a statement that removes rows without looking at them."""
    refuse_to_rewrite(sql, statement, message)


def refuse_to_rewrite(sql: Sql, statement: str, message: str) -> None:
    """The statement fails, and every row is as it was."""
    before = dump(sql)
    with pytest.raises(Exception, match=message):
        sql(statement)
    assert dump(sql) == before


OPEN = {
    "posting_key": "'DDDDDDD2'", "plan_hash": "'p2'", "subject": "'subject D'", "state": "'open'",
    "sent_at": "NULL", "settled_at": "NULL",
}  # fmt: skip
PLAN = {"plan_hash": "'a4'", "flow": "'flow a4'", "state": "'waiting'"}
WORD = {"approval_id": "(SELECT id FROM records_approval WHERE plan_hash = 'a2')"}
LEE_ON_A1 = (
    "person = 'lee' AND approval_id = (SELECT id FROM records_approval WHERE plan_hash = 'a1')"
)
POSTING_INSERTS = [
    ({"state": "'confirmed'", "settled_at": "made_at"}, "begins open"),
    ({"sent_at": "made_at"}, "begins open"),
    ({"reversed_by": "'AAAAAAA2'"}, "begins open"),
    ({"posting_key": "'DDDD'"}, "eight signs"),
    ({"posting_key": "'BBBBBBB2'"}, IN_THE_WAY),
    ({"plan_hash": "'p1'", "subject": "'subject B'"}, IN_THE_WAY),
    ({"plan_hash": "'p1'", "subject": "'subject A'", "generation": "2"}, "earlier generation"),
    ({"subject": "'subject B'"}, "unsettled on its subject"),
    ({"reverses": "'BBBBBBB2'"}, "only a confirmed posting"),
    ({"reverses": "'CCCCCCC2'"}, "only a confirmed posting"),
    ({"reverses": "'AAAAAAA2'", "connection": "'fusion'"}, "only a confirmed posting"),
]
APPROVAL_INSERTS = [
    ({"state": "'approved'"}, "begins waiting"),
    ({"needed": "0"}, "at least one person"),
    ({"maker_person": "''"}, "with a maker"),
    ({"plan_hash": "'a2'"}, "the plan is known"),
    ({"flow": "'flow a2'"}, "another of its flow waits"),
]
DECISION_INSERTS = [
    ({"person": "'kim'"}, "by another person than its maker"),
    ({"person": "''"}, "by another person"),
    (
        {
            "person": "'max'",
            "approval_id": "(SELECT id FROM records_approval WHERE plan_hash = 'a1')",
        },
        "on a plan that waits",
    ),
]


@pytest.mark.parametrize(("changes", "message"), POSTING_INSERTS)
def test_database_refuses_postings_that_must_not_be(
    stored: None, sql: Sql, changes: dict[str, str], message: str
) -> None:
    """The same row is taken when nothing is wrong with it, and refused for what is."""
    taken = copy_row("records_posting", "posting_key = 'AAAAAAA2'", **OPEN)
    refused = copy_row("records_posting", "posting_key = 'AAAAAAA2'", **{**OPEN, **changes})
    with pytest.raises(Exception, match=message):
        sql(refused)
    sql(taken)


@pytest.mark.parametrize(("changes", "message"), APPROVAL_INSERTS)
def test_database_refuses_plans_that_must_not_be(
    stored: None, sql: Sql, changes: dict[str, str], message: str
) -> None:
    """As for postings."""
    taken = copy_row("records_approval", "plan_hash = 'a1'", **PLAN)
    refused = copy_row("records_approval", "plan_hash = 'a1'", **{**PLAN, **changes})
    with pytest.raises(Exception, match=message):
        sql(refused)
    sql(taken)


@pytest.mark.parametrize(("changes", "message"), DECISION_INSERTS)
def test_database_refuses_decisions_that_must_not_be(
    stored: None, sql: Sql, changes: dict[str, str], message: str
) -> None:
    """The maker, nobody at all and latecomers decide nothing; nobody decides twice."""
    taken = copy_row("records_decision", LEE_ON_A1, **WORD)
    refused = copy_row("records_decision", LEE_ON_A1, **{**WORD, **changes})
    with pytest.raises(Exception, match=message):
        sql(refused)
    sql(taken)
    with pytest.raises(Exception, match="nobody decides twice"):
        sql(copy_row("records_decision", LEE_ON_A1, **WORD))


def drop_trigger(name: str) -> str:
    """A statement that takes a trigger off."""
    from django.db import connection  # noqa: PLC0415 -- needs Django's settings

    is_sqlite = connection.vendor == "sqlite"
    return f"DROP TRIGGER {name}" if is_sqlite else f"DROP FUNCTION {name} CASCADE"


@pytest.mark.parametrize(
    "changes",
    [
        {"posting_key": "'BBBBBBB2'"},
        {"plan_hash": "'p1'", "subject": "'subject B'"},
        {"subject": "'subject B'"},
    ],
)
def test_unique_keys_of_postings_stand_without_the_triggers(
    stored: None, sql: Sql, changes: dict[str, str]
) -> None:
    """Two transactions that do not see each other still leave one row."""
    sql(drop_trigger("records_posting_no_replace"))
    with pytest.raises(Exception, match=r"(?i)unique constraint"):
        sql(copy_row("records_posting", "posting_key = 'AAAAAAA2'", **{**OPEN, **changes}))


def test_unique_key_of_reversals_stands_without_the_triggers(stored: None, sql: Sql) -> None:
    """Of two reversals of one posting at the same instant, one is stored."""
    sql(drop_trigger("records_posting_no_replace"))
    reversal = {**OPEN, "reverses": "'AAAAAAA2'"}
    second = {**reversal, "posting_key": "'EEEEEEE2'", "subject": "'subject E'"}
    sql(copy_row("records_posting", "posting_key = 'AAAAAAA2'", **reversal))
    with pytest.raises(Exception, match=r"(?i)unique constraint"):
        sql(copy_row("records_posting", "posting_key = 'AAAAAAA2'", **second))


def test_unique_keys_of_plans_and_decisions_stand_without_the_triggers(
    stored: None, sql: Sql
) -> None:
    """One row per plan, one waiting plan per flow, one word per person."""
    sql(drop_trigger("records_approval_no_replace"), drop_trigger("records_decision_no_replace"))
    for change in ({"plan_hash": "'a2'"}, {"flow": "'flow a2'"}):
        with pytest.raises(Exception, match=r"(?i)unique constraint"):
            sql(copy_row("records_approval", "plan_hash = 'a1'", **{**PLAN, **change}))
    word = copy_row("records_decision", LEE_ON_A1, **WORD)
    sql(word)
    with pytest.raises(Exception, match=r"(?i)unique constraint"):
        sql(word)
