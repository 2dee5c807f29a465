"""Seeded plans of faults against the real flows: nothing doubled, nothing lost, nothing untold."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.simulation.driving import draw
from tests.simulation.mix import MIX, SHARES, list_kinds, list_seeds

ROOT = Path(__file__).parents[2]
COMMAND = ROOT / "scripts" / "simulate.py"
SEEDS, FIRST = 500, 1_000
"""Played by `make exhaustive`, in two processes; what failed once is played before them."""
PLAYED = SEEDS
"""Of these, played at each change."""
TIMEOUT_S = 1_200
"""Of a machine that has much else to do; on two free cores three minutes are promised."""
NAMED = frozenset(
    {
        "lost before", "lost after", "throttled 429", "throttled 503", "storm", "busy",
        "denied 401", "denied 403", "denied 444", "gateway page", "cut body", "slow body",
        "pages repeated", "pages reordered", "batch changed while read",
        "line added to a batch read", "dump gone", "file expired", "task cancelled",
        "task vanished", "model held", "model locked", "other's import", "clock set back",
        "clock set forward", "archive full", "records full", "killed at a call",
        "killed at a step", "killed at a write", "budget drained", "token dies", "session lost",
        "late journals", "write arrives late", "frozen", "batch reversed",
    }
)  # fmt: skip
"""Trouble that all the seeds together must have seen, whatever is drawn."""


def simulate(*options: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, where sets keep one order."""
    return subprocess.run(
        [sys.executable, str(COMMAND), *options],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )


@pytest.mark.long
@pytest.mark.timeout(TIMEOUT_S)
def test_checkers_are_content_with_every_seed() -> None:
    """Whatever plans do to runs, at rest all is there once, and every kind of trouble was had."""
    done = simulate("--seeds", str(PLAYED), "--first", str(FIRST), "--kept", "--workers", "2")

    assert done.returncode == 0, done.stdout + done.stderr
    told = done.stdout.partition("all stories\n")[2]
    assert PLAYED < SEEDS or "kinds drawn that never happened: none\n" in told
    assert "duplicates: 0\nlosses: 0\n" in told


def test_seeds_draw_every_kind_of_trouble_a_few_times() -> None:
    """No kind that is to be withstood is left to chance: the seeds played draw it often enough."""
    drawn = [
        kind
        for story, seed in list_seeds(MIX, first=FIRST, count=SEEDS)
        for kind in set(list_kinds(draw(story, seed)))
    ]

    assert {kind: drawn.count(kind) for kind in NAMED if drawn.count(kind) < 8} == {}


def test_stories_take_turns_by_their_shares() -> None:
    """Of twenty seeds each story has its share, and its seeds are its own, one after the other."""
    seeds = list_seeds(MIX, first=5, count=20)

    dealt = {name: [seed for story, seed in seeds if story == name] for name in SHARES}
    assert dealt == {name: [*range(5, 5 + share)] for name, share in SHARES.items()}


@pytest.mark.long
@pytest.mark.exhaustive
def test_seed_tells_the_same_story_twice() -> None:
    """A seed is all that is needed to see a failure again."""
    first, second = simulate("--seed", "38"), simulate("--seed", "38")

    assert first.returncode == 0, first.stdout + first.stderr
    assert first.stdout == second.stdout
    assert "happened: " in first.stdout
