"""In `replace` our earlier journals are taken back by key, and the amounts stand anew, once."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from tests.fakes.approved_desk import APPROVED, LEDGER, BudgetDesk, build_budget, make_flow
from tests.fakes.desk import FakeDesk
from tests.fakes.journals import Entered
from tests.fakes.killing import Killer
from tests.fakes.ledger import line as make_line
from tests.fakes.steps import Crash

from ml_connector.domain.journals import JournalLine
from ml_connector.errors import BlockedError, OutcomeUnknownError
from ml_connector.flows.writing.journals import list_planned
from ml_connector.ports import ApprovalState, Json, Posting, PostingState

MakeDesk = Callable[..., FakeDesk]
SEPTEMBER, OCTOBER = f"{LEDGER} 09-26", f"{LEDGER} 10-26"
AT = ("30.8720", "09-26")
"""The account and period that the versions differ in."""


@pytest.fixture
def budget(make_desk: MakeDesk) -> BudgetDesk:
    """A desk of one budget ledger whose flow replaces."""
    made = build_budget(make_desk())
    made.flow = make_flow(mode="replace")
    return made


def version(budget: BudgetDesk, amount: str) -> None:
    """The view shows this for September."""
    budget.target.view[("30.8720", "Sep 26")] = amount


def loaded(budget: BudgetDesk) -> list[Posting]:
    """All postings, oldest first."""
    return list(reversed(budget.desk.records.postings.load_postings()))


def key_of(summary: Json, subject: str) -> str:
    """Key of the posting whose subject begins so."""
    [row] = [row for row in summary["postings"] if row["subject"].startswith(subject)]
    return str(row["posting_key"])


def budget_of_others(budget: BudgetDesk, amount: str) -> None:
    """Somebody enters and posts this budget in the ERP."""
    line = make_line(1, LEDGER, "09-26", "30.8730", "0")
    budget.desk.source.post("theirs", line._replace(debit=Decimal(amount), credit=Decimal(0)))


# --- what shall happen ----------------------------------------------------------------------------


def test_next_version_takes_the_earlier_journal_back_and_stands_anew(budget: BudgetDesk) -> None:
    """Reversal, then the whole approved amount; the period that is as approved is left alone."""
    first = budget.run()
    version(budget, "1300")

    second = budget.run()

    key = key_of(first, SEPTEMBER)
    assert [row["subject"] for row in second["journals"]] == [
        f"{SEPTEMBER} takes back {key}", f"{SEPTEMBER} 1/1",
    ]  # fmt: skip
    assert [row["reverses"] for row in second["postings"]] == [key, ""]
    back, anew = (one.lines for one in budget.journals.documents[2:])
    assert back == (
        JournalLine("30.8720", Decimal("-1250.5")),
        JournalLine("30.8730", Decimal(300)),
    )
    assert anew == (JournalLine("30.8720", Decimal(1300)), JournalLine("30.8730", Decimal(-300)))
    assert second["state"] == "succeeded"
    assert second["moved"] == {"USD": "49.5"}
    assert {row["unexplained"] for row in second["tie_out"]} == {"0"}
    assert budget.held() == APPROVED | {AT: Decimal(1300)}
    assert loaded(budget)[0].reversed_by == second["postings"][0]["posting_key"]


def test_nothing_is_posted_when_nothing_changed(budget: BudgetDesk) -> None:
    """The same view again is no reason to take anything back."""
    budget.run()

    second = budget.run()

    assert second["journals"] == second["others"] == second["gone"] == []
    assert budget.journals.calls == 2


@pytest.mark.parametrize("posts", [True, False], ids=["posted", "waiting"])
def test_fourth_version_leaves_exactly_the_fourth(budget: BudgetDesk, *, posts: bool) -> None:
    """Each version takes back the one before, posted or not; reversals are never taken back."""
    budget.journals.posts = posts
    for number, amount in enumerate(("1300", "-2", "0", "17.25"), start=1):
        version(budget, amount)
        summary = budget.run()
        assert len(summary["journals"]) == 2, number
        assert {row["unexplained"] for row in summary["tie_out"]} == {"0"}

    for one in budget.journals.documents:
        if not one.is_posted:
            budget.journals.post(one)

    assert budget.held() == APPROVED | {AT: Decimal("17.25")}
    standing = [one for one in loaded(budget) if not one.reverses and not one.reversed_by]
    assert [one.subject for one in standing] == [f"{OCTOBER} 1/1", f"{SEPTEMBER} 1/1"]
    assert budget.run()["journals"] == []


def test_postings_made_as_differences_are_all_taken_back(budget: BudgetDesk) -> None:
    """A flow that changes its mode takes back each difference it had posted, newest first."""
    budget.flow = make_flow()
    keys = []
    for amount in ("1250.5", "1260", "1270"):
        version(budget, amount)
        keys.append(key_of(budget.run(), SEPTEMBER))
    budget.flow = make_flow(mode="replace")
    version(budget, "1")

    summary = budget.run()

    assert [row["reverses"] for row in summary["postings"]] == [*reversed(keys), ""]
    assert budget.journals.documents[-1].lines[0] == JournalLine("30.8720", Decimal(1))
    assert budget.held() == APPROVED | {AT: Decimal(1)}


def test_amounts_of_others_stay_and_are_named(budget: BudgetDesk) -> None:
    """What somebody else has entered is subtracted from what stands anew, and told."""
    budget.run()
    budget_of_others(budget, "25")

    summary = budget.run()

    assert summary["others"] == [
        {"ledger": LEDGER, "period": "09-26", "currency": "USD", "accounts": 1, "debit": "25",
         "credit": "0"},
    ]  # fmt: skip
    assert len(summary["journals"]) == 2
    assert summary["moved"] == {"USD": "25"}
    assert budget.journals.documents[-1].lines == (
        JournalLine("30.8720", Decimal("1250.5")),
        JournalLine("30.8730", Decimal(-325)),
    )
    assert {row["unexplained"] for row in summary["tie_out"]} == {"0"}
    assert budget.held() == APPROVED
    assert budget.run()["journals"] == []


def test_postings_of_another_flow_are_amounts_of_others(budget: BudgetDesk) -> None:
    """A flow takes back its own postings and nobody else's."""
    other = BudgetDesk(desk=budget.desk, target=budget.target, journals=budget.journals, runs=100)
    other.flow = make_flow(name="other", last_month="2026-09")
    theirs = key_of(other.run(), SEPTEMBER)
    version(budget, "2000")

    summary = budget.run()

    assert [row["reverses"] for row in summary["postings"]] == ["", ""]
    assert budget.held()[AT] == Decimal(2000)
    posting = budget.desk.records.postings.find_posting(theirs)
    assert posting is not None
    assert not posting.reversed_by


def test_period_approved_as_nothing_is_only_taken_back(budget: BudgetDesk) -> None:
    """No empty journal follows the reversals."""
    budget.flow = make_flow(mode="replace", guards={"vanished_ratio_max": 1})
    key = key_of(budget.run(), SEPTEMBER)
    budget.target.view |= {("30.8720", "Sep 26"): "0", ("30.8730", "Sep 26"): "0"}

    summary = budget.run()

    assert [row["reverses"] for row in summary["postings"]] == [key]
    assert budget.held() == {("M30.8720", "10-26"): Decimal(7)}


def test_long_journals_are_taken_back_part_by_part(budget: BudgetDesk) -> None:
    """Each part has a counter-journal as long as itself, however the flow cuts today."""
    for number in range(4):
        budget.journals.accounts[f"30.{number}"] = ""
        budget.target.view[(f"30.{number}", "Sep 26")] = "1"
    budget.flow = make_flow(mode="replace", lines_max=4)
    budget.run()
    budget.flow = make_flow(mode="replace", lines_max=5)
    version(budget, "9")

    summary = budget.run()

    assert [row["lines"] for row in summary["journals"]] == [2, 4, 5, 1]
    assert {row["unexplained"] for row in summary["tie_out"]} == {"0"}


def test_plan_shows_what_takes_back_what_and_posts_nothing(budget: BudgetDesk) -> None:
    """A look names each journal that is taken back, in its rows and line by line."""
    key = key_of(budget.run(), SEPTEMBER)
    version(budget, "1300")

    looked = budget.run(dry_run=True)

    lines = list_planned(budget.bench(), looked["plan_hash"])
    assert [row["reverses"] for row in looked["journals"]] == [key, ""]
    assert [line.reverses for line in lines] == [key, key, "", ""]
    assert budget.journals.calls == 2
    assert budget.held() == APPROVED


# --- people ---------------------------------------------------------------------------------------


def test_approved_plan_is_applied_as_it_was_shown(budget: BudgetDesk) -> None:
    """One approval covers reversals and new journals; moved is what the ledger moves in the end."""
    budget.run()
    budget.flow = make_flow(
        mode="replace", approval={"people": 1, "second_above": "100"},
        guards={"amount_moved_max": "100"},
    )  # fmt: skip
    version(budget, "1300")
    plan = budget.run()["plan_hash"]
    budget.approve(plan, "approver")

    applied = budget.run(apply=plan)
    again = budget.fail(apply=plan)

    assert applied["state"] == "succeeded"
    assert again.code == "plan.applied-before"
    assert len(applied["postings"]) == 2
    assert budget.held() == APPROVED | {AT: Decimal(1300)}
    assert budget.journals.calls == 4


def test_plan_is_stale_once_what_it_takes_back_was_taken_back(budget: BudgetDesk) -> None:
    """The ledger holds the same again, by somebody else's hand: the plan is of another state."""
    key = key_of(budget.run(), SEPTEMBER)
    version(budget, "1300")
    budget.flow = make_flow(mode="replace", approval={"people": 1})
    plan = budget.run()["plan_hash"]
    budget.approve(plan, "approver")
    budget.flow = make_flow(mode="replace")
    budget.run(reverse=key)
    for number, (account, amount) in enumerate((("30.8720", "1250.5"), ("30.8730", "-300"))):
        line = make_line(number + 1, LEDGER, "09-26", account, amount)
        budget.desk.source.post(f"by hand {number}", line)
    assert budget.held() == APPROVED

    error = budget.fail(apply=plan)

    assert error.code == "budgets.drifted"
    found = budget.desk.records.approvals.find_approval(plan)
    assert found is not None
    assert found.state is ApprovalState.STALE


# --- refused, lost, killed ------------------------------------------------------------------------


def test_refused_reversal_keeps_the_new_journal_of_its_period_away(budget: BudgetDesk) -> None:
    """The earlier amounts still stand, so the new ones would double; other periods go on."""
    key = key_of(budget.run(), SEPTEMBER)
    version(budget, "1300")
    budget.target.view[("M30.8720", "Oct 26")] = "8"
    budget.journals.refuse_at = {3: "Period closed"}

    summary = budget.run()

    assert summary["state"] == "partly succeeded"
    assert [row["state"] for row in summary["postings"]] == [
        "refused", "refused", "confirmed", "confirmed",
    ]  # fmt: skip
    back, anew = summary["postings"][:2]
    assert back["reason"] == "Period closed"
    assert anew["reason"].startswith("not sent")
    assert back["posting_key"] in anew["reason"]
    assert key in anew["reason"]
    assert budget.journals.calls == 5
    assert budget.held() == APPROVED | {("M30.8720", "10-26"): Decimal(8)}
    assert {row["unexplained"] for row in summary["tie_out"]} == {"0"}
    budget.journals.refuse_at = {}
    assert budget.run()["state"] == "succeeded"
    assert budget.held()[AT] == Decimal(1300)


def test_later_reversal_that_is_refused_leaves_an_earlier_version(budget: BudgetDesk) -> None:
    """Newest first: what is left is what was approved before, and the next run goes on there."""
    budget.flow = make_flow(last_month="2026-09")
    budget.run()
    version(budget, "1260")
    budget.run()
    budget.flow = make_flow(mode="replace", last_month="2026-09")
    version(budget, "1300")
    budget.journals.refuse_at = {4: "Period closed"}

    summary = budget.run()
    left = budget.held()
    ended = budget.run()

    assert [row["state"] for row in summary["postings"]] == ["confirmed", "refused", "refused"]
    assert left[AT] == Decimal("1250.5")
    assert {row["unexplained"] for row in summary["tie_out"]} == {"0"}
    assert [row["state"] for row in ended["postings"]] == ["confirmed", "confirmed"]
    assert budget.held()[AT] == Decimal(1300)


def test_new_journal_that_is_refused_is_posted_by_the_next_run(budget: BudgetDesk) -> None:
    """What was taken back stays so; nothing is left to take back, and the whole stands anew."""
    budget.run()
    version(budget, "1300")
    budget.journals.refuse_at = {4: "Account closed"}

    summary = budget.run()
    left = budget.held()
    ended = budget.run()

    assert summary["state"] == "partly succeeded"
    assert AT not in left
    assert [row["reverses"] for row in ended["postings"]] == [""]
    assert budget.held() == APPROVED | {AT: Decimal(1300)}


def test_half_a_reversal_is_quarantined_and_nothing_is_posted_on_it(budget: BudgetDesk) -> None:
    """A person decides; until then the flow is blocked."""
    budget.run()
    version(budget, "1300")
    budget.journals.cut = 1

    summary = budget.run()

    assert [row["state"] for row in summary["postings"]] == ["quarantined", "refused"]
    assert summary["state"] == "unexplained difference"
    assert budget.journals.calls == 3
    assert budget.fail().code == "budgets.unsettled-posting"


def test_reversal_of_unknown_outcome_stops_all_behind_it(budget: BudgetDesk) -> None:
    """Nothing is sent after it; the resumed run looks, sends once more, and ends well."""
    budget.run()
    version(budget, "1300")
    budget.target.view[("M30.8720", "Oct 26")] = "8"
    budget.journals.lose_before = 2

    error = budget.fail()
    sent = budget.journals.calls
    ended = budget.resume()

    assert isinstance(error, OutcomeUnknownError)
    assert sent == 4
    assert ended["state"] == "succeeded"
    assert budget.held() == APPROVED | {AT: Decimal(1300), ("M30.8720", "10-26"): Decimal(8)}


@pytest.mark.parametrize("honours", [True, False], ids=["keyed", "keyless"])
@pytest.mark.parametrize("lost", ["lose_before", "lose_after", "delays"])
@pytest.mark.parametrize("which", [0, 1], ids=["reversal", "new"])
def test_lost_answer_neither_doubles_nor_loses(
    budget: BudgetDesk, lost: str, which: int, *, honours: bool
) -> None:
    """Whether it is the reversal's or the new journal's, and whether or not it took effect."""
    budget.journals.honours_keys = honours
    budget.flow = make_flow(mode="replace", last_month="2026-09")
    budget.run()
    version(budget, "1300")
    budget.journals.lose_at = {2 + which: lost}

    summary = budget.run()

    assert summary["state"] == "succeeded"
    assert budget.held() == {AT: Decimal(1300), ("30.8730", "09-26"): Decimal(-300)}
    assert len({one.key for one in budget.journals.documents}) == len(budget.journals.documents)


@pytest.mark.long
@pytest.mark.parametrize("posts", [True, False], ids=["posted", "waiting"])
@pytest.mark.parametrize("honours", [True, False], ids=["keyed", "keyless"])
def test_run_killed_after_any_call_replaces_once(
    budget: BudgetDesk, *, honours: bool, posts: bool
) -> None:
    """Each version dies after the next writing call and is resumed: none twice, none lost."""
    budget.journals.honours_keys, budget.journals.posts = honours, posts
    budget.run()
    total = Decimal("1250.5")
    for at in range(1, 100):
        total += Decimal("0.01")
        version(budget, str(total))
        budget.killer = killer = Killer(at=at)
        try:
            summary = budget.run()
        except Crash:
            summary = budget.resume()
        assert summary["state"] == "succeeded", killer.died
        assert len(budget.journals.documents) == 2 + 2 * at, killer.died
        assert _all_lines(budget)[AT] == total, killer.died
        if not killer.died:
            return
    raise AssertionError("the run makes more calls than were tried")


def _all_lines(budget: BudgetDesk) -> dict[tuple[str, str], Decimal]:
    """What the ledger holds once all is posted."""
    sums: dict[tuple[str, str], Decimal] = {}
    for one in budget.journals.documents:
        for line in one.lines:
            key = (line.account, one.journal.period)
            sums[key] = sums.get(key, Decimal(0)) + line.amount
    return sums


# --- earlier postings that are not as they were ---------------------------------------------------


def test_posting_that_was_reversed_by_hand_is_not_reversed_again(budget: BudgetDesk) -> None:
    """Neither it nor its reversal is taken back; the amounts stand anew once."""
    key = key_of(budget.run(), SEPTEMBER)
    budget.run(reverse=key)
    version(budget, "1300")

    summary = budget.run()

    assert [row["subject"] for row in summary["journals"]] == [f"{SEPTEMBER} 1/1"]
    assert summary["others"] == []
    assert budget.held() == APPROVED | {AT: Decimal(1300)}


def test_journal_deleted_in_the_erp_is_told_and_not_taken_back(budget: BudgetDesk) -> None:
    """Nothing of it is held, so a reversal would take back what is not there."""
    budget.journals.posts = False
    key = key_of(budget.run(), SEPTEMBER)
    budget.journals.delete(key)
    version(budget, "1300")

    summary = budget.run()

    assert [row["reverses"] for row in summary["postings"]] == [""]
    assert summary["gone"] == [{"posting_key": key, "subject": f"{SEPTEMBER} 1/1"}]
    assert {row["unexplained"] for row in summary["tie_out"]} == {"0"}
    assert _all_lines(budget) == APPROVED | {AT: Decimal(1300)}
    assert budget.fail(reverse=key).code == "postings.not-reversible"


def die_at_making(budget: BudgetDesk, number: int) -> None:
    """A new run dies when so many of its journals are made and the last of them is not sent."""
    budget.killer = Killer(at=number, after="postings.make_posting")
    with pytest.raises(Crash):
        budget.run()
    budget.killer = None


def test_journal_deleted_while_the_run_was_down_is_not_taken_back(budget: BudgetDesk) -> None:
    """It stood when the plan was made; the resumed run looks again before it sends."""
    budget.journals.posts = False
    key = key_of(budget.run(), OCTOBER)
    version(budget, "1300")
    budget.target.view["M30.8720", "Oct 26"] = "8"
    die_at_making(budget, 3)
    budget.journals.delete(key)

    summary = budget.resume()
    ended = budget.run()

    states = ["confirmed", "confirmed", "refused", "refused"]
    assert [row["state"] for row in summary["postings"]] == states
    assert summary["postings"][2]["reason"] == f"not sent: {key} is not in erp any more"
    assert summary["state"] == "unexplained difference"
    assert budget.journals.calls == 5
    assert ended["state"] == "succeeded"
    assert _all_lines(budget) == APPROVED | {AT: Decimal(1300), ("M30.8720", "10-26"): Decimal(8)}


def test_plan_is_given_up_when_what_it_takes_back_is_gone_before_it_began(
    budget: BudgetDesk,
) -> None:
    """Nothing of it was sent, so a plan of the ledger as it is now takes its place."""
    budget.journals.posts = False
    key = key_of(budget.run(), SEPTEMBER)
    version(budget, "1300")
    die_at_making(budget, 1)
    budget.journals.delete(key)

    with pytest.raises(BlockedError) as drifted:
        budget.resume()

    assert drifted.value.code == "budgets.drifted"
    assert budget.journals.calls == 2
    assert budget.run()["state"] == "succeeded"
    assert _all_lines(budget) == APPROVED | {AT: Decimal(1300)}


@pytest.mark.parametrize("posted", [True, False], ids=["posted", "waiting"])
def test_journal_changed_in_the_erp_blocks_its_period(budget: BudgetDesk, *, posted: bool) -> None:
    """Nobody knows what its counter-journal would leave; taken back by a person, all goes on."""
    budget.journals.posts = posted
    first = budget.run()
    key = key_of(first, SEPTEMBER)
    _change(budget, key)
    version(budget, "1300")

    error = budget.fail()
    looked = budget.fail(dry_run=True)

    assert isinstance(error, BlockedError)
    assert error.code == looked.code == "budgets.posting-changed"
    assert f"{key} ({SEPTEMBER} 1/1) is found partial" in error.refused
    assert budget.journals.calls == 2
    budget.run(reverse=key)
    summary = budget.run()
    assert summary["state"] == "succeeded"
    assert [row["reverses"] for row in summary["postings"]] == [""]
    assert [row["debit"] for row in summary["others"]] == ["5"]
    assert budget.run()["journals"] == []


def test_second_document_of_a_key_blocks_its_period(budget: BudgetDesk) -> None:
    """One counter-journal would take back one of two."""
    first = budget.run()
    key = key_of(first, SEPTEMBER)
    entered = next(one for one in budget.journals.documents if one.key == key)
    twin = Entered(key=key, journal=entered.journal, lines=entered.lines, is_posted=False)
    budget.journals.documents.append(twin)
    budget.journals.post(twin)

    version(budget, "1300")

    error = budget.fail()

    assert error.code == "budgets.posting-changed"
    assert f"{key} ({SEPTEMBER} 1/1) is found double, 4 lines" in error.refused


def test_change_of_a_period_that_is_as_approved_blocks_nothing(budget: BudgetDesk) -> None:
    """Only what would be taken back is looked at."""
    key = key_of(budget.run(), OCTOBER)
    entered = next(one for one in budget.journals.documents if one.key == key)
    entered.lines = (entered.lines[0]._replace(amount=Decimal(6)),)
    version(budget, "1300")

    assert budget.run()["state"] == "succeeded"


def test_unsettled_posting_blocks_before_anything_is_taken_back(budget: BudgetDesk) -> None:
    """While nobody knows what an earlier posting did, nothing is planned on it."""
    budget.run()
    version(budget, "1300")
    budget.journals.lose_before = 2
    assert isinstance(budget.fail(), OutcomeUnknownError)
    calls = budget.journals.calls

    error = budget.fail()

    assert error.code == "budgets.unsettled-posting"
    assert budget.journals.calls == calls
    assert PostingState.UNKNOWN in budget.postings()


def _change(budget: BudgetDesk, key: str) -> None:
    """Somebody raises the first line of the journal by five."""
    entered = next(one for one in budget.journals.documents if one.key == key)
    first, *rest = entered.lines
    entered.lines = (first._replace(amount=first.amount + 5), *rest)
    if entered.is_posted:
        line = make_line(1, LEDGER, "09-26", first.account, "5")
        budget.desk.source.post("changed", line)


def test_mode_of_a_run_is_the_one_it_began_with(budget: BudgetDesk) -> None:
    """Settings that change between two halves of a run change nothing of it."""
    budget.run()
    version(budget, "1300")
    budget.journals.lose_before = 2
    budget.fail()
    budget.flow = make_flow()

    assert budget.resume()["state"] == "succeeded"
    assert budget.held() == APPROVED | {AT: Decimal(1300)}
