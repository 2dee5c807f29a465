"""How long the engine's library waits between two tries of its own database, and who may end that.

By itself it waits a minute and more, looks at no stop, and tells of each try; and a server that
cannot even be called, its socket or its name being gone while it starts anew, is a fault to it and
no absence. It offers no way to say otherwise, so the waits of the module that makes them are ours,
and so is what it waits for. A test holds this release to what is relied on here.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from dbos import _sys_db
from sqlalchemy.exc import OperationalError

RETRY_S_MAX = 2.0
"""The longest wait between two tries; soon enough after a minute, rare enough for an hour."""
TOLD = ("Database connection failed", "Notification listener error")
FAULT = "OperationalError"
"""By what the library's own lines about each try are known; ours says it once."""
UNCALLED = "connection is bad"
"""How the driver begins what it says of a connection that could not even be begun."""

Pause = Callable[[float], None]
_thread = threading.local()


class LeaveRun(BaseException):
    """Carries an execution out of DBOS, which stores every `Exception` as the run's outcome."""


class _Time:
    """The module `time`, whose waits are short and belong to the thread's own purpose."""

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    def sleep(self, seconds: float) -> None:
        pause: Pause = getattr(_thread, "pause", time.sleep)
        pause(min(seconds, RETRY_S_MAX))


class _Untold(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        told = record.getMessage()
        return not (told.startswith(TOLD) or FAULT in told)


def bound_waits() -> None:
    """The library's waits are short from now on, in this process; asked again, nothing changes."""
    names = vars(_sys_db)
    if not isinstance(names["time"], _Time):
        names["time"] = _Time()
        names[_JUDGE] = partial(_is_away, names[_JUDGE])
        logging.getLogger("dbos").addFilter(_Untold())


def keep_pausing(pause: Pause) -> None:
    """The library's waits in this thread are made by `pause`, until the next one is named."""
    _thread.pause = pause


_JUDGE = "retriable_postgres_exception"


def _is_away(judge: Callable[[Exception], bool], error: Exception) -> bool:
    """Whether the library waits for the database: where it would, and where none can be called."""
    is_uncalled = isinstance(error, OperationalError) and UNCALLED in str(error.orig)
    return is_uncalled or judge(error)


@contextmanager
def pausing(pause: Pause) -> Iterator[None]:
    """The library's waits in this thread are made by `pause` during the block."""
    keep_pausing(pause)
    try:
        yield
    finally:
        del _thread.pause
