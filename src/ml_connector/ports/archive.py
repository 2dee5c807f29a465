"""The archive: immutable, content-addressed files."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, Protocol

from ml_connector.domain.ledger import (
    Batch,
    CombinationKey,
    Line,
    Totals,
)
from ml_connector.domain.plan import PlannedCell
from ml_connector.domain.summaries import Summary
from ml_connector.ports.batches import BatchRevision
from ml_connector.ports.sources import Measure


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """An immutable file, named by the hash of its content."""

    file_hash: str
    rows: int
    bytes_stored: int


class LineSum(NamedTuple):
    """Lines of one file that agree in everything a mapping may look at, summed exactly."""

    ledger: str
    period: str
    accounting_date: date
    chart: str
    combination: str
    currency: str
    source: str
    category: str
    totals: Totals


class TotalsSorter(Protocol):
    """Sums by text key with bounded memory: what does not fit is spilled in sorted runs."""

    def add(self, key: tuple[str, ...], totals: Totals) -> None:
        """The key's totals grow; parts of a key must not hold control characters."""

    def merged(self) -> Iterator[tuple[tuple[str, ...], Totals]]:
        """Yield each key once, ascending, with its totals; may be called again."""


class Archive(Protocol):
    """Immutable, content-addressed files; written and synced before a row names them."""

    def write_batches(self, batches: Iterable[Batch]) -> tuple[StoredFile, list[BatchRevision]]:
        """The lines are stored in one file; returns a revision (number 0: not yet given) each.

        `content_hash` of a revision depends on its lines only, not on read time or order.

        Raises:
            RefusedError: An amount has more decimals than the archive keeps; nothing is stored.
            SystemUnavailableError: The disk is full, or the store does not answer; nothing is
                half-stored.
        """

    def read_lines(
        self,
        revision: BatchRevision,
        *,
        ledger: str = "",
        period: str = "",
        is_summed: bool = False,
    ) -> Iterator[Line]:
        """Yield the lines of one revision in journal and line order; filters by name when given.

        With `is_summed` only those that `read_line_sums` takes: no encumbrances, no statistics.
        """

    def sum_journal(
        self, file_hash: str, journal: str
    ) -> list[tuple[tuple[str, str, str, str], Totals]]:
        """What a file of lines holds under a journal's name or a document's number.

        By batch, ledger, period and currency, ascending; the file's hash is verified first.
        """

    def read_line_sums(
        self,
        revisions: Sequence[BatchRevision],
        *,
        pairs: Sequence[tuple[str, str]],
        measure: Measure,
    ) -> Iterator[LineSum]:
        """Yield the lines of some (ledger, period), summed by everything a mapping may look at.

        Currency and amounts are the measure's: base or entered. Each file is read once, whatever
        the number of pairs, its hash verified first.

        Raises:
            UnexplainedDifferenceError: A file's content no longer fits its hash; names the file.
        """

    def sorter(self) -> AbstractContextManager[TotalsSorter]:
        """A sorter whose spilled runs vanish at the end of the block."""

    def write_summaries(self, summaries: Iterable[Summary]) -> StoredFile:
        """Summaries in strictly ascending key order are stored; same input, same hash."""

    def read_summaries(self, file_hash: str) -> Iterator[Summary]:
        """Yield them in key order."""

    def write_plan(self, cells: Iterable[PlannedCell]) -> StoredFile:
        """Planned cells in strictly ascending key order are stored; same input, same hash."""

    def read_plan(self, file_hash: str) -> Iterator[PlannedCell]:
        """Yield them in key order."""

    def write_totals(self, totals: Iterable[tuple[tuple[str, ...], Totals]]) -> StoredFile:
        """Totals by text key, strictly ascending, are stored; same input, same hash.

        Used for the ERP's balances, control totals, placements and contributions of a period.
        """

    def read_totals(self, file_hash: str) -> Iterator[tuple[tuple[str, ...], Totals]]:
        """Yield them in key order."""

    def write_bytes(self, chunks: Iterable[bytes], *, suffix: str) -> StoredFile:
        """Raw bytes (a chunk, a dump, a result, an export) are stored; rows is 0."""

    def write_gzipped(self, content: bytes, *, suffix: str) -> StoredFile:
        """The bytes are stored gzipped; the same content gives the same file on every run."""

    def read_bytes(self, file_hash: str) -> Iterator[bytes]:
        """Yield the stored bytes after their hash was verified.

        Raises:
            UnexplainedDifferenceError: The content no longer fits its hash.
        """


CombinationTotals = Iterator[tuple[CombinationKey, Totals]]
"""Totals per account combination, ascending by key."""
