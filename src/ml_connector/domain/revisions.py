"""Revisions: what becomes of an attribute that two sides hold, by what both held before.

A side has moved when it no longer holds what it held at the last agreement. Only what the model
alone has moved is written; what both have moved apart is nobody's to decide but a person's.
"""

from enum import StrEnum
from typing import NamedTuple


class Fate(StrEnum):
    """What becomes of one attribute."""

    SAME = "same"
    """Both sides hold the same."""
    KEPT = "kept"
    """The model has not moved; what the ERP holds stands."""
    WRITTEN = "written"
    """The model alone has moved; its value is written."""
    CONFLICT = "conflict"
    """Both sides have moved, apart from each other."""
    UNDECIDED = "undecided"
    """They differ, and nothing says what was agreed before."""


class Agreed(NamedTuple):
    """What each side held when both last said the same."""

    model: str
    erp: str


def find_fate(*, model: str, erp: str, agreed: Agreed | None) -> Fate:
    """What becomes of the attribute that the sides hold now."""
    if model == erp:
        return Fate.SAME
    if agreed is None:
        return Fate.UNDECIDED
    if model == agreed.model:
        return Fate.KEPT
    return Fate.WRITTEN if erp == agreed.erp else Fate.CONFLICT
