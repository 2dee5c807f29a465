"""History that is kept for a while: alerts and their messages, tests, times of schedules."""

from datetime import datetime
from typing import Protocol


class HistoryStore(Protocol):
    """What of one organisation's history may go; runs, postings and the audit chain may not."""

    def delete_before(self, instant: datetime, *, limit: int) -> int:
        """The oldest rows that ended before the instant are gone; returns how many.

        Alerts that are over, with each time they happened and each message about them; test
        messages; tests of connections and times of schedules but for the newest of each. An alert
        that is not over stays, and so do one of which a message is still to be sent and a time of
        a schedule that has no end yet.

        Args:
            instant: When what is to go had ended.
            limit: Most rows that go, in one transaction.
        """
