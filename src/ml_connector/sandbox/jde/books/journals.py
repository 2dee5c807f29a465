"""Documents entered, and approved."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ml_connector.sandbox.jde.books.checks import Check
from ml_connector.sandbox.jde.books.companies import (
    COMPANIES_BY_NUMBER,
    RATE_DECIMALS,
    scale_by,
)
from ml_connector.sandbox.jde.books.counters import take_batch_number, take_document_number
from ml_connector.sandbox.jde.books.documents import Document, Entry, document_rows
from ml_connector.sandbox.jde.books.keys import BatchKey, DocumentKey
from ml_connector.sandbox.jde.books.requests import (
    JournalCreated,
    JournalRejectedError,
    JournalRequest,
)
from ml_connector.sandbox.jde.books.rows import (
    PLACE,
    BatchHeader,
    Row,
    insert_headers,
    insert_ledger_rows,
)
from ml_connector.sandbox.jde.books.stamps import stamp_at
from ml_connector.sandbox.jde.raw import scale_up
from ml_connector.sandbox.store import Store

HEADER_DECIMALS = 2
_AA, _LT, _CO = PLACE["AA"], PLACE["LT"], PLACE["CO"]


def create_journal(
    store: Store, request: JournalRequest, *, now: datetime, user: str
) -> JournalCreated:
    """The document stands in the ledger, unposted, in a batch of its own or the one named.

    The rows carry the day and time of `now` in its own zone, that of the logic server.

    Raises:
        JournalRejectedError: Lines or the document break a rule; nothing was written.
    """
    with store.transaction():
        check = Check(store=store, request=request, rejects=[], warnings=[])
        entries = check.entries()
        if check.rejects:
            raise JournalRejectedError(check.rejects)
        batch = BatchKey(request.batch_type, request.batch or take_batch_number(store))
        document = _document(store, request, entries, batch, check.currency, (now, user))
        rows = document_rows(document)
        insert_ledger_rows(store, rows)
        _record_in_header(store, document, rows, is_approved=request.is_approved)
    return JournalCreated(
        batch=batch,
        document=DocumentKey(document.company, document.type, document.number),
        lines_written=len(rows),
        warnings=tuple(check.warnings),
    )


def approve_batch(store: Store, batch: BatchKey, *, user: str = "CONTROLLER") -> None:
    """A pending batch is approved; its audit columns stay as they are.

    Raises:
        LookupError: There is no such batch.
        ValueError: The batch is posted, in use or being posted.
    """
    status = load_status(store, batch)
    if status in {"D", "U", "P"}:
        raise ValueError(f"Batch {batch} has status {status} and cannot be approved (0068).")
    store.execute(
        "UPDATE F0011 SET IST = 'A', IAPP = 'A', AUSR = ? WHERE ICUT = ? AND ICU = ?",
        (user, *batch),
    )


def set_status(store: Store, batch: BatchKey, status: str) -> None:
    """The batch stands at a status, such as U while somebody has it open.

    Raises:
        LookupError: There is no such batch.
        ValueError: There is no such status, or the batch is posted.
    """
    if status not in {"", "A", "E", "P", "U"} or load_status(store, batch) == "D":
        raise ValueError(f"Batch {batch} cannot be given the status {status!r}.")
    store.execute("UPDATE F0011 SET IST = ? WHERE ICUT = ? AND ICU = ?", (status, *batch))


def load_status(store: Store, batch: BatchKey) -> str:
    """Return the status of a batch; blank is pending.

    Raises:
        LookupError: There is no such batch.
    """
    found = store.query("SELECT IST FROM F0011 WHERE ICUT = ? AND ICU = ?", batch)
    if not found:
        raise LookupError(f"There is no batch {batch}.")
    return str(found[0][0])


def recount_header(store: Store, batch: BatchKey) -> None:
    """The header's amount and number of documents are those of the rows that are left."""
    sql = "SELECT CO, LT, AA FROM F0911 WHERE ICUT = ? AND ICU = ? AND DCT <> 'AE'"
    amount = sum(_header_amount(*row) for row in store.query(sql, batch))
    documents = store.query(
        "SELECT COUNT(DISTINCT KCO || DCT || DOC) FROM F0911"
        " WHERE ICUT = ? AND ICU = ? AND DCT <> 'AE'",
        batch,
    )[0][0]
    store.execute(
        "UPDATE F0011 SET AME = ?, DOCN = ? WHERE ICUT = ? AND ICU = ?",
        (amount, documents, *batch),
    )


def _document(
    store: Store,
    request: JournalRequest,
    entries: Sequence[Entry],
    batch: BatchKey,
    currency: str,
    entered: tuple[datetime, str],
) -> Document:
    now, user = entered
    stamp = stamp_at(now, user=user, program=request.program)
    return Document(
        company=request.company,
        type=request.document_type,
        number=take_document_number(store, request.company),
        day=request.day,
        currency=currency,
        entries=entries,
        batch_type=batch.type,
        batch=batch.number,
        explanation=request.explanation[:30],
        entered=stamp,
        batch_day=stamp.day,
        ledger_type=request.ledger_type,
        period=request.period,
        rate=None if request.rate is None else scale_up(request.rate, RATE_DECIMALS),
        reference_1=request.reference_1[:8],
        reference_2=request.reference[:8],
        invoice=request.invoice[:25],
        reverses="R" if request.reverses else "",
    )


def _record_in_header(
    store: Store, document: Document, rows: Sequence[Row], *, is_approved: bool
) -> None:
    """The header counts the document; an approved batch that is added to is pending again."""
    batch = BatchKey(document.batch_type, document.batch)
    found = store.query("SELECT 1 FROM F0011 WHERE ICUT = ? AND ICU = ?", batch)
    if found:
        store.execute(
            "UPDATE F0011 SET IST = '', IAPP = 'P', AUSR = '' WHERE ICUT = ? AND ICU = ?", batch
        )
        recount_header(store, batch)
    else:
        amount = sum(_header_amount(row[_CO], row[_LT], row[_AA]) for row in rows)
        header = BatchHeader(
            ICUT=batch.type,
            ICU=batch.number,
            IST="",
            IAPP="P",
            AME=amount,
            DOCN=1,
            USER=document.entered.user,
            DICJ=document.batch_day,
            AUSR="",
            POB="",
        )
        insert_headers(store, [header])
    if is_approved:
        approve_batch(store, batch)


def _header_amount(company: str, ledger_type: str, amount: int) -> int:
    """Return what a row adds to its header: debits only, two decimals, foreign rows left out."""
    if amount <= 0 or ledger_type == "CA":
        return 0
    decimals = COMPANIES_BY_NUMBER[company].decimals if company in COMPANIES_BY_NUMBER else 2
    return scale_by(amount, _TENS[HEADER_DECIMALS], _TENS[decimals])


_TENS = (1, 10, 100, 1_000)
