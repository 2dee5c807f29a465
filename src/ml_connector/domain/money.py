"""Exact amounts: the decimal context, scales of currencies, and doubles as the model keeps them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import (
    ROUND_DOWN,
    Clamped,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
    localcontext,
    setcontext,
)

from ml_connector.errors import ProtocolError, RefusedError

ZERO = Decimal(0)
DIGITS_MAX = 15
"""Significant digits that survive the double a planning cell is kept as (anaplan §11)."""
DECIMALS_STORED_MAX = 9
"""Scale of the archive's amounts; a source amount with more decimals is refused, not rounded."""

STORED_MAX = Decimal(10) ** 27
"""Largest amount of a cell that is kept; sums of cells must still fit the archive's 29 digits."""

EXACT = Context(
    prec=60,
    traps=[Inexact, Overflow, InvalidOperation, DivisionByZero, Clamped],
    Emin=-999,
    Emax=999,
)
"""A lost digit raises instead of passing; the default context rounds sums at 28 digits."""

_DECIMALS_OTHER_THAN_TWO = {
    "BHD": 3, "BIF": 0, "CLF": 4, "CLP": 0, "DJF": 0, "GNF": 0, "IQD": 3, "ISK": 0, "JOD": 3,
    "JPY": 0, "KMF": 0, "KRW": 0, "KWD": 3, "LYD": 3, "OMR": 3, "PYG": 0, "RWF": 0, "TND": 3,
    "UGX": 0, "UYI": 0, "UYW": 4, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
}  # fmt: skip


_LOOKING = Context(prec=9999, Emin=-99_999, Emax=99_999, traps=[InvalidOperation])
"""Wide enough to look at any amount without changing it, whatever its length."""
_ROUNDING = Context(prec=DIGITS_MAX, traps=[])
"""Rounds a cell's text; an impossible rounding becomes NaN, never an exception."""
_CUTTING = Context(prec=60, rounding=ROUND_DOWN, traps=[InvalidOperation])
"""Cuts what the archive cannot keep of a cell that differs in any case."""
_CELL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


class CellTextError(ProtocolError):
    """A cell of the model was read back as something that is no number."""

    code = "money.cell-text"


class TooManyDecimalsError(RefusedError):
    """An amount holds more decimals than its currency or the archive takes."""

    code = "money.too-many-decimals"


class TooManyDigitsError(RefusedError):
    """An amount holds more significant digits than a planning cell can keep."""

    code = "money.too-many-digits"


def use_exact_money() -> None:
    """This thread computes money exactly from now on; call it first in every thread."""
    setcontext(EXACT.copy())


@contextmanager
def exact_money() -> Iterator[None]:
    """Money is exact inside the block, whatever the thread's context was."""
    with localcontext(EXACT.copy()):
        yield


def decimals_of(currency: str) -> int:
    """Minor-unit digits of an ISO 4217 currency; 2 where the standard's list has no other."""
    return _DECIMALS_OTHER_THAN_TWO.get(currency, 2)


def count_decimals(amount: Decimal) -> int:
    """Decimals that carry value: 1.500 has one, 1E+3 has none."""
    exponent = amount.normalize(_LOOKING).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def count_digits(amount: Decimal) -> int:
    """Significant digits: 1200 has two, 0.050 has one."""
    return len(amount.normalize(_LOOKING).as_tuple().digits)


def render_plain(amount: Decimal) -> str:
    """Plain digits with a point: no exponent, no grouping, no needless zeros, no negative zero."""
    text = format(amount, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", ""} else text


def render_amount(amount: Decimal, currency: str) -> str:
    """For people: grouped thousands and at least the currency's decimals; never rounded."""
    return f"{amount:,.{max(decimals_of(currency), count_decimals(amount))}f}"


def verify_cell_amount(amount: Decimal, *, currency: str, where: str) -> Decimal:
    """Return the amount when a planning cell can hold it to the last cent.

    Raises:
        TooManyDecimalsError: More decimals than the currency has; nothing was sent.
        TooManyDigitsError: More than 15 significant digits; nothing was sent.
    """
    if count_decimals(amount) > decimals_of(currency):
        raise TooManyDecimalsError(
            f"The amount {amount} {currency} of {where} has more than"
            f" {decimals_of(currency)} decimals.",
            written="Nothing was sent to the model.",
            next_step="Correct the journal, or exclude it by a named exclusion of the flow.",
            amount=str(amount), currency=currency, where=where,
        )  # fmt: skip
    if count_digits(amount) > DIGITS_MAX:
        raise TooManyDigitsError(
            f"The amount {amount} {currency} of {where} has more than {DIGITS_MAX} significant"
            " digits, which a planning cell cannot keep.",
            written="Nothing was sent to the model.",
            next_step="Split the intersection over more members, or exclude it by name.",
            amount=str(amount), currency=currency, where=where,
        )  # fmt: skip
    return amount


def parse_cell(text: str, *, decimals: int) -> Decimal:
    """The decimal a cell's double stands for at the given scale.

    A model keeps doubles, so 0.30 may be read back as 0.29999999999999999. No two amounts of 15
    digits share a double: when the value rounded to 15 digits fits the scale and its nearest
    double is the cell's own, it is what was sent; otherwise the cell's text is returned as it is,
    and the tie-out will show it. An empty cell is zero.

    Raises:
        CellTextError: The text is no finite number.
    """
    if not text:
        return ZERO
    if not _CELL.fullmatch(text):
        raise CellTextError(
            f"The model shows {text!r} where a number belongs.",
            written="What was sent before stays; nothing was compared with this cell.",
            next_step="Check that the export's line items are numbers, unformatted.",
            text=text,
        )
    raw = Decimal(text)
    if not raw:
        return ZERO
    rounded = raw.normalize(_ROUNDING)
    if count_decimals(rounded) > decimals:
        return raw
    # The only doubles of the product: the cell *is* a double, so equality is decided among doubles.
    if float(rounded) != float(text):
        return raw
    return rounded.quantize(Decimal(1).scaleb(-decimals), context=_LOOKING)


def fit_stored(amount: Decimal, *, decimals: int) -> Decimal:
    """The amount as the archive keeps it; never made equal to one the scale allows.

    Somebody may have typed a third into a cell. It must be shown as a difference, so what the
    archive cannot keep is cut to its last decimal, and away from every amount of the scale.
    """
    # Not abs(), which rounds by the thread's context and raises there for what is too long.
    if amount.copy_abs() > STORED_MAX:
        return STORED_MAX.copy_sign(amount)
    if count_decimals(amount) <= DECIMALS_STORED_MAX:
        return amount
    smallest = Decimal(1).scaleb(-DECIMALS_STORED_MAX)
    kept = amount.quantize(smallest, context=_CUTTING)
    return kept + smallest if count_decimals(kept) <= decimals else kept
