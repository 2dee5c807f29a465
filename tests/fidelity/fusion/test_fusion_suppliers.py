"""Suppliers as they are read: shapes, filters, children, changes, and what may not be seen."""

from typing import Any

import pytest

SUPPLIERS = "/suppliers"
ACME = 300000002336641
ACME_MEMBERS = {
    "SupplierId": 300000002336641,
    "SupplierPartyId": 300000002336630,
    "Supplier": "ACME OFFICE SUPPLIES",
    "SupplierNumber": "10005",
    "AlternateName": None,
    "TaxOrganizationTypeCode": "CORPORATION",
    "TaxOrganizationType": "Corporation",
    "SupplierTypeCode": None,
    "SupplierType": None,
    "InactiveDate": None,
    "Status": "ACTIVE",
    "BusinessRelationshipCode": "SPEND_AUTHORIZED",
    "BusinessRelationship": "Spend Authorized",
    "ParentSupplierId": None,
    "ParentSupplier": None,
    "ParentSupplierNumber": None,
    "CreationDate": "2023-08-16T09:51:46.001+00:00",
    "CreatedBy": "INTEGRATION.USER",
    "LastUpdateDate": "2023-08-16T09:51:48.217+00:00",
    "LastUpdatedBy": "INTEGRATION.USER",
    "CreationSourceCode": "WEB_SERVICE",
    "CreationSource": "Web Service",
    "DataFoxScore": None,
    "DataFoxScoringCriteria": None,
    "Alias": None,
    "DUNSNumber": "000000018",
    "OneTimeSupplierFlag": False,
    "RegistryId": "2011",
    "CustomerNumber": None,
    "StandardIndustryClass": None,
    "IndustryCategory": None,
    "IndustrySubcategory": None,
    "NationalInsuranceNumber": None,
    "NationalInsuranceNumberExistsFlag": False,
    "CorporateWebsite": None,
    "YearEstablished": None,
    "MissionStatement": None,
    "YearIncorporated": None,
    "ChiefExecutiveTitle": None,
    "ChiefExecutiveName": None,
    "PrincipalTitle": None,
    "PrincipalName": None,
    "FiscalYearEndMonthCode": None,
    "FiscalYearEndMonth": None,
    "CurrentFiscalYearPotentialRevenue": None,
    "PreferredFunctionalCurrencyCode": None,
    "PreferredFunctionalCurrency": None,
    "TaxRegistrationCountryCode": None,
    "TaxRegistrationCountry": None,
    "TaxRegistrationNumber": None,
    "TaxpayerCountryCode": "US",
    "TaxpayerCountry": "United States",
    "TaxpayerId": None,
    "TaxpayerIdExistsFlag": True,
    "FederalReportableFlag": None,
    "FederalIncomeTaxTypeCode": None,
    "FederalIncomeTaxType": None,
    "StateReportableFlag": False,
    "TaxReportingName": None,
    "NameControl": None,
    "VerificationDate": None,
    "UseWithholdingTaxFlag": False,
    "WithholdingTaxGroupId": None,
    "WithholdingTaxGroup": None,
    "BusinessClassificationNotApplicableFlag": None,
    "OBNEnabledFlag": None,
    "OnOFACListFlag": None,
    "OFACSources": None,
}
ACME_SITE = {
    "SupplierSiteId": 300000002336660,
    "SupplierSite": "ACME-SFO",
    "ProcurementBUId": 300000001293500,
    "ProcurementBU": "Halden US Procurement",
    "SupplierAddressId": 300000002336650,
    "SupplierAddressName": "HQ",
    "Status": "ACTIVE",
    "InactiveDate": None,
    "SitePurposePurchasingFlag": True,
    "SitePurposePayFlag": True,
    "SitePurposePrimaryPayFlag": False,
    "SitePurposeSourcingOnlyFlag": False,
    "Email": None,
    "CommunicationMethodCode": "NONE",
    "HoldAllNewPurchasingDocumentsFlag": False,
    "PurchasingHoldReason": None,
    "InvoiceCurrencyCode": "USD",
    "CreationDate": "2023-08-16T10:02:00.000+00:00",
    "LastUpdateDate": "2024-05-01T07:00:00.000+00:00",
}


def numbers(fusion: Any, query: str, **more: Any) -> list[str]:
    """The numbers of the suppliers a query finds."""
    path = f"{SUPPLIERS}?limit=500&onlyData=true&fields=SupplierNumber&{query}"
    return [item["SupplierNumber"] for item in fusion.items(path, **more)]


def test_supplier_has_the_members_of_the_field_notes_in_their_order(fusion: Any) -> None:
    """One supplier is the golden record, to the member and the millisecond."""
    item = fusion.read(f"{SUPPLIERS}/{ACME}")
    links = item.pop("links")

    assert list(item.items()) == list(ACME_MEMBERS.items())
    assert links[0]["rel"] == "self"
    assert links[0]["properties"]["changeIndicator"].startswith("ACED0005")
    assert {link["name"] for link in links if link["rel"] == "child"} >= {
        "addresses", "sites", "contacts",
    }  # fmt: skip
    assert {"rel": "lov", "name": "TaxOrganizationTypeLookup", "kind": "collection"}.items() <= (
        next(link for link in links if link["name"] == "TaxOrganizationTypeLookup").items()
    )


def test_site_has_the_members_of_the_field_notes(fusion: Any) -> None:
    """The site belongs to a unit and to an address of its supplier."""
    site = fusion.items(f"{SUPPLIERS}/{ACME}/child/sites")[0]

    assert ACME_SITE.items() <= site.items()


def test_address_flags_are_booleans_and_its_end_is_the_end_of_time(fusion: Any) -> None:
    """An address that does not end says 4712-12-31, a site says null."""
    address = fusion.items(f"{SUPPLIERS}/{ACME}/child/addresses")[0]

    assert address["SupplierAddressId"] == 300000002336650
    assert (address["AddressName"], address["CountryCode"], address["Country"]) == (
        "HQ", "US", "United States",
    )  # fmt: skip
    assert (address["InactiveDate"], address["Status"]) == ("4712-12-31", "ACTIVE")
    assert address["AddressPurposeOrderingFlag"] is True
    assert address["AddressPurposeRFQOrBiddingFlag"] is False


def test_assignment_hangs_below_its_site(fusion: Any) -> None:
    """Two levels down stands the unit that trades."""
    path = f"{SUPPLIERS}/{ACME}/child/sites/300000002336660/child/assignments"
    assignment = fusion.items(path)[0]

    assert assignment["ClientBU"] == assignment["BillToBU"] == "Halden US Procurement"


@pytest.mark.parametrize("accessor", ["businessClassifications", "attachments", "DFF"])
def test_unused_children_are_empty_collections(fusion: Any, accessor: str) -> None:
    """What the company does not use is there, without rows."""
    assert fusion.read(f"{SUPPLIERS}/{ACME}/child/{accessor}")["count"] == 0


def test_lists_of_values_can_be_read_and_are_hidden_in_newer_versions(fusion: Any) -> None:
    """Links to them end with version 7."""
    countries = fusion.items(f"{SUPPLIERS}/{ACME}/lov/CountryLookup")
    newer = fusion.read(f"{SUPPLIERS}/{ACME}", version=7)

    assert {"LookupCode": "US", "Meaning": "United States"}.items() <= countries[0].items()
    assert all(link["rel"] != "lov" for link in newer["@context"]["links"])


def test_seed_holds_what_the_company_promises(fusion: Any) -> None:
    """400 suppliers: repeated names, ended ones, leading zeros, accents, quotes."""
    items = fusion.items(f"{SUPPLIERS}?limit=500&onlyData=true")
    names = [item["Supplier"] for item in items]

    assert len(items) == len({item["SupplierNumber"] for item in items}) == 400
    assert names.count("Summit Tooling LLC") == 3
    assert names.count("Northwind Calibration Inc") == 2
    assert {"Müller & Söhne GmbH", 'O\'Brien "Quick" Freight Ltd', "北日本計器株式会社"} <= set(
        names
    )
    assert "000417" in {item["SupplierNumber"] for item in items}
    assert 30 < sum(item["Status"] == "INACTIVE" for item in items) < 60


def test_status_follows_the_end_date_and_the_day(own: Any) -> None:
    """A supplier that ends in three days is active until then."""
    path = f"{SUPPLIERS}?q=SupplierNumber='10018'"
    before = own.items(path)[0]
    own.clock.advance(3 * 86_400)
    after = own.items(path)[0]

    assert (before["InactiveDate"], before["Status"]) == ("2026-11-06", "ACTIVE")
    assert after["Status"] == "INACTIVE"
    assert after["LastUpdateDate"] == before["LastUpdateDate"]


@pytest.mark.parametrize(
    ("query", "version", "expected"),
    [
        ("q=SupplierNumber=10005", 1, ["10005"]),
        ("q=SupplierNumber='10005'", 4, ["10005"]),
        (f"q=SupplierId={ACME}", 4, ["10005"]),
        ("q=Supplier='Northwind Calibration Inc'", 4, ["10013", "10014"]),
        ("q=Supplier like '%2525 Calibrated%2525'", 4, []),
        ("q=Supplier like '%25OFFICE%25'", 4, ["10005"]),
        ("q=Supplier LIKE '*ACME*'", 1, ["10005"]),
        ("q=Supplier='O''Brien \"Quick\" Freight Ltd'", 4, ["10007"]),
        ("q=Supplier='harbour freight ltd'", 4, []),
        ("q=upper(Supplier)='HARBOUR FREIGHT LTD'", 4, ["10015", "10016"]),
        ("finder=PrimaryKey;SupplierId=300000002336641", 4, ["10005"]),
        ("finder=PrimaryKey%3BSupplierId%3D300000002336641", 4, ["10005"]),
    ],
)
def test_suppliers_are_found(fusion: Any, query: str, version: int, expected: list[str]) -> None:
    """By number, id and name, in the syntax of the version."""
    assert numbers(fusion, query, version=version) == expected


@pytest.mark.parametrize(
    "query",
    [
        "q=Status='ACTIVE'", "q=TaxpayerId='1'", "q=Nonsense=1", "finder=ByName;Supplier=1",
        "fields=Nonsense", "expand=nonsense", "orderBy=Nonsense",
    ],
)  # fmt: skip
def test_what_suppliers_do_not_know_is_400(fusion: Any, query: str) -> None:
    """The status is no filter, and unknown names are refused."""
    assert fusion.call("GET", f"{SUPPLIERS}?{query}").status_code == 400


def test_changes_since_a_moment_are_found_where_the_pod_allows_it(fusion: Any) -> None:
    """With the switch off the date is refused with 400, and describe says so before."""
    query = "q=LastUpdateDate > '2026-06-01T00:00:00Z'"
    found = numbers(fusion, query)
    fusion.turn(supplier_last_update_queryable=False, supplier_last_update_sortable=False)
    described = fusion.read(f"{SUPPLIERS}/describe")["Resources"]["suppliers"]["attributes"]
    date = next(a for a in described if a["name"] == "LastUpdateDate")

    assert 0 < len(found) < 400
    assert date["queryable"] is False
    assert fusion.call("GET", f"{SUPPLIERS}?{query}").status_code == 400
    assert fusion.call("GET", f"{SUPPLIERS}?orderBy=LastUpdateDate").status_code == 400


def test_syncari_window_needs_a_pod_that_ignores_case(fusion: Any) -> None:
    """Lower camel names and unquoted literals of version 1 work on lenient pods alone."""
    query = "q=lastUpdateDate > 2026-06-01T00:00:00Z;lastUpdateDate <= 2026-11-03T00:00:00Z"
    strict = fusion.call("GET", f"{SUPPLIERS}?{query}", version=1)
    fusion.turn(attribute_case="insensitive")

    assert strict.status_code == 400
    assert numbers(fusion, query, version=1)


def test_pod_may_take_the_two_ids_only(fusion: Any) -> None:
    """On such a pod even the name is refused."""
    fusion.turn(supplier_names_queryable=False)
    refused = fusion.call("GET", f"{SUPPLIERS}?q=Supplier='X'")

    assert refused.status_code == 400
    assert refused.json()["o:errorDetails"][0]["detail"].endswith("is not queryable.")
    assert numbers(fusion, "q=SupplierNumber='10005'") == ["10005"]


def test_full_sweep_with_children_needs_the_nested_pages(fusion: Any) -> None:
    """An expanded child stops at 25 rows and says that there are more."""
    path = f"{SUPPLIERS}?q=SupplierNumber='10017'&expand=sites,addresses"
    item = fusion.items(path)[0]
    sites, href = item["sites"], f"{SUPPLIERS}/{item['SupplierId']}/child/sites"
    rest = fusion.items(f"{href}?limit=500&offset={sites['count']}")
    arrays = fusion.items(path, version=1)[0]

    assert (sites["count"], sites["hasMore"], item["addresses"]["hasMore"]) == (25, True, True)
    assert len({site["SupplierSiteId"] for site in sites["items"] + rest}) == 31
    assert (len(arrays["sites"]), len(arrays["addresses"])) == (31, 28)


def test_mcp_reads_a_supplier_with_its_children(fusion: Any) -> None:
    """Version 1, only data, children as arrays without links."""
    path = (
        f"{SUPPLIERS}?limit=1&offset=0&onlyData=true&expand=sites%2Ccontacts%2Caddresses"
        "&q=SupplierId+%3D+300000002336641"
    )
    item = fusion.items(path, version=None)[0]

    assert "links" not in item
    assert [site["SupplierSite"] for site in item["sites"]] == ["ACME-SFO"]
    assert [contact["LastName"] for contact in item["contacts"]] == ["Baker"]
    assert [address["AddressName"] for address in item["addresses"]] == ["HQ"]


def test_mcp_searches_suppliers(fusion: Any) -> None:
    """The search of the field notes finds the golden supplier, with its total."""
    path = (
        f"{SUPPLIERS}?limit=25&offset=0&onlyData=true&fields=SupplierId%2CSupplier"
        "&q=Supplier+LIKE+%27%2AACME%2A%27&totalResults=true"
    )
    page = fusion.read(path, version=None)

    assert page["items"] == [{"SupplierId": ACME, "Supplier": "ACME OFFICE SUPPLIES"}]
    assert page["totalResults"] == 1


def test_fields_reach_into_children(fusion: Any) -> None:
    """Attributes of children are named behind their accessor."""
    path = f"{SUPPLIERS}/{ACME}?fields=Supplier;sites:SupplierSite&onlyData=true"
    item = fusion.read(path)

    assert item["Supplier"] == "ACME OFFICE SUPPLIES"
    assert item["sites"]["items"] == [{"SupplierSite": "ACME-SFO"}]


def test_meanings_follow_the_language_and_codes_do_not(fusion: Any) -> None:
    """A German user reads the same code with another meaning."""
    item = fusion.read(f"{SUPPLIERS}/{ACME}", headers={"Accept-Language": "de"})

    assert item["BusinessRelationshipCode"] == "SPEND_AUTHORIZED"
    assert item["BusinessRelationship"] == "Ausgabenberechtigt"
    assert item["Status"] == "ACTIVE"


def test_missing_privilege_is_403_and_missing_data_is_nothing(fusion: Any) -> None:
    """Without the function the pod refuses; without the data it answers 200 and no rows."""
    fusion.turn(supplier_roles={"INTEGRATION.USER": []})
    empty = fusion.read(f"{SUPPLIERS}?totalResults=true")
    hidden = fusion.call("GET", f"{SUPPLIERS}/{ACME}")
    fusion.turn(supplier_privilege="denied")

    assert (empty["count"], empty["totalResults"], empty["items"]) == (0, 0, [])
    assert hidden.status_code == 404
    assert fusion.call("GET", SUPPLIERS).status_code == 403


def test_units_of_a_user_limit_suppliers_and_their_sites(fusion: Any) -> None:
    """Who buys for Kuwait sees suppliers with sites there, and those sites only."""
    unit = "Halden Kuwait Procurement"
    fusion.turn(supplier_roles={"INTEGRATION.USER": [unit]})
    items = fusion.items(f"{SUPPLIERS}?limit=500&expand=sites")

    assert 0 < len(items) < 400
    assert {s["ProcurementBU"] for item in items for s in item["sites"]["items"]} == {unit}


def test_hidden_suppliers_are_gone_without_an_error(own: Any) -> None:
    """A lost role halves the list, silently; the other half comes back with it."""
    own.do("hide_suppliers")
    halved = own.read(f"{SUPPLIERS}?totalResults=true")["totalResults"]
    own.do("hide_suppliers", numbers=["10005"])
    without = own.call("GET", f"{SUPPLIERS}/{ACME}").status_code
    own.do("show_suppliers")

    assert (halved, without) == (200, 404)
    assert own.read(f"{SUPPLIERS}?totalResults=true")["totalResults"] == 400


def test_changes_behind_the_client_show_in_the_next_reading(own: Any) -> None:
    """Somebody else renames, ends, adds and merges; each moves the moment of its row."""
    own.clock.advance(60)
    own.do("change_supplier", SupplierNumber="10005", Alias="ACME")
    ended = own.do("inactivate_supplier", SupplierNumber="10006")
    made = own.do(
        "create_supplier",
        Supplier="Ōta Kōki",
        TaxOrganizationTypeCode="CORPORATION",
        BusinessRelationshipCode="PROSPECTIVE",
        addresses=[{"AddressName": "本社", "CountryCode": "JP"}],
    )
    own.do("merge_suppliers", loser="10013", winner="10014")
    changed = numbers(own, "q=LastUpdateDate >= '2026-11-03T08:01:00Z'&orderBy=SupplierId")
    item = own.read(f"{SUPPLIERS}/{ACME}")

    assert changed == ["10005", "10006", "10013", "10014", made["SupplierNumber"]]
    assert (item["Alias"], item["LastUpdatedBy"]) == ("ACME", "PROCUREMENT.CLERK")
    assert own.read(f"{SUPPLIERS}/{ended['SupplierId']}")["Status"] == "INACTIVE"
    assert own.items(f"{SUPPLIERS}/{made['SupplierId']}/child/addresses")[0]["CountryCode"] == "JP"


def test_late_change_carries_the_moment_it_was_made(own: Any) -> None:
    """With a visibility delay the row shows later, with a stamp from before it showed."""
    own.turn(visibility_delay_s=120)
    own.do("change_supplier", SupplierNumber="10005", Alias="ACME")
    before = own.read(f"{SUPPLIERS}/{ACME}")["Alias"]
    own.clock.advance(121)
    item = own.read(f"{SUPPLIERS}/{ACME}")

    assert (before, item["Alias"]) == (None, "ACME")
    assert item["LastUpdateDate"] == "2026-11-03T08:00:00.000+00:00"


@pytest.mark.parametrize("moves", [False, True])
def test_change_of_a_site_need_not_move_its_supplier(own: Any, *, moves: bool) -> None:
    """Whoever polls suppliers by date misses sites, unless the pod is kind."""
    own.turn(child_change_moves_supplier=moves)
    own.do("change_supplier_child", site={"SupplierSiteId": 300000002336660, "Email": "a@b.c"})
    item = own.read(f"{SUPPLIERS}/{ACME}?expand=sites")

    assert item["sites"]["items"][0]["LastUpdateDate"] == "2026-11-03T08:00:00.000+00:00"
    assert (item["LastUpdateDate"] > "2026-11-03") is moves


@pytest.mark.parametrize("body", [{"SupplierNumber": "none"}, {}, {"SupplierId": ACME, "X": 1}])
def test_operation_that_cannot_be_carried_out_changes_nothing(own: Any, body: Any) -> None:
    """An unknown supplier or member is refused at the side door too."""
    reply = own.client.post(f"{own.server.url}/__sandbox/change_supplier", json=body)

    assert reply.status_code == 400
    assert own.read(f"{SUPPLIERS}/{ACME}")["LastUpdateDate"] < "2024"


def test_describe_names_children_finders_and_what_is_mandatory(fusion: Any) -> None:
    """The set-up check of a client finds what it needs."""
    described = fusion.read(f"{SUPPLIERS}/describe")["Resources"]["suppliers"]
    attributes = {a["name"]: a for a in described["attributes"]}

    assert attributes["SupplierId"]["type"] == "integer"
    assert attributes["Supplier"]["mandatory"] is True
    assert attributes["OneTimeSupplierFlag"]["type"] == "boolean"
    assert attributes["InactiveDate"]["updatable"] is True
    assert attributes["Status"]["updatable"] is False
    assert described["collection"]["finders"][0]["name"] == "PrimaryKey"
    assert {"addresses", "sites", "contacts"} <= described["children"].keys()
    assert "assignments" in described["children"]["sites"]["children"]
    assert {"scores", "signals"} <= {action["name"] for action in described["item"]["actions"]}


def test_unchanged_supplier_is_304_and_none_can_be_deleted(fusion: Any) -> None:
    """Conditional readings work by the indicator; suppliers end, they do not go away."""
    tag = fusion.call("GET", f"{SUPPLIERS}/{ACME}").headers["etag"]
    unchanged = fusion.call("GET", f"{SUPPLIERS}/{ACME}", headers={"If-None-Match": tag})

    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert fusion.call("DELETE", f"{SUPPLIERS}/{ACME}").status_code == 405


def test_reset_brings_the_seeded_suppliers_back(own: Any) -> None:
    """After a reset the golden supplier is what it was, and ids are given out anew."""
    form = {
        "Supplier": "New", "TaxOrganizationTypeCode": "CORPORATION",
        "BusinessRelationshipCode": "PROSPECTIVE",
    }  # fmt: skip
    own.do("change_supplier", SupplierNumber="10005", Alias="ACME")
    first = own.do("create_supplier", **form)["SupplierId"]
    own.client.post(f"{own.server.url}/__sandbox/reset")

    assert own.read(f"{SUPPLIERS}/{ACME}")["Alias"] is None
    assert own.do("create_supplier", **form)["SupplierId"] == first
