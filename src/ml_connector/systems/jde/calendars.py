"""Fiscal years of a date pattern as periods; pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import ClassVar

from ml_connector.domain.periods import Period, PeriodState
from ml_connector.errors import RefusedError
from ml_connector.systems.jde.rows import CalendarRow, CompanyRow

Ordinal = tuple[int, int]
"""Fiscal year in full and number of a period."""


class CalendarUnfitError(RefusedError):
    """A company's date pattern shows no fiscal years, or years that contradict each other."""

    code: ClassVar[str] = "jde.calendar-unfit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The periods of one date pattern."""

    pattern: str
    periods: tuple[Period, ...]

    def find_current(self, company: CompanyRow) -> Ordinal:
        """The period the company's books stand in.

        Raises:
            CalendarUnfitError: The company names no period of this calendar.
        """
        begun = (p.year for p in self.periods if company.dfyj and _holds(p, company.dfyj))
        ordinal = (next(begun, 0), company.pnc)
        if ordinal not in {(period.year, period.number) for period in self.periods}:
            raise CalendarUnfitError(
                f"Company {company.co} stands in period {company.pnc} of the fiscal year that"
                f" begins {company.dfyj or 'on no date'}, which date pattern {self.pattern!r} does"
                " not show.",
                written="Nothing was written.",
                next_step="Correct the company's current period or the date pattern in JD Edwards.",
                company=company.co,
                pattern=self.pattern,
            )
        return ordinal

    def find_state(
        self, period: Period, *, current: Ordinal, posted: Collection[Ordinal]
    ) -> PeriodState:
        """How the period stands towards the current one.

        A later period that holds posted lines is open, whatever the company's own marks say: JDE
        lets people post ahead with no more than a warning (J-45).
        """
        ordinal = (period.year, period.number)
        place = ordinal if not period.is_adjustment else self._find_adjusted(period)
        if place < current:
            return PeriodState.CLOSED
        if place == current or ordinal in posted:
            return PeriodState.OPEN
        return PeriodState.FUTURE

    def _find_adjusted(self, period: Period) -> Ordinal:
        """The last regular period of the year an adjustment period belongs to."""
        regular = (p.number for p in self.periods if p.year == period.year and not p.is_adjustment)
        return period.year, max(regular)


def build_calendar(pattern: str, rows: Iterable[CalendarRow]) -> Calendar:
    """The calendar of a date pattern; years cut into weeks beside the periods are left out.

    Raises:
        CalendarUnfitError: There is no year, a year twice, or a year without a first day or end.
    """
    years = sorted(
        (row for row in rows if row.dtpn == pattern and not row.fq), key=lambda row: row.year
    )
    if not years:
        raise _render_unfit(pattern, "shows no fiscal year")
    twice = [row.year for row, after in pairwise(years) if row.year == after.year]
    if twice:
        raise _render_unfit(pattern, f"shows fiscal year {twice[0]} twice")
    periods = [period for row in years for period in _build_year(row)]
    return Calendar(pattern=pattern, periods=tuple(sorted(periods, key=_place)))


def _build_year(row: CalendarRow) -> list[Period]:
    """The periods of a year; one that ends no later than the one before adjusts that one (J-44)."""
    if row.dfyj is None or row.d01j is None or row.d01j < row.dfyj:
        raise _render_unfit(row.dtpn, f"shows no first period of fiscal year {row.year}")
    found: list[Period] = []
    first, last = row.dfyj, row.dfyj - timedelta(days=1)
    for number, end in enumerate(row.ends, start=1):
        is_adjustment = end is None or end <= last
        if end is not None and not is_adjustment:
            first, last = last + timedelta(days=1), end
        found.append(
            Period(
                name=render_period(row.year, number),
                calendar=row.dtpn,
                year=row.year,
                number=number,
                date_first=last if is_adjustment else first,
                date_last=last,
                is_adjustment=is_adjustment,
            )
        )
    return found


def render_period(year: int, number: int) -> str:
    """The name a period goes by, for JDE gives it none."""
    return f"FY{year}-P{number:02d}"


def _holds(period: Period, day: date) -> bool:
    return not period.is_adjustment and period.date_first <= day <= period.date_last


def _place(period: Period) -> tuple[date, bool, date, int]:
    return period.date_first, period.is_adjustment, period.date_last, period.number


def _render_unfit(pattern: str, fault: str) -> CalendarUnfitError:
    return CalendarUnfitError(
        f"Date pattern {pattern!r} {fault}.",
        written="Nothing was written.",
        next_step="Correct the pattern in JD Edwards (Fiscal Date Patterns), or give the user the"
        " right to read F0008.",
        pattern=pattern,
    )
