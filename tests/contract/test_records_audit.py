"""The audit chain: append-only by the database, and every tampering named."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection

import ml_connector.records
from ml_connector.errors import UnexplainedDifferenceError
from ml_connector.ports import Clock, Records
from ml_connector.records import create_organisation, export_audit, open_records
from ml_connector.records.chain import (
    FIRST_HASH,
    ChainEnd,
    hash_link,
    parse_lines,
    render_line,
    verify_chain,
)

Move = Callable[[float], None]
Spawn = Callable[..., "subprocess.Popen[str]"]
Sql = Callable[..., list[tuple[object, ...]]]
RESET_HEAD = (
    "INSERT OR REPLACE INTO records_audithead (organisation_id, number, hash_after)"
    " SELECT organisation_id, 0, '' FROM records_audithead"
)
SQLITE_ONLY = (
    "INSERT OR REPLACE INTO records_auditlink SELECT * FROM records_auditlink",
    "UPDATE OR REPLACE records_auditlink SET number = 1 WHERE number = 2",
    RESET_HEAD,
)
POSTGRESQL_ONLY = ("TRUNCATE records_auditlink", "TRUNCATE records_audithead")


def record_five(records: Records, move: Move) -> None:
    """Five links, a second apart."""
    for number in range(1, 6):
        records.audit.record(
            "load.accepted", subject=f"load l{number}", actor="kim", run_id="0142", cells=number
        )
        move(1)


def test_link_holds_who_what_when_and_where_it_follows(
    records: Records, records_clock: Clock
) -> None:
    """The first link follows the empty chain; amounts and instants become text."""
    records.audit.record(
        "plan.approved",
        subject="plan p1",
        actor="lee",
        run_id="0142",
        total=Decimal("12345678901234567.89"),
        due=datetime(2026, 10, 6, tzinfo=UTC),
        periods=("Oct-26", "Nov-26"),
    )
    (link,) = records.audit.find("plan p1")
    assert (link.number, link.actor, link.event) == (1, "lee", "plan.approved")
    assert (link.run_id, link.at) == ("0142", records_clock.now())
    assert link.details == {
        "total": "12345678901234567.89",
        "due": "2026-10-06T00:00:00.000000+00:00",
        "periods": ["Oct-26", "Nov-26"],
    }
    assert link.hash_before == FIRST_HASH
    assert link.hash_after == hash_link(link)
    assert records.audit.verify() == 1


def test_hash_is_the_documented_one(records: Records) -> None:
    """Anybody can compute it: SHA-256 over canonical JSON of eight named values."""
    records.audit.record("run.started", subject="Ä", actor="kim", n=1)
    (link,) = records.audit.find("Ä")
    assert render_line(link) == (
        '{"actor":"kim","at":"2026-10-05T06:00:00.000000+00:00","details":{"n":1},'
        f'"event":"run.started","hash_after":"{link.hash_after}","hash_before":"{"0" * 64}",'
        '"number":1,"run":"","subject":"Ä"}'
    )
    hashed = json.loads(render_line(link))
    del hashed["hash_after"]
    text = json.dumps(hashed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(text.encode()).hexdigest() == link.hash_after


def test_empty_chain_verifies_as_nothing(records: Records) -> None:
    """No link is no broken link."""
    assert records.audit.verify() == 0
    assert list(export_audit()) == []


def test_floats_do_not_reach_the_chain(records: Records) -> None:
    """A refused event leaves no link and no gap."""
    with pytest.raises(TypeError, match="float"):
        records.audit.record("load.accepted", subject="l1", actor="kim", amount=1.5)
    records.audit.record("load.accepted", subject="l1", actor="kim", amount="1.50")
    assert records.audit.verify() == 1


def test_links_are_found_by_subject_run_and_details(records: Records, move: Move) -> None:
    """Whatever a person has in hand finds the links, oldest first, the newest when too many."""
    record_five(records, move)
    records.audit.record("task.started", subject="x", actor="lee", run_id="0143", task="T-77")
    assert [link.number for link in records.audit.find("LOAD L2")] == [2]
    assert [link.number for link in records.audit.find("0142")] == [1, 2, 3, 4, 5]
    assert [link.number for link in records.audit.find("T-77")] == [6]
    assert [link.number for link in records.audit.find("0142", limit=2)] == [4, 5]
    assert records.audit.find("nothing like it") == []
    assert records.audit.find("%") == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE records_auditlink SET actor = 'me' WHERE number = 2",
        "DELETE FROM records_auditlink WHERE number = 5",
        "UPDATE records_audithead SET number = 4",
        "UPDATE records_audithead SET hash_after = 'x'",
        "DELETE FROM records_audithead",
    ],
)
def test_database_refuses_to_touch_the_chain(
    records: Records, sql: Sql, move: Move, statement: str
) -> None:
    """Triggers stand between any client of the database and a link."""
    record_five(records, move)
    refuse_to_touch(records, sql, statement)


@pytest.mark.parametrize("statement", SQLITE_ONLY)
def test_sqlite_refuses_to_replace_links(
    sqlite_only: None, records: Records, sql: Sql, move: Move, statement: str
) -> None:
    """A conflict clause is no way around the triggers."""
    record_five(records, move)
    refuse_to_touch(records, sql, statement)


@pytest.mark.parametrize("statement", POSTGRESQL_ONLY)
def test_postgresql_refuses_to_empty_the_chain(
    postgresql_only: None, records: Records, sql: Sql, move: Move, statement: str
) -> None:
    """Nor is a statement that removes rows without looking at them."""
    record_five(records, move)
    refuse_to_touch(records, sql, statement)


def refuse_to_touch(records: Records, sql: Sql, statement: str) -> None:
    """The statement fails, and the five links are as they were."""
    with pytest.raises(Exception, match="the audit chain"):
        sql(statement)
    assert records.audit.verify() == 5


@pytest.fixture
def unguarded(records: Records, sql: Sql) -> None:
    """The triggers are gone, as for somebody who owns the database."""
    if connection.vendor == "sqlite":
        triggers = sql("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        sql(*(f"DROP TRIGGER {name}" for (name,) in triggers))
    else:
        for table in ("records_auditlink", "records_audithead"):
            sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")


SET_2 = "UPDATE records_auditlink SET {} WHERE number = 2"
SWAP = (
    "UPDATE records_auditlink SET number = 99 WHERE number = 2",
    "UPDATE records_auditlink SET number = 2 WHERE number = 4",
    "UPDATE records_auditlink SET number = 4 WHERE number = 99",
)
COLUMNS = "organisation_id, at, actor, event, subject, run_id, details, hash_before, hash_after"
COPY = f"INSERT INTO records_auditlink ({COLUMNS}, number) SELECT {COLUMNS}, {{}}"
CLOSE_GAP = "UPDATE records_auditlink SET number = number - 1 WHERE number > 3"


@pytest.mark.parametrize(
    ("statements", "finding"),
    [
        ((SET_2.format("actor = 'nobody'"),), "link 2: it was changed"),
        ((SET_2.format("event = 'load.refused'"),), "link 2: it was changed"),
        ((SET_2.format("subject = 'load l9'"),), "link 2: it was changed"),
        ((SET_2.format("run_id = '0143'"),), "link 2: it was changed"),
        ((SET_2.format("details = '{\"cells\":3}'"),), "link 2: it was changed"),
        ((SET_2.format('details = \'{"cells":1,"cells":2}\''),), "link 2: it was changed"),
        ((SET_2.format("details = 'gone'"),), "link 2: its text does not parse"),
        ((SET_2.format("at = '2026-10-05T06:00:09.000000+00:00'"),), "link 2: it was changed"),
        ((SET_2.format("at = 'yesterday'"),), "link 2: its text does not parse"),
        ((SET_2.format("hash_after = '" + "a" * 64 + "'"),), "link 2: it was changed"),
        ((SET_2.format("hash_before = '" + "a" * 64 + "'"),), "link 2: it does not follow"),
        (("DELETE FROM records_auditlink WHERE number = 3",), "link 3: it is missing, link 4"),
        (("DELETE FROM records_auditlink WHERE number = 1",), "link 1: it is missing, link 2"),
        (("DELETE FROM records_auditlink WHERE number = 5",), "link 5: it is missing"),
        (("DELETE FROM records_auditlink",), "link 1: it is missing"),
        (("DELETE FROM records_auditlink WHERE number = 3", CLOSE_GAP), "link 3: it does not"),
        (SWAP, "link 2: it does not follow"),
        ((COPY.format("6") + " FROM records_auditlink WHERE number = 5",), "link 6: it was put in"),
        ((COPY.format("0") + " FROM records_auditlink WHERE number = 1",), "link 1: link 0 is in"),
        (("DELETE FROM records_audithead",), "link 1: it was put in"),
    ],
)
def test_tampering_past_the_triggers_is_named_by_the_first_broken_link(
    records: Records,
    unguarded: None,
    sql: Sql,
    move: Move,
    statements: tuple[str, ...],
    finding: str,
) -> None:
    """Changed, removed, inserted or reordered: the walk says which link and what of it."""
    record_five(records, move)
    assert records.audit.verify() == 5
    sql(*statements)
    with pytest.raises(UnexplainedDifferenceError, match=finding) as broken:
        records.audit.verify()
    assert broken.value.exit_code == 4


def test_chain_without_its_head_takes_no_further_link(
    records: Records, unguarded: None, sql: Sql
) -> None:
    """A fork is refused in our own words, and nothing is stored."""
    records.audit.record("run.started", subject="s", actor="kim")
    sql("DELETE FROM records_audithead")
    with pytest.raises(UnexplainedDifferenceError, match="link 1: it stands where"):
        records.audit.record("run.finished", subject="s", actor="kim")
    assert sql("SELECT count(*) FROM records_auditlink") == [(1,)]


def test_link_put_in_with_a_right_hash_breaks_the_next(
    records: Records, unguarded: None, sql: Sql, move: Move
) -> None:
    """A forged link that follows well is betrayed by the genuine one after it."""
    record_five(records, move)
    genuine = list(parse_lines(export_audit()))
    forged = replace(genuine[2], subject="load l99")
    forged = replace(forged, hash_after=hash_link(forged))
    sql(
        f"UPDATE records_auditlink SET subject = 'load l99', hash_after = '{forged.hash_after}'"
        " WHERE number = 3",
    )
    with pytest.raises(UnexplainedDifferenceError, match="link 4: it does not follow"):
        records.audit.verify()


def test_chain_rewritten_from_a_link_on_is_betrayed_by_the_export(
    records: Records, move: Move
) -> None:
    """Who rewrites every hash passes the walk, but not the comparison with lines kept elsewhere."""
    record_five(records, move)
    lines = list(export_audit())
    assert verify_chain(parse_lines(lines)) == 5
    end = json.loads(lines[-1])
    assert verify_chain(parse_lines(lines), end=ChainEnd(5, end["hash_after"])) == 5
    with pytest.raises(UnexplainedDifferenceError, match="link 5: it is missing"):
        verify_chain(parse_lines(lines[:4]), end=ChainEnd(5, end["hash_after"]))


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda lines: [lines[0], lines[2]], "link 2: it is missing, link 3 follows"),
        (lambda lines: [lines[0], lines[2], lines[1]], "link 2: it is missing, link 3 follows"),
        (lambda lines: [lines[0], lines[0]], "link 2: link 1 is in its place"),
        (lambda lines: [lines[0], lines[1].replace("kim", "lee")], "link 2: it was changed"),
        (lambda lines: [lines[0], "{}"], "link 2: its line does not parse"),
        (lambda lines: [lines[0], "nothing"], "link 2: its line does not parse"),
        (lambda lines: [lines[0], "[]"], "link 2: its line does not parse"),
    ],
)
def test_exported_chain_is_verified_without_the_database(
    records: Records, move: Move, change: Callable[[list[str]], list[str]], finding: str
) -> None:
    """The lines alone show what was done to them."""
    record_five(records, move)
    with pytest.raises(UnexplainedDifferenceError, match=finding):
        verify_chain(parse_lines(change(list(export_audit()))))


def test_offline_check_needs_neither_settings_nor_database(
    records: Records, move: Move, tmp_path: Path
) -> None:
    """An auditor's machine holds the lines and the code, nothing else."""
    record_five(records, move)
    (tmp_path / "chain.jsonl").write_text("\n".join(export_audit()))
    source = Path(ml_connector.records.__file__).parents[2]
    script = (
        f"import sys; sys.path.insert(0, {str(source)!r})\n"
        "from ml_connector.records.chain import parse_lines, verify_chain\n"
        f"print(verify_chain(parse_lines(open({str(tmp_path / 'chain.jsonl')!r}))))\n"
        "assert 'django' not in sys.modules\n"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert answer.stdout == b"5\n"


def test_organisations_have_chains_of_their_own(records: Records, records_clock: Clock) -> None:
    """Numbers begin at one in each, and neither finds the other's links."""
    create_organisation("north")
    north = open_records("north", clock=records_clock)
    records.audit.record("run.started", subject="s", actor="kim")
    north.audit.record("run.started", subject="s", actor="lee")
    north.audit.record("run.finished", subject="s", actor="lee")
    assert (records.audit.verify(), north.audit.verify()) == (1, 2)
    assert [link.actor for link in records.audit.find("s")] == ["kim"]


def test_processes_append_without_gap_or_fork(records: Records, spawn: Spawn) -> None:
    """Links of processes that write at once make one chain."""
    script = (
        "for number in range(40):\n"
        "    open_records().audit.record('run.started', subject=sys.argv[1], actor='kim')\n"
        "close()\n"
    )
    writers = [spawn(script, name) for name in ("a", "b")]
    for writer in writers:
        assert writer.communicate()[1] == ""
    assert records.audit.verify() == 80


def test_process_killed_while_appending_leaves_a_whole_chain(
    records: Records, spawn: Spawn, move: Move
) -> None:
    """A link without its head, or a head without its link, is never seen."""
    record_five(records, move)
    dead = spawn(
        "from ml_connector.records import models\n"
        "models.AuditHead.save = lambda *_, **__: os._exit(9)\n"
        "open_records().audit.record('run.started', subject='s', actor='kim')\n"
    )
    dead.communicate()
    assert dead.returncode == 9
    assert records.audit.verify() == 5
    records.audit.record("run.started", subject="s", actor="kim")
    assert records.audit.verify() == 6
