"""The planning target against the sandbox: loads, results, dumps, exports, looking around."""

import gzip
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ml_connector.errors import (
    AccessDeniedError,
    ProtocolError,
    RefusedError,
    UsageError,
)
from ml_connector.ports import (
    ActionKind,
    LoadOutcome,
    PlanningTarget,
    RefusedRow,
    TaskState,
)
from ml_connector.systems.anaplan.adapter import AnaplanTarget

pytestmark = pytest.mark.usefixtures("sandbox")

FACT_COLUMNS = "Entity,Account,Cost Centre,Currency,Version,Period,Amount\n"
GOOD = "101,68010,120,USD,Actual,Oct 26,1234.56\n"
LOST = "999,68010,120,USD,Actual,Oct 26,7\n"
ACCOUNTS = "Code,Name,Parent,Account Type\n"


def accept_port(target: PlanningTarget) -> PlanningTarget:
    """The target as mypy sees the port."""
    return target


def test_target_is_a_planning_target(target: AnaplanTarget) -> None:
    """The adapter has every method of the port; mypy compares the shapes."""
    assert accept_port(target) is target


# --- the load cycle ---------------------------------------------------------------------------


@pytest.mark.usefixtures("members")
def test_load_takes_good_rows_and_tells_refused_ones(
    target: AnaplanTarget, sandbox: Any, find_action: Any, upload: Any, finish: Any
) -> None:
    """Upload, import, result and dump: one row lands, one comes back with its reason."""
    action = find_action("Load Actuals")
    shape = target.read_import_shape(action.action_id)
    assert list(shape.headers) == FACT_COLUMNS.strip().split(",")
    assert (shape.separator, shape.delimiter, shape.encoding) == (",", '"', "UTF-8")
    upload(action.file_id, FACT_COLUMNS + GOOD + LOST)
    task_id = target.submit_task(action)
    result = finish(action, task_id)
    assert (result.state, result.outcome) == (TaskState.COMPLETE, LoadOutcome.PARTIAL)
    assert json.loads(result.raw)["task"]["taskId"] == task_id
    assert result.dump_object_ids == (action.action_id,)
    rows = list(target.parse_dump(target.read_dump(action, task_id, action.action_id)))
    sent = dict(zip(shape.headers, LOST.strip().split(","), strict=True))
    assert [(row.columns, row.is_warning) for row in rows] == [(sent, False)]
    assert rows[0].reasons
    assert [cell["value"] for cell in sandbox.do("read_cells", module="Actuals")] == [1234.56]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_upload_may_be_cut_anywhere(
    size: int, target: AnaplanTarget, sandbox: Any, find_action: Any, upload: Any, finish: Any
) -> None:
    """Cuts inside a row or a character change nothing of what lands."""
    action = find_action("Load Currencies")
    upload(action.file_id, "Code,Name\nÜSD,Dollär €\n", size=size)
    assert finish(action, target.submit_task(action)).outcome is LoadOutcome.OK
    found = sandbox.do("read_list", list="Currencies")
    assert [(one["code"], one["name"]) for one in found] == [("ÜSD", "Dollär €")]


def test_chunk_may_be_sent_again(
    target: AnaplanTarget, sandbox: Any, find_action: Any, finish: Any
) -> None:
    """The same chunk twice holds its bytes once."""
    action = find_action("Load Currencies")
    target.submit_chunk_count(action.file_id, 1)
    for _ in range(2):
        target.submit_chunk(action.file_id, 0, gzip.compress(b"Code,Name\nEUR,Euro\n", mtime=0))
    target.submit_upload_complete(action.file_id, 1)
    assert finish(action, target.submit_task(action)).outcome is LoadOutcome.OK
    assert len(sandbox.do("read_list", list="Currencies")) == 1


@pytest.mark.parametrize(
    "switches",
    [
        {"task__post_shape": "nested bare"},
        {"task__post_shape": "top-level taskId"},
        {"task__optional_fields": "minimal"},
        {"task__values_order": "shuffled", "task__values_nulls": "on"},
        {"auth__create_status": 200},
        {"empty__omit_key": "off"},
        {"paging__next_quirk": "off"},
    ],
    ids=str,
)
@pytest.mark.usefixtures("members")
def test_load_goes_through_in_every_shape_of_the_answers(
    switches: dict[str, Any], target: AnaplanTarget, sandbox: Any, find_action: Any, upload: Any,
    finish: Any,
) -> None:  # fmt: skip
    """Where the service's shape is not certain, each known shape gives the same outcome."""
    sandbox.turn(**switches)
    action = find_action("Load Actuals")
    upload(action.file_id, FACT_COLUMNS + GOOD + LOST)
    task_id = target.submit_task(action)
    result = finish(action, task_id)
    assert result.outcome is LoadOutcome.PARTIAL
    assert len(list(target.parse_dump(target.read_dump(action, task_id, action.action_id)))) == 1
    assert [stamp.task_id for stamp in target.read_task_stamps(action)] == [task_id]


def test_counts_survive_shuffled_values_and_nulls(
    target: AnaplanTarget, sandbox: Any, find_action: Any, upload: Any, finish: Any
) -> None:
    """Values are a map whatever their order; a null among them says nothing."""
    sandbox.turn(task__values_order="shuffled", task__values_nulls="on")
    action = find_action("Load Accounts")
    upload(action.file_id, ACCOUNTS + "1,One,,A\n2,Two,nowhere,A\n,Three,,A\n")
    result = finish(action, target.submit_task(action))
    assert (result.outcome, result.rows_failed) == (LoadOutcome.PARTIAL, 2)


def test_import_without_upload_fails_as_a_whole(
    target: AnaplanTarget, find_action: Any, finish: Any
) -> None:
    """A missing file is a failure of the run, told in its own words."""
    action = find_action("Load Actuals")
    result = finish(action, target.submit_task(action))
    assert result.outcome is LoadOutcome.FAILED
    assert result.messages
    assert result.dump_object_ids == ()


@pytest.mark.parametrize("kind", ["moduleImportNoWriteAccess", "internalError", "missingFields"])
def test_whole_run_failures_are_failures(
    kind: str, target: AnaplanTarget, sandbox: Any, find_action: Any, upload: Any, finish: Any
) -> None:
    """Whatever makes a run fail as a whole, nothing of it counts as taken."""
    action = find_action("Load Currencies")
    sandbox.do("force_outcome", action=action.action_id, type=kind)
    upload(action.file_id, "Code,Name\nEUR,Euro\n")
    assert finish(action, target.submit_task(action)).outcome is LoadOutcome.FAILED
    assert sandbox.do("read_list", list="Currencies") == []


@pytest.mark.usefixtures("members")
def test_unsuccessful_import_that_went_row_by_row_is_partial(
    target: AnaplanTarget, sandbox: Any, find_action: Any, upload: Any, finish: Any
) -> None:
    """Where partial runs are flagged unsuccessful, their good rows land all the same."""
    sandbox.turn(import__true_on_partial="off")
    action = find_action("Load Actuals")
    upload(action.file_id, FACT_COLUMNS + GOOD + LOST)
    assert finish(action, target.submit_task(action)).outcome is LoadOutcome.PARTIAL
    assert len(sandbox.do("read_cells", module="Actuals")) == 1


# --- processes --------------------------------------------------------------------------------


@pytest.mark.parametrize("fields", ["all", "minimal"])
def test_process_tells_which_step_refused_rows(
    fields: str, target: AnaplanTarget, sandbox: Any, find_action: Any, upload: Any, finish: Any
) -> None:
    """The dump of one step is found under the process, even where the result names no steps."""
    sandbox.turn(task__optional_fields=fields)
    process = find_action("Load Dimensions", ActionKind.PROCESS)
    steps = target.read_process_imports(process.action_id)
    assert [step.name for step in steps] == [
        "Load Entities", "Load Accounts", "Load Cost Centres", "Load Currencies",
    ]  # fmt: skip
    texts = ["Code,Name,Parent\n101,US,\n", ACCOUNTS + "1,One,nowhere,A\n2,Two,,A\n",
             "Code,Name,Parent\n120,CC,\n", "Code,Name\nUSD,Dollar\n"]  # fmt: skip
    for step, text in zip(steps, texts, strict=True):
        upload(step.file_id, text)
    task_id = target.submit_task(process)
    result = finish(process, task_id)
    assert result.outcome is LoadOutcome.PARTIAL
    assert len(sandbox.do("read_list", list="Currencies")) == 1
    accounts = steps[1].action_id
    assert result.dump_object_ids == (accounts,)
    rows = list(target.parse_dump(target.read_dump(process, task_id, accounts)))
    assert [row.columns["Code"] for row in rows] == ["1"]


def test_process_with_a_failing_step_is_failed(
    connect: Any, find_action: Any, upload: Any, finish: Any
) -> None:
    """A step that fails as a whole fails the process, though earlier steps stay applied."""
    lab = connect(model="Lab")
    process = find_action("Fails in the middle", ActionKind.PROCESS, lab)
    for step in lab.read_process_imports(process.action_id):
        if step.file_id:
            upload(step.file_id, "Code,Name,Weight\nP1,One,1\n", at=lab)
    assert finish(process, lab.submit_task(process), at=lab).outcome is LoadOutcome.FAILED


def test_process_with_ignored_rows_is_not_failed(
    connect: Any, sandbox: Any, find_action: Any, upload: Any, finish: Any
) -> None:
    """Ignored rows make a process unsuccessful on the wire, not here."""
    sandbox.turn(process__false_on_ignored="on")
    lab = connect(model="Lab")
    process = find_action("Load then delete", ActionKind.PROCESS, lab)
    products, facts = lab.read_process_imports(process.action_id)
    upload(products.file_id, "Code,Name,Weight\nP1,One,1\n", at=lab)
    upload(
        facts.file_id,
        "Product\tQuantity\tNote\tSince\tActive\tRegion\tDouble Quantity\n"
        "P1\t1\t\t\t\t\t2\n\t\t\t\t\t\t\n",
        at=lab,
    )
    result = finish(process, lab.submit_task(process), at=lab)
    assert json.loads(result.raw)["task"]["result"]["successful"] is False
    assert result.outcome is LoadOutcome.IGNORED


# --- tasks ------------------------------------------------------------------------------------


def test_task_waits_runs_and_ends(
    target: AnaplanTarget, sandbox: Any, clock: Any, find_action: Any, upload: Any
) -> None:
    """A start while the model is busy is queued; states follow the queue."""
    action = find_action("Load Currencies")
    upload(action.file_id, "Code,Name\nEUR,Euro\n")
    sandbox.do("hold_lock", seconds=60)
    task_id = target.submit_task(action)
    assert target.read_task(action, task_id).state is TaskState.WAITING
    clock.sleep(60.05)
    assert target.read_task(action, task_id).state is TaskState.RUNNING
    clock.sleep(5)
    assert target.read_task(action, task_id).state is TaskState.COMPLETE


def test_cancelled_task_ends_cancelled_and_leaves_nothing(
    target: AnaplanTarget, sandbox: Any, find_action: Any, upload: Any, finish: Any
) -> None:
    """Cancelling may be asked twice; what was not begun never lands."""
    action = find_action("Load Currencies")
    upload(action.file_id, "Code,Name\nEUR,Euro\n")
    sandbox.do("hold_lock", seconds=60)
    task_id = target.submit_task(action)
    target.submit_cancel(action, task_id)
    target.submit_cancel(action, task_id)
    result = finish(action, task_id)
    assert (result.state, result.outcome) == (TaskState.CANCELLED, LoadOutcome.CANCELLED)
    assert sandbox.do("read_list", list="Currencies") == []


def test_unknown_task_has_vanished(target: AnaplanTarget, find_action: Any) -> None:
    """A task the model does not know is told as vanished, and can be cancelled without a fault."""
    action = find_action("Load Currencies")
    assert target.read_task(action, "0" * 32).state is TaskState.VANISHED
    target.submit_cancel(action, "0" * 32)


def test_hidden_model_is_not_a_vanished_task(
    target: AnaplanTarget, sandbox: Any, find_action: Any
) -> None:
    """When the right to see the model is lost, nothing is said about the task."""
    action = find_action("Load Currencies")
    task_id = target.submit_task(action)
    sandbox.do("set_access", email="integration@halden.example", no_access=[target.model_id])
    with pytest.raises(AccessDeniedError, match="role"):
        target.read_task(action, task_id)
    assert target.read_task_stamps(action) == []
    with pytest.raises(AccessDeniedError):
        target.read_model_state()


def test_stamps_are_oldest_first_in_server_time(
    target: AnaplanTarget, clock: Any, find_action: Any, finish: Any
) -> None:
    """Every task of the action is listed with the server's creation time."""
    action = find_action("Load Currencies")
    started = []
    for _ in range(3):
        started.append(target.submit_task(action))
        finish(action, started[-1])
    stamps = target.read_task_stamps(action)
    assert [stamp.task_id for stamp in stamps] == started
    times = [stamp.created_at for stamp in stamps if stamp.created_at is not None]
    assert times == sorted(times)
    assert len(times) == 3
    assert all(at.year < clock.now().year for at in times)
    assert {stamp.state for stamp in stamps} == {TaskState.COMPLETE}


def test_dropped_dump_reads_as_nothing(
    target: AnaplanTarget, sandbox: Any, find_action: Any, upload: Any, finish: Any
) -> None:
    """A dump that expired or was replaced gives no bytes and no error."""
    action = find_action("Load Actuals")
    upload(action.file_id, FACT_COLUMNS + LOST)
    task_id = target.submit_task(action)
    assert finish(action, task_id).dump_object_ids == (action.action_id,)
    sandbox.do("drop_dump", email="integration@halden.example", **{"import": "Load Actuals"})
    assert list(target.read_dump(action, task_id, action.action_id)) == []


@pytest.mark.parametrize("cut", ["mid-row", "line-aligned"])
def test_dump_comes_in_chunks_cut_anywhere(
    cut: str, target: AnaplanTarget, sandbox: Any, find_action: Any, upload: Any, finish: Any
) -> None:
    """Many small chunks, cut inside characters, give the rows of the whole."""
    action = find_action("Load Actuals")
    upload(action.file_id, FACT_COLUMNS + LOST.replace("999", "Ä€") * 3)
    task_id = target.submit_task(action)
    finish(action, task_id)
    sandbox.turn(chunk__cut=cut, chunk__bytes=11)
    pieces = list(target.read_dump(action, task_id, action.action_id))
    assert len(pieces) > 5
    assert [row.columns["Entity"] for row in target.parse_dump(pieces)] == ["Ä€"] * 3


# --- exports ----------------------------------------------------------------------------------


@pytest.fixture
def exported(
    target: AnaplanTarget, sandbox: Any, find_action: Any, finish: Any, members: None
) -> Callable[..., str]:
    """Runs the export of the actuals after months were set; returns the output's file id."""
    timescale = target.read_time_members("Actuals")

    def run(months: int = 12) -> str:
        for month in timescale[:months]:
            sandbox.do(
                "edit_cell", module="Actuals", value=12.5,
                coordinates={"Entities": "101", "Accounts": "68010", "Cost Centres": "120",
                             "Currencies": "USD", "Versions": "Actual", "Time": month},
            )  # fmt: skip
        action = find_action("Export Actuals", ActionKind.EXPORT)
        assert finish(action, target.submit_task(action)).outcome is LoadOutcome.OK
        return str(action.file_id)

    return run


@pytest.mark.parametrize(
    "switches",
    [
        {"chunk__bytes": 13},
        {"chunk__bytes": 60, "chunk__cut": "line-aligned"},
        {"export__newline": "CRLF", "export__bom": "on", "chunk__bytes": 2},
    ],
    ids=str,
)
def test_export_is_read_whole_however_it_is_cut(
    switches: dict[str, Any], target: AnaplanTarget, sandbox: Any, exported: Any
) -> None:
    """Bytes come chunk by chunk; rows come by header name."""
    sandbox.turn(**switches)
    file_id = exported()
    rows = list(target.parse_csv(target.read_export_file(file_id)))
    loaded = [(row["Time"], row["Amount"]) for row in rows if row["Amount"] not in {"", "0"}]
    assert loaded == [(month, "12.5") for month in target.read_time_members("Actuals")[:12]]


def test_export_replaced_while_it_is_read_is_refused(
    target: AnaplanTarget, sandbox: Any, exported: Any
) -> None:
    """Two halves of two outputs are never taken for one."""
    sandbox.turn(chunk__bytes=100)
    reading = target.read_export_file(exported(12))
    next(reading)
    exported(36)
    with pytest.raises(ProtocolError, match="must not be used"):
        list(reading)


def test_export_that_was_never_run_has_no_output(target: AnaplanTarget, sandbox: Any) -> None:
    """The refusal says to run it first."""
    file_id = sandbox.ids("exports")["Export Actuals"]
    with pytest.raises(RefusedError, match="Run the export"):
        list(target.read_export_file(file_id))


# --- looking around ---------------------------------------------------------------------------


def test_actions_carry_their_files(target: AnaplanTarget, sandbox: Any) -> None:
    """Imports name the source they read, exports their own output, processes nothing."""
    imports = {one.name: one for one in target.read_actions(ActionKind.IMPORT)}
    assert imports["Load Actuals"].file_id == sandbox.ids("sources")["actuals.csv"]
    for export in target.read_actions(ActionKind.EXPORT):
        assert export.file_id == export.action_id
    assert {one.file_id for one in target.read_actions(ActionKind.PROCESS)} == {""}


def test_import_from_a_model_has_no_file_and_no_shape(connect: Any) -> None:
    """Model-to-model imports are told apart."""
    lab = connect(model="Lab")
    found = {one.name: one for one in lab.read_actions(ActionKind.IMPORT)}
    one = found["Entities from Finance Planning"]
    assert one.file_id == ""
    with pytest.raises(RefusedError, match="reads another model"):
        lab.read_import_shape(one.action_id)


def test_import_shapes_differ_by_file(connect: Any) -> None:
    """Tabs, semicolons, encodings and missing delimiters come from the file's settings."""
    lab = connect(model="Lab")
    by_name = {one.name: one.action_id for one in lab.read_actions(ActionKind.IMPORT)}
    facts = lab.read_import_shape(by_name["Facts from file"])
    assert (facts.separator, facts.encoding) == ("\t", "ISO-8859-1")
    sales = lab.read_import_shape(by_name["Sales from file, ask version"])
    assert (sales.separator, sales.encoding) == (";", "UTF-16LE")
    regions = lab.read_import_shape(by_name["Regions from file, no duplicates"])
    assert regions.delimiter == ""


def test_unknown_import_is_refused_though_the_server_fails(target: AnaplanTarget) -> None:
    """The server's 500 for an unknown import is told as what it is."""
    with pytest.raises(RefusedError, match="has no import 112000009999"):
        target.read_import_shape("112000009999")


def test_unknown_process_is_refused(target: AnaplanTarget) -> None:
    """A 404 on one object says that it is absent or hidden."""
    with pytest.raises(RefusedError, match="has no process 118000009999, or hides it"):
        target.read_process_imports("118000009999")


def test_time_members_are_the_months_alone(target: AnaplanTarget) -> None:
    """Quarters and years are left out; the order is the model's."""
    found = target.read_time_members("Actuals")
    assert len(found) == 36
    assert (found[0], found[1], found[-1]) == ("Jan 24", "Feb 24", "Dec 26")


def test_module_without_time_and_unknown_module_are_refused(
    target: AnaplanTarget, connect: Any
) -> None:
    """Both refusals say which module and what to do."""
    with pytest.raises(RefusedError, match="Facts has a time dimension"):
        connect(model="Lab").read_time_members("Facts")
    with pytest.raises(RefusedError, match=r"no module named 'Actual'; there is 'Actuals'"):
        target.read_time_members("Actual")


def test_list_members_carry_code_name_and_parent(target: AnaplanTarget, sandbox: Any) -> None:
    """An empty list has no members; a filled one tells where each belongs."""
    assert list(target.read_list_members("Accounts")) == []
    rows = [{"code": "R", "name": "Root"}, {"code": "L", "name": "Leaf", "parent": "R"}]
    sandbox.do("add_items", list="Accounts", items=rows)
    found = {one.code: (one.name, one.parent) for one in target.read_list_members("Accounts")}
    assert set(found) == {"R", "L"}
    assert found["R"] == ("Root", "")
    assert found["L"][0] == "Leaf"
    assert found["L"][1] in {"R", "Root"}


def test_list_with_too_many_items_is_refused(target: AnaplanTarget, sandbox: Any) -> None:
    """The service shows a million items and no more; the refusal says so."""
    sandbox.spoil(kind="status", status=400, path=r"/lists/\d+/items", body={})
    with pytest.raises(RefusedError, match="at most 1000000 items"):
        list(target.read_list_members("Accounts"))


def test_pages_are_read_to_their_counted_end(target: AnaplanTarget, sandbox: Any) -> None:
    """Pages shorter than asked for are continued where they ended; no row comes twice."""
    sandbox.turn(paging__max_page=3)
    names = [one.name for one in target.read_actions(ActionKind.IMPORT)]
    assert sorted(names) == sorted(sandbox.ids("imports"))
    assert len(sandbox.calls("/imports?")) == -(-len(names) // 3)


def test_discover_names_everything_a_flow_can_use(target: AnaplanTarget) -> None:
    """Each kind is there, with ids, and imports say which file they read."""
    found = list(target.discover())
    assert {one.kind for one in found} == {
        "workspace", "model", "list", "module", "line item", "import", "export", "process",
        "action", "file",
    }  # fmt: skip
    details = {(one.kind, one.name): one.detail for one in found}
    assert details["import", "Load Actuals"] == "MODULE_DATA, reads actuals.csv (113000000005)"
    assert details["model", "Finance Planning"] == "UNLOCKED"
    assert details["line item", "Amount"].startswith("of module ")
    assert all(one.remote_id for one in found)


# --- refusals before anything is sent ---------------------------------------------------------


@pytest.mark.parametrize("file_id", ["actuals.csv", "112000000005", "", "../113000000005", "113"])
def test_name_in_place_of_a_file_id_is_refused_before_it_is_sent(
    file_id: str, target: AnaplanTarget, sandbox: Any
) -> None:
    """A name in the address would create a file, so it never gets there."""
    with pytest.raises(UsageError, match="not the id of a file"):
        target.submit_chunk_count(file_id, 1)
    assert sandbox.calls("/files") == []


def test_unknown_file_id_is_noticed_by_the_answer(target: AnaplanTarget, sandbox: Any) -> None:
    """The accident is named with the file it created; nothing is uploaded."""
    with pytest.raises(ProtocolError, match=r"113000009999.*created"):
        target.submit_chunk_count("113000009999", 1)
    assert sandbox.calls("/chunks") == []


@pytest.mark.parametrize("chunks", [0, -1, 1001])
def test_senseless_chunk_counts_are_refused(chunks: int, target: AnaplanTarget) -> None:
    """The service takes 1 to 1000 chunks; the stream form is not used."""
    with pytest.raises(UsageError, match="1 to 1000"):
        target.submit_chunk_count("113000000005", chunks)


def test_oversized_chunk_is_refused(target: AnaplanTarget, sandbox: Any) -> None:
    """A chunk past 50 MiB is not sent."""
    with pytest.raises(UsageError, match="not sent"):
        target.submit_chunk("113000000005", 0, bytes(50 * 1024 * 1024 + 1))
    assert sandbox.calls("/chunks") == []


# --- sharing ----------------------------------------------------------------------------------


def test_threads_share_one_log_in_and_every_request_its_grant(
    target: AnaplanTarget, sandbox: Any, budget: Any
) -> None:
    """Eight threads log in once; each request, log-in included, was granted by the budget."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: target.read_actions(ActionKind.EXPORT), range(16)))
    assert len(sandbox.calls("/token/authenticate")) == 1
    assert len(budget.grants) == len(sandbox.calls())
    assert len(set(budget.grants)) == 1


def test_close_gives_the_token_back(target: AnaplanTarget, sandbox: Any) -> None:
    """Nothing stays logged in."""
    target.read_model_state()
    target.close()
    assert sandbox.calls("/token/")[-1] == "POST /token/logout"


def test_refused_row_is_what_the_port_says(target: AnaplanTarget) -> None:
    """Parsing stored dumps needs no connection."""
    content = [b'"_Status_","Code","_Line_","_Error_1_"\n"W","A","2","Invalid date: x"\n']
    assert list(target.parse_dump(content)) == [
        RefusedRow({"Code": "A"}, ("Invalid date: x",), is_warning=True)
    ]
