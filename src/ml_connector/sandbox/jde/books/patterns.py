"""Date patterns: which fiscal year and period a day belongs to."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from ml_connector.sandbox.jde.julian import to_julian

CENTURY = 20
YEAR_FIRST = 2023
YEAR_LAST = 2027
PERIODS_REGULAR = 12
PERIODS_ALL = 14
MONTH_FIRST = {"R": 1, "F": 7, "O": 10}
"""First calendar month of the fiscal year, by date pattern."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FiscalYear:
    """One row of the pattern: the fiscal year bears the year its first period ends in."""

    pattern: str
    year: int

    @property
    def first_day(self) -> date:
        """The day the fiscal year begins."""
        return date(self.year, MONTH_FIRST[self.pattern], 1)

    @property
    def two_digits(self) -> int:
        """The year as the books keep it."""
        return self.year % 100

    def last_day(self, number: int) -> date:
        """Return the end of period 1..14; 13 and 14 end with the twelfth."""
        index = MONTH_FIRST[self.pattern] - 1 + min(number, PERIODS_REGULAR) - 1
        year, month = self.year + index // 12, index % 12 + 1
        return date(year, month, monthrange(year, month)[1])


def fiscal_years() -> Iterator[FiscalYear]:
    """Yield the fiscal years the books know, pattern by pattern."""
    for pattern in sorted(MONTH_FIRST):
        for year in range(YEAR_FIRST, YEAR_LAST + 1):
            yield FiscalYear(pattern=pattern, year=year)


@lru_cache(maxsize=10_000)
def place_of(pattern: str, day: date) -> tuple[int, int]:
    """Return the fiscal year (all four digits) and the period number of a day."""
    first = MONTH_FIRST[pattern]
    year = day.year if day.month >= first else day.year - 1
    return year, (day.month - first) % 12 + 1


@lru_cache(maxsize=10_000)
def julian(day: date) -> int:
    """Return the CYYDDD number of a day; remembered, as the books ask for few days often."""
    return to_julian(day)
