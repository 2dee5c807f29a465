"""Real time: tasks end by themselves; and the volumes the sandbox has to carry."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ml_connector.sandbox.anaplan.server import AnaplanServer, build_anaplan_server
from ml_connector.sandbox.clock import SandboxClock

POLLS_MAX = 5000
HEADER = "Entity,Account,Cost Centre,Currency,Version,Period,Amount\n"


@pytest.fixture
def real(state_dir: Path, start_server: Callable[..., str]) -> AnaplanServer:
    """A server whose clock runs."""
    server = build_anaplan_server(state_dir, SandboxClock(state_dir))
    start_server(server)
    return server


@pytest.fixture
def client(real: AnaplanServer) -> Iterator[httpx2.Client]:
    """A logged-in client below the main model."""
    basic = httpx2.BasicAuth("integration@halden.example", "halden-password")
    login = httpx2.post(f"{real.url}/token/authenticate", auth=basic).json()
    headers = {"Authorization": f"AnaplanAuthToken {login['tokenInfo']['tokenValue']}"}
    model = real.desk.info()["models"]["Finance Planning"]["id"]
    base = f"{real.url}/2/0/models/{model}"
    with httpx2.Client(base_url=base, headers=headers, timeout=60) as http_client:
        yield http_client


def _run(client: httpx2.Client, path: str) -> dict[str, Any]:
    """The result of a run, polled until it is over."""
    task = client.post(f"{path}/tasks", json={"localeName": "en_US"}).json()["task"]
    for _ in range(POLLS_MAX):
        shown = client.get(f"{path}/tasks/{task['taskId']}").json()["task"]
        if shown["taskState"] == "COMPLETE":
            return dict(shown["result"])
    raise AssertionError(f"{path} did not end within {POLLS_MAX} polls")


def _put(client: httpx2.Client, file: str, text: str) -> None:
    headers = {"Content-Type": "application/octet-stream"}
    assert client.put(f"/files/{file}", content=text.encode(), headers=headers).status_code == 204


def _items(real: AnaplanServer, name: str, codes: list[str]) -> None:
    items = [{"code": code, "name": f"{name} {code}"} for code in codes]
    real.desk.add_items({"list": name, "items": items})


def test_task_ends_although_nobody_asks(real: AnaplanServer, client: httpx2.Client) -> None:
    """A run whose client has gone away is carried out by itself."""
    real.switches.turn({"task.base_s": 0.02})
    _put(client, "113000000004", "Code,Name\nUSD,Dollar\n")
    client.post("/imports/112000000004/tasks", json={"localeName": "en_US"})
    model = next(iter(real.models.values()))
    deadline = time.monotonic() + 60
    while not model.data.lists["101000000004"].items:
        assert time.monotonic() < deadline, "the import was never carried out"
        threading.Event().wait(0.01)


def test_reader_waits_for_the_end_in_real_time(real: AnaplanServer, client: httpx2.Client) -> None:
    """A list read during an import answers after it, with its items."""
    real.switches.turn({"task.base_s": 0.3})
    _put(client, "113000000004", "Code,Name\nUSD,Dollar\n")
    before = time.monotonic()
    client.post("/imports/112000000004/tasks", json={"localeName": "en_US"})
    assert len(client.get("/lists/101000000004/items").json()["listItems"]) == 1
    assert time.monotonic() - before >= 0.3


def test_clock_pushed_forward_ends_a_long_task(real: AnaplanServer, client: httpx2.Client) -> None:
    """An hour's task does not take an hour."""
    real.switches.turn({"task.base_s": 3600.0, "limits.bucket": 100_000})
    real.bucket.fill()
    _put(client, "113000000004", "Code,Name\nUSD,Dollar\n")
    path = "/imports/112000000004/tasks"
    task = client.post(path, json={"localeName": "en_US"}).json()["task"]
    assert client.get(f"{path}/{task['taskId']}").json()["task"]["taskState"] == "IN_PROGRESS"
    real.switches.turn({"auth.life_s": 100_000})
    client.headers["Authorization"] = f"Bearer {real.tokens.mint('integration@halden.example')[0]}"
    real.clock.advance(3700)
    for _ in range(POLLS_MAX):
        if client.get(f"{path}/{task['taskId']}").json()["task"]["taskState"] == "COMPLETE":
            return
    raise AssertionError("the task did not end")


@pytest.mark.long
@pytest.mark.exhaustive
def test_fifty_thousand_rows_load_and_a_hundred_thousand_cells_export(
    real: AnaplanServer, client: httpx2.Client
) -> None:
    """Two imports of 50 000 rows each take seconds; the export has every cell."""
    real.switches.turn({"limits.bucket": 100_000, "task.row_s": 0.0})
    real.bucket.fill()
    accounts = [f"A{n}" for n in range(500)]
    centres = [f"C{n}" for n in range(100)]
    _items(real, "Entities", ["101"])
    _items(real, "Accounts", accounts)
    _items(real, "Cost Centres", centres)
    _items(real, "Currencies", ["USD"])
    before = time.monotonic()
    for period in ("Oct 26", "Nov 26"):
        rows = (f"101,{a},{c},USD,Actual,{period},1.25\n" for a in accounts for c in centres)
        _put(client, "113000000005", HEADER + "".join(rows))
        result = _run(client, "/imports/112000000005")
        assert result["details"][0]["localMessageText"] == "Amount: 50000 cells"
    assert time.monotonic() - before < 30
    _run(client, "/exports/116000000001")
    assert client.get("/files/116000000001").content.count(b"\n") == 100_001
