"""A period by account and by cell, read from the files its tie-out was made of."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from ml_connector.domain.ledger import Totals
from ml_connector.domain.money import ZERO, exact_money
from ml_connector.domain.summaries import EXCLUDED_PREFIX, MAPPED, SUSPENSE, UNMAPPED, sign_amount
from ml_connector.flows.bench import read_document
from ml_connector.ports import Archive, Json
from ml_connector.ports.standings import Standing

ROWS_MAX = 100_000
"""Accounts or cells of one period of one ledger that are looked at; more are counted only."""
KEY_PARTS = 4
"""Parts behind the intersection in the key of a contribution: ledger, period, currency, sign."""

REFUSED = "refused"
"""The way of lines whose cells the model refused; no placement is called so."""
PLACES = {MAPPED: "mapped", SUSPENSE: "suspense", UNMAPPED: "unmapped"}
"""By placement, where an account's amount is added up."""
BUDGET_WORDS = (
    ("approved", "approved"), ("before", "held before"), ("posted", "posted"),
    ("refused", "refused"), ("after", "held after"),
)  # fmt: skip


@dataclass(slots=True, kw_only=True)
class AccountRow:
    """Where one account combination's amount went, debit positive."""

    combination: str
    currency: str
    erp: Decimal = ZERO
    archived: Decimal = ZERO
    excluded: Decimal = ZERO
    unmapped: Decimal = ZERO
    suspense: Decimal = ZERO
    mapped: Decimal = ZERO
    lines: int = 0

    @property
    def unexplained(self) -> Decimal:
        """What the ERP says and no placement holds."""
        return self.erp - self.excluded - self.unmapped - self.suspense - self.mapped

    def add_placed(self, placement: str, net: Decimal) -> None:
        """So much went there."""
        name = "excluded" if placement.startswith(EXCLUDED_PREFIX) else PLACES[placement]
        setattr(self, name, getattr(self, name) + net)


@dataclass(slots=True, kw_only=True)
class CellRow:
    """One cell of the model the ledger's lines go to, in the model's sign."""

    key: tuple[str, ...]
    currency: str
    given: Decimal = ZERO
    """What this ledger's lines say."""
    wanted: Decimal = ZERO
    """What all lines say, of whichever ledger and period."""
    held: Decimal = ZERO
    lines: int = 0
    is_refused: bool = False

    @property
    def difference(self) -> Decimal:
        """What the lines say and the model does not hold."""
        return self.wanted - self.held


@dataclass(slots=True, kw_only=True)
class PeriodDetail:
    """A period as its tie-out saw it, every account and cell of it.

    Attributes:
        accounts: By currency and combination.
        cells: By intersection.
        differences: Of any hop, each as a sentence of a report.
        is_cut: There are accounts or cells beyond the limit.
        debits: By currency and placement, and of lines in refused cells; empty where not known.
    """

    accounts: list[AccountRow] = field(default_factory=list)
    cells: list[CellRow] = field(default_factory=list)
    differences: list[Json] = field(default_factory=list)
    is_cut: bool = False
    debits: dict[tuple[str, str], Decimal] = field(default_factory=dict)

    @property
    def cut(self) -> str:
        """What is said wherever rows are left out; nothing where all are there."""
        if not self.is_cut:
            return ""
        return (
            f"There are more accounts or cells than are listed: the limit is {ROWS_MAX:,} of each."
            " The totals are of all of them."
        )

    def add_debit(self, currency: str, way: str, amount: Decimal) -> None:
        """So much more money went that way."""
        self.debits[currency, way] = self.debits.get((currency, way), ZERO) + amount


def read_detail(archive: Archive, standing: Standing) -> PeriodDetail:
    """The period by account and cell; empty where no tie-out was made of it.

    Every file is read once, as a stream; what is kept is the period's own.
    """
    if not standing.report:
        return PeriodDetail()
    with exact_money():
        report = read_document(archive, standing.report)
        if "evidence" not in report:
            return PeriodDetail(differences=list(_tell_accounts(report, standing)))
        evidence, detail = report["evidence"], PeriodDetail()
        detail.accounts = _read_accounts(archive, evidence, standing, detail)
        detail.cells = _read_cells(archive, evidence, standing, detail)
        keys = {cell.key for cell in detail.cells} if report["differences"] else set()
        pair = [standing.ledger, standing.period]
        detail.differences = [
            row for row in report["differences"]
            if row["key"][:2] == pair or tuple(row["key"]) in keys
        ]  # fmt: skip
    return detail


def _tell_accounts(report: Json, standing: Standing) -> Iterator[Json]:
    """Yield what differs of a budget's period, account by account; it has no cells."""
    for row in report["differences"]:
        if (row["ledger"], row["period"]) == (standing.ledger, standing.period):
            told = ", ".join(f"{word} {row[name]}" for name, word in BUDGET_WORDS)
            yield {"hop": "approved and held", "sentence": f"{row['account']}: {told}."}


def _read_accounts(
    archive: Archive, evidence: Json, standing: Standing, detail: PeriodDetail
) -> list[AccountRow]:
    found: dict[tuple[str, str], AccountRow] = {}

    def find(key: Sequence[str]) -> AccountRow:
        at = (key[2], key[3])
        row = found.get(at)
        if row is None:
            row = AccountRow(combination=key[3], currency=key[2])
            if len(found) >= ROWS_MAX:
                detail.is_cut = True
            else:
                found[at] = row
        return row

    for key, totals in _read_pair(archive, evidence["erp"], standing):
        find(key).erp += totals.net
    for key, totals in _read_pair(archive, evidence["archived"], standing):
        row = find(key)
        row.archived += totals.net
        row.lines += totals.lines
    for key, totals in _read_pair(archive, [evidence["placed"]], standing):
        detail.add_debit(key[2], key[4], totals.debit)
        find(key).add_placed(key[4], totals.net)
    return [found[at] for at in sorted(found)]


def _read_cells(
    archive: Archive, evidence: Json, standing: Standing, detail: PeriodDetail
) -> list[CellRow]:
    """The cells the ledger's lines go to, with all that goes there."""
    found: dict[tuple[str, ...], CellRow] = {}
    refused = _read_refused(archive, evidence)
    pair = (standing.ledger, standing.period)
    others: tuple[tuple[str, ...], Decimal, int] = ((), ZERO, 0)
    for key, totals in archive.read_totals(evidence["contributions"]):
        cell, (ledger, period, currency, sign) = key[:-KEY_PARTS], key[-KEY_PARTS:]
        is_ours = (ledger, period) == pair
        amount = sign_amount(totals.net, sign=int(sign))
        before = others if others[0] == cell else (cell, ZERO, 0)
        others = (cell, before[1] + amount, before[2] + totals.lines)
        if is_ours and cell in refused:
            detail.add_debit(currency, REFUSED, totals.debit)
        row = found.get(cell)
        if row is None:
            if not is_ours:
                continue
            if len(found) >= ROWS_MAX:
                detail.is_cut = True
                continue
            row = CellRow(key=cell, currency=currency, is_refused=cell in refused)
            found[cell] = row
        row.given += amount if is_ours else ZERO
        _, row.wanted, row.lines = others
    for cell, totals in archive.read_totals(evidence["held"]):
        if cell in found:
            found[cell].held = totals.net
    return [found[cell] for cell in sorted(found)]


def _read_refused(archive: Archive, evidence: Json) -> set[tuple[str, ...]]:
    """The cells that were refused; where nothing was sent, those that wait for it."""
    if not evidence["refused"]:
        return set()
    return {tuple(key) for key, _ in read_document(archive, evidence["refused"])}


def _read_pair(
    archive: Archive, files: Iterable[str], standing: Standing
) -> Iterator[tuple[tuple[str, ...], Totals]]:
    """Yield what the files hold of the period; they ascend by ledger and period."""
    pair = (standing.ledger, standing.period)
    for file_hash in files:
        for key, totals in archive.read_totals(file_hash):
            if key[:2] == pair:
                yield key, totals
            elif key[:2] > pair:
                break
