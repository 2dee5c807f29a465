"""Which members of a model's time dimension are leaf periods."""

import re
from collections.abc import Sequence
from typing import Final

LEAF_FORMS: Final = (
    re.compile(r"\d{1,2} [^\W\d_]{3,12}\.? (?:\d{2}|\d{4})"),
    re.compile(r"(?:Week|Wk) \d.*", re.IGNORECASE),
    re.compile(r"(?!FY|YTD|YTG)[^\W\d_]{3,12}\.? (?:\d{2}|\d{4})", re.IGNORECASE),
)
"""Days, weeks and months by their names, the finest first: `1 Jan 26`, `Week 3 FY26`, `März 26`."""
SUMMARY_FORM: Final = re.compile(
    r"(?:[QH]\d |FY|YTD|YTG|Year |All Periods|Current Period).*", re.IGNORECASE
)
"""Quarters, half years, years, to-date members and the total, as the vendor names them."""


def find_leaf_periods(names: Sequence[str]) -> list[str]:
    """The leaf periods among a time dimension's members, in the order given (A-18).

    The service tells names and ids, not levels. The finest kind of name that occurs is the leaf
    level: a module by week lists its months as well, as summaries. Where no name is known (numbered
    periods), what is left after the vendor's summary names is.
    """
    for form in LEAF_FORMS:
        found = [name for name in names if form.fullmatch(name)]
        if found:
            return found
    return [name for name in names if not SUMMARY_FORM.fullmatch(name)]
