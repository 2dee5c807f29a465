"""What must hold for a supplier and for what hangs below it, before a row is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ml_connector.sandbox.fusion.refusals import RefusalError
from ml_connector.sandbox.fusion.supplier_lookups import (
    ADDRESS_LOOKUPS,
    ASSIGNMENT_LOOKUPS,
    SITE_LOOKUPS,
    SUPPLIER_LOOKUPS,
    Lookup,
    no_matching_row,
)
from ml_connector.sandbox.fusion.supplier_schema import (
    ADDRESS_TABLE,
    ASSIGNMENT_TABLE,
    CONTACT_TABLE,
    SECRETS,
    SITE_TABLE,
    SUPPLIER_TABLE,
    SupplierTable,
)
from ml_connector.sandbox.store import Store
from ml_connector.sandbox.switches import Switches

Facts = dict[str, Any]
_NO_END = "4712-12-31"
_IDENTIFICATIONS = ("_taxpayer", "TaxRegistrationNumber", "DUNSNumber")
_WHAT_IDENTIFIES = {*_IDENTIFICATIONS, "BusinessRelationshipCode", "TaxpayerCountryCode"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Looks things up for the rules of every kind."""

    store: Store
    switches: Switches

    def resolve_supplier(self, members: Facts, _parent_id: int | None) -> Facts:
        """Return the members with the parent found and the secrets where they are kept."""
        facts = {name: value for name, value in members.items() if name not in _ASIDE}
        facts |= {column: members[name] for name, column in SECRETS.items() if name in members}
        named = {name: members[name] for name in _PARENTS if name in members}
        if named:
            facts["ParentSupplierId"] = self._find_parent(named)
        return facts

    def resolve_site(self, members: Facts, parent_id: int | None) -> Facts:
        """Return the members with the address found among those of the supplier."""
        facts = {k: v for k, v in members.items() if k != "SupplierAddressName"}
        named = [(_ADDRESSES[n], members[n]) for n in _ADDRESSES if n in members]
        if not named:
            return facts
        found = {self._find_address(parent_id, column, value) for column, value in named}
        if len(found) > 1:
            raise no_matching_row("SupplierAddressName")
        return {**facts, "SupplierAddressId": found.pop()}

    def resolve_assignment(self, members: Facts, _parent_id: int | None) -> Facts:
        """Return the members; the unit that trades is billed unless another one is named."""
        if "ClientBUId" in members and "BillToBUId" not in members:
            billed = {"BillToBUId": members["ClientBUId"], "BillToBU": members["ClientBU"]}
            return {**members, **billed}
        return members

    def verify_supplier(self, before: Facts, after: Facts) -> None:
        """Names, numbers and tax ids are nobody else's; who may be paid is known."""
        self._verify_free(before, after)
        changed = {name for name in _WHAT_IDENTIFIES if before.get(name) != after.get(name)}
        if changed and after.get("BusinessRelationshipCode") == "SPEND_AUTHORIZED":
            _verify_identified(after)
        if after.get("ParentSupplierId") and after["ParentSupplierId"] == before.get("_id"):
            raise no_matching_row("ParentSupplier")

    def verify_address(self, before: Facts, after: Facts) -> None:
        """The name of an address is unique for its supplier."""
        self._verify_single(ADDRESS_TABLE, before, after, ("AddressName",))

    def verify_site(self, before: Facts, after: Facts) -> None:
        """The code of a site is unique for its supplier and unit."""
        self._verify_single(SITE_TABLE, before, after, ("SupplierSite", "ProcurementBUId"))

    def verify_assignment(self, before: Facts, after: Facts) -> None:
        """A site is assigned to a unit once."""
        self._verify_single(ASSIGNMENT_TABLE, before, after, ("ClientBUId",))

    def verify_contact(self, _before: Facts, _after: Facts) -> None:
        """Any number of people may share a name."""

    def _find_parent(self, named: Mapping[str, Any]) -> int | None:
        found = {self._find_supplier(name, value) for name, value in named.items()}
        if len(found) > 1:
            raise no_matching_row("ParentSupplier")
        return found.pop()

    def _find_supplier(self, name: str, value: Any) -> int | None:
        if value is None:
            return None
        sql = f"SELECT _id FROM suppliers WHERE {_PARENTS[name]} = ?"  # noqa: S608 - our own names
        found = self.store.query(sql, (value,))
        if not found:
            raise no_matching_row("ParentSupplier")
        return int(found[0][0])

    def _find_address(self, supplier_id: int | None, column: str, value: Any) -> int | None:
        if value is None:
            return None
        sql = f"SELECT _id FROM poz_supplier_addresses WHERE _parent = ? AND {column} = ?"  # noqa: S608 - our own names
        found = self.store.query(sql, (supplier_id, value))
        if not found:
            raise no_matching_row("SupplierAddressName")
        return int(found[0][0])

    def _verify_free(self, before: Facts, after: Facts) -> None:
        checks = (
            ("SupplierNumber", "SupplierNumber = ?", "POZ-2130001", "supplier number"),
            ("Supplier", "upper(Supplier) = upper(?)", "POZ-2130002", "supplier name"),
            ("_taxpayer", "_taxpayer = ?", "POZ-2130003", "taxpayer ID"),
        )
        for name, condition, code, what in checks:
            value = after.get(name)
            if value is None or value == before.get(name) or self._is_shared(name):
                continue
            sql = f"SELECT 1 FROM poz_suppliers WHERE {condition} AND _id <> ?"  # noqa: S608 - our own names
            if self.store.query(sql, (value, after.get("_id", -1))):
                member = "TaxpayerId" if name == "_taxpayer" else name
                text = f"{code}: Another supplier has the same {what}."
                raise RefusalError(400, text, code=code, path=f"/{member}")

    def _is_shared(self, name: str) -> bool:
        return name != "SupplierNumber" and self.switches["supplier_duplicates"] == "accept"

    def _verify_single(
        self, table: SupplierTable, before: Facts, after: Facts, names: tuple[str, ...]
    ) -> None:
        if all(before.get(name) == after.get(name) for name in names):
            return
        condition = " AND ".join(f'"{name}" = ?' for name in names)
        sql = f"SELECT 1 FROM {table.name} WHERE _parent = ? AND _id <> ? AND {condition}"  # noqa: S608 - our own names
        values = [after.get(name) for name in names]
        if self.store.query(sql, (after["_parent"], after.get("_id", -1), *values)):
            code = "POZ-2130010"
            text = f"{code}: {values[0]} exists already."
            raise RefusalError(400, text, code=code, path=f"/{names[0]}")


_PARENTS = {
    "ParentSupplierId": "SupplierId",
    "ParentSupplier": "Supplier",
    "ParentSupplierNumber": "SupplierNumber",
}
_ASIDE = {*_PARENTS, *SECRETS}
_ADDRESSES = {"SupplierAddressId": "_id", "SupplierAddressName": "AddressName"}


def _verify_identified(after: Facts) -> None:
    has_one = any(after.get(name) for name in _IDENTIFICATIONS)
    if after.get("TaxpayerCountryCode") and has_one:
        return
    code = "POZ-2130004"
    text = (
        f"{code}: A supplier with the business relationship Spend Authorized needs a taxpayer"
        " country and a taxpayer ID, tax registration number or D-U-N-S number."
    )
    raise RefusalError(400, text, code=code, path="/TaxpayerId")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of row: its table, the entity that messages name, what it needs and begins with.

    Each group of `required` names members of which one must be filled.
    """

    table: SupplierTable
    entity: str
    lookups: tuple[Lookup, ...]
    required: tuple[tuple[str, ...], ...]
    verify: Callable[[Rules, Facts, Facts], None]
    resolve: Callable[[Rules, Facts, int | None], Facts] = lambda _rules, members, _parent: members
    defaults: Mapping[str, Any] = field(default_factory=dict)
    children: Mapping[str, Kind] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The member that holds the id."""
        return self.table.resource.key

    def verify_filled(self, facts: Facts) -> None:
        """Nothing mandatory is missing."""
        for group in self.required:
            if all(facts.get(name) in {None, ""} for name in group):
                raise RefusalError(
                    400,
                    f"JBO-27014: Attribute {group[0]} in {self.entity} is required.",
                    code="27014",
                    path=f"/{group[0]}",
                )


_ADDRESS_FLAGS = {
    "AddressPurposeOrderingFlag": 0,
    "AddressPurposeRemitToFlag": 0,
    "AddressPurposeRFQOrBiddingFlag": 0,
}
ADDRESS_KIND = Kind(
    table=ADDRESS_TABLE,
    entity="SupplierAddressEO",
    lookups=ADDRESS_LOOKUPS,
    required=(("AddressName",), ("CountryCode", "Country")),
    verify=Rules.verify_address,
    defaults={**_ADDRESS_FLAGS, "InactiveDate": _NO_END},
)
ASSIGNMENT_KIND = Kind(
    table=ASSIGNMENT_TABLE,
    entity="SupplierSiteAssignmentEO",
    lookups=ASSIGNMENT_LOOKUPS,
    required=(("ClientBU", "ClientBUId"),),
    verify=Rules.verify_assignment,
    resolve=Rules.resolve_assignment,
)
SITE_KIND = Kind(
    table=SITE_TABLE,
    entity="SupplierSiteEO",
    lookups=SITE_LOOKUPS,
    required=(("SupplierSite",), ("ProcurementBU", "ProcurementBUId"), ("SupplierAddressId",)),
    verify=Rules.verify_site,
    resolve=Rules.resolve_site,
    defaults={
        "SitePurposePurchasingFlag": 0,
        "SitePurposePayFlag": 0,
        "SitePurposePrimaryPayFlag": 0,
        "SitePurposeSourcingOnlyFlag": 0,
        "SitePurposeProcurementCardFlag": 0,
        "CommunicationMethodCode": "NONE",
        "CommunicationMethod": "None",
        "HoldAllNewPurchasingDocumentsFlag": 0,
    },
    children={"assignments": ASSIGNMENT_KIND},
)
CONTACT_KIND = Kind(
    table=CONTACT_TABLE,
    entity="SupplierContactEO",
    lookups=(),
    required=(("LastName",),),
    verify=Rules.verify_contact,
    defaults={"AdministrativeContactFlag": 0},
)
SUPPLIER_KIND = Kind(
    table=SUPPLIER_TABLE,
    entity="SupplierEO",
    lookups=SUPPLIER_LOOKUPS,
    required=(
        ("Supplier",),
        ("SupplierNumber",),
        ("BusinessRelationship", "BusinessRelationshipCode"),
        ("TaxOrganizationType", "TaxOrganizationTypeCode"),
    ),
    verify=Rules.verify_supplier,
    resolve=Rules.resolve_supplier,
    defaults={
        "OneTimeSupplierFlag": 0,
        "StateReportableFlag": 0,
        "UseWithholdingTaxFlag": 0,
    },
    children={"addresses": ADDRESS_KIND, "sites": SITE_KIND, "contacts": CONTACT_KIND},
)
KINDS = {
    kind.table.resource.name: kind
    for kind in (SUPPLIER_KIND, ADDRESS_KIND, SITE_KIND, ASSIGNMENT_KIND, CONTACT_KIND)
}
"""Every kind by the name of its resource."""
