"""Health of a flow, phases and results of its runs: sentences people act on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.unit.test_answers_cockpit import make

from ml_connector.flows.answers.health import FlowFacts, find_worst, judge_flow, tell_age
from ml_connector.flows.answers.listing import Link, Money, State, Tone
from ml_connector.flows.answers.phases import list_phases, show_phases
from ml_connector.flows.answers.run_listings import (
    list_bridge,
    list_bridges,
    list_loads,
    list_pins,
    list_results,
)
from ml_connector.ports import Check, CheckState, LoadRow, RunRow, RunState, StageState, StepRow
from ml_connector.ports.connections import ConnectionTest

NOW = datetime(2026, 11, 3, 9, tzinfo=UTC)
ERROR = {"refused": "It stopped.", "next_step": "Look."}


def run(state: RunState = RunState.SUCCEEDED, **fields: Any) -> RunRow:
    """A run that ended an hour ago."""
    at = NOW - timedelta(hours=1)
    row = RunRow(
        run_id="r1", flow="f", kind="actuals", state=state, actor="kim", request={}, summary={},
        error=None, created_at=at, finished_at=at,
    )  # fmt: skip
    return replace(row, **fields)


def judge(**fields: Any) -> dict[str, Any]:
    """Findings by subject, of a flow that is well but for what is named."""
    facts = FlowFacts(
        name="f", kind="actuals", runs=[run()], standings=[make()], refused=0, connections=[],
        tests={},
    )  # fmt: skip
    return {one.subject: one for one in judge_flow(replace(facts, **fields), NOW)}


def test_flow_is_healthy_when_nothing_asks_for_somebody() -> None:
    """Everything is told, in the order of the chain, and the worst of it is good."""
    found = judge()

    assert list(found) == ["Last run", "Freshness", "Tie-out", "Unmapped", "Refused"]
    assert find_worst(found.values()) == State(word="healthy", tone=Tone.GOOD)
    assert not any(one.next_step for one in found.values())


def test_flow_that_has_never_run_is_not_called_healthy() -> None:
    """Connections that answer say nothing of amounts nobody has looked at."""
    well = ConnectionTest(
        connection="erp", actor="kim", at=NOW, milliseconds=5, is_whole=True, checks=()
    )
    found = judge(runs=[], standings=[], connections=["erp"], tests={"erp": well})

    assert find_worst(found.values()) == State(word="never run", tone=Tone.IDLE)
    ill = judge(runs=[], standings=[], refused=3)
    assert find_worst(ill.values()).tone is Tone.WAITS


def test_flow_is_as_well_as_the_worst_of_it() -> None:
    """Each fault is told in money, with what to do; the health is the worst of them."""
    test = ConnectionTest(
        connection="erp", actor="kim", at=NOW, milliseconds=5, is_whole=True,
        checks=(Check(subject="log-in", state=CheckState.FAILED, finding="The password is wrong.",
                      next_step="Set it."),),
    )  # fmt: skip
    owed = [make("AS", is_owed=True), make("EU", mapped=StageState.PARTLY, unmapped="12.5")]
    found = judge(
        runs=[run(RunState.BLOCKED, error=ERROR), run(finished_at=NOW - timedelta(days=2))],
        standings=owed, refused=1200, connections=["erp", "model"], tests={"erp": test},
    )  # fmt: skip

    assert (found["Last run"].sentence, found["Last run"].next_step) == ("It stopped.", "Look.")
    assert found["Freshness"].sentence == "Brought in step 2 days ago."
    assert found["Tie-out"].state == State(word="owed", tone=Tone.WAITS)
    assert "12.50 USD" in found["Unmapped"].sentence
    assert "1,200 summaries" in found["Refused"].sentence
    assert found["Connection erp"].sentence == "log-in: The password is wrong."
    assert found["Connection model"].state.tone is Tone.IDLE
    assert find_worst(found.values()).tone is Tone.WRONG
    off = judge(standings=[make(tied=StageState.WRONG, unexplained="-0.01")])
    assert "0.01 USD is unexplained in 1 period" in off["Tie-out"].sentence


def test_flow_that_never_ran_is_not_known_rather_than_well() -> None:
    """Nothing known is no fault, and no health; a run that only looked brings nothing in."""
    found = judge(runs=[], standings=[])
    looked = judge(runs=[run(request={"dry_run": True})])

    assert found["Last run"].next_step.startswith("Look first")
    assert found["Tie-out"].state.word == "not known"
    assert looked["Freshness"].state.tone is Tone.IDLE
    assert find_worst([found["Last run"], found["Tie-out"]]).tone is Tone.IDLE
    assert [tell_age(timedelta(seconds=s)) for s in (5, 60, 7_200)] == [
        "less than a minute", "1 minute", "2 hours",
    ]  # fmt: skip


def step(name: str, state: str = "done", **result: Any) -> StepRow:
    """A step of two seconds."""
    ended = NOW + timedelta(seconds=2) if state != "running" else None
    return StepRow(
        name=name, attempt=1, state=state, started_at=NOW, finished_at=ended, result=result
    )


STEPS = [
    step("preflight", model_name="Finance", model_id="M1",
         load={"action": {"kind": "import", "name": "Load", "action_id": "112"}},
         export={"kind": "export", "name": "Back", "action_id": "116"}, mapping_hash="abc"),
    step("read: list changes", listed=3, wanted=2, document="d"),
    step("read: batches 1/1", batches=2, lines=40),
    step("control: Oct 26", erp="e", archived="a", document="d"),
    step("sum: Oct 26", lines=40, cells=9, unmapped_values=1),
    step("read back: export", export="x"),
    step("plan: Oct 26", plan="p", cells=9,
         totals={"USD": {"amount_before": "1", "amount_after": "3.5"}}),
    step("plan: save", plan_hash="p"),
    step("load: render", rows=9),
    step("load: upload 1, chunk 1/1"),
    step("read back: export", export="x"),
    step("tie out: Oct 26", "running"),
]  # fmt: skip


def test_steps_are_told_as_phases() -> None:
    """What went in and out; the model read back before the plan is no part of the proof."""
    phases = list_phases("actuals", STEPS)
    later = NOW + timedelta(seconds=5)
    rows = {row[0]: row[1:] for row in show_phases(phases, {}, later).rows}

    assert list(rows) == [
        "Prepare", "Read the ledger", "Compare with the ERP", "Map", "Plan", "Load",
        "Read back and tie out",
    ]  # fmt: skip
    assert rows["Read the ledger"][1:3] == ("3 batches listed", "2 batches, 40 lines")
    assert rows["Map"][1:3] == ("40 lines", "9 summaries, 1 value without a rule")
    assert rows["Plan"][2:] == ("9 cells", "moves by 2.50 USD", Decimal("6.0"), 3)
    assert rows["Load"][1] == "9 rows"
    assert rows["Read back and tie out"][0] == State(word="running", tone=Tone.BUSY)
    assert rows["Read back and tie out"][4] == Decimal("7.0"), "a running step counts until now"
    left = {row[0]: row[1:] for row in show_phases(phases, {}, None).rows}
    assert left["Read back and tie out"][0] == State(word="not finished", tone=Tone.WAITS)
    assert left["Read back and tie out"][4] == Decimal("2.0"), "nobody knows how long it took"
    assert [phase.state.word for phase in list_phases("suppliers", [])] == ["not yet"] * 6
    assert list_phases("unknown kind", STEPS) == []


def test_phases_tell_all_the_money_of_a_run_whose_tie_out_is_long() -> None:
    """Its summary keeps some rows only; what the run has summed over all of them is told."""
    kept = {"currency": "USD", "debit": "5", "unmapped": "1", "refused": "0", "unexplained": "0"}
    summary: Any = {
        "tie_out": [kept, kept], "tie_out_count": 2,
        "debits": {"USD": {"archived": "1000.50", "unmapped": "7"}},
    }  # fmt: skip
    steps = [
        *STEPS[:-1],
        step("control: Oct 26", archived="x"),
        step("tie out: Oct 26", differences=3),
    ]

    def tell(**changes: Any) -> dict[str, Any]:
        phases = list_phases("actuals", steps)
        return {str(row[0]): row[4] for row in show_phases(phases, summary | changes, NOW).rows}

    whole, cut = tell(), tell(tie_out_count=3_000)
    off = tell(tie_out_count=3_000, tie_out=[kept, kept | {"unexplained": "-2"}])
    assert (whole["Compare with the ERP"], whole["Map"]) == (
        "debits 10.00 USD",
        "unmapped 2.00 USD",
    )
    assert cut["Compare with the ERP"] == "debits 1,000.50 USD"
    assert cut["Map"] == "unmapped 7.00 USD"
    assert off["Read back and tie out"] == "off by at least 2.00 USD"


def test_failed_phase_is_done_once_its_step_was_done_again() -> None:
    """The last word on a step counts."""
    failed = list_phases("budget", [step("plan", "failed")])
    mended = list_phases("budget", [step("plan", "failed"), step("plan")])

    assert [p.state.word for p in failed if p.steps] == ["failed"]
    assert [p.state.word for p in mended if p.steps] == ["done"]


def test_bridge_leads_from_the_ledgers_debits_to_the_models() -> None:
    """Every named part is taken away; suspense is in the model; what is left over has a name."""
    debits = {"archived": "100", "mapped": "80", "suspense": "5", "unmapped": "7", "refused": "3",
              "excluded:closing": "8"}  # fmt: skip
    (bridge,) = list_bridges({"debits": {"USD": debits, "JPY": {"archived": "0"}}})
    (odd,) = list_bridges({"debits": {"USD": {"archived": "10"}}})

    assert [(name, amount) for name, amount, _ in bridge.parts] == [
        ("excluded: closing", Decimal(-8)), ("refused", Decimal(-3)),
        ("unmapped", Decimal(-7)),
    ]  # fmt: skip
    assert bridge.whole + sum(amount for _, amount, _ in bridge.parts) == bridge.left == 82
    assert list_bridge(bridge).rows[-1] == ("model", Money(amount=Decimal(82), currency="USD"))
    assert odd.parts == (("not placed", Decimal(-10), Tone.WRONG),)
    assert list_bridges({}) == []


def test_every_kind_of_run_has_a_result() -> None:
    """Lists, journals and suppliers are told as actuals are; a run without an end has none."""
    members = {"lists": {"Accounts": {"members": 5, "new": 2, "task_id": "T1"}}}
    budget = {
        "tie_out": [{"ledger": "1", "period": "10-26", "currency": "USD", "approved": "5",
                     "before": "1", "posted": "4", "refused": "0", "after": "5",
                     "unexplained": "0"}],
        "journals": [{"subject": "1 10-26", "lines": 2, "debit": "4", "credit": "4",
                      "currency": "USD"}],
        "postings": [{"subject": "1 10-26", "state": "confirmed", "posting_key": "K"}],
    }  # fmt: skip
    suppliers = {"suppliers": {"rows": 3, "faulty": 0}, "confirmed": 2,
                 "refusals": [{"subject": "7", "state": "refused", "reason": "no"}]}  # fmt: skip
    told = {
        kind: {one.name: one.listing.rows for one in list_results(kind, summary)}
        for kind, summary in
        (("dimensions", members), ("budget", budget), ("suppliers", suppliers), ("actuals", {}))
    }  # fmt: skip

    assert told["dimensions"]["lists"][0][:3] == ("Accounts", 5, 2)
    assert told["budget"]["journals"][0][1] == State(word="confirmed", tone=Tone.GOOD)
    assert told["budget"]["tie-out"][0][-1] == Money(amount=Decimal(0), currency="USD")
    assert told["suppliers"]["suppliers"] == [("rows", 3), ("confirmed", 2)]
    assert told["suppliers"]["left-away"][0][0] == "7"
    assert told["actuals"] == {}


def test_loads_and_pins_are_told_with_their_ids_and_files() -> None:
    """Task ids, actions as they were resolved, and what the model said of each load."""
    load = LoadRow(
        load_id="l", run_id="r1", flow="f", plan_hash="p", intent_id="i", task_id="T1",
        outcome="partial", chunks=1, cells_sent=9, cells_refused=2, result_hash="res",
        dump_hashes=("dump",), created_at=NOW,
    )  # fmt: skip
    (row,) = list_loads([load]).rows
    pins = {what: (name, key) for what, name, key in list_pins(STEPS).rows}

    assert row[0] == "T1"
    assert row[-2:] == (
        Link(text="result", kind="run-file", key="r1/res"),
        Link(text="dump", kind="run-file", key="r1/dump"),
    )
    assert pins["model"] == ("Finance", "M1")
    assert pins["import (load)"] == ("Load", "112")
    assert pins["mapping rules"] == ("abc", "")
