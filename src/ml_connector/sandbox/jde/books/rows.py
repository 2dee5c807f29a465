"""The shape of ledger rows and batch headers on their way into the tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ml_connector.sandbox.jde.books.accounts import AccountKey
from ml_connector.sandbox.store import Store

Row = tuple[Any, ...]


class DocumentHead(NamedTuple):
    """What all rows of a document in one company share."""

    KCO: str
    DCT: str
    DOC: int
    DGJ: int
    POST: str
    ICU: int
    ICUT: str
    DICJ: int
    DSYJ: int
    TICU: int
    PN: int
    CTRY: int
    FY: int
    CRCD: str
    CRRM: str
    CRR: int
    EXA: str
    R1: str
    R2: str
    R3: str
    VINV: str
    PO: str
    AN8: int
    RE: str
    IVD: int
    TORG: str
    USER: str
    PID: str
    JOBN: str
    UPMJ: int
    UPMT: int


class LineTail(NamedTuple):
    """What a row has for itself, beside its account."""

    JELN: int
    LT: str
    EXTL: str
    AA: int
    U: int
    UM: str
    SBL: str
    SBLT: str
    EXR: str
    GLC: str


class BatchHeader(NamedTuple):
    """One row of the batch control."""

    ICUT: str
    ICU: int
    IST: str
    IAPP: str
    AME: int
    DOCN: int
    USER: str
    DICJ: int
    AUSR: str
    POB: str


LEDGER_COLUMNS = (*DocumentHead._fields, *AccountKey._fields, *LineTail._fields)
PLACE = {alias: place for place, alias in enumerate(LEDGER_COLUMNS)}
"""Where a column stands in a row."""


def insert_sql(table: str, columns: Iterable[str]) -> str:
    """Return the statement that inserts rows of these columns."""
    names = [f'"{name}"' for name in columns]
    marks = ",".join("?" * len(names))
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 - our own names


def insert_ledger_rows(store: Store, rows: Iterable[Row]) -> None:
    """The rows stand in the account ledger."""
    store.execute_many(insert_sql("F0911", LEDGER_COLUMNS), rows)


def insert_headers(store: Store, headers: Iterable[BatchHeader]) -> None:
    """The headers stand in the batch control, their audit columns empty as ever."""
    store.execute_many(insert_sql("F0011", BatchHeader._fields), headers)


def insert_dicts(store: Store, table: str, rows: Iterable[dict[str, Any]]) -> None:
    """The rows stand in a table; all have the columns of the first."""
    listed = list(rows)
    if listed:
        columns = tuple(listed[0])
        values = [tuple(row[name] for name in columns) for row in listed]
        store.execute_many(insert_sql(table, columns), values)
