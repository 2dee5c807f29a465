"""BROWSE: the older outputs and the GET form."""

from decimal import Decimal
from typing import Any

import pytest

Row = dict[str, Any]


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


def test_version2_tells_the_facts_of_a_column_once(ais: Any) -> None:
    """Titles stand beside the rows, cells hold values only."""
    body = ais.browsing("F0010", "CO NAME", outputType="VERSION2")
    grid = ais.read(body)["fs_DATABROWSE_F0010"]["data"]["gridData"]

    assert grid["columnInfo"].keys() == {"F0010_CO", "F0010_NAME"}
    assert len(grid["rowset"]) == ais.count("F0010")
    assert all("title" not in row["F0010_CO"] for row in grid["rowset"])


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


def test_get_form_joins_filters_by_or_where_asked(ais: Any) -> None:
    """The match type holds for the address too."""
    filters = [("$filter", "F0010.CO EQ 00001"), ("$filter", "F0010.CO EQ 00300")]
    params = [*filters, ("$filterType", "MATCH_ANY"), ("$field", "CO"), ("$sort", "F0010.CO DESC")]
    reply = ais.send("GET", "/v2/dataservice/table/F0010", params=params)

    assert reply.status_code == 200, reply.text
    assert [row["CO"] for row in ais.rows(reply.json(), "F0010")] == ["00300", "00001"]


def test_get_form_without_credentials_is_refused(ais: Any) -> None:
    """The address alone opens nothing."""
    reply = ais.send("GET", "/v2/dataservice/table/F0010", signed=False)

    assert reply.status_code in {400, 403, 444}
