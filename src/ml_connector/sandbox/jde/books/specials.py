"""The batches that tests and the demo look for, one function for each kind."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta

from ml_connector.sandbox.jde.books.accounts import ACCOUNTS, AccountFacts, AccountKey, find_key
from ml_connector.sandbox.jde.books.companies import (
    COMPANIES,
    HALDEN_CANADA,
    HALDEN_JAPAN,
    HALDEN_KUWAIT,
    HALDEN_US,
    CompanyFacts,
    scale_by,
)
from ml_connector.sandbox.jde.books.documents import Entry, document_rows, reversed_document
from ml_connector.sandbox.jde.books.factory import LAST_ENTRY, Factory, OpenBatch
from ml_connector.sandbox.jde.books.kinds import KINDS_BY_NAME, ODD_TEXTS, Kind
from ml_connector.sandbox.jde.books.rows import PLACE, Row

Special = Callable[[Factory, tuple[int, int], int], Iterator[list[Row]]]
"""Takes the factory, the month and the size of the company; yields the rows of each batch."""

LATE_DAY = date(2026, 10, 20)
LATE_ENTERED = date(2026, 10, 24)
LATE_EXPLANATION = "Late freight settlement"
DOOMED_EXPLANATION = "Keyed twice, to be deleted"
RENAMED_ACCOUNT = ("YARD", "8330")
BUDGET_YEARS = (2025, 2026)
_LARGE_FROM = 50_000
_DEFAULT_FROM = 10_000
_LARGE_ROWS = 5_000
_DEFAULT_LARGE_ROWS = 1_200
_SHARE_CENTS = (1_500, 42_000)
_OVERHEADS = (("9", "8110"), ("9", "8310"), ("40", "8610"), ("40", "8620"), ("20", "8110"))
_MEMO_CENTS = 123_456_789_012_345
_ACCRUAL = KINDS_BY_NAME["Accrual"]
_OPENING_CENTS = (
    ("1110", "BEAR", 84_312_550_00),
    ("1210", "", 61_904_118_20),
    ("1310", "", 22_417_903_35),
    ("1320", "", 9_204_118_40),
    ("1520", "", 143_880_000_00),
    ("1620", "", -51_204_310_00),
    ("1640", "", -2_118_400_00),
    ("2110", "", -38_115_274_90),
    ("2310", "", -75_000_000_00),
    ("3110", "", -50_000_000_00),
)
_CENTS_TO_RAW = {"USD": (1, 1), "CAD": (137, 100), "JPY": (149, 100), "KWD": (307, 100)}
_HEADS = "9110"
_TENS = (1, 10, 100, 1_000)


def specials_of(month: tuple[int, int]) -> list[Special]:
    """Return what is to be made in one month."""
    plan: dict[tuple[int, int], list[Special]] = {
        (2024, 1): [_opening],
        (2024, 12): [_budget],
        (2025, 1): [_adjustments],
        (2025, 6): [_two_companies],
        (2025, 12): [_budget],
        (2026, 1): [_adjustments],
        (2026, 3): [_two_companies, _void],
        (2026, 8): [_odd_texts, _yard_repairs],
        (2026, 9): [_large, _two_companies, _yard_repairs],
        (2026, 10): [_late, _yard_repairs, _void],
        (2026, 11): [_dated_ahead, _unposted, _unfinished, _two_companies_unposted, _doomed],
    }
    quarterly = [_headcount] if month[1] % 3 == 0 else []
    return [*quarterly, *plan.get(month, [])]


def _opening(factory: Factory, month: tuple[int, int], _lines: int) -> Iterator[list[Row]]:
    """Opening balances, and in the first company a guarantee of fifteen digits."""
    day = date(*month, 1)
    for company in COMPANIES:
        entries = [
            Entry(find_key(company.balance_unit, object_, sub), _in_raw(company, cents), "Opening")
            for object_, sub, cents in _OPENING_CENTS
        ]
        rest = sum(entry.amount for entry in entries)
        entries.append(Entry(find_key(company.balance_unit, "3200"), -rest, "Opening"))
        yield _posted_batch(factory, company, day, entries, "Opening balances")
    memo = [
        Entry(find_key("1", "1990"), _MEMO_CENTS, "Framework guarantee"),
        Entry(find_key("1", "2990"), -_MEMO_CENTS, "Framework guarantee"),
    ]
    yield _posted_batch(factory, HALDEN_US, day, memo, "Guarantee register")


def _budget(factory: Factory, month: tuple[int, int], lines: int) -> Iterator[list[Row]]:
    """The plan of the coming year, journalised: a row for each account and period."""
    year = month[0] + 1
    batch = factory.open_batch("G", HALDEN_US, date(*month, 18), user="PLANNING")
    for account in budget_accounts(HALDEN_US, lines):
        monthly = budget_amount(factory, HALDEN_US, account)
        for number in range(1, 13):
            day = date(year, number, monthrange(year, number)[1])
            amount = monthly + monthly * (number % 4) // 50
            entries = [Entry(account, amount, f"Plan FY{year % 100}")]
            document = factory.document(
                batch,
                HALDEN_US,
                day,
                entries,
                explanation=f"FY{year % 100} operating plan",
                document_type="BX",
            )
            factory.write(batch, replace(document, ledger_type="BA"))
    yield factory.close(batch)


def budget_accounts(company: CompanyFacts, lines: int) -> list[AccountKey]:
    """Return the accounts a company plans; more of them in a larger company."""
    wanted = max(4, min(300, lines // 500))
    planned = [
        account.key
        for account in _accounts_of(company)
        if account.edit_code in {"", "B"}
        and "4000" <= account.key.OBJ <= "8999"
        and account.level == "6"
    ]
    step = max(1, len(planned) // wanted)
    return planned[::step][:wanted]


def budget_amount(factory: Factory, company: CompanyFacts, account: AccountKey) -> int:
    """Return a month's plan for an account, in hundreds; revenue is negative."""
    amount = factory.amount((400_000, 9_000_000), company.currency)
    unit = 100 * _TENS[company.decimals]
    rounded = max(1, amount // unit) * unit
    return -rounded if account.OBJ.startswith("4") else rounded


def _adjustments(factory: Factory, month: tuple[int, int], _lines: int) -> Iterator[list[Row]]:
    """Entries of the auditors in period 13, and for 2025 in period 14 too."""
    year = month[0] - 1
    for period in (13,) if year == 2024 else (13, 14):
        batch = factory.open_batch("G", HALDEN_US, date(*month, 22))
        for _ in range(2):
            entries = factory.entries(HALDEN_US, _ACCRUAL, 2, "USD")
            document = factory.document(
                batch, HALDEN_US, date(year, 12, 31), entries, explanation="Audit adjustment"
            )
            factory.write(batch, replace(document, period=period))
        yield factory.close(batch)


def _headcount(factory: Factory, month: tuple[int, int], _lines: int) -> Iterator[list[Row]]:
    """Heads by business unit, in the units ledger."""
    day = date(*month, 28)
    for company in (HALDEN_US, HALDEN_CANADA):
        entries = []
        for account in _accounts_of(company):
            if account.key.OBJ == _HEADS:
                heads = (4 + factory.below(40)) * 100
                entries.append(
                    Entry(account.key, heads, "Heads", units=heads, unit_of_measure="EA")
                )
        batch = factory.open_batch("G", company, day)
        document = factory.document(batch, company, day, entries, explanation="Headcount")
        factory.write(batch, replace(document, ledger_type="AU"))
        yield factory.close(batch)


def _two_companies(factory: Factory, month: tuple[int, int], _lines: int) -> Iterator[list[Row]]:
    batch = factory.open_batch("G", HALDEN_US, date(*month, 27))
    _write_shared_cost(factory, batch, date(*month, 25))
    yield factory.close(batch)


def _two_companies_unposted(
    factory: Factory, _month: tuple[int, int], _lines: int
) -> Iterator[list[Row]]:
    """The entries between the companies are still to come, with the post."""
    batch = factory.open_batch("G", HALDEN_US, LAST_ENTRY, status="A")
    _write_shared_cost(factory, batch, date(2026, 11, 2))
    yield factory.close(batch)


def _void(factory: Factory, month: tuple[int, int], _lines: int) -> Iterator[list[Row]]:
    """A voucher, and its opposite ten days later under the same number."""
    day = date(*month, 9)
    batch = factory.open_batch("V", HALDEN_US, day, program="EP0411")
    entries = factory.entries(HALDEN_US, KINDS_BY_NAME["Voucher"], 3, "EUR")
    document = factory.document(
        batch,
        HALDEN_US,
        day,
        entries,
        explanation="Mistral Consulting SARL",
        document_type="PV",
        currency="EUR",
    )
    factory.write(batch, document)
    void = reversed_document(document, day + timedelta(days=10))
    batch.rows += document_rows(replace(void, reverses="V"))
    yield factory.close(batch)


def _odd_texts(factory: Factory, month: tuple[int, int], _lines: int) -> Iterator[list[Row]]:
    """Texts that break careless readers, a zero amount, a blank ledger type, no update day."""
    day = date(*month, 14)
    for company in (HALDEN_US, HALDEN_JAPAN):
        batch = factory.open_batch("G", company, day)
        for text in ODD_TEXTS:
            drawn = factory.entries(company, _ACCRUAL, 1, company.currency)
            entries = [
                *(entry._replace(remark=text[:30]) for entry in drawn),
                drawn[0]._replace(amount=0, remark="Nothing"),
            ]
            document = factory.document(batch, company, day, entries, explanation=text)
            factory.write(batch, document)
        if company is HALDEN_US:
            batch.rows[-1] = _replaced(batch.rows[-1], UPMJ=0, UPMT=0)
            batch.rows[-2] = _replaced(batch.rows[-2], UPMT=5)
            batch.rows.append(_replaced(batch.rows[-1], LT="", JELN=90, EXR="No ledger type"))
        yield factory.close(batch)


def _yard_repairs(factory: Factory, month: tuple[int, int], _lines: int) -> Iterator[list[Row]]:
    """Postings on the account that will be renamed."""
    account = find_key(*RENAMED_ACCOUNT)
    amount = 118_000 + factory.below(90_000)
    entries = [
        Entry(account, amount, "Crane overhaul"),
        Entry(account, -amount // 10, "Credit, core returned"),
        Entry(find_key("1", "2130"), -(amount + -amount // 10), "Crane overhaul"),
    ]
    yield _posted_batch(factory, HALDEN_US, date(*month, 12), entries, "Yard crane repairs")


def _large(factory: Factory, month: tuple[int, int], lines: int) -> Iterator[list[Row]]:
    """One allocation of very many lines."""
    rows = _LARGE_ROWS if lines >= _LARGE_FROM else _DEFAULT_LARGE_ROWS
    if lines < _DEFAULT_FROM:
        rows = max(20, lines * 12 // 100)
    share = replace(KINDS_BY_NAME["Cost allocation"], second=None, cents=_SHARE_CENTS)
    entries = factory.entries(HALDEN_US, share, rows - len(_OVERHEADS), "USD")
    total = sum(entry.amount for entry in entries)
    parts = [total // len(_OVERHEADS)] * (len(_OVERHEADS) - 1)
    for name, part in zip(_OVERHEADS, [*parts, total - sum(parts)], strict=True):
        entries.append(Entry(find_key(*name), -part, "Allocated overhead"))
    day = date(*month, 30)
    yield _posted_batch(factory, HALDEN_US, day, entries, "Overhead allocation Sept")


def _late(factory: Factory, _month: tuple[int, int], _lines: int) -> Iterator[list[Row]]:
    """Keyed on the 24th for the 20th, approved, and left lying there."""
    batch = factory.open_batch("G", HALDEN_US, LATE_ENTERED, status="A")
    entries = [
        Entry(find_key("M40", "5130"), 481_235, "Carrier invoice 88-1"),
        Entry(find_key("60", "8720", "INTL"), 125_050, "Carrier invoice 88-2"),
        Entry(find_key("1", "2130"), -606_285, "Carrier settlement"),
    ]
    document = factory.document(batch, HALDEN_US, LATE_DAY, entries, explanation=LATE_EXPLANATION)
    factory.write(batch, document)
    yield factory.close(batch)


def _doomed(factory: Factory, _month: tuple[int, int], _lines: int) -> Iterator[list[Row]]:
    batch = factory.open_batch("G", HALDEN_US, LAST_ENTRY, status="")
    entries = factory.entries(HALDEN_US, _ACCRUAL, 2, "USD")
    document = factory.document(
        batch, HALDEN_US, LAST_ENTRY, entries, explanation=DOOMED_EXPLANATION
    )
    factory.write(batch, document)
    yield factory.close(batch)


def _dated_ahead(factory: Factory, month: tuple[int, int], _lines: int) -> Iterator[list[Row]]:
    """Posted already, for the end of a month that has just begun."""
    entries = factory.entries(HALDEN_US, _ACCRUAL, 3, "USD")
    day = date(*month, 30)
    batch = factory.open_batch("G", HALDEN_US, LAST_ENTRY)
    document = factory.document(batch, HALDEN_US, day, entries, explanation="Rent, paid ahead")
    factory.write(batch, document)
    yield factory.close(batch)


def _unposted(factory: Factory, _month: tuple[int, int], _lines: int) -> Iterator[list[Row]]:
    """Waiting for approval (blank) or for the post (A); sub-ledgers lack their offsets."""
    plan = (
        (HALDEN_US, "Voucher", "", "USD"),
        (HALDEN_US, "Voucher", "A", "EUR"),
        (HALDEN_US, "Invoice", "A", "USD"),
        (HALDEN_US, "Receipt", "", "USD"),
        (HALDEN_CANADA, "Accrual", "", "CAD"),
        (HALDEN_JAPAN, "Payroll", "A", "JPY"),
        (HALDEN_KUWAIT, "Voucher", "A", "USD"),
    )
    for company, name, status, currency in plan:
        yield _waiting_batch(factory, company, KINDS_BY_NAME[name], status, currency)


def _unfinished(factory: Factory, _month: tuple[int, int], _lines: int) -> Iterator[list[Row]]:
    """One batch the post refused for its inactive account, one that a clerk has open."""
    batch = factory.open_batch("G", HALDEN_US, LAST_ENTRY, status="E")
    entries = [
        Entry(find_key("1", "1341"), 312_500, "Rent released"),
        Entry(find_key("9", "8310"), -312_500, "Rent released"),
    ]
    day = LAST_ENTRY - timedelta(days=1)
    document = factory.document(batch, HALDEN_US, day, entries, explanation="Prepaid rent")
    factory.write(batch, document)
    yield factory.close(batch)
    yield _waiting_batch(factory, HALDEN_KUWAIT, _ACCRUAL, "U", "KWD")


def _waiting_batch(
    factory: Factory, company: CompanyFacts, kind: Kind, status: str, currency: str
) -> list[Row]:
    batch = factory.open_batch(
        kind.batch_type, company, LAST_ENTRY, status=status, program=kind.program
    )
    for _ in range(2):
        entries = factory.entries(company, kind, 3, currency)
        document = factory.document(
            batch,
            company,
            LAST_ENTRY - timedelta(days=1),
            entries,
            explanation=factory.person(kind.people).name if kind.people else kind.name,
            document_type=kind.document_type,
            currency=currency,
        )
        factory.write(batch, document)
    return factory.close(batch)


def _posted_batch(
    factory: Factory, company: CompanyFacts, day: date, entries: list[Entry], explanation: str
) -> list[Row]:
    batch = factory.open_batch("G", company, min(day, LAST_ENTRY))
    document = factory.document(batch, company, day, entries, explanation=explanation)
    factory.write(batch, document)
    return factory.close(batch)


def _write_shared_cost(factory: Factory, batch: OpenBatch, day: date) -> None:
    """Consultants paid by the first company, a part of whose work was for the second."""
    own, theirs = 260_000 + factory.below(90_000), 140_000 + factory.below(70_000)
    entries = [
        Entry(find_key("20", "8430"), own, "Our share"),
        Entry(find_key("7730", "8430"), theirs, "Share of Canada"),
        Entry(find_key("1", "1110", "BEAR"), -own - theirs, "Mistral Consulting"),
    ]
    document = factory.document(batch, HALDEN_US, day, entries, explanation="Shared consultants")
    factory.write(batch, document)


def _accounts_of(company: CompanyFacts) -> Iterator[AccountFacts]:
    number = company.number
    return (account for account in ACCOUNTS if number == account.key.CO)


def _in_raw(company: CompanyFacts, cents: int) -> int:
    share = scale_by(cents, company.share_percent, 100)
    return scale_by(share, *_CENTS_TO_RAW[company.currency])


def _replaced(row: Row, **facts: object) -> Row:
    changed = list(row)
    for alias, value in facts.items():
        changed[PLACE[alias]] = value
    return tuple(changed)
