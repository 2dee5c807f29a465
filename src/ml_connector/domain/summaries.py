"""Summaries: the sum of lines on one target intersection."""

from decimal import Decimal
from typing import NamedTuple

SummaryKey = tuple[str, ...]
"""Member codes in the order of the flow's dimensions, period and version included."""


class Summary(NamedTuple):
    """What one intersection shall hold, target sign, and how many lines made it."""

    key: SummaryKey
    amount: Decimal
    lines: int
