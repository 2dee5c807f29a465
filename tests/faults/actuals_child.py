"""A process that runs or resumes an actuals run and dies where it is told to.

Usage: actuals_child.py PROJECT CLOCK_URL DEATHS PLACE RUN [FLOW]. It starts the run in a process of
its own, and resumes it in a new one for as long as that dies: forked, so that only the first pays
for the imports. PLACE is `steps` (die once after the body of every step, before its result is
stored) or the name of a target call, such as `submit_task` (die once right after the model has
answered it). DEATHS is a file of the places already died at; a place is died at once.
"""

import importlib
import os
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.fakes.children import PassingClock

from ml_connector.ports import Json, Steps
from ml_connector.systems.anaplan.adapter import AnaplanTarget
from ml_connector.wiring import House, read_project

PROJECT, CLOCK, DEATHS = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
PLACE, RUN = sys.argv[4], sys.argv[5]
FLOW = sys.argv[6] if len(sys.argv) > 6 else "actuals-fusion"
KILLED = 137
DEATHS_MAX = 200
WARM = (
    "pyarrow.parquet", "pyarrow.compute", "ml_connector.engine.durable",
    "ml_connector.flows.actuals", "ml_connector.systems.fusion.adapter",
    "ml_connector.systems.jde.adapter",
)  # fmt: skip


def die_once(place: str) -> None:
    """The process is gone, unless it has died here before."""
    died = DEATHS.read_text().splitlines() if DEATHS.exists() else []
    if place in died:
        return
    with DEATHS.open("a") as out:
        out.write(f"{place}\n")
        out.flush()
        os.fsync(out.fileno())
    os._exit(KILLED)


class DyingSteps:
    """Steps whose bodies are executed to the end, and whose results are then lost once."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._seen: Counter[str] = Counter()
        self.run_id = steps.run_id

    def step(self, name: str, body: Callable[[], Json]) -> Json:
        """The step, died after once."""
        self._seen[name] += 1
        place = f"{name} #{self._seen[name]}"

        def dying() -> Json:
            result = body()
            die_once(place)
            return result

        return self._steps.step(name, dying)

    def is_changed(self, change: str) -> bool:
        """As the engine says."""
        return self._steps.is_changed(change)

    def is_stop_requested(self) -> bool:
        """As the engine says."""
        return self._steps.is_stop_requested()


class DyingHouse(House):
    """A house whose flows run on dying steps."""

    def _run_flow(self, flow_name: str, steps: Steps, request: Json) -> Json:
        return super()._run_flow(flow_name, DyingSteps(steps), request)


def die_in(name: str) -> None:
    """The target's call is answered, and then the process is gone."""
    call: Callable[..., Any] = getattr(AnaplanTarget, name)

    def dying(*args: Any, **kwargs: Any) -> Any:
        answer = call(*args, **kwargs)
        die_once(name)
        return answer

    setattr(AnaplanTarget, name, dying)


def attempt(*, first: bool) -> None:
    """Start or resume the run, to its end or to the next death."""
    make = DyingHouse if PLACE == "steps" else House
    house = make(read_project(PROJECT), clock=PassingClock(CLOCK))
    try:
        if first:
            house.run_as(RUN, FLOW, {})
        else:
            house.resume(RUN)
    finally:
        house.close()


def fork_attempt(*, first: bool) -> int:
    """The exit code of an attempt in a process of its own."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            attempt(first=first)
            code = 0
        except Exception:  # noqa: BLE001 - the parent asks for a code, whatever went wrong.
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> int:
    """Attempt after attempt until one is not killed; its exit code."""
    for module in WARM:
        importlib.import_module(module)
    if PLACE != "steps":
        die_in(PLACE)
    for number in range(DEATHS_MAX):
        code = fork_attempt(first=number == 0)
        if code != KILLED:
            return code
    return KILLED


if __name__ == "__main__":
    sys.exit(main())
