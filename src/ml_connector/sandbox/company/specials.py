"""The named batches that tests and the demo look for, one function for each kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from ml_connector.sandbox.company.calendars import YEAR_FIRST
from ml_connector.sandbox.company.copies import reverse_journal
from ml_connector.sandbox.company.factory import (
    HEADCOUNT,
    LAST_MOMENT,
    MANUAL_ACCRUAL,
    OPENING,
    PURCHASE_INVOICES,
    Draft,
    Factory,
)
from ml_connector.sandbox.company.ledgers import (
    HALDEN_CANADA,
    HALDEN_JAPAN,
    HALDEN_KUWAIT,
    HALDEN_US,
)
from ml_connector.sandbox.company.model import Batch

Special = Callable[[Factory, tuple[int, int]], Iterator[Batch]]
_LARGE_JOURNALS = ((HALDEN_US, 520), (HALDEN_US, 1100), (HALDEN_JAPAN, 640))
_MANY_JOURNALS = 27
_PRIMARY = (HALDEN_US, HALDEN_CANADA, HALDEN_JAPAN, HALDEN_KUWAIT)
_WITH_ADJUSTING = (HALDEN_US, HALDEN_CANADA, HALDEN_KUWAIT)


def specials_of(month: tuple[int, int], *, lines: int) -> list[Special]:
    """Return what is to be made in one month; small companies get one large journal only."""
    large = 1 if lines < 10_000 else len(_LARGE_JOURNALS)
    plan: dict[tuple[int, int], list[Special]] = {
        (YEAR_FIRST, 1): [_opening],
        (2024, 12): [_headcount, _adjusting],
        (2025, 6): [_two_ledgers],
        (2025, 12): [_headcount, _adjusting],
        (2026, 3): [_two_ledgers],
        (2026, 8): [_encumbrance, _reversal_pair],
        (2026, 9): [_headcount, _encumbrance, _many_journals, _mixed_periods, _large(large)],
        (2026, 10): [_two_ledgers, _encumbrance, _mixed_periods],
        (2026, 11): [_unposted, _unfinished],
    }
    return plan.get(month, [])


def specials_lines(*, lines: int) -> int:
    """Return about how many lines the specials take together, copies included."""
    return 1_900 if lines < 10_000 else 5_000


def _opening(factory: Factory, month: tuple[int, int]) -> Iterator[Batch]:
    for ledger in _PRIMARY:
        draft = Draft(
            ledger=ledger,
            kind=OPENING,
            lines=6,
            day=date(*month, 1),
            currency=ledger.currency,
            name="Opening balances",
        )
        name = f"Opening balances {ledger.name}"
        yield factory.batch(factory.journals([draft]), OPENING.source, name=name)


def _adjusting(factory: Factory, month: tuple[int, int]) -> Iterator[Batch]:
    for ledger in _WITH_ADJUSTING:
        draft = Draft(
            ledger=ledger,
            kind=MANUAL_ACCRUAL,
            lines=8,
            day=date(*month, 31),
            period=f"Adj-{month[0] % 100}",
        )
        yield factory.batch(factory.journals([draft, draft]), "Manual")


def _headcount(factory: Factory, month: tuple[int, int]) -> Iterator[Batch]:
    draft = Draft(ledger=HALDEN_US, kind=HEADCOUNT, lines=6, day=date(*month, 28), currency="STAT")
    yield factory.batch(factory.journals([draft]), "Manual", name=f"Headcount {month[0]}")


def _two_ledgers(factory: Factory, month: tuple[int, int]) -> Iterator[Batch]:
    drafts = [
        Draft(ledger=ledger, kind=MANUAL_ACCRUAL, lines=8, day=date(*month, 28))
        for ledger in (HALDEN_US, HALDEN_CANADA)
    ]
    yield factory.batch(factory.journals(drafts), "Manual", name="Group accruals")


def _mixed_periods(factory: Factory, month: tuple[int, int]) -> Iterator[Batch]:
    """The second journal belongs to the period before the batch's default."""
    earlier = date(*month, 1) - timedelta(days=3)
    for ledger in (HALDEN_US, HALDEN_JAPAN):
        drafts = [
            Draft(ledger=ledger, kind=MANUAL_ACCRUAL, lines=6, day=day)
            for day in (date(*month, 5), earlier)
        ]
        yield factory.batch(factory.journals(drafts), "Spreadsheet")


def _many_journals(factory: Factory, month: tuple[int, int]) -> Iterator[Batch]:
    drafts = [
        Draft(ledger=HALDEN_US, kind=PURCHASE_INVOICES, lines=4, day=date(*month, 10))
        for _ in range(_MANY_JOURNALS)
    ]
    yield factory.batch(factory.journals(drafts), "Payables", name="Payables of many sites")


def _large(count: int) -> Special:
    def make(factory: Factory, month: tuple[int, int]) -> Iterator[Batch]:
        for ledger, lines in _LARGE_JOURNALS[:count]:
            kind = PURCHASE_INVOICES
            draft = Draft(ledger=ledger, kind=kind, lines=lines, day=date(*month, 20))
            yield factory.batch(factory.journals([draft]), kind.source)

    return make


def _reversal_pair(factory: Factory, month: tuple[int, int]) -> Iterator[Batch]:
    draft = Draft(
        ledger=HALDEN_US,
        kind=MANUAL_ACCRUAL,
        lines=10,
        day=date(*month, 28),
        name="August bonus accrual",
    )
    original = factory.journal(draft)
    back_on = date(*month, 28) + timedelta(days=4)
    reversal = reverse_journal(original, period="Sep-26", effective_on=back_on)
    marked = replace(original, reversed_by=reversal.name, reversal_period="Sep-26")
    batch = factory.batch((marked,), "Manual", name="August bonus accrual")
    yield replace(
        batch,
        reversal_period="Sep-26",
        reversal_on=back_on,
        updated_at=datetime(2026, 9, 1, 9, 15, 2, 41_000, tzinfo=UTC),
    )
    yield factory.batch((reversal,), "Manual", name="Reverses August bonus accrual")


def _encumbrance(factory: Factory, month: tuple[int, int]) -> Iterator[Batch]:
    draft = Draft(ledger=HALDEN_US, kind=MANUAL_ACCRUAL, lines=8, day=date(*month, 12))
    journal = replace(factory.journal(draft), encumbrance="Commitment")
    yield replace(factory.batch((journal,), "Payables"), actual_flag="E")


def _unposted(factory: Factory, month: tuple[int, int]) -> Iterator[Batch]:
    for ledger in (*_PRIMARY, HALDEN_US, HALDEN_US):
        draft = Draft(ledger=ledger, kind=MANUAL_ACCRUAL, lines=6, day=factory.day(month))
        yield replace(factory.batch(factory.journals([draft]), "Manual"), status="U")


def _unfinished(factory: Factory, month: tuple[int, int]) -> Iterator[Batch]:
    """One batch in error, one selected for posting: letters other than U and P exist."""
    for status, error in (("E", "A line has an account that is not valid."), ("S", None)):
        draft = Draft(ledger=HALDEN_US, kind=MANUAL_ACCRUAL, lines=6, day=factory.day(month))
        batch = factory.batch(factory.journals([draft]), "Manual")
        yield replace(batch, status=status, error=error, updated_at=LAST_MOMENT)
