"""A nursery of real processes: each makes or resumes a run, and may be killed at any instant.

Usage: mortal.py PROJECT SANDBOX_URL. It reads a command a line (`secrets`, `run ID FLOW`,
`resume ID`, `settle`) and forks a process for each, so that only the first pays for the imports. It
answers with the process's id, and with the exit code once it has ended.
"""

import importlib
import json
import os
import sys
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import Request, urlopen

from ml_connector.settings import project_template
from ml_connector.wiring import House, read_project

PROJECT, SANDBOX = Path(sys.argv[1]), sys.argv[2]
WARM = (
    "pyarrow.parquet", "pyarrow.compute", "ml_connector.engine.durable",
    "ml_connector.flows.actuals", "ml_connector.systems.fusion.adapter",
    "ml_connector.systems.anaplan.adapter", "ml_connector.systems.jde.adapter",
)  # fmt: skip


class SandboxTime:
    """A clock that goes with the sandbox's; waits pass at once, here and there."""

    def __init__(self) -> None:
        with urlopen(f"{SANDBOX}/__sandbox/clock") as reply:
            told = json.load(reply)["now"]
        self._ahead_s = datetime.fromisoformat(told).timestamp() - time.time()

    def now(self) -> datetime:
        """The sandbox's time."""
        return datetime.fromtimestamp(time.time() + self._ahead_s, UTC)

    def sleep(self, seconds: float) -> None:
        """That much later, at once."""
        self._ahead_s += max(seconds, 0.0)
        body = json.dumps({"advance_s": max(seconds, 0.0)}).encode()
        with urlopen(Request(f"{SANDBOX}/__sandbox/clock", data=body, method="POST")):
            pass


def obey(words: list[str]) -> None:
    """The command is carried out by a house of its own."""
    house = House(read_project(PROJECT), clock=SandboxTime())
    try:
        match words:
            case ["secrets"]:
                for name, value in project_template.SANDBOX_SECRETS.items():
                    house.save_secret(name, value)
            case ["run", run_id, flow]:
                house.run_as(run_id, flow, {})
            case ["resume", run_id]:
                house.resume(run_id)
            case _:
                raise AssertionError(words)
    finally:
        house.close()


def fork(words: list[str]) -> None:
    """The command is carried out by a process of its own, whose end is told."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            obey(words)
            code = 0
        except Exception:  # noqa: BLE001 - whoever asked is told by the code, and reads the rest.
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    tell(child)
    tell(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def tell(number: int) -> None:
    """Whoever gave the command hears the number."""
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def main() -> None:
    """Command after command, until there is none."""
    for module in WARM:
        importlib.import_module(module)
    for line in sys.stdin:
        fork(line.split())


if __name__ == "__main__":
    main()
