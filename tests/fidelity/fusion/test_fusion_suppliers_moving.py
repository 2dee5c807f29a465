"""Suppliers that move while they are read, and actions on them."""

from typing import Any

import pytest

SUPPLIERS = "/suppliers"
ACTION = {"Content-Type": "application/vnd.oracle.adf.action+json"}
PROSPECT = "Prospero Metrology LLC"


def act(fusion: Any, supplier_id: int, name: str) -> Any:
    """The reply to an action."""
    path = f"{SUPPLIERS}/{supplier_id}/action/{name}"
    return fusion.call("POST", path, json={"name": name, "parameters": []}, headers=ACTION)


def prospect(fusion: Any) -> dict[str, Any]:
    """The supplier that nobody may spend with yet."""
    found: dict[str, Any] = fusion.items(f"{SUPPLIERS}?q=Supplier='{PROSPECT}'")[0]
    return found


def scan(fusion: Any, query: str) -> list[int]:
    """The ids of a scan page by page, each page asked for by what was received."""
    seen: list[int] = []
    more = True
    while more:
        page = fusion.read(f"{SUPPLIERS}?{query}&limit=100&offset={len(seen)}&onlyData=true")
        seen += [item["SupplierId"] for item in page["items"]]
        more = page["hasMore"]
    return seen


@pytest.mark.parametrize(("op", "left"), [("update", 400), ("hide", 399)])
def test_row_that_leaves_a_scan_takes_another_with_it(own: Any, op: str, left: int) -> None:
    """Offsets shift when a row leaves the filter: a later row is skipped in silence."""
    query = "q=LastUpdateDate < '2026-11-03T00:00:00Z'&orderBy=SupplierId"
    rule = {"kind": "hook", "hook": "mutate_suppliers", "path": "offset=100"}
    own.server.faults.add(rule | {"arguments": {"op": op, "row": 3}})
    own.clock.advance(60)
    seen = scan(own, query)

    assert len(seen) == len(set(seen)) == 399
    assert own.read(f"{SUPPLIERS}?totalResults=true")["totalResults"] == left


def test_supplier_that_comes_between_two_pages_is_at_the_end(own: Any) -> None:
    """By id a new one stands last, so a scan in that order sees it."""
    form = {
        "Supplier": "Came between", "TaxOrganizationTypeCode": "CORPORATION",
        "BusinessRelationshipCode": "PROSPECTIVE",
    }  # fmt: skip
    rule = {"kind": "hook", "hook": "mutate_suppliers", "path": "offset=100"}
    own.server.faults.add(rule | {"arguments": {"op": "insert", "form": form}})
    seen = scan(own, "orderBy=SupplierId")

    assert len(seen) == 401


def test_keyset_scan_loses_nothing(own: Any) -> None:
    """By last id instead of offset, each row that stays is seen although one leaves."""
    rule = {"kind": "hook", "hook": "mutate_suppliers", "nth": 2, "path": "/suppliers"}
    own.server.faults.add(rule | {"arguments": {"op": "hide", "row": 3}})
    seen: list[int] = []
    found = True
    while found:
        last = seen[-1] if seen else 0
        query = f"q=SupplierId > {last}&orderBy=SupplierId:asc&limit=100&onlyData=true"
        page = own.items(f"{SUPPLIERS}?{query}")
        seen += [item["SupplierId"] for item in page]
        found = bool(page)

    assert len(seen) == len(set(seen)) == 400


def test_spending_is_allowed_once_the_supplier_can_be_identified(own: Any) -> None:
    """The request is refused without a tax id, and done with one."""
    item = prospect(own)
    refused = act(own, item["SupplierId"], "submitSpendAuthorizationRequest")
    own.do(
        "change_supplier", SupplierNumber=item["SupplierNumber"], TaxpayerCountryCode="US",
        TaxpayerId="77-1",
    )  # fmt: skip
    done = act(own, item["SupplierId"], "submitSpendAuthorizationRequest")

    assert refused.status_code == 400
    assert done.json() == {"result": "SUCCESS"}
    assert done.headers["content-type"] == "application/vnd.oracle.adf.actionresult+json"
    assert prospect(own)["BusinessRelationshipCode"] == "SPEND_AUTHORIZED"


def test_actions_that_have_nothing_to_tell_and_those_there_are_not(own: Any) -> None:
    """Scores are empty here; an unknown action is 404, another media type 415."""
    supplier_id = prospect(own)["SupplierId"]
    scores = act(own, supplier_id, "scores")
    form = own.call("POST", f"{SUPPLIERS}/{supplier_id}/action/scores", content="a=b")

    assert (scores.status_code, scores.json()) == (200, {"result": None})
    assert act(own, supplier_id, "merge").status_code == 404
    assert form.status_code == 415
