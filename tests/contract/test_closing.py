"""Schedules that follow the books: closings run once each, working days and windows are kept."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ml_connector.domain.ledger import Ledger
from ml_connector.domain.periods import Period, PeriodState
from ml_connector.errors import RefusedError, SystemUnavailableError
from ml_connector.flows.closing import ClosingDesk, list_watched, look_at_periods
from ml_connector.flows.scheduling import (
    FlowPlace,
    ScheduleDesk,
    look,
    recompute,
    take_in,
)
from ml_connector.flows.timetables import FlowFacts
from ml_connector.ports import Clock, Json, Records, RunState
from ml_connector.ports.closing import MaintenanceRow
from ml_connector.ports.schedules import FiringState
from ml_connector.settings import Maintenance, Project, ProjectSettings, Schedule

# The clock begins on Monday, 2026-10-05 06:00 UTC.
Move = Callable[[float], None]
HOUR = 3_600
TEN_MINUTES = timedelta(minutes=10)
FLOWS = {
    "actuals": FlowFacts(
        kind="actuals", erp="erp", connections=frozenset({"erp", "model"}), ledgers=("US", "DE"),
        first_month="2026-01",
    ),
}  # fmt: skip
OPEN, CLOSED, NEVER = PeriodState.OPEN, PeriodState.CLOSED, PeriodState.NEVER_OPENED


def period(name: str, month: int, **more: Any) -> Period:
    """A calendar month of 2026."""
    last = date(2026, month + 1, 1) - timedelta(days=1)
    return Period(
        name=name, calendar="months", year=2026, number=month, date_first=date(2026, month, 1),
        date_last=last, **more,
    )  # fmt: skip


PERIODS = [period("Aug-26", 8), period("Sep-26", 9), period("Oct-26", 10), period("Nov-26", 11)]


class Books:
    """An ERP whose periods are opened and closed by hand."""

    connection = "erp"

    def __init__(self) -> None:
        self.states = dict.fromkeys(
            [(ledger, one.name) for ledger in ("US", "DE") for one in PERIODS], NEVER
        )
        for ledger in ("US", "DE"):
            self.states[ledger, "Aug-26"] = CLOSED
            self.states[ledger, "Sep-26"] = OPEN
        self.is_away = False
        self.asked = 0

    def read_ledgers(self) -> list[Ledger]:
        """Two companies of one calendar."""
        self.asked += 1
        if self.is_away:
            raise SystemUnavailableError("erp is away.", written="", next_step="")
        return [
            Ledger(name=one, ledger_id=one, currency="USD", chart="c", calendar="months")
            for one in ("US", "DE")
        ]

    def read_periods(self, ledger: Ledger) -> list[Period]:
        """Months, and an adjustment."""
        assert ledger.calendar == "months"
        return PERIODS

    def read_period_state(self, ledger: Ledger, one: Period) -> PeriodState:
        """As it stands; the newest has no state yet."""
        if one.name == "Nov-26" and self.states[ledger.name, one.name] is NEVER:
            raise RefusedError("There is no state.", written="", next_step="")
        return self.states[ledger.name, one.name]


class Queue:
    """An engine that only keeps what it was given, by id."""

    def __init__(self) -> None:
        self.runs: dict[str, Json] = {}

    def queue(self, *, flow: str, run_id: str, request: Json, queue_key: str) -> None:
        """The same id twice is one run."""
        self.runs[run_id] = request


class Office:
    """A project folder, processes that look, and an ERP."""

    def __init__(self, records: Records, clock: Clock, move: Move) -> None:
        self.records, self.clock, self.move = records, clock, move
        self.books, self.queue = Books(), Queue()
        self.schedules: dict[str, Schedule] = {}

    def take_in(self, *schedules: Schedule, maintenance: tuple[Maintenance, ...] = ()) -> None:
        """The folder has these."""
        self.schedules = {one.name: one for one in schedules}
        project = Project(
            root=Path(), settings=ProjectSettings(), connections={}, flows={},
            schedules=self.schedules, maintenance={one.name: one for one in maintenance},
        )  # fmt: skip
        take_in(self.records, project, clock=self.clock, actor="kim")
        # A project without flows knows no facts; those of these tests stand for them.
        recompute(self.records, FLOWS, self.clock)

    def poll(self) -> list[str]:
        """A process looks at periods, if a look is due."""
        desk = ClosingDesk(
            records=self.records, clock=self.clock, find_source=lambda _name: self.books,  # type: ignore[arg-type,return-value]  # what of a source is asked here
            flows=FLOWS, look_every=TEN_MINUTES, actor="watch",
        )  # fmt: skip
        return look_at_periods(desk, list_watched(self.schedules, FLOWS))

    def look(self) -> list[tuple[str, FiringState]]:
        """A process looks at what is due; what it asked of runs, and how the firings stand."""
        desk = ScheduleDesk(
            records=self.records, clock=self.clock, queue=self.queue, organisation="default",
            flows=FLOWS, find_place=lambda _flow: FlowPlace(kind="F2", queue_key="m"),
        )  # fmt: skip
        return [(str(one.request.get("periods", "")), one.state) for one in look(desk)]

    def end_runs(self) -> None:
        """Whatever runs has succeeded."""
        for run in self.records.runs.load_runs(limit=100):
            if run.state is RunState.QUEUED:
                self.records.runs.save_run(run.run_id, RunState.SUCCEEDED)

    def next_due(self, name: str = "close") -> datetime | None:
        """When the schedule is due next."""
        row = self.records.schedules.find_schedule(name)
        assert row is not None
        return row.next_due_at


@pytest.fixture
def office(records: Records, records_clock: Clock, move: Move) -> Office:
    """Everything over one database."""
    return Office(records, records_clock, move)


def schedule(name: str = "close", **more: Any) -> Schedule:
    """A schedule that follows closings, unless told otherwise."""
    given = {"name": name, "flow": "actuals", "when": {"on": "period-closed"}, "zone": "UTC"}
    return Schedule.model_validate(given | more)


def test_closed_period_runs_once_and_again_when_it_is_closed_again(office: Office) -> None:
    """The first look finds nothing; a closing names its period; re-opened and closed has a number.

    A new process, and another look, change nothing of it.
    """
    office.take_in(schedule())
    assert office.poll() == []
    assert office.poll() == [], "the next look is not due"
    office.books.states["US", "Sep-26"] = CLOSED
    office.move(600)
    assert office.poll() == ["Period Sep-26 of US was closed"]
    assert office.look() == [("['Sep-26']", FiringState.STARTED)]
    assert list(office.queue.runs.values()) == [{"periods": ["Sep-26"], "ledger": "US"}]
    office.take_in(schedule())
    office.end_runs()
    office.move(600)
    assert (office.poll(), office.look()) == ([], [])
    for state in (OPEN, CLOSED):
        office.books.states["US", "Sep-26"] = state
        office.move(600)
        office.poll()
    assert office.look() == [("['Sep-26']", FiringState.STARTED)]
    newest, first = office.records.schedules.load_firings("close")
    assert (first.reason, newest.reason) == (
        "Sep-26 of US was closed", "Sep-26 of US was closed for the 2nd time",
    )  # fmt: skip
    assert newest.run_id != first.run_id
    events = [one.event for one in office.records.audit.find("US") if "period." in one.event]
    assert events == ["period.closed", "period.opened", "period.closed"]


def test_closings_during_an_outage_all_run_one_after_the_other(office: Office) -> None:
    """None is passed over, whatever came meanwhile; opened ones are another schedule's."""
    opened = schedule("opened", when={"on": "period-opened"})
    office.take_in(schedule(), opened)
    office.poll()
    office.move(40 * 24 * HOUR)
    office.books.states |= {
        ("US", "Sep-26"): CLOSED, ("DE", "Sep-26"): CLOSED, ("US", "Oct-26"): CLOSED,
        ("DE", "Oct-26"): OPEN, ("US", "Nov-26"): OPEN,
    }  # fmt: skip
    told = office.poll()
    assert len(told) == 6
    assert told[-1] == "Periods of erp could not be looked at: There is no state."
    fired = []
    for _ in range(8):
        fired += [one for one in office.look() if one[1] is FiringState.STARTED]
        office.end_runs()
        office.move(5)
    assert sorted(fired) == [
        ("['Nov-26']", FiringState.STARTED), ("['Oct-26']", FiringState.STARTED),
        ("['Oct-26']", FiringState.STARTED), ("['Sep-26']", FiringState.STARTED),
        ("['Sep-26']", FiringState.STARTED),
    ]  # fmt: skip
    assert len(office.records.schedules.load_firings("close")) == 3
    assert len(office.records.schedules.load_firings("opened")) == 2


def test_closing_waits_while_its_flow_is_busy(office: Office) -> None:
    """The second of two is claimed when the first has begun, and waits for its end."""
    office.take_in(schedule())
    office.poll()
    office.books.states |= {("US", "Sep-26"): CLOSED, ("DE", "Sep-26"): CLOSED}
    office.move(600)
    office.poll()
    assert [state for _, state in office.look()] == [FiringState.STARTED]
    office.move(1)
    assert [state for _, state in office.look()] == [FiringState.WAITING]
    office.end_runs()
    office.move(5)
    assert [state for _, state in office.look()] == [FiringState.STARTED]


def test_paused_schedule_follows_what_comes_after_its_resumption(office: Office) -> None:
    """What was closed meanwhile is not caught up, as with any other time."""
    office.take_in(schedule())
    office.poll()
    office.records.schedules.save_pause("close", flow="actuals", actor="kim")
    office.books.states["US", "Sep-26"] = CLOSED
    office.move(600)
    assert len(office.poll()) == 1
    assert office.look() == []
    office.move(60)
    office.records.schedules.save_resumption("close", lambda _its, _after: None)
    recompute(office.records, FLOWS, office.clock)
    assert office.look() == []
    office.books.states["DE", "Sep-26"] = CLOSED
    office.move(600)
    office.poll()
    assert [state for _, state in office.look()] == [FiringState.STARTED]


def test_erp_that_is_away_is_asked_less_and_less_and_nothing_is_lost(office: Office) -> None:
    """The pause doubles up to two hours; the first good look finds what was closed meanwhile."""
    office.take_in(schedule())
    office.poll()
    office.books.is_away = True
    office.books.states["US", "Sep-26"] = CLOSED
    before, minutes = office.books.asked, 0
    for _ in range(12 * 6):
        office.move(600)
        minutes += 10
        office.poll()
    (watch,) = office.records.closing.load_watches()
    assert watch.problem == "erp is away."
    assert watch.failures == office.books.asked - before
    assert 8 <= watch.failures <= 10, "12 hours of every ten minutes would be 72"
    office.books.is_away = False
    office.move(2 * HOUR)
    assert office.poll() == ["Period Sep-26 of US was closed"]
    (watch,) = office.records.closing.load_watches()
    assert (watch.problem, watch.failures) == ("", 0)
    assert len(office.look()) == 1


def test_ledger_that_is_not_visible_stops_no_other(office: Office) -> None:
    """It is named, and the others are looked at."""
    facts = FLOWS["actuals"]
    many = {"actuals": FlowFacts(
        kind=facts.kind, erp="erp", connections=facts.connections, ledgers=("FR", "US"),
    )}  # fmt: skip
    office.take_in(schedule())
    desk = ClosingDesk(
        records=office.records, clock=office.clock, find_source=lambda _: office.books,  # type: ignore[arg-type,return-value]  # as above
        flows=many, look_every=TEN_MINUTES, actor="watch",
    )  # fmt: skip
    told = look_at_periods(desk, list_watched(office.schedules, many))
    assert told == ["Periods of erp could not be looked at: ledger FR is not visible"]
    assert {one.ledger for one in office.records.closing.load_periods()} == {"US"}


def test_working_days_wait_for_the_periods_and_follow_them(office: Office) -> None:
    """Before the ERP was asked nothing is due; after it the second working day of October's books.

    Calendar months need no ERP.
    """
    after = schedule(when={"working_day": "WD+2 06:00"}, zone="Europe/Berlin")
    months = schedule("months", when={"working_day": "WD-1 18:00", "of": "months"})
    office.take_in(after, months)
    assert office.next_due() is None
    assert office.next_due("months") == datetime.fromisoformat("2026-10-30T18:00Z")
    office.poll()
    assert office.next_due() == datetime.fromisoformat("2026-11-03T05:00Z")
    office.move(29 * 24 * HOUR)
    fired = office.look()
    assert [state for _, state in fired] == [FiringState.STARTED, FiringState.WAITING]
    assert office.next_due() == datetime.fromisoformat("2026-12-02T05:00Z")


@pytest.mark.parametrize("catch_up", ["newest", "all", "none"])
def test_working_day_that_is_learned_of_late_comes_by_the_catch_up_rule(
    office: Office, catch_up: str
) -> None:
    """Its time was over when the ERP first named the period: it comes once, or is told as missed.

    What was over before the schedule was new is none of its business.
    """
    office.books.is_away = True
    office.take_in(schedule(when={"working_day": "WD+2 06:00"}, catch_up=catch_up))
    office.poll()
    office.move(60 * 24 * HOUR)
    assert (office.next_due(), office.look()) == (None, []), "nobody knows a period"
    office.books.is_away = False
    office.poll()
    for _ in range(3):
        office.look()
        office.end_runs()
        office.move(1)
    told = [
        (f"{one.due_at:%m-%d %H:%M}", one.state, one.reason)
        for one in reversed(office.records.schedules.load_firings("close"))
    ]
    ran, gone = FiringState.STARTED, FiringState.MISSED
    assert (
        told
        == {
            "newest": [
                ("11-03 06:00", gone, "1 time came while nothing looked; only the newest runs"),
                ("12-02 06:00", ran, ""),
            ],
            "all": [("11-03 06:00", ran, ""), ("12-02 06:00", ran, "")],
            "none": [("11-03 06:00", gone, "2 times came while nothing looked; none is caught up")],
        }[catch_up]
    )
    office.poll()
    recompute(office.records, FLOWS, office.clock)
    assert (office.next_due(), office.look()) == (None, []), "once"


def see(office: Office, ledger: str, last: str) -> None:
    """The ERP has named a period of the ledger, and when it ends."""
    end = date.fromisoformat(last)
    one = replace(PERIODS[2], date_last=end, calendar=ledger)
    office.records.closing.save_seen("erp", ledger, periods=[one], states={})
    recompute(office.records, FLOWS, office.clock)


@pytest.mark.parametrize("days", [24, 29])
def test_working_day_of_a_ledger_that_is_learned_of_late_is_not_hidden_by_another_ledgers(
    office: Office, days: int
) -> None:
    """Whether the time that was known is still to come or has come at this moment."""
    office.take_in(schedule(when={"working_day": "WD+2 06:00"}, catch_up="all"))
    see(office, "US", "2026-10-31")
    assert office.next_due() == datetime.fromisoformat("2026-11-03T06:00Z")
    office.move(days * 24 * HOUR)
    see(office, "DE", "2026-10-25")
    for _ in range(3):
        office.look()
        office.end_runs()
        office.move(1)
    fired = [f"{one.due_at:%m-%d}" for one in office.records.schedules.load_firings("close")]
    assert fired == (["10-27"] if days == 24 else ["11-03", "10-27"])
    due = office.next_due()
    assert due == (datetime.fromisoformat("2026-11-03T06:00Z") if days == 24 else None)


def window(begins: str, ends: str, connection: str = "erp") -> MaintenanceRow:
    """Maintenance that somebody has typed."""
    return MaintenanceRow(
        key="k1", connection=connection, begins=begins, ends=ends, zone="UTC", reason="patch",
        is_filed=False, added_by="kim", added_at=datetime.fromisoformat("2026-10-05T06:00Z"),
    )  # fmt: skip


def test_maintenance_holds_back_what_needs_the_connection_and_nothing_comes_twice(
    office: Office,
) -> None:
    """A window added after a firing began moves the next one only; removed, what it held is due."""
    office.take_in(schedule(when={"cron": "0 7 * * *"}), schedule("b", when={"every": "1h"}))
    office.move(HOUR)
    assert [state for _, state in office.look()] == [FiringState.STARTED, FiringState.WAITING]
    office.end_runs()
    office.records.closing.save_maintenance(window("06:30", "09:15"))
    recompute(office.records, FLOWS, office.clock)
    assert office.next_due() == datetime.fromisoformat("2026-10-06T09:15Z"), "07:00 has run"
    assert office.next_due("b") == datetime.fromisoformat("2026-10-05T09:15Z")
    office.move(HOUR)
    assert [state for _, state in office.look()] == [FiringState.WAITING], "it waited before"
    (held,) = office.records.schedules.load_firings("b")
    assert held.reason == (
        "a maintenance window (patch) lets nothing begin until 2026-10-05 09:15 UTC"
    )
    assert office.records.closing.delete_maintenance("k1") is not None
    recompute(office.records, FLOWS, office.clock)
    assert office.next_due("b") == office.clock.now(), "08:00, which the window held back"
    other = window("00:00", "23:00", connection="elsewhere")
    office.records.closing.save_maintenance(other)
    recompute(office.records, FLOWS, office.clock)
    assert office.next_due("b") == office.clock.now()


@pytest.mark.parametrize("catch_up", ["newest", "none"])
def test_closing_in_a_window_waits_for_its_end_or_is_dropped(office: Office, catch_up: str) -> None:
    """By the catch-up rule; what is dropped says so."""
    patch = Maintenance.model_validate(
        {"name": "patch", "connection": "model", "zone": "UTC",
         "windows": [{"from": "2026-10-05 06:05", "to": "2026-10-05 09:00", "reason": "patch"}]}
    )  # fmt: skip
    office.take_in(schedule(catch_up=catch_up), maintenance=(patch,))
    office.poll()
    office.books.states["US", "Sep-26"] = CLOSED
    office.move(600)
    office.poll()
    assert office.look() == []
    if catch_up == "none":
        (dropped,) = office.records.schedules.load_firings("close")
        assert dropped.state is FiringState.SKIPPED
        assert dropped.reason == (
            "Sep-26 of US was closed; a maintenance window (patch) lets nothing run until"
            " 2026-10-05 09:00 UTC"
        )
    else:
        assert office.next_due() == datetime.fromisoformat("2026-10-05T09:00Z")
    office.move(3 * HOUR)
    assert len(office.look()) == (catch_up != "none")


def test_time_that_a_window_held_back_runs_when_the_window_is_removed_early(office: Office) -> None:
    """Maintenance that is over sooner loses nothing, and brings nothing twice."""
    office.take_in(schedule(when={"cron": "0 7 * * *"}))
    office.records.closing.save_maintenance(window("06:30", "12:00"))
    recompute(office.records, FLOWS, office.clock)
    assert office.next_due() == datetime.fromisoformat("2026-10-05T12:00Z")
    office.move(2 * HOUR)
    assert office.look() == []
    assert office.records.closing.delete_maintenance("k1") is not None
    recompute(office.records, FLOWS, office.clock)
    assert [state for _, state in office.look()] == [FiringState.STARTED]
    assert office.next_due() == datetime.fromisoformat("2026-10-06T07:00Z")
    recompute(office.records, FLOWS, office.clock)
    assert office.next_due() == datetime.fromisoformat("2026-10-06T07:00Z")


def test_time_that_a_blackout_held_back_runs_when_the_file_names_it_no_more(office: Office) -> None:
    """As when maintenance is over sooner; in another zone the time is another one."""
    when = {"cron": "0 7 * * *"}
    held = [{"from": "2026-10-05 06:30", "to": "2026-10-05 12:00"}]
    office.take_in(*(schedule(one, when=when, blackouts=held) for one in ("close", "moved")))
    office.move(2 * HOUR)
    assert office.look() == []
    office.take_in(schedule(when=when), schedule("moved", when=when, zone="Europe/London"))
    assert office.next_due() == datetime.fromisoformat("2026-10-05T07:00Z")
    assert office.next_due("moved") == datetime.fromisoformat("2026-10-06T06:00Z")


def test_closing_is_found_behind_however_many_of_other_ledgers(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events that a schedule does not wait for take no place among those it looks at."""
    monkeypatch.setattr("ml_connector.flows.timetables.EVENTS_MAX", 2)
    office.take_in(schedule())
    office.poll()
    names = [one.name for one in PERIODS]
    for state in (OPEN, CLOSED):
        office.records.closing.save_seen(
            "erp", "FR", periods=PERIODS, states=dict.fromkeys(names, state)
        )
    office.books.states["US", "Sep-26"] = CLOSED
    office.move(600)
    office.poll()
    assert office.look() == [("['Sep-26']", FiringState.STARTED)]


def test_file_that_says_the_same_changes_nothing(office: Office) -> None:
    """Windows of files are replaced when they differ, and people cannot remove them."""
    patch = Maintenance.model_validate(
        {"name": "patch", "connection": "model", "zone": "UTC",
         "windows": [{"from": "Sat 22:00", "to": "Sun 02:00"}]}
    )  # fmt: skip
    for _ in range(2):
        office.take_in(schedule(), maintenance=(patch,))
    events = [one.event for one in office.records.audit.find("maintenance/")]
    assert events == ["maintenance.changed"]
    assert office.records.closing.delete_maintenance("patch-1") is None
    office.take_in(schedule())
    assert office.records.closing.load_maintenance() == []


def test_look_is_one_process_only_and_another_ones_when_it_dies(office: Office) -> None:
    """Who claims a connection has it for a while, and no longer."""
    store, hold = office.records.closing, timedelta(minutes=30)
    assert len(store.claim_watches(["erp"], hold=hold)) == 1
    assert store.claim_watches(["erp"], hold=hold) == []
    office.move(30 * 60)
    assert len(store.claim_watches(["erp"], hold=hold)) == 1


def test_definition_of_a_newer_release_keeps_its_time(office: Office) -> None:
    """What follows changes; who knows the schedule decides."""
    at = office.clock.now() + timedelta(hours=2)
    newer = {"name": "close", "flow": "actuals", "when": {"tide": "high"}, "zone": "UTC"}
    office.records.schedules.save_schedules({"close": newer}, lambda _its, _at: at)
    recompute(office.records, FLOWS, office.clock)
    assert office.next_due() == at
