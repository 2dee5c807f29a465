"""The archive over any store of files: what a file holds, wherever it lies."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ml_connector.archive.errors import BrokenFileError
from ml_connector.archive.gzipped import gzip_chunk
from ml_connector.archive.sorter import KEYS_HELD_MAX, SpillingSorter
from ml_connector.archive.store import FileStore, NewFile
from ml_connector.domain.ledger import STATISTICAL, Batch, Line, Totals
from ml_connector.domain.plan import PlannedCell
from ml_connector.domain.summaries import Summary
from ml_connector.ports import BatchRevision, LineSum, Measure, StoredFile, TotalsSorter

# pyarrow takes a third of a second to load; `runs list` and its like never need it, so the modules
# that stand on it are imported by the first call that does.
# ruff: noqa: PLC0415 - see above

LINES = "lines"
SUMMARIES = "summaries"
PLANS = "plans"
TOTALS = "totals"
RAW = "raw"
_PARQUET = "parquet"
_SUMMARY_AMOUNTS = ("amount",)
_PLAN_AMOUNTS = ("before", "after")
_TOTALS_AMOUNTS = ("debit", "credit")
_READ_BYTES = 1 << 20


class FileArchive:
    """Immutable, content-addressed files of one organisation.

    May be used by several threads and processes at a time. Amounts come back at scale 9. What it
    raises beyond its own errors is the store's: a full disk, a bucket that does not answer.
    """

    def __init__(self, files: FileStore, *, keys_held_max: int = KEYS_HELD_MAX) -> None:
        self._files = files
        self._keys_held_max = keys_held_max

    def write_batches(self, batches: Iterable[Batch]) -> tuple[StoredFile, list[BatchRevision]]:
        """The lines are stored in one file; returns a revision (number 0: not yet given) each.

        Holds one row group of lines and one batch at a time. A batch's lines are stored in journal
        and line order; the hash of its content depends on its lines only.

        Raises:
            TooManyDecimalsError: An amount has more decimals than the archive keeps.
            UnfitAmountError: An amount is no number or has too many digits.
            RepeatedBatchError: The same batch came twice; nothing is stored.
            ArchiveFullError: The disk is full; nothing is half-stored.
        """
        from ml_connector.archive.line_files import stamp_revisions, write_line_file

        with self._files.create(LINES, suffix=_PARQUET) as new:
            revisions = write_line_file(new, batches)
        rows = sum(revision.lines for revision in revisions)
        return _stored(new, rows), stamp_revisions(revisions, new.file_hash)

    def read_lines(
        self,
        revision: BatchRevision,
        *,
        ledger: str = "",
        period: str = "",
        is_summed: bool = False,
    ) -> Iterator[Line]:
        """Yield the lines of one revision in journal and line order; filters by name when given.

        With `is_summed` only those that `read_line_sums` takes. Only the parts of the file that may
        hold the batch are read.

        Raises:
            BrokenFileError: The file no longer fits its hash, or lacks lines of the batch.
            MissingFileError: The file is not there.
        """
        from ml_connector.archive.line_files import read_lines_of

        wanted: dict[str, str | bool] = {
            "batch_id": revision.batch_id, "ledger": ledger, "period": period,
            "is_actual": is_summed,
        }  # fmt: skip
        wanted = {name: value for name, value in wanted.items() if value}
        found = 0
        with self._files.open(LINES, revision.file_hash, suffix=_PARQUET) as file:
            for line in read_lines_of(file, wanted=wanted):
                found += 1
                if not is_summed or line.entered_currency != STATISTICAL:
                    yield line
            if len(wanted) == 1 and found != revision.lines:
                raise BrokenFileError(
                    self._files.place(LINES, revision.file_hash, suffix=_PARQUET),
                    f"it holds {found} lines of batch {revision.batch_id}, not {revision.lines}",
                )

    def sum_journal(
        self, file_hash: str, journal: str
    ) -> list[tuple[tuple[str, str, str, str], Totals]]:
        """What a file of lines holds under a journal's name; see `ports.Archive`."""
        from ml_connector.archive.line_sums import sum_journal

        with self._files.open(LINES, file_hash, suffix=_PARQUET) as file:
            return sum_journal(file, journal)

    def read_line_sums(
        self,
        revisions: Sequence[BatchRevision],
        *,
        pairs: Sequence[tuple[str, str]],
        measure: Measure,
    ) -> Iterator[LineSum]:
        """Yield the lines of some (ledger, period), summed by everything a mapping may look at.

        Only lines of actual batches whose entered currency is money (not STAT). The same group may
        come more than once, from several files and also from one, so that memory stays bounded
        however many groups there are: the caller adds. Files are read in the order of their first
        revision, each once, its hash verified first.

        Raises:
            BrokenFileError: A file's content no longer fits its hash; names the file.
            MissingFileError: A file is not there.
        """
        from ml_connector.archive.line_sums import SumScope, sum_line_file

        scope = SumScope(pairs=tuple(pairs), measure=measure)
        for file_hash, batch_ids in _batches_by_file(revisions).items():
            with self._files.open(LINES, file_hash, suffix=_PARQUET) as file:
                yield from sum_line_file(file, batch_ids, scope)

    @contextmanager
    def sorter(self) -> Iterator[TotalsSorter]:
        """A sorter whose spilled runs vanish at the end of the block."""
        with self._files.scratch() as folder:
            yield SpillingSorter(folder, keys_held_max=self._keys_held_max)

    def write_summaries(self, summaries: Iterable[Summary]) -> StoredFile:
        """Summaries in strictly ascending key order are stored; same input, same hash.

        Raises:
            KeyOrderError: The keys do not ascend; nothing is stored.
            TooManyDecimalsError: An amount has more decimals than the archive keeps.
            ArchiveFullError: The disk is full; nothing is half-stored.
        """
        return self._write_keys(SUMMARIES, summaries, _SUMMARY_AMOUNTS)

    def read_summaries(self, file_hash: str) -> Iterator[Summary]:
        """Yield them in key order, after the file's hash was verified."""
        return map(Summary._make, self._read_keys(SUMMARIES, file_hash, _SUMMARY_AMOUNTS))

    def write_plan(self, cells: Iterable[PlannedCell]) -> StoredFile:
        """Planned cells in strictly ascending key order are stored; same input, same hash.

        Raises as `write_summaries`.
        """
        return self._write_keys(PLANS, cells, _PLAN_AMOUNTS)

    def read_plan(self, file_hash: str) -> Iterator[PlannedCell]:
        """Yield them in key order, after the file's hash was verified."""
        return map(PlannedCell._make, self._read_keys(PLANS, file_hash, _PLAN_AMOUNTS))

    def write_totals(self, totals: Iterable[tuple[tuple[str, ...], Totals]]) -> StoredFile:
        """Totals by text key, strictly ascending, are stored; same input, same hash.

        Raises as `write_summaries`.
        """
        rows = ((key, one.debit, one.credit, one.lines) for key, one in totals)
        return self._write_keys(TOTALS, rows, _TOTALS_AMOUNTS)

    def read_totals(self, file_hash: str) -> Iterator[tuple[tuple[str, ...], Totals]]:
        """Yield them in key order, after the file's hash was verified."""
        for key, debit, credit, lines in self._read_keys(TOTALS, file_hash, _TOTALS_AMOUNTS):
            yield key, Totals(debit=debit, credit=credit, lines=lines)

    def write_gzipped(self, content: bytes, *, suffix: str) -> StoredFile:
        """The bytes are stored gzipped; the same content gives the same file on every run."""
        return self.write_bytes([gzip_chunk(content)], suffix=suffix)

    def write_bytes(self, chunks: Iterable[bytes], *, suffix: str) -> StoredFile:
        """Raw bytes (a chunk, a dump, a result, an export) are stored; rows is 0.

        Args:
            chunks: The content in order.
            suffix: Such as `csv.gz`; a leading dot is dropped.

        Raises:
            ArchiveFullError: The disk is full; nothing is half-stored.
        """
        with self._files.create(RAW, suffix=suffix.removeprefix(".")) as new:
            for chunk in chunks:
                new.write(chunk)
        return _stored(new, 0)

    def read_bytes(self, file_hash: str) -> Iterator[bytes]:
        """Yield the stored bytes after their hash was verified; of any kind of file.

        Raises:
            BrokenFileError: The content no longer fits its hash.
            MissingFileError: No such file.
        """
        kinds = (RAW, LINES, SUMMARIES, PLANS, TOTALS)
        kind = next((k for k in kinds if self._files.holds(k, file_hash)), RAW)
        with self._files.open(kind, file_hash) as file:
            while chunk := file.read(_READ_BYTES):
                yield chunk

    def _write_keys(
        self, kind: str, rows: Iterable[tuple[object, ...]], amounts: Sequence[str]
    ) -> StoredFile:
        from ml_connector.archive.key_files import write_key_file

        with self._files.create(kind, suffix=_PARQUET) as new:
            written = write_key_file(new, rows, amounts=amounts)
        return _stored(new, written)

    def _read_keys(
        self, kind: str, file_hash: str, amounts: Sequence[str]
    ) -> Iterator[tuple[Any, ...]]:
        from ml_connector.archive.key_files import read_key_file

        with self._files.open(kind, file_hash, suffix=_PARQUET) as file:
            yield from read_key_file(file, amounts=amounts)


def _stored(new: NewFile, rows: int) -> StoredFile:
    return StoredFile(file_hash=new.file_hash, rows=rows, bytes_stored=new.bytes_stored)


def _batches_by_file(revisions: Sequence[BatchRevision]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for revision in revisions:
        if revision.lines and not revision.is_removed:
            found.setdefault(revision.file_hash, []).append(revision.batch_id)
    return found
