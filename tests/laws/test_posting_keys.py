"""Laws of posting keys: told apart before hashing, the same for ever, fit for eight signs."""

import re
from itertools import product

from hypothesis import example, given
from hypothesis import strategies as st

from ml_connector.domain.posting_keys import derive_posting_key, render_key_text

SIGNS = st.one_of(st.characters(codec="utf-8"), st.sampled_from("0123456789:;"))
PARTS = st.lists(st.text(SIGNS, max_size=12), max_size=6)
GENERATIONS = st.integers(0, 10**6)


def parse_key_text(text: str) -> tuple[int, list[str]]:
    """Generation and parts, read back from the text that is hashed."""
    generation, _, left = text.partition(";")
    parts = []
    while left:
        length, _, left = left.partition(":")
        parts.append(left[: int(length)])
        left = left[int(length) :]
    return int(generation), parts


@given(parts=PARTS, generation=GENERATIONS)
@example(parts=["1:a", ""], generation=1)
@example(parts=["", "1:a"], generation=1)
@example(parts=[], generation=0)
def test_key_text_gives_back_parts_and_generation(parts: list[str], generation: int) -> None:
    """What is hashed can be read back, so different parts never share a text."""
    text = render_key_text(*parts, generation=generation)

    assert parse_key_text(text) == (generation, parts)


@given(one=PARTS, two=PARTS, first=GENERATIONS, second=GENERATIONS)
@example(one=["ab", "c"], two=["a", "bc"], first=1, second=1)
@example(one=["a"], two=["a", ""], first=1, second=1)
@example(one=["2", "a"], two=["a"], first=1, second=12)
def test_key_texts_are_equal_exactly_when_the_postings_are(
    one: list[str], two: list[str], first: int, second: int
) -> None:
    """Neither moving a border between parts nor an empty part nor a generation is lost."""
    same = render_key_text(*one, generation=first) == render_key_text(*two, generation=second)

    assert same is ((one, first) == (two, second))


@given(parts=PARTS, generation=GENERATIONS)
def test_posting_key_is_eight_plain_signs(parts: list[str], generation: int) -> None:
    """Whatever it is made from, the key fits the ERP's eight signs."""
    key = derive_posting_key(*parts, generation=generation)

    assert re.fullmatch(r"[A-Z2-7]{8}", key)


def test_posting_key_is_the_one_kept_for_years() -> None:
    """A key an ERP has kept is derived again as it was, by every later version."""
    key = derive_posting_key("default", "budget", "p1", "00001 BA FY2026-P01 1/2", generation=1)

    assert key == "QVNK27Q4"


def test_near_postings_have_different_keys() -> None:
    """Thousands of neighbours in subject and generation share no key."""
    neighbours = list(product(range(2_000), range(1, 4)))
    keys = {
        derive_posting_key("flow", "plan", f"{number}", generation=generation)
        for number, generation in neighbours
    }

    assert len(keys) == len(neighbours)
