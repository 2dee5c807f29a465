"""Postings and approvals among several processes: one winner each time, and no half writes."""

import subprocess
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from ml_connector.ports import ApprovalState, PostingState, Records

Spawn = Callable[..., "subprocess.Popen[str]"]
ROUNDS = 12

PREAMBLE = f"""
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from ml_connector.domain.posting_keys import derive_posting_key
from ml_connector.errors import ConnectorError
from ml_connector.ports import Approval, ApprovalState, Posting, PostingState
from ml_connector.records import models
rounds = range({ROUNDS})
records = open_records()
now = datetime(2026, 10, 5, 6, tzinfo=UTC)
me = sys.argv[1]

def posting(number, plan, run_id="r1", **changes):
    key = derive_posting_key("budget", plan, str(number), generation=1)
    made = Posting(posting_key=key, flow="budget", run_id=run_id, plan_hash=plan, connection="jde",
                   kind="journal", subject=f"s{{number}}", generation=1, content_hash="c",
                   totals={{}}, made_at=now)
    return replace(made, **changes)

def plan(number, needed):
    return Approval(plan_hash=f"p{{number}}.", flow=f"f{{number}}", run_id="r1", maker="kim",
                    needed=needed, amounts={{"USD": Decimal("1.00")}}, totals={{}},
                    state=ApprovalState.WAITING, made_at=now, expires_at=now + timedelta(days=9999))

def attempt(number, action, *arguments, **named):
    try:
        print(number, action(*arguments, **named).state)
    except ConnectorError as error:
        print(number, error.code)
"""
START = 'print("ready"); sys.stdin.readline()\n'
END = "\nclose()\n"


def race(spawn: Spawn, script: str, *names: str) -> list[list[str]]:
    """What each process printed; all of them start when all are ready."""
    racers = [spawn(PREAMBLE + START + script + END, name) for name in names]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n", racer.communicate()[1]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    told = [racer.communicate() for racer in racers]
    assert [errors for _, errors in told] == [""] * len(names)
    return [output.splitlines() for output, _ in told]


def prepare(spawn: Spawn, script: str) -> None:
    """The script has run in a process of its own, without a fault."""
    process = spawn(PREAMBLE + script + END, "first")
    assert process.communicate() == ("", "")


def each_round(told: Sequence[Sequence[str]]) -> list[Counter[str]]:
    """How often each answer was given, by round."""
    answers: list[Counter[str]] = [Counter() for _ in range(ROUNDS)]
    for line in (line for lines in told for line in lines):
        number, _, answer = line.partition(" ")
        answers[int(number)][answer] += 1
    return answers


MAKE = """
for n in rounds:
    attempt(n, records.postings.make_posting, posting(n, plan="of " + me))
"""


@pytest.mark.long
def test_one_of_several_processes_makes_a_posting_on_a_subject(
    records: Records, spawn: Spawn
) -> None:
    """The others are told who it was, and nothing of theirs is stored."""
    told = race(spawn, MAKE, "a", "b", "c")
    assert each_round(told) == [Counter({"open": 1, "postings.unsettled": 2})] * ROUNDS
    assert len(records.postings.load_postings()) == ROUNDS


MAKE_THE_SAME = """
for n in rounds:
    print(n, records.postings.make_posting(posting(n, plan="p", run_id=me)).run_id)
"""


@pytest.mark.long
def test_processes_that_make_the_same_posting_share_one(records: Records, spawn: Spawn) -> None:
    """A resumed run and its frozen predecessor get the same row, whoever came first."""
    told = race(spawn, MAKE_THE_SAME, "a", "b")
    assert [sorted(answers.values()) for answers in each_round(told)] == [[2]] * ROUNDS
    assert len(records.postings.load_postings()) == ROUNDS


CONFIRM_ALL = """
for n in rounds:
    made = records.postings.make_posting(posting(n, plan="p"))
    records.postings.save_posting(made.posting_key, PostingState.CONFIRMED)
"""
REVERSE = """
for n in rounds:
    taken_back = posting(n, plan="p").posting_key
    attempt(n, records.postings.make_posting,
            posting(n, plan="of " + me, reverses=taken_back, subject=f"{n} by {me}"))
"""


@pytest.mark.long
def test_one_of_two_processes_reverses_a_posting(records: Records, spawn: Spawn) -> None:
    """A posting is taken back once, and names the one that does."""
    prepare(spawn, CONFIRM_ALL)
    told = race(spawn, REVERSE, "a", "b")
    assert each_round(told) == [Counter({"open": 1, "postings.reversal-blocked": 1})] * ROUNDS
    reversals = records.postings.load_postings(states=[PostingState.OPEN])
    originals = records.postings.load_postings(states=[PostingState.CONFIRMED])
    assert {(p.posting_key, p.reversed_by) for p in originals} == {
        (r.reverses, r.posting_key) for r in reversals
    }


SETTLE = """
for n in rounds:
    key = records.postings.make_posting(posting(n, plan="p")).posting_key
    attempt(n, records.postings.save_posting, key, PostingState(me))
"""


@pytest.mark.long
def test_processes_that_disagree_leave_one_outcome(records: Records, spawn: Spawn) -> None:
    """The first word is final; whoever says otherwise is told so."""
    told = race(spawn, SETTLE, "confirmed", "refused")
    for answers in each_round(told):
        assert answers["postings.settled"] == 1
        assert answers["confirmed"] + answers["refused"] == 1
    stored = Counter(p.state.value for p in records.postings.load_postings())
    assert stored == sum(each_round(told), Counter()) - Counter({"postings.settled": ROUNDS})


MAKE_ALL = """
for n in rounds:
    records.postings.make_posting(posting(n, plan="p"))
"""
SEND = """
for n in rounds:
    attempt(n, records.postings.mark_sent, posting(n, plan="p").posting_key, last=None)
"""


@pytest.mark.long
def test_one_of_two_executors_may_send(records: Records, spawn: Spawn) -> None:
    """Both have found nothing sent; the second is told before anything of its leaves."""
    prepare(spawn, MAKE_ALL)
    told = race(spawn, SEND, "a", "b")
    assert each_round(told) == [Counter({"open": 1, "postings.sent-meanwhile": 1})] * ROUNDS


SEND_OR_SETTLE = """
for n in rounds:
    seen = posting(n, plan="p")
    if me == "sender":
        attempt(n, records.postings.mark_sent, seen.posting_key, last=None)
    else:
        attempt(n, records.postings.save_posting, seen.posting_key, PostingState.REFUSED, seen=seen)
"""


@pytest.mark.long
def test_posting_is_sent_or_settled_as_never_sent_and_not_both(
    records: Records, spawn: Spawn
) -> None:
    """A person settles beside a run: whoever is first, the other changes nothing."""
    prepare(spawn, MAKE_ALL)
    told = race(spawn, SEND_OR_SETTLE, "sender", "settler")
    sent = Counter({"open": 1, "postings.sent-meanwhile": 1})
    settled = Counter({"refused": 1, "postings.not-sendable": 1})
    assert all(answers in (sent, settled) for answers in each_round(told))
    for stored in records.postings.load_postings():
        assert (stored.sent_at is None) is (stored.state is PostingState.REFUSED)


DECIDE = """
for n in rounds:
    records.approvals.request_approval(plan(n, needed=2))
    attempt(n, records.approvals.decide, f"p{n}.", actor=me, approves=True, reason="ok")
"""


@pytest.mark.long
def test_of_three_approvers_at_once_two_are_enough(records: Records, spawn: Spawn) -> None:
    """The first waits for the second, the second approves the plan, the third comes too late."""
    told = race(spawn, DECIDE, "lee", "max", "ann")
    one_each = Counter({"waiting": 1, "approved": 1, "approvals.not-waiting": 1})
    assert each_round(told) == [one_each] * ROUNDS
    plans = records.approvals.load_approvals()
    assert [(p.state, p.approvals, len(p.decisions)) for p in plans] == [
        (ApprovalState.APPROVED, 2, 2)
    ] * ROUNDS


DISAGREE = """
for n in rounds:
    records.approvals.request_approval(plan(n, needed=1))
    attempt(n, records.approvals.decide, f"p{n}.", actor=me, approves=me == "lee", reason="")
"""


@pytest.mark.long
def test_approval_and_rejection_at_once_leave_one_final_state(
    records: Records, spawn: Spawn
) -> None:
    """Whoever is first decides; the other's word is not stored."""
    told = race(spawn, DISAGREE, "lee", "max")
    for answers in each_round(told):
        assert answers["approvals.not-waiting"] == 1
        assert answers["approved"] + answers["rejected"] == 1
    for plan in records.approvals.load_approvals():
        (decision,) = plan.decisions
        assert (decision.actor == "lee") is (plan.state is ApprovalState.APPROVED)


APPROVE_ALL = """
for n in rounds:
    records.approvals.request_approval(plan(n, needed=1))
    records.approvals.decide(f"p{n}.", actor="lee", approves=True, reason="")
"""
APPLY = """
for n in rounds:
    attempt(n, records.approvals.save_state, f"p{n}.", ApprovalState(me),
            before=ApprovalState.APPROVED)
"""


@pytest.mark.long
def test_one_of_two_processes_moves_an_approved_plan(records: Records, spawn: Spawn) -> None:
    """A plan found stale is not applied at the same time."""
    prepare(spawn, APPROVE_ALL)
    told = race(spawn, APPLY, "applied", "stale")
    for answers in each_round(told):
        assert answers["approvals.moved"] == 1
        assert answers["applied"] + answers["stale"] == 1


REVERSE_AND_DIE = """
made = records.postings.make_posting(posting(1, plan="p"))
records.postings.save_posting(made.posting_key, PostingState.CONFIRMED)
if me == "before the commit":
    original = models.Posting.save
    def save_and_die(self, *arguments, **named):
        original(self, *arguments, **named)
        os._exit(9)
    models.Posting.save = save_and_die
records.postings.make_posting(posting(1, plan="back", reverses=made.posting_key))
os._exit(9)
"""
DECIDE_AND_DIE = """
records.approvals.request_approval(plan(1, needed=1))
if me == "before the commit":
    original = models.Decision.save
    def save_and_die(self, *arguments, **named):
        original(self, *arguments, **named)
        os._exit(9)
    models.Decision.save = save_and_die
records.approvals.decide("p1.", actor="lee", approves=True, reason="")
os._exit(9)
"""
MOMENTS = [("before the commit", 0), ("after the commit", 1)]


def die(spawn: Spawn, script: str, moment: str) -> None:
    """A process did the script's work and was gone at that moment."""
    dead = spawn(PREAMBLE + script, moment)
    errors = dead.communicate()[1]
    assert dead.returncode == 9, errors


@pytest.mark.parametrize(("moment", "kept"), MOMENTS)
def test_process_killed_while_reversing_leaves_both_sides_or_none(
    records: Records, spawn: Spawn, moment: str, kept: int
) -> None:
    """The reversal and the note on what it takes back are one transaction."""
    die(spawn, REVERSE_AND_DIE, moment)
    *reversals, posting = records.postings.load_postings()
    assert [r.posting_key for r in reversals] == [posting.reversed_by] * kept
    assert bool(posting.reversed_by) is bool(kept)
    again = replace(posting, posting_key="AAAAAAA2", plan_hash="p2", subject="s2")
    assert records.postings.make_posting(again).state is PostingState.OPEN


@pytest.mark.parametrize(("moment", "kept"), MOMENTS)
def test_process_killed_while_deciding_leaves_word_and_state_or_neither(
    records: Records, spawn: Spawn, moment: str, kept: int
) -> None:
    """No approval without its decision, and no decision that does not count."""
    die(spawn, DECIDE_AND_DIE, moment)
    plan = records.approvals.find_approval("p1.")
    assert plan is not None
    assert plan.approvals == kept
    assert plan.state is (ApprovalState.APPROVED if kept else ApprovalState.WAITING)
