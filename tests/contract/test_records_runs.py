"""Runs and steps: one unfinished run per flow, whoever asks."""

import subprocess
from collections.abc import Callable
from dataclasses import replace

import pytest

from ml_connector.errors import BusyError, UsageError
from ml_connector.ports import UNFINISHED_STATES, Clock, Records, RunState
from ml_connector.records import create_organisation, open_records
from ml_connector.records.canonical import FloatInRecordError

Move = Callable[[float], None]
Spawn = Callable[..., "subprocess.Popen[str]"]


def start_run(records: Records, run_id: str, flow: str = "actuals") -> None:
    """The run is queued."""
    records.runs.create_run(run_id=run_id, flow=flow, kind="F2", actor="kim", request={"n": 1})


def test_run_is_queued_with_what_was_asked_for(records: Records, records_clock: Clock) -> None:
    """A new run keeps its request, its actor and the clock's time."""
    run = records.runs.create_run(
        run_id="0142", flow="actuals", kind="F2", actor="kim", request={"periods": ["Oct-26"]}
    )
    assert run == records.runs.load_run("0142")
    assert (run.state, run.actor) == (RunState.QUEUED, "kim")
    assert run.request == {"periods": ["Oct-26"]}
    assert (run.created_at, run.finished_at) == (records_clock.now(), None)
    assert (run.summary, run.error) == ({}, None)


@pytest.mark.parametrize("state", sorted(UNFINISHED_STATES))
def test_second_run_of_a_flow_is_refused_while_the_first_is_unfinished(
    records: Records, state: RunState
) -> None:
    """The refusal names the run in the way, and other flows are not concerned."""
    start_run(records, "0142")
    records.runs.save_run("0142", state)
    with pytest.raises(BusyError, match=f"busy with run 0142, which is {state}"):
        start_run(records, "0143")
    start_run(records, "0144", flow="suppliers")
    found = records.runs.find_unfinished("actuals")
    assert found is not None
    assert found.run_id == "0142"


@pytest.mark.parametrize("state", sorted(set(RunState) - UNFINISHED_STATES))
def test_finished_run_makes_room_and_gets_its_time(
    records: Records, records_clock: Clock, move: Move, state: RunState
) -> None:
    """Every other state ends the run for its flow."""
    start_run(records, "0142")
    move(60)
    records.runs.save_run("0142", state, summary={"cells": 3}, error={"code": "busy"})
    run = records.runs.load_run("0142")
    assert (run.state, run.finished_at) == (state, records_clock.now())
    assert (run.summary, run.error) == ({"cells": 3}, {"code": "busy"})
    assert records.runs.find_unfinished("actuals") is None
    start_run(records, "0143")


def test_resumed_run_loses_error_and_end_but_keeps_its_summary(records: Records) -> None:
    """An error of an earlier attempt does not stay beside a later success."""
    start_run(records, "0142")
    records.runs.save_run("0142", RunState.FAILED, summary={"cells": 3}, error={"code": "busy"})
    records.runs.save_run("0142", RunState.RUNNING)
    run = records.runs.load_run("0142")
    assert (run.error, run.finished_at, run.summary) == (None, None, {"cells": 3})


def test_failed_run_is_not_resumed_beside_a_newer_one(records: Records) -> None:
    """The law of one unfinished run holds for resuming as well as for starting."""
    start_run(records, "0142")
    records.runs.save_run("0142", RunState.FAILED)
    start_run(records, "0143")
    with pytest.raises(BusyError, match="run 0143"):
        records.runs.save_run("0142", RunState.RUNNING)
    assert records.runs.load_run("0142").state is RunState.FAILED


def test_run_id_is_used_once(records: Records) -> None:
    """A finished run's id is not given to another run."""
    start_run(records, "0142")
    with pytest.raises(UsageError, match="used before"):
        start_run(records, "0142")
    records.runs.save_run("0142", RunState.SUCCEEDED)
    with pytest.raises(UsageError, match="used before"):
        start_run(records, "0142", flow="suppliers")


def test_prefix_finds_a_run_only_when_it_fits_one(records: Records) -> None:
    """An exact id wins over longer ones; case counts; wildcards of the database do not."""
    names = ("2611-0aB", "2611-0aBc", "2611-0ax", "2611-1_2", "2611-1a2", "7x")
    for number, run_id in enumerate(names):
        start_run(records, run_id, flow=f"flow {number}")
    assert records.runs.load_run("2611-0aB").run_id == "2611-0aB"
    assert records.runs.load_run("2611-0ax").run_id == "2611-0ax"
    assert records.runs.load_run("2611-1_").run_id == "2611-1_2"
    with pytest.raises(UsageError, match="fits 3 runs: 2611-0ax, 2611-0aBc, 2611-0aB"):
        records.runs.load_run("2611-0a")
    for unknown in ("2611-0ab", "%", "", "3"):
        with pytest.raises(UsageError, match="no run"):
            records.runs.load_run(unknown)


def test_prefix_that_is_too_short_names_no_run_though_it_fits_one(records: Records) -> None:
    """A slip of the hand would cancel it; a whole id may be as short as it is."""
    start_run(records, "261123-0213-ab", flow="one")
    start_run(records, "7x", flow="two")

    with pytest.raises(UsageError, match="'26112' is too short to name a run, and fits 1 run: 26"):
        records.runs.load_run("26112")

    assert records.runs.load_run("261123").run_id == "261123-0213-ab"
    assert records.runs.load_run("7x").run_id == "7x"


def test_unknown_run_is_refused_by_every_call(records: Records) -> None:
    """Nothing is stored for a run that does not exist."""
    for call in (
        lambda: records.runs.save_run("0142", RunState.RUNNING),
        lambda: records.runs.record_step_started("0142", "read"),
        lambda: records.runs.load_steps("0142"),
        lambda: records.runs.record_step_finished(7, state="done", result={}),
    ):
        with pytest.raises(UsageError):
            call()


def test_newest_runs_come_first(records: Records) -> None:
    """The list is newest first, by flow when asked, and bounded."""
    for number in range(4):
        start_run(records, f"a{number}", flow=f"flow {number % 2}")
        records.runs.save_run(f"a{number}", RunState.SUCCEEDED)
    assert [run.run_id for run in records.runs.load_runs(limit=3)] == ["a3", "a2", "a1"]
    assert [run.run_id for run in records.runs.load_runs(flow="flow 0")] == ["a2", "a0"]


def test_steps_keep_order_attempts_and_results(
    records: Records, records_clock: Clock, move: Move
) -> None:
    """A repeated attempt counts up; a name used again after success begins at one."""
    start_run(records, "0142")
    started_at = records_clock.now()
    first = records.runs.record_step_started("0142", "read")
    records.runs.record_step_finished(first, state="interrupted", result={})
    second = records.runs.record_step_started("0142", "read")
    move(5)
    records.runs.record_step_finished(second, state="done", result={"batches": 7})
    records.runs.record_step_started("0142", "read")
    steps = records.runs.load_steps("0142")
    assert [(s.name, s.attempt, s.state) for s in steps] == [
        ("read", 1, "interrupted"), ("read", 2, "done"), ("read", 1, "running"),
    ]  # fmt: skip
    assert steps[1].result == {"batches": 7}
    assert (steps[1].started_at, steps[1].finished_at) == (started_at, records_clock.now())
    assert steps[2].finished_at is None


def test_done_step_is_found_in_the_newest_runs_alone(records: Records) -> None:
    """The newest run that has done it counts; one that began or broke it does not."""
    for run_id, state in (("0142", "done"), ("0143", "done"), ("0144", "interrupted")):
        start_run(records, run_id)
        row = records.runs.record_step_started(run_id, "read")
        records.runs.record_step_finished(row, state=state, result={"run": run_id})
        records.runs.save_run(run_id, RunState.FAILED)

    found = records.runs.find_done_step("actuals", "read", runs_max=2)
    assert found is not None
    assert found.result == {"run": "0143"}
    assert records.runs.find_done_step("actuals", "read", runs_max=1) is None
    assert records.runs.find_done_step("actuals", "send", runs_max=9) is None
    assert records.runs.find_done_step("budget", "read", runs_max=9) is None


def test_floats_are_refused_and_nothing_is_stored(records: Records) -> None:
    """An amount that became a float never reaches the history."""
    start_run(records, "0142")
    with pytest.raises(FloatInRecordError, match=r"1\.5"):
        records.runs.save_run("0142", RunState.SUCCEEDED, summary={"a": [{"b": 1.5}]})
    assert records.runs.load_run("0142").state is RunState.QUEUED


def test_organisations_see_nothing_of_each_other(records: Records, records_clock: Clock) -> None:
    """The same ids, flows and models live in two organisations without touching."""
    create_organisation("north")
    north = open_records("north", clock=records_clock)
    start_run(records, "0142")
    start_run(north, "0142")
    north.runs.save_run("0142", RunState.SUCCEEDED)
    assert records.runs.load_run("0142").state is RunState.QUEUED
    step = records.runs.record_step_started("0142", "read")
    with pytest.raises(UsageError):
        north.runs.record_step_finished(step, state="done", result={})
    assert north.runs.load_steps("0142") == []
    start_run(north, "0150")
    assert [run.run_id for run in records.runs.load_runs()] == ["0142"]
    with pytest.raises(UsageError):
        records.runs.load_run("0150")


@pytest.mark.long
def test_two_processes_starting_a_flow_get_one_run(records: Records, spawn: Spawn) -> None:
    """The database decides the race: one starts, the other is told who did."""
    script = """
from ml_connector.errors import BusyError
runs = open_records().runs
print("ready"); sys.stdin.readline()
try:
    runs.create_run(run_id=sys.argv[1], flow="actuals", kind="F2", actor="kim", request={})
    print("started")
except BusyError as error:
    print(error.arguments["run_id"])
"""
    racers = [spawn(script, run_id) for run_id in ("r1", "r2")]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    answers = [racer.communicate("go\n")[0].strip() for racer in racers]
    winner = records.runs.load_runs()[0].run_id
    assert sorted(answers) == sorted(["started", winner])


def test_stored_run_equals_what_was_returned(records: Records) -> None:
    """What a call returns is what a later process reads."""
    run = records.runs.create_run(run_id="0142", flow="f", kind="F2", actor="kim", request={})
    records.runs.save_run("0142", RunState.RUNNING)
    assert open_records().runs.load_run("0142") == replace(run, state=RunState.RUNNING)
