"""What an import does with each kind of row, counted, dumped and committed."""

from typing import Any

import pytest

ACTUALS = "Entity,Account,Cost Centre,Currency,Version,Period,Amount\n"
LIST_VALUES = (
    "hierarchyName", "successRowCount", "successCreateCount", "successUpdateCount",
    "warningsRowCount", "warningsCreateCount", "warningsUpdateCount", "failedCount",
    "ignoredCount", "totalRowCount", "totalCreateCount", "totalUpdateCount", "invalidCount",
    "updatedCount", "renamedCount", "createdCount",
)  # fmt: skip


def _values(result: dict[str, Any]) -> dict[str, str]:
    flat = result["details"][0]["values"]
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _codes(tenant: Any, name: str) -> list[str]:
    return [one["code"] for one in tenant.admin("read_list", list=name)]


def _dump(tenant: Any, result: dict[str, Any]) -> list[str]:
    return str(tenant.get(f"{result['path']}/dump").text).splitlines()


def test_list_import_reports_in_the_golden_words(anaplan: Any) -> None:
    """Type, text with its trailing blank, and every counter as a text."""
    text = "Code,Name,Parent\nHI,Halden,\n101,US,HI\n,,\n"
    result = anaplan.load("entities.csv", "Load Entities", text)
    detail = result["details"][0]
    assert detail["type"] == "hierarchyRowsProcessed"
    assert detail["localMessageText"] == "Entities: 2 (2/0) rows successful, 1 ignored "
    assert detail["occurrences"] == 0
    assert tuple(_values(result)) == LIST_VALUES
    assert _values(result)["totalRowCount"] == "3"
    assert result["successful"]
    assert not result["failureDumpAvailable"]


def test_same_file_again_updates_and_converges(anaplan: Any) -> None:
    """Nothing is created twice and the list is the same."""
    text = "Code,Name,Parent,Account Type\nPL,Profit,,\n4000,Sales,PL,R\n"
    anaplan.load("accounts.csv", "Load Accounts", text)
    before = anaplan.admin("read_list", list="Accounts")
    result = anaplan.load("accounts.csv", "Load Accounts", text)
    assert (
        result["details"][0]["localMessageText"] == "Accounts: 2 (0/2) rows successful, 0 ignored "
    )
    assert _values(result)["renamedCount"] == "0"
    assert anaplan.admin("read_list", list="Accounts") == before
    assert before[1] == {
        "id": "202000000002",
        "code": "4000",
        "name": "Sales",
        "parent": "PL",
        "properties": {"Account Type": "R"},
    }


def test_item_is_renamed_and_moved_by_its_code(anaplan: Any) -> None:
    """The code is the key: name, parent and property follow the file; a blank parent is the top."""
    first = "Code,Name,Parent,Account Type\nA,Alpha,,\nB,Beta,,\n1,One,A,R\n2,Two,A,R\n"
    anaplan.load("accounts.csv", "Load Accounts", first)
    second = "Code,Name,Parent,Account Type\n1,Uno,B,E\n2,Two,,\n"
    result = anaplan.load("accounts.csv", "Load Accounts", second)
    assert _values(result)["renamedCount"] == "1"
    items = {one["code"]: one for one in anaplan.admin("read_list", list="Accounts")}
    assert (items["1"]["name"], items["1"]["parent"]) == ("Uno", "B")
    assert items["1"]["properties"] == {"Account Type": "E"}
    assert (items["2"]["parent"], items["2"]["properties"]) == ("", {"Account Type": ""})


def test_rows_absent_from_the_file_stay_in_the_list(anaplan: Any) -> None:
    """Imports never delete items."""
    anaplan.load("currencies.csv", "Load Currencies", "Code,Name\nUSD,Dollar\n")
    anaplan.load("currencies.csv", "Load Currencies", "Code,Name\nEUR,Euro\n")
    assert _codes(anaplan, "Currencies") == ["USD", "EUR"]


@pytest.mark.parametrize(
    ("row", "kind", "error"),
    [
        ("X,Ex,NOPE", "hierarchyImportInvalidParent", "Invalid parent"),
        ("X,Ex,X", "hierarchyImportInvalidParent", "Invalid parent"),
        (",Nameless,", "hierarchyImportEmptyKey", "Empty key"),
        ("X,,", "hierarchyImportEmptyKey", "Empty key"),
        ("101,Again,", "hierarchyImportDuplicateSourceKey", "Duplicate key: 101"),
        ("X,US,", "hierarchyImportNameOrCodeExists", "Name already exists: US"),
        ("C" * 61 + ",Long,", "hierarchyImportInvalidCode", "Invalid code: " + "C" * 61),
    ],
)
def test_bad_list_row_fails_alone(anaplan: Any, row: str, kind: str, error: str) -> None:
    """The row goes to the dump, the others are loaded, the run is successful."""
    good = "Code,Name,Parent\nHI,Halden,\n101,US,HI\n"
    anaplan.load("entities.csv", "Load Entities", good)
    result = anaplan.load("entities.csv", "Load Entities", good + row + "\n102,CA,HI\n")
    assert result["successful"]
    assert result["failureDumpAvailable"]
    first, second = result["details"]
    assert first["type"] == "hierarchyRowsProcessedWithFailures"
    assert first["localMessageText"] == (
        "Entities: 3 (1/2) rows successful, 0 (0/0) rows has warnings, 1 failed, 0 ignored "
    )
    assert (second["type"], second["occurrences"]) == (kind, 1)
    assert _dump(anaplan, result)[1].endswith(f'"4","{error}"')
    assert _codes(anaplan, "Entities") == ["HI", "101", "102"]


def test_item_cannot_move_below_its_own_child(anaplan: Any) -> None:
    """A circle of parents is an invalid parent."""
    anaplan.load("entities.csv", "Load Entities", "Code,Name,Parent\nHI,Halden,\n101,US,HI\n")
    result = anaplan.load("entities.csv", "Load Entities", "Code,Name,Parent\nHI,Halden,101\n")
    assert _dump(anaplan, result)[1] == '"E","HI","Halden","101","2","Invalid parent"'


def test_parent_must_stand_earlier_in_the_file(anaplan: Any) -> None:
    """A parent that comes later is not known yet; a second run of the file finds it."""
    text = "Code,Name,Parent\n101,US,HI\nHI,Halden,\n"
    result = anaplan.load("entities.csv", "Load Entities", text)
    assert _values(result)["failedCount"] == "1"
    result = anaplan.run("imports", "Load Entities")
    assert _values(result)["failedCount"] == "0"


def test_names_may_be_shared_under_the_switch(anaplan: Any) -> None:
    """With unique names off two codes may have one name."""
    anaplan.switch(list__unique_names="off")
    result = anaplan.load("entities.csv", "Load Entities", "Code,Name,Parent\n1,Same,\n2,Same,\n")
    assert _values(result)["createdCount"] == "2"


def test_warning_row_is_loaded_without_the_bad_part(lab: Any) -> None:
    """A bad number of a property: the item is there, the property is not, the dump says W."""
    result = lab.load("products.csv", "Products from file", "Code,Name,Weight\nP,Pin,heavy\n")
    assert _values(result)["warningsCreateCount"] == "1"
    assert _dump(lab, result)[1] == '"W","P","Pin","heavy","2","Invalid number: heavy"'
    assert lab.admin("read_list", list="Products")[0]["properties"] == {}


def test_whole_import_is_rejected_over_a_duplicate_key(lab: Any) -> None:
    """Where the definition says so, one duplicate stops everything."""
    text = "Code,Name,Parent\n1,One,\n1,Uno,\n"
    result = lab.load("regions.csv", "Regions from file, no duplicates", text)
    assert not result["successful"]
    assert result["details"][0]["type"] == "hierarchyImportDuplicateSourceKey"
    assert _codes(lab, "Regions") == []


def test_numbered_list_items_are_made_by_code(anaplan: Any) -> None:
    """Their name is their number; the other columns of the file are ignored."""
    header = "Code,Entity,Account,Cost Centre,Currency,Version,Period,Amount\n"
    result = anaplan.load(
        "journal_items.csv", "Load Journal Items", header + "J7,,,,,,,\nJ8,,,,,,,\n"
    )
    assert _values(result)["createdCount"] == "2"
    items = anaplan.admin("read_list", list="Journal Items")
    assert [(one["code"], one["name"]) for one in items] == [("J7", "#1"), ("J8", "#2")]


@pytest.mark.parametrize("text", ["Kode,Name,Parent\n1,One,\n", "Code,Name\n1,One\n"])
def test_missing_mapped_column_fails_the_run(anaplan: Any, text: str) -> None:
    """The header names are bound in the definition."""
    result = anaplan.load("entities.csv", "Load Entities", text)
    assert (result["successful"], result["details"][0]["type"]) == (False, "missingFields")
    assert not result["failureDumpAvailable"]


def test_extra_columns_and_other_order_are_fine(anaplan: Any) -> None:
    """Columns are found by their header text."""
    anaplan.load("entities.csv", "Load Entities", "Extra,Parent,Name,Code\nx,,Halden,HI\n")
    assert _codes(anaplan, "Entities") == ["HI"]


def test_header_renamed_in_the_model_is_seen_before_the_import(anaplan: Any) -> None:
    """Metadata shows the new name and a run with the old file fails."""
    anaplan.admin("rename_header", **{"import": "Load Entities", "from": "Code", "to": "Key"})
    meta = anaplan.get("/imports/112000000001").json()["importMetadata"]
    assert meta["source"]["headerNames"] == ["Key", "Name", "Parent"]
    result = anaplan.load("entities.csv", "Load Entities", "Code,Name,Parent\nHI,Halden,\n")
    assert result["details"][0]["type"] == "missingFields"


def test_module_rows_become_cells(finance: Any) -> None:
    """Members by code or name, periods by name, and one detail for the line item."""
    text = ACTUALS + "101,4000,120,USD,Actual,Oct 26,12.5\nUS,Rent,Works,Yen,Budget,Jan 24,-3\n"
    result = finance.load("actuals.csv", "Load Actuals", text)
    detail = result["details"][0]
    assert (detail["type"], detail["localMessageText"]) == (
        "lineItemRowsProcessed",
        "Amount: 2 cells",
    )
    assert _values(result) == {
        "lineItemName": "Amount",
        "cellCount": "2",
        "failedCount": "0",
        "ignoredCount": "0",
    }
    assert finance.cells("Actuals") == {
        ("101", "4000", "120", "USD", "Actual", "Oct 26"): 12.5,
        ("101", "6000", "120", "JPY", "Budget", "Jan 24"): -3.0,
    }


def test_equal_keys_of_one_file_are_summed_as_doubles(finance: Any) -> None:
    """0.1 and 0.2 make the double they make; a new file replaces instead of adding."""
    key = "101,4000,120,USD,Actual,Oct 26,"
    finance.load("actuals.csv", "Load Actuals", f"{ACTUALS}{key}0.1\n{key}0.2\n")
    assert list(finance.cells("Actuals").values()) == [0.30000000000000004]
    finance.load("actuals.csv", "Load Actuals", f"{ACTUALS}{key}0.1\n{key}0.2\n")
    assert list(finance.cells("Actuals").values()) == [0.30000000000000004]
    finance.load("actuals.csv", "Load Actuals", f"{ACTUALS}{key}0.1\n{key}-0.1\n")
    assert finance.cells("Actuals") == {}


def test_cells_absent_from_the_file_stay(finance: Any) -> None:
    """A module import overwrites what it names and nothing else; a blank leaves a cell."""
    key = "101,4000,120,USD,Actual,Oct 26,"
    finance.load("actuals.csv", "Load Actuals", f"{ACTUALS}{key}1\n")
    finance.load(
        "actuals.csv", "Load Actuals", f"{ACTUALS}101,4000,120,USD,Actual,Nov 26,2\n{key}\n"
    )
    assert sorted(finance.cells("Actuals").values()) == [1.0, 2.0]
    finance.load("actuals.csv", "Load Actuals", f"{ACTUALS}{key}0\n")
    assert list(finance.cells("Actuals").values()) == [2.0]


@pytest.mark.parametrize(
    "row",
    ["HI,4000,120,USD,Actual,Oct 26,1", "101,PL,120,USD,Actual,Oct 26,1",
     "101,4000,ALL,USD,Actual,Oct 26,1", "101,4000,120,USD,Actual,Q4 FY26,1",
     "101,4000,120,USD,Actual,FY26,1"],
)  # fmt: skip
def test_aggregate_target_is_ignored_without_a_trace(finance: Any, row: str) -> None:
    """Parents are calculated: the row is counted as ignored and the dump does not know it."""
    result = finance.load("actuals.csv", "Load Actuals", ACTUALS + row + "\n")
    assert result["successful"]
    assert not result["failureDumpAvailable"]
    assert _values(result)["ignoredCount"] == "1"
    assert finance.cells("Actuals") == {}


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ("999,4000,120,USD,Actual,Oct 26,1", "Item not located in Entities list: 999"),
        ("101,9,120,USD,Actual,Oct 26,1", "Item not located in Accounts list: 9"),
        ("101,4000,120,USD,Plan,Oct 26,1", "Item not located in Versions list: Plan"),
        ("101,4000,120,USD,Actual,Oct-26,1", "Item not located in Time: Oct-26"),
        ("101,4000,,USD,Actual,Oct 26,1", "Item not located in Cost Centres list: "),
        ("101,4000,120,USD,Actual,Oct 26,1 000", "Invalid number: 1 000"),
        ("101,4000,120,USD,Actual,Oct 26,$5", "Invalid number: $5"),
        ('101,4000,120,USD,Actual,Oct 26,"1,000.00"', "Invalid number: 1,000.00"),
        ("101,4000,120,USD,Actual,Oct 26,1e999", "Invalid number: 1e999"),
    ],
)
def test_bad_module_row_is_dumped(finance: Any, row: str, error: str) -> None:
    """Unknown members and bad numbers are E lines; the rest loads and the run is successful."""
    good = "101,6000,120,USD,Actual,Oct 26,5\n"
    result = finance.load("actuals.csv", "Load Actuals", f"{ACTUALS}{row}\n{good}")
    assert result["successful"]
    assert result["details"][0]["type"] == "lineItemRowsProcessedWithFailures"
    head, line = _dump(finance, result)
    assert head.startswith('"_Status_","Entity"')
    assert head.endswith('"Amount","_Line_","_Error_1_"')
    assert line.startswith('"E"')
    assert line.endswith(f'"2","{error}"')
    assert list(finance.cells("Actuals").values()) == [5.0]


def test_partial_success_may_count_as_failure(finance: Any) -> None:
    """Under the switch one bad row makes the flag false although the others landed."""
    finance.switch(import__true_on_partial="off")
    text = ACTUALS + "101,4000,120,USD,Actual,Oct 26,1\n999,4000,120,USD,Actual,Oct 26,1\n"
    result = finance.load("actuals.csv", "Load Actuals", text)
    assert (result["successful"], result["failureDumpAvailable"]) == (False, True)
    assert list(finance.cells("Actuals").values()) == [1.0]


def test_lost_line_item_column_stops_loading_silently(finance: Any) -> None:
    """A renamed value column loads nothing and says success; a switch makes it fail."""
    text = ACTUALS.replace("Amount", "Value") + "101,4000,120,USD,Actual,Oct 26,1\n"
    result = finance.load("actuals.csv", "Load Actuals", text)
    assert result["successful"]
    assert finance.cells("Actuals") == {}
    finance.switch(import__missing_line_item_column="fail")
    result = finance.run("imports", "Load Actuals")
    assert result["details"][0]["type"] == "missingFields"


def test_every_format_is_read(lab: Any) -> None:
    """Number, text, date, boolean and list member; the calculated item is left alone."""
    lab.load("products.csv", "Products from file", "Code,Name,Weight\nP1,Pin,1\nP2,Nut,2\n")
    lab.load("regions.csv", "Regions from file, no duplicates", "Code,Name,Parent\nN,North,\n")
    rows = (
        "Product\tQuantity\tNote\tSince\tActive\tRegion\tDouble Quantity\n"
        'P1\t4\t"a ""b"" é"\t2026-10-31\tTRUE\tN\t99\n'
        "P2\tfour\tok\t31/10/2026\tmaybe\tNowhere\t\n"
    )
    result = lab.load("facts.txt", "Facts from file", rows.encode("latin-1"))
    found = lab.admin("read_cells", module="Facts")
    cells = {(one["coordinates"]["Products"], one["line_item"]): one["value"] for one in found}
    assert cells == {
        ("P1", "Quantity"): 4.0,
        ("P1", "Note"): 'a "b" é',
        ("P1", "Since"): "2026-10-31",
        ("P1", "Active"): True,
        ("P1", "Region"): "N",
        ("P2", "Note"): "ok",
    }
    head, line = _dump(lab, result)
    assert head.endswith('"_Line_","_Error_1_","_Error_2_","_Error_3_","_Error_4_"')
    assert line.startswith('"W","P2","four"')
    assert line.endswith(
        '"3","Invalid number: four","Invalid date: 31/10/2026","Invalid boolean: maybe",'
        '"Item not located in Region list: Nowhere"'
    )


@pytest.mark.parametrize(
    ("text", "strict", "value"),
    [("TRUE", "off", True), ("True", "off", True), ("yes", "off", True), ("1", "off", True),
     ("0", "off", None), ("True", "on", None), ("true", "on", True), ("NO", "on", None)],
)  # fmt: skip
def test_booleans_have_several_words(lab: Any, text: str, strict: str, value: Any) -> None:
    """Mixed case is refused under the strict switch; false is the absence of true."""
    lab.switch(import__strict_boolean=strict)
    lab.load("products.csv", "Products from file", "Code,Name,Weight\nP1,Pin,1\n")
    header = "Product\tQuantity\tNote\tSince\tActive\tRegion\tDouble Quantity\n"
    lab.load("facts.txt", "Facts from file", f"{header}P1\t\t\t\t{text}\t\t\n")
    found = {one["line_item"]: one["value"] for one in lab.admin("read_cells", module="Facts")}
    assert found.get("Active") == value


def test_stored_encoding_separator_and_decimal_sign_decide(lab: Any) -> None:
    """UTF-16LE with semicolons and decimal commas, as the source and import say."""
    lab.load("products.csv", "Products from file", "Code,Name,Weight\nP1,Größe,1\n")
    lab.load("regions.csv", "Regions from file, no duplicates", "Code,Name,Parent\nN,North,\n")
    text = "Product;Region;Month;Revenue\nGröße;N;Oct 26;1,5\nP1;N;Nov 26;1.5\n"
    lab.upload("sales.txt", text.encode("utf-16-le"))
    mapping = [{"entityType": "Version", "entityName": "Actual"}]
    result = lab.run("imports", "Sales from file, ask version", mappingParameters=mapping)
    assert lab.cells("Sales") == {("P1", "N", "Actual", "Oct 26"): 1.5}
    assert _dump(lab, result)[1].endswith('"3","Invalid number: 1.5"')


def test_wrong_encoding_loads_rubbish_without_an_error(anaplan: Any) -> None:
    """Latin-1 bytes in a UTF-8 source: the name is damaged and the run is successful."""
    text = "Code,Name,Parent\nK,Köln,\n".encode("latin-1")
    result = anaplan.load("entities.csv", "Load Entities", text)
    assert result["successful"]
    assert anaplan.admin("read_list", list="Entities")[0]["name"] == "K\ufffdln"


def test_byte_order_mark_is_taken_off(anaplan: Any) -> None:
    """A UTF-8 mark does not become part of the first header."""
    text = b"\xef\xbb\xbfCode,Name,Parent\nHI,Halden,\n"
    assert anaplan.load("entities.csv", "Load Entities", text)["successful"]


@pytest.mark.parametrize(
    "mapping",
    [None, [], [{"entityType": "Version", "entityName": "Plan"}],
     [{"entityType": "Time", "entityName": "Actual"}]],
)  # fmt: skip
def test_missing_or_wrong_mapping_parameter_fails_the_run(lab: Any, mapping: Any) -> None:
    """An import that asks is answered in the task's result, not by a 400."""
    lab.upload("sales.txt", "Product;Region;Month;Revenue\n".encode("utf-16-le"))
    more = {} if mapping is None else {"mappingParameters": mapping}
    result = lab.run("imports", "Sales from file, ask version", **more)
    assert (result["successful"], result["details"][0]["type"]) == (False, "failedToLocateEntity")


def test_import_without_a_ready_file_fails(anaplan: Any) -> None:
    """No file, a half upload, a stream that was never completed, an expired file."""
    kinds = [anaplan.run("imports", "Load Entities")["details"][0]["type"]]
    anaplan.post("/files/113000000001", {"chunkCount": -1})
    anaplan.put("/files/113000000001/chunks/0", b"Code,Name,Parent\n")
    kinds.append(anaplan.run("imports", "Load Entities")["details"][0]["type"])
    anaplan.upload("entities.csv", "Code,Name,Parent\n")
    anaplan.admin("expire_file", email="integration@halden.example", file="entities.csv")
    kinds.append(anaplan.run("imports", "Load Entities")["details"][0]["type"])
    assert kinds == ["uploadedFileNoLongerAvailable"] * 3


def test_model_to_model_import_reads_the_other_model(anaplan: Any) -> None:
    """Metadata names no file; the other model's first list arrives; an archived one does not."""
    anaplan.load("entities.csv", "Load Entities", "Code,Name,Parent\nHI,Halden,\n")
    anaplan.model = "Lab"
    listed = anaplan.get("/imports?sort=id").json()["imports"][4]
    assert (
        listed["importDataSource"]["sourceModelId"]
        == anaplan.info["models"]["Finance Planning"]["id"]
    )
    assert anaplan.get("/imports/112000000005").json()["importMetadata"]["type"] == "MODEL"
    anaplan.run("imports", "Entities from Finance Planning")
    assert _codes(anaplan, "Regions") == ["HI"]
    anaplan.control("POST", "set_model_state", {"model": "Finance Planning", "state": "ARCHIVED"})
    result = anaplan.run("imports", "Entities from Finance Planning")
    assert result["details"][0]["type"] == "sourceModelArchived"


def test_renamed_and_removed_imports_are_gone_for_clients(anaplan: Any) -> None:
    """The list shows the new name; a removed import is 500 to read and 404 to start."""
    anaplan.admin("rename_import", **{"import": "Load Entities", "name": "Load Companies"})
    assert anaplan.get("/imports").json()["imports"][0]["name"] == "Load Companies"
    anaplan.admin("remove_import", **{"import": "Load Companies"})
    assert anaplan.get("/imports/112000000001").status_code == 500
    start = anaplan.post("/imports/112000000001/tasks", {"localeName": "en_US"})
    assert start.status_code == 404
