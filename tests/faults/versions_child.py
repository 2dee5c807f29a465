"""A worker of some version, with an engine only.

Usage: versions_child.py URL VERSION. Its flow has the steps `first` and `last`; in `last` a worker
of the version that the run's request names stays until it is stopped. It tells in JSON lines what
it begins, and leaves on SIGTERM.
"""

import json
import os
import signal
import sys
import threading

from tests.fakes.children import RealClock, hurry

from ml_connector.engine.crew import Role
from ml_connector.engine.durable import DurableEngine
from ml_connector.engine.errors import StoppedRunError
from ml_connector.engine.observer import SilentObserver
from ml_connector.ports import Json, Steps

URL, VERSION = sys.argv[1:]
LOOK_S = 0.02
hurry(dead_after_s=2.0)


def tell(steps: Steps, step: str) -> None:
    """A line for the test, whole whoever else writes."""
    line = {"run": steps.run_id, "step": step, "version": VERSION, "pid": os.getpid()}
    os.write(1, (json.dumps(line) + "\n").encode())


def flow(steps: Steps, request: Json) -> Json:
    """Two steps, of which some versions never end the second."""

    def first() -> Json:
        tell(steps, "first")
        return {}

    def last() -> Json:
        tell(steps, "last")
        while request.get("stays") == VERSION:
            if steps.is_stop_requested():
                raise StoppedRunError(steps.run_id)
            threading.Event().wait(LOOK_S)
        return {}

    steps.step("first", first)
    steps.step("last", last)
    return {"version": VERSION}


def main() -> None:
    """Execute runs until a signal asks for the end."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    engine = DurableEngine(
        URL, clock=RealClock(), observer=SilentObserver(), application_version=int(VERSION),
        role=Role(executes=True),
    )  # fmt: skip
    engine.register("f", flow)
    engine.launch()
    stop.wait()
    engine.close()


if __name__ == "__main__":
    main()
