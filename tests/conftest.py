"""For every test: no network but this machine's; the sandbox company on a clock that is moved."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from pytest_socket import disable_socket, enable_socket, socket_allow_hosts

import ml_connector

SOURCE_ROOT = Path(ml_connector.__file__).parents[1]
HERE = Path(__file__).parent
WITHOUT_SOCKETS = {"unit", "laws"}
LOOPBACK = ["127.0.0.1", "::1", "localhost"]
LINES = 3_000


@pytest.fixture(autouse=True)
def bounded_network(request: pytest.FixtureRequest) -> Iterator[None]:
    """A unit that opens a socket fails; any other test reaches the loopback interface only."""
    folder = request.path.relative_to(HERE).parts[0]
    if folder in WITHOUT_SOCKETS:
        disable_socket(allow_unix_socket=True)
    else:
        socket_allow_hosts(LOOPBACK, allow_unix_socket=True)
    yield
    enable_socket()
    socket_allow_hosts(None)


@dataclass(slots=True)
class BridgedClock:
    """Our clock and the sandbox's move together: a wait of ours passes there too."""

    fusion: str
    at: datetime = field(default_factory=lambda: datetime(2026, 11, 22, 6, 0, tzinfo=UTC))

    def now(self) -> datetime:
        """The current instant."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """Both clocks stand that many seconds later."""
        self.at += timedelta(seconds=seconds)
        call_control(self.fusion, "POST", "clock", {"advance_s": seconds})


def call_control(url: str, method: str, name: str, body: Any = None) -> Any:
    """The answer of a control operation of the sandbox."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(f"{url}/__sandbox/{name}", data=data, method=method)
    try:
        with urlopen(request, timeout=60) as reply:
            content = reply.read()
    except HTTPError as error:
        with error:
            raise AssertionError(error.read().decode()) from error
    return json.loads(content) if content else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """A running sandbox and the questions tests ask behind the product's back."""

    fusion: str
    anaplan: str
    state_dir: Path

    def clock(self) -> BridgedClock:
        """A clock that moves the sandbox's as well."""
        return BridgedClock(self.fusion)

    def erp(self, name: str, /, **body: Any) -> Any:
        """Do something in the ERP that no client could."""
        return call_control(self.fusion, "POST", name, body)["result"]

    def model(self, name: str, /, **body: Any) -> Any:
        """Do something in the planning tenant that no client could."""
        return call_control(self.anaplan, "POST", name, body)["result"]

    def fail(self, url: str, **rule: Any) -> None:
        """The next requests that fit the rule are spoiled."""
        call_control(url, "POST", "faults", rule)

    def mend(self) -> None:
        """No request is spoiled any more."""
        for url in (self.fusion, self.anaplan):
            call_control(url, "DELETE", "faults")

    def turn(self, url: str, **switches: Any) -> None:
        """Switches stand as given."""
        call_control(url, "POST", "switches", switches)

    def journal(self, url: str) -> list[dict[str, Any]]:
        """Every request the server has seen, oldest first."""
        return list(call_control(url, "GET", "journal")["lines"])

    def cells(self, module: str = "Actuals") -> dict[str, str]:
        """What the module holds: coordinates as text to the amount; zeros left out."""
        return {
            json.dumps(cell["coordinates"], sort_keys=True): str(cell["value"])
            for cell in self.model("read_cells", module=module)
            if cell["value"] not in (0, 0.0, "0", None, "")
        }

    def starts(self, action_path: str = "/imports/") -> list[str]:
        """Paths of the task starts the tenant has accepted, in order."""
        return [
            line["path"]
            for line in self.journal(self.anaplan)
            if line["method"] == "POST"
            and line["path"].endswith("/tasks")
            and action_path in line["path"]
            and line["status"] == 200
        ]


StartCompany = Callable[..., Company]


@pytest.fixture(scope="session")
def start_company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartCompany]:
    """Starts sandbox processes; they end with the session."""
    with ExitStack() as stack:

        def start(lines: int = LINES) -> Company:
            state = tmp_path_factory.mktemp("sandbox")
            process = stack.enter_context(
                subprocess.Popen(
                    [
                        sys.executable, "-m", "ml_connector.sandbox", "--state", str(state),
                        "--lines", str(lines), "--clock", "virtual", "--exit-with-stdin",
                    ],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                    env={**os.environ, "PYTHONPATH": str(SOURCE_ROOT)},
                )
            )  # fmt: skip
            stack.callback(process.kill)
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            return Company(fusion=ready["fusion"], anaplan=ready["anaplan"], state_dir=state)

        yield start


@pytest.fixture(scope="session")
def shared_company(start_company: StartCompany) -> Company:
    """One sandbox for the session; `company` hands it out reset."""
    return start_company()


@pytest.fixture
def company(shared_company: Company) -> Company:
    """The sandbox as on its first day."""
    for url in (shared_company.fusion, shared_company.anaplan):
        call_control(url, "POST", "reset", {})
    return shared_company


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectMaker:
    """Writes project folders for the company, cut to what a test needs."""

    company: Company
    root: Path

    def make(self, **changes: Any) -> Path:
        """A project folder; `changes` replace keys of flows/actuals-fusion.yaml."""
        from ruamel.yaml import YAML  # noqa: PLC0415 - as above.

        from ml_connector.wiring import write_sandbox_project  # noqa: PLC0415 - as above.

        write_sandbox_project(
            self.root, fusion_url=self.company.fusion, anaplan_url=self.company.anaplan
        )
        path = self.root / "flows" / "actuals-fusion.yaml"
        yaml = YAML()
        flow = yaml.load(path)
        flow.update(changes)
        for key in [key for key, value in flow.items() if value is None]:
            del flow[key]
        with path.open("w") as out:
            yaml.dump(flow, out)
        return self.root


@pytest.fixture
def projects(company: Company, tmp_path: Path) -> ProjectMaker:
    """Makes a project folder for the company."""
    return ProjectMaker(company=company, root=tmp_path / "project")
