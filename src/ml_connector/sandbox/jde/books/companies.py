"""The four companies of the books, their currencies and the rates between those."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

from ml_connector.sandbox.jde.raw import scale_up

RATE_DECIMALS = 7
_RATE_SCALE = 10_000_000
_RATE = Context(prec=6, rounding=ROUND_HALF_UP)
_WOBBLE_STEPS = 41
_TENS = (1, 10, 100, 1_000)
_USD_PER_UNIT = {
    "USD": Decimal(1),
    "EUR": Decimal("1.0842"),
    "GBP": Decimal("1.2731"),
    "CAD": Decimal("0.7318"),
    "JPY": Decimal("0.006713"),
    "KWD": Decimal("3.2524"),
}
CURRENCIES = (
    ("USD", "U.S. Dollar", 2),
    ("EUR", "Euro", 2),
    ("GBP", "Pound Sterling", 2),
    ("CAD", "Canadian Dollar", 2),
    ("JPY", "Japanese Yen", 0),
    ("KWD", "Kuwaiti Dinar", 3),
)
DECIMALS = {code: decimals for code, _, decimals in CURRENCIES}
"""Digits after the point, by currency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyFacts:
    """One company: its books' currency, its calendar and how large its business is."""

    number: str
    name: str
    currency: str
    pattern: str
    balance_unit: str
    foreign: tuple[str, ...]
    share_percent: int
    first_document: int

    @property
    def decimals(self) -> int:
        """Implied decimals of the amounts in its own currency."""
        return DECIMALS[self.currency]


HALDEN_US = CompanyFacts(
    number="00001",
    name="Halden Works Inc",
    currency="USD",
    pattern="R",
    balance_unit="1",
    foreign=("EUR", "GBP"),
    share_percent=58,
    first_document=40_001,
)
HALDEN_CANADA = CompanyFacts(
    number="00077",
    name="Halden Works Canada",
    currency="CAD",
    pattern="O",
    balance_unit="77",
    foreign=("USD",),
    share_percent=16,
    first_document=40_001,
)
HALDEN_JAPAN = CompanyFacts(
    number="00200",
    name="Halden Works Japan",
    currency="JPY",
    pattern="F",
    balance_unit="200",
    foreign=(),
    share_percent=15,
    first_document=2_000_001,
)
HALDEN_KUWAIT = CompanyFacts(
    number="00300",
    name="Halden Works Kuwait",
    currency="KWD",
    pattern="R",
    balance_unit="300",
    foreign=("USD",),
    share_percent=11,
    first_document=3_000_001,
)
COMPANIES = (HALDEN_US, HALDEN_CANADA, HALDEN_JAPAN, HALDEN_KUWAIT)
COMPANIES_BY_NUMBER = {company.number: company for company in COMPANIES}


@lru_cache(maxsize=20_000)
def find_rate(currency: str, target: str, day: date) -> int:
    """Return what one unit of `currency` costs in `target` on a day, in ten-millionths."""
    if currency == target:
        return _RATE_SCALE
    base = _USD_PER_UNIT[currency] / _USD_PER_UNIT[target]
    wobble = Decimal((day.toordinal() * 7 + ord(currency[0]) * 3) % _WOBBLE_STEPS - 20) / 1000
    rate = _RATE.multiply(base, 1 + wobble)
    return scale_up(rate, RATE_DECIMALS)


def convert_raw(raw: int, rate: int, decimals: tuple[int, int]) -> int:
    """Return a raw amount in another currency, half a unit rounded away from zero.

    Args:
        raw: Amount with the implied decimals of the first currency.
        rate: From `find_rate`.
        decimals: Implied decimals of the first and of the other currency.
    """
    return scale_by(raw, rate * _TENS[decimals[1]], _RATE_SCALE * _TENS[decimals[0]])


def scale_by(raw: int, numerator: int, denominator: int) -> int:
    """Return `raw` times a fraction, half a unit rounded away from zero."""
    rounded: int = (2 * abs(raw) * numerator + denominator) // (2 * denominator)
    return -rounded if raw < 0 else rounded
