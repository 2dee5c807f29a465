"""What happens to the world beside our requests: books move, tasks end badly, disks fill."""

from collections.abc import Callable
from functools import partial
from typing import Any

from tests.simulation.appending import APPEND_EVENTS
from tests.simulation.budgets import change_approved
from tests.simulation.loopback import Intervention
from tests.simulation.reading import READING_EVENTS
from tests.simulation.suppliers import SUPPLIER_EVENTS

OURS = "integration@halden.example"
OTHER = "planner@halden.example"
LOAD = "Load Actuals"
ACCOUNTS = ("63020", "68020", "51010", "41010")
Event = Callable[[Any, int], object]
"""False where there was nothing it could befall."""


def post_late_journals(world: Any, _detail: int) -> None:
    """Back-dated journals stand in October, one with an account no mapping has seen."""
    ledger = world.rng.choice(("Halden US", "Halden Japan"))
    world.pods.ask(world.pods.fusion, "late_journals", periods=[[ledger, "Oct-26"]])


def post_batch(world: Any, _detail: int) -> None:
    """A batch of the open month is posted."""
    entity = world.rng.choice(("101", "102"))
    amount = f"{world.rng.randint(1, 99_999)}.{world.rng.randint(0, 99):02}"
    lines = [
        {"combination": f"{entity}.30.68010.120.000.000", "debit": amount},
        {"combination": f"{entity}.00.22100.000.000.000", "credit": amount},
    ]
    month = world.rng.choice(("Oct-26", "Nov-26"))
    journal = {"ledger": "Halden US", "period": month, "category": "Accrual", "lines": lines}
    world.pods.ask(
        world.pods.fusion, "create_batch", name=f"Simulated {world.rng.random()}",
        journals=[journal], allow_closed=True,
    )  # fmt: skip


def touch_batch(world: Any, _detail: int) -> None:
    """A batch says that it was changed, and was not; under the eyes of a run or before it."""
    sql = "SELECT JeBatchId FROM je_batches WHERE DefaultPeriodName IN ('Oct-26', 'Nov-26')"
    ids = sorted(row[0] for row in world.pods.fusion.store.query(sql))
    batch = world.rng.choice(ids)
    world.pods.ask(world.pods.fusion, "touch_batch", JeBatchId=batch)


def cancel_task(world: Any, _detail: int) -> bool:
    """Somebody cancels the newest task of ours that is not over."""
    task = _find_task(world)
    if task is not None:
        world.spoiled_tasks.add(task)
        world.pods.ask(world.pods.anaplan, "cancel_task", task=task, user=OTHER)
    return task is not None


def lose_task(world: Any, _detail: int) -> bool:
    """The newest task of ours has vanished without a trace, done or not."""
    task = _find_task(world)
    if task is not None:
        world.spoiled_tasks.add(task)
        world.pods.ask(world.pods.anaplan, "set_task_fate", task=task, fate="vanished")
    return task is not None


def drop_dump(world: Any, _detail: int) -> None:
    """The dump of the newest load is gone."""
    world.pods.ask(world.pods.anaplan, "drop_dump", **{"import": LOAD, "email": OURS})


def expire_file(world: Any, _detail: int) -> None:
    """What was uploaded has vanished."""
    world.pods.ask(world.pods.anaplan, "expire_file", file="actuals.csv", email=OURS)


def hold_model(world: Any, detail: int) -> None:
    """Another's task has the model for a while."""
    world.pods.ask(world.pods.anaplan, "hold_lock", seconds=abs(detail))


def lock_model(world: Any, _detail: int) -> None:
    """The model is locked until somebody unlocks it."""
    world.pods.ask(world.pods.anaplan, "set_model_state", state="LOCKED")


def start_other(world: Any, _detail: int) -> None:
    """Another user starts the same import by hand, without a file of his own."""
    world.pods.ask(world.pods.anaplan, "start_task", **{"import": LOAD, "user": OTHER})


def jump_clock(world: Any, detail: int) -> None:
    """Our machine's clock is set."""
    world.clock.jump(float(detail))


def fill_archive(world: Any, _detail: int) -> bool:
    """No file can be written; told when one was to be."""
    world.disk.fill()
    return False


def fill_records(world: Any, _detail: int) -> bool:
    """The records database cannot grow; told when it was to."""
    world.disk.fill_records()
    return False


def drain_budget(world: Any, _detail: int) -> bool:
    """Another client has spent the tenant's allowance; told when a request of ours was refused."""

    def drain() -> None:
        world.pods.ask(world.pods.anaplan, "drain_bucket")

    drain()
    again, further = world.rng.choice((0, 0, 5, 20)), partial(Intervention, path="^/2/0/", nth=1)
    world.wire.interventions += [
        further(kind="budget drained", status=429, act=lambda: True),
        further(kind="", times=again, act=drain),
    ]
    return False


def move_plan(world: Any, _detail: int) -> None:
    """Planners approve something else."""
    change_approved(world)


def post_journals(world: Any, _detail: int) -> None:
    """Somebody posts whatever journals of ours wait."""
    store = world.pods.jde.store
    sql = "SELECT DISTINCT ICU FROM F0911 WHERE LT = 'BA' AND POST <> 'P' AND trim(R2) <> ''"
    for (number,) in sorted(store.query(sql)):
        world.pods.ask(world.pods.jde, "post_batch", batch=f"G-{number}")


def lose_session(world: Any, _detail: int) -> None:
    """The server is started anew and knows no session."""
    world.pods.ask(world.pods.jde, "restart_ais")


def _find_task(world: Any) -> str | None:
    ours = [row["id"] for row in world.submitted if row["user"] == OURS]
    known = {row["task"] for row in world.pods.ask(world.pods.anaplan, "read_tasks")}
    return ours[-1] if ours and ours[-1] in known else None


EVENTS: dict[str, Event] = {
    "late journals": post_late_journals,
    "new batch": post_batch,
    "batch touched": touch_batch,
    "task cancelled": cancel_task,
    "task vanished": lose_task,
    "dump gone": drop_dump,
    "file expired": expire_file,
    "model held": hold_model,
    "model locked": lock_model,
    "other's import": start_other,
    "clock jumps": jump_clock,
    "clock set forward": jump_clock,
    "clock set back": jump_clock,
    "archive full": fill_archive,
    "records full": fill_records,
    "plan moves": move_plan,
    "journals posted": post_journals,
    "session lost": lose_session,
    "budget drained": drain_budget,
    **READING_EVENTS,
    **SUPPLIER_EVENTS,
    **APPEND_EVENTS,
}
