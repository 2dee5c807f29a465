"""Processes that are really killed: the same checkers, a real engine, a real database."""

import random

import pytest
from tests.simulation.books import Cells, sum_books
from tests.simulation.checkers import (
    check_at_rest,
    check_lines,
    find_busiest,
    read_model,
    read_rows,
)
from tests.simulation.events import post_batch
from tests.simulation.killing import ENDED, FORGOTTEN_S, KILLED, Nursery, open_killing, open_nursery
from tests.simulation.world import FLOW, World

RUNS, KILLS_PER_RUN = 1, 4
"""Runs, and kills each is to survive; whoever ends before is killed less often."""
RESUMES_MAX = 3
"""Of a run nobody kills any more."""


@pytest.mark.exhaustive
@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1])
def test_killed_processes_leave_everything_there_once(seed: int) -> None:
    """Killed at drawn requests or instants and resumed, runs end as if nobody had died."""
    with open_killing(seed) as (world, reaper), open_nursery(world, reaper) as nursery:
        assert nursery.order("secrets") == ENDED
        for number in range(RUNS):
            post_batch(world, 0)
            _survive(world, nursery, f"run-{number:02}")
        world.clock.sleep(FORGOTTEN_S)
        post_batch(world, 0)
        assert nursery.order(f"run run-last {FLOW}") == ENDED

        findings = [*check_at_rest(world), *check_lines(read_model(world), _books(world))]
        assert findings == [], (reaper.kills, world.logs.read_text()[-4000:])
        assert len(reaper.kills) >= RUNS
        assert find_busiest(world) <= 600


def _survive(world: World, nursery: Nursery, run_id: str) -> None:
    """The run succeeds, however often its process dies."""
    rng = random.Random(f"{run_id} {world.rng.random()}")
    for _ in range(KILLS_PER_RUN):
        code = nursery.order(_command(world, run_id), dies=rng)
        assert code in {ENDED, KILLED}, world.logs.read_text()[-4000:]
        world.clock.sleep(60.0)
        if code == ENDED:
            break
    for _ in range(RESUMES_MAX):
        if _find_state(world, run_id) == "succeeded":
            return
        nursery.order(_command(world, run_id))
        world.clock.sleep(60.0)
    assert _find_state(world, run_id) == "succeeded", world.logs.read_text()[-4000:]


def _command(world: World, run_id: str) -> str:
    return f"resume {run_id}" if _find_state(world, run_id) else f"run {run_id} {FLOW}"


def _find_state(world: World, run_id: str) -> str:
    rows = read_rows(world, f"SELECT state FROM records_run WHERE run_id = '{run_id}'")
    return str(rows[0][0]) if rows else ""


def _books(world: World) -> Cells:
    return sum_books(world.pods.folder)
