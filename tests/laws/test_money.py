"""Laws of exact amounts and of the doubles a planning cell keeps."""

from decimal import Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow, localcontext

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ml_connector.domain.money import (
    EXACT,
    TooManyDecimalsError,
    count_decimals,
    count_digits,
    parse_cell,
    verify_cell_amount,
)

AMOUNTS = st.builds(
    lambda units, scale: Decimal(units).scaleb(-scale),
    st.integers(-(10**15) + 1, 10**15 - 1),
    st.integers(0, 4),
)


@given(amount=AMOUNTS)
@example(amount=Decimal("57.94"))
@example(amount=Decimal(-999999999999999))
@example(amount=Decimal("0.0001"))
def test_parse_cell_gives_back_every_amount_of_fifteen_digits(amount: Decimal) -> None:
    """Whatever a cell can hold is read back equal, from the short and the long double text."""
    decimals = count_decimals(amount)

    assert parse_cell(repr(float(amount)), decimals=decimals) == amount
    assert parse_cell(f"{float(amount):.17g}", decimals=decimals) == amount
    assert parse_cell(f"{float(amount):.17e}", decimals=4) == amount


@given(amount=AMOUNTS, ulps=st.integers(1, 3))
def test_parse_cell_shows_a_double_that_was_never_sent(amount: Decimal, ulps: int) -> None:
    """A cell moved to a neighbouring double does not pass for what was sent."""
    moved = float(amount)
    for _ in range(ulps):
        moved = _next_double(moved)

    assert parse_cell(repr(moved), decimals=4) != amount


def _next_double(value: float) -> float:
    return float.fromhex("0x1p-1074") if value == 0 else value * (1 + 2**-52)


@given(amount=AMOUNTS)
def test_a_cell_amount_passes_exactly_when_its_currency_has_its_decimals(amount: Decimal) -> None:
    """An amount of up to fifteen digits is taken unchanged or refused, never rounded."""
    assert count_digits(amount) <= 15
    if count_decimals(amount) <= 2:
        assert verify_cell_amount(amount, currency="EUR", where="x") is amount
    else:
        with pytest.raises(TooManyDecimalsError):
            verify_cell_amount(amount, currency="EUR", where="x")


@given(amounts=st.lists(AMOUNTS, max_size=30), data=st.data())
def test_sums_are_exact_in_any_order(amounts: list[Decimal], data: st.DataObject) -> None:
    """Adding in another order, or in whole units, gives the same amount to the last digit."""
    shuffled = data.draw(st.permutations(amounts))
    units = sum(int(amount * 10_000) for amount in amounts)

    assert sum(amounts, Decimal(0)) == sum(shuffled, Decimal(0)) == Decimal(units).scaleb(-4)


@pytest.mark.parametrize(
    ("left", "operation", "right", "trap"),
    [
        ("1", "/", "3", Inexact),
        ("1E+60", "+", "0.1", Inexact),
        ("1", "/", "0", DivisionByZero),
        ("0", "/", "0", InvalidOperation),
        ("9E+999", "*", "10", Overflow),
    ],
)
def test_exact_money_traps_what_would_lose_a_digit(
    left: str, operation: str, right: str, trap: type[Exception]
) -> None:
    """An operation that cannot be exact raises instead of rounding."""
    one, other = Decimal(left), Decimal(right)
    operations = {"/": one.__truediv__, "+": one.__add__, "*": one.__mul__}

    with localcontext(EXACT), pytest.raises(trap):
        operations[operation](other)
