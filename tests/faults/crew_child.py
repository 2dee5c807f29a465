"""Two workers with an engine each, on one database, and the process that queues runs for them.

Usage: crew_child.py URL KEYS RUNS. It forks two workers, queues RUNS runs for each of KEYS models,
and tells in JSON lines what was begun and ended where. The worker that is first in the middle of
its second run dies there, by its own hand: anybody else's would come too late at times.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

from tests.fakes.children import RealClock, hurry

from ml_connector.engine.crew import Role
from ml_connector.engine.crew_table import CrewTable
from ml_connector.engine.durable import DurableEngine
from ml_connector.engine.observer import SilentObserver
from ml_connector.ports import Json, Steps

URL, KEYS, RUNS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
WORKERS = 2
STEP_S, LOOK_S = 0.1, 0.05
hurry(dead_after_s=2.0)


def die_once(tell: Callable[..., None], run_id: str, lot: int) -> None:
    """The process is killed, unless another one has drawn the lot."""
    with suppress(BlockingIOError):
        os.read(lot, 1)
        tell(event="killed", run=run_id)
        os.kill(os.getpid(), signal.SIGKILL)


def make_engine(tell: Callable[..., None], *, executes: bool, lot: int = 0) -> DurableEngine:
    """An engine whose flow tells where it begins and ends."""
    has_ended = threading.Event()

    def flow(steps: Steps, request: Json) -> Json:
        def body() -> Json:
            tell(event="begin", run=steps.run_id)
            if has_ended.is_set():
                die_once(tell, steps.run_id, lot)
            threading.Event().wait(STEP_S)
            tell(event="end", run=steps.run_id)
            has_ended.set()
            return {}

        return steps.step("only", body)

    engine = DurableEngine(
        URL, clock=RealClock(), observer=SilentObserver(), application_version=1,
        role=Role(executes=executes),
    )  # fmt: skip
    engine.register("f", flow)
    engine.launch()
    return engine


def tell_to(handle: int) -> Callable[..., None]:
    """Writes lines that are whole, whoever else writes."""

    def tell(**what: object) -> None:
        os.write(handle, (json.dumps({"pid": os.getpid(), **what}) + "\n").encode())

    return tell


def fork_worker(handle: int, lot: int) -> int:
    """The process id of a worker."""
    child = os.fork()
    if child == 0:
        engine = make_engine(tell_to(handle), executes=True, lot=lot)
        threading.Event().wait()
        engine.close()
    return child


def queue_runs() -> DurableEngine:
    """Runs are in the queue once both workers wait for some; who follows them."""
    engine = make_engine(tell_to(1), executes=False)
    table = CrewTable(URL)
    while len(table.load_beats()) < WORKERS:
        threading.Event().wait(LOOK_S)
    table.close()
    for number in range(RUNS):
        for key in range(KEYS):
            engine.start(flow="f", run_id=f"{key}-{number}", request={}, queue_key=f"model {key}")
    return engine


def main() -> None:
    """Pass on what the workers tell."""
    readable, writable = os.pipe()
    lot, drawn_once = os.pipe()
    os.set_blocking(lot, False)
    os.write(drawn_once, b"x")
    for _ in range(WORKERS):
        fork_worker(writable, lot)
    engine = queue_runs()
    ended: set[str] = set()
    with os.fdopen(readable) as told:
        while len(ended) < KEYS * RUNS:
            line = json.loads(told.readline())
            sys.stdout.write(json.dumps(line) + "\n")
            if line["event"] == "end":
                ended.add(line["run"])
    for run_id in sorted(ended):
        engine.wait(run_id)
    engine.close()
    sys.stdout.write('{"event": "all done"}\n')
    sys.stdout.flush()
    signal.pause()


if __name__ == "__main__":
    main()
