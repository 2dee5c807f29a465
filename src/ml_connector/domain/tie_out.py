"""The tie-out: every amount followed from the ERP to the model, compared at each hop.

Two passes over sorted streams. The first goes by account combination and compares what the ERP
says, what the archive holds and where the mapping put it. The second goes by target intersection
and compares what lines were given to it, its summary, its plan, its refusal and what the model
holds. Between the two passes the totals per ledger, period and currency must agree.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter
from typing import Any

from ml_connector.domain.differences import (
    DIFFERENCES_MAX,
    Difference,
    DifferenceLog,
    Hop,
    HopTotals,
    Measure,
    Place,
)
from ml_connector.domain.ledger import CombinationKey, Scope, Totals
from ml_connector.domain.money import ZERO, exact_money
from ml_connector.domain.plan import PlannedCell
from ml_connector.domain.streams import Key, SortedStream, find_least_key
from ml_connector.domain.summaries import (
    Contribution,
    Placed,
    Summary,
    SummaryKey,
    sign_amount,
)
from ml_connector.domain.tie_out_rows import NONE, SEVERAL, TieOutBooks, TieOutRow


@dataclass(frozen=True, slots=True, kw_only=True)
class TieOutEvidence:
    """What a tie-out compares: streams in ascending key order, each read once.

    Attributes:
        erp: The ERP's own net per combination; a combination it leaves out counts as zero.
        archived: Totals per combination from the archive's current revisions.
        placed: The same lines by where they went; each placement once per combination.
        contributions: Mapped and suspense lines by intersection; each scope and sign once per key.
        summed: The summaries that were planned from.
        shadow_before: What the model was last told and took, before this load.
        planned: The cells that were sent; only those that differ.
        refused: Keys of planned cells the model did not take.
        held: What the model holds on read-back; a cell left out counts as zero.
        currency_of: The currency of a cell that no line gives anything.
        differences_max: How many differences are kept with their keys.
    """

    erp: Iterable[tuple[CombinationKey, Decimal]]
    archived: Iterable[tuple[CombinationKey, Totals]]
    placed: Iterable[Placed]
    contributions: Iterable[Contribution]
    summed: Iterable[Summary]
    shadow_before: Iterable[tuple[SummaryKey, Decimal]]
    planned: Iterable[PlannedCell]
    refused: Iterable[SummaryKey]
    held: Iterable[tuple[SummaryKey, Decimal]]
    currency_of: Callable[[SummaryKey], str]
    differences_max: int = DIFFERENCES_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class TieOut:
    """What was found: the bridge per scope, the first differences, and the sums of all."""

    rows: tuple[TieOutRow, ...]
    differences: tuple[Difference, ...]
    differences_count: int
    totals: tuple[HopTotals, ...] = ()

    @property
    def is_tied(self) -> bool:
        """Whether no hop has a difference and no row anything unexplained."""
        return self.differences_count == 0 and all(row.unexplained == ZERO for row in self.rows)


def tie_out(evidence: TieOutEvidence) -> TieOut:
    """What the streams say about each other; nothing is held but scopes and first differences.

    Raises:
        OutOfOrderError: A stream repeats a key or goes back; nothing it says can be trusted.
        UnknownPlacementError: A line was placed where no line can be.
    """
    with exact_money():
        books = TieOutBooks(log=DifferenceLog(differences_max=evidence.differences_max))
        _compare_combinations(evidence, books)
        _compare_cells(evidence, books)
        _compare_scopes(books)
        return TieOut(
            rows=books.render_rows(),
            differences=tuple(books.log.kept),
            differences_count=books.log.count,
            totals=books.log.render_totals(),
        )


def _compare_combinations(evidence: TieOutEvidence, books: TieOutBooks) -> None:
    """ERP = archived = everything the mapping placed, per account combination."""
    erp = SortedStream(evidence.erp, name="ERP balances", key_of=itemgetter(0))
    archived = SortedStream(evidence.archived, name="archived totals", key_of=itemgetter(0))
    placed = SortedStream(evidence.placed, name="placed totals", key_of=itemgetter(0))
    while (at := find_least_key(erp, archived, placed)) is not None:
        key = CombinationKey(*at)
        balance, total = erp.take_one(at), archived.take_one(at)
        rows = placed.take_all(at, part_of=lambda row: (row.placement,))
        net = balance[1] if balance else ZERO
        totals = total[1] if total else Totals()
        _place_of(books, Hop.ERP, key).compare(Measure.NET, net, totals.net)
        _place_of(books, Hop.PLACED, key).compare_totals(totals, _sum_totals(rows))
        books.add_combination(key.scope, erp=net, archived=totals, placed=rows)


def _compare_scopes(books: TieOutBooks) -> None:
    """Nothing falls between the passes: lines sent on = lines given to intersections."""
    for scope, sums in sorted(books.scopes.items()):
        place = Place(log=books.log, hop=Hop.SCOPE, key=scope, currency=scope.currency)
        place.compare_totals(sums.sent_on, sums.contributed)


def _sum_totals(rows: Iterable[Placed]) -> Totals:
    total = Totals()
    for row in rows:
        total = total + row.totals
    return total


def _place_of(books: TieOutBooks, hop: Hop, key: CombinationKey) -> Place:
    return Place(log=books.log, hop=hop, key=key, currency=key.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    """All that the streams say about one intersection."""

    key: SummaryKey
    currency: str
    contributions: Sequence[Contribution]
    summary: Summary
    before: Decimal
    planned: PlannedCell | None
    is_refused: bool
    held: Decimal

    @property
    def given(self) -> Decimal:
        """What the lines say, in the target's sign."""
        return sum((row.amount for row in self.contributions), ZERO)

    @property
    def delta(self) -> Decimal:
        """What the plan moves the cell by."""
        return self.planned.after - self.planned.before if self.planned else ZERO

    @property
    def is_mixed(self) -> bool:
        """Whether lines of several currencies were put on the intersection."""
        return self.currency == SEVERAL

    def place(self, hop: Hop, log: DifferenceLog) -> Place:
        return Place(log=log, hop=hop, key=self.key, currency=self.currency)


def _compare_cells(evidence: TieOutEvidence, books: TieOutBooks) -> None:
    """Contributions = summed; summed - shadow = planned = accepted + refused; held follows."""
    for cell in _join_cells(evidence):
        for row in cell.contributions:
            books.add_contribution(row)
        _compare_summary(cell, books.log)
        _compare_plan(cell, cell.place(Hop.PLANNED, books.log))
        if cell.is_refused and cell.planned is None:
            cell.place(Hop.REFUSED, books.log).compare(Measure.CELLS, 0, 1)
        accepted = ZERO if cell.is_refused else cell.delta
        cell.place(Hop.HELD, books.log).compare(Measure.AMOUNT, cell.before + accepted, cell.held)
        _attribute(cell, books)


def _join_cells(evidence: TieOutEvidence) -> Iterator[_Cell]:
    first: Callable[[Any], Key] = itemgetter(0)
    given = SortedStream(evidence.contributions, name="contributions", key_of=first)
    summed = SortedStream(evidence.summed, name="summaries", key_of=first)
    shadow = SortedStream(evidence.shadow_before, name="shadow", key_of=first)
    planned = SortedStream(evidence.planned, name="plan", key_of=first)
    refused = SortedStream(evidence.refused, name="refused summaries", key_of=lambda key: key)
    held = SortedStream(evidence.held, name="model", key_of=first)
    while (key := find_least_key(given, summed, shadow, planned, refused, held)) is not None:
        rows = given.take_all(key, part_of=lambda row: (*row.scope, row.sign))
        before, now = shadow.take_one(key), held.take_one(key)
        yield _Cell(
            key=key,
            currency=_currency_of(rows) or evidence.currency_of(key),
            contributions=rows,
            summary=summed.take_one(key) or Summary(key, ZERO, 0),
            before=before[1] if before else ZERO,
            planned=planned.take_one(key),
            is_refused=refused.take_one(key) is not None,
            held=now[1] if now else ZERO,
        )


def _currency_of(rows: Sequence[Contribution]) -> str:
    currencies = {row.scope.currency for row in rows}
    return _same_or(SEVERAL, currencies) if currencies else ""


def _compare_summary(cell: _Cell, log: DifferenceLog) -> None:
    if cell.is_mixed:
        count = len({row.scope.currency for row in cell.contributions})
        cell.place(Hop.CURRENCY, log).compare(Measure.CURRENCIES, 1, count)
        return
    place = cell.place(Hop.SUMMED, log)
    place.compare(Measure.AMOUNT, cell.given, cell.summary.amount)
    lines = sum(row.totals.lines for row in cell.contributions)
    place.compare(Measure.LINES, lines, cell.summary.lines)


def _compare_plan(cell: _Cell, place: Place) -> None:
    wanted = cell.summary.amount - cell.before
    if cell.planned is None:
        if wanted:
            place.note(Measure.AMOUNT, wanted, None)
        return
    place.compare(Measure.CELLS, 1 if wanted else 0, 1)
    place.compare(Measure.AMOUNT, wanted, cell.delta)
    place.compare(Measure.BEFORE, cell.before, cell.planned.before)
    place.compare(Measure.LINES, cell.summary.lines, cell.planned.lines)


def _attribute(cell: _Cell, books: TieOutBooks) -> None:
    """What the model holds goes to the scopes whose lines it stands for, in their own sign.

    Each scope is credited with what its lines say; what the cell holds beyond that goes to the one
    scope it can belong to, or to the row of several or of none.
    """
    if cell.is_mixed:
        rest = cell.held
    else:
        rest = cell.held - cell.given
        for row in cell.contributions:
            books.sums_of(row.scope).held += row.totals.net
    refused = cell.delta if cell.is_refused else ZERO
    if not rest and not refused:
        return
    signs = {row.sign for row in cell.contributions}
    sign = signs.pop() if len(signs) == 1 else 1
    sums = books.sums_of(_home_of(cell))
    sums.held += sign_amount(rest, sign=sign)
    sums.refused += sign_amount(refused, sign=sign)


def _home_of(cell: _Cell) -> Scope:
    if not cell.contributions:
        return Scope(NONE, NONE, cell.currency)
    scopes = [row.scope for row in cell.contributions]
    return Scope(
        _same_or(SEVERAL, {scope.ledger for scope in scopes}),
        _same_or(SEVERAL, {scope.period for scope in scopes}),
        cell.currency,
    )


def _same_or(otherwise: str, names: AbstractSet[str]) -> str:
    return next(iter(names)) if len(names) == 1 else otherwise
