"""The planning model's bad days, from end to end: what is told, what is left, what heals it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from ml_connector.errors import BusyError, ProtocolError, SettingsError, SystemUnavailableError
from ml_connector.flows.loading import polling
from ml_connector.flows.loading.accepting import UnclearCellsError
from ml_connector.flows.loading.running import ImportFailedError
from ml_connector.flows.planning.shadow import ModelHoldsCellsError
from ml_connector.flows.preflight import (
    AmbiguousActionError,
    HeaderMismatchError,
    ModelNotWritableError,
    UnknownActionError,
)
from ml_connector.flows.runs import SupersededRunError
from ml_connector.ports import RunState
from ml_connector.wiring import open_house

LOAD = "112000000005"
FILE = r"/files/113000000005"
USER = "integration@halden.example"
SMALL_CHUNKS = 3000


def unexplained(run: Any) -> set[str]:
    """The unexplained amounts of a run's tie-out."""
    return {row["unexplained"] for row in run.summary["tie_out"]}


def first_cell(company: Any, time: str = "Sep 26") -> tuple[dict[str, str], str]:
    """Coordinates and value of one loaded cell of a period."""
    for key, value in sorted(company.cells().items()):
        coordinates: dict[str, str] = json.loads(key)
        if coordinates["Time"] == time:
            return coordinates, value
    raise AssertionError(f"no cell in {time}")


def after_step(name: str, act: Callable[[], Any]) -> Callable[[str, str, str], None]:
    """Does something once, when the first step of a name that begins so is done."""
    acts = [act]

    def listen(_run_id: str, step: str, state: str) -> None:
        if acts and step.startswith(name) and state == "done":
            acts.pop()()

    return listen


# --- what stands before any run ------------------------------------------------------------------


def test_swapped_ids_are_refused_with_both_forms_before_anything_is_sent(office: Any) -> None:
    """Workspace and model id have forms of their own; a mix-up is told as one, file by file."""
    path = office.root / "connections" / "anaplan-sandbox.yaml"
    text = path.read_text()
    workspace, model = "8a868cd97b120fc7017b36d7331d0001", "F1A2B3C4D5E64F708192A3B4C5D6E701"
    path.write_text(text.replace(workspace, "@").replace(model, workspace).replace("@", model))

    with pytest.raises(SettingsError) as caught, open_house(office.root):
        pass

    told = str(caught.value)
    assert caught.value.exit_code == 2
    assert "anaplan-sandbox.yaml" in told
    assert "32 lower-case hex digits" in told
    assert "32 UPPER-case hex digits" in told
    assert "swapped" in told
    assert office.company.journal(office.company.anaplan) == []


def test_unknown_action_names_those_the_model_has(office: Any) -> None:
    """A misspelt action stops the run before it reads or sends; the names there are are told."""
    office.change(actions={"load": "Load Actual", "kind": "import", "export": "Export Actuals"})

    error, run = office.fail(office.run)

    assert isinstance(error, UnknownActionError)
    assert error.exit_code == 1
    assert "'Load Actual'" in error.refused
    assert "Load Actuals Entered" in error.refused
    assert error.next_step
    assert run.state is RunState.FAILED
    assert office.tasks() == []
    asked = [line["path"] for line in office.company.journal(office.company.fusion)]
    assert not any("/journalBatches" in path for path in asked)


@pytest.mark.exhaustive
def test_action_renamed_back_lets_the_stopped_run_go_on(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """Once the model is mended the run that stopped is resumed and loads what it would have."""
    office.company.model("rename_import", **{"import": "Load Actuals", "name": "Load Old"})
    error, stopped = office.fail(office.run)
    office.company.model("rename_import", **{"import": "Load Old", "name": "Load Actuals"})

    run = office.resume(stopped.run_id)

    assert isinstance(error, UnknownActionError)
    assert run.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells


def test_ambiguous_action_names_the_ids(office: Any) -> None:
    """Two imports of one name are never chosen between."""
    office.company.model("rename_import", **{"import": "Load Entities", "name": "Load Actuals"})

    error, run = office.fail(office.run)

    assert isinstance(error, AmbiguousActionError)
    assert "112000000001" in error.refused
    assert LOAD in error.refused
    assert "Rename" in error.next_step
    assert run.state is RunState.FAILED
    assert office.company.cells() == {}


def test_import_whose_header_changed_names_the_columns(office: Any) -> None:
    """An import re-mapped to other columns would load into the wrong places: nothing is sent."""
    swap = {"import": "Load Actuals", "from": "Cost Centre", "to": "Department"}
    office.company.model("rename_header", **swap)

    error, run = office.fail(office.run)

    assert isinstance(error, HeaderMismatchError)
    assert "Missing in the flow: Department" in error.refused
    assert "unknown to the import: Cost Centre" in error.refused
    assert run.state is RunState.FAILED
    assert office.tasks() == []
    assert office.company.cells() == {}


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("state", "word"),
    [
        ("LOCKED", "locked by an administrator"),
        ("ARCHIVED", "archived"),
        ("MAINTENANCE", "offline"),
    ],
)
def test_model_that_cannot_be_written_blocks_the_run_and_a_resume_loads(
    state: str, word: str, office: Any, quiet_cells: dict[str, str]
) -> None:
    """The run is blocked with the owner's next step; nothing was read; a resume goes on."""
    office.company.model("set_model_state", state=state)

    error, stopped = office.fail(office.run)
    office.company.model("set_model_state", state="UNLOCKED")
    run = office.resume(stopped.run_id)

    assert isinstance(error, ModelNotWritableError)
    assert error.exit_code == 5
    assert "Finance Planning" in error.refused
    assert word in error.refused
    assert "owner" in error.next_step
    assert stopped.state is RunState.BLOCKED
    assert run.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells
    assert len(office.tasks()) == 1


@pytest.mark.exhaustive
def test_closed_model_is_opened_and_loaded(office: Any, quiet_cells: dict[str, str]) -> None:
    """A model that nobody has open is opened and waited for."""
    office.company.turn(office.company.anaplan, **{"model.cold_start_s": 120})
    office.company.model("set_model_state", closed=True)

    run = office.run()

    assert run.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells


@pytest.mark.exhaustive
def test_model_locked_in_mid_upload_keeps_the_run_and_a_resume_ends_it(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """A lock between two chunks stops the run as busy; what is up is not sent again."""
    office.change(chunk_bytes=SMALL_CHUNKS)
    lock = {"state": "LOCKED"}
    office.on_step = after_step(
        "load: upload 1, chunk 2/", lambda: office.company.model("set_model_state", **lock)
    )

    error, stopped = office.fail(office.run)
    office.company.model("set_model_state", state="UNLOCKED")
    office.on_step = None
    run = office.resume(stopped.run_id)

    chunks = [
        line["path"].rsplit("/", 1)[1]
        for line in office.company.journal(office.company.anaplan)
        if line["method"] == "PUT" and line["status"] == 204
    ]
    assert isinstance(error, BusyError)
    assert error.exit_code == 6
    assert "locked" in error.refused
    assert run.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells
    assert chunks == [str(number) for number in range(len(chunks))]
    assert len(chunks) > 2
    assert len(office.tasks()) == 1


# --- what others do to model and file ------------------------------------------------------------


def test_model_with_cells_nobody_loaded_is_not_loaded_over(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """Before a first load the model must be empty, unless a person takes its word for it."""
    at = {
        "Entities": "101", "Accounts": "68010", "Cost Centres": "110", "Currencies": "USD",
        "Versions": "Actual", "Time": "Oct 26",
    }  # fmt: skip
    office.company.model("edit_cell", module="Actuals", coordinates=at, value="17.5")

    error, run = office.fail(office.run)
    cells_then = office.company.cells()
    healed = office.run(against="model")

    assert isinstance(error, ModelHoldsCellsError)
    assert error.exit_code == 5
    assert "101 / 68010 / 110 / USD / Actual / Oct 26" in error.refused
    assert "--against model" in error.next_step
    assert run.state is RunState.BLOCKED
    assert list(cells_then.values()) == ["17.5"]
    assert healed.state is RunState.SUCCEEDED
    assert unexplained(healed) == {"0"}
    assert office.company.cells() == quiet_cells


@pytest.mark.exhaustive
def test_cell_edited_behind_our_back_is_named_and_rebuilding_heals(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """The next run into the period ends unexplained with the cell's name; `against` heals it."""
    office.run()
    at, value = first_cell(office.company)
    office.company.model("edit_cell", module="Actuals", coordinates=at, value=str(float(value) + 7))

    seen = office.run(periods=["Sep-26"])
    again = office.run()
    healed = office.run(against="model")
    quiet = office.run()

    (named,) = seen.summary["differences"]
    assert seen.state is RunState.UNTIED
    assert at["Accounts"] in named["key"]
    assert at["Cost Centres"] in named["key"]
    assert again.state is RunState.UNTIED, "a period that does not tie stays owed"
    assert healed.state is RunState.SUCCEEDED
    assert healed.summary["cells"] == 1
    assert unexplained(healed) == {"0"}
    assert quiet.summary["periods"] == []
    assert office.company.cells() == quiet_cells


@pytest.mark.exhaustive
def test_restored_model_is_found_by_reconcile_and_rebuilt(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """A restore takes a load away in silence; comparing names it, rebuilding loads it again."""
    office.company.model("snapshot", name="before")
    office.run()
    office.company.model("restore", name="before")

    nothing_new = office.run()
    compared = office.run(reconcile=True)
    starts_then = len(office.tasks())
    healed = office.run(against="model")

    assert nothing_new.summary["periods"] == []
    assert compared.state is RunState.UNTIED
    assert compared.summary["differences"]
    assert starts_then == 1
    assert healed.state is RunState.SUCCEEDED
    assert unexplained(healed) == {"0"}
    assert office.company.cells() == quiet_cells


@pytest.mark.exhaustive
def test_file_another_run_has_used_is_uploaded_again_before_the_start(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """Between a stop and its resume somebody may upload to the same file: never import theirs."""
    add_flow(office, "actuals-other", version="Forecast")
    lock = {"state": "LOCKED"}
    office.on_step = after_step(
        "load: upload 1, verify", lambda: office.company.model("set_model_state", **lock)
    )

    error, stopped = office.fail(office.run)
    office.on_step = None
    office.company.model("set_model_state", state="UNLOCKED")
    other = office.run("actuals-other")
    run = office.resume(stopped.run_id)

    assert isinstance(error, BusyError)
    assert other.state is RunState.SUCCEEDED
    assert run.state is RunState.SUCCEEDED
    assert unexplained(run) == {"0"}
    cells = office.company.cells()
    assert {key: value for key, value in cells.items() if "Forecast" not in key} == quiet_cells
    assert len(office.tasks()) == 2


def add_flow(office: Any, name: str, **changes: Any) -> None:
    """A second flow, like the first but for some keys."""
    first = (office.root / "flows" / "actuals-fusion.yaml").read_text()
    (office.root / "flows" / f"{name}.yaml").write_text(first)
    office.change(f"flows/{name}.yaml", **changes)


@pytest.mark.exhaustive
def test_failed_run_is_not_resumed_once_a_later_one_has_written(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """What a stopped run planned is out of date when a later run has loaded; it says so."""
    office.company.fail(office.company.anaplan, path=f"{FILE}/chunks/0$", kind="status", status=400)
    _, stopped = office.fail(office.run)
    later = office.run()

    error, _ = office.fail(office.resume, stopped.run_id)

    assert stopped.state is RunState.FAILED
    assert later.state is RunState.SUCCEEDED
    assert isinstance(error, SupersededRunError)
    assert later.run_id in error.refused
    assert "ml-connector run actuals-fusion" in error.next_step
    assert office.company.cells() == quiet_cells
    assert len(office.tasks()) == 1


# --- how tasks end -------------------------------------------------------------------------------


@pytest.mark.exhaustive
def test_import_failing_as_a_whole_leaves_the_model_and_the_next_run_loads(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """A failed import is told with the model's own words; nothing counts as sent."""
    office.company.model("force_outcome", action=LOAD, type="moduleImportFailed")

    error, run = office.fail(office.run)
    cells_then = office.company.cells()
    with open_house(office.root) as house:
        (load,) = house.records.loads.load_loads(run_id=run.run_id)
        refusals = house.records.loads.load_refused("actuals-fusion")
    healed = office.run()

    assert isinstance(error, ImportFailedError)
    assert error.exit_code == 1
    assert office.tasks()[0] in error.refused
    assert "read back unchanged" in error.written
    assert run.state is RunState.FAILED
    assert cells_then == {}
    assert load.cells_refused == load.cells_sent == len(quiet_cells)
    assert refusals == []
    assert healed.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells
    assert len(office.tasks()) == 2


@pytest.mark.exhaustive
def test_cancelled_task_is_told_and_the_next_run_loads(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """Somebody cancels our task in the model: nothing was taken, and the next run takes it up."""
    office.company.turn(office.company.anaplan, **{"task.base_s": 60})
    office.on_step = after_step(
        "load: start 1", lambda: office.company.model("cancel_task", task=office.tasks()[-1])
    )

    error, run = office.fail(office.run)
    cells_then = office.company.cells()
    office.on_step = None
    healed = office.run()

    assert isinstance(error, ImportFailedError)
    assert "cancelled" in error.refused
    assert run.state is RunState.FAILED
    assert cells_then == {}
    assert healed.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells


@pytest.mark.exhaustive
def test_task_forgotten_before_it_ran_is_settled_by_reading_the_model(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """A task that vanishes without a trace and has written nothing counts as not taken."""
    office.company.turn(office.company.anaplan, **{"task.base_s": 60})
    fate = {"fate": "vanished"}
    office.on_step = after_step(
        "load: start 1",
        lambda: office.company.model("set_task_fate", task=office.tasks()[-1], **fate),
    )

    error, run = office.fail(office.run)
    office.on_step = None
    healed = office.run()

    assert isinstance(error, ImportFailedError)
    assert "vanished" in error.refused
    assert run.state is RunState.FAILED
    assert healed.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells


@pytest.mark.exhaustive
def test_task_forgotten_after_it_has_written_counts_as_taken(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """A task that vanishes after its commit is settled by what the model holds: all of it."""

    def run_and_forget() -> None:
        office.clock.sleep(5)
        office.company.model("set_task_fate", task=office.tasks()[-1], fate="vanished")

    office.on_step = after_step("load: start 1", run_and_forget)

    run = office.run()
    office.on_step = None
    again = office.run()

    assert run.state is RunState.SUCCEEDED
    assert unexplained(run) == {"0"}
    assert run.summary["refused"] == 0
    assert office.company.cells() == quiet_cells
    assert again.summary["periods"] == []


@pytest.mark.exhaustive
def test_forgotten_task_over_cells_somebody_else_changed_is_left_to_a_person(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """Where a cell holds neither the old nor the new amount, nobody guesses what was taken."""

    def forget_and_edit() -> None:
        office.clock.sleep(5)
        office.company.model("set_task_fate", task=office.tasks()[-1], fate="vanished")
        at, _ = first_cell(office.company)
        office.company.model("edit_cell", module="Actuals", coordinates=at, value="1.25")

    office.on_step = after_step("load: start 1", forget_and_edit)

    error, run = office.fail(office.run)
    office.on_step = None
    with open_house(office.root, clock=office.clock) as house:
        cancelled = house.cancel(run.run_id)
    healed = office.run(against="model")

    assert isinstance(error, UnclearCellsError)
    assert error.exit_code == 9
    assert "Sep 26" in error.refused
    assert f"runs cancel {run.run_id}" in error.next_step
    assert run.state is RunState.UNKNOWN
    assert cancelled.state is RunState.CANCELLED
    assert healed.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells


@pytest.mark.exhaustive
def test_process_failing_at_its_second_step_counts_as_not_taken(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """Items without amounts are no load: the next run brings the amounts, none twice."""
    append = "actuals-append-fusion"
    office.change(
        f"flows/{append}.yaml", ledgers=["Halden US"], first_month="2026-09", dimensions_flow=None
    )
    office.company.model("force_outcome", action="112000000008", type="moduleImportFailed")

    error, run = office.fail(office.run, append)
    items_then = len(office.company.model("read_list", list="Journal Items"))
    healed = office.run(append)

    assert isinstance(error, ImportFailedError)
    assert "Append Actuals" in error.refused
    assert run.state is RunState.FAILED
    assert items_then == len(quiet_cells)
    assert healed.state is RunState.SUCCEEDED
    assert unexplained(healed) == {"0"}
    assert len(office.company.model("read_list", list="Journal Items")) == len(quiet_cells)


@pytest.mark.exhaustive
def test_task_that_never_ends_keeps_its_flow_until_somebody_cancels_it(
    office: Any, quiet_cells: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stuck task may still write: no other run goes on top of it; once cancelled it is told."""
    monkeypatch.setattr(polling, "DEADLINE_S", 600.0)
    office.on_step = after_step("load: start 1", lambda: stick(office))

    error, stopped = office.fail(office.run)
    busy, _ = office.fail(office.run)
    office.company.model("cancel_task", task=office.tasks()[0])
    failed, ended = office.fail(office.resume, stopped.run_id)
    later = office.run()

    assert isinstance(error, polling.TaskDeadlineError)
    assert error.exit_code == 9
    assert office.tasks()[0] in error.refused
    assert f"runs resume {stopped.run_id}" in error.next_step
    assert stopped.state is RunState.UNKNOWN
    assert isinstance(busy, BusyError)
    assert isinstance(failed, ImportFailedError)
    assert ended.state is RunState.FAILED
    assert later.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells


def stick(office: Any) -> None:
    """The newest task stays in progress for ever."""
    office.company.model("set_task_fate", task=office.tasks()[-1], fate="stuck")


@pytest.mark.exhaustive
def test_dump_that_is_gone_is_replaced_by_reading_the_model(office: Any) -> None:
    """Refused rows whose dump the model has dropped are found by reading back, with that reason."""
    office.company.erp("late_journals")
    office.company.fail(
        office.company.anaplan, path=r"/dump", kind="status", status=404, times=None
    )

    run = office.run()
    with open_house(office.root, clock=office.clock) as house:
        refused = house.records.loads.load_refused("actuals-fusion")
    office.company.mend()
    office.company.model("add_items", list="Accounts", items=[{"code": "68990"}])
    replayed = office.run(replay=True)

    assert run.state is RunState.PARTLY
    assert run.summary["refused"] == 1
    assert unexplained(run) == {"0"}
    assert [row.key[1] for row in refused] == ["68990"]
    assert "dropped its failure dump" in refused[0].reasons[0]
    assert replayed.state is RunState.SUCCEEDED
    assert unexplained(replayed) == {"0"}


def test_rows_the_model_ignores_in_silence_count_as_refused(office: Any) -> None:
    """Rows aimed at a parent are ignored without dump or error; they are read back and named."""
    office.company.model(
        "add_items",
        list="Accounts",
        items=[{"code": "PARENT"}, {"code": "LEAF", "parent": "PARENT"}],
    )
    office.map(
        "entity,entity=*,{entity}", "account,account=68010,PARENT", "account,account=*,{account}",
        "cost_centre,cost_centre=*,{cost_centre}",
    )  # fmt: skip

    run = office.run()
    with open_house(office.root, clock=office.clock) as house:
        refused = house.records.loads.load_refused("actuals-fusion")

    assert run.state is RunState.PARTLY
    assert refused
    assert {row.key[1] for row in refused} == {"PARENT"}
    assert "ignored" in refused[0].reasons[0]
    assert unexplained(run) == {"0"}


# --- overload and broken answers -----------------------------------------------------------------


@pytest.mark.exhaustive
def test_storm_of_429_is_waited_out_as_long_as_the_server_asks(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """Every call may meet a 429; Retry-After is obeyed, nothing is sent twice."""
    office.company.fail(
        office.company.anaplan, path="^/2/0/", kind="status", status=429, retry_after=20,
        nth=3, every=4, times=12,
    )  # fmt: skip
    began = office.clock.now()

    run = office.run()

    assert run.state is RunState.SUCCEEDED
    assert (office.clock.now() - began).total_seconds() >= 12 * 20
    assert office.company.cells() == quiet_cells
    assert len(office.tasks()) == 1


@pytest.mark.exhaustive
def test_start_that_is_throttled_was_not_executed_and_is_sent_after_the_wait(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """A 429 to the start of a task says that nothing was started; no settling is needed."""
    office.company.fail(
        office.company.anaplan, path=f"/imports/{LOAD}/tasks$", method="POST", kind="status",
        status=429, retry_after=15, times=2,
    )  # fmt: skip

    run = office.run()

    assert run.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells
    assert len(office.tasks()) == 1


@pytest.mark.exhaustive
def test_html_pages_of_a_gateway_are_tried_again_and_then_told(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """A gateway's page is no answer: it is asked again, and a long outage is told without it."""
    rule = {"kind": "html", "status": 503}
    office.company.fail(office.company.anaplan, **rule, path="^/2/0/", nth=8, times=3)
    office.company.fail(office.company.anaplan, **rule, path="/chunks/", times=None)

    error, stopped = office.fail(office.run)
    office.company.mend()
    run = office.resume(stopped.run_id)

    assert isinstance(error, SystemUnavailableError)
    assert error.exit_code == 8
    assert "503" in error.refused
    assert "<html" not in str(error)
    assert stopped.state is RunState.FAILED
    assert run.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells
    assert len(office.tasks()) == 1


@pytest.mark.exhaustive
def test_json_that_ends_in_the_middle_is_refused_whole(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """Half an answer is none: the list of imports that is cut is not taken for a short list."""
    office.company.fail(
        office.company.anaplan, path=r"/imports(\?|$)", kind="status", status=200,
        body='{"meta": {"paging": {}}, "imports": [{"id": "112', times=None,
    )  # fmt: skip

    error, stopped = office.fail(office.run)
    office.company.mend()
    run = office.resume(stopped.run_id)

    assert isinstance(error, ProtocolError)
    assert "/imports" in error.refused
    assert stopped.state is RunState.FAILED
    assert run.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells


@pytest.mark.exhaustive
@pytest.mark.parametrize("mode", ["409", "hold"])
def test_model_busy_with_another_task_is_waited_for(
    mode: str, office: Any, quiet_cells: dict[str, str]
) -> None:
    """While somebody else's task has the model, ours waits, whatever the model answers."""
    office.company.turn(office.company.anaplan, **{"busy.mode": mode})
    office.on_step = after_step(
        "load: upload 1, verify", lambda: office.company.model("hold_lock", seconds=45)
    )

    run = office.run()

    assert run.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells
    assert len(office.tasks()) == 1


class KnockingClock:
    """After each wait somebody else asks for the model."""

    def __init__(self, clock: Any, knock: Callable[[], None]) -> None:
        self._clock = clock
        self._knock = knock

    def now(self) -> Any:
        """The current instant."""
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        """Later, and somebody has asked."""
        self._clock.sleep(seconds)
        self._knock()


@pytest.mark.exhaustive
def test_long_task_keeps_its_model_from_other_runs(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """A task of an hour outlasts the lease; while it is followed nobody else gets the model."""
    office.company.turn(office.company.anaplan, **{"task.base_s": 3600})
    model = office.company.model_id()
    answers: list[str] = []
    following: list[bool] = []

    def knock() -> None:
        if following:
            with pytest.raises(BusyError) as caught:
                house.records.intents.take_lease(model, holder="other/1", seconds=60)
            answers.append(caught.value.refused)

    def listen(_run_id: str, step: str, state: str) -> None:
        if step == "load: follow task":
            following[:] = [True] if state == "started" else []

    clock = KnockingClock(office.clock, knock)
    with open_house(office.root, clock=clock, on_step=listen) as house:
        run = house.run("actuals-fusion", {})

    assert run.state is RunState.SUCCEEDED
    assert len(answers) > 10
    assert run.run_id in answers[-1]
    assert office.company.cells() == quiet_cells
