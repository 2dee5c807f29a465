"""The value a dimension's rules would be asked about: what an unmapped line is called by."""

import re
from collections import Counter
from collections.abc import Mapping

from ml_connector.domain.mapping_rules import MappingSet

NO_FACT = "ledger"
"""Every line has it, so that no unmapped line is without a name."""

_NOT_A_LETTER = re.compile(r"[^a-z0-9]+")


def find_main_fact(dimension: str, mapping: MappingSet, facts: Mapping[str, str]) -> str:
    """The fact whose value names a line that no rule of the dimension takes.

    The one that is called like the dimension, else the one most rules of the dimension ask about,
    among those the line has.
    """
    wanted = simplify(dimension)
    alike = [name for name in sorted(facts) if simplify(name) == wanted]
    if alike:
        return alike[0]
    asked = Counter(
        condition.fact
        for rule in mapping.rules
        if rule.dimension == dimension
        for condition in rule.conditions
        if condition.fact in facts
    )
    return min(asked, key=lambda name: (-asked[name], name), default=NO_FACT)


def simplify(name: str) -> str:
    """The name without case, blanks and signs, and in the singular."""
    return _NOT_A_LETTER.sub("", name.casefold()).removesuffix("s")
