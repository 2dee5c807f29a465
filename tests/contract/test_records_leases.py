"""Leases under any order of events: nobody passes the fence beside somebody else."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from ml_connector.errors import BusyError
from ml_connector.ports import (
    Action,
    ActionKind,
    Clock,
    Intent,
    IntentState,
    Lease,
    LoadRow,
    Records,
)
from ml_connector.records import open_records
from ml_connector.records.clock import SystemClock

Move = Callable[[float], None]
HOLDERS = ("r1/p1", "r1/p2", "r2/p1", "r3/p1")
LEASE_S = 25
EVENTS = 150
LOAD = Action(kind=ActionKind.IMPORT, name="Load Actuals", action_id="112000000007")


def passes(records: Records, lease: Lease) -> bool:
    """Whether the holder of that lease would go on."""
    try:
        records.intents.verify_lease(lease)
    except BusyError:
        return False
    return True


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_two_holders_never_both_pass_the_fence(records: Records, move: Move, seed: int) -> None:
    """Whatever is taken, frozen, released, outlived or ended in whatever order."""
    events = random.Random(seed)
    held: dict[str, Lease] = {}
    newest = 0
    for number in range(EVENTS):
        holder = events.choice(HOLDERS)
        what = events.choice(("take", "take", "verify", "release", "end", "wait", "wait"))
        if what == "wait":
            move(events.choice((1, 10, 24.9, 25, 60)))
        elif what == "end":
            records.intents.release_run(holder.split("/")[0])
        elif what == "take":
            try:
                held[holder] = records.intents.take_lease("M", holder=holder, seconds=LEASE_S)
            except BusyError:
                continue
            assert held[holder].fence >= newest, (seed, number)
            newest = held[holder].fence
        elif holder in held:
            if what == "verify":
                passes(records, held[holder])
            else:
                records.intents.release_lease(held[holder])
        passing = [lease for lease in held.values() if passes(records, lease)]
        assert len(passing) <= 1, (seed, number)
        assert all(lease.fence == newest for lease in passing), (seed, number)


def test_model_of_a_dead_process_is_free_when_its_lease_ends(records: Records, move: Move) -> None:
    """Whoever asks a moment earlier is told until when; nobody waits for more than that."""
    dead = records.intents.take_lease("M", holder="r1/p1", seconds=LEASE_S)
    move(LEASE_S - 0.1)
    with pytest.raises(BusyError, match=r"r1/p1 until 2026-10-05 06:00:25"):
        records.intents.take_lease("M", holder="r2/p1", seconds=LEASE_S)
    move(0.1)
    assert records.intents.take_lease("M", holder="r2/p1", seconds=LEASE_S).fence == dead.fence + 1
    assert not passes(records, dead)


def start(records: Records, run_id: str, state: IntentState, *, model_id: str = "M") -> Intent:
    """An intent of the run in that state; the model is free again."""
    lease = records.intents.take_lease(model_id, holder=f"{run_id}/p", seconds=LEASE_S)
    made = records.intents.make_intent(lease=lease, run_id=run_id, action=LOAD, content_hash="c")
    task_id = f"T-{run_id}" if state is IntentState.CONFIRMED else ""
    saved = records.intents.save_intent(made.intent_id, state, task_id=task_id)
    records.intents.release_lease(lease)
    return saved


@pytest.mark.parametrize("state", [IntentState.OPEN, IntentState.UNKNOWN])
def test_unsettled_intent_of_another_run_names_its_way_out(
    records: Records, state: IntentState
) -> None:
    """Its own run is not kept by it, and neither is who writes into another model."""
    start(records, "r1", state)
    with pytest.raises(BusyError, match=f"of run r1, {state}") as busy:
        records.intents.verify_settled("M", except_run="r2")
    assert "ml-connector runs resume r1" in busy.value.next_step
    records.intents.verify_settled("M", except_run="r1")
    records.intents.verify_settled("OTHER", except_run="r2")


def test_started_task_is_unfollowed_until_its_load_is_recorded(
    records: Records, records_clock: Clock, move: Move
) -> None:
    """Only those of other runs, of this model, and younger than asked for."""
    now = records_clock.now()
    start(records, "r0", IntentState.REFUSED)
    first = start(records, "r1", IntentState.CONFIRMED)
    move(10)
    second = start(records, "r2", IntentState.CONFIRMED)
    start(records, "r3", IntentState.CONFIRMED, model_id="OTHER")

    def find(except_run: str, after_s: float = 0) -> list[Intent]:
        since = now + timedelta(seconds=after_s)
        return records.intents.load_unfollowed("M", except_run=except_run, since=since)

    assert find("r9") == [first, second]
    assert find("r1") == [second]
    assert find("r9", after_s=1) == [second]
    records.loads.record_load(
        LoadRow(
            load_id="l2", run_id="r2", flow="f", plan_hash="p", intent_id=second.intent_id,
            task_id=second.task_id, outcome="ok", chunks=1, cells_sent=1, cells_refused=0,
            result_hash="", dump_hashes=(), created_at=now,
        ),
        [],
    )  # fmt: skip
    assert find("r9") == [first]


class FastClock(SystemClock):
    """The clock of a machine that is an hour ahead of the others."""

    def now(self) -> datetime:
        """What that machine believes."""
        return super().now() + timedelta(hours=1)


@pytest.mark.usefixtures("postgresql_only", "records")
def test_machine_whose_clock_is_ahead_takes_no_model_from_a_living_holder() -> None:
    """Leases last by the server's clock, which is the same for all machines."""
    ours, theirs = open_records(clock=SystemClock()), open_records(clock=FastClock())
    lease = ours.intents.take_lease("M", holder="r1/p1", seconds=LEASE_S)

    with pytest.raises(BusyError):
        theirs.intents.take_lease("M", holder="r2/p1", seconds=LEASE_S)

    ours.intents.verify_lease(lease)
