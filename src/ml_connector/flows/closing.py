"""Periods as the ERP has them: looked at in turn, and what became of them starts schedules.

One process looks at a connection at a time; which one is settled in the records. What it saw and
what became of a period are stored together, and with them when each schedule is due.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from ml_connector.domain.closing import choose_watched
from ml_connector.domain.ledger import Ledger
from ml_connector.domain.periods import Period, PeriodState
from ml_connector.errors import ConnectorError, RefusedError
from ml_connector.flows.scheduling import recompute, tell_event
from ml_connector.flows.timetables import FlowFacts
from ml_connector.ports import Clock, LedgerSource, Records
from ml_connector.ports.closing import PeriodEvent, WatchRow
from ml_connector.settings import Schedule

HOLD = timedelta(minutes=30)
"""After it another process looks: the one that began may be dead."""
BACK_OFF_MAX = timedelta(hours=2)
"""Longest pause after looks that failed."""
DOUBLINGS_MAX = 10
"""Failures after which the pause grows no more."""
LEDGERS_MAX = 1_000
"""Ledgers of one connection that are looked at."""
PROBLEMS_TOLD_MAX = 3
"""Ledgers of one look whose problems are told; the others are counted."""

FindSource = Callable[[str], LedgerSource]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingDesk:
    """What looking at periods needs."""

    records: Records
    clock: Clock
    find_source: FindSource
    flows: Mapping[str, FlowFacts]
    look_every: timedelta
    actor: str


def list_watched(
    schedules: Mapping[str, Schedule], flows: Mapping[str, FlowFacts]
) -> dict[str, list[str]]:
    """The ledgers whose periods some schedule follows, by connection."""
    found: dict[str, set[str]] = {}
    for schedule in schedules.values():
        when, facts = schedule.when, flows.get(schedule.flow)
        follows = when.on is not None or (when.working_day is not None and when.of == "periods")
        if follows and schedule.enabled and facts is not None and facts.ledgers:
            found.setdefault(facts.erp, set()).update(facts.ledgers)
    return {connection: sorted(its)[:LEDGERS_MAX] for connection, its in found.items()}


def look_at_periods(desk: ClosingDesk, watched: Mapping[str, list[str]]) -> list[str]:
    """The connections that are due for a look have had it; what happened and what failed is told.

    A connection that does not answer is left alone for longer each time.
    """
    told: list[str] = []
    for watch in desk.records.closing.claim_watches(list(watched), hold=HOLD):
        try:
            events, problem = _look_at(desk, watch.connection, watched[watch.connection])
        except ConnectorError as error:
            events, problem = [], error.refused
        told += [f"Period {tell_event(one)}" for one in events]
        if problem:
            told.append(f"Periods of {watch.connection} could not be looked at: {problem}")
        pause = find_pause(watch, desk.look_every) if problem else desk.look_every
        desk.records.closing.save_watch(watch.connection, problem=problem, next_look=pause)
    return told


def find_pause(watch: WatchRow, look_every: timedelta) -> timedelta:
    """How long to wait after one more failure: twice as long each time, within bounds."""
    turns: int = 1 << min(watch.failures + 1, DOUBLINGS_MAX)
    return min(look_every * turns, max(look_every, BACK_OFF_MAX))


def _look_at(
    desk: ClosingDesk, connection: str, wanted: list[str]
) -> tuple[list[PeriodEvent], str]:
    """What became of the periods of the ledgers, and what is wrong with some of them."""
    source = desk.find_source(connection)
    ledgers = {one.name: one for one in source.read_ledgers()}
    calendars: dict[str, list[Period]] = {}
    events: list[PeriodEvent] = []
    problems = [f"ledger {name} is not visible" for name in wanted if name not in ledgers]
    for name in wanted:
        if name in ledgers:
            found, problem = _look_at_ledger(desk, source, ledgers[name], calendars)
            events += found
            problems += [problem] if problem else []
    # Also for calendars that have grown, and for what a process that died has left.
    recompute(desk.records, desk.flows, desk.clock)
    more = len(problems) - PROBLEMS_TOLD_MAX
    told = [*problems[:PROBLEMS_TOLD_MAX], *([f"and {more} more"] if more > 0 else [])]
    return events, "; ".join(told)


def _look_at_ledger(
    desk: ClosingDesk, source: LedgerSource, ledger: Ledger, calendars: dict[str, list[Period]]
) -> tuple[list[PeriodEvent], str]:
    """Companies that share a calendar share one reading of it."""
    if ledger.calendar not in calendars:
        calendars[ledger.calendar] = source.read_periods(ledger)
    periods, today = calendars[ledger.calendar], desk.clock.now().date()
    states, problem = _read_states(source, ledger, periods, today)
    records = desk.records
    with records.transactions.begin(f"the periods of {ledger.name}"):
        events = records.closing.save_seen(
            source.connection, ledger.name, periods=periods, states=states
        )
        for event in events:
            records.audit.record(
                f"{event.kind.value.replace('-', '.')}", subject=ledger.name, actor=desk.actor,
                period=event.period.name, number=event.number, connection=event.connection,
            )  # fmt: skip
        if events:
            recompute(records, desk.flows, desk.clock)
    return events, problem


def _read_states(
    source: LedgerSource, ledger: Ledger, periods: list[Period], today: date
) -> tuple[dict[str, PeriodState], str]:
    """The states of periods that may change now, and why one that has begun has none."""
    states: dict[str, PeriodState] = {}
    problem = ""
    for period in choose_watched(periods, today):
        try:
            states[period.name] = source.read_period_state(ledger, period)
        except RefusedError as error:
            # One that has not begun, and an adjustment, may be set up later.
            if period.date_first <= today and not period.is_adjustment:
                problem = problem or error.refused
    return states, problem
