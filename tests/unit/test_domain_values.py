"""Signs, members, streams, sums and differences on their own."""

from decimal import Decimal

import pytest

from ml_connector.domain.dimensions import (
    Member,
    MemberConflictError,
    MemberCycleError,
    MissingParentError,
    order_parents_first,
)
from ml_connector.domain.money import render_plain
from ml_connector.domain.signs import SignRule
from ml_connector.domain.streams import OutOfOrderError, SortedStream, find_least_key
from ml_connector.domain.summaries import sign_amount

RULE = SignRule(flip_types=frozenset({"Revenue", "L"}))


@pytest.mark.parametrize(
    ("account_type", "sign"), [("Revenue", -1), ("L", -1), ("revenue", 1), ("Asset", 1), ("", 1)]
)
def test_sign_rule_flips_the_named_types_alone(account_type: str, sign: int) -> None:
    """Types compare as the ERP writes them; what is not named keeps its sign."""
    assert RULE.sign_of(account_type) == sign
    assert RULE.undo_sign(Decimal("1.50"), account_type=account_type) == sign * Decimal("1.50")


def test_sign_of_zero_is_no_sign() -> None:
    """A flipped zero is plain zero, also as text."""
    assert str(sign_amount(Decimal(0), sign=-1)) == "0"


@pytest.mark.parametrize(
    ("amount", "text"),
    [("1.50", "1.5"), ("-0.00", "0"), ("1E+3", "1000"), ("100", "100"), ("1E-9", "0.000000001")],
)
def test_plain_amount_has_no_exponent_and_no_needless_zeros(amount: str, text: str) -> None:
    """Amounts in files and step results are plain digits."""
    assert render_plain(Decimal(amount)) == text


def member(code: str, parent: str = "", name: str = "") -> Member:
    """A member by code and parent."""
    return Member(code=code, name=name or code, parent_code=parent)


def test_members_come_with_parents_first_and_siblings_by_code() -> None:
    """Level by level, and each code once though it was given twice."""
    members = [member("c", "b"), member("b", "a"), member("a"), member("0", "b"), member("c", "b")]

    assert [m.code for m in order_parents_first(members)] == ["a", "b", "0", "c"]
    assert order_parents_first([]) == []


def test_members_without_their_parents_are_all_listed() -> None:
    """Every orphan is named in one error."""
    with pytest.raises(MissingParentError, match="members x, y name parents"):
        order_parents_first([member("y", "q"), member("x", "r"), member("a")])


def test_members_in_a_circle_are_refused() -> None:
    """A circle is named with its members, also when it hangs below others."""
    circle = [member("a", "c"), member("b", "a"), member("c", "b"), member("d", "a")]

    with pytest.raises(MemberCycleError, match="by way of a, b, c"):
        order_parents_first(circle)
    with pytest.raises(MemberCycleError):
        order_parents_first([member("a", "a")])


def test_members_of_one_code_that_differ_are_refused() -> None:
    """Two members under one code are never silently one."""
    with pytest.raises(MemberConflictError, match="'Cash' and for 'Bank'"):
        order_parents_first([member("1", name="Cash"), member("1", name="Bank")])


def test_members_of_a_very_long_chain_are_ordered() -> None:
    """Depth is bounded by nothing but memory."""
    chain = [member(f"{n:06}", f"{n - 1:06}" if n else "") for n in range(20_000)]

    assert [m.code for m in order_parents_first(reversed(chain))] == [m.code for m in chain]


def stream_of(*keys: str) -> SortedStream[str]:
    """A stream of one-letter keys."""
    return SortedStream(keys, name="letters", key_of=lambda letter: (letter[0],))


def test_stream_gives_one_row_or_all_rows_of_a_key() -> None:
    """Rows are taken by key; a key that is not next gives nothing."""
    stream = stream_of("a1", "b1", "b2", "c1")

    assert stream.take_one(("x",)) is None
    assert stream.take_one(("a",)) == "a1"
    assert stream.take_all(("b",), part_of=lambda row: (row,)) == ["b1", "b2"]
    assert stream.key == ("c",)
    assert stream.take_all(("d",), part_of=lambda row: (row,)) == []


def test_stream_refuses_repeated_keys_and_parts() -> None:
    """One row per key, or one per part of a key: a second one is an error naming the key."""
    with pytest.raises(OutOfOrderError, match=r"'letters' repeats at key \('a',\)"):
        stream_of("a1", "a2").take_one(("a",))
    with pytest.raises(OutOfOrderError, match="repeats"):
        stream_of("a1", "a1").take_all(("a",), part_of=lambda row: (row,))
    with pytest.raises(OutOfOrderError, match=r"goes back at key \('a',\), after \('b',\)"):
        stream_of("b1", "a1").take_one(("b",))


def test_least_key_is_the_smallest_of_the_streams_that_go_on() -> None:
    """Streams that have ended do not count."""
    assert find_least_key(stream_of("b"), stream_of("a"), stream_of()) == ("a",)
    assert find_least_key(stream_of()) is None
