"""The order of periods, and the one a day lies in."""

from bisect import bisect_left
from collections.abc import Iterable
from datetime import date

from ml_connector.domain.periods import Period
from ml_connector.errors import UsageError


class UnknownPeriodError(UsageError):
    """The ledger's calendar has no period of this name; those it has are named."""

    code = "calendars.unknown-period"

    def __init__(self, asked: str, *, ledger: str, candidates: Iterable[str]) -> None:
        listed = ", ".join(candidates) or "none at all"
        super().__init__(
            f"The ledger {ledger!r} has no period {asked!r}.",
            written="Nothing was read or sent.",
            next_step=f"Name one of its periods: {listed}.",
            asked=asked,
            ledger=ledger,
            candidates=listed,
        )


def sort_periods(periods: Iterable[Period]) -> list[Period]:
    """The periods as they follow each other, an adjustment after the period it ends in."""
    known = list(periods)
    ends = sorted(p.date_last for p in known if not p.is_adjustment)

    def place_of(period: Period) -> tuple[date, bool, int, int]:
        # One adjustment may span a day, another the whole year; what counts is where it ends.
        at = bisect_left(ends, period.date_last)
        end = ends[at] if at < len(ends) else period.date_last
        return end, period.is_adjustment, period.year, period.number

    return sorted(known, key=place_of)


def find_period_of(on: date, *, periods: Iterable[Period]) -> Period | None:
    """The regular period a day lies in."""
    fitting = (p for p in periods if not p.is_adjustment and p.date_first <= on <= p.date_last)
    return next(fitting, None)
