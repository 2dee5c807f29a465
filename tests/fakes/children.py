"""What processes that tests start have in common: where they find things, clocks, haste."""

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import Request, urlopen

import ml_connector

ROOT = Path(__file__).parents[2]
SOURCE_ROOT = Path(ml_connector.__file__).parents[1]
DYING_CHILD = ROOT / "tests" / "faults" / "actuals_child.py"


def find_environment() -> dict[str, str]:
    """This process's environment, in which a child finds the product and the tests."""
    paths = [str(SOURCE_ROOT), str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


class RealClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The time of day."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Let other threads run that long."""
        threading.Event().wait(seconds)


class PassingClock:
    """Waits pass at once, here and in the sandbox; nothing else moves the sandbox's clock."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._moved = timedelta()

    def now(self) -> datetime:
        """The machine's time and all that was waited."""
        return datetime.now(UTC) + self._moved

    def sleep(self, seconds: float) -> None:
        """That much later, at once."""
        self._moved += timedelta(seconds=seconds)
        body = f'{{"advance_s": {seconds}}}'.encode()
        with urlopen(Request(f"{self._url}/__sandbox/clock", data=body, method="POST")):
            pass


def hurry(dead_after_s: float) -> None:
    """A silent process counts as dead so soon, and everything that follows from it is as quick."""
    from ml_connector.engine import crew, heart, reaper, versions  # noqa: PLC0415 - only children
    # that execute runs need an engine.

    heart.BEAT_S, heart.FENCE_S = 0.2, dead_after_s / 2
    reaper.LOOK_S, reaper.GAP_S_MAX = 0.2, dead_after_s / 2
    for module in (reaper, crew, versions):
        setattr(module, "DEAD_AFTER_S", dead_after_s)  # noqa: B010 - they have it by import.


def run_until_done(root: Path, url: str, deaths: Path, *what: str) -> list[str]:
    """The places at which processes of a run died until one of them ended it.

    Args:
        root: The project.
        url: Of the server whose clock passes.
        deaths: A file of the places; made by the first that dies.
        what: The place to die at, the run's id, and its flow unless it is the usual one.
    """
    command = [sys.executable, str(DYING_CHILD), str(root), url, str(deaths), *what]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=find_environment()
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return deaths.read_text().splitlines()
