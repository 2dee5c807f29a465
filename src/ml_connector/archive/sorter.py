"""Sums by text key in little memory: a dict, sorted runs on the disk, and their merge."""

import heapq
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import TextIO

from ml_connector.archive.errors import KeyOrderError
from ml_connector.archive.store import full_disk_told
from ml_connector.domain.ledger import Totals
from ml_connector.domain.money import EXACT

KEYS_HELD_MAX = 65_536
"""Keys held in memory; at this many a sorted run is written."""
RUNS_MAX = 64
"""Runs open at a time; at this many they are merged into one."""
_BUFFER_BYTES = 65_536

# Both sort below every character a key may hold, so the order of the lines of a run is the order
# of the keys; the part separator above the value separator, so a shorter key comes first.
_AFTER_KEY = "\x1e"
_BETWEEN_PARTS = "\x1f"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

_Sum = tuple[Decimal, Decimal, int]


class SpillingSorter:
    """Sums by key; its runs live in a folder of its own, which the owner removes."""

    def __init__(self, folder: Path, *, keys_held_max: int = KEYS_HELD_MAX) -> None:
        self._folder = folder
        self._keys_held_max = keys_held_max
        self._held: dict[tuple[str, ...], _Sum] = {}
        self._runs: list[Path] = []
        self._runs_written = 0
        self._add = EXACT.copy().add
        self._is_merged = False

    def add(self, key: tuple[str, ...], totals: Totals) -> None:
        """The key's totals grow; all keys are added before the first merge.

        Raises:
            KeyOrderError: A part holds a control character, or the key is empty.
            ArchiveFullError: A run did not fit the disk.
        """
        assert not self._is_merged
        before = self._held.get(key)
        if before is None:
            if len(self._held) >= self._keys_held_max:
                self._spill()
            _verify_key(key)
            self._held[key] = (totals.debit, totals.credit, totals.lines)
        else:
            debit, credit, lines = before
            self._held[key] = (
                self._add(debit, totals.debit),
                self._add(credit, totals.credit),
                lines + totals.lines,
            )

    def merged(self) -> Iterator[tuple[tuple[str, ...], Totals]]:
        """Yield each key once, ascending, with its totals; may be called again."""
        self._is_merged = True
        if not self._runs:
            for key in sorted(self._held):
                yield key, _build_totals(self._held[key])
            return
        with ExitStack() as files:
            for line in self._merge(self._sources(files)):
                text, _, values = line.partition(_AFTER_KEY)
                yield tuple(text.split(_BETWEEN_PARTS)), _build_totals(_parse_values(values))

    def _sources(self, files: ExitStack) -> list[Iterable[str]]:
        runs: list[Iterable[str]] = [
            files.enter_context(
                # Only the line feed ends a line; text may hold other line separators.
                path.open(encoding="utf-8", newline="\n", buffering=_BUFFER_BYTES)
            )
            for path in self._runs
        ]
        return [*runs, self._render_held()]

    def _render_held(self) -> Iterator[str]:
        for key in sorted(self._held):
            yield _render_row(_BETWEEN_PARTS.join(key), self._held[key])

    def _merge(self, sources: list[Iterable[str]]) -> Iterator[str]:
        at: str | None = None
        total: _Sum = (Decimal(0), Decimal(0), 0)
        for line in heapq.merge(*sources):
            text, _, values = line.partition(_AFTER_KEY)
            one = _parse_values(values)
            if text == at:
                total = (
                    self._add(total[0], one[0]),
                    self._add(total[1], one[1]),
                    total[2] + one[2],
                )
                continue
            if at is not None:
                yield _render_row(at, total)
            at, total = text, one
        if at is not None:
            yield _render_row(at, total)

    def _spill(self) -> None:
        if len(self._runs) >= RUNS_MAX:
            with ExitStack() as files:
                merged = self._write_run(self._merge(self._sources(files)))
            for path in self._runs:
                path.unlink()
            self._runs = [merged]
        else:
            self._runs.append(self._write_run(self._render_held()))
        self._held.clear()

    def _write_run(self, lines: Iterable[str]) -> Path:
        self._runs_written += 1
        path = self._folder / f"run-{self._runs_written:06d}"
        with full_disk_told(self._folder), _open_run(path) as file:
            file.writelines(lines)
        return path


def _open_run(path: Path) -> TextIO:
    return path.open("x", encoding="utf-8", newline="\n", buffering=_BUFFER_BYTES)


def _verify_key(key: tuple[str, ...]) -> None:
    if not key:
        raise KeyOrderError(key, "it has no parts")
    if _CONTROL.search("".join(key)):
        raise KeyOrderError(key, "a part holds a control character")


def _render_row(text: str, total: _Sum) -> str:
    debit, credit, lines = total
    return f"{text}{_AFTER_KEY}{debit}{_BETWEEN_PARTS}{credit}{_BETWEEN_PARTS}{lines}\n"


def _build_totals(total: _Sum) -> Totals:
    debit, credit, lines = total
    return Totals(debit=debit, credit=credit, lines=lines)


def _parse_values(values: str) -> _Sum:
    debit, credit, lines = values.split(_BETWEEN_PARTS)
    return Decimal(debit), Decimal(credit), int(lines)
