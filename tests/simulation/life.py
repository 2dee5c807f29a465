"""The life of one simulated process: it counts what it does, and dies where the plan says."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import Any, NoReturn

from tests.fakes.steps import Crash

from ml_connector.engine.errors import TakenForDeadError
from ml_connector.ports import Records

READS = ("read_", "load_", "find_", "parse_", "verify_")
"""Calls that change nothing: dying at one of them is dying at the writing call before it."""
CALL, WRITE, FROZEN = "call", "write", "frozen"


@dataclass(slots=True, kw_only=True)
class Life:
    """Places are passed by kind; at the place of `dies_at` the process is gone.

    A dead process does nothing any more: what its blocks would do on their way out, each further
    call of a port or of a system, raises again.
    """

    dies_at: dict[str, int] = field(default_factory=dict)
    """Kind of place (`call`, `write`, `step`) to its number, the first being 1."""
    passed: dict[str, int] = field(default_factory=dict)
    died: str = ""
    died_at: str = ""
    """The kind of place it died at."""
    freeze: Callable[[], object] = lambda: None
    """What others do while it stands still; it is none of theirs when it wakes up."""
    is_lost: bool = False
    """Others have its runs."""

    def pass_place(self, kind: str, name: str) -> None:
        """The process has come as far as this place, or dies here."""
        self.verify()
        self.passed[kind] = self.passed.get(kind, 0) + 1
        if self.passed[kind] == self.dies_at.get(kind, 0):
            self.end(kind, name)

    def end(self, kind: str, name: str) -> NoReturn:
        """The process is gone."""
        self.died, self.died_at = name, kind
        raise Crash(name)

    def verify_heard(self) -> None:
        """The process lives, and the others know."""
        self.verify()
        if self.is_lost:
            raise TakenForDeadError(FROZEN)

    def _stand_still(self) -> None:
        """The process may be frozen here, and wakes up when others have its runs."""
        self.passed[FROZEN] = self.passed.get(FROZEN, 0) + 1
        if self.passed[FROZEN] == self.dies_at.get(FROZEN, 0):
            self.freeze()
            self.is_lost = True

    def verify(self) -> None:
        """The process lives."""
        if self.died:
            raise Crash(self.died)

    @contextmanager
    def at_call(self, name: str) -> Iterator[None]:
        """A call that changes something: one may die before it and after it."""
        self.pass_place(CALL, f"before {name}")
        yield
        self.pass_place(CALL, f"after {name}")

    @contextmanager
    def at_write(self, name: str, *, is_one: bool) -> Iterator[None]:
        """A request that may be the very write a run is about: the worst places to die at."""
        if is_one:
            self._stand_still()
            self.pass_place(WRITE, f"before {name}")
        yield
        if is_one:
            self.pass_place(WRITE, f"after {name}")
            self._stand_still()

    def watch(self, port: Any, name: str) -> Any:
        """The port, its calls being places of this life."""
        return _Watched(port, name, self)

    def watch_records(self, records: Records) -> Records:
        """All stores, their calls being places of this life."""
        stores = {
            one.name: self.watch(getattr(records, one.name), one.name) for one in fields(Records)
        }
        return Records(**stores)


class _Watched:
    """A port whose calls are places; its attributes are its own."""

    def __init__(self, port: Any, name: str, life: Life) -> None:
        self._port = port
        self._name = name
        self._life = life

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not callable(found):
            return found
        self._life.verify()
        return found if name.startswith(READS) else self._wrap(name, found)

    def _wrap(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **kwargs: Any) -> Any:
            with self._life.at_call(f"{self._name}.{name}"):
                return call(*args, **kwargs)

        return watched
