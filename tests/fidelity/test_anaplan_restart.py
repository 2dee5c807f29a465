"""The server killed and started again, by itself and in the middle of a task."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from ml_connector.sandbox.anaplan.server import AnaplanServer, build_anaplan_server
from ml_connector.sandbox.clock import SandboxClock

TEXT = "Code,Name,Parent\nHI,Halden,\n101,US,HI\n"
Reopen = Callable[[], AnaplanServer]


@pytest.fixture
def reopen(anaplan: Any, start_server: Callable[..., str]) -> Reopen:
    """The same state folder in a new server, as after kill -9; the client follows."""

    def start_again() -> AnaplanServer:
        clock: SandboxClock = anaplan.server.clock
        server = build_anaplan_server(anaplan.server.store.path.parent, clock)
        anaplan.http.base_url = start_server(server)
        anaplan.server = server
        return server

    return start_again


def test_everything_committed_is_there_again(finance: Any, reopen: Reopen) -> None:
    """Tokens, lists, cells, staged files, finished tasks, dumps and switches."""
    finance.switch(list__unique_names="off")
    row = "101,4000,120,USD,Actual,Oct 26,62.25000000000001\n"
    header = "Entity,Account,Cost Centre,Currency,Version,Period,Amount\n"
    result = finance.load("actuals.csv", "Load Actuals", f"{header}{row}9{row}")
    before = (finance.cells("Actuals"), finance.admin("read_list", list="Accounts"))
    reopen()
    assert finance.http.get("/2/0/users/me").status_code == 200
    assert (finance.cells("Actuals"), finance.admin("read_list", list="Accounts")) == before
    assert finance.get("/files/113000000005").text == f"{header}{row}9{row}"
    assert finance.task(result["path"])["result"]["failureDumpAvailable"]
    assert finance.get(f"{result['path']}/dump").status_code == 200
    assert finance.server.switches["list.unique_names"] == "off"
    new = finance.load("entities.csv", "Load Entities", "Code,Name,Parent\n102,CA,HI\n")
    assert new["successful"]
    assert finance.admin("read_list", list="Entities")[2]["id"] == "201000000003"


def test_running_task_is_rolled_back_and_says_so(anaplan: Any, reopen: Reopen) -> None:
    """Complete, unsuccessful, internalError; the model is untouched and free again."""
    anaplan.upload("entities.csv", TEXT)
    path = anaplan.start("imports", "Load Entities")
    anaplan.advance(0.1)
    reopen()
    task = anaplan.task(path)
    assert task["taskState"] == "COMPLETE"
    assert task["result"]["successful"] is False
    assert task["result"]["details"][0]["type"] == "internalError"
    assert task["result"]["objectName"] == "Load Entities"
    assert anaplan.admin("read_list", list="Entities") == []
    assert anaplan.run("imports", "Load Entities")["successful"]


def test_waiting_task_runs_after_the_restart(anaplan: Any, reopen: Reopen) -> None:
    """What had not begun keeps its place in the queue."""
    anaplan.upload("entities.csv", TEXT)
    anaplan.admin("hold_lock", seconds=60)
    path = anaplan.start("imports", "Load Entities")
    reopen()
    anaplan.advance(10)
    assert anaplan.task(path)["result"]["successful"]


def test_half_done_process_keeps_its_finished_step(finance: Any, reopen: Reopen) -> None:
    """The first step is committed, the second is the one that failed."""
    header = "Code,Entity,Account,Cost Centre,Currency,Version,Period,Amount\n"
    finance.upload("journal_items.csv", header + "J1,101,4000,120,USD,Actual,Oct 26,7\n")
    path = finance.start("processes", "Append Actuals")
    finance.advance(0.25)
    finance.get("/imports")
    reopen()
    result = finance.task(path)["result"]
    assert result["successful"] is False
    assert [one["successful"] for one in result["nestedResults"]] == [True, False]
    assert len(finance.admin("read_list", list="Journal Items")) == 1
    assert finance.admin("read_cells", module="Journal Item Data") == []


@pytest.mark.parametrize(("fate", "status"), [("vanished", 404), ("stuck", 200)])
def test_running_task_may_vanish_or_stick(
    anaplan: Any, reopen: Reopen, fate: str, status: int
) -> None:
    """The two other things a restart may do; the model is free in both."""
    anaplan.switch(task__on_restart=fate)
    anaplan.upload("entities.csv", TEXT)
    path = anaplan.start("imports", "Load Entities")
    reopen()
    anaplan.advance(100)
    reply = anaplan.get(path)
    assert reply.status_code == status
    if status == 200:
        assert reply.json()["task"]["taskState"] == "IN_PROGRESS"
    assert anaplan.run("imports", "Load Entities")["successful"]


def test_server_killed_after_a_start_has_the_task(
    start_process: Callable[..., Any], control: Callable[..., Any]
) -> None:
    """Kill -9 after the effect, before the reply: the list shows what the client never heard."""
    first = start_process("--only", "anaplan", "--clock", "virtual")
    ids = control(first.anaplan, "GET", "info")["models"]["Finance Planning"]
    tasks = f"/2/0/models/{ids['id']}/imports/{ids['imports']['Load Entities']}/tasks"
    basic = httpx2.BasicAuth("integration@halden.example", "halden-password")
    login = httpx2.post(f"{first.anaplan}/token/authenticate", auth=basic).json()
    headers = {"Authorization": f"AnaplanAuthToken {login['tokenInfo']['tokenValue']}"}
    control(first.anaplan, "POST", "faults", {"kind": "kill_after", "path": "/tasks"})
    with pytest.raises(httpx2.TransportError):
        httpx2.post(first.anaplan + tasks, json={"localeName": "en_US"}, headers=headers)
    first.process.wait(20)
    second = start_process("--only", "anaplan", "--clock", "virtual")
    (task,) = httpx2.get(second.anaplan + tasks, headers=headers).json()["tasks"]
    assert task["taskState"] == "COMPLETE"
    shown = httpx2.get(f"{second.anaplan}{tasks}/{task['taskId']}", headers=headers).json()
    assert shown["task"]["result"]["details"][0]["type"] == "internalError"
