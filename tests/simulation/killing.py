"""Real processes over real sockets, killed by the system at drawn requests or at any instant.

What the simulation pretends is done here: a process of its own, its engine and its database, and
SIGKILL. The sandbox's servers answer from this process, so that the same checkers can look.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conftest import change_yaml
from tests.simulation.disk import Disk
from tests.simulation.loopback import BEARER, Wire
from tests.simulation.times import SimClock
from tests.simulation.world import (
    FLOW,
    LINES,
    MEMORY_DISK,
    PODS,
    SMALL,
    Pods,
    World,
    _noting_tasks,
    make_template,
)

from ml_connector.sandbox.anaplan.server import build_anaplan_server
from ml_connector.sandbox.clock import SEED_TIME, SandboxClock
from ml_connector.sandbox.control import CONTROL_PREFIX
from ml_connector.sandbox.fusion.server import build_fusion_server
from ml_connector.sandbox.http import Delivery, Request, Response
from ml_connector.sandbox.jde.server import build_jde_server
from ml_connector.settings import project_template
from ml_connector.wiring import read_project
from ml_connector.wiring.projects import SANDBOX_MODEL, connection_models

NURSERY = Path(__file__).with_name("mortal.py")
ROOT = Path(__file__).parents[2]
REQUESTS_MAX = 60
"""About as many as a run sends."""
INSTANT_S_MAX = 1.5
"""About as long as a run takes."""
BEFORE, AFTER, INSTANT = "before a request", "after a request", "at an instant"
ENDED, KILLED = 0, -signal.SIGKILL
FORGOTTEN_S = 3600.0
"""After so long no log-in of a process that died is one any more."""


class HourClock(SandboxClock):
    """The sandbox's clock in real time, kept in memory; it begins hours after the books."""

    def __init__(self) -> None:
        super().__init__(Path(), virtual=False)

    def _load_base(self) -> float:
        return SEED_TIME.timestamp() + 3 * 3600 - time.time()

    def _save_base(self) -> None:
        pass


@dataclass(slots=True, kw_only=True)
class Reaper:
    """Watches what the process sends, and kills it where it was drawn."""

    world: World
    place: str = ""
    left: int = 0
    child: int = 0
    kills: list[str] = field(default_factory=list)
    lock: Any = field(default_factory=threading.Lock)

    def draw(self, rng: random.Random) -> None:
        """The next process dies at a place that is drawn."""
        with self.lock:
            self.place = rng.choice((BEFORE, AFTER, AFTER, INSTANT))
            self.left = rng.randint(1, REQUESTS_MAX)

    def strike(self, place: str) -> None:
        """The process is gone, if it still lives and this is its place."""
        with self.lock:
            if self.place == place and self.child:
                self.place = ""
                with suppress(ProcessLookupError):
                    os.kill(self.child, signal.SIGKILL)
                    self.kills.append(place)

    def watch(self, server: Any) -> None:
        """Every request of the server is noted, and may be the process's last."""
        take = server._take

        def noting(request: Request) -> Response:
            if request.path.startswith(CONTROL_PREFIX):
                reply: Response = take(request)
                return reply
            self._note(server, request)
            is_due = self._count()
            if is_due and self.place == BEFORE:
                self.strike(BEFORE)
                server.journal.record(request, None, at=server.clock.now_utc(), fault="killed")
                return Response(status=0, delivery=Delivery(mode="close"))
            reply = take(request)
            if is_due:
                self.strike(AFTER)
            return reply

        server._take = noting

    def _note(self, server: Any, request: Request) -> None:
        wire = self.world.wire
        wire.arrivals.append((server.name, server.clock.now()))
        found = BEARER.match(request.headers.get("authorization", ""))
        if found:
            wire.tokens.add(found[1])

    def _count(self) -> bool:
        with self.lock:
            self.left -= 1
            return self.left == 0


@contextmanager
def open_killing(seed: int) -> Iterator[tuple[World, Reaper]]:
    """A world whose servers listen, and who may kill whoever asks them."""
    parent = MEMORY_DISK if MEMORY_DISK.is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix="killing-", dir=parent))
    shutil.copytree(make_template() / PODS, folder / PODS)
    clock, rng = HourClock(), random.Random(seed)
    pods = Pods(
        fusion=build_fusion_server(folder / PODS, clock, lines=LINES),
        anaplan=build_anaplan_server(folder / PODS, clock),
        jde=build_jde_server(folder / PODS, clock, lines=LINES // 3),
        folder=folder / PODS,
    )
    sim = SimClock(sandbox=clock, rng=rng)  # type: ignore[arg-type] # it is read only
    world = World(
        pods=pods, project=None, rng=rng, clock=sim, wire=Wire(clock=sim), disk=Disk(),  # type: ignore[arg-type] # below
        logs=folder / "stderr.log",
    )  # fmt: skip
    reaper = Reaper(world=world)
    servers = (pods.fusion, pods.anaplan, pods.jde)
    try:
        for server in servers:
            reaper.watch(server)
            server.start()
        world.project = _write_project(folder / "project", pods)
        with _noting_tasks(world):
            yield world, reaper
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _write_project(root: Path, pods: Pods) -> Any:
    model = pods.anaplan.info()["models"][SANDBOX_MODEL]
    content = project_template.render_sandbox_project(
        fusion_url=pods.fusion.url, anaplan_url=pods.anaplan.url,
        workspace_id=model["workspace"], model_id=model["id"],
        connection_models=connection_models(), jde_url="",
    )  # fmt: skip
    project_template.save_project(root, content)
    change_yaml(root / f"flows/{FLOW}.yaml", {**SMALL, "dimensions_flow": None})
    return read_project(root)


@dataclass(slots=True, kw_only=True)
class Nursery:
    """Where processes are born, one at a time."""

    reaper: Reaper
    process: Any

    def order(self, command: str, *, dies: random.Random | None = None) -> int:
        """The exit code of a process that does this, or is killed while it does."""
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        if dies is not None:
            self.reaper.draw(dies)
        self.reaper.child = int(self.process.stdout.readline())
        timer = threading.Timer(self._delay_s(dies), self.reaper.strike, (INSTANT,))
        timer.start()
        code = int(self.process.stdout.readline())
        timer.cancel()
        with self.reaper.lock:
            self.reaper.child, self.reaper.place = 0, ""
        return code

    def _delay_s(self, dies: random.Random | None) -> float:
        return INSTANT_S_MAX * (dies.random() if dies is not None else 1.0)


@contextmanager
def open_nursery(world: World, reaper: Reaper) -> Iterator[Nursery]:
    """Processes over the world's project can be born; what they log goes to the world's file."""
    command = [sys.executable, str(NURSERY), str(world.root), world.pods.fusion.url]
    path = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
    with world.logs.open("w") as out:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=out, text=True,
            env={**os.environ, "PYTHONPATH": path},
        )  # fmt: skip
        with process:
            yield Nursery(reaper=reaper, process=process)
