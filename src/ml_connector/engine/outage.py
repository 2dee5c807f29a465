"""A database of ours is away for a while: runs wait for it and go on where they stood.

A step is executed at least once by design: what a run writes elsewhere is settled by the records,
never by counting. So a step whose own database went away in the midst of it is executed again as
soon as that answers, and the run neither fails nor ends.
"""

import logging
import math
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeVar

from ml_connector.engine.errors import StoppedRunError
from ml_connector.engine.patience import LeaveRun
from ml_connector.errors import DatabaseAwayError, RunInterruptedError
from ml_connector.ports import Clock

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
ENGINE, RECORDS = "engine", "records"
"""Our databases, as log lines name them; they may be one and the same."""
LOOK_S = 1.0
"""From one look whether the database is back to the next."""
AWAY_S_MAX = 1_800.0
"""A step waits half an hour in all; then its run ends as interrupted and can be resumed."""
REPEATS_SLOWED_MAX = 5
"""A database that comes and goes is given longer each time, up to two to this power of looks."""


class DatabaseStaysAwayError(RunInterruptedError):
    """A database of ours did not come back in the time a run waits for it."""

    code = "engine.database-stays-away"

    def __init__(self, run_id: str, away: DatabaseAwayError) -> None:
        super().__init__(
            f"Run {run_id} has waited {AWAY_S_MAX / 60:.0f} minutes. {away.refused}",
            written="Its finished steps stay done; the one it was in may have been done too.",
            next_step=f"When the database answers again: `ml-connector runs resume {run_id}`.",
            run_id=run_id,
        )


class Ride(Protocol):
    """Makes a call again for as long as a database of ours is what hinders it."""

    def __call__(self, call: Callable[[], Result], /) -> Result:
        """What the call returned in the end."""


def ride_nothing(call: Callable[[], Result], /) -> Result:
    """What the call returns; it is made once."""
    return call()


class Outage:
    """What the threads of one process know of a database that is away, and how they wait."""

    def __init__(
        self,
        stop: threading.Event,
        *,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stop = stop
        """Set when this process is to end; nothing is waited for then."""
        self._clock = clock
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._since: dict[str, datetime] = {}
        self._met_at = -math.inf

    def ride(self, run_id: str, call: Callable[[], Result]) -> Result:
        """What the call returns, made again each time the database was away and is back.

        Raises:
            StoppedRunError: A stop was asked for while it was away.
            DatabaseStaysAwayError: It was away for too long.
        """
        waited_s, repeats = 0.0, 0
        while True:
            try:
                result = call()
            except DatabaseAwayError as away:
                self.note_away(RECORDS, str(away.arguments["fault"]))
                pause_s = LOOK_S * 2 ** min(repeats, REPEATS_SLOWED_MAX)
                waited_s += self._wait_back(run_id, away, pause_s, left_s=AWAY_S_MAX - waited_s)
                repeats += 1
            else:
                if repeats:
                    self.note_back(RECORDS)
                return result

    def note_away(self, name: str, fault: str = "") -> None:
        """Somebody met it; the first one says so, once."""
        now = self._clock.now()
        with self._lock:
            self._met_at = self._monotonic()
            if name in self._since:
                return
            self._since[name] = now
        since = f"{now:%Y-%m-%dT%H:%M:%SZ}"
        logger.warning("database.away name=%s since=%s fault=%s", name, since, fault)

    def note_back(self, name: str) -> None:
        """It answers; who had said that it is away says that too."""
        if name not in self._since:
            return
        with self._lock:
            since = self._since.pop(name, None)
        if since is not None:
            told = f"{since:%Y-%m-%dT%H:%M:%SZ}"
            logger.warning("database.back name=%s away_since=%s", name, told)

    def pause_asking(self, run_id: str, seconds: float) -> None:
        """Who asks after a run waits on for the engine's database.

        Raises:
            StoppedRunError: A stop was asked for.
        """
        self.note_away(ENGINE)
        if self.stop.wait(seconds):
            raise StoppedRunError(run_id)

    def pause_executing(self, seconds: float) -> None:
        """A run waits on for the engine's database, unless its process is about to end."""
        self.note_away(ENGINE)
        if self.stop.wait(seconds):
            raise LeaveRun

    def is_recent(self, seconds: float) -> bool:
        """Whether it was away that lately: others may not have found back to it yet."""
        return self._monotonic() - self._met_at < seconds

    def _wait_back(
        self, run_id: str, away: DatabaseAwayError, pause_s: float, *, left_s: float
    ) -> float:
        """How long it took until the database answered."""
        began_at = self._monotonic()
        while (waited_s := self._monotonic() - began_at) < left_s:
            if self.stop.wait(pause_s):
                raise StoppedRunError(run_id) from away
            if away.is_back():
                return max(waited_s, pause_s)
            with self._lock:
                self._met_at = self._monotonic()
        raise DatabaseStaysAwayError(run_id, away) from away
