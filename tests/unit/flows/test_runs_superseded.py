"""A stopped run goes on only while no later run of its flow may have written."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import pytest
from tests.fakes.desk import FakeDesk

from ml_connector.errors import BlockedError, ConnectorError, SystemUnavailableError
from ml_connector.flows import runs
from ml_connector.flows.runs import RunDesk, SupersededRunError, resume_run
from ml_connector.ports import (
    Action,
    ActionKind,
    Engine,
    IntentState,
    Json,
    Posting,
    Records,
    RunRow,
    RunState,
)

MakeDesk = Callable[..., FakeDesk]
FLOW = "budgets"


@dataclass(slots=True)
class IdleEngine:
    """An engine that is told what to resume, and does nothing."""

    resumed: list[str] = field(default_factory=list)
    error: ConnectorError | None = None
    """With which it answers instead of taking a run."""

    def resume(self, run_id: str) -> None:
        """Kept."""
        if self.error is not None:
            raise self.error
        self.resumed.append(run_id)

    def wait(self, run_id: str) -> Json:
        """It has ended."""
        return {}


@dataclass(slots=True)
class History:
    """Runs of one flow, and a person who resumes them."""

    desk: FakeDesk
    engine: IdleEngine = field(default_factory=IdleEngine)

    @property
    def records(self) -> Records:
        """The stores."""
        return self.desk.records

    def add(self, run_id: str, state: RunState = RunState.FAILED, **request: bool) -> None:
        """A run that ended like this."""
        self.records.runs.create_run(
            run_id=run_id, flow=FLOW, kind="budget", actor="alice", request=request
        )
        self.records.runs.save_run(run_id, state)

    def resume(self, run_id: str) -> RunRow:
        """The run goes on."""
        desk = RunDesk(
            engine=cast("Engine", self.engine), records=self.records, clock=self.desk.clock,
            actor="bob",
        )  # fmt: skip
        return resume_run(desk, run_id)


@pytest.fixture
def history(make_desk: MakeDesk) -> History:
    """A history in which run `1` has failed."""
    history = History(desk=make_desk())
    history.add("1")
    return history


def make_posting(history: History, run_id: str) -> None:
    """The run has made a posting."""
    history.records.postings.make_posting(
        Posting(
            posting_key="AAAAAAA2", flow=FLOW, run_id=run_id, plan_hash="p1", connection="erp",
            kind="journal", subject="s", generation=1, content_hash="c", totals={},
            made_at=history.desk.clock.now(),
        )
    )  # fmt: skip


def test_run_behind_looks_only_is_resumed(history: History) -> None:
    """Whoever only looked has written nothing on which the stopped run would be out of date."""
    history.add("2", RunState.SUCCEEDED, dry_run=True)
    history.add("3", RunState.SUCCEEDED, reconcile=True)

    history.resume("1")

    assert history.engine.resumed == ["1"]


@pytest.mark.parametrize("state", [RunState.SUCCEEDED, RunState.FAILED, RunState.WAITING_APPROVAL])
def test_run_behind_one_that_may_have_written_is_superseded(
    history: History, state: RunState
) -> None:
    """The refusal names the later run; nothing is recorded of the try."""
    history.add("2", state)
    history.add("3", RunState.SUCCEEDED, dry_run=True)

    with pytest.raises(SupersededRunError, match=f"before run 2 of flow {FLOW}, which is {state}"):
        history.resume("1")

    assert history.engine.resumed == []
    assert history.records.runs.load_run("1").state is RunState.FAILED


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.INTERRUPTED, RunState.UNKNOWN])
def test_run_that_the_engine_refuses_stays_what_it_was(history: History, state: RunState) -> None:
    """Its history does not say that it runs, and it can be resumed where it is taken."""
    why = {"code": "plan.drifted", "refused": "It moved.", "written": "", "next_step": ""}
    history.records.runs.save_run("1", state, error=why)
    history.engine.error = BlockedError("Another version began it.", written="", next_step="")

    with pytest.raises(BlockedError, match="Another version"):
        history.resume("1")

    run = history.records.runs.load_run("1")
    assert (run.state, run.error) == (state, why)
    history.engine.error = None
    history.resume("1")
    assert history.engine.resumed == ["1"]


def test_run_that_the_engine_may_have_taken_keeps_its_flow(history: History) -> None:
    """An answer that was lost frees nothing: the run may go on."""
    history.engine.error = SystemUnavailableError("No answer.", written="", next_step="")

    with pytest.raises(SystemUnavailableError):
        history.resume("1")

    assert history.records.runs.load_run("1").state is RunState.RUNNING


def test_run_behind_more_runs_than_are_looked_through_is_superseded(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has seen what stands between them; that all in sight only looked says nothing."""
    monkeypatch.setattr(runs, "LATER_RUNS_SEEN_MAX", 3)
    history.add("2", RunState.SUCCEEDED, dry_run=True)
    history.add("3", RunState.SUCCEEDED, dry_run=True)
    history.resume("1")
    history.records.runs.save_run("1", RunState.FAILED)
    history.add("4", RunState.SUCCEEDED, dry_run=True)

    with pytest.raises(SupersededRunError, match="before 3 later runs"):
        history.resume("1")

    assert history.engine.resumed == ["1"]


def test_blocked_run_that_wrote_nothing_supersedes_none(history: History) -> None:
    """It is what the unsettled posting of the stopped run blocks, and its advice is to resume."""
    history.add("2", RunState.BLOCKED)

    history.resume("1")

    assert history.engine.resumed == ["1"]


def test_blocked_run_that_posted_before_it_was_blocked_supersedes(history: History) -> None:
    """A guard may stop a run in the middle of its journals."""
    history.add("2", RunState.BLOCKED)
    make_posting(history, "2")

    with pytest.raises(SupersededRunError, match="before run 2"):
        history.resume("1")


@pytest.mark.parametrize("state", IntentState)
def test_blocked_run_supersedes_once_it_started_a_task(
    history: History, state: IntentState
) -> None:
    """An intent that was refused started nothing."""
    history.add("2", RunState.BLOCKED)
    intents = history.records.intents
    lease = intents.take_lease("M1", holder="2/here", seconds=60)
    action = Action(kind=ActionKind.IMPORT, name="Load", action_id="a1")
    made = intents.make_intent(lease=lease, run_id="2", action=action, content_hash="c1")
    intents.save_intent(made.intent_id, state)

    if state is IntentState.REFUSED:
        history.resume("1")
    else:
        with pytest.raises(SupersededRunError, match="before run 2"):
            history.resume("1")
