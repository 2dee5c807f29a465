"""What becomes of writes whose replies are lost after the effect, counted in the other's books.

`python -m scripts.lost_replies PYTHON [--writes N] [--seed S]`, where PYTHON has dlt and
anaplan-sdk. Prints the table, writes it into its page, and leaves with 1 when the product doubled
or lost a write, or left one unsettled.
"""

import argparse
import json
import os
import queue
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

from scripts.lost_replies.driving import Outcome, run_path
from scripts.lost_replies.paths import PATHS
from scripts.lost_replies.projects import make_template
from scripts.lost_replies.stage import open_stage
from scripts.lost_replies.table import Outcomes, render_block, render_table, save_block
from scripts.lost_replies.work import Fault, Setting, Tool, WritePath

WRITES_DEFAULT = 12
WRITES_MAX = 150
SEED_DEFAULT = 1
LANES_MAX = 4
"""Sandboxes side by side; each does one job at a time."""
VERSIONS = "import json, importlib.metadata as m; print(json.dumps([m.version(n) for n in {0}]))"
Task = tuple[WritePath, Fault, Tool]


def main(options: argparse.Namespace) -> int:
    """The table is printed and stands in the page; the exit code."""
    began = time.monotonic()
    tasks = [(path, fault, tool) for path in PATHS for fault in Fault for tool in path.tools]
    outcomes = run_all(tasks, options)
    versions = {"ml-connector": version("ml-connector"), **read_versions(options.python)}
    table = render_table(PATHS, outcomes)
    save_block(render_block(table, writes=options.writes, seed=options.seed, versions=versions))
    print(table)
    tell(f"Done in {time.monotonic() - began:.0f} seconds.")
    return verify(outcomes)


def run_all(tasks: Sequence[Task], options: argparse.Namespace) -> Outcomes:
    """What became of each task; as many at a time as there are processors."""
    waiting: queue.SimpleQueue[Task] = queue.SimpleQueue()
    for task in tasks:
        waiting.put(task)
    lanes = min(os.cpu_count() or 1, LANES_MAX)
    with (
        tempfile.TemporaryDirectory(prefix="ml-connector-lost-replies-") as folder,
        ThreadPoolExecutor(lanes) as pool,
    ):
        places = [Path(folder) / f"lane-{number}" for number in range(lanes)]
        found = list(pool.map(lambda place: run_lane(waiting, place, options), places))
    return {key: its for part in found for key, its in part.items()}


def run_lane(
    waiting: "queue.SimpleQueue[Task]", folder: Path, options: argparse.Namespace
) -> dict[tuple[str, Fault, Tool], Outcome]:
    """Tasks taken from the heap until it is empty, on a sandbox of this lane's own."""
    done: dict[tuple[str, Fault, Tool], Outcome] = {}
    folder.mkdir()
    with open_stage(folder / "sandbox") as stage:
        template = make_template(stage, folder / "project")
        while True:
            try:
                path, fault, tool = waiting.get_nowait()
            except queue.Empty:
                return done
            stage.reset()
            setting = Setting(
                stage=stage, folder=folder / f"job-{len(done)}", template=template,
                writes=path.count_writes(options.writes), is_late=fault is Fault.LATE,
                python=options.python,
            )  # fmt: skip
            setting.folder.mkdir()
            began = time.monotonic()
            outcome = run_path(path, tool, fault, setting, options.seed)
            done[path.title, fault, tool] = outcome
            tell(render_line(path.title, fault, tool, outcome, time.monotonic() - began))


def render_line(title: str, fault: Fault, tool: Tool, its: Outcome, seconds: float) -> str:
    """What became of one task, in a line."""
    return (
        f"{title}, {fault}, {tool}: {its.writes} writes, {its.lost} replies lost,"
        f" {its.requests} requests, {its.doubled} doubled, {its.missing} missing,"
        f" {its.starts} starts, {seconds:.0f} s"
    )


def read_versions(python: str) -> dict[str, str]:
    """Versions of what the product is compared with."""
    names = [str(Tool.DLT), str(Tool.SDK)]
    done = subprocess.run(
        [python, "-c", VERSIONS.format(names)], check=True, capture_output=True, text=True
    )
    return dict(zip(names, json.loads(done.stdout), strict=True))


def verify(outcomes: Outcomes) -> int:
    """The exit code; what the product does not hold is told."""
    faults = [
        f"{title}, {fault}: {its.doubled} doubled, {its.missing} missing, {its.settled} of"
        f" {its.lost} unknown settled"
        for (title, fault, tool), its in outcomes.items()
        if tool is Tool.PRODUCT and (its.doubled or its.missing or its.settled != its.lost)
    ]
    for line in faults:
        tell(f"The product does not hold: {line}.")
    return 1 if faults else 0


def tell(text: str) -> None:
    """A line for the reader, at once and beside the table."""
    print(text, file=sys.stderr, flush=True)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(prog="lost_replies", description=__doc__)
    parser.add_argument("python", help="interpreter that has dlt and anaplan-sdk")
    parser.add_argument("--writes", type=int, default=WRITES_DEFAULT, help="writes of each row")
    parser.add_argument("--seed", type=int, default=SEED_DEFAULT, help="draws what is lost")
    options = parser.parse_args(arguments)
    if not 1 <= options.writes <= WRITES_MAX:
        parser.error(f"--writes is 1 to {WRITES_MAX}")
    options.python = str(Path(options.python).absolute())
    return options


if __name__ == "__main__":
    sys.exit(main(parse(sys.argv[1:])))
