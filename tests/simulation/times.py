"""Virtual time: the sandbox's clock without a file, and ours, which may go wrong against it."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import itemgetter
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
    due: list[tuple[float, Callable[[], object]]] = field(default_factory=list)
    """Instants of the sandbox, and what happens then whatever else is done."""

    def now(self) -> datetime:
        """The instant our machine believes in."""
        return datetime.fromtimestamp(self.sandbox.now(), UTC) + self.skew

    def sleep(self, seconds: float) -> None:
        """That much later, everywhere."""
        self._advance(max(seconds, 0.0))

    def pass_time(self, seconds: float) -> None:
        """About that much later: what a request or a piece of a body takes."""
        self._advance(seconds * self.rng.uniform(0.5, 1.5))

    def plan(self, seconds: float, act: Callable[[], object]) -> None:
        """That much later it happens."""
        self.due.append((self.sandbox.now() + seconds, act))

    def _advance(self, seconds: float) -> None:
        if self.due:
            seconds = self._meet_due(seconds)
        self.sandbox.advance(seconds)

    def _meet_due(self, seconds: float) -> float:
        """What happens in this time has happened; the seconds that are left of it."""
        until = self.sandbox.now() + seconds
        for at, act in sorted((one for one in self.due if one[0] <= until), key=itemgetter(0)):
            self.due.remove((at, act))
            self.sandbox.advance(max(at - self.sandbox.now(), 0.0))
            seconds = until - self.sandbox.now()
            act()
        return seconds

    def jump(self, seconds: float) -> None:
        """Somebody sets our machine's clock."""
        self.skew += timedelta(seconds=seconds)
        self.jumps.append(self.sandbox.now())
