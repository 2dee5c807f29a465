"""Modules, line items, dimensions, views; cells read and written; calendar and versions."""

from typing import Any

import pytest

ACTUALS = "Entity,Account,Cost Centre,Currency,Version,Period,Amount\n"
VIEW = "/views/102000000001"
JSON = {"Accept": "application/json"}
TIME, VERSIONS = "20000000003", "20000000020"


@pytest.fixture
def filled(finance: Any) -> Any:
    """Three values under one parent account."""
    rows = (
        "101,4000,120,USD,Actual,Oct 26,10\n101,6000,120,USD,Actual,Oct 26,-4\n"
        "101,6000,120,USD,Actual,Nov 26,-1\n"
    )
    finance.load("actuals.csv", "Load Actuals", ACTUALS + rows)
    return finance


def test_modules_views_and_line_items_are_listed(anaplan: Any) -> None:
    """A module's default view has the module's own id."""
    assert anaplan.get("/modules").json()["modules"][0] == {"id": "102000000001", "name": "Actuals"}
    views = anaplan.get("/modules/102000000001/views").json()["views"]
    golden = {"code": "", "id": "102000000001", "name": "default", "moduleId": "102000000001"}
    assert views == [golden]
    assert len(anaplan.get("/views").json()["views"]) == len(anaplan.ids["modules"])
    items = anaplan.get("/modules/102000000003/lineItems").json()["items"]
    assert items[0] == {
        "moduleId": "102000000003",
        "moduleName": "Journal Item Data",
        "id": "222000000001",
        "name": "Entity",
    }
    full = anaplan.get("/lineItems?includeAll=true").json()["items"]
    assert full[2]["formatMetadata"]["hierarchyEntityLongId"] == "101000000001"
    assert anaplan.get("/modules/102000009999/lineItems").status_code == 404


def test_view_names_its_axes(anaplan: Any) -> None:
    """Rows, columns and pages by id and name."""
    view = anaplan.get(VIEW).json()
    assert view["rows"] == [{"id": "101000000002", "name": "Accounts"}]
    assert view["columns"] == [{"id": TIME, "name": "Time"}]
    assert [axis["name"] for axis in view["pages"]] == [
        "Entities",
        "Cost Centres",
        "Currencies",
        "Versions",
        "Line Items",
    ]


def _grid(tenant: Any, **params: Any) -> dict[tuple[str, str], str]:
    body = tenant.get(f"{VIEW}/data", params={"format": "v1", **params}, headers=JSON).json()
    columns = [name for (name,) in body["columnCoordinates"]]
    return {
        (row["rowCoordinates"][0], column): cell
        for row in body["rows"]
        for column, cell in zip(columns, row["cells"], strict=True)
    }


def test_cells_are_strings_with_totals_above_the_leaves(filled: Any) -> None:
    """Parents of accounts, quarters and years add up."""
    grid = _grid(filled)
    assert grid["Sales", "Oct 26"] == "10"
    assert grid["Profit", "Oct 26"] == "6"
    assert grid["Profit", "Q4 FY26"] == "5"
    assert grid["Rent", "FY26"] == "-5"
    assert grid["Sales", "Jan 24"] == "0"


def test_pages_choose_members_of_page_axes(filled: Any) -> None:
    """A chosen member narrows the page; what is no page axis is refused by its id."""
    leaf = filled.admin("read_list", list="Entities")[1]["id"]
    other = filled.admin("read_list", list="Currencies")[1]["id"]
    assert _grid(filled, pages=f"101000000001:{leaf}")["Sales", "Oct 26"] == "10"
    assert _grid(filled, pages=f"101000000004:{other}")["Sales", "Oct 26"] == "0"
    reply = filled.get(f"{VIEW}/data", params={"pages": "101000000002:1"})
    assert reply.status_code == 400
    assert reply.json()["status"]["message"] == "Invalid page selector [101000000002]"


def test_cells_come_as_csv_by_default(filled: Any) -> None:
    """Pages, then columns after a blank, then rows; JSON needs the format and the Accept."""
    lines = filled.get(f"{VIEW}/data?format=v1", headers={"Accept": "text/csv"}).text.splitlines()
    assert lines[0] == "Halden,All centres,US Dollar,Actual,Amount"
    assert lines[1].startswith(",Jan 24,Feb 24")
    assert lines[2].startswith("Profit,0,0")
    reply = filled.get(f"{VIEW}/data", headers=JSON)
    assert reply.headers["Content-Type"].startswith("text/csv")


def test_line_items_can_be_columns(finance: Any) -> None:
    """The journal module shows every fact of an item in its own column."""
    header = "Code,Entity,Account,Cost Centre,Currency,Version,Period,Amount\n"
    finance.upload("journal_items.csv", header + "J1,101,4000,120,USD,Actual,Oct 26,7\n")
    finance.run("processes", "Append Actuals")
    text = finance.get("/views/102000000003/data").text.splitlines()
    assert text[1] == ",Entity,Account,Cost Centre,Currency,Version,Period,Amount"
    assert text[2] == "J1,US,Sales,Works,US Dollar,Actual,Oct 26,7"


def test_dimension_items_are_read_in_three_ways(finance: Any) -> None:
    """Lists by themselves, Time through a line item or a view."""
    rows = finance.get("/dimensions/101000000002/items").json()["items"]
    assert rows[1] == {"id": "202000000002", "name": "Sales", "code": "4000"}
    assert finance.get(f"/dimensions/{TIME}/items").status_code == 404
    axes = finance.get("/lineItems/220000000001/dimensions").json()["dimensions"]
    assert {"id": TIME, "name": "Time"} in axes
    times = finance.get(f"/lineItems/220000000001/dimensions/{TIME}/items").json()["items"]
    names = [one["name"] for one in times]
    assert names[0] == "Jan 24"
    assert names[35] == "Dec 26"
    assert {"Q4 FY26", "FY26"} < set(names)
    assert finance.get(f"{VIEW}/dimensions/{VERSIONS}/items").json()["items"][0]["name"] == "Actual"
    assert finance.get("/lineItems/222000000001/dimensions/101000000001/items").status_code == 404


def test_ids_are_looked_up_by_name_or_code(finance: Any) -> None:
    """Names and codes together; an empty body is refused."""
    path = "/dimensions/101000000002/items"
    rows = finance.post(path, {"names": ["Rent"], "codes": ["4000"]}).json()["items"]
    assert [one["code"] for one in rows] == ["4000", "6000"]
    times = finance.post(f"/dimensions/{TIME}/items", {"names": ["Oct 26"]}).json()["items"]
    assert len(times) == 1
    assert finance.post(path).status_code == 400
    assert finance.post(path, {"names": []}).status_code == 400


def _cell(value: Any, **changes: Any) -> dict[str, Any]:
    members = {
        "Entities": "101",
        "Accounts": "4000",
        "Cost Centres": "120",
        "Currencies": "USD",
        "Versions": "Actual",
        "Time": "Oct 26",
    } | changes.pop("members", {})
    return {
        "lineItemName": "Amount",
        "dimensions": [{"dimensionName": n, "itemCode": m} for n, m in members.items()],
        "value": value,
    } | changes


def test_cells_are_written_one_by_one(finance: Any) -> None:
    """Good cells are written, bad ones explained by index."""
    cells = [
        _cell(1111),
        _cell("2.5", members={"Time": "Nov 26"}),
        _cell(1, members={"Accounts": "PL"}),
        _cell("many", members={"Time": "Dec 26"}),
        _cell(1, members={"Entities": "999"}),
        _cell(1, lineItemName="Colour"),
    ]
    body = finance.post("/modules/102000000001/data", cells).json()
    assert body["numberOfCellsChanged"] == 2
    assert [one["requestIndex"] for one in body["failures"]] == [2, 3, 4, 5]
    assert sorted(finance.cells("Actuals").values()) == [2.5, 1111.0]


def test_cells_are_written_by_ids_and_cleared_by_null(finance: Any) -> None:
    """Ids of line item, dimension and item do as well as names."""
    ids = {
        "101000000001": finance.admin("read_list", list="Entities")[1]["id"],
        "101000000002": "202000000002",
        "101000000003": finance.admin("read_list", list="Cost Centres")[1]["id"],
        "101000000004": "204000000001",
        VERSIONS: "107000000001",
        TIME: finance.post(f"/dimensions/{TIME}/items", {"names": ["Oct 26"]}).json()["items"][0][
            "id"
        ],
    }
    where = [{"dimensionId": axis, "itemId": item} for axis, item in ids.items()]
    cell = {"lineItemId": "220000000001", "dimensions": where, "value": 5}
    assert "failures" not in finance.post("/modules/102000000001/data", [cell]).json()
    assert list(finance.cells("Actuals").values()) == [5.0]
    finance.post("/modules/102000000001/data", [cell | {"value": None}])
    assert finance.cells("Actuals") == {}


@pytest.mark.parametrize("body", [{"value": 1}, [1], [{}] * 100_001])
def test_malformed_cell_write_is_refused(finance: Any, body: Any) -> None:
    """An array of objects, at most 100 000."""
    assert finance.post("/modules/102000000001/data", body).status_code == 400


def test_large_view_read_has_requests_and_pages(filled: Any) -> None:
    """The same text an export would give, by pages; the layout is checked."""
    bad = filled.post(f"{VIEW}/readRequests", {"exportType": "PDF"})
    assert bad.status_code == 400
    body = {"exportType": "TABULAR_MULTI_COLUMN"}
    started = filled.post(f"{VIEW}/readRequests", body).json()["viewReadRequest"]
    path = f"{VIEW}/readRequests/{started['requestId']}"
    lines = filled.get(f"{path}/pages/0").text.splitlines()
    assert lines[1] == "US,Sales,Works,US Dollar,Actual,Oct 26,10"
    filled.advance(1801)
    assert filled.get(path).status_code == 404


def test_calendar_and_period_have_the_golden_shapes(anaplan: Any) -> None:
    """A calendar year of months; October 2026 is current."""
    period = anaplan.get("/currentPeriod").json()["currentPeriod"]
    assert period == {
        "periodText": "Oct 26",
        "lastDay": "2026-10-31",
        "calendarType": "Calendar Months/Quarters/Years",
    }
    calendar = anaplan.get("/modelCalendar").json()["modelCalendar"]
    assert calendar["fiscalYear"] == {
        "year": "FY26",
        "startDate": "2026-01-01",
        "endDate": "2026-12-31",
    }


def test_current_period_is_set_by_query_or_body(anaplan: Any) -> None:
    """One of the two, an ISO date, inside the timescale; refusals in the service's words."""
    put = anaplan.http.put
    path = f"{anaplan.base}/currentPeriod"
    shown = put(f"{path}?date=2025-02-10").json()["currentPeriod"]
    assert (shown["periodText"], shown["lastDay"]) == ("Feb 25", "2025-02-28")
    assert put(path, json={"date": "2026-11-01"}).json()["currentPeriod"]["periodText"] == "Nov 26"
    both = put(f"{path}?date=2025-02-10", json={"date": "2025-02-10"})
    assert both.json()["status"]["message"] == "use query parameter or body to set date, not both"
    bad = put(path, json={"date": "10/2025"}).json()["status"]["message"]
    assert bad == "Invalid ISO date format '10/2025'. Date should match format YYYY-MM-DD"
    late = put(path, json={"date": "2030-01-01"}).json()["status"]["message"]
    assert late == ("Specified date '2030-01-01' is out of timescale range 2024-01-01 - 2026-12-31")


def test_versions_are_listed(anaplan: Any) -> None:
    """Actual, Budget, Forecast with ids of their own form."""
    rows = anaplan.get("/versions").json()["versionMetadata"]
    assert [(row["id"], row["name"], row["isActual"]) for row in rows] == [
        ("107000000001", "Actual", True),
        ("107000000002", "Budget", False),
        ("107000000003", "Forecast", False),
    ]
