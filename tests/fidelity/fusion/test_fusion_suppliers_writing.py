"""Suppliers created and changed: what is echoed, what is refused, and what a loser finds."""

import json
from typing import Any

import pytest

SUPPLIERS = "/suppliers"
ACME = 300000002336641
SITES = f"{SUPPLIERS}/{ACME}/child/sites"
SITE = f"{SITES}/300000002336660"
ITEM_MEDIA = "application/vnd.oracle.adf.resourceitem+json"
ORACLE_EXAMPLE = {
    "Supplier": "ACME STATIONERY",
    "TaxOrganizationType": "Corporation",
    "SupplierType": "Office Supplies",
    "BusinessRelationship": "Prospective",
    "DUNSNumber": "000000019",
    "OneTimeSupplierFlag": False,
    "TaxpayerCountry": "United States",
    "TaxpayerId": "00-0000009",
}
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


def detail(reply: Any) -> dict[str, str]:
    """The first detail of a structured refusal."""
    found: dict[str, str] = reply.json()["o:errorDetails"][0]
    return found


def rows_of(fusion: Any) -> list[int]:
    """How many rows each table of suppliers holds."""
    tables = ("suppliers", "supplier_addresses", "supplier_sites", "supplier_contacts")
    store = fusion.server.store
    return [store.query(f"SELECT COUNT(*) FROM poz_{table}")[0][0] for table in tables]


def test_created_supplier_is_echoed_with_defaults_and_address(own: Any) -> None:
    """201 with the whole item, where it stands, and what the server gave it."""
    own.clock.advance(1.5)
    reply = own.call(
        "POST", SUPPLIERS, content=json.dumps(ORACLE_EXAMPLE), headers={"Content-Type": ITEM_MEDIA}
    )
    item = reply.json()

    assert reply.status_code == 201
    assert reply.headers["location"].endswith(f"{SUPPLIERS}/{item['SupplierId']}")
    assert reply.headers["etag"].strip('"') == (item["links"][0]["properties"]["changeIndicator"])
    assert item["SupplierNumber"] == "10401"
    assert (item["SupplierTypeCode"], item["BusinessRelationshipCode"]) == (
        "OFFICE_SUPPLIES", "PROSPECTIVE",
    )  # fmt: skip
    assert (item["TaxpayerId"], item["TaxpayerIdExistsFlag"]) == (None, True)
    assert item["CreationDate"] == item["LastUpdateDate"] == "2026-11-03T08:00:01.500+00:00"
    assert (item["CreatedBy"], item["CreationSourceCode"]) == ("INTEGRATION.USER", "WEB_SERVICE")
    assert item["CreationSource"] == "Web Service"
    assert own.read(f"{SUPPLIERS}/{item['SupplierId']}") == item


@pytest.mark.parametrize(
    ("missing", "path"),
    [
        ("Supplier", "/Supplier"),
        ("BusinessRelationshipCode", "/BusinessRelationship"),
        ("TaxOrganizationTypeCode", "/TaxOrganizationType"),
    ],
)
def test_missing_mandatory_member_is_refused_with_its_code(
    own: Any, missing: str, path: str
) -> None:
    """Name, relationship and organisation type must be there, by code or by meaning."""
    reply = post(own, SUPPLIERS, {k: v for k, v in MINIMUM.items() if k != missing})

    assert reply.status_code == 400
    assert reply.headers["content-type"] == "application/vnd.oracle.adf.error+json"
    assert reply.json() == {
        "title": "Bad Request",
        "status": "400",
        "o:errorDetails": [
            {
                "detail": f"JBO-27014: Attribute {path[1:]} in SupplierEO is required.",
                "o:errorCode": "27014",
                "o:errorPath": path,
            }
        ],
    }


@pytest.mark.parametrize(
    "more",
    [
        {"BusinessRelationshipCode": "SPEND_AUTHORIZED"},
        {"BusinessRelationshipCode": "SPEND_AUTHORIZED", "TaxpayerId": "1"},
        {"BusinessRelationshipCode": "SPEND_AUTHORIZED", "TaxpayerCountryCode": "US"},
        {"BusinessRelationshipCode": "PROSPECTIVE", "BusinessRelationship": "Spend Authorized"},
        {"TaxOrganizationTypeCode": "Corporation"},
        {"TaxOrganizationType": "CORPORATION"},
        {"SupplierType": "Rocks"},
        {"TaxpayerCountryCode": "XX"},
        {"ParentSupplier": "Nobody"},
        {"ParentSupplier": "ACME OFFICE SUPPLIES", "ParentSupplierNumber": "10006"},
        {"OneTimeSupplierFlag": "yes"},
        {"InactiveDate": "tomorrow"},
        {"InactiveDate": 20261103},
        {"Alias": "x" * 81},
        {"Alias": 7},
        {"CurrentFiscalYearPotentialRevenue": "12"},
        {"requestId": 1},
        {"SupplierId": 5},
        {"Status": "ACTIVE"},
        {"sites": {"items": []}},
        {"sites": [{"SupplierSite": "A"}]},
        {"addresses": [{"AddressName": "A"}]},
        {"attachments": [{"FileName": "a"}]},
    ],
)  # fmt: skip
def test_creation_that_is_refused_leaves_nothing(own: Any, more: dict[str, Any]) -> None:
    """What does not fit is 400, and no part of it stands afterwards."""
    before = rows_of(own)
    reply = post(own, SUPPLIERS, MINIMUM | more)

    assert reply.status_code == 400, reply.text
    assert rows_of(own) == before


def test_known_messages_have_the_texts_of_the_field(own: Any) -> None:
    """Binding, length and unknown members are told in words that clients have seen."""
    binding = post(own, SUPPLIERS, MINIMUM | {"TaxOrganizationType": "Partnership"})
    long = post(own, SUPPLIERS, MINIMUM | {"Alias": "x" * 81})
    unknown = post(own, SUPPLIERS, MINIMUM | {"requestId": "1"})

    assert detail(binding)["detail"] == (
        "Applying List binding LOV_TaxOrganizationType with given set of values leads to no"
        " matching row."
    )
    assert detail(long)["detail"].endswith("is too long. (FND-2825)")
    assert detail(unknown)["detail"] == 'Invalid attribute "requestId" in the payload'


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"Supplier": "acme office supplies"}, "/Supplier"),
        ({"SupplierNumber": "10005"}, "/SupplierNumber"),
        ({"TaxpayerCountryCode": "US", "TaxpayerId": "00-0000001"}, "/TaxpayerId"),
    ],
)
def test_duplicate_is_refused_with_a_procurement_message(
    own: Any, more: dict[str, Any], path: str
) -> None:
    """Another supplier's name, number or tax id is 400 with a POZ code."""
    reply = post(own, SUPPLIERS, MINIMUM | more)

    assert reply.status_code == 400
    assert detail(reply)["o:errorPath"] == path
    assert detail(reply)["o:errorCode"].startswith("POZ-")


def test_lenient_pod_takes_the_same_name_twice(own: Any) -> None:
    """Creation is not idempotent: there the repeated one makes a second supplier."""
    own.turn(supplier_duplicates="accept")
    ids = {post(own, SUPPLIERS, MINIMUM).json()["SupplierId"] for _ in range(2)}

    assert len(ids) == 2


def test_children_are_created_in_the_same_request(own: Any) -> None:
    """Plain arrays, whatever form the answers have; a site finds its address by name."""
    body = MINIMUM | {
        "addresses": [{"AddressName": "HQ", "CountryCode": "FR", "City": "Besançon"}],
        "sites": [
            {
                "SupplierSite": "HQ-1", "ProcurementBU": "Halden US Procurement",
                "SupplierAddressName": "HQ", "SitePurposePayFlag": "Y",
                "assignments": [{"ClientBU": "Halden US Procurement"}],
            }
        ],
        "contacts": [{"LastName": "d'Almeida"}],
    }  # fmt: skip
    created = post(own, SUPPLIERS, body).json()
    path = f"{SUPPLIERS}/{created['SupplierId']}?expand=addresses,sites.assignments,contacts"
    item = own.read(path)
    site = item["sites"]["items"][0]

    assert item["addresses"]["items"][0]["Country"] == "France"
    assert (site["ProcurementBUId"], site["SupplierAddressName"]) == (300000001293500, "HQ")
    assert (site["SitePurposePayFlag"], site["SitePurposePurchasingFlag"]) == (True, False)
    assert site["assignments"]["items"][0]["BillToBU"] == "Halden US Procurement"
    assert item["contacts"]["items"][0]["LastName"] == "d'Almeida"


def test_usable_supplier_is_made_step_by_step(own: Any) -> None:
    """Supplier, address, site, assignment: each below the one before."""
    supplier = post(own, SUPPLIERS, ORACLE_EXAMPLE).headers["location"]
    address = post(
        own, f"{supplier}/child/addresses", {"AddressName": "Z", "Country": "Japan"}
    ).json()
    form = {
        "SupplierSite": "Z-1",
        "ProcurementBUId": 300000001293522,
        "SupplierAddressId": address["SupplierAddressId"],
    }
    site = post(own, f"{supplier}/child/sites", form)
    assigned = post(
        own, site.headers["location"] + "/child/assignments", {"ClientBUId": 300000001293522}
    )

    assert (site.status_code, assigned.status_code) == (201, 201)
    assert site.json()["ProcurementBU"] == "Halden Japan Procurement"
    assert assigned.json()["ClientBU"] == "Halden Japan Procurement"


@pytest.mark.parametrize(
    ("form", "member"),
    [
        ({}, "SupplierSite"),
        ({"SupplierSite": "N"}, "ProcurementBU"),
        ({"SupplierSite": "N", "ProcurementBU": "Halden US Procurement"}, "SupplierAddressId"),
        ({"SupplierSite": "N", "ProcurementBU": "Nobody"}, "ProcurementBU"),
        ({"SupplierSite": "N", "SupplierAddressName": "Moon"}, "SupplierAddressName"),
        ({"SupplierSite": "N" * 16}, "SupplierSite"),
        (
            {
                "SupplierSite": "ACME-SFO", "ProcurementBU": "Halden US Procurement",
                "SupplierAddressName": "HQ",
            },
            "SupplierSite",
        ),
    ],
)  # fmt: skip
def test_site_that_is_refused_names_the_member(own: Any, form: Any, member: str) -> None:
    """Code, unit and address are needed; the code is unique in its unit."""
    reply = post(own, SITES, form)

    assert reply.status_code == 400
    assert detail(reply)["o:errorPath"] == f"/{member}"
    assert own.read(SITES)["count"] == 1


def test_patch_changes_what_is_sent_and_nothing_else(own: Any) -> None:
    """Left out means unchanged, null means empty; meaning and code go together."""
    first = patch(own, f"{SUPPLIERS}/{ACME}", {"Alias": "ACME", "SupplierType": "Services"}).json()
    second = patch(own, f"{SUPPLIERS}/{ACME}", {"SupplierTypeCode": None}).json()

    assert (first["Alias"], first["SupplierTypeCode"]) == ("ACME", "SERVICES")
    assert (second["Alias"], second["SupplierType"], second["SupplierTypeCode"]) == (
        "ACME", None, None,
    )  # fmt: skip
    assert second["Supplier"] == "ACME OFFICE SUPPLIES"


def test_every_write_moves_moment_author_and_indicator(own: Any) -> None:
    """Even within one millisecond the later write has a later moment and another ETag."""
    path = f"{SUPPLIERS}/{ACME}"
    replies = [patch(own, path, {"Alias": "ACME"}) for _ in range(3)]
    moments = [reply.json()["LastUpdateDate"] for reply in replies]

    assert moments == sorted(set(moments))
    assert len({reply.headers["etag"] for reply in replies}) == 3
    assert replies[0].json()["LastUpdatedBy"] == "INTEGRATION.USER"


def test_stale_if_match_is_412_with_the_present_indicator(own: Any) -> None:
    """The loser learns the present ETag and has changed nothing; without one the last wins."""
    path = f"{SUPPLIERS}/{ACME}"
    seen = own.call("GET", path).headers["etag"]
    own.do("change_supplier", SupplierNumber="10005", Alias="THEIRS")
    stale = patch(own, path, {"Alias": "OURS"}, **{"If-Match": seen})
    kept = own.read(path)["Alias"]
    fresh = patch(own, path, {"Alias": "OURS"}, **{"If-Match": stale.headers["etag"]})

    assert (stale.status_code, kept) == (412, "THEIRS")
    assert stale.json()["status"] == "412"
    assert (fresh.status_code, fresh.json()["Alias"]) == (200, "OURS")
    assert patch(own, path, {"Alias": "LAST"}).status_code == 200


def test_supplier_ends_and_comes_back_by_its_end_date(own: Any) -> None:
    """The status cannot be written; the date decides it, today included."""
    path = f"{SUPPLIERS}/{ACME}"
    statuses = [
        patch(own, path, {"InactiveDate": day}).json()["Status"]
        for day in ("2026-02-01", "2026-11-03", "2026-11-04", None)
    ]

    assert statuses == ["INACTIVE", "INACTIVE", "ACTIVE", "ACTIVE"]


def test_read_only_member_is_refused_unless_it_is_what_was_read(own: Any) -> None:
    """The same value passes; another one is 400, or ignored on some releases."""
    path = f"{SUPPLIERS}/{ACME}"
    same = patch(
        own, path, {"Status": "ACTIVE", "SupplierId": ACME, "CreatedBy": "INTEGRATION.USER"}
    )
    other = patch(own, path, {"Status": "INACTIVE"})
    own.turn(read_only_member="ignore")
    ignored = patch(own, path, {"Status": "INACTIVE", "Alias": "A"})

    assert (same.status_code, other.status_code) == (200, 400)
    assert detail(other)["o:errorPath"] == "/Status"
    assert (ignored.status_code, ignored.json()["Status"]) == (200, "ACTIVE")
    assert ignored.json()["Alias"] == "A"


def test_masked_tax_id_is_lost_by_writing_back_what_was_read(own: Any) -> None:
    """It reads as null; null written back clears it and the flag tells."""
    prospect = patch(own, f"{SUPPLIERS}/{ACME}", {"BusinessRelationshipCode": "PROSPECTIVE"})
    cleared = patch(own, f"{SUPPLIERS}/{ACME}", {"TaxpayerId": None})

    assert prospect.json()["TaxpayerIdExistsFlag"] is True
    assert cleared.json()["TaxpayerIdExistsFlag"] is False


@pytest.mark.parametrize(
    "body",
    [
        {"Supplier": None}, {"Supplier": ""}, {"SupplierNumber": None},
        {"TaxOrganizationType": None},
        {"Supplier": "Müller & Söhne GmbH"}, {"SupplierNumber": "10006"},
        {"ParentSupplier": "ACME OFFICE SUPPLIES"}, {"TaxpayerCountryCode": None},
        {"sites": [{"SupplierSiteId": 1, "Email": "a"}]},
        {"Alias": "NEW", "sites": [{"SupplierSiteId": 300000002336660, "Nonsense": 1}]},
    ],
)  # fmt: skip
def test_refused_change_leaves_the_supplier_as_it_was(own: Any, body: dict[str, Any]) -> None:
    """All or nothing, children included."""
    before = own.read(f"{SUPPLIERS}/{ACME}?expand=sites")
    reply = patch(own, f"{SUPPLIERS}/{ACME}", body)

    assert reply.status_code == 400, reply.text
    assert own.read(f"{SUPPLIERS}/{ACME}?expand=sites") == before


def test_repeated_name_does_not_stop_other_changes(own: Any) -> None:
    """Names that repeat from before are no reason to refuse an alias."""
    supplier_id = own.items(f"{SUPPLIERS}?q=SupplierNumber='10013'")[0]["SupplierId"]

    assert patch(own, f"{SUPPLIERS}/{supplier_id}", {"Alias": "NW"}).status_code == 200


def test_supplier_that_never_was_identified_can_change_otherwise(own: Any) -> None:
    """The rule about tax ids holds for changes of what it is about, not for old rows."""
    own.server.store.execute("UPDATE poz_suppliers SET _taxpayer = NULL, DUNSNumber = NULL")
    other = patch(own, f"{SUPPLIERS}/{ACME}", {"Alias": "A"})
    about = patch(own, f"{SUPPLIERS}/{ACME}", {"TaxpayerCountryCode": "CA"})

    assert (other.status_code, about.status_code) == (200, 400)


def test_children_are_changed_and_added_through_the_supplier(own: Any) -> None:
    """Members with an id change that row, members without add one."""
    body = {
        "addresses": [
            {"SupplierAddressId": 300000002336650, "City": "Oakland"},
            {"AddressName": "Second", "CountryCode": "CA"},
        ]
    }
    reply = patch(own, f"{SUPPLIERS}/{ACME}", body)
    addresses = own.items(f"{SUPPLIERS}/{ACME}/child/addresses")

    assert reply.status_code == 200
    assert [(a["AddressName"], a["City"]) for a in addresses] == [
        ("HQ", "Oakland"), ("Second", None),
    ]  # fmt: skip


def test_site_is_changed_at_its_own_address_under_its_own_indicator(own: Any) -> None:
    """A child has an ETag of its own; the unit of a site stays."""
    tag = own.call("GET", SITE).headers["etag"]
    changed = patch(own, SITE, {"InactiveDate": "2026-02-01"}, **{"If-Match": tag})
    stale = patch(own, SITE, {"Email": "a@b.c"}, **{"If-Match": tag})
    moved = patch(own, SITE, {"ProcurementBUId": 300000001293511})

    assert (changed.status_code, changed.json()["Status"]) == (200, "INACTIVE")
    assert (stale.status_code, moved.status_code) == (412, 400)
