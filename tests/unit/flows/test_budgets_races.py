"""What happens between a look and a sending: settlers, second executors, resumes days later."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.fakes.approved_desk import APPROVED, LEDGER, BudgetDesk, build_budget, make_flow
from tests.fakes.desk import FakeDesk
from tests.fakes.interposed import interpose_records
from tests.fakes.killing import Killer
from tests.fakes.ledger import line as make_line
from tests.fakes.steps import Crash, FakeSteps

from ml_connector.domain.journals import Journal
from ml_connector.errors import BlockedError, BusyError, ConnectorError, UsageError
from ml_connector.flows.bench import read_document, store_document
from ml_connector.flows.writing.settling import settle_posting
from ml_connector.ports import (
    UNSETTLED_POSTINGS,
    Approval,
    ApprovalState,
    JournalHead,
    JournalReceipt,
    JournalState,
    Posting,
    PostingState,
    Records,
)
from ml_connector.wiring.decisions import Decisions

MakeDesk = Callable[..., FakeDesk]
DAY = 86_400
ONE_MONTH = {"last_month": "2026-09"}
ASKS = {"approval": {"people": 1}}
SEPTEMBER = {key: amount for key, amount in APPROVED.items() if key[1] == "09-26"}


@pytest.fixture
def budget(make_desk: MakeDesk) -> BudgetDesk:
    """A desk of one budget ledger with three accounts."""
    return build_budget(make_desk())


def interpose(budget: BudgetDesk, call: str, act: Callable[[], object]) -> BudgetDesk:
    """The same desk, but what is done at it waits for the act before this call of a store."""
    records = interpose_records(budget.desk.records, call, act)
    return replace(budget, desk=replace(budget.desk, records=records))


def kill_after(budget: BudgetDesk, call: str, **request: str) -> None:
    """A new run dies right after this call; a resume lives."""
    budget.killer = Killer(at=1, after=call)
    with pytest.raises(Crash):
        budget.run(**request)
    budget.killer = None


def newest(budget: BudgetDesk) -> Posting:
    """The posting that was made last."""
    return budget.desk.records.postings.load_postings()[0]


def enter_by_hand(budget: BudgetDesk, amount: str = "5") -> None:
    """Somebody enters and posts a budget of September in the ERP."""
    line = make_line(1, LEDGER, "09-26", "30.8730", "0")
    budget.desk.source.post(
        f"by hand {amount}", line._replace(debit=Decimal(amount), credit=Decimal(0))
    )


# --- settling beside a run ------------------------------------------------------------------------


@pytest.mark.parametrize("reverses", [False, True], ids=["posting", "reversal"])
def test_posting_is_not_refused_by_a_look_from_before_it_was_sent(
    budget: BudgetDesk, *, reverses: bool
) -> None:
    """Who settles looks, the run sends, and what the look has shown is out of date."""
    budget.journals.honours_keys = False
    budget.flow = make_flow(**ONE_MONTH)
    request = {"reverse": budget.run()["postings"][0]["posting_key"]} if reverses else {}
    kill_after(budget, "postings.make_posting", **request)
    key = newest(budget).posting_key

    def send() -> None:
        budget.killer = Killer(at=1, after="journals.submit_journal")
        with pytest.raises(Crash):
            budget.resume(**request)

    with pytest.raises(BusyError) as busy:
        settle_posting(interpose(budget, "transactions.begin", send).bench(), key)
    budget.killer = None

    assert busy.value.code == "postings.sent-meanwhile"
    assert newest(budget).state is PostingState.OPEN
    assert budget.resume(**request)["state"] == "succeeded"
    assert budget.held() == ({} if reverses else SEPTEMBER)
    assert len(budget.journals.documents) == 1 + reverses
    links = budget.desk.records.audit.find(key)
    assert [one.event for one in links] == ["posting.confirmed"]


def test_posting_that_never_left_ends_at_the_first_look_and_its_frozen_run_sends_nothing(
    budget: BudgetDesk,
) -> None:
    """Nothing is to be waited for; a process that wakes up afterwards finds it settled."""
    budget.flow = make_flow(**ONE_MONTH)
    kill_after(budget, "postings.make_posting")

    settled, found = settle_posting(budget.bench(), newest(budget).posting_key)
    woken = budget.resume()

    assert (settled.state, found.state) == (PostingState.REFUSED, JournalState.ABSENT)
    assert settled.reason == "settled by a person: absent when it was looked for"
    assert budget.journals.calls == 0
    assert woken["state"] == "partly succeeded"
    assert budget.run()["state"] == "succeeded"
    assert budget.held() == SEPTEMBER


def test_posting_that_was_settled_before_it_was_sent_is_not_sent(budget: BudgetDesk) -> None:
    """Who settles was faster: the run stops, and the next one plans it anew."""
    budget.flow = make_flow(**ONE_MONTH)
    live = interpose(
        budget,
        "postings.mark_sent",
        lambda: settle_posting(budget.bench(), newest(budget).posting_key),
    )

    error = live.fail()

    assert error.code == "postings.not-sendable"
    assert budget.postings() == [PostingState.REFUSED]
    assert budget.journals.calls == 0
    budget.runs = live.runs
    assert budget.run()["state"] == "succeeded"
    assert budget.held() == SEPTEMBER


def test_posting_is_not_settled_by_a_look_at_another_erp(budget: BudgetDesk) -> None:
    """It is absent there, and that says nothing."""
    budget.journals.dies = 1
    with pytest.raises(Crash):
        budget.run()
    budget.desk.clock.sleep(DAY)
    budget.desk.source.connection = "production"

    with pytest.raises(ConnectorError) as other:
        settle_posting(budget.bench(), newest(budget).posting_key)

    assert other.value.code == "postings.other-connection"
    assert budget.postings() == [PostingState.OPEN]


def test_settling_killed_at_any_call_leaves_outcome_and_link_or_neither(
    budget: BudgetDesk,
) -> None:
    """An outcome without its link in the chain would never get one."""
    budget.journals.dies = 1
    with pytest.raises(Crash):
        budget.run()
    key = newest(budget).posting_key
    budget.desk.clock.sleep(DAY)
    for call in ("postings.save_posting", "audit.record"):
        budget.killer = Killer(at=1, after=call)
        with pytest.raises(Crash):
            settle_posting(budget.bench(), key)
        assert newest(budget).state is PostingState.OPEN
        assert budget.desk.records.audit.find(key) == []
    budget.killer = None

    settle_posting(budget.bench(), key)

    [link] = budget.desk.records.audit.find(key)
    assert link.event == "posting.refused"
    assert link.details["reason"].startswith("settled by a person: absent")


# --- two executors of one run ---------------------------------------------------------------------


@pytest.mark.parametrize("sent_before", [False, True], ids=["first sending", "second sending"])
def test_one_of_two_executors_sends(budget: BudgetDesk, *, sent_before: bool) -> None:
    """Both have found the journal absent; who comes second is refused before anything leaves."""
    budget.journals.honours_keys = False
    budget.flow = make_flow(**ONE_MONTH)
    if sent_before:
        budget.journals.dies = 1
        with pytest.raises(Crash):
            budget.run()
    else:
        kill_after(budget, "postings.make_posting")
    history = list(budget.steps["budgets-1"].history)
    twin = replace(budget, steps={"budgets-1": FakeSteps(run_id="budgets-1", history=history)})
    twin.killer = Killer(at=1, after="journals.submit_journal")

    def send() -> None:
        with pytest.raises(Crash):
            twin.resume()

    with pytest.raises(BusyError) as busy:
        interpose(budget, "postings.mark_sent", send).resume()

    assert busy.value.code == "postings.sent-meanwhile"
    assert budget.postings() == [PostingState.OPEN]
    assert budget.resume()["state"] == "succeeded"
    assert budget.held() == SEPTEMBER
    assert len(budget.journals.documents) == 1


# --- whose plan it is, and what is in it ----------------------------------------------------------


@pytest.mark.parametrize("person", ["alice", "ALICE", "bob"])
def test_neither_who_started_nor_who_resumed_the_run_approves(
    budget: BudgetDesk, person: str
) -> None:
    """Alice starts, Bob resumes; the plan is Alice's, and both have made it."""
    budget.flow = make_flow(**ASKS)
    budget.actor = "alice"
    kill_after(budget, "target.submit_task")
    budget.actor = "bob"

    plan = budget.resume()["plan_hash"]

    approvals = budget.desk.records.approvals
    with pytest.raises(BlockedError) as own:
        budget.approve(plan, person)
    assert own.value.code == "approvals.own-plan"
    found = approvals.find_approval(plan)
    assert found is not None
    assert found.maker == "alice"
    budget.approve(plan, "carol")
    assert budget.run(apply=plan)["state"] == "succeeded"


def test_plan_is_not_applied_to_another_erp(budget: BudgetDesk) -> None:
    """What was approved is a difference of one ledger; the plan is good again once that is back."""
    budget.flow = make_flow(**ASKS)
    plan = budget.run()["plan_hash"]
    budget.approve(plan, "bob")
    budget.desk.source.connection = "production"

    error = budget.fail(apply=plan)

    assert error.code == "plan.other-erp"
    assert "was made for erp" in error.refused
    assert "writes production now" in error.refused
    assert budget.postings() == []
    budget.desk.source.connection = "erp"
    assert budget.run(apply=plan)["state"] == "succeeded"


def test_run_resumed_beside_another_erp_sends_nothing_there(budget: BudgetDesk) -> None:
    """The connection was changed while the run was down, between its plan and its journals."""
    budget.journals.dies = 1
    with pytest.raises(Crash):
        budget.run()
    budget.desk.source.connection = "production"

    with pytest.raises(BlockedError) as other:
        budget.resume()

    assert other.value.code == "plan.other-erp"
    assert budget.journals.documents == []


class HeadsKept:
    """Journals as they are, and what was said besides their lines."""

    def __init__(self, journals: Any) -> None:
        self._journals = journals
        self.heads: list[JournalHead] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journals, name)

    def submit_journal(self, journal: Journal, head: JournalHead) -> JournalReceipt:
        """Kept, and entered."""
        self.heads.append(head)
        receipt: JournalReceipt = self._journals.submit_journal(journal, head)
        return receipt


CHANGED = {"document_type": "JE", "post_at_once": True, "explanation": "Forecast"}


@pytest.mark.parametrize("is_old", [False, True], ids=["this release", "older release"])
def test_journals_say_what_was_approved_with_them(budget: BudgetDesk, *, is_old: bool) -> None:
    """Settings changed after the approval are in the next plan; an older plan knows of none."""
    budget.flow = make_flow(**ASKS)
    plan = budget.run()["plan_hash"]
    if is_old:
        plan = ask_without_head(budget, plan)
    budget.approve(plan, "bob")
    budget.flow = make_flow(**ASKS, **CHANGED)
    kept: Any = HeadsKept(budget.journals)

    replace(budget, journals=kept).run(apply=plan)

    told = {(one.document_type, one.post_at_once, one.explanation[:8]) for one in kept.heads}
    assert told == {("JE", True, "Forecast") if is_old else ("BX", False, "Approved")}


def ask_without_head(budget: BudgetDesk, plan: str) -> str:
    """The hash of the same plan as an older release saved it, which waits instead."""
    document = read_document(budget.desk.archive, plan)
    del document["head"]
    plan_hash = store_document(budget.desk.archive, document)
    approvals = budget.desk.records.approvals
    found = approvals.find_approval(plan)
    assert found is not None
    approvals.request_approval(replace(found, plan_hash=plan_hash))
    return plan_hash


def test_connection_that_leads_elsewhere_since_is_not_written(budget: BudgetDesk) -> None:
    """Under the same name; a ledger there may hold just the same, and nobody has approved it."""
    budget.flow = make_flow(**ASKS)
    plan = budget.run()["plan_hash"]
    budget.approve(plan, "bob")
    was, budget.desk.source.address = budget.desk.source.address, "https://test.example"

    error = budget.fail(apply=plan)

    assert error.code == "plan.other-erp"
    assert f"at {was}, and that connection leads to https://test.example now" in error.refused
    assert budget.journals.calls == 0
    budget.desk.source.address = was
    assert budget.run(apply=plan)["state"] == "succeeded"


def test_run_whose_connection_leads_elsewhere_since_it_began_goes_on_there_only(
    budget: BudgetDesk,
) -> None:
    """Half of the journals here and half of them there would tie out nowhere."""
    budget.journals.lose_at = {2: "lose_before", 3: "lose_before"}
    assert budget.fail().code == "postings.unclear"
    was, budget.desk.source.address = budget.desk.source.address, "https://test.example"
    sent = budget.journals.calls

    with pytest.raises(BlockedError, match="Run budgets-1 began with erp at"):
        budget.resume()

    assert budget.journals.calls == sent
    budget.desk.source.address = was
    assert budget.resume()["state"] == "succeeded"


def test_approved_plan_is_good_until_it_expires(budget: BudgetDesk) -> None:
    """A word given weeks ago was of other weeks; nothing is read of the ledger for it."""
    budget.flow = make_flow(approval={"people": 1, "days": 2})
    plan = budget.run()["plan_hash"]
    budget.approve(plan, "bob")
    budget.desk.clock.sleep(2 * DAY)

    error = budget.fail(apply=plan)

    assert error.code == "plan.not-approved"
    assert "is expired" in error.refused
    assert budget.journals.calls == 0


def test_plan_that_is_being_applied_does_not_expire(budget: BudgetDesk) -> None:
    """What was begun in time is finished: half a budget is none."""
    budget.flow = make_flow(approval={"people": 1, "days": 2})
    plan = budget.run()["plan_hash"]
    budget.approve(plan, "bob")
    budget.journals.lose_at = {2: "lose_before", 3: "lose_before"}
    assert budget.fail(apply=plan).code == "postings.unclear"
    budget.desk.clock.sleep(2 * DAY)

    assert budget.resume(apply=plan)["state"] == "succeeded"
    assert budget.held() == APPROVED


# --- resumed later --------------------------------------------------------------------------------


def die_before(budget: BudgetDesk, call: str, **request: str) -> None:
    """A new run dies right before this call of a store."""

    def die() -> None:
        raise Crash

    live = interpose(budget, call, die)
    with pytest.raises(Crash):
        live.run(**request)
    budget.runs = live.runs


@pytest.mark.parametrize("asks", [True, False], ids=["applied", "at once"])
@pytest.mark.parametrize("call", ["postings.make_posting", "postings.mark_sent"])
def test_ledger_that_moved_while_the_run_was_down_stops_it(
    budget: BudgetDesk, call: str, *, asks: bool
) -> None:
    """Nothing was sent yet, so the plan is held against the ledger once more; a new one is made."""
    budget.flow = make_flow(**(ASKS if asks else {}))
    request: dict[str, str] = {}
    if asks:
        request = {"apply": budget.run()["plan_hash"]}
        budget.approve(request["apply"], "bob")
    die_before(budget, call, **request)
    enter_by_hand(budget)

    with pytest.raises(BlockedError) as drifted:
        budget.resume(**request)

    assert drifted.value.code == "budgets.drifted"
    assert budget.journals.calls == 0
    assert budget.postings() == [PostingState.REFUSED] * call.endswith("mark_sent")
    budget.flow = make_flow()
    assert budget.run()["state"] == "succeeded"
    assert budget.held() == APPROVED


def test_run_with_a_journal_sent_goes_on_and_its_tie_out_tells(budget: BudgetDesk) -> None:
    """Half a plan is no budget; what others have entered meanwhile is the difference."""
    budget.killer = Killer(at=2, after="postings.make_posting")
    with pytest.raises(Crash):
        budget.run()
    budget.killer = None
    enter_by_hand(budget)

    summary = budget.resume()

    assert summary["state"] == "unexplained difference"
    assert [row["state"] for row in summary["postings"]] == ["confirmed", "confirmed"]
    assert [(row["period"], row["account"]) for row in summary["differences"]] == [
        ("09-26", "30.8730")
    ]
    assert len(budget.journals.documents) == 2


def test_clock_that_was_set_back_ends_the_wait(budget: BudgetDesk) -> None:
    """Nobody waits for days inside a step; the run stops as unknown, and ends well once it can."""
    budget.flow = make_flow(**ONE_MONTH)
    budget.journals.lose_before = 2
    assert budget.fail().code == "postings.unclear"
    sent_at = newest(budget).sent_at
    assert sent_at is not None
    budget.desk.clock.at -= timedelta(days=3)
    began = budget.desk.clock.at

    with pytest.raises(ConnectorError) as unclear:
        budget.resume()

    assert unclear.value.code == "postings.unclear"
    assert f"{sent_at:%Y-%m-%d %H:%M}" in str(unclear.value)
    assert budget.desk.clock.at - began < timedelta(minutes=25)
    assert budget.journals.calls == 2
    budget.desk.clock.at += timedelta(days=3)
    assert budget.resume()["state"] == "succeeded"
    assert budget.held() == SEPTEMBER


# --- what the audit chain says --------------------------------------------------------------------


@pytest.mark.parametrize("call", ["postings.save_posting", "audit.record"])
def test_outcome_and_its_link_are_stored_together(budget: BudgetDesk, call: str) -> None:
    """A run killed between the two has stored neither, and its resume stores both, once."""
    budget.flow = make_flow(**ONE_MONTH)
    kill_after(budget, call)
    assert budget.postings() == [PostingState.OPEN]

    budget.resume()

    assert budget.postings() == [PostingState.CONFIRMED]
    links = budget.desk.records.audit.find(newest(budget).posting_key)
    assert [one.event for one in links] == ["posting.confirmed"]


class Deciding(Decisions):
    """What a house decides with, over the stores of a test."""

    def __init__(self, records: Records) -> None:
        self.actor = "bob"
        self._records = records

    @property
    def records(self) -> Records:
        """The stores."""
        return self._records


@pytest.mark.parametrize("call", ["approvals.decide", "audit.record"])
def test_decision_and_its_link_are_stored_together(budget: BudgetDesk, call: str) -> None:
    """Nobody approves unseen, and no link tells of an approval that was refused."""
    budget.flow = make_flow(**ASKS)
    plan = budget.run()["plan_hash"]
    records = budget.desk.records

    def decide(watched: Records) -> Approval:
        return Deciding(watched).decide(plan, approves=True, reason="As agreed.")

    with pytest.raises(Crash):
        decide(Killer(at=1, after=call).watch_records(records))
    assert records.audit.find("plan.") == records.audit.find("bob") == []
    assert decide(records).state is ApprovalState.APPROVED
    with pytest.raises(BlockedError):
        decide(records)

    [link] = [one for one in records.audit.find(plan) if one.event.startswith("plan.")]
    assert (link.event, link.actor) == ("plan.approved", "bob")


def test_posting_is_not_settled_where_its_connection_leads_since(budget: BudgetDesk) -> None:
    """Elsewhere it is absent for ever, and would be taken for never entered."""
    budget.journals.dies = 1
    with pytest.raises(Crash):
        budget.run()
    was, budget.desk.source.address = budget.desk.source.address, "https://test.example"
    budget.desk.clock.sleep(86_400)

    with pytest.raises(UsageError) as caught:
        settle_posting(budget.bench(), newest(budget).posting_key)

    assert caught.value.code == "postings.other-connection"
    assert "connections/" in caught.value.next_step
    assert newest(budget).state in UNSETTLED_POSTINGS
    budget.desk.source.address = was
    settled, _ = settle_posting(budget.bench(), newest(budget).posting_key)
    assert settled.state not in UNSETTLED_POSTINGS
