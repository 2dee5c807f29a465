"""A worker on PostgreSQL that fires schedules, or dies when it has claimed a firing.

Usage: schedule_child.py PROJECT CLOCK_URL work|die. Waits of runs pass at once, here and in the
sandbox; looks are taken in real time.
"""

import os
import signal
import sys
from pathlib import Path

from tests.fakes.children import PassingClock

from ml_connector.flows import scheduling
from ml_connector.wiring import House, read_project

PROJECT, CLOCK, PLACE = Path(sys.argv[1]), sys.argv[2], sys.argv[3]


def die(*_: object) -> None:
    """The process is gone between the claim and the run."""
    os.kill(os.getpid(), signal.SIGKILL)


def tell(text: str) -> None:
    """A line for the test."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    """Work until somebody ends it."""
    if PLACE == "die":
        setattr(scheduling, "_go_on", die)  # noqa: B010 - a fault is put in on purpose.
    house = House(read_project(PROJECT), clock=PassingClock(CLOCK))
    signal.signal(signal.SIGTERM, lambda *_: house.request_stop())
    try:
        house.work(lambda run_id, what: tell(f"{run_id} {what}"), tell)
    finally:
        house.close()


if __name__ == "__main__":
    main()
