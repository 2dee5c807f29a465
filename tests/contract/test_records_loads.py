"""Plans, shadows, loads, refused summaries and mapping versions."""

import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.errors import BusyError
from ml_connector.ports import Clock, LoadRow, PlanRow, Records, RefusedSummary
from ml_connector.records import create_organisation, open_records

Spawn = Callable[..., "subprocess.Popen[str]"]
Sql = Callable[..., list[tuple[object, ...]]]
MADE_AT = datetime(2026, 10, 5, 6, 0, 0, 1, tzinfo=UTC)
PLAN = PlanRow(
    plan_hash="p1",
    run_id="0142",
    flow="actuals",
    model_id="m",
    mapping_hash="h1",
    shadow_revision=0,
    periods=("Oct-26", "Nov-26"),
    totals={"cells": 2, "amount_moved": "1200.50"},
    created_at=MADE_AT,
    state="made",
)


def load(load_id: str, run_id: str = "0142", flow: str = "actuals") -> LoadRow:
    """A load that was partly taken."""
    return LoadRow(
        load_id=load_id,
        run_id=run_id,
        flow=flow,
        plan_hash="p1",
        intent_id="i1",
        task_id="t1",
        outcome="partial",
        chunks=2,
        cells_sent=48_210,
        cells_refused=2,
        result_hash="r1",
        dump_hashes=("d1", "d2"),
        created_at=MADE_AT,
    )


def refuse(load_id: str, *key: str, amount: str = "12.50") -> RefusedSummary:
    """A summary that was not taken."""
    return RefusedSummary(
        load_id=load_id,
        flow="actuals",
        key=key,
        before=Decimal(0),
        after=Decimal(amount),
        reasons=("'4711' is not a member of list 'Accounts'", "second reason"),
    )


def test_plan_saved_again_changes_its_state_only(records: Records) -> None:
    """What a plan was made from is fixed by its hash."""
    assert records.loads.find_plan("p1") is None
    records.loads.save_plan(PLAN)
    assert records.loads.find_plan("p1") == PLAN
    records.loads.save_plan(replace(PLAN, state="applied", run_id="0999", totals={}))
    assert records.loads.find_plan("p1") == replace(PLAN, state="applied")


def test_shadow_moves_period_by_period(records: Records) -> None:
    """A move replaces the files it names and keeps the others; the number counts moves."""
    assert records.loads.load_shadow("actuals", "m") == (0, {})
    moves = [{"Oct-26": "f1", "Nov-26": "f2"}, {"Nov-26": "f3"}]
    for revision, files in enumerate(moves):
        moved = records.loads.save_shadow(
            "actuals", "m", files, revision_before=revision, why="load"
        )
        assert moved == revision + 1
    assert records.loads.load_shadow("actuals", "m") == (2, {"Nov-26": "f3", "Oct-26": "f1"})
    assert records.loads.load_shadow("actuals", "other model") == (0, {})


def test_shadow_that_moved_meanwhile_is_not_overwritten(records: Records) -> None:
    """The refusal says where the shadow stands; a later and an earlier number are both wrong."""
    for revision in range(2):
        records.loads.save_shadow(
            "actuals", "m", {"Oct-26": f"f{revision}"}, revision_before=revision, why="load"
        )
    for wrong in (0, 1, 3):
        with pytest.raises(BusyError, match=f"at revision 2, not {wrong}"):
            records.loads.save_shadow(
                "actuals", "m", {"Oct-26": "other"}, revision_before=wrong, why="load"
            )
    assert records.loads.load_shadow("actuals", "m") == (2, {"Oct-26": "f1"})


def test_same_shadow_move_told_again_is_one_move(records: Records) -> None:
    """A step that died after its commit repeats itself and is not told of a stranger."""
    for _ in range(2):
        moved = records.loads.save_shadow(
            "actuals", "m", {"Oct-26": "f1"}, revision_before=0, why="load l1"
        )
        assert moved == 1
    with pytest.raises(BusyError):
        records.loads.save_shadow(
            "actuals", "m", {"Oct-26": "f1"}, revision_before=0, why="load l2"
        )


def test_load_is_stored_with_its_refusals_once(records: Records) -> None:
    """A repetition of the same load adds nothing and re-opens nothing."""
    refused = [refuse("l1", "4711", "Oct-26"), refuse("l1", "4712", "Oct-26")]
    records.loads.record_load(load("l1"), iter(refused))
    records.loads.settle_refused("actuals", [("4711", "Oct-26")])
    records.loads.record_load(load("l1"), refused)
    assert records.loads.load_loads() == [load("l1")]
    assert records.loads.load_refused("actuals") == [refused[1]]
    assert records.loads.count_refused("actuals") == 1
    assert records.loads.load_refused("actuals", open_only=False) == [
        replace(refused[0], is_settled=True), refused[1],
    ]  # fmt: skip


def test_open_refusals_are_counted_without_being_looked_at(records: Records) -> None:
    """However many: those with a cause by their tallies, older ones by the index of theirs."""
    from django.db import connection  # noqa: PLC0415 - Django is set up by now.
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415 - as above.

    told = [
        replace(refuse("l1", str(number), "Oct-26"), cause="locked", period="Oct-26")
        for number in range(3)
    ]
    records.loads.record_load(load("l1"), [*told, refuse("l1", "9", "Sep-26")])
    records.loads.settle_refused("actuals", [told[0].key])
    with CaptureQueriesContext(connection) as asked:
        assert records.loads.count_refused("actuals") == 3
    looked = [one["sql"] for one in asked if "refusedsummary" in one["sql"]]
    assert len(looked) == 1
    assert '"cause" IS NULL' in looked[0]


def test_open_refusals_are_walked_by_period_cause_and_key(records: Records, sql: Sql) -> None:
    """Those chosen and no others; of older rows, which told neither, the key alone speaks."""
    rows = [
        replace(refuse("l1", str(number), period), cause=cause, period=period)
        for number, (period, cause) in enumerate(
            [("Oct-26", "locked"), ("Oct-26", "closed"), ("Nov-26", "locked"), ("Nov-26", "other")]
        )
    ]
    records.loads.record_load(load("l1"), rows)
    records.loads.record_load(load("l2"), [refuse("l2", "9", "Sep-26")])
    sql("UPDATE records_refusedsummary SET cause = NULL, period = NULL WHERE key LIKE '%Sep-26%'")
    old = ("9", "Sep-26")

    def walk(**named: Any) -> set[tuple[str, ...]]:
        found = [row.key for row in records.loads.walk_refused("actuals", **named)]
        assert len(found) == len(set(found))
        return set(found)

    keys = [row.key for row in rows]
    assert walk() == {*keys, old}
    assert walk(periods=["Oct-26"]) == {*keys[:2], old}
    assert walk(causes=["locked"]) == {keys[0], keys[2]}
    assert walk(causes=["locked"], keys=[keys[0], keys[3], old]) == {keys[0], keys[2], keys[3], old}
    assert walk(periods=["Nov-26"], causes=["locked", "closed"]) == {keys[2]}
    assert records.loads.count_refused_periods("actuals") == {"Oct-26": 2, "Nov-26": 2, "": 1}
    records.loads.settle_refused("actuals", keys[:1])
    assert walk(periods=["Oct-26"]) == {keys[1], old}
    (first,) = records.loads.walk_refused("actuals", keys=[keys[1]])
    assert (first.cause, first.load_id, first.reasons) == ("closed", "l1", rows[1].reasons)


@pytest.mark.parametrize("amount", ["12345678901234567890.123456789", "-0.010", "1E+3", "0"])
def test_refused_amounts_come_back_digit_by_digit(records: Records, amount: str) -> None:
    """No amount passes through a double on its way to the database and back."""
    records.loads.record_load(load("l1"), [refuse("l1", "4711", amount=amount)])
    (found,) = records.loads.load_refused("actuals")
    assert str(found.after) == amount


def test_refused_keys_are_compared_part_by_part(records: Records) -> None:
    """Keys whose parts would run into each other when joined are different keys."""
    keys = [("a", "b,c"), ("a,b", "c"), ("a", 'b"', "c"), ("Ä", "")]
    records.loads.record_load(load("l1"), [refuse("l1", *key) for key in keys])
    assert [found.key for found in records.loads.load_refused("actuals")] == keys
    assert records.loads.settle_refused("actuals", [("a", "b,c"), ("Ä", ""), ("a", "b", "c")]) == 2
    assert [found.key for found in records.loads.load_refused("actuals")] == keys[1:3]


def test_settling_counts_open_refusals_and_spares_one_load(records: Records) -> None:
    """A replay settles what earlier loads refused, not what it was refused itself."""
    for load_id in ("l1", "l2", "l3"):
        records.loads.record_load(load(load_id), [refuse(load_id, "4711")])
    assert records.loads.settle_refused("other", [("4711",)]) == 0
    assert records.loads.settle_refused("actuals", [("4711",)], except_load="l3") == 2
    assert [found.load_id for found in records.loads.load_refused("actuals")] == ["l3"]
    assert records.loads.settle_refused("actuals", [("4711",)]) == 1
    assert records.loads.settle_refused("actuals", [("4711",)]) == 0


def test_loads_and_refusals_are_listed_by_run_and_flow(records: Records) -> None:
    """Oldest first, whatever was asked for."""
    rows = [load("l9", "r1"), load("l1", "r2"), load("l5", "r1", "budget")]
    for row in rows:
        records.loads.record_load(row, [refuse(row.load_id, row.load_id)])
    assert records.loads.load_loads(run_id="r1") == [rows[0], rows[2]]
    assert records.loads.load_loads(flow="actuals") == rows[:2]
    assert records.loads.load_loads(run_id="r1", flow="budget") == [rows[2]]
    assert [r.load_id for r in records.loads.load_refused("actuals", run_id="r2")] == ["l1"]
    assert [r.load_id for r in records.loads.load_refused("actuals")] == ["l9", "l1", "l5"]


def test_mapping_versions_count_up_by_content(records: Records) -> None:
    """The same content keeps its number, however often and by whomever it is saved."""
    save = records.mappings.save_mapping
    assert save("actuals", content_hash="h1", content="one", actor="kim") == 1
    assert save("actuals", content_hash="h2", content="two", actor="kim") == 2
    assert save("actuals", content_hash="h1", content="one", actor="lee") == 1
    assert save("budget", content_hash="h1", content="one", actor="kim") == 1
    assert records.mappings.find_mapping("h2") == "two"
    assert records.mappings.find_mapping("h3") is None


def test_applied_mapping_is_the_newest_told(records: Records) -> None:
    """Empty before the first load, then the last word."""
    assert records.mappings.load_applied("actuals") == ""
    for content_hash in ("h1", "h2", "h1"):
        records.mappings.save_applied("actuals", content_hash)
    assert records.mappings.load_applied("actuals") == "h1"
    assert records.mappings.load_applied("budget") == ""


def test_organisations_load_apart(records: Records, records_clock: Clock) -> None:
    """Plans, shadows, loads, refusals and mappings of another organisation are not seen."""
    create_organisation("north")
    north = open_records("north", clock=records_clock)
    records.loads.save_plan(PLAN)
    records.loads.save_shadow("actuals", "m", {"Oct-26": "f1"}, revision_before=0, why="load")
    records.loads.record_load(load("l1"), [refuse("l1", "4711")])
    records.mappings.save_mapping("actuals", content_hash="h1", content="one", actor="kim")
    records.mappings.save_applied("actuals", "h1")
    assert north.loads.find_plan("p1") is None
    assert north.loads.load_shadow("actuals", "m") == (0, {})
    assert north.loads.load_loads() == []
    assert north.loads.load_refused("actuals", open_only=False) == []
    assert north.loads.settle_refused("actuals", [("4711",)]) == 0
    assert north.mappings.find_mapping("h1") is None
    assert north.mappings.load_applied("actuals") == ""
    north.loads.record_load(load("l1"), [refuse("l1", "4711")])
    assert len(records.loads.load_refused("actuals")) == 1


RECORD_AND_DIE = """
from datetime import datetime, UTC
from decimal import Decimal
from typing import Any
from ml_connector.ports import LoadRow, RefusedSummary
load = LoadRow(load_id="l1", run_id="r", flow="actuals", plan_hash="p", intent_id="i", task_id="t",
               outcome="partial", chunks=1, cells_sent=9, cells_refused=900, result_hash="",
               dump_hashes=(), created_at=datetime(2026, 10, 5, tzinfo=UTC))

def refused():
    for number in range(900):
        if number == int(sys.argv[1]):
            os._exit(9)
        yield RefusedSummary(load_id="l1", flow="actuals", key=(str(number),), before=Decimal(0),
                             after=Decimal(1), reasons=())

open_records().loads.record_load(load, refused())
"""


@pytest.mark.parametrize("dies_at", [0, 700])
def test_process_killed_while_recording_a_load_leaves_none_of_it(
    records: Records, spawn: Spawn, dies_at: int
) -> None:
    """A load never stands with some of its refusals missing."""
    dead = spawn(RECORD_AND_DIE, str(dies_at))
    dead.communicate()
    assert dead.returncode == 9
    assert records.loads.load_loads() == []
    assert records.loads.load_refused("actuals") == []
    alive = spawn(RECORD_AND_DIE, "-1")
    alive.communicate()
    assert alive.returncode == 0
    assert len(records.loads.load_refused("actuals")) == 900


def cause(load_id: str, *key: str, why: str, amount: str, period: str = "Oct-26") -> RefusedSummary:
    """A summary that was not taken for that cause."""
    found = refuse(load_id, *key, amount=amount)
    return replace(found, cause=why, period=period, currency="USD")


def test_refusals_are_counted_by_cause_as_they_come_and_go(records: Records) -> None:
    """Counts and amounts are those of the open summaries after each change, whatever its order."""
    first = [cause("l1", str(n), why="no member 4711", amount="10.25") for n in range(3)]
    first += [cause("l1", "x", why="no amount", amount="-7", period="Nov-26")]
    records.loads.record_load(load("l1"), first)
    records.loads.record_load(load("l1"), first)
    records.loads.record_load(load("l2"), [cause("l2", "0", why="no amount", amount="1")])
    records.loads.record_load(load("l3"), [refuse("l3", "9")])
    records.loads.settle_refused("actuals", [("0",), ("x",)], except_load="l2")

    told = {(t.cause, t.period): (t.count, str(t.amount)) for t in tallies(records)}

    assert told == {
        ("no member 4711", "Oct-26"): (2, "20.50"),
        ("no amount", "Oct-26"): (1, "1"),
        ("", ""): (1, "0"),
    }
    assert [t.cause for t in tallies(records)] == ["no member 4711", "no amount", ""]
    assert records.loads.load_tallies(flows=["other"]) == []


def tallies(records: Records) -> list[Any]:
    """What is counted of the flow."""
    return records.loads.load_tallies(flows=["actuals"])


def test_refusals_of_a_cause_are_read_a_page_at_a_time(records: Records) -> None:
    """Each once, in the order they were recorded; settled ones and those of others are left out."""
    rows = [cause("l1", str(n), why="some", amount=str(n + 1)) for n in range(7)]
    others = [cause("l1", "a", why="another", amount="1"), refuse("l1", "b")]
    records.loads.record_load(load("l1"), [*rows, *others])
    records.loads.settle_refused("actuals", [("3",)])
    found: list[Any] = []
    while page := records.loads.load_refused_page(
        "actuals", cause="some", period="Oct-26", after=found[-1].number if found else 0, limit=4
    ):
        found += page

    assert [row.key for row in found] == [(str(n),) for n in (0, 1, 2, 4, 5, 6)]
    (bare,) = records.loads.load_refused_page("actuals", cause="", period="")
    assert bare.key == ("b",)
    numbers = [found[1].number, found[0].number, bare.number]
    assert [r.key for r in records.loads.find_refused("actuals", numbers)] == [
        ("0",), ("1",), ("b",),
    ]  # fmt: skip
    assert records.loads.find_refused("other", numbers) == []


def test_member_is_looked_for_in_the_newest_refusals_only(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Load by load until enough are seen: a key is told soon, however many there have ever been."""
    for name, others in (("l1", 1), ("l2", 2), ("l3", 1)):
        rows = [refuse(name, "4711", name), *(refuse(name, f"o{n}", name) for n in range(others))]
        records.loads.record_load(replace(load(name), cells_refused=len(rows)), rows)

    every = [row.key[1] for row in records.traces.find_refused("actuals", "4711")]
    monkeypatch.setattr("ml_connector.records.traces.SUMMARIES_MAX", 3)
    newest = [row.key[1] for row in records.traces.find_refused("actuals", "4711")]

    assert every == ["l1", "l2", "l3"]
    assert newest == ["l2", "l3"]
    assert records.traces.find_refused("actuals", "471") == []
