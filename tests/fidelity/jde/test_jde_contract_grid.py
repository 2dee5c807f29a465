"""BROWSE: the envelope, titles, types and padding of what comes back; its limits; refusals."""

from typing import Any

import pytest

F0911_COLUMNS = (
    "KCO DCT DOC DGJ JELN EXTL LT ICU ICUT DICJ DSYJ TICU POST CO ANI AM AID MCU OBJ SUB SBL SBLT"
    " HMCU PN CTRY FY FQ AA U UM CRCD CRR HCRR HDGJ BCRC CRRM ACR GLC RE EXA EXR R1 R2 R3 VINV PO"
    " AN8 CN8 ODOC ODCT OKCO PKCO SFX RCND SUMM PRGE BRE IVD LNID ITM ASID TORG USER PID JOBN UPMJ"
    " UPMT"
)
Row = dict[str, Any]


def test_grid_answer_has_the_documented_envelope(ais: Any) -> None:
    """Form, grid, columns, rows, summary and the facts around them."""
    golden = {
        "fs_DATABROWSE_F0911": {
            "title": "Data Browser - F0911 [Account Ledger]",
            "data": {"gridData": {
                "id": 54, "fullGridId": "54",
                "columns": {"F0911_AA": "Amount"}, "rowset": [{"F0911_AA": 1}],
                "summary": {"records": 2, "moreRecords": False},
            }},
            "errors": [], "warnings": [],
        },
        "stackId": 1, "stateId": 1, "rid": "48e401e5950224d",
        "currentApp": "DATABROWSE_F0911", "timeStamp": "2026-02-02:10.04.11", "sysErrors": [],
    }  # fmt: skip
    answer = ais.read(ais.browsing("F0911", "AA", maxPageSize="3"))

    assert ais.misfits(answer, golden) == []
    assert answer["fs_DATABROWSE_F0911"]["title"] == "Data Browser - F0911 [Account Ledger]"
    assert answer["currentApp"] == "DATABROWSE_F0911"
    assert answer["timeStamp"].startswith("2026-11-03:")
    assert len(answer["timeStamp"]) == len("2026-02-02:10.04.11")


def test_titles_of_columns_are_those_of_the_dictionary(ais: Any) -> None:
    """The columns asked for are listed with their titles, no other."""
    grid = ais.grid(ais.read(ais.browsing("F0911", "DGJ AA CRCD LT MCU OBJ SUB")), "F0911")

    assert {name: grid["columns"][f"F0911_{name}"] for name in ("DGJ", "AA", "CRCD", "LT", "MCU", "OBJ", "SUB")} == {  # noqa: E501 - one table
        "DGJ": "G/L Date", "AA": "Amount", "CRCD": "Cur Cod", "LT": "LT",
        "MCU": "Business Unit", "OBJ": "Obj Acct", "SUB": "Sub",
    }  # fmt: skip
    assert len(grid["columns"]) == 7


@pytest.mark.parametrize(
    ("table", "title", "golden"),
    [
        ("F0901", "Account Master", {
            "AID": "00062411", "CO": "00001", "MCU": "30", "OBJ": "8720", "SUB": " ", "ANS": " ",
            "DL01": "Travel", "LDA": "6", "PEC": " ", "CRCD": " ", "FMOD": " ",
            "UPMJ": "20251104", "UPMT": 81500}),
        ("F0006", "Business Unit Master", {
            "MCU": "30", "STYL": "IS", "LDM": "5", "CO": "00001", "DL01": "Travel", "RP01": " ",
            "RP02": " ", "UPMJ": "20240115"}),
        ("F0902", "Account Balances", {
            "AID": "00062411", "CTRY": 20, "FY": 26, "FQ": " ", "LT": "BA", "SBL": " ",
            "SBLT": " ", "CRCD": " ", "CO": "00001", "APYC": 0, "BORG": 15000, "UPMJ": "20260202",
            **{f"AN{n:02}": 0 for n in range(1, 15)}}),
        ("F0011", "Batch Control", {
            "ICUT": "G", "ICU": 15993, "IST": "D", "IAPP": "A", "AME": 1250, "DOCN": 1,
            "USER": "PLNSVC", "DICJ": "20260202", "UPMJ": None, "UPMT": 0}),
        ("F0010", "Company Constants", {
            "CO": "00001", "NAME": "Halden", "DFYJ": "20260101", "PNC": 11, "DTPN": "R",
            "CRCD": "USD"}),
        ("F0008", "", {
            "DTPN": "R", "DFYJ": "20260101", "FQ": " ", "FY": 26, "CTRY": 20,
            **{f"D{n:02}J": "20260131" for n in range(1, 15)}}),
        ("F0013", "", {"CRCD": "USD", "DL01": "US Dollar", "CDEC": "2"}),
        ("F0005", "", {"SY": "09", "RT": "LT", "KY": "AA", "DL01": "Actual"}),
        ("F0025", "", {"LT": "AA"}),
    ],
)  # fmt: skip
def test_master_rows_have_the_documented_columns_and_types(
    ais: Any, table: str, title: str, golden: Row
) -> None:
    """Numbers are numbers, codes are text, dates are eight digits."""
    answer = ais.read(ais.browsing(table, " ".join(golden), maxPageSize="500"))
    rows = ais.rows(answer, table)

    assert rows
    assert ais.misfits(rows, [golden]) == []
    assert answer[f"fs_DATABROWSE_{table}"]["title"].startswith(f"Data Browser - {table} [{title}")


def test_all_columns_come_where_none_were_named(ais: Any) -> None:
    """Without a list the row holds every column of the table."""
    (row,) = ais.rows(ais.read(ais.browsing("F0911", maxPageSize="1")), "F0911")

    assert set(F0911_COLUMNS.split()) - set(row) == set()


@pytest.mark.parametrize("table", ["F0004", "F0012", "F0101", "F0902Z1", "F0911Z1", "F0911P"])
def test_lesser_tables_can_be_asked_too(ais: Any, table: str) -> None:
    """A table of the contract is known, rows or none."""
    assert ais.query(ais.browsing(table, maxPageSize="5")).status_code == 200


def test_bare_and_qualified_columns_name_the_same(ais: Any) -> None:
    """The answer has the table in its keys either way."""
    body = ais.browsing("F0010", "CO NAME")
    bare = {**body, "returnControlIDs": "CO|NAME"}

    assert ais.rows(ais.read(bare), "F0010") == ais.rows(ais.read(body), "F0010")


def test_numbers_are_plain_literals(ais: Any) -> None:
    """Whole numbers have no point, others no exponent and no superfluous zero."""
    conditions = [ais.when("LT", "EQUAL", "AA"), ais.when("CO", "EQUAL", "00001")]
    reply = ais.query(ais.browsing("F0911", "AA DOC JELN UPMT", *conditions))
    rows = ais.rows(ais.literals(reply.text), "F0911")
    amounts = [row["AA"] for row in rows]

    assert any("." in amount for amount in amounts)
    assert all("e" not in amount.lower() for amount in amounts)
    assert all(not amount.endswith("0") for amount in amounts if "." in amount)
    assert all(len(amount.partition(".")[2]) <= 2 for amount in amounts)
    assert all(row["DOC"].isdigit() and row["UPMT"].isdigit() for row in rows)


def test_text_keeps_its_padding(ledger: list[Row]) -> None:
    """Business units fill twelve places from the right, blanks are one blank."""
    assert all(len(row["MCU"]) == 12 and row["MCU"][-1] != " " for row in ledger)
    assert {"           1", "          30"} <= {row["MCU"] for row in ledger}
    assert {row["SUB"] for row in ledger if not row["SUB"].strip()} == {" "}
    assert {row["SBLT"] for row in ledger if not row["SBLT"].strip()} == {" "}
    assert {row["POST"] for row in ledger} == {"P", " "}
    assert all(len(row["AID"]) == 8 and row["AID"].isdigit() for row in ledger)
    assert all(len(row["KCO"]) == len(row["CO"]) == 5 for row in ledger)


def test_keys_of_user_defined_codes_fill_ten_places_from_the_right(ais: Any) -> None:
    """AA stands behind eight blanks, and is found without them."""
    code = [ais.when("SY", "EQUAL", "09"), ais.when("RT", "EQUAL", "LT")]
    every = {row["KY"] for row in ais.browse("F0005", "SY RT KY", *code)}
    one = ais.browse("F0005", "KY DL01", *code, ais.when("KY", "EQUAL", "AA"))

    assert "        AA" in every
    assert all(len(key) == 10 for key in every)
    assert [row["KY"] for row in one] == ["        AA"]


def test_business_units_are_seeded_as_named(ais: Any) -> None:
    """The four documented spellings come right-justified."""
    units = {row["MCU"] for row in ais.browse("F0006", "MCU")}

    assert units >= {"           1", "          30", "         M30", "        YARD"}


def test_blank_date_is_null(ais: Any) -> None:
    """A date that stands at zero in the database."""
    rows = ais.browse("F0911", "HDGJ LT", ais.when("LT", "EQUAL", "AA"))

    assert None in {row["HDGJ"] for row in rows}
    assert all(row["HDGJ"] is None or row["HDGJ"].isdigit() for row in rows)


def test_order_by_sorts_upwards_and_downwards(ais: Any) -> None:
    """Several columns, each in its direction."""
    order = [
        {"column": "F0911.DGJ", "direction": "DESC"},
        {"column": "F0911.DOC", "direction": "ASC"},
    ]
    body = ais.browsing("F0911", "DGJ DOC", ais.when("CO", "EQUAL", "00001"))
    rows = ais.rows(ais.read({**body, "aggregation": {"orderBy": order}}), "F0911")
    pairs = [(-int(row["DGJ"]), row["DOC"]) for row in rows]

    assert len(pairs) > 100
    assert pairs == sorted(pairs)


def test_form_demo_tells_columns_and_no_rows(ais: Any) -> None:
    """The metadata of a table without its data."""
    answer = ais.read(ais.browsing("F0901", "AID MCU", formServiceDemo="TRUE"))
    grid = ais.grid(answer, "F0901")

    assert set(grid["columns"]) == {"F0901_AID", "F0901_MCU"}
    assert grid["rowset"] == []


def test_nothing_found_is_an_empty_success(ais: Any) -> None:
    """No rows, no more rows, no error."""
    answer = ais.read(ais.browsing("F0911", "DOC", ais.when("DOC", "EQUAL", "999999999")))

    assert ais.rows(answer, "F0911") == []
    assert ais.grid(answer, "F0911")["summary"] == {"records": 0, "moreRecords": False}


def test_timestamps_and_texts_are_utf8(ledger: list[Row]) -> None:
    """Accents, quotes and control characters of free text arrive as they were written."""
    texts = [row["EXA"] + row["EXR"] for row in ledger]

    assert any(ord(char) > 127 for one in texts for char in one)
    assert any(ord(char) < 32 for one in texts for char in one)
    assert any('"' in one or "'" in one for one in texts)


# Limits.


def test_hundred_rows_come_where_no_size_is_given(ais: Any) -> None:
    """The silent loss: more rows exist, no link leads to them."""
    body = ais.browsing("F0911", "DOC")
    del body["maxPageSize"]
    answer = ais.read(body)

    assert ais.grid(answer, "F0911")["summary"] == {"records": 100, "moreRecords": True}
    assert len(ais.rows(answer, "F0911")) == 100
    assert "links" not in answer


@pytest.mark.parametrize("size", ["10", 10])
def test_page_size_may_be_text_or_number(ais: Any, size: object) -> None:
    """Ten rows either way."""
    answer = ais.read(ais.browsing("F0911", "DOC", maxPageSize=size))

    assert ais.grid(answer, "F0911")["summary"] == {"records": 10, "moreRecords": True}


@pytest.mark.parametrize("size", ["No Max", "No max", "no max", "NO MAX"])
def test_no_max_is_understood_in_any_case(ais: Any, size: str) -> None:
    """All accounts come, more than the default of 100."""
    answer = ais.read(ais.browsing("F0901", "AID", maxPageSize=size))
    summary = ais.grid(answer, "F0901")["summary"]

    assert summary == {"records": ais.count("F0901"), "moreRecords": False}
    assert summary["records"] > 100


def test_exact_page_has_no_more_records(ais: Any) -> None:
    """As many rows as asked for is not a truncation."""
    count = ais.count("F0010")
    answer = ais.read(ais.browsing("F0010", "CO", maxPageSize=str(count)))

    assert ais.grid(answer, "F0010")["summary"] == {"records": count, "moreRecords": False}


# Refusals.


@pytest.mark.parametrize(
    "change",
    [
        {"targetName": "F9999X"},
        {"targetName": "V9999X", "targetType": "view"},
        {"dataServiceType": "DANCE"},
        {"query": {"matchType": "MATCH_ALL", "condition": [
            {"controlId": "F0911.ZZZZ", "operator": "EQUAL",
             "value": [{"content": "1", "specialValueId": "LITERAL"}]}]}},
        {"query": {"matchType": "MATCH_ALL", "condition": [
            {"controlId": "F0911.DOC", "operator": "RESEMBLES",
             "value": [{"content": "1", "specialValueId": "LITERAL"}]}]}},
        {"query": {"matchType": "MATCH_ALL", "condition": [
            {"controlId": "F0911.DGJ", "operator": "EQUAL",
             "value": [{"content": "1", "specialValueId": "YESTERDAY"}]}]}},
    ],
)  # fmt: skip
def test_senseless_request_is_refused_with_a_message(ais: Any, change: Row) -> None:
    """Unknown table, view, service, column, operator or special value."""
    reply = ais.query(ais.browsing("F0911", "DOC", **change))

    assert reply.status_code in {400, 500}
    body = reply.json()
    assert body.get("message") or body.get("sysErrors")


def test_unknown_column_to_return_is_refused_or_missing(ais: Any) -> None:
    """It never comes back as if it existed."""
    reply = ais.query(ais.browsing("F0911", "DOC ZZZZ", maxPageSize="1"))

    assert reply.status_code in {200, 400, 500}
    assert "F0911_ZZZZ" not in reply.text


def test_request_without_its_target_is_refused(ais: Any) -> None:
    """What to read cannot be guessed."""
    body = ais.browsing("F0911", "DOC")
    del body["targetName"]

    assert ais.query(body).status_code in {400, 500}


def test_row_security_hides_companies_silently(ais: Any) -> None:
    """The limited user sees one company, and no sign of the others."""
    full = ais.count("F0911", ais.when("CO", "EQUAL", "00001"))
    ais.sign_on("LIMITED")

    for table in ("F0010", "F0006", "F0901", "F0902"):
        assert {row["CO"] for row in ais.browse(table, "CO")} == {"00001"}
    assert ais.count("F0911") == ais.count("F0911", ais.when("CO", "EQUAL", "00001")) == full
    assert [
        row["CO"] for row in ais.aggregate("F0911", "COUNT:*", "CO") for row in [row["groupBy"]]
    ] == ["00001"]
