"""All state of one server in one SQLite file that outlives a killed process."""

import contextlib
import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS kv (
    space TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (space, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blobs (
    space TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (space, key)
);
"""


class Store:
    """Key to JSON, key to bytes, and tables of the server's own making; safe for threads.

    Every call outside `transaction` is its own commit. What is committed has been handed to
    the operating system, so it survives the end of the process (though not of the machine).
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """The file is closed; further calls raise."""
        with self._lock:
            self._db.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is committed together, or nothing when it raises; may nest."""
        with self._lock:
            if self._db.in_transaction:
                yield
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def execute(self, sql: str, params: Iterable[Any] = ()) -> int:
        """The statement has run; the number of rows it changed."""
        with self._lock:
            return self._db.execute(sql, tuple(params)).rowcount

    def execute_many(self, sql: str, rows: Iterable[Iterable[Any]]) -> None:
        """The statement has run for every row, in one commit."""
        with self.transaction():
            self._db.executemany(sql, (tuple(row) for row in rows))

    def query(self, sql: str, params: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows the statement yields."""
        with self._lock:
            return self._db.execute(sql, tuple(params)).fetchall()

    def find(self, space: str, key: str) -> Any:
        """The JSON value under the key, or None."""
        rows = self.query("SELECT value FROM kv WHERE space=? AND key=?", (space, key))
        return json.loads(rows[0][0]) if rows else None

    def save(self, space: str, key: str, value: Any) -> None:
        """The JSON value stands under the key."""
        self.execute("INSERT OR REPLACE INTO kv VALUES (?,?,?)", (space, key, json.dumps(value)))

    def delete(self, space: str, key: str) -> None:
        """Nothing stands under the key."""
        self.execute("DELETE FROM kv WHERE space=? AND key=?", (space, key))

    def load_space(self, space: str) -> dict[str, Any]:
        """All values of a space, keys in order."""
        sql = "SELECT key, value FROM kv WHERE space=? ORDER BY key"
        return {key: json.loads(value) for key, value in self.query(sql, (space,))}

    def clear_space(self, space: str) -> None:
        """The space holds neither values nor bytes."""
        with self.transaction():
            self.execute("DELETE FROM kv WHERE space=?", (space,))
            self.execute("DELETE FROM blobs WHERE space=?", (space,))

    def find_blob(self, space: str, key: str) -> bytes | None:
        """The bytes under the key, or None."""
        rows = self.query("SELECT value FROM blobs WHERE space=? AND key=?", (space, key))
        return bytes(rows[0][0]) if rows else None

    def save_blob(self, space: str, key: str, value: bytes) -> None:
        """The bytes stand under the key."""
        self.execute("INSERT OR REPLACE INTO blobs VALUES (?,?,?)", (space, key, value))

    def delete_blob(self, space: str, key: str) -> None:
        """No bytes stand under the key."""
        self.execute("DELETE FROM blobs WHERE space=? AND key=?", (space, key))
