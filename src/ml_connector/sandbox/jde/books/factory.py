"""Draws documents and batches from one seeded stream, always in the same order."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from random import Random

from ml_connector.sandbox.jde.books.accounts import find_key
from ml_connector.sandbox.jde.books.companies import (
    COMPANIES,
    DECIMALS,
    CompanyFacts,
    scale_by,
)
from ml_connector.sandbox.jde.books.documents import (
    POSTING_PROGRAM,
    Document,
    Entry,
    document_rows,
    reversed_document,
)
from ml_connector.sandbox.jde.books.kinds import KINDS_BY_NAME, REMARKS, Kind, pool_accounts
from ml_connector.sandbox.jde.books.patterns import julian
from ml_connector.sandbox.jde.books.people import CUSTOMERS, VENDORS, Person
from ml_connector.sandbox.jde.books.rows import PLACE, BatchHeader, Row
from ml_connector.sandbox.jde.books.stamps import Stamp

LAST_ENTRY = date(2026, 11, 2)
"""The clock starts on the morning after: nothing was entered or posted later."""
CLERKS = ("JSMITH", "MKELLER", "TORTEGA", "LTREMBLAY", "KSATO", "FALRASHID")
FIRST_BATCH = 15_001
_RAW_PER_HUNDRED_CENTS = {
    "USD": 100, "EUR": 92, "GBP": 79, "CAD": 137, "JPY": 149, "KWD": 307,
}  # fmt: skip
_AA = PLACE["AA"]
_LT = PLACE["LT"]
_FOREIGN_PERCENT = 14
_SUBLEDGER_ONE_IN = 14
_UNITS_ONE_IN = 3
_TAXED_ONE_IN = 3
_TAX_PERCENT = 8
_REVERSING_PERCENT = 50
_HEADER_DECIMALS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPlan:
    """A batch before it is drawn: its day, its kind and the lines of each document."""

    company: CompanyFacts
    kind: Kind
    day: date
    entered_on: date
    lines: tuple[int, ...]


@dataclass(slots=True, kw_only=True)
class OpenBatch:
    """A batch that documents are written into."""

    type: str
    number: int
    day: date
    entered: Stamp
    posted: Stamp | None
    status: str
    decimals: int
    rows: list[Row] = field(default_factory=list)
    documents: int = 0


@dataclass(slots=True)
class Factory:
    """The counters and the stream that everything is drawn from."""

    rng: Random
    next_batch: int = FIRST_BATCH
    next_documents: dict[str, int] = field(
        default_factory=lambda: {one.number: one.first_document for one in COMPANIES}
    )
    headers: list[BatchHeader] = field(default_factory=list)

    def below(self, limit: int) -> int:
        """Return a number from 0 up to below the limit; whole numbers only, on any machine."""
        return self.rng.getrandbits(40) % limit

    def open_batch(
        self,
        batch_type: str,
        company: CompanyFacts,
        entered_on: date,
        *,
        status: str = "D",
        program: str = "EP0911",
        user: str | None = None,
    ) -> OpenBatch:
        """Return the next batch; with status D it is posted within three days."""
        number = self.next_batch
        self.next_batch += 1
        clerk = user or CLERKS[(int(company.number) + self.below(2)) % len(CLERKS)]
        posted_on = min(entered_on + timedelta(days=self.below(4)), LAST_ENTRY)
        entered = Stamp(
            user=clerk, program=program, day=julian(entered_on), time=self._time(first_hour=8)
        )
        posted = Stamp(
            user="PRODUSER", program=POSTING_PROGRAM, day=julian(posted_on), time=self._time()
        )
        return OpenBatch(
            type=batch_type,
            number=number,
            day=entered_on,
            entered=entered,
            posted=posted if status == "D" else None,
            status=status,
            decimals=company.decimals,
        )

    def document(  # noqa: PLR0913 - the facts of a document, all by name
        self,
        batch: OpenBatch,
        company: CompanyFacts,
        day: date,
        entries: Sequence[Entry],
        *,
        explanation: str,
        document_type: str = "JE",
        currency: str = "",
    ) -> Document:
        """Return a document under the company's next number; it stands nowhere yet."""
        number = self.next_documents[company.number]
        self.next_documents[company.number] = number + 1
        return Document(
            company=company.number,
            type=document_type,
            number=number,
            day=day,
            currency=currency or company.currency,
            entries=entries,
            batch_type=batch.type,
            batch=batch.number,
            explanation=explanation[:30],
            entered=batch.entered,
            batch_day=julian(batch.day),
            posted=batch.posted,
        )

    def write(self, batch: OpenBatch, document: Document) -> None:
        """The document's rows are part of the batch."""
        batch.rows += document_rows(document)
        batch.documents += 1

    def close(self, batch: OpenBatch) -> list[Row]:
        """The batch has its header; its rows."""
        debits = sum(row[_AA] for row in batch.rows if row[_AA] > 0 and row[_LT] != "CA")
        amount = scale_by(debits, 10**_HEADER_DECIMALS, 10**batch.decimals)
        approved = batch.status in {"D", "A"}
        self.headers.append(
            BatchHeader(
                ICUT=batch.type,
                ICU=batch.number,
                IST=batch.status,
                IAPP="A" if approved else "P",
                AME=amount,
                DOCN=batch.documents,
                USER=batch.entered.user,
                DICJ=julian(batch.day),
                AUSR="CONTROLLER" if approved else "",
                POB="",
            )
        )
        return batch.rows

    def plan(self, company: CompanyFacts, kind: Kind, month: tuple[int, int]) -> BatchPlan:
        """Return a batch of some day of the month, without its amounts."""
        day = self._day(month)
        entered_on = min(day + timedelta(days=self.below(4)), LAST_ENTRY)
        lines = tuple(1 + self.below(kind.lines_max) for _ in range(1 + self.below(6)))
        return BatchPlan(company=company, kind=kind, day=day, entered_on=entered_on, lines=lines)

    def batch_rows(self, plan: BatchPlan) -> list[Row]:
        """Return the rows of a planned batch; its header waits among `headers`."""
        kind = plan.kind
        batch = self.open_batch(
            kind.batch_type, plan.company, plan.entered_on, program=kind.program
        )
        for lines in plan.lines:
            self._write_planned(batch, plan, lines)
        return self.close(batch)

    def entries(self, company: CompanyFacts, kind: Kind, lines: int, currency: str) -> list[Entry]:
        """Return the entries of one document; two-sided kinds balance."""
        drawn = list(self._drawn(company, kind, lines, currency))
        if kind.document_type == "RI" and self.below(_TAXED_ONE_IN) == 0:
            drawn.append(_sales_tax(company, sum(entry.amount for entry in drawn)))
        if kind.second is None:
            return drawn
        total = sum(entry.amount for entry in drawn)
        others = pool_accounts(company.number, kind.second)
        count = 1 if lines < 3 else 1 + self.below(2)
        parts = [total // 3, total - total // 3] if count > 1 else [total]
        return drawn + [Entry(others[self.below(len(others))], -part) for part in parts]

    def amount(self, cents: tuple[int, int], currency: str) -> int:
        """Return a raw amount that is worth between so many US cents."""
        drawn = cents[0] + self.below(cents[1] - cents[0]) * (1 + self.below(9)) // 9
        raw = drawn * _RAW_PER_HUNDRED_CENTS[currency] // 100
        return raw if DECIMALS[currency] != 0 else max(10, raw // 10 * 10)

    def person(self, kind: str) -> Person:
        """Return a vendor (V) or a customer (C)."""
        people = VENDORS if kind == "V" else CUSTOMERS
        return people[self.below(len(people))]

    def _write_planned(self, batch: OpenBatch, plan: BatchPlan, lines: int) -> None:
        company, kind = plan.company, plan.kind
        currency = company.currency
        if kind.can_be_foreign and company.foreign and self.below(100) < _FOREIGN_PERCENT:
            currency = company.foreign[self.below(len(company.foreign))]
        entries = self.entries(company, kind, lines, currency)
        document = self.document(
            batch,
            company,
            plan.day,
            entries,
            explanation=kind.name,
            document_type=kind.document_type,
            currency=currency,
        )
        if kind.people:
            document = self._for_person(document, self.person(kind.people))
        reverses = kind.reverses and self.below(100) < _REVERSING_PERCENT
        back_on = _first_of_next_month(plan.day)
        if reverses and back_on <= LAST_ENTRY:
            document = replace(document, reverses="R")
            self.write(batch, document)
            batch.rows += document_rows(reversed_document(document, back_on))
            return
        self.write(batch, document)
        if kind.name == "Payment run" and document.number % 3 == 0:
            batch.rows += document_rows(self._on_cash_basis(document, lines))

    def _on_cash_basis(self, document: Document, lines: int) -> Document:
        """Return the payment as the cash basis ledger sees it: an expense, paid."""
        expenses = pool_accounts(document.company, KINDS_BY_NAME["Voucher"].first)
        entries = [
            entry._replace(account=expenses[self.below(len(expenses))])
            for entry in document.entries[:lines]
        ]
        return replace(document, entries=[*entries, *document.entries[lines:]], ledger_type="AZ")

    def _for_person(self, document: Document, person: Person) -> Document:
        entries = [
            entry._replace(subledger=person.subledger, subledger_type="A")
            if self.below(_SUBLEDGER_ONE_IN) == 0
            else entry
            for entry in document.entries
        ]
        return replace(
            document,
            entries=entries,
            explanation=person.name[:30],
            address=person.number,
            invoice=f"{person.name[:3].upper()}-{document.number % 10_000:04d}",
            order=f"{self.below(9_000) + 1_000:08d}" if document.type == "PV" else "",
        )

    def _drawn(
        self, company: CompanyFacts, kind: Kind, lines: int, currency: str
    ) -> Iterator[Entry]:
        accounts = pool_accounts(company.number, kind.first)
        for _ in range(lines):
            units = 0
            if kind.document_type == "RI" and self.below(_UNITS_ONE_IN) == 0:
                units = (1 + self.below(40)) * 100
            yield Entry(
                accounts[self.below(len(accounts))],
                kind.sign * self.amount(kind.cents, currency),
                REMARKS[self.below(len(REMARKS))],
                units=units,
                unit_of_measure="EA" if units else "",
            )

    def _day(self, month: tuple[int, int]) -> date:
        last = LAST_ENTRY.day if month == (LAST_ENTRY.year, LAST_ENTRY.month) else 0
        return date(*month, 1 + self.below(last or monthrange(*month)[1]))

    def _time(self, *, first_hour: int = 0) -> int:
        hour = first_hour + self.below(10)
        return hour * 10_000 + self.below(60) * 100 + self.below(60)


def _sales_tax(company: CompanyFacts, net: int) -> Entry:
    account = find_key(company.balance_unit, "2150")
    return Entry(account, scale_by(net, _TAX_PERCENT, 100), "Sales tax")


def _first_of_next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
