"""Workers on one PostgreSQL that stand still or die where they are told to.

Usage: worker_child.py PROJECT CLOCK_URL MARKS PACE PLACE... It forks one worker for each PLACE, so
that only one process pays for the imports, prints their process ids, and ends them all when its
standard input is closed. PLACE is `nowhere`, or `before:CALL` or `after:CALL` of the target, such
as `before:submit_task`, which is that of an import. The first worker that comes there stands still
as it does on SIGSTOP, and leaves a file of that name in the folder MARKS. `send:CALL` is the last
instant before the call's request leaves, when nothing can call it back. PACE is `quick` or `real`:
how soon a silent process counts as dead.
"""

import importlib
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.fakes.children import PassingClock, hurry

from ml_connector.ports import ActionKind
from ml_connector.systems.anaplan.adapter import AnaplanTarget
from ml_connector.systems.http import HttpClient
from ml_connector.wiring import House, read_project

PROJECT, CLOCK, MARKS, PACE = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), sys.argv[4]
PLACES = sys.argv[5:]
DEAD_AFTER_S = 3.0
"""Where the pace is quick."""
WARM = (
    "pyarrow.parquet", "pyarrow.compute", "ml_connector.engine.durable",
    "ml_connector.flows.actuals", "ml_connector.systems.fusion.adapter", "psycopg",
)  # fmt: skip


def stand_still(place: str) -> None:
    """Nothing moves in this process until somebody lets it, unless one stood here before."""
    mark = MARKS / place.replace(":", "-")
    try:
        handle = os.open(mark, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        return
    os.write(handle, str(os.getpid()).encode())
    os.close(handle)
    # To this very thread: one for the process may be taken by another thread, and this one goes on
    # until that one has the processor; far enough, at times, to pass every check and send.
    signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)


def arrange(place: str) -> None:
    """The worker will stand still at that place."""
    when, _, name = place.partition(":")
    if not name:
        return
    if when == "send":
        arrange_send(name)
        return
    call: Callable[..., Any] = getattr(AnaplanTarget, name)

    def standing(target: AnaplanTarget, *args: Any, **kwargs: Any) -> Any:
        is_place = name != "submit_task" or args[0].kind is ActionKind.IMPORT
        if when == "before" and is_place:
            stand_still(place)
        answer = call(target, *args, **kwargs)
        if when == "after" and is_place:
            stand_still(place)
        return answer

    setattr(AnaplanTarget, name, standing)


def arrange_send(name: str) -> None:
    """The worker stands still between its last check and the request itself."""
    assert name == "submit_task"
    attempt: Callable[..., Any] = HttpClient._attempt

    def standing(self: HttpClient, call: Any, credentials: Any) -> Any:
        if call.method == "POST" and call.path.endswith("/tasks") and "/imports/" in call.path:
            stand_still(f"send:{name}")
        return attempt(self, call, credentials)

    HttpClient._attempt = standing  # type: ignore[method-assign]  # a fault is put in on purpose


def work(place: str) -> None:
    """Execute runs until the process is told to stop."""
    arrange(place)
    house = House(read_project(PROJECT), clock=PassingClock(CLOCK))
    signal.signal(signal.SIGTERM, lambda *_: house.request_stop())
    try:
        house.work(lambda run_id, what: tell(run_id=run_id, what=what))
    finally:
        house.close()


def tell(**what: object) -> None:
    """A line for the test."""
    os.write(1, (json.dumps({"pid": os.getpid(), **what}) + "\n").encode())


def fork_worker(place: str) -> int:
    """The process id of a worker."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work(place)
        code = 0
    except BaseException as error:  # noqa: BLE001 - the parent asks for a code, whatever it was.
        tell(error=f"{type(error).__name__}: {error}")
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Workers until nobody reads them."""
    for module in WARM:
        importlib.import_module(module)
    if PACE == "quick":
        hurry(DEAD_AFTER_S)
    children = [fork_worker(place) for place in PLACES]
    tell(children=children)
    sys.stdin.read()
    for child in children:
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            continue


if __name__ == "__main__":
    main()
