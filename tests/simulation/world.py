"""The world of one seed: sandbox servers, a project, its databases, and what outlives a process.

Everything slow is made once per process and copied: the company's books, the model with its lists
filled by a run of F1, the project's migrated databases.
"""

import atexit
import json
import logging
import os
import random
import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

import structlog
from tests.conftest import change_yaml
from tests.simulation.appending import APPEND
from tests.simulation.appending import FLOW as APPEND_FLOW
from tests.simulation.books import Cells
from tests.simulation.disk import Disk, spoiling_files
from tests.simulation.engine import RunMemory
from tests.simulation.events import post_batch
from tests.simulation.house import SimHouse
from tests.simulation.inline import inline_threads
from tests.simulation.life import Life
from tests.simulation.loopback import Loopback, Wire
from tests.simulation.suppliers import FLOW as SUPPLIER_FLOW
from tests.simulation.suppliers import SETTINGS, VARIANTS
from tests.simulation.times import SimClock, VirtualClock

from ml_connector.records import setup
from ml_connector.sandbox.anaplan.server import AnaplanServer, build_anaplan_server
from ml_connector.sandbox.fusion.server import build_fusion_server
from ml_connector.sandbox.http import parse_request
from ml_connector.sandbox.jde.server import build_jde_server
from ml_connector.sandbox.server import SandboxServer
from ml_connector.settings import Project, project_template
from ml_connector.wiring import read_project
from ml_connector.wiring.projects import SANDBOX_MODEL, connection_models

FLOW = "actuals-fusion"
LINES = 200
"""Asked of the company: its named batches alone, some 1 900 lines over all ledgers."""
FUSION, ANAPLAN, JDE = "http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3"
MEMORY_DISK = Path("/dev/shm")
SMALL = {"first_month": "2026-10", "ledgers": ["Halden US", "Halden Japan"]}
SMALL_BUDGET = {
    "ledgers": ["00001/BA"],
    "last_month": "2026-11",
    "approval": {"people": 0},
    "guards": {"vanished_ratio_max": 1},
    # Longer, and the same look is had more often, nothing else.
    "settle_minutes": 4,
}
PODS, PROJECT = "pods", "project"
RECORDS = ".state/records.db"
LOADS = frozenset({"imports", "processes"})
"""Kinds of tasks that load."""
LOADED = "loaded"
"""The variant whose first load has been made."""
SEED_HOURS = 2
"""Hours after the books' own beginning at which a seed begins; loads before it are an hour old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pods:
    """The sandbox's servers, answering in this process."""

    fusion: SandboxServer
    anaplan: AnaplanServer
    jde: SandboxServer
    folder: Path

    def ask(self, server: SandboxServer, name: str, /, **body: Any) -> Any:
        """The result of an operation of the sandbox's side door."""
        reply = server._take(_control(name, body))
        assert reply.status < 300, reply.body.decode()
        return _parse(reply.body)["result"]

    def close(self) -> None:
        """The books are closed."""
        for server in (self.fusion, self.anaplan, self.jde):
            server.store.close()


@dataclass(slots=True, kw_only=True)
class World:
    """One seed's world."""

    pods: Pods
    project: Project
    rng: random.Random
    clock: SimClock
    wire: Wire
    disk: Disk
    memory: dict[str, RunMemory] = field(default_factory=dict)
    logs: Path
    processes: int = 0
    submitted: list[dict[str, Any]] = field(default_factory=list)
    """Every task the tenant was made to start, in its own words."""
    spoiled_tasks: set[str] = field(default_factory=set)
    """Tasks that somebody made vanish or cancelled."""
    versions: list[Cells] = field(default_factory=list)
    """What the books came to, each time they moved."""
    is_slow: bool = False
    """The project may send few requests a minute."""
    approved: dict[Any, Any] = field(default_factory=dict)
    """What planners have approved, where a story is about that."""
    _records: sqlite3.Connection | None = None

    def read_rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the records database, as they lie in the file."""
        if self._records is None:
            # Kept: to open it is to read the whole schema.
            self._records = sqlite3.connect(self.root / RECORDS)
        return self._records.execute(sql).fetchall()

    def close(self) -> None:
        """Nobody reads the records any more."""
        if self._records is not None:
            self._records.close()
        self._records = None

    def open_process(self, life: Life) -> SimHouse:
        """A new process over the same project."""
        self.processes += 1
        transports = _wire_pods(self.pods, self.wire, life)
        return SimHouse(
            self.project, clock=self.clock, life=life, transports=transports, memory=self.memory
        )

    def close_process(self, house: SimHouse | None, life: Life) -> None:
        """The process is gone, in good order if it lives; some die before they have a house."""
        try:
            if house is None:
                return
            if life.died:
                house.let_go()
            else:
                house.close()
        finally:
            setup.close()

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self.project.root


def _wire_pods(pods: Pods, wire: Wire, life: Life) -> dict[str, Loopback]:
    servers = {"fusion": pods.fusion, "anaplan": pods.anaplan, "jde": pods.jde}
    return {name: Loopback(server, wire=wire, life=life) for name, server in servers.items()}


def _control(name: str, body: dict[str, Any]) -> Any:
    return parse_request("POST", f"/__sandbox/{name}", {}, json.dumps(body).encode())


def _parse(content: bytes) -> Any:
    return json.loads(content)


@contextmanager
def open_world(seed: int, *, variant: str = "plain") -> Iterator[World]:
    """A fresh world for the seed; its folder is gone at the end of the block."""
    template = make_template()
    rng = random.Random(seed)
    random.seed(seed)
    # At one place, so that the settings are read once per variant.
    folder = template / f"seed {os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(_pods_of(template, variant), folder / PODS)
    shutil.copytree(template / variant, folder / PROJECT)
    project = _read_settings(folder / PROJECT, variant)
    with _pretending(rng), _open_pods(folder / PODS, hours=SEED_HOURS) as (pods, sandbox_clock):
        clock = SimClock(sandbox=sandbox_clock, rng=rng)
        logs = folder / "stderr.log"
        disk = Disk()
        world = World(
            pods=pods, project=project, rng=rng, clock=clock, wire=Wire(clock=clock), disk=disk,
            logs=logs, is_slow=variant == "slow",
        )  # fmt: skip
        noting, spoiling = _noting_tasks(world), spoiling_files(disk)
        with closing(world), noting, spoiling, logs.open("w") as out, _stderr(out):
            yield world
    shutil.rmtree(folder, ignore_errors=True)


def _pods_of(template: Path, variant: str) -> Path:
    return template / (f"{PODS} {LOADED}" if variant == LOADED else PODS)


@contextmanager
def _pretending(rng: random.Random) -> Iterator[None]:
    """Nothing in the process is drawn but from the seed, nothing runs beside it."""
    names = random.Random(rng.random())
    drawn = patch.object(secrets, "token_hex", lambda size=16: names.randbytes(size).hex())
    # The copied databases have every migration: to look again costs each process some lists.
    migrated = patch.object(setup, "migrate", lambda: None)
    with drawn, migrated, inline_threads():
        yield


@contextmanager
def _stderr(out: Any) -> Iterator[None]:
    """Whatever the block logs goes to the file, and nothing does after it is closed."""
    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    try:
        with patch("sys.stderr", out):
            yield
    finally:
        root.handlers[:], level = before
        root.setLevel(level)
        structlog.reset_defaults()


@cache
def _settings_of(root: Path, variant: str) -> Project:
    assert variant
    return read_project(root)


def _read_settings(root: Path, variant: str) -> Project:
    return _settings_of(root, variant)


@contextmanager
def _open_pods(folder: Path, *, hours: int = 0) -> Iterator[tuple[Pods, VirtualClock]]:
    clock = VirtualClock(hours=hours)
    fusion = build_fusion_server(folder, clock, lines=LINES)
    anaplan = build_anaplan_server(folder, clock)
    jde = build_jde_server(folder, clock, lines=LINES // 3)
    for server, url in ((fusion, FUSION), (anaplan, ANAPLAN), (jde, JDE)):
        # Of a listening server only its address is asked.
        server._http = cast("Any", SimpleNamespace(url=url))
    pods = Pods(fusion=fusion, anaplan=anaplan, jde=jde, folder=folder)
    try:
        yield pods, clock
    finally:
        pods.close()


@contextmanager
def _noting_tasks(world: World) -> Iterator[None]:
    """Whatever starts a task in the tenant, the tenant's own book of starts knows it."""
    engine: Any = world.pods.anaplan.engine
    submit: Callable[..., Any] = engine.submit

    def noting(task_of: Any) -> Any:
        alive = [task.id for task in engine._tasks.values() if not task.is_over]
        task = submit(task_of)
        world.submitted.append(
            {"id": task.id, "object": task.object_id, "user": task.user, "kind": task.kind,
             "beside": [one for one in alive if _is_ours(world, one)]}
        )  # fmt: skip
        return task

    engine.submit = noting
    try:
        yield
    finally:
        engine.submit = submit


def _is_ours(world: World, task_id: str) -> bool:
    return any(
        row["id"] == task_id
        and row["user"] == "integration@halden.example"
        and row["kind"] in LOADS
        for row in world.submitted
    )


@cache
def make_template() -> Path:
    """A folder in memory with everything a world is copied of; made once per process."""
    parent = MEMORY_DISK if MEMORY_DISK.is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix="simulation-", dir=parent))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with _open_pods(folder / PODS) as (pods, clock):
        _write_project(folder / "plain", pods)
        project = read_project(folder / "plain")
        sim = SimClock(sandbox=clock, rng=random.Random(0))
        wire = Wire(clock=sim)
        life = Life()
        with inline_threads(), (folder / "log").open("w") as out, _stderr(out):
            transports = _wire_pods(pods, wire, life)
            house = SimHouse(project, clock=sim, life=life, transports=transports, memory={})
            _save_secrets(house)
            assert str(house.run("dimensions-fusion", {}).state) == "succeeded"
            house.close()
            setup.close()
            _write_budgets(folder / "budgets", pods)
            project = read_project(folder / "budgets")
            house = SimHouse(project, clock=sim, life=life, transports=transports, memory={})
            _save_secrets(house)
            _ask_budget(house)
            house.close()
            setup.close()
        for server in (pods.fusion, pods.anaplan, pods.jde):
            server.journal.clear()
        pods.anaplan.engine.clear()
    _write_variants(folder)
    _load_once(folder)
    return folder


def _load_once(folder: Path) -> None:
    """A project has made its first load, and pods of its own have taken it.

    Among it is a batch whose cells are no other's: once it is reversed they are empty again.
    """
    shutil.copytree(folder / "plain", folder / LOADED)
    shutil.copytree(folder / PODS, _pods_of(folder, LOADED))
    with _open_pods(_pods_of(folder, LOADED), hours=SEED_HOURS - 1) as (pods, clock):
        sim = SimClock(sandbox=clock, rng=random.Random(0))
        post_batch(SimpleNamespace(pods=pods, rng=sim.rng), 0)
        life = Life()
        transports = _wire_pods(pods, Wire(clock=sim), life)
        with inline_threads(), (folder / "log").open("w") as out, _stderr(out):
            project = read_project(folder / LOADED)
            house = SimHouse(project, clock=sim, life=life, transports=transports, memory={})
            assert str(house.run_as("loaded", FLOW, {}).state) == "succeeded"
            house.close()
            setup.close()
        for server in (pods.fusion, pods.anaplan, pods.jde):
            server.journal.clear()


def _write_project(root: Path, pods: Pods, *, jde_url: str = "") -> None:
    model = pods.anaplan.info()["models"][SANDBOX_MODEL]
    content = project_template.render_sandbox_project(
        fusion_url=FUSION, anaplan_url=ANAPLAN, workspace_id=model["workspace"],
        model_id=model["id"], connection_models=connection_models(), jde_url=jde_url,
    )  # fmt: skip
    project_template.save_project(root, content)
    change_yaml(root / f"flows/{FLOW}.yaml", {**SMALL, "dimensions_flow": None})


def _save_secrets(house: SimHouse) -> None:
    for name, value in project_template.SANDBOX_SECRETS.items():
        house.save_secret(name, value)


def _ask_budget(house: SimHouse) -> None:
    """The places of the request budget are in the database, hundreds of rows each."""
    for connection in house.project.connections.values():
        house.budget.acquire(cast("Any", connection).budget_key())


def _write_budgets(root: Path, pods: Pods) -> None:
    """A project of nothing but one small budget flow that asks nobody."""
    _write_project(root, pods, jde_url=JDE)
    kept = {"budgets-jde", "jde-sandbox", "anaplan-sandbox"}
    for file in (*root.glob("flows/*.yaml"), *root.glob("connections/*.yaml")):
        if file.stem not in kept:
            file.unlink()
    change_yaml(root / "flows/budgets-jde.yaml", SMALL_BUDGET)


def _write_variants(folder: Path) -> None:
    shutil.copytree(folder / "plain", folder / "lists")
    change_yaml(folder / f"lists/flows/{FLOW}.yaml", {"dimensions_flow": "dimensions-fusion"})
    shutil.copytree(folder / "plain", folder / "slow")
    change_yaml(folder / "slow/connections/anaplan-sandbox.yaml", {"requests_per_minute": 20})
    shutil.copytree(folder / "budgets", folder / "budgets asked")
    asked = {"approval": {"people": 1, "second_above": "700"}}
    change_yaml(folder / "budgets asked/flows/budgets-jde.yaml", asked)
    shutil.copytree(folder / "plain", folder / APPEND)
    small = {**SMALL, "dimensions_flow": None}
    change_yaml(folder / f"{APPEND}/flows/{APPEND_FLOW}.yaml", small)
    for name, changes in VARIANTS.items():
        shutil.copytree(folder / "plain", folder / name)
        change_yaml(folder / f"{name}/flows/{SUPPLIER_FLOW}.yaml", {**SETTINGS, **changes})
