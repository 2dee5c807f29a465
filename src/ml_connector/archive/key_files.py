"""Files of rows under a key of member codes: summaries and plans, in strictly ascending order."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from ml_connector.archive.columns import (
    AMOUNT,
    ROWS_PER_GROUP,
    ROWS_PER_READ,
    amount_column,
    open_writer,
)
from ml_connector.archive.errors import KeyOrderError
from ml_connector.archive.store import NewFile

KeyRow = tuple[Any, ...]
"""The key, then the amounts, then the count of lines."""


def write_key_file(file: NewFile, rows: Iterable[KeyRow], *, amounts: Sequence[str]) -> int:
    """The rows are in the file; returns how many.

    Raises:
        KeyOrderError: A key is not above the one before it, or has another length.
    """
    ordered = _verify_order(rows)
    group = list(itertools.islice(ordered, ROWS_PER_GROUP))
    schema = _schema(len(group[0][0]) if group else 0, amounts)
    written = 0
    with open_writer(file, schema) as writer:
        while group:
            writer.write_table(_table(group, schema, amounts), row_group_size=ROWS_PER_GROUP)
            written += len(group)
            group = list(itertools.islice(ordered, ROWS_PER_GROUP))
    return written


def read_key_file(file: BinaryIO, *, amounts: Sequence[str]) -> Iterator[KeyRow]:
    """Yield the rows in key order."""
    with pq.ParquetFile(file, pre_buffer=False) as parquet:
        parts = len(parquet.schema_arrow) - len(amounts) - 1
        for batch in parquet.iter_batches(batch_size=ROWS_PER_READ, use_threads=False):
            columns = [column.to_pylist() for column in batch.columns]
            keys = zip(*columns[:parts], strict=True)
            yield from zip(keys, *columns[parts:], strict=True)


def _verify_order(rows: Iterable[KeyRow]) -> Iterator[KeyRow]:
    before: tuple[str, ...] | None = None
    for row in rows:
        key = row[0]
        if before is not None and not before < key:
            raise KeyOrderError(key, f"it does not come after {before!r}")
        if len(key) != len(before or key) or not key:
            raise KeyOrderError(key, "it has another number of parts than the keys before it")
        before = key
        yield row


def _schema(parts: int, amounts: Sequence[str]) -> pa.Schema:
    fields: list[Any] = [
        *(pa.field(f"k{index}", pa.string(), nullable=False) for index in range(parts)),
        *(pa.field(name, AMOUNT, nullable=False) for name in amounts),
        pa.field("lines", pa.int64(), nullable=False),
    ]
    return pa.schema(fields)


def _table(rows: Sequence[KeyRow], schema: pa.Schema, amounts: Sequence[str]) -> pa.Table:
    keys, *values, lines = zip(*rows, strict=True)
    arrays: list[Any] = [pa.array(part, pa.string()) for part in zip(*keys, strict=True)]
    arrays += [amount_column(column, lambda index: f"key {keys[index]!r}") for column in values]
    assert len(values) == len(amounts)
    return pa.Table.from_arrays([*arrays, pa.array(lines, pa.int64())], schema=schema)
