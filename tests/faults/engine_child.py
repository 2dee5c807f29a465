"""A process with an engine that can be made to die; run by the tests of this folder.

Usage: engine_child.py FOLDER ACTION [DEATH]. It starts or resumes the run `r1` of three steps,
each of which writes its name into a log, and dies where DEATH says, such as `in:two` or
`after:two`.
"""

import os
import signal
import sys
import threading
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from ml_connector.engine.durable import DurableEngine
from ml_connector.engine.observer import SilentObserver
from ml_connector.errors import ConnectorError
from ml_connector.ports import Json, Steps

FOLDER = Path(sys.argv[1])
ACTION = sys.argv[2]
DEATH = sys.argv[3] if len(sys.argv) > 3 else ""


class RealClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The time of day."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Let other threads run that long."""
        threading.Event().wait(seconds)


def die_at(place: str) -> None:
    """Nothing is cleaned up, when this is the place to die."""
    if place == DEATH:
        os.kill(os.getpid(), signal.SIGKILL)


def log(text: str) -> None:
    """The line is on the disk whatever happens next."""
    with (FOLDER / "log").open("a") as file:
        file.write(text + "\n")


def tell(result: object) -> None:
    """The parent reads it."""
    sys.stdout.write(f"{result}\n")


def flow(steps: Steps, request: Json) -> Json:
    """Three steps, each logged."""

    def body(name: str) -> Json:
        log(f"{steps.run_id} {name}")
        die_at(f"in:{name}")
        return {"name": name}

    done = []
    for name in ("one", "two", "three"):
        done.append(steps.step(name, partial(body, name))["name"])
        die_at(f"after:{name}")
    return {"done": done, "request": request}


def hang(steps: Steps, request: Json) -> Json:
    """A step that waits until it is asked to stop."""

    def body() -> Json:
        log("hanging")
        while not steps.is_stop_requested():
            threading.Event().wait(0.01)
        raise ConnectorError("Left.", written="", next_step="")

    return steps.step("hang", body)


def main() -> None:
    """Print the summary, or the error and its exit code."""
    engine = DurableEngine(
        f"sqlite:///{FOLDER}/engine.db",
        clock=RealClock(),
        observer=SilentObserver(),
        application_version=1,
    )
    engine.register("f", flow)
    engine.register("hang", hang)
    engine.launch()
    if ACTION == "hang":
        engine.start(flow="hang", run_id="r1", request={}, queue_key="m")
        while not (FOLDER / "log").exists():
            threading.Event().wait(0.01)
        engine.close()
        return
    if ACTION == "start":
        engine.start(flow="f", run_id="r1", request={"n": 1}, queue_key="m")
    elif ACTION == "resume":
        engine.resume("r1")
    elif ACTION == "other":
        engine.start(flow="f", run_id="r2", request={"n": 2}, queue_key="m")
    tell(engine.wait("r2" if ACTION == "other" else "r1"))
    engine.close()


if __name__ == "__main__":
    try:
        main()
    except ConnectorError as error:
        tell(error)
        sys.exit(error.exit_code)
