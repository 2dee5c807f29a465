"""BROWSE: conditions, special values, types of what comes back, limits, refusals."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

TODAY = date(2026, 11, 3)
KEY = ("DCT", "DOC", "KCO", "DGJ", "JELN", "LT", "EXTL")
F0911_COLUMNS = (
    "KCO DCT DOC DGJ JELN EXTL LT ICU ICUT DICJ DSYJ TICU POST CO ANI AM AID MCU OBJ SUB SBL SBLT"
    " HMCU PN CTRY FY FQ AA U UM CRCD CRR HCRR HDGJ BCRC CRRM ACR GLC RE EXA EXR R1 R2 R3 VINV PO"
    " AN8 CN8 ODOC ODCT OKCO PKCO SFX RCND SUMM PRGE BRE IVD LNID ITM ASID TORG USER PID JOBN UPMJ"
    " UPMT"
)
Row = dict[str, Any]


def keys(rows: list[Row]) -> set[tuple[Any, ...]]:
    """The primary keys of the rows, trimmed."""
    return {tuple(text(row[name]) for name in KEY) for row in rows}


def text(value: Any) -> Any:
    """Text without its padding; anything else as it is."""
    return value.strip() if isinstance(value, str) else value


def found(ais: Any, *conditions: Any, **more: Any) -> set[tuple[Any, ...]]:
    """The keys of the F0911 rows that meet the conditions, read in pages."""
    body = ais.browsing("F0911", " ".join(KEY), *conditions, **{"maxPageSize": "1000", **more})
    return keys([row for page in ais.pages(body) for row in ais.rows(page, "F0911")])


OPERATORS: list[tuple[str, str, tuple[str, ...], Callable[[Row], bool]]] = [
    ("CO", "EQUAL", ("00200",), lambda r: r["CO"] == "00200"),
    ("CO", "NOT_EQUAL", ("00200",), lambda r: r["CO"] != "00200"),
    ("AA", "LESS", ("0",), lambda r: r["AA"] < 0),
    ("AA", "LESS_EQUAL", ("0",), lambda r: r["AA"] <= 0),
    ("AA", "GREATER", ("0",), lambda r: r["AA"] > 0),
    ("AA", "GREATER_EQUAL", ("1000.5",), lambda r: r["AA"] >= Decimal("1000.5")),
    ("AA", "BETWEEN", ("-500", "500"), lambda r: -500 <= r["AA"] <= 500),
    ("PN", "EQUAL", ("3",), lambda r: r["PN"] == 3),
    ("PN", "LIST", ("1", "2", "11"), lambda r: r["PN"] in {1, 2, 11}),
    ("LT", "LIST", ("AA", "CA"), lambda r: text(r["LT"]) in {"AA", "CA"}),
    ("LT", "LIST", ("BA",), lambda r: text(r["LT"]) == "BA"),
    ("PN", "BETWEEN", ("4", "6"), lambda r: 4 <= r["PN"] <= 6),
    ("AID", "GREATER", ("00001000",), lambda r: r["AID"] > "00001000"),
    ("OBJ", "STR_START_WITH", ("4",), lambda r: text(r["OBJ"]).startswith("4")),
    ("OBJ", "STR_END_WITH", ("0",), lambda r: text(r["OBJ"]).endswith("0")),
    ("OBJ", "STR_CONTAIN", ("1",), lambda r: "1" in text(r["OBJ"])),
    ("SBL", "STR_BLANK", (), lambda r: text(r["SBL"]) == ""),
    ("SBL", "STR_NOT_BLANK", (), lambda r: text(r["SBL"]) != ""),
    ("POST", "EQUAL", ("",), lambda r: text(r["POST"]) == ""),
    ("LT", "STR_BLANK", (), lambda r: text(r["LT"]) == ""),
    ("DGJ", "EQUAL", ("10/20/2026",), lambda r: r["DGJ"] == "20261020"),
    ("DGJ", "GREATER_EQUAL", ("10/01/2026",), lambda r: r["DGJ"] >= "20261001"),
    ("DGJ", "LESS", ("01/01/2025",), lambda r: r["DGJ"] < "20250101"),
    ("DGJ", "BETWEEN", ("02/01/2025", "02/28/2025"), lambda r: r["DGJ"][:6] == "202502"),
    ("DGJ", "STR_NOT_BLANK", (), lambda _: True),
    ("FY", "EQUAL", ("26",), lambda r: r["FY"] == 26),
    ("MCU", "EQUAL", ("30",), lambda r: text(r["MCU"]) == "30"),
    ("MCU", "EQUAL", ("          30",), lambda r: text(r["MCU"]) == "30"),
    ("MCU", "LIST", ("1", "YARD"), lambda r: text(r["MCU"]) in {"1", "YARD"}),
    ("ICUT", "EQUAL", ("G",), lambda r: text(r["ICUT"]) == "G"),
    ("ICUT", "EQUAL", ("G ",), lambda r: text(r["ICUT"]) == "G"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("column", "operator", "contents", "law"),
    [*OPERATORS, *((f"F0911.{column}", *rest) for column, *rest in OPERATORS)],
)
def test_condition_selects_what_its_operator_says(
    ais: Any,
    ledger: list[Row],
    column: str,
    operator: str,
    contents: tuple[str, ...],
    law: Callable[[Row], bool],
) -> None:
    """Every operator, over text, numbers and dates, finds the rows a plain reading finds."""
    expected = keys([row for row in ledger if law(row)])

    seen = found(ais, ais.when(column, operator, *contents))

    assert expected, "the company has no row to tell this operator by"
    assert seen == expected


@pytest.mark.parametrize("column", ["DOC", "AA", "DGJ", "AID"])
def test_not_blank_works_on_every_type(ais: Any, ledger: list[Row], column: str) -> None:
    """Numbers, dates and text know whether they are blank."""
    filled = found(ais, ais.when(column, "STR_NOT_BLANK"))
    blank = found(ais, ais.when(column, "STR_BLANK"))

    assert filled | blank == keys(ledger)
    assert not filled & blank
    assert len(filled) > len(blank)


@pytest.mark.parametrize(
    ("operator", "special", "count", "law"),
    [
        ("LESS_EQUAL", "TODAY", "0", lambda d: d <= TODAY),
        ("GREATER", "TODAY", "", lambda d: d > TODAY),
        ("GREATER_EQUAL", "TODAY_MINUS_DAY", "2", lambda d: d >= TODAY - timedelta(2)),
        ("GREATER_EQUAL", "TODAY_MINUS_DAY", "40", lambda d: d >= TODAY - timedelta(40)),
        ("LESS", "TODAY_PLUS_DAY", "5", lambda d: d < TODAY + timedelta(5)),
        ("LESS", "TODAY_MINUS_MONTH", "3", lambda d: d < date(2026, 8, 3)),
        ("LESS", "TODAY_PLUS_MONTH", "1", lambda d: d < date(2026, 12, 3)),
        ("GREATER", "TODAY_MINUS_YEAR", "1", lambda d: d > date(2025, 11, 3)),
        ("LESS", "TODAY_PLUS_YEAR", "1", lambda d: d < date(2027, 11, 3)),
    ],
)
def test_special_date_is_worked_out_by_the_server(
    ais: Any, ledger: list[Row], operator: str, special: str, count: str,
    law: Callable[[date], bool],
) -> None:  # fmt: skip
    """Today, and days, months and years around it, as the server's date has them."""
    expected = keys([row for row in ledger if law(date.fromisoformat(row["DGJ"]))])

    assert found(ais, ais.special("DGJ", operator, special, count)) == expected


def test_special_user_is_the_one_signed_on(ais: Any) -> None:
    """LOGIN_USER compares with the user of the session."""
    for user in ("PLNSVC", "DMEUSER"):
        ais.sign_on(user)
        by_name = ais.count("F0011", ais.when("USER", "EQUAL", user))
        assert ais.count("F0011", ais.special("USER", "EQUAL", "LOGIN_USER")) == by_name


def test_match_any_joins_conditions_by_or(ais: Any, ledger: list[Row]) -> None:
    """MATCH_ANY widens where MATCH_ALL narrows."""
    conditions = [ais.when("LT", "EQUAL", "BA"), ais.when("CO", "EQUAL", "00300")]
    expected = {
        "MATCH_ANY": [r for r in ledger if text(r["LT"]) == "BA" or r["CO"] == "00300"],
        "MATCH_ALL": [r for r in ledger if text(r["LT"]) == "BA" and r["CO"] == "00300"],
    }

    for match, rows in expected.items():
        query = ais.every(*conditions, match=match)
        assert found(ais, query=query) == keys(rows)


def test_complex_query_of_three_groups(ais: Any, ledger: list[Row]) -> None:
    """Two companies, actuals or budget, GL date in a month."""
    groups = [
        ("AND", "MATCH_ALL", [ais.when("F0911.CO", "LIST", "00001", "00200"),
                              ais.when("F0911.AID", "STR_NOT_BLANK")]),
        ("AND", "MATCH_ANY", [ais.when("F0911.LT", "EQUAL", "AA"),
                              ais.when("F0911.LT", "EQUAL", "BA")]),
        ("AND", "MATCH_ALL", [ais.when("F0911.DGJ", "BETWEEN", "01/01/2026", "01/31/2026")]),
    ]  # fmt: skip
    expected = [
        r for r in ledger
        if r["CO"] in {"00001", "00200"} and text(r["LT"]) in {"AA", "BA"}
        and "20260101" <= r["DGJ"] <= "20260131"
    ]  # fmt: skip

    assert expected
    assert found(ais, query=complex_query(groups)) == keys(expected)


def complex_query(groups: list[tuple[str, str, list[Any]]]) -> Any:
    """The query of groups of conditions."""
    parts = [
        {"andOr": word, "query": {"matchType": match, "condition": conditions}}
        for word, match, conditions in groups
    ]
    return {"autoFind": True, "complexQuery": parts}


@pytest.mark.parametrize(
    ("words", "law"),
    [
        (("OR", "AND"), lambda r: (text(r["LT"]) == "BA" or r["CO"] == "00001") and r["PN"] == 1),
        (("AND", "OR"), lambda r: (text(r["LT"]) == "BA" and r["CO"] == "00001") or r["PN"] == 1),
    ],
)
def test_complex_groups_are_joined_from_left_to_right(
    ais: Any, ledger: list[Row], words: tuple[str, str], law: Callable[[Row], bool]
) -> None:
    """AND has no precedence over OR."""
    groups = [
        ("AND", "MATCH_ALL", [ais.when("LT", "EQUAL", "BA")]),
        (words[0], "MATCH_ALL", [ais.when("CO", "EQUAL", "00001")]),
        (words[1], "MATCH_ALL", [ais.when("PN", "EQUAL", "1")]),
    ]

    assert found(ais, query=complex_query(groups)) == keys([r for r in ledger if law(r)])


# Shape and types.


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


def test_rows_come_with_their_keys_in_any_order(ais: Any) -> None:
    """Whoever counts on the order of keys is wrong."""
    reply = ais.query(ais.browsing("F0911", "KCO DCT DOC DGJ JELN LT", maxPageSize="50"))
    rows = reply.json()["fs_DATABROWSE_F0911"]["data"]["gridData"]["rowset"]

    assert len({tuple(row) for row in rows}) > 1
    assert len({frozenset(row) for row in rows}) == 1


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


@pytest.mark.parametrize("name", ["targetName", "dataServiceType"])
def test_request_without_its_main_fields_is_refused(ais: Any, name: str) -> None:
    """What to read and how cannot be guessed."""
    body = ais.browsing("F0911", "DOC")
    del body[name]

    assert ais.query(body).status_code in {400, 500}


def test_row_security_hides_companies_silently(ais: Any) -> None:
    """The limited user sees one company, and no sign of the others."""
    full = ais.count("F0911", ais.when("CO", "EQUAL", "00001"))
    ais.sign_on("LIMITED")

    assert {row["CO"] for row in ais.browse("F0010", "CO")} == {"00001"}
    assert ais.count("F0911") == ais.count("F0911", ais.when("CO", "EQUAL", "00001")) == full
    assert [
        row["CO"] for row in ais.aggregate("F0911", "COUNT:*", "CO") for row in [row["groupBy"]]
    ] == ["00001"]


# The older outputs and the GET form.


@pytest.mark.parametrize(
    ("user", "shown"), [("PLNSVC", ("10/20/2026", "%m/%d/%Y")), ("DMEUSER", ("20/10/2026", ""))]
)
def test_version1_has_cells_with_text_and_inner_value(
    ais: Any, user: str, shown: tuple[str, str]
) -> None:
    """The text is the user's, the inner value is raw."""
    ais.sign_on(user)
    condition = ais.special("DGJ", "GREATER_EQUAL", "TODAY_MINUS_DAY", "14")
    late = ais.when("DGJ", "EQUAL", shown[0])
    body = ais.browsing("F0911", "DGJ AA", condition, late, outputType="VERSION1", maxPageSize="5")
    answer = ais.read(body)
    grid = answer["fs_DATABROWSE_F0911"]["data"]["gridData"]
    golden = {
        "rowIndex": 0, "MOExist": False,
        "F0911_DGJ": {"title": "G/L Date", "value": "01/31/2026"},
        "F0911_AA": {"title": "Amount", "internalValue": 6778.23, "value": "6,778.23"},
    }  # fmt: skip

    assert grid["titles"].keys() == {"F0911_DGJ", "F0911_AA"}
    assert ais.misfits(grid["rowset"], [golden]) == []
    assert [row["rowIndex"] for row in grid["rowset"]] == list(range(len(grid["rowset"])))
    for row in grid["rowset"]:
        assert row["F0911_DGJ"]["value"] == shown[0]
        number = row["F0911_AA"]["value"].replace(",", "")
        assert Decimal(number) == row["F0911_AA"]["internalValue"]


def test_first_generation_answers_in_version1_by_default(ais: Any) -> None:
    """The old path has cells, the new one plain values."""
    body = ais.browsing("F0010", "CO")
    del body["outputType"]
    cells = {
        path: ais.read(body, path=path)["fs_DATABROWSE_F0010"]["data"]["gridData"]["rowset"][0]
        for path in ("/dataservice", "/v2/dataservice")
    }

    assert isinstance(cells["/dataservice"]["F0010_CO"], dict)
    assert isinstance(cells["/v2/dataservice"]["F0010_CO"], str)


def test_first_generation_knows_no_next_page(ais: Any) -> None:
    """Asked for in vain."""
    body = ais.browsing("F0911", "DOC", maxPageSize="10", enableNextPageProcessing=True)

    assert "links" not in ais.read(body, path="/dataservice")


@pytest.mark.parametrize(
    ("text_filter", "operator", "contents"),
    [
        ("F0006.CO EQ 00001", "EQUAL", ["00001"]),
        ("F0006.CO NE 00001", "NOT_EQUAL", ["00001"]),
        ("F0006.CO LT 00200", "LESS", ["00200"]),
        ("F0006.CO GT 00077", "GREATER", ["00077"]),
        ("F0006.CO LE 00200", "LESS_EQUAL", ["00200"]),
        ("F0006.CO GE 00200", "GREATER_EQUAL", ["00200"]),
        ("F0006.DL01 CONTAINS a", "STR_CONTAIN", ["a"]),
    ],
)
def test_get_form_filters_like_the_post_form(
    ais: Any, text_filter: str, operator: str, contents: list[str]
) -> None:
    """One filter, two fields, sorted, with a limit."""
    params = [("$filter", text_filter), ("$field", "MCU"), ("$field", "CO"),
              ("$sort", "F0006.MCU ASC"), ("$limit", "500")]  # fmt: skip
    reply = ais.send("GET", "/v2/dataservice/table/F0006", params=params)
    assert reply.status_code == 200, reply.text
    rows = ais.rows(reply.json(), "F0006")
    column = text_filter.split(maxsplit=1)[0]

    expected = ais.browse("F0006", "MCU CO", ais.when(column, operator, *contents))
    assert sorted(row["MCU"] for row in rows) == [row["MCU"] for row in rows]
    assert {row["MCU"] for row in rows} == {row["MCU"] for row in expected}
    assert rows
    assert rows[0].keys() == {"MCU", "CO"}


def test_get_form_joins_filters_and_takes_the_token_from_the_query(ais: Any) -> None:
    """Two filters are both required; nothing but the address carries the credentials."""
    params = [("$filter", "F0901.CO EQ 00001"), ("$filter", "F0901.OBJ GE 5000"),
              ("$field", "CO"), ("$field", "OBJ"), ("$limit", "20"),
              ("$token", ais.token), ("$device", ais.device)]  # fmt: skip
    reply = ais.send("GET", "/v2/dataservice/table/F0901", signed=False, params=params)
    assert reply.status_code == 200, reply.text
    rows = ais.rows(reply.json(), "F0901")

    assert 0 < len(rows) <= 20
    assert all(row["CO"] == "00001" and row["OBJ"] >= "5000" for row in rows)


def test_get_form_without_credentials_is_refused(ais: Any) -> None:
    """The address alone opens nothing."""
    reply = ais.send("GET", "/v2/dataservice/table/F0010", signed=False)

    assert reply.status_code in {400, 403, 444}
