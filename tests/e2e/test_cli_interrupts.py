"""Real processes that are interrupted, terminated and killed in the midst of a run.

They take the machine's time while the sandbox's clock stands still, so a task they wait for never
ends: that is where the signal finds them. The run is then resumed on the moved clock.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

FLOW = "actuals-fusion"
MODULE = (sys.executable, "-m", "ml_connector")
PATIENT, IMPATIENT = (
    f"from ml_connector.cli import main, signals; signals.LEAVE_AFTER_S = {leave_s}; main.main()"
    for leave_s in (3_600, 1)
)
STARTED_S_MAX = STOPPED_S_MAX = 60.0
"""Within seconds, with room for a busy machine; what is not ended by a signal takes far longer."""
HANGS_S = 3_600
"""A request without an answer; those under way end with the test that follows."""


@dataclass(slots=True)
class Process:
    """A command in a process of its own."""

    popen: "subprocess.Popen[str]"
    clock: Any
    err: str = ""
    out: str = ""

    def signal(self, number: int) -> None:
        """The process gets the signal."""
        self.popen.send_signal(number)

    def wait_for(self, start: str) -> None:
        """The process has told a line that starts so."""
        assert self.popen.stderr is not None
        for line in self.popen.stderr:
            self.err += line
            if line.startswith(start):
                return
        raise AssertionError(f"{start!r} was never told: {self.err}")

    def leave(self, within_s: float = STOPPED_S_MAX) -> int:
        """The exit code; it must have left by then."""
        self.out, err = self.popen.communicate(timeout=within_s)
        self.err += err
        # What it booked lies in the machine's time; a clock behind that would wait for it.
        self.clock.at = max(self.clock.at, datetime.now(UTC))
        return self.popen.returncode


@dataclass(slots=True)
class Room:
    """Starts commands on the office's project, and looks at its runs from outside."""

    office: Any
    typist: Any
    stack: ExitStack = field(default_factory=ExitStack)

    def start(self, *arguments: str, program: tuple[str, ...] = MODULE) -> Process:
        """The command runs."""
        popen = self.stack.enter_context(
            subprocess.Popen(
                [*program, *arguments, "--project", str(self.office.root)],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        )  # fmt: skip
        self.stack.callback(popen.kill)
        return Process(popen, self.office.clock)

    def start_until(self, step: str, *arguments: str, **more: Any) -> tuple[Process, str]:
        """The command runs and is in this step; the process and the id of the run."""
        process = self.start(*arguments, **more)
        ends_at = time.monotonic() + STARTED_S_MAX
        while time.monotonic() < ends_at:
            run = self.newest()
            if run["state"] == "running" and self.is_in(run["run"], step):
                return process, str(run["run"])
            assert process.popen.poll() is None, process.popen.communicate()[1]
        raise AssertionError(f"the run has not come to {step}: {self.newest()}")

    def pass_time(self, until: Callable[[], bool]) -> None:
        """The sandbox's clock moves on until something has happened there."""
        ends_at = time.monotonic() + STARTED_S_MAX
        while not until():
            assert time.monotonic() < ends_at, f"it did not happen: {self.newest()}"
            self.office.clock.sleep(2)

    def is_in(self, run: str, step: str) -> bool:
        """Whether the run executes a step of that name."""
        steps = self.typist.type("runs", "show", run, "-o", "json").json["steps"]
        return any(its["name"].startswith(step) and its["state"] == "running" for its in steps)

    def newest(self) -> Any:
        """The newest run of the history."""
        return self.typist.type("runs", "list", "--limit", "1", "-o", "json").json[0]


@pytest.fixture
def room(office: Any, typist: Any) -> Iterator[Room]:
    """An office whose history is not empty; no process outlives the test."""
    # Before the machine's time, so that what a process books after the office is not yet to come.
    office.clock.at = datetime.now(UTC) - timedelta(hours=1)
    typist.type("plan", FLOW, "--period", "Oct-26")
    room = Room(office, typist)
    with room.stack:
        yield room
    office.company.mend()


@pytest.mark.long
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "sigterm"]
)
def test_interrupted_run_stops_at_once_and_resumes_to_the_same_cells(
    room: Room, quiet_cells: dict[str, str], number: int, code: int
) -> None:
    """While it follows a task: out within seconds, 130 or 143, and `runs resume` finishes it."""
    process, run = room.start_until("read back: export", "run", FLOW)
    process.signal(number)

    left_with = process.leave()
    stopped = room.newest()
    resumed = room.typist.type("runs", "resume", run)

    assert left_with == code
    assert "Stopping: the step that runs is ended first." in process.err
    assert f"hint: Go on: `ml-connector runs resume {run}`" in process.err
    assert "Traceback" not in process.err
    assert process.out == ""
    assert (stopped["run"], stopped["state"]) == (run, "interrupted")
    assert resumed.code == 0, resumed.err
    assert room.office.company.cells() == quiet_cells


@pytest.mark.exhaustive
@pytest.mark.long
def test_run_interrupted_under_its_load_starts_no_second_one(
    room: Room, quiet_cells: dict[str, str]
) -> None:
    """The task goes on in the model, the resumed run follows it: one start, the same cells."""
    process, run = room.start_until("read back: export", "run", FLOW)
    room.pass_time(lambda: room.is_in(run, "load: follow task"))
    process.signal(signal.SIGTERM)

    left_with = process.leave()
    resumed = room.typist.type("runs", "resume", run)

    assert left_with == 143
    assert "The task goes on there; nothing else was started." in process.err
    assert resumed.code == 0, resumed.err
    assert room.office.company.cells() == quiet_cells
    assert len(room.office.tasks()) == 1


@pytest.mark.exhaustive
@pytest.mark.long
def test_long_read_ends_at_its_next_request(room: Room, quiet_cells: dict[str, str]) -> None:
    """A step with hundreds of requests to go does not go on for minutes."""
    room.typist.type("run", FLOW)
    room.office.company.fail(
        room.office.company.fusion, kind="delay", path="journalBatches", every=1, delay_s=0.5
    )
    process, run = room.start_until("backfill: batches", "backfill", FLOW, "--month", "2026-09")
    process.signal(signal.SIGINT)

    left_with = process.leave()
    room.office.company.mend()
    resumed = room.typist.type("runs", "resume", run)

    assert left_with == 130
    assert "before its step sent a further request" in process.err
    assert resumed.code == 0, resumed.err
    assert room.office.company.cells() == quiet_cells


@pytest.mark.exhaustive
@pytest.mark.long
@pytest.mark.parametrize(
    ("program", "signals"),
    [((sys.executable, "-c", PATIENT), 2), ((sys.executable, "-c", IMPATIENT), 1)],
    ids=["second signal", "patience ends"],
)
def test_step_that_hangs_is_left(
    room: Room, quiet_cells: dict[str, str], program: tuple[str, ...], signals: int
) -> None:
    """A request without an answer holds nobody: a second Ctrl-C leaves at once, time does too."""
    room.office.company.fail(
        room.office.company.fusion, kind="delay", path="ledgerBalances", times=1, delay_s=HANGS_S
    )
    process, run = room.start_until("control: Sep 26", "run", FLOW, program=program)
    process.signal(signal.SIGINT)
    process.wait_for("Stopping: ")
    for _ in range(signals - 1):
        process.signal(signal.SIGINT)

    left_with = process.leave()
    room.office.company.mend()
    resumed = room.typist.type("runs", "resume", run)

    assert left_with == 130
    assert "Left in the middle of a step." in process.err
    assert resumed.code == 0, resumed.err
    assert room.office.company.cells() == quiet_cells


@pytest.mark.exhaustive
@pytest.mark.long
def test_killed_run_keeps_its_flow_busy_until_resumed(
    room: Room, quiet_cells: dict[str, str]
) -> None:
    """The next run is refused as busy and names both ways on; resuming ends with the same cells."""
    process, run = room.start_until("read back: export", "run", FLOW)
    process.signal(signal.SIGKILL)
    process.leave()

    refused = room.typist.type("run", FLOW, "-o", "json")
    resumed = room.typist.type("runs", "resume", run)

    assert refused.code == 6
    assert run in refused.json["error"]["refused"]
    assert f"`ml-connector runs resume {run}`" in refused.json["error"]["next_step"]
    assert "cancel" in refused.json["error"]["next_step"]
    assert resumed.code == 0, resumed.err
    assert room.office.company.cells() == quiet_cells


@pytest.mark.exhaustive
@pytest.mark.long
def test_killed_run_that_is_cancelled_frees_its_flow_for_good(
    room: Room, quiet_cells: dict[str, str]
) -> None:
    """Cancelled stays cancelled when the next engine finds what the dead process left."""
    process, run = room.start_until("read back: export", "run", FLOW)
    process.signal(signal.SIGKILL)
    process.leave()

    cancelled = room.typist.type("runs", "cancel", run[:-2])
    ran = room.typist.type("run", FLOW)
    again = room.typist.type("runs", "cancel", run)
    resumed = room.typist.type("runs", "resume", run)

    assert cancelled.code == 0
    assert ran.code == 0, ran.err
    assert room.office.company.cells() == quiet_cells
    assert room.typist.type("runs", "show", run, "-o", "json").json["state"] == "cancelled"
    assert again.code == resumed.code == 2


@pytest.mark.exhaustive
@pytest.mark.long
def test_living_run_is_neither_cancelled_nor_resumed_nor_doubled(room: Room) -> None:
    """Somebody else's process is named; looking works meanwhile."""
    process, run = room.start_until("read back: export", "run", FLOW)

    codes = [
        room.typist.type(*words).code
        for words in (("runs", "cancel", run), ("runs", "resume", run), ("run", FLOW))
    ]
    refused = room.typist.type("run", FLOW)
    looked = room.typist.type("status", "-o", "json")
    process.signal(signal.SIGINT)

    assert process.leave() == 130
    assert codes == [6, 6, 6]
    assert f"process {process.popen.pid} on" in refused.err
    assert looked.code == 0


@pytest.mark.exhaustive
@pytest.mark.long
def test_interruption_with_an_unknown_outcome_says_the_more_dangerous(
    room: Room, quiet_cells: dict[str, str]
) -> None:
    """The start's answer was lost and is being looked for: 9, not 130; resuming adopts the task."""
    anaplan = room.office.company.anaplan
    tasks = r"/imports/.*/tasks(\?|$)"
    room.office.company.fail(anaplan, kind="reset_after", method="POST", path=tasks)
    room.office.company.fail(
        anaplan, kind="status", method="GET", path=tasks, nth=2, every=1, status=503
    )
    process, run = room.start_until("read back: export", "run", FLOW)
    room.pass_time(lambda: bool(room.office.tasks()))
    process.signal(signal.SIGINT)

    left_with = process.leave()
    state = room.newest()["state"]
    room.office.company.mend()
    resumed = room.typist.type("runs", "resume", run)

    assert left_with == 9, process.err
    assert state == "outcome unknown"
    assert resumed.code == 0, resumed.err
    assert room.office.company.cells() == quiet_cells
    assert len(room.office.tasks()) == 1


@pytest.mark.parametrize(
    ("number", "code", "told"),
    [(signal.SIGINT, 130, "Interrupted."), (signal.SIGTERM, 143, "Terminated.")],
)
def test_command_without_a_run_ends_at_once(room: Room, number: int, code: int, told: str) -> None:
    """`doctor` waits for nothing and leaves no traceback."""
    room.office.company.fail(
        room.office.company.anaplan, kind="delay", path="/users/me", times=1, delay_s=HANGS_S
    )
    seen = len(room.office.company.journal(room.office.company.anaplan))
    process = room.start("doctor")
    room.pass_time(lambda: len(room.office.company.journal(room.office.company.anaplan)) > seen)
    process.signal(number)

    assert process.leave() == code
    assert process.err.strip().splitlines()[-1] == told
    assert "Traceback" not in process.err
    room.office.company.mend()
