"""Everything that is promised of many processes, measured on this machine, in one table.

`python -m scripts.promises [--seeds N] [--kills N] [--only NAME ...]`. Takes minutes: the request
budget alone is watched for more than one of its minutes. Leaves with 1 when a promise was broken.
Times are those of a machine with nothing else to do: beside each part stands how busy this one was.
"""

import argparse
import sys
import time
import traceback
from collections.abc import Callable

from scripts.promises import budget, scale, schedules, simulation, takeover
from scripts.promises.figures import Figure, render_figures, tell_machine

SEEDS_DEFAULT = 500
KILLS_DEFAULT = 12
Measure = Callable[[], list[Figure]]


def main(options: argparse.Namespace) -> int:
    """The figures are printed; the exit code."""
    parts: dict[str, tuple[str, Measure]] = {
        "simulation": (
            "Plans of faults, played in virtual time",
            lambda: simulation.measure(options.seeds),
        ),
        "takeover": (
            "Workers killed and frozen",
            lambda: takeover.measure(kills=options.kills),
        ),
        "budget": ("One request budget, four processes, twenty runs", budget.measure),
        "schedules": ("Two thousand schedules", schedules.measure),
        "scale": ("Ten thousand runs of two hundred organisations", scale.measure),
    }
    broken = [
        one
        for name in options.only or parts
        for one in _show(*parts[name])
        if not one.holds
    ]  # fmt: skip
    print(f"promises broken: {len(broken)}")
    return 1 if broken else 0


def _show(title: str, measure: Measure) -> list[Figure]:
    began = time.monotonic()
    figures = [*_try(measure), tell_machine()]
    lines = render_figures(f"{title} ({time.monotonic() - began:.0f} s)", figures)
    print("\n".join([*lines, ""]), flush=True)
    return figures


def _try(measure: Measure) -> list[Figure]:
    """The figures; a part that comes to nothing is told, and does not keep the others from it."""
    try:
        return measure()
    except Exception as error:  # noqa: BLE001 - whatever it was, it is the figure.
        traceback.print_exc()
        told = f"{type(error).__name__}: {error}"
        return [Figure(name="not measured", value=told, promise="figures", holds=False)]


def parse() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS_DEFAULT)
    parser.add_argument("--kills", type=int, default=KILLS_DEFAULT)
    names = ("simulation", "takeover", "budget", "schedules", "scale")
    parser.add_argument("--only", nargs="*", choices=names, default=[])
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(parse()))
