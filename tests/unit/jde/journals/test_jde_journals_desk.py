"""Journals over a client in memory: what is asked before and after the one sending."""

import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import ValidationError

from ml_connector.domain.journals import Journal, JournalLine
from ml_connector.errors import SystemUnavailableError
from ml_connector.ports import JournalHead, JournalState
from ml_connector.systems.calls import RemoteReply
from ml_connector.systems.jde.client import JdeClient
from ml_connector.systems.jde.conditions import Condition, GroupRow, Operator, Query, Row, Where
from ml_connector.systems.jde.config import OrchestrationRow
from ml_connector.systems.jde.connection import JdeSettings, OrchestrationSettings
from ml_connector.systems.jde.journal_lines import (
    GROWING_S,
    LINES_FOUND_MAX,
    KeyedLines,
    KeyPassedOverError,
)
from ml_connector.systems.jde.journal_rules import JournalUnfitError
from ml_connector.systems.jde.journals import JournalDesk
from ml_connector.systems.jde.masters import MasterReader
from ml_connector.systems.jde.orchestrations import (
    JournalUnclearError,
    OrchestrationMissingError,
    OrchestrationRefusedError,
    build_call,
)
from ml_connector.systems.jde.reference import Reference

KEY = "PB2602A7"
NAME = "PLN_PostBudgetJournal"
DAY = date(2026, 1, 31)
HEAD = JournalHead(posting_key=KEY, document_type="BX", explanation="Plan")
JOURNAL = Journal(
    ledger="00001/BA", period="FY2026-P01", gl_date=DAY, currency="USD", part=1, parts=1,
    lines=(JournalLine("00004532", Decimal("-4.5")), JournalLine("00062411", Decimal(10))),
)  # fmt: skip
CREATED = {"Result": "CREATED", "BatchNumber": 15993, "DocumentNumber": 41260}
Record = dict[str, Any]


class MovedClock:
    """Sleeping moves it, and something may happen meanwhile."""

    def __init__(self) -> None:
        self.at = datetime(2026, 2, 2, 8, tzinfo=UTC)
        self.slept: list[float] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def now(self) -> datetime:
        """The instant."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """It is that much later."""
        self.slept.append(seconds)
        self.at += timedelta(seconds=seconds)
        self.meanwhile()


class Tables:
    """A client whose tables are lists, and whose orchestration answers from a script."""

    system = "JDE (erp)"
    fetch_limit = None

    def __init__(self) -> None:
        self.rows: dict[str, list[Record]] = {
            "F0010": [{"CO": "00001", "CRCD": "USD", "DTPN": "R", "PNC": 1}],
            "F0013": [{"CRCD": "USD", "CDEC": "2"}],
            "F0901": [
                {"AID": "00004532", "CO": "00001", "MCU": "30", "OBJ": "1110", "SUB": "BEAR"},
                {"AID": "00062411", "CO": "00001", "MCU": "30", "OBJ": "8720"},
            ],
            "F0911": [],
            "F0011": [],
        }
        self.inputs = "Generic"
        self.answers: list[tuple[int, Any]] = [(200, CREATED)]
        self.bodies: list[Any] = []
        self.renews: list[frozenset[int]] = []
        self.logins = 1
        self.discovered = 0
        self.passes_over = ""
        self.on_run: Callable[[], object] = lambda: None

    def enter(self, **changes: Any) -> None:
        """The journal's lines are in the ledger."""
        for number, line in enumerate(JOURNAL.lines, start=1):
            self.rows["F0911"].append({
                "KCO": "00001", "DCT": "BX", "DOC": 41260, "DGJ": "20260131", "JELN": number,
                "LT": "BA", "ICUT": "G", "ICU": 15993, "CO": "00001", "AID": line.account,
                "AA": line.amount, "R2": KEY, **changes,
            })  # fmt: skip

    def browse(self, query: Query) -> list[Row]:
        """The rows that fit."""
        return [tuple(row.get(c) for c in query.columns) for row in self._fit(query.table,
                query.conditions)]  # fmt: skip

    def browse_windows(self, query: Query, *, split_by: Any) -> Iterator[list[Row]]:
        """All of them in one window."""
        assert split_by
        yield self.browse(query)

    def count(self, table: str, conditions: Collection[Where] = ()) -> int:
        """How many fit."""
        return len(self._fit(table, conditions))

    def aggregate(self, query: Any) -> list[GroupRow]:
        """Never needed where a read fits."""
        raise AssertionError(query)

    def discover(self) -> list[OrchestrationRow]:
        """The one orchestration."""
        self.discovered += 1
        return [
            OrchestrationRow(
                name=NAME, description="", input_format=self.inputs, inputs=(), outputs=()
            )
        ]

    def read_session(self) -> Any:
        """Who is logged in."""
        return SimpleNamespace(logins=self.logins, date_format="dd/MM/yyyy")

    def run_orchestration(
        self, name: str, content: bytes, *, timeout_s: float, renews_on: frozenset[int]
    ) -> RemoteReply:
        """The next answer of the script; a refused session is replaced."""
        self.bodies.append(json.loads(content))
        self.renews.append(renews_on)
        self.on_run()
        status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.logins += status in renews_on
        call = build_call("/jderest", name, content, timeout_s=timeout_s)
        return RemoteReply(
            system=self.system, call=call, status=status, headers={},
            content=json.dumps(body).encode(),
        )  # fmt: skip

    def _fit(self, table: str, conditions: Collection[Where]) -> list[Record]:
        asked = [one for one in conditions if isinstance(one, Condition)]
        asked = [one for one in asked if one.column != self.passes_over]
        assert {one.operator for one in asked} <= {Operator.EQUAL, Operator.ANY_OF}
        return [row for row in self.rows[table] if all(row.get(c.column) in c.values
                for c in asked)]  # fmt: skip


@pytest.fixture
def tables() -> Tables:
    """A site in order, without journals."""
    return Tables()


@pytest.fixture
def clock() -> MovedClock:
    """A clock of the test's."""
    return MovedClock()


Connect = Callable[..., tuple[JournalDesk, KeyedLines]]


@pytest.fixture
def connect(tables: Tables, clock: MovedClock) -> Connect:
    """A desk over the tables, with settings of the orchestration."""

    def connect(**changes: Any) -> tuple[JournalDesk, KeyedLines]:
        settings = JdeSettings.model_validate(
            {"name": "erp", "ais_url": "https://ais.example", "orchestration": changes,
             "auth": {"method": "password", "user": "PLNSVC", "password": "secret:jde"}}
        )  # fmt: skip
        client = cast("JdeClient", tables)
        reference = Reference(client, settings=settings, clock=clock)
        masters = MasterReader(client=client, reference=reference, settings=settings)
        lines = KeyedLines(client=client, reference=reference, clock=clock)
        return JournalDesk(lines, masters, settings=settings), lines

    return connect


# Before the sending.


def test_format_is_asked_once_for_several_journals(tables: Tables, connect: Connect) -> None:
    """What the server tells of the orchestration is kept for minutes."""
    desk, _ = connect()
    for _ in range(3):
        desk.submit(JOURNAL, HEAD)

    assert (tables.discovered, len(tables.bodies)) == (1, 3)


def test_format_of_the_settings_needs_no_discovery(tables: Tables, connect: Connect) -> None:
    """Sites that hide discovery name the format."""
    desk, _ = connect(input_format="JDE Standard")
    desk.submit(JOURNAL, HEAD)

    assert tables.discovered == 0
    assert set(tables.bodies[0]) == {"inputs", "detailInputs"}


@pytest.mark.parametrize("told", ["", "Oracle Cloud IoT"])
def test_unknown_format_is_refused_before_anything_is_sent(
    tables: Tables, connect: Connect, told: str
) -> None:
    """Only two formats can be sent."""
    tables.inputs = told
    desk, _ = connect()

    with pytest.raises(OrchestrationRefusedError, match="JDE Standard"):
        desk.submit(JOURNAL, HEAD)
    assert tables.bodies == []


def test_format_is_told_in_any_case(tables: Tables, connect: Connect) -> None:
    """`jde standard` is the same."""
    tables.inputs = "jde standard"
    connect()[0].submit(JOURNAL, HEAD)

    assert "detailInputs" in tables.bodies[0]


def test_orchestration_nobody_shows_is_missing(tables: Tables, connect: Connect) -> None:
    """Names of those that are visible are told."""
    with pytest.raises(OrchestrationMissingError, match=NAME):
        connect(name="Other")[0].submit(JOURNAL, HEAD)
    assert tables.bodies == []


def test_account_that_is_gone_is_refused_before_anything_is_sent(
    tables: Tables, connect: Connect
) -> None:
    """Its id stands in the refusal."""
    del tables.rows["F0901"][1]

    with pytest.raises(JournalUnfitError, match="00062411"):
        connect()[0].submit(JOURNAL, HEAD)
    assert tables.bodies == []


def test_journal_that_must_be_posted_at_once_is_refused_where_nobody_is_told_so(
    tables: Tables, connect: Connect
) -> None:
    """The input is left out, so the wish would be lost."""
    desk, _ = connect(inputs={"PostAfterCreate": ""})

    with pytest.raises(JournalUnfitError, match="posted at once"):
        desk.submit(JOURNAL, replace(HEAD, post_at_once=True))
    desk.submit(JOURNAL, HEAD)
    assert len(tables.bodies) == 1


@pytest.mark.parametrize(
    ("date_format", "text"),
    [("yyyy-MM-dd", "2026-01-31"), ("user", "31/01/2026"), ("MM.dd.yyyy", "01.31.2026")],
)
def test_date_is_written_as_agreed(
    tables: Tables, connect: Connect, date_format: str, text: str
) -> None:
    """By a format of the settings, or the user's own."""
    connect(date_format=date_format)[0].submit(JOURNAL, HEAD)

    assert tables.bodies[0]["GLDate"] == text


def test_lines_that_are_there_are_told_and_not_sent(tables: Tables, connect: Connect) -> None:
    """Whatever they are: reading back tells."""
    tables.enter(LT="BF")
    receipt = connect()[0].submit(JOURNAL, HEAD)

    assert (receipt.is_duplicate, receipt.batch_id) == (True, "G-15993")
    assert tables.bodies == []


# The sending.


def test_journal_is_sent_once_with_the_accounts_as_they_are_called_now(
    tables: Tables, connect: Connect
) -> None:
    """One call, whatever comes of it."""
    receipt = connect()[0].submit(JOURNAL, HEAD)

    assert (receipt.batch_id, receipt.document) == ("G-15993", "00001-BX-41260")
    assert [line["Account"] for line in tables.bodies[0]["Lines"]] == ["30.1110.BEAR", "30.8720"]
    assert len(tables.bodies) == 1


@pytest.mark.parametrize("status", [400, 404, 405, 429, 500, 502, 503])
def test_no_other_status_is_sent_again(tables: Tables, connect: Connect, status: int) -> None:
    """Once is all."""
    tables.answers = [(status, {"message": "No"}), (200, CREATED)]
    with pytest.raises(Exception, match=r"PLN_Post"):
        connect()[0].submit(JOURNAL, HEAD)

    assert len(tables.bodies) == 1


@pytest.mark.parametrize("status", [401, 403, 444])
def test_refused_session_is_renewed_and_the_same_journal_sent_once_more(
    tables: Tables, connect: Connect, status: int
) -> None:
    """The second sending renews nothing any more."""
    tables.answers = [(status, {}), (200, CREATED)]
    connect()[0].submit(JOURNAL, HEAD)

    assert tables.bodies[0] == tables.bodies[1]
    assert len(tables.bodies) == 2
    assert tables.renews[1] == frozenset()


def test_second_sending_is_not_made_where_lines_are_there(tables: Tables, connect: Connect) -> None:
    """The refusal said that nothing was executed, and the ledger says otherwise."""
    tables.answers = [(444, {})]
    tables.on_run = tables.enter

    with pytest.raises(JournalUnclearError, match="444"):
        connect()[0].submit(JOURNAL, HEAD)
    assert len(tables.bodies) == 1


def test_denial_is_asked_again_in_a_new_session_only(tables: Tables, connect: Connect) -> None:
    """A right that was given later is found without a new process."""
    tables.answers = [(403, {})]
    desk, _ = connect()
    for _ in range(2):
        with pytest.raises(Exception, match="403"):
            desk.submit(JOURNAL, HEAD)
    assert len(tables.bodies) == 3
    tables.logins += 1
    tables.answers = [(403, {}), (200, CREATED)]
    desk.submit(JOURNAL, HEAD)

    assert len(tables.bodies) == 5


# Looking.


def test_lines_that_come_in_while_they_are_looked_at_are_waited_for(
    tables: Tables, clock: MovedClock, connect: Connect
) -> None:
    """Too few at first, whole a moment later."""
    tables.enter()
    late = tables.rows["F0911"].pop()
    _, lines = connect()

    def arrive() -> None:
        if len(clock.slept) == 2:
            tables.rows["F0911"].append(late)

    clock.meanwhile = arrive
    found = lines.find(JOURNAL, KEY)

    assert found.state is JournalState.ENTERED
    assert clock.slept == list(GROWING_S[:2])


def test_lines_that_stay_too_few_are_partial(
    tables: Tables, clock: MovedClock, connect: Connect
) -> None:
    """Some seconds are enough for a server that is at it."""
    tables.enter()
    tables.rows["F0911"].pop()

    assert connect()[1].find(JOURNAL, KEY).state is JournalState.PARTIAL
    assert clock.slept == list(GROWING_S)


@pytest.mark.parametrize("change", [{}, {"AA": Decimal(1)}, {"DOC": 7}])
def test_other_findings_are_told_at_once(
    tables: Tables, clock: MovedClock, connect: Connect, change: dict[str, Any]
) -> None:
    """Waiting makes no line right that is wrong."""
    tables.enter()
    if change:
        tables.enter(**change)
    connect()[1].find(JOURNAL, KEY)

    assert clock.slept == []


def test_state_of_the_batch_is_read(tables: Tables, connect: Connect) -> None:
    """A batch in error, and one of another type with the same number."""
    tables.enter()
    tables.rows["F0011"] = [{"ICUT": "V", "ICU": 15993, "IST": "D"},
                            {"ICUT": "G", "ICU": 15993, "IST": "E"}]  # fmt: skip

    assert connect()[1].find(JOURNAL, KEY).state is JournalState.FAILED


def test_server_that_passes_over_the_key_is_found_out(tables: Tables, connect: Connect) -> None:
    """Foreign lines come, few or all of the ledger: neither is a journal."""
    tables.enter(R2="OTHERKEY")
    tables.passes_over = "R2"
    _, lines = connect()

    with pytest.raises(KeyPassedOverError, match="41260"):
        lines.find(JOURNAL, KEY)
    tables.rows["F0911"] *= LINES_FOUND_MAX
    with pytest.raises(KeyPassedOverError, match="100000 lines"):
        lines.find(JOURNAL, KEY)


def test_look_that_fails_is_no_absence(
    tables: Tables, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The failure is passed on."""

    def fail(*_arguments: Any) -> int:
        raise SystemUnavailableError("Away.", written="Nothing.", next_step="Wait.")

    monkeypatch.setattr(tables, "count", fail)
    with pytest.raises(SystemUnavailableError):
        connect()[1].find(JOURNAL, KEY)


# Settings.


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"inputs": {"Key": "x"}}, "no such input: Key"),
        ({"inputs": {"Amount": "x"}}, "no such input: Amount"),
        ({"line_inputs": {"Company": "x"}}, "no such input: Company"),
        ({"inputs": {"PlanBatchKey": ""}}, "needed: PlanBatchKey"),
        ({"line_inputs": {"Amount": ""}}, "needed: Amount"),
        ({"line_inputs": {"Account": "", "AccountId": ""}}, "Account or AccountId"),
        ({"inputs": {"Company": "GLDate"}}, "one name: GLDate"),
        ({"date_format": "yy-MM-dd"}, "no certain date format"),
        ({"date_format": ""}, "no certain date format"),
        ({"timeout_s": 5}, "30"),
        ({"input_format": "Oracle Cloud IoT"}, "Generic"),
        ({"name": ""}, "1 character"),
    ],
)
def test_settings_that_could_not_work_are_faults(changes: dict[str, Any], words: str) -> None:
    """Each is told with what is allowed."""
    with pytest.raises(ValidationError, match=words):
        OrchestrationSettings.model_validate(changes)


def test_settings_have_defaults_for_all() -> None:
    """A site that follows the specification names nothing."""
    settings = OrchestrationSettings()

    assert (settings.name, settings.input_format, settings.timeout_s) == (NAME, None, 300)
    assert all(name == own for name, own in settings.head_names.items())
