"""F5 from end to end, on real sockets: what was revised stands in Fusion, once, or is named."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.pod_desk import (
    CONTROLLER,
    JOBS,
    MANY,
    NOBODY_ASKED,
    SUPPLIERS,
    PodDesk,
    build_pod_desk,
)

from ml_connector.ports import CheckState, RunState

LOST: list[dict[str, Any]] = [
    {"kind": "reset_after"},
    {"kind": "close_after"},
    {"kind": "html", "status": 502, "effect": True},
    {"kind": "html", "status": 200, "effect": True},
    {"kind": "status", "status": 500, "effect": True, "body": "boom"},
    {"kind": "status", "status": 503, "effect": True},
    {"kind": "truncate_body", "cut_at": 40},
    {"kind": "reset_before"},
]
"""Ways to lose the answer to a request; all but the last have taken effect before."""
ALIAS = {"attribute": "alias", "column": "Alias"}
NAME = {"attribute": "name", "column": "Name"}
GIVEN = {"business_relationship": "PROSPECTIVE", "tax_organisation_type": "CORPORATION"}
CREATING: dict[str, Any] = {
    "attributes": [NAME, ALIAS], "creations": True, "creation_values": GIVEN, "template": None,
}  # fmt: skip


@pytest.fixture
def desk(company: Any, office_template: Path, tmp_path: Path) -> PodDesk:
    """A project whose flow asks nobody; the model's list is empty."""
    root = tmp_path / "project"
    shutil.copytree(office_template, root)
    return build_pod_desk(company, root, **NOBODY_ASKED)


def tell(row: Any, *names: str) -> tuple[Any, ...]:
    """Counts of a run that wrote."""
    return tuple(row.summary[name] for name in names or ("confirmed", "refused", "quarantined"))


# --- who moved ------------------------------------------------------------------------------------


@pytest.mark.exhaustive
@pytest.mark.long
def test_only_what_the_model_alone_moved_is_written_and_the_rest_is_named(desk: PodDesk) -> None:
    """Conflict, foreign owner, unknown number, a change since the plan: each left, each told."""
    desk.stock("10005", "10006", "10007", "10008", Alias="FIRST")
    desk.run()
    desk.change(approval={"people": 1})
    desk.revise(
        {number: {"Alias": f"S{number}", "D-U-N-S": "1"} for number in ("10005", "10006", "10007")}
    )
    desk.company.model(
        "add_suppliers", suppliers=[{"code": "99999", "name": "Nobody", "values": {"Alias": "X"}}]
    )
    desk.alter("10006", Alias="THEIRS")
    desk.alter("10008", Alias="THEIRS TOO")
    before = desk.held()

    asked = desk.run()
    desk.alter("10007", CustomerNumber="C-7")
    desk.approve(asked.summary["plan_hash"], CONTROLLER)
    row = desk.apply(asked.summary["plan_hash"])

    [fault] = asked.summary["faults_shown"]
    [conflict] = asked.summary["conflicts_shown"]
    [refusal] = row.summary["refusals"]
    assert asked.state is RunState.WAITING_APPROVAL
    assert (fault["number"], conflict["number"]) == ("99999", "10006")
    assert (conflict["model"], conflict["erp"], conflict["agreed"]) == ("S10006", "THEIRS", "FIRST")
    assert asked.summary["suppliers"]["owned"] == 3
    assert row.state is RunState.PARTLY
    assert refusal["subject"] == "supplier 10007"
    assert refusal["reason"].startswith("changed in the ERP since the plan")
    assert tell(row) == (1, 1, 0)
    assert desk.changed_since(before) == {
        "10005": {"Alias": "S10005"}, "10007": {"CustomerNumber": "C-7"},
    }  # fmt: skip
    assert [line["status"] for line in desk.writes()[4:]].count(412) == 1

    desk.change(**NOBODY_ASKED)
    again = desk.run(take=["10006"])

    assert again.state is RunState.PARTLY
    assert again.summary["faults_shown"] == [fault]
    assert desk.changed_since(before) == {
        "10005": {"Alias": "S10005"}, "10006": {"Alias": "S10006"},
        "10007": {"Alias": "S10007", "CustomerNumber": "C-7"},
    }  # fmt: skip


@pytest.mark.exhaustive
@pytest.mark.long
def test_cells_nobody_filled_are_no_conflicts(desk: PodDesk) -> None:
    """A model shows false and zero where Fusion shows nothing; a flag that differs is one.

    So many suppliers are found by one sweep, which knows their names all the same.
    """
    flag = {"attribute": "one_time", "column": "One-Time"}
    year = {"attribute": "year_established", "column": "Year Established"}
    reportable = {"attribute": "federal_reportable", "column": "Customer Number"}
    desk.change(attributes=[ALIAS, flag, year, reportable], unknown="conflict", template=None)
    numbers = [number for number in desk.held() if number.startswith("100")][:101]
    desk.stock(*numbers, **{"Customer Number": "false"})
    desk.alter("10006", YearEstablished="1950")
    desk.alter("10007", OneTimeSupplierFlag=True)
    before = desk.held()
    flagged = [number for number in numbers if before[number]["OneTimeSupplierFlag"]]

    first = desk.run()
    desk.revise({"10005": {"One-Time": True}})
    second = desk.run()

    assert [
        (row["number"], row["name"], row["attribute"]) for row in first.summary["conflicts_shown"]
    ] == [(one, before[one]["Supplier"], "one_time") for one in flagged]
    assert "10007" in flagged
    assert first.summary["suppliers"]["same"] == len(numbers) - len(flagged)
    assert before["10005"]["FederalReportableFlag"] is None
    assert tell(second) == (1, 0, 0)
    assert desk.changed_since(before) == {"10005": {"OneTimeSupplierFlag": True}}


# --- lost answers ---------------------------------------------------------------------------------


@pytest.mark.exhaustive
@pytest.mark.long
def test_changes_whose_answers_were_lost_are_written_once(desk: PodDesk) -> None:
    """Whatever became of the answer, each supplier shows its change, and was changed only once."""
    numbers = ["10005", "10006", "10007", "10008", "10009", "10010", "10011", "10012", "10001"]
    busy = [{"kind": "status", "status": 429, "retry_after": 3}]
    desk.stock(*numbers, Alias="NEW")
    before = desk.held()
    for number, rule in zip(numbers, [*LOST, *busy], strict=True):
        path = f"{SUPPLIERS}/{before[number]['SupplierId']}$"
        desk.spoil(method="PATCH", path=path, **rule)

    row = desk.run()
    sent = [line["path"] for line in desk.writes()]
    again = desk.run()

    assert row.state is again.state is RunState.SUCCEEDED
    assert tell(row) == (9, 0, 0)
    assert set(desk.states().values()) == {"confirmed"}
    assert desk.changed_since(before) == {number: {"Alias": "NEW"} for number in numbers}
    twice = {path.rpartition("/")[2] for path in sent if sent.count(path) > 1}
    assert twice == {str(before[number]["SupplierId"]) for number in ("10012", "10001")}
    assert len(desk.writes()) == len(sent) == len(numbers) + 2


@pytest.mark.exhaustive
@pytest.mark.long
def test_new_suppliers_whose_answers_were_lost_are_made_once(desk: PodDesk) -> None:
    """On a pod that takes a second supplier of a name, and shows a new one late."""
    names = [f"New Supplies {number}" for number in range(len(LOST) + 1)]
    desk.change(**CREATING)
    suppliers = [{"name": name, "values": {"Alias": "MADE"}} for name in names]
    desk.company.model("add_suppliers", suppliers=suppliers)
    before = desk.held()
    desk.turn(supplier_duplicates="accept", not_found_after_create_s=100)
    for number, rule in enumerate(LOST, start=1):
        desk.spoil(method="POST", path=MANY, nth=number, **rule)

    row = desk.run()
    again = desk.run()

    made = [row for number, row in desk.held().items() if number not in before]
    assert row.state is again.state is RunState.SUCCEEDED
    assert tell(row) == (len(names), 0, 0)
    assert sorted(row["Supplier"] for row in made) == names
    assert {row["Alias"] for row in made} == {"MADE"}
    assert again.summary["suppliers"]["same"] == len(names)
    assert len(desk.writes(SUPPLIERS)) == len(names) + 1


@pytest.mark.exhaustive
@pytest.mark.long
def test_new_supplier_and_its_row_with_the_number_stand_side_by_side(desk: PodDesk) -> None:
    """The list brings the supplier back; two rows that want different things are never sent."""
    named = {"attribute": "name", "column": "Customer Number"}
    desk.change(**{**CREATING, "attributes": [named, ALIAS]})
    values = {"Customer Number": "Brand New", "Alias": "FIRST"}
    desk.company.model("add_suppliers", suppliers=[{"name": "row", "values": values}])
    known = desk.held()
    desk.run()
    before = desk.held()
    [number] = set(before) - set(known)

    desk.company.model("add_suppliers", suppliers=[{"code": number, "name": "listed"}])
    calm = desk.run()
    desk.revise({number: {"Alias": "SECOND"}})
    written = desk.run()
    apart = desk.run()

    assert calm.state is written.state is RunState.SUCCEEDED
    assert (calm.summary["suppliers"]["same"], calm.summary["suppliers"]["rows"]) == (1, 2)
    assert tell(written) == (1, 0, 0)
    assert apart.state is RunState.PARTLY
    [fault] = apart.summary["faults_shown"]
    assert fault["fault"].endswith(f"{number} has a row of its own")
    assert desk.changed_since(before) == {number: {"Alias": "SECOND"}}


@pytest.mark.long
def test_supplier_out_of_sight_is_not_made_again(desk: PodDesk) -> None:
    """Its number is somebody's, whoever may see it; the pod's own words say so."""
    desk.change(**CREATING)
    desk.company.model(
        "add_suppliers", suppliers=[{"code": "10005", "name": "Anybody", "values": {"Alias": "A"}}]
    )
    before = desk.held()
    desk.company.erp("hide_suppliers", numbers=["10005"])

    row = desk.run()
    desk.company.erp("show_suppliers")

    assert row.state is RunState.PARTLY
    assert "supplier number" in row.summary["refusals"][0]["reason"]
    assert desk.changed_since(before) == {}


@pytest.mark.exhaustive
@pytest.mark.long
def test_right_taken_away_stops_the_run_which_then_goes_on(desk: PodDesk) -> None:
    """Nothing of the others is called refused; the resume writes them."""
    desk.stock("10005", "10006", Alias="NEW")
    before = desk.held()
    desk.turn(supplier_privilege="view")

    error, stopped = desk.fail(), desk.newest()
    untouched = desk.changed_since(before)
    desk.turn(supplier_privilege="maintain")
    row = desk.resume(stopped.run_id)

    assert error.code == "access-denied"
    assert untouched == {}
    assert row.state is RunState.SUCCEEDED
    assert desk.changed_since(before) == {number: {"Alias": "NEW"} for number in ("10005", "10006")}


# --- fifty at once --------------------------------------------------------------------------------


@pytest.mark.long
def test_batch_with_one_refused_supplier_writes_none_of_its_fifty(desk: PodDesk) -> None:
    """The one is named in the reason of all; the other batch goes on, and so does the next run.

    What could not be sent at all is set aside before, and holds back nobody.
    """
    before = desk.held()
    odd, *numbers = [number for number in before if number.startswith("100")][:53]
    renaming = {"attribute": "name", "column": "Customer Number"}
    desk.change(send="batch", attributes=[ALIAS, renaming])
    desk.stock(odd, *numbers, Alias="NEW")
    desk.revise({odd: {"Alias": "two\nlines"}})
    desk.revise({numbers[3]: {"Customer Number": before[numbers[4]]["Supplier"]}})
    desk.spoil(method="POST", path=r"11\.13\.18\.05$", nth=2, kind="reset_after")

    row = desk.run()
    first = desk.changed_since(before)
    desk.revise({numbers[3]: {"Customer Number": ""}})
    again = desk.run()

    assert row.state is RunState.PARTLY
    assert tell(row) == (2, 50, 0)
    assert [fault["number"] for fault in row.summary["faults_shown"]] == [odd]
    reasons = {refusal["reason"] for refusal in row.summary["refusals"]}
    assert len(reasons) == 1
    assert f"at supplier {numbers[3]} " in reasons.pop()
    assert first == {number: {"Alias": "NEW"} for number in numbers[50:]}
    assert again.state is RunState.PARTLY
    assert tell(again) == (50, 0, 0)
    assert desk.changed_since(before) == {number: {"Alias": "NEW"} for number in numbers}
    assert len(desk.writes()) == 3


# --- the view -------------------------------------------------------------------------------------


@pytest.mark.exhaustive
@pytest.mark.long
def test_view_in_another_form_says_the_same(desk: PodDesk) -> None:
    """Separators, encodings, marks and spellings move nothing; what cannot be read is named."""
    odd = "Ä;\"x\", y\\z | 'q'"
    desk.stock("10005", "10006", "10007")
    desk.revise({
        "10005": {"Alias": odd, "Inactive Date": "2027-03-04", "One-Time": True},
        "10006": {"Alias": "5E3", "Customer Number": "007"},
    })  # fmt: skip
    flag = {"attribute": "one_time", "column": "One-Time"}
    day = {"attribute": "inactive_date", "column": "Inactive Date", "dates": "DD.MM.YYYY"}
    number = {"attribute": "customer_number", "column": "Customer Number"}
    desk.change(attributes=[ALIAS, day, number, flag], unknown="conflict")
    before = desk.held()
    plain = {
        "10005": {"alias": odd, "inactive_date": "2027-03-04", "one_time": "Y"},
        "10006": {"alias": "5E3", "customer_number": "007"},
    }  # fmt: skip
    numbers = list(plain)

    desk.turn_model(export__date="dd.mm.yyyy", export__bool="Yes/No")
    desk.form(encoding="UTF-16LE", separator=";")
    first = desk.run(dry_run=True, take=numbers)
    desk.turn_model(export__bool="1/0", export__bom="on", export__newline="CRLF")
    desk.form(encoding="windows-1252", separator="|", delimiter="'")
    second = desk.run(dry_run=True, take=numbers)
    desk.turn_model(export__date="mm/dd/yyyy", export__blank="#N/A")
    third = desk.run()
    written = desk.changed_since(before)
    desk.turn_model(export__date="dd.mm.yyyy", export__blank="quoted", export__quoting="all")
    fourth = desk.run(take=numbers)

    def planned(row: Any) -> dict[str, Any]:
        return {one["number"]: dict(one["after"]) for one in row.summary["changes_shown"]}

    assert planned(first) == planned(second) == planned(fourth) == plain
    faults = {fault["number"]: fault["fault"] for fault in third.summary["faults_shown"]}
    assert set(faults) == {"10005", "10006", "10007"}
    assert "Inactive Date '03/04/2027': it is no day of the form DD.MM.YYYY" in faults["10005"]
    assert third.state is RunState.PARTLY
    assert written == {}
    assert fourth.state is RunState.SUCCEEDED
    assert desk.changed_since(before) == {
        "10005": {"Alias": odd, "InactiveDate": "2027-03-04", "OneTimeSupplierFlag": True},
        "10006": {"Alias": "5E3", "CustomerNumber": "007"},
    }  # fmt: skip


@pytest.mark.exhaustive
@pytest.mark.long
def test_view_without_rows_or_columns_or_half_of_them_writes_nothing(desk: PodDesk) -> None:
    """Each is refused by name, the run stops, and the next whole view is compared as before."""
    desk.stock("10005", "10006", "10007", "10008", Alias="FIRST")
    desk.run()
    desk.revise({number: {"Alias": "SECOND"} for number in ("10005", "10006", "10007", "10008")})
    before, sent = desk.held(), len(desk.writes())
    spoilt: list[tuple[dict[str, Any], str, str]] = [
        ({"export__rows": "some"}, "suppliers.guard", "shows 2 suppliers, at the last run it"),
        ({"export__rows": "none"}, "suppliers.view-empty", "'Supplier Revisions' shows no"),
        ({"export__no_rows": "empty"}, "suppliers.view-empty", "'Supplier Revisions' shows no"),
        ({"export__rows": "all", "export__cut_bytes": 7}, "exports.cut", "is not whole"),
    ]

    for switches, code, words in spoilt:
        desk.turn_model(**switches)
        error, row = desk.fail(), desk.newest()
        assert (error.code, row.state in {RunState.BLOCKED, RunState.FAILED}) == (code, True)
        assert words in error.refused
    desk.turn_model(export__cut_bytes=0)
    desk.change(number_column="Number")
    shape = desk.fail()
    desk.change(number_column="Code", export="Supplier Revision")
    missing = desk.fail()
    told = desk.doctor()
    desk.change(export="Supplier Revisions")
    untouched = desk.changed_since(before), len(desk.writes()) - sent
    row = desk.run()

    assert shape.code == "suppliers.view-shape"
    assert "lacks the columns Number" in shape.refused
    assert "Supplier Revision" in missing.refused
    assert told["export Supplier Revision"].state is CheckState.FAILED
    assert told["suppliers of the ERP"].state is CheckState.OK
    assert untouched == ({}, 0)
    assert tell(row) == (4, 0, 0)
    assert not desk.writes(JOBS)
