"""What becomes of a ledger's periods: they are opened, closed, and opened again."""

from collections.abc import Iterable
from datetime import date, timedelta
from enum import StrEnum

from ml_connector.domain.periods import Period, PeriodState

CLOSED = frozenset({PeriodState.CLOSED, PeriodState.PERMANENTLY_CLOSED})
BACK = timedelta(days=100)
"""How long after its end a period is looked at each time; older ones are opened again rarely."""
AHEAD = timedelta(days=35)
"""How long before its first day: the next month is opened while this one still runs."""


class PeriodEventKind(StrEnum):
    """What became of a period."""

    CLOSED = "period-closed"
    OPENED = "period-opened"


def find_event(before: PeriodState | None, after: PeriodState) -> PeriodEventKind | None:
    """What became of a period between two looks; nothing at the first."""
    if before is None or before is after:
        return None
    if after is PeriodState.OPEN:
        return PeriodEventKind.OPENED
    return PeriodEventKind.CLOSED if after in CLOSED and before not in CLOSED else None


def choose_watched(periods: Iterable[Period], today: date) -> list[Period]:
    """The periods whose state may well change now, oldest first."""
    return [
        one
        for one in sorted(periods, key=lambda one: (one.date_last, one.is_adjustment, one.name))
        if one.date_last >= today - BACK and one.date_first <= today + AHEAD
    ]
