"""The suppliers resource with its children, in the order the wire shows the members."""

from __future__ import annotations

from collections.abc import Mapping

from ml_connector.sandbox.fusion.resource import (
    Attribute,
    Child,
    Finder,
    Resource,
    Row,
    attributes,
)
from ml_connector.sandbox.fusion.supplier_lookups import ROOT_LOOKUPS

_VERBS = frozenset({"GET", "POST", "PATCH"})


def _texts(
    names: str, length_max: int | None = None, *, meanings: bool = False
) -> tuple[Attribute, ...]:
    return attributes("string", names, updatable=True, length_max=length_max, translated=meanings)


def _flags(names: str) -> tuple[Attribute, ...]:
    return attributes("boolean", names, updatable=True)


def _audit() -> tuple[Attribute, ...]:
    return (
        Attribute(name="CreationDate", kind="datetime"),
        Attribute(name="CreatedBy"),
        Attribute(name="LastUpdateDate", kind="datetime"),
        Attribute(name="LastUpdatedBy"),
    )


_STATUS = Attribute(name="Status", queryable=False)
"""Worked out from the end date on the day of the reading: neither written nor filtered by."""

ASSIGNMENTS = Resource(
    name="assignments",
    title="Supplier Site Assignments",
    table="supplier_assignments",
    key="AssignmentId",
    privilege="supplier",
    has_revision=True,
    verbs=_VERBS,
    attributes=(
        Attribute(name="AssignmentId", kind="integer"),
        Attribute(name="ClientBUId", kind="integer", updatable=True),
        Attribute(name="ClientBU", updatable=True, mandatory=True),
        Attribute(name="BillToBUId", kind="integer", updatable=True),
        Attribute(name="BillToBU", updatable=True),
        *_texts("ShipToLocation LiabilityDistribution PrepaymentDistribution", 240),
        Attribute(name="InactiveDate", kind="date", updatable=True),
        _STATUS,
        *_audit(),
    ),
)
SITES = Resource(
    name="sites",
    title="Supplier Sites",
    table="supplier_sites",
    key="SupplierSiteId",
    privilege="supplier",
    unit_filter='"ProcurementBUId" IN ({units})',
    has_revision=True,
    verbs=_VERBS,
    children=(Child(accessor="assignments", resource=ASSIGNMENTS),),
    attributes=(
        Attribute(name="SupplierSiteId", kind="integer"),
        Attribute(name="SupplierSite", updatable=True, mandatory=True, length_max=15),
        Attribute(name="ProcurementBUId", kind="integer", insertable=True),
        Attribute(name="ProcurementBU", insertable=True, mandatory=True),
        Attribute(name="SupplierAddressId", kind="integer", updatable=True),
        Attribute(name="SupplierAddressName", updatable=True, mandatory=True),
        _STATUS,
        Attribute(name="InactiveDate", kind="date", updatable=True),
        *_flags(
            "SitePurposePurchasingFlag SitePurposePayFlag SitePurposePrimaryPayFlag"
            " SitePurposeSourcingOnlyFlag SitePurposeProcurementCardFlag"
        ),
        *_texts("Email", 2000),
        *_texts("CommunicationMethodCode", 30),
        *_texts("CommunicationMethod", 80, meanings=True),
        *_flags("HoldAllNewPurchasingDocumentsFlag"),
        *_texts("PurchasingHoldReason", 240),
        *_texts("InvoiceCurrencyCode", 15),
        *_texts("InvoiceCurrency", 80),
        *_texts("PayGroupCode PayGroup PaymentTerms", 50),
        *_audit(),
    ),
)
ADDRESSES = Resource(
    name="addresses",
    title="Supplier Addresses",
    table="supplier_addresses",
    key="SupplierAddressId",
    privilege="supplier",
    has_revision=True,
    verbs=_VERBS,
    attributes=(
        Attribute(name="SupplierAddressId", kind="integer"),
        Attribute(name="AddressName", updatable=True, mandatory=True, length_max=240),
        Attribute(name="CountryCode", updatable=True, mandatory=True),
        Attribute(name="Country", updatable=True, translated=True),
        *_texts("AddressLine1 AddressLine2 AddressLine3 AddressLine4", 240),
        *_texts("City State", 60),
        *_texts("PostalCode PostalCodeExtension", 60),
        *_texts("Province County", 60),
        *_texts("Building", 240),
        *_texts("FloorNumber", 40),
        *_texts("PhoneticAddress", 560),
        *_texts("LanguageCode", 4),
        *_texts("Language", 80),
        *_texts("Addressee", 360),
        *_texts("GlobalLocationNumber", 40),
        *_texts(" ".join(f"AdditionalAddressAttribute{number}" for number in range(1, 6)), 150),
        *_flags(
            "AddressPurposeOrderingFlag AddressPurposeRemitToFlag AddressPurposeRFQOrBiddingFlag"
        ),
        *_texts("PhoneCountryCode PhoneAreaCode", 10),
        *_texts("PhoneNumber PhoneExtension", 40),
        *_texts("FaxCountryCode FaxAreaCode", 10),
        *_texts("FaxNumber", 40),
        *_texts("Email", 320),
        Attribute(name="InactiveDate", kind="date", updatable=True),
        _STATUS,
        *_audit(),
    ),
)
CONTACTS = Resource(
    name="contacts",
    title="Supplier Contacts",
    table="supplier_contacts",
    key="SupplierContactId",
    privilege="supplier",
    has_revision=True,
    verbs=_VERBS,
    attributes=(
        Attribute(name="SupplierContactId", kind="integer"),
        *_texts("FirstName MiddleName", 150),
        Attribute(name="LastName", updatable=True, mandatory=True, length_max=150),
        *_texts("JobTitle", 100),
        *_flags("AdministrativeContactFlag"),
        *_texts("PhoneCountryCode PhoneAreaCode", 10),
        *_texts("PhoneNumber PhoneExtension", 40),
        *_texts("Email", 320),
        Attribute(name="InactiveDate", kind="date", updatable=True),
        _STATUS,
        *_audit(),
    ),
)


def _unused(accessor: str, title: str, names: str) -> Child:
    unused = Resource(
        name=accessor,
        title=title,
        opaque=True,
        privilege="supplier",
        compute=lambda _variables, _user: [],
        attributes=attributes("string", names),
    )
    return Child(accessor=accessor, resource=unused)


def _lookup(name: str, values: Mapping[str, str]) -> Child:
    rows: list[Row] = list(values.items())
    listed = Resource(
        name=name,
        title=name,
        key="LookupCode",
        compute=lambda _variables, _user: rows,
        attributes=attributes("string", "LookupCode Meaning"),
    )
    return Child(accessor=name, resource=listed)


_BY_NAME = "supplier_names_queryable"
"""The switch that makes everything but the two ids useless in `q`."""


def _root_attributes() -> tuple[Attribute, ...]:
    return (
        Attribute(name="SupplierId", kind="integer", mandatory=True),
        Attribute(name="SupplierPartyId", kind="integer", insertable=True),
        Attribute(name="Supplier", updatable=True, mandatory=True, length_max=360),
        *_texts("SupplierNumber", 30),
        *_texts("AlternateName", 360),
        *_coded("TaxOrganizationType"),
        *_coded("SupplierType"),
        Attribute(name="InactiveDate", kind="date", updatable=True),
        _STATUS,
        *_coded("BusinessRelationship"),
        Attribute(name="ParentSupplierId", kind="integer", updatable=True),
        *_texts("ParentSupplier", 360),
        *_texts("ParentSupplierNumber", 30),
        Attribute(name="CreationDate", kind="datetime"),
        Attribute(name="CreatedBy"),
        Attribute(
            name="LastUpdateDate",
            kind="datetime",
            query_switch="supplier_last_update_queryable",
            sort_switch="supplier_last_update_sortable",
        ),
        *attributes("string", "LastUpdatedBy CreationSourceCode"),
        Attribute(name="CreationSource", translated=True),
        *attributes("string", "DataFoxScore DataFoxScoringCriteria"),
        *_identity_attributes(),
        *_tax_attributes(),
        *_flags("BusinessClassificationNotApplicableFlag"),
        *attributes("boolean", "OBNEnabledFlag OnOFACListFlag"),
        Attribute(name="OFACSources"),
    )


def _identity_attributes() -> tuple[Attribute, ...]:
    return (
        *_texts("Alias", 80),
        *_texts("DUNSNumber", 30),
        *_flags("OneTimeSupplierFlag"),
        Attribute(name="RegistryId"),
        *_texts("CustomerNumber", 25),
        *_texts("StandardIndustryClass IndustryCategory IndustrySubcategory", 30),
        Attribute(name="NationalInsuranceNumber", updatable=True, queryable=False, length_max=30),
        Attribute(name="NationalInsuranceNumberExistsFlag", kind="boolean"),
        *_texts("CorporateWebsite", 150),
        *_texts("YearEstablished", 4),
        *_texts("MissionStatement", 2000),
        *_texts("YearIncorporated", 4),
        *_texts("ChiefExecutiveTitle ChiefExecutiveName PrincipalTitle PrincipalName", 240),
        *_coded("FiscalYearEndMonth"),
        Attribute(name="CurrentFiscalYearPotentialRevenue", kind="number", updatable=True),
        *_coded("PreferredFunctionalCurrency"),
    )


def _tax_attributes() -> tuple[Attribute, ...]:
    return (
        *_coded("TaxRegistrationCountry"),
        *_texts("TaxRegistrationNumber", 50),
        *_coded("TaxpayerCountry"),
        Attribute(name="TaxpayerId", updatable=True, queryable=False, length_max=30),
        Attribute(name="TaxpayerIdExistsFlag", kind="boolean"),
        *_flags("FederalReportableFlag"),
        *_coded("FederalIncomeTaxType"),
        *_flags("StateReportableFlag"),
        *_texts("TaxReportingName", 80),
        *_texts("NameControl", 4),
        Attribute(name="VerificationDate", kind="date", updatable=True),
        *_flags("UseWithholdingTaxFlag"),
        Attribute(name="WithholdingTaxGroupId", kind="integer", updatable=True),
        *_texts("WithholdingTaxGroup", 25),
    )


def _coded(stem: str) -> tuple[Attribute, ...]:
    return (*_texts(f"{stem}Code", 30), *_texts(stem, 80, meanings=True))


def _turned(attribute: Attribute) -> Attribute:
    if attribute.name in {"SupplierId", "SupplierNumber"} or attribute.query_switch:
        return attribute
    return attribute.asked_by(_BY_NAME)


SUPPLIERS = Resource(
    name="suppliers",
    title="Suppliers",
    table="suppliers",
    key="SupplierId",
    privilege="supplier",
    unit_filter=(
        "EXISTS (SELECT 1 FROM poz_supplier_sites u WHERE u._parent = suppliers._id"
        ' AND u."ProcurementBUId" IN ({units}))'
    ),
    has_revision=True,
    verbs=_VERBS,
    children=(
        Child(accessor="addresses", resource=ADDRESSES),
        Child(accessor="sites", resource=SITES),
        Child(accessor="contacts", resource=CONTACTS),
        _unused("businessClassifications", "Business Classifications", "Classification Status"),
        _unused("productsAndServices", "Products and Services", "CategoryName CategoryType"),
        _unused("attachments", "Attachments", "FileName Title"),
        _unused("DFF", "Descriptive Flexfields", "__FLEX_Context"),
        _unused("globalDFF", "Global Flexfields", "__FLEX_Context"),
    ),
    lovs=tuple(_lookup(name, values) for name, values in ROOT_LOOKUPS.items()),
    actions=("scores", "signals", "submitSpendAuthorizationRequest"),
    finders=(Finder(name="PrimaryKey", variables={"SupplierId": "SupplierId"}),),
    attributes=tuple(_turned(attribute) for attribute in _root_attributes()),
)
SUPPLIER_RESOURCES = (SUPPLIERS, ADDRESSES, SITES, ASSIGNMENTS, CONTACTS)
"""Every resource of suppliers that has rows."""
