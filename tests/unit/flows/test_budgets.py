"""An approved budget becomes journals once, whatever becomes of the answers."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from tests.fakes.approved_desk import (
    APPROVED,
    LEDGER,
    VIEW,
    BudgetDesk,
    build_budget,
    make_flow,
)
from tests.fakes.desk import FakeDesk
from tests.fakes.killing import Killer
from tests.fakes.ledger import CHART
from tests.fakes.steps import Crash

from ml_connector.domain.dimensions import Member
from ml_connector.errors import BlockedError, OutcomeUnknownError, RefusedError
from ml_connector.flows.writing import held
from ml_connector.flows.writing.asking import apply_once
from ml_connector.flows.writing.settling import settle_posting
from ml_connector.ports import ApprovalState, JournalState, PeriodVerdict, PostingState

MakeDesk = Callable[..., FakeDesk]
DAY = 86_400


@pytest.fixture
def budget(make_desk: MakeDesk) -> BudgetDesk:
    """A desk of one budget ledger with three accounts."""
    return build_budget(make_desk())


def test_ledger_holds_what_was_approved_and_ties_out(budget: BudgetDesk) -> None:
    """One journal for each period; a second run of the same view posts nothing."""
    first = budget.run()
    second = budget.run()

    assert first["state"] == second["state"] == "succeeded"
    assert budget.held() == APPROVED
    assert [row["subject"] for row in first["journals"]] == [
        f"{LEDGER} 09-26 1/1",
        f"{LEDGER} 10-26 1/1",
    ]
    assert [row["unexplained"] for row in first["tie_out"]] == ["0", "0"]
    assert second["journals"] == []
    assert budget.journals.calls == 2


@pytest.mark.exhaustive
def test_next_version_posts_its_difference_only(budget: BudgetDesk) -> None:
    """Version two moves what changed; an account that is approved no more goes back to zero."""
    budget.run()
    budget.target.view = {("30.8720", "Sep 26"): "1300", ("M30.8720", "Oct 26"): "7",
                          ("30.8730", "Oct 26"): "5"}  # fmt: skip

    second = budget.run()

    assert second["state"] == "succeeded"
    assert budget.held() == {
        ("30.8720", "09-26"): Decimal(1300),
        ("M30.8720", "10-26"): Decimal(7),
        ("30.8730", "10-26"): Decimal(5),
    }


def test_journals_not_posted_yet_count_as_held(budget: BudgetDesk) -> None:
    """A version approved before the ERP has posted the one before is not posted on top of it."""
    budget.journals.posts = False
    budget.run()
    budget.target.view[("30.8720", "Sep 26")] = "1251"

    second = budget.run()

    assert second["moved"] == {"USD": "0.5"}
    for entered in budget.journals.documents:
        budget.journals.post(entered)
    assert budget.run()["journals"] == []
    assert budget.held()[("30.8720", "09-26")] == Decimal(1251)


def test_journal_behind_too_many_waiting_ones_is_never_posted_again(
    budget: BudgetDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody can count as held stops the run; posted in the ERP, the journals make room."""
    monkeypatch.setattr(held, "WAITING_MAX", 1)
    budget.journals.posts = False
    assert budget.fail().code == "budgets.too-many-waiting"

    error = budget.fail()

    assert isinstance(error, BlockedError)
    assert error.code == "budgets.too-many-waiting"
    assert budget.journals.calls == 2
    budget.journals.post(budget.journals.documents[0])
    assert budget.run()["journals"] == []
    budget.journals.post(budget.journals.documents[1])
    assert budget.run()["journals"] == []
    assert budget.held() == APPROVED


def test_journals_of_other_months_do_not_fill_up_what_may_wait(
    budget: BudgetDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Posted after the flow had moved on, they are seen as such once the number matters."""
    budget.journals.posts = False
    budget.flow = make_flow(last_month="2026-09")
    budget.run()
    monkeypatch.setattr(held, "WAITING_MAX", 0)
    budget.flow = make_flow(first_month="2026-10")
    budget.journals.posts = True
    error = budget.fail()
    budget.journals.post(budget.journals.documents[0])

    assert error.code == "budgets.too-many-waiting"
    assert budget.run()["state"] == "succeeded"
    assert budget.held() == APPROVED


def test_posted_journals_do_not_hide_those_that_wait(
    budget: BudgetDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only journals the ERP has not posted are counted, however many it has posted since."""
    monkeypatch.setattr(held, "WAITING_MAX", 2)
    budget.journals.posts = False
    budget.run()
    budget.journals.posts = True
    for amount in range(5):
        budget.target.view["M30.8720", "Oct 26"] = str(100 + amount)
        budget.run()

    assert budget.run()["journals"] == []
    assert budget.journals.calls == 7


@pytest.mark.parametrize("honours", [True, False], ids=["keyed", "keyless"])
@pytest.mark.parametrize("lost", ["lose_before", "lose_after"])
def test_lost_answer_neither_doubles_nor_loses(
    budget: BudgetDesk, lost: str, *, honours: bool
) -> None:
    """Whether or not the orchestration knows its keys, the ERP is looked at before more is sent."""
    budget.journals.honours_keys = honours
    setattr(budget.journals, lost, 1)

    summary = budget.run()

    assert summary["state"] == "succeeded"
    assert budget.held() == APPROVED
    assert len({one.key for one in budget.journals.documents}) == len(budget.journals.documents)


def test_journal_that_arrives_late_is_found_within_the_settle_time(budget: BudgetDesk) -> None:
    """The server goes on when the caller has gone; nothing is sent again meanwhile."""
    budget.journals.honours_keys = False
    budget.journals.delays = 1

    summary = budget.run()

    assert summary["state"] == "succeeded"
    assert budget.held() == APPROVED
    assert budget.journals.calls == 2


def test_journal_never_seen_stops_the_run_as_unknown(budget: BudgetDesk) -> None:
    """Sent twice and shown never: a person looks; a resume sends once more and ends well."""
    budget.journals.lose_before = 2

    error = budget.fail()

    assert isinstance(error, OutcomeUnknownError)
    assert budget.postings() == [PostingState.UNKNOWN]
    assert budget.fail().code == "budgets.unsettled-posting"
    budget.runs = 1
    assert budget.resume()["state"] == "succeeded"
    assert budget.held() == APPROVED


def test_part_of_a_journal_is_quarantined_and_never_added_to(budget: BudgetDesk) -> None:
    """A person decides about half a journal; the run is no success and the next one is blocked."""
    budget.journals.cut = 1

    summary = budget.run()

    assert summary["state"] == "unexplained difference"
    assert PostingState.QUARANTINED in budget.postings()
    assert budget.fail().code == "budgets.unsettled-posting"


def test_refused_journal_is_told_and_the_rest_is_posted(budget: BudgetDesk) -> None:
    """What the ERP refuses stays away; the tie-out names it and explains all of it."""
    budget.journals.refuse = "Account number invalid"

    summary = budget.run()

    assert summary["state"] == "partly succeeded"
    assert budget.held() == {}
    assert {row["reason"] for row in summary["postings"]} == {"Account number invalid"}
    assert {row["unexplained"] for row in summary["tie_out"]} == {"0"}


def test_plan_waits_for_somebody_else_and_is_applied_once(budget: BudgetDesk) -> None:
    """The maker cannot approve; one run posts the plan, and no other finds anything to apply."""
    budget.flow = make_flow(approval={"people": 1})
    waiting = budget.run()
    plan = waiting["plan_hash"]
    refused = budget.fail(apply=plan)
    with pytest.raises(BlockedError):
        budget.approve(plan, "maker")
    budget.approve(plan, "approver")

    applied = budget.run(apply=plan)
    again = budget.fail(apply=plan)

    assert waiting["state"] == "waiting for approval"
    assert refused.code == "plan.not-approved"
    assert applied["state"] == "succeeded"
    assert budget.held() == APPROVED
    assert budget.journals.calls == 2
    assert again.code == "plan.applied-before"


@pytest.mark.parametrize("is_of_older_version", [False, True])
def test_plan_whose_run_stopped_at_once_is_applied_by_no_other_run(
    budget: BudgetDesk, *, is_of_older_version: bool
) -> None:
    """The word that a plan is applied is one run's: told again it holds, for others never."""
    budget.flow = make_flow(approval={"people": 1})
    plan = budget.run()["plan_hash"]
    budget.approve(plan, "approver")
    bench = budget.bench()
    if is_of_older_version:
        bench.records.approvals.save_state(
            plan, ApprovalState.APPLIED, before=ApprovalState.APPROVED
        )
    else:
        assert apply_once(bench, plan, "r9") == apply_once(bench, plan, "r9")

    refused = budget.fail(apply=plan)

    assert refused.code == "plan.applied-before"
    assert ("runs resume r9" in refused.next_step) is not is_of_older_version
    assert budget.held() == {}
    assert budget.journals.calls == 0


@pytest.mark.parametrize("is_approved", [False, True])
def test_newer_run_that_finds_nothing_ends_the_plans_before_it(
    budget: BudgetDesk, *, is_approved: bool
) -> None:
    """A view that was changed back is not posted by approving what it once showed."""
    budget.run()
    budget.flow = make_flow(approval={"people": 1})
    budget.target.view[("30.8720", "Sep 26")] = "9"
    plan = budget.run()["plan_hash"]
    if is_approved:
        budget.approve(plan, "approver")
    budget.target.view = dict(VIEW)

    nothing = budget.run()

    assert nothing["journals"] == []
    assert budget.fail(apply=plan).code == "plan.not-approved"
    assert budget.held() == APPROVED


def test_newer_plan_ends_the_approved_one_before_it(budget: BudgetDesk) -> None:
    """Of two plans the newer one is what is wanted; the older is never posted beside it."""
    budget.flow = make_flow(approval={"people": 1})
    older = budget.run()["plan_hash"]
    budget.approve(older, "approver")
    budget.target.view[("30.8720", "Sep 26")] = "9"

    newer = budget.run()["plan_hash"]

    assert budget.fail(apply=older).code == "plan.not-approved"
    budget.approve(newer, "approver")
    assert budget.run(apply=newer)["state"] == "succeeded"


def test_large_plan_needs_two_people(budget: BudgetDesk) -> None:
    """Above the threshold one approval is not enough."""
    budget.flow = make_flow(approval={"people": 1, "second_above": "1000"})
    plan = budget.run()["plan_hash"]
    budget.approve(plan, "one")
    assert budget.fail(apply=plan).code == "plan.not-approved"
    budget.approve(plan, "two")

    assert budget.run(apply=plan)["state"] == "succeeded"


def test_ledger_that_moved_makes_the_plan_stale(budget: BudgetDesk) -> None:
    """An approval is of a difference; on another ledger it would be another one."""
    budget.flow = make_flow(approval={"people": 1})
    plan = budget.run()["plan_hash"]
    budget.approve(plan, "approver")
    other = BudgetDesk(desk=budget.desk, target=budget.target, journals=budget.journals)
    other.runs = 100
    other.target.view = {("30.8720", "Sep 26"): "1"}
    other.flow = make_flow(name="other", last_month="2026-09")
    other.run()

    assert budget.fail(apply=plan).code == "budgets.drifted"
    found = budget.desk.records.approvals.find_approval(plan)
    assert found is not None
    assert found.state is ApprovalState.STALE


@pytest.mark.parametrize(
    ("account", "amount", "fault"),
    [
        ("30.9999", "1", "no such account"),
        ("30.8720", "1.005", "more than 2 decimals"),
        ("30.8720", "1,000.00", "no plain number"),
        ("30.8720", "TRUE", "no plain number"),
        ("X.1", "5", "inactive"),
    ],
)
def test_rows_that_cannot_be_posted_are_all_named(
    budget: BudgetDesk, account: str, amount: str, fault: str
) -> None:
    """One bad row of a view holds the whole view back, with its row number and reason."""
    budget.journals.accounts["X.1"] = "the account is inactive"
    budget.target.view = {("30.8730", "Sep 26"): "5", (account, "Oct 26"): amount}

    error = budget.fail()

    assert isinstance(error, RefusedError)
    assert error.code == "budgets.rows-refused"
    assert fault in str(error)
    assert "row 3" in str(error)
    assert budget.journals.calls == 0


def test_empty_view_is_no_budget_of_zero(budget: BudgetDesk) -> None:
    """A view without rows, or of other companies only, takes nothing back."""
    budget.run()
    budget.target.view = {}
    assert budget.fail().code == "budgets.view-empty"
    budget.target.view, budget.target.company = dict(VIEW), "00077"
    assert budget.fail().code == "budgets.view-empty"
    assert budget.held() == APPROVED


def test_view_that_lost_half_of_its_accounts_is_held_back(budget: BudgetDesk) -> None:
    """A filtered view looks like a budget taken back; the guard names ledger and period."""
    budget.flow = make_flow(guards={"vanished_ratio_max": "0.4"})
    budget.run()
    del budget.target.view[("30.8730", "Sep 26")]

    error = budget.fail()

    assert error.code == "budgets.guard"
    assert "09-26" in str(error)


def test_plan_shows_what_a_guard_would_hold_back(budget: BudgetDesk) -> None:
    """A guard holds the posting, not the look at it; the month that is not shown is named."""
    budget.flow = make_flow(guards={"vanished_ratio_max": "0.4", "amount_moved_max": "1"})
    budget.target.view = {("30.8720", "Sep 26"): "1250.5"}

    summary = budget.run(dry_run=True)

    assert summary["moved"] == {"USD": "1250.5"}
    assert summary["read"]["not_shown"] == [f"{LEDGER} 10-26"]
    assert budget.fail().code == "budgets.guard"
    assert budget.journals.calls == 0


@pytest.mark.parametrize(("known", "held"), [("L", Decimal(-5)), ("E", Decimal(5))])
def test_sign_is_turned_back_by_the_type_of_the_account(
    budget: BudgetDesk, known: str, held: Decimal
) -> None:
    """What the model shows turned is posted in the ledger's own sign."""
    budget.flow = make_flow(signs={"flip": ["L"], "account_types": {CHART.name: "accounts"}})
    budget.desk.source.members["accounts"] = [
        Member(code="8720", name="Freight", properties=(("account_type", known),))
    ]
    budget.target.view = {("30.8720", "Sep 26"): "5"}

    budget.run()

    assert budget.held() == {("30.8720", "09-26"): held}


def test_account_of_unknown_type_is_refused_where_signs_are_turned(budget: BudgetDesk) -> None:
    """Nobody guesses a sign: the row is named like any that cannot be posted."""
    budget.flow = make_flow(signs={"flip": ["L"], "account_types": {CHART.name: "accounts"}})

    error = budget.fail()

    assert error.code == "budgets.rows-refused"
    assert "of what type the account is" in str(error)
    assert budget.journals.calls == 0


def test_two_ledgers_of_one_company_are_refused(budget: BudgetDesk) -> None:
    """The view names companies: one row would be meant for both ledgers."""
    other = replace(budget.desk.source.ledgers[0], name="00001/BU")
    budget.desk.source.ledgers.append(other)
    budget.desk.source.periods[other.name] = budget.desk.source.periods[LEDGER]
    budget.flow = make_flow(ledgers=[LEDGER, other.name])

    error = budget.fail()

    assert error.code == "budgets.shared-company"
    assert budget.target.starts == []


def test_resumed_run_keeps_the_books_it_began_with(budget: BudgetDesk) -> None:
    """A ledger that vanishes from sight between two halves of a run changes nothing of it."""
    budget.journals.lose_before = 2
    assert budget.fail().code == "postings.unclear"
    budget.desk.source.ledgers = []

    assert budget.resume()["state"] == "succeeded"


def test_balanced_ledger_refuses_an_unbalanced_budget(budget: BudgetDesk) -> None:
    """Nothing is posted of a view that cannot be posted whole."""
    budget.journals.must_balance = True

    assert budget.fail().code == "journals.unbalanced"
    assert budget.journals.calls == 0


def test_period_the_erp_refuses_stops_before_anything_is_read(budget: BudgetDesk) -> None:
    """All refused periods are named at once."""
    budget.journals.verdicts["09-26"] = PeriodVerdict.REFUSED

    error = budget.fail()

    assert error.code == "budgets.period-refused"
    assert budget.target.starts == []


def test_long_journals_are_cut_and_each_part_has_its_own_key(budget: BudgetDesk) -> None:
    """Parts are posted one by one and together are the whole."""
    for number in range(5):
        budget.journals.accounts[f"30.{number}"] = ""
        budget.target.view[(f"30.{number}", "Sep 26")] = "1"
    budget.flow = make_flow(lines_max=3)

    summary = budget.run()

    assert [row["subject"][-3:] for row in summary["journals"]] == ["1/3", "2/3", "3/3", "1/1"]
    assert len({row["posting_key"] for row in summary["postings"]}) == 4
    assert {row["unexplained"] for row in summary["tie_out"]} == {"0"}


def test_dry_run_shows_the_plan_and_asks_nobody(budget: BudgetDesk) -> None:
    """Looking leaves neither a posting nor a plan that waits."""
    budget.flow = make_flow(approval={"people": 1})

    summary = budget.run(dry_run=True)

    assert summary["moved"] == {"USD": "1557.5"}
    assert budget.desk.records.approvals.load_approvals() == []
    assert budget.journals.calls == 0


@pytest.mark.long
@pytest.mark.parametrize("honours", [True, False], ids=["keyed", "keyless"])
def test_run_killed_after_any_call_posts_everything_once(
    budget: BudgetDesk, *, honours: bool
) -> None:
    """Each version moves a cent and dies after the next writing call: none twice, none lost."""
    budget.journals.honours_keys = honours
    budget.run()
    total = Decimal("1250.5")
    for at in range(1, 100):
        total += Decimal("0.01")
        budget.target.view[("30.8720", "Sep 26")] = str(total)
        budget.killer = killer = Killer(at=at)
        try:
            summary = budget.run()
        except Crash:
            summary = budget.resume()
        assert summary["state"] == "succeeded", killer.died
        assert budget.held()[("30.8720", "09-26")] == total, killer.died
        if not killer.died:
            return
    raise AssertionError("the run makes more calls than were tried")


def test_reversal_takes_one_posting_back_once(budget: BudgetDesk) -> None:
    """The counter-posting has a key of its own, names its original, and cannot be made twice."""
    september = budget.run()["postings"][0]["posting_key"]

    reversed_ = budget.run(reverse=september)

    assert reversed_["state"] == "succeeded"
    assert budget.held() == {("M30.8720", "10-26"): Decimal(7)}
    assert {row["unexplained"] for row in reversed_["tie_out"]} == {"0"}
    original = budget.desk.records.postings.find_posting(september)
    assert original is not None
    assert original.reversed_by == reversed_["postings"][0]["posting_key"]
    assert budget.fail(reverse=september).code == "postings.not-reversible"
    assert budget.fail(reverse=original.reversed_by).code == "postings.not-reversible"
    assert budget.run()["moved"] == {"USD": "1550.5"}
    assert budget.held() == APPROVED


def test_month_the_flow_has_left_is_refused_by_name(budget: BudgetDesk) -> None:
    """What was approved or posted before the months were changed waits until they are back."""
    september = budget.run()["postings"][0]["posting_key"]
    budget.target.view["30.8720", "Sep 26"] = "1251"
    budget.flow = make_flow(approval={"people": 1})
    plan = budget.run()["plan_hash"]
    budget.approve(plan, "approver")
    budget.flow = make_flow(approval={"people": 1}, first_month="2026-10")

    for request in ({"apply": plan}, {"reverse": september}):
        error = budget.fail(**request)
        assert error.code == "budgets.left-period"
        assert f"{LEDGER} 09-26" in str(error)
    budget.flow = make_flow(approval={"people": 1})

    assert budget.run(apply=plan)["state"] == "succeeded"
    assert budget.journals.calls == 3


def test_settling_believes_what_the_erp_shows(budget: BudgetDesk) -> None:
    """Absent too early says nothing; absent long enough is refused; whole is confirmed."""
    budget.journals.dies = 1
    with pytest.raises(Crash):
        budget.run()
    [posting] = budget.desk.records.postings.load_postings()

    early, _ = settle_posting(budget.bench(), posting.posting_key)
    budget.desk.clock.sleep(DAY)
    late, found = settle_posting(budget.bench(), posting.posting_key)

    assert early.state is PostingState.OPEN
    assert found.state is JournalState.ABSENT
    assert late.state is PostingState.REFUSED
    assert budget.run()["state"] == "succeeded"
    assert budget.held() == APPROVED


def test_part_that_was_deleted_in_the_erp_is_settled_and_planned_anew(budget: BudgetDesk) -> None:
    """A person mends the ERP, then asks; nothing was added to the part meanwhile."""
    budget.journals.cut = 1
    budget.run()
    budget.journals.cut = 0
    budget.desk.clock.sleep(DAY)
    quarantined = [
        one.posting_key
        for one in budget.desk.records.postings.load_postings()
        if one.state is PostingState.QUARANTINED
    ]
    kept, _ = settle_posting(budget.bench(), quarantined[0])
    budget.journals.documents.clear()
    budget.desk.source.batches.clear()

    settled = [settle_posting(budget.bench(), key)[0].state for key in quarantined]

    assert kept.state is PostingState.QUARANTINED
    assert set(settled) == {PostingState.REFUSED}
    assert budget.run()["state"] == "succeeded"
    assert budget.held() == APPROVED
