"""Amounts that are refused, and cells that are odd."""

import threading
from decimal import Decimal, Inexact

import pytest

from ml_connector.domain.money import (
    STORED_MAX,
    ZERO,
    CellTextError,
    TooManyDecimalsError,
    TooManyDigitsError,
    count_decimals,
    count_digits,
    decimals_of,
    exact_money,
    fit_stored,
    parse_cell,
    use_exact_money,
    verify_cell_amount,
)


@pytest.mark.parametrize("text", ["", "0", "-0.0", "0.000", "0E-5"])
def test_parse_cell_reads_every_zero_as_plain_zero(text: str) -> None:
    """An empty cell and a signed zero are zero without a sign."""
    assert str(parse_cell(text, decimals=2)) == "0"


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "abc", "1_000", "1,000", " 1", "٣", "1e99999", "1e9999"]
)
def test_parse_cell_refuses_what_is_no_number(text: str) -> None:
    """A text that is no finite number is named, not guessed at."""
    with pytest.raises(CellTextError, match="where a number belongs"):
        parse_cell(text, decimals=2)


def test_parse_cell_keeps_a_number_too_large_for_its_scale() -> None:
    """An impossible rounding returns the cell as it is, so the tie-out shows it."""
    assert parse_cell("1e300", decimals=2) == Decimal("1e300")


def test_cell_of_any_length_fits_the_archive() -> None:
    """Digits no double has, typed into a text, are shown as too large and stop nothing."""
    with exact_money():
        assert fit_stored(parse_cell("9" * 80, decimals=2), decimals=2) == STORED_MAX
        assert fit_stored(parse_cell("-1e999", decimals=2), decimals=2) == -STORED_MAX


def test_parse_cell_does_not_need_an_exact_context() -> None:
    """Reading is the same under the exact context and under the default one."""
    with exact_money():
        assert parse_cell("57.9400000000000048", decimals=2) != Decimal("57.94")
        assert parse_cell("0.29999999999999999", decimals=2) == Decimal("0.30")
    assert parse_cell("0.29999999999999999", decimals=2) == Decimal("0.30")


def test_verify_cell_amount_refuses_more_decimals_than_the_currency_has() -> None:
    """A yen amount with decimals is refused, never rounded."""
    with pytest.raises(TooManyDecimalsError, match=r"10\.5 JPY .* more than 0 decimals"):
        verify_cell_amount(Decimal("10.5"), currency="JPY", where="x")
    assert verify_cell_amount(Decimal("10.500"), currency="KWD", where="x") == Decimal("10.5")


def test_verify_cell_amount_refuses_sixteen_digits() -> None:
    """An amount a double cannot keep is refused before it is sent."""
    with pytest.raises(TooManyDigitsError, match="15 significant"):
        verify_cell_amount(Decimal("12345678901234.56"), currency="EUR", where="x")


def test_counts_hold_for_amounts_longer_than_the_exact_context() -> None:
    """Looking at an amount never fails, however long it is."""
    long = Decimal("1." + "1" * 80)

    assert count_decimals(long) == 80
    assert count_digits(long) == 81
    assert count_decimals(Decimal("1E+3")) == 0
    assert count_decimals(ZERO) == 0


@pytest.mark.parametrize(
    ("currency", "decimals"), [("EUR", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("XXX", 2)]
)
def test_decimals_of_follows_the_standard(currency: str, decimals: int) -> None:
    """Minor digits come from ISO 4217, two where it names no other."""
    assert decimals_of(currency) == decimals


def test_use_exact_money_holds_for_its_thread_alone() -> None:
    """The context is set per thread; another thread keeps its own."""
    seen: list[str] = []

    def work() -> None:
        use_exact_money()
        try:
            seen.append(f"rounded to {Decimal(1) / Decimal(3)}")
        except Inexact:
            seen.append("raised")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert seen == ["raised"]
    assert Decimal(1) / Decimal(3) < Decimal("0.34")
