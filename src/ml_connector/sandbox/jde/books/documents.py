"""Documents turned into rows: base and foreign amounts, offsets and reversals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from ml_connector.sandbox.jde.books.accounts import (
    INTERCOMPANY,
    PAYABLES,
    RECEIVABLES,
    AccountKey,
    find_key,
)
from ml_connector.sandbox.jde.books.companies import (
    COMPANIES_BY_NUMBER,
    DECIMALS,
    convert_raw,
    find_rate,
)
from ml_connector.sandbox.jde.books.patterns import CENTURY, julian, place_of
from ml_connector.sandbox.jde.books.rows import DocumentHead, Row
from ml_connector.sandbox.jde.books.stamps import Stamp

AUTOMATIC = "AE"
POSTING_PROGRAM = "R09801"
SUBLEDGER_OFFSETS = {"V": PAYABLES, "IB": RECEIVABLES, "RB": RECEIVABLES}
"""Object of the account that takes what a sub-ledger batch lacks, by batch type."""


class Entry(NamedTuple):
    """One line before it becomes rows; the amount is raw in the document's currency."""

    account: AccountKey
    amount: int
    remark: str = ""
    subledger: str = ""
    subledger_type: str = ""
    units: int = 0
    unit_of_measure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document before it becomes rows.

    `period` overrides the period of the day, for the adjustment periods 13 and 14. `rate` is
    the one that was typed in, in ten-millionths; without it that of `rate_day` holds, or of the
    day itself.
    """

    company: str
    type: str
    number: int
    day: date
    currency: str
    entries: Sequence[Entry]
    batch_type: str
    batch: int
    explanation: str
    entered: Stamp
    batch_day: int
    posted: Stamp | None = None
    ledger_type: str = "AA"
    period: int | None = None
    rate: int | None = None
    rate_day: date | None = None
    reference_1: str = ""
    reference_2: str = ""
    reference_3: str = ""
    invoice: str = ""
    order: str = ""
    address: int = 0
    reverses: str = ""
    extension: str = ""


def document_rows(document: Document) -> list[Row]:
    """Return the rows of a document: base, foreign and, once it is posted, automatic ones."""
    amounts = base_amounts(document)
    rows = _rows(document, document.entries, amounts, document.entered)
    if document.posted is not None and document.ledger_type == "AA":
        rows += _automatic_rows(document, amounts)
    return rows


def base_amounts(document: Document) -> list[int]:
    """Return the entries' amounts in the currency of each entry's own company.

    Where the entries of a company add up to zero in a foreign currency, the last one takes
    the rounding difference, so that they do in the company's currency as well.
    """
    amounts: list[int] = []
    places: dict[str, list[int]] = {}
    for place, entry in enumerate(document.entries):
        base = entry.account.BCRC
        amounts.append(_converted(document, entry.amount, base))
        if base != document.currency:
            places.setdefault(entry.account.CO, []).append(place)
    for own in places.values():
        if sum(document.entries[place].amount for place in own) == 0:
            amounts[own[-1]] -= sum(amounts[place] for place in own)
    return amounts


def offset_account(batch_type: str, company: str) -> AccountKey:
    """Return the account that automatic entries of a company are made to."""
    unit = COMPANIES_BY_NUMBER[company].balance_unit
    return find_key(unit, SUBLEDGER_OFFSETS.get(batch_type, INTERCOMPANY))


def reversed_document(document: Document, day: date) -> Document:
    """Return the rows' opposite on another day, under the same number."""
    entries = [
        entry._replace(amount=-entry.amount, units=-entry.units) for entry in document.entries
    ]
    rate_day = document.rate_day or document.day
    return replace(document, entries=entries, day=day, rate_day=rate_day, period=None, reverses="")


def rate_of(document: Document, base: str) -> int:
    """Return the rate between the document's currency and another, in ten-millionths."""
    if document.rate is not None and base != document.currency:
        return document.rate
    return find_rate(document.currency, base, document.rate_day or document.day)


def _converted(document: Document, amount: int, base: str) -> int:
    if base == document.currency:
        return amount
    decimals = (DECIMALS[document.currency], DECIMALS[base])
    return convert_raw(amount, rate_of(document, base), decimals)


def _automatic_rows(document: Document, amounts: list[int]) -> list[Row]:
    """Return what makes the document balance in each of its companies."""
    lacks: dict[str, tuple[int, int]] = {}
    for entry, amount in zip(document.entries, amounts, strict=True):
        foreign, base = lacks.get(entry.account.CO, (0, 0))
        lacks[entry.account.CO] = (foreign - entry.amount, base - amount)
    wanted = [(company, *lack) for company, lack in lacks.items() if any(lack)]
    if not wanted:
        return []
    assert document.posted is not None, "only posted documents have automatic entries"
    automatic = replace(document, type=AUTOMATIC, extension="", reverses="")
    entries = [
        Entry(
            account=offset_account(document.batch_type, company),
            amount=foreign,
            remark="Automatic offset",
        )
        for company, foreign, _ in wanted
    ]
    return _rows(automatic, entries, [base for *_, base in wanted], document.posted)


def _rows(
    document: Document, entries: Iterable[Entry], amounts: Iterable[int], stamp: Stamp
) -> list[Row]:
    heads: dict[str, DocumentHead] = {}
    rows: list[Row] = []
    ledger_type, extension, currency = (
        document.ledger_type,
        document.extension,
        document.currency,
    )
    for number, (entry, amount) in enumerate(zip(entries, amounts, strict=True), 1):
        account, entered, remark, subledger, subledger_type, units, measure = entry
        head = heads.get(account[0])
        if head is None:
            head = heads[account[0]] = _head(document, account, stamp)
        rest = (units, measure, subledger, subledger_type, remark, "")
        row = (*head, *account, number, ledger_type, extension, amount, *rest)
        rows.append(row)
        if ledger_type == "AA" and currency != account.BCRC:
            rows.append((*head, *account, number, "CA", extension, entered, *rest))
    return rows


def _head(document: Document, account: AccountKey, stamp: Stamp) -> DocumentHead:
    company = COMPANIES_BY_NUMBER[account.CO]
    year, period = place_of(company.pattern, document.day)
    is_foreign = document.currency != company.currency
    return DocumentHead(
        KCO=document.company,
        DCT=document.type,
        DOC=document.number,
        DGJ=julian(document.day),
        POST="P" if document.posted is not None else "",
        ICU=document.batch,
        ICUT=document.batch_type,
        DICJ=document.batch_day,
        DSYJ=stamp.day,
        TICU=stamp.time,
        PN=document.period or period,
        CTRY=CENTURY,
        FY=year % 100,
        CRCD=document.currency,
        CRRM="F" if is_foreign else "D",
        CRR=rate_of(document, company.currency) if is_foreign else 0,
        EXA=document.explanation,
        R1=document.reference_1,
        R2=document.reference_2,
        R3=document.reference_3,
        VINV=document.invoice,
        PO=document.order,
        AN8=document.address,
        RE=document.reverses,
        IVD=julian(document.day) if document.invoice else 0,
        TORG=stamp.user,
        USER=stamp.user,
        PID=stamp.program,
        JOBN="HALWEB01" if stamp.program.startswith("E") else "HALENT01",
        UPMJ=stamp.day,
        UPMT=stamp.time,
    )
