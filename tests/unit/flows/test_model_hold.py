"""A hold on a model: kept while its process lives, free soon after, and never beside a task."""

import itertools
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.fakes.desk import FakeDesk
from tests.fakes.ledger import line
from tests.fakes.model import IMPORT, FakeTask
from tests.fakes.steps import Crash, FakeSteps

from ml_connector.errors import BusyError, RunInterruptedError
from ml_connector.flows.loading import model_hold
from ml_connector.flows.loading.model_hold import LEASE_S, Keeper, ModelHold, ModelInUseError
from ml_connector.flows.loading.polling import DEADLINE_S, WAIT_MAX_S, follow_task
from ml_connector.ports import Action, IntentState, TaskResult, TaskStamp, TaskState

MODEL = "M1"
LATEST_S = 60.0
"""How long a thread may take to say something."""


class StoppedSteps(FakeSteps):
    """The steps of a run that was asked to stop."""

    def is_stop_requested(self) -> bool:
        """Somebody asked."""
        return True


def hold(desk: FakeDesk, run_id: str, holder: str = "here") -> ModelHold:
    """The hold of a run in a process of that name."""
    bench = replace(desk.bench(), holder=holder)
    return ModelHold(bench, steps=FakeSteps(run_id=run_id), model_id=MODEL)


def start_task(desk: FakeDesk, run_id: str, action: Action = IMPORT) -> str:
    """A task of that run which nobody follows; it runs in the model."""
    intents = desk.records.intents
    lease = intents.take_lease(MODEL, holder=f"{run_id}/dead", seconds=LEASE_S)
    made = intents.make_intent(lease=lease, run_id=run_id, action=action, content_hash="c")
    task_id = f"T-{run_id}"
    intents.save_intent(made.intent_id, IntentState.CONFIRMED, task_id=task_id)
    intents.release_lease(lease)
    desk.target.tasks[task_id] = FakeTask(
        stamp=TaskStamp(task_id=task_id, state=TaskState.RUNNING, created_at=desk.clock.now()),
        result=TaskResult(task_id=task_id, state=TaskState.RUNNING),
    )
    return task_id


def end_task_after(desk: FakeDesk, task_id: str, seconds: float) -> None:
    """The model says that the task is complete, that much later."""
    task, ends_at = desk.target.tasks[task_id], desk.clock.now() + timedelta(seconds=seconds)
    ended = replace(task.result, state=TaskState.COMPLETE)

    class Tasks(dict[str, FakeTask]):
        def __getitem__(self, key: str) -> FakeTask:
            is_ended = key == task_id and desk.clock.now() >= ends_at
            return replace(task, result=ended) if is_ended else dict.__getitem__(self, key)

    desk.target.tasks = Tasks(desk.target.tasks)


@pytest.fixture
def quick_keeper(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Renewals follow each other at once; no keeper outlives the test."""
    monkeypatch.setattr(model_hold, "RENEW_S", 0.001)
    yield
    for thread in threading.enumerate():
        if thread.name == "lease-keeper":
            thread.join(LATEST_S)
            assert not thread.is_alive()


def test_model_of_a_dead_process_is_another_run_s_after_25_seconds(desk: FakeDesk) -> None:
    """Nobody waits ten minutes for a process that was killed; one that lives is left alone."""
    dead, other = hold(desk, "r1"), hold(desk, "r2")
    dead.take()
    desk.clock.sleep(LEASE_S - 1)
    with pytest.raises(BusyError, match="r1/here"):
        other.take()
    desk.clock.sleep(1)
    assert other.take().fence == 2
    with pytest.raises(BusyError, match="r2/here"):
        dead.take()
    other.release()
    dead.release()


def test_next_process_of_the_run_has_the_model_at_once(desk: FakeDesk) -> None:
    """The predecessor is shut out, and looks on without taking the model back."""
    before, after = hold(desk, "r1", "p1"), hold(desk, "r1", "p2")
    before.take()
    assert after.take().fence == 2
    after.release()
    before.release()


def test_task_of_another_run_is_waited_out_before_anything_is_sent(desk: FakeDesk) -> None:
    """Its process died while it was followed: it may still read the file."""
    end_task_after(desk, start_task(desk, "r1"), 600)
    began_at = desk.clock.now()
    mine = hold(desk, "r2")
    mine.take()
    assert desk.clock.now() - began_at >= timedelta(minutes=10)
    at = desk.clock.now()
    mine.take()
    assert desk.clock.now() == at
    mine.release()


def test_model_is_kept_from_others_while_a_task_is_waited_out(desk: FakeDesk) -> None:
    """However long it takes, by the clock the lease runs by."""
    task_id = start_task(desk, "r1")
    end_task_after(desk, task_id, 3_600)
    refused: list[str] = []
    move = type(desk.clock).sleep

    def knock(seconds: float) -> None:
        move(desk.clock, seconds)
        with pytest.raises(BusyError) as busy:
            desk.records.intents.take_lease(MODEL, holder="r3/p", seconds=1)
        refused.append(busy.value.refused)

    class Knocking(type(desk.clock)):  # type: ignore[misc]  # the class of the fake, whatever it is
        def sleep(self, seconds: float) -> None:
            knock(seconds)

    desk.clock = Knocking(at=desk.clock.at)
    mine = ModelHold(desk.bench(), steps=FakeSteps(run_id="r2"), model_id=MODEL)
    mine.take()
    assert len(refused) > 60
    mine.release()


def test_task_that_hangs_is_named_with_its_run_and_refused(desk: FakeDesk) -> None:
    """After six hours somebody has to look; nothing was sent."""
    task_id = start_task(desk, "r1")
    mine = hold(desk, "r2")
    with pytest.raises(ModelInUseError, match=f"Task {task_id} of Load, which run r1") as busy:
        mine.take()
    assert "ml-connector runs resume r1" in busy.value.next_step
    assert desk.target.chunks == {}
    mine.release()


def test_task_started_before_the_deadline_of_its_run_keeps_nobody(desk: FakeDesk) -> None:
    """It was given up long ago."""
    start_task(desk, "r1")
    desk.clock.sleep(DEADLINE_S + 1)
    at = desk.clock.now()
    mine = hold(desk, "r2")
    mine.take()
    assert desk.clock.now() == at
    mine.release()


def test_task_of_an_action_that_is_gone_keeps_nobody(desk: FakeDesk) -> None:
    """The model cannot be asked for it."""
    start_task(desk, "r1", replace(IMPORT, action_id="112999"))
    at = desk.clock.now()
    mine = hold(desk, "r2")
    mine.take()
    assert desk.clock.now() == at
    mine.release()


def test_own_task_is_no_reason_to_wait(desk: FakeDesk) -> None:
    """The run that goes on follows it itself, as a step of its own."""
    start_task(desk, "r1")
    at = desk.clock.now()
    mine = hold(desk, "r1")
    mine.take()
    assert desk.clock.now() == at
    mine.release()


def test_unsettled_start_of_another_run_is_refused_before_the_upload(desk: FakeDesk) -> None:
    """Whether its task runs is not known, so the file it may read is not touched."""
    intents = desk.records.intents
    lease = intents.take_lease(MODEL, holder="r1/dead", seconds=LEASE_S)
    made = intents.make_intent(lease=lease, run_id="r1", action=IMPORT, content_hash="c")
    intents.save_intent(made.intent_id, IntentState.UNKNOWN)
    desk.clock.sleep(LEASE_S)
    mine = hold(desk, "r2")
    with pytest.raises(BusyError, match="of run r1, unknown") as busy:
        mine.take()
    assert "ml-connector runs resume r1" in busy.value.next_step
    mine.release()


def test_run_that_waits_for_a_task_leaves_when_it_is_asked_to(desk: FakeDesk) -> None:
    """At the next look at the stop flag; the task goes on."""
    start_task(desk, "r1")
    mine = ModelHold(desk.bench(), steps=StoppedSteps(run_id="r2"), model_id=MODEL)
    with pytest.raises(RunInterruptedError):
        mine.take()
    mine.release()


def test_poll_beats_at_least_every_ten_seconds(desk: FakeDesk) -> None:
    """A look may be a minute away; the lease is shorter than that."""
    task_id = start_task(desk, "r1")
    end_task_after(desk, task_id, 10 * WAIT_MAX_S)
    beats = [desk.clock.now()]
    follow_task(
        FakeSteps(run_id="r1"), desk.target, desk.clock, IMPORT, task_id,
        beat=lambda: beats.append(desk.clock.now()),
    )  # fmt: skip
    gaps = [(after - before).total_seconds() for before, after in itertools.pairwise(beats)]
    assert max(gaps) <= 10
    assert max(gaps) < LEASE_S / 2


@pytest.mark.usefixtures("quick_keeper")
def test_keeper_renews_until_it_is_stopped() -> None:
    """Beside whatever the run does, by the machine's time; a fault is not the end."""
    renewed = threading.Semaphore(0)

    def renew() -> None:
        renewed.release()
        raise OSError

    keeper = Keeper()
    keeper.start(renew)
    for _ in range(3):
        assert renewed.acquire(timeout=LATEST_S)
    keeper.stop()


@pytest.mark.usefixtures("quick_keeper")
def test_keeper_ends_with_the_lease() -> None:
    """What is lost is not asked for again."""
    renewed, before = threading.Semaphore(0), {*threading.enumerate()}

    def renew() -> None:
        renewed.release()
        raise BusyError("Lost.", written="Nothing.", next_step="End.")

    Keeper().start(renew)
    assert renewed.acquire(timeout=LATEST_S)
    for thread in {*threading.enumerate()} - before:
        thread.join(LATEST_S)
    assert not renewed.acquire(blocking=False)


@pytest.mark.usefixtures("quick_keeper")
def test_hold_is_kept_while_its_process_is_in_one_long_call(desk: FakeDesk) -> None:
    """A call of minutes loses nothing: the keeper moves the end of the lease on."""
    mine = hold(desk, "r1")
    lease = mine.take()
    desk.clock.sleep(LEASE_S - 1)
    moved = threading.Event()
    verify = type(desk.records.intents).verify_lease

    def told(store: object, one: object) -> None:
        verify(store, one)  # type: ignore[arg-type]  # handed through
        moved.set()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(desk.records.intents), "verify_lease", told)
        assert moved.wait(LATEST_S)
    desk.clock.sleep(LEASE_S - 1)
    with pytest.raises(BusyError, match="r1/here"):
        hold(desk, "r2").take()
    assert mine.take().fence == lease.fence
    mine.release()


@pytest.mark.parametrize("place", [", chunk 1/1", ", verify", ": intent"])
def test_file_that_another_run_has_used_meanwhile_is_uploaded_again(
    desk: FakeDesk, place: str
) -> None:
    """A run that goes on trusts its upload only while nobody else can have had the model."""
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))

    def die(name: str) -> None:
        if name.endswith(place):
            raise Crash

    with pytest.raises(Crash):
        desk.run(die)
    desk.steps["actuals-1"].after_body = lambda _name: None
    intents = desk.records.intents
    lease = intents.take_lease(MODEL, holder="another/there", seconds=LEASE_S)
    desk.target.chunks = {0: b"what another run has put there"}
    intents.release_lease(lease)

    assert desk.resume()["state"] == "succeeded"
    assert desk.target.total("4000") == "100.00"
