"""When schedules are due: each time once, ascending, never in a blackout, whatever clocks do."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ml_connector.domain.catch_up import (
    CATCH_UP_MAX,
    COUNTED_MAX,
    LATE,
    CatchUp,
    Fate,
    Ruling,
    rule_on_due,
)
from ml_connector.domain.schedules import (
    Calendar,
    find_next,
    list_due,
    list_last,
    rule_on_time,
)
from ml_connector.domain.windows import (
    DAY,
    WEEK,
    FindOff,
    Shut,
    Window,
    find_blackout,
    is_endless,
)
from ml_connector.domain.working_days import WorkingDays
from ml_connector.settings.crons import names_every_hour, walk_cron

MONDAY = datetime(2026, 1, 5)  # noqa: DTZ001 - a wall time without a zone, on purpose.
GERMAN = WorkingDays(own={date(2026, 12, day): "works holiday" for day in range(24, 32)})
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]
CRONS = [
    "30 2 * * *", "*/15 2 * * *", "0 0,6 * * MON-FRI", "15 1 * * *", "0 6 1 * *",
    "*/20 * * * *", "45 * * * *", "0 */2 * * *",
]  # fmt: skip

instants = st.datetimes(
    datetime(2026, 1, 1),  # noqa: DTZ001 - a bound.
    datetime(2027, 12, 31),  # noqa: DTZ001 - a bound.
    timezones=st.just(UTC),
).map(lambda at: at.replace(second=at.second // 30 * 30, microsecond=0))


@st.composite
def windows(draw: st.DrawFn) -> Window:
    """A daily or weekly blackout, or one of certain days of 2026; of a zone of its own or not."""
    every, within, longest = draw(
        st.sampled_from([(DAY, 1, 1_000), (WEEK, 7, 4_320), (None, 700, 4_320)])
    )
    length = timedelta(minutes=draw(st.integers(1, longest)))
    begins = MONDAY + timedelta(minutes=draw(st.integers(0, within * 1440)))
    zone = draw(st.sampled_from([None, *ZONES]))
    return Window(
        begins=begins, ends=begins + length, every=every, reason="close",
        skips=draw(st.booleans()), zone=ZoneInfo(zone) if zone else None,
    )  # fmt: skip


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """A schedule as somebody might write it: windows within others, of one rule or of two."""
    return make(
        draw(st.sampled_from(CRONS)),
        draw(st.sampled_from(ZONES)),
        windows=tuple(draw(st.lists(windows(), max_size=3))),
        find_off=draw(st.sampled_from([None, GERMAN.tell_off])),
    )


def make(
    cron: str,
    zone: str,
    *,
    windows: tuple[Window, ...] = (),
    find_off: FindOff | None = None,
) -> Calendar:
    """The calendar of an expression."""

    def walk(after: datetime) -> Iterator[datetime]:
        return walk_cron(cron, after=after)

    shut = Shut(zone=ZoneInfo(zone), windows=windows, find_off=find_off)
    return Calendar(walls=walk, shut=shut, is_interval=names_every_hour(cron))


def shown(calendar: Calendar, since: str, until: str) -> list[str]:
    """The due times as a clock on the wall shows them, with its offset."""
    first, last = (datetime.fromisoformat(text) for text in (since, until))
    return [
        f"{one.at.astimezone(calendar.zone):%d %H:%M%z}"
        for one in list_due(calendar, first, last, most=100)
    ]


SPRING = ("2026-03-28T20:00+00:00", "2026-03-30T04:00+00:00")
AUTUMN = ("2026-10-24T20:00+00:00", "2026-10-26T04:00+00:00")


@pytest.mark.parametrize(
    ("cron", "zone", "span", "expected"),
    [
        # A time that does not exist: once, at the first moment after the gap.
        ("30 2 * * *", "Europe/Berlin", SPRING, ["29 03:00+0200", "30 02:30+0200"]),
        ("*/20 2 * * SUN", "Europe/Berlin", SPRING, ["29 03:00+0200"]),
        ("0 2,3 * * SUN", "Europe/Berlin", SPRING, ["29 03:00+0200"]),
        ("30 2 8 * *", "America/New_York", ("2026-03-08T00:00Z", "2026-03-09T00:00Z"),
         ["08 03:00-0400"]),
        ("15 2 4 * *", "Australia/Lord_Howe", ("2026-10-03T00:00Z", "2026-10-04T12:00Z"),
         ["04 02:30+1100"]),
        # One that comes twice: once, the first time.
        ("30 2 * * *", "Europe/Berlin", AUTUMN, ["25 02:30+0200", "26 02:30+0100"]),
        ("30 1 1 * *", "America/New_York", ("2026-11-01T00:00Z", "2026-11-01T23:00Z"),
         ["01 01:30-0400"]),
        ("45 1 5 * *", "Australia/Lord_Howe", ("2026-04-04T00:00Z", "2026-04-05T12:00Z"),
         ["05 01:45+1100"]),
        # An interval keeps its pace.
        ("*/30 * 29 * *", "Europe/Berlin", ("2026-03-29T00:30Z", "2026-03-29T02:00Z"),
         ["29 01:30+0100", "29 03:00+0200", "29 03:30+0200", "29 04:00+0200"]),
        ("*/30 * 25 * *", "Europe/Berlin", ("2026-10-25T00:00Z", "2026-10-25T02:00Z"),
         ["25 02:00+0200", "25 02:30+0200", "25 02:00+0100", "25 02:30+0100", "25 03:00+0100"]),
        ("*/30 * 5 * *", "Australia/Lord_Howe", ("2026-04-04T14:30Z", "2026-04-04T15:30Z"),
         ["05 01:30+1100", "05 01:30+1030", "05 02:00+1030"]),
        ("0 * 1 1,7 *", "Europe/Berlin", ("2026-01-01T22:00Z", "2026-06-30T23:00Z"),
         ["01 23:00+0100", "01 00:00+0200", "01 01:00+0200"]),
        # A whole day that was left out, in Samoa.
        ("0 12 30 * *", "Pacific/Apia", ("2011-12-29T00:00Z", "2012-01-01T00:00Z"),
         ["31 00:00+1400"]),
    ],
)  # fmt: skip
def test_time_is_due_once_however_the_clocks_are_changed(
    cron: str, zone: str, span: tuple[str, str], expected: list[str]
) -> None:
    """Gaps, doubled hours and intervals, by the rules that stand in the guide."""
    assert shown(make(cron, zone), *span) == expected


@given(calendars(), instants, st.timedeltas(timedelta(0), timedelta(days=4)))
def test_due_times_ascend_and_do_not_depend_on_where_one_begins(
    calendar: Calendar, since: datetime, later: timedelta
) -> None:
    """Looked at from any instant the rest of the list is the same, and nothing comes twice."""
    whole = list_due(calendar, since, since + timedelta(days=6), most=150)
    times = [one.at for one in whole]
    assert times == sorted(set(times))
    assert all(one.at.utcoffset() == timedelta(0) for one in whole)
    cut = since + later
    rest = list_due(calendar, cut, since + timedelta(days=6), most=150)
    wanted = [one for one in whole if one.at >= cut]
    assert rest[: len(wanted)] == wanted


@given(calendars(), instants)
def test_nothing_runs_in_a_blackout_and_nothing_is_lost_but_what_is_told(
    calendar: Calendar, since: datetime
) -> None:
    """Each time without blackouts is there, or delayed to the end of one, or skipped by name."""
    until = since + timedelta(days=5)
    bare = replace(calendar, shut=Shut(zone=calendar.zone))
    due = list_due(calendar, since, until, most=1_000)
    for one in due:
        assert one.is_run == (find_blackout(calendar.shut, one.at) is None)
        assert one.at >= one.planned
    runs = {one.at for one in due if one.is_run}
    dropped = {one.at for one in due if not one.is_run}
    skips = [one.skipped_by for one in due if one.skipped_by is not None]
    for planned in list_due(bare, since, until, most=1_000):
        if is_shut_for_good(calendar.shut, planned.at):
            break  # Nothing comes any more.
        fate = rule_on_time(calendar.shut, planned.at)
        if fate.at > until:
            continue
        if fate.is_run:
            assert fate.at in runs
        elif fate.at > fate.planned:
            assert fate.at in dropped
        else:
            assert fate.skipped_by is not None
            assert fate.skipped_by.begins < since or any(
                one.begins <= fate.at < one.ends for one in skips
            )


def is_shut_for_good(shut: Shut, at: datetime) -> bool:
    """Whether what holds the instant never ends."""
    held = find_blackout(shut, at)
    return held is not None and is_endless(shut, held)


@given(calendars(), instants, st.randoms())
def test_windows_rule_alike_in_whatever_order_they_are_named(
    calendar: Calendar, since: datetime, chance: Random
) -> None:
    """Files and people name them as they come to mind."""
    shuffled = list(calendar.shut.windows)
    chance.shuffle(shuffled)
    other = replace(calendar, shut=replace(calendar.shut, windows=tuple(shuffled)))
    until = since + timedelta(days=5)
    first, second = (
        [(one.at, one.planned, one.is_run) for one in list_due(each, since, until, most=150)]
        for each in (calendar, other)
    )
    assert first == second


spans = st.tuples(st.integers(0, 200), st.integers(1, 60), st.booleans())


@given(st.lists(spans, max_size=5), st.integers(0, 280))
def test_time_is_dropped_where_any_window_drops_else_delayed_to_where_none_delays(
    drawn: list[tuple[int, int, bool]], minute: int
) -> None:
    """One that drops wins while it is in force; what moves into one is dropped there.

    Told minute by minute, without joining any windows.
    """
    shut = Shut(
        zone=UTC,
        windows=tuple(
            Window(
                begins=MONDAY + timedelta(minutes=begins),
                ends=MONDAY + timedelta(minutes=begins + length), skips=skips,
            )
            for begins, length, skips in drawn
        ),
    )  # fmt: skip

    def is_held(at: int, *, skips: bool) -> bool:
        return any(one[2] is skips and one[0] <= at < one[0] + one[1] for one in drawn)

    at = minute
    if not is_held(at, skips=True):
        while is_held(at, skips=False):
            at += 1
    begin = MONDAY.replace(tzinfo=UTC)
    ruled = rule_on_time(shut, begin + timedelta(minutes=minute))
    assert ruled.at == begin + timedelta(minutes=at)
    assert ruled.is_run is not is_held(at, skips=True)


def test_window_within_another_is_met_as_the_guide_says() -> None:
    """Maintenance that drops within a blackout that delays, and one that begins at its end."""
    day = datetime(2026, 12, 1)  # noqa: DTZ001 - a wall time without a zone, on purpose.
    close = Window(begins=day, ends=day + timedelta(hours=6), reason="close")
    patch = Window(
        begins=day + timedelta(hours=2), ends=day + timedelta(hours=4), reason="patch", skips=True
    )
    hourly = make("30 * * * *", "UTC", windows=(close, patch))
    since, until = (datetime(2026, 12, 1, hour, tzinfo=UTC) for hour in (0, 7))
    told = [(f"{one.at:%H:%M}", one.is_run) for one in list_due(hourly, since, until, most=9)]
    assert told == [("02:30", False), ("06:00", True), ("06:30", True)]
    late = replace(patch, begins=close.ends, ends=close.ends + timedelta(hours=2))
    hourly = make("30 * * * *", "UTC", windows=(late, close))
    due = list_due(hourly, since, until + timedelta(hours=2), most=9)
    told = [(f"{one.at:%H:%M}", one.is_run) for one in due]
    assert told == [("06:00", False), ("06:30", False), ("08:30", True)]
    (told_of,) = rule_on_due(hourly, since, due[0].at, CatchUp.NEWEST).rulings
    assert told_of.fate is Fate.SKIPPED
    assert told_of.reason == (
        "delayed from 2026-12-01 00:30 UTC by a blackout (close), where a blackout (patch) lets"
        " nothing run until 2026-12-01 08:00 UTC"
    )


@given(calendars(), instants, st.integers(1, 5), st.integers(0, 30 * 24))
def test_last_times_are_those_a_walk_from_the_start_ends_with(
    calendar: Calendar, since: datetime, count: int, hours: int
) -> None:
    """Found from the end, they are the same."""
    until = since + timedelta(hours=hours)
    walked = list_due(calendar, since, until, most=3_000)
    assume(len(walked) < 3_000)
    expected = [one for one in walked if one.is_run][-count:]
    assert list_last(calendar, since, until, count=count) == expected


@given(
    calendars(),
    instants,
    st.lists(st.integers(1, 60 * 48), min_size=1, max_size=6),
    st.sampled_from(CatchUp),
)
@example(make("*/20 * * * *", "UTC"), datetime(2026, 3, 1, tzinfo=UTC), [1440], CatchUp.ALL)
def test_every_time_has_one_fate_whenever_somebody_looks(
    calendar: Calendar, since: datetime, pauses: list[int], how: CatchUp
) -> None:
    """Looks after pauses of any length rule on each time once.

    What runs was due, and is not late where none is caught up.
    """
    due = find_next(calendar, since)
    next_due = due.at if due else None
    now = since
    ruled: list[Ruling] = []
    for minutes in pauses:
        now += timedelta(minutes=minutes)
        for _ in range(CATCH_UP_MAX + 1):
            if next_due is None or next_due > now:
                break
            claimed = rule_on_due(calendar, next_due, now, how)
            assert claimed.next_due is None or claimed.next_due > next_due
            runs = [one for one in claimed.rulings if one.fate is Fate.RUN]
            assert len(runs) <= 1
            assert all(one.due.is_run and one.due.at <= now for one in runs)
            assert how is not CatchUp.NONE or all(now - one.due.at <= LATE for one in runs)
            ruled += claimed.rulings
            next_due = claimed.next_due
        assert next_due is None or next_due > now, "what has come is all ruled on"
    times = [one.due.at for one in ruled]
    assert times == sorted(set(times))
    walked = [one for one in list_due(calendar, since, now, most=COUNTED_MAX) if one.at > since]
    assert {one.due for one in ruled} <= set(walked)
    if how is CatchUp.NEWEST and walked and walked[-1].is_run:
        assert ruled[-1].due == walked[-1], "the newest one runs"


def test_downtime_is_caught_up_as_ruled() -> None:
    """Three days without anybody: the newest, the last 24 one by one, or none; the rest is told."""
    hourly = make("0 * * * *", "Europe/Berlin")
    first = datetime(2026, 11, 1, 0, tzinfo=UTC)
    now = first + timedelta(days=3, minutes=6)
    by_how = {how: rule_on_due(hourly, first, now, how) for how in CatchUp}
    newest = by_how[CatchUp.NEWEST].rulings
    assert [(one.fate, one.due.at) for one in newest] == [
        (Fate.MISSED, first), (Fate.RUN, first + timedelta(days=3)),
    ]  # fmt: skip
    assert newest[0].reason == "72 times came while nothing looked; only the newest runs"
    none = by_how[CatchUp.NONE].rulings
    assert [one.fate for one in none] == [Fate.MISSED]
    assert none[0].reason == "73 times came while nothing looked; none is caught up"
    every = by_how[CatchUp.ALL]
    assert [one.fate for one in every.rulings] == [Fate.MISSED, Fate.RUN]
    assert every.rulings[1].due.at == first + timedelta(hours=73 - CATCH_UP_MAX)
    assert every.next_due == every.rulings[1].due.at + timedelta(hours=1)


def test_years_of_missed_minutes_are_ruled_on_at_once() -> None:
    """A count says there were more; the newest runs all the same."""
    minutely = make("* * * * *", "America/New_York")
    now = datetime(2026, 11, 22, 5, 30, 20, tzinfo=UTC)
    claimed = rule_on_due(minutely, datetime(2024, 1, 1, tzinfo=UTC), now, CatchUp.NEWEST)
    assert claimed.rulings[-1].due.at == now.replace(second=0)
    assert claimed.rulings[0].reason.startswith("more than 1,000 times came")
    assert claimed.next_due == now.replace(second=0) + timedelta(minutes=1)


def test_blackouts_without_a_hole_between_them_never_end() -> None:
    """A schedule that is shut out for good is due never, and the search ends."""
    half = timedelta(days=4)
    for skips in (False, True):
        shut = tuple(
            Window(begins=begins, ends=begins + half, every=WEEK, skips=skips)
            for begins in (MONDAY, MONDAY + half)
        )
        calendar = make("0 6 * * *", "Europe/Berlin", windows=shut)
        assert find_next(calendar, datetime(2026, 11, 22, tzinfo=UTC)) is None
