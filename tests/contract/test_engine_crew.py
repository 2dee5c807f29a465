"""Processes on one PostgreSQL: who is heard, who is dead, and what becomes of the dead's runs."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from tests.fakes.engines import make_engine
from tests.fakes.postgres import query_database

from ml_connector.engine import launching
from ml_connector.engine.crew_table import CrewTable, Member
from ml_connector.engine.errors import LeftToOthersError, NobodyWorksError, StoppedRunError
from ml_connector.engine.handover import Handover, HeldRun
from ml_connector.engine.heart import FENCE_S, Heart
from ml_connector.engine.observer import SilentObserver
from ml_connector.engine.reaper import DEAD_AFTER_S, GAP_S_MAX, LOOK_S, Reaper
from ml_connector.errors import ConnectorError
from ml_connector.ports import FlowFunction, Json, Steps

PATIENCE_S = 30.0


@dataclass(slots=True)
class Watch:
    """Seconds that pass when they are told to."""

    at: float = 1_000.0

    def __call__(self) -> float:
        """The reading."""
        return self.at


class Listener(SilentObserver):
    """Keeps which runs changed hands."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    def run_given_back(self, run_id: str) -> None:
        """Kept."""
        self.heard.append(("given back", run_id))

    def run_taken_over(self, run_id: str) -> None:
        """Kept."""
        self.heard.append(("taken over", run_id))


@pytest.fixture
def table(engine_url: str) -> Iterator[CrewTable]:
    """The crew of the database."""
    found = CrewTable(engine_url)
    yield found
    found.close()


@pytest.fixture
def handover(engine_url: str) -> Iterator[Handover]:
    """Looks at who has which run."""
    found = Handover(engine_url, application=launching.NAME)
    yield found
    found.close()


def join(table: CrewTable, *names: str) -> None:
    """Members of the default queue and version 1."""
    for name in names:
        table.join(Member(executor_id=name, queue=launching.QUEUE, version="1"))


def hang(began: threading.Event) -> FlowFunction:
    """A flow of one step, which lasts until a stop is asked for."""

    def flow(steps: Steps, request: Json) -> Json:
        def body() -> Json:
            began.set()
            while not steps.is_stop_requested():
                threading.Event().wait(0.01)
            raise StoppedRunError(steps.run_id)

        return steps.step("hang", body)

    return flow


def name_run(steps: Steps, request: Json) -> Json:
    """A flow that ends at once."""
    return {"by": steps.run_id}


def hold_run(url: str, executor_id: str, run_id: str = "r1") -> None:
    """A queued run is held by a process that may not exist."""
    engine = make_engine(url, name_run, executes=False)
    engine.launch()
    engine.start(flow="f", run_id=run_id, request={}, queue_key="model")
    engine.close()
    query_database(
        url,
        "UPDATE dbos.workflow_status SET status = 'PENDING', owner_xid = 'token',"
        f" executor_id = '{executor_id}' WHERE workflow_uuid = '{run_id}'",
    )


def find_state(url: str, run_id: str = "r1") -> tuple[object, ...]:
    """Status, queue, partition and owner of a run as the database has them."""
    (row,) = query_database(
        url,
        "SELECT status, queue_name, queue_partition_key, owner_xid FROM dbos.workflow_status"
        f" WHERE workflow_uuid = '{run_id}'",
    )
    return row


def test_member_taken_for_dead_is_not_heard_again(table: CrewTable) -> None:
    """A mark is for good, and made only while nobody has beaten since the count was read."""
    join(table, "a", "b")
    before = table.load_beats()
    assert before == {"a": 0, "b": 0}
    assert table.beat("a")
    assert not table.mark_dead("a", beats=before["a"])
    assert table.mark_dead("b", beats=before["b"])
    assert not table.beat("b")
    assert (table.load_beats(), table.load_dead()) == ({"a": 1}, ["b"])
    table.leave("b")
    assert table.load_dead() == []
    assert not table.beat("b")


def test_worker_is_found_by_queue_and_version_while_it_is_heard(
    table: CrewTable, engine_url: str
) -> None:
    """Other organisations' workers and those of another version execute nothing of ours."""
    join(table, "a")
    found: Callable[..., str | None] = table.find_worker
    assert found(queue="runs", version="1", silent_s_max=8.0) == "a"
    assert found(queue="runs-other", version="1", silent_s_max=8.0) is None
    assert found(queue="runs", version="2", silent_s_max=8.0) is None
    query_database(
        engine_url, "UPDATE ml_connector_worker SET beat_at = beat_at - interval '9 seconds'"
    )
    assert found(queue="runs", version="1", silent_s_max=8.0) is None


def test_one_process_reaps_at_a_time(table: CrewTable, engine_url: str) -> None:
    """The election is won again only after the winner's transaction."""
    other = CrewTable(engine_url)
    with table.election() as first, other.election() as second:
        assert (first, second) == (True, False)
    with other.election() as later:
        assert later
    other.close()


def test_heart_is_heard_until_its_last_beat_is_too_old(table: CrewTable) -> None:
    """It falls silent by itself before anybody may take it for dead."""
    join(table, "a")
    watch, told = Watch(), list[str]()
    heart = Heart(table, "a", on_taken_for_dead=lambda: told.append("dead"), monotonic=watch)
    assert FENCE_S < DEAD_AFTER_S
    watch.at += FENCE_S
    assert not heart.wait_heard(0.0)
    assert heart.beat()
    assert heart.is_heard()
    assert table.mark_dead("a", beats=1)
    assert heart.is_heard()  # Nobody has told it yet; the next beat or the fence does.
    assert not heart.beat()
    assert not heart.is_heard()
    assert heart.is_taken_for_dead


def test_heart_counts_the_time_its_machine_was_suspended(
    table: CrewTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The monotonic clock stands still then, and the last beat would look fresh on waking."""
    at = {time.CLOCK_BOOTTIME: 100.0, time.CLOCK_MONOTONIC: 50.0}
    monkeypatch.setattr(time, "clock_gettime", at.__getitem__)
    join(table, "a")
    heart = Heart(table, "a", on_taken_for_dead=lambda: None)
    assert heart.is_heard()
    at[time.CLOCK_BOOTTIME] += 3_600.0
    assert not heart.is_heard()


def test_silent_members_runs_go_back_into_their_queue(
    engine_url: str, table: CrewTable, handover: Handover
) -> None:
    """Their owner's token is void, their queue and key stay; the living keep theirs."""
    hold_run(engine_url, "dead")
    hold_run(engine_url, "alive", run_id="r2")
    join(table, "dead", "alive")
    watch, taken = Watch(), list[HeldRun]()
    reaper = Reaper(table, handover, on_taken_over=taken.append, monotonic=watch)
    last = watch.at + DEAD_AFTER_S + 2 * LOOK_S
    while watch.at < last:
        assert table.beat("alive")
        assert find_state(engine_url)[0] == "PENDING"
        reaper.look()
        watch.at += LOOK_S
    assert taken == [HeldRun(run_id="r1", executor_id="dead")]
    assert find_state(engine_url) == ("ENQUEUED", "runs", "model", None)
    assert find_state(engine_url, "r2") == ("PENDING", "runs", "model", "token")
    assert (list(table.load_beats()), table.load_dead()) == (["alive"], [])
    assert not table.beat("dead")


def test_watcher_that_stood_still_itself_takes_nobody_for_dead(
    table: CrewTable, handover: Handover
) -> None:
    """After a gap in its own looks, its freeze or the database's absence, it starts anew."""
    join(table, "a")
    watch = Watch()
    reaper = Reaper(table, handover, on_taken_over=lambda _: None, monotonic=watch)
    reaper.look()
    watch.at += DEAD_AFTER_S + GAP_S_MAX
    reaper.look()
    assert list(table.load_beats()) == ["a"]
    for _ in range(int(DEAD_AFTER_S / LOOK_S) + 2):
        watch.at += LOOK_S
        reaper.look()
    assert table.load_beats() == {}


def test_run_of_a_process_nobody_knows_is_taken_over_at_once(
    engine_url: str, table: CrewTable, handover: Handover
) -> None:
    """One that was forgotten and took another run before it noticed holds it for nobody."""
    hold_run(engine_url, "forgotten")
    taken: list[HeldRun] = []
    Reaper(table, handover, on_taken_over=taken.append).look()
    assert [run.run_id for run in taken] == ["r1"]
    assert find_state(engine_url)[0] == "ENQUEUED"


def test_reaper_that_dies_before_its_end_leaves_the_dead_to_the_next(
    engine_url: str, table: CrewTable, handover: Handover
) -> None:
    """The row of a dead process goes last, so that nothing of it is lost with the reaper."""
    hold_run(engine_url, "dead")
    join(table, "dead")
    assert table.mark_dead("dead", beats=0)
    taken: list[HeldRun] = []
    Reaper(table, handover, on_taken_over=taken.append).look()
    assert [run.run_id for run in taken] == ["r1"]
    assert table.load_dead() == []


def test_run_changes_hands_only_from_who_has_it(engine_url: str, handover: Handover) -> None:
    """A hand-over asks for the holder it read: a late one takes nothing from a living process."""
    hold_run(engine_url, "second")
    assert handover.load_held() == [HeldRun(run_id="r1", executor_id="second")]
    assert not handover.requeue(HeldRun(run_id="r1", executor_id="first"))
    assert (handover.is_owner("r1", "token"), handover.is_owner("r1", "other")) == (True, False)
    assert handover.requeue(HeldRun(run_id="r1", executor_id="second"))
    assert not handover.is_owner("r1", "token")
    assert not handover.requeue(HeldRun(run_id="r1", executor_id="second"))


def test_stopped_worker_gives_its_runs_back(engine_url: str, table: CrewTable) -> None:
    """They are queued again, the history knows it, and the worker is in the crew no more."""
    follower = make_engine(engine_url, name_run, executes=False)
    follower.launch()
    follower.start(flow="f", run_id="r1", request={}, queue_key="model")
    follower.close()
    began, listener = threading.Event(), Listener()
    worker = make_engine(engine_url, hang(began), observer=listener)
    worker.launch()
    assert began.wait(PATIENCE_S)
    assert len(table.load_beats()) == 1
    assert worker.close(wait_s=PATIENCE_S) == []
    assert listener.heard == [("given back", "r1")]
    assert find_state(engine_url) == ("ENQUEUED", "runs", "model", None)
    assert table.load_beats() == {}


def test_run_a_process_was_itself_asked_for_stops_with_it(engine_url: str) -> None:
    """Whoever typed the command and stopped it finds the run as he left it, to be resumed."""
    began, listener = threading.Event(), Listener()
    engine = make_engine(engine_url, hang(began), observer=listener)
    engine.launch()
    engine.start(flow="f", run_id="r1", request={}, queue_key="model")
    assert began.wait(PATIENCE_S)
    engine.close(wait_s=PATIENCE_S)
    assert listener.heard == []
    assert find_state(engine_url)[0] == "CANCELLED"


def test_run_that_somebody_here_waits_for_stops_with_the_process(engine_url: str) -> None:
    """As it does when another engine of the command had queued it: the last worker has gone."""
    began, stopped = threading.Event(), list[Exception]()
    engine = make_engine(engine_url, hang(began))
    engine.launch()
    engine.queue(flow="f", run_id="r1", request={}, queue_key="model")

    def wait() -> None:
        try:
            engine.wait("r1")
        except StoppedRunError as error:
            stopped.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert began.wait(PATIENCE_S)
    ends_at = time.monotonic() + PATIENCE_S
    while "r1" not in engine._asked:
        assert time.monotonic() < ends_at, "nobody waits"
        threading.Event().wait(0.01)
    engine.request_stop()
    waiting.join(PATIENCE_S)
    engine.close(wait_s=PATIENCE_S)
    assert len(stopped) == 1
    assert find_state(engine_url)[0] == "CANCELLED"


def test_run_taken_over_while_its_end_is_told_is_left_to_who_has_it(engine_url: str) -> None:
    """The telling may wait for a database that is away; who went on meanwhile is not stopped."""
    told = threading.Event()

    class Slow(SilentObserver):
        def run_finished(
            self, run_id: str, *, summary: Json | None, error: ConnectorError | None
        ) -> None:
            query_database(
                engine_url,
                "UPDATE dbos.workflow_status SET owner_xid = 'token', executor_id = 'other'"
                f" WHERE workflow_uuid = '{run_id}'",
            )
            told.set()

    def fail(steps: Steps, request: Json) -> Json:
        return steps.step("fail", lambda: {"a float": 0.5})

    engine = make_engine(engine_url, fail, observer=Slow())
    engine.launch()
    engine.start(flow="f", run_id="r1", request={}, queue_key="model")
    assert told.wait(PATIENCE_S)
    engine.close(wait_s=PATIENCE_S)
    assert find_state(engine_url)[0] in ("PENDING", "ENQUEUED")


def test_process_that_stops_leaves_a_run_to_the_worker_that_has_it(
    engine_url: str, table: CrewTable
) -> None:
    """It executes runs as well, but not this one; nobody would end the wait."""
    hold_run(engine_url, "a")
    join(table, "a")
    engine = make_engine(engine_url, name_run)
    engine.launch()
    engine.request_stop()
    with pytest.raises(LeftToOthersError, match="r1 is not followed any more"):
        engine.wait("r1")
    engine.close()
    assert find_state(engine_url)[0] == "PENDING"


def test_follower_executes_nothing_and_says_when_nobody_does(
    engine_url: str, table: CrewTable
) -> None:
    """It waits while a worker is heard, leaves the run to it when stopped, and takes no run."""
    engine = make_engine(engine_url, name_run, executes=None)
    join(table, "a")
    # However long the launch takes.
    query_database(engine_url, "UPDATE ml_connector_worker SET beat_at = now() + interval '1 hour'")
    engine.launch()
    engine.start(flow="f", run_id="r1", request={}, queue_key="model")
    engine.request_stop()
    with pytest.raises(LeftToOthersError, match="r1 is not followed any more"):
        engine.wait("r1")
    engine.close()
    table.leave("a")
    engine = make_engine(engine_url, name_run, executes=False)
    engine.launch()
    with pytest.raises(NobodyWorksError, match="no worker of this version is alive"):
        engine.wait("r1")
    engine.close()
    assert find_state(engine_url)[0] == "ENQUEUED"


def test_run_counts_as_executed_while_its_process_is_heard(
    engine_url: str, table: CrewTable
) -> None:
    """That of a dead process may be put away before the others have noticed its death."""
    hold_run(engine_url, "a")
    engine = make_engine(engine_url, name_run, executes=False)
    engine.launch()
    assert not engine.is_executed("r1")
    join(table, "a")
    assert engine.is_executed("r1")
    query_database(
        engine_url, "UPDATE ml_connector_worker SET beat_at = beat_at - interval '9 seconds'"
    )
    assert not engine.is_executed("r1")
    engine.start(flow="f", run_id="r2", request={}, queue_key="model")
    assert not engine.is_executed("r2")
    engine.close()


def test_process_executes_by_itself_when_nobody_else_does(
    engine_url: str, table: CrewTable
) -> None:
    """A run that waits in the queue is begun by it as well."""
    hold_run(engine_url, "gone")
    engine = make_engine(engine_url, name_run, executes=None)
    engine.launch()
    engine.start(flow="f", run_id="r2", request={}, queue_key="another model")
    assert engine.wait("r2") == {"by": "r2"}
    assert engine.wait("r1") == {"by": "r1"}
    assert len(table.load_beats()) == 1
    engine.close()


def test_workers_of_another_organisation_leave_a_queue_alone(engine_url: str) -> None:
    """A worker takes only runs of the queue whose flows it knows."""
    hold_run(engine_url, "nobody", run_id="theirs")
    engine = make_engine(engine_url, name_run, queue="runs-ours")
    engine.launch()
    query_database(
        engine_url, "UPDATE dbos.workflow_status SET status = 'ENQUEUED', owner_xid = NULL"
    )
    engine.start(flow="f", run_id="ours", request={}, queue_key="model")
    assert engine.wait("ours") == {"by": "ours"}
    engine.close()
    assert find_state(engine_url, "theirs") == ("ENQUEUED", "runs", "model", None)
