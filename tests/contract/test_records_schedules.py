"""Schedules in the records: due ones are claimed once, whoever looks, and pauses outlive files."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ml_connector.ports import Clock, Json, Records
from ml_connector.ports.schedules import (
    Claim,
    FiringRow,
    FiringState,
    NewFiring,
    ScheduleRow,
)
from ml_connector.records import create_organisation, open_records

Move = Callable[[float], None]
Spawn = Callable[..., "subprocess.Popen[str]"]
HOUR = timedelta(hours=1)
FLOWS = {"actuals", "suppliers"}
# As in `records/schedules.py`, which cannot be imported before Django is set up.
PICK_UP_S = 5
LOOKS_MAX = 17_280
NEWER_CAME = "a newer time came before it began"


def every_hours(definition: Json, after: datetime) -> datetime | None:
    """The next full hours of a definition; None when it is off."""
    if not definition["hours"]:
        return None
    begin = after.replace(minute=0, second=0, microsecond=0)
    return begin + int(definition["hours"]) * HOUR


def claim_one(row: ScheduleRow, has_open: bool) -> Claim | None:  # noqa: FBT001 - the port's callback.
    """What was due runs, the next time is hours later."""
    assert row.next_due_at is not None
    return Claim(
        firings=(
            NewFiring(
                due_at=row.next_due_at,
                run_id=f"{row.name}-{row.next_due_at:%d%H}",
                state=FiringState.CLAIMED,
            ),
        ),
        next_due_at=row.next_due_at + row.definition["hours"] * HOUR,
        actor=f"schedule {row.name}",
        request={"dry_run": True},
    )


def definition(hours: int = 1, flow: str = "actuals", **more: Any) -> Json:
    """A schedule every so many hours."""
    return {"flow": flow, "when": {"every": f"{hours}h"}, "hours": hours, **more}


def take_in(records: Records, **definitions: Json) -> list[str]:
    """These are the schedules of the folder."""
    return records.schedules.save_schedules(definitions, every_hours)


def claim(records: Records) -> list[FiringRow]:
    """What this process is to start."""
    return records.schedules.claim_due(FLOWS, claim_one)


def row_of(records: Records, name: str) -> ScheduleRow:
    """The schedule of that name."""
    found = records.schedules.find_schedule(name)
    assert found is not None
    return found


def test_due_schedule_is_claimed_once_and_is_due_again_later(
    records: Records, records_clock: Clock, move: Move
) -> None:
    """Nothing before its time, one firing at it, none at the next look; others see nothing."""
    assert take_in(records, hourly=definition(), daily=definition(24)) == ["daily", "hourly"]
    first = records_clock.now() + HOUR
    move(3_599)
    assert claim(records) == []
    move(1)
    (fired,) = claim(records)
    assert (fired.schedule, fired.due_at, fired.run_id) == ("hourly", first, "hourly-0507")
    assert (fired.state, fired.actor) == (FiringState.CLAIMED, "schedule hourly")
    assert (fired.request, fired.flow, fired.ended_at) == ({"dry_run": True}, "actuals", None)
    assert row_of(records, "hourly").next_due_at == first + HOUR
    assert claim(records) == []
    assert records.schedules.load_firings("hourly") == [fired]
    assert records.schedules.load_last_firings(["daily", "hourly"]) == {"hourly": fired}
    create_organisation("other")
    other = open_records("other", clock=records_clock)
    assert other.schedules.load_schedules() == []
    assert other.schedules.find_schedule("hourly") is None
    assert other.schedules.load_firings("hourly") == []
    move(PICK_UP_S)
    assert other.schedules.claim_open() == []


def test_schedule_of_an_unknown_flow_is_left_to_who_knows_it(records: Records, move: Move) -> None:
    """A process with older files leaves alone what it could not execute; it stays due."""
    take_in(records, hourly=definition(flow="members"))
    move(3_600)
    assert claim(records) == []
    assert records.schedules.claim_due({"members"}, lambda _row, _open: None) == []
    assert len(records.schedules.claim_due({"members"}, claim_one)) == 1


def test_changed_file_is_due_anew_and_an_unchanged_one_keeps_its_time(
    records: Records, records_clock: Clock, move: Move
) -> None:
    """What came while nothing ran stays due for the catch-up, unless the schedule changed."""
    take_in(records, same=definition(), changed=definition(), off=definition(), gone=definition())
    first = records_clock.now() + HOUR
    move(3 * 3_600)
    told = take_in(records, same=definition(), changed=definition(2), off=definition(0))
    assert told == ["changed", "gone", "off"]
    rows = {row.name: row for row in records.schedules.load_schedules()}
    assert {name: row.next_due_at for name, row in rows.items()} == {
        "same": first, "changed": records_clock.now() + 2 * HOUR, "off": None, "gone": None,
    }  # fmt: skip
    assert [row.name for row in rows.values() if not row.is_listed] == ["gone"]
    assert take_in(records, same=definition(), changed=definition(2), off=definition(0)) == []
    assert take_in(records, gone=definition()) == ["changed", "gone", "off", "same"]
    assert row_of(records, "gone").next_due_at == records_clock.now() + HOUR


def test_removed_schedule_keeps_its_history(records: Records, move: Move) -> None:
    """Its file is gone: nothing comes any more, what came stays."""
    take_in(records, hourly=definition())
    move(3_600)
    claim(records)
    take_in(records)
    move(7_200)
    assert claim(records) == []
    assert len(records.schedules.load_firings("hourly")) == 1


def test_pause_holds_until_somebody_lets_it_go_on(
    records: Records, records_clock: Clock, move: Move
) -> None:
    """A changed or removed file does not end it; what came meanwhile is not caught up."""
    take_in(records, hourly=definition())
    assert records.schedules.save_pause("hourly", flow="actuals", actor="kim")
    assert not records.schedules.save_pause("hourly", flow="actuals", actor="lee")
    row = row_of(records, "hourly")
    assert (row.paused_by, row.paused_at) == ("kim", records_clock.now())
    for changed in (definition(2), None, definition(3)):
        take_in(records, **({"hourly": changed} if changed else {}))
        move(3_600)
        assert claim(records) == []
    assert row_of(records, "hourly").paused_by == "kim"
    assert records.schedules.save_resumption("hourly", every_hours)
    assert not records.schedules.save_resumption("hourly", every_hours)
    row = row_of(records, "hourly")
    assert (row.paused_by, row.next_due_at) == ("", records_clock.now() + 3 * HOUR)


def test_pause_of_a_schedule_nobody_has_taken_in_yet_holds(records: Records, move: Move) -> None:
    """Somebody may pause what is in the folder before anything has served it."""
    assert records.schedules.save_pause("new", flow="actuals", actor="kim")
    take_in(records, new=definition())
    move(7_200)
    assert claim(records) == []


def test_clock_that_is_set_back_repeats_nothing(
    records: Records, records_clock: Clock, move: Move
) -> None:
    """Neither by looking again, nor by a changed file, nor by the claim's own arithmetic."""
    take_in(records, hourly=definition())
    move(3_600)
    (fired,) = claim(records)
    move(-3_000)
    assert claim(records) == []
    take_in(records, hourly=definition(more="changed"))
    assert row_of(records, "hourly").next_due_at == fired.due_at + HOUR
    move(7_200)

    def claim_again(row: ScheduleRow, has_open: bool) -> Claim | None:  # noqa: FBT001 - as above.
        found = claim_one(row, has_open)
        assert found is not None
        return replace(found, firings=(replace(found.firings[0], due_at=fired.due_at),))

    assert records.schedules.claim_due(FLOWS, claim_again) == []
    assert len(records.schedules.load_firings("hourly")) == 1


def test_open_firing_is_taken_up_by_any_process_some_seconds_later(
    records: Records, move: Move
) -> None:
    """Who claimed it may be dead; before it has begun, and between its run and the engine."""
    take_in(records, hourly=definition())
    move(3_600)
    (fired,) = claim(records)
    move(PICK_UP_S - 1)
    assert records.schedules.claim_open() == []
    move(1)
    assert records.schedules.claim_open() == [fired]
    assert records.schedules.claim_open() == [], "one process at a time"
    assert records.schedules.save_begun(fired)
    assert not records.schedules.save_begun(fired)
    move(PICK_UP_S)
    assert [one.state for one in records.schedules.claim_open()] == [FiringState.RECORDED]
    records.schedules.save_ended(fired, FiringState.STARTED)
    records.schedules.save_ended(fired, FiringState.REFUSED, "too late")
    move(PICK_UP_S)
    assert records.schedules.claim_open() == []
    (row,) = records.schedules.load_firings("hourly")
    assert (row.state, row.reason, row.ended_at is None) == (FiringState.STARTED, "", False)


def test_waiting_firing_is_passed_over_by_a_newer_one_and_a_begun_one_is_not(
    records: Records, move: Move
) -> None:
    """Never two runs of one flow in the queue, and each firing has its end."""
    take_in(records, hourly=definition(), quick=definition(), begun=definition())
    move(3_600)
    by_name = {one.schedule: one for one in claim(records)}
    assert by_name.keys() == {"hourly", "quick", "begun"}
    busy = "The flow actuals is busy."
    assert records.schedules.save_waiting(by_name["hourly"], busy) is FiringState.WAITING
    assert records.schedules.save_begun(by_name["begun"])
    move(3_600)
    assert len(claim(records)) == 3
    ends = {name: records.schedules.load_firings(name)[1] for name in by_name}
    assert (ends["hourly"].state, ends["hourly"].reason) == (FiringState.PASSED_OVER, busy)
    assert (ends["quick"].state, ends["quick"].reason) == (FiringState.PASSED_OVER, NEWER_CAME)
    assert (ends["begun"].state, ends["begun"].ended_at) == (FiringState.RECORDED, None)
    assert not records.schedules.save_begun(by_name["hourly"]), "its time has gone"


def test_firing_waits_for_a_day_of_looks(records: Records, move: Move) -> None:
    """Then it is passed over, and says what it waited for."""
    take_in(records, hourly=definition())
    move(3_600)
    (fired,) = claim(records)
    assert records.schedules.save_waiting(fired, "a window", for_ever=True) is FiringState.WAITING
    assert records.schedules.load_firings("hourly")[0].looks == 0, "a window is not the flow's day"
    assert records.schedules.save_waiting(fired, "busy") is FiringState.WAITING
    tired = replace(fired, looks=LOOKS_MAX - 1)
    assert records.schedules.save_waiting(tired, "busy") is FiringState.PASSED_OVER
    (row,) = records.schedules.load_firings("hourly")
    assert row.reason == f"busy, for {LOOKS_MAX:,} looks"


def test_firing_somebody_asked_for_stands_beside_the_due_ones(records: Records, move: Move) -> None:
    """Even at the very instant of one."""
    take_in(records, hourly=definition())
    move(3_600)
    (fired,) = claim(records)
    asked = replace(fired, run_id="mine", actor="kim", state=FiringState.STARTED)
    records.schedules.record_firing(asked)
    records.schedules.record_firing(asked)
    rows = records.schedules.load_firings("hourly")
    assert [row.run_id for row in rows] == ["mine", "mine", fired.run_id]
    assert rows[0].ended_at is not None
    assert records.schedules.load_last_firings(["hourly"])["hourly"].run_id == "mine"
    assert records.schedules.load_firings("hourly", limit=1) == rows[:1]


def test_many_schedules_that_nothing_has_served_take_few_statements(
    records: Records, move: Move
) -> None:
    """One of them was asked for; the others have nothing to be looked for."""
    take_in(records, hourly=definition())
    move(3_600)
    (fired,) = claim(records)
    asked = replace(fired, schedule="new-7", run_id="mine", state=FiringState.STARTED)
    records.schedules.record_firing(asked)

    with CaptureQueriesContext(connection) as told:
        last = records.schedules.load_last_firings(["hourly", *map("new-{}".format, range(500))])

    assert {name: row.run_id for name, row in last.items()} == {
        "hourly": fired.run_id, "new-7": "mine",
    }  # fmt: skip
    assert len(told) <= 6


RACER = """
import json
from datetime import datetime, timedelta, UTC
from ml_connector.ports.schedules import Claim, FiringState, NewFiring

class Clock:
    def now(self):
        return datetime(2026, 10, 5, 12, tzinfo=UTC)
    def sleep(self, seconds):
        pass

def decide(row, has_open):
    at = row.next_due_at
    return Claim(firings=(NewFiring(due_at=at, run_id=f"{row.name}-{at}",
                                    state=FiringState.CLAIMED),),
                 next_due_at=at + timedelta(hours=1), actor="s", request={})

records = open_records(clock=Clock())
print("ready"); sys.stdin.readline()
taken = []
for _ in range(1_000):
    # A look that finds the other one at work takes nothing; there is one more after that.
    taken += [one.run_id for one in records.schedules.claim_due({"actuals"}, decide)]
    if all(one.next_due_at > Clock().now() for one in records.schedules.load_schedules()):
        break
print(json.dumps(taken))
close()
"""


def test_processes_that_look_at_once_claim_each_time_once(
    records: Records, records_clock: Clock, spawn: Spawn
) -> None:
    """Two processes, many schedules, several hours behind: every time once, and none is missing."""
    names = [f"s{number}" for number in range(20)]
    take_in(records, **{name: definition() for name in names})
    first = records_clock.now() + HOUR
    racers = [spawn(RACER) for _ in range(2)]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n", racer.communicate()[1]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    told = [racer.communicate() for racer in racers]
    taken = [one for out, _ in told for one in json.loads(out or "[]")]
    assert all(err == "" for _, err in told), told
    expected = {f"{name}-{first + number * HOUR}" for name in names for number in range(6)}
    assert sorted(taken) == sorted(expected)


def test_look_is_one_question_by_index_when_nothing_is_due(
    records: Records, sql: Callable[..., list[tuple[object, ...]]], backend: str
) -> None:
    """However many schedules there are, a look reads what is due and no more."""
    from django.db import connection  # noqa: PLC0415 - of the records, once they are set up.
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415 - as above.

    take_in(records, hourly=definition())
    with CaptureQueriesContext(connection) as asked:
        assert claim(records) == []
        assert records.schedules.claim_open() == []
    assert len(asked) == 2, "one for what is due, one for what is open"
    if backend == "sqlite":
        plans = [sql(f"EXPLAIN QUERY PLAN {one['sql']}") for one in asked]
        assert "records_schedule_due" in str(plans[0])
        assert "records_firing_open" in str(plans[1])


@pytest.mark.parametrize("call", ["claim_open", "load_schedules"])
def test_database_that_is_away_is_told_in_our_own_words(
    records: Records, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next look opens a new connection and goes on."""
    from django.db import OperationalError  # noqa: PLC0415 - as above.

    from ml_connector.errors import SystemUnavailableError  # noqa: PLC0415 - as above.
    from ml_connector.records import schedules  # noqa: PLC0415 - needs Django set up.

    def fail(*_: object) -> None:
        raise OperationalError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(schedules.ScheduleRecords, "_schedules", fail)
        patch.setattr(schedules.ScheduleRecords, "_firings", fail)
        with pytest.raises(SystemUnavailableError, match="could not be asked for schedules"):
            getattr(records.schedules, call)()
    assert getattr(records.schedules, call)() == []
