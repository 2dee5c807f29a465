"""Batches of the everyday kind, and the clock marks every batch carries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from ml_connector.sandbox.company.calendars import period_name
from ml_connector.sandbox.company.copies import replicate_journal
from ml_connector.sandbox.company.entries import EntryPlan, draw_lines
from ml_connector.sandbox.company.ledgers import HALDEN_US, HALDEN_US_REPORTING
from ml_connector.sandbox.company.model import Batch, Journal, Ledger
from ml_connector.sandbox.company.rates import RATE_TYPE, find_rate

CREATED_BY = "FIN_INTEGRATION"
LAST_MOMENT = datetime(2026, 11, 3, 7, 0, tzinfo=UTC)
REPLICATED_FROM = date(2026, 1, 1)
"""The secondary ledger was opened with the year 2026."""
_FIRST_OPEN_DAY = date(2026, 11, 1)
_FOREIGN = {
    "Halden US": ("EUR", "GBP"),
    "Halden Canada": ("USD",),
    "Halden Japan": ("USD",),
    "Halden Kuwait": ("USD", "EUR"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A category of journals: who makes it, and what it debits and credits."""

    source: str
    category: str
    debits: tuple[str, ...]
    credits: tuple[str, ...]
    subledger: bool = False


KINDS: tuple[Kind, ...] = (
    Kind(
        source="Payables",
        category="Purchase Invoices",
        debits=("expense",),
        credits=("payable",),
        subledger=True,
    ),
    Kind(
        source="Payables",
        category="Payments",
        debits=("payable",),
        credits=("cash",),
        subledger=True,
    ),
    Kind(
        source="Receivables",
        category="Sales Invoices",
        debits=("receivable",),
        credits=("revenue", "tax"),
        subledger=True,
    ),
    Kind(
        source="Receivables",
        category="Receipts",
        debits=("cash",),
        credits=("receivable",),
        subledger=True,
    ),
    Kind(source="Manual", category="Adjustment", debits=("expense",), credits=("prepaid",)),
    Kind(source="Manual", category="Accrual", debits=("expense",), credits=("accrued",)),
    Kind(source="Spreadsheet", category="Allocation", debits=("expense",), credits=("expense",)),
    Kind(
        source="Assets",
        category="Depreciation",
        debits=("depreciation",),
        credits=("accumulated",),
        subledger=True,
    ),
)
MANUAL_ACCRUAL = KINDS[5]
PURCHASE_INVOICES = KINDS[0]
HEADCOUNT = Kind(source="Manual", category="Other", debits=("headcount",), credits=("contra",))
OPENING = Kind(
    source="Spreadsheet", category="Other", debits=("cash", "asset"), credits=("capital",)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a journal is to be, before its lines are drawn."""

    ledger: Ledger
    kind: Kind
    lines: int
    day: date
    currency: str | None = None
    period: str | None = None
    name: str | None = None


@dataclass(slots=True, kw_only=True)
class Factory:
    """Draws journals and batches from one seeded stream, always in the same order."""

    rng: Random
    serial: int = 1_500_000
    _names: set[str] = field(default_factory=set)

    def journal(self, draft: Draft, *, taken: Iterable[Journal] = ()) -> Journal:
        """Return one balanced journal whose name is free among `taken`."""
        currency = draft.currency or self._currency(draft.ledger)
        entity = draft.ledger.entities[self.rng.randrange(len(draft.ledger.entities))]
        period = draft.period or period_name(draft.day.year, draft.day.month)
        name = draft.name or f"{period} {draft.kind.category} {currency}"
        plan = EntryPlan(
            ledger=draft.ledger,
            entity=entity,
            currency=currency,
            day=draft.day,
            debits=draft.kind.debits,
            credits=draft.kind.credits,
            lines=draft.lines,
        )
        return Journal(
            name=_free_name(name, {journal.name for journal in taken}),
            description="Journal Import Created" if draft.kind.subledger else None,
            ledger=draft.ledger,
            period=period,
            effective_on=draft.day,
            currency=currency,
            rate=find_rate(currency, draft.ledger.currency, draft.day),
            rate_type="User" if currency == draft.ledger.currency else RATE_TYPE,
            category=draft.kind.category,
            legal_entity=entity.legal_entity,
            lines=draw_lines(self.rng, plan),
            from_subledger=draft.kind.subledger,
        )

    def journals(self, drafts: Iterable[Draft]) -> tuple[Journal, ...]:
        """Return one journal for each draft, names distinct."""
        made: list[Journal] = []
        for draft in drafts:
            made.append(self.journal(draft, taken=made))
        return tuple(made)

    def batch(
        self, journals: tuple[Journal, ...], source: str, *, name: str | None = None
    ) -> Batch:
        """Return a posted batch of these journals; its period is that of the first."""
        first = journals[0]
        created_at = self._created_at(max(journal.effective_on for journal in journals))
        posted_at = created_at + timedelta(milliseconds=self.rng.randrange(60_000, 1_800_000))
        return Batch(
            name=name or self.batch_name(source),
            description=None,
            source=source,
            default_period=first.period,
            chart=first.ledger.chart,
            calendar=first.ledger.calendar,
            status="P",
            created_at=created_at,
            updated_at=posted_at,
            created_by=CREATED_BY,
            journals=journals,
        )

    def batch_name(self, source: str) -> str:
        """Return a batch name that journal import would have given."""
        self.serial += self.rng.randrange(1, 9)
        return f"{source} A {self.serial} {self.serial - 1} N"

    def regular(self, ledger: Ledger, month: tuple[int, int], lines_mean: int) -> Batch:
        """Return an everyday batch of one ledger in one month."""
        kind = KINDS[self.rng.randrange(len(KINDS))]
        count = (1, 1, 1, 1, 2, 2, 3)[self.rng.randrange(7)]
        drafts = [
            Draft(ledger=ledger, kind=kind, lines=self._size(lines_mean), day=self.day(month))
            for _ in range(count)
        ]
        return self.batch(self.journals(drafts), kind.source)

    def day(self, month: tuple[int, int]) -> date:
        """Return a day of the month; of the present month only days that have passed."""
        first = date(*month, 1)
        days = 2 if first == _FIRST_OPEN_DAY else 28
        return first + timedelta(days=self.rng.randrange(days))

    def _size(self, mean: int) -> int:
        spread = 4 * max(1, mean - 2)
        return 2 + self.rng.randrange(spread) * self.rng.randrange(100) // 100

    def _currency(self, ledger: Ledger) -> str:
        if self.rng.randrange(100) >= 15:
            return ledger.currency
        foreign = _FOREIGN[ledger.name]
        return foreign[self.rng.randrange(len(foreign))]

    def _created_at(self, day: date) -> datetime:
        at = datetime.combine(day, time(6, 0), UTC)
        at += timedelta(milliseconds=self.rng.randrange(14 * 3_600_000))
        return min(at, LAST_MOMENT - timedelta(hours=1))


def replicate_batch(batch: Batch) -> Batch | None:
    """Return the copy of a posted batch in the secondary ledger, or None where none is due."""
    journals = tuple(
        replicate_journal(journal, HALDEN_US_REPORTING)
        for journal in batch.journals
        if journal.ledger is HALDEN_US and journal.effective_on >= REPLICATED_FROM
    )
    if not journals or batch.status != "P" or batch.actual_flag != "A":
        return None
    later = timedelta(seconds=45)
    return replace(
        batch,
        name=f"{HALDEN_US_REPORTING.name} {batch.name}",
        journals=journals,
        parent_batch=batch.name,
        created_at=batch.updated_at + later,
        updated_at=batch.updated_at + 2 * later,
    )


def _free_name(wanted: str, taken: set[str]) -> str:
    candidates = (f"{wanted} {number}" for number in range(2, len(taken) + 3))
    return wanted if wanted not in taken else next(name for name in candidates if name not in taken)
