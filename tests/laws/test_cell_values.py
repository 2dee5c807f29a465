"""Laws of cells read by a stated form: what was written in it comes back, the rest is refused."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ml_connector.domain.cell_values import (
    DECIMALS,
    THOUSANDS,
    CellValueError,
    find_other_reading,
    parse_day,
    parse_flag,
    parse_number,
)

AMOUNTS = st.builds(
    lambda units, scale: Decimal(units).scaleb(-scale),
    st.integers(-(10**18), 10**18),
    st.integers(0, 6),
)
FORMS = st.tuples(st.sampled_from(DECIMALS), st.sampled_from(THOUSANDS)).filter(
    lambda form: form[0] != form[1]
)
PATTERNS = {
    "YYYY-MM-DD": "%Y-%m-%d",
    "DD.MM.YYYY": "%d.%m.%Y",
    "MM/DD/YYYY": "%m/%d/%Y",
    "YYYYMMDD": "%Y%m%d",
    "DD MMM YYYY": "%d %b %Y",
}
WORDS = {"true": "Y", "yes": "Y", "1": "Y", "false": "N", "no": "N", "0": "N", "": ""}


def spell(amount: Decimal, decimal: str, thousands: str) -> str:
    """The amount as an export of that form spells it."""
    text = f"{amount:,f}"
    return text.replace(",", "\0").replace(".", decimal).replace("\0", thousands)


@given(amount=AMOUNTS, form=FORMS)
@example(amount=Decimal("-1234.5"), form=(",", "."))
@example(amount=Decimal("0.000"), form=(".", ","))
def test_number_comes_back_from_the_form_it_was_spelled_in(
    amount: Decimal, form: tuple[str, str]
) -> None:
    """Grouped or not, minus before, behind or as brackets: the value is the same."""
    decimal, thousands = form
    size = abs(amount)
    grouped, bare = spell(size, decimal, thousands), spell(size, decimal, "")
    for text in (grouped, bare, f" {grouped} "):
        assert parse_number(text, decimal=decimal, thousands=thousands) == size
        for negative in (f"-{text.strip()}", f"{text.strip()}-", f"({text.strip()})"):
            assert parse_number(negative, decimal=decimal, thousands=thousands) == -size


@given(amount=AMOUNTS, written=FORMS, read=FORMS)
@example(amount=Decimal(1234), written=(".", ","), read=(",", ""))
@example(amount=Decimal("0.123"), written=(".", ","), read=(",", "."))
def test_number_read_in_another_form_is_right_refused_or_known_to_have_two_readings(
    amount: Decimal, written: tuple[str, str], read: tuple[str, str]
) -> None:
    """A form that was stated wrongly changes an amount only where the text has two readings."""
    text = spell(amount, *written)
    try:
        found = parse_number(text, decimal=read[0], thousands=read[1])
    except CellValueError:
        return
    assert found == amount or find_other_reading(text) in DECIMALS


@given(text=st.text(max_size=12), form=FORMS)
def test_number_is_read_or_refused_whatever_the_text(text: str, form: tuple[str, str]) -> None:
    """No text raises anything else, and no letter but the exponent's passes for a number."""
    try:
        parse_number(text, decimal=form[0], thousands=form[1])
    except CellValueError:
        return
    assert not set(text.lower()) & set("abcdfghijklmnopqrstuvwxyz%$€")


@given(day=st.dates(date(1900, 1, 1)), pattern=st.sampled_from(sorted(PATTERNS)))
@example(day=date(2024, 2, 29), pattern="DD.MM.YYYY")
def test_day_comes_back_from_the_pattern_it_was_written_in(day: date, pattern: str) -> None:
    """Every day is read back, as ISO text."""
    assert parse_day(day.strftime(PATTERNS[pattern]), pattern=pattern) == day.isoformat()


@given(text=st.text("0123456789./- ", max_size=10), pattern=st.sampled_from(sorted(PATTERNS)))
def test_day_is_read_as_written_or_refused(text: str, pattern: str) -> None:
    """What is read, written again by the pattern, is the text itself."""
    try:
        found = parse_day(text, pattern=pattern)
    except CellValueError:
        return
    assert (date.fromisoformat(found).strftime(PATTERNS[pattern]) if found else "") == text.strip()


@given(
    word=st.sampled_from(sorted(WORDS)), capitals=st.lists(st.booleans(), min_size=5, max_size=5)
)
def test_flag_is_read_in_any_capitals(word: str, capitals: list[bool]) -> None:
    """The capitals of a word do not matter."""
    text = "".join(c.upper() if up else c for c, up in zip(word, capitals, strict=False))
    assert parse_flag(text) == WORDS[word]


@given(text=st.text(min_size=1, max_size=6))
@example(text="Ja")
@example(text="2")
@example(text="True False")
@example(text="Y")
def test_flag_of_another_word_is_refused(text: str) -> None:
    """Only the six words are flags; a blank cell is none."""
    if text.strip().lower() in WORDS:
        assert parse_flag(text) == WORDS[text.strip().lower()]
        return
    with pytest.raises(CellValueError, match="none of true, false"):
        parse_flag(text)
