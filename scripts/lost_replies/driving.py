"""A job done under a fault: processes started, killed, started again; what then stands counted."""

import json
import os
import random
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from scripts.lost_replies.books import Books
from scripts.lost_replies.stage import Stage
from scripts.lost_replies.work import HELD_S, ROOT, Fault, Job, Setting, Tool, WritePath

ERRORS_MAX = 3
"""A process that ends with an error is started again so often; a killed one always."""
CHILD_S_MAX = 120.0
"""A process that runs for longer is a fault of this script."""
LOOK_S = 0.02
"""Pause between two looks at a process that is to be killed."""
EFFECT_S_MAX = 1.0
"""How long the effect of a request is waited for that may be refused and then has none."""


class StuckError(Exception):
    """A process does not come to an end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of the writes of one tool under one fault, by the other system's books."""

    writes: int = 0
    lost: int = 0
    requests: int = 0
    doubled: int = 0
    missing: int = 0
    settled: int = 0
    """Unknown to the product, then found by it as the books have it."""
    starts: int = 0

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(
            **{name: getattr(self, name) + getattr(other, name) for name in self.__slots__}
        )


def draw_losses(writes: int, every: int, seed: str) -> list[int]:
    """Numbers of the requests whose replies are lost, counted from 1; the same for each seed."""
    count = -(-writes // every)
    return sorted(random.Random(seed).sample(range(1, writes + 1), count))  # noqa: S311 - a repeatable draw.


def run_path(path: WritePath, tool: Tool, fault: Fault, setting: Setting, seed: int) -> Outcome:
    """What became of all the jobs of a tool."""
    losses = draw_losses(setting.writes, path.lost_every, f"{seed}/{path.title}/{fault}")
    total, done = Outcome(), 0
    for job in path.tools[tool](setting):
        here = [one - done for one in losses if done < one <= done + job.writes]
        total += run_job(path, job, fault, setting, here)
        done += job.writes
    return total


def run_job(
    path: WritePath, job: Job, fault: Fault, setting: Setting, losses: Sequence[int]
) -> Outcome:
    """What became of the writes of one job."""
    stage = setting.stage
    job.begin()
    before = path.read(stage)
    spoil(stage, path, fault, losses)
    driver = Driver(
        stage=stage, path=path, is_killer=fault is Fault.KILLED, log=setting.folder / "log.txt"
    )
    driver.drive(job)
    heard = stage.listen(path.system)
    wait_for(lambda: count_spoiled(stage, path) >= heard.lost, seconds=HELD_S + EFFECT_S_MAX)
    after = {name: its for name, its in path.read(stage).items() if name not in before}
    doubled, missing = compare(after, job.wanted)
    return Outcome(
        writes=job.writes, lost=heard.lost, requests=heard.requests, doubled=doubled,
        missing=missing, starts=driver.starts,
        settled=count_settled(driver.claims, after, heard.lost, heard.requests - job.writes),
    )  # fmt: skip


def count_spoiled(stage: Stage, path: WritePath) -> int:
    """Requests with a lost reply that the server is done with."""
    return sum(1 for line in stage.journal(path.system) if line["fault"])


def spoil(stage: Stage, path: WritePath, fault: Fault, losses: Sequence[int]) -> None:
    """The replies to these requests will be lost; a rule that is never due counts them all."""
    where = {"path": path.pattern, "method": path.method}
    counting = {**where, "kind": "status", "nth": 10**9}
    stage.spoil(path.system, [counting, *({**where, "nth": at, **fault.rule} for at in losses)])


def compare(found: Books, wanted: Counter[str]) -> tuple[int, int]:
    """How many entries there are too many, and how many too few."""
    held = Counter(found.values())
    return (held - wanted).total(), (wanted - held).total()


def count_settled(claims: Sequence[str], found: Books, lost: int, repeated: int) -> int:
    """Replies lost whose writes were not sent again, if the product's records name the books' own.

    What the records name and the books do not hold, or the other way round, is taken off. Of an
    entry's name they know what stands before a number sign.
    """
    unlike = len(set(claims) ^ {name.partition("#")[0] for name in found})
    return max(0, lost - max(0, repeated) - unlike) if claims else 0


@dataclass(slots=True, kw_only=True)
class Driver:
    """Starts a process until it ends well, and kills it where it is to be killed."""

    stage: Stage
    path: WritePath
    is_killer: bool
    log: Path
    starts: int = 0
    errors: int = 0
    claims: tuple[str, ...] = ()
    _killed: int = 0

    def drive(self, job: Job) -> None:
        """The job has ended well, or has failed too often; each start adds to the log."""
        while self.errors < ERRORS_MAX:
            self.starts += 1
            code, said = self._run(job.command)
            if code == 0:
                last = said.strip().rpartition("\n")[2]
                self.claims = tuple(json.loads(last)["claims"]) if last.startswith("{") else ()
                return
            self.errors += code > 0

    def _run(self, command: Sequence[str]) -> tuple[int, str]:
        environment = {**os.environ, "RUNTIME__DLTHUB_TELEMETRY": "false"}
        with (
            self.log.open("a", encoding="utf-8") as log,
            subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=ROOT, env=environment
            ) as process,
        ):
            try:
                self._watch(process)
            finally:
                process.kill()
            assert process.stdout is not None
            return process.wait(), process.stdout.read()

    def _watch(self, process: "subprocess.Popen[str]") -> None:
        deadline = time.monotonic() + CHILD_S_MAX
        while process.poll() is None:
            if time.monotonic() > deadline:
                raise StuckError(f"{process.args!r} runs for more than {CHILD_S_MAX:.0f} s.")
            if self.is_killer and self._is_time():
                return
            with suppress(subprocess.TimeoutExpired):
                process.wait(LOOK_S)

    def _is_time(self) -> bool:
        """A reply is kept back, and what it would tell has happened."""
        heard = self.stage.listen(self.path.system)
        if heard.lost == self._killed:
            return False
        self._killed = heard.lost
        wait_for(lambda: len(self.path.read(self.stage)) >= heard.requests, seconds=EFFECT_S_MAX)
        return True


def wait_for(is_so: Callable[[], bool], *, seconds: float) -> None:
    """It is so, or has not become so in that time."""
    deadline = time.monotonic() + seconds
    while not is_so() and time.monotonic() < deadline:
        time.sleep(LOOK_S)
