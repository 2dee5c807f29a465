"""The company put into the tables of a fresh state folder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ml_connector.sandbox.company import Company
from ml_connector.sandbox.company.accounts import VALUE_SETS, account_types
from ml_connector.sandbox.company.calendars import CALENDARS, closing_status
from ml_connector.sandbox.company.ledgers import AMERICAS_SET, CHARTS, LEDGERS
from ml_connector.sandbox.company.model import Chart, Ledger, Period, SegmentValue
from ml_connector.sandbox.company.rates import RATE_TYPE, daily_rates
from ml_connector.sandbox.fusion.amounts import render_amount
from ml_connector.sandbox.fusion.balances import BalanceWriter
from ml_connector.sandbox.fusion.books import BatchWriter
from ml_connector.sandbox.store import Store

FIRST_BATCH_ID = 300000099000001
_FIRST_COMBINATION_ID = 300000045123456
_FIRST_VALUE_SET_ID = 300000044001001
_FIRST_VALUE_ID = 300000045001001
_SPACE = "fusion"
_SEEDED = "seeded"
_BATCH_ID = "next_batch_id"
_SETUP_STAMP = "2024-03-02T10:00:00.000+00:00"
_SETUP_UPDATED = "2025-11-12T08:31:05.118+00:00"
_IDS_RESERVED = 20
_APPLICATIONS = (275, 222, 200, 140, 101)
"""General ledger (101) is not the first row: who leaves it out of a query gets another's."""
_OTHER_STATUS = {"O": "C", "C": "O", "F": "N", "N": "N", "P": "C"}
_CURRENCIES = (
    ("USD", "US Dollar", 2),
    ("EUR", "Euro", 2),
    ("GBP", "Pound Sterling", 2),
    ("CAD", "Canadian Dollar", 2),
    ("JPY", "Yen", 0),
    ("KWD", "Kuwaiti Dinar", 3),
    ("STAT", "Statistical", 2),
)
_SOURCES = ("Payables", "Receivables", "Manual", "Spreadsheet", "Assets")
_CATEGORIES = (
    "Purchase Invoices", "Payments", "Sales Invoices", "Receipts", "Adjustment", "Accrual",
    "Allocation", "Depreciation", "Other",
)  # fmt: skip


def seed_company(store: Store, *, lines: int) -> int:
    """The tables hold the company; the lines it was asked to have.

    Where the tables hold a company already it stays, of whatever size it is.
    """
    before = store.find(_SPACE, _SEEDED)
    if before is not None:
        return int(before)
    with store.transaction():
        _seed_setup(store)
        last_id = _seed_batches(store, Company(lines=lines))
        store.save(_SPACE, _BATCH_ID, last_id + 1)
        store.save(_SPACE, _SEEDED, lines)
    return lines


def forget_company(store: Store) -> None:
    """The next `seed_company` fills the tables again."""
    store.delete(_SPACE, _SEEDED)


def reserve_batch_ids(store: Store) -> int:
    """Return the first of a few batch ids that nobody else will use."""
    with store.transaction():
        first = int(store.find(_SPACE, _BATCH_ID))
        store.save(_SPACE, _BATCH_ID, first + _IDS_RESERVED)
    return first


def save_combinations(store: Store, chart: Chart, texts: set[str]) -> None:
    """Each text is a combination of the chart, with an id of its own."""
    first = store.query("SELECT COALESCE(MAX(_id), ?) FROM combinations", (_FIRST_COMBINATION_ID,))
    known = {
        row[0]
        for row in store.query("SELECT text FROM combinations WHERE chart = ?", (chart.name,))
    }
    account = chart.position("account")
    types = account_types(chart.segments[account].value_set) | _added_types(store, chart)
    names = ", ".join(f'"{segment.name}"' for segment in chart.segments)
    marks = ", ".join("?" * len(chart.segments))
    sql = (
        "INSERT INTO combinations (_id, chart, text, _CODE_COMBINATION_ID, _CHART_OF_ACCOUNTS_ID,"  # noqa: S608 - our own names
        " AccountType, EnabledFlag, SummaryFlag, DetailPostingAllowedFlag,"
        f" DetailBudgetingAllowedFlag, JgzzReconFlag, {names})"
        f" VALUES (?,?,?,?,?,?,'Y','N','Y','Y','N', {marks})"
    )
    rows = [
        (new_id, chart.name, text, new_id, chart.number, types.get(parts[account]), *parts)
        for new_id, text in enumerate(sorted(texts - known), int(first[0][0]) + 1)
        for parts in [chart.split(text)]
    ]
    store.execute_many(sql, rows)


def _added_types(store: Store, chart: Chart) -> dict[str, str]:
    code = chart.segments[chart.position("account")].value_set
    sql = (
        "SELECT v.Value, v.AccountType FROM segment_values v JOIN value_sets s ON s._id = v._parent"
        " WHERE s.ValueSetCode = ? AND v.AccountType IS NOT NULL"
    )
    return dict(store.query(sql, (code,)))


def _seed_batches(store: Store, company: Company) -> int:
    """The batches stand in the tables; the last id used."""
    writer, balances = BatchWriter(store), BalanceWriter(store)
    used: dict[str, set[str]] = {chart.name: set() for chart in CHARTS}
    batch_id = FIRST_BATCH_ID
    for number, batch in enumerate(company.batches()):
        batch_id += 1 if number == 0 else 1 + number * 7 % 5
        writer.write(batch, batch_id)
        balances.gather(batch)
        used[batch.chart.name].update(
            line.combination for journal in batch.journals for line in journal.lines
        )
    balances.write()
    _add_retained_earnings(used)
    for chart in CHARTS:
        save_combinations(store, chart, used[chart.name])
    return batch_id


def _add_retained_earnings(used: dict[str, set[str]]) -> None:
    for ledger in LEDGERS:
        used[ledger.chart.name].update(
            ledger.retained_earnings.format(entity.value) for entity in ledger.entities
        )


def _seed_setup(store: Store) -> None:
    _fill(store, "ledgers", _ledger_rows())
    _fill(store, "charts", _chart_rows())
    _fill(store, "periods", _period_rows())
    _fill(store, "period_statuses", _status_rows())
    _fill(store, "currency_rates", _rate_rows())
    _fill(store, "currencies", ((i, c, n, n, p, "Y") for i, (c, n, p) in enumerate(_CURRENCIES, 1)))
    _fill(store, "sources", ((i, name, name, None) for i, name in enumerate(_SOURCES, 1)))
    _fill(store, "categories", ((i, name, name, None) for i, name in enumerate(_CATEGORIES, 1)))
    _seed_value_sets(store)


def _ledger_rows() -> Iterator[tuple[Any, ...]]:
    for ledger in LEDGERS:
        yield (
            ledger.ledger_id, ledger.ledger_id, ledger.name, ledger.description, ledger.currency,
            ledger.chart.number, ledger.calendar.period_type, ledger.calendar.name,
            ledger.category, "L", 0,
        )  # fmt: skip
    group = AMERICAS_SET
    yield (
        group.ledger_id, group.ledger_id, group.name, group.description, None,
        group.chart.number, group.calendar.period_type, group.calendar.name, None, "S", 0,
    )  # fmt: skip


def _chart_rows() -> Iterator[tuple[Any, ...]]:
    for chart in CHARTS:
        yield (
            chart.number, chart.instance_id, chart.number, chart.code, chart.name,
            chart.description, "Y",
        )  # fmt: skip


def _period_rows() -> Iterator[tuple[Any, ...]]:
    number = 0
    for calendar in CALENDARS:
        for period in calendar.periods:
            number += 1
            yield (
                number, period.name, calendar.name, calendar.period_type,
                _flag(yes=period.adjusting), period.first_day.isoformat(),
                period.last_day.isoformat(), period.name[:3], period.year, period.number,
                period.order,
            )  # fmt: skip


def _status_rows() -> Iterator[tuple[Any, ...]]:
    number = 0
    for application in _APPLICATIONS:
        for ledger in LEDGERS:
            for period in ledger.calendar.periods:
                number += 1
                yield (number, *_status_row(application, ledger, period))


def _status_row(application: int, ledger: Ledger, period: Period) -> tuple[Any, ...]:
    status = closing_status(period)
    if application != _APPLICATIONS[-1]:
        status = _OTHER_STATUS[status]
    return (
        period.name, application, ledger.ledger_id, status, period.first_day.isoformat(),
        period.last_day.isoformat(), period.year, period.number, _flag(yes=period.adjusting),
    )  # fmt: skip


def _rate_rows() -> Iterator[tuple[Any, ...]]:
    for number, (currency, target, day, rate) in enumerate(daily_rates(), 1):
        yield number, currency, target, day.isoformat(), render_amount(rate), RATE_TYPE, RATE_TYPE


def _seed_value_sets(store: Store) -> None:
    value_id = _FIRST_VALUE_ID
    for set_id, value_set in enumerate(VALUE_SETS, _FIRST_VALUE_SET_ID):
        _fill(
            store,
            "value_sets",
            [(
                set_id, set_id, value_set.code, value_set.description, value_set.validation,
                "VARCHAR2", value_set.length_max, _flag(yes=value_set.protected),
                _SETUP_STAMP, "IMPL", _SETUP_UPDATED, "IMPL",
            )],
        )  # fmt: skip
        rows = [_value_row(i, set_id, v) for i, v in enumerate(value_set.values, value_id)]
        _fill(store, "segment_values", rows)
        value_id += len(rows)


def _value_row(value_id: int, set_id: int, value: SegmentValue) -> tuple[Any, ...]:
    postable = _flag(yes=not value.summary)
    return (
        value_id, set_id, value_id, None, value.value, value.description,
        _flag(yes=value.enabled), value.starts_on.isoformat() if value.starts_on else None,
        value.ends_on.isoformat() if value.ends_on else None, None, _flag(yes=value.summary),
        postable, postable, value.account_type, "N", "N", None, None,
        _SETUP_STAMP, "IMPL", _SETUP_UPDATED, "IMPL",
    )  # fmt: skip


def _fill(store: Store, table: str, rows: Any) -> None:
    listed = [tuple(row) for row in rows]
    if listed:
        marks = ",".join("?" * len(listed[0]))
        store.execute_many(f"INSERT INTO {table} VALUES ({marks})", listed)  # noqa: S608 - our own names


def _flag(*, yes: bool) -> str:
    return "Y" if yes else "N"
