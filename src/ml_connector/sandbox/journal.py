"""Every request a server answered, written down before the answer leaves; never credentials."""

import hashlib
import json
import time
from dataclasses import asdict, dataclass
from datetime import datetime

from ml_connector.sandbox.http import Request
from ml_connector.sandbox.store import Store

HEADERS_KEPT = frozenset(
    {
        "accept", "accept-encoding", "content-encoding", "content-length", "content-type",
        "effective-of", "host", "if-match", "if-none-match", "metadata-context", "prefer",
        "range", "rest-framework-version", "soapaction", "transfer-encoding", "upsert-mode",
        "user-agent",
    }
)  # fmt: skip
_SCHEMA = """
CREATE TABLE IF NOT EXISTS journal (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT, wall_s REAL, user TEXT, method TEXT,
    path TEXT, headers TEXT, body_sha256 TEXT, body_length INTEGER, status INTEGER, fault TEXT
)
"""
_FIELDS = "seq, at, wall_s, user, method, path, headers, body_sha256, body_length, status, fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLine:
    """One request as it was seen; `status` is None where no answer was sent."""

    seq: int
    at: str
    wall_s: float
    user: str | None
    method: str
    path: str
    headers: dict[str, str]
    body_sha256: str
    body_length: int
    status: int | None
    fault: str | None


class Journal:
    """The ordered record of requests; `at` is sandbox time, `wall_s` a monotonic real one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.execute(_SCHEMA)

    def record(
        self, request: Request, status: int | None, *, at: datetime, fault: str | None
    ) -> None:
        """The request has been appended with its fate."""
        kept = {name: value for name, value in request.headers.items() if name in HEADERS_KEPT}
        digest = hashlib.sha256(request.body).hexdigest()
        line = (
            at.isoformat(), time.monotonic(), request.user, request.method, request.raw_path,
            json.dumps(kept), digest, len(request.body), status, fault,
        )  # fmt: skip
        self._store.execute(
            "INSERT INTO journal (at, wall_s, user, method, path, headers, body_sha256,"
            " body_length, status, fault) VALUES (?,?,?,?,?,?,?,?,?,?)",
            line,
        )

    def lines(self, *, after_seq: int = 0) -> list[JournalLine]:
        """All lines after the given one, oldest first."""
        sql = f"SELECT {_FIELDS} FROM journal WHERE seq > ? ORDER BY seq"  # noqa: S608 - constant
        names = _FIELDS.split(", ")
        found = [dict(zip(names, row, strict=True)) for row in self._store.query(sql, (after_seq,))]
        return [JournalLine(**{**row, "headers": json.loads(row["headers"])}) for row in found]

    def clear(self) -> None:
        """The journal is empty; numbering goes on."""
        self._store.execute("DELETE FROM journal")


def line_as_json(line: JournalLine) -> dict[str, object]:
    """The line as the control interface shows it."""
    return asdict(line)
