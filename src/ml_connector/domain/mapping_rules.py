"""Mapping rules, their order, and the file they are written in.

The order of rules of one dimension, first word wins:

1. the smaller `precedence` number; a blank one counts as 100, so 10 promotes and 900 demotes;
2. the kind of the rule's most exact condition: exact, list, range, wildcard, always;
3. more conditions before fewer, so an exception beats the rule it is an exception to;
4. the longer literal beginning, summed over the conditions: `680*` before `68*`;
5. the earlier place in the file.
"""

import csv
import hashlib
import io
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from ml_connector.domain.patterns import (
    Condition,
    PatternError,
    PatternKind,
    render_conditions,
)

COLUMNS = ("dimension", "when", "target", "precedence", "valid_from", "valid_to", "note")
PRECEDENCE_BLANK = 100
"""The precedence a rule has when its column is empty."""

_TEMPLATE = re.compile(r"\{\{|\}\}|\{([^{}]+)\}|[{}]")


class TemplatePart(NamedTuple):
    """A piece of a target: literal text, or the name of the fact to copy."""

    text: str
    fact: str | None


class Rank(NamedTuple):
    """What orders two rules of one file; the smaller one wins."""

    precedence: int
    kind: PatternKind
    conditions_missing: int
    prefix_missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingRule:
    """One row of a mapping: when the conditions hold, the dimension's member is the target."""

    dimension: str
    target: str
    conditions: tuple[Condition, ...] = ()
    precedence: int | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    note: str = ""
    origin: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)

    @property
    def when(self) -> str:
        """The conditions as the file writes them."""
        return render_conditions(self.conditions)

    @property
    def kind(self) -> PatternKind:
        """The kind of the most exact condition; a rule without conditions holds always."""
        return min((c.pattern.kind for c in self.conditions), default=PatternKind.ALWAYS)

    @property
    def precedence_counted(self) -> int:
        """The precedence the rule is tried with; a blank one counts as well."""
        return PRECEDENCE_BLANK if self.precedence is None else self.precedence

    @property
    def rank(self) -> Rank:
        """The rule's place in the order, up to its place in the file."""
        return Rank(
            precedence=self.precedence_counted,
            kind=self.kind,
            conditions_missing=-len(self.conditions),
            prefix_missing=-sum(len(c.pattern.prefix) for c in self.conditions),
        )

    @property
    def rule_id(self) -> str:
        """An id that depends on the rule's content alone, the same in every version holding it."""
        return hashlib.sha256("\x1f".join(render_rule(self)[:-1]).encode()).hexdigest()[:12]

    def is_valid(self, on: date) -> bool:
        """Whether the accounting date lies in the rule's dates, both ends included."""
        return (self.valid_from or date.min) <= on <= (self.valid_to or date.max)


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingSet:
    """The rules of a flow, in file order."""

    rules: tuple[MappingRule, ...] = ()
    origin: str = field(default="", compare=False)

    @property
    def content_hash(self) -> str:
        """SHA-256 of the rendered file: the same rules in the same order, the same hash."""
        return hashlib.sha256(render_mapping(self).encode()).hexdigest()


class RuleChange(NamedTuple):
    """The same rule in two mappings, with another target, note, precedence or date."""

    before: MappingRule
    after: MappingRule


class MappingDiff(NamedTuple):
    """What differs between two mappings; `moved` only changed place, which may break a tie."""

    added: tuple[MappingRule, ...]
    removed: tuple[MappingRule, ...]
    changed: tuple[RuleChange, ...]
    moved: tuple[MappingRule, ...]

    @property
    def is_empty(self) -> bool:
        """Whether the two mappings are the same."""
        return not any(self)


def parse_template(text: str) -> tuple[TemplatePart, ...]:
    """The pieces of a target; `{{` and `}}` write braces.

    Raises:
        PatternError: A brace is left open or stands alone.
    """
    parts: list[TemplatePart] = []
    at = 0
    for match in _TEMPLATE.finditer(text):
        parts.append(TemplatePart(text[at : match.start()], None))
        at = match.end()
        if match[1]:
            parts.append(TemplatePart("", match[1].strip()))
        elif len(match[0]) == 2:
            parts.append(TemplatePart(match[0][0], None))
        else:
            raise PatternError(f"the target {text!r} has a brace that is not part of {{fact}}")
    parts.append(TemplatePart(text[at:], None))
    return tuple(part for part in parts if part.text or part.fact is not None)


def fill_template(parts: Iterable[TemplatePart], facts: Mapping[str, str]) -> str | None:
    """The member code; None when a fact is missing or nothing would be left.

    A rule without a code to give does not apply: the line stays unmapped and visible rather than
    going to a member with a cut or empty code.
    """
    texts = [part.text if part.fact is None else facts.get(part.fact) for part in parts]
    if any(text is None for text in texts):
        return None
    return "".join(text for text in texts if text) or None


def template_facts(text: str) -> frozenset[str]:
    """Names of the facts a target copies."""
    return frozenset(part.fact for part in parse_template(text) if part.fact is not None)


def render_rule(rule: MappingRule) -> tuple[str, ...]:
    """The rule's cells in the order of `COLUMNS`."""
    return (
        rule.dimension,
        rule.when,
        rule.target,
        "" if rule.precedence is None else str(rule.precedence),
        "" if rule.valid_from is None else rule.valid_from.isoformat(),
        "" if rule.valid_to is None else rule.valid_to.isoformat(),
        rule.note,
    )


def render_mapping(mapping: MappingSet) -> str:
    """The mapping as CSV text; parsing it gives the same mapping back."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(render_rule(rule) for rule in mapping.rules)
    return text.getvalue()


def diff_mappings(before: MappingSet, after: MappingSet) -> MappingDiff:
    """What a person changed between two mappings.

    Rules are paired when they are equal, then when all but target and note is, then when dimension
    and conditions are; what is left was removed or added.
    """
    pairings: tuple[Callable[[MappingRule], Any], ...] = (
        lambda rule: rule,
        lambda rule: (
            rule.dimension,
            rule.conditions,
            rule.precedence_counted,
            rule.valid_from,
            rule.valid_to,
        ),
        lambda rule: (rule.dimension, frozenset(rule.conditions)),
    )
    left, right = dict(enumerate(before.rules)), dict(enumerate(after.rules))
    pairs: list[tuple[int, int]] = []
    for pairing in pairings:
        pairs += _take_pairs(left, right, pairing)
    changed = [RuleChange(before.rules[a], after.rules[b]) for a, b in sorted(pairs)]
    return MappingDiff(
        added=tuple(right.values()),
        removed=tuple(left.values()),
        changed=tuple(change for change in changed if change.before != change.after),
        moved=tuple(after.rules[at] for at in _find_moved([b for _, b in sorted(pairs)])),
    )


def _take_pairs(
    left: dict[int, MappingRule],
    right: dict[int, MappingRule],
    pairing: Callable[[MappingRule], Any],
) -> list[tuple[int, int]]:
    waiting: dict[Any, list[int]] = {}
    for at, rule in right.items():
        waiting.setdefault(pairing(rule), []).append(at)
    pairs = [
        (at, waiting[key].pop(0)) for at, rule in left.items() if waiting.get(key := pairing(rule))
    ]
    for at, other in pairs:
        del left[at], right[other]
    return pairs


def _find_moved(places: list[int]) -> list[int]:
    """The fewest places that, taken out, leave the others ascending."""
    tails: list[int] = []
    lengths: list[int] = []
    for place in places:
        length = bisect_left(tails, place)
        tails[length : length + 1] = [place]
        lengths.append(length)
    wanted, moved = len(tails) - 1, []
    for place, length in reversed(list(zip(places, lengths, strict=True))):
        if length == wanted:
            wanted -= 1
        else:
            moved.append(place)
    return moved[::-1]
