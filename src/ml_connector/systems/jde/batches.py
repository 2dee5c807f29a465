"""Reads batches whole, many at a time, and holds what came against the server's own count."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from ml_connector.domain.ledger import Batch, BatchStamp
from ml_connector.errors import ProtocolError
from ml_connector.ports import Clock
from ml_connector.systems.jde.client import JdeClient
from ml_connector.systems.jde.conditions import (
    AggregateQuery,
    Query,
    Row,
    Where,
    any_of,
    between,
    equal,
)
from ml_connector.systems.jde.connection import JdeSettings
from ml_connector.systems.jde.reference import Reference
from ml_connector.systems.jde.refusals import TruncatedError
from ml_connector.systems.jde.rows import (
    ACCOUNT_LEDGER,
    POSTED,
    JournalRow,
    build_rows,
    columns_of,
    parse_whole,
)
from ml_connector.systems.jde.stamps import BATCHES_PER_CALL, BatchKey, equal_text, find_lines
from ml_connector.systems.jde.translation import (
    Books,
    RepeatedRowError,
    build_batch,
    parse_batch_id,
)
from ml_connector.systems.parallel import map_parallel

READS_MAX: Final = 2
"""Batches caught in the middle of a change are whole at the second look, or they are refused."""
LINES_MAX: Final = 5_000_000
"""Lines of one window; they are held together, for a batch is replaced whole."""
COLUMNS: Final = columns_of(JournalRow)
Found = tuple[BatchStamp, Batch | None]
DocumentRun = tuple[int, int]
"""First and last number of documents."""


class BatchMovingError(ProtocolError):
    """Rows of some batches were read twice and are not as many as the server counts."""

    code: ClassVar[str] = "jde.batch-moving"


class _UnfitError(Exception):
    """What was read contradicts what was counted; the text says how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Batches of one type that are read by one question."""

    icut: str
    stamps: tuple[tuple[int, BatchStamp], ...]
    lines: int
    """Rows the listing said they have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchReader:
    """Reads batches; safe to share between threads whose money is exact."""

    client: JdeClient
    reference: Reference
    settings: JdeSettings
    clock: Clock

    def read(self, stamps: Sequence[BatchStamp]) -> Iterator[Found]:
        """Yield each batch with its posted lines; None when it has none any more.

        Raises:
            BatchMovingError: Rows and count of a window differ at the second look, too.
            LineUnfitError: A row is not fit to be a line; it is named.
        """
        known: list[tuple[BatchKey, BatchStamp]] = []
        for stamp in stamps:
            key = parse_batch_id(stamp.batch_id)
            if key is None:
                yield stamp, None
            else:
                known.append((key, stamp))
        windows = pack_windows(known, rows_max=self._rows_max())
        read = map_parallel(self._read_window, windows, threads=self.settings.parallel_max)
        for found in read:
            yield from found

    def _read_window(self, window: Window) -> list[Found]:
        fault = ""
        for _ in range(READS_MAX):
            try:
                return self._read_whole(window, self.reference.load_books())
            except (_UnfitError, RepeatedRowError) as error:
                fault = str(error)
            except TruncatedError as error:
                # The server's limit is known from here on, and the documents are cut to it.
                fault = error.refused.rstrip(".")
        raise self._render_moving(window, fault)

    def _read_whole(self, window: Window, books: Books) -> list[Found]:
        conditions: tuple[Where, ...] = (
            equal_text("ICUT", window.icut),
            any_of("ICU", [icu for icu, _ in window.stamps]),
            equal("POST", POSTED),
            *self.reference.wanted_lines(),
        )
        by_batch: dict[int, list[JournalRow]] = {icu: [] for icu, _ in window.stamps}
        read = 0
        for rows in self._read_rows(window, conditions):
            read += len(rows)
            if read > LINES_MAX:
                raise _UnfitError(f"there are more than {LINES_MAX} rows")
            for row in build_rows(JournalRow, rows):
                _file_row(row, window, by_batch)
        counted = self.client.count(ACCOUNT_LEDGER, conditions)
        if counted != read:
            raise _UnfitError(f"{read} rows came, and the server counts {counted}")
        return [(s, self._build(s, by_batch[icu], books)) for icu, s in window.stamps]

    def _read_rows(self, window: Window, conditions: tuple[Where, ...]) -> Iterable[list[Row]]:
        query = Query(table=ACCOUNT_LEDGER, columns=COLUMNS, conditions=conditions)
        if window.lines <= self._rows_max():
            try:
                return [self.client.browse(query)]
            except TruncatedError:
                # The server gives less than a page; the documents say where to cut.
                pass
        return self._read_documents(query)

    def _read_documents(self, query: Query) -> Iterator[list[Row]]:
        """Yield the rows by runs of documents, one that is larger than a page by its lines."""
        counted = AggregateQuery(
            table=query.table, groups=("DOC",), conditions=query.conditions, split_by="DOC"
        )
        rows_by_document = {
            parse_whole(keys[0]): rows for keys, rows, _ in self.client.aggregate(counted)
        }
        for first, last in pack_documents(rows_by_document, rows_max=self._rows_max()):
            part = replace(query, conditions=(*query.conditions, between("DOC", first, last)))
            split_by = "JELN" if first == last else "DOC"
            yield from self.client.browse_windows(part, split_by=split_by)

    def _rows_max(self) -> int:
        """Rows asked for at once: a page, or what the server is known to give."""
        page_size = self.settings.page_size
        return min(page_size, self.client.fetch_limit or page_size)

    def _build(self, stamp: BatchStamp, rows: Sequence[JournalRow], books: Books) -> Batch | None:
        if not rows:
            return None
        stored = fit_version(stamp, rows=len(rows))
        return build_batch(stored, rows, books=books, now=self.clock.now())

    def _render_moving(self, window: Window, fault: str) -> BatchMovingError:
        names = ", ".join(stamp.batch_id for _, stamp in window.stamps)
        return BatchMovingError(
            f"The batches {names} of JD Edwards ({self.settings.name}) were read {READS_MAX} times"
            f" and do not hold together: {fault}.",
            written="Nothing of these batches was archived.",
            next_step="Wait until they are posted, then run the flow again; if it stays, raise the"
            " DB Fetch Limit of the HTML server (Server Manager).",
            batches=names,
        )


def fit_version(stamp: BatchStamp, *, rows: int) -> BatchStamp:
    """The stamp with its version, or with none where that tells of more or fewer posted rows.

    A batch of two companies, one of them hidden from the user meanwhile, would else be archived in
    part under the version of the whole, and never be read again once the company is shown.
    """
    return stamp if find_lines(stamp) == rows else replace(stamp, version="")


def pack_windows(
    stamps: Iterable[tuple[BatchKey, BatchStamp]], *, rows_max: int
) -> Iterator[Window]:
    """Yield windows of one batch type, as full as one page and one list of numbers allow."""
    packed: list[tuple[BatchKey, BatchStamp]] = []
    lines = 0
    for key, stamp in sorted(stamps, key=lambda each: each[0]):
        count = find_lines(stamp)
        is_full = lines + count > rows_max or len(packed) == BATCHES_PER_CALL
        if packed and (is_full or packed[0][0][0] != key[0]):
            yield _build_window(packed, lines)
            packed, lines = [], 0
        packed.append((key, stamp))
        lines += count
    if packed:
        yield _build_window(packed, lines)


def pack_documents(rows_by_document: Mapping[int, int], *, rows_max: int) -> Iterator[DocumentRun]:
    """Yield first and last number of documents that together fit; a larger one stands alone."""
    run: DocumentRun | None = None
    rows = 0
    for number, count in sorted(rows_by_document.items()):
        if run is not None and rows + count > rows_max:
            yield run
            run, rows = None, 0
        run = (number if run is None else run[0], number)
        rows += count
    if run is not None:
        yield run


def _build_window(packed: Sequence[tuple[BatchKey, BatchStamp]], lines: int) -> Window:
    stamps = tuple((key[1], stamp) for key, stamp in packed)
    return Window(icut=packed[0][0][0], stamps=stamps, lines=lines)


def _file_row(row: JournalRow, window: Window, by_batch: dict[int, list[JournalRow]]) -> None:
    if row.icut != window.icut or row.icu not in by_batch:
        raise _UnfitError(f"a row of batch {row.icut} {row.icu} came, which was not asked for")
    by_batch[row.icu].append(row)
