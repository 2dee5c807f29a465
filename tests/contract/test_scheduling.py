"""What is due becomes one run each on real stores, whoever dies, whatever the flow is doing."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.killing import Killer
from tests.fakes.steps import Crash

from ml_connector.errors import SettingsError, SystemUnavailableError
from ml_connector.flows.scheduling import (
    FlowPlace,
    ScheduleDesk,
    look,
    make_run_id,
    take_in,
)
from ml_connector.flows.timetables import FlowFacts
from ml_connector.ports import Clock, Json, Records, RunState
from ml_connector.ports.schedules import FiringRow, FiringState
from ml_connector.settings import Project, ProjectSettings, Schedule

FLOWS = {
    name: FlowFacts(kind="F2", erp="erp", connections=frozenset({"erp", "model"}))
    for name in ("actuals", "suppliers")
}
Move = Callable[[float], None]
HOUR = 3_600
PICK_UP_S = 5
CALLS_MAX = 10
"""More calls of stores and engine than one firing makes."""


class Queue:
    """An engine that only keeps what it was given, by id."""

    def __init__(self) -> None:
        self.runs: dict[str, Json] = {}

    def queue(self, *, flow: str, run_id: str, request: Json, queue_key: str) -> None:
        """The same id twice is one run."""
        self.runs[run_id] = {"flow": flow, "request": request, "key": queue_key}


def schedule(name: str = "nightly", flow: str = "actuals", **more: Any) -> Schedule:
    """A schedule, at every full hour unless told otherwise."""
    given: dict[str, Any] = {
        "name": name, "flow": flow, "when": {"cron": "0 * * * *"}, "zone": "Europe/Berlin",
        **more,
    }  # fmt: skip
    return Schedule.model_validate(given)


@pytest.fixture
def queue() -> Queue:
    """Where runs go."""
    return Queue()


@pytest.fixture
def desk(records: Records, records_clock: Clock, queue: Queue) -> ScheduleDesk:
    """What looking needs."""
    return make_desk(records, records_clock, queue)


def make_desk(records: Records, clock: Clock, queue: Any) -> ScheduleDesk:
    """A process that looks."""
    return ScheduleDesk(
        records=records, clock=clock, queue=queue, organisation="default",
        flows=FLOWS,
        find_place=lambda flow: FlowPlace(kind="F2", queue_key=f"model of {flow}"),
    )  # fmt: skip


def place(desk: ScheduleDesk, *schedules: Schedule) -> list[str]:
    """The project folder has these schedules."""
    project = Project(
        root=Path(), settings=ProjectSettings(), connections={}, flows={},
        schedules={one.name: one for one in schedules},
    )  # fmt: skip
    return take_in(desk.records, project, clock=desk.clock, actor="kim")


def standing(firings: list[FiringRow]) -> list[tuple[str, FiringState]]:
    """How firings stand, by hour."""
    return [(f"{one.due_at:%H}", one.state) for one in firings]


def test_due_schedule_becomes_one_queued_run_of_its_own_actor(
    desk: ScheduleDesk, queue: Queue, move: Move
) -> None:
    """Id, request and actor follow from the schedule; the audit chain has it; the firing ends."""
    assert place(desk, schedule(request={"remap": True})) == ["nightly"]
    assert look(desk) == []
    move(HOUR)
    (fired,) = look(desk)
    assert (fired.state, fired.actor, fired.looks) == (FiringState.STARTED, "schedule nightly", 0)
    run = desk.records.runs.load_run(fired.run_id)
    assert (run.state, run.actor, run.kind) == (RunState.QUEUED, "schedule nightly", "F2")
    assert run.request == {"remap": True}
    assert queue.runs == {
        run.run_id: {"flow": "actuals", "request": run.request, "key": "model of actuals"}
    }
    assert run.run_id == make_run_id("default", "nightly", fired.due_at)
    assert make_run_id("other", "nightly", fired.due_at) != run.run_id, "engines are shared"
    events = [one.event for one in desk.records.audit.find("nightly")]
    assert events == ["schedule.changed", "run.started"]
    assert look(desk) == []
    assert place(desk, schedule(request={"remap": True})) == []


@pytest.mark.parametrize("at", range(1, CALLS_MAX))
def test_time_becomes_one_run_whatever_its_process_dies_after(
    records: Records, records_clock: Clock, queue: Queue, move: Move, at: int
) -> None:
    """Claimed, recorded, queued, ended: another process goes on from wherever it was left."""
    killer = Killer(at=at)
    dying = make_desk(killer.watch_records(records), records_clock, killer.watch(queue, "engine"))
    place(make_desk(records, records_clock, queue), schedule())
    move(HOUR)
    try:
        look(dying)
    except Crash:
        move(PICK_UP_S)
        look(make_desk(records, records_clock, queue))
    else:
        assert killer.calls < at, "every call is died after"
    (fired,) = records.schedules.load_firings("nightly")
    assert fired.state is FiringState.STARTED
    assert [run.run_id for run in records.runs.load_runs()] == [fired.run_id]
    assert list(queue.runs) == [fired.run_id]
    started = [one for one in records.audit.find(fired.run_id) if one.event == "run.started"]
    assert len(started) == 1
    move(PICK_UP_S)
    assert look(make_desk(records, records_clock, queue)) == []


def test_firing_waits_for_its_busy_flow_and_the_newest_runs_when_it_is_free(
    desk: ScheduleDesk, queue: Queue, move: Move
) -> None:
    """Never two runs of a flow in the queue; the older time is passed over, and says why."""
    place(desk, schedule())
    desk.records.runs.create_run(
        run_id="by-hand", flow="actuals", kind="F2", actor="kim", request={}
    )
    move(HOUR)
    assert standing(look(desk)) == [("07", FiringState.WAITING)]
    assert look(desk) == []
    move(PICK_UP_S)
    (waiting,) = look(desk)
    assert (waiting.state, waiting.looks) == (FiringState.WAITING, 1)
    assert "busy with run by-hand" in waiting.reason
    move(HOUR)
    assert standing(look(desk)) == [("08", FiringState.WAITING)]
    desk.records.runs.save_run("by-hand", RunState.SUCCEEDED)
    move(PICK_UP_S)
    assert standing(look(desk)) == [("08", FiringState.STARTED)]
    newest, older = desk.records.schedules.load_firings("nightly")
    assert older.state is FiringState.PASSED_OVER
    assert "busy with run by-hand" in older.reason
    assert list(queue.runs) == [newest.run_id]


def test_two_schedules_of_one_flow_run_one_after_the_other(
    desk: ScheduleDesk, queue: Queue, move: Move
) -> None:
    """Both are due at once; the second waits for the first."""
    place(desk, schedule("a"), schedule("b"))
    move(HOUR)
    states = {one.schedule: one.state for one in look(desk)}
    assert sorted(states.values()) == [FiringState.STARTED, FiringState.WAITING]
    (run_id,) = queue.runs
    desk.records.runs.save_run(run_id, RunState.SUCCEEDED)
    move(PICK_UP_S)
    assert [one.state for one in look(desk)] == [FiringState.STARTED]
    assert len(queue.runs) == 2


def test_missed_times_run_one_after_the_other_where_all_are_caught_up(
    desk: ScheduleDesk, queue: Queue, move: Move
) -> None:
    """Three hours without anybody: three runs in order, none passed over."""
    place(desk, schedule(catch_up="all"))
    move(3 * HOUR)
    begun = []
    for _ in range(12):
        begun += [one for one in look(desk) if one.state is FiringState.STARTED]
        if begun:
            run = desk.records.runs.load_run(begun[-1].run_id)
            if run.state is RunState.QUEUED and len(begun) % 2:
                # Every other run takes longer than a look.
                look(desk)
            desk.records.runs.save_run(run.run_id, RunState.SUCCEEDED)
        move(PICK_UP_S)
    assert standing(begun) == [(hour, FiringState.STARTED) for hour in ("07", "08", "09")]
    states = {one.state for one in desk.records.schedules.load_firings("nightly")}
    assert states == {FiringState.STARTED}
    assert len(queue.runs) == 3


def test_newest_missed_time_runs_and_the_others_are_told(desk: ScheduleDesk, move: Move) -> None:
    """The history says how many came while nothing looked."""
    place(desk, schedule())
    move(50 * HOUR)
    assert len(look(desk)) == 1
    newest, missed = desk.records.schedules.load_firings("nightly")
    assert (newest.state, missed.state) == (FiringState.STARTED, FiringState.MISSED)
    assert newest.due_at == desk.clock.now()
    assert missed.reason == "49 times came while nothing looked; only the newest runs"


def test_blackout_that_skips_is_in_the_history(desk: ScheduleDesk, move: Move) -> None:
    """Nothing runs, and what became of the times is told, once for the window."""
    window = {"from": "Mon 08:30", "to": "Tue 00:00", "reason": "close"}
    place(desk, schedule(blackouts=[window], in_blackout="skip"))
    for _ in range(5):
        move(HOUR)
        assert look(desk) == []
    (skipped,) = desk.records.schedules.load_firings("nightly")
    assert skipped.state is FiringState.SKIPPED
    assert skipped.reason == "a blackout (close) lets nothing run until 2026-10-05 22:00 UTC"
    (row,) = desk.records.schedules.load_schedules()
    assert row.next_due_at == datetime.fromisoformat("2026-10-05T22:00Z")


def test_flow_that_cannot_run_refuses_its_firing_and_says_why(
    desk: ScheduleDesk, queue: Queue, move: Move
) -> None:
    """A mapping file that is gone is no reason to try for ever; the next time is tried anew."""

    def refuse(_flow: str) -> FlowPlace:
        raise SettingsError("The file rules.csv is gone.", written="", next_step="")

    place(desk, schedule())
    move(HOUR)
    broken = ScheduleDesk(
        records=desk.records, clock=desk.clock, queue=queue, organisation="default",
        flows=desk.flows, find_place=refuse,
    )  # fmt: skip
    (fired,) = look(broken)
    assert (fired.state, fired.reason) == (FiringState.REFUSED, "The file rules.csv is gone.")
    assert queue.runs == {}
    assert desk.records.runs.load_runs() == []
    move(HOUR)
    assert standing(look(desk)) == [("08", FiringState.STARTED)]


def test_firing_stays_open_while_a_database_is_away(
    desk: ScheduleDesk, queue: Queue, move: Move
) -> None:
    """Nothing is wrong with the firing; whoever looks next goes on."""

    class Away:
        def queue(self, **_: Any) -> None:
            raise SystemUnavailableError("The engine is away.", written="", next_step="")

    place(desk, schedule())
    move(HOUR)
    with pytest.raises(SystemUnavailableError):
        look(make_desk(desk.records, desk.clock, Away()))
    move(PICK_UP_S)
    assert standing(look(desk)) == [("07", FiringState.STARTED)]
    assert len(queue.runs) == 1


def test_schedule_of_a_newer_release_is_left_to_it(
    desk: ScheduleDesk, queue: Queue, move: Move
) -> None:
    """Its kind of time is not known here; the other schedules run."""
    newer = {"name": "newer", "flow": "suppliers", "when": {"closed": "Oct-26"}, "zone": "UTC"}
    known = schedule().model_dump(mode="json", by_alias=True)
    at = desk.clock.now() + timedelta(hours=1)
    desk.records.schedules.save_schedules({"newer": newer, "nightly": known}, lambda _its, _at: at)
    move(HOUR)
    assert [one.schedule for one in look(desk)] == ["nightly"]
    left = desk.records.schedules.find_schedule("newer")
    assert left is not None
    assert left.next_due_at == at


def test_switched_off_schedule_is_due_never(desk: ScheduleDesk, move: Move) -> None:
    """`enabled: false` in its file; its next time is none."""
    off = schedule(enabled=False)
    place(desk, off)
    move(100 * HOUR)
    assert look(desk) == []
    definition = off.model_dump(mode="json", by_alias=True)
    find_next_due = desk.open_almanac().find_next_due
    assert find_next_due(definition, desk.clock.now()) is None
    at = desk.clock.now() + timedelta(hours=1)
    assert find_next_due({**definition, "enabled": True}, desk.clock.now()) == at
