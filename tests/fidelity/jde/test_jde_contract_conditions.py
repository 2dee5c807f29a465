"""BROWSE: conditions, special values, groups of conditions."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

TODAY = date(2026, 11, 3)
KEY = ("DCT", "DOC", "KCO", "DGJ", "JELN", "LT", "EXTL")
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


def test_list_takes_fifty_values(ais: Any, ledger: list[Row]) -> None:
    """As many batch numbers as a client would ask for at once."""
    numbers = sorted({row["ICU"] for row in ledger})[:50]
    expected = keys([row for row in ledger if row["ICU"] in set(numbers)])

    assert len(numbers) == 50
    assert found(ais, ais.when("ICU", "LIST", *numbers)) == expected


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
