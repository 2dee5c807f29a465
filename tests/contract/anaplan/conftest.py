"""A sandbox Anaplan server of its own process, in its own time, and targets that talk to it."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

import ml_connector
from ml_connector.ports import Action, ActionKind, TaskResult
from ml_connector.systems.anaplan.adapter import AnaplanTarget
from ml_connector.systems.anaplan.connection import AnaplanSettings

SOURCE_ROOT = Path(ml_connector.__file__).parents[1]
OURS = datetime(2031, 5, 4, 3, 2, tzinfo=UTC)
FINANCE = "Finance Planning"
USER = "integration@halden.example"
FACT_COLUMNS = "Entity,Account,Cost Centre,Currency,Version,Period,Amount\n"


class Sandbox:
    """The server, seen from the side door."""

    def __init__(self, url: str, http: httpx2.Client) -> None:
        self.url = url
        self._http = http

    def tell(self, method: str, name: str, body: Any = None) -> Any:
        """The answer of a control operation."""
        reply = self._http.request(method, f"{self.url}/__sandbox/{name}", json=body)
        assert reply.status_code < 300, reply.text
        return reply.json() if reply.content else None

    def do(self, name: str, **body: Any) -> Any:
        """The result of an admin operation."""
        return self.tell("POST", name, body)["result"]

    def turn(self, **switches: Any) -> None:
        """The switches stand as given; `__` in a name is a dot."""
        named = {name.replace("__", "."): value for name, value in switches.items()}
        self.tell("POST", "switches", named)

    def spoil(self, **rule: Any) -> None:
        """The fault rule is in force."""
        self.tell("POST", "faults", rule)

    def advance(self, seconds: float) -> None:
        """The server's time has moved."""
        self.tell("POST", "clock", {"advance_s": seconds})

    def calls(self, word: str = "", method: str = "") -> list[str]:
        """Method and path of the requests whose path holds the word, in order."""
        lines = self.tell("GET", "journal")["lines"]
        found = (f"{line['method']} {line['path']}" for line in lines)
        return [call for call in found if word in call and call.startswith(method)]

    def model(self, name: str = FINANCE) -> dict[str, Any]:
        """Ids of a model and of what it holds."""
        found: dict[str, Any] = self.tell("GET", "info")["models"][name]
        return found

    def ids(self, kind: str, model: str = FINANCE) -> dict[str, str]:
        """Ids by name of one kind of object of a model."""
        found: dict[str, str] = self.model(model)[kind]
        return found


@dataclass(slots=True)
class PairedClock:
    """Our clock: five years ahead of the server's, which moves whenever ours is slept on."""

    sandbox: Sandbox
    at: datetime = OURS
    slept_s: float = 0.0

    def now(self) -> datetime:
        """Our instant."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """Both clocks stand that much later."""
        self.at += timedelta(seconds=seconds)
        self.slept_s += seconds
        self.sandbox.advance(seconds)


@dataclass(slots=True)
class Budget:
    """Counts grants, keeps holds, and makes those who ask wait for their end."""

    clock: PairedClock
    grants: list[str] = field(default_factory=list)
    holds: list[tuple[str, float]] = field(default_factory=list)
    held_until: datetime = OURS

    def acquire(self, key: str) -> None:
        """One request may be sent; a hold is waited out first."""
        left = (self.held_until - self.clock.now()).total_seconds()
        if left > 0:
            self.clock.sleep(left)
        self.grants.append(key)

    def hold(self, key: str, seconds: float) -> None:
        """Nobody sends for that long."""
        self.holds.append((key, seconds))
        self.held_until = self.clock.now() + timedelta(seconds=seconds)


class Safe:
    """Resolves references to the sandbox's passwords and keys."""

    def __init__(self) -> None:
        self.texts = {"secret:word": "halden-password"}

    def read_secret(self, reference: str) -> str:
        """The text behind a reference."""
        return self.texts[reference]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One process for the tests of a module; each test begins on a reset state."""
    state = tmp_path_factory.mktemp("sandbox")
    command = [
        sys.executable, "-m", "ml_connector.sandbox", "--state", str(state), "--only", "anaplan",
        "--clock", "virtual", "--exit-with-stdin",
    ]  # fmt: skip
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE_ROOT)},
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        url = json.loads(process.stdout.readline())["anaplan"]
        with httpx2.Client(timeout=30, trust_env=False) as http:
            yield Sandbox(url, http)
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(20)


@pytest.fixture
def sandbox(server: Sandbox) -> Iterator[Sandbox]:
    """The server on its seeded state, switches and faults cleared."""
    server.tell("POST", "reset")
    yield server
    server.tell("POST", "reset")


@pytest.fixture
def clock(sandbox: Sandbox) -> PairedClock:
    """Our clock."""
    return PairedClock(sandbox)


@pytest.fixture
def budget(clock: PairedClock) -> Budget:
    """The allowance of requests."""
    return Budget(clock)


@pytest.fixture
def safe() -> Safe:
    """The secrets."""
    return Safe()


Connect = Callable[..., AnaplanTarget]


@pytest.fixture
def connect(sandbox: Sandbox, clock: PairedClock, budget: Budget, safe: Safe) -> Iterator[Connect]:
    """Makes targets: `connect(model="Locked", user=..., workspace_id=...)`; closes them."""
    opened: list[AnaplanTarget] = []

    def make(*, model: str = FINANCE, user: str = USER, **changes: Any) -> AnaplanTarget:
        found = sandbox.model(model)
        plain = {
            "name": "anaplan-fin",
            "auth_url": sandbox.url,
            "api_url": sandbox.url,
            "workspace_id": found["workspace"],
            "model_id": found["id"],
            "auth": {"method": "password", "user": user, "password": "secret:word"},
        }
        settings = AnaplanSettings.model_validate(plain | changes)
        target = AnaplanTarget(
            settings, secrets=safe, clock=clock, budget=budget, customer="halden"
        )
        opened.append(target)
        return target

    yield make
    for target in opened:
        target.close()


@pytest.fixture
def target(connect: Connect) -> AnaplanTarget:
    """The main model."""
    return connect()


Upload = Callable[..., str]
Finish = Callable[..., TaskResult]
FindAction = Callable[..., Action]


@pytest.fixture
def find_action(target: AnaplanTarget) -> FindAction:
    """Finds an action by its name."""

    def find(name: str, kind: ActionKind = ActionKind.IMPORT, at: Any = target) -> Action:
        found: Action = next(one for one in at.read_actions(kind) if one.name == name)
        return found

    return find


@pytest.fixture
def upload(target: AnaplanTarget) -> Upload:
    """Uploads a text into the file of an import, cut into pieces of some bytes."""

    def send(file_id: str, text: str, *, size: int = 40, at: AnaplanTarget = target) -> str:
        content = text.encode()
        pieces = [content[start : start + size] for start in range(0, len(content), size)]
        at.submit_chunk_count(file_id, len(pieces))
        for index, piece in enumerate(pieces):
            at.submit_chunk(file_id, index, gzip.compress(piece, mtime=0))
        at.submit_upload_complete(file_id, len(pieces))
        assert at.read_chunk_count(file_id) == len(pieces)
        return file_id

    return send


@pytest.fixture
def finish(target: AnaplanTarget, clock: PairedClock) -> Finish:
    """Follows a task to its end."""

    def follow(action: Action, task_id: str, *, at: AnaplanTarget = target) -> TaskResult:
        for _ in range(50):
            clock.sleep(5)
            result = at.read_task(action, task_id)
            if result.is_terminal:
                return result
        raise AssertionError(f"task {task_id} never ended")

    return follow


@pytest.fixture
def members(sandbox: Sandbox) -> None:
    """The lists hold what one fact needs."""
    for name, code in (
        ("Entities", "101"),
        ("Accounts", "68010"),
        ("Cost Centres", "120"),
        ("Currencies", "USD"),
    ):
        sandbox.do("add_items", list=name, items=[{"code": code, "name": f"{code} name"}])
