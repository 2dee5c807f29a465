"""Sorted streams read side by side: one row ahead, nothing else held."""

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from ml_connector.errors import ProtocolError

Key = tuple[str, ...]
Row = TypeVar("Row")


class OutOfOrderError(ProtocolError):
    """A stream that must ascend by key repeated a key or went back."""

    code = "streams.order"

    def __init__(self, *, stream: str, before: tuple[Any, ...], after: tuple[Any, ...]) -> None:
        fault = "repeats" if before == after else "goes back"
        super().__init__(
            f"The sorted stream {stream!r} {fault} at key {after!r}, after {before!r}.",
            written="This comparison wrote nothing; what was loaded before it stays.",
            next_step="Run it again; if it stays, the stored file of this stream is damaged.",
            stream=stream,
            key=" / ".join(str(part) for part in after),
        )


class SortedStream(Generic[Row]):
    """A stream in ascending key order; `key` is the next one, None at its end."""

    __slots__ = ("_key_of", "_name", "_next_row", "_rows", "key")

    def __init__(self, rows: Iterable[Row], *, name: str, key_of: Callable[[Row], Key]) -> None:
        self._rows = iter(rows)
        self._name = name
        self._key_of = key_of
        self._next_row: Row | None = None
        self.key: Key | None = None
        self._advance()

    def take_one(self, key: Key) -> Row | None:
        """The row of this key, if it is the next one.

        Raises:
            OutOfOrderError: The stream holds the key twice, or the next key is smaller.
        """
        if self.key != key:
            return None
        row = self._next_row
        self._advance()
        if self.key == key:
            raise OutOfOrderError(stream=self._name, before=key, after=key)
        return row

    def take_all(self, key: Key, *, part_of: Callable[[Row], tuple[Any, ...]]) -> list[Row]:
        """Every row of this key; none when the next key is another one.

        Args:
            key: The key to take.
            part_of: What tells the rows of one key apart; the same part twice is refused.

        Raises:
            OutOfOrderError: A part is repeated within the key, or the next key is smaller.
        """
        parts: dict[tuple[Any, ...], Row] = {}
        while self.key == key and self._next_row is not None:
            part = (*key, *part_of(self._next_row))
            if part in parts:
                raise OutOfOrderError(stream=self._name, before=part, after=part)
            parts[part] = self._next_row
            self._advance()
        return list(parts.values())

    def _advance(self) -> None:
        before = self.key
        self._next_row = next(self._rows, None)
        self.key = None if self._next_row is None else self._key_of(self._next_row)
        if before is not None and self.key is not None and self.key < before:
            raise OutOfOrderError(stream=self._name, before=before, after=self.key)


def find_least_key(*streams: SortedStream[Any]) -> Key | None:
    """The smallest key any of the streams is at; None when all have ended."""
    return min((stream.key for stream in streams if stream.key is not None), default=None)
