"""Exports: the output file as text, chunks and metadata."""

from typing import Any

import pytest

ACTUALS = "Entity,Account,Cost Centre,Currency,Version,Period,Amount\n"
HEADER = "Entities,Accounts,Cost Centres,Currencies,Versions,Time,Amount"


def _output(tenant: Any, name: str) -> str:
    result = tenant.run("exports", name)
    assert result["details"][0]["type"] == "exportSucceeded"
    return str(tenant.get(f"/files/{tenant.ids['exports'][name]}").content.decode())


def test_no_file_before_the_first_run(finance: Any) -> None:
    """404, and zero chunks in the list of files."""
    assert finance.get("/files/116000000001").status_code == 404
    assert finance.get("/files/116000000001/chunks/0").status_code == 404


def test_export_shows_what_imports_have_loaded(finance: Any) -> None:
    """Leaf cells that are not zero, members by display name, in the order of the lists."""
    rows = "101,6000,120,USD,Actual,Oct 26,-0.5\n101,4000,120,USD,Actual,Nov 26,62.25000000000001\n"
    finance.load("actuals.csv", "Load Actuals", ACTUALS + rows)
    assert _output(finance, "Export Actuals").split("\n") == [
        HEADER,
        "US,Sales,Works,US Dollar,Actual,Nov 26,62.25000000000001",
        "US,Rent,Works,US Dollar,Actual,Oct 26,-0.5",
        "",
    ]
    assert finance.get("/files/116000000001/chunks").json()["chunks"] == [
        {"id": "0", "name": "Chunk 0"}
    ]


def test_empty_module_exports_its_header(finance: Any) -> None:
    """One chunk with one line."""
    assert _output(finance, "Export Actuals Entered") == HEADER + "\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [("0.1", "0.1"), ("120.00", "120"), ("1e15", "1000000000000000"), ("0.00000001", "0.00000001"),
     ("123456789.123", "123456789.123"), ("-1e21", "-1000000000000000000000")],
)  # fmt: skip
def test_number_is_the_shortest_text_of_its_double(finance: Any, text: str, shown: str) -> None:
    """No grouping, no exponent, no padding."""
    finance.load("actuals.csv", "Load Actuals", f"{ACTUALS}101,4000,120,USD,Actual,Oct 26,{text}\n")
    assert _output(finance, "Export Actuals").split("\n")[1].endswith(f",{shown}")


def test_journal_items_are_shown_by_code_with_all_their_facts(finance: Any) -> None:
    """Line items in columns; members and periods by display name."""
    header = "Code,Entity,Account,Cost Centre,Currency,Version,Period,Amount\n"
    finance.upload("journal_items.csv", header + "J1,101,4000,120,USD,Actual,Oct 26,7\n")
    finance.run("processes", "Append Actuals")
    assert _output(finance, "Export Journal Items").split("\n") == [
        "Journal Items,Entity,Account,Cost Centre,Currency,Version,Period,Amount",
        "J1,US,Sales,Works,US Dollar,Actual,Oct 26,7",
        "",
    ]


def test_text_with_commas_and_quotes_is_quoted(anaplan: Any) -> None:
    """Minimal quoting, embedded quotes doubled."""
    text = 'Code,Name,Parent\n1,"Works, ""North""",\n'
    anaplan.load_dimensions()
    anaplan.load("entities.csv", "Load Entities", text)
    anaplan.load("actuals.csv", "Load Actuals", f"{ACTUALS}1,4000,120,USD,Actual,Oct 26,1\n")
    assert _output(anaplan, "Export Actuals").split("\n")[1].startswith('"Works, ""North""",Sales')


def test_chunks_are_cut_in_the_middle_of_characters(finance: Any) -> None:
    """Bytes are concatenated before they are decoded."""
    finance.load("entities.csv", "Load Entities", "Code,Name,Parent\nK,ÜÜÜÜÜÜÜÜÜÜ,\n")
    finance.load("actuals.csv", "Load Actuals", f"{ACTUALS}K,4000,120,USD,Actual,Oct 26,1\n")
    finance.switch(chunk__bytes=len(HEADER) + 2)
    whole = _output(finance, "Export Actuals")
    listed = finance.get("/files/116000000001/chunks").json()["chunks"]
    parts = [finance.get(f"/files/116000000001/chunks/{one['id']}").content for one in listed]
    assert b"".join(parts).decode() == whole
    with pytest.raises(UnicodeDecodeError):
        parts[1].decode()
    row = next(row for row in finance.get("/files").json()["files"] if row["id"] == "116000000001")
    assert row["chunkCount"] == len(parts)


def test_output_is_private_and_overwritten_by_the_next_run(finance: Any) -> None:
    """Another user has none; the same user's next run replaces it."""
    finance.run("exports", "Export Actuals")
    finance.load("actuals.csv", "Load Actuals", f"{ACTUALS}101,4000,120,USD,Actual,Oct 26,1\n")
    assert "Sales" in _output(finance, "Export Actuals")
    finance.act_as("planner@halden.example")
    assert finance.get("/files/116000000001").status_code == 404


def test_metadata_has_the_golden_shape(finance: Any) -> None:
    """Columns, types, names and an estimated row count."""
    finance.load("actuals.csv", "Load Actuals", f"{ACTUALS}101,4000,120,USD,Actual,Oct 26,1\n")
    meta = finance.get("/exports/116000000001").json()["exportMetadata"]
    assert meta == {
        "columnCount": 7,
        "dataTypes": ["ENTITY"] * 6 + ["NUMBER"],
        "delimiter": '"',
        "encoding": "UTF-8",
        "exportFormat": "text/csv",
        "headerNames": HEADER.split(","),
        "listNames": HEADER.split(",")[:-1],
        "rowCount": 1,
        "separator": ",",
    }
    assert finance.get("/exports/116000009999").status_code == 404


def test_newline_and_byte_order_mark_are_switches(finance: Any) -> None:
    """CRLF and a mark, where no sample tells."""
    finance.switch(export__newline="CRLF", export__bom="on")
    assert _output(finance, "Export Actuals") == "\ufeff" + HEADER + "\r\n"


@pytest.fixture
def filled_lab(lab: Any) -> Any:
    """The laboratory with one product, one region and one value of each kind."""
    lab.load("products.csv", "Products from file", "Code,Name,Weight\nP1,Pin,1\n")
    lab.load("regions.csv", "Regions from file, no duplicates", "Code,Name,Parent\nN,North,\n")
    header = "Product\tQuantity\tNote\tSince\tActive\tRegion\tDouble Quantity\n"
    lab.load("facts.txt", "Facts from file", f"{header}P1\t4\thi\t2026-10-31\tTRUE\tN\t\n")
    lab.upload("sales.txt", "Product;Region;Month;Revenue\nP1;N;Oct 26;1,5\n".encode("utf-16-le"))
    mapping = [{"entityType": "Version", "entityName": "Actual"}]
    lab.run("imports", "Sales from file, ask version", mappingParameters=mapping)
    return lab


@pytest.mark.parametrize(
    ("boolean", "day", "line"),
    [
        ("true/false", "ISO", "Pin,4,hi,2026-10-31,true,North,8"),
        ("TRUE/FALSE", "locale", "Pin,4,hi,31/10/2026,TRUE,North,8"),
        ("1/0", "ISO", "Pin,4,hi,2026-10-31,1,North,8"),
    ],
)
def test_every_format_is_printed(filled_lab: Any, boolean: str, day: str, line: str) -> None:
    """Booleans and dates as the switches say, calculated items worked out."""
    filled_lab.switch(export__bool=boolean, export__date=day)
    assert _output(filled_lab, "Facts.csv").split("\n")[1] == line


def test_single_column_layout_has_one_line_for_each_cell(filled_lab: Any) -> None:
    """Tab separated, line item and value in the last two columns."""
    assert _output(filled_lab, "Sales single.txt").split("\n")[:2] == [
        "Products\tRegions\tVersions\tTime\tLine Items\tValue",
        "Pin\tNorth\tActual\tOct 26\tRevenue\t1.5",
    ]


def test_grid_layout_repeats_headers_for_each_page(filled_lab: Any) -> None:
    """One block for each page, totals included."""
    lines = _output(filled_lab, "Sales grid.csv").split("\n")
    assert lines[0] == "North,Actual,Revenue"
    assert lines[1].startswith(",Jan 24")
    assert lines[2].startswith("Pin,0,")
    assert lines[3] == "North,Budget,Revenue"
    columns = lines[1].split(",")
    values = dict(zip(columns, lines[2].split(","), strict=True))
    assert (values["Oct 26"], values["Q4 FY26"], values["FY26"]) == ("1.5", "1.5", "1.5")
