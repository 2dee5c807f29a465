"""Laws of journals: posted is exactly what is missing, cut or not, and it can be taken back."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.domain.journals import (
    JournalLine,
    JournalTooLongError,
    UnbalancedJournalError,
    find_moves,
    reverse_lines,
    split_lines,
    sum_lines,
)
from ml_connector.domain.money import ZERO

AMOUNTS = st.decimals(
    min_value=-(10**9), max_value=10**9, places=2, allow_nan=False, allow_infinity=False
)
BOOKS = st.dictionaries(st.sampled_from([f"{n:08}" for n in range(12)]), AMOUNTS, max_size=12)


def add(held: dict[str, Decimal], lines: list[JournalLine]) -> dict[str, Decimal]:
    """What the ledger holds once the lines are posted; zero is absent."""
    after = dict(held)
    for line in lines:
        after[line.account] = after.get(line.account, ZERO) + line.amount
    return {account: amount for account, amount in after.items() if amount}


@given(approved=BOOKS, held=BOOKS)
def test_ledger_holds_what_was_approved_after_the_moves(
    approved: dict[str, Decimal], held: dict[str, Decimal]
) -> None:
    """Held before plus posted is approved, for every account; a second time nothing is left."""
    moves = list(find_moves(approved, held))
    after = add(held, moves)

    assert after == {account: amount for account, amount in approved.items() if amount}
    assert list(find_moves(approved, after)) == []
    assert all(line.amount for line in moves)


@given(approved=BOOKS, held=BOOKS)
def test_reversal_takes_back_to_the_cent(
    approved: dict[str, Decimal], held: dict[str, Decimal]
) -> None:
    """Posting and its counter-posting leave the ledger as it was."""
    moves = list(find_moves(approved, held))
    after = add(add(held, moves), list(reverse_lines(moves)))

    assert after == {account: amount for account, amount in held.items() if amount}


@given(approved=BOOKS, lines_max=st.integers(min_value=1, max_value=5))
def test_parts_are_the_whole_in_order(approved: dict[str, Decimal], lines_max: int) -> None:
    """Cutting loses, doubles and moves nothing, and no part is longer than allowed or empty."""
    lines = list(find_moves(approved, {}))
    parts = split_lines(lines, lines_max=lines_max, must_balance=False, where="a period")

    assert [line for part in parts for line in part] == lines
    assert all(0 < len(part) <= lines_max for part in parts)


@given(approved=BOOKS)
def test_balanced_ledger_takes_only_balanced_journals(approved: dict[str, Decimal]) -> None:
    """Whatever does not come to zero is refused whole; what does is posted in one piece."""
    lines = list(find_moves(approved, {}))
    if sum_lines(lines).net:
        with pytest.raises(UnbalancedJournalError):
            split_lines(lines, lines_max=100, must_balance=True, where="a period")
        return
    assert len(split_lines(lines, lines_max=100, must_balance=True, where="a period")) <= 1


def test_balanced_journal_is_never_cut() -> None:
    """Parts of a balanced journal would not balance."""
    lines = [
        JournalLine("1", Decimal(1)),
        JournalLine("2", Decimal(1)),
        JournalLine("3", Decimal(-2)),
    ]

    with pytest.raises(JournalTooLongError, match="3 lines"):
        split_lines(lines, lines_max=2, must_balance=True, where="a period")
