"""What JD Edwards would say of journals and shows of them, without a server."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.domain.journals import Journal, JournalLine
from ml_connector.domain.periods import Period
from ml_connector.ports import JournalHead, JournalState, PeriodVerdict
from ml_connector.systems.jde.journal_rules import (
    JournalUnfitError,
    KeyedRow,
    LedgerRuleRow,
    find_account_refusal,
    find_ledger_refusal,
    hold_against,
    judge_period,
    must_balance,
    verify_sendable,
)

DAY = date(2026, 1, 31)
HEAD = JournalHead(posting_key="PB2602A7", document_type="BX", explanation="Plan")
JOURNAL = Journal(
    ledger="00001/BA", period="FY2026-P01", gl_date=DAY, currency="USD", part=1, parts=1,
    lines=(JournalLine("00004532", Decimal("-4.5")), JournalLine("00062411", Decimal(10))),
)  # fmt: skip


def row(number: int, **changes: Any) -> KeyedRow:
    """The line of that number, as the ledger shows it."""
    line = JOURNAL.lines[number]
    plain = KeyedRow(
        kco="00001", dct="BX", doc=41260, dgj=DAY, jeln=Decimal(number + 1), lt="BA", icut="G",
        icu=15993, post="", co="00001", aid=line.account, aa=line.amount, r2="PB2602A7",
    )  # fmt: skip
    return plain._replace(**changes)


def rows(**changes: Any) -> list[KeyedRow]:
    """Both lines."""
    return [row(0, **changes), row(1, **changes)]


# Held against the journal.


@pytest.mark.parametrize(
    ("post", "batch", "state"),
    [
        ("", "", JournalState.ENTERED),
        ("", "A", JournalState.ENTERED),
        ("", "U", JournalState.ENTERED),
        ("", "P", JournalState.ENTERED),
        ("", "E", JournalState.FAILED),
        ("", None, JournalState.ENTERED),
        ("P", "D", JournalState.POSTED),
        ("P", None, JournalState.POSTED),
        ("P", "E", JournalState.POSTED),
        ("P", "P", JournalState.ENTERED),
        ("P", "U", JournalState.ENTERED),
        ("D", "", JournalState.ENTERED),
    ],
)
def test_state_follows_lines_first_and_then_their_batch(
    post: str, batch: str | None, state: JournalState
) -> None:
    """Posted lines are posted unless posting is still at work; others are as far as the batch."""
    states = {} if batch is None else {("G", 15993): batch}
    found = hold_against(rows(post=post), JOURNAL, states)

    assert found.state is state
    assert found.amounts == dict(JOURNAL.lines)
    assert (found.lines, found.batch_ids, found.documents) == (2, ("G-15993",), ("00001-BX-41260",))


def test_lines_posted_in_part_are_entered() -> None:
    """Posting has not come to all of them."""
    found = hold_against([row(0, post="P"), row(1)], JOURNAL, {("G", 15993): "P"})

    assert found.state is JournalState.ENTERED


def test_state_of_a_batch_of_another_type_says_nothing() -> None:
    """Batch numbers are unique within their type only."""
    found = hold_against(rows(), JOURNAL, {("V", 15993): "E"})

    assert found.state is JournalState.ENTERED


@pytest.mark.parametrize(
    "shown",
    [
        [row(0)],
        [row(0), row(1), row(1)],
        [row(0), row(1, aa=Decimal("10.01"))],
        [row(0), row(1, aid="00062412")],
        [row(0), row(1, dgj=date(2026, 3, 1))],
        [row(0), row(1, dgj=None)],
        [row(0), row(1, co="00200")],
        rows(lt="AA"),
        [row(0), row(1), row(1, aa=Decimal(0), aid="00009999")],
        [row(0), row(1, aa=Decimal(4)), row(1, aa=Decimal(6))],
        rows(dct="AE"),
    ],
    ids=["fewer", "twice", "amount", "account", "day", "no-day", "company", "ledger", "nothing",
         "split", "automatic"],
)  # fmt: skip
def test_other_lines_than_were_sent_are_partial(shown: list[KeyedRow]) -> None:
    """Whatever differs, nobody adds to it, and it is never absent."""
    found = hold_against(shown, JOURNAL, {("G", 15993): "D"})

    assert found.state is JournalState.PARTIAL
    assert found.lines == len(shown)


@pytest.mark.parametrize("second", [{"doc": 41261}, {"dct": "BY"}, {"kco": "00077"}])
def test_key_in_two_documents_is_double(second: dict[str, Any]) -> None:
    """Whole or not, the amounts of both are told."""
    found = hold_against([*rows(), *rows(icu=15994, **second)], JOURNAL, {})

    assert found.state is JournalState.DOUBLE
    assert (found.lines, len(found.documents)) == (4, 2)
    assert found.amounts == {line.account: 2 * line.amount for line in JOURNAL.lines}
    assert found.batch_ids.count("G-15993") == 1


@pytest.mark.parametrize(
    ("shown", "batch", "unposted"),
    [
        (rows(), "", dict(JOURNAL.lines)),
        (rows(post="P"), "D", {}),
        (rows(post="P"), "P", dict(JOURNAL.lines)),
        ([row(0, post="P"), row(1)], "", dict(JOURNAL.lines[1:])),
        ([*rows(post="P"), *rows(doc=41261)], "D", dict(JOURNAL.lines)),
        ([row(1, aa=Decimal("7.5"))], "", {JOURNAL.lines[1].account: Decimal("7.5")}),
        (rows(lt="AA"), "", {}),
        (rows(co="00200"), "", {}),
        (rows(dgj=date(2026, 3, 31)), "", {}),
        (rows(dgj=None), "", {}),
    ],
    ids=["entered", "posted", "being posted", "in part", "second document", "changed",
         "other ledger", "other company", "other month", "no day"],
)  # fmt: skip
def test_amounts_that_no_balance_holds_are_told_whatever_the_state(
    shown: list[KeyedRow], batch: str, unposted: dict[str, Decimal]
) -> None:
    """What is there counts, not what was sent; elsewhere it is nobody's budget."""
    found = hold_against(shown, JOURNAL, {("G", 15993): batch})

    assert found.unposted == unposted


def test_entries_of_posting_and_foreign_rows_are_no_lines_of_the_journal() -> None:
    """They bear the key too; the ledger's own lines alone are compared."""
    extra = [row(0, dct="AE", post="P"), row(1, lt="CA", aa=Decimal(9))]
    found = hold_against([*rows(post="P"), *extra], JOURNAL, {("G", 15993): "D"})

    assert (found.state, found.lines) == (JournalState.POSTED, 2)


def test_no_lines_are_absent() -> None:
    """Nothing under the key."""
    assert hold_against([], JOURNAL, {}).state is JournalState.ABSENT


# What is sent.


@pytest.mark.parametrize("key", ["", "PB2602A", "PB2602A78", "pb2602a7", "PB2602 7", "PB2602Ä7"])
def test_key_that_would_not_fit_the_reference_is_refused(key: str) -> None:
    """Exactly eight signs of A to Z and 0 to 9."""
    with pytest.raises(JournalUnfitError, match="eight"):
        verify_sendable(JOURNAL, replace(HEAD, posting_key=key), decimals=2)


@pytest.mark.parametrize(
    ("amount", "decimals", "words"),
    [
        ("0.005", 2, "decimals"),
        ("0.5", 0, "decimals"),
        ("0", 2, "decimals"),
        ("12345678901234.56", 2, "digits"),
    ],
)
def test_amount_that_would_not_arrive_as_it_is_is_refused(
    amount: str, decimals: int, words: str
) -> None:
    """More decimals than the currency, more digits than the ledger, or nothing at all."""
    journal = replace(JOURNAL, lines=(JournalLine("1", Decimal(amount)),))
    with pytest.raises(JournalUnfitError, match=words) as caught:
        verify_sendable(journal, HEAD, decimals=decimals)
    assert caught.value.written == "Nothing was written."


def test_journal_without_lines_or_with_an_odd_type_is_refused() -> None:
    """Neither can be entered."""
    with pytest.raises(JournalUnfitError, match="no lines"):
        verify_sendable(replace(JOURNAL, lines=()), HEAD, decimals=2)
    with pytest.raises(JournalUnfitError, match="document type"):
        verify_sendable(JOURNAL, replace(HEAD, document_type="BXX"), decimals=2)
    verify_sendable(JOURNAL, HEAD, decimals=2)


# Ledgers, accounts, periods.


@pytest.mark.parametrize("ledger_type", ["AA", "AC", "CA", "XA", "YA", "ZA"])
def test_actual_ledgers_refuse_budgets_whatever_their_flags(ledger_type: str) -> None:
    """As JDE's own budget programs do."""
    assert "actual" in find_ledger_refusal(ledger_type, LedgerRuleRow(ledger_type, "", ""))


@pytest.mark.parametrize(
    ("flag", "is_on"), [("Y", True), ("1", True), ("N", False), ("0", False), ("", False)]
)
def test_flags_of_a_ledger_type_are_read_in_either_spelling(flag: str, *, is_on: bool) -> None:
    """Y and 1 are on."""
    assert bool(find_ledger_refusal("B1", LedgerRuleRow("B1", "", flag))) is is_on
    assert must_balance("B1", LedgerRuleRow("B1", flag, "")) is is_on


def test_actual_ledgers_balance_always_and_unknown_ones_are_refused() -> None:
    """Whatever the master says, or does not."""
    assert must_balance("AA", None)
    assert must_balance("CA", LedgerRuleRow("CA", "N", ""))
    assert not must_balance("BA", None)
    assert "does not exist" in find_ledger_refusal("BA", None)


@pytest.mark.parametrize(
    ("edit", "ledger_type", "words"),
    [
        ("", "BA", ""),
        ("X", "BA", ""),
        ("K", "BA", ""),
        ("B", "BA", ""),
        ("B", "JA", ""),
        ("B", "AA", "budgets only"),
        ("B", "PA", "budgets only"),
        ("I", "BA", "inactive"),
        ("N", "BA", "heading"),
        ("M", "BA", "machine"),
        ("L", "BA", "subledger"),
        ("S", "BA", "subledger"),
        ("U", "BA", "units"),
    ],
)
def test_account_refuses_by_its_posting_edit_code(edit: str, ledger_type: str, words: str) -> None:
    """The reason names the code; codes nobody has described are left to JDE."""
    refuses = find_account_refusal(edit, ledger_type)

    assert words in refuses
    assert bool(refuses) is bool(words)


@pytest.mark.parametrize(
    ("year", "number", "verdict"),
    [
        (2025, 12, PeriodVerdict.REFUSED),
        (2026, 1, PeriodVerdict.WARNED),
        (2026, 4, PeriodVerdict.WARNED),
        (2026, 5, PeriodVerdict.TAKEN),
        (2026, 6, PeriodVerdict.WARNED),
        (2026, 12, PeriodVerdict.WARNED),
        (2027, 5, PeriodVerdict.WARNED),
    ],
)
def test_period_is_judged_by_the_current_one(
    year: int, number: int, verdict: PeriodVerdict
) -> None:
    """Prior years are refused, the current period is taken, all others are warned of."""
    period = Period(
        name="x", calendar="R", year=year, number=number, date_first=DAY, date_last=DAY
    )  # fmt: skip

    assert judge_period(period, (2026, 5)) is verdict
    assert judge_period(replace(period, is_adjustment=True), (2026, 5)) is PeriodVerdict.REFUSED
