r"""Patterns and conditions of mapping rules, and how they are written.

A condition is `fact=pattern`; several are joined by `; ` and must all hold. Patterns:

- `68010` exactly this value; nothing after the `=` means an empty value.
- `68010|68020` one of these values.
- `60000..69999` a range, both ends included. Only values as long as its ends are compared, as
  text: `60000..69999` holds 65000, but neither 650 nor 0065000.
- `68*`, `6?010` a wildcard: `*` stands for any text, none included, `?` for one character.
- `*` alone: any value, as long as the line has this fact at all.

Upper and lower case differ. A backslash takes the next character as it is: `A\;B`, `5\*`. Blanks
around values do not count unless they are escaped.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from itertools import pairwise, takewhile

Token = tuple[str, bool]
"""A character, and whether a backslash took away its meaning."""

_MEANINGFUL = "\\;=|*?"
_PLAIN = re.compile(r"[\w-]*")


class PatternKind(IntEnum):
    """Kinds of patterns, the one that wins first."""

    EXACT = 0
    LIST = 1
    RANGE = 2
    WILDCARD = 3
    ALWAYS = 4


KIND_WORDS = {
    PatternKind.EXACT: "an exact value",
    PatternKind.LIST: "a list",
    PatternKind.RANGE: "a range",
    PatternKind.WILDCARD: "a wildcard",
    PatternKind.ALWAYS: "a rule for everything",
}


class PatternError(ValueError):
    """A pattern or condition cannot be read; the mapping file's fault list carries its text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """What a fact's value is compared with.

    `values` holds the value, the values, both ends, or the wildcard as it is written.
    """

    kind: PatternKind
    values: tuple[str, ...] = ()

    def matches(self, value: str) -> bool:
        """Whether the value fits."""
        match self.kind:
            case PatternKind.EXACT | PatternKind.LIST:
                return value in self.values
            case PatternKind.RANGE:
                low, high = self.values
                return len(value) == len(low) and low <= value <= high
            case PatternKind.WILDCARD:
                return _compile_wildcard(self.values[0]).fullmatch(value) is not None
            case PatternKind.ALWAYS:
                return True

    @property
    def prefix(self) -> str:
        """The text every fitting value begins with, as far as the pattern says."""
        if self.kind is PatternKind.WILDCARD:
            return _literal_prefix(self.values[0])
        return _common_prefix(min(self.values, default=""), max(self.values, default=""))

    @property
    def text(self) -> str:
        """The pattern as it is written in a mapping file."""
        match self.kind:
            case PatternKind.EXACT | PatternKind.LIST:
                return "|".join(_escape(value) for value in self.values)
            case PatternKind.RANGE:
                return "..".join(_escape(value) for value in self.values)
            case PatternKind.WILDCARD:
                return self.values[0]
            case PatternKind.ALWAYS:
                return "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One fact and the pattern its value must fit."""

    fact: str
    pattern: Pattern

    def holds(self, facts: Mapping[str, str]) -> bool:
        """Whether the facts have this fact and its value fits."""
        value = facts.get(self.fact)
        return value is not None and self.pattern.matches(value)

    @property
    def text(self) -> str:
        """The condition as it is written in a mapping file."""
        return f"{_escape(self.fact)}={self.pattern.text}"


def parse_conditions(text: str) -> tuple[Condition, ...]:
    """The conditions of a `when` column in their order; none for an empty text.

    Raises:
        PatternError: A condition cannot be read; says which and why.
    """
    tokens = _strip(_read_tokens(text))
    if not tokens:
        return ()
    return tuple(_parse_condition(part) for part in _split(tokens, ";"))


def parse_pattern(text: str) -> Pattern:
    """The pattern a text writes.

    Raises:
        PatternError: The pattern cannot be read; says why.
    """
    return _parse_pattern(_strip(_read_tokens(text)))


def render_conditions(conditions: tuple[Condition, ...]) -> str:
    """The `when` column of these conditions; parsing it gives them back."""
    return "; ".join(condition.text for condition in conditions)


def _parse_condition(tokens: list[Token]) -> Condition:
    parts = _split(tokens, "=")
    fact = _literal(parts[0])
    if len(parts) < 2 or not fact:
        raise PatternError(f"the condition {_literal(tokens)!r} is not written as fact=pattern")
    # Only the first sign divides: a value may hold more of them.
    rest = tokens[tokens.index(("=", False)) + 1 :]
    return Condition(fact=fact, pattern=_parse_pattern(_strip(rest)))


def _parse_pattern(tokens: list[Token]) -> Pattern:
    has_wildcard = any(token in (("*", False), ("?", False)) for token in tokens)
    items = _split(tokens, "|")
    range_at = _find_range(tokens)
    if has_wildcard and (len(items) > 1 or range_at is not None):
        raise PatternError(
            f"the pattern {_literal(tokens)!r} puts a wildcard into a list or range;"
            " write a rule for each"
        )
    if len(items) > 1:
        return _build_list(items)
    if range_at is not None:
        return _build_range(tokens, range_at)
    return _build_wildcard(tokens) if has_wildcard else _build_exact(_literal(tokens))


def _build_exact(value: str) -> Pattern:
    return Pattern(kind=PatternKind.EXACT, values=(value,))


def _build_list(items: list[list[Token]]) -> Pattern:
    if any(_find_range(item) is not None for item in items):
        raise PatternError("a list holds values only; write a rule of its own for the range")
    values = tuple(dict.fromkeys(_literal(item) for item in items))
    return Pattern(kind=PatternKind.LIST if len(values) > 1 else PatternKind.EXACT, values=values)


def _build_range(tokens: list[Token], at: int) -> Pattern:
    low, high = _literal(_strip(tokens[:at])), _literal(_strip(tokens[at + 2 :]))
    if not low or not high or _find_range(tokens[at + 2 :]) is not None:
        raise PatternError(f"the range {_literal(tokens)!r} needs exactly two ends")
    if len(low) != len(high):
        raise PatternError(
            f"the ends of the range {low}..{high} differ in length; only values of one length"
            " are compared"
        )
    if low > high:
        raise PatternError(f"the range {low}..{high} begins after its end")
    return Pattern(kind=PatternKind.RANGE, values=(low, high))


def _build_wildcard(tokens: list[Token]) -> Pattern:
    if all(token == ("*", False) for token in tokens):
        return Pattern(kind=PatternKind.ALWAYS)
    return Pattern(kind=PatternKind.WILDCARD, values=(_render_tokens(tokens),))


@lru_cache(maxsize=10_000)
def _compile_wildcard(text: str) -> "re.Pattern[str]":
    special = {"*": ".*", "?": "."}
    return re.compile(
        "".join(
            re.escape(char) if escaped else special.get(char, re.escape(char))
            for char, escaped in _read_tokens(text)
        ),
        re.DOTALL,
    )


def _literal_prefix(text: str) -> str:
    prefix = ""
    for char, escaped in _read_tokens(text):
        if char in "*?" and not escaped:
            break
        prefix += char
    return prefix


def _common_prefix(one: str, other: str) -> str:
    # What the smallest and the largest value share, all values between them share.
    pairs = zip(one, other, strict=False)
    return "".join(char for char, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _read_tokens(text: str) -> list[Token]:
    tokens: list[Token] = []
    chars = iter(text)
    for char in chars:
        if char != "\\":
            tokens.append((char, False))
            continue
        taken = next(chars, None)
        if taken is None:
            raise PatternError(f"{text!r} ends with a backslash that takes no character")
        tokens.append((taken, True))
    return tokens


def _split(tokens: list[Token], separator: str) -> list[list[Token]]:
    if (separator, False) not in tokens:
        return [_strip(tokens)]
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if token == (separator, False):
            parts.append([])
        else:
            parts[-1].append(token)
    return [_strip(part) for part in parts]


def _strip(tokens: list[Token]) -> list[Token]:
    first, last = 0, len(tokens)
    while first < last and _is_blank(tokens[first]):
        first += 1
    while first < last and _is_blank(tokens[last - 1]):
        last -= 1
    return tokens[first:last]


def _is_blank(token: Token) -> bool:
    char, escaped = token
    return char.isspace() and not escaped


def _find_range(tokens: list[Token]) -> int | None:
    return next(
        (at for at, pair in enumerate(pairwise(tokens)) if pair == ((".", False),) * 2), None
    )


def _literal(tokens: list[Token]) -> str:
    return "".join(char for char, _ in tokens)


def _escape(value: str) -> str:
    # Nearly every value is a plain code, and a listing writes tens of thousands of them.
    if _PLAIN.fullmatch(value):
        return value
    return _render_tokens([(char, True) for char in value])


def _render_tokens(tokens: list[Token]) -> str:
    text = ""
    for at, (char, escaped) in enumerate(tokens):
        around = _literal(tokens[max(0, at - 1) : at] + tokens[at + 1 : at + 2])
        is_end = at in (0, len(tokens) - 1)
        keeps_meaning = not escaped and char in "*?"
        needs_escape = (
            char in _MEANINGFUL
            or (char.isspace() and is_end)
            or (char == "." and (is_end or "." in around))
        )
        text += f"\\{char}" if needs_escape and not keeps_meaning else char
    return text
