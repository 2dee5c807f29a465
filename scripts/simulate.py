"""Plays seeded plans of faults on the sandbox, in virtual time, and says what the checkers found.

Usage: scripts/simulate.py [--story budgets] --seeds 200 [--first 0] [--workers 2] [--kept], or
--story budgets --seed N for everything about one. Without a story the stories take turns. Exits
with 1 when a seed failed.
"""

import argparse
import json
import multiprocessing
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.driving import Played
    from tests.simulation.faults import Plan

ROOT = Path(__file__).parents[1]
HASH_SEED = "PYTHONHASHSEED"
CHUNK = 4
"""Seeds handed to a worker at once."""


def main() -> int:
    """The seeds asked for were played and told; the exit code."""
    options = _parse()
    sys.path[:0] = [str(ROOT / "src"), str(ROOT)]
    from tests.simulation.driving import STORIES  # noqa: PLC0415 - path set above.
    from tests.simulation.figures import Tally, render_story  # noqa: PLC0415 - as above.
    from tests.simulation.mix import MIX, list_seeds  # noqa: PLC0415 - as above.

    story = options.story or MIX
    if story not in {MIX, *STORIES} or (options.only and story == MIX):
        sys.exit(f"Name one of the stories: {', '.join(sorted(STORIES))}.")
    if options.seed is not None:
        return _tell("actuals" if story == MIX else story, options.seed)
    tally = Tally()
    seeds = list_seeds(story, first=options.first, count=options.seeds)
    if options.only:
        seeds = [(story, seed) for seed in options.only]
    # Who stops it is told what was played so far.
    with suppress(KeyboardInterrupt):
        for played in play_all(_draw_all(seeds, kept=options.kept), workers=options.workers):
            tally.add(played)
            if played.findings:
                print("\n".join([*render_story(played), ""]), flush=True)
    print(json.dumps(tally.sum()) if options.json else "\n".join(tally.render()))
    return 1 if tally.total.failed else 0


def play_all(plans: "Sequence[Plan]", *, workers: int) -> "Iterator[Played]":
    """Yield what became of each plan, in order; several workers share one template."""
    from tests.fakes.rubbish import spare_rubbish  # noqa: PLC0415 - path set by `main`.
    from tests.simulation.driving import play_plan  # noqa: PLC0415 - as above.
    from tests.simulation.world import make_template  # noqa: PLC0415 - as above.

    make_template()
    spare_rubbish()
    if workers == 1:
        yield from map(play_plan, plans)
        return
    # Forked, so that the template is made once for all.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("fork")) as pool:
        yield from pool.map(play_plan, plans, chunksize=CHUNK)


def _draw_all(seeds: Sequence[tuple[str, int]], *, kept: bool) -> "list[Plan]":
    from tests.simulation.driving import draw  # noqa: PLC0415 - path set by `main`.
    from tests.simulation.kept import load_kept  # noqa: PLC0415 - as above.

    return [*(load_kept() if kept else ()), *(draw(story, seed) for story, seed in seeds)]


def _tell(story: str, seed: int) -> int:
    from tests.simulation.driving import play  # noqa: PLC0415 - path set by `main`.
    from tests.simulation.figures import render_story  # noqa: PLC0415 - as above.

    played = play(seed, story)
    print("\n".join(render_story(played)))
    return 1 if played.findings else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--story", default="", help="only this one; else all take turns")
    parser.add_argument("--seed", type=int, help="play this one and tell its story")
    parser.add_argument("--seeds", type=int, default=100, help="how many, from --first on")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", nargs="*", type=int, help="these seeds of the one story")
    parser.add_argument("--kept", action="store_true", help="plans that failed once go first")
    parser.add_argument("--json", action="store_true", help="the sum as JSON, for programs")
    parser.add_argument("--workers", type=int, default=1, help="processes that play side by side")
    return parser.parse_args()


if __name__ == "__main__":
    if os.environ.get(HASH_SEED) != "0":
        # Else sets of texts have another order in each process, and a seed is no seed.
        os.execve(  # noqa: S606 - this very command.
            sys.executable, [sys.executable, *sys.argv], {**os.environ, HASH_SEED: "0"}
        )
    sys.exit(main())
