"""The suppliers put into the tables of a fresh state folder."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from ml_connector.sandbox.company.suppliers import Supplier, SupplierSite, seeded_suppliers
from ml_connector.sandbox.fusion.stamps import render_stamp
from ml_connector.sandbox.fusion.supplier_desk import ROW_COUNTER
from ml_connector.sandbox.fusion.supplier_lookups import (
    COUNTRIES,
    CURRENCIES,
    ORGANISATIONS,
    RELATIONSHIPS,
    SOURCES,
    SUPPLIER_TYPES,
)
from ml_connector.sandbox.fusion.supplier_schema import (
    ADDRESS_TABLE,
    ASSIGNMENT_TABLE,
    CONTACT_TABLE,
    SITE_TABLE,
    SUPPLIER_TABLE,
    SupplierTable,
)
from ml_connector.sandbox.store import Store

FIRST_SUPPLIER_ID = 300000002336641
_PARTY_BEFORE = 11
_SUPPLIER_STEP = 1_000
_CHILD_STEP = 20
_ADDRESS_OFFSET, _SITE_OFFSET, _ASSIGNMENT_OFFSET, _CONTACT_OFFSET = 9, 19, 10, 12
_SITE_LATER = timedelta(minutes=10, seconds=13, milliseconds=999)
_NO_END = "4712-12-31"
_Facts = dict[str, Any]


def seed_suppliers(store: Store) -> None:
    """The tables hold the company's suppliers, where they held none."""
    if store.query("SELECT 1 FROM poz_suppliers LIMIT 1"):
        return
    rows: dict[str, list[_Facts]] = defaultdict(list)
    ids = {s.name: supplier_id(position) for position, s in enumerate(seeded_suppliers())}
    for position, supplier in enumerate(seeded_suppliers()):
        _gather(rows, supplier, supplier_id(position), ids.get(supplier.parent or ""))
    with store.transaction():
        store.delete(*ROW_COUNTER)
        for table in (
            SUPPLIER_TABLE, ADDRESS_TABLE, SITE_TABLE, ASSIGNMENT_TABLE, CONTACT_TABLE,
        ):  # fmt: skip
            _fill(store, table, rows[table.name])


def supplier_id(position: int) -> int:
    """Return the id of a seeded supplier by its position, counted from zero."""
    return FIRST_SUPPLIER_ID + position * _SUPPLIER_STEP


def _gather(
    rows: dict[str, list[_Facts]], supplier: Supplier, own_id: int, parent_id: int | None
) -> None:
    rows[SUPPLIER_TABLE.name].append(_supplier_facts(supplier, own_id, parent_id))
    address_ids = {}
    for number, facts in enumerate(_address_facts(supplier)):
        address_id = own_id + _ADDRESS_OFFSET + number * _CHILD_STEP
        address_ids[facts["AddressName"]] = address_id
        rows[ADDRESS_TABLE.name].append(_child(own_id, address_id, "SupplierAddressId", facts))
    for number, site in enumerate(supplier.sites):
        site_id = own_id + _SITE_OFFSET + number * _CHILD_STEP
        facts = _site_facts(supplier, site, address_ids[site.address])
        rows[SITE_TABLE.name].append(_child(own_id, site_id, "SupplierSiteId", facts))
        if site.is_assigned:
            assignment_id = own_id + _ASSIGNMENT_OFFSET + number * _CHILD_STEP
            facts = _assignment_facts(supplier, site)
            rows[ASSIGNMENT_TABLE.name].append(
                _child(site_id, assignment_id, "AssignmentId", facts)
            )
    for number, facts in enumerate(_contact_facts(supplier)):
        contact_id = own_id + _CONTACT_OFFSET + number * _CHILD_STEP
        rows[CONTACT_TABLE.name].append(_child(own_id, contact_id, "SupplierContactId", facts))


def _supplier_facts(supplier: Supplier, own_id: int, parent_id: int | None) -> _Facts:
    return {
        "_id": own_id,
        "_taxpayer": supplier.taxpayer_id,
        "SupplierId": own_id,
        "SupplierPartyId": own_id - _PARTY_BEFORE,
        "Supplier": supplier.name,
        "SupplierNumber": supplier.number,
        "AlternateName": supplier.alternate_name,
        "TaxOrganizationTypeCode": supplier.organisation,
        "TaxOrganizationType": ORGANISATIONS[supplier.organisation],
        "SupplierTypeCode": supplier.kind,
        "SupplierType": SUPPLIER_TYPES[supplier.kind] if supplier.kind else None,
        "InactiveDate": supplier.ends_on.isoformat() if supplier.ends_on else None,
        "BusinessRelationshipCode": supplier.relationship,
        "BusinessRelationship": RELATIONSHIPS[supplier.relationship],
        "ParentSupplierId": parent_id,
        "CreationSourceCode": supplier.source,
        "CreationSource": SOURCES[supplier.source],
        "Alias": supplier.alias,
        "DUNSNumber": supplier.duns,
        "OneTimeSupplierFlag": int(supplier.is_one_time),
        "RegistryId": supplier.registry_id,
        "CorporateWebsite": supplier.website,
        "TaxpayerCountryCode": supplier.country if supplier.taxpayer_id else None,
        "TaxpayerCountry": COUNTRIES[supplier.country] if supplier.taxpayer_id else None,
        "StateReportableFlag": 0,
        "UseWithholdingTaxFlag": 0,
        **_audit(supplier),
    }


def _address_facts(supplier: Supplier) -> Iterator[_Facts]:
    for address in supplier.addresses:
        yield {
            "AddressName": address.name,
            "CountryCode": address.country,
            "Country": COUNTRIES[address.country],
            "AddressLine1": address.line,
            "City": address.city,
            "State": address.state,
            "PostalCode": address.postal_code,
            "AddressPurposeOrderingFlag": 1,
            "AddressPurposeRemitToFlag": 1,
            "AddressPurposeRFQOrBiddingFlag": 0,
            "Email": address.email,
            "InactiveDate": _NO_END,
            **_audit(supplier),
        }


def _site_facts(supplier: Supplier, site: SupplierSite, address_id: int) -> _Facts:
    created_at = supplier.created_at + _SITE_LATER
    return {
        "SupplierSite": site.code,
        "ProcurementBUId": site.unit.unit_id,
        "ProcurementBU": site.unit.name,
        "SupplierAddressId": address_id,
        "InactiveDate": site.ends_on.isoformat() if site.ends_on else None,
        "SitePurposePurchasingFlag": 1,
        "SitePurposePayFlag": int(site.is_pay),
        "SitePurposePrimaryPayFlag": 0,
        "SitePurposeSourcingOnlyFlag": 0,
        "SitePurposeProcurementCardFlag": 0,
        "CommunicationMethodCode": "NONE",
        "CommunicationMethod": "None",
        "HoldAllNewPurchasingDocumentsFlag": int(site.hold_reason is not None),
        "PurchasingHoldReason": site.hold_reason,
        "InvoiceCurrencyCode": site.unit.currency,
        "InvoiceCurrency": CURRENCIES[site.unit.currency],
        "PaymentTerms": "Net 30",
        **_audit(supplier),
        "CreationDate": render_stamp(created_at),
        "LastUpdateDate": render_stamp(site.updated_at or max(created_at, supplier.updated_at)),
    }


def _assignment_facts(supplier: Supplier, site: SupplierSite) -> _Facts:
    return {
        "ClientBUId": site.unit.unit_id,
        "ClientBU": site.unit.name,
        "BillToBUId": site.unit.unit_id,
        "BillToBU": site.unit.name,
        **_audit(supplier),
    }


def _contact_facts(supplier: Supplier) -> Iterator[_Facts]:
    for contact in supplier.contacts:
        yield {
            "FirstName": contact.first_name,
            "LastName": contact.last_name,
            "Email": contact.email,
            "AdministrativeContactFlag": int(contact.is_administrator),
            **_audit(supplier),
        }


def _audit(supplier: Supplier) -> _Facts:
    return {
        "CreationDate": render_stamp(supplier.created_at),
        "CreatedBy": supplier.created_by,
        "LastUpdateDate": render_stamp(supplier.updated_at),
        "LastUpdatedBy": supplier.updated_by,
    }


def _child(parent_id: int, own_id: int, key: str, facts: _Facts) -> _Facts:
    return {"_id": own_id, "_parent": parent_id, key: own_id, **facts}


def _fill(store: Store, table: SupplierTable, rows: list[_Facts]) -> None:
    names = list(rows[0])
    columns = ", ".join(f'"{name}"' for name in names)
    marks = ", ".join("?" * len(names))
    sql = f"INSERT INTO {table.name} ({columns}) VALUES ({marks})"  # noqa: S608 - our own names
    store.execute_many(sql, (tuple(row[name] for name in names) for row in rows))
