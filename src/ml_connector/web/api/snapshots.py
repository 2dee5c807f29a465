"""What is summed from the archive for a list, kept for the pages behind its first one.

The first page of a list is made anew whenever it is asked for; who goes on from it is told of the
same sums, for some minutes. A process that never made them makes them itself.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, TypeVar

from ml_connector.web.guards import Asked

Item = TypeVar("Item")
KEPT_MAX = 8
"""Lists, of at most"""
ROWS_MAX = 20_000
"""rows each; longer ones are made for each page."""
KEPT_FOR = timedelta(minutes=5)

_kept: OrderedDict[tuple[Hashable, ...], tuple[datetime, Sequence[Any]]] = OrderedDict()
_guard = Lock()


def keep_rows(
    request: Asked, *named: Hashable, after: str, make: Callable[[], Iterable[Item]]
) -> Sequence[Item]:
    """The rows of the list of that name: made now, or what its first page was made of.

    Args:
        request: Whose project it is of.
        named: The list, and whatever narrows it.
        after: Of the call; empty: the first page.
        make: Looks through the archive.
    """
    key, now = (str(request.house.project.root), *named), request.house.clock.now()
    if after:
        with _guard:
            at, rows = _kept.get(key, (now, None))
        if rows is not None and now - at <= KEPT_FOR:
            return rows
    made = list(make())
    with _guard:
        _kept.pop(key, None)
        if len(made) <= ROWS_MAX:
            _kept[key] = (now, made)
        while len(_kept) > KEPT_MAX:
            _kept.popitem(last=False)
    return made
