"""Lets something else happen right before a call of a store, once: another process, or an end."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ml_connector.ports import Records


class Interposed:
    """A port before whose call of one name something else happens, once."""

    def __init__(self, port: Any, name: str, act: Callable[[], object]) -> None:
        self._port = port
        self._name = name
        self._acts = [act]

    def __getattr__(self, name: str) -> Any:
        if name == self._name and self._acts:
            self._acts.pop()()
        return getattr(self._port, name)


def interpose_records(records: Records, call: str, act: Callable[[], object]) -> Records:
    """The same stores; the act comes before the first call of this name, as `audit.record`."""
    store, _, name = call.partition(".")
    between: Any = {store: Interposed(getattr(records, store), name, act)}
    return replace(records, **between)
