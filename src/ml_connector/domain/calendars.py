"""Finds periods by what people call them, and the members they become in the model."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import date
from difflib import get_close_matches

from ml_connector.domain.periods import Period
from ml_connector.errors import UsageError

CANDIDATES_SHOWN = 6
"""Names an error offers; a calendar of ten years has more than anybody reads."""

_FISCAL = re.compile(r"FY(\d{4})-P(\d{1,2})", re.ASCII | re.IGNORECASE)
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])", re.ASCII)


class UnknownPeriodError(UsageError):
    """No period, or more than one, goes by the given name; candidates are named."""

    code = "calendars.unknown-period"

    def __init__(self, asked: str, *, ledger: str, candidates: Iterable[str]) -> None:
        listed = ", ".join(candidates) or "none at all"
        super().__init__(
            f"The ledger {ledger!r} has no single period {asked!r}.",
            written="Nothing was read or sent.",
            next_step=f"Name one of its periods: {listed}.",
            asked=asked,
            ledger=ledger,
            candidates=listed,
        )


class PeriodRangeError(UsageError):
    """The first period of a range lies after the last one."""

    code = "calendars.range"


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


def resolve_period(name: str, *, periods: Sequence[Period], ledger: str) -> Period:
    """The one period a name means: the ledger's own name, or a fiscal one such as FY2026-P10.

    Upper and lower case matter only where two periods differ in nothing else.

    Raises:
        UnknownPeriodError: No period or several fit; names candidates.
    """
    exact = [period for period in periods if period.name == name]
    found = exact or [p for p in periods if p.name.casefold() == name.strip().casefold()]
    if not found and (fiscal := _FISCAL.fullmatch(name.strip())):
        year, number = int(fiscal[1]), int(fiscal[2])
        found = [p for p in periods if (p.year, p.number) == (year, number)]
    if len(found) == 1:
        return found[0]
    candidates = [p.name for p in found] or _near_names(name, periods)
    raise UnknownPeriodError(name, ledger=ledger, candidates=candidates)


def resolve_month(month: str, *, periods: Sequence[Period], ledger: str) -> list[Period]:
    """The periods that end in a calendar month such as 2026-10, adjustment periods included.

    Raises:
        UnknownPeriodError: The text is no month, or no period ends in it; names candidates.
    """
    found = [p for p in sort_periods(periods) if p.month == month.strip()]
    if not found:
        months = list(dict.fromkeys(p.month for p in sort_periods(periods)))
        near = get_close_matches(month, months, n=CANDIDATES_SHOWN, cutoff=0.5)
        raise UnknownPeriodError(month, ledger=ledger, candidates=near or _ends_of(months))
    return found


def resolve_range(first: str, last: str, *, periods: Sequence[Period], ledger: str) -> list[Period]:
    """Every period from the first to the last, each a period's name or a calendar month.

    Raises:
        UnknownPeriodError: One of the two fits no single period.
        PeriodRangeError: The range begins after its end.
    """
    begin = _resolve_end(first, periods=periods, ledger=ledger)[0]
    end = _resolve_end(last, periods=periods, ledger=ledger)[-1]
    found = periods_between(begin, end, periods=periods)
    if begin.date_first > end.date_first:
        raise PeriodRangeError(
            f"The range from {first!r} ({begin.date_first}) to {last!r} ({end.date_last}) begins"
            " after its end.",
            written="Nothing was read or sent.",
            next_step="Exchange --from and --to.",
            first=first,
            last=last,
            ledger=ledger,
        )
    return found


def periods_between(first: Period, last: Period, *, periods: Iterable[Period]) -> list[Period]:
    """The periods whose dates lie within both ends' dates, adjustment periods included."""
    return [
        p
        for p in sort_periods(periods)
        if first.date_first <= p.date_first and p.date_last <= last.date_last
    ]


def period_before(period: Period, *, periods: Iterable[Period]) -> Period | None:
    """The regular period before this one; before an adjustment period, the one it adjusts."""
    ordered = sort_periods(periods)
    earlier = ordered[: ordered.index(period)]
    return next((p for p in reversed(earlier) if not p.is_adjustment), None)


def period_after(period: Period, *, periods: Iterable[Period]) -> Period | None:
    """The regular period after this one."""
    ordered = sort_periods(periods)
    later = ordered[ordered.index(period) + 1 :]
    return next((p for p in later if not p.is_adjustment), None)


def find_period_of(on: date, *, periods: Iterable[Period]) -> Period | None:
    """The regular period a day lies in."""
    fitting = (p for p in periods if not p.is_adjustment and p.date_first <= on <= p.date_last)
    return next(fitting, None)


def _resolve_end(text: str, *, periods: Sequence[Period], ledger: str) -> list[Period]:
    if _MONTH.fullmatch(text.strip()) and text not in {p.name for p in periods}:
        return resolve_month(text, periods=periods, ledger=ledger)
    return [resolve_period(text, periods=periods, ledger=ledger)]


def _near_names(name: str, periods: Iterable[Period]) -> list[str]:
    ordered = sort_periods(periods)
    names = [p.name for p in ordered] + [p.fiscal_name for p in ordered]
    near = get_close_matches(name, names, n=CANDIDATES_SHOWN, cutoff=0.5)
    return near or _ends_of([p.name for p in ordered])


def _ends_of(names: Sequence[str]) -> list[str]:
    if len(names) <= CANDIDATES_SHOWN:
        return list(names)
    half = CANDIDATES_SHOWN // 2
    return [*names[:half], *names[-half:]]
