"""Refused summaries: named with their lines, sent again when mended, never counted twice."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from tests.fakes.desk import FakeDesk
from tests.fakes.ledger import line

from ml_connector.domain.ledger import STATISTICAL
from ml_connector.flows.answers.refusals import Refusal, read_refusals

MakeDesk = Callable[..., FakeDesk]
SUSPENSE = {"unmapped": "suspense", "suspense": {"entity": "101", "account": "9999"}}


def refuse(desk: FakeDesk, account: str) -> None:
    """The model refuses rows of the account from now on."""
    desk.target.refuse = lambda row: "closed" if row["Account"] == account else None


def list_refusals(desk: FakeDesk) -> list[Refusal]:
    """The open refusals of the newest run, joined to their lines."""
    run = desk.records.runs.load_run(f"actuals-{desk.runs}")
    return list(read_refusals(desk.bench(), run))


@pytest.mark.parametrize("mode", ["snapshot", "append"])
def test_refused_then_mended_summary_lands_once(make_desk: MakeDesk, mode: str) -> None:
    """Refused twice and then taken, a summary is in the model once, its refusals settled."""
    desk = make_desk(mode=mode)
    refuse(desk, "5000")
    desk.source.post("1", line(1, "US", "09-26", "101.5000.10", "7"))
    desk.source.post("2", line(1, "US", "09-26", "101.4000.10", "-7"))

    first = desk.run()
    second = desk.run(replay=True)
    refuse(desk, "none")
    third = desk.run(replay=True)

    assert (first["refused"], second["refused"], third["refused"]) == (1, 1, 0)
    assert {row["unexplained"] for run in (first, second) for row in run["tie_out"]} == {"0"}
    assert third["state"] == "succeeded"
    assert desk.target.total("5000") == "7.00"
    assert desk.target.total("4000") == "-7.00"
    assert desk.records.loads.load_refused("actuals") == []


def test_item_that_a_refused_row_left_behind_in_part_adds_nothing_in_the_end(
    make_desk: MakeDesk,
) -> None:
    """A model takes the amount of a row whose account it does not know; a later item adds it."""
    desk = make_desk(mode="append")
    refuse(desk, "5000")
    desk.source.post("1", line(1, "US", "09-26", "101.5000.10", "7"))
    desk.source.post("2", line(1, "US", "09-26", "101.4000.10", "3"))
    desk.run()
    half = next(row for row in desk.target.loaded[-1] if row["Account"] == "5000")
    desk.target.items[half["Code"]] = half | {"Account": ""}
    refuse(desk, "none")

    mended = desk.run(replay=True)
    idle = desk.run()

    assert mended["state"] == idle["state"] == "succeeded"
    assert {row["unexplained"] for row in mended["tie_out"]} == {"0"}
    assert sorted(float(row["Amount"]) for row in desk.target.items.values()) == [0, 3, 7]
    assert "" not in {row["Account"] for row in desk.target.items.values()}


def test_no_run_succeeds_while_an_earlier_refusal_is_out(make_desk: MakeDesk) -> None:
    """Whatever a later run touches, what the model lacks is counted by period until it is taken."""
    desk = make_desk()
    refuse(desk, "5000")
    desk.source.post("1", line(1, "US", "09-26", "101.5000.10", "7"))
    desk.run()

    idle = desk.run()
    desk.source.post("2", line(1, "US", "10-26", "101.4000.10", "3"))
    elsewhere = desk.run()
    looked = desk.run(dry_run=True)
    desk.target.refuse = lambda _: None
    mended = desk.run(replay=True)
    after = desk.run()

    states = [row["state"] for row in (idle, elsewhere, looked, mended, after)]
    partly, good = "partly succeeded", "succeeded"
    assert states == [partly, partly, good, good, good]
    assert (idle["refused"], elsewhere["refused"]) == (0, 0)
    assert [row["still_refused"] for row in (idle, elsewhere)] == [{"Sep 26": 1}] * 2
    assert mended["still_refused"] == after["still_refused"] == {}


def test_refusal_of_a_period_the_flow_has_left_holds_back_no_run(make_desk: MakeDesk) -> None:
    """What no run of the flow could send again would keep every run from succeeding."""
    desk = make_desk()
    refuse(desk, "5000")
    desk.source.post("1", line(1, "US", "09-26", "101.5000.10", "7"))
    desk.run()
    desk.flow = desk.flow.model_copy(update={"first_month": "2026-10"})

    assert desk.run()["state"] == "succeeded"


@pytest.mark.parametrize("mode", ["snapshot", "append"])
def test_row_taken_without_its_amount_is_refused_and_sent_again(
    make_desk: MakeDesk, mode: str
) -> None:
    """A row the model warns about and takes in part counts as refused until it is taken whole."""
    desk = make_desk(mode=mode)
    desk.target.warn = lambda row: "no number" if row["Account"] == "5000" else None
    desk.source.post("1", line(1, "US", "09-26", "101.5000.10", "7"))
    desk.source.post("2", line(1, "US", "09-26", "101.4000.10", "3"))

    first = desk.run()
    desk.target.warn = lambda _: None
    second = desk.run(replay=True)

    assert first["refused"] == 1
    assert {row["unexplained"] for row in first["tie_out"]} == {"0"}
    assert second["state"] == "succeeded"
    assert desk.target.total("5000") == "7.00"
    assert desk.target.total("4000") == "3.00"


def test_refused_suspense_summary_is_joined_to_its_lines(make_desk: MakeDesk) -> None:
    """Lines on the suspense member are the lines of that summary, refused or not."""
    desk = make_desk(**SUSPENSE)
    desk.rules = ("entity,,{entity},,,,", "account,account=4000,4000,,,,")
    refuse(desk, "9999")
    desk.source.post("1", line(1, "US", "09-26", "101.5000.10", "7"))
    desk.run()

    (refusal,) = list_refusals(desk)

    assert [way.line.combination for way in refusal.lines] == ["101.5000.10"]


def test_refused_summary_is_joined_to_the_lines_that_were_summed(desk: FakeDesk) -> None:
    """Statistical units and encumbrances are in no summary, nor among its lines."""
    refuse(desk, "5000")
    desk.source.post("1", line(1, "US", "09-26", "101.5000.10", "7"))
    desk.source.post("2", line(1, "US", "09-26", "101.5000.10", "70", entered_currency=STATISTICAL))
    desk.source.post("3", line(1, "US", "09-26", "101.5000.10", "700"), is_actual=False)
    desk.run()

    (refusal,) = list_refusals(desk)

    assert refusal.summary.after == Decimal(7)
    assert [way.batch_id for way in refusal.lines] == ["1"]


def test_emptied_refusal_is_settled_without_a_load(desk: FakeDesk) -> None:
    """A refused summary that the ledger itself has taken back is open no more."""
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))
    desk.run()
    desk.target.refuse = lambda row: "no" if row["Account"] == "5000" else None
    desk.source.post("2", line(1, "US", "09-26", "101.5000.10", "7"))
    refused = desk.run()
    desk.source.post("3", line(1, "US", "09-26", "101.5000.10", "-7"))
    desk.run()

    assert refused["refused"] == 1
    assert desk.records.loads.load_refused("actuals") == []


@pytest.mark.parametrize("mode", ["snapshot", "append"])
def test_replay_of_chosen_refusals_sends_these_and_leaves_the_others(
    make_desk: MakeDesk, mode: str
) -> None:
    """What was not chosen stays refused under its load; the tie-out names it; all lands once."""
    desk = make_desk(mode=mode)
    desk.target.refuse = lambda row: "closed" if row["Account"] in ("5000", "6000") else None
    for number, account in enumerate(("4000", "5000", "6000"), start=1):
        desk.source.post(str(number), line(1, "US", "09-26", f"101.{account}.10", str(number)))
    desk.run()
    rows = {row.key[1]: row for row in desk.records.loads.load_refused("actuals")}
    assert {row.cause for row in rows.values()} == {"closed"}
    refuse(desk, "none")

    some = desk.run(replay=True, chosen={"keys": [list(rows["5000"].key)]})
    left = desk.records.loads.load_refused("actuals")
    rest = desk.run(replay=True, chosen={"causes": ["closed"]})

    assert (some["state"], rest["state"]) == ("partly succeeded", "succeeded")
    assert (some["refused"], some["cells"]) == (0, 2)
    assert [(row.key, row.load_id) for row in left] == [(rows["6000"].key, rows["6000"].load_id)]
    for told in (some, rest):
        assert {row["unexplained"] for row in told["tie_out"]} == {"0"}
    assert sum(Decimal(row["refused"]) for row in some["tie_out"]) == Decimal(3)
    assert [desk.target.total(one) for one in ("4000", "5000", "6000")] == ["1.00", "2.00", "3.00"]
    assert desk.records.loads.load_refused("actuals") == []
    assert desk.records.loads.load_tallies(flows=["actuals"]) == []


def test_replay_of_a_cause_nobody_has_sends_nothing(make_desk: MakeDesk) -> None:
    """A cause that is gone by the time the run begins names no period."""
    desk = make_desk()
    refuse(desk, "5000")
    desk.source.post("1", line(1, "US", "09-26", "101.5000.10", "7"))
    desk.run()
    loads = len(desk.target.loaded)

    told = desk.run(replay=True, chosen={"causes": ["another"]})

    assert (told["cells"], told["periods"], len(desk.target.loaded)) == (0, [], loads)
    assert desk.records.loads.count_refused("actuals") == 1
