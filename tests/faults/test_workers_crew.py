"""Real workers on one PostgreSQL: they share the queue, and the runs of a dead one get done."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from tests.fakes.children import find_environment
from tests.fakes.postgres import Postgres, query_database

CHILD = Path(__file__).with_name("crew_child.py")
LINES_MAX = 500
KEYS, RUNS = 4, 6


@pytest.fixture
def url(postgres: Postgres) -> Iterator[str]:
    """A database of this test's own."""
    with postgres.database() as found:
        yield found


def start(stack: ExitStack, url: str, *arguments: str) -> "subprocess.Popen[str]":
    """The child runs; it and its own are gone at the end of the test."""
    process = subprocess.Popen(
        [sys.executable, str(CHILD), url, *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        env=find_environment(),
    )  # fmt: skip
    stack.callback(end_group, process)
    return process


def end_group(process: "subprocess.Popen[str]") -> None:
    """Nothing of the child's own process group is left."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def read_until(process: "subprocess.Popen[str]", event: str) -> list[dict[str, str]]:
    """Lines told up to the first of that event."""
    assert process.stdout is not None
    told: list[dict[str, str]] = []
    for _, line in zip(range(LINES_MAX), process.stdout, strict=False):
        told.append(json.loads(line))
        if told[-1]["event"] == event:
            return told
    raise AssertionError(told)


@pytest.mark.long
def test_workers_share_queued_runs_one_at_a_time_for_each_model(url: str) -> None:
    """Each run is executed once, by either worker; no two of one model at the same time.

    One worker is killed in the middle of a step: the other ends its run, and the rest.
    """
    with ExitStack() as stack:
        process = start(stack, url, str(KEYS), str(RUNS))
        told = read_until(process, "all done")
        counts = query_database(url, "SELECT status, count(*) FROM dbos.workflow_status GROUP BY 1")
    begun = [(one["run"], one["pid"]) for one in told if one["event"] == "begin"]
    ended = [(one["run"], one["pid"]) for one in told if one["event"] == "end"]
    (dead,) = {one["pid"] for one in told if one["event"] == "killed"}
    assert counts == [("SUCCESS", KEYS * RUNS)]
    assert {pid for _, pid in ended} > {dead}
    repeated = {run for run, _ in begun if [name for name, _ in begun].count(run) > 1}
    assert {run for run, pid in begun if pid == dead} >= repeated
    assert repeated
    verify_one_at_a_time(told)


def verify_one_at_a_time(told: list[dict[str, str]]) -> None:
    """Of one model, a run begins only after the one before has ended, or its process was killed."""
    running: dict[str, str] = {}
    for one in told:
        key = one.get("run", "").partition("-")[0]
        if one["event"] == "begin":
            assert running.get(key) in (None, one["run"]), told
            running[key] = one["run"]
        elif one["event"] == "end":
            assert running.pop(key) == one["run"]
    assert running == {}
