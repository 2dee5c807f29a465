"""Batch requests: several operations in one request, all of them or none."""

import json
from typing import Any

import pytest

SUPPLIERS = "/suppliers"
ACME = 300000002336641
OTHER = 300000002337641
SITE = f"{SUPPLIERS}/{ACME}/child/sites/300000002336660"
MEDIA = "application/vnd.oracle.adf.batch+json"
NEW = {
    "Supplier": "Batched Ltd",
    "BusinessRelationshipCode": "PROSPECTIVE",
    "TaxOrganizationTypeCode": "CORPORATION",
}


def send(fusion: Any, parts: list[dict[str, Any]], **headers: str) -> Any:
    """The reply to a batch request."""
    return fusion.call(
        "POST", "", content=json.dumps({"parts": parts}), headers={"Content-Type": MEDIA, **headers}
    )


def update(part_id: str, supplier_id: int, payload: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A part that changes a supplier."""
    path = f"{SUPPLIERS}/{supplier_id}"
    return {"id": part_id, "path": path, "operation": "update", "payload": payload, **more}


def alias(fusion: Any, supplier_id: int = ACME) -> Any:
    """The alias of a supplier."""
    return fusion.read(f"{SUPPLIERS}/{supplier_id}")["Alias"]


def test_parts_are_carried_out_in_order_and_answered_in_the_shape_of_the_contract(
    own: Any,
) -> None:
    """Two changes and a reading, as Oracle's example sends them."""
    tag = own.call("GET", f"{SUPPLIERS}/{ACME}").headers["etag"].strip('"')
    reply = send(
        own,
        [
            update("p1", ACME, {"Alias": "ACME"}, ifMatch=tag),
            {
                "id": "p2", "path": SITE, "operation": "update",
                "payload": {"InactiveDate": "2026-02-01"},
            },
            {"id": "p3", "path": "/suppliers?q=SupplierNumber=10005", "operation": "get"},
        ],
    )  # fmt: skip
    parts = reply.json()["parts"]
    root = f"{own.server.url}/fscmRestApi/resources/11.13.18.05"

    assert reply.status_code == 200
    assert reply.headers["content-type"] == MEDIA
    assert [part["id"] for part in parts] == ["p1", "p2", "p3"]
    assert list(parts[0]) == ["id", "path", "operation", "payload", "preconditionSucceeded"]
    assert parts[0]["path"] == f"{root}{SUPPLIERS}/{ACME}"
    assert parts[0]["preconditionSucceeded"] is True
    assert parts[1]["payload"]["Status"] == "INACTIVE"
    assert "preconditionSucceeded" not in parts[1]
    assert parts[2]["payload"]["items"][0]["Alias"] == "ACME"


def test_failing_part_undoes_those_before_it_and_is_the_only_one_named(own: Any) -> None:
    """Nothing is committed; the path of the error starts with the part's place."""
    reply = send(
        own,
        [
            update("p1", ACME, {"Alias": "ONE"}),
            {"id": "p2", "path": SUPPLIERS, "operation": "create", "payload": NEW},
            update("p3", OTHER, {"Supplier": None}),
            update("p4", OTHER, {"Alias": "FOUR"}),
        ],
    )

    assert reply.status_code == 400
    assert reply.json() == {
        "title": "Bad Request",
        "status": "400",
        "o:errorDetails": [
            {
                "detail": "JBO-27014: Attribute Supplier in SupplierEO is required.",
                "o:errorCode": "27014",
                "o:errorPath": "/parts/2/Supplier",
            }
        ],
    }
    assert (alias(own), alias(own, OTHER)) == (None, None)
    assert own.items(f"{SUPPLIERS}?q=Supplier='Batched Ltd'") == []


def test_stale_part_fails_the_whole_request(own: Any) -> None:
    """A precondition that does not hold is a failure like any other."""
    tag = own.call("GET", f"{SUPPLIERS}/{OTHER}").headers["etag"].strip('"')
    own.do("change_supplier", SupplierId=OTHER, Alias="THEIRS")
    parts = [update("p1", ACME, {"Alias": "A"}), update("p2", OTHER, {"Alias": "B"}, ifMatch=tag)]
    plain = send(own, parts)
    own.turn(batch_failure="own_status")
    own_status = send(own, parts)
    own.turn(batch_failure="no_path")
    no_path = send(own, parts)

    assert (plain.status_code, own_status.status_code, no_path.status_code) == (400, 412, 400)
    assert plain.json()["o:errorDetails"][0]["o:errorPath"] == "/parts/1"
    assert "o:errorPath" not in no_path.json()["o:errorDetails"][0]
    assert (alias(own), alias(own, OTHER)) == (None, "THEIRS")


def test_pod_without_one_transaction_keeps_the_parts_before_the_failure(own: Any) -> None:
    """Where each part is committed alone, the answer is the same and the rows are not."""
    own.turn(batch_transaction="part")
    reply = send(own, [update("p1", ACME, {"Alias": "KEPT"}), update("p2", 7, {"Alias": "B"})])

    assert reply.status_code == 400
    assert alias(own) == "KEPT"


@pytest.mark.parametrize(
    "part",
    [
        {"path": f"{SUPPLIERS}/{ACME}", "operation": "delete"},
        {"path": f"{SUPPLIERS}/{ACME}", "operation": "replace", "payload": NEW},
        {"path": f"{SUPPLIERS}/{ACME}/action/scores", "operation": "invoke"},
        {"path": "/erpintegrations", "operation": "create", "payload": {}},
        {"path": "/ledgersLOV", "operation": "create", "payload": {}},
        {"path": "/suppliers", "operation": "merge"},
    ],
)
def test_operation_that_is_not_enabled_is_named(own: Any, part: dict[str, Any]) -> None:
    """Not every resource takes every operation in a batch."""
    reply = send(own, [update("p1", ACME, {"Alias": "A"}), {"id": "p2", **part}])

    assert reply.status_code == 400
    assert reply.json()["o:errorDetails"][0]["detail"] == (
        f"The action {part['operation']} isn't enabled for batch execution."
    )
    assert alias(own) is None


def test_pod_may_have_turned_an_operation_off(own: Any) -> None:
    """Updates in a batch are no promise either."""
    own.turn(batch_disabled=["update"])

    assert send(own, [update("p1", ACME, {"Alias": "A"})]).status_code == 400


def test_created_supplier_can_be_read_by_a_later_part(own: Any) -> None:
    """Parts see what the parts before them have done."""
    parts = send(
        own,
        [
            {"id": "1", "path": SUPPLIERS, "operation": "create", "payload": NEW},
            {"id": "2", "path": f"{SUPPLIERS}?q=Supplier='Batched Ltd'", "operation": "get"},
        ],
    ).json()["parts"]

    assert parts[1]["payload"]["items"][0]["SupplierId"] == parts[0]["payload"]["SupplierId"]


def test_upsert_is_a_part_where_the_pod_takes_it(own: Any) -> None:
    """Refused by default, as outside a batch."""
    part = {"id": "1", "path": SUPPLIERS, "operation": "upsert", "payload": NEW}
    refused = send(own, [part]).status_code
    own.turn(supplier_upsert="accept")

    assert (refused, send(own, [part]).status_code) == (400, 200)


def test_conditional_reading_says_that_nothing_is_new(own: Any) -> None:
    """A part that need not be answered has no payload."""
    tag = own.call("GET", f"{SUPPLIERS}/{ACME}").headers["etag"]
    part = {"id": "1", "path": f"{SUPPLIERS}/{ACME}", "operation": "get", "ifNoneMatch": tag}
    answer = send(own, [part]).json()["parts"][0]

    assert answer["preconditionSucceeded"] is False
    assert "payload" not in answer


def test_payloads_can_be_left_out(own: Any) -> None:
    """Weight zero for items in Accept keeps the answer short."""
    accept = "application/vnd.oracle.adf.resourceitem+json;q=0"
    part = send(own, [update("p1", ACME, {"Alias": "A"})], Accept=accept).json()["parts"][0]

    assert part.keys() == {"id", "path", "operation"}
    assert alias(own) == "A"


def test_framework_version_holds_for_all_parts(own: Any) -> None:
    """In version 6 the links of each item stand in its context."""
    part = {"id": "1", "path": f"{SUPPLIERS}/{ACME}", "operation": "get"}
    payload = send(own, [part], **{"REST-Framework-Version": "6"}).json()["parts"][0]["payload"]

    assert payload["@context"]["key"] == str(ACME)


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"parts":[1]}', '{"parts":[{"id":"1"}]}'])
def test_body_that_is_no_batch_is_400(own: Any, body: str) -> None:
    """Parts with id, path and operation are what is wanted."""
    reply = own.call("POST", "", content=body, headers={"Content-Type": MEDIA})

    assert reply.status_code == 400


def test_other_media_type_is_415(own: Any) -> None:
    """A batch says that it is one."""
    assert own.call("POST", "", json={"parts": []}).status_code == 415


def test_large_request_may_time_out_at_the_gateway(own: Any) -> None:
    """No limit is documented; time is one all the same, and 504 comes as a page."""
    own.turn(batch_parts_time_out_above=2)
    parts = [update(str(number), ACME, {"Alias": str(number)}) for number in range(3)]
    late = send(own, parts)

    assert late.status_code == 504
    assert late.headers["content-type"].startswith("text/html")
    assert send(own, parts[:2]).status_code == 200


def test_lost_reply_of_a_batch_may_hide_its_effect(own: Any) -> None:
    """The parts are committed although nobody hears of it."""
    own.server.faults.add({"kind": "reset_after", "path": "11.13.18.05$", "method": "POST"})
    with pytest.raises(Exception, match=r"."):
        send(own, [update("p1", ACME, {"Alias": "A"})])

    assert alias(own) == "A"


def test_exact_decimals_survive_a_batch(own: Any) -> None:
    """Amounts inside parts are not rounded to doubles."""
    text = json.dumps({"parts": [update("p1", ACME, {"CurrentFiscalYearPotentialRevenue": 0})]})
    exact = "12345678901234567.89"
    body = text.replace(
        '"CurrentFiscalYearPotentialRevenue": 0', f'"CurrentFiscalYearPotentialRevenue": {exact}'
    )
    reply = own.call("POST", "", content=body, headers={"Content-Type": MEDIA})

    assert f'"CurrentFiscalYearPotentialRevenue":{exact}' in reply.text
