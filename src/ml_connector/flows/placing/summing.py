"""Summing: archived lines become summaries on target intersections, by rule and by sign."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple, Protocol

from ml_connector.domain.ledger import Chart, Scope
from ml_connector.domain.mapping import Mapped, Mapper
from ml_connector.domain.mapping_rules import MappingSet
from ml_connector.domain.patterns import Condition, parse_pattern
from ml_connector.domain.signs import SignRule
from ml_connector.domain.summaries import (
    EXCLUDED_PREFIX,
    MAPPED,
    SUSPENSE,
    UNMAPPED,
    Contribution,
    SummaryKey,
    sum_contributions,
)
from ml_connector.errors import RefusedError
from ml_connector.flows.bench import ActualsBench, read_document, store_document
from ml_connector.flows.ledger.books import Pair
from ml_connector.flows.ledger.reading import read_pairs, stamp_pairs
from ml_connector.ports import Json, LineSum, TotalsSorter


class ChartNotConfiguredError(RefusedError):
    """Lines use a chart of accounts the connection's settings do not describe."""

    code = "summing.chart-not-configured"


class CombinationUnknownError(RefusedError):
    """Lines lie on an account the ERP's account master does not show."""

    code = "summing.combination-unknown"


class AccountTypeUnknownError(RefusedError):
    """The flow turns signs by account type, and an account with lines has none."""

    code = "summing.account-type-unknown"


def pin_combinations(bench: ActualsBench, charts: Iterable[str]) -> str:
    """What the combinations of keyed charts stand for, archived once per run; returns its hash.

    Empty when every chart shows its segments in its combinations.
    """
    keyed = [chart for chart in map(bench.source.find_chart, charts) if chart and chart.is_keyed]
    if not keyed:
        return ""
    found = {chart.name: dict(bench.source.read_combinations(chart.name)) for chart in keyed}
    return store_document(bench.archive, found)


def read_combinations(bench: ActualsBench, file_hash: str) -> dict[str, dict[str, str]]:
    """What combinations stood for when that was pinned, by chart."""
    return dict(read_document(bench.archive, file_hash)) if file_hash else {}


def pin_account_types(bench: ActualsBench) -> str:
    """Account type by chart and account value, archived once per run; returns its hash."""
    found: dict[str, dict[str, str]] = {}
    if bench.flow.signs.flip:
        for chart, dimension in bench.flow.signs.account_types.items():
            members = bench.source.read_members(dimension)
            found[chart] = {m.code: dict(m.properties).get("account_type", "") for m in members}
    return store_document(bench.archive, found)


class Place(NamedTuple):
    """Where lines go: the placement, their members if they go on, and what no rule maps."""

    placement: str
    targets: dict[str, str] | None
    missing: tuple[str, ...]
    rule_ids: tuple[str, ...] = ()
    """Of the rules that decided, in the mapper's order of dimensions; empty text where none did."""


class Teller(Protocol):
    """Hears of every line sum where it goes."""

    def add(self, place: Place, facts: Mapping[str, str], line_sum: LineSum) -> None:
        """Line sums of these facts went there."""


@dataclass(slots=True, kw_only=True)
class Placer:
    """Decides for each line sum where it goes; remembers what it has decided."""

    bench: ActualsBench
    mapper: Mapper
    account_types: Mapping[str, Mapping[str, str]]
    combinations: Mapping[str, Mapping[str, str]]
    exclusions: tuple[tuple[str, tuple[Condition, ...]], ...]
    signs: SignRule
    charts: dict[str, Chart] = field(default_factory=dict)

    def facts_of(self, line_sum: LineSum) -> dict[str, str]:
        """Everything a rule may look at: segments by name, and where the lines come from."""
        facts = self._split(self._chart(line_sum.chart), line_sum.combination)
        facts |= {
            "ledger": line_sum.ledger,
            "chart": line_sum.chart,
            "currency": line_sum.currency,
            "source": line_sum.source,
            "category": line_sum.category,
        }
        return facts

    def name_combination(self, combination: str) -> str:
        """What an account's id stands for, as facts rules may name; else empty."""
        for chart, texts in self.combinations.items():
            if combination in texts:
                facts = self._chart(chart).split(texts[combination])
                return ", ".join(f"{name}={value}" for name, value in facts.items() if value)
        return ""

    def _split(self, chart: Chart, combination: str) -> dict[str, str]:
        if not chart.is_keyed:
            return chart.split(combination)
        text = self.combinations.get(chart.name, {}).get(combination)
        if text is None:
            raise CombinationUnknownError(
                f"Lines lie on account {combination!r}, which the account master of"
                f" {self.bench.source.connection} does not show.",
                written="Nothing of its period was sent.",
                next_step="Look for the account in the ERP. If it was opened after this run began,"
                f" start a new run: `ml-connector run {self.bench.flow.name}`; else check whether"
                " row security hides its business unit from the integration user.",
                combination=combination, chart=chart.name,
            )  # fmt: skip
        return chart.split(text)

    def _chart(self, name: str) -> Chart:
        chart = self.charts.get(name) or self.bench.source.find_chart(name)
        if chart is None:
            raise ChartNotConfiguredError(
                f"Lines use the chart of accounts {name!r}, which connection"
                f" {self.bench.source.connection} does not describe.",
                written="Nothing of its period was sent.",
                next_step="Add the chart under `charts` in"
                f" connections/{self.bench.source.connection}.yaml.",
                chart=name,
            )
        return self.charts.setdefault(name, chart)

    def find_exclusion(self, facts: Mapping[str, str]) -> str | None:
        """The first named exclusion that takes these lines."""
        return next(
            (name for name, when in self.exclusions if all(one.holds(facts) for one in when)), None
        )

    def find_place(self, facts: Mapping[str, str], on: date) -> Place:
        """Where lines of these facts and this accounting date go."""
        exclusion = self.find_exclusion(facts)
        if exclusion is not None:
            return Place(EXCLUDED_PREFIX + exclusion, None, ())
        found = self.mapper.map_facts(facts, on)
        if isinstance(found, Mapped):
            targets = dict(zip(self.mapper.dimensions, found.targets, strict=True))
            return Place(MAPPED, targets, (), found.rule_ids)
        flow = self.bench.flow
        if flow.unmapped == "block":
            return Place(UNMAPPED, None, found.dimensions)
        decided = dict(
            zip(self.mapper.dimensions, self.mapper.find_decided(facts, on), strict=True)
        )
        targets = {name: target or flow.suspense[name] for name, (target, _) in decided.items()}
        rule_ids = tuple(rule_id for _, rule_id in decided.values())
        return Place(SUSPENSE, targets, found.dimensions, rule_ids)

    def describe_place(self, facts: Mapping[str, str], line_sum: LineSum, member: str) -> str:
        """Where these lines go, in words."""
        place = self.find_place(facts, line_sum.accounting_date)
        if place.placement.startswith(EXCLUDED_PREFIX):
            return f"excluded: {place.placement.removeprefix(EXCLUDED_PREFIX)}"
        missing = f"no rule for {', '.join(place.missing)}"
        if place.targets is None:
            return missing
        key = " / ".join(make_key(self.bench, place.targets, member, line_sum))
        return f"{key} (suspense: {missing})" if place.missing else key

    def sign_of(self, facts: Mapping[str, str]) -> int:
        """Minus one where the flow turns this account type round for the model.

        Raises:
            AccountTypeUnknownError: Nobody says of what type the account is; the tie-out undoes the
                sign that was taken and so would never see that it was guessed.
        """
        if not self.signs.flip_types:
            return 1
        account = facts.get(self.bench.flow.signs.account_fact, "")
        account_type = self.account_types.get(facts["chart"], {}).get(account, "")
        if not account_type:
            raise _unknown_type(self.bench, facts["chart"], account)
        return self.signs.sign_of(account_type)


def _unknown_type(bench: ActualsBench, chart: str, account: str) -> AccountTypeUnknownError:
    dimension = bench.flow.signs.account_types.get(chart)
    where = f"{dimension} shows none" if dimension else "the flow names no value set for its chart"
    return AccountTypeUnknownError(
        f"The account {account!r} of chart {chart!r} has no account type: {where}.",
        written="Nothing of its period was sent.",
        next_step=f"Correct `signs` in flows/{bench.flow.name}.yaml, or grant the right to read the"
        " value set.",
        chart=chart, account=account,
    )  # fmt: skip


def make_placer(
    bench: ActualsBench, mapping: MappingSet, *, account_types: str, combinations: str
) -> Placer:
    """A placer of the flow's rules, exclusions and signs; the two hashes are of pinned files."""
    mapped = [d.name for d in bench.flow.dimensions if d.source == "mapping"]
    return Placer(
        bench=bench,
        mapper=Mapper(mapping, mapped),
        account_types=read_document(bench.archive, account_types),
        combinations=read_combinations(bench, combinations),
        exclusions=tuple((rule.name, _parse_when(rule.when)) for rule in bench.flow.exclusions),
        signs=SignRule(flip_types=frozenset(bench.flow.signs.flip)),
    )


def _parse_when(when: Mapping[str, str]) -> tuple[Condition, ...]:
    return tuple(Condition(fact=fact, pattern=parse_pattern(text)) for fact, text in when.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sorters:
    placed: TotalsSorter
    contributions: TotalsSorter
    unmapped: TotalsSorter


def sum_member(
    bench: ActualsBench,
    placer: Placer,
    member: str,
    pairs: Sequence[Pair],
    *,
    tally: Teller | None = None,
) -> Json:
    """One planning period is summed from the archive's current revisions of all its pairs.

    A pure function of archive, rules and signs: the same input gives the same files. `stamp` tells
    which state of the archive that was; taken before the lines, it never claims a later one.
    """
    stamp = stamp_pairs(bench, pairs)
    with (
        bench.archive.sorter() as placed,
        bench.archive.sorter() as contributions,
        bench.archive.sorter() as unmapped,
    ):
        sorters = _Sorters(placed=placed, contributions=contributions, unmapped=unmapped)
        lines = 0
        for line_sum in read_pairs(bench, pairs):
            lines += line_sum.totals.lines
            _place(placer, sorters, member, line_sum, tally)
        contributions_file = bench.archive.write_totals(contributions.merged())
        unmapped_file = bench.archive.write_totals(unmapped.merged())
        summaries = bench.archive.write_summaries(
            sum_contributions(read_contributions(bench, contributions_file.file_hash))
        )
        return {
            "stamp": stamp,
            "lines": lines,
            "placed": bench.archive.write_totals(placed.merged()).file_hash,
            "contributions": contributions_file.file_hash,
            "unmapped": unmapped_file.file_hash,
            "unmapped_values": unmapped_file.rows,
            "summaries": summaries.file_hash,
            "cells": summaries.rows,
        }


def _place(
    placer: Placer, sorters: _Sorters, member: str, line_sum: LineSum, tally: Teller | None
) -> None:
    facts = placer.facts_of(line_sum)
    place = placer.find_place(facts, line_sum.accounting_date)
    if tally is not None:
        tally.add(place, facts, line_sum)
    scope = (line_sum.ledger, line_sum.period, line_sum.currency)
    sorters.placed.add((*scope, line_sum.combination, place.placement), line_sum.totals)
    for dimension in place.missing:
        sorters.unmapped.add((dimension, *scope, line_sum.combination), line_sum.totals)
    if place.targets is None:
        return
    key = make_key(placer.bench, place.targets, member, line_sum)
    sign = "-1" if placer.sign_of(facts) < 0 else "1"
    sorters.contributions.add((*key, *scope, sign), line_sum.totals)


def make_key(
    bench: ActualsBench, targets: Mapping[str, str], member: str, line_sum: LineSum
) -> SummaryKey:
    """The target intersection of a line sum, members in the flow's order."""
    by_source = {
        "period": member,
        "version": bench.flow.version,
        "currency": line_sum.currency,
        "ledger": line_sum.ledger,
    }
    return tuple(
        targets[d.name] if d.source == "mapping" else by_source[d.source]
        for d in bench.flow.dimensions
    )


def read_contributions(bench: ActualsBench, file_hash: str) -> Iterator[Contribution]:
    """Yield the stored contributions of a planning period, ascending by intersection."""
    for key, totals in bench.archive.read_totals(file_hash):
        *intersection, ledger, period, currency, sign = key
        yield Contribution(tuple(intersection), Scope(ledger, period, currency), int(sign), totals)
