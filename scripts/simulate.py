"""Plays seeded plans of faults on the sandbox, in virtual time, and says what the checkers found.

Usage: scripts/simulate.py [--story suppliers] --seeds 200 [--first 0] [--workers 2], or --seed N
for everything about one. Exits with 1 when a seed failed.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.driving import Played

ROOT = Path(__file__).parents[1]
HASH_SEED = "PYTHONHASHSEED"
STORIES = ("actuals", "append", "budgets", "suppliers")
CHUNK = 5
"""Seeds handed to a worker at once."""


def main() -> int:
    """The seeds asked for were played and told; the exit code."""
    options = _parse()
    sys.path[:0] = [str(ROOT / "src"), str(ROOT)]
    if options.seed is not None:
        return _tell(options.seed, options.story)
    from tests.simulation.figures import Figures, render_story  # noqa: PLC0415 - path set above.

    figures = Figures()
    seeds = [*map(int, options.only)] or range(options.first, options.first + options.seeds)
    for played in _play_all(seeds, options.story, workers=options.workers):
        figures.add(played)
    for played in figures.failed:
        print("\n".join([*render_story(played), ""]))
    print("\n".join(figures.render()))
    return 1 if figures.failed else 0


def _tell(seed: int, story: str) -> int:
    from tests.simulation.driving import play  # noqa: PLC0415 - path set by `main`.
    from tests.simulation.figures import render_story  # noqa: PLC0415 - as above.

    played = play(seed, story)
    print("\n".join(render_story(played)))
    return 1 if played.findings else 0


def _play_all(seeds: Sequence[int], story: str, *, workers: int) -> "Iterator[Played]":
    from tests.simulation.driving import play  # noqa: PLC0415 - path set by `main`.

    if workers == 1:
        yield from map(partial(play, story=story), seeds)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(partial(play, story=story), seeds, chunksize=CHUNK)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="play this one and tell its story")
    parser.add_argument("--seeds", type=int, default=100, help="how many, from --first on")
    parser.add_argument("--story", choices=STORIES, default="actuals")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=[], help="these seeds, whatever their order")
    parser.add_argument("--workers", type=int, default=1, help="processes that play side by side")
    return parser.parse_args()


if __name__ == "__main__":
    if os.environ.get(HASH_SEED) != "0":
        # Else sets of texts have another order in each process, and a seed is no seed.
        os.execve(  # noqa: S606 - this very command.
            sys.executable, [sys.executable, *sys.argv], {**os.environ, HASH_SEED: "0"}
        )
    sys.exit(main())
