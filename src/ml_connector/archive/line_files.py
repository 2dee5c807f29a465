"""Files of journal lines: many batches in one file, each batch's lines together and in order."""

import functools
import hashlib
import itertools
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, BinaryIO, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ml_connector.archive.columns import (
    AMOUNT,
    ROWS_PER_GROUP,
    ROWS_PER_READ,
    amount_column,
    open_writer,
)
from ml_connector.archive.errors import RepeatedBatchError
from ml_connector.archive.store import NewFile
from ml_connector.domain.ledger import Batch, Line
from ml_connector.ports import BatchRevision

_TYPES = {
    "accounting_date": pa.date32(),
    "number": pa.int64(),
    "debit": AMOUNT,
    "credit": AMOUNT,
    "entered_debit": AMOUNT,
    "entered_credit": AMOUNT,
}
SCHEMA = pa.schema(
    [
        pa.field("batch_id", pa.string(), nullable=False),
        pa.field("is_actual", pa.bool_(), nullable=False),
        *(pa.field(name, _TYPES.get(name, pa.string()), nullable=False) for name in Line._fields),
    ]
)
_AMOUNTS = operator.attrgetter(*(name for name in Line._fields if _TYPES.get(name) == AMOUNT))
_OTHERS = operator.attrgetter(*(name for name in Line._fields if _TYPES.get(name) != AMOUNT))
_encode = msgspec.json.Encoder().encode
"""Several times as fast as the standard library's, and every line passes here."""
INDEXED = ("batch_id", "ledger", "period")
"""Columns by which a reader leaves out row groups."""
Wanted = Mapping[str, str | bool]
"""Values by column that a row must have."""


class StoredLine(NamedTuple):
    """A row of the file."""

    batch_id: str
    is_actual: bool
    line: Line


def write_line_file(file: NewFile, batches: Iterable[Batch]) -> list[BatchRevision]:
    """The batches' lines are in the file; the revisions still lack the file's hash."""
    revisions: dict[str, BatchRevision] = {}
    rows = _stored_lines(batches, revisions)
    with open_writer(file, SCHEMA, indexed=INDEXED) as writer:
        while group := list(itertools.islice(rows, ROWS_PER_GROUP)):
            writer.write_table(_group_table(group), row_group_size=ROWS_PER_GROUP)
    return list(revisions.values())


def read_line_batches(
    file: BinaryIO, *, wanted: Sequence[Wanted], columns: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """Yield the file's rows by record batch, less row groups that cannot hold what is wanted.

    Args:
        file: A verified line file.
        wanted: Alternatives, each a value by indexed column; other rows may still come.
        columns: The columns to read.
    """
    with pq.ParquetFile(file, pre_buffer=False) as parquet:
        groups = [
            index
            for index in range(parquet.num_row_groups)
            if any(_may_hold(parquet.metadata.row_group(index), one) for one in wanted)
        ]
        if groups:
            yield from parquet.iter_batches(
                batch_size=ROWS_PER_READ, row_groups=groups, columns=list(columns),
                use_threads=False,
            )  # fmt: skip


def read_lines_of(file: BinaryIO, *, wanted: Wanted) -> Iterator[Line]:
    """Yield the lines whose columns have the wanted values, in the file's order."""
    columns = list(dict.fromkeys([*wanted, *Line._fields]))
    for batch in read_line_batches(file, wanted=[wanted], columns=columns):
        kept = batch.filter(equals_all(batch, wanted))
        yield from map(Line._make, zip(*(kept[c].to_pylist() for c in Line._fields), strict=True))


def stamp_revisions(revisions: Iterable[BatchRevision], file_hash: str) -> list[BatchRevision]:
    """The revisions name the file that holds them."""
    return [replace(revision, file_hash=file_hash) for revision in revisions]


def equals_all(batch: pa.RecordBatch, wanted: Wanted) -> Any:
    """Per row whether every wanted column has its value."""
    masks = [pc.equal(batch[name], pa.scalar(value)) for name, value in wanted.items()]
    return functools.reduce(pc.and_, masks)


def hash_lines(lines: Iterable[bytes]) -> str:
    """Sha256 over canonical lines."""
    digest = hashlib.sha256()
    for text in lines:
        digest.update(text)
        digest.update(b"\n")
    return digest.hexdigest()


def render_line(line: Line) -> bytes:
    """The canonical text of a line: equal lines, equal texts, whatever their amounts' zeros."""
    return _encode([_OTHERS(line), [_render_amount(amount) for amount in _AMOUNTS(line)]])


def _render_amount(amount: Decimal) -> str:
    # No arithmetic: it would round in some context. A zero of any sign and scale is one zero.
    if not amount:
        return "0"
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _stored_lines(
    batches: Iterable[Batch], revisions: dict[str, BatchRevision]
) -> Iterator[StoredLine]:
    for batch in batches:
        if batch.batch_id in revisions:
            raise RepeatedBatchError(batch.batch_id)
        ordered = sorted(
            (line.journal, line.number, render_line(line), line) for line in batch.lines
        )
        revisions[batch.batch_id] = BatchRevision(
            batch_id=batch.batch_id,
            revision=0,
            updated_at=batch.updated_at,
            version=batch.version,
            file_hash="",
            lines=len(ordered),
            content_hash=hash_lines(text for _, _, text, _ in ordered),
            periods=tuple(sorted({(line.ledger, line.period) for line in batch.lines})),
            name=batch.name,
        )
        for _, _, _, line in ordered:
            yield StoredLine(batch.batch_id, batch.is_actual, line)


def _group_table(rows: Sequence[StoredLine]) -> pa.Table:
    batch_ids, actual, lines = zip(*rows, strict=True)
    values = dict(zip(Line._fields, zip(*lines, strict=True), strict=True))

    def where(index: int) -> str:
        row = rows[index]
        return f"batch {row.batch_id}, journal {row.line.journal}, line {row.line.number}"

    arrays: list[Any] = [pa.array(batch_ids, pa.string()), pa.array(actual, pa.bool_())]
    arrays += [_line_column(name, values[name], where) for name in Line._fields]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def _line_column(name: str, values: Sequence[Any], where: Callable[[int], str]) -> Any:
    kind = SCHEMA.field(name).type
    return amount_column(values, where) if kind == AMOUNT else pa.array(values, kind)


def _may_hold(group: Any, wanted: Wanted) -> bool:
    for index in range(group.num_columns):
        column = group.column(index)
        value = wanted.get(column.path_in_schema)
        statistics = column.statistics if value is not None else None
        if statistics is None or not statistics.has_min_max:
            continue
        if not statistics.min <= value <= statistics.max:
            return False
    return True
