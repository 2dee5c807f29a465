"""The main job at size: every journal line of the sandbox's company into the model, tied out.

`python -m scripts.benchmark [LINES] [FOLDER] [--erp fusion|jde]` starts the sandbox, runs members
and actuals of each ERP in a process of their own whose peak memory is read from the kernel, and
beside it, in the same minutes on the same machine, a bare loop over the same pages. Speeds are
told, never judged, for they are the machine's as well; it leaves with 1 when memory is over its
limit or a cent is unexplained.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from scripts.sandbox_servers import running_sandbox

from ml_connector.wiring import open_house, write_sandbox_project

LINES_DEFAULT = 1_000_000
PEAK_MIB_MAX = 400
NOWHERE = "http://127.0.0.1:9"
"""Stands for the ERP that is not started; nothing is ever asked of it."""
PHASES = {
    "read + archive": ("read", "backfill"),
    "control": ("control",),
    "map + sum": ("sum",),
    "plan + load": ("plan", "load", "shadow"),
    "read back + tie out": ("read back", "tie out"),
}
"""Phase by the first words of the names of its steps; the rest is preflight, members and scope."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erp:
    """One ERP of the sandbox: what is run over it, and what the product is held against."""

    name: str
    title: str
    bare: str
    shares: int
    """How many times the lines wanted the sandbox is told: JD Edwards gets a third of them."""

    @property
    def flows(self) -> tuple[str, str]:
        """Members first, then actuals."""
        return f"dimensions-{self.name}", f"actuals-{self.name}"


ERPS = {
    "fusion": Erp(name="fusion", title="Fusion", bare="benchmark_bare.py", shares=1),
    "jde": Erp(name="jde", title="JD Edwards", bare="benchmark_bare_jde.py", shares=3),
}


def main(erp: Erp, lines: int, folder: Path) -> int:
    """The whole benchmark of one ERP; the exit code."""
    tell(f"\n{erp.title}: seeding the sandbox with {group(lines)} journal lines.")
    bare = Path(__file__).with_name(erp.bare)
    only = (erp.name, "anaplan")
    with running_sandbox(folder / "sandbox", lines=lines * erp.shares, only=only) as servers:
        addresses = {"fusion": NOWHERE, **servers}
        write_sandbox_project(
            folder / "project", **{f"{name}_url": url for name, url in addresses.items()}
        )
        for flow in erp.flows:
            tell(f"Running {flow}.")
            ours = measure("run", str(folder / "project"), flow)
        tell("Fetching the same pages by a bare loop.")
        fetched = call(bare, "fetch", servers[erp.name], str(folder))
    summed = call(bare, "sum", str(folder))
    report(ours, fetched, summed)
    return verify(ours)


def measure(*arguments: str) -> dict[str, Any]:
    """What this script prints as a child with these arguments, and what it took of the machine."""
    with subprocess.Popen(
        [sys.executable, "-m", "scripts.benchmark", *arguments], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        text = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(arguments)} left with {child.returncode}.")
    found: dict[str, Any] = json.loads(text)
    # Kilobytes here, bytes on macOS.
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return found | {"peak_mib": usage.ru_maxrss / unit, "cpu": usage.ru_utime + usage.ru_stime}


def call(script: Path, *arguments: str) -> dict[str, Any]:
    """What a script prints."""
    done = subprocess.run(
        [sys.executable, str(script), *arguments], check=True, stdout=subprocess.PIPE
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def run_flow(project: Path, flow: str) -> dict[str, Any]:
    """A run of the flow in this process: its summary's head and its steps."""
    meter = Meter()
    with open_house(project, on_step=meter.listen) as house:
        row = house.run(flow, {})
        steps = house.records.runs.load_steps(row.run_id)
    span = [step.finished_at for step in steps if step.finished_at]
    return {
        "state": str(row.state),
        "lines": row.summary.get("lines", 0),
        "cells": row.summary.get("cells", 0),
        "periods": len(row.summary.get("periods", ())),
        "unexplained": [its["unexplained"] for its in row.summary.get("tie_out", ())],
        "archived": sum(
            step.result.get("lines", 0) for step in steps if "revisions" in step.result
        ),
        "seconds": (max(span) - steps[0].started_at).total_seconds(),
        "steps": [
            [step.name, (step.finished_at - step.started_at).total_seconds(), cpu]
            for step, cpu in zip(steps, meter.cpu, strict=True)
            if step.finished_at
        ],
    }


class Meter:
    """Takes the processor time of each step, all threads together."""

    def __init__(self) -> None:
        self.cpu: list[float] = []
        self._at = 0.0

    def listen(self, _run_id: str, _name: str, state: str) -> None:
        """A step begins or ends."""
        if state == "started":
            self._at = time.process_time()
        else:
            self.cpu.append(time.process_time() - self._at)


def report(ours: dict[str, Any], fetched: dict[str, Any], bare: dict[str, Any]) -> None:
    """The figures, ours beside the bare ones."""
    tell(
        f"\n{group(ours['archived'])} lines archived, {group(ours['lines'])} of the flow's ledgers"
        f" summed into {group(ours['cells'])} cells of {ours['periods']} periods."
    )
    tell(f"\n{'':24}{'lines':>12}{'seconds':>10}{'lines/s':>12}{'CPU s':>9}{'lines/CPU s':>13}")
    spent = {}
    for phase, starts in PHASES.items():
        taken = [step for step in ours["steps"] if step[0].split(":")[0] in starts]
        lines = ours["archived"] if phase == "read + archive" else ours["lines"]
        spent[phase] = sum(step[2] for step in taken)
        line(phase, lines, sum(step[1] for step in taken), spent[phase])
    line("whole run", ours["lines"], ours["seconds"], ours["cpu"])
    line("bare fetch", bare["lines"], fetched["seconds"])
    line("bare decode + dict sum", bare["lines"], bare["seconds"], bare["cpu_seconds"])
    floor = bare["lines"] / bare["cpu_seconds"]
    shares = {
        "read + archive": ours["archived"] / spent["read + archive"],
        "map + sum": ours["lines"] / spent["map + sum"],
        "whole run": ours["lines"] / ours["cpu"],
    }
    told = ", ".join(f"{name} {speed / floor:.1%}" for name, speed in shares.items())
    tell(f"\nOf the bare loop's lines per CPU second: {told}.")
    tell(f"Peak memory {ours['peak_mib']:.0f} MiB, limit {PEAK_MIB_MAX} MiB.")


def line(name: str, lines: int, seconds: float, cpu_seconds: float = 0.0) -> None:
    """One row of the table."""
    text = f"{name:24}{group(lines):>12}{seconds:>10.1f}{group(lines / (seconds or 1)):>12}"
    if cpu_seconds:
        text += f"{cpu_seconds:>9.1f}{group(lines / cpu_seconds):>13}"
    tell(text)


def verify(ours: dict[str, Any]) -> int:
    """The exit code; what does not hold is told."""
    open_rows = [amount for amount in ours["unexplained"] if Decimal(amount)]
    faults = []
    if ours["state"] != "succeeded" or not ours["unexplained"] or open_rows:
        faults.append(f"the run is {ours['state']}, {len(open_rows)} rows are unexplained")
    if ours["peak_mib"] > PEAK_MIB_MAX:
        faults.append(f"memory went to {ours['peak_mib']:.0f} MiB")
    tell(f"It does not hold: {'; '.join(faults)}." if faults else "Unexplained: 0.00.")
    return 1 if faults else 0


def group(number: float) -> str:
    """A count with its thousands apart."""
    return f"{number:,.0f}".replace(",", " ")


def tell(text: str) -> None:
    """A line for the reader, at once."""
    print(text, flush=True)


def start(arguments: Sequence[str]) -> int:
    """As a child, one run; else the whole benchmark, in a folder that vanishes unless named."""
    if arguments[:1] == ("run",):
        print(json.dumps(run_flow(Path(arguments[1]), arguments[2])))
        return 0
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lines", nargs="?", type=int, default=LINES_DEFAULT)
    parser.add_argument("folder", nargs="?", type=Path, help="keeps everything; emptied first")
    parser.add_argument("--erp", choices=ERPS, help="one ERP alone")
    options = parser.parse_args(arguments)
    chosen = [options.erp] if options.erp else list(ERPS)
    return max(run_benchmark(ERPS[name], options.lines, options.folder) for name in chosen)


def run_benchmark(erp: Erp, lines: int, kept: Path | None) -> int:
    """The benchmark of one ERP, in a folder of its own; the exit code."""
    if kept is not None:
        folder = kept / erp.name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return main(erp, lines, folder)
    with tempfile.TemporaryDirectory(prefix="ml-connector-benchmark-") as vanishing:
        return main(erp, lines, Path(vanishing))


if __name__ == "__main__":
    sys.exit(start(tuple(sys.argv[1:])))
