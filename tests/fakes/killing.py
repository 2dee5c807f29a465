"""Kills a flow right after a chosen call of its ports has taken effect."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from tests.fakes.steps import Crash

from ml_connector.ports import Records

READS = ("read_", "load_", "find_", "parse_", "verify_", "sorter")
"""Calls that change nothing: to die after one is to die after the writing call before it."""


@dataclass(slots=True, kw_only=True)
class Killer:
    """Counts the writing calls of ports; dies once, after one of them."""

    at: int
    """Number of the call to die after; 0 for none."""
    after: str = ""
    """Name of the calls that are counted, such as `audit.record`; empty: all."""
    calls: int = 0
    died: str = ""

    def watch(self, port: Any, name: str) -> Any:
        """The port, its calls counted."""
        return _Watched(port, name, self)

    def watch_records(self, records: Records) -> Records:
        """All stores, their calls counted."""
        return Records(
            **{
                one.name: self.watch(getattr(records, one.name), one.name)
                for one in fields(Records)
            }
        )

    def call(self, name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """The call's result, unless this is the one to die after."""
        result = function(*args, **kwargs)
        if self.after and name != self.after:
            return result
        self.calls += 1
        if self.calls == self.at:
            self.died = name
            raise Crash(name)
        return result


class _Watched:
    """A port whose methods are counted; its attributes are its own."""

    def __init__(self, port: Any, name: str, killer: Killer) -> None:
        self._port = port
        self._name = name
        self._killer = killer

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not callable(found) or name.startswith(READS):
            return found

        def watched(*args: Any, **kwargs: Any) -> Any:
            return self._killer.call(f"{self._name}.{name}", found, *args, **kwargs)

        return watched
