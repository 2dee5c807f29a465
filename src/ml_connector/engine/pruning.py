"""Runs that ended well long ago leave the engine's tables; the records keep them for ever.

The engine needs a run's steps only while it may go on. One that was interrupted, failed or was
never begun may, however old it is, and stays; one that has a summary may not.
"""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from dbos import DBOS, WorkflowStatusString

from ml_connector.engine.watching import Watch
from ml_connector.ports import Clock

logger = logging.getLogger(__name__)

KEPT_DAYS = 30
"""Ended runs are kept for so long; whoever looks into the engine's own tables finds them there."""
PORTION = 200
"""Runs that leave in one transaction, which others may be waiting for."""
PORTIONS_MAX = 50
"""Portions of one look; what is left then leaves at the next one."""
FIRST_LOOK_S = 60.0
LOOK_S = 3_600.0

Elect = Callable[[], AbstractContextManager[bool]]
"""Whether this process is the one that prunes for the length of the block."""


def prune_portion(now: datetime) -> int:
    """The oldest of the runs that ended as a success by then are gone; returns how many."""
    ended_by = (now - timedelta(days=KEPT_DAYS)).isoformat()
    ended = DBOS.list_workflows(
        status=WorkflowStatusString.SUCCESS.value,
        # By both, for the sake of the index on the first; none has ended before it began.
        end_time=ended_by,
        completed_before=ended_by,
        limit=PORTION,
        load_input=False,
        load_output=False,
    )
    if ended:
        DBOS.delete_workflows([run.workflow_id for run in ended])
        logger.info("engine.runs_pruned count=%s", len(ended))
    return len(ended)


def prune_once(now: datetime) -> None:
    """At most a portion is gone; what fails is logged, since nothing depends on it."""
    try:
        prune_portion(now)
    except Exception as error:  # noqa: BLE001 - the next launch prunes as well.
        logger.warning("engine.not_pruned fault=%s", type(error).__name__)


class Pruner:
    """Prunes now and then, in a thread of its own, when no other process does."""

    def __init__(self, elect: Elect, *, clock: Clock) -> None:
        self._elect = elect
        self._clock = clock
        self._wait_s = FIRST_LOOK_S
        self._watch = Watch("pruner", self._look_on, find_wait_s=lambda: self._wait_s)

    def start(self) -> None:
        """Looks go on by themselves; a command is done before the first."""
        self._watch.start()

    def stop(self) -> None:
        """No look follows; a portion under way is waited for."""
        self._watch.stop()

    def look(self) -> int:
        """What is due has left, as far as one look goes; returns how many runs."""
        pruned = 0
        for _ in range(PORTIONS_MAX):
            with self._elect() as is_elected:
                count = prune_portion(self._clock.now()) if is_elected else 0
            pruned += count
            if count < PORTION or self._watch.is_stopping:
                break
        return pruned

    def _look_on(self) -> bool:
        self._wait_s = LOOK_S
        try:
            self.look()
        except Exception as error:  # noqa: BLE001 - the next look may pass.
            logger.warning("engine.not_pruned fault=%s", type(error).__name__)
        return True
