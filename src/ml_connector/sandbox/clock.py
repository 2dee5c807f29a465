"""The time the sandbox believes in: real pace from a fixed start, or moved by hand only."""

import contextlib
import json
import os
import threading
import time
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

SEED_TIME = datetime(2026, 11, 3, 8, 0, tzinfo=UTC)
CLOCK_FILE = "clock.json"


class SandboxClock:
    """One time line for all servers of a state folder; it survives a restart.

    A real clock keeps running while the process is dead, a virtual one stands still.
    Nothing sleeps in the background: servers compare stored timestamps with `now`.
    """

    def __init__(self, state_dir: Path, *, virtual: bool = False) -> None:
        self.virtual = virtual
        self._path = state_dir / CLOCK_FILE
        self._moved = threading.Condition()
        self._base = self._load_base()
        self._save_base()

    def now(self) -> float:
        """The sandbox time as seconds since 1970 UTC."""
        return self._base if self.virtual else time.time() + self._base

    def now_utc(self) -> datetime:
        """The sandbox time as an aware datetime."""
        return datetime.fromtimestamp(self.now(), UTC)

    def http_date(self) -> str:
        """The sandbox time in the form of a `Date` header."""
        return format_datetime(self.now_utc().replace(microsecond=0), usegmt=True)

    def advance(self, seconds: float) -> None:
        """Time has moved by `seconds` (either mode) and waiters have been woken."""
        self._shift(seconds)

    def set(self, at: datetime) -> None:
        """Time stands at `at` and waiters have been woken."""
        self._shift(at.timestamp() - self.now())

    def wait_until(self, at: float, *, limit_s: float) -> bool:
        """Block until the sandbox time reaches `at`; False after `limit_s` real seconds."""
        deadline = time.monotonic() + limit_s
        with self._moved:
            while self.now() < at:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._moved.wait(left if self.virtual else min(left, at - self.now()))
        return True

    def _shift(self, seconds: float) -> None:
        with self._moved:
            self._base += seconds
            self._save_base()
            self._moved.notify_all()

    def _load_base(self) -> float:
        """Seconds since 1970 (virtual), or the distance from real time (real)."""
        start = SEED_TIME.timestamp()
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            stored = json.loads(self._path.read_text())
            base = float(stored["base"])
            start = base if stored["virtual"] else base + time.time()
        return start if self.virtual else start - time.time()

    def _save_base(self) -> None:
        text = json.dumps({"virtual": self.virtual, "base": self._base})
        beside = self._path.with_suffix(".new")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text)
        os.replace(beside, self._path)  # noqa: PTH105 - Path.replace hides that it is atomic
