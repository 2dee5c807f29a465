"""Texts of exported cells as flags, days and numbers; what can be read two ways is refused.

A model's owner decides how an export spells its cells. Each function reads one kind of cell by a
form that somebody stated; none of them guesses the form from the cell itself.

A pattern of days is made of `YYYY`, `MM` or `M`, `DD` or `D`, each once, and of anything that is no
letter and no digit between them, such as `YYYY-MM-DD`, `DD.MM.YYYY` or `M/D/YYYY`. `MMM` stands for
an English month of three letters, in any capitals. Years of two digits are no part of any pattern:
nobody can say of which century they are.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from ml_connector.errors import ProtocolError

NUMBER_CHARACTERS_MAX = 400
"""Characters of a number; the longest double written out in full has fewer."""
DAY_PATTERN_ISO = "YYYY-MM-DD"
DECIMALS = (".", ",")
THOUSANDS = ("", ",", ".", " ", "\u00a0", "\u202f", "'", "\u2019")
"""What may group thousands; blanks of any kind are one sign, and so are both apostrophes."""

BLANK_WORDS = frozenset(
    {"nan", "#n/a", "#value!", "n/a", "null", "none", "nil", "(blank)", "(null)"}
)
"""What systems print where there is no value; as a text it may be one, so it is neither."""

_FLAGS = {"true": "Y", "yes": "Y", "1": "Y", "false": "N", "no": "N", "0": "N"}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TOKENS = {
    "YYYY": r"(?P<year>\d{4})",
    "MMM": rf"(?P<month>{'|'.join(_MONTHS)})",
    "MM": r"(?P<month>\d{2})",
    "M": r"(?P<month>\d{1,2})",
    "DD": r"(?P<day>\d{2})",
    "D": r"(?P<day>\d{1,2})",
}
_SPACES = " \u00a0\u202f"
_APOSTROPHES = "'\u2019"
_MINUS = "-\u2212"
_EITHER_WAY = re.compile(r"\d{1,3}([.,])\d{3}", re.ASCII)


class CellValueError(ProtocolError):
    """A cell of an export is spelled in a form that was not stated, or that has two readings.

    Attributes:
        reason: Why, as a clause that may follow the cell's place in a list of faults.
    """

    code = "cells.value"

    def __init__(self, text: str, reason: str, *, next_step: str) -> None:
        self.reason = reason
        super().__init__(
            f"The model shows {text[:NUMBER_CHARACTERS_MAX]!r}: {reason}.",
            written="Nothing was concluded from this cell.",
            next_step=next_step,
            text=text[:NUMBER_CHARACTERS_MAX],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberForm:
    """How numbers are spelled: the sign before decimals, and the one between thousands, if any."""

    decimal: str = "."
    thousands: str = ""


PLAIN_NUMBERS = NumberForm()
"""Digits and a point, as exports write unformatted numbers (anaplan §11)."""


def is_blank(text: str) -> bool:
    """Whether the cell holds nothing: no character, or blanks alone."""
    return not text.strip()


def parse_text(text: str) -> str:
    """The text as it stands, without blanks around it; empty for a blank cell.

    Raises:
        CellValueError: The text is a word for no value, such as `#N/A` or `null`: it may stand for
            a blank cell, and may be meant.
    """
    bare = text.strip()
    if bare.lower() in BLANK_WORDS:
        raise CellValueError(
            text,
            "it may be a blank cell spelled out, or a text",
            next_step="Let the export show blank cells as empty ones, or write another text.",
        )
    return bare


def parse_flag(text: str) -> str:
    """`Y` for true, yes and 1, `N` for false, no and 0, in any capitals; empty for a blank cell.

    Raises:
        CellValueError: Any other word; its meaning is nobody's to guess.
    """
    if is_blank(text):
        return ""
    flag = _FLAGS.get(text.strip().lower())
    if flag is None:
        raise CellValueError(
            text,
            "it is none of true, false, yes, no, 1 and 0",
            next_step="Let the column be a boolean line item, or show one of these words.",
        )
    return flag


def parse_day(text: str, *, pattern: str = DAY_PATTERN_ISO) -> str:
    """The day as `2026-01-31`, read by the pattern alone; empty for a blank cell.

    Raises:
        CellValueError: The text does not fit the pattern, there is no such day, or the pattern
            itself cannot be used.
    """
    form = _compile_pattern(pattern)
    if is_blank(text):
        return ""
    found = form.fullmatch(text.strip())
    if found is None:
        raise _refuse_day(text, f"it is no day of the form {pattern}")
    month = found["month"].lower()
    number = _MONTHS.index(month) + 1 if month in _MONTHS else int(month)
    try:
        return date(int(found["year"]), number, int(found["day"])).isoformat()
    except ValueError:
        raise _refuse_day(text, f"there is no such day, read as {pattern}") from None


def verify_day_pattern(pattern: str) -> None:
    """The pattern can be used.

    Raises:
        CellValueError: Year, month or day are missing or come twice, or a letter is unknown.
    """
    _compile_pattern(pattern)


def parse_number(text: str, *, decimal: str = ".", thousands: str = "") -> Decimal:
    """The number, exactly as it is spelled; zero for a blank cell.

    A minus may stand before or after the digits, and brackets around them mean the same. Groups
    must be of three digits, through to the first, which begins with no zero; a sign that was not
    stated is refused.

    Raises:
        CellValueError: The text is no number of this form; says what to state when it may be one
            of another form.
    """
    form = _compile_number(decimal, thousands)
    bare = text.strip()
    if not bare:
        return Decimal(0)
    found = _find_number(form, bare)
    if found is None:
        raise _refuse_number(text, decimal=decimal, thousands=thousands)
    return found


def find_other_reading(text: str) -> str:
    """The sign that parts thousands in one reading of the text and decimals in the other.

    Such are `1.234` and `-123,456`: one group of three digits behind up to three. Empty where the
    text has no second reading: no sign, another number of digits, or a leading zero.
    """
    bare = text.strip().strip("()+" + _MINUS)
    found = _EITHER_WAY.fullmatch(bare)
    return found[1] if found and not bare.startswith("0") else ""


@lru_cache(maxsize=64)
def _compile_pattern(pattern: str) -> re.Pattern[str]:
    parts = re.findall(r"[A-Za-z]+|\d+|[^A-Za-z\d]+", pattern)
    tokens = [part for part in parts if part[0].isascii() and part[0].isalnum()]
    wanted = {"year": 0, "month": 0, "day": 0}
    for token in tokens:
        for name in wanted:
            wanted[name] += f"<{name}>" in _TOKENS.get(token, "")
    glued = _split_glued(tokens[0]) if len(tokens) == 1 else []
    if glued:
        return re.compile("".join(_TOKENS[token] for token in glued), re.ASCII)
    if len(tokens) != len(wanted) or set(wanted.values()) != {1}:
        raise CellValueError(
            pattern,
            "this pattern of days does not name year, month and day once each",
            next_step="Write it of YYYY, MM or M or MMM, and DD or D, such as DD.MM.YYYY.",
        )
    body = "".join(_TOKENS[p] if p in tokens else re.escape(p) for p in parts)
    return re.compile(body, re.ASCII | re.IGNORECASE)


def _split_glued(token: str) -> list[str]:
    """The parts of a pattern without signs between them; none unless each has a fixed length."""
    parts = re.findall(r"Y+|M+|D+", token)
    is_whole = "".join(parts) == token and sorted(parts) == ["DD", "MM", "YYYY"]
    return parts if is_whole else []


@lru_cache(maxsize=64)
def _compile_number(decimal: str, thousands: str) -> re.Pattern[str]:
    if decimal not in DECIMALS or thousands not in THOUSANDS or decimal == thousands:
        raise CellValueError(
            f"{decimal}{thousands}",
            f"numbers cannot part decimals by {decimal!r} and thousands by {thousands!r}",
            next_step="State . or , as `decimal`, and as `thousands` another of . , ' or a blank.",
        )
    point = re.escape(decimal)
    alike = next((signs for signs in (_SPACES, _APOSTROPHES) if thousands in signs), thousands)
    grouped = rf"[1-9]\d{{0,2}}(?:[{re.escape(alike)}]\d{{3}})+" if thousands else "(?!)"
    return re.compile(
        rf"(?={point}?\d)(?:(?P<grouped>{grouped})|(?P<whole>\d*))(?:{point}(?P<part>\d*))?"
        # No system writes groups and a power of ten in one number.
        r"(?(grouped)|(?:[eE](?P<power>[+-]?\d{1,4}))?)",
        re.ASCII,
    )


def _find_number(form: re.Pattern[str], bare: str) -> Decimal | None:
    is_negative, unsigned = _split_sign(bare)
    found = form.fullmatch(unsigned) if len(bare) <= NUMBER_CHARACTERS_MAX else None
    if found is None:
        return None
    whole = "".join(c for c in found["grouped"] or found["whole"] or "0" if c.isdigit())
    amount = Decimal(f"{whole}.{found['part'] or ''}E{found['power'] or '0'}")
    if not amount:
        return Decimal(0)
    return amount.copy_negate() if is_negative else amount


def _split_sign(bare: str) -> tuple[bool, str]:
    if bare.startswith("(") and bare.endswith(")"):
        return True, bare[1:-1].strip()
    if bare[0] in _MINUS:
        return True, bare[1:].strip()
    if bare[-1] in _MINUS:
        return True, bare[:-1].strip()
    return False, bare.removeprefix("+")


def _refuse_number(text: str, *, decimal: str, thousands: str) -> CellValueError:
    between = f"{thousands!r} between thousands" if thousands else "nothing between thousands"
    return CellValueError(
        text,
        f"it is no number with {decimal!r} before the decimals and {between}"
        f"{_name_other_form(text)}",
        next_step="Let the export show unformatted numbers, or state in the flow how it spells"
        " them (`numbers`: `decimal` and `thousands`).",
    )


def _name_other_form(text: str) -> str:
    """What the text would be in other forms; said to people, never taken."""
    found = {_find_number(form, text.strip()) for form in _list_forms()} - {None}
    values = " or ".join(sorted(f"{value:f}" for value in found if value is not None))
    return f"; in other forms it would be {values}" if values else ""


def _list_forms() -> Iterator[re.Pattern[str]]:
    for decimal in DECIMALS:
        yield from (_compile_number(decimal, sign) for sign in THOUSANDS if sign != decimal)


def _refuse_day(text: str, reason: str) -> CellValueError:
    return CellValueError(
        text,
        reason,
        next_step="Let the export show days in the stated form, or state the form it shows.",
    )
