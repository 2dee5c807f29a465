"""Tasks: start, list, get, cancel; the queue, the lock and the clock."""

import re
from typing import Any

import httpx2
import pytest

IMPORT = "/imports/112000000001"
TASK_ID = re.compile(r"[0-9A-F]{32}")
TEXT = "Code,Name,Parent\nHI,Halden,\n101,US,HI\n"


def test_start_answers_with_a_task_not_started(anaplan: Any) -> None:
    """The golden shape of the answer; 32 upper-case hexadecimal digits."""
    body = anaplan.post(f"{IMPORT}/tasks", {"localeName": "en_US"}).json()
    assert TASK_ID.fullmatch(body["task"]["taskId"])
    assert body["task"]["taskState"] == "NOT_STARTED"
    assert body["task"]["creationTime"] == int(anaplan.server.clock.now() * 1000)
    assert body["status"]["code"] == 200


def test_start_has_two_older_shapes(anaplan: Any) -> None:
    """A bare nested id, and an id at the top level."""
    anaplan.switch(task__post_shape="nested bare")
    body = anaplan.post(f"{IMPORT}/tasks", {"localeName": "en_US"}).json()
    assert set(body["task"]) == {"taskId"}
    anaplan.switch(task__post_shape="top-level taskId")
    body = anaplan.post(f"{IMPORT}/tasks", {"localeName": "en_US"}).json()
    assert set(body) == {"taskId"}


@pytest.mark.parametrize("content", [b"", b"{}", b'{"localeName":""}', b"[]", b"{"])
def test_start_without_locale_is_refused(anaplan: Any, content: bytes) -> None:
    """400, and no task exists."""
    headers = {"Content-Type": "application/json"}
    reply = anaplan.http.post(f"{anaplan.base}{IMPORT}/tasks", content=content, headers=headers)
    assert reply.status_code == 400
    assert "tasks" not in anaplan.get(f"{IMPORT}/tasks").json()


@pytest.mark.parametrize(
    "path", ["/imports/112000009999", "/exports/112000000001", "/processes/x", "/actions/1"]
)
def test_start_of_the_unknown_is_404(anaplan: Any, path: str) -> None:
    """An id of another kind is unknown too."""
    assert anaplan.post(f"{path}/tasks", {"localeName": "en_US"}).status_code == 404


def test_task_runs_through_its_states_by_the_clock(anaplan: Any) -> None:
    """IN_PROGRESS with progress below one, then COMPLETE with the result."""
    anaplan.upload("entities.csv", TEXT)
    path = anaplan.start("imports", "Load Entities")
    task = anaplan.task(path)
    assert (task["taskState"], task["type"]) == ("IN_PROGRESS", "taskInformation")
    assert 0 <= task["progress"] < 1
    assert "result" not in task
    anaplan.advance(0.1)
    assert 0 < anaplan.task(path)["progress"] < 1
    anaplan.advance(1)
    task = anaplan.task(path)
    assert (task["taskState"], task["progress"], task["currentStep"]) == (
        "COMPLETE",
        1.0,
        "Complete.",
    )
    result = task["result"]
    assert (result["successful"], result["failureDumpAvailable"]) == (True, False)
    assert (result["objectId"], result["objectName"]) == ("112000000001", "Load Entities")
    assert result["nestedResults"] == []


def test_nothing_is_seen_before_the_end(anaplan: Any) -> None:
    """The model is untouched while the task runs and has everything afterwards."""
    anaplan.upload("entities.csv", TEXT)
    anaplan.start("imports", "Load Entities")
    assert anaplan.admin("read_list", list="Entities") == []
    anaplan.advance(1)
    assert len(anaplan.admin("read_list", list="Entities")) == 2


def test_two_starts_are_two_runs_in_order(anaplan: Any) -> None:
    """There is no idempotency: each accepted start is queued and run, first come first served."""
    anaplan.upload("entities.csv", TEXT)
    first = anaplan.start("imports", "Load Entities")
    second = anaplan.start("imports", "Load Entities")
    assert anaplan.task(second)["taskState"] == "NOT_STARTED"
    anaplan.advance(0.25)
    states = [anaplan.task(path)["taskState"] for path in (first, second)]
    assert states == ["COMPLETE", "IN_PROGRESS"]
    anaplan.advance(1)
    result = anaplan.task(second)["result"]
    values = result["details"][0]["values"]
    assert values[values.index("createdCount") + 1] == "0"
    assert values[values.index("updatedCount") + 1] == "2"


def test_list_shows_the_callers_tasks_in_order(anaplan: Any) -> None:
    """Ascending by creation, turned round by the sort, and only one's own."""
    paths = []
    for _ in range(3):
        paths.append(anaplan.start("imports", "Load Entities").rsplit("/", 1)[1])
        anaplan.advance(5)
    rows = anaplan.get(f"{IMPORT}/tasks").json()["tasks"]
    assert [row["taskId"] for row in rows] == paths
    assert set(rows[0]) == {"taskId", "taskState", "creationTime"}
    rows = anaplan.get(f"{IMPORT}/tasks?sort=-creationTime").json()["tasks"]
    assert [row["taskId"] for row in rows] == paths[::-1]
    anaplan.act_as("planner@halden.example")
    assert "tasks" not in anaplan.get(f"{IMPORT}/tasks").json()


def test_task_resolves_under_its_own_action_only(anaplan: Any) -> None:
    """Another import, another kind, another user: 404."""
    task_id = anaplan.start("imports", "Load Entities").rsplit("/", 1)[1]
    assert anaplan.get(f"/imports/112000000002/tasks/{task_id}").status_code == 404
    assert anaplan.get(f"/processes/112000000001/tasks/{task_id}").status_code == 404
    assert anaplan.get(f"{IMPORT}/tasks/{'0' * 32}").status_code == 404
    anaplan.act_as("planner@halden.example")
    assert anaplan.get(f"{IMPORT}/tasks/{task_id}").status_code == 404


def test_waiting_task_is_cancelled_at_once(anaplan: Any) -> None:
    """What has not begun never runs."""
    anaplan.upload("entities.csv", TEXT)
    anaplan.admin("hold_lock", seconds=60)
    path = anaplan.start("imports", "Load Entities")
    reply = anaplan.http.delete(anaplan.base + path)
    assert (reply.status_code, reply.json()["task"]["taskState"]) == (200, "CANCELLED")
    anaplan.advance(600)
    assert anaplan.task(path)["taskState"] == "CANCELLED"
    assert anaplan.admin("read_list", list="Entities") == []


def test_running_task_is_rolled_back(anaplan: Any) -> None:
    """CANCELLING, then CANCELLED without a result, and the model as before."""
    anaplan.upload("entities.csv", TEXT)
    path = anaplan.start("imports", "Load Entities")
    reply = anaplan.http.delete(anaplan.base + path)
    assert reply.json()["task"]["taskState"] == "CANCELLING"
    anaplan.advance(1)
    task = anaplan.task(path)
    assert (task["taskState"], task["cancelledBy"]) == ("CANCELLED", "integration@halden.example")
    assert "result" not in task
    assert anaplan.admin("read_list", list="Entities") == []


def test_finished_task_is_not_cancelled(anaplan: Any) -> None:
    """200 with the state as it is; an unknown task is 404."""
    anaplan.upload("entities.csv", TEXT)
    path = anaplan.run("imports", "Load Entities")["path"]
    reply = anaplan.http.delete(anaplan.base + path)
    assert (reply.status_code, reply.json()["task"]["taskState"]) == (200, "COMPLETE")
    assert anaplan.http.delete(f"{anaplan.base}{IMPORT}/tasks/{'0' * 32}").status_code == 404


def test_record_is_kept_for_two_days(anaplan: Any) -> None:
    """After the retention the task has never been."""
    anaplan.switch(auth__life_s=10_000_000)
    anaplan.act_as("integration@halden.example")
    path = anaplan.start("imports", "Load Entities")
    anaplan.advance(48 * 3600 - 1)
    assert anaplan.task(path)["taskState"] == "COMPLETE"
    anaplan.advance(2)
    assert anaplan.get(path).status_code == 404


def test_minimal_task_drops_every_optional_field(anaplan: Any) -> None:
    """Type, times, names, details and nested results may all be missing."""
    anaplan.upload("entities.csv", TEXT)
    anaplan.switch(task__optional_fields="minimal")
    path = anaplan.start("imports", "Load Entities")
    anaplan.advance(5)
    task = anaplan.task(path)
    assert set(task) == {"taskId", "taskState", "progress", "result"}
    assert set(task["result"]) == {"successful", "failureDumpAvailable", "objectId"}


def test_values_may_be_shuffled_and_hold_nulls(anaplan: Any) -> None:
    """A flat list of pairs in any order; a value may be null."""
    anaplan.upload("entities.csv", TEXT)
    path = anaplan.run("imports", "Load Entities")["path"]
    plain = anaplan.task(path)["result"]["details"][0]["values"]
    anaplan.switch(task__values_order="shuffled", task__values_nulls="on")
    mixed = anaplan.task(path)["result"]["details"][0]["values"]
    pairs = dict(zip(mixed[::2], mixed[1::2], strict=True))
    assert pairs.pop("serverAlert") is None
    assert pairs == dict(zip(plain[::2], plain[1::2], strict=True))
    assert mixed != plain


def test_other_endpoints_wait_while_the_model_is_busy(anaplan: Any) -> None:
    """Cells wait for the end, metadata and task states do not."""
    anaplan.admin("hold_lock", seconds=300)
    before = anaplan.server.clock.now()
    path = anaplan.start("imports", "Load Entities")
    for instant in ("/imports", "/exports", "/processes", "/actions", path, f"{IMPORT}/tasks"):
        assert anaplan.get(instant).status_code == 200
    assert anaplan.server.clock.now() == before
    assert anaplan.get("/lists").status_code == 200
    assert anaplan.server.clock.now() - before >= 300


def test_files_wait_too_unless_the_switch_says_otherwise(anaplan: Any) -> None:
    """By the letter of the documentation uploads hang as well."""
    before = anaplan.server.clock.now()
    anaplan.switch(busy__files_block="off")
    anaplan.admin("hold_lock", seconds=300)
    anaplan.upload("entities.csv", TEXT)
    assert anaplan.server.clock.now() == before
    anaplan.switch(busy__files_block="on")
    anaplan.upload("entities.csv", TEXT)
    assert anaplan.server.clock.now() - before >= 300


def test_held_request_gives_up_after_its_limit(anaplan: Any) -> None:
    """In virtual time that nobody moves a held request ends as a gateway time-out."""
    anaplan.switch(busy__virtual_wait="hold", busy__hold_limit_s=0.1)
    anaplan.admin("hold_lock", seconds=300)
    assert anaplan.get("/lists").status_code == 504


def test_busy_model_may_refuse_or_hold_a_start(anaplan: Any) -> None:
    """409 at once, or the start itself waits for the free model."""
    anaplan.admin("hold_lock", seconds=300)
    anaplan.switch(busy__mode="409")
    reply = anaplan.post(f"{IMPORT}/tasks", {"localeName": "en_US"})
    assert (reply.status_code, reply.json()["status"]["message"]) == (409, "Conflict")
    anaplan.switch(busy__mode="hold")
    before = anaplan.server.clock.now()
    anaplan.start("imports", "Load Entities")
    assert anaplan.server.clock.now() - before >= 300


def test_competitor_can_be_sent_away(anaplan: Any) -> None:
    """The lock is released and the waiting task begins."""
    anaplan.admin("hold_lock", seconds=3600)
    path = anaplan.start("imports", "Load Entities")
    anaplan.admin("release_lock")
    assert anaplan.task(path)["taskState"] == "IN_PROGRESS"


def test_models_do_not_wait_for_each_other(anaplan: Any) -> None:
    """A busy model leaves the others free."""
    anaplan.admin("hold_lock", seconds=3600)
    anaplan.model = "Lab"
    before = anaplan.server.clock.now()
    assert anaplan.get("/lists").status_code == 200
    assert anaplan.server.clock.now() == before


def test_process_runs_its_steps_in_order(finance: Any) -> None:
    """One nested result for each step; details of times on demand."""
    text = (
        "Code,Entity,Account,Cost Centre,Currency,Version,Period,Amount\n"
        "J1,101,4000,120,USD,Actual,Oct 26,10.5\nJ2,101,6000,120,USD,Actual,Nov 26,-10.5\n"
    )
    finance.upload("journal_items.csv", text)
    result = finance.run("processes", "Append Actuals")
    assert result["successful"]
    assert result["objectName"] == "Append Actuals"
    nested = result["nestedResults"]
    assert [one["objectName"] for one in nested] == ["Load Journal Items", "Load Journal Item Data"]
    assert "startTime" not in nested[0]
    timed = finance.get(f"{result['path']}?includeProcessDetails=true").json()["task"]
    assert timed["result"]["nestedResults"][1]["duration"] >= 200
    data = finance.admin("read_cells", module="Journal Item Data")
    found = {(one["coordinates"]["Journal Items"], one["line_item"]): one["value"] for one in data}
    assert found["J1", "Amount"] == 10.5
    assert found["J2", "Account"] == "6000"
    assert found["J2", "Period"] == "Nov 26"
    assert found["J1", "Version"] == "Actual"


def test_cancelled_process_keeps_its_finished_steps(finance: Any) -> None:
    """A process is not atomic: only the running step is rolled back."""
    text = (
        "Code,Entity,Account,Cost Centre,Currency,Version,Period,Amount\n"
        "J1,101,4000,120,USD,Actual,Oct 26,1\n"
    )
    finance.upload("journal_items.csv", text)
    path = finance.start("processes", "Append Actuals")
    finance.advance(0.25)
    finance.http.delete(finance.base + path)
    finance.advance(5)
    assert finance.task(path)["taskState"] == "CANCELLED"
    assert len(finance.admin("read_list", list="Journal Items")) == 1
    assert finance.admin("read_cells", module="Journal Item Data") == []


@pytest.mark.parametrize(("goes_on", "steps"), [("off", 2), ("on", 3)])
def test_process_stops_at_a_failed_step_unless_told_otherwise(
    lab: Any, goes_on: str, steps: int
) -> None:
    """The default stops; earlier steps stay."""
    lab.switch(process__continue_after_failure=goes_on)
    lab.upload("products.csv", "Code,Name,Weight\nP1,One,1\n")
    lab.upload("regions.csv", "Code,Name,Parent\nR1,North,\n")
    result = lab.run("processes", "Fails in the middle")
    assert not result["successful"]
    assert [one["successful"] for one in result["nestedResults"]] == [True, False, True][:steps]
    assert len(lab.admin("read_list", list="Products")) == 1


def test_process_may_call_ignored_rows_a_failure(finance: Any) -> None:
    """Seen by the vendor's own tool: nothing wrong, and successful is false."""
    text = "Code,Name,Parent\n,,\n102,Canada,\n"
    for source in ("entities.csv", "cost_centres.csv"):
        finance.upload(source, text)
    finance.upload("accounts.csv", "Code,Name,Parent,Account Type\n1,Cash,,A\n")
    finance.upload("currencies.csv", "Code,Name\nCAD,Dollar\n")
    assert finance.run("processes", "Load Dimensions")["successful"]
    finance.switch(process__false_on_ignored="on")
    result = finance.run("processes", "Load Dimensions")
    assert not result["successful"]
    assert not result["failureDumpAvailable"]
    assert all(one["successful"] for one in result["nestedResults"])


@pytest.mark.parametrize(
    "kind", ["failedToLocateEntity", "internalError", "moduleImportNoWriteAccess"]
)
def test_any_failure_of_a_whole_run_can_be_forced(finance: Any, kind: str) -> None:
    """The next run fails with the type asked for and loads nothing; the one after is normal."""
    finance.admin("force_outcome", action=finance.ids["imports"]["Load Entities"], type=kind)
    result = finance.load("entities.csv", "Load Entities", "Code,Name,Parent\nN,New,\n")
    assert (result["successful"], result["details"][0]["type"]) == (False, kind)
    assert finance.task(result["path"])["currentStep"] == "Failed."
    assert finance.run("imports", "Load Entities")["successful"]


def test_task_can_vanish_or_stick(anaplan: Any) -> None:
    """404 for one that was just started; IN_PROGRESS for ever without holding the model."""
    gone = anaplan.start("imports", "Load Entities")
    anaplan.admin("set_task_fate", task=gone.rsplit("/", 1)[1], fate="vanished")
    assert anaplan.get(gone).status_code == 404
    stuck = anaplan.start("imports", "Load Entities")
    anaplan.admin("set_task_fate", task=stuck.rsplit("/", 1)[1], fate="stuck")
    anaplan.advance(1000)
    assert anaplan.task(stuck)["taskState"] == "IN_PROGRESS"
    assert anaplan.run("imports", "Load Currencies")["objectName"] == "Load Currencies"


def test_lost_reply_to_a_start_leaves_a_task_to_be_found(anaplan: Any) -> None:
    """The run goes on; the list shows it by its creation time."""
    anaplan.upload("entities.csv", TEXT)
    anaplan.fault(kind="reset_after", method="POST", path="/tasks")
    with pytest.raises(httpx2.TransportError):
        anaplan.post(f"{IMPORT}/tasks", {"localeName": "en_US"})
    (found,) = anaplan.get(f"{IMPORT}/tasks").json()["tasks"]
    anaplan.advance(5)
    assert anaplan.task(f"{IMPORT}/tasks/{found['taskId']}")["taskState"] == "COMPLETE"


def test_gateway_time_out_of_a_start_may_hide_a_run(anaplan: Any) -> None:
    """504 as HTML with the effect applied, and 503 without it."""
    anaplan.fault(kind="html", status=504, effect=True, method="POST", path="/tasks")
    anaplan.fault(kind="status", status=503, method="POST", path="/tasks", nth=2)
    statuses = [
        anaplan.post(f"{IMPORT}/tasks", {"localeName": "en_US"}).status_code for _ in range(2)
    ]
    assert statuses == [504, 503]
    assert len(anaplan.get(f"{IMPORT}/tasks").json()["tasks"]) == 1
