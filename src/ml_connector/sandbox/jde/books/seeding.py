"""The company put into the empty tables of a fresh state folder."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from random import Random

from ml_connector.sandbox.jde.books.balances import (
    BalanceKey,
    seed_balances,
    set_periods,
)
from ml_connector.sandbox.jde.books.checks import forget_prior_period
from ml_connector.sandbox.jde.books.companies import COMPANIES, HALDEN_JAPAN
from ml_connector.sandbox.jde.books.counters import save_counters
from ml_connector.sandbox.jde.books.factory import BatchPlan, Factory
from ml_connector.sandbox.jde.books.kinds import WEIGHTED
from ml_connector.sandbox.jde.books.masters import seed_masters
from ml_connector.sandbox.jde.books.rows import (
    Row,
    insert_headers,
    insert_ledger_rows,
)
from ml_connector.sandbox.jde.books.specials import (
    BUDGET_YEARS,
    budget_accounts,
    budget_amount,
    specials_of,
)
from ml_connector.sandbox.jde.books.stamps import Stamp, stamp_at
from ml_connector.sandbox.jde.schema import create_indexes, drop_indexes
from ml_connector.sandbox.store import Store

_MONTHS = [(2024 + index // 12, index % 12 + 1) for index in range(35)]
_WEIGHT_FULL = 9
_WEIGHT_BEGUN = 1
"""November has seen two days when the clock starts."""
_INDEXES_LATER_FROM = 50_000
_ROWS_PER_HUNDRED_LINES = 118
_ROWS_PER_HUNDRED_DOCUMENTS = 150


def seed_books(store: Store, *, lines: int, now: datetime) -> None:
    """The tables hold the company, with about `lines` rows in its account ledger.

    The same `lines` give the same company to the digit; `now` stamps the balances alone. Where
    the tables hold a company already it stays, of whatever size it is.
    """
    if store.query("SELECT 1 FROM F0010 LIMIT 1"):
        return
    factory = Factory(Random(f"halden books {lines}"))
    with store.transaction():
        if lines >= _INDEXES_LATER_FROM:
            drop_indexes(store)
        forget_prior_period(store)
        seed_masters(store)
        for rows in _rows_by_month(factory, lines):
            insert_ledger_rows(store, rows)
            insert_headers(store, factory.headers)
            factory.headers.clear()
        save_counters(store, next_batch=factory.next_batch, next_documents=factory.next_documents)
        if lines >= _INDEXES_LATER_FROM:
            create_indexes(store)
        stamp = stamp_at(now, user="PRODUSER", program="R09801")
        seed_balances(store, stamp)
        _seed_uploaded_budget(store, factory, lines, stamp)


def _rows_by_month(factory: Factory, lines: int) -> Iterator[list[Row]]:
    """Yield the rows of each month; every one makes up for what those before lacked."""
    everyday = max(0, lines - _count_specials(lines))
    written = planned = 0
    weights = [_WEIGHT_FULL] * (len(_MONTHS) - 1) + [_WEIGHT_BEGUN]
    shares = {company.number: 0 for company in COMPANIES}
    for month, weight in zip(_MONTHS, weights, strict=True):
        planned += weight
        rows = _special_rows(factory, month, lines)
        specials = len(rows)
        wanted = everyday * planned // sum(weights) - written
        for plan in _plans(factory, month, wanted, shares):
            rows += factory.batch_rows(plan)
        written += len(rows) - specials
        yield rows


def _count_specials(lines: int) -> int:
    """Return how many rows the special batches take, by drawing them once in vain."""
    rehearsal = Factory(Random("rehearsal"))
    return sum(len(_special_rows(rehearsal, month, lines)) for month in _MONTHS)


def _special_rows(factory: Factory, month: tuple[int, int], lines: int) -> list[Row]:
    return [
        row
        for special in specials_of(month)
        for batch in special(factory, month, lines)
        for row in batch
    ]


def _plans(
    factory: Factory, month: tuple[int, int], rows: int, shares: dict[str, int]
) -> list[BatchPlan]:
    """Return batches of about so many rows, in the order they are entered in.

    Each batch goes to the company that `shares`, which is kept up to date, says is furthest
    behind.
    """
    plans: list[BatchPlan] = []
    hundredths = 0
    while hundredths < rows * 100:
        company = min(COMPANIES, key=lambda one: shares[one.number] // one.share_percent)
        plan = factory.plan(company, WEIGHTED[factory.below(len(WEIGHTED))], month)
        plans.append(plan)
        size = sum(plan.lines) * _ROWS_PER_HUNDRED_LINES
        size += len(plan.lines) * _ROWS_PER_HUNDRED_DOCUMENTS
        hundredths += size
        shares[company.number] += size
    return sorted(plans, key=lambda plan: plan.entered_on)


def _seed_uploaded_budget(store: Store, factory: Factory, lines: int, stamp: Stamp) -> None:
    """Japan's plan was uploaded: it is in the balances and nowhere else."""
    for year in BUDGET_YEARS:
        for account in budget_accounts(HALDEN_JAPAN, lines):
            amount = budget_amount(factory, HALDEN_JAPAN, account)
            amounts = {number: amount + amount * (number % 3) // 40 for number in range(1, 13)}
            key = BalanceKey(account.AID, "BA", "", "", "")
            set_periods(store, key, year % 100, amounts, stamp)
