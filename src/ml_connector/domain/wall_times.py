"""Wall times of a zone and the instants they mean, also where the clocks are changed."""

from datetime import UTC, datetime, timedelta, tzinfo
from math import ceil, floor

SHIFT_LOOK = timedelta(hours=12)
"""Clocks change twice a year; between two looks this far apart they change once at most."""


def wall_of(at: datetime, zone: tzinfo) -> datetime:
    """What a clock on the wall shows at the instant."""
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def resolve_wall(wall: datetime, zone: tzinfo, *, last: bool = False) -> datetime:
    """The instant of a wall time: the first moment after a gap; of two, the first or the last."""
    early = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    late = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if early <= late:
        return late if last else early
    # In a gap the later offset makes the earlier instant; the change lies in between.
    return _find_change(zone, late, early)


def find_first_change(zone: tzinfo, begin: datetime, end: datetime) -> datetime | None:
    """The first moment of another offset in (begin, end]."""
    lower = begin
    while lower < end:
        upper = min(lower + SHIFT_LOOK, end)
        if lower.astimezone(zone).utcoffset() != upper.astimezone(zone).utcoffset():
            return _find_change(zone, lower, upper)
        lower = upper
    return None


def _find_change(zone: tzinfo, lower: datetime, upper: datetime) -> datetime:
    """The first moment of the offset that holds at `upper`; at `lower` another one does."""
    offset = upper.astimezone(zone).utcoffset()
    low, high = floor(lower.timestamp()), ceil(upper.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == offset:
            high = middle
        else:
            low = middle
    return datetime.fromtimestamp(high, UTC)
