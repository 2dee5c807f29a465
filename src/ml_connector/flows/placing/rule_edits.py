"""One rule more, another one, or one less; the others stay where they are."""

from collections.abc import Mapping
from dataclasses import replace

from ml_connector.domain.mapping_file import MappingWords, parse_rows
from ml_connector.domain.mapping_rules import COLUMNS, MappingSet, render_rule
from ml_connector.errors import UsageError

ORIGIN = "your rule"


class NoSuchRuleError(UsageError):
    """The version has no rule at that place."""

    code = "mapping.no-such-rule"


def edit_rules(
    held: MappingSet, cells: Mapping[str, str] | None, *, place: int | None, words: MappingWords
) -> MappingSet:
    """The rules with the change, checked against each other.

    Args:
        held: The rules before.
        cells: The rule, by column; None takes the one at `place` away.
        place: Counted from 0 in file order; None adds the rule at the end.
        words: Names a rule may use.

    Raises:
        MappingFaultsError: All faults of the rule, also where it contradicts another.
        NoSuchRuleError: There is no rule at the place.
    """
    rows = [dict(zip(COLUMNS, render_rule(rule), strict=True)) for rule in held.rules]
    if place is not None and not 0 <= place < len(rows):
        raise NoSuchRuleError(
            f"There is no rule at place {place + 1}; the version has {len(rows)}.",
            written="Nothing was saved.",
            next_step="Look at the rules as they are now.",
        )
    if cells is not None:
        # Alone first: what is wrong with the rule itself is told without the others.
        parse_rows([(0, cells)], origin=ORIGIN, words=words)
        at = len(rows) if place is None else place
        rows[at : at + 1] = [dict(cells)]
    elif place is not None:
        del rows[place]
    numbered = [(line, row) for line, row in enumerate(rows, start=2)]
    # A fact the source no longer has, in a rule kept since before, is no fault of this one.
    found = parse_rows(numbered, origin=held.origin, words=words._replace(facts=None))
    return replace(found, origin=held.origin)
