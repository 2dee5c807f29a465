"""Proposes a member for a value no rule takes, and says by what evidence; never decides.

The same rules and the same list give the same proposal. A proposed member is one that a rule names
or the model's list holds; nothing is made up.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ml_connector.domain.mapping_rules import MappingRule, MappingSet, fill_template, parse_template
from ml_connector.domain.patterns import PatternKind

NEIGHBOURS_MIN = 2
"""Fewer values with the same beginning are a coincidence."""
NEIGHBOURS_MAX = 200
"""Values with the same beginning that are looked at."""
AGREEING_MIN = (2, 3)
"""Share of the neighbours that must go to one member."""
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A member that fits, and why; `agreeing` of `asked` pieces of evidence say so."""

    target: str
    reason: str
    agreeing: int
    asked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberList:
    """A list of the model: names by code, as the connector last sent them."""

    name: str
    members: Mapping[str, str]


@dataclass(frozen=True)
class Advisor:
    """What is known of one dimension, by one fact."""

    mapping: MappingSet
    dimension: str
    fact: str
    list_: MemberList | None = None
    _words: dict[str, list[str]] = field(default_factory=dict, compare=False)

    def suggest(self, value: str) -> Suggestion | None:
        """The member the evidence is strongest for; None when there is too little."""
        return (
            self._by_ranges(value)
            or self._by_neighbours(value)
            or self._by_code(value)
            or self._by_name(value)
        )

    @cached_property
    def _rules(self) -> list[MappingRule]:
        """The dimension's rules that look at this fact and at nothing else."""
        return [
            rule
            for rule in self.mapping.rules
            if rule.dimension == self.dimension
            and len(rule.conditions) == 1
            and rule.conditions[0].fact == self.fact
        ]

    @cached_property
    def _known(self) -> list[tuple[str, str]]:
        """Values with a rule of their own, ascending, and the member each goes to."""
        kinds = (PatternKind.EXACT, PatternKind.LIST)
        found = {
            value: target
            for rule in reversed(self._rules)
            if rule.conditions[0].pattern.kind in kinds
            for value in rule.conditions[0].pattern.values
            if (target := self._fill(rule, value))
        }
        return sorted(found.items())

    def _fill(self, rule: MappingRule, value: str) -> str | None:
        return fill_template(parse_template(rule.target), {self.fact: value})

    def _is_known(self, target: str) -> bool:
        """Whether a rule names the member, or the list holds it."""
        if self.list_ is not None and target in self.list_.members:
            return True
        return any(rule.target == target for rule in self.mapping.rules)

    def _by_ranges(self, value: str) -> Suggestion | None:
        """Ranges that end before and begin behind the value, and go to one member."""
        ranges = [
            (*rule.conditions[0].pattern.values, rule.target)
            for rule in self._rules
            if rule.conditions[0].pattern.kind is PatternKind.RANGE
            and len(rule.conditions[0].pattern.values[0]) == len(value)
        ]
        below = max((row for row in ranges if row[1] < value), default=None, key=lambda r: r[1])
        above = min((row for row in ranges if row[0] > value), default=None)
        if below is None or above is None or below[2] != above[2]:
            return None
        if not self._is_known(below[2]):
            return None
        return Suggestion(
            target=below[2], agreeing=2, asked=2,
            reason=f"The ranges around it, {below[0]}..{below[1]} and {above[0]}..{above[1]}, both"
            f" go to {below[2]}.",
        )  # fmt: skip

    def _by_neighbours(self, value: str) -> Suggestion | None:
        """Values with the longest common beginning, most of which go to one member."""
        for length in range(len(value) - 1, 0, -1):
            found = list(self._find_beginning(value[:length], value))
            if len(found) >= NEIGHBOURS_MIN:
                return self._agree(value, value[:length], found)
        return None

    def _find_beginning(self, beginning: str, value: str) -> Iterator[tuple[str, str]]:
        at = bisect_left(self._known, (beginning,))
        for known, target in self._known[at : at + NEIGHBOURS_MAX]:
            if not known.startswith(beginning):
                return
            if known != value and len(known) == len(value):
                yield known, target

    def _agree(
        self, value: str, beginning: str, found: Sequence[tuple[str, str]]
    ) -> Suggestion | None:
        own = sum(1 for known, target in found if known == target)
        counts = Counter(target for known, target in found if known != target)
        target, agreeing = min(
            [*counts.items(), (value, own)], key=lambda pair: (-pair[1], pair[0])
        )
        asked, (least, of) = len(found), AGREEING_MIN
        if agreeing * of < asked * least or not self._is_known(target):
            return None
        where = "their own codes" if target == value else target
        return Suggestion(
            target=target, agreeing=agreeing, asked=asked,
            reason=f"{agreeing} of {asked} values beginning with {beginning} go to {where}.",
        )  # fmt: skip

    def _by_code(self, value: str) -> Suggestion | None:
        if self.list_ is None or value not in self.list_.members:
            return None
        name = self.list_.members[value]
        return Suggestion(
            target=value, agreeing=1, asked=1,
            reason=f"The list {self.list_.name} has a member of this code"
            + (f": {name}." if name and name != value else "."),
        )  # fmt: skip

    def _by_name(self, value: str) -> Suggestion | None:
        """The only member of the list whose name holds the value as a word."""
        if self.list_ is None or not value:
            return None
        if not self._words:
            for code, name in self.list_.members.items():
                for word in set(_WORD.findall(name.casefold())):
                    self._words.setdefault(word, []).append(code)
        codes = self._words.get(value.casefold(), [])
        if len(codes) != 1:
            return None
        return Suggestion(
            target=codes[0], agreeing=1, asked=1,
            reason=f"{value} stands in the name of one member of the list {self.list_.name}:"
            f" {self.list_.members[codes[0]]}.",
        )  # fmt: skip
