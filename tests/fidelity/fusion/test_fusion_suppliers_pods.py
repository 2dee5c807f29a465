"""Writes to suppliers where pods differ, privileges are missing, or the reply is lost."""

from typing import Any

import pytest

SUPPLIERS = "/suppliers"
ACME = 300000002336641
MINIMUM = {
    "Supplier": "Minimal Ltd",
    "BusinessRelationshipCode": "PROSPECTIVE",
    "TaxOrganizationTypeCode": "CORPORATION",
}


def post(fusion: Any, path: str, body: dict[str, Any], **headers: str) -> Any:
    """The reply to a creation."""
    return fusion.call("POST", path, json=body, headers=headers)


def patch(fusion: Any, path: str, body: dict[str, Any], **headers: str) -> Any:
    """The reply to a change."""
    return fusion.call("PATCH", path, json=body, headers=headers)


def test_yes_and_no_pass_for_flags_unless_the_pod_is_strict(own: Any) -> None:
    """Clients send Y; some pods want true."""
    path = f"{SUPPLIERS}/{ACME}"
    taken = patch(own, path, {"OneTimeSupplierFlag": "Y"}).json()["OneTimeSupplierFlag"]
    own.turn(yes_no_flags=False)

    assert taken is True
    assert patch(own, path, {"OneTimeSupplierFlag": "N"}).status_code == 400


def test_upsert_is_refused_ignored_or_done(own: Any) -> None:
    """The header is nobody's promise for suppliers."""
    header = {"Upsert-Mode": "true"}
    body = MINIMUM | {"SupplierNumber": "U-1"}
    refused = post(own, SUPPLIERS, body, **header).status_code
    own.turn(supplier_upsert="accept")
    made = post(own, SUPPLIERS, body, **header)
    changed = post(own, SUPPLIERS, body | {"Alias": "UP"}, **header)
    own.turn(supplier_upsert="ignore")
    ignored = post(own, SUPPLIERS, body, **header).status_code

    assert (refused, made.status_code, changed.status_code, ignored) == (400, 201, 200, 400)
    assert changed.json()["SupplierId"] == made.json()["SupplierId"]
    assert changed.json()["Alias"] == "UP"


def test_viewing_does_not_include_maintaining(own: Any) -> None:
    """Who may only look gets 403 on writes and rows on reads."""
    own.turn(supplier_privilege="view")

    assert own.call("GET", f"{SUPPLIERS}/{ACME}").status_code == 200
    assert patch(own, f"{SUPPLIERS}/{ACME}", {"Alias": "A"}).status_code == 403
    assert post(own, SUPPLIERS, MINIMUM).status_code == 403


def test_new_supplier_may_not_be_found_at_once(own: Any) -> None:
    """For a while its key is 404; its number finds it all the same."""
    own.turn(not_found_after_create_s=5)
    created = post(own, SUPPLIERS, MINIMUM)
    early = own.call("GET", created.headers["location"]).status_code
    found = own.items(f"{SUPPLIERS}?q=SupplierNumber='{created.json()['SupplierNumber']}'")
    own.clock.advance(5)

    assert (created.status_code, early, len(found)) == (201, 404, 1)
    assert own.call("GET", created.headers["location"]).status_code == 200


@pytest.mark.parametrize(("kind", "is_made"), [("reset_before", False), ("reset_after", True)])
def test_lost_reply_leaves_the_client_in_doubt(own: Any, kind: str, *, is_made: bool) -> None:
    """The connection ends before or after the effect; only looking up tells which."""
    own.server.faults.add({"kind": kind, "path": "/suppliers$", "method": "POST"})
    with pytest.raises(Exception, match=r"."):
        post(own, SUPPLIERS, MINIMUM)

    assert len(own.items(f"{SUPPLIERS}?q=Supplier='Minimal Ltd'")) == int(is_made)


@pytest.mark.parametrize(("effect", "alias"), [(False, None), (True, "ACME")])
def test_bad_gateway_may_hide_a_change_that_was_made(
    own: Any, alias: str | None, *, effect: bool
) -> None:
    """504 says nothing about the effect."""
    rule = {"kind": "html", "status": 504, "path": "/suppliers/", "method": "PATCH"}
    own.server.faults.add(rule | {"effect": effect})
    reply = patch(own, f"{SUPPLIERS}/{ACME}", {"Alias": "ACME"})

    assert reply.status_code == 504
    assert own.read(f"{SUPPLIERS}/{ACME}")["Alias"] == alias


def test_errors_of_old_versions_are_text(own: Any) -> None:
    """Below version 4 the message stands alone."""
    reply = own.call("POST", SUPPLIERS, json={}, version=3)

    assert reply.status_code == 400
    assert reply.headers["content-type"].startswith("text/plain")
    assert reply.text == "JBO-27014: Attribute Supplier in SupplierEO is required."


def test_body_of_another_kind_is_refused(own: Any) -> None:
    """No object is 400, no JSON media type is 415."""
    listed = own.call("POST", SUPPLIERS, json=[MINIMUM])
    form = own.call("POST", SUPPLIERS, content="a=b", headers={"Content-Type": "text/csv"})

    assert (listed.status_code, form.status_code) == (400, 415)


def test_patch_may_travel_inside_a_post(own: Any) -> None:
    """The override header turns a POST on an item into a change."""
    reply = post(own, f"{SUPPLIERS}/{ACME}", {"Alias": "T"}, **{"X-HTTP-Method-Override": "PATCH"})

    assert (reply.status_code, reply.json()["Alias"]) == (200, "T")
