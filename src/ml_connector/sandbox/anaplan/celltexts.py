"""How exports print the values of cells; everything but the defaults is a turn of a switch."""

from dataclasses import dataclass
from decimal import Decimal

from ml_connector.sandbox.anaplan.csvtext import render_number
from ml_connector.sandbox.switches import Switches

EXPONENT_FROM = 1e7
EXPONENT_BELOW = 1e-3
_DATES = {
    "ISO": "{year}-{month}-{day}",
    "locale": "{day}/{month}/{year}",
    "dd/mm/yyyy": "{day}/{month}/{year}",
    "mm/dd/yyyy": "{month}/{day}/{year}",
    "dd.mm.yyyy": "{day}.{month}.{year}",
    "yyyymmdd": "{year}{month}{day}",
}
_NEGATIVES = {"-1": "-{}", "1-": "{}-", "(1)": "({})"}
_BLANKS = {"empty": "", "quoted": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberTexts:
    """How numbers are printed; by default as raw doubles with a point."""

    decimal: str = "."
    thousands: str = "none"
    negative: str = "-1"
    exponent: str = "off"

    def text(self, value: float) -> str:
        """The number, its sign where the form wants it."""
        plain = self._unsigned(abs(value))
        return _NEGATIVES[self.negative].format(plain) if value < 0 else plain

    def _unsigned(self, value: float) -> str:
        is_far = value >= EXPONENT_FROM or 0 < value < EXPONENT_BELOW
        if self.exponent == "on" and is_far:
            return _scientific(value).replace(".", self.decimal)
        whole, _, part = render_number(value).partition(".")
        if self.thousands != "none":
            whole = f"{int(whole):,}".replace(",", self.thousands)
        return f"{whole}{self.decimal}{part}" if part else whole


@dataclass(frozen=True, slots=True, kw_only=True)
class CellTexts:
    """How booleans, dates, numbers and blank cells are printed."""

    booleans: str = "true/false"
    dates: str = "ISO"
    numbers: NumberTexts = NumberTexts()
    blank: str = ""
    blank_number: str = "0"

    def boolean(self, *, value: bool) -> str:
        """The word for the truth value."""
        true, false = self.booleans.split("/")
        return true if value else false

    def date(self, text: str) -> str:
        """The date in the wanted order; the text is a date as it is stored."""
        year, month, day = text.split("-")
        return _DATES[self.dates].format(year=year, month=month, day=day)

    def number(self, value: float) -> str:
        """The number, or what stands for a zero where zeros are shown as blanks."""
        if not value and self.blank_number == "blank":
            return self.blank
        return self.numbers.text(value)


def cell_texts(switches: Switches) -> CellTexts:
    """How the switches want values printed."""
    blank = switches["export.blank"]
    return CellTexts(
        booleans=switches["export.bool"],
        dates=switches["export.date"],
        numbers=NumberTexts(
            decimal=switches["export.decimal"],
            thousands=switches["export.thousands"],
            negative=switches["export.negative"],
            exponent=switches["export.exponent"],
        ),
        blank=_BLANKS.get(blank, blank),
        blank_number=switches["export.blank_number"],
    )


def _scientific(value: float) -> str:
    """One digit before the point, at least one after it: 1.0E7."""
    number = Decimal(repr(value)).normalize()
    digits = "".join(map(str, number.as_tuple().digits))
    return f"{digits[0]}.{digits[1:] or '0'}E{number.adjusted()}"
