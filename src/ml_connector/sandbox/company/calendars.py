"""The two calendars of the company, and which period stands open.

"Halden Calendar" runs January to December and has an adjusting period that shares its only
day with December; "Halden April" starts its fiscal year in April and names the year after the
calendar year in which it ends. The same period text therefore means different numbers.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date

from ml_connector.sandbox.company.model import Calendar, Period

YEAR_FIRST = 2024
YEAR_LAST = 2026
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_APRIL = 4


def period_name(year: int, month: int) -> str:
    """Return the period text of one calendar month, such as Nov-26."""
    return f"{_MONTHS[month - 1]}-{year % 100:02d}"


def _month(year: int, month: int, *, fiscal: tuple[int, int]) -> Period:
    return Period(
        name=period_name(year, month),
        year=fiscal[0],
        number=fiscal[1],
        first_day=date(year, month, 1),
        last_day=date(year, month, monthrange(year, month)[1]),
    )


def _adjusting(year: int) -> Period:
    last = date(year, 12, 31)
    return Period(
        name=f"Adj-{year % 100:02d}",
        year=year,
        number=13,
        first_day=last,
        last_day=last,
        adjusting=True,
    )


def _calendar_year(year: int) -> list[Period]:
    months = [_month(year, month, fiscal=(year, month)) for month in range(1, 13)]
    return [*months, _adjusting(year)]


def _april_fiscal(year: int, month: int) -> tuple[int, int]:
    return (year + 1, month - _APRIL + 1) if month >= _APRIL else (year, month + 13 - _APRIL)


def _april_year(year: int) -> list[Period]:
    return [_month(year, month, fiscal=_april_fiscal(year, month)) for month in range(1, 13)]


_YEARS = range(YEAR_FIRST, YEAR_LAST + 1)

HALDEN_CALENDAR = Calendar(
    name="Halden Calendar",
    period_type="Month",
    periods=tuple(period for year in _YEARS for period in _calendar_year(year)),
)
HALDEN_APRIL = Calendar(
    name="Halden April",
    period_type="Month",
    periods=tuple(period for year in _YEARS for period in _april_year(year)),
)
CALENDARS = (HALDEN_CALENDAR, HALDEN_APRIL)
"""Every calendar of the company."""


def closing_status(period: Period) -> str:
    """Return how the period stands on the first day of the sandbox.

    The first year is closed for good (P), then closed (C), November 2026 open (O), December
    enterable (F); the adjusting period of 2026 was never opened (N).
    """
    if period.first_day.year == YEAR_FIRST:
        return "P"
    if period.adjusting:
        return "N" if period.first_day.year == YEAR_LAST else "C"
    return {11: "O", 12: "F"}.get(_months_after(period), "C")


def _months_after(period: Period) -> int:
    return (period.first_day.year - YEAR_LAST) * 12 + period.first_day.month
