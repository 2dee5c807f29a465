"""Connections as people look after them: tests that end in time, what ends when, requests."""

import threading
from collections.abc import Iterator
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from tests.contract.conftest import START, Move
from tests.fakes.certificates import make_certificate

from ml_connector.domain.working_days import WorkingDays
from ml_connector.errors import CredentialsError
from ml_connector.ports import Action, ActionKind, Check, CheckState, Clock, Records
from ml_connector.records import open_budget
from ml_connector.records.allowance import Allowance
from ml_connector.wiring.limits import TEST_S, ConnectionTestedError, Limits

FOUND = (
    Check(subject="reach", state=CheckState.OK, finding="it answers"),
    Check(subject="rights", state=CheckState.WARNING, finding="few", next_step="Give more."),
)
WAIT_S = 60


class System:
    """A system that answers as told."""

    def __init__(self) -> None:
        self.answers: list[Check] = list(FOUND)
        self.error: Exception | None = None
        self.gate: threading.Event | None = None
        self.entered = threading.Event()

    def check(self) -> Iterator[Check]:
        """What it is told, then what goes wrong."""
        yield from self.answers
        self.entered.set()
        if self.gate is not None:
            self.gate.wait(WAIT_S)
        if self.error is not None:
            raise self.error


class Office(Limits):
    """A house with one connection."""

    def __init__(self, records: Records, clock: Clock, settings: Any) -> None:
        self.records = records  # type: ignore[misc]  # the house's, which has it as a property.
        self.clock = clock
        self.actor = "kim"
        self.behind = System()
        self.secrets: dict[str, str] = {}
        self.vault = SimpleNamespace(read_secret=self._read)  # type: ignore[misc,assignment]  # as above.
        self.project = SimpleNamespace(  # type: ignore[assignment]  # what is asked of it.
            connections={"anaplan": settings}, flows={},
            settings=SimpleNamespace(alerts=SimpleNamespace(expiring_days=10)),
        )  # fmt: skip
        self._whole = self
        self.days = WorkingDays()

    def _read(self, reference: str) -> str:
        if reference not in self.secrets:
            raise CredentialsError("There is no secret.", written="", next_step="")
        return self.secrets[reference]

    def _connection(self, name: str, kind: str) -> Any:
        return self.project.connections[name]

    is_impatient = False

    @property
    def patience_s(self) -> float:  # type: ignore[override]  # the house's, which never changes.
        """None for the impatient, once the system has said all that it says at once."""
        return 0.0 if self.is_impatient and self.behind.entered.wait(WAIT_S) else TEST_S

    def system(self, name: str) -> Any:
        """The one behind every connection."""
        return self.behind

    def find_close_days(self) -> WorkingDays:
        """Monday to Friday, unless a test says otherwise."""
        return self.days

    def list_secrets(self) -> list[Any]:
        """The stored one."""
        return [SimpleNamespace(name="cert", key_id="k1", saved_at=START)]


@pytest.fixture
def office(records: Records, records_clock: Clock) -> Office:
    """A connection to a model, by certificate."""
    values = {
        "kind": "anaplan", "model_id": "M",
        "auth": {"certificate": "secret:cert", "private_key": "secret:gone", "user": "env:USER"},
    }  # fmt: skip
    settings = SimpleNamespace(
        kind="anaplan", model_id="M", requests_per_minute=10, budget_key=lambda: "anaplan:t",
        auth=SimpleNamespace(certificate="secret:cert"), model_dump=lambda **_: values,
    )  # fmt: skip
    return Office(records, records_clock, settings)


def test_what_a_test_found_is_kept(office: Office) -> None:
    """With who asked; the newest is what a list shows."""
    office.test_connection("anaplan")
    office.behind.answers = []
    office.behind.error = CredentialsError("The password is wrong.", written="", next_step="Mend.")
    test = office.test_connection("anaplan")

    assert [(one.subject, one.state) for one in test.checks] == [("connection", CheckState.FAILED)]
    first = office.records.connections.load_tests("anaplan")[1]
    assert (first.checks, first.actor, first.is_whole) == (FOUND, "kim", True)
    assert office.list_connections()[0].last == test
    link = office.records.audit.find("anaplan")[-1]
    assert (link.event, link.details["failed"]) == ("connection.tested", 1)


def test_test_that_takes_too_long_keeps_what_it_found(office: Office) -> None:
    """And says that it is a part; a second test of the same connection is refused meanwhile."""
    gate = office.behind.gate = threading.Event()
    slow = threading.Thread(target=office.test_connection, args=("anaplan",))
    slow.start()
    assert office.behind.entered.wait(WAIT_S)
    with pytest.raises(ConnectionTestedError, match="at this moment"):
        office.test_connection("anaplan")
    gate.set()
    slow.join(WAIT_S)

    gate.clear()
    office.behind.entered.clear()
    office.is_impatient = True
    test = office.test_connection("anaplan")
    with pytest.raises(ConnectionTestedError, match="at this moment"):
        office.test_connection("anaplan")  # What nobody waits for any more still asks.
    gate.set()
    for thread in threading.enumerate():
        if thread.name.startswith("test_"):
            thread.join(WAIT_S)
    office.is_impatient = False

    assert (test.is_whole, test.checks) == (False, FOUND)
    assert office.test_connection("anaplan").is_whole


@pytest.mark.parametrize(("days", "alerts"), [(5, 1), (39, 1), (40, 0)])
def test_certificate_that_ends_before_the_next_close_is_over_is_told(
    office: Office, days: int, alerts: int
) -> None:
    """It is the fifth of October: the close of October is over on the thirteenth of November."""
    ends = START + timedelta(days=days)
    office.secrets["secret:cert"] = make_certificate(ends)

    (found,) = office.list_certificates()
    told = office.list_endings()

    assert (found.ends_at, found.is_soon) == (ends, bool(alerts))
    assert len(told) == alerts
    assert all("of the close of" in one.happened[0] for one in told)
    assert [one.cause for one in office.list_endings()] == [one.cause for one in told]


def test_certificate_is_held_against_the_working_days_of_the_project(office: Office) -> None:
    """A week that nobody works moves the end of the close by as much."""
    office.secrets["secret:cert"] = make_certificate(START + timedelta(days=44))
    (before,) = office.list_certificates()
    week = [date(2026, 11, day) for day in range(2, 7)]
    office.days = WorkingDays(own=dict.fromkeys(week, "stock-taking"))
    (after,) = office.list_certificates()
    office.days = WorkingDays(weekdays=frozenset())
    (never,) = office.list_certificates()

    assert (before.is_soon, after.is_soon, never.is_soon) == (False, True, True)
    assert before.place
    assert after.place
    assert before.place.working_day - after.place.working_day == len(week)


def test_certificate_that_cannot_be_opened_says_why(office: Office) -> None:
    """And makes no alert, for nobody knows when it ends."""
    (missing,) = office.list_certificates()
    office.secrets["secret:cert"] = "no certificate"
    (broken,) = office.list_certificates()

    assert (missing.ends_at, missing.problem) == (None, "There is no secret.")
    assert broken.problem == "The certificate cannot be read."
    assert office.list_unread_certificates() == ["anaplan"]
    assert office.list_endings() == []


def test_connection_is_shown_with_requests_leases_and_secrets(
    office: Office, records_clock: Clock, move: Move
) -> None:
    """Names and versions of secrets, never their texts; the last minute and those before it."""
    budget = open_budget(
        clock=records_clock, allowances={"anaplan:t": Allowance(requests=10, margin_s=1)}
    )
    store = office.records.connections
    budget.acquire("anaplan:t")
    store.record_minute(START)
    for _ in range(4):
        budget.acquire("anaplan:t")
    move(60)
    store.record_minute(START)
    assert store.record_minute(START) == 0
    budget.acquire("anaplan:t", run_id="r1")
    budget.hold("anaplan:t", 30)
    lease = office.records.intents.take_lease("M", holder="r1/p", seconds=25)
    load = Action(kind=ActionKind.IMPORT, name="Load", action_id="112")
    office.records.intents.make_intent(lease=lease, run_id="r1", action=load, content_hash="c")

    detail = office.view_connection("anaplan")

    requests = detail.requests
    assert requests is not None
    assert (requests.allowance, requests.reserve, requests.total) == (10, 1, 6)
    assert requests.used == sum(requests.by_second) >= 1
    assert requests.held_until is not None
    assert [one.requests for one in detail.minutes] == [4]
    assert [(one.holder, one.run_id, one.fence) for one in detail.models] == [("r1/p", "r1", 1)]
    assert [one.run_id for one in detail.unsettled] == ["r1"]
    uses = {one.setting: (one.key_id, one.is_missing) for one in detail.secrets}
    assert uses == {
        "auth.certificate": ("k1", False), "auth.private_key": ("", True), "auth.user": ("", False),
    }  # fmt: skip
    assert "secret" not in str(detail.settings)
