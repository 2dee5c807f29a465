"""History that nobody asks for any more goes, a little at a time; what proves something stays."""

import logging
from collections.abc import Callable
from datetime import timedelta

from ml_connector.ports import Clock, Records

logger = logging.getLogger(__name__)

PORTION = 200
"""Rows that go in one transaction, which others may be waiting for."""
PORTIONS_MAX = 50
"""Portions of one look; what is left then goes at the next one."""


def forget_history(
    records: Records, clock: Clock, *, days: int, is_stopping: Callable[[], bool] = bool
) -> int:
    """What ended longer ago than so many days is gone, as far as one look goes.

    Any process may, several at once: each row goes once.

    Returns:
        How many rows are gone.
    """
    before, gone = clock.now() - timedelta(days=days), 0
    for _ in range(PORTIONS_MAX):
        count = records.history.delete_before(before, limit=PORTION)
        gone += count
        if count < PORTION or is_stopping():
            break
    if gone:
        logger.info("history.forgotten rows=%s days=%s", gone, days)
    return gone
