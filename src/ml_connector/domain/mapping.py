"""Maps facts of a line to target members, and says why."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import NamedTuple

from ml_connector.domain.ledger import Chart, Line
from ml_connector.domain.mapping_rules import (
    MappingRule,
    MappingSet,
    TemplatePart,
    diff_mappings,
    fill_template,
    parse_template,
)
from ml_connector.domain.patterns import KIND_WORDS, PatternKind

CACHE_MAX = 200_000
"""Combinations of facts a mapper remembers unless told otherwise."""


class Mapped(NamedTuple):
    """The members, in the order of the mapper's dimensions, and the rule behind each."""

    targets: tuple[str, ...]
    rule_ids: tuple[str, ...]


class Unmapped(NamedTuple):
    """Every dimension no rule gave a member for, and the facts that were asked."""

    dimensions: tuple[str, ...]
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LostRule:
    """A rule whose conditions hold, and why it does not decide."""

    rule: MappingRule
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """How one dimension was mapped; `decided_by` is None when no rule applies."""

    dimension: str
    target: str | None
    decided_by: MappingRule | None
    lost: tuple[LostRule, ...]


def facts_of(line: Line, chart: Chart) -> dict[str, str]:
    """What the rules may ask about a line; line facts win over segments of the same name.

    Raises:
        CombinationSplitError: The line's combination does not fit the chart.
    """
    return {
        **chart.split(line.combination),
        "ledger": line.ledger,
        "chart": line.chart,
        "currency": line.currency,
        "source": line.source,
        "category": line.category,
    }


class Mapper:
    """Maps facts to members of the given dimensions, in their order.

    Exact and list rules are found by value, the others one by one in their order. What was decided
    is remembered per facts the rules look at and per stretch of dates in which no rule begins or
    ends, for at most `cache_max` combinations.
    """

    def __init__(
        self, mapping: MappingSet, dimensions: Sequence[str], *, cache_max: int = CACHE_MAX
    ) -> None:
        self.mapping = mapping
        self.dimensions = tuple(dimensions)
        used = [rule for rule in mapping.rules if rule.dimension in self.dimensions]
        self._deciders = [_Decider(used, dimension) for dimension in self.dimensions]
        self._names = sorted({name for rule in used for name in _facts_asked(rule)})
        self._bounds = _find_bounds(used)
        self._memo = _Memo(cache_max)

    def map_facts(self, facts: Mapping[str, str], on: date) -> Mapped | Unmapped:
        """The members for the facts on an accounting date, or the dimensions without a rule."""
        key = (bisect_right(self._bounds, on), *map(facts.get, self._names))
        found = self._memo.find(key)
        if found is None:
            found = self._decide(facts, on)
            self._memo.keep(key, found)
        return found if isinstance(found, Mapped) else Unmapped(found, facts)

    def find_decided(self, facts: Mapping[str, str], on: date) -> tuple[tuple[str, str], ...]:
        """Member and rule of each dimension, both empty where no rule decides."""
        found = [decider.find_rule(facts, on) for decider in self._deciders]
        return tuple((pair[1], pair[0].rule_id) if pair is not None else ("", "") for pair in found)

    def explain(self, facts: Mapping[str, str], on: date) -> tuple[Explanation, ...]:
        """How each dimension is decided: the rule, and the others that match and why they lost.

        Walks every rule; `find_decided` does not.
        """
        return tuple(decider.explain(facts, on) for decider in self._deciders)

    def _decide(self, facts: Mapping[str, str], on: date) -> "_Decision":
        found = [decider.find_rule(facts, on) for decider in self._deciders]
        decided = [pair for pair in found if pair is not None]
        if len(decided) < len(found):
            pairs = zip(self.dimensions, found, strict=True)
            return tuple(dimension for dimension, pair in pairs if pair is None)
        return Mapped(
            tuple(target for _, target in decided), tuple(item.rule_id for item, _ in decided)
        )


def find_changed_dates(before: MappingSet, after: MappingSet) -> tuple[date, date] | None:
    """The first and last date a changed rule is valid on; None when none could matter.

    A quick look before the lines are asked: periods outside these dates map as before.
    """
    diff = diff_mappings(before, after)
    changed = [
        pair for pair in diff.changed if replace(pair.before, note=pair.after.note) != pair.after
    ]
    rules = [*diff.added, *diff.removed, *diff.moved, *(r for pair in changed for r in pair)]
    if not rules:
        return None
    return (
        min(rule.valid_from or date.min for rule in rules),
        max(rule.valid_to or date.max for rule in rules),
    )


_Decision = Mapped | tuple[str, ...]
"""What is remembered: the members, or the dimensions without a rule."""


def _facts_asked(rule: MappingRule) -> set[str]:
    copied = {part.fact for part in parse_template(rule.target) if part.fact is not None}
    return copied | {condition.fact for condition in rule.conditions}


def _find_bounds(rules: Iterable[MappingRule]) -> list[date]:
    """The dates on which a rule begins to hold or holds no more."""
    bounds = set()
    for rule in rules:
        if rule.valid_from is not None:
            bounds.add(rule.valid_from)
        if rule.valid_to is not None and rule.valid_to < date.max:
            bounds.add(rule.valid_to + timedelta(days=1))
    return sorted(bounds)


class _Memo:
    """Remembers at most `entries_max` decisions; forgets the older half when full.

    Two dicts instead of one that drops its oldest entry: dropping from the front of a dict gets
    slower with every drop.
    """

    def __init__(self, entries_max: int) -> None:
        self._half_max = entries_max // 2
        self._young: dict[tuple[object, ...], _Decision] = {}
        self._old: dict[tuple[object, ...], _Decision] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def find(self, key: tuple[object, ...]) -> _Decision | None:
        found = self._young.get(key)
        return self._old.get(key) if found is None else found

    def keep(self, key: tuple[object, ...], decision: _Decision) -> None:
        if len(self._young) >= self._half_max:
            self._old, self._young = self._young, {}
        if self._half_max:
            self._young[key] = decision


class _RankedRule(NamedTuple):
    """A rule with its place in the order, its target ready to fill and its id computed once."""

    place: int
    rule: MappingRule
    parts: tuple[TemplatePart, ...]
    rule_id: str

    def find_target(self, facts: Mapping[str, str], on: date) -> str | None:
        """The member, when the rule applies."""
        if not self.rule.is_valid(on):
            return None
        if not all(condition.holds(facts) for condition in self.rule.conditions):
            return None
        return fill_template(self.parts, facts)


class _Decider:
    """The rules of one dimension in their order."""

    def __init__(self, rules: Sequence[MappingRule], dimension: str) -> None:
        self._dimension = dimension
        # The sort is stable, so rules of equal rank stay in file order.
        ordered = sorted((r for r in rules if r.dimension == dimension), key=lambda r: r.rank)
        self._ranked = [
            _RankedRule(place, rule, parse_template(rule.target), rule.rule_id)
            for place, rule in enumerate(ordered)
        ]
        self._by_value: dict[str, dict[str, list[_RankedRule]]] = {}
        self._scanned: list[_RankedRule] = []
        for item in self._ranked:
            self._file(item)

    def find_rule(self, facts: Mapping[str, str], on: date) -> tuple[_RankedRule, str] | None:
        """The rule that decides, and its member."""
        best: tuple[_RankedRule, str] | None = None
        for candidates in self._candidates(facts):
            for item in candidates:
                if best is not None and item.place > best[0].place:
                    break
                if target := item.find_target(facts, on):
                    best = (item, target)
                    break
        return best

    def explain(self, facts: Mapping[str, str], on: date) -> Explanation:
        """Every rule whose conditions hold, and what became of it."""
        found = self.find_rule(facts, on)
        winner = found[0] if found else None
        lost = tuple(
            LostRule(rule=item.rule, why=_say_why(item, winner, facts=facts, on=on))
            for item in self._ranked
            if item is not winner and all(c.holds(facts) for c in item.rule.conditions)
        )
        return Explanation(
            dimension=self._dimension,
            target=found[1] if found else None,
            decided_by=winner.rule if winner else None,
            lost=lost,
        )

    def _file(self, item: _RankedRule) -> None:
        for condition in item.rule.conditions:
            if condition.pattern.kind in (PatternKind.EXACT, PatternKind.LIST):
                by_value = self._by_value.setdefault(condition.fact, {})
                for value in condition.pattern.values:
                    by_value.setdefault(value, []).append(item)
                return
        self._scanned.append(item)

    def _candidates(self, facts: Mapping[str, str]) -> Iterable[list[_RankedRule]]:
        for fact, by_value in self._by_value.items():
            value = facts.get(fact)
            if value is not None and value in by_value:
                yield by_value[value]
        yield self._scanned


def _say_why(
    item: _RankedRule, winner: _RankedRule | None, *, facts: Mapping[str, str], on: date
) -> str:
    rule = item.rule
    if not rule.is_valid(on):
        ends = f"{rule.valid_from or 'ever'} to {rule.valid_to or 'ever'}"
        return f"valid from {ends}, not on {on}"
    if not fill_template(item.parts, facts):
        return f"the facts give no member for its target {rule.target!r}"
    assert winner is not None, "a rule that applies has lost to another one"
    return _say_difference(rule, winner.rule)


def _say_difference(rule: MappingRule, winner: MappingRule) -> str:
    ours, best = rule.rank, winner.rank
    if ours.precedence != best.precedence:
        return f"precedence {ours.precedence} comes after {best.precedence}"
    if ours.kind != best.kind:
        return f"{KIND_WORDS[ours.kind]} gives way to {KIND_WORDS[best.kind]}"
    if ours.conditions_missing != best.conditions_missing:
        return f"{len(rule.conditions)} condition(s) give way to {len(winner.conditions)}"
    if ours.prefix_missing != best.prefix_missing:
        return f"{-ours.prefix_missing} literal characters give way to {-best.prefix_missing}"
    return f"line {rule.line} stands after line {winner.line}"
