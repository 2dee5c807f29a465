"""Suppliers as planners have them: revised, added and removed, and exported as one row each."""

import csv
import io
from typing import Any

import pytest

REVISED = [
    "Alias", "Alternate Name", "Corporate Website", "D-U-N-S", "Inactive Date", "One-Time",
    "Year Established", "Customer Number",
]  # fmt: skip
HEADERS = ["Code", "Name", *REVISED]
EMPTY = dict.fromkeys(REVISED, "") | {"One-Time": False, "Year Established": 0.0}
LIST = "Code,Name,Status,Inactive Date,Type,Tax Country,Tax Organisation,One-Time\n"
ROWS = (
    "10005,10005 ACME OFFICE SUPPLIES,ACTIVE,,,US,CORPORATION,N\n"
    '000417,"000417 Baker, Cole & Daughters",ACTIVE,,,US,CORPORATION,N\n'
    "10012,NaN,ACTIVE,,,US,CORPORATION,N\n"
)
ALL = {
    "Alias": "ACME", "Alternate Name": 'Acme "Quick" Inc, Ltd', "D-U-N-S": "000000018",
    "Corporate Website": "https://acme.example", "Inactive Date": "2026-12-31", "One-Time": True,
    "Year Established": 1987, "Customer Number": "00042",
}  # fmt: skip


@pytest.fixture
def planned(anaplan: Any) -> Any:
    """The tenant with three suppliers in the list, as Fusion has them."""
    anaplan.load("suppliers.csv", "Load Suppliers", LIST + ROWS)
    return anaplan


def exported(tenant: Any) -> list[list[str]]:
    """The records of a fresh run of the export."""
    assert tenant.run("exports", "Supplier Revisions")["successful"]
    text = tenant.get(f"/files/{tenant.ids['exports']['Supplier Revisions']}").content.decode()
    return list(csv.reader(io.StringIO(text, newline="")))


def test_supplier_without_revision_is_a_row_of_blanks(planned: Any) -> None:
    """One row for each item of the list, by code and name, whether or not anything was planned."""
    header, *rows = exported(planned)

    assert header == HEADERS
    blanks = ["", "", "", "", "", "false", "0", ""]
    assert rows == [
        ["10005", "10005 ACME OFFICE SUPPLIES", *blanks],
        ["000417", "000417 Baker, Cole & Daughters", *blanks],
        ["10012", "NaN", *blanks],
    ]


def test_list_without_suppliers_exports_its_header(anaplan: Any) -> None:
    """Zero rows are a file of one line."""
    assert exported(anaplan) == [HEADERS]


def test_revision_is_what_the_next_run_exports(planned: Any) -> None:
    """Every format as exports print it; the other suppliers stay as they were."""
    answer = planned.admin("revise_suppliers", suppliers=[{"code": "10005", "values": ALL}])

    assert answer == {"suppliers": 1}
    _, first, *others = exported(planned)
    assert dict(zip(HEADERS[2:], first[2:], strict=True)) == {
        **ALL, "One-Time": "true", "Year Established": "1987",
    }  # fmt: skip
    assert all(row[2:] == ["", "", "", "", "", "false", "0", ""] for row in others)


def test_revision_empties_and_renames(planned: Any) -> None:
    """An empty text or null is no value; name and code are those of the list's item."""
    planned.admin("revise_suppliers", suppliers=[{"code": "10005", "values": ALL}])
    empty = dict.fromkeys(REVISED, None) | {"Alias": "", "One-Time": False}

    planned.admin(
        "revise_suppliers",
        suppliers=[
            {"code": "10005", "values": {**empty, "Name": "ACME", "Code": "10055"}},
            {"name": "NaN", "values": {"Alias": "null"}},
        ],
    )

    found = {one["name"]: one for one in planned.admin("read_suppliers")}
    assert (found["ACME"]["code"], found["ACME"]["values"]) == ("10055", EMPTY)
    assert found["NaN"]["values"] == EMPTY | {"Alias": "null"}
    assert planned.admin("read_list", list="Suppliers")[0]["name"] == "ACME"


def test_supplier_may_be_added_before_it_has_a_code(planned: Any) -> None:
    """A new one shows an empty code, and keeps its values when it is given one."""
    new: dict[str, Any] = {"name": "Aareal Messtechnik AG", "values": {"Year Established": 2024}}

    answer = planned.admin("add_suppliers", suppliers=[new, {"name": "Coded", "code": "X1"}])

    assert (answer["suppliers"], len(set(answer["ids"]))) == (2, 2)
    rows = {row[1]: row for row in exported(planned)}
    assert (rows[new["name"]][0], rows[new["name"]][8]) == ("", "2024")
    assert rows["Coded"][0] == "X1"
    planned.admin(
        "revise_suppliers", suppliers=[{"name": new["name"], "values": {"Code": "10420"}}]
    )
    items = planned.get(f"/lists/{planned.ids['lists']['Suppliers']}/items").json()["listItems"]
    assert items[-2] == {"id": answer["ids"][0], "name": new["name"], "code": "10420"}
    assert {row[1]: row for row in exported(planned)}[new["name"]][8] == "2024"


def test_removed_supplier_leaves_nothing_behind(planned: Any) -> None:
    """Its row and its values are gone, also for a later one of the same code."""
    planned.admin("add_suppliers", suppliers=[{"name": "Uncoded", "values": ALL}])
    planned.admin("revise_suppliers", suppliers=[{"code": "10005", "values": ALL}])

    planned.admin("remove_suppliers", suppliers=[{"code": "10005"}, {"name": "Uncoded"}])

    assert [row[0] for row in exported(planned)] == ["Code", "000417", "10012"]
    planned.load("suppliers.csv", "Load Suppliers", LIST + ROWS)
    found = {one["code"]: one["values"] for one in planned.admin("read_suppliers")}
    assert found == {"000417": EMPTY, "10012": EMPTY, "10005": EMPTY}


@pytest.mark.parametrize(
    ("operation", "supplier", "reason"),
    [
        ("revise_suppliers", {"code": "10005", "values": {"Colour": "red"}}, "no 'Colour'"),
        ("revise_suppliers", {"code": "99999", "values": {}}, "code '99999'"),
        ("revise_suppliers", {"name": "Nobody", "values": {}}, "name 'Nobody'"),
        ("revise_suppliers", {"code": "10005", "values": {"Inactive Date": "31.12.2026"}}, "date"),
        ("revise_suppliers", {"code": "10005", "values": {"One-Time": "perhaps"}}, "boolean"),
        ("revise_suppliers", {"code": "10005", "values": {"Year Established": "MCM"}}, "number"),
        ("revise_suppliers", {"code": "10005", "values": {"Name": "NaN"}}, "'NaN' already"),
        ("revise_suppliers", {"code": "10005", "values": {"Name": ""}}, "without a name"),
        ("revise_suppliers", {"code": "10005", "values": {"Code": "10012"}}, "'10012' already"),
        ("add_suppliers", {"name": "NaN"}, "'NaN' already"),
        ("add_suppliers", {"code": "10012", "name": "Other"}, "'10012' already"),
        ("add_suppliers", {"code": "10099"}, "name"),
        ("add_suppliers", {"code": "10099", "name": ""}, "without a name"),
        ("remove_suppliers", {"code": "99999"}, "code '99999'"),
    ],
)
def test_planner_is_refused_what_the_list_cannot_hold(
    planned: Any, operation: str, supplier: dict[str, Any], reason: str
) -> None:
    """The error says what is wrong, and nothing at all was changed."""
    before = planned.admin("read_suppliers")
    good = {"code": "000417", "values": {"Alias": "changed"}}
    if operation == "add_suppliers":
        good = {"code": "X9", "name": "Fine"}

    reply = planned.http.post(f"/__sandbox/{operation}", json={"suppliers": [good, supplier]})

    assert reply.status_code == 400
    assert reason in reply.json()["error"]
    assert planned.admin("read_suppliers") == before


def test_import_fills_the_module_by_code(planned: Any) -> None:
    """All columns of the file but the name are loaded; the name is mapped to nothing."""
    row = "10005,whatever,ACME,Acme Inc,https://acme.example,000000018,2026-12-31,TRUE,1987,00042\n"

    result = planned.load(
        "supplier_planning.csv", "Load Supplier Planning", ",".join(HEADERS) + "\n" + row
    )

    assert (result["successful"], result["failureDumpAvailable"]) == (True, False)
    first, *_ = planned.admin("read_suppliers")
    assert first["name"] == "10005 ACME OFFICE SUPPLIES"
    assert first["values"] == ALL | {"Alternate Name": "Acme Inc"}


def test_import_sets_what_the_file_says_and_converges(planned: Any) -> None:
    """A blank clears; the same file twice is the same as once, years included."""
    planned.admin("revise_suppliers", suppliers=[{"code": "10005", "values": ALL}])
    text = ",".join(HEADERS) + "\n10005,x,ACME,,,,,FALSE,1999,\n"

    for _ in range(2):
        planned.load("supplier_planning.csv", "Load Supplier Planning", text)

    first, *_ = planned.admin("read_suppliers")
    assert first["values"] == EMPTY | {"Alias": "ACME", "Year Established": 1999.0}


def test_import_dumps_the_unknown_and_the_unreadable(planned: Any) -> None:
    """An unknown code fails its row; a bad value fails alone. A bare Y is no boolean here."""
    text = ",".join(HEADERS) + "\n99999,x,A,,,,,,,\n10005,x,ACME,,,,31.12.2026,Y,MCM,\n"

    result = planned.load("supplier_planning.csv", "Load Supplier Planning", text)

    assert (result["successful"], result["failureDumpAvailable"]) == (True, True)
    lines = list(csv.DictReader(io.StringIO(planned.get(f"{result['path']}/dump").text)))
    assert [(line["_Status_"], line["Code"], line["_Line_"]) for line in lines] == [
        ("E", "99999", "2"), ("W", "10005", "3"),
    ]  # fmt: skip
    assert lines[0]["_Error_1_"] == "Item not located in Suppliers list: 99999"
    assert [lines[1][f"_Error_{n}_"] for n in (1, 2, 3)] == [
        "Invalid date: 31.12.2026", "Invalid boolean: Y", "Invalid number: MCM",
    ]  # fmt: skip
    assert planned.admin("read_suppliers")[0]["values"] == EMPTY | {"Alias": "ACME"}


def test_metadata_and_ids_are_those_of_one_module(planned: Any) -> None:
    """The import names its columns, the export its columns with their formats."""
    ids = planned.ids
    source = planned.get(f"/imports/{ids['imports']['Load Supplier Planning']}").json()
    export = planned.get(f"/exports/{ids['exports']['Supplier Revisions']}").json()

    assert source["importMetadata"]["source"]["headerNames"] == HEADERS
    assert export["exportMetadata"] == {
        "columnCount": 10,
        "dataTypes": ["ENTITY", "ENTITY", *["TEXT"] * 4, "DATE", "BOOLEAN", "NUMBER", "TEXT"],
        "delimiter": '"',
        "encoding": "UTF-8",
        "exportFormat": "text/csv",
        "headerNames": HEADERS,
        "listNames": ["Suppliers"],
        "rowCount": 3,
        "separator": ",",
    }
    assert list(ids["line_items"]["Supplier Planning"]) == REVISED


def test_revisions_survive_list_loads_and_come_back_with_a_snapshot(planned: Any) -> None:
    """Loading the list anew leaves what planners wrote; a snapshot brings it back."""
    planned.admin("revise_suppliers", suppliers=[{"code": "10005", "values": ALL}])
    planned.admin("snapshot")
    planned.load("suppliers.csv", "Load Suppliers", LIST + ROWS)
    before = planned.admin("read_suppliers")

    planned.admin("remove_suppliers", suppliers=[{"code": "10005"}])
    planned.admin("restore")

    assert before[0]["values"] == {**ALL, "Year Established": 1987.0}
    assert planned.admin("read_suppliers") == before
