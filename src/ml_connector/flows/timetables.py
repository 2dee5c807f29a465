"""What a schedule's settings come to: words, a calendar, the next time, the events it waits for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cached_property, partial
from zoneinfo import ZoneInfo

from ml_connector.domain.closing import PeriodEventKind
from ml_connector.domain.cron_words import tell_cron, tell_every, tell_working_day
from ml_connector.domain.schedules import Calendar, Walk, find_next, walk_every
from ml_connector.domain.wall_times import resolve_wall
from ml_connector.domain.windows import DAY, WEEK, Shut, Window, WindowKind
from ml_connector.domain.working_days import (
    SHORT_DAYS,
    WorkingDays,
    list_month_ends,
    walk_working_days,
)
from ml_connector.ports import Clock, Json, Records
from ml_connector.ports.closing import MaintenanceRow, PeriodEvent
from ml_connector.ports.schedules import ScheduleRow
from ml_connector.settings import ActualsFlow, BudgetFlow, CalendarSettings, Flow, SupplierFlow
from ml_connector.settings.calendars import find_holiday
from ml_connector.settings.crons import names_every_hour, walk_cron
from ml_connector.settings.schedules import (
    Schedule,
    Span,
    parse_end,
    parse_interval,
    parse_moment,
    parse_working_day,
)

EVENTS_MAX = 1_000
"""Events that one look considers, the oldest that are not done; the others wait."""
YEARS_AROUND = 4
"""Of calendar months that working days are counted from."""
DAYS_KEY = "working_days"
"""Where a stored definition has the calendar it names."""
NEWER_KEYS = ("calendar", "days_off")
"""Keys that definitions of the releases before lack; they are left out while nothing is said."""
PLACING_RULES = ("fold-into-last", "own-member")
"""Rules by which the amounts of an adjustment period have a place in the model."""
_FIRST_ANCHOR = datetime(2026, 1, 1)  # noqa: DTZ001 - a wall time without a zone, on purpose.
_MONDAY = datetime(2026, 1, 5)  # noqa: DTZ001 - as above.


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """A schedule with the calendar it names."""

    schedule: Schedule
    calendar: CalendarSettings | None = None

    @property
    def days(self) -> WorkingDays:
        """Which days are worked."""
        return make_working_days(self.calendar)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFacts:
    """What schedules need to know of a flow."""

    kind: str
    erp: str
    """Connection of the ERP whose books it follows."""
    connections: frozenset[str]
    """All that a run of it needs."""
    ledgers: tuple[str, ...] = ()
    first_month: str = ""
    takes_adjustments: bool = False

    def wants(self, event: PeriodEvent) -> bool:
        """Whether a run of the flow could be about that period."""
        return (
            event.connection == self.erp
            and event.ledger in self.ledgers
            and event.period.month >= self.first_month
            and (self.takes_adjustments or not event.period.is_adjustment)
        )


def find_facts(flow: Flow) -> FlowFacts:
    """What schedules need to know of the flow."""
    is_back = isinstance(flow, BudgetFlow | SupplierFlow)
    bare = FlowFacts(
        kind=flow.kind,
        erp=flow.target if is_back else flow.source,
        connections=frozenset({flow.source, flow.target}),
    )
    if not isinstance(flow, ActualsFlow | BudgetFlow):
        return bare
    folds = isinstance(flow, ActualsFlow) and flow.periods.adjustment in PLACING_RULES
    return replace(
        bare, ledgers=tuple(flow.ledgers), first_month=flow.first_month, takes_adjustments=folds
    )


def render_definition(schedule: Schedule, calendar: CalendarSettings | None = None) -> Json:
    """The settings as the records keep them, the calendar they name included."""
    kept = schedule.model_dump(mode="json", by_alias=True)
    bare = type(schedule).model_fields
    for key in NEWER_KEYS:
        if kept[key] == bare[key].default:
            del kept[key]
    plain = {"of": "periods"}
    kept["when"] = {
        key: value for key, value in kept["when"].items() if value not in (None, plain.get(key))
    }
    if calendar is not None:
        kept[DAYS_KEY] = calendar.model_dump(mode="json", by_alias=True)
    return kept


def parse_definition(definition: Json) -> Filed:
    """What the records keep.

    Raises:
        ValueError: A newer release wrote it, with keys that are not known here.
    """
    bare = {key: value for key, value in definition.items() if key != DAYS_KEY}
    days = definition.get(DAYS_KEY)
    return Filed(
        schedule=Schedule.model_validate(bare),
        calendar=CalendarSettings.model_validate(days) if days else None,
    )


def make_working_days(calendar: CalendarSettings | None) -> WorkingDays:
    """The calendar's working days; without one every Monday to Friday is worked."""
    if calendar is None:
        return WorkingDays()
    return WorkingDays(
        weekdays=frozenset(SHORT_DAYS.index(one) for one in calendar.weekdays),
        find_holiday=partial(find_holiday, calendar.country, calendar.subdivision),
        own={day: row.reason for row in calendar.holidays for day in row.list_days()},
        worked=frozenset(calendar.working),
    )


def tell_when(schedule: Schedule) -> str:
    """When the schedule is due, in words."""
    when = schedule.when
    if when.cron is not None:
        return tell_cron(when.cron)
    if when.working_day is not None:
        number, at = parse_working_day(when.working_day)
        return tell_working_day(number, at, of="month" if when.of == "months" else "period")
    if when.every is not None:
        return tell_every(parse_interval(when.every))
    return f"when a period is {str(when.on).removeprefix('period-')}"


def make_window(
    span: Span | MaintenanceRow, *, kind: WindowKind, skips: bool, zone: str = ""
) -> Window:
    """The window that a file or a person has named."""
    begins, ends = (_place_end(parse_end(text)) for text in (span.begins, span.ends))
    every = {time: DAY, datetime: None}.get(type(parse_end(span.begins)), WEEK)
    if every is not None and ends < begins:
        ends += every
    return Window(
        begins=begins, ends=ends, every=every, reason=span.reason, kind=kind, skips=skips,
        zone=ZoneInfo(zone) if zone else None,
    )  # fmt: skip


def _place_end(end: object) -> datetime:
    """A wall time of the first week, or the very one."""
    if isinstance(end, datetime):
        return end
    if isinstance(end, time):
        return datetime.combine(_MONDAY.date(), end)
    assert isinstance(end, tuple)
    return _MONDAY + timedelta(days=end[0], hours=end[1], minutes=end[2])


class Almanac:
    """What schedules follow besides their own settings, as the records have it at one moment."""

    def __init__(self, records: Records, flows: Mapping[str, FlowFacts], clock: Clock) -> None:
        self._records = records
        self._flows = flows
        self._clock = clock
        self._parsed: dict[str, Filed | None] = {}

    def parse_row(self, row: ScheduleRow) -> Filed | None:
        """What the row is defined as; None where a newer release has written it."""
        if row.name not in self._parsed:
            try:
                self._parsed[row.name] = parse_definition(row.definition)
            except ValueError:
                self._parsed[row.name] = None
        return self._parsed[row.name]

    def find_filed(self, name: str) -> Filed | None:
        """The schedule as it was last taken in; None where nobody here knows it."""
        if name not in self._parsed:
            row = self._records.schedules.find_schedule(name)
            return self.parse_row(row) if row is not None else None
        return self._parsed[name]

    def make_calendar(self, filed: Filed, *, done: datetime | None = None) -> Calendar:
        """When the schedule is due; of one that follows events only its windows say something."""
        schedule, shut = filed.schedule, self.make_shut(filed)
        cron = schedule.when.cron
        if cron is not None:
            return Calendar(
                walls=partial(_walk_cron, cron), shut=shut, done=done,
                is_interval=names_every_hour(cron),
            )  # fmt: skip
        if schedule.when.every is not None:
            walk = _walk_interval(schedule)
            return Calendar(walls=walk, shut=shut, done=done, are_instants=True)
        return Calendar(walls=self._walk_working_days(filed), shut=shut, done=done)

    def make_shut(self, filed: Filed) -> Shut:
        """Every window in which the schedule does not run."""
        schedule = filed.schedule
        drops = schedule.in_blackout == "skip"
        rests = filed.calendar is not None and schedule.days_off == "skip"
        is_plain = schedule.when.cron is not None or schedule.when.every is not None
        blackouts = [
            make_window(one, kind=WindowKind.BLACKOUT, skips=drops) for one in schedule.blackouts
        ]
        return Shut(
            zone=ZoneInfo(schedule.zone),
            windows=(*blackouts, *self._list_maintenance(schedule)),
            find_off=filed.days.tell_off if rests and is_plain else None,
        )

    def list_ends(self, filed: Filed) -> list[date]:
        """The ends of periods that the schedule's working days are counted from, ascending."""
        if filed.schedule.when.of == "months":
            return list_month_ends(self._clock.now().date(), years=YEARS_AROUND)
        facts = self._flows.get(filed.schedule.flow)
        if facts is None:
            return []
        wanted = {(facts.erp, ledger) for ledger in facts.ledgers}
        return sorted({end for key, end in self._ends if key in wanted})

    def list_events(self, filed: Filed, row: ScheduleRow) -> list[PeriodEvent]:
        """What became of periods that the schedule has still to run for, oldest first."""
        facts = self._flows.get(filed.schedule.flow)
        if facts is None or row.cursor is None:
            return []
        kind = PeriodEventKind(str(filed.schedule.when.on))
        found = self._records.closing.load_events(
            row.cursor, limit=EVENTS_MAX, kind=kind, ledgers={facts.erp: facts.ledgers}
        )
        return [one for one in found if facts.wants(one)]

    def find_next_due(self, definition: Json, after: datetime) -> datetime | None:
        """When a stored definition is due next; None: switched off, waiting, or it never comes."""
        filed = parse_definition(definition)
        if not filed.schedule.enabled:
            return None
        row = self._rows.get(filed.schedule.name)
        if filed.schedule.when.on is not None:
            waiting = self.list_events(filed, row) if row is not None else []
            return waiting[0].at if waiting else None
        calendar = self.make_calendar(filed, done=row.done_at if row is not None else None)
        found = find_next(calendar, after)
        return found.at if found else None

    def find_stored(self, definition: Json) -> datetime | None:
        """When the records say that it is due next."""
        row = self._rows.get(str(definition.get("name")))
        return row.next_due_at if row is not None else None

    def _list_maintenance(self, schedule: Schedule) -> Iterator[Window]:
        facts = self._flows.get(schedule.flow)
        for row in self._maintenance if facts is not None else ():
            if facts is not None and row.connection in facts.connections:
                drops = schedule.catch_up == "none"
                yield make_window(row, kind=WindowKind.MAINTENANCE, skips=drops, zone=row.zone)

    def _walk_working_days(self, filed: Filed) -> Walk:
        text = filed.schedule.when.working_day
        if text is None:
            return lambda _after: iter(())
        number, at = parse_working_day(text)
        return walk_working_days(filed.days, self.list_ends(filed), number=number, at=at)

    @cached_property
    def _ends(self) -> list[tuple[tuple[str, str], date]]:
        return [
            ((one.connection, one.ledger), one.period.date_last)
            for one in self._records.closing.load_periods()
            if not one.period.is_adjustment
        ]

    @cached_property
    def _maintenance(self) -> list[MaintenanceRow]:
        return self._records.closing.load_maintenance()

    @cached_property
    def _rows(self) -> dict[str, ScheduleRow]:
        return {row.name: row for row in self._records.schedules.load_schedules()}


def _walk_cron(cron: str, after: datetime) -> Iterator[datetime]:
    return walk_cron(cron, after=after)


def _walk_interval(schedule: Schedule) -> Walk:
    when, zone = schedule.when, ZoneInfo(schedule.zone)
    anchor = parse_moment(when.anchor) if when.anchor else _FIRST_ANCHOR
    return walk_every(resolve_wall(anchor, zone), parse_interval(str(when.every)))
