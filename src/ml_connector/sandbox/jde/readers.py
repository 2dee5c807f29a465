"""Connections that only read, so that long reads do not hold up the books."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_IDLE_MAX = 8
_CACHE_KIB = 16 * 1024


class Readers:
    """Hands out connections to the store's file; each sees what was committed when it asked."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []

    def take(self) -> sqlite3.Connection:
        """Return a connection that nobody else uses."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
        db = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=ro",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
        )
        db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        return db

    def give_back(self, db: sqlite3.Connection) -> None:
        """The connection may be used by others."""
        with self._lock:
            if len(self._idle) < _IDLE_MAX:
                self._idle.append(db)
                return
        db.close()

    @contextlib.contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """A connection for the time of a block."""
        db = self.take()
        try:
            yield db
        finally:
            self.give_back(db)

    def query(self, sql: str, params: list[Any]) -> list[tuple[Any, ...]]:
        """Return all rows of a statement."""
        with self.connection() as db:
            return db.execute(sql, params).fetchall()

    def close(self) -> None:
        """No idle connection is open."""
        with self._lock:
            idle, self._idle = self._idle, []
        for db in idle:
            db.close()
