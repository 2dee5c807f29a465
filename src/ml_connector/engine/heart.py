"""The heart-beat of a process that executes runs, and what it may do when it was not heard."""

import logging
import threading
import time
from collections.abc import Callable

from ml_connector.engine.crew_table import CrewTable
from ml_connector.engine.watching import Watch

logger = logging.getLogger(__name__)

BEAT_S = 2.0
"""From one beat to the next."""
FENCE_S = 6.0
"""A process whose last beat is older sends nothing. Less than it takes to be taken for dead, so
that whoever goes on with its runs knows that it is silent."""


def read_running_s() -> float:
    """Seconds on a clock that goes on while the machine is suspended, where there is one.

    The monotonic clock stands still meanwhile: a process that sleeps for an hour would find its
    last beat fresh, and send what its successor has sent by now.
    """
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Heart:
    """Beats in a thread of its own until it stops, or finds that it was taken for dead."""

    def __init__(
        self,
        table: CrewTable,
        executor_id: str,
        *,
        on_taken_for_dead: Callable[[], None],
        on_beat: Callable[[bool], None] = lambda _is_stored: None,
        monotonic: Callable[[], float] = read_running_s,
    ) -> None:
        self._table = table
        self._executor_id = executor_id
        self._on_taken_for_dead = on_taken_for_dead
        self._on_beat = on_beat
        self._monotonic = monotonic
        self._heard = threading.Condition()
        self._beaten_at = monotonic()
        self._is_taken_for_dead = False
        self._watch = Watch("heart", self._beat_on, find_wait_s=lambda: BEAT_S)

    def start(self) -> None:
        """Beats go on by themselves; the member has joined."""
        self._beaten_at = self._monotonic()
        self._watch.start()

    def stop(self) -> None:
        """No beat follows."""
        self._watch.stop()

    @property
    def is_taken_for_dead(self) -> bool:
        """Whether others have this process's runs by now."""
        return self._is_taken_for_dead

    def is_heard(self) -> bool:
        """Whether nobody can have taken this process for dead yet."""
        is_fresh = self._monotonic() - self._beaten_at < FENCE_S
        return is_fresh and not self._is_taken_for_dead

    def wait_heard(self, seconds: float) -> bool:
        """Whether the process is heard, now or within that time; False at once when it is dead."""
        with self._heard:
            self._heard.wait_for(lambda: self.is_heard() or self._is_taken_for_dead, seconds)
            return self.is_heard()

    def beat(self) -> bool:
        """One beat; False when the process was taken for dead. `on_beat` hears whether it stood.

        The instant counts that the beat was *begun* at: the others saw it no earlier.
        """
        began_at = self._monotonic()
        try:
            is_alive = self._table.beat(self._executor_id)
        except Exception as error:  # noqa: BLE001 - the next beat may pass; until then nothing is sent.
            logger.debug("worker.beat_failed fault=%s", type(error).__name__)
            self._on_beat(False)
            return True
        self._on_beat(True)
        with self._heard:
            if is_alive:
                self._beaten_at = began_at
            else:
                self._is_taken_for_dead = True
            self._heard.notify_all()
        return is_alive

    def _beat_on(self) -> bool:
        is_alive = self.beat()
        if not is_alive:
            logger.error("worker.taken_for_dead executor_id=%s", self._executor_id)
            self._on_taken_for_dead()
        return is_alive
