"""Worker commands on one PostgreSQL over a sandbox, and the side doors of all three."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from scripts.lost_replies.projects import change_yaml
from scripts.lost_replies.stage import LINES, Json, Stage
from scripts.sandbox_servers import running_sandbox
from tests.fakes.postgres import running_postgres

from ml_connector.wiring import open_house, write_sandbox_project

URLS = ("ML_CONNECTOR__DATABASE_URL", "ML_CONNECTOR__ENGINE_URL")
FLOW, MEMBERS = "actuals-fusion", "dimensions-fusion"
LEDGER, FIRST_MONTH = "Halden US", "2026-09"
LOOK_S = 0.02
PATIENCE_S = 300.0
"""Longest wait for anything; a load that was never sent is looked for for more than a minute."""


class FloorError(Exception):
    """Something that was waited for did not come; the figures would be worth nothing."""


@dataclass(slots=True)
class Floor:
    """Running workers, by process id, and the questions asked behind their backs."""

    stage: Stage
    root: Path
    client: "psycopg.Connection[Any]"
    workers: "dict[int, subprocess.Popen[bytes]]" = field(default_factory=dict)

    def hire(self, count: int = 1) -> None:
        """So many more workers are in the crew."""
        wanted = self._count_members() + count
        for _ in range(count):
            worker = subprocess.Popen(
                [sys.executable, "-m", "ml_connector", "worker", "--project", str(self.root)],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            self.workers[worker.pid] = worker
        self.until(lambda: self._count_members() >= wanted, "workers join")

    def bury(self, pid: int) -> None:
        """The process is gone, and its place in the list."""
        worker = self.workers.pop(pid)
        worker.kill()
        worker.wait()

    def bury_all(self) -> None:
        """No worker is left."""
        for pid in list(self.workers):
            self.bury(pid)

    def find_worker(self, run_id: str) -> int | None:
        """Process id of the worker that executes the run; None while it is queued."""
        rows = self.ask(
            "SELECT executor_id FROM dbos.workflow_status"
            " WHERE workflow_uuid = %s AND status = 'PENDING'", run_id,
        )  # fmt: skip
        return pid_of(str(rows[0][0])) if rows else None

    def find_holder(self) -> int | None:
        """Process id of whoever holds the model; None while nobody does."""
        rows = self.ask("SELECT holder FROM records_modellease WHERE holder <> ''")
        return int(str(rows[0][0]).rsplit(":", 2)[1]) if rows else None

    def load_steps(self, run_id: str) -> list[tuple[str, str]]:
        """Name and state of the run's steps so far."""
        rows = self.ask(
            "SELECT s.name, s.state FROM records_step s JOIN records_run r ON r.id = s.run_id"
            " WHERE r.run_id = %s ORDER BY s.id", run_id,
        )  # fmt: skip
        return [(str(name), str(state)) for name, state in rows]

    def ask(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """The rows, past everything of ours."""
        return list(self.client.execute(query.encode(), values).fetchall())

    def until(self, holds: Callable[[], bool], what: str) -> float:
        """Seconds until it held.

        Raises:
            FloorError: It did not for too long.
        """
        began_at = time.monotonic()
        while not holds():
            if time.monotonic() - began_at > PATIENCE_S:
                raise FloorError(f"waited {PATIENCE_S:.0f} s until {what}")
            time.sleep(LOOK_S)
        return time.monotonic() - began_at

    def count_tasks(self) -> int:
        """Imports the model has ever been told to start, answered or not."""
        found: list[Json] = self.stage.do("anaplan", "read_tasks")
        return sum(1 for task in found if str(task["object"]).startswith("112"))

    def _count_members(self) -> int:
        rows = self.ask("SELECT count(*) FROM ml_connector_worker WHERE NOT is_dead")
        return int(str(rows[0][0]))


def pid_of(executor_id: str) -> int:
    """The process in `HOST-PID-TOKEN`."""
    return int(executor_id.rsplit("-", 2)[1])


@contextmanager
def open_floor(folder: Path, *, workers: int) -> Iterator[Floor]:
    """A project on a fresh server whose members are loaded; nothing is left of it afterwards."""
    with ExitStack() as stack:
        server = stack.enter_context(running_postgres())
        url = stack.enter_context(server.database())
        stack.enter_context(_environment(url))
        urls = running_sandbox(folder / "sandbox", lines=LINES, only=("fusion", "anaplan"))
        stage = Stage(urls=stack.enter_context(urls))
        root = folder / "project"
        write_sandbox_project(
            root, fusion_url=stage.urls["fusion"], anaplan_url=stage.urls["anaplan"]
        )
        change_yaml(
            root / "flows" / f"{FLOW}.yaml",
            ledgers=[LEDGER], first_month=FIRST_MONTH, dimensions_flow=MEMBERS,
        )  # fmt: skip
        with open_house(root) as house:
            house.run(MEMBERS, {})
            house.run(FLOW, {})
        client = stack.enter_context(psycopg.connect(url, autocommit=True))
        floor = Floor(stage=stage, root=root, client=client)
        stack.callback(floor.bury_all)
        floor.hire(workers)
        yield floor


def thaw_after(pid: int, seconds: float) -> threading.Timer:
    """The process stands still until then."""
    os.kill(pid, signal.SIGSTOP)
    timer = threading.Timer(seconds, os.kill, (pid, signal.SIGCONT))
    timer.start()
    return timer


@contextmanager
def _environment(url: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in URLS}
    os.environ.update(dict.fromkeys(URLS, url))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
