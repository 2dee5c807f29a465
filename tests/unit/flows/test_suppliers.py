"""A revised supplier list: only what the model alone has moved is written, and written once."""

from collections.abc import Callable

import pytest
from tests.fakes.desk import FakeDesk
from tests.fakes.killing import Killer
from tests.fakes.revised_desk import (
    ATTRIBUTES,
    COLUMNS,
    NAMED,
    RevisedDesk,
    build_revised_desk,
    make_flow,
)
from tests.fakes.steps import Crash
from tests.fakes.suppliers import TEMPLATE

from ml_connector.ports import ApprovalState, PostingState

MakeDesk = Callable[..., FakeDesk]
REVISED = {"1": "A1", "2": "A2", "3": "A3"}


@pytest.fixture
def revised(make_desk: MakeDesk) -> RevisedDesk:
    """Three suppliers, each with an alias the ERP does not have yet."""
    return build_revised_desk(make_desk())


# --- the common day -------------------------------------------------------------------------------


def test_erp_holds_what_was_revised_and_a_second_run_writes_nothing(revised: RevisedDesk) -> None:
    """Each supplier is written once; our own writes come back and are no news."""
    first = revised.run()
    second = revised.run()

    assert (first["state"], first["confirmed"], first["differences"]) == ("succeeded", 3, [])
    assert revised.aliases() == REVISED
    assert second["suppliers"]["kept"] == 3
    assert second["suppliers"]["changes"] == 0
    assert set(revised.suppliers.writes.values()) == {1}


def test_only_what_is_revised_is_sent(revised: RevisedDesk) -> None:
    """Empty cells say nothing; other attributes stay as somebody else writes them."""
    revised.run()

    assert revised.suppliers.of("1").attributes["customer_number"] == "C1"


def test_empty_cell_clears_where_the_flow_says_so(revised: RevisedDesk) -> None:
    """`blank: clear` makes an empty cell a revision, once both sides have agreed before."""
    for row in revised.target.rows:
        row[3] = f"C{row[0]}"
    cleared = ATTRIBUTES[1] | {"blank": "clear"}
    revised.flow = make_flow(attributes=[ATTRIBUTES[0], cleared], unknown="conflict")
    revised.run()
    revised.target.rows[0][3] = ""

    revised.run()

    assert revised.suppliers.of("1").attributes["customer_number"] == ""


def test_look_writes_nothing_and_remembers_nothing(revised: RevisedDesk) -> None:
    """A plan shows each change with what it was; the run after it still has all to do."""
    looked = revised.run(dry_run=True)

    assert [one["after"] for one in looked["changes_shown"]] == [
        {"alias": alias} for alias in REVISED.values()
    ]
    assert revised.suppliers.calls["change"] == 0
    assert revised.desk.records.approvals.load_approvals() == []
    assert revised.run()["confirmed"] == 3


# --- who has moved --------------------------------------------------------------------------------


def test_change_of_the_erp_stands_while_the_model_does_not_move(revised: RevisedDesk) -> None:
    """Fusion's users work on; the model's old value never overwrites theirs."""
    revised.run()
    revised.suppliers.edit("1", alias="THEIRS")

    summary = revised.run()

    assert summary["state"] == "succeeded"
    assert revised.aliases()["1"] == "THEIRS"


def test_both_moved_apart_is_a_conflict_and_left_alone(revised: RevisedDesk) -> None:
    """It is named with all three values; the other suppliers go on."""
    revised.run()
    revised.suppliers.edit("1", alias="THEIRS")
    revised.target.rows[0][2] = "OURS"
    revised.target.rows[1][2] = "B2"

    summary = revised.run()

    [conflict] = summary["conflicts_shown"]
    assert summary["state"] == "partly succeeded"
    assert {name: conflict[name] for name in ("number", "model", "erp", "agreed")} == {
        "number": "1", "model": "OURS", "erp": "THEIRS", "agreed": "A1",
    }  # fmt: skip
    assert revised.aliases() == {"1": "THEIRS", "2": "B2", "3": "A3"}


def test_conflict_is_over_once_either_side_gives_in(revised: RevisedDesk) -> None:
    """The ERP is corrected to the model's word, and both agree without a write."""
    revised.run()
    revised.suppliers.edit("1", alias="THEIRS")
    revised.target.rows[0][2] = "OURS"
    assert revised.run()["state"] == "partly succeeded"
    revised.suppliers.edit("1", alias="OURS")

    assert revised.run()["state"] == "succeeded"
    revised.suppliers.edit("1", alias="LATER")
    assert revised.run()["state"] == "succeeded"
    assert revised.aliases()["1"] == "LATER"


def test_person_takes_the_word_of_the_model_for_one_supplier(revised: RevisedDesk) -> None:
    """Named, the conflict is written; the other one stays."""
    revised.run()
    for number, at in (("1", 0), ("2", 1)):
        revised.suppliers.edit(number, alias="THEIRS")
        revised.target.rows[at][2] = "OURS"

    summary = revised.run(take=["1"])

    assert summary["state"] == "partly succeeded"
    assert revised.aliases() == {"1": "OURS", "2": "THEIRS", "3": "A3"}
    assert revised.fail(take=["3"]).code == "suppliers.nothing-to-take"


def test_difference_nobody_knows_the_origin_of_is_a_conflict(revised: RevisedDesk) -> None:
    """Without `unknown: model` the first run writes nothing and names each."""
    revised.flow = make_flow(unknown="conflict")
    revised.suppliers.of("3").attributes["alias"] = "A3"

    summary = revised.run()

    assert [one["number"] for one in summary["conflicts_shown"]] == ["1", "2"]
    assert summary["suppliers"]["same"] == 1
    assert revised.suppliers.calls["change"] == 0


def test_first_revision_of_a_cell_that_was_empty_is_written(revised: RevisedDesk) -> None:
    """What the ERP held while nobody had revised it is known, so who moved since is, too."""
    revised.flow = make_flow(unknown="conflict")
    wanted, revised.target.rows = (
        revised.target.rows,
        [[row[0], row[1], "", ""] for row in revised.target.rows],
    )
    first = revised.run()
    revised.suppliers.edit("2", alias="THEIRS")
    revised.target.rows = wanted

    second = revised.run()

    assert (first["state"], first["suppliers"]["changes"]) == ("succeeded", 0)
    assert [one["number"] for one in second["conflicts_shown"]] == ["2"]
    assert revised.aliases() == {"1": "A1", "2": "THEIRS", "3": "A3"}


def test_attribute_the_erp_owns_is_compared_and_never_written(revised: RevisedDesk) -> None:
    """The difference is counted and stays."""
    owned = ATTRIBUTES[1] | {"owner": "erp"}
    revised.flow = make_flow(attributes=[ATTRIBUTES[0], owned])
    revised.target.rows[0][3] = "M1"

    summary = revised.run()

    assert summary["suppliers"]["owned"] == 1
    assert revised.suppliers.of("1").attributes["customer_number"] == "C1"


# --- bad rows, guards -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([["2", "", "X", ""]], "2 rows have the number"),
        ([["77", "", "X", ""]], "the flow makes no suppliers"),
        ([["", "", "X", ""]], "neither a number nor a name"),
    ],
)
def test_bad_rows_are_named_and_set_aside(
    revised: RevisedDesk, rows: list[list[str]], fault: str
) -> None:
    """The other suppliers are written all the same; the run is no full success."""
    revised.target.rows += rows

    summary = revised.run()

    assert summary["state"] == "partly succeeded"
    assert any(fault in one["fault"] for one in summary["faults_shown"])
    assert revised.aliases()["1"] == "A1"


def test_view_without_rows_or_columns_is_refused(revised: RevisedDesk) -> None:
    """Neither is ever read as a list without suppliers."""
    rows, revised.target.rows = revised.target.rows, []
    assert revised.fail().code == "suppliers.view-empty"
    revised.target.rows = [row[:3] for row in rows]
    revised.target.columns = COLUMNS[:3]
    assert revised.fail().code == "suppliers.view-shape"


def test_view_that_lost_half_of_its_rows_is_held_back(revised: RevisedDesk) -> None:
    """A filtered list looks like any other; the guard counts against the last run."""
    revised.run()
    revised.target.rows = [["1", "", "B1", ""]]

    error = revised.fail()

    assert error.code == "suppliers.guard"
    assert "1 suppliers, at the last run it showed 3" in str(error)
    assert revised.run(dry_run=True)["suppliers"]["changes"] == 1
    assert revised.aliases() == REVISED


@pytest.mark.parametrize("guards", [{"suppliers_max": 2}, {"changed_ratio_max": "0.5"}])
def test_mass_change_is_held_back(revised: RevisedDesk, guards: dict[str, object]) -> None:
    """More changes than the flow lets pass are written by nobody."""
    revised.flow = make_flow(guards=guards)

    assert revised.fail().code == "suppliers.guard"
    assert revised.suppliers.calls["change"] == 0


# --- people ---------------------------------------------------------------------------------------


def test_plan_waits_and_what_changed_meanwhile_is_refused_singly(revised: RevisedDesk) -> None:
    """Approved by others, the plan is written as it is, but for the supplier that moved."""
    revised.flow = make_flow(approval={"people": 1, "second_above": 2})
    asked = revised.run()
    plan = asked["plan_hash"]
    early = revised.fail(apply=plan)
    revised.approve(plan, "one", "two")
    revised.suppliers.edit("2", alias="THEIRS")

    summary = revised.run(apply=plan)

    assert asked["approval"]["needed"] == 2
    assert early.code == "plan.not-approved"
    assert (summary["confirmed"], summary["refused"]) == (2, 1)
    assert summary["state"] == "partly succeeded"
    assert revised.aliases() == {"1": "A1", "2": "THEIRS", "3": "A3"}
    found = revised.desk.records.approvals.find_approval(plan)
    assert found is not None
    assert found.state is ApprovalState.APPLIED


def test_approved_plan_of_another_erp_stays_approved_and_unsent(revised: RevisedDesk) -> None:
    """Versions mean the ERP they were read from; set back, the flow still applies the plan."""
    revised.flow = make_flow(approval={"people": 1})
    plan = revised.run()["plan_hash"]
    revised.approve(plan, "one")
    revised.desk.source.connection = "elsewhere"

    error = revised.fail(apply=plan)
    revised.desk.source.connection = "erp"

    assert error.code == "plan.other-erp"
    assert revised.suppliers.calls["change"] == 0
    assert revised.run(apply=plan)["confirmed"] == 3


# --- new suppliers --------------------------------------------------------------------------------


def test_new_supplier_is_made_once_and_known_by_its_name_afterwards(revised: RevisedDesk) -> None:
    """The ERP gives the number; the model's row still has none, and nothing is made again."""
    revised.flow = make_flow(
        attributes=[NAMED, *ATTRIBUTES], creations=True, creation_values={"type": "SERVICES"}
    )
    revised.target.rows = [["", "Newcomer", "NEW", ""]]

    first = revised.run()
    second = revised.run()

    [made] = revised.suppliers.named("Newcomer")
    assert (first["state"], first["confirmed"]) == ("succeeded", 1)
    assert made.attributes["type"] == "SERVICES"
    assert made.attributes["alias"] == "NEW"
    assert second["suppliers"]["creations"] == 0
    assert second["state"] == "succeeded"


def test_lost_answer_of_a_creation_makes_no_second_supplier(revised: RevisedDesk) -> None:
    """It is looked for by name until it is shown, however long the ERP hides what is new."""
    revised.flow = make_flow(attributes=[NAMED, *ATTRIBUTES], creations=True)
    revised.target.rows = [["", "Newcomer", "NEW", ""]]
    revised.suppliers.lose_after = 1
    revised.suppliers.slow = revised.suppliers.job_takes

    summary = revised.run()

    assert summary["state"] == "succeeded"
    assert len(revised.suppliers.named("Newcomer")) == 1
    assert revised.suppliers.calls["creation"] == 1


def test_name_the_erp_has_twice_is_nobodys_to_guess(revised: RevisedDesk) -> None:
    """A row without a number is set aside when two suppliers bear its name."""
    revised.flow = make_flow(attributes=[NAMED, *ATTRIBUTES], creations=True)
    for number in ("8", "9"):
        revised.suppliers.add(number, name="Twin")
    revised.target.rows = [["", "Twin", "T", ""]]

    summary = revised.run()

    assert "2 suppliers of the name: 8, 9" in summary["faults_shown"][0]["fault"]
    assert revised.suppliers.calls["creation"] == 0


# --- many -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("send", ["single", "batch", "file"])
def test_many_suppliers_are_swept_once_and_each_written_once(
    revised: RevisedDesk, send: str
) -> None:
    """Above a hundred nobody asks one by one which have moved; what is written is looked at."""
    revised.flow, revised.template = make_flow(send=send), TEMPLATE
    revised.target.rows = []
    for number in range(1_000, 1_130):
        revised.suppliers.add(str(number), alias="A" if number % 2 else "")
        revised.target.rows.append([str(number), "", "A", ""])

    summary = revised.run()

    assert (summary["send"], summary["confirmed"], summary["state"]) == (send, 65, "succeeded")
    assert summary["suppliers"]["same"] == 65
    assert set(revised.suppliers.writes.values()) == {1}
    assert revised.run()["suppliers"]["kept"] == 130


@pytest.mark.long
@pytest.mark.parametrize("send", ["single", "file"])
def test_run_killed_after_any_call_writes_everything_once(revised: RevisedDesk, send: str) -> None:
    """Each version revises one supplier and dies after the next writing call."""
    revised.flow, revised.template = make_flow(send=send), TEMPLATE
    revised.run()
    for at in range(1, 100):
        revised.suppliers.writes.clear()
        revised.target.rows[0][2] = f"V{at}"
        revised.killer = killer = Killer(at=at)
        try:
            summary = revised.run()
        except Crash:
            summary = revised.resume()
        assert summary["state"] == "succeeded", killer.died
        assert revised.aliases()["1"] == f"V{at}", killer.died
        assert revised.suppliers.writes == {"1": 1}, killer.died
        assert set(revised.postings()) == {PostingState.CONFIRMED}
        if not killer.died:
            return
    raise AssertionError("the run makes more calls than were tried")
