"""Seeded plans of faults, played in virtual time: what was doubled, what was lost, who was slow.

`python -m scripts.promises.simulation [--seeds N]`. Leaves with 1 when a promise was broken.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.promises.figures import Figure, render_figures

COMMAND = Path(__file__).parents[1] / "simulate.py"
SEEDS, WORKERS = 500, 2
REQUESTS_MAX = 600
"""Of the tenant in any sixty seconds."""
PLAYED_S_MAX = 180.0
"""For the seeds of each change, on two free cores."""
PATIENCE_S = 7_200.0
"""Longest wait for the seeds, on a machine that has much else to do."""


def measure(seeds: int = SEEDS) -> list[Figure]:
    """What so many seeds came to, all stories together."""
    began, busy_s = time.monotonic(), _count_busy_s()
    total = _play(seeds)
    took_s, busy_s = time.monotonic() - began, _count_busy_s() - busy_s
    return [
        *_list_findings(total),
        *_list_faults(total),
        _tell_speed(seeds, took_s),
        Figure(name="processor time of it", value=f"{busy_s:.0f} s"),
    ]


def _count_busy_s() -> float:
    """What ended children have had of the processors."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _play(seeds: int) -> dict[str, Any]:
    command = [sys.executable, str(COMMAND), "--seeds", str(seeds), "--workers", str(WORKERS)]
    done = subprocess.run(
        [*command, "--kept", "--json"], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONHASHSEED": "0"}, timeout=PATIENCE_S,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    if not lines or not lines[-1].startswith("{"):
        raise RuntimeError(f"The simulation ended with {done.returncode}: {done.stderr[-2000:]}")
    total: dict[str, Any] = json.loads(lines[-1])
    return total


def _list_findings(total: dict[str, Any]) -> Iterator[Figure]:
    stories = ", ".join(f"{name} {count}" for name, count in total["stories"].items())
    yield Figure(name="seeds played", value=f"{total['seeds']} ({stories})")
    yield Figure(name="processes begun", value=f"{total['processes']}")
    for name in ("duplicates", "losses"):
        count = total[name]
        yield Figure(name=name, value=f"{count}", promise="0", holds=count == 0)
    failed = ", ".join(total["failed"]) or "none"
    yield Figure(name="seeds that failed", value=failed, promise="none", holds=failed == "none")
    busiest = total["busiest"]
    yield Figure(
        name="highest requests to the model in any 60 s", value=f"{busiest}",
        promise=f"at most {REQUESTS_MAX}", holds=busiest <= REQUESTS_MAX,
    )  # fmt: skip


def _list_faults(total: dict[str, Any]) -> Iterator[Figure]:
    happened = sorted(total["happened"].items(), key=lambda one: (-one[1], one[0]))
    yield Figure(name="faults that happened", value=f"{sum(count for _, count in happened)}")
    yield Figure(name="by kind", value=", ".join(f"{name} {count}" for name, count in happened))
    missing = ", ".join(total["missing"]) or "none"
    yield Figure(name="kinds drawn that never happened", value=missing)


def _tell_speed(seeds: int, took_s: float) -> Figure:
    is_promised = seeds == SEEDS
    promise = f"at most {PLAYED_S_MAX:.0f} s on two free cores" if is_promised else ""
    return Figure(
        name=f"time for {seeds} seeds in {WORKERS} processes", value=f"{took_s:.0f} s",
        promise=promise, holds=not is_promised or took_s <= PLAYED_S_MAX,
    )  # fmt: skip


def main() -> int:
    """The figures are printed; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    figures = measure(parser.parse_args().seeds)
    print("\n".join(render_figures("Plans of faults, played in virtual time", figures)))
    return 0 if all(one.holds for one in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
