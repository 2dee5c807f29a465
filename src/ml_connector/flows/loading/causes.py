"""Why the model refused a summary, in a controller's words, so that like is counted with like.

A model answers each row in its own words and with the row's own values. What one remedy mends is
one cause: a member that a list lacks is named, an amount that was not understood is not.
"""

import re
from collections.abc import Sequence

CAUSE_CHARACTERS_MAX = 200
MEMBER_CHARACTERS_MAX = 100
OTHER = "Refused without a reason"
_ABSENT = re.compile(r"Item not located in (?P<list>.+?)(?: list)?: (?P<member>.+)", re.DOTALL)
_QUOTED = re.compile(r"'(?P<member>.+?)' is not a member of list '(?P<list>.+?)'", re.DOTALL)
_ODD = re.compile(r"Invalid (?P<what>[a-z ]+?)(?: identifier)?(?:: .*)?", re.DOTALL | re.IGNORECASE)
_TIME = "Time"


def name_cause(reasons: Sequence[str]) -> str:
    """The first reason in plain words, without what belongs to its row alone."""
    text = reasons[0].strip() if reasons else ""
    absent = _ABSENT.fullmatch(text) or _QUOTED.fullmatch(text)
    if absent is not None:
        return _tell_absent(absent["list"], absent["member"].strip())
    odd = _ODD.fullmatch(text)
    if odd is not None:
        return f"The model does not understand the {odd['what'].lower()}"
    return text.rstrip(".")[:CAUSE_CHARACTERS_MAX] or OTHER


def _tell_absent(name: str, member: str) -> str:
    shown = member[:MEMBER_CHARACTERS_MAX] or "(empty)"
    if name == _TIME:
        return f"The model's calendar has no period {shown}"
    return f"The list {name} of the model has no member {shown}"[: 2 * CAUSE_CHARACTERS_MAX]
