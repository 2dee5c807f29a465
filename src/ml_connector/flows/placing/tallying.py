"""What placing finds, by rule and by value, kept so that no page has to read the archive for it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from ml_connector.domain.ledger import Totals
from ml_connector.domain.mapping_values import find_main_fact
from ml_connector.domain.money import render_plain
from ml_connector.flows.bench import store_document
from ml_connector.flows.ledger.books import Pair
from ml_connector.flows.placing.summing import Place, Placer, sum_member
from ml_connector.flows.run import ActualsRun
from ml_connector.ports import Json, LineSum
from ml_connector.ports.unmapped import PlacedRow, UnmappedSum

VALUES_MAX = 50_000
"""Unmapped values told one by one of a planning period; whoever has more lacks a whole rule."""
YOUNG_MAX = 20_000
"""Sets of rules added up together, before they are added up rule by rule."""

_Scope = tuple[str, str, str]
"""Ledger, period and currency."""


@dataclass(slots=True)
class _Value:
    """An unmapped value in one ledger period and currency, and the first line sum met on it."""

    first: LineSum
    facts: Mapping[str, str]
    totals: Totals


@dataclass(slots=True)
class Tally:
    """Amounts by placement, by rule and by unmapped value, while a planning period is summed."""

    placer: Placer
    left_out: int = 0
    """Values beyond `VALUES_MAX`."""
    _young: dict[tuple[_Scope, str, tuple[str, ...]], Totals] = field(default_factory=dict)
    _placed: dict[tuple[str, ...], Totals] = field(default_factory=dict)
    _rules: dict[tuple[str, ...], Totals] = field(default_factory=dict)
    _values: dict[tuple[str, ...], _Value] = field(default_factory=dict)
    _facts: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, place: Place, facts: Mapping[str, str], line_sum: LineSum) -> None:
        """Line sums that went there are counted."""
        scope = (line_sum.ledger, line_sum.period, line_sum.currency)
        key = (scope, place.placement, place.rule_ids)
        held = self._young.get(key)
        self._young[key] = line_sum.totals if held is None else held + line_sum.totals
        if len(self._young) > YOUNG_MAX:
            self._settle()
        for dimension in place.missing:
            self._add_value(dimension, facts, line_sum)

    def _add_value(self, dimension: str, facts: Mapping[str, str], line_sum: LineSum) -> None:
        fact = self._find_fact(dimension, facts)
        scope = (line_sum.ledger, line_sum.period, line_sum.currency)
        key = (dimension, fact, facts.get(fact, ""), *scope)
        held = self._values.get(key)
        if held is not None:
            held.totals += line_sum.totals
        elif len(self._values) < VALUES_MAX:
            self._values[key] = _Value(line_sum, dict(facts), line_sum.totals)
        else:
            self.left_out += 1

    def _find_fact(self, dimension: str, facts: Mapping[str, str]) -> str:
        key = (dimension, facts["chart"])
        if key not in self._facts:
            self._facts[key] = find_main_fact(dimension, self.placer.mapper.mapping, facts)
        return self._facts[key]

    def _settle(self) -> None:
        """What was added up by sets of rules is added up by rule."""
        dimensions = self.placer.mapper.dimensions
        for (scope, placement, rule_ids), totals in self._young.items():
            _grow(self._placed, (*scope, placement), totals)
            for dimension, rule_id in zip(dimensions, rule_ids, strict=False):
                if rule_id:
                    _grow(self._rules, (dimension, rule_id, scope[2]), totals)
        self._young.clear()

    def render(self) -> Json:
        """Amounts by placement and by rule, for the archive."""
        self._settle()
        return {
            "placed": [_render(key, its) for key, its in sorted(self._placed.items())],
            "rules": [_render(key, its) for key, its in sorted(self._rules.items())],
            "left_out": self.left_out,
        }

    def list_values(self) -> Iterator[UnmappedSum]:
        """Yield what lies on values no rule takes."""
        for key, its in sorted(self._values.items()):
            dimension, fact, value, ledger, period, currency = key
            yield UnmappedSum(
                dimension=dimension, fact=fact, value=value, ledger=ledger, period=period,
                currency=currency, debit=its.totals.debit, credit=its.totals.credit,
                lines=its.totals.lines, facts=its.facts, on=its.first.accounting_date,
            )  # fmt: skip


def _grow(sums: dict[tuple[str, ...], Totals], key: tuple[str, ...], totals: Totals) -> None:
    held = sums.get(key)
    sums[key] = totals if held is None else held + totals


def _render(key: tuple[str, ...], totals: Totals) -> list[str | int]:
    return [*key, render_plain(totals.debit), render_plain(totals.credit), totals.lines]


def parse_totals(row: list[str | int]) -> Totals:
    """The totals at the end of a row of a tally."""
    return Totals(debit=Decimal(row[-3]), credit=Decimal(row[-2]), lines=int(row[-1]))


def place_member(run: ActualsRun, member: str, pairs: list[Pair]) -> Json:
    """As `sum_member`; besides, the records know what the rules reach in the period.

    Repeatable: what was told of the period before is replaced.
    """
    bench = run.bench
    tally = Tally(run.placer)
    sums = sum_member(bench, run.placer, member, pairs, tally=tally)
    document = {"file": sums["unmapped"], "stamp": sums["stamp"], **tally.render()}
    placed = PlacedRow(
        flow=bench.flow.name, member=member, mapping_hash=run.pins["mapping_hash"],
        document=store_document(bench.archive, document), run_id=run.pins["run_id"],
        at=bench.clock.now(),
    )  # fmt: skip
    bench.records.unmapped.save_placed(placed, tally.list_values(), is_look=not run.sends)
    if run.sends:
        _leave_periods(run)
    return sums


def _leave_periods(run: ActualsRun) -> None:
    """Periods that the flow has no longer hold nothing in the queue any more; the chain says so."""
    records, flow = run.bench.records, run.bench.flow.name
    with records.transactions.begin(f"periods that have left {flow}"):
        left = records.unmapped.keep_periods(flow, set(run.books.members.values()))
        for member, values in left.items():
            records.audit.record(
                "unmapped.period-left", subject=flow, actor=run.bench.actor,
                run_id=run.pins["run_id"], member=member, values=values,
            )  # fmt: skip
