"""Which members of a model's time dimension are leaf periods."""

import re
from collections.abc import Sequence
from typing import Final

MONTH_FORM: Final = re.compile(r"(?!FY|YTD|YTG)[^\W\d_]{3,12}\.? (?:\d{2}|\d{4})", re.IGNORECASE)
"""A month by its name: `Jan 26`, `Sept. 2026`, `März 26`."""
SUMMARY_FORM: Final = re.compile(
    r"(?:[QH]\d |FY|YTD|YTG|Year |All Periods|Current Period).*", re.IGNORECASE
)
"""Quarters, half years, years, to-date members and the total, as the vendor names them."""


def find_leaf_periods(names: Sequence[str]) -> list[str]:
    """The leaf periods among a time dimension's members, in the order given (A-18).

    The service tells names and ids, not levels. A member that reads as a month is a leaf wherever
    any does: months are then the finest a module of actuals has. Where none does (weeks, days,
    numbered periods), what is left after the vendor's summary names is.
    """
    months = [name for name in names if MONTH_FORM.fullmatch(name)]
    return months or [name for name in names if not SUMMARY_FORM.fullmatch(name)]
