"""Conditions, aggregations and rendering of the JDE data service over a handful of rows."""

import json
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("column", "operator", "contents", "documents"),
    [
        ("F0911.MCU", "EQUAL", ["30"], [41207, 41208, 41208]),
        ("MCU", "EQUAL", ["  30  "], [41207, 41208, 41208]),
        ("MCU", "LIST", ["1", "YARD"], [41207, 41207]),
        ("MCU", "STR_START_WITH", ["3"], []),
        ("MCU", "STR_END_WITH", ["30"], [41207, 41208, 41208, 41207]),
        ("CO", "EQUAL", ["1"], []),
        ("ICUT", "EQUAL", ["G "], [41207, 41207, 41208, 41208, 41207, 41207]),
        ("POST", "STR_BLANK", [], [41208, 41208]),
        ("POST", "EQUAL", [""], [41208, 41208]),
        ("UPMJ", "STR_BLANK", [], [41207]),
        ("UPMJ", "STR_NOT_BLANK", [], [41207, 41207, 41208, 41208, 41207]),
        ("AA", "EQUAL", ["6778.23"], [41207]),
        ("AA", "GREATER", ["1199.999"], [41207, 41208, 41208, 41207]),
        ("AA", "EQUAL", ["17500000"], [41208]),
        ("AA", "BETWEEN", ["-5", "0"], [41207]),
        ("AA", "EQUAL", ["123456789012.345"], [41207]),
        ("DOC", "LESS_EQUAL", ["41207"], [41207, 41207, 41207, 41207]),
        ("DOC", "NOT_EQUAL", ["41207"], [41208, 41208]),
        ("DGJ", "BETWEEN", ["02/01/2026", "02/28/2026"], [41208, 41208]),
        ("EXA", "STR_CONTAIN", ["0% d"], [41208]),
        ("EXA", "STR_CONTAIN", ["0% D"], []),
    ],
)
def test_condition_finds_exactly_its_rows(
    ais: Any, condition: Any, column: str, operator: str, contents: list[str], documents: list[int]
) -> None:
    """Whole values compare padded and scaled, pieces of texts as they are."""
    rows = ais.rows("F0911", "DOC|JELN", condition(column, operator, *contents))
    assert sorted(one[0] for one in rows) == sorted(documents)


@pytest.mark.parametrize(
    ("column", "operator", "contents"),
    [
        ("F0911.NOPE", "EQUAL", ["1"]),
        ("F0902.CO", "EQUAL", ["1"]),
        ("CO", "SOUNDS_LIKE", ["1"]),
        ("CO", "equal", ["1"]),
        ("CO", "BETWEEN", ["1"]),
        ("CO", "EQUAL", ["1", "2"]),
        ("CO", "LIST", []),
        ("DOC", "EQUAL", ["many"]),
        ("DOC", "EQUAL", ["NaN"]),
        ("DOC", "STR_CONTAIN", ["4"]),
        ("MCU", "EQUAL", ["1234567890123"]),
        ("DGJ", "EQUAL", ["126031"]),
        ("DGJ", "EQUAL", ["20260131"]),
        ("DGJ", "EQUAL", ["1/31/2026"]),
        ("DGJ", "EQUAL", ["31/01/2026"]),
        ("DGJ", "EQUAL", ["01-31-2026"]),
    ],
)
def test_condition_that_makes_no_sense_is_refused(
    ais: Any, condition: Any, column: str, operator: str, contents: list[str]
) -> None:
    """A refusal is a service error, not an empty or a whole result."""
    wanted = {"condition": [condition(column, operator, *contents)]}
    reply = ais.ask("F0911", "COUNT", query=wanted)
    assert reply.status_code == 400
    assert reply.json()["message"]


def test_date_is_misread_as_a_lenient_reader_does(ais: Any, condition: Any) -> None:
    """Month 31 rolls over by two years and seven months where the switch says so."""
    ais.turn(wrongDate="misread")
    query = {"condition": [condition("DGJ", "GREATER", "31/01/2023")]}
    assert ais.ask("F0911", "COUNT", query=query).json() == {"ds_F0911": {"count": 6}}
    later = {"condition": [condition("DGJ", "GREATER", "31/01/2024")]}
    assert ais.ask("F0911", "COUNT", query=later).json() == {"ds_F0911": {"count": 0}}


@pytest.mark.parametrize(
    ("special", "content", "count"),
    [("TODAY", "", 0), ("TODAY_MINUS_DAY", "1", 2), ("TODAY_MINUS_MONTH", "9", 2),
     ("TODAY_MINUS_YEAR", "1", 5), ("TODAY_PLUS_DAY", "1", 0)],
)  # fmt: skip
def test_special_day_is_that_of_the_server(
    ais: Any, condition: Any, special: str, content: str, count: int
) -> None:
    """Rows were updated on 2 November and 2 February; today is the third of November."""
    query = {"condition": [condition("UPMJ", "GREATER_EQUAL", content, special=special)]}
    assert ais.ask("F0911", "COUNT", query=query).json() == {"ds_F0911": {"count": count}}


def test_complex_groups_join_from_left_to_right(ais: Any, condition: Any) -> None:
    """(company 1 or company 200) and posted, which is not what SQL would make of it."""
    groups = [("AND", "00001"), ("OR", "00200")]
    complex_query = [
        {"andOr": word, "query": {"condition": [condition("CO", "EQUAL", company)]}}
        for word, company in groups
    ]
    complex_query.append(
        {"andOr": "AND", "query": {"condition": [condition("POST", "EQUAL", "P")]}}
    )
    reply = ais.ask("F0911", "COUNT", query={"complexQuery": complex_query})
    assert reply.json() == {"ds_F0911": {"count": 3}}


def test_amounts_have_the_decimals_of_their_currency(ais: Any) -> None:
    """The company's own for all types but CA, the transaction's for CA."""
    body = {"returnControlIDs": "AA|LT|CO", "aggregation": {"orderBy": [{"column": "ICU"}]}}
    literals = json.loads(ais.ask("F0911", **body).text, parse_float=str, parse_int=str)
    rows = literals["fs_DATABROWSE_F0911"]["data"]["gridData"]["rowset"]
    assert {(row["F0911_CO"], row["F0911_LT"], row["F0911_AA"]) for row in rows} == {
        ("00001", "AA", "6778.23"), ("00001", "AA", "-16176.39"), ("00001", "AA", "1200"),
        ("00001", "CA", "17500000"), ("00200", "AA", "-5"), ("00300", "AA", "123456789012.345"),
    }  # fmt: skip


def test_texts_survive_quotes_accents_and_control_characters(ais: Any, condition: Any) -> None:
    """What stands in a remark does not break the JSON around it."""
    rows = ais.rows("F0911", "EXA|MCU|DGJ|UPMJ", condition("AA", "EQUAL", "6778.23"))
    assert rows == [['Café "Nord"\x07', "          30", "20260131", "20260202"]]


@pytest.mark.parametrize(
    ("padding", "blank", "kind", "key"),
    [("single", " ", "G", "        AA"), ("full", " " * 30, "G ", "        AA"),
     ("trimmed", "", "G", "AA")],
)  # fmt: skip
def test_padding_follows_the_switch(
    ais: Any, condition: Any, padding: str, blank: str, kind: str, key: str
) -> None:
    """Blank texts, short codes and keys at the right."""
    ais.turn(stringPadding=padding)
    assert ais.rows("F0911", "EXA|ICUT", condition("ICU", "EQUAL", "15983")) == [[blank, kind]]
    assert ais.rows("F0005", "KY", condition("KY", "EQUAL", "AA")) == [[key]]


def test_full_padding_counts_characters(ais: Any, condition: Any) -> None:
    """An accented letter is one place wide."""
    ais.turn(stringPadding="full")
    [[text]] = ais.rows("F0911", "EXA", condition("AA", "EQUAL", "6778.23"))
    assert len(text) == 30


def test_sums_are_scaled_by_the_dictionary_or_by_currency(ais: Any) -> None:
    """Two decimals whatever the currency, until the switch asks for the currency's."""
    assert ais.groups("F0911", "SUM", "AA", "CO", "LT") == [
        {"groupBy": {"CO": "00001", "LT": "AA"}, "AA_SUM": -8198.16},
        {"groupBy": {"CO": "00001", "LT": "CA"}, "AA_SUM": 175000},
        {"groupBy": {"CO": "00200", "LT": "AA"}, "AA_SUM": -0.05},
        {"groupBy": {"CO": "00300", "LT": "AA"}, "AA_SUM": 1234567890123.45},
    ]
    ais.turn(aggregationDecimals="currency")
    assert [one["F0911.AA_SUM"] for one in ais.groups("F0911", "SUM", "F0911.AA", "CO", "LT")] == [
        -8198.16, 17500000, -5, 123456789012.345,
    ]  # fmt: skip


def test_group_keys_of_dates_and_units(ais: Any) -> None:
    """Dates are milliseconds or null, business units full width, MAX of a date is Julian."""
    groups = ais.groups("F0911", "MAX", "UPMJ", "DGJ", "MCU", "UPMJ")
    assert {"groupBy": {"DGJ": 1769817600000, "MCU": "        YARD", "UPMJ": None},
            "UPMJ_MAX": 0} in groups  # fmt: skip
    ais.turn(aggregationDates="yyyyMMdd")
    assert {one["groupBy"]["DGJ"] for one in ais.groups("F0911", "COUNT", "*", "DGJ")} == {
        "20260131", "20260228",
    }  # fmt: skip


def test_every_function_aggregates(ais: Any) -> None:
    """Without groups there is one row, and keys are spelled as asked."""
    functions = ["SUM", "MIN", "MAX", "AVG", "COUNT", "COUNT_DISTINCT", "SUM_DISTINCT"]
    asked = [{"aggregation": one, "column": "ICU"} for one in functions]
    reply = ais.ask("F0911", "AGGREGATION", aggregation={"aggregations": asked})
    assert reply.json()["ds_F0911"]["output"] == [
        {"ICU_SUM": 95893, "ICU_MIN": 15981, "ICU_MAX": 15984, "ICU_AVG": 15982, "ICU_COUNT": 6,
         "ICU_COUNT_DISTINCT": 4, "ICU_SUM_DISTINCT": 63930},
    ]  # fmt: skip


def test_having_and_order_pick_groups(ais: Any, condition: Any) -> None:
    """Only groups that meet the condition, in the order asked for."""
    wanted = condition("AA", "NOT_EQUAL", "0") | {"aggregation": "SUM"}
    asked = {
        "aggregations": [{"aggregation": "COUNT", "column": "*"}],
        "groupBy": [{"column": "ICU"}],
        "orderBy": [{"column": "ICU", "direction": "DESC"}],
    }
    reply = ais.ask("F0911", "AGGREGATION", aggregation=asked, having={"condition": [wanted]})
    output = reply.json()["ds_F0911"]["output"]
    assert [one["groupBy"]["ICU"] for one in output] == [15984, 15983, 15982, 15981]


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"aggregations": [{"aggregation": "MEDIAN", "column": "AA"}]},
        {"aggregations": [{"aggregation": "SUM", "column": "*"}]},
        {"aggregations": [{"aggregation": "SUM", "column": "EXA"}]},
        {"aggregations": [{"aggregation": "SUM", "column": "DGJ"}]},
        {"aggregations": [{"aggregation": "SUM", "column": "NOPE"}]},
        {"aggregations": [{"aggregation": "COUNT", "column": "*"}], "groupBy": [{"column": "X"}]},
        {"aggregations": [{"aggregation": "COUNT", "column": "*"}], "orderBy": [{"column": "CO"}]},
        {"aggregations": "SUM"},
    ],
)
def test_aggregation_that_makes_no_sense_is_refused(ais: Any, asked: Any) -> None:
    """Nothing is summed that cannot be."""
    assert ais.ask("F0911", "AGGREGATION", aggregation=asked).status_code == 400


def test_groups_are_cut_by_page_size_and_fetch_limit(ais: Any) -> None:
    """Nothing in the answer tells that groups are missing."""
    assert len(ais.groups("F0911", "COUNT", "*", "ICU", maxPageSize="3")) == 3
    ais.turn(dbFetchLimit=2)
    assert len(ais.groups("F0911", "COUNT", "*", "ICU", maxPageSize="No Max")) == 2
    ais.turn(fetchLimitCutsGroups=False)
    assert len(ais.groups("F0911", "COUNT", "*", "ICU", maxPageSize="No Max")) == 4


def test_older_outputs_have_cells_with_text(ais: Any) -> None:
    """VERSION1 repeats the facts of a column in each cell, VERSION2 tells them once."""
    asked = {"returnControlIDs": "DGJ|AA", "maxPageSize": 1}
    grid = ais.ask("F0911", outputType="VERSION1", **asked).json()["fs_DATABROWSE_F0911"]
    row = grid["data"]["gridData"]["rowset"][0]
    assert row["F0911_AA"] == {
        "id": 1, "title": "Amount", "internalValue": 6778.23, "value": "6,778.23",
    }  # fmt: skip
    assert row["F0911_DGJ"]["value"] == "01/31/2026"
    assert row["F0911_DGJ"]["internalValue"] == 1769817600000
    grid = ais.ask("F0911", outputType="VERSION2", **asked).json()["fs_DATABROWSE_F0911"]
    assert set(grid["data"]["gridData"]["columnInfo"]) == {"F0911_DGJ", "F0911_AA"}
    assert "title" not in grid["data"]["gridData"]["rowset"][0]["F0911_AA"]


def test_conditions_past_the_limit_are_refused(ais: Any, condition: Any) -> None:
    """A query has a bound, so that the database never meets one it cannot hold."""
    many = [condition("ICU", "EQUAL", str(one)) for one in range(501)]
    query = {"matchType": "MATCH_ANY", "condition": many}
    assert ais.ask("F0911", "COUNT", query=query).status_code == 400
    query["condition"] = many[:500]
    assert ais.ask("F0911", "COUNT", query=query).json() == {"ds_F0911": {"count": 0}}
