"""F5 as people type it: looked at, waited for, decided by another, written, told and taken back."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.pod_desk import CONTROLLER, FLOW, LIST_FLOW, MAKER, PodDesk, build_pod_desk

REVISED = {
    "10005": {"Alias": "ACME", "Inactive Date": "2027-06-30"},
    "10006": {"Customer Number": "C-6", "D-U-N-S": "123456789"},
    "000417": {"Corporate Website": "https://417.example"},
}
WRITTEN = {
    "10005": {"Alias": "ACME", "InactiveDate": "2027-06-30"},
    "10006": {"CustomerNumber": "C-6"},
    "000417": {"CorporateWebsite": "https://417.example"},
}


class Office:
    """A terminal that people sit down at in turn."""

    def __init__(self, terminal: Any, patch: pytest.MonkeyPatch) -> None:
        self._terminal = terminal
        self._patch = patch

    def type(self, who: str, *arguments: str) -> Any:
        """What the command leaves when that person types it."""
        self._patch.setattr("ml_connector.wiring.house.find_account", lambda: who)
        return self._terminal.type(*arguments)

    def find_plan(self) -> str:
        """The one plan that waits, as the list names it."""
        [waiting] = self.type(CONTROLLER, "approvals", "list", "-o", "csv").csv
        return str(waiting["Plan"])


@pytest.fixture
def desk(company: Any, office_template: Path, tmp_path: Path) -> PodDesk:
    """A project whose flow asks one person."""
    root = tmp_path / "project"
    shutil.copytree(office_template, root)
    return build_pod_desk(company, root)


@pytest.fixture
def office(desk: PodDesk, terminal: Any, monkeypatch: pytest.MonkeyPatch) -> Office:
    """A terminal in the project, on its clock."""
    monkeypatch.setattr("ml_connector.wiring.stopping.machine_clock", lambda _stop: desk.clock)
    terminal.project = desk.root
    return Office(terminal, monkeypatch)


@pytest.mark.long
def test_revised_list_is_planned_approved_by_another_and_written_once(
    office: Office, desk: PodDesk
) -> None:
    """Each command names the next; nothing moves before the approval, nothing else ever does."""
    office.type(MAKER, "run", LIST_FLOW)
    desk.revise(REVISED)
    before, sent = desk.held(), len(desk.writes())

    looked = office.type(MAKER, "plan", FLOW, "-o", "csv")
    asked = office.type(MAKER, "run", FLOW)
    plan = office.find_plan()
    own = office.type(MAKER, "approvals", "approve", plan)
    shown = office.type(CONTROLLER, "approvals", "show", plan, "-o", "csv")
    untouched = desk.changed_since(before), len(desk.writes()) - sent
    written = office.type(CONTROLLER, "approvals", "approve", plan, "--reason", "Fine.")
    stands = desk.changed_since(before)
    late = office.type(CONTROLLER, "approvals", "approve", plan)
    again = office.type(MAKER, "run", FLOW)
    listed = office.type(MAKER, "run", LIST_FLOW, "-o", "json").json["lists"]["Suppliers"]

    assert (looked.code, asked.code, own.code, written.code) == (0, 5, 5, 0)
    assert looked.csv == shown.csv
    assert [tuple(row.values()) for row in shown.csv if row["Supplier"] == "10005"] == [
        ("10005", "ACME OFFICE SUPPLIES", "alias", "", "ACME"),
        ("10005", "ACME OFFICE SUPPLIES", "inactive_date", "", "2027-06-30"),
    ]
    assert "Differences in attributes the ERP owns, which nobody writes: 1." in looked.err
    assert looked.hints == [f"send it: `ml-connector run {FLOW}`"]
    assert f"approvals show {plan}" in asked.hints[0]
    assert untouched == ({}, 0)
    assert written.out.split("\n")[2].split() == ["single", "3", "3", "0", "0", "0"]
    assert "3 suppliers sent, nothing unexplained." in written.err
    assert stands == WRITTEN
    assert (late.code, again.code) == (5, 0)
    assert "there is nothing to write" in again.err
    assert len(desk.writes()) - sent == 3
    assert desk.changed_since(before) == WRITTEN
    assert (listed["new"], listed["changed"]) == (0, 1), "the list has no column but the end date"
    revised = {one["code"]: one["values"] for one in desk.company.model("read_suppliers")}
    assert {code: revised[code] | values for code, values in REVISED.items()} == {
        code: revised[code] for code in REVISED
    }


@pytest.mark.long
def test_what_was_written_is_listed_taken_back_and_stays_taken_back(
    office: Office, desk: PodDesk
) -> None:
    """A reversal is a plan like any other, names what it takes back, and F5 does not undo it."""
    desk.stock("10005", "10006", Alias="WRITTEN")
    desk.change(approval={"people": 0})
    office.type(MAKER, "run", FLOW)
    before = desk.held()
    desk.change(approval={"people": 1})
    listed = {
        row["Subject"]: row for row in office.type(MAKER, "postings", "list", "-o", "csv").csv
    }
    key = listed["supplier 10005"]["Key"]

    settled = office.type(MAKER, "postings", "settle", key)
    asked = office.type(MAKER, "postings", "reverse", key)
    taken_back = office.type(CONTROLLER, "approvals", "approve", office.find_plan())
    shown = office.type(MAKER, "postings", "show", key)
    twice = office.type(MAKER, "postings", "reverse", key)
    again = office.type(MAKER, "run", FLOW)
    audit = office.type(MAKER, "audit", "verify")

    assert {row["State"] for row in listed.values()} == {"confirmed"}
    assert listed["supplier 10005"]["Documents"] == "10005"
    assert (settled.code, asked.code, taken_back.code, twice.code) == (2, 5, 0, 2)
    assert "nothing to write" not in asked.err
    assert asked.out.splitlines()[2].split() == [
        "10005", "ACME", "OFFICE", "SUPPLIES", "alias", "WRITTEN",
    ]  # fmt: skip
    assert "It was taken back by" in shown.err
    assert "was reversed by" in twice.err
    assert desk.changed_since(before) == {"10005": {"Alias": None}}
    assert again.code == audit.code == 0
    assert "there is nothing to write" in again.err


@pytest.mark.long
def test_conflict_is_shown_with_the_command_that_decides_it(office: Office, desk: PodDesk) -> None:
    """Exit code 3 until somebody takes the model's word; who is nobody's conflict is refused."""
    desk.stock("10005", "10006", Alias="FIRST")
    desk.change(approval={"people": 0})
    office.type(MAKER, "run", FLOW)
    desk.revise({"10005": {"Alias": "OURS"}, "10006": {"Alias": "SECOND"}})
    desk.alter("10005", Alias="THEIRS")
    before = desk.held()

    partly = office.type(MAKER, "run", FLOW)
    moved = desk.changed_since(before)
    odd = office.type(MAKER, "run", FLOW, "--take", "10006")
    taken = office.type(MAKER, "run", FLOW, "--take", "10005")

    assert (partly.code, odd.code, taken.code) == (3, 2, 0)
    assert "alias: the model has 'OURS', the ERP 'THEIRS'; both moved from 'FIRST'." in partly.err
    assert f"`ml-connector run {FLOW} --take 10005`" in "".join(partly.hints)
    assert moved == {"10006": {"Alias": "SECOND"}}
    assert "nothing to take of 10006" in odd.err
    assert desk.changed_since(before) == {"10005": {"Alias": "OURS"}, "10006": {"Alias": "SECOND"}}
