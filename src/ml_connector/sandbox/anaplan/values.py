"""How the texts of a source become the values of cells."""

import math
import re
from collections.abc import Mapping
from datetime import date

from ml_connector.sandbox.anaplan.data import Cell
from ml_connector.sandbox.anaplan.definitions import LineItemDef

_NUMBERS = {
    ".": re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"),
    ",": re.compile(r"[+-]?(\d+,?\d*|,\d+)([eE][+-]?\d+)?"),
}
_TRUE = frozenset({"true", "yes", "1"})
_FALSE = frozenset({"false", "no", "0"})


class ValueRefusedError(Exception):
    """The text is no value of the line item; `kind` is the detail type."""

    def __init__(self, kind: str, text: str) -> None:
        self.kind = kind
        self.text = text
        super().__init__(text)


def parse_number(text: str, decimal_separator: str) -> float:
    """The double of a plain decimal text: no grouping, no currency sign."""
    if find_number_error(text, decimal_separator):
        raise ValueRefusedError("moduleImportNumberFormat", f"Invalid number: {text}")
    return float(text.replace(",", "."))


def find_number_error(text: str, decimal_separator: str) -> str | None:
    """What is wrong with the text as a number, or None."""
    if not _NUMBERS[decimal_separator].fullmatch(text):
        return "no plain decimal number"
    return None if math.isfinite(float(text.replace(",", "."))) else "too large for a double"


def parse_boolean(text: str, *, strict: bool) -> bool:
    """The truth value of one of the accepted words; strictly, mixed case is refused."""
    is_mixed = text not in {text.lower(), text.upper()}
    if not (strict and is_mixed):
        if text.lower() in _TRUE:
            return True
        if text.lower() in _FALSE:
            return False
    raise ValueRefusedError("moduleImportBooleanFormat", f"Invalid boolean: {text}")


def parse_date(text: str) -> str:
    """The date as YYYY-MM-DD; YYYYMMDD is understood too."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueRefusedError("moduleImportDateFormat", f"Invalid date: {text}") from None


def parse_member(text: str, members: Mapping[str, int], item: LineItemDef) -> int:
    """The id of the list item or period the text names."""
    if text in members:
        return members[text]
    if item.format == "TIME PERIOD":
        kind = "moduleImportInvalidTimeEntityIdentifier"
        raise ValueRefusedError(kind, f"Invalid time period: {text}")
    kind = "moduleImportInvalidListIdentifier"
    raise ValueRefusedError(kind, f"Item not located in {item.name} list: {text}")


def parse_cell(
    text: str,
    item: LineItemDef,
    *,
    members: Mapping[str, int],
    decimal_separator: str = ".",
    strict: bool = False,
) -> Cell:
    """The value of a text for this line item; raises `ValueRefusedError`."""
    match item.format:
        case "NUMBER":
            return parse_number(text, decimal_separator)
        case "BOOLEAN":
            return parse_boolean(text, strict=strict)
        case "DATE":
            return parse_date(text)
        case "LIST" | "TIME PERIOD":
            return parse_member(text, members, item)
        case _:
            return text
