"""Import templates: which file holds which columns, in which order, in which release.

The files have no header, so a value in the wrong place is another value. Each release orders
them anew; clients take the order out of the template of the pod they talk to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ml_connector.sandbox.fusion.supplier_rules import (
    ADDRESS_KIND,
    ASSIGNMENT_KIND,
    CONTACT_KIND,
    SITE_KIND,
    SUPPLIER_KIND,
    Kind,
)

SUPPLIER_PACKAGE = "/oracle/apps/ess/prc/poz/supplierImport"
SUPPLIER_ACCOUNT = "prc/supplier/import"
INTERFACE_ID = "24"
RELEASES = ("25C", "26B")
Release = Literal["25C", "26B"]
ACTION = "IMPORT_ACTION"
BATCH = "BATCH_ID"
END = "END"
_ADDED_IN_26B = "LEGAL_ENTITY_IDENTIFIER"


def _numbered(stem: str, last: int) -> str:
    return " ".join(f"{stem}{number}" for number in range(1, last + 1))


def _flexible(attributes: int, others: int) -> str:
    parts = [
        f"{prefix}ATTRIBUTE_CATEGORY {_numbered(f'{prefix}ATTRIBUTE', attributes)}"
        f" {_numbered(f'{prefix}ATTRIBUTE_DATE', others)}"
        f" {_numbered(f'{prefix}ATTRIBUTE_TIMESTAMP', others)}"
        f" {_numbered(f'{prefix}ATTRIBUTE_NUMBER', others)}"
        for prefix in ("", "GLOBAL_")
    ]
    return " ".join(parts)


_SUPPLIER_COLUMNS = (
    f"{ACTION} VENDOR_NAME VENDOR_NAME_NEW SEGMENT1 VENDOR_NAME_ALT"
    " ORGANIZATION_TYPE_LOOKUP_CODE VENDOR_TYPE_LOOKUP_CODE END_DATE_ACTIVE"
    " BUSINESS_RELATIONSHIP PARENT_SUPPLIER_NAME ALIAS DUNS_NUMBER ONE_TIME_FLAG CUSTOMER_NUM"
    " STANDARD_INDUSTRY_CLASS NI_NUMBER CORPORATE_WEBSITE CHIEF_EXECUTIVE_TITLE"
    " CHIEF_EXECUTIVE_NAME BC_NOT_APPLICABLE_FLAG TAX_COUNTRY_CODE NUM_1099"
    " FEDERAL_REPORTABLE_FLAG TYPE_1099 STATE_REPORTABLE_FLAG TAX_REPORTING_NAME NAME_CONTROL"
    " TAX_VERIFICATION_DATE ALLOW_AWT_FLAG AWT_GROUP_NAME VAT_CODE VAT_REGISTRATION_NUM"
    " AUTO_TAX_CALC_OVERRIDE PAYMENT_METHOD_LOOKUP_CODE DELIVERY_CHANNEL_CODE"
    " BANK_INSTRUCTION1_CODE BANK_INSTRUCTION2_CODE BANK_INSTRUCTION_DETAILS"
    " SETTLEMENT_PRIORITY PAYMENT_TEXT_MESSAGE1 PAYMENT_TEXT_MESSAGE2 PAYMENT_TEXT_MESSAGE3"
    " IBY_BANK_CHARGE_BEARER PAYMENT_REASON_CODE PAYMENT_REASON_COMMENTS PAYMENT_FORMAT_CODE"
    f" {_flexible(20, 10)} {BATCH} PARTY_NUMBER SERVICE_LEVEL_CODE EXCLUSIVE_PAYMENT_FLAG"
    f" REMIT_ADVICE_DELIVERY_METHOD REMIT_ADVICE_EMAIL REMIT_ADVICE_FAX DATAFOX_COMPANY_ID {END}"
)
_ADDRESS_COLUMNS = (
    f"{ACTION} VENDOR_NAME PARTY_SITE_NAME PARTY_SITE_NAME_NEW COUNTRY ADDRESS_LINE1"
    " ADDRESS_LINE2 ADDRESS_LINE3 ADDRESS_LINE4 ADDRESS_LINES_PHONETIC"
    f" {_numbered('ADDR_ELEMENT_ATTRIBUTE', 5)} BUILDING FLOOR_NUMBER CITY STATE PROVINCE COUNTY"
    " POSTAL_CODE POSTAL_PLUS4_CODE ADDRESSEE GLOBAL_LOCATION_NUMBER PARTY_SITE_LANGUAGE"
    " INACTIVE_DATE PHONE_COUNTRY_CODE PHONE_AREA_CODE PHONE PHONE_EXTENSION FAX_COUNTRY_CODE"
    " FAX_AREA_CODE FAX RFQ_OR_BIDDING_PURPOSE_FLAG ORDERING_PURPOSE_FLAG"
    f" REMIT_TO_PURPOSE_FLAG EMAIL_ADDRESS {BATCH} {END}"
)
_SITE_COLUMNS = (
    f"{ACTION} VENDOR_NAME PROCUREMENT_BUSINESS_UNIT_NAME PARTY_SITE_NAME VENDOR_SITE_CODE"
    " VENDOR_SITE_CODE_NEW INACTIVE_DATE RFQ_ONLY_SITE_FLAG PURCHASING_SITE_FLAG PCARD_SITE_FLAG"
    " PAY_SITE_FLAG PRIMARY_PAY_SITE_FLAG EMAIL_ADDRESS HOLD_FLAG PURCHASING_HOLD_REASON"
    f" INVOICE_CURRENCY_CODE PAY_GROUP_LOOKUP_CODE TERMS_NAME {BATCH} {END}"
)
_ASSIGNMENT_COLUMNS = (
    f"{ACTION} VENDOR_NAME VENDOR_SITE_CODE PROCUREMENT_BUSINESS_UNIT_NAME BUSINESS_UNIT_NAME"
    " BILL_TO_BU_NAME SHIP_TO_LOCATION_CODE BILL_TO_LOCATION_CODE ALLOW_AWT_FLAG AWT_GROUP_NAME"
    " ACCTS_PAY_CONCAT_SEGMENTS PREPAY_CONCAT_SEGMENTS FUTURE_DATED_CONCAT_SEGMENTS"
    f" DISTRIBUTION_SET_NAME INACTIVE_DATE {BATCH} {END}"
)
_CONTACT_COLUMNS = (
    f"{ACTION} VENDOR_NAME PREFIX FIRST_NAME FIRST_NAME_NEW MIDDLE_NAME LAST_NAME LAST_NAME_NEW"
    " TITLE PRIMARY_ADMIN_CONTACT EMAIL_ADDRESS EMAIL_ADDRESS_NEW PHONE_COUNTRY_CODE"
    f" PHONE_AREA_CODE PHONE PHONE_EXTENSION INACTIVE_DATE {BATCH} {END}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One object that can be imported.

    `maps` leads from columns to members of the resource; a column of `renames` replaces the
    member in an update.
    """

    definition: str
    title: str
    table: str
    files: tuple[str, ...]
    kind: Kind
    listed: str
    maps: dict[str, str]
    renames: dict[str, str]

    def columns(self, release: str) -> tuple[str, ...]:
        """Return the columns in the order of a release."""
        names = self.listed.split()
        if release == RELEASES[1] and self.kind is SUPPLIER_KIND:
            names.insert(names.index(BATCH), _ADDED_IN_26B)
        return tuple(names)


_SUPPLIER_MAP = {
    "VENDOR_NAME": "Supplier", "SEGMENT1": "SupplierNumber", "VENDOR_NAME_ALT": "AlternateName",
    "ORGANIZATION_TYPE_LOOKUP_CODE": "TaxOrganizationType",
    "VENDOR_TYPE_LOOKUP_CODE": "SupplierType", "END_DATE_ACTIVE": "InactiveDate",
    "BUSINESS_RELATIONSHIP": "BusinessRelationship", "PARENT_SUPPLIER_NAME": "ParentSupplier",
    "ALIAS": "Alias", "DUNS_NUMBER": "DUNSNumber", "ONE_TIME_FLAG": "OneTimeSupplierFlag",
    "CUSTOMER_NUM": "CustomerNumber", "STANDARD_INDUSTRY_CLASS": "StandardIndustryClass",
    "NI_NUMBER": "NationalInsuranceNumber", "CORPORATE_WEBSITE": "CorporateWebsite",
    "CHIEF_EXECUTIVE_TITLE": "ChiefExecutiveTitle",
    "CHIEF_EXECUTIVE_NAME": "ChiefExecutiveName",
    "BC_NOT_APPLICABLE_FLAG": "BusinessClassificationNotApplicableFlag",
    "TAX_COUNTRY_CODE": "TaxpayerCountry", "NUM_1099": "TaxpayerId",
    "FEDERAL_REPORTABLE_FLAG": "FederalReportableFlag", "TYPE_1099": "FederalIncomeTaxType",
    "STATE_REPORTABLE_FLAG": "StateReportableFlag", "TAX_REPORTING_NAME": "TaxReportingName",
    "NAME_CONTROL": "NameControl", "TAX_VERIFICATION_DATE": "VerificationDate",
    "ALLOW_AWT_FLAG": "UseWithholdingTaxFlag", "AWT_GROUP_NAME": "WithholdingTaxGroup",
    "VAT_REGISTRATION_NUM": "TaxRegistrationNumber",
}  # fmt: skip
_ADDRESS_MAP = {
    "PARTY_SITE_NAME": "AddressName", "COUNTRY": "Country", "ADDRESS_LINE1": "AddressLine1",
    "ADDRESS_LINE2": "AddressLine2", "ADDRESS_LINE3": "AddressLine3",
    "ADDRESS_LINE4": "AddressLine4", "ADDRESS_LINES_PHONETIC": "PhoneticAddress",
    "BUILDING": "Building", "FLOOR_NUMBER": "FloorNumber", "CITY": "City", "STATE": "State",
    "PROVINCE": "Province", "COUNTY": "County", "POSTAL_CODE": "PostalCode",
    "POSTAL_PLUS4_CODE": "PostalCodeExtension", "ADDRESSEE": "Addressee",
    "GLOBAL_LOCATION_NUMBER": "GlobalLocationNumber", "PARTY_SITE_LANGUAGE": "Language",
    "INACTIVE_DATE": "InactiveDate", "PHONE_COUNTRY_CODE": "PhoneCountryCode",
    "PHONE_AREA_CODE": "PhoneAreaCode", "PHONE": "PhoneNumber",
    "PHONE_EXTENSION": "PhoneExtension", "FAX_COUNTRY_CODE": "FaxCountryCode",
    "FAX_AREA_CODE": "FaxAreaCode", "FAX": "FaxNumber",
    "RFQ_OR_BIDDING_PURPOSE_FLAG": "AddressPurposeRFQOrBiddingFlag",
    "ORDERING_PURPOSE_FLAG": "AddressPurposeOrderingFlag",
    "REMIT_TO_PURPOSE_FLAG": "AddressPurposeRemitToFlag", "EMAIL_ADDRESS": "Email",
}  # fmt: skip
_SITE_MAP = {
    "PROCUREMENT_BUSINESS_UNIT_NAME": "ProcurementBU", "PARTY_SITE_NAME": "SupplierAddressName",
    "VENDOR_SITE_CODE": "SupplierSite", "INACTIVE_DATE": "InactiveDate",
    "RFQ_ONLY_SITE_FLAG": "SitePurposeSourcingOnlyFlag",
    "PURCHASING_SITE_FLAG": "SitePurposePurchasingFlag",
    "PCARD_SITE_FLAG": "SitePurposeProcurementCardFlag", "PAY_SITE_FLAG": "SitePurposePayFlag",
    "PRIMARY_PAY_SITE_FLAG": "SitePurposePrimaryPayFlag", "EMAIL_ADDRESS": "Email",
    "HOLD_FLAG": "HoldAllNewPurchasingDocumentsFlag",
    "PURCHASING_HOLD_REASON": "PurchasingHoldReason",
    "INVOICE_CURRENCY_CODE": "InvoiceCurrency", "PAY_GROUP_LOOKUP_CODE": "PayGroupCode",
    "TERMS_NAME": "PaymentTerms",
}  # fmt: skip
_ASSIGNMENT_MAP = {
    "BUSINESS_UNIT_NAME": "ClientBU", "BILL_TO_BU_NAME": "BillToBU",
    "SHIP_TO_LOCATION_CODE": "ShipToLocation",
    "ACCTS_PAY_CONCAT_SEGMENTS": "LiabilityDistribution",
    "PREPAY_CONCAT_SEGMENTS": "PrepaymentDistribution", "INACTIVE_DATE": "InactiveDate",
}  # fmt: skip
_CONTACT_MAP = {
    "FIRST_NAME": "FirstName", "MIDDLE_NAME": "MiddleName", "LAST_NAME": "LastName",
    "TITLE": "JobTitle", "PRIMARY_ADMIN_CONTACT": "AdministrativeContactFlag",
    "EMAIL_ADDRESS": "Email", "PHONE_COUNTRY_CODE": "PhoneCountryCode",
    "PHONE_AREA_CODE": "PhoneAreaCode", "PHONE": "PhoneNumber",
    "PHONE_EXTENSION": "PhoneExtension", "INACTIVE_DATE": "InactiveDate",
}  # fmt: skip

TEMPLATES = (
    Template(
        definition="ImportSuppliers",
        title="Import Suppliers",
        table="POZ_SUPPLIERS_INT",
        files=("PozSuppliersInt.csv", "PoSupplierImport.csv"),
        kind=SUPPLIER_KIND,
        listed=_SUPPLIER_COLUMNS,
        maps=_SUPPLIER_MAP,
        renames={"VENDOR_NAME_NEW": "Supplier"},
    ),
    Template(
        definition="ImportSupplierAddresses",
        title="Import Supplier Addresses",
        table="POZ_SUP_ADDRESSES_INT",
        files=("PozSupplierAddressesInt.csv", "PozSupAddressesInt.csv"),
        kind=ADDRESS_KIND,
        listed=_ADDRESS_COLUMNS,
        maps=_ADDRESS_MAP,
        renames={"PARTY_SITE_NAME_NEW": "AddressName"},
    ),
    Template(
        definition="ImportSupplierSites",
        title="Import Supplier Sites",
        table="POZ_SUPPLIER_SITES_INT",
        files=("PozSupplierSitesInt.csv",),
        kind=SITE_KIND,
        listed=_SITE_COLUMNS,
        maps=_SITE_MAP,
        renames={"VENDOR_SITE_CODE_NEW": "SupplierSite"},
    ),
    Template(
        definition="ImportSupplierSiteAssignments",
        title="Import Supplier Site Assignments",
        table="POZ_SITE_ASSIGNMENTS_INT",
        files=("PozSiteAssignmentsInt.csv",),
        kind=ASSIGNMENT_KIND,
        listed=_ASSIGNMENT_COLUMNS,
        maps=_ASSIGNMENT_MAP,
        renames={},
    ),
    Template(
        definition="ImportSupplierContacts",
        title="Import Supplier Contacts",
        table="POZ_SUP_CONTACTS_INT",
        files=("PozSupContactsInt.csv",),
        kind=CONTACT_KIND,
        listed=_CONTACT_COLUMNS,
        maps=_CONTACT_MAP,
        renames={"FIRST_NAME_NEW": "FirstName", "LAST_NAME_NEW": "LastName",
                 "EMAIL_ADDRESS_NEW": "Email"},
    ),
)  # fmt: skip


def find_template(package: str, definition: str) -> Template | None:
    """Return the template behind a job, or None where the pod knows no such job."""
    if package != SUPPLIER_PACKAGE:
        return None
    return next((t for t in TEMPLATES if t.definition == definition), None)
