"""Values of suppliers as texts: what is one of its kind, and how files write it."""

import re
from datetime import date
from decimal import Decimal
from typing import Final

from ml_connector.ports.suppliers import ColumnKind

TEXT_MAX: Final = 4000
"""Characters of one value; none of the attributes takes more."""
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_AMOUNT: Final = re.compile(r"-?\d{1,30}(\.\d{1,30})?", re.ASCII)


def find_fault(value: str, kind: ColumnKind) -> str:
    """Why the text is no value of the kind; empty when it is one, or empty itself."""
    if len(value) > TEXT_MAX:
        return f"{len(value)} characters; at most {TEXT_MAX} are sent"
    if not value.isprintable():
        return "it holds a line break or another character that is not printed"
    if not value or kind is ColumnKind.TEXT:
        return ""
    if kind is ColumnKind.DATE:
        return "" if _is_day(value) else f"{value[:40]!r} is no day such as 2026-01-31"
    if kind is ColumnKind.FLAG:
        return "" if value in {"Y", "N"} else f"{value[:40]!r} is neither Y nor N"
    return "" if _AMOUNT.fullmatch(value) else f"{value[:40]!r} is no amount such as 1250.5"


def parse_amount(value: str) -> Decimal:
    """The amount of a text that has no fault."""
    return Decimal(value)


def render_cell(value: str, kind: ColumnKind) -> str:
    """As a file writes a value that has no fault: days with slashes (F-36)."""
    return value.replace("-", "/") if kind is ColumnKind.DATE else value


def _is_day(value: str) -> bool:
    if not _DAY.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True
