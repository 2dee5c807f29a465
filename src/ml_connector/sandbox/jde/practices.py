"""Counts what clients should not do; none of it is refused."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import date, timedelta

from ml_connector.sandbox.jde.julian import to_julian

OVERLAP_DAYS_LEAST = 2
WARNINGS = (
    "loginWithoutDevice", "loginPerCall", "tableWrite", "pollWithoutOverlap",
    "sessionLeft", "credentialsInAddress",
)  # fmt: skip


class Practices:
    """The counters that /__sandbox/info shows."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: Counter[str] = Counter()

    def warn(self, name: str) -> None:
        """The practice has been seen once more."""
        assert name in WARNINGS, name
        with self._lock:
            self._seen[name] += 1

    def counts(self, *, sessions_left: int) -> dict[str, int]:
        """Return every counter; sessions that timed out had not been logged out."""
        with self._lock:
            return {name: self._seen[name] for name in WARNINGS} | {"sessionLeft": sessions_left}

    def clear(self) -> None:
        """Every counter is at nought."""
        with self._lock:
            self._seen.clear()

    def watch_poll(self, target: str, filter_sql: str, today: date) -> None:
        """A read of changes since a day that leaves no overlap has been counted."""
        if target != "F0911":
            return
        newest = to_julian(today - timedelta(days=OVERLAP_DAYS_LEAST))
        for piece in filter_sql.split('"UPMJ" >')[1:]:
            bound = piece.lstrip("= ").split(")")[0].split(" ")[0]
            if bound.isdigit() and int(bound) > newest:
                self.warn("pollWithoutOverlap")
                return
