"""F4 from end to end, on real sockets: suppliers in, list members out, and only what changed."""

import shutil
from typing import Any

import pytest
from ruamel.yaml import YAML

from ml_connector.ports import RunState

FLOW = "suppliers-fusion"
FILE = f"flows/{FLOW}.yaml"
LIST = "Suppliers"
SITES = "Supplier Sites"
LOAD_SUPPLIERS, LOAD_SITES, LOAD_PLANNING = "112000000013", "112000000014", "112000000015"
PLANNING = "suppliers-planning"
PLANNED = {
    "alias": "Alias", "alternate_name": "Alternate Name", "corporate_website": "Corporate Website",
    "duns_number": "D-U-N-S", "inactive_date": "Inactive Date", "one_time": "One-Time",
    "year_established": "Year Established", "customer_number": "Customer Number",
}  # fmt: skip
FLAGS = {"one_time": {"Y": "TRUE", "N": "FALSE"}}
NEW = {
    "Supplier": "Aareal Messtechnik AG",
    "BusinessRelationshipCode": "SPEND_AUTHORIZED",
    "TaxOrganizationTypeCode": "CORPORATION",
    "TaxpayerCountryCode": "DE",
    "TaxpayerId": "DE-77-0001",
}


@pytest.fixture
def empty_desk(office: Any) -> Any:
    """A project of the sandbox's template; the model holds no supplier yet."""
    return office


@pytest.fixture
def desk(empty_desk: Any) -> Any:
    """The same after a first run: every supplier is in the list."""
    assert empty_desk.run(FLOW).state == RunState.SUCCEEDED
    return empty_desk


def held(desk: Any, name: str = LIST) -> dict[str, Any]:
    """What a list of the model holds, by code; ids, which mean nothing to us, left out."""
    items = desk.company.model("read_list", list=name)
    return {item.pop("code"): item for item in ({**one, "id": None} for one in items)}


def run(desk: Any, name: str = LIST, **request: Any) -> dict[str, int]:
    """What a run that went well says of a list, in numbers."""
    row = desk.run(FLOW, **request)
    assert row.state == RunState.SUCCEEDED, row.summary
    told = row.summary["lists"][name]
    return {key: told[key] for key in ("members", "new", "changed", "only_in_model", "refused")}


def change_list(desk: Any, **changes: Any) -> None:
    """Keys of the flow's list stand as given."""
    [entry] = YAML(typ="safe").load(desk.root / FILE)["lists"]
    desk.change(FILE, lists=[entry | changes])


def test_every_supplier_lands_and_a_second_run_sends_nothing(empty_desk: Any) -> None:
    """Code, name and properties as Fusion has them, inactive ones too; then nothing is left."""
    desk = empty_desk

    first = run(desk)
    items = held(desk)
    second = run(desk)

    assert first["members"] == first["new"] == len(items) > 100
    assert (second["new"], second["changed"], second["members"]) == (0, 0, first["members"])
    assert len(desk.tasks(LOAD_SUPPLIERS)) == 1
    assert held(desk) == items
    assert items["10005"] == {
        "id": None,
        "name": "10005 ACME OFFICE SUPPLIES",
        "parent": "",
        "properties": {
            "Status": "ACTIVE", "Inactive Date": "", "Type": "", "Tax Country": "US",
            "Tax Organisation": "CORPORATION", "One-Time": "N",
        },
    }  # fmt: skip
    assert {item["properties"]["Status"] for item in items.values()} == {"ACTIVE", "INACTIVE"}
    assert any(code.startswith("0") for code in items)


def test_dry_run_tells_and_sends_nothing(empty_desk: Any) -> None:
    """`plan` shows how many members are new."""
    told = run(empty_desk, dry_run=True)

    assert told["new"] == told["members"] > 100
    assert held(empty_desk) == {}
    assert empty_desk.tasks(LOAD_SUPPLIERS) == []


def test_changed_new_and_inactivated_supplier_are_one_row_each(desk: Any) -> None:
    """Nothing else is sent, and nothing else in the list moves."""
    before = held(desk)
    desk.company.erp("change_supplier", SupplierNumber="10005", Supplier="ACME RENAMED")
    desk.company.erp("inactivate_supplier", SupplierNumber="10006")
    number = desk.company.erp("create_supplier", **NEW)["SupplierNumber"]

    told = run(desk)
    after = held(desk)

    assert (told["new"], told["changed"]) == (1, 2)
    assert {code for code in after if before.get(code) != after[code]} == {"10005", "10006", number}
    assert after["10005"]["name"] == "10005 ACME RENAMED"
    assert after["10005"]["properties"] == before["10005"]["properties"]
    assert after["10006"]["properties"]["Status"] == "INACTIVE"
    assert after["10006"]["properties"]["Inactive Date"]
    assert after[number]["name"] == f"{number} {NEW['Supplier']}"
    assert after[number]["properties"]["Tax Country"] == "DE"
    assert run(desk)["changed"] == 0


@pytest.mark.parametrize(
    "change", [{"OneTimeSupplierFlag": True}, {"SupplierTypeCode": "SERVICES"}]
)
def test_change_of_a_property_alone_is_one_row(desk: Any, change: dict[str, Any]) -> None:
    """The list shows names only; what it was told of properties is remembered here."""
    before = held(desk)
    desk.company.erp("change_supplier", SupplierNumber="10005", **change)

    told = run(desk)

    assert (told["new"], told["changed"]) == (0, 1)
    assert {code for code, item in held(desk).items() if before[code] != item} == {"10005"}


@pytest.mark.exhaustive
def test_change_of_what_no_column_takes_sends_nothing(desk: Any) -> None:
    """A supplier's change date moves with much that no planner has asked for."""
    desk.company.erp("change_supplier", SupplierNumber="10005", CorporateWebsite="acme.example")

    assert run(desk)["changed"] == 0
    assert len(desk.tasks(LOAD_SUPPLIERS)) == 1


@pytest.mark.exhaustive
def test_two_suppliers_that_share_a_name_stay_apart(desk: Any) -> None:
    """The number is part of the member's name, for a list takes each name once."""
    desk.company.turn(desk.company.fusion, supplier_duplicates="accept")
    try:
        desk.company.erp("change_supplier", SupplierNumber="10006", Supplier="ACME OFFICE SUPPLIES")
    finally:
        desk.company.turn(desk.company.fusion, supplier_duplicates="refuse")

    told = run(desk)
    items = held(desk)

    assert (told["changed"], told["refused"]) == (1, 0)
    assert items["10005"]["name"] == "10005 ACME OFFICE SUPPLIES"
    assert items["10006"]["name"] == "10006 ACME OFFICE SUPPLIES"


def test_half_of_the_suppliers_out_of_sight_hold_the_list(desk: Any) -> None:
    """The guard names itself, the numbers and the list; nothing moves until they are back."""
    before = held(desk)
    hidden = desk.company.erp("hide_suppliers", share=0.5)["hidden"]

    error, row = desk.fail(desk.run, FLOW)

    assert error.code == "dimensions.members-vanished"
    assert f"{hidden} of {len(before)} members of list Suppliers" in error.refused
    assert "members_vanish_max_ratio" in error.next_step
    assert row.state == RunState.BLOCKED
    assert held(desk) == before
    assert len(desk.tasks(LOAD_SUPPLIERS)) == 1

    desk.company.erp("show_suppliers")
    assert run(desk)["only_in_model"] == 0


@pytest.mark.exhaustive
def test_all_suppliers_out_of_sight_hold_the_list(desk: Any) -> None:
    """Without data access Fusion answers with an empty list; that is no reason to believe it."""
    before = held(desk)
    desk.company.turn(desk.company.fusion, supplier_roles={"halden-connector": []})
    try:
        error, _ = desk.fail(desk.run, FLOW)
    finally:
        desk.company.turn(desk.company.fusion, supplier_roles=None)

    assert error.code == "dimensions.source-empty"
    assert "doctor" in error.next_step
    assert held(desk) == before


def test_few_suppliers_out_of_sight_stay_in_the_list(desk: Any) -> None:
    """Below the guard's share the run goes on and counts them; an import never deletes."""
    before = held(desk)
    desk.company.erp("hide_suppliers", numbers=["10005", "10006"])

    told = run(desk)

    assert told["only_in_model"] == 2
    assert held(desk) == before


@pytest.mark.exhaustive
def test_privilege_taken_away_stops_the_run_before_anything_is_sent(desk: Any) -> None:
    """A 403 is told as one, not as a list without members."""
    desk.company.turn(desk.company.fusion, supplier_privilege="denied")
    try:
        error, _ = desk.fail(desk.run, FLOW)
    finally:
        desk.company.turn(desk.company.fusion, supplier_privilege="maintain")

    assert error.code == "access-denied"
    assert len(desk.tasks(LOAD_SUPPLIERS)) == 1


@pytest.mark.exhaustive
def test_inactive_suppliers_are_left_out_when_the_flow_says_so(empty_desk: Any) -> None:
    """`inactive: skip`: the list begins with those one can buy from."""
    change_list(empty_desk, inactive="skip")

    run(empty_desk)

    assert {item["properties"]["Status"] for item in held(empty_desk).values()} == {"ACTIVE"}


@pytest.mark.exhaustive
def test_sites_are_a_list_of_their_own(empty_desk: Any) -> None:
    """One item for each site and procurement unit; a change of a site alone is one row."""
    desk = empty_desk
    change_list(
        desk, list=SITES, load="Load Supplier Sites", **{"from": "supplier-sites"},
        columns={
            "code": "Code", "name": "Name",
            "properties": {
                "supplier_number": "Supplier", "procurement_bu": "Procurement Unit",
                "city": "City", "country": "Country", "purposes": "Purposes",
                "payment_terms": "Payment Terms", "status": "Status",
                "inactive_date": "Inactive Date",
            },
        },
    )  # fmt: skip

    first = run(desk, SITES)
    before = held(desk, SITES)
    desk.company.erp(
        "add_supplier_child", SupplierNumber="10005",
        site={
            "SupplierSite": "ACME-SFO", "ProcurementBU": "Halden Japan Procurement",
            "SupplierAddressName": "HQ",
        },
    )  # fmt: skip
    second = run(desk, SITES)
    third = run(desk, SITES)

    assert first["members"] == first["new"] == len(before) > 400
    assert (second["new"], second["changed"], third["new"], third["changed"]) == (1, 0, 0, 0)
    [code] = set(held(desk, SITES)) - set(before)
    item = held(desk, SITES)[code]
    assert code.startswith("10005/ACME-SFO/")
    assert item["name"] == f"{code} ACME OFFICE SUPPLIES, ACME-SFO"
    assert item["properties"]["Procurement Unit"] == "Halden Japan Procurement"
    assert item["properties"]["City"] == "San Francisco"
    assert len(desk.tasks(LOAD_SITES)) == 2
    assert desk.tasks(LOAD_SUPPLIERS) == []


def plan_by(desk: Any, **columns: Any) -> None:
    """A second flow fills the module planners work in, from the same suppliers."""
    [entry] = YAML(typ="safe").load(desk.root / FILE)["lists"]
    columns = {"code": "Code", "name": "Name", "properties": PLANNED} | columns
    shutil.copy(desk.root / FILE, desk.root / f"flows/{PLANNING}.yaml")
    desk.change(
        f"flows/{PLANNING}.yaml",
        lists=[entry | {"load": "Load Supplier Planning", "columns": columns}],
    )


def planned(desk: Any) -> dict[str, Any]:
    """What the module holds of supplier 10005 and of 10006."""
    rows = {row["code"]: row["values"] for row in desk.company.model("read_suppliers")}
    return {code: rows[code] for code in ("10005", "10006")}


@pytest.mark.exhaustive
@pytest.mark.long
def test_flags_a_module_does_not_take_are_told_until_it_does(desk: Any, typist: Any) -> None:
    """A bare Y is no boolean there: the rows are in without it, and no run calls that a success."""
    desk.company.erp(
        "change_supplier", SupplierNumber="10005", OneTimeSupplierFlag=True, YearEstablished="1987",
        CorporateWebsite="https://acme.example", CustomerNumber="00042", Alias="ACME",
    )  # fmt: skip
    plan_by(desk)

    first = typist.type("run", PLANNING)
    without = planned(desk)["10005"]
    again = typist.type("run", PLANNING, "-o", "json")
    plan_by(desk, values=FLAGS)
    mended = typist.type("run", PLANNING, "-o", "json")
    quiet = typist.type("run", PLANNING, "-o", "json")

    assert (first.code, again.code, mended.code, quiet.code) == (3, 3, 0, 0)
    told = again.json["lists"][LIST]
    assert told["warned"] == told["changed"] == told["members"] > 100
    assert f"of {told['warned']:,} members in the list values are missing" in first.err
    assert "Invalid boolean: " in first.err
    assert (without["Alias"], without["One-Time"]) == ("ACME", False)
    assert [mended.json["lists"][LIST][key] for key in ("changed", "warned")] == [
        told["members"], 0,
    ]  # fmt: skip
    assert [quiet.json["lists"][LIST][key] for key in ("changed", "warned")] == [0, 0]
    assert len(desk.tasks(LOAD_PLANNING)) == 3
    assert planned(desk)["10005"] == without | {
        "One-Time": True, "Corporate Website": "https://acme.example", "Customer Number": "00042",
        "Year Established": 1987.0,
    }  # fmt: skip
    assert planned(desk)["10006"]["One-Time"] is False


@pytest.mark.exhaustive
def test_misspelt_property_is_refused_and_the_column_keeps_its_values(desk: Any) -> None:
    """A name the source does not have would have emptied the column for every supplier."""
    before = held(desk)
    [entry] = YAML(typ="safe").load(desk.root / FILE)["lists"]
    properties = dict(entry["columns"]["properties"])
    properties["tax_payer_country"] = properties.pop("taxpayer_country")
    change_list(desk, columns=entry["columns"] | {"properties": properties})

    error, row = desk.fail(desk.run, FLOW)

    assert error.code == "members.unknown-property"
    assert "tax_payer_country" in error.refused
    assert "taxpayer_country" in error.next_step
    assert row.state == RunState.FAILED
    assert held(desk) == before
    assert len(desk.tasks(LOAD_SUPPLIERS)) == 1
