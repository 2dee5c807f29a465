"""Replies that never came: nothing is sent twice, nothing is lost, whatever the answer was."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from ml_connector.errors import BusyError, RunInterruptedError, SystemUnavailableError
from ml_connector.flows.loading.running import SETTLE_WAITS_S, StartUnclearError
from ml_connector.flows.runs import UnsettledIntentError
from ml_connector.ports import IntentState, RunState
from ml_connector.wiring import open_house

IMPORT = r"/imports/112000000005/tasks"
EXPORT = r"/exports/116000000001/tasks"
FILE = r"/files/113000000005"
START = f"{IMPORT}$"
SETTLE = timedelta(seconds=sum(SETTLE_WAITS_S))
SMALL_CHUNKS = 3000
USER = "integration@halden.example"


def spoil(office: Any, path: str, *, method: str = "POST", **rule: Any) -> None:
    """The planning tenant spoils the next request that fits."""
    office.company.fail(office.company.anaplan, path=path, method=method, **rule)


def posts(office: Any, path: str) -> list[datetime]:
    """When the tenant was asked to start something, by its own clock."""
    lines = office.company.journal(office.company.anaplan)
    return [
        datetime.fromisoformat(line["at"])
        for line in lines
        if line["method"] == "POST" and line["path"].endswith(path)
    ]


def unexplained(run: Any) -> set[str]:
    """The unexplained amounts of a run's tie-out."""
    return {row["unexplained"] for row in run.summary["tie_out"]}


def events(office: Any, event: str) -> list[Any]:
    """The links of the audit chain for one kind of event."""
    with open_house(office.root, clock=office.clock) as house:
        return [row for row in house.records.audit.find("") if row.event == event]


LOST = [
    pytest.param({"kind": "reset_after"}, id="connection-reset"),
    pytest.param({"kind": "close_after"}, id="connection-closed"),
    pytest.param({"kind": "html", "status": 504, "effect": True}, id="gateway-timeout-page"),
    pytest.param({"kind": "status", "status": 500, "effect": True}, id="server-error"),
    pytest.param({"kind": "truncate_body", "cut_at": 40}, id="cut-json"),
]


@pytest.mark.parametrize("fault", LOST)
def test_lost_start_is_adopted_and_not_sent_again(
    fault: dict[str, Any], office: Any, quiet_cells: dict[str, str]
) -> None:
    """A start whose reply is lost is found among the model's tasks; there is no second task."""
    spoil(office, START, **fault)

    run = office.run()

    assert run.state is RunState.SUCCEEDED
    assert unexplained(run) == {"0"}
    assert office.company.cells() == quiet_cells
    assert office.tasks() == [run.summary["task_id"]]
    assert len(posts(office, "/imports/112000000005/tasks")) == 1
    assert [row.subject for row in events(office, "task.adopted")] == office.tasks()


@pytest.mark.exhaustive
def test_start_that_never_arrived_is_sent_once_more_after_the_settle_time(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """A start the model never saw is sent again exactly once, when it is proven absent."""
    spoil(office, START, kind="reset_before")

    run = office.run()

    first, second = posts(office, "/imports/112000000005/tasks")
    assert run.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells
    assert office.tasks() == [run.summary["task_id"]]
    assert second - first >= SETTLE


@pytest.mark.exhaustive
def test_start_that_never_arrives_stops_the_run_and_a_resume_sends_it_again(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """Three starts into the void stop the run; once the way is clear, its resume loads."""
    spoil(office, START, kind="reset_before", times=None)

    error, stopped = office.fail(office.run)
    tasks_then = office.tasks()
    office.company.mend()
    run = office.resume(stopped.run_id)

    assert isinstance(error, StartUnclearError)
    assert error.exit_code == 9
    assert "Load Actuals" in error.refused
    assert f"runs resume {stopped.run_id}" in error.next_step
    assert stopped.state is RunState.UNKNOWN
    assert tasks_then == []
    assert run.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells
    assert office.tasks() == [run.summary["task_id"]]


def test_unsettled_start_keeps_flow_and_model_shut_until_a_resume_adopts_it(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """While it is unknown whether a task was started, neither a new run nor a cancel passes."""
    spoil(office, START, kind="reset_after")
    spoil(office, IMPORT, method="GET", kind="status", status=503, nth=2, times=5)

    error, stopped = office.fail(office.run)
    busy, _ = office.fail(office.run)
    with open_house(office.root, clock=office.clock) as house:
        (intent,) = house.records.intents.load_intents(run_id=stopped.run_id)
        with pytest.raises(UnsettledIntentError) as uncancelled:
            house.cancel(stopped.run_id)
    office.company.mend()
    run = office.resume(stopped.run_id)
    again = office.run()

    assert isinstance(error, UnsettledIntentError)
    assert error.exit_code == 9
    assert isinstance(error.__cause__, SystemUnavailableError)
    assert stopped.state is RunState.UNKNOWN
    assert intent.state is IntentState.UNKNOWN
    assert isinstance(busy, BusyError)
    assert stopped.run_id in busy.refused
    assert f"runs resume {stopped.run_id}" in uncancelled.value.next_step
    assert run.run_id == stopped.run_id
    assert run.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells
    assert office.tasks() == [run.summary["task_id"]]
    assert again.summary["periods"] == []


def test_start_refused_for_a_dead_token_is_settled_before_it_is_sent_again(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """A token that dies at the start proves little: the task is looked for, then started once."""
    office.company.model("kill_token", path=START)

    run = office.run()

    assert run.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells
    assert len(office.tasks()) == 1


@pytest.mark.exhaustive
def test_two_possible_tasks_stop_the_run_until_one_of_them_is_cancelled(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """With two unclaimed tasks nobody guesses; the run names both and goes on with the one left."""
    spoil(office, START, kind="reset_after")
    office.company.turn(office.company.anaplan, **{"task.base_s": 600})
    office.on_step = AtStep("load: start 1", lambda: start_by_hand(office))

    error, stopped = office.fail(office.run)
    theirs, ours = office.tasks()
    office.company.model("cancel_task", task=theirs)
    run = office.resume(stopped.run_id)

    assert isinstance(error, StartUnclearError)
    assert ours in error.refused
    assert theirs in error.refused
    assert stopped.state is RunState.UNKNOWN
    assert run.state is RunState.SUCCEEDED
    assert run.summary["task_id"] == ours
    assert office.company.cells() == quiet_cells


@pytest.mark.parametrize(
    ("place", "fault"),
    [
        (f"{FILE}$", {"kind": "reset_after"}),
        (f"{FILE}/chunks/1$", {"kind": "reset_after"}),
        (f"{FILE}/chunks/2$", {"kind": "reset_before"}),
        (f"{FILE}/chunks/0$", {"kind": "html", "status": 502, "effect": True}),
        (f"{FILE}/complete$", {"kind": "reset_after"}),
    ],
    ids=["declare", "chunk", "chunk-never-arrived", "chunk-gateway-page", "complete"],
)
def test_lost_reply_of_an_upload_is_repeated_and_the_file_is_whole(
    place: str, fault: dict[str, Any], office: Any, quiet_cells: dict[str, str]
) -> None:
    """Declaring, sending and completing a file may be repeated; the task starts once."""
    office.change(chunk_bytes=SMALL_CHUNKS)
    office.company.fail(office.company.anaplan, path=place, **fault)

    run = office.run()

    assert run.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells
    assert len(office.tasks()) == 1


@pytest.mark.parametrize("mode", ["500-without-body", "504-but-done"])
def test_unanswered_complete_is_settled_by_the_chunks_the_file_holds(
    mode: str, office: Any, quiet_cells: dict[str, str]
) -> None:
    """A `complete` that only ever fails is settled by counting the chunks."""
    office.company.turn(office.company.anaplan, **{"complete.mode": mode})

    run = office.run()

    assert run.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells
    assert len(office.tasks()) == 1


def test_token_that_dies_between_two_chunks_is_renewed(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """A dead token in the middle of an upload costs one log-in, nothing else."""
    office.change(chunk_bytes=SMALL_CHUNKS)
    office.company.model("kill_token", path=f"{FILE}/chunks/1")

    run = office.run()

    sent = [
        (line["path"].rsplit("/", 1)[1], line["status"])
        for line in office.company.journal(office.company.anaplan)
        if line["method"] == "PUT"
    ]
    assert run.state is RunState.SUCCEEDED
    assert sent[:3] == [("0", 204), ("1", 401), ("1", 204)]
    assert office.company.cells() == quiet_cells
    assert len(office.tasks()) == 1


@pytest.mark.parametrize("fault", LOST[:3])
@pytest.mark.exhaustive
def test_lost_start_of_the_export_is_simply_started_again(
    fault: dict[str, Any], office: Any, quiet_cells: dict[str, str]
) -> None:
    """An export changes nothing, so a lost reply costs a second export and no settling."""
    spoil(office, f"{EXPORT}$", **fault)

    run = office.run()

    assert run.state is RunState.SUCCEEDED
    assert unexplained(run) == {"0"}
    assert office.company.cells() == quiet_cells
    assert len(office.tasks()) == 1


@pytest.mark.exhaustive
def test_run_stopped_while_its_task_runs_follows_the_same_task_after_a_resume(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """Stopping us does not stop the task; the resume picks it up and starts nothing."""
    office.company.turn(office.company.anaplan, **{"task.base_s": 600})
    with open_house(
        office.root,
        clock=office.clock,
        on_step=AtStep("load: follow task", lambda: house.engine.request_stop()),  # noqa: PLW0108 - the house comes later.
    ) as house:
        with pytest.raises(RunInterruptedError) as caught:
            house.run("actuals-fusion", {})
        (stopped,) = house.records.runs.load_runs(limit=1)

    run = office.resume(stopped.run_id)

    assert office.tasks()[0] in caught.value.refused
    assert stopped.state is RunState.INTERRUPTED
    assert run.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells
    assert office.tasks() == [run.summary["task_id"]]


class AtStep:
    """Does something once, when a step of that name has begun."""

    def __init__(self, step: str, act: Callable[[], None]) -> None:
        self._step = step
        self._acts = [act]

    def __call__(self, _run_id: str, name: str, state: str) -> None:
        """Told of a step."""
        if self._acts and (name, state) == (self._step, "started"):
            self._acts.pop()()


def start_by_hand(office: Any) -> None:
    """Somebody with our own user starts the import in the model's pages."""
    office.company.model("start_task", **{"import": "Load Actuals", "user": USER})
