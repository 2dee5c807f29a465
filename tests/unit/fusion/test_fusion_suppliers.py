"""Suppliers and sites from hand-made replies in the documented shapes."""

import json
from datetime import date
from typing import Any

import pytest

from ml_connector.domain.dimensions import Member, order_parents_first
from ml_connector.errors import AccessDeniedError, ProtocolError, RefusedError, UsageError
from ml_connector.settings.suppliers import ATTRIBUTE_KINDS
from ml_connector.systems.fusion.paging import is_whole
from ml_connector.systems.fusion.suppliers import SUPPLIER_DIMENSIONS, build_site, build_supplier
from ml_connector.systems.fusion.wire import AddressRow, Page, SiteRow, SupplierRow

ROOT = "/fscmRestApi/resources/11.13.18.05"
SUPPLIERS = f"{ROOT}/suppliers"
TODAY = date(2026, 11, 3)
ACME = {
    "SupplierId": 300000002336641, "Supplier": "ACME OFFICE SUPPLIES", "SupplierNumber": "10005",
    "TaxOrganizationTypeCode": "CORPORATION", "TaxOrganizationType": "Corporation",
    "SupplierTypeCode": "OFFICE_SUPPLIES", "SupplierType": "Office Supplies",
    "InactiveDate": None, "Status": "ACTIVE", "BusinessRelationshipCode": "SPEND_AUTHORIZED",
    "ParentSupplierNumber": None, "Alias": None, "DUNSNumber": "000000018",
    "OneTimeSupplierFlag": False, "RegistryId": "2011", "TaxRegistrationCountryCode": "DE",
    "TaxRegistrationNumber": "DE129273398", "TaxpayerCountryCode": "US", "TaxpayerId": "12-3456789",
    "TaxpayerIdExistsFlag": True, "NationalInsuranceNumber": "QQ123456C",
    "CustomerNumber": "00042", "CorporateWebsite": "https://acme.example", "YearEstablished": 1987,
}  # fmt: skip
SITE = {
    "SupplierSiteId": 300000002336660, "SupplierSite": "ACME-SFO",
    "ProcurementBUId": 300000001293500, "ProcurementBU": "US1 Business Unit",
    "SupplierAddressId": 300000002336650, "SupplierAddressName": "HQ", "Status": "ACTIVE",
    "InactiveDate": None, "SitePurposePurchasingFlag": True, "SitePurposePayFlag": "Y",
    "SitePurposePrimaryPayFlag": "N", "SitePurposeSourcingOnlyFlag": False,
    "SitePurposeProcurementCardFlag": None, "InvoiceCurrencyCode": "USD",
    "PaymentTerms": "Net 30", "PayGroupCode": "STANDARD",
}  # fmt: skip
ADDRESS = {
    "SupplierAddressId": 300000002336650, "AddressName": "HQ", "City": "San Francisco",
    "CountryCode": "US", "InactiveDate": "4712-12-31",
}  # fmt: skip


@pytest.fixture
def script(empty_script: Any) -> Any:
    """A pod that knows nothing yet."""
    return empty_script


def children(*rows: dict[str, Any], more: bool = False, **envelope: Any) -> dict[str, Any]:
    """Children as they come within their row."""
    return {"items": rows, "count": len(rows), "hasMore": more, "limit": 25, "offset": 0} | envelope


def serve(script: Any, *suppliers: dict[str, Any]) -> None:
    """The pod has these suppliers, in the order of their ids, and answers by key."""

    def answer(request: Any) -> Any:
        query = script.query(request)
        after, limit = int(query["q"].removeprefix("SupplierId > ")), int(query["limit"])
        rows = [row for row in suppliers if row["SupplierId"] > after]
        page = [json.dumps(row) for row in rows[:limit]]
        return script.page(*page, more=len(rows) > limit, limit=limit)

    script.on(SUPPLIERS, answer)


def read(script: Any, dimension: str = "suppliers", **changes: Any) -> list[Member]:
    """The members of the dimension."""
    return list(script.connect(**changes).read_members(dimension))


def test_supplier_becomes_a_member_under_its_number(script: Any) -> None:
    """Code, name and properties in their order; flags and codes in one spelling."""
    serve(script, ACME)

    (member,) = read(script)

    assert (member.code, member.name, member.parent_code) == ("10005", "ACME OFFICE SUPPLIES", "")
    assert member.is_active
    assert member.properties == (
        ("supplier_id", "300000002336641"), ("status", "ACTIVE"), ("inactive_date", ""),
        ("type", "OFFICE_SUPPLIES"), ("type_name", "Office Supplies"),
        ("business_relationship", "SPEND_AUTHORIZED"), ("tax_organisation_type", "CORPORATION"),
        ("taxpayer_country", "US"), ("tax_registration_country", "DE"),
        ("tax_registration_number", "DE129273398"), ("one_time", "N"), ("alternate_name", ""),
        ("alias", ""), ("duns_number", "000000018"), ("registry_id", "2011"),
        ("parent_supplier", ""), ("customer_number", "00042"),
        ("corporate_website", "https://acme.example"), ("year_established", "1987"),
    )  # fmt: skip


@pytest.mark.parametrize(("year", "shown"), [(None, ""), (1987, "1987"), ("1987", "1987")])
def test_year_is_text_however_the_pod_writes_it(script: Any, year: Any, shown: str) -> None:
    """A number, a text and nothing at all are three spellings of two things."""
    serve(script, ACME | {"YearEstablished": year})

    (member,) = read(script)

    assert dict(member.properties)["year_established"] == shown


def test_attributes_for_planners_bear_the_names_under_which_they_are_written() -> None:
    """A planner who gets an attribute and one who revises it call it the same."""
    row = SupplierRow(supplier_id=1, supplier_number="1")
    offered = dict(build_supplier(row, number="1", today=TODAY).properties)

    both = {"customer_number", "corporate_website", "year_established", "one_time", "alias"}
    assert both <= offered.keys()
    assert both <= ATTRIBUTE_KINDS.keys()


def test_numbers_of_persons_are_no_property(script: Any) -> None:
    """What identifies a person to the state never gets as far as a file."""
    serve(script, ACME)

    (member,) = read(script)

    assert not {"12-3456789", "QQ123456C"} & set(dict(member.properties).values())


@pytest.mark.parametrize(
    ("change", "is_active", "status", "inactive_date"),
    [
        ({}, True, "ACTIVE", ""),
        ({"InactiveDate": "4712-12-31"}, True, "ACTIVE", ""),
        ({"InactiveDate": "2026-11-04"}, True, "ACTIVE", "2026-11-04"),
        ({"InactiveDate": "2026-11-03"}, False, "INACTIVE", "2026-11-03"),
        ({"InactiveDate": "2026-11-02"}, False, "INACTIVE", "2026-11-02"),
        ({"Status": "INACTIVE"}, False, "INACTIVE", ""),
        ({"Status": "INACTIVE", "InactiveDate": "2026-11-04"}, False, "INACTIVE", "2026-11-04"),
        ({"Status": None}, True, "ACTIVE", ""),
        ({"Status": None, "InactiveDate": "2020-01-01"}, False, "INACTIVE", "2020-01-01"),
        ({"Status": "ON_HOLD"}, True, "ON_HOLD", ""),
    ],
    ids=str,
)
def test_supplier_is_inactive_from_its_date_on_or_by_its_status(
    script: Any, change: dict[str, Any], status: str, inactive_date: str, *, is_active: bool
) -> None:
    """The day itself counts as inactive; the end of time is no end; either mark suffices."""
    serve(script, ACME | change)

    (member,) = read(script)

    properties = dict(member.properties)
    assert member.is_active is is_active
    assert (properties["status"], properties["inactive_date"]) == (status, inactive_date)


@pytest.mark.parametrize(
    ("flag", "shown"),
    [(True, "Y"), (False, "N"), ("Y", "Y"), ("N", "N"), ("No", "N"), (None, ""), ("?", "")],
)
def test_flag_is_read_in_every_spelling(script: Any, flag: object, shown: str) -> None:
    """`"N"` is no, and a flag that says nothing is neither."""
    serve(script, ACME | {"OneTimeSupplierFlag": flag})

    (member,) = read(script)

    assert dict(member.properties)["one_time"] == shown


@pytest.mark.parametrize("number", ["000417", "10005", " 10005 ", "ÄÖ-1", "1e5"])
def test_supplier_number_stays_text(script: Any, number: str) -> None:
    """Leading zeros and letters stay; blanks around it, which a list would drop, do not."""
    serve(script, ACME | {"SupplierNumber": number})

    (member,) = read(script)

    assert member.code == number.strip()


@pytest.mark.parametrize("name", [None, "", "  "])
def test_supplier_without_name_goes_by_its_number(script: Any, name: str | None) -> None:
    """A list item has a name."""
    serve(script, ACME | {"Supplier": name})

    (member,) = read(script)

    assert member.name == "10005"


def test_suppliers_of_one_name_are_two_members(script: Any) -> None:
    """Names repeat, numbers do not."""
    serve(script, ACME, ACME | {"SupplierId": 300000002336642, "SupplierNumber": "10006"})

    assert [(m.code, m.name) for m in read(script)] == [
        ("10005", "ACME OFFICE SUPPLIES"),
        ("10006", "ACME OFFICE SUPPLIES"),
    ]


@pytest.mark.parametrize("number", [None, "", "  "])
@pytest.mark.parametrize("dimension", SUPPLIER_DIMENSIONS)
def test_supplier_without_number_is_refused_by_its_id(
    script: Any, number: str | None, dimension: str
) -> None:
    """No member can stand for it, and leaving it out would be a silent loss."""
    serve(script, ACME | {"SupplierNumber": number, "sites": children(SITE)})

    with pytest.raises(RefusedError, match=r"300000002336641.*without a number"):
        read(script, dimension)


@pytest.mark.parametrize("number", ["10005", "10005 "])
def test_two_suppliers_of_one_number_are_refused_by_their_ids(script: Any, number: str) -> None:
    """The flow would take the first, and the second would be lost without a word."""
    serve(script, ACME, ACME | {"SupplierId": 300000002336642, "SupplierNumber": number})

    with pytest.raises(RefusedError, match="'10005' twice: 300000002336641 and 300000002336642"):
        read(script)


def test_supplier_stands_below_its_parent_supplier(script: Any) -> None:
    """A flow may take the ERP's own hierarchy."""
    child = ACME | {
        "SupplierId": 300000002336642, "SupplierNumber": "9", "ParentSupplierNumber": "10005",
    }  # fmt: skip
    serve(script, ACME, child)

    members = order_parents_first(read(script))

    assert [(m.code, m.parent_code) for m in members] == [("10005", ""), ("9", "10005")]


def test_suppliers_are_asked_for_by_key_with_the_version_pinned(script: Any) -> None:
    """Only the id stands in the query, whatever else a pod may let one filter by."""
    serve(script, ACME)

    read(script, page_size=1)

    assert [script.query(each) for each in script.requests] == [
        {
            "q": f"SupplierId > {after}", "orderBy": "SupplierId:asc", "onlyData": "true",
            "limit": "1", "offset": "0",
        }
        for after in (0, 300000002336641)
    ]  # fmt: skip
    assert {each.headers["REST-Framework-Version"] for each in script.requests} == {"4"}
    assert not script.count("/describe")


@pytest.mark.parametrize("dimension", SUPPLIER_DIMENSIONS)
def test_pod_that_takes_no_key_is_read_by_offset(script: Any, dimension: str) -> None:
    """Refused as not queryable, the question is put without a condition; all rows come."""
    rows = [
        ACME | {
            "SupplierId": number, "SupplierNumber": str(number),
            "sites": children(SITE | {"SupplierSiteId": number}),
        }
        for number in range(1, 6)
    ]  # fmt: skip

    def answer(request: Any) -> Any:
        query = script.query(request)
        if "q" in query:
            return 400
        at, limit = int(query["offset"]), int(query["limit"])
        page = [json.dumps(row) for row in rows[at : at + limit]]
        return script.page(*page, offset=at, limit=limit, more=at + limit < len(rows))

    script.on(SUPPLIERS, answer)

    assert len(read(script, dimension, page_size=2)) == 5
    assert {script.query(each)["orderBy"] for each in script.requests} == {"SupplierId:asc"}


def test_refusal_in_the_midst_of_the_sweep_ends_it(script: Any) -> None:
    """What was taken once is not asked for in another way half-way through."""
    script.on(SUPPLIERS, [script.page(json.dumps(ACME)), 400])

    with pytest.raises(RefusedError):
        read(script)
    assert len(script.requests) == 2


@pytest.mark.parametrize("status", [404, 409])
def test_other_refusals_of_the_key_are_not_taken_for_one(script: Any, status: int) -> None:
    """Only 400 says that the question was wrong."""
    script.on(SUPPLIERS, status)

    with pytest.raises(RefusedError):
        read(script)
    assert len(script.requests) == 1


def test_row_given_twice_by_offset_is_refused(script: Any) -> None:
    """An offset that slipped is seen by the row that comes again."""
    rows = [json.dumps(ACME), json.dumps(ACME | {"SupplierId": 2, "SupplierNumber": "2"})]
    pages = {0: script.page(*rows, limit=2), 2: script.page(rows[1], limit=2, offset=2)}

    def answer(request: Any) -> Any:
        query = script.query(request)
        return 400 if "q" in query else pages[int(query["offset"])]

    script.on(SUPPLIERS, answer)

    with pytest.raises(ProtocolError, match="second time"):
        read(script, page_size=2)


@pytest.mark.parametrize(("dimension", "requests"), [("suppliers", 21), ("supplier-sites", 101)])
def test_requests_for_ten_thousand_suppliers_are_few(
    script: Any, dimension: str, requests: int
) -> None:
    """One request for each page, and one that finds nothing more."""
    rows = [
        {
            "SupplierId": number, "SupplierNumber": str(number), "Supplier": "One of many",
            "sites": children(SITE | {"SupplierSiteId": number}),
        }
        for number in range(1, 10_001)
    ]  # fmt: skip

    def answer(request: Any) -> Any:
        query = script.query(request)
        after, limit = int(query["q"].removeprefix("SupplierId > ")), int(query["limit"])
        return script.page(*map(json.dumps, rows[after : after + limit]), limit=limit)

    script.on(SUPPLIERS, answer)

    assert len(read(script, dimension)) == 10_000
    assert len(script.requests) == requests


@pytest.mark.parametrize("dimension", SUPPLIER_DIMENSIONS)
@pytest.mark.parametrize("page", ['{"hasMore":false}', '{"items":[],"count":0,"hasMore":false}'])
def test_pod_without_suppliers_has_no_members(script: Any, dimension: str, page: str) -> None:
    """The list may be absent when it is empty."""
    script.on(SUPPLIERS, page)

    assert read(script, dimension) == []
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    ("page", "match"),
    [
        ('{"items":[],"hasMore":true}', "announces more"),
        ('{"items":[{"SupplierId":1,"SupplierNumber":"1"}],"count":2,"hasMore":false}', "counts 2"),
        (
            '{"items":[{"SupplierId":2,"SupplierNumber":"2"},{"SupplierId":1}],"hasMore":false}',
            "supplier 1 after supplier 2",
        ),
        ('{"items":[{"SupplierId":"1"}],"hasMore":false}', "SupplierId"),
        ('{"items":[{"SupplierId":1,"SupplierNumber":10005}],"hasMore":false}', "SupplierNumber"),
        ('{"items":[{"SupplierId":1,"InactiveDate":"soon"}],"hasMore":false}', "InactiveDate"),
        ('{"items":[{"SupplierId":1', "cannot be read"),
        ("<html><title>Sign in</title></html>", "HTML"),
    ],
)
def test_odd_page_is_refused(script: Any, page: str, match: str) -> None:
    """A page that contradicts itself, or is none."""
    script.on(SUPPLIERS, page)

    with pytest.raises(ProtocolError, match=match):
        read(script)


def test_page_longer_than_asked_for_is_refused(script: Any) -> None:
    """Whoever ignores the limit may ignore the key as well."""
    rows = [json.dumps(ACME | {"SupplierId": number}) for number in (1, 2)]
    script.on(SUPPLIERS, script.page(*rows))

    with pytest.raises(ProtocolError, match="2 rows where 1 were asked for"):
        read(script, page_size=1)


def test_missing_privilege_is_an_error_not_an_empty_list(script: Any) -> None:
    """403 says it; only missing data access looks like no suppliers."""
    script.on(SUPPLIERS, 403)

    with pytest.raises(AccessDeniedError):
        read(script)


def test_unknown_dimension_names_those_there_are(script: Any) -> None:
    """A typing error shows what could have been meant."""
    with pytest.raises(UsageError, match="`suppliers`, `supplier-sites`"):
        read(script, "vendors")
    assert script.requests == []


# --- sites --------------------------------------------------------------------------------------


def test_site_becomes_a_member_below_its_supplier(script: Any) -> None:
    """Code of number, site and unit; the address by its id; purposes in words."""
    serve(script, ACME | {"sites": children(SITE), "addresses": children(ADDRESS)})

    (member,) = read(script, "supplier-sites")

    assert (member.code, member.name) == (
        "10005/ACME-SFO/300000001293500", "ACME OFFICE SUPPLIES, ACME-SFO",
    )  # fmt: skip
    assert (member.parent_code, member.is_active) == ("10005", True)
    assert member.properties == (
        ("site_id", "300000002336660"), ("site", "ACME-SFO"), ("supplier_number", "10005"),
        ("supplier_name", "ACME OFFICE SUPPLIES"), ("procurement_bu", "US1 Business Unit"),
        ("status", "ACTIVE"), ("inactive_date", ""), ("address", "HQ"), ("city", "San Francisco"),
        ("country", "US"), ("purposes", "purchasing, pay"), ("currency", "USD"),
        ("payment_terms", "Net 30"), ("pay_group", "STANDARD"),
    )  # fmt: skip


def test_sites_come_with_their_suppliers_in_smaller_pages(script: Any) -> None:
    """A hundred suppliers with all they have are enough for one answer."""
    serve(script, ACME | {"sites": children(SITE), "addresses": children(ADDRESS)})

    read(script, "supplier-sites")
    read(script, "supplier-sites", page_size=40)

    queries = [script.query(each) for each in script.requests]
    assert {query["expand"] for query in queries} == {"sites,addresses"}
    assert [query["limit"] for query in queries] == ["100", "100", "40", "40"]


def test_one_site_name_in_two_units_is_two_members(script: Any) -> None:
    """The unit's id keeps them apart, so neither changes its code when the other comes."""
    other = SITE | {"SupplierSiteId": 7, "ProcurementBUId": 8, "ProcurementBU": "Other"}
    serve(script, ACME | {"sites": children(SITE, other)})

    assert [member.code for member in read(script, "supplier-sites")] == [
        "10005/ACME-SFO/300000001293500",
        "10005/ACME-SFO/8",
    ]


def test_two_sites_of_one_code_are_refused_by_their_ids(script: Any) -> None:
    """As with suppliers: the second would be lost."""
    serve(script, ACME | {"sites": children(SITE, SITE | {"SupplierSiteId": 7})})

    with pytest.raises(
        RefusedError, match="ACME-SFO/300000001293500' twice: 300000002336660 and 7"
    ):
        read(script, "supplier-sites")


@pytest.mark.parametrize(
    "change",
    [
        {"ProcurementBUId": None},
        {"SupplierAddressId": None},
        {"SupplierAddressId": 99},
    ],
    ids=str,
)
def test_site_with_something_missing_is_a_member_still(script: Any, change: dict[str, Any]) -> None:
    """Without unit the code is shorter; without visible address its city stays empty."""
    serve(script, ACME | {"sites": children(SITE | change), "addresses": children(ADDRESS)})

    (member,) = read(script, "supplier-sites")

    if "ProcurementBUId" in change:
        assert member.code == "10005/ACME-SFO"
    else:
        assert dict(member.properties)["city"] == ""


@pytest.mark.parametrize(
    ("supplier", "site", "is_active"),
    [
        ({}, {}, True),
        ({}, {"Status": "INACTIVE"}, False),
        ({}, {"InactiveDate": "2026-11-03"}, False),
        ({}, {"InactiveDate": "2026-11-04"}, True),
        ({"Status": "INACTIVE"}, {}, False),
        ({"InactiveDate": "2026-11-03"}, {}, False),
    ],
    ids=str,
)
def test_site_is_active_when_it_and_its_supplier_are(
    script: Any, supplier: dict[str, Any], site: dict[str, Any], *, is_active: bool
) -> None:
    """Nobody can use a site of an inactive supplier."""
    serve(script, ACME | supplier | {"sites": children(SITE | site)})

    (member,) = read(script, "supplier-sites")

    assert member.is_active is is_active
    assert dict(member.properties)["status"] == ("ACTIVE" if is_active else "INACTIVE")


@pytest.mark.parametrize("absent", [{}, {"sites": None, "addresses": None}, {"sites": children()}])
def test_supplier_without_sites_has_no_site(script: Any, absent: dict[str, Any]) -> None:
    """The children may be absent, null or empty."""
    serve(script, ACME | absent)

    assert read(script, "supplier-sites") == []


@pytest.mark.parametrize(
    "sites",
    [
        children(SITE, more=True),
        children(SITE, limit=1),
        children(SITE, count=2),
        children(*[SITE | {"SupplierSiteId": n, "SupplierSite": f"S{n}"} for n in range(25)]),
    ],
    ids=["more announced", "limit reached", "another count", "full without a word"],
)
def test_sites_that_may_not_be_all_are_read_whole(script: Any, sites: dict[str, Any]) -> None:
    """The first of a supplier's sites come with it; the rest lie below it."""
    rows = [json.dumps(SITE | {"SupplierSiteId": n, "SupplierSite": f"S{n}"}) for n in range(30)]
    serve(script, ACME | {"sites": sites})
    script.on(f"{SUPPLIERS}/300000002336641/child/sites", script.page(*rows))

    members = read(script, "supplier-sites")

    assert [dict(member.properties)["site"] for member in members] == [f"S{n}" for n in range(30)]
    assert script.count("/child/sites") == 1
    assert script.count("/child/addresses") == 0


def test_addresses_that_may_not_be_all_are_read_whole(script: Any) -> None:
    """A site far down the list finds its city."""
    other = ADDRESS | {"SupplierAddressId": 1}
    serve(script, ACME | {"sites": children(SITE), "addresses": children(other, more=True)})
    script.on(
        f"{SUPPLIERS}/300000002336641/child/addresses",
        script.page(json.dumps(other), json.dumps(ADDRESS)),
    )

    (member,) = read(script, "supplier-sites")

    assert dict(member.properties)["city"] == "San Francisco"


def test_sites_that_vanish_while_read_are_refused(script: Any) -> None:
    """A supplier out of sight between two requests is not one without sites."""
    serve(script, ACME | {"sites": children(SITE, more=True)})

    with pytest.raises(RefusedError, match="child/sites"):
        read(script, "supplier-sites")


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (None, True),
        (Page[SiteRow](has_more=False), True),
        (Page[SiteRow](items=[], count=0, has_more=False, limit=25), True),
        (Page[SiteRow](has_more=True), False),
        (Page[SiteRow](count=1, has_more=False), False),
    ],
)
def test_children_are_whole_when_nothing_speaks_against_it(
    page: Page[SiteRow] | None, *, expected: bool
) -> None:
    """Absent ones are none; any hint of more counts."""
    assert is_whole(page) is expected


def test_properties_come_in_one_order() -> None:
    """Whatever a row holds, a member of a dimension has the same properties."""
    bare = build_supplier(SupplierRow(supplier_id=1), number="1", today=TODAY)
    full = build_supplier(
        SupplierRow(supplier_id=2, alias="A", inactive_date=TODAY), number="2", today=TODAY
    )
    site = SiteRow(supplier_site_id=1, supplier_site="S")
    address = AddressRow(supplier_address_id=3, city="Bern")
    sites = [build_site(site, bare, address=each, today=TODAY) for each in (None, address)]

    assert [name for name, _ in bare.properties] == [name for name, _ in full.properties]
    assert [name for name, _ in sites[0].properties] == [name for name, _ in sites[1].properties]
