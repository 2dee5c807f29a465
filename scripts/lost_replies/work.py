"""What a write path is made of: what is spoiled, who writes, and how often each write is wanted."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from scripts.lost_replies.books import Books
from scripts.lost_replies.stage import Json, Stage

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 1
"""How long a client waits for an answer that comes too late."""
LATE_S = 2.0
"""When that answer comes, after the effect."""
HELD_S = 4.0
"""How long an answer is kept back while the process that waits for it is killed."""


class Tool(StrEnum):
    """Who does the job."""

    PRODUCT = "ml-connector"
    DLT = "dlt"
    SDK = "anaplan-sdk"


class Fault(StrEnum):
    """How a reply is lost, always after the effect."""

    CLOSED = "connection closed"
    GATEWAY = "502 of a gateway"
    LATE = "reply after the time-out"
    KILLED = "process killed"

    @property
    def rule(self) -> Json:
        """What the sandbox does to the chosen requests."""
        return RULES[self]


RULES: dict[Fault, Json] = {
    Fault.CLOSED: {"kind": "close_after"},
    Fault.GATEWAY: {"kind": "html", "status": 502, "effect": True},
    Fault.LATE: {"kind": "delay", "effect": True, "delay_s": LATE_S},
    Fault.KILLED: {"kind": "delay", "effect": True, "delay_s": HELD_S},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Writes that one process is to do, started again until it has ended well.

    `wanted` is how often each write is to stand in the books when all is done; `begin` brings the
    other system to where the job starts, and is not counted.
    """

    command: tuple[str, ...]
    wanted: Counter[str]
    begin: Callable[[], None] = lambda: None

    @property
    def writes(self) -> int:
        """How many there are."""
        return self.wanted.total()


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where a job is to be done: a fresh sandbox, an empty folder, a project to copy."""

    stage: Stage
    folder: Path
    template: Path
    writes: int
    is_late: bool
    python: str
    """Interpreter of the environment that holds the tools compared with."""

    @property
    def timeout_s(self) -> int:
        """Seconds an answer is waited for; 0 for what the tool does by itself."""
        return PATIENCE_S if self.is_late else 0

    def order(self, module: str, spec: Mapping[str, Any], *, name: str = "job") -> tuple[str, ...]:
        """The command that starts one of our child modules with this order."""
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(spec), encoding="utf-8")
        is_ours = module == "by_product"
        python = sys.executable if is_ours else self.python
        return (python, "-m", f"scripts.lost_replies.{module}", str(path))


@dataclass(frozen=True, slots=True, kw_only=True)
class WritePath:
    """One way of writing into one system."""

    title: str
    system: str
    method: str
    pattern: str
    """Requests that are spoiled: the writing ones and no others."""
    read: Callable[[Stage], Books]
    tools: Mapping[Tool, Callable[[Setting], list[Job]]]
    step: int = 1
    """Writes come in multiples of it."""
    share: int = 1
    """Of so many writes wanted this path does one, for each takes longer."""
    lost_every: int = 4
    """Of so many writes one loses its reply."""

    def count_writes(self, wanted: int) -> int:
        """As many writes as were wanted, rounded up to what the path can do."""
        return -(-wanted // (self.share * self.step)) * self.step
