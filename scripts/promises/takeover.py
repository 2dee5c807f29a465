"""Workers killed, or frozen for a while, in the midst of a run: who goes on, when, what is sent.

`python -m scripts.promises.takeover [--kills N] [--freezes M] [--seed S]`. Real
`ml-connector worker` processes share the queue of one PostgreSQL and load the sandbox's model;
everything told is counted in the databases and in the sandbox's own books. Leaves with 1 when a
promise was broken.
"""

import argparse
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from scripts.promises.crew_floor import (
    FLOW,
    LEDGER,
    MEMBERS,
    PATIENCE_S,
    Floor,
    open_floor,
    thaw_after,
)
from scripts.promises.figures import Figure, render_figures

from ml_connector.wiring import House, open_house

KILLS, FREEZES, WORKERS, SEED = 12, 3, 3, 1
TAKEN_OVER_S_MAX = 15.0
HELD_S_MAX = 30.0
FROZEN_S = 12.0
"""Longer than it takes to be taken for dead."""
TASK_S = 4.0
"""How long an import takes, so that it can be struck while it is followed."""
REPLY_S = 1.5
"""How late the reply to a start is, so that it can be struck before it comes."""
STARTS = r"/imports/\d+/tasks$"
FOLLOWING = "load: follow task"
PERIOD = "Oct-26"
OVERLAPS = """
    WITH held AS (
        SELECT i.id, i.model_id, i.made_at AS since, l.created_at AS until
        FROM records_intent i JOIN records_load l ON l.intent_id = i.intent_id)
    SELECT count(*) FROM held a JOIN held b ON a.model_id = b.model_id AND a.id < b.id
    WHERE a.until > b.since AND b.until > a.since
"""
"""Pairs of loads of which one was decided before the other's result was stored."""


class Instant(StrEnum):
    """When a worker is struck."""

    READING = "reading"
    SENDING = "between decision and reply"
    POLLING = "following the task"
    LOADED = "right after the load"


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    """One worker that was struck, and what became of its run.

    `held_s` is None where it did not hold the model; `is_exact` where the run ended as a success
    with nothing unexplained.
    """

    instant: Instant
    is_frozen: bool
    taken_over_s: float
    held_s: float | None
    is_exact: bool


def measure(*, kills: int = KILLS, freezes: int = FREEZES, seed: int = SEED) -> list[Figure]:
    """What was promised of take-over, beside what came of so many kills and freezes."""
    with (
        tempfile.TemporaryDirectory(prefix="ml-connector-takeover-") as folder,
        open_floor(Path(folder), workers=WORKERS) as floor,
        open_house(floor.root) as house,
        ThreadPoolExecutor(2) as pool,
    ):
        floor.stage.turn("anaplan", **{"task.base_s": TASK_S})
        draws = random.Random(seed)  # noqa: S311 - instants, no secrets.
        struck = []
        for number, is_frozen in enumerate([False] * kills + [True] * freezes):
            instant = list(Instant)[number % len(Instant)]
            struck.append(strike(floor, house, pool, instant, draws, is_frozen=is_frozen))
            tell(struck[-1])
        return [*render_times(struck), *render_counts(floor, struck)]


def strike(
    floor: Floor,
    house: House,
    pool: ThreadPoolExecutor,
    instant: Instant,
    draws: random.Random,
    *,
    is_frozen: bool,
) -> Struck:
    """Two flows are queued; the worker that has the first is struck, and both end all the same."""
    floor.stage.do("fusion", "late_journals", periods=[[LEDGER, PERIOD]])
    late = {"kind": "delay", "path": STARTS, "method": "POST", "delay_s": REPLY_S, "effect": True}
    floor.stage.spoil("anaplan", [late] if instant is Instant.SENDING else [])
    runs = [f"{FLOW}-{draws.getrandbits(40):010x}", f"{MEMBERS}-{draws.getrandbits(40):010x}"]
    following = [
        pool.submit(house.run_as, run, flow, {})
        for run, flow in zip(runs, (FLOW, MEMBERS), strict=True)
    ]
    floor.until(lambda: is_reached(floor, runs[0], instant), f"the run is {instant}")
    pause(floor, instant, draws)
    pid = floor.find_worker(runs[0])
    assert pid is not None, "a run whose step goes on is executed"
    is_held = floor.find_holder() == pid
    thaw = hit(pid, is_frozen=is_frozen)
    taken_over_s, held_s = watch(floor, runs[0], pid, is_held=is_held)
    is_exact = all(is_whole(one) for one in following)
    if thaw is not None:
        thaw.join()
        floor.until(lambda: floor.workers[pid].poll() is not None, "the thawed worker leaves")
    floor.bury(pid)
    floor.hire()
    return Struck(
        instant=instant, is_frozen=is_frozen, taken_over_s=taken_over_s, held_s=held_s,
        is_exact=is_exact,
    )  # fmt: skip


def hit(pid: int, *, is_frozen: bool) -> Any:
    """The worker is dead, or stands still for a while; then: the timer that lets it go on."""
    if is_frozen:
        return thaw_after(pid, FROZEN_S)
    os.kill(pid, signal.SIGKILL)
    return None


def is_reached(floor: Floor, run_id: str, instant: Instant) -> bool:
    """Whether the run is where its worker is to be struck."""
    if instant is Instant.SENDING:
        query = "SELECT 1 FROM records_intent WHERE run_id = %s AND state = 'unknown'"
        return bool(floor.ask(query, run_id))
    if instant is Instant.READING:
        return any(name.startswith("read") for name, _ in floor.load_steps(run_id))
    state = "running" if instant is Instant.POLLING else "done"
    return (FOLLOWING, state) in floor.load_steps(run_id)


def pause(floor: Floor, instant: Instant, draws: random.Random) -> None:
    """A drawn while passes, within what the instant lasts."""
    lasts_s = {Instant.SENDING: REPLY_S / 2, Instant.POLLING: TASK_S / 2}.get(instant, 0.0)
    ends = draws.uniform(0, lasts_s)
    looks = iter(range(round(ends / 0.02)))
    floor.until(lambda: next(looks, None) is None, "a while has passed")


def watch(floor: Floor, run_id: str, struck: int, *, is_held: bool) -> tuple[float, float | None]:
    """Seconds until another process has the run, and until the model is not the struck one's."""
    began_at = time.monotonic()
    passed: dict[str, float] = {}

    def look() -> bool:
        now_s = time.monotonic() - began_at
        if floor.find_worker(run_id) not in (None, struck):
            passed.setdefault("run", now_s)
        if not is_held or floor.find_holder() != struck:
            passed.setdefault("model", now_s)
        return len(passed) == len(("run", "model"))

    floor.until(look, "somebody goes on with the run")
    return passed["run"], passed["model"] if is_held else None


def is_whole(following: "Future[Any]") -> bool:
    """Whether the run ended as a success in which every amount is explained."""
    run = following.result(PATIENCE_S)
    rows = run.summary.get("tie_out", [])
    return str(run.state) == "succeeded" and {row["unexplained"] for row in rows} <= {"0"}


def render_times(struck: Sequence[Struck]) -> Iterator[Figure]:
    """Median and worst of each of the two times."""
    yield render_time(
        "from a worker's end until another executes its run",
        [one.taken_over_s for one in struck], at_most_s=TAKEN_OVER_S_MAX,
    )  # fmt: skip
    held = [one.held_s for one in struck if one.held_s is not None]
    if held:
        yield render_time(
            "from a worker's end until somebody living has its model", held, at_most_s=HELD_S_MAX
        )


def render_time(name: str, seconds: Sequence[float], *, at_most_s: float) -> Figure:
    """Median and worst, and how many there were."""
    worst = max(seconds)
    return Figure(
        name=name,
        value=f"median {statistics.median(seconds):.1f} s, worst {worst:.1f} s of {len(seconds)}",
        promise=f"at most {at_most_s:.0f} s",
        holds=worst <= at_most_s,
    )


def render_counts(floor: Floor, struck: Sequence[Struck]) -> Iterator[Figure]:
    """What stands in the books of both sides after all of it."""
    frozen = sum(one.is_frozen for one in struck)
    yield Figure(name="workers killed", value=f"{len(struck) - frozen}")
    yield Figure(name=f"workers frozen for {FROZEN_S:.0f} s", value=f"{frozen}")
    kept = "SELECT count(*) FROM records_intent WHERE state = 'confirmed'"
    noticed = "SELECT count(*) FROM records_auditlink WHERE event = 'task.late'"
    unfinished = "SELECT count(*) FROM records_run WHERE state <> 'succeeded'"
    decided, late, tasks = count(floor, kept), count(floor, noticed), floor.count_tasks()
    yield Figure(name="loads decided", value=f"{decided}")
    yield Figure(name="late starts of thawed workers, each on record", value=f"{late}")
    yield render_zero("imports in the model's books beyond these", abs(tasks - decided - late))
    yield render_zero("loads of one model that overlapped", count(floor, OVERLAPS))
    yield render_zero("runs lost", count(floor, unfinished))
    yield render_zero("runs that did not tie out to the cent", sum(not i.is_exact for i in struck))


def render_zero(name: str, value: int) -> Figure:
    """What there may be none of."""
    return Figure(name=name, value=f"{value}", promise="0", holds=value == 0)


def count(floor: Floor, query: str) -> int:
    """The one number a question is answered with."""
    return int(str(floor.ask(query)[0][0]))


def tell(one: Struck) -> None:
    """A line for whoever waits."""
    held = "" if one.held_s is None else f", model after {one.held_s:.1f} s"
    how = "frozen" if one.is_frozen else "killed"
    sys.stderr.write(f"{how} {one.instant}: run after {one.taken_over_s:.1f} s{held}\n")


def main() -> int:
    """The figures are printed; the exit code."""
    parser = argparse.ArgumentParser(prog="takeover", description=__doc__)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--freezes", type=int, default=FREEZES)
    parser.add_argument("--seed", type=int, default=SEED, help="draws the instants")
    options = parser.parse_args()
    figures = measure(kills=options.kills, freezes=options.freezes, seed=options.seed)
    sys.stdout.write("\n".join([*render_figures("Take-over", figures), ""]))
    return 0 if all(one.holds for one in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
