"""Exchange rates of the company: one a day and pair, the same on every start."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

RATE_TYPE = "Corporate"
DECIMALS = {"USD": 2, "EUR": 2, "GBP": 2, "CAD": 2, "JPY": 0, "KWD": 3, "STAT": 2}
"""Digits after the point, by currency."""

_USD_PER_UNIT = {
    "USD": Decimal(1),
    "EUR": Decimal("1.0842"),
    "GBP": Decimal("1.2731"),
    "CAD": Decimal("0.7318"),
    "JPY": Decimal("0.006713"),
    "KWD": Decimal("3.2524"),
}
_PAIRS = (("USD", "EUR"), ("EUR", "USD"), ("GBP", "USD"), ("CAD", "USD"), ("USD", "CAD"))
_FIRST_DAY = date(2024, 1, 1)
_LAST_DAY = date(2026, 12, 31)
_RATE = Context(prec=6, rounding=ROUND_HALF_UP)
_INVERSE = Context(prec=12, rounding=ROUND_HALF_UP)
_WOBBLE_STEPS = 41


@lru_cache(maxsize=20_000)
def find_rate(currency: str, target: str, day: date) -> Decimal:
    """Return how many units of `target` one unit of `currency` costs on `day`."""
    if currency == target or "STAT" in (currency, target):
        return Decimal(1)
    base = _USD_PER_UNIT[currency] / _USD_PER_UNIT[target]
    wobble = Decimal((day.toordinal() * 7 + ord(currency[0]) * 3) % _WOBBLE_STEPS - 20) / 1000
    return _RATE.multiply(base, 1 + wobble)


def invert_rate(rate: Decimal) -> Decimal:
    """Return the inverse of `rate`, to twelve digits."""
    return Decimal(1) if rate == 1 else _INVERSE.divide(1, rate)


def daily_rates() -> Iterator[tuple[str, str, date, Decimal]]:
    """Yield (from, to, day, rate) for each pair and day that the company keeps."""
    for currency, target in _PAIRS:
        for offset in range((_LAST_DAY - _FIRST_DAY).days + 1):
            day = _FIRST_DAY + timedelta(days=offset)
            yield currency, target, day, find_rate(currency, target, day)
