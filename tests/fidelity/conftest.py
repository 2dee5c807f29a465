"""Fixtures that start sandbox servers: in this process, or as a process that can be killed."""

import base64
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

import ml_connector.sandbox
from ml_connector.sandbox.anaplan.server import AnaplanServer, build_anaplan_server
from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.server import SandboxServer

SOURCE_ROOT = Path(ml_connector.sandbox.__file__).parents[2]
StartServer = Callable[[SandboxServer], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxProcess:
    """A sandbox running as a process of its own."""

    process: "subprocess.Popen[str]"
    fusion: str | None
    anaplan: str | None
    state_dir: Path

    def kill(self) -> None:
        """The process is gone without having had a say."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """The process has been asked to end; its exit code."""
        self.process.terminate()
        return self.process.wait(20)


StartProcess = Callable[..., SandboxProcess]


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    """An empty state folder."""
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


@pytest.fixture
def clock(state_dir: Path) -> SandboxClock:
    """A virtual clock that stands at the sandbox's first moment."""
    return SandboxClock(state_dir, virtual=True)


@pytest.fixture
def start_server() -> Iterator[StartServer]:
    """Starts servers in this process and stops them after the test."""
    with contextlib.ExitStack() as stack:

        def start(server: SandboxServer) -> str:
            stack.callback(server.stop)
            return server.start()

        yield start


@pytest.fixture
def start_process(state_dir: Path) -> Iterator[StartProcess]:
    """Starts `python -m ml_connector.sandbox` with further arguments; ends it after the test."""
    with contextlib.ExitStack() as stack:

        def start(*arguments: str) -> SandboxProcess:
            command = [sys.executable, "-m", "ml_connector.sandbox", "--state", str(state_dir)]
            process = stack.enter_context(
                subprocess.Popen(
                    [*command, "--exit-with-stdin", *arguments],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    env={**os.environ, "PYTHONPATH": str(SOURCE_ROOT)},
                )
            )
            stack.callback(process.kill)
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            return SandboxProcess(
                process=process,
                fusion=ready["fusion"],
                anaplan=ready["anaplan"],
                state_dir=state_dir,
            )

        yield start


@pytest.fixture
def control() -> Iterator[Callable[..., Any]]:
    """Calls a control operation: `control(url, "POST", "clock", {"advance_s": 60})`."""
    # Without certificates to load a client is made in a tenth of the time.
    with httpx2.Client(timeout=30, verify=False) as client:

        def call(url: str, method: str, name: str, body: Any = None) -> Any:
            reply = client.request(method, f"{url}/__sandbox/{name}", json=body)
            assert reply.status_code < 300, reply.text
            return reply.json() if reply.content else None

        yield call


class Tenant:
    """The Anaplan server with a logged-in client and the few moves most tests make."""

    def __init__(self, server: AnaplanServer, url: str, client: httpx2.Client) -> None:
        self.server = server
        self.url = url
        self.http = client
        self.info: dict[str, Any] = self.control("GET", "info")
        self.model = "Finance Planning"

    @property
    def ids(self) -> dict[str, Any]:
        """The ids of the model in use, by kind and name."""
        found: dict[str, Any] = self.info["models"][self.model]
        return found

    @property
    def base(self) -> str:
        """The path of the model in use."""
        return f"/2/0/workspaces/{self.ids['workspace']}/models/{self.ids['id']}"

    def control(self, method: str, name: str, body: Any = None) -> Any:
        """A control operation; its JSON answer."""
        reply = self.http.request(method, f"/__sandbox/{name}", json=body)
        assert reply.status_code < 300, reply.text
        return reply.json() if reply.content else None

    def admin(self, operation: str, /, **body: Any) -> Any:
        """An admin operation on the model in use; its result."""
        return self.control("POST", operation, {"model": self.model, **body})["result"]

    def switch(self, **positions: Any) -> None:
        """The switches stand as given; a double underscore in a name is the dot."""
        values = {name.replace("__", "."): value for name, value in positions.items()}
        self.control("POST", "switches", values)

    def fault(self, **rule: Any) -> None:
        """The fault rule is in force."""
        self.control("POST", "faults", rule)

    def advance(self, seconds: float) -> None:
        """The clock has moved."""
        self.control("POST", "clock", {"advance_s": seconds})

    def journal(self) -> list[dict[str, Any]]:
        """Every request so far."""
        lines: list[dict[str, Any]] = self.control("GET", "journal")["lines"]
        return lines

    def login(self, email: str = "integration@halden.example") -> httpx2.Response:
        """The answer to a login with the seeded password."""
        word = base64.b64encode(f"{email}:halden-password".encode()).decode()
        return self.http.post("/token/authenticate", headers={"Authorization": f"Basic {word}"})

    def act_as(self, email: str) -> None:
        """Further requests carry a token of this user."""
        token = self.login(email).json()["tokenInfo"]["tokenValue"]
        self.http.headers["Authorization"] = f"AnaplanAuthToken {token}"

    def get(self, path: str, **options: Any) -> httpx2.Response:
        """GET below the model."""
        return self.http.get(self.base + path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> httpx2.Response:
        """POST below the model."""
        return self.http.post(self.base + path, json=json, **options)

    def put(self, path: str, content: bytes, kind: str = "application/octet-stream") -> int:
        """PUT bytes below the model; the status."""
        headers = {"Content-Type": kind}
        return self.http.put(self.base + path, content=content, headers=headers).status_code

    def upload(self, source: str, text: str | bytes) -> None:
        """The file (by its source's name) has been staged in one piece."""
        content = text.encode() if isinstance(text, str) else text
        assert self.put(f"/files/{self.ids['sources'][source]}", content) == 204

    def start(self, kind: str, name: str, **body: Any) -> str:
        """The path of the task of a fresh run."""
        path = f"/{kind}/{self.ids[kind][name]}/tasks"
        reply = self.post(path, {"localeName": "en_US", **body})
        assert reply.status_code == 200, reply.text
        return f"{path}/{reply.json()['task']['taskId']}"

    def task(self, path: str) -> dict[str, Any]:
        """The task as the API shows it now."""
        shown: dict[str, Any] = self.get(path).json()["task"]
        return shown

    def run(self, kind: str, name: str, **body: Any) -> dict[str, Any]:
        """The result of a run that was given the time it needs."""
        path = self.start(kind, name, **body)
        self.advance(30)
        task = self.task(path)
        assert task["taskState"] == "COMPLETE", task
        result: dict[str, Any] = task["result"]
        return {**result, "path": path}

    def load(self, source: str, import_name: str, text: str | bytes) -> dict[str, Any]:
        """The result of an import of this text."""
        self.upload(source, text)
        return self.run("imports", import_name)

    def load_dimensions(self) -> None:
        """A few members stand in every list, with parents above the leaves."""
        self.load("entities.csv", "Load Entities", "Code,Name,Parent\nHI,Halden,\n101,US,HI\n")
        text = "Code,Name,Parent,Account Type\nPL,Profit,,\n4000,Sales,PL,R\n6000,Rent,PL,E\n"
        self.load("accounts.csv", "Load Accounts", text)
        text = "Code,Name,Parent\nALL,All centres,\n120,Works,ALL\n"
        self.load("cost_centres.csv", "Load Cost Centres", text)
        self.load("currencies.csv", "Load Currencies", "Code,Name\nUSD,US Dollar\nJPY,Yen\n")

    def cells(self, module: str) -> dict[tuple[str, ...], Any]:
        """The stored values of a one-line-item module by coordinate codes."""
        found = self.admin("read_cells", module=module)
        return {tuple(one["coordinates"].values()): one["value"] for one in found}


@pytest.fixture
def anaplan(state_dir: Path, clock: SandboxClock, start_server: StartServer) -> Iterator[Tenant]:
    """A fresh tenant in virtual time, the integration user logged in."""
    server = build_anaplan_server(state_dir, clock)
    url = start_server(server)
    with httpx2.Client(base_url=url, timeout=30, verify=False) as client:
        tenant = Tenant(server, url, client)
        tenant.act_as("integration@halden.example")
        yield tenant


@pytest.fixture
def finance(anaplan: Tenant) -> Tenant:
    """The tenant with a few members in every list of the main model."""
    anaplan.load_dimensions()
    return anaplan


@pytest.fixture
def lab(anaplan: Tenant) -> Tenant:
    """The tenant with the model of odd formats in use."""
    anaplan.model = "Lab"
    return anaplan
