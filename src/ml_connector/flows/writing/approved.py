"""The approved view: exported, read whole, every row an account of the ledger or a named fault."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ml_connector.domain.cell_values import CellValueError, is_blank
from ml_connector.domain.money import DIGITS_MAX, ZERO, count_decimals, count_digits, render_plain
from ml_connector.domain.signs import SignRule
from ml_connector.errors import RefusedError
from ml_connector.flows.bench import BudgetBench, read_document, store_document
from ml_connector.flows.proving.readback import read_view
from ml_connector.flows.writing.view_amounts import AmountColumn, open_amounts
from ml_connector.ports import JournalAccount, Json
from ml_connector.settings import BudgetColumns

FAULTS_SHOWN_MAX = 20
ROWS_MAX = 2_000_000
"""Rows of an export; an approved budget of that many cells is somebody's mistake."""


class ApprovedViewError(RefusedError):
    """Rows of the approved view cannot be posted; all of them are listed in the run's document."""

    code = "budgets.rows-refused"


class ApprovedViewEmptyError(RefusedError):
    """The approved view shows no row of the flow's ledgers, months and version."""

    code = "budgets.view-empty"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """What rows of the view become: pairs by company and month, accounts by their facts."""

    pairs: Mapping[tuple[str, str], tuple[str, str, str]]
    """Company and planning month to ledger, period and currency."""
    accounts: Mapping[tuple[str, str, str], JournalAccount]
    """Ledger, business unit and account to the account as journals name it."""
    types: Mapping[str, str]
    """Account to its type; empty when no sign is turned."""


@dataclass(slots=True)
class Reading:
    """The rows taken so far, by pair and account, and what is wrong with the others."""

    amounts: dict[tuple[str, str], dict[str, Decimal]] = field(default_factory=dict)
    rows: int = 0
    ignored: int = 0
    faults: list[Json] = field(default_factory=list)


def read_approved(bench: BudgetBench, accounts: Accounts, export_hash: str) -> Json:
    """The view's amounts by ledger, period and account, archived, in the ledger's own sign.

    Rows of other versions, companies and months are counted, not read. Cells of several rows on
    one account add up.

    Raises:
        ApprovedViewEmptyError: Nothing of it belongs to the flow.
        ApprovedViewError: Some rows cannot be posted; nothing is planned of the others either.
    """
    reading = Reading()
    take = _make_taker(bench, accounts, reading, _open_amounts(bench, export_hash))
    for number, row in enumerate(_read_rows(bench, export_hash), start=2):
        take(number, row)
    if reading.faults:
        raise _refuse(bench, reading)
    if not reading.rows:
        raise _empty(bench, reading)
    document = {
        "|".join(pair): {account: render_plain(amount) for account, amount in its.items() if amount}
        for pair, its in reading.amounts.items()
    }
    return {
        "rows": reading.rows,
        "ignored": reading.ignored,
        "document": store_document(bench.archive, document),
    }


def parse_approved(document: Mapping[str, Mapping[str, str]]) -> dict[tuple[str, str], Any]:
    """Amounts by account, by (ledger, period), as they were archived."""
    found = {}
    for text, amounts in document.items():
        ledger, period = text.split("|")
        found[ledger, period] = {account: Decimal(text) for account, text in amounts.items()}
    return found


def list_pairs(bench: BudgetBench, approved_hash: str) -> list[tuple[str, str]]:
    """The ledgers and periods of archived amounts, in order."""
    return sorted(parse_approved(read_document(bench.archive, approved_hash)))


def _read_rows(bench: BudgetBench, export_hash: str) -> Iterator[dict[str, str]]:
    columns = bench.flow.columns
    wanted = [columns.company.column, columns.account.column, columns.business_unit.column]
    wanted += [columns.period, columns.amount, *([columns.version] if columns.version else [])]
    return read_view(bench, export_hash, wanted, rows_max=ROWS_MAX, error=ApprovedViewError)


def _open_amounts(bench: BudgetBench, export_hash: str) -> AmountColumn:
    column = bench.flow.columns.amount
    return open_amounts(
        bench.flow.numbers, lambda: (row[column] for row in _read_rows(bench, export_hash))
    )


def _make_taker(
    bench: BudgetBench, accounts: Accounts, reading: Reading, amounts: AmountColumn
) -> Callable[[int, dict[str, str]], None]:
    flow, columns = bench.flow, bench.flow.columns
    codes = {
        which: _read_codes(bench, getattr(columns, which).list)
        for which in ("company", "account", "business_unit")
    }
    signs = SignRule(flip_types=frozenset(flow.signs.flip))

    def find_code(which: str, row: dict[str, str]) -> str:
        text = row[getattr(columns, which).column].strip()
        return codes[which].get(text, text)

    def take(number: int, row: dict[str, str]) -> None:
        version = row[columns.version].strip() if columns.version else flow.version
        if version not in {flow.version, ""}:
            reading.ignored += 1
            return
        at = accounts.pairs.get((find_code("company", row), row[columns.period].strip()))
        unit, account = find_code("business_unit", row), find_code("account", row)
        where = {"row": number, "account": f"{unit}.{account}", "amount": row[columns.amount]}
        nowhere = _find_blank(row, columns)
        if nowhere:
            reading.faults.append(where | {"fault": f"the row names no {nowhere}"})
            return
        if at is None or version != flow.version:
            reading.ignored += 1
            return
        ledger, period, currency = at
        try:
            amount = amounts.parse(row[columns.amount], decimals=bench.decimals[currency])
        except CellValueError as error:
            reading.faults.append(where | {"fault": error.reason})
            return
        reading.rows += 1
        its = reading.amounts.setdefault((ledger, period), {})
        if not amount:
            return
        found = accounts.accounts.get((ledger, unit, account))
        fault = _find_fault(found, amount, ledger=ledger, decimals=bench.decimals[currency])
        account_type = accounts.types.get(account, "")
        if flow.signs.flip and not account_type:
            # Guessed wrong, the budget would stand in the ledger with the opposite sign.
            fault = fault or "nobody says of what type the account is, so its sign is not known"
        if fault or found is None:
            reading.faults.append(where | {"fault": fault})
            return
        amount = signs.undo_sign(amount, account_type=account_type)
        its[found.account] = its.get(found.account, ZERO) + amount

    return take


def _find_blank(row: Mapping[str, str], columns: BudgetColumns) -> str:
    """Which fact a row with an amount leaves blank, so that it would be left out unseen."""
    facts = {"company": columns.company.column, "period": columns.period}
    if columns.version:
        facts["version"] = columns.version
    if is_blank(row[columns.amount]):
        return ""
    return next((fact for fact, column in facts.items() if is_blank(row[column])), "")


def _find_fault(
    found: JournalAccount | None, amount: Decimal, *, ledger: str, decimals: int
) -> str:
    if found is None:
        return f"ledger {ledger} has no such account"
    if found.refuses:
        return found.refuses
    if count_decimals(amount) > decimals:
        return f"more than {decimals} decimals"
    if amount.adjusted() >= DIGITS_MAX or count_digits(amount) > DIGITS_MAX:
        return f"more than {DIGITS_MAX} digits, which no cell of a model keeps"
    return ""


def _read_codes(bench: BudgetBench, list_name: str) -> dict[str, str]:
    """Display name to code; exports show members by name."""
    if not list_name:
        return {}
    return {m.name: m.code for m in bench.target.read_list_members(list_name) if m.code}


def _refuse(bench: BudgetBench, reading: Reading) -> ApprovedViewError:
    document = store_document(bench.archive, reading.faults)
    shown = "; ".join(
        f"row {one['row']}: {one['account']}, {one['amount']!r}: {one['fault']}"
        for one in reading.faults[:FAULTS_SHOWN_MAX]
    )
    more = len(reading.faults) - FAULTS_SHOWN_MAX
    return ApprovedViewError(
        f"{len(reading.faults):,} rows of the export {bench.flow.export!r} cannot be posted:"
        f" {shown}{f' and {more:,} more' if more > 0 else ''}.",
        written="Nothing was posted, of the other rows neither.",
        next_step="Correct them in the model, or leave them out of the approved view.",
        document=document, faults=str(len(reading.faults)),
    )  # fmt: skip


def _empty(bench: BudgetBench, reading: Reading) -> ApprovedViewEmptyError:
    flow = bench.flow
    version = f" in version {flow.version!r}" if flow.version else ""
    return ApprovedViewEmptyError(
        f"The export {flow.export!r} has {reading.ignored:,} rows, and none of"
        f" {', '.join(flow.ledgers)} from {flow.first_month} to {flow.last_month}{version}.",
        written="Nothing was posted; the ledger keeps what it holds.",
        next_step="Look at the view in the model: was it approved, filtered or emptied? Then run"
        " again.",
        export=flow.export,
    )
