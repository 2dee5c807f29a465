"""A process that runs a flow on SQLite and dies at a call of its model.

Usage: hold_child.py PROJECT CLOCK_URL NOW CALL RUN FLOW. It dies once an import's `submit_task` has
been answered, or when it first looks by `read_task` at what has become of it.
"""

import os
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.conftest import BridgedClock

from ml_connector.ports import ActionKind
from ml_connector.systems.anaplan.adapter import AnaplanTarget
from ml_connector.wiring import open_house

PROJECT, CLOCK, NOW, CALL, RUN, FLOW = sys.argv[1:]
KILLED = 137


call: Callable[..., Any] = getattr(AnaplanTarget, CALL)


def deadly(target: AnaplanTarget, action: Any, *args: Any) -> Any:
    """The call, and then nothing more."""
    answer = call(target, action, *args)
    if action.kind is ActionKind.IMPORT:
        os._exit(KILLED)
    return answer


setattr(AnaplanTarget, CALL, deadly)
with open_house(Path(PROJECT), clock=BridgedClock(CLOCK, datetime.fromisoformat(NOW))) as house:
    house.run_as(RUN, FLOW, {})
