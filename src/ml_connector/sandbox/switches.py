"""Decisions where the contract leaves room: each has a default and may be turned by a test."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ml_connector.sandbox.store import Store

_SPACE = "switches"


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """One decision: its default and, where they are few, the values allowed."""

    default: Any
    allowed: tuple[Any, ...] = ()


def choice(*values: Any) -> Switch:
    """A switch with these values; the first is the default."""
    return Switch(default=values[0], allowed=values)


class Switches:
    """The current position of every switch of a server; kept in its store."""

    def __init__(self, store: Store, known: Mapping[str, Switch]) -> None:
        self._store = store
        self._known = dict(known)
        self._turned = store.load_space(_SPACE)

    def __getitem__(self, name: str) -> Any:
        return self._turned.get(name, self._known[name].default)

    def positions(self) -> dict[str, Any]:
        """Every switch with its present value."""
        return {name: self[name] for name in self._known}

    def turn(self, values: Mapping[str, Any]) -> None:
        """All the given switches stand as given.

        Raises:
            ValueError: A name or value is unknown; no switch was turned.
        """
        for name, value in values.items():
            self._verify(name, value)
        for name, value in values.items():
            self._store.save(_SPACE, name, value)
            self._turned[name] = value

    def reset(self) -> None:
        """Every switch stands at its default."""
        self._store.clear_space(_SPACE)
        self._turned = {}

    def _verify(self, name: str, value: Any) -> None:
        if name not in self._known:
            raise ValueError(f"There is no switch {name!r}; known: {sorted(self._known)}.")
        allowed = self._known[name].allowed
        if allowed and value not in allowed:
            raise ValueError(f"Switch {name!r} takes one of {allowed}, not {value!r}.")
