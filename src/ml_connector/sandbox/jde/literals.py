"""What condition values mean: dates in the user's format, special values, numbers, texts."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from ml_connector.sandbox.jde.columns import Column, Pad
from ml_connector.sandbox.jde.julian import to_julian
from ml_connector.sandbox.jde.refusals import QueryRefusalError, RefusalError

DATE_ORDERS = {
    "MDE": ("MM", "dd", "yyyy"),
    "DME": ("dd", "MM", "yyyy"),
    "EMD": ("yyyy", "MM", "dd"),
}
_SPECIAL_DAYS = re.compile(r"TODAY(?:_(PLUS|MINUS)_(DAY|MONTH|YEAR))?")
_COUNT_MAX = 99_999
_NUMBER_DIGITS_MAX = 40


class IgnoredConditionError(Exception):
    """The switch says that a condition with such a value is dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DateReader:
    """Reads date literals as a session does."""

    code: str
    separator: str
    wrong: str

    @property
    def simple_format(self) -> str:
        """The format as the sign-on tells it, such as MM/dd/yyyy."""
        return self.separator.join(DATE_ORDERS[self.code])

    def render(self, day: date) -> str:
        """Return the day in the user's format."""
        parts = {"MM": f"{day.month:02}", "dd": f"{day.day:02}", "yyyy": f"{day.year:04}"}
        return self.separator.join(parts[one] for one in DATE_ORDERS[self.code])

    def read(self, content: str) -> int:
        """Return the CYYDDD number of a literal; 0 for a blank one."""
        if not content.strip():
            return 0
        day = self._find_strict(content.strip())
        if day is not None:
            return to_julian(day)
        if self.wrong == "ignore":
            raise IgnoredConditionError
        if self.wrong == "misread":
            return self._misread(content)
        raise RefusalError(int(self.wrong), f"Invalid date {content!r}: {self.simple_format}.")

    def _find_strict(self, content: str) -> date | None:
        widths = [rf"(?P<{one}>\d{{{len(one)}}})" for one in DATE_ORDERS[self.code]]
        found = re.fullmatch(re.escape(self.separator).join(widths), content)
        if found is None:
            return None
        try:
            return date(*(int(found[one]) for one in ("yyyy", "MM", "dd")))
        except ValueError:
            return None

    def _misread(self, content: str) -> int:
        """A lenient reader rolls a month 31 over instead of complaining."""
        numbers = [int(one) for one in re.findall(r"\d+", content)]
        if len(numbers) != len(DATE_ORDERS[self.code]):
            return 0
        named = dict(zip(DATE_ORDERS[self.code], numbers, strict=True))
        months = named["yyyy"] * 12 + named["MM"] - 1
        try:
            first = date(months // 12, months % 12 + 1, 1)
            return max(0, to_julian(first + timedelta(days=named["dd"] - 1)))
        except (ValueError, OverflowError):
            return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueReader:
    """Reads the values of conditions for one query of one user."""

    dates: DateReader
    today: date
    login_user: str

    def text(self, column: Column, value: dict[str, Any]) -> str:
        """Return a text as it is stored: padded where the column's values stand at the right."""
        content = self._content(value)
        return column.raw_text(content) if column.pad is Pad.RIGHT else content.rstrip(" ")

    def number(self, value: dict[str, Any]) -> Decimal:
        """Return a number; blank is 0."""
        content = self._content(value).strip()
        try:
            found = Decimal(content or "0")
        except InvalidOperation as error:
            raise QueryRefusalError(f"Invalid number {content!r}.") from error
        if not found.is_finite() or len(content) > _NUMBER_DIGITS_MAX:
            raise QueryRefusalError(f"Invalid number {content!r}.")
        return found

    def julian(self, value: dict[str, Any]) -> int:
        """Return a date as CYYDDD, special values evaluated by the day of the server."""
        special = _SPECIAL_DAYS.fullmatch(_special_of(value))
        if special is None:
            return self.dates.read(self._content(value))
        sign = {"PLUS": 1, "MINUS": -1}.get(special[1], 0)
        content = str(value.get("content") or "0").strip()
        if not content.isdigit() or int(content) > _COUNT_MAX:
            raise QueryRefusalError(f"Invalid count {content!r} for {_special_of(value)}.")
        return to_julian(_moved(self.today, sign * int(content), special[2] or "DAY"))

    def _content(self, value: dict[str, Any]) -> str:
        special = _special_of(value)
        if special == "LOGIN_USER":
            return self.login_user
        if special != "LITERAL":
            raise QueryRefusalError(f"Invalid specialValueId {special!r} for this column.")
        content = value.get("content")
        return "" if content is None else str(content)


def is_special_day(value: dict[str, Any]) -> bool:
    """The value is one that the server's day decides."""
    return _special_of(value).startswith("TODAY")


def _special_of(value: dict[str, Any]) -> str:
    return str(value.get("specialValueId") or "LITERAL")


def _moved(day: date, count: int, unit: str) -> date:
    try:
        if unit == "DAY":
            return day + timedelta(days=count)
        months = day.year * 12 + day.month - 1 + count * (12 if unit == "YEAR" else 1)
        year, month = months // 12, months % 12 + 1
        return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
    except (ValueError, OverflowError) as error:
        raise QueryRefusalError(f"{count} {unit} from {day} is no date.") from error
