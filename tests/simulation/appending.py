"""The story of actuals in a numbered list: each load adds items, and nothing is ever set.

Whatever was loaded twice, lost or not taken back shows in the sums of the items by key.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.simulation.faults import ACTS, AGAIN, DRAWN, START, Act, Fault, Plan

APPEND = "append"
FLOW = "actuals-append-fusion"
PROCESS = r"/(processes|exports)/\d+/tasks$"
OURS, OTHER = "integration@halden.example", "planner@halden.example"
DATA_IMPORT, FILE = "Load Journal Item Data", "journal_items.csv"
FAULTS_MAX, CALLS_MAX, STEPS_MAX = 4, 560, 165
MOVES = ("new batch", "late journals", "batch reversed", "batch reversed")
OTHERS = ("new batch", "batch touched", "clock jumps", "batch reversed")
KINDS = (
    "lost before", "lost after", "throttled", "denied", "gateway page", "cut body", "slow body",
    "busy", "token dies", "task cancelled", "task vanished", "dump gone", "file expired",
    "model held", "model locked", "other's import", "new batch", "batch touched", "clock jumps",
    "archive full", "records full", "budget drained",
)  # fmt: skip
TURNED = {
    "dump gone": "items' dump gone",
    "file expired": "items' file expired",
    "other's import": "items loaded by hand",
}


# --- what happens ---------------------------------------------------------------------------------


def reverse_batch(world: Any, _detail: int) -> None:
    """A posted batch is reversed in its own month: what it alone had brought is gone."""
    sql = (
        "SELECT JeBatchId, DefaultPeriodName FROM je_batches WHERE Status = 'P'"
        " AND DefaultPeriodName IN ('Oct-26', 'Nov-26') AND BatchName LIKE 'Simulated%'"
    )
    rows = sorted(world.pods.fusion.store.query(sql))
    if rows:
        batch, period = world.rng.choice(rows)
        world.pods.ask(
            world.pods.fusion, "reverse_batch", JeBatchId=batch, period=period, allow_closed=True
        )


def drop_dump(world: Any, _detail: int) -> None:
    """The dump of the newest load is gone."""
    world.pods.ask(world.pods.anaplan, "drop_dump", **{"import": DATA_IMPORT, "email": OURS})


def expire_file(world: Any, _detail: int) -> None:
    """What was uploaded has vanished."""
    world.pods.ask(world.pods.anaplan, "expire_file", file=FILE, email=OURS)


def load_by_hand(world: Any, _detail: int) -> None:
    """Another user starts one of the imports, without a file of his own."""
    world.pods.ask(world.pods.anaplan, "start_task", **{"import": DATA_IMPORT, "user": OTHER})


APPEND_EVENTS: dict[str, Callable[[Any, int], None]] = {
    "batch reversed": reverse_batch,
    "items' dump gone": drop_dump,
    "items' file expired": expire_file,
    "items loaded by hand": load_by_hand,
}


# --- drawn from the seed --------------------------------------------------------------------------


def draw_append_plan(seed: int) -> Plan:
    """The plan of the seed; the same one everywhere."""
    rng = random.Random(f"append {seed}")
    acts = tuple(_draw_act(rng) for _ in range(rng.choice(ACTS)))
    again = rng.random() < AGAIN
    return Plan(seed=seed, story=APPEND, variant=APPEND, switches={}, acts=acts, again=again)


def _draw_act(rng: random.Random) -> Act:
    before = ("new batch", rng.choice(MOVES), *rng.sample(OTHERS, rng.choice((0, 0, 1, 2))))
    faults = tuple(_draw_one(rng) for _ in range(rng.randint(1, FAULTS_MAX)))
    deaths = tuple(_draw_death(rng) for _ in range(rng.choice((0, 1, 1, 2))))
    pause_s = rng.choice((1.0, 60.0, 900.0, 9000.0))
    return Act(before=before, faults=faults, deaths=deaths, pause_s=pause_s)


def _draw_death(rng: random.Random) -> tuple[str, int]:
    kind = rng.choice(("call", "step"))
    return kind, rng.randint(1, CALLS_MAX if kind == "call" else STEPS_MAX)


def _draw_one(rng: random.Random) -> Fault:
    drawn = rng.choice(KINDS)
    fault = DRAWN[drawn](rng, drawn)
    kind = TURNED.get(drawn, drawn)
    if fault.path != START:
        return replace(fault, kind=kind)
    rule = {**fault.rule, "path": PROCESS} if fault.rule else {}
    return replace(fault, kind=kind, path=PROCESS, rule=rule)
