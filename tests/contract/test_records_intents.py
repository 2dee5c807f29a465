"""Leases and intents: one writer per model, one task per decision, whatever dies when."""

import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ml_connector.errors import BusyError, RefusedError, UsageError
from ml_connector.ports import Action, ActionKind, Clock, Intent, IntentState, Lease, Records
from ml_connector.records import create_organisation, open_records

Move = Callable[[float], None]
Spawn = Callable[..., "subprocess.Popen[str]"]
Sql = Callable[..., list[tuple[object, ...]]]
MODEL = "75A40874E6B64FA3AE0743278996850F"
LOAD = Action(
    kind=ActionKind.IMPORT, name="Load Actuals", action_id="112000000007", file_id="113000000001"
)
OTHER_LOAD = replace(LOAD, name="Load Accounts", action_id="112000000008")


def take(records: Records, holder: str, model: str = MODEL) -> Lease:
    """A lease of a minute."""
    return records.intents.take_lease(model, holder=holder, seconds=60)


def make(records: Records, lease: Lease, content: str, action: Action = LOAD) -> Intent:
    """An intent of the lease's run."""
    run_id = lease.holder.split("/")[0]
    return records.intents.make_intent(
        lease=lease, run_id=run_id, action=action, content_hash=content
    )


def test_lease_is_refused_to_another_run_until_it_expires(records: Records, move: Move) -> None:
    """The refusal names the holder; a second after the end the fence has grown by one."""
    assert take(records, "r1/p1").fence == 1
    move(59.9)
    with pytest.raises(BusyError, match="being written by r1/p1 until 2026-10-05 06:01:00") as busy:
        take(records, "r2/p2")
    assert busy.value.arguments["holder"] == "r1/p1"
    move(0.1)
    assert take(records, "r2/p2").fence == 2


def test_same_holder_renews_and_keeps_its_fence(
    records: Records, records_clock: Clock, move: Move
) -> None:
    """Renewing is no take-over, even when the lease ran out with nobody interested."""
    assert take(records, "r1/p1").fence == 1
    move(30)
    renewed = take(records, "r1/p1")
    assert (renewed.fence, renewed.expires_at) == (1, records_clock.now() + timedelta(seconds=60))
    move(3_600)
    assert take(records, "r1/p1").fence == 1


def test_another_process_of_the_run_takes_over_at_once(records: Records) -> None:
    """A resumed run does not wait for its own dead process, and shuts it out."""
    dead = take(records, "r1/p1")
    alive = take(records, "r1/p2")
    assert alive.fence == 2
    with pytest.raises(BusyError, match="lost"):
        records.intents.verify_lease(dead)
    records.intents.verify_lease(alive)
    with pytest.raises(BusyError):
        take(records, "r10/p1")


def test_verifying_prolongs_by_the_seconds_it_was_taken_for(records: Records, move: Move) -> None:
    """A writer that looks in before each chunk keeps the model for as long as it works."""
    lease = take(records, "r1/p1")
    for _ in range(5):
        move(50)
        records.intents.verify_lease(lease)
    with pytest.raises(BusyError):
        take(records, "r2/p2")


def test_late_holder_keeps_a_lease_that_nobody_took(records: Records, move: Move) -> None:
    """An expired lease is lost to a successor, not to the clock alone."""
    lease = take(records, "r1/p1")
    move(600)
    records.intents.verify_lease(lease)
    with pytest.raises(BusyError):
        take(records, "r2/p2")


def test_zombie_is_refused_everything_after_a_take_over(records: Records, move: Move) -> None:
    """A thawed process may neither verify, nor decide, nor free its successor's lease."""
    zombie = take(records, "r1/p1")
    make(records, zombie, "c1")
    records.intents.save_intent(
        records.intents.load_intents()[0].intent_id, IntentState.CONFIRMED, task_id="t1"
    )
    move(61)
    successor = take(records, "r2/p2")
    with pytest.raises(BusyError, match="lost by r1/p1; r2/p2 has it now") as lost:
        records.intents.verify_lease(zombie)
    assert lost.value.arguments["fence"] == 1
    for content in ("c1", "c2"):
        with pytest.raises(BusyError, match="lost"):
            make(records, zombie, content)
    records.intents.release_lease(zombie)
    records.intents.verify_lease(successor)
    assert len(records.intents.load_intents()) == 1


def test_released_model_is_free_at_once_and_the_fence_still_grows(records: Records) -> None:
    """Neither a successor nor the same holder ever sees an old fence again."""
    first = take(records, "r1/p1")
    records.intents.release_lease(first)
    second = take(records, "r2/p2")
    records.intents.release_lease(second)
    third = take(records, "r2/p2")
    assert [lease.fence for lease in (first, second, third)] == [1, 2, 3]
    with pytest.raises(BusyError, match="r2/p2 has it now"):
        records.intents.verify_lease(second)
    records.intents.release_lease(third)
    with pytest.raises(BusyError, match="nobody has it now"):
        records.intents.verify_lease(third)


def test_end_of_a_run_frees_what_any_of_its_processes_held(records: Records) -> None:
    """A killed process cannot release its model; the run's end does, and touches nobody else's."""
    take(records, "r1/killed", model="m1")
    take(records, "r10/alive", model="m2")
    records.intents.release_run("r1")

    assert take(records, "r2/p2", model="m1").fence == 2
    with pytest.raises(BusyError, match="r10/alive"):
        take(records, "r2/p2", model="m2")


def test_end_of_a_run_leaves_a_model_that_another_has_taken_meanwhile(
    records: Records, move: Move, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own lease had run out just before; what is freed is decided when nobody else writes."""
    take(records, "r1/killed", model="m1")
    move(61)
    store: Any = records.intents
    writing = store._writing

    def after_another(what: str) -> Any:
        monkeypatch.setattr(store, "_writing", writing)
        take(records, "r2/p2", model="m1")
        return writing(what)

    monkeypatch.setattr(store, "_writing", after_another)
    records.intents.release_run("r1")
    with pytest.raises(BusyError, match="r2/p2"):
        take(records, "r3/p3", model="m1")


def test_models_are_leased_apart(records: Records) -> None:
    """A busy model keeps nobody from another one."""
    assert take(records, "r1/p1").fence == take(records, "r2/p2", model="OTHER").fence == 1


def test_same_decision_is_the_same_intent_in_every_state(
    records: Records, records_clock: Clock, move: Move
) -> None:
    """A resumed step gets the intent back, with the task it owns and the fence it was made at."""
    first = make(records, take(records, "r1/p1"), "c1")
    assert (first.state, first.task_id, first.fence) == (IntentState.OPEN, "", 1)
    assert (first.run_id, first.model_id, first.made_at) == ("r1", MODEL, records_clock.now())
    move(5)
    assert make(records, take(records, "r1/p2"), "c1") == first
    for state in IntentState:
        records.intents.save_intent(first.intent_id, state, task_id="t1")
        assert make(records, take(records, "r1/p2"), "c1") == replace(
            first, state=state, task_id="t1"
        )
    assert len(records.intents.load_intents()) == 1


@pytest.mark.parametrize("state", [IntentState.OPEN, IntentState.UNKNOWN])
def test_second_intent_is_refused_while_one_is_unsettled(
    records: Records, state: IntentState
) -> None:
    """Whatever it would start in the model: the running task comes first."""
    lease = take(records, "r1/p1")
    first = make(records, lease, "c1")
    records.intents.save_intent(first.intent_id, state)
    for content, action in (("c2", LOAD), ("c1", OTHER_LOAD)):
        with pytest.raises(BusyError, match=f"{first.intent_id} of run r1, {state}"):
            make(records, lease, content, action)
    assert make(records, take(records, "r1/p1", model="OTHER"), "c2").model_id == "OTHER"
    assert len(records.intents.load_intents(model_id=MODEL)) == 1


@pytest.mark.parametrize("state", [IntentState.CONFIRMED, IntentState.REFUSED])
def test_settled_intent_makes_room(records: Records, state: IntentState) -> None:
    """Confirmed and refused are known outcomes; the next decision may be made."""
    lease = take(records, "r1/p1")
    first = make(records, lease, "c1")
    records.intents.save_intent(first.intent_id, state, task_id="t1")
    second = make(records, lease, "c2")
    assert second.intent_id != first.intent_id
    with pytest.raises(BusyError, match=second.intent_id):
        records.intents.save_intent(first.intent_id, IntentState.OPEN)


def test_database_itself_refuses_a_second_unsettled_intent(records: Records, sql: Sql) -> None:
    """No store has to be asked: the constraint stands in the schema."""
    make(records, take(records, "r1/p1"), "c1")
    copied = "organisation_id, model_id, action_name, task_id, made_at, fence, run_id, action_id"
    with pytest.raises(Exception, match=r"(?i)unique constraint"):
        sql(
            f"INSERT INTO records_intent ({copied}, content_hash, state, intent_id)"
            f" SELECT {copied}, 'c2', 'unknown', 'i2' FROM records_intent"
        )


def test_intents_of_different_runs_and_models_are_different(records: Records) -> None:
    """The same bytes for the same action are another decision in another run or model."""
    ids = set()
    for holder, model in (("r1/p1", MODEL), ("r2/p1", MODEL), ("r1/p1", "OTHER")):
        lease = take(records, holder, model=model)
        intent = make(records, lease, "c1")
        records.intents.save_intent(intent.intent_id, IntentState.CONFIRMED)
        records.intents.release_lease(lease)
        ids.add(intent.intent_id)
    assert len(ids) == 3
    assert [i.run_id for i in records.intents.load_intents(model_id=MODEL)] == ["r1", "r2"]
    assert [i.model_id for i in records.intents.load_intents(run_id="r1")] == [MODEL, "OTHER"]


def test_task_id_never_changes_once_it_is_set(records: Records) -> None:
    """A second task for one decision is refused loudly; saving the same one again is fine."""
    intent = make(records, take(records, "r1/p1"), "c1")
    records.intents.save_intent(intent.intent_id, IntentState.OPEN, task_id="t1")
    records.intents.save_intent(intent.intent_id, IntentState.UNKNOWN, task_id="t1")
    with pytest.raises(RefusedError, match="owns task t1; it cannot own task t2"):
        records.intents.save_intent(intent.intent_id, IntentState.CONFIRMED, task_id="t2")
    saved = records.intents.save_intent(intent.intent_id, IntentState.CONFIRMED)
    assert (saved.task_id, saved.state) == ("t1", IntentState.CONFIRMED)
    assert records.intents.find_claimed_tasks(LOAD.action_id) == {"t1"}
    assert records.intents.find_claimed_tasks(OTHER_LOAD.action_id) == set()


def test_state_of_an_intent_changes_only_while_the_lease_is_ours(records: Records) -> None:
    """A process that stood still does not undo what its run's next process has found out."""
    late = take(records, "r1/p1")
    intent = make(records, late, "c1")
    records.intents.save_intent(intent.intent_id, IntentState.UNKNOWN, lease=late)
    alive = take(records, "r1/p2")
    records.intents.save_intent(intent.intent_id, IntentState.CONFIRMED, task_id="T1", lease=alive)
    for state in (IntentState.OPEN, IntentState.UNKNOWN):
        with pytest.raises(BusyError, match="is lost by r1/p1; r1/p2 has it now"):
            records.intents.save_intent(intent.intent_id, state, lease=late)
    (stored,) = records.intents.load_intents(run_id="r1")
    assert (stored.state, stored.task_id) == (IntentState.CONFIRMED, "T1")


def test_unknown_intent_is_refused(records: Records) -> None:
    """An outcome is stored for a decision that was made, never for another."""
    with pytest.raises(UsageError, match="no intent i9"):
        records.intents.save_intent("i9", IntentState.CONFIRMED)


def test_organisations_lease_and_decide_apart(records: Records, records_clock: Clock) -> None:
    """Neither leases, nor intents, nor tasks of another organisation are seen."""
    create_organisation("north")
    north = open_records("north", clock=records_clock)
    lease = take(records, "r1/p1")
    intent = make(records, lease, "c1")
    records.intents.save_intent(intent.intent_id, IntentState.UNKNOWN, task_id="t1")
    with pytest.raises(BusyError):
        north.intents.verify_lease(lease)
    northern = make(north, take(north, "r1/p1"), "c1")
    assert northern.intent_id != intent.intent_id
    assert north.intents.load_intents() == [northern]
    assert north.intents.find_claimed_tasks(LOAD.action_id) == set()
    with pytest.raises(UsageError):
        north.intents.save_intent(intent.intent_id, IntentState.CONFIRMED)


RACE_FOR_LEASE = """
from ml_connector.errors import BusyError
intents = open_records().intents
print("ready"); sys.stdin.readline()
for _ in range(40):
    try:
        lease = intents.take_lease("m", holder=sys.argv[1], seconds=600)
    except BusyError:
        continue
    intents.verify_lease(lease)
    print(lease.fence)
    intents.release_lease(lease)
print("end")
"""


@pytest.mark.long
def test_two_processes_racing_for_a_lease_never_share_a_fence(
    records: Records, spawn: Spawn
) -> None:
    """One wins each round, the loser is refused, and every fence is given once, growing."""
    racers = [spawn(RACE_FOR_LEASE, f"r{number}/p") for number in range(2)]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    fences = [racer.communicate()[0].split() for racer in racers]
    assert [taken.pop() for taken in fences] == ["end", "end"]
    for taken in fences:
        assert sorted(taken, key=int) == taken
    everything = sorted(int(fence) for taken in fences for fence in taken)
    assert everything == list(range(1, len(everything) + 1))
    assert len(everything) >= 10


DECIDE_AND_DIE = """
from ml_connector.ports import Action, ActionKind
from ml_connector.records import models
intents = open_records().intents
lease = intents.take_lease("m", holder="r1/p1", seconds=600)
if sys.argv[1] == "before the commit":
    original = models.Intent.save
    def save_and_die(self, *arguments, **named):
        original(self, *arguments, **named)
        os._exit(9)
    models.Intent.save = save_and_die
action = Action(kind=ActionKind.IMPORT, name="Load", action_id="a1")
intents.make_intent(lease=lease, run_id="r1", action=action, content_hash="c1")
os._exit(9)
"""


@pytest.mark.parametrize(("moment", "kept"), [("before the commit", 0), ("after the commit", 1)])
def test_process_killed_at_its_decision_leaves_an_intent_or_none(
    records: Records, spawn: Spawn, moment: str, kept: int
) -> None:
    """No half intent blocks the model, and a committed one is found by the successor."""
    dead = spawn(DECIDE_AND_DIE, moment)
    dead.communicate()
    assert dead.returncode == 9
    assert len(records.intents.load_intents(model_id="m")) == kept
    successor = records.intents.take_lease("m", holder="r1/p2", seconds=60)
    assert successor.fence == 2
    action = Action(kind=ActionKind.IMPORT, name="Load", action_id="a1")
    intent = records.intents.make_intent(
        lease=successor, run_id="r1", action=action, content_hash="c1"
    )
    assert intent.fence == (1 if kept else 2)
