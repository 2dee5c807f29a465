"""Accounting periods of a ledger and the members they become in a planning model."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class PeriodState(StrEnum):
    """What the ERP says of a period of one ledger."""

    OPEN = "open"
    CLOSED = "closed"
    PERMANENTLY_CLOSED = "permanently closed"
    FUTURE = "future enterable"
    NEVER_OPENED = "never opened"


READABLE_STATES = frozenset({PeriodState.OPEN, PeriodState.CLOSED, PeriodState.PERMANENTLY_CLOSED})
"""States actuals may be read in; a closed period is the normal case."""


class AdjustmentRule(StrEnum):
    """Where the amounts of an adjustment period go."""

    FOLD = "fold-into-last"
    OWN = "own-member"
    EXCLUDE = "exclude"
    BLOCK = "block"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """One period of one fiscal calendar; both dates belong to it."""

    name: str
    calendar: str
    year: int
    number: int
    date_first: date
    date_last: date
    is_adjustment: bool = False

    @property
    def fiscal_name(self) -> str:
        """The calendar-independent spelling, such as FY2026-P10."""
        return f"FY{self.year}-P{self.number:02d}"

    @property
    def month(self) -> str:
        """The calendar month the period ends in, such as 2026-10."""
        return self.date_last.strftime("%Y-%m")
