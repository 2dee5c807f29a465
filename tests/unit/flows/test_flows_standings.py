"""How each ledger period stands after a run: every stage of the chain, in money."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from tests.fakes.approved_desk import LEDGER, build_budget
from tests.fakes.desk import FakeDesk
from tests.fakes.ledger import line

from ml_connector.domain.ledger import CombinationKey
from ml_connector.domain.periods import PeriodState
from ml_connector.ports import StageState, Standing

MakeDesk = Callable[..., FakeDesk]
DONE, PARTLY, NOT_YET = StageState.DONE, StageState.PARTLY, StageState.NOT_YET


def find(desk: FakeDesk, ledger: str = "US", period: str = "09-26") -> Standing:
    """The standing of a ledger period, which must have one."""
    found = desk.records.standings.find_standing("actuals", ledger, period)
    assert found is not None
    return found


def stages(standing: Standing) -> list[StageState]:
    """Read, mapped, loaded, tied out."""
    return [state for _, state in standing.stages]


def amount(standing: Standing, name: str) -> Any:
    """One amount of the only currency."""
    (row,) = standing.amounts
    return Decimal(getattr(row, name))


def test_period_that_ties_out_stands_whole(desk: FakeDesk) -> None:
    """Status, dates, member and amounts are told; a dry run tells nothing, and is told twice."""
    desk.twice = True
    desk.source.states["US", "09-26"] = PeriodState.CLOSED
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))
    desk.run(dry_run=True)
    assert desk.records.standings.load_standings() == []

    desk.run()

    one = find(desk)
    assert (one.status, one.member, one.date_last) == ("closed", "Sep 26", date(2026, 9, 30))
    assert stages(one) == [DONE] * 4
    assert one.is_whole
    assert (amount(one, "erp"), amount(one, "held"), amount(one, "lines")) == (100, 100, 1)
    assert one.run_id == f"actuals-{desk.runs}"
    assert one.report
    assert len(desk.records.standings.load_changes([("actuals", "US", "09-26")])) == 1


def test_late_line_makes_the_period_stand_anew(desk: FakeDesk) -> None:
    """Looking again changes no proof; a line that nets to nothing in the period does."""
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))
    desk.run()
    first = find(desk)
    desk.run(periods=["09-26"])
    same = find(desk)
    desk.source.post(
        "2", line(1, "US", "09-26", "101.4000.10", "7"), line(2, "US", "09-26", "101.5000.10", "-7")
    )
    desk.run()
    late = find(desk)

    assert same.proof_hash == first.proof_hash
    assert same.run_id != first.run_id
    assert late.proof_hash != first.proof_hash
    assert amount(late, "held") == amount(first, "held")
    assert late.is_whole


def test_change_in_one_ledger_leaves_the_proof_of_another(make_desk: MakeDesk) -> None:
    """Two ledgers of one planning period stand each for itself."""
    desk = make_desk(ledgers=["US", "EU"])
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))
    desk.source.post("2", line(1, "EU", "09-26", "102.4000.10", "40"))
    desk.run()
    before = find(desk), find(desk, "EU")
    desk.source.post("3", line(1, "EU", "09-26", "102.4000.10", "1"))
    desk.run()

    assert find(desk).proof_hash == before[0].proof_hash
    assert find(desk, "EU").proof_hash != before[1].proof_hash
    assert find(desk).run_id == find(desk, "EU").run_id


def test_rule_that_moves_amounts_changes_the_proof(desk: FakeDesk) -> None:
    """The same net on another account of the model is another proof."""
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))
    desk.run()
    before = find(desk)
    desk.rules = (
        "entity,,{entity},,,,",
        "account,account=4000,5000,1,,,",
        "account,,{account},9,,,",
    )
    desk.run(remap=True)

    assert amount(find(desk), "held") == amount(before, "held")
    assert find(desk).proof_hash != before.proof_hash


def test_period_that_is_held_back_stands_unmapped(desk: FakeDesk) -> None:
    """Lines without a rule are named in money, and nothing of the period counts as sent."""
    desk.rules = ("entity,,{entity},,,,", "account,account=4000,{account},,,,")
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))
    desk.source.post("2", line(1, "US", "09-26", "101.5000.10", "7"))
    desk.run()

    one = find(desk)
    assert stages(one) == [DONE, PARTLY, NOT_YET, NOT_YET]
    assert (amount(one, "unmapped"), amount(one, "unsent"), amount(one, "held")) == (7, 100, 0)
    assert amount(one, "unexplained") == 0
    assert one.is_owed


def test_refused_summary_stands_in_its_ledger_alone(make_desk: MakeDesk) -> None:
    """What the model refused of one ledger is no matter of the other; mended, nothing is left."""
    desk = make_desk(ledgers=["US", "EU"])
    desk.target.refuse = lambda row: "closed" if row["Account"] == "5000" else None
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))
    desk.source.post("2", line(1, "EU", "09-26", "102.5000.10", "40"))
    desk.run()

    assert stages(find(desk)) == [DONE] * 4
    assert stages(find(desk, "EU")) == [DONE, DONE, PARTLY, DONE]
    assert (amount(find(desk, "EU"), "refused"), amount(find(desk, "EU"), "held")) == (40, 0)
    desk.target.refuse = lambda _: None
    desk.run(replay=True)
    assert find(desk, "EU").is_whole


def test_cell_of_several_ledgers_stands_elsewhere(make_desk: MakeDesk) -> None:
    """What no single ledger accounts for has a row of its own, which goes when it is mended."""
    desk = make_desk(ledgers=["US", "EU"])
    desk.target.refuse = lambda _: "closed"
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))
    desk.source.post("2", line(1, "EU", "09-26", "101.4000.10", "40"))
    desk.run()

    several = find(desk, "(several)", "Sep 26")
    assert (amount(several, "refused"), amount(several, "held")) == (140, -140)
    assert several.loaded is PARTLY
    assert stages(find(desk, "EU")) == [DONE, DONE, PARTLY, DONE]
    desk.target.refuse = lambda _: None
    desk.run(replay=True)
    assert desk.records.standings.find_standing("actuals", "(several)", "Sep 26") is None
    assert find(desk, "EU").is_whole


def test_archive_that_differs_from_the_erp_stands_as_read_wrongly(desk: FakeDesk) -> None:
    """A balance nobody's lines explain is unexplained, in the amount by which they differ."""
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))
    key = CombinationKey("US", "09-26", "USD", "101.4000.10")
    desk.source.shifts[key] = Decimal("0.01")
    desk.run()

    one = find(desk)
    assert stages(one) == [StageState.WRONG, NOT_YET, NOT_YET, NOT_YET]
    assert (amount(one, "unexplained"), amount(one, "unsent")) == (Decimal("0.01"), 100)


def test_cell_edited_in_the_model_is_a_difference_of_its_ledger(make_desk: MakeDesk) -> None:
    """The ledger whose cell differs stands wrong; the other ties, and is owed with it."""
    desk = make_desk(ledgers=["US", "EU"])
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))
    desk.source.post("2", line(1, "EU", "09-26", "102.4000.10", "40"))
    desk.run()

    def edit(name: str) -> None:
        if name.startswith("load: accept"):
            key = next(key for key in desk.target.cells if "102" in key)
            desk.target.cells[key] = "41"

    desk.source.post("3", line(1, "US", "09-26", "101.4000.10", "1"))
    desk.run(after_body=edit)

    assert find(desk, "EU").tied is StageState.WRONG
    assert amount(find(desk, "EU"), "unexplained") == -1
    assert find(desk).tied is DONE
    assert (find(desk).is_owed, find(desk).is_tied) == (True, False)


def test_run_tells_which_way_the_debits_went(desk: FakeDesk) -> None:
    """Nets of balanced ledgers are nothing; debits say what was placed, excluded and refused."""
    desk.change(exclusions=[{"name": "centre 20", "when": {"centre": "20"}}])
    desk.target.refuse = lambda row: "closed" if row["Account"] == "5000" else None
    desk.source.post(
        "1",
        line(1, "US", "09-26", "101.4000.10", "100"), line(2, "US", "09-26", "101.5000.10", "9"),
        line(3, "US", "09-26", "101.6000.20", "-2"), line(4, "US", "09-26", "101.4000.20", "2"),
        line(5, "US", "09-26", "101.6000.10", "-109"),
    )  # fmt: skip

    told = desk.run()["debits"]

    assert told == {
        "USD": {"archived": "111", "mapped": "109", "excluded:centre 20": "2", "refused": "9"}
    }


def test_comparing_says_what_was_not_sent(desk: FakeDesk) -> None:
    """A run that only compares names what the model was not told, and proves nothing."""
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))
    desk.run()
    desk.source.post("2", line(1, "US", "09-26", "101.4000.10", "7"))
    desk.run(reconcile=True)

    one = find(desk)
    assert stages(one) == [DONE, DONE, NOT_YET, NOT_YET]
    assert (amount(one, "unsent"), amount(one, "refused"), amount(one, "held")) == (7, 0, 100)
    assert one.is_owed


def test_run_of_an_older_release_tells_no_status(desk: FakeDesk) -> None:
    """A stored scope without statuses leaves the status empty, or as it was."""
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))
    desk.run()
    told: Any = replace(find(desk), status="")
    desk.records.standings.save_standings("actuals", [told], members=["Sep 26"])

    assert find(desk).status == "open"


def test_budget_stands_by_what_the_ledger_holds_of_it(make_desk: MakeDesk) -> None:
    """Approved and held tie; what the ERP refused is named with the sign that explains it."""
    budget = build_budget(make_desk())
    budget.journals.refuse = "Account number invalid"
    budget.run()
    find_one = budget.desk.records.standings.find_standing
    refused = find_one(budget.flow.name, LEDGER, "09-26")
    budget.journals.refuse = ""
    budget.run()
    posted = find_one(budget.flow.name, LEDGER, "09-26")

    assert refused
    assert stages(refused) == [DONE, DONE, PARTLY, DONE]
    assert amount(refused, "refused") == -amount(refused, "held")
    assert (amount(refused, "erp"), amount(refused, "unexplained")) == (0, 0)
    assert posted
    assert posted.is_whole
    assert amount(posted, "erp") == amount(posted, "held") != 0
    assert posted.member == "Sep 26"
    assert posted.proof_hash != refused.proof_hash
