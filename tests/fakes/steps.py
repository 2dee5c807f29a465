"""Durable steps in memory: results survive a crash, bodies run again after one."""

from collections.abc import Callable
from dataclasses import dataclass, field

from ml_connector.engine.steps import copy_storable
from ml_connector.ports import Json


class Crash(BaseException):
    """The process is gone."""


@dataclass(slots=True, kw_only=True)
class FakeSteps:
    """A `ports.Steps`; the history is kept, so that a second execution replays it."""

    run_id: str
    history: list[tuple[str, Json]] = field(default_factory=list)
    after_body: Callable[[str], None] = lambda _: None
    """Told after a body ran and before its result is stored; may crash."""
    on_done: Callable[[str, Json], None] = lambda _name, _result: None
    """Told of each result that was stored."""
    twice: bool = False
    """Every body runs twice, as if the process had died before the first result was stored."""
    at: int = 0

    def begin(self) -> "FakeSteps":
        """The run is executed from its first step again."""
        self.at = 0
        return self

    def step(self, name: str, body: Callable[[], Json]) -> Json:
        """The stored result, or the body's."""
        if self.at < len(self.history):
            known, result = self.history[self.at]
            assert known == name, f"step {self.at} was {known!r} and is {name!r} now"
            self.at += 1
            return copy_storable(result, what=name)
        result = copy_storable(body(), what=name)
        if self.twice:
            result = copy_storable(body(), what=name)
        self.after_body(name)
        self.history.append((name, result))
        self.on_done(name, result)
        self.at += 1
        return copy_storable(result, what=name)

    def is_changed(self, change: str) -> bool:
        """The new way, unless the history goes on otherwise."""
        if self.at == len(self.history):
            self.history.append((change, {}))
        is_new = self.history[self.at][0] == change
        self.at += is_new
        return is_new

    def is_stop_requested(self) -> bool:
        """Nobody asks."""
        return False
