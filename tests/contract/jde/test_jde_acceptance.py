"""The acceptance script of the contract (A10), steps 1 to 7 and 12 to 15, each by its number."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from tests.contract.jde.conftest import Ais, FollowingClock, OneSecret

from ml_connector.domain.ledger import BatchStamp
from ml_connector.ports import CheckState, Measure
from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.jde.server import build_jde_server
from ml_connector.systems.jde.adapter import JdeSource
from ml_connector.systems.jde.client import JdeClient
from ml_connector.systems.jde.conditions import Query
from ml_connector.systems.jde.refusals import SignOnBlockedError, TruncatedError

ROWS = 5_000
PAGE = 500
PAGES = ROWS // PAGE
KEY = ("KCO", "DCT", "DOC", "DGJ", "JELN", "LT", "EXTL")
LEDGER_KEYS = Query(table="F0911", columns=KEY)
JOURNAL = [
    {"account": "1.2130", "amount": "100.00"},
    {"account": "1.1110.BEAR", "amount": "-100.00"},
]
Connect = Callable[..., JdeClient]


@pytest.fixture(scope="module")
def books_of_5000(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ais]:
    """A server with exactly five thousand ledger rows, for steps that only read."""
    folder = tmp_path_factory.mktemp("acceptance")
    server = build_jde_server(folder, SandboxClock(folder, virtual=True), lines=ROWS + 500)
    server.store.execute(
        "DELETE FROM F0911 WHERE rowid NOT IN (SELECT rowid FROM F0911 LIMIT ?)", (ROWS,)
    )
    server.start()
    with httpx2.Client(trust_env=False, verify=False, timeout=60) as http:
        yield Ais(server=server, clock=FollowingClock(server.clock), http=http)
    server.stop()


@pytest.fixture
def five_thousand(books_of_5000: Ais) -> Iterator[Ais]:
    """The five thousand rows, every switch at its default and nobody signed on."""
    books_of_5000.perform("restart_ais")
    books_of_5000.control("DELETE", "journal")
    yield books_of_5000
    books_of_5000.server.switches.reset()
    books_of_5000.server.faults.clear()


@pytest.fixture
def connect(five_thousand: Ais) -> Iterator[Connect]:
    """Clients over the five thousand rows; a session that outlives its client fails the test."""
    clients: list[JdeClient] = []

    def connect(**changes: Any) -> JdeClient:
        settings = five_thousand.settings(page_size=PAGE, **changes)
        made = JdeClient(settings, clock=five_thousand.clock, secrets=OneSecret())
        clients.append(made)
        return made

    yield connect
    for client in clients:
        client.close()
    assert five_thousand.perform("list_sessions") == []


def rows_of(ais: Ais) -> list[tuple[Any, ...]]:
    """Document and line of every ledger row, looked up in the server's own table."""
    found = ais.server.store.query("SELECT TRIM(DCT), DOC, KCO, JELN, TRIM(LT) FROM F0911")
    return sorted(tuple(row) for row in found)


def keys_of(rows: Iterable[Any]) -> list[tuple[Any, ...]]:
    """The same of rows that were read."""
    return sorted((dct, doc, kco, int(jeln), lt or "") for kco, dct, doc, _, jeln, lt, _ in rows)


def count_calls(ais: Ais, ending: str) -> int:
    """Requests to a path that ends so."""
    lines = ais.control("GET", "journal")["lines"]
    return sum(line["path"].partition("?")[0].endswith(ending) for line in lines)


def stamps_of(found: Iterable[BatchStamp]) -> dict[str, BatchStamp]:
    """Stamps by batch."""
    return {stamp.batch_id: stamp for stamp in found}


def enter(ais: Ais, **changes: Any) -> Any:
    """A journal of November that nobody has posted yet."""
    entry = {"company": "00001", "gl_date": "2026-11-02", "lines": JOURNAL, **changes}
    return ais.perform("create_journal", **entry)


def test_step_1_log_in_configuration_and_self_check(five_thousand: Ais, connect: Connect) -> None:
    """The server tells itself, one log-in follows, and dates are proved before lines are read."""
    client = connect()
    config = client.read_config()
    session = client.read_session()
    source = JdeSource(five_thousand.settings(), clock=five_thousand.clock, secrets=OneSecret())
    with closing(source):
        states = {check.subject: check.state for check in source.check()}

    assert {"dataservice", "outputType", "nextPage"} <= config.capabilities
    assert (session.user, session.environment) == ("PLNSVC", "JPY920")
    assert session.date_format == "MM/dd/yyyy"
    assert session.logins == 1
    assert set(states.values()) == {CheckState.OK}
    assert "dates" in states


def test_step_2_full_load_of_5000_rows_at_page_500(five_thousand: Ais, connect: Connect) -> None:
    """Ten pages, the links end, and the rows are as many as the server counts."""
    five_thousand.turn(dbFetchLimit=0)
    client = connect()

    rows = client.browse(LEDGER_KEYS)

    assert count_calls(five_thousand, "/dataservice") == 1
    assert count_calls(five_thousand, "/next") == PAGES - 1
    assert len(rows) == client.count("F0911") == ROWS
    assert keys_of(rows) == rows_of(five_thousand)


def test_step_3_restart_in_the_middle_of_page_4(five_thousand: Ais, connect: Connect) -> None:
    """Exactly one new log-in, the window begun anew, and the set of rows exact."""
    five_thousand.turn(dbFetchLimit=0)
    five_thousand.spoil(kind="hook", hook="restart_ais", path="/dataservice/next", nth=3)
    client = connect()

    rows = client.browse(LEDGER_KEYS)

    assert count_calls(five_thousand, "/tokenrequest") == 2
    assert count_calls(five_thousand, "/next") == 3 + PAGES - 1
    assert keys_of(rows) == rows_of(five_thousand)


@pytest.mark.parametrize("zones", ["-5/-5", "+9/-8"])
def test_step_4_rows_keyed_around_midnight_are_all_found(
    own_ais: Ais, build: Callable[..., JdeSource], zones: str
) -> None:
    """Entered at 23:59 and at 00:01 of either zone, polled in between and after: none is lost."""
    own_ais.turn(serverZones=zones)
    source = build(own_ais)
    found: set[str] = set()
    keyed: set[str] = set()
    since = source.read_server_time()
    for hour in range(48):
        own_ais.clock.sleep((59 if hour == 0 else 58) * 60)
        for _ in range(2):
            keyed.add(enter(own_ais)["batch"])
            own_ais.clock.sleep(60)
        if hour % 12 == 11:
            until = source.read_server_time()
            found |= stamps_of(source.read_changed_stamps(since, until)).keys()
            since = until

    assert len(keyed) == 96
    assert keyed <= found


def test_step_5_batch_posted_late_without_a_new_change_date(
    own_ais: Ais, build: Callable[..., JdeSource]
) -> None:
    """No look for changes tells of it, but it was pending and is posted at the next look."""
    own_ais.turn(postTouchesUpmj=False)
    source = build(own_ais)
    batch = enter(own_ais)["batch"]
    pending = stamps_of(source.read_pending_stamps())
    own_ais.clock.sleep(10 * 86_400)
    own_ais.perform("post_batch", batch=batch)

    now = source.read_server_time()
    changed = stamps_of(source.read_changed_stamps(now - timedelta(days=1), now))
    left = pending.keys() - stamps_of(source.read_pending_stamps()).keys()
    asked = stamps_of(source.read_stamps(sorted(left)))
    ((_, read),) = source.read_batches([asked[batch]])

    assert batch not in changed
    assert left == {batch}
    assert asked[batch].is_posted
    assert read is not None
    assert len(read.lines) == len(JOURNAL)


def test_step_6_deleted_document_is_gone(own_ais: Ais, build: Callable[..., JdeSource]) -> None:
    """A document that was deleted before posting is neither pending nor there when asked for."""
    source = build(own_ais)
    entered = enter(own_ais)
    before = stamps_of(source.read_pending_stamps())
    own_ais.perform("delete_document", document=f"00001-JE-{entered['document'].split('-')[-1]}")

    after = stamps_of(source.read_pending_stamps())
    ((_, read),) = source.read_batches([before[entered["batch"]]])

    assert before.keys() - after.keys() == {entered["batch"]}
    assert list(source.read_stamps([entered["batch"]])) == []
    assert read is None


def test_step_7_renamed_account_follows_its_id(
    own_ais: Ais, build: Callable[..., JdeSource]
) -> None:
    """The account master explains the id anew; its lines and its balance still agree under it."""
    source = build(own_ais)
    before = dict(source.read_combinations("account-master"))
    renamed = own_ais.perform("pass_day")["renamed"]
    ledger = next(each for each in source.read_ledgers() if each.name == "00001")
    period = next(each for each in source.read_periods(ledger) if each.name == "FY2026-P09")

    after = dict(source.read_combinations("account-master"))
    balances = list(source.read_balances(ledger, period, Measure.BASE))

    aid, name = renamed["aid"], renamed["after"]
    assert {key for key in before if before[key] != after[key]} == {aid}
    assert after[aid].split("|")[1:4] == [
        name["business_unit"], name["object"], name["subsidiary"],
    ]  # fmt: skip
    assert any(balance.activity for balance in balances)
    assert all(balance.of_lines == balance.activity for balance in balances)


@pytest.mark.parametrize("position", ["405Login", "405Every"])
def test_step_12_405_at_log_in(five_thousand: Ais, connect: Connect, position: str) -> None:
    """Not tried again, and the message names both readings."""
    five_thousand.turn(allowedHosts=position)

    with pytest.raises(SignOnBlockedError) as caught:
        connect().browse(LEDGER_KEYS)

    assert count_calls(five_thousand, "/tokenrequest") == 1
    assert "Allowed Hosts" in caught.value.refused
    assert "gateway" in caught.value.refused
    assert "outbound address" in caught.value.next_step
    assert "Allowed Hosts" in caught.value.next_step


def test_step_13_stop_logs_out(five_thousand: Ais, connect: Connect) -> None:
    """A client that is closed has said so: the server holds no session and counts none as left."""
    left_before = five_thousand.control("GET", "info")["warnings"]["sessionLeft"]
    client = connect()
    client.count("F0010")
    held = len(five_thousand.perform("list_sessions"))
    client.close()

    assert held == 1
    assert count_calls(five_thousand, "/tokenrequest/logout") == 1
    assert five_thousand.perform("list_sessions") == []
    five_thousand.clock.sleep(3 * 3600)
    assert five_thousand.control("GET", "info")["warnings"]["sessionLeft"] == left_before


def test_step_14_hidden_column_fails_the_setup_probe_by_name(five_thousand: Ais) -> None:
    """What a run would miss is told before one is made: the table and the column."""
    five_thousand.perform("hide_columns", F0911=["AA"])
    source = JdeSource(five_thousand.settings(), clock=five_thousand.clock, secrets=OneSecret())
    try:
        with closing(source):
            failed = [c for c in source.check() if c.state is CheckState.FAILED]
    finally:
        five_thousand.perform("hide_columns")

    tables = [check for check in failed if check.subject == "table F0911"]
    assert [check.code for check in tables] == ["jde.column-hidden"]
    assert tables[0].finding.endswith(": AA.")
    assert "column security" in tables[0].next_step


def test_step_15_fetch_limit_of_2000(five_thousand: Ais, connect: Connect) -> None:
    """What is cut off is an error, and divided into windows it is whole."""
    five_thousand.turn(dbFetchLimit=2000)
    client = connect()
    with pytest.raises(TruncatedError) as caught:
        client.browse(LEDGER_KEYS)

    windows = list(client.browse_windows(LEDGER_KEYS, split_by="DOC"))

    assert "F0911" in caught.value.refused
    assert caught.value.rows_seen == client.fetch_limit == 2000
    assert max(map(len, windows)) <= 2000
    assert keys_of(row for window in windows for row in window) == rows_of(five_thousand)
