"""Cells of exports as flags, days and numbers: each form by example."""

from decimal import Decimal

import pytest

from ml_connector.domain.cell_values import (
    CellValueError,
    find_other_reading,
    is_blank,
    parse_day,
    parse_flag,
    parse_number,
    parse_text,
    verify_day_pattern,
)


@pytest.mark.parametrize(
    ("text", "decimal", "thousands", "amount"),
    [
        ("", ".", "", "0"),
        ("  ", ",", ".", "0"),
        ("62.25000000000001", ".", "", "62.25000000000001"),
        ("-0.00", ".", "", "0"),
        (".5", ".", "", "0.5"),
        ("5.", ".", "", "5"),
        ("+7", ".", "", "7"),
        ("1.5E+3", ".", "", "1500"),
        ("1,5e-2", ",", ".", "0.015"),
        ("1.234,56", ",", ".", "1234.56"),
        ("1.234", ",", ".", "1234"),
        ("1.234", ".", "", "1.234"),
        ("1,234", ",", "", "1.234"),
        ("1,234,567.8", ".", ",", "1234567.8"),
        ("1 234\u00a0567\u202f890,1", ",", " ", "1234567890.1"),
        ("1\u2019234.50", ".", "'", "1234.5"),
        ("12345.6", ".", ",", "12345.6"),
        ("(1,234.50)", ".", ",", "-1234.5"),
        ("1.234,50-", ",", ".", "-1234.5"),
        ("\u221212", ".", "", "-12"),
        ("- 12", ".", "", "-12"),
    ],
)
def test_number_is_read_in_its_form(text: str, decimal: str, thousands: str, amount: str) -> None:
    """Each spelling the form allows has one value."""
    assert parse_number(text, decimal=decimal, thousands=thousands) == Decimal(amount)
    assert str(parse_number(text, decimal=decimal, thousands=thousands))[:2] != "-0."


@pytest.mark.parametrize(
    ("text", "decimal", "thousands"),
    [
        ("1,234.56", ".", ""),
        ("1.234,56", ".", ","),
        ("12,34,567", ".", ","),
        ("1234,567", ".", ","),
        ("1,23", ".", ","),
        ("1,234,", ".", ","),
        ("0,123", ".", ","),
        ("1,234E3", ".", ","),
        ("1 234", ".", ","),
        ("(-5)", ".", ""),
        ("-5-", ".", ""),
        ("(5", ".", ""),
        ("()", ".", ""),
        ("--5", ".", ""),
        (".", ".", ""),
        ("-", ".", ""),
        ("1e", ".", ""),
        ("nan", ".", ""),
        ("Infinity", ".", ""),
        ("5%", ".", ""),
        ("$5", ".", ""),
        ("5 EUR", ".", ""),
        ("0x10", ".", ""),
        ("1_000", ".", ""),
        ("\u0663", ".", ""),
        ("9" * 401, ".", ""),
    ],
)
def test_number_of_another_form_is_refused(text: str, decimal: str, thousands: str) -> None:
    """A sign that was not stated, a group of another length or a doubled sign is no number."""
    with pytest.raises(CellValueError, match="it is no number with"):
        parse_number(text, decimal=decimal, thousands=thousands)


def test_refused_number_names_its_other_readings() -> None:
    """The reader sees what the cell may mean, and which setting decides."""
    with pytest.raises(CellValueError, match=r"it would be 1\.234 or 1234\.") as caught:
        parse_number("1,234")
    assert caught.value.reason.startswith("it is no number with '.' before the decimals")
    assert "`numbers`" in caught.value.next_step


@pytest.mark.parametrize(
    ("decimal", "thousands"), [(".", "."), (",", ","), (";", ""), ("", ""), (".", "_"), (".", "  ")]
)
def test_number_form_that_cannot_be_is_refused(decimal: str, thousands: str) -> None:
    """The two signs are known ones, and differ."""
    with pytest.raises(CellValueError, match="numbers cannot part"):
        parse_number("1", decimal=decimal, thousands=thousands)


@pytest.mark.parametrize(
    ("text", "sign"),
    [("1.234", "."), ("-12,345", ","), ("(999.000)", "."), ("1.234-", "."), (" 1,234 ", ","),
     ("0.234", ""), ("1.23", ""), ("1.2345", ""), ("1234.567", ""), ("1.234.567", ""),
     ("1,234.5", ""), ("1 234", ""), ("1234", ""), ("", ""), ("x", "")],
)  # fmt: skip
def test_other_reading_is_found_where_there_is_one(text: str, sign: str) -> None:
    """Three digits behind one sign, and up to three before it, may be decimals or a group."""
    assert find_other_reading(text) == sign


@pytest.mark.parametrize(
    ("text", "pattern", "day"),
    [
        ("2026-01-31", "YYYY-MM-DD", "2026-01-31"),
        ("31.01.2026", "DD.MM.YYYY", "2026-01-31"),
        ("1/31/2026", "M/D/YYYY", "2026-01-31"),
        ("20260131", "YYYYMMDD", "2026-01-31"),
        ("31012026", "DDMMYYYY", "2026-01-31"),
        ("3 FEB 2026", "D MMM YYYY", "2026-02-03"),
        ("3-feb-2026", "D-MMM-YYYY", "2026-02-03"),
        (" 2026-01-31 ", "YYYY-MM-DD", "2026-01-31"),
        ("", "DD.MM.YYYY", ""),
        ("   ", "DD.MM.YYYY", ""),
    ],
)
def test_day_is_read_by_its_pattern(text: str, pattern: str, day: str) -> None:
    """The pattern alone says what is the month and what the day."""
    verify_day_pattern(pattern)
    assert parse_day(text, pattern=pattern) == day


@pytest.mark.parametrize(
    ("text", "pattern", "word"),
    [
        ("31.02.2026", "DD.MM.YYYY", "no such day"),
        ("29.02.2026", "DD.MM.YYYY", "no such day"),
        ("13/31/2026", "MM/DD/YYYY", "no such day"),
        ("0000-01-01", "YYYY-MM-DD", "no such day"),
        ("1.2.2026", "DD.MM.YYYY", "no day of the form"),
        ("31.01.26", "DD.MM.YYYY", "no day of the form"),
        ("2026-01-31T00:00:00", "YYYY-MM-DD", "no day of the form"),
        ("2026/01/31", "YYYY-MM-DD", "no day of the form"),
        ("31.01.2026", "DD/MM/YYYY", "no day of the form"),
        ("3 MAI 2026", "D MMM YYYY", "no day of the form"),
        ("46053", "YYYY-MM-DD", "no day of the form"),
        ("\u0662026-01-31", "YYYY-MM-DD", "no day of the form"),
    ],
)
def test_day_of_another_form_is_refused(text: str, pattern: str, word: str) -> None:
    """Days that do not exist, or are written otherwise, are never bent into others."""
    with pytest.raises(CellValueError, match=word):
        parse_day(text, pattern=pattern)


@pytest.mark.parametrize(
    "pattern",
    ["", "YYYY", "YY-MM-DD", "DD.MM.YY", "YYYY-MM-MM", "YYYY-MM-DD hh", "MDYYYY", "DMMYYYY",
     "YYYY-MM", "yyyy-mm-dd", "YYYY-MM-DD-DD", "%Y-%m-%d", "YYYYMMDDX", "1YYYY-MM-DD"],
)  # fmt: skip
def test_pattern_without_year_month_and_day_is_refused(pattern: str) -> None:
    """A pattern that leaves open which part is which cannot be used."""
    with pytest.raises(CellValueError, match="does not name year, month and day"):
        verify_day_pattern(pattern)


def test_blank_cells_are_blank_in_every_kind() -> None:
    """No character, or blanks of any kind, is a blank cell; text keeps what stands inside it."""
    for text in ("", " ", "\t", "\u00a0"):
        assert is_blank(text)
        assert (parse_flag(text), parse_day(text), parse_text(text)) == ("", "", "")
        assert parse_number(text) == 0
    assert not is_blank("0")
    assert parse_text("  A  b ") == "A  b"


@pytest.mark.parametrize("text", ["NaN", "#N/A", "null", " None ", "N/A", "(blank)"])
def test_word_for_no_value_is_neither_blank_nor_a_text(text: str) -> None:
    """Some exports spell a blank cell out; what might be meant is not decided here."""
    with pytest.raises(CellValueError, match="blank cell spelled out"):
        parse_text(text)
    for parse in (parse_flag, parse_day, parse_number):
        with pytest.raises(CellValueError):
            parse(text)
    assert parse_text("Null & Sons") == "Null & Sons"
