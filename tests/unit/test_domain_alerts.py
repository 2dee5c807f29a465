"""Quiet hours, back-off, and where in the close calendar a day falls."""

from datetime import UTC, date, datetime, time, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from ml_connector.domain.alerts import (
    ATTEMPTS_MAX,
    SEVERITIES,
    WORDS,
    AlertEvent,
    QuietHours,
    Severity,
    find_back_off,
)
from ml_connector.domain.expiry import find_close_place, find_next_close_end
from ml_connector.settings.alerts import Event, Least

BERLIN = ZoneInfo("Europe/Berlin")


def local(text: str) -> datetime:
    """An instant by the clocks of Berlin."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


def test_settings_and_domain_know_the_same_events() -> None:
    """Settings stand below the domain, so they name them a second time."""
    assert set(get_args(Event)) == {one.value for one in AlertEvent}
    assert set(get_args(Least)) == {one.value for one in Severity}
    assert set(WORDS) == set(SEVERITIES) == set(AlertEvent)


@pytest.mark.parametrize(
    ("at", "end"),
    [
        ("2026-10-05 19:59", "2026-10-05 19:59"),
        ("2026-10-05 20:00", "2026-10-06 07:00"),
        ("2026-10-06 03:00", "2026-10-06 07:00"),
        ("2026-10-06 07:00", "2026-10-06 07:00"),
        ("2026-10-25 01:00", "2026-10-25 07:00"),  # A night of one hour more.
        ("2026-03-28 23:00", "2026-03-29 07:00"),  # A night of one hour less.
    ],
)
def test_quiet_hours_over_midnight_end_in_the_morning(at: str, end: str) -> None:
    """By the clocks of their zone, also in nights that are longer or shorter."""
    hours = QuietHours(begins=time(20), ends=time(7), zone=BERLIN)

    assert hours.find_end(local(at)) == local(end)


def test_quiet_hours_of_a_day_and_those_that_end_in_a_gap() -> None:
    """An end that the clocks skip never comes before the instant."""
    noon = QuietHours(begins=time(12), ends=time(13), zone=BERLIN)
    gap = QuietHours(begins=time(0), ends=time(2, 30), zone=BERLIN)

    assert noon.find_end(local("2026-10-05 12:30")) == local("2026-10-05 13:00")
    assert noon.find_end(local("2026-10-05 13:00")) == local("2026-10-05 13:00")
    at = local("2026-03-29 01:59")
    assert at <= gap.find_end(at) <= at + timedelta(hours=1)


def test_back_off_grows_and_ends() -> None:
    """Six tries, the last some three hours after the first."""
    waits = [find_back_off(attempt) for attempt in range(1, ATTEMPTS_MAX + 1)]

    assert waits[-1] is None
    found = [wait.total_seconds() for wait in waits if wait is not None]
    assert found == [30, 120, 480, 1920, 7680]


@pytest.mark.parametrize(
    ("day", "told"),
    [
        (date(2026, 11, 2), "WD+1 of the close of October 2026"),  # A Monday.
        (date(2026, 11, 1), "WD+0 of the close of October 2026"),  # A Sunday.
        (date(2026, 11, 13), "WD+10 of the close of October 2026"),
        (date(2026, 11, 16), "WD+11 of the close of October 2026"),
        (date(2026, 11, 30), "WD+0 of the close of November 2026"),
    ],
)
def test_day_is_told_by_working_days_of_the_close(day: date, told: str) -> None:
    """Counted from the last day of a month on."""
    assert find_close_place(day).render() == told


def test_next_close_ends_ten_working_days_after_the_month() -> None:
    """Holidays push it further, where somebody knows them."""
    assert find_next_close_end(date(2026, 11, 22)) == date(2026, 12, 14)
    off = {date(2026, 12, 8)}
    assert find_next_close_end(
        date(2026, 11, 22), is_working=lambda day: day.weekday() < 5 and day not in off
    ) == date(2026, 12, 15)
