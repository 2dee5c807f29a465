"""Days: written as the session's user writes them, read from each of the three shapes."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import ClassVar, Final

from ml_connector.errors import ProtocolError
from ml_connector.systems.jde.conditions import Cell

EPOCH_MILLIS_MIN: Final = 10**9
"""From here on a number counts milliseconds; Julian days have six digits at most."""
JULIAN_MAX: Final = 999_366
ZONE_LEAD: Final = timedelta(hours=13)
"""Midnight of any server between UTC-10 and UTC+13, moved by this, falls on its own day in UTC."""
_PLAIN_DAY: Final = re.compile(r"\d{8}")
_PATTERN_PART: Final = re.compile(r"y+|M+|d+|[^A-Za-z]+|.")
_DIRECTIVES: Final = {"yyyy": "{0:04d}", "MM": "{1:02d}", "M": "{1}", "dd": "{2:02d}", "d": "{2}"}
_CODE_PARTS: Final = {"D": "dd", "M": "MM", "E": "yyyy"}


class UnreadableDateError(ProtocolError):
    """A value stands where a date belongs and is none, or a date format cannot be written."""

    code: ClassVar[str] = "jde.unreadable-date"


def decode_date(value: Cell) -> date | None:
    """The day a value means; None when it is blank (J-05).

    Rows hold yyyyMMdd as text, groups the milliseconds of the server's midnight, greatest values
    a Julian number; all three are taken wherever they come.

    Raises:
        UnreadableDateError: It is none of the three.
    """
    if value is None or value in ("", 0):
        return None
    try:
        if isinstance(value, str):
            return _decode_text(value.strip())
        number = int(value)
        if abs(number) >= EPOCH_MILLIS_MIN:
            return _decode_millis(number)
        return _decode_julian(number)
    except (ValueError, OverflowError) as error:
        raise _render_unreadable(value) from error


def _decode_text(text: str) -> date | None:
    if not text or text == "0":
        return None
    if not _PLAIN_DAY.fullmatch(text):
        raise ValueError(text)
    return date(int(text[:4]), int(text[4:6]), int(text[6:]))


def _decode_millis(millis: int) -> date:
    # The number is midnight in a zone that nobody tells. Rounding finds the day for every zone
    # from Hawaii to New Zealand in summer.
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=millis) + ZONE_LEAD).date()


def _decode_julian(number: int) -> date:
    if not 0 < number <= JULIAN_MAX:
        raise ValueError(number)
    year, day = 1900 + number // 1000, number % 1000
    found = date(year, 1, 1) + timedelta(days=day - 1)
    if not day or found.year != year:
        raise ValueError(number)
    return found


def _render_unreadable(value: Cell) -> UnreadableDateError:
    return UnreadableDateError(
        f"JD Edwards gave {str(value)[:40]!r} where a date belongs.",
        written="Nothing was written.",
        next_step="Report the value with the table it comes from; dates are read as yyyyMMdd, as"
        " milliseconds or as Julian numbers.",
        value=str(value)[:40],
    )


def build_date_renderer(pattern: str, *, code: str, separator: str) -> Callable[[date], str]:
    """How a session's user writes days, from its pattern or else from its three-letter code (J-04).

    Raises:
        UnreadableDateError: The format has a part whose meaning is not certain; guessing would
            turn the third of April into the fourth of March without a word.
    """
    wanted = pattern or separator.join(_CODE_PARTS.get(letter, letter) for letter in code)
    parts = _PATTERN_PART.findall(wanted)
    directives = [_DIRECTIVES.get(part, part) for part in parts]
    kinds = {part[0] for part in parts if part in _DIRECTIVES}
    is_odd = any(part not in _DIRECTIVES and part[0].isalpha() for part in parts)
    if is_odd or kinds != {"y", "M", "d"} or any(set("{}") & set(part) for part in parts):
        raise UnreadableDateError(
            f"The date format {wanted[:40]!r} of the JD Edwards user cannot be written with"
            " certainty.",
            written="Nothing was asked and nothing was written.",
            next_step="Give the integration user a date format of day, month and four-digit year,"
            " such as MDE, in its user profile.",
            pattern=wanted[:40],
        )
    template = "".join(directives)
    return lambda day: template.format(day.year, day.month, day.day)
