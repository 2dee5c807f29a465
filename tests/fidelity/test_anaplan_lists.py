"""Lists and items through the API, with success and failure for each item."""

from typing import Any

import pytest

PRODUCTS = "/lists/101000000001"


@pytest.fixture
def products(lab: Any) -> Any:
    """The laboratory with two products."""
    items = [
        {"name": "Pin", "code": "P1", "properties": {"Weight": "1.5"}},
        {"name": "Nut", "code": "P2", "parent": "P1"},
    ]
    assert lab.post(f"{PRODUCTS}/items?action=add", {"items": items}).json()["added"] == 2
    return lab


def test_lists_and_metadata_have_the_golden_shapes(products: Any) -> None:
    """Id and name in the list; counts and flags in the metadata."""
    assert products.get("/lists").json()["lists"][0] == {"id": "101000000001", "name": "Products"}
    meta = products.get(PRODUCTS).json()["metadata"]
    assert (meta["itemCount"], meta["nextItemIndex"], meta["numberedList"]) == (2, 3, False)
    assert meta["properties"] == [{"name": "Weight", "format": "NUMBER"}]
    assert products.get("/lists/101000000003").json()["metadata"]["productionData"] is True
    assert products.get("/lists/101000009999").status_code == 404


def test_items_are_short_or_full(products: Any) -> None:
    """Parent, properties and subsets only with includeAll; CSV on demand."""
    short = products.get(f"{PRODUCTS}/items").json()["listItems"]
    assert short[0] == {"id": "201000000001", "name": "Pin", "code": "P1"}
    full = products.get(f"{PRODUCTS}/items?includeAll=true").json()["listItems"]
    assert full[0]["properties"] == {"Weight": "1.5"}
    assert (full[1]["parent"], full[1]["parentId"]) == ("Pin", "201000000001")
    text = products.get(f"{PRODUCTS}/items", headers={"Accept": "text/csv"}).text
    assert text.splitlines()[2] == "201000000002,Nut,P2,Pin,"


def test_add_reports_each_failure_with_its_index(products: Any) -> None:
    """Good items are added, bad ones counted as ignored and explained."""
    items = [
        {"name": "Gear", "code": "P3"},
        {"name": "Cog", "code": "P4", "properties": {"Weight": "heavy"}},
        {"code": "P5"},
        {"name": "Pin", "code": "P9"},
        {"name": "Rod", "code": "P6", "parent": "none"},
    ]
    body = products.post(f"{PRODUCTS}/items?action=add", {"items": items}).json()
    assert (body["added"], body["ignored"], body["total"]) == (1, 4, 5)
    assert body["failures"][0] == {
        "requestIndex": 1,
        "failureType": "INCORRECT_FORMAT",
        "failureMessageDetails": "incorrect format -- column name:Weight, value:heavy",
    }
    assert [one["failureType"] for one in body["failures"]] == [
        "INCORRECT_FORMAT",
        "INCOMPLETE_DATA",
        "INCORRECT_FORMAT",
    ]


def test_update_finds_items_by_id_code_or_name(products: Any) -> None:
    """Only the given fields change; an unknown item fails alone."""
    items = [
        {"code": "P1", "name": "Pin new"},
        {"id": "201000000002", "code": "P2b", "parent": ""},
        {"name": "Pin new", "properties": {"Weight": "2"}},
        {"code": "none", "name": "x"},
        {"code": "P2b", "name": "Pin new"},
    ]
    body = products.http.put(f"{products.base}{PRODUCTS}/items", json={"items": items}).json()
    assert (body["updated"], body["ignored"], body["total"]) == (3, 2, 5)
    assert [one["requestIndex"] for one in body["failures"]] == [3, 4]
    assert products.admin("read_list", list="Products") == [
        {"id": "201000000001", "code": "P1", "name": "Pin new", "parent": "",
         "properties": {"Weight": "2"}},
        {"id": "201000000002", "code": "P2b", "name": "Nut", "parent": "", "properties": {}},
    ]  # fmt: skip


def test_delete_takes_the_cells_along(products: Any) -> None:
    """Cells of a deleted member are gone, its children move to the top."""
    products.post("/lists/101000000002/items?action=add", {"items": [{"name": "N", "code": "N"}]})
    cell = {
        "lineItemName": "Quantity",
        "dimensions": [{"dimensionName": "Products", "itemCode": "P2"}],
        "value": 3,
    }
    assert products.post("/modules/102000000001/data", [cell]).json()["numberOfCellsChanged"] == 1
    items = [{"id": "201000000002"}, {"code": "none"}]
    body = products.post(f"{PRODUCTS}/items?action=delete", {"items": items}).json()
    assert body["deleted"] == 1
    assert body["failures"][0]["requestIndex"] == 1
    assert products.admin("read_cells", module="Facts") == []
    assert [one["code"] for one in products.admin("read_list", list="Products")] == ["P1"]


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("?action=burn", {"items": []}),
        ("", {"items": []}),
        ("?action=add", {}),
        ("?action=add", {"items": [1]}),
        ("?action=add", {"items": [{}] * 100_001}),
    ],
)
def test_malformed_item_request_is_refused(products: Any, query: str, body: Any) -> None:
    """400 for another action, no array, no objects, or more than 100 000."""
    assert products.post(f"{PRODUCTS}/items{query}", body).status_code == 400


def test_index_is_reset_on_an_empty_list_only(products: Any) -> None:
    """400 in the service's own words while there is data."""
    reply = products.post(f"{PRODUCTS}/resetIndex")
    assert reply.status_code == 400
    assert reply.json()["status"]["message"].startswith("We can't reset the list item index")
    products.run("actions", "Delete Products")
    assert products.post(f"{PRODUCTS}/resetIndex").status_code == 200
    assert products.get(PRODUCTS).json()["metadata"]["nextItemIndex"] == 1


def test_delete_action_empties_its_list(products: Any) -> None:
    """The flags and the object id, no dump, and the list without items."""
    result = products.run("actions", "Delete Products")
    assert (result["successful"], result["failureDumpAvailable"]) == (True, False)
    assert result["objectId"] == "117000000001"
    assert products.admin("read_list", list="Products") == []
    assert products.get(f"{result['path']}/dump").status_code == 404


def test_large_list_read_has_requests_and_pages(products: Any) -> None:
    """In progress first, then complete with pages as CSV, then deleted."""
    started = products.post(f"{PRODUCTS}/readRequests").json()["listReadRequest"]
    path = f"{PRODUCTS}/readRequests/{started['requestId']}"
    assert started["requestState"] == "IN_PROGRESS"
    done = products.get(path).json()["listReadRequest"]
    assert (done["requestState"], done["availablePages"], done["successful"]) == (
        "COMPLETE",
        1,
        True,
    )
    assert products.get(f"{path}/pages/0").text.splitlines()[1] == "201000000001,Pin,P1"
    assert products.get(f"{path}/pages/1").status_code == 404
    assert products.http.delete(products.base + path).status_code == 200
    assert products.get(path).status_code == 404
