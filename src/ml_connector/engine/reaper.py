"""Runs of dead processes go back into their queue: watched by all, done by one of them."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.exc import OperationalError

from ml_connector.engine.crew_table import CrewTable
from ml_connector.engine.handover import Handover, HeldRun
from ml_connector.engine.watching import Watch

logger = logging.getLogger(__name__)

LOOK_S = 1.0
"""From one look at the others to the next."""
DEAD_AFTER_S = 8.0
"""A process whose beats stand still this long, by the clock of whoever watches, is dead."""
LEFT_AFTER_S = 8.0
"""A run this process has and does not execute for longer was never begun, or left on purpose."""
GAP_S_MAX = 3.0
"""A watcher that has not looked for longer was frozen, or the database was away: it starts anew."""


@dataclass(frozen=True, slots=True)
class _Seen:
    beats: int
    since: float


class Reaper:
    """Watches the crew and hands the runs of its dead on."""

    def __init__(
        self,
        table: CrewTable,
        handover: Handover,
        *,
        on_taken_over: Callable[[HeldRun], None],
        is_left: Callable[[HeldRun], bool] = lambda _run: False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._table = table
        self._handover = handover
        self._on_taken_over = on_taken_over
        self._is_left = is_left
        self._left_since: dict[str, float] = {}
        self._monotonic = monotonic
        self._seen: dict[str, _Seen] = {}
        self._looked_at = monotonic()
        self._fault = ""
        self._watch = Watch("reaper", self._look_on, find_wait_s=lambda: LOOK_S)

    def start(self) -> None:
        """Looks go on by themselves."""
        self._watch.start()

    def stop(self) -> None:
        """No look follows."""
        self._watch.stop()

    def look(self) -> None:
        """The silent are marked as dead, and what the dead have held is back in its queue."""
        # Runs before members: whoever holds one of these runs had joined before it took it.
        held = self._handover.load_held()
        beats = self._table.load_beats()
        silent = self._find_silent(beats)
        self._requeue_left(held)
        if not (silent or {run.executor_id for run in held} - beats.keys() or self._has_dead()):
            return
        with self._table.election() as is_elected:
            if is_elected:
                self._reap(held, beats, silent)

    def _has_dead(self) -> bool:
        return bool(self._table.load_dead())

    def _find_silent(self, beats: dict[str, int]) -> list[str]:
        """Members whose count stood still for too long while this process watched all the time."""
        now = self._monotonic()
        if now - self._looked_at > GAP_S_MAX:
            self._seen.clear()
            self._left_since.clear()
        self._looked_at = now
        self._seen = {
            name: seen
            if (seen := self._seen.get(name)) is not None and seen.beats == count
            else _Seen(count, now)
            for name, count in beats.items()
        }
        return [name for name, seen in self._seen.items() if now - seen.since > DEAD_AFTER_S]

    def _requeue_left(self, held: list[HeldRun]) -> None:
        """What this process has had for so long without executing it is back in its queue."""
        now = self._monotonic()
        left = [run for run in held if self._is_left(run)]
        self._left_since = {run.run_id: self._left_since.get(run.run_id, now) for run in left}
        for run in left:
            if now - self._left_since[run.run_id] > LEFT_AFTER_S and self._handover.requeue(run):
                logger.warning("run.queued_again run_id=%s", run.run_id)
                # Taken again it is another execution, which has as long to begin.
                del self._left_since[run.run_id]

    def _reap(self, held: list[HeldRun], beats: dict[str, int], silent: list[str]) -> None:
        living = beats.keys() - {
            name for name in silent if self._table.mark_dead(name, beats=beats[name])
        }
        dead = self._table.load_dead()
        for run in held:
            if run.executor_id not in living and self._handover.requeue(run):
                logger.warning("run.taken_over run_id=%s from=%s", run.run_id, run.executor_id)
                self._on_taken_over(run)
        # Last: a reaper that dies before leaves the dead to be found by the next one.
        for name in dead:
            self._table.leave(name)

    def _look_on(self) -> bool:
        try:
            self.look()
        except Exception as error:  # noqa: BLE001 - the next look may pass.
            self._note_fault(error)
        else:
            self._fault = ""
        return True

    def _note_fault(self, error: Exception) -> None:
        """Each kind is logged once in a row: a database that is away fails every look."""
        kind = type(error).__name__
        if kind != self._fault:
            trace = None if isinstance(error, OperationalError) else error
            logger.warning("worker.look_failed fault=%s", kind, exc_info=trace)
        self._fault = kind
