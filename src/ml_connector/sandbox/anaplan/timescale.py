"""The model's time: calendar months with quarters and years above them."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from functools import cache

YEAR_FIRST = 2024
YEAR_LAST = 2026
CALENDAR_TYPE = "Calendar Months/Quarters/Years"
_ITEM_BASE = 540_000_000_000
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """One item of Time; `parent` is 0 for a year."""

    id: int
    name: str
    kind: str
    first_day: date
    last_day: date
    parent: int


@cache
def periods() -> dict[int, Period]:
    """All periods by id: every month, then every quarter, then every year."""
    years = range(YEAR_FIRST, YEAR_LAST + 1)
    made = [_month(year, month) for year in years for month in range(1, 13)]
    made += [_quarter(year, quarter) for year in years for quarter in range(1, 5)]
    made += [_year(year) for year in years]
    return {period.id: period for period in made}


@cache
def months() -> dict[int, Period]:
    """The leaf periods by id, in order."""
    return {key: period for key, period in periods().items() if period.kind == "MONTH"}


@cache
def period_ids_by_name() -> dict[str, int]:
    """Every period's id by its name."""
    return {period.name: period.id for period in periods().values()}


def find_month(day: date) -> Period | None:
    """The month that holds the day, or None outside the scale."""
    return next((p for p in months().values() if p.first_day <= day <= p.last_day), None)


def _month(year: int, month: int) -> Period:
    return Period(
        id=_month_id(year, month),
        name=f"{_MONTHS[month - 1]} {year % 100:02}",
        kind="MONTH",
        first_day=date(year, month, 1),
        last_day=date(year, month, monthrange(year, month)[1]),
        parent=_quarter_id(year, (month + 2) // 3),
    )


def _quarter(year: int, quarter: int) -> Period:
    last = quarter * 3
    return Period(
        id=_quarter_id(year, quarter),
        name=f"Q{quarter} FY{year % 100:02}",
        kind="QUARTER",
        first_day=date(year, last - 2, 1),
        last_day=date(year, last, monthrange(year, last)[1]),
        parent=_year_id(year),
    )


def _year(year: int) -> Period:
    return Period(
        id=_year_id(year),
        name=f"FY{year % 100:02}",
        kind="YEAR",
        first_day=date(year, 1, 1),
        last_day=date(year, 12, 31),
        parent=0,
    )


def _month_id(year: int, month: int) -> int:
    return _ITEM_BASE + (year - YEAR_FIRST) * 12 + month


def _quarter_id(year: int, quarter: int) -> int:
    return _ITEM_BASE + 500 + (year - YEAR_FIRST) * 4 + quarter


def _year_id(year: int) -> int:
    return _ITEM_BASE + 1000 + (year - YEAR_FIRST)
