"""Supplier files: what is taken from them, what is rejected, and where one reads why."""

import base64
import io
import zipfile
from typing import Any
from xml.etree import ElementTree as ET

import pytest

PATH = "/erpintegrations"
PACKAGE = "/oracle/apps/ess/prc/poz/supplierImport"
FILES = {
    "ImportSuppliers": "PozSuppliersInt.csv",
    "ImportSupplierAddresses": "PozSupplierAddressesInt.csv",
    "ImportSupplierSites": "PozSupplierSitesInt.csv",
    "ImportSupplierSiteAssignments": "PozSiteAssignmentsInt.csv",
    "ImportSupplierContacts": "PozSupContactsInt.csv",
}
NEW = {
    "IMPORT_ACTION": "CREATE",
    "VENDOR_NAME": "Filed Ltd",
    "ORGANIZATION_TYPE_LOOKUP_CODE": "Corporation",
    "BUSINESS_RELATIONSHIP": "PROSPECTIVE",
}
UPDATE = {"IMPORT_ACTION": "UPDATE", "VENDOR_NAME": "ACME OFFICE SUPPLIES"}


def lines(fusion: Any, rows: list[dict[str, str]], job: str, release: str = "25C") -> str:
    """The file of some rows, in the order of a release."""
    columns = fusion.do("import_template", job=job, release=release)["columns"]
    texts = []
    for values in rows:
        assert values.keys() <= set(columns)
        cells = [values.get(name, "").replace('"', '""') for name in columns]
        texts.append(",".join(f'"{cell}"' if cell else "" for cell in cells))
    return "\n".join(texts) + "\n"


def zipped(name: str, content: bytes) -> str:
    """A zip with one file, as base64."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, content)
    return base64.b64encode(buffer.getvalue()).decode()


def send(fusion: Any, content: str, job: str = "ImportSuppliers", parameters: str = "NEW,N") -> str:
    """The request id of a file whose job is over."""
    body = {
        "OperationName": "importBulkData", "DocumentContent": content, "ContentType": "zip",
        "FileName": f"{job}.zip", "DocumentAccount": "prc$/supplier$/import$",
        "JobName": f"{PACKAGE},{job}", "ParameterList": parameters,
        "JobOptions": "ExtractFileType=ALL",
    }  # fmt: skip
    request_id: str = fusion.call("POST", PATH, json=body).json()["ReqstId"]
    fusion.clock.advance(6)
    return request_id


def load(fusion: Any, *rows: dict[str, str], job: str = "ImportSuppliers", **more: str) -> str:
    """The request id of some rows that were imported or rejected."""
    return send(fusion, zipped(FILES[job], lines(fusion, list(rows), job).encode()), job, **more)


def statuses(fusion: Any, request_id: str) -> list[str]:
    """What became of the rows of a load."""
    rows = fusion.do("interface_rows", ReqstId=request_id)["rows"]
    return [row["status"] for row in rows]


def rejection(fusion: Any, request_id: str) -> str:
    """Why the only row of a load was rejected."""
    found: str = fusion.do("interface_rows", ReqstId=request_id)["rows"][0]["rejection"]
    return found


def state(fusion: Any, request_id: str) -> str:
    """The state of a job."""
    path = f"{PATH}?finder=ESSJobStatusRF;requestId={request_id}"
    found: str = fusion.items(path)[0]["RequestStatus"]
    return found


def output(fusion: Any, request_id: str, file_type: str = "ALL") -> dict[str, str]:
    """The files of a job."""
    finder = f"ESSJobExecutionDetailsRF;requestId={request_id},fileType={file_type}"
    content = fusion.items(f"{PATH}?finder={finder}")[0]["DocumentContent"]
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(content))) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def supplier(fusion: Any, name: str) -> dict[str, Any]:
    """A supplier by its name."""
    found: dict[str, Any] = fusion.items("/suppliers", params={"q": f"Supplier='{name}'"})[0]
    return found


def test_template_has_the_columns_of_a_file_that_a_pod_has_taken(own: Any) -> None:
    """The first columns are the contract's; the batch id is far behind them."""
    template = own.do("import_template")
    columns = template["columns"]

    assert template["job"] == f"{PACKAGE},ImportSuppliers"
    assert columns[:13] == [
        "IMPORT_ACTION", "VENDOR_NAME", "VENDOR_NAME_NEW", "SEGMENT1", "VENDOR_NAME_ALT",
        "ORGANIZATION_TYPE_LOOKUP_CODE", "VENDOR_TYPE_LOOKUP_CODE", "END_DATE_ACTIVE",
        "BUSINESS_RELATIONSHIP", "PARENT_SUPPLIER_NAME", "ALIAS", "DUNS_NUMBER", "ONE_TIME_FLAG",
    ]  # fmt: skip
    assert (len(columns), columns.index("BATCH_ID"), columns[-1]) == (157, 148, "END")


def test_file_of_a_public_sample_is_taken_as_it_is(own: Any) -> None:
    """157 unquoted columns, a batch id and the END mark, lines ended by CR LF."""
    cells = [""] * 157
    cells[0], cells[1], cells[5], cells[8] = "CREATE", "Sampled", "CORPORATION", "PROSPECTIVE"
    cells[20], cells[148], cells[156] = "US", "Batch_1", "END"
    text = ",".join(cells) + "\r\n"
    request_id = send(
        own, zipped("PoSupplierImport.csv", text.encode()), parameters="NEW,Y,Batch_1"
    )

    assert statuses(own, request_id) == ["PROCESSED"]
    assert supplier(own, "Sampled")["TaxpayerCountry"] == "United States"


def test_created_supplier_comes_from_the_import(own: Any) -> None:
    """Codes or meanings, slashes in dates, Y for flags; leading zeros stay."""
    row = NEW | {
        "SEGMENT1": "000099", "END_DATE_ACTIVE": "2027/01/31", "ONE_TIME_FLAG": "Y",
        "VENDOR_TYPE_LOOKUP_CODE": "Services", "ALIAS": 'The "F", Ltd',
    }  # fmt: skip
    request_id = load(own, row)
    item = supplier(own, "Filed Ltd")

    assert statuses(own, request_id) == ["PROCESSED"]
    assert (item["SupplierNumber"], item["InactiveDate"], item["OneTimeSupplierFlag"]) == (
        "000099", "2027-01-31", True,
    )  # fmt: skip
    assert (item["TaxOrganizationTypeCode"], item["SupplierTypeCode"]) == (
        "CORPORATION",
        "SERVICES",
    )
    assert item["Alias"] == 'The "F", Ltd'
    assert (item["CreationSourceCode"], item["CreatedBy"]) == ("IMPORT", "INTEGRATION.USER")


def test_update_changes_what_is_filled_and_clears_what_says_so(own: Any) -> None:
    """An empty cell leaves a member alone, #NULL empties it, a new name renames."""
    load(own, UPDATE | {"ALIAS": "ACM", "CUSTOMER_NUM": "C-1"})
    load(own, UPDATE | {"ALIAS": "#NULL", "VENDOR_NAME_NEW": "ACME PAPER"})
    item = own.items("/suppliers?q=SupplierNumber='10005'")[0]

    assert (item["Supplier"], item["Alias"], item["CustomerNumber"]) == ("ACME PAPER", None, "C-1")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (NEW | {"IMPORT_ACTION": "DELETE"}, "[IMPORT_ACTION]"),
        (NEW | {"IMPORT_ACTION": ""}, "[IMPORT_ACTION]"),
        (NEW | {"VENDOR_NAME": ""}, "[VENDOR_NAME]"),
        (NEW | {"VENDOR_NAME": "acme office supplies"}, "[VENDOR_NAME]"),
        (NEW | {"ORGANIZATION_TYPE_LOOKUP_CODE": "X"}, "[ORGANIZATION_TYPE_LOOKUP_CODE]"),
        (NEW | {"BUSINESS_RELATIONSHIP": ""}, "[BUSINESS_RELATIONSHIP]"),
        (NEW | {"BUSINESS_RELATIONSHIP": "SPEND_AUTHORIZED"}, "[NUM_1099]"),
        (NEW | {"ALIAS": "x" * 81}, "[ALIAS]"),
        (NEW | {"ONE_TIME_FLAG": "maybe"}, "[ONE_TIME_FLAG]"),
        (UPDATE | {"VENDOR_NAME": "Nobody"}, "[VENDOR_NAME]"),
        (UPDATE | {"SEGMENT1": "10006"}, "[VENDOR_NAME]"),
        (UPDATE | {"VENDOR_NAME": "Summit Tooling LLC"}, "[VENDOR_NAME]"),
    ],
)
def test_row_that_does_not_fit_is_rejected_with_its_column(
    own: Any, row: dict[str, str], reason: str
) -> None:
    """The job succeeds; the row stays behind and says which column it is about."""
    request_id = load(own, row)

    assert (state(own, request_id), statuses(own, request_id)) == ("SUCCEEDED", ["REJECTED"])
    assert rejection(own, request_id).endswith(reason)
    assert own.read("/suppliers?totalResults=true")["totalResults"] == 400


def test_number_tells_suppliers_of_one_name_apart(own: Any) -> None:
    """With the number beside it the repeated name is no riddle."""
    row = {"IMPORT_ACTION": "UPDATE", "VENDOR_NAME": "Summit Tooling LLC", "SEGMENT1": "10002"}
    load(own, row | {"ALIAS": "SECOND"})
    aliases = {
        item["SupplierNumber"]: item["Alias"]
        for item in own.items("/suppliers?q=Supplier='Summit Tooling LLC'")
    }

    assert aliases == {"10001": None, "10002": "SECOND", "10003": None}


def test_good_rows_are_taken_beside_bad_ones_and_the_report_tells_them_apart(own: Any) -> None:
    """A job may succeed with rows rejected: the numbers and reasons are in its output."""
    bad = UPDATE | {"VENDOR_NAME": "Nobody & Sons"}
    request_id = load(own, NEW, bad, UPDATE | {"ALIAS": "ACM"})
    found = output(own, request_id)
    report = ET.fromstring(found["15000127.xml"])
    groups = [{cell.tag: cell.text for cell in group} for group in report.iter("G_1")]

    assert statuses(own, request_id) == ["PROCESSED", "REJECTED", "PROCESSED"]
    assert "Rows read: 3  Imported: 2  Rejected: 1" in found["15000126.txt"]
    assert [group["STATUS"] for group in groups] == ["PROCESSED", "REJECTED", "PROCESSED"]
    assert groups[1]["VENDOR_NAME"] == "Nobody & Sons"
    assert (groups[1]["RECORD"], groups[1]["ATTRIBUTE"]) == ("2", "VENDOR_NAME")


def test_report_may_list_exceptions_only(own: Any) -> None:
    """The second parameter leaves out the rows that went well."""
    request_id = load(own, NEW, UPDATE | {"VENDOR_NAME": "Nobody"}, parameters="NEW,Y")
    text = output(own, request_id, "OUT")["15000126.txt"]

    assert "Filed Ltd" not in text
    assert "2|UPDATE|Nobody||REJECTED|VENDOR_NAME|" in text


@pytest.mark.parametrize("end", ["warning", "error"])
def test_rejected_rows_may_show_in_the_state_of_the_import(own: Any, end: str) -> None:
    """On such a pod the import ends in WARNING or ERROR although good rows were taken."""
    own.turn(ess_rejected_rows=end)
    request_id = load(own, NEW, UPDATE | {"VENDOR_NAME": "Nobody"})
    text = own.items(f"{PATH}?finder=ESSExecutionDetailsRF;requestId={request_id}")

    assert state(own, request_id) == "SUCCEEDED"
    assert f'"STATUS":"{end.upper()}"' in text[0]["RequestStatus"]
    assert supplier(own, "Filed Ltd")["Status"] == "ACTIVE"


def test_batch_id_limits_the_rows_and_all_takes_rejected_ones_again(own: Any) -> None:
    """Rows of another batch wait; a corrected world lets a rejected row through."""
    mine, other = UPDATE | {"BATCH_ID": "B1", "ALIAS": "ONE"}, NEW | {"BATCH_ID": "B2"}
    first = load(own, mine, other, parameters="NEW,N,B1")
    waiting = statuses(own, first)
    rejected = load(
        own, UPDATE | {"VENDOR_NAME": "Later Ltd", "BATCH_ID": "B3"}, parameters="NEW,N,B3"
    )
    before = statuses(own, rejected)
    own.do("change_supplier", SupplierNumber="10006", Supplier="Later Ltd")
    load(own, NEW | {"BATCH_ID": "B4"}, parameters="ALL,N,B3")

    assert waiting == ["PROCESSED", "NEW"]
    assert (before, statuses(own, rejected)) == (["REJECTED"], ["PROCESSED"])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("Suppliers.csv", b"CREATE,X"),
        ("PozSuppliersInt.csv", b"," * 157 + b"x"),
        ("PozSuppliersInt.csv", b"CREATE,X,,,,,,31-JAN-2026"),
        ("PozSuppliersInt.csv", b"CREATE,X,,,,,,2026-01-31"),
        ("PozSuppliersInt.csv", b"CREATE,M\xfcller"),
    ],
)
def test_file_that_cannot_be_loaded_ends_the_job_in_error(
    own: Any, name: str, content: bytes
) -> None:
    """Wrong name, too many columns, another date form, another encoding: no row is loaded."""
    request_id = send(own, zipped(name, content))
    logs = output(own, request_id)

    assert (state(own, request_id), statuses(own, request_id)) == ("ERROR", [])
    assert "Nothing was loaded." in logs["15000125.log"]
    assert "15000126.log" not in logs


def test_document_that_is_no_zip_ends_the_job_in_error(own: Any) -> None:
    """It was taken as base64, and fails when it is opened."""
    request_id = send(own, base64.b64encode(b"no zip").decode())

    assert state(own, request_id) == "ERROR"


def test_columns_at_the_end_may_be_left_out(own: Any) -> None:
    """A short row has empty columns behind it; empty lines are no rows."""
    text = "CREATE,Short Ltd,,,,Corporation,,,Prospective\n\n"
    request_id = send(own, zipped("PozSuppliersInt.csv", text.encode()))

    assert statuses(own, request_id) == ["PROCESSED"]


def test_order_of_another_release_puts_values_into_other_columns(own: Any) -> None:
    """Who keeps the old template loses the batch id, and the rows are left waiting."""
    rows = [UPDATE | {"BATCH_ID": "B1", "ALIAS": "ACM"}]
    own.turn(import_template="26B")
    old = lines(own, rows, "ImportSuppliers", "25C")
    new = lines(own, rows, "ImportSuppliers", "26B")
    stale = send(own, zipped("PozSuppliersInt.csv", old.encode()), parameters="NEW,N,B1")
    fresh = send(own, zipped("PozSuppliersInt.csv", new.encode()), parameters="NEW,N,B1")

    assert (statuses(own, stale), statuses(own, fresh)) == (["NEW"], ["PROCESSED"])


def test_addresses_sites_assignments_and_contacts_follow_their_supplier(own: Any) -> None:
    """Five files in their order make a supplier that can be used."""
    name = {"IMPORT_ACTION": "CREATE", "VENDOR_NAME": "Filed Ltd"}
    unit = {"PROCUREMENT_BUSINESS_UNIT_NAME": "Halden Japan Procurement"}
    address = name | {"PARTY_SITE_NAME": "Osaka", "COUNTRY": "JP", "CITY": "Osaka"}
    site = (
        name | unit | {"PARTY_SITE_NAME": "Osaka", "VENDOR_SITE_CODE": "OSA", "PAY_SITE_FLAG": "Y"}
    )
    assignment = name | unit | {
        "VENDOR_SITE_CODE": "OSA", "BUSINESS_UNIT_NAME": "Halden Kuwait Procurement",
    }  # fmt: skip
    contact = name | {"FIRST_NAME": "Mei", "LAST_NAME": "Tanaka"}
    early = load(own, site, job="ImportSupplierSites")
    loads = [
        load(own, NEW),
        load(own, address, job="ImportSupplierAddresses"),
        load(own, site, job="ImportSupplierSites"),
        load(own, assignment, job="ImportSupplierSiteAssignments"),
        load(own, contact, job="ImportSupplierContacts"),
    ]
    path = f"/suppliers/{supplier(own, 'Filed Ltd')['SupplierId']}"
    item = own.read(f"{path}?expand=addresses,sites.assignments,contacts")
    stored = item["sites"]["items"][0]

    assert statuses(own, early) == ["REJECTED"]
    assert [statuses(own, request_id) for request_id in loads] == [["PROCESSED"]] * 5
    assert item["addresses"]["items"][0]["Country"] == "Japan"
    assert (stored["SupplierSite"], stored["SitePurposePayFlag"]) == ("OSA", True)
    assert stored["assignments"]["items"][0]["ClientBU"] == "Halden Kuwait Procurement"
    assert item["contacts"]["items"][0]["FirstName"] == "Mei"


def test_children_are_updated_by_their_names(own: Any) -> None:
    """A site is found by code and unit, an address by its name, which can change."""
    site = UPDATE | {
        "VENDOR_SITE_CODE": "ACME-SFO", "INACTIVE_DATE": "2026/02/01",
        "PROCUREMENT_BUSINESS_UNIT_NAME": "Halden US Procurement",
    }  # fmt: skip
    address = UPDATE | {"PARTY_SITE_NAME": "HQ", "PARTY_SITE_NAME_NEW": "Main", "CITY": "Oakland"}
    unknown = UPDATE | {"PARTY_SITE_NAME": "Moon"}
    load(own, site, job="ImportSupplierSites")
    load(own, address, job="ImportSupplierAddresses")
    rejected = load(own, unknown, job="ImportSupplierAddresses")
    item = own.read("/suppliers/300000002336641?expand=sites,addresses")

    assert item["sites"]["items"][0]["Status"] == "INACTIVE"
    assert item["sites"]["items"][0]["SupplierAddressName"] == "Main"
    assert item["addresses"]["items"][0]["City"] == "Oakland"
    assert rejection(own, rejected).endswith("[PARTY_SITE_NAME]")


def test_several_hundred_rows_are_imported_in_one_job(own: Any) -> None:
    """A file above the size of single changes: every supplier gets a customer number."""
    items = own.items("/suppliers?limit=500&onlyData=true&fields=Supplier,SupplierNumber")
    rows = [
        {
            "IMPORT_ACTION": "UPDATE", "VENDOR_NAME": item["Supplier"],
            "SEGMENT1": item["SupplierNumber"], "CUSTOMER_NUM": f"C{number}",
        }
        for number, item in enumerate(items)
    ]  # fmt: skip
    request_id = load(own, *rows)
    changed = own.items("/suppliers?limit=500&onlyData=true&fields=CustomerNumber,LastUpdateDate")

    assert set(statuses(own, request_id)) == {"PROCESSED"}
    assert [item["CustomerNumber"] for item in changed] == [f"C{n}" for n in range(400)]
    assert {item["LastUpdateDate"] for item in changed} == {"2026-11-03T08:00:06.000+00:00"}
