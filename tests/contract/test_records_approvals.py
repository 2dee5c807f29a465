"""Approvals: enough people, none of them the maker, each once, and in time."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from ml_connector.errors import BlockedError, BusyError, ConnectorError, RefusedError, UsageError
from ml_connector.ports import RUN_RESUMED, Approval, ApprovalState, Clock, Decision, Records
from ml_connector.records import create_organisation, open_records

Move = Callable[[float], None]
State = ApprovalState
DAY = 86_400
HASH = "3f5a0c" + "0" * 58
ALLOWED = [
    (State.WAITING, State.STALE),
    (State.WAITING, State.EXPIRED),
    (State.APPROVED, State.APPLIED),
    (State.APPROVED, State.STALE),
    (State.APPROVED, State.EXPIRED),
]
FORBIDDEN = sorted(set(product(State, State)) - set(ALLOWED))


@pytest.fixture
def plan(records_clock: Clock) -> Approval:
    """A plan that two people must approve within three days."""
    return Approval(
        plan_hash=HASH,
        flow="budget",
        run_id="r1",
        maker="kim",
        needed=2,
        amounts={"USD": Decimal("12345678901234567.89"), "JPY": Decimal("-1E+3")},
        totals={"lines": 12, "debits": "1.50"},
        state=State.WAITING,
        made_at=records_clock.now(),
        expires_at=records_clock.now() + timedelta(days=3),
    )


@pytest.fixture
def waiting(records: Records, plan: Approval) -> Approval:
    """The plan, put before people."""
    return records.approvals.request_approval(plan)


def decide(
    records: Records, actor: str, *, approves: bool = True, plan_hash: str = HASH
) -> Approval:
    """One person's word."""
    return records.approvals.decide(
        plan_hash, actor=actor, approves=approves, reason=f"{actor} says"
    )


def find(records: Records, plan_hash: str = HASH) -> Approval:
    """The plan as it is told now."""
    found = records.approvals.find_approval(plan_hash)
    assert found is not None
    return found


def bring(records: Records, plan: Approval, state: State) -> Approval:
    """The plan, known and in this state."""
    records.approvals.request_approval(replace(plan, needed=1))
    if state is State.WAITING:
        return find(records, plan.plan_hash)
    if state in (State.STALE, State.EXPIRED):
        return records.approvals.save_state(plan.plan_hash, state, before=State.WAITING)
    decide(records, "lee", approves=state is not State.REJECTED, plan_hash=plan.plan_hash)
    if state is State.APPLIED:
        records.approvals.save_state(plan.plan_hash, state, before=State.APPROVED)
    return find(records, plan.plan_hash)


def test_plan_waits_with_all_it_says(records: Records, plan: Approval) -> None:
    """Nothing is lost between asking and finding; amounts are exact, to the sign and exponent."""
    assert records.approvals.request_approval(plan) == plan
    found = find(records)
    assert found == plan
    assert {c: str(a) for c, a in found.amounts.items()} == {
        "USD": "12345678901234567.89", "JPY": "-1E+3"
    }  # fmt: skip


@pytest.mark.parametrize("state", State)
def test_same_plan_asked_again_is_the_stored_one(
    records: Records, plan: Approval, state: State
) -> None:
    """Neither its state nor its maker nor the people it needs change by asking."""
    stored = bring(records, plan, state)
    assert stored.state is state
    again = replace(plan, run_id="r2", maker="lee", needed=5)
    assert records.approvals.request_approval(again) == stored


def test_state_and_decisions_of_a_new_plan_are_the_stores_own(
    records: Records, plan: Approval
) -> None:
    """Nobody brings an approval along."""
    decision = Decision(actor="lee", is_approval=True, reason="", at=plan.made_at)
    brought = replace(plan, state=State.APPROVED, decisions=(decision, decision))
    assert records.approvals.request_approval(brought) == plan


def test_plan_of_one_flow_is_not_given_to_another(records: Records, waiting: Approval) -> None:
    """What people approved for one flow, no other flow applies."""
    with pytest.raises(RefusedError, match="belongs to flow budget, not to forecast"):
        records.approvals.request_approval(replace(waiting, flow="forecast"))


def test_newer_plan_of_the_flow_makes_the_waiting_one_stale(
    records: Records, plan: Approval, move: Move
) -> None:
    """Only what waits goes stale; what had expired is told so; other flows are left alone."""
    first = bring(records, plan, State.APPROVED)
    records.approvals.request_approval(replace(plan, plan_hash="b2"))
    other = records.approvals.request_approval(replace(plan, plan_hash="b3", flow="forecast"))
    late = replace(plan, plan_hash="b4", expires_at=plan.expires_at + timedelta(days=9))
    records.approvals.request_approval(late)
    assert find(records, "b2").state is State.STALE
    assert (find(records), find(records, "b3")) == (first, other)
    move(30 * DAY)
    records.approvals.request_approval(replace(late, plan_hash="b5"))
    assert records.approvals.find_approval("b4") == replace(late, state=State.EXPIRED)


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"maker": " "}, "nobody is named as its maker"),
        ({"needed": 0}, "0 people would have to approve"),
        ({"plan_hash": ""}, "it has no hash"),
        ({"amounts": {"USD": Decimal("NaN")}}, "amount in USD is"),
        ({"amounts": {"USD": 1.5}}, "amount in USD is 1.5"),
    ],
)
def test_plan_that_makes_no_sense_is_refused(
    records: Records, plan: Approval, change: dict[str, Any], finding: str
) -> None:
    """A plan without a maker or without approvers would pass unseen."""
    with pytest.raises(UsageError, match=finding):
        records.approvals.request_approval(replace(plan, **change))
    assert records.approvals.load_approvals() == []


def test_plan_is_approved_by_enough_different_people(
    records: Records, waiting: Approval, records_clock: Clock, move: Move
) -> None:
    """The first approval is stored and the plan waits on; the second approves it."""
    move(60)
    word = Decision(actor="lee", is_approval=True, reason="lee says", at=records_clock.now())
    assert decide(records, "lee") == replace(waiting, decisions=(word,))
    move(60)
    second = replace(word, actor="max", reason="max says", at=records_clock.now())
    approved = replace(waiting, state=State.APPROVED, decisions=(word, second))
    assert decide(records, "max") == approved == find(records)


def test_one_rejection_rejects(records: Records, waiting: Approval) -> None:
    """Whoever approved before, and whoever would approve after."""
    decide(records, "lee")
    rejected = decide(records, "max", approves=False)
    assert (rejected.state, rejected.approvals) == (State.REJECTED, 1)
    assert [d.is_approval for d in rejected.decisions] == [True, False]
    with pytest.raises(BlockedError, match="does not wait any more: it is rejected"):
        decide(records, "ann")


@pytest.mark.parametrize("actor", ["kim", "Kim", " KIM ", "\uff4bim"])  # The last is full-width.
@pytest.mark.parametrize("approves", [True, False])
def test_maker_does_not_decide_however_the_name_is_spelled(
    records: Records, waiting: Approval, actor: str, *, approves: bool
) -> None:
    """Four eyes are two people's."""
    with pytest.raises(BlockedError, match=r"made plan 3f5a0c.* cannot decide") as own:
        decide(records, actor, approves=approves)
    assert own.value.code == "approvals.own-plan"
    assert find(records) == waiting


def resume(records: Records, actor: str, run_id: str = "r1") -> None:
    """Somebody let the run go on."""
    records.audit.record(RUN_RESUMED, subject="budget", actor=actor, run_id=run_id)


@pytest.mark.parametrize("approves", [True, False])
def test_who_started_or_resumed_the_run_does_not_decide(
    records: Records, waiting: Approval, *, approves: bool
) -> None:
    """Whoever the plan names as its maker; who is only close to that run decides."""
    records.runs.create_run(run_id="r1", flow="budget", kind="budget", actor="Eve", request={})
    resume(records, "Bob")
    resume(records, "Sue", run_id="r10")
    records.audit.record("run.cancelled", subject="budget", actor="Max", run_id="r1")
    for actor in ("eve", "bob", "kim"):
        with pytest.raises(BlockedError, match=f"{actor} made plan .* or resumed the run") as own:
            decide(records, actor, approves=approves)
        assert own.value.code == "approvals.own-plan"
    assert find(records) == waiting
    for actor in ("sue", "max"):
        decide(records, actor)
    assert find(records).state is State.APPROVED


def test_resume_of_another_organisations_run_is_no_making(
    records: Records, waiting: Approval, records_clock: Clock
) -> None:
    """Run ids are an organisation's own."""
    create_organisation("north")
    resume(open_records("north", clock=records_clock), "lee")
    assert decide(records, "lee").approvals == 1


@pytest.mark.parametrize("approves", [True, False])
def test_nobody_decides_twice(records: Records, waiting: Approval, *, approves: bool) -> None:
    """Neither to count double nor to change their mind."""
    once = decide(records, "lee")
    with pytest.raises(BlockedError, match=r"LEE has decided .* before; 1 of 2 have approved"):
        decide(records, "LEE", approves=approves)
    assert find(records) == once


@pytest.mark.parametrize("actor", ["", "  "])
def test_nobody_named_decides_nothing(records: Records, waiting: Approval, actor: str) -> None:
    """A decision is a person's."""
    with pytest.raises(UsageError, match="nobody is named"):
        decide(records, actor)
    assert find(records) == waiting


def test_plan_expires_at_its_time(records: Records, waiting: Approval, move: Move) -> None:
    """In the last instant it is decided; from its time on it is told as expired, and is so."""
    move(3 * DAY - 1)
    half = decide(records, "lee")
    assert half.state is State.WAITING
    move(1)
    expired = replace(half, state=State.EXPIRED)
    assert find(records) == expired
    with pytest.raises(BlockedError, match="was good until 2026-10-08 06:00:00 UTC"):
        decide(records, "max")
    move(-DAY)
    assert find(records) == expired
    with pytest.raises(BlockedError, match="was good until"):
        decide(records, "max")


def test_approved_plan_is_applied_before_it_expires_or_not_at_all(
    records: Records, plan: Approval, move: Move
) -> None:
    """People's word is of a time; in its last instant it counts, and from then on it is over."""
    approved = bring(records, plan, State.APPROVED)
    move(3 * DAY - 1)
    assert find(records) == approved
    move(1)
    expired = replace(approved, state=State.EXPIRED)
    assert find(records) == expired
    with pytest.raises(BusyError, match="is expired, not approved"):
        records.approvals.save_state(HASH, State.APPLIED, before=State.APPROVED)
    with pytest.raises(BlockedError, match="was good until 2026-10-08 06:00:00 UTC"):
        decide(records, "ann")
    assert find(records) == expired


@pytest.mark.parametrize("state", [State.APPLIED, State.REJECTED, State.STALE])
def test_plan_that_has_ended_does_not_expire(
    records: Records, plan: Approval, move: Move, state: State
) -> None:
    """What was applied in time stays applied, however long that takes."""
    ended = bring(records, plan, state)
    move(30 * DAY)
    assert find(records) == ended


@pytest.mark.parametrize("state", [s for s in State if s is not State.WAITING])
def test_plan_that_does_not_wait_is_not_decided(
    records: Records, plan: Approval, state: State
) -> None:
    """The refusal says what it is instead; the word that came too late is not stored."""
    stored = bring(records, plan, state)
    with pytest.raises(BlockedError) as late:
        decide(records, "ann")
    code = "approvals.expired" if state is State.EXPIRED else "approvals.not-waiting"
    assert late.value.code == code
    assert find(records) == stored


@pytest.mark.parametrize(("before", "state"), ALLOWED)
def test_plan_moves_on_once(records: Records, plan: Approval, before: State, state: State) -> None:
    """Of two who move it the second is told, so that one applies it and no other."""
    stored = bring(records, plan, before)
    assert records.approvals.save_state(HASH, state, before=before) == replace(stored, state=state)
    with pytest.raises(BusyError, match=f"is {state}, not {before} any more"):
        records.approvals.save_state(HASH, state, before=before)
    assert find(records).state is state


@pytest.mark.parametrize(("before", "state"), FORBIDDEN)
def test_plan_moves_past_people_in_no_other_way(
    records: Records, plan: Approval, before: State, state: State
) -> None:
    """Nothing is approved, rejected, applied early or brought back by naming a state."""
    stored = bring(records, plan, before)
    with pytest.raises(BlockedError, match=f"cannot go from {before} to {state}"):
        records.approvals.save_state(HASH, state, before=before)
    assert find(records) == stored


def test_expired_plan_is_in_another_state_than_waiting(
    records: Records, waiting: Approval, move: Move
) -> None:
    """Its time counts before anybody has stored that it is over."""
    move(3 * DAY)
    with pytest.raises(BusyError, match="is expired, not waiting"):
        records.approvals.save_state(HASH, State.STALE, before=State.WAITING)


def test_plan_is_found_by_an_unambiguous_beginning(records: Records, plan: Approval) -> None:
    """A whole hash wins over longer ones that begin with it; several are named; case counts."""
    hashes = ("abab12", "abab12ff", "cdcdcd_1", "cdcdcde1", "f0")
    for number, plan_hash in enumerate(hashes):
        records.approvals.request_approval(replace(plan, plan_hash=plan_hash, flow=f"f{number}"))
    assert find(records, "abab12").plan_hash == "abab12"
    assert find(records, "abab12f").plan_hash == "abab12ff"
    assert find(records, "cdcdcd_").plan_hash == "cdcdcd_1"
    assert find(records, "cdcdcde").plan_hash == "cdcdcde1"
    assert find(records, "f0").plan_hash == "f0"
    for unknown in ("", "CDCDCD_1", "cdcdcd%", "x"):
        assert records.approvals.find_approval(unknown) is None
    for several in ("c", "cdcdcd"):
        told = f"'{several}' is the beginning of 2 plans: cdcdcd_1, cdcdcde1"
        with pytest.raises(UsageError, match=told):
            records.approvals.find_approval(several)
    assert decide(records, "lee", plan_hash="cdcdcde").decisions[0].actor == "lee"


def test_plan_is_not_found_by_too_short_a_beginning(
    records: Records, plan: Approval, waiting: Approval
) -> None:
    """Though no other begins so yet: a slip of the hand would decide on it."""
    told = f"'3f5a0' is too short to name a plan: 1 plan begins so, {HASH}"
    with pytest.raises(UsageError, match=told) as caught:
        decide(records, "lee", plan_hash="3f5a0")

    assert "at least 6 characters" in caught.value.next_step
    assert find(records) == waiting
    assert find(records, HASH[:6]) == waiting


@pytest.mark.parametrize("plan_hash", ["", "x", "3f5a0c1"])
def test_unknown_or_ambiguous_plan_is_not_decided(
    records: Records, plan: Approval, waiting: Approval, plan_hash: str
) -> None:
    """A misread hash approves nothing, and neither does half of one."""
    records.approvals.request_approval(replace(plan, plan_hash="3f5b", flow="forecast"))
    with pytest.raises(UsageError, match="no plan"):
        decide(records, "lee", plan_hash=plan_hash)
    with pytest.raises(UsageError, match="no plan"):
        records.approvals.save_state(plan_hash, State.STALE, before=State.WAITING)
    with pytest.raises(UsageError, match="the beginning of 2 plans"):
        decide(records, "lee", plan_hash="3f5")
    assert find(records) == waiting


def test_plans_are_listed_by_flow_and_state_as_told_newest_first(
    records: Records, plan: Approval, move: Move
) -> None:
    """A plan whose time is over is among the expired, whether or not that is stored."""
    for number, days in enumerate((1, 1, 9)):
        records.approvals.request_approval(
            replace(
                plan, plan_hash=f"{number}", flow=f"f{number}",
                expires_at=plan.made_at + timedelta(days=days),
            )
        )  # fmt: skip
    decide(records, "lee", plan_hash="0")
    decide(records, "max", plan_hash="0")
    move(2 * DAY)

    def hashes(**asked: Any) -> str:
        return "".join(p.plan_hash for p in records.approvals.load_approvals(**asked))

    assert hashes() == "210"
    assert hashes(limit=2) == "21"
    assert hashes(flow="f1") == "1"
    assert hashes(states=[State.WAITING]) == "2"
    assert hashes(states=[State.EXPIRED]) == "10"
    assert hashes(states=[State.WAITING, State.EXPIRED]) == "210"
    assert hashes(states=[State.APPROVED]) == ""
    told = records.approvals.load_approvals()
    assert [p.state for p in told] == [State.WAITING, State.EXPIRED, State.EXPIRED]
    assert [p.approvals for p in told] == [0, 0, 2]


def test_organisations_approve_apart(
    records: Records, waiting: Approval, plan: Approval, records_clock: Clock
) -> None:
    """A plan is neither seen nor decided nor made stale from another organisation."""
    create_organisation("north")
    north = open_records("north", clock=records_clock)
    assert north.approvals.find_approval(HASH) is None
    with pytest.raises(ConnectorError, match="no plan"):
        decide(north, "lee")
    assert north.approvals.request_approval(plan) == plan
    decide(north, "lee")
    assert find(records) == waiting
    assert north.approvals.load_approvals()[0].approvals == 1
