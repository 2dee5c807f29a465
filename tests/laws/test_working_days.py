"""Working days: counted as people count them, and schedules that come as they were foretold."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ml_connector.domain.catch_up import CatchUp, Fate, rule_on_due, rule_on_events
from ml_connector.domain.closing import PeriodEventKind, choose_watched, find_event
from ml_connector.domain.periods import Period, PeriodState
from ml_connector.domain.schedules import (
    Calendar,
    find_next,
    rule_on_time,
    walk_due,
    walk_every,
)
from ml_connector.domain.windows import (
    DAY,
    WEEK,
    Shut,
    Window,
    WindowKind,
    find_blackout,
    find_closed,
)
from ml_connector.domain.working_days import (
    WorkingDays,
    count_working_days,
    find_working_day,
    list_month_ends,
    walk_working_days,
)
from ml_connector.flows.timetables import make_working_days
from ml_connector.settings import CalendarSettings
from ml_connector.settings.crons import walk_cron

BAVARIA = make_working_days(
    CalendarSettings.model_validate(
        {"name": "de", "country": "DE", "subdivision": "BY", "working": ["2026-12-19"],
         "holidays": [{"from": "2026-12-28", "to": "2026-12-31", "reason": "works holiday"}]}
    )
)  # fmt: skip
dates = st.dates(date(2025, 1, 1), date(2028, 12, 31))
numbers = st.integers(-25, 25).filter(bool)


@st.composite
def worked(draw: st.DrawFn) -> WorkingDays:
    """A calendar as some company might have it, down to one working day each week."""
    base = date(2026, 1, 1)
    days = st.integers(0, 700).map(lambda one: base + timedelta(days=one))
    return WorkingDays(
        weekdays=draw(st.frozensets(st.integers(0, 6), min_size=1)),
        own=dict.fromkeys(draw(st.lists(days, max_size=20)), "own"),
        worked=draw(st.frozensets(days, max_size=20)),
        find_holiday=draw(st.sampled_from([BAVARIA.find_holiday, lambda _day: ""])),
    )


@given(worked(), dates, numbers)
@example(BAVARIA, date(2026, 12, 31), 1)
def test_numbered_day_is_a_working_day_and_the_numbers_ascend(
    days: WorkingDays, end: date, number: int
) -> None:
    """A number names a working day, the next number a later one, and no working day between.

    -1 is the last working day of the period itself, and 1 lies after it.
    """
    found = find_working_day(days, end, number)
    assert found is not None
    assert days.is_working(found)
    assert (found > end) is (number > 0)
    following = find_working_day(days, end, number + 1 or 1)
    assert following is not None
    assert following > found
    between = (following - found).days
    assert not any(days.is_working(found + timedelta(days=one)) for one in range(1, between))
    assert count_working_days(days, end, found) == number


def test_close_of_a_year_counts_as_the_calendar_on_the_wall() -> None:
    """Holidays, a works holiday, a Saturday that is worked, and why a day is off."""
    asked = {number: find_working_day(BAVARIA, date(2026, 12, 31), number) for number in (-3, 1, 3)}
    assert asked == {
        -3: date(2026, 12, 22), 1: date(2027, 1, 4), 3: date(2027, 1, 7),
    }, "the 6th is Epiphany; the 24th is worked, the 25th and 26th are not"  # fmt: skip
    assert [BAVARIA.tell_off(date(2026, 12, day)) for day in (19, 20, 25, 29)] == [
        "", "Sunday", "Christmas Day", "works holiday",
    ]  # fmt: skip
    assert BAVARIA.tell_off(date(2027, 1, 6)) == "Epiphany"
    never = WorkingDays(weekdays=frozenset())
    assert find_working_day(never, date(2026, 12, 31), 1) is None


@given(worked(), numbers, st.sampled_from(["Europe/Berlin", "America/New_York", "UTC"]))
def test_working_days_of_periods_come_once_each_and_ascend(
    days: WorkingDays, number: int, zone: str
) -> None:
    """One time for each period at most, at the wall time, whatever calendar it is."""
    ends = list_month_ends(date(2026, 6, 1), years=1)
    walk = walk_working_days(days, ends, number=number, at=time(2, 30))
    calendar = Calendar(walls=walk, shut=Shut(zone=ZoneInfo(zone)))
    found = list(islice(walk_due(calendar, datetime(2025, 1, 1, tzinfo=UTC)), 100))
    times = [one.at for one in found]
    assert times == sorted(set(times))
    assert 0 < len(times) <= len(ends)
    shown = [one.astimezone(ZoneInfo(zone)) for one in times]
    assert all(days.is_working(one.date()) for one in shown)
    assert {f"{one:%H:%M}" for one in shown} <= {"02:30", "03:00"}, "in spring 02:30 is not there"


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds.
    st.integers(1, 10_000),
)
def test_interval_keeps_its_pace_and_its_anchor_is_one_of_its_times(
    after: datetime, minutes: int
) -> None:
    """Also before the anchor, and through every change of the clocks."""
    anchor, every = datetime(2026, 6, 1, 5, 7, tzinfo=UTC), timedelta(minutes=minutes)
    found = list(islice(walk_every(anchor, every)(after), 4))
    assert found[0] > after >= found[0] - every
    assert all(later - earlier == every for earlier, later in pairwise(found))
    assert (found[0] - anchor) % every == timedelta(0)


@st.composite
def shuts(draw: st.DrawFn) -> Shut:
    """Blackouts, maintenance and days off, some of which drop and some delay."""
    monday = datetime(2026, 1, 5)  # noqa: DTZ001 - a wall time without a zone, on purpose.
    windows = [
        Window(
            begins=monday + timedelta(minutes=begin), ends=monday + timedelta(minutes=begin + long),
            every=draw(st.sampled_from([DAY, WEEK])), skips=draw(st.booleans()),
            kind=draw(st.sampled_from([WindowKind.BLACKOUT, WindowKind.MAINTENANCE])),
        )
        for begin, long in draw(
            st.lists(st.tuples(st.integers(0, 1_440), st.integers(1, 1_000)), max_size=3)
        )
    ]  # fmt: skip
    return Shut(
        zone=ZoneInfo("Europe/Berlin"), windows=tuple(windows),
        find_off=draw(st.sampled_from([None, BAVARIA.tell_off])),
    )  # fmt: skip


def walk_hours(after: datetime) -> Iterator[datetime]:
    """Some hours of each day, two of which the clocks repeat or leave out."""
    return walk_cron("30 2,3,9,17 * * *", after=after)


@given(
    shuts(),
    st.datetimes(datetime(2026, 3, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds.
    st.lists(st.integers(1, 400), min_size=30, max_size=60),
)
def test_next_ten_are_what_fires_when_the_clock_moves(
    shut: Shut, since: datetime, steps: list[int]
) -> None:
    """What is foretold comes, in that order, none twice, and none begins within a window.

    Somebody looks every few minutes to hours; each look rules by what the one before has left.
    """
    calendar = Calendar(walls=walk_hours, shut=shut)
    told = [one for one in islice(walk_due(calendar, since), 40) if one.is_run][:10]
    assume(told)
    due, now, done = find_next(calendar, since), since, None
    fired: list[datetime] = []
    next_due = due.at if due else None
    for minutes in steps:
        now += timedelta(minutes=minutes)
        for _ in range(30):
            if next_due is None or next_due > now:
                break
            looked = Calendar(walls=walk_hours, shut=shut, done=done)
            claimed = rule_on_due(looked, next_due, now, CatchUp.ALL)
            fired += [one.due.at for one in claimed.rulings if one.fate is Fate.RUN]
            next_due, done = claimed.next_due, claimed.done or done
    assert fired[:10] == [one.at for one in told][: len(fired)]
    assert fired == sorted(set(fired))
    assert all(find_blackout(shut, one) is None for one in fired)


@pytest.mark.parametrize("how", list(CatchUp))
def test_held_time_comes_though_a_later_one_was_dropped_meanwhile(how: CatchUp) -> None:
    """That the later one is done with says nothing of the earlier one, which still waits."""
    midnight = datetime(2026, 11, 20)  # noqa: DTZ001 - a wall time without a zone, on purpose.
    delays, drops = (
        Window(
            begins=midnight + timedelta(hours=first), ends=midnight + timedelta(hours=last),
            every=DAY, skips=skips,
        )
        for first, last, skips in ((0, 11, False), (3, 9, True))
    )  # fmt: skip
    shut = Shut(zone=ZoneInfo("UTC"), windows=(delays, drops))
    since, look, end = (datetime(2026, 11, 22, hour, tzinfo=UTC) for hour in (2, 10, 11))
    early = rule_on_due(Calendar(walls=walk_hours, shut=shut), since, look, how)
    late = rule_on_due(
        Calendar(walls=walk_hours, shut=shut, done=early.done), early.next_due or end, end, how
    )

    assert [(one.due.planned.hour, one.fate) for one in early.rulings] == [(3, Fate.SKIPPED)]
    assert early.next_due == end
    (ran,) = (one for one in late.rulings if one.fate is Fate.RUN)
    assert (ran.due.planned.hour, ran.due.at) == (2, end)


@given(shuts(), st.integers(0, 5))
def test_events_run_one_by_one_and_never_within_a_window(shut: Shut, count: int) -> None:
    """The oldest first: dropped by a window it came within, else held back while one holds."""
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    events = [now - timedelta(hours=count - one) for one in range(count)]
    claimed = rule_on_events(shut, events, now)
    if not events:
        assert (claimed.rulings, claimed.next_due) == ((), None)
        return
    due, closed = rule_on_time(shut, events[0]), find_closed(shut, now)
    if not claimed.rulings:
        assert due.is_run or due.at > now
        assert claimed.done is None
        assert closed is not None
        assert claimed.next_due == (closed.ends if due.is_run else due.at)
        return
    (ruling,) = claimed.rulings
    assert ruling.due.at == claimed.done == events[0]
    assert (ruling.fate is Fate.RUN) is (due.is_run and closed is None)
    assert (ruling.fate is Fate.SKIPPED) is (not due.is_run and due.at <= now)
    assert claimed.next_due == (events[1] if count > 1 else None)


def test_event_that_came_before_a_window_that_drops_waits_for_its_end() -> None:
    """Nobody had looked before the window began; dropped is what comes within it."""
    begins = datetime(2026, 11, 22, 12)  # noqa: DTZ001 - a wall time without a zone, on purpose.
    window = Window(begins=begins, ends=begins + timedelta(hours=2), skips=True)
    shut, now = Shut(zone=ZoneInfo("UTC"), windows=(window,)), begins.replace(tzinfo=UTC)
    before = rule_on_events(shut, [now - timedelta(minutes=1)], now)
    assert (before.rulings, before.next_due) == ((), now + timedelta(hours=2))
    (within,) = rule_on_events(shut, [now], now).rulings
    assert within.fate is Fate.SKIPPED


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, PeriodState.CLOSED, None),
        (PeriodState.OPEN, PeriodState.OPEN, None),
        (PeriodState.OPEN, PeriodState.CLOSED, PeriodEventKind.CLOSED),
        (PeriodState.OPEN, PeriodState.PERMANENTLY_CLOSED, PeriodEventKind.CLOSED),
        (PeriodState.CLOSED, PeriodState.PERMANENTLY_CLOSED, None),
        (PeriodState.NEVER_OPENED, PeriodState.CLOSED, PeriodEventKind.CLOSED),
        (PeriodState.FUTURE, PeriodState.OPEN, PeriodEventKind.OPENED),
        (PeriodState.CLOSED, PeriodState.OPEN, PeriodEventKind.OPENED),
        (PeriodState.NEVER_OPENED, PeriodState.FUTURE, None),
    ],
)
def test_event_is_what_changed_between_two_looks(
    before: PeriodState | None, after: PeriodState, expected: PeriodEventKind | None
) -> None:
    """The first look finds nothing, and a closed period is closed once."""
    assert find_event(before, after) is expected


def test_periods_around_today_are_watched() -> None:
    """A hundred days back and the next month; their order is that of their ends."""
    periods = [
        Period(
            name=f"{end:%b-%y}", calendar="c", year=end.year, number=end.month,
            date_first=end.replace(day=1), date_last=end,
        )
        for end in reversed(list_month_ends(date(2026, 11, 22), years=1))
    ]  # fmt: skip
    names = [one.name for one in choose_watched(periods, date(2026, 11, 22))]
    assert names == ["Aug-26", "Sep-26", "Oct-26", "Nov-26", "Dec-26"]
