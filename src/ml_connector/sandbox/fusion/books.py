"""Batches on their way into the tables and back out of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ml_connector.sandbox.company.calendars import CALENDARS
from ml_connector.sandbox.company.ledgers import CHARTS, LEDGERS_BY_NAME
from ml_connector.sandbox.company.model import Batch, Journal, JournalLine
from ml_connector.sandbox.company.rates import invert_rate
from ml_connector.sandbox.fusion.amounts import render_amount, render_optional
from ml_connector.sandbox.fusion.stamps import render_stamp
from ml_connector.sandbox.store import Store

BATCH_COLUMNS = (
    "_id, JeBatchId, AccountedPeriodType, DefaultPeriodName, BatchName, Status, BatchDescription,"
    " ErrorMessage, PostedDate, PostingRunId, RequestId, RunningTotalAccountedCr,"
    " RunningTotalAccountedDr, RunningTotalCr, RunningTotalDr, CreatedBy, CreationDate,"
    " LastUpdateDate, LastUpdatedBy, ActualFlag, CompletionStatusMeaning, ParentJeBatchName,"
    " ChartOfAccountsName, UserPeriodSetName, UserJeSourceName, ReversalDate, ReversalPeriod,"
    " ReversalFlag, ReversalMethodMeaning"
)
HEADER_COLUMNS = (
    "_id, _parent, JournalName, JournalDescription, PeriodName, DefaultEffectiveDate,"
    " CurrencyCode, LedgerCurrencyCode, CurrencyConversionRate, InvCurrencyConversionRate,"
    " UserCurrencyConversionType, RunningTotalDr, RunningTotalCr, RunningTotalAccountedDr,"
    " RunningTotalAccountedCr, LedgerName, LegalEntityName, UserJeCategoryName, EncumbranceType,"
    " AccrualReversalPeriodName, AccrualReversalJeHeaderName, ReversedJeHeaderName,"
    " JeFromSlaFlagMeaning, CreatedBy, CreationDate, LastUpdateDate, LastUpdatedBy"
)
LINE_COLUMNS = (
    "_id, _parent, JeLineNumber, AccountCombination, AccountedDr, AccountedCr, EnteredDr,"
    " EnteredCr, Description, StatAmount"
)
_HEADER_DELAY = timedelta(milliseconds=87)
_HEADER_SHIFT = (timedelta(milliseconds=13), timedelta(milliseconds=-7))
_CHARTS = {chart.name: chart for chart in CHARTS}
_CALENDARS = {calendar.name: calendar for calendar in CALENDARS}

Totals = tuple[str, str, str, str]
"""Entered debit and credit, accounted debit and credit."""


class BatchWriter:
    """Puts whole batches into the tables; header and line ids go on where they stood."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._header_id = _id_max(store, "je_headers")
        self._line_id = _id_max(store, "je_lines")

    def write(self, batch: Batch, batch_id: int) -> None:
        """The batch stands in the tables with its journals and lines."""
        headers: list[tuple[Any, ...]] = []
        lines: list[tuple[Any, ...]] = []
        for journal in batch.journals:
            self._header_id += 1
            headers.append(_header_row(batch, journal, batch_id, self._header_id))
            lines.extend(self._line_rows(journal))
        totals = _totals(batch.journals)
        self._store.execute(
            _insert("je_batches", BATCH_COLUMNS), _batch_row(batch, batch_id, totals)
        )
        self._store.execute_many(_insert("je_headers", HEADER_COLUMNS), headers)
        self._store.execute_many(_insert("je_lines", LINE_COLUMNS), lines)

    def _line_rows(self, journal: Journal) -> Iterator[tuple[Any, ...]]:
        for line in journal.lines:
            self._line_id += 1
            yield (
                self._line_id,
                self._header_id,
                line.number,
                line.combination,
                render_optional(line.accounted_dr),
                render_optional(line.accounted_cr),
                render_optional(line.entered_dr),
                render_optional(line.entered_cr),
                line.description,
                render_optional(line.stat_amount),
            )


def erase_batch(store: Store, batch_id: int) -> None:
    """Batch, journals and lines are gone without a trace."""
    headers = "SELECT _id FROM je_headers WHERE _parent = ?"
    with store.transaction():
        store.execute(f"DELETE FROM je_lines WHERE _parent IN ({headers})", (batch_id,))  # noqa: S608 - constant
        store.execute("DELETE FROM je_headers WHERE _parent = ?", (batch_id,))
        store.execute("DELETE FROM je_batches WHERE _id = ?", (batch_id,))


def load_batch(store: Store, batch_id: int) -> Batch:
    """Return the batch as it stands.

    Raises:
        LookupError: There is no such batch.
    """
    names = BATCH_COLUMNS.split(", ")
    found = store.query(_select("je_batches", BATCH_COLUMNS, "_id = ?"), (batch_id,))
    if not found:
        raise LookupError(f"There is no batch {batch_id}.")
    row = dict(zip(names, found[0], strict=True))
    return Batch(
        name=row["BatchName"],
        description=row["BatchDescription"],
        source=row["UserJeSourceName"],
        default_period=row["DefaultPeriodName"],
        chart=_CHARTS[row["ChartOfAccountsName"]],
        calendar=_CALENDARS[row["UserPeriodSetName"]],
        status=row["Status"],
        created_at=datetime.fromisoformat(row["CreationDate"]),
        updated_at=datetime.fromisoformat(row["LastUpdateDate"]),
        created_by=row["CreatedBy"],
        journals=tuple(_load_journals(store, batch_id)),
        actual_flag=row["ActualFlag"],
        parent_batch=row["ParentJeBatchName"],
        error=row["ErrorMessage"],
        reversal_period=row["ReversalPeriod"],
    )


def _load_journals(store: Store, batch_id: int) -> Iterator[Journal]:
    names = HEADER_COLUMNS.split(", ")
    sql = _select("je_headers", HEADER_COLUMNS, "_parent = ? ORDER BY _id")
    for found in store.query(sql, (batch_id,)):
        row = dict(zip(names, found, strict=True))
        yield Journal(
            name=row["JournalName"],
            description=row["JournalDescription"],
            ledger=LEDGERS_BY_NAME[row["LedgerName"]],
            period=row["PeriodName"],
            effective_on=date.fromisoformat(row["DefaultEffectiveDate"]),
            currency=row["CurrencyCode"],
            rate=Decimal(row["CurrencyConversionRate"]),
            rate_type=row["UserCurrencyConversionType"],
            category=row["UserJeCategoryName"],
            legal_entity=row["LegalEntityName"],
            lines=tuple(_load_lines(store, row["_id"])),
            encumbrance=row["EncumbranceType"],
            from_subledger=row["JeFromSlaFlagMeaning"] == "Yes",
            reverses=row["ReversedJeHeaderName"],
            reversed_by=row["AccrualReversalJeHeaderName"],
            reversal_period=row["AccrualReversalPeriodName"],
        )


def _load_lines(store: Store, header_id: int) -> Iterator[JournalLine]:
    sql = _select("je_lines", LINE_COLUMNS, "_parent = ? ORDER BY JeLineNumber")
    for row in store.query(sql, (header_id,)):
        accounted_dr, accounted_cr, entered_dr, entered_cr = map(_optional, row[4:8])
        yield JournalLine(
            number=row[2],
            combination=row[3],
            entered_dr=entered_dr,
            entered_cr=entered_cr,
            accounted_dr=accounted_dr,
            accounted_cr=accounted_cr,
            description=row[8],
            stat_amount=_optional(row[9]),
        )


def _batch_row(batch: Batch, batch_id: int, totals: Totals) -> tuple[Any, ...]:
    posted = batch.status == "P"
    return (
        batch_id,
        batch_id,
        batch.calendar.period_type,
        batch.default_period,
        batch.name,
        batch.status,
        batch.description,
        batch.error,
        batch.created_at.date().isoformat() if posted else None,
        batch_id % 1_000_000 if posted else None,
        batch_id % 10_000_000,
        totals[3],
        totals[2],
        totals[1],
        totals[0],
        batch.created_by,
        render_stamp(batch.created_at),
        render_stamp(batch.updated_at),
        batch.created_by,
        batch.actual_flag,
        "Complete" if batch.status in {"P", "S", "I"} else "Incomplete",
        batch.parent_batch,
        batch.chart.name,
        batch.calendar.name,
        batch.source,
        batch.reversal_on.isoformat() if batch.reversal_on else None,
        batch.reversal_period,
        1 if batch.reversal_period else None,
        "Switch debit or credit" if batch.reversal_period else None,
    )


def _header_row(batch: Batch, journal: Journal, batch_id: int, header_id: int) -> tuple[Any, ...]:
    updated_at = batch.updated_at + _HEADER_SHIFT[header_id % 2]
    return (
        header_id,
        batch_id,
        journal.name,
        journal.description,
        journal.period,
        journal.effective_on.isoformat(),
        journal.currency,
        journal.ledger.currency,
        render_amount(journal.rate),
        render_amount(invert_rate(journal.rate)),
        journal.rate_type,
        *_totals([journal]),
        journal.ledger.name,
        journal.legal_entity,
        journal.category,
        journal.encumbrance,
        journal.reversal_period,
        journal.reversed_by,
        journal.reverses,
        "Yes" if journal.from_subledger else "No",
        batch.created_by,
        render_stamp(batch.created_at + _HEADER_DELAY),
        render_stamp(max(updated_at, batch.created_at + _HEADER_DELAY)),
        batch.created_by,
    )


def _totals(journals: Iterable[Journal]) -> Totals:
    lines = [line for journal in journals for line in journal.lines]
    return (
        _sum(line.entered_dr for line in lines),
        _sum(line.entered_cr for line in lines),
        _sum(line.accounted_dr for line in lines),
        _sum(line.accounted_cr for line in lines),
    )


def _sum(amounts: Iterable[Decimal | None]) -> str:
    return render_amount(sum((amount for amount in amounts if amount is not None), Decimal(0)))


def _optional(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _id_max(store: Store, table: str) -> int:
    sql = f"SELECT COALESCE(MAX(_id), 0) FROM {table}"  # noqa: S608 - our own table names
    return int(store.query(sql)[0][0])


def _insert(table: str, columns: str) -> str:
    marks = ", ".join("?" * len(columns.split(", ")))
    return f"INSERT INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608 - our own names


def _select(table: str, columns: str, condition: str) -> str:
    return f"SELECT {columns} FROM {table} WHERE {condition}"  # noqa: S608 - our own names
