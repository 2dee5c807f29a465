"""Seeded plans of faults against the real flows: nothing doubled, nothing lost, nothing untold."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMAND = ROOT / "scripts" / "simulate.py"
FAILED_ONCE = {"actuals": (35, 58, 2133, 2243), "budgets": (1003,), "append": (), "suppliers": (7,)}
"""Seeds that once ended badly, whoever was to blame."""
FRESH = {"actuals": 3, "append": 2, "budgets": 6, "suppliers": 12}


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
@pytest.mark.timeout(600)
@pytest.mark.parametrize("story", sorted(FRESH))
def test_checkers_are_content_with_every_seed(story: str) -> None:
    """Whatever a plan does to a run, at rest every amount is there once and every rule was kept."""
    seeds = [*FAILED_ONCE[story], *range(1_000, 1_000 + FRESH[story])]

    done = simulate("--story", story, "--only", *map(str, seeds))

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"seeds run: {len(seeds)}," in done.stdout
    assert "duplicates: 0\nlosses: 0\n" in done.stdout


@pytest.mark.long
@pytest.mark.exhaustive
def test_seed_tells_the_same_story_twice() -> None:
    """A seed is all that is needed to see a failure again."""
    first, second = simulate("--seed", "38"), simulate("--seed", "38")

    assert first.returncode == 0, first.stdout + first.stderr
    assert first.stdout == second.stdout
    assert "killed: " in first.stdout
