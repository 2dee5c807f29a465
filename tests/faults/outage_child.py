"""A worker that holds on where it is told to, so that its database can be taken away meanwhile.

Usage: outage_child.py PROJECT FUSION_URL MARKS PLACE... It executes runs until it is terminated. At
each PLACE, in their order and once, it leaves a file of that name in the folder MARKS and goes on
when there is one named PLACE.go. Places: `read` (a batch is about to be read), `reply` (the answer
to the start of an import is in hand), `poll` (the task is about to be looked at), `end` (the run's
end is about to be recorded).
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.conftest import BridgedClock
from tests.fakes.children import hurry

from ml_connector.engine import outage, patience
from ml_connector.ports import ActionKind
from ml_connector.systems.anaplan.adapter import AnaplanTarget
from ml_connector.systems.fusion.adapter import FusionSource
from ml_connector.wiring import House, observer, read_project

PROJECT, FUSION, MARKS = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
PLACES = sys.argv[4:]
DEAD_AFTER_S = 3.0
LOOK_S = 0.02
LOOKS_MAX = 3_000


def hold(place: str) -> None:
    """Go on when the test says so; at each place once, and at those asked for."""
    mark = MARKS / place
    earlier = PLACES[: PLACES.index(place)] if place in PLACES else ["nowhere"]
    if mark.exists() or not all((MARKS / f"{one}.go").exists() for one in earlier):
        return
    mark.write_text(str(os.getpid()))
    for _ in range(LOOKS_MAX):
        if (MARKS / f"{place}.go").exists():
            return
        threading.Event().wait(LOOK_S)
    raise AssertionError(place)


def arrange(owner: Any, name: str, *, before: str = "", after: str = "") -> None:
    """Calls of this name hold on before they begin, or when they have their answer."""
    call: Callable[..., Any] = getattr(owner, name)

    def holding(*args: Any, **kwargs: Any) -> Any:
        is_meant = name != "submit_task" or args[1].kind is ActionKind.IMPORT
        if before:
            hold(before)
        answer = call(*args, **kwargs)
        if after and is_meant:
            hold(after)
        return answer

    setattr(owner, name, holding)


def main() -> None:
    """Work until SIGTERM."""
    outage.LOOK_S, patience.RETRY_S_MAX = 0.1, 0.1
    hurry(DEAD_AFTER_S)
    arrange(FusionSource, "read_batches", before="read")
    arrange(AnaplanTarget, "submit_task", after="reply")
    arrange(AnaplanTarget, "read_task", before="poll")
    arrange(observer, "finish_run", before="end")
    house = House(read_project(PROJECT), clock=BridgedClock(FUSION))
    signal.signal(signal.SIGTERM, lambda *_: house.request_stop())
    try:
        house.work(lambda _run_id, _what: None)
    finally:
        house.close()


if __name__ == "__main__":
    main()
