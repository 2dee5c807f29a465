"""Virtual time: the sandbox's clock without a file, and ours, which may go wrong against it."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ml_connector.sandbox.clock import SEED_TIME, SandboxClock


class VirtualClock(SandboxClock):
    """A sandbox clock that is moved by hand and kept in memory; it begins hours after the seed."""

    def __init__(self, *, hours: int = 0) -> None:
        self._hours = hours
        super().__init__(Path(), virtual=True)

    def _load_base(self) -> float:
        return SEED_TIME.timestamp() + 3600 * self._hours

    def _save_base(self) -> None:
        pass


@dataclass(slots=True, kw_only=True)
class SimClock:
    """A `ports.Clock`: time passes everywhere at once, but our machine's may be set wrong."""

    sandbox: VirtualClock
    rng: random.Random
    skew: timedelta = timedelta()
    jumps: list[float] = field(default_factory=list)
    """Instants of the sandbox at which our clock was set."""

    def now(self) -> datetime:
        """The instant our machine believes in."""
        return datetime.fromtimestamp(self.sandbox.now(), UTC) + self.skew

    def sleep(self, seconds: float) -> None:
        """That much later, everywhere."""
        self.sandbox.advance(max(seconds, 0.0))

    def pass_time(self, seconds: float) -> None:
        """About that much later: what a request or a piece of a body takes."""
        self.sandbox.advance(seconds * self.rng.uniform(0.5, 1.5))

    def jump(self, seconds: float) -> None:
        """Somebody sets our machine's clock."""
        self.skew += timedelta(seconds=seconds)
        self.jumps.append(self.sandbox.now())
