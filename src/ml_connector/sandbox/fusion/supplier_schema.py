"""The tables of suppliers, drawn from the resources; views add what is worked out."""

from __future__ import annotations

from dataclasses import dataclass

from ml_connector.sandbox.fusion.resource import Resource
from ml_connector.sandbox.fusion.supplier_resources import (
    ADDRESSES,
    ASSIGNMENTS,
    CONTACTS,
    SITES,
    SUPPLIERS,
)

_TYPES = {"integer": "INTEGER", "boolean": "INTEGER"}
_IS_OVER = "InactiveDate <= (SELECT day FROM supplier_day)"
_PARENT = "(SELECT p.{} FROM poz_suppliers p WHERE p._id = t.ParentSupplierId)"
_WORKED_OUT: dict[str, dict[str, str]] = {
    "suppliers": {
        "ParentSupplier": _PARENT.format("Supplier"),
        "ParentSupplierNumber": _PARENT.format("SupplierNumber"),
        "TaxpayerId": "NULL",
        "TaxpayerIdExistsFlag": "_taxpayer IS NOT NULL",
        "NationalInsuranceNumber": "NULL",
        "NationalInsuranceNumberExistsFlag": "_insurance IS NOT NULL",
    },
    "sites": {
        "SupplierAddressName": (
            "(SELECT a.AddressName FROM poz_supplier_addresses a WHERE a._id = t.SupplierAddressId)"
        ),
    },
}
SECRETS = {"TaxpayerId": "_taxpayer", "NationalInsuranceNumber": "_insurance"}
"""Members that can be written and never be read: the column that holds them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierTable:
    """The table of one resource; `own` columns are the server's."""

    resource: Resource
    own: str = ""

    @property
    def name(self) -> str:
        """The table; the resource reads a view over it."""
        return f"poz_{self.resource.table}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The members that are stored as they are."""
        hidden = {"Status", *_WORKED_OUT.get(self.resource.name, {})}
        return tuple(a.name for a in self.resource.attributes if a.name not in hidden)

    def definition(self) -> str:
        """Return the inside of the CREATE TABLE."""
        kinds = {a.name: _TYPES.get(a.kind, "TEXT") for a in self.resource.attributes}
        stored = [f'"{name}" {kinds[name]}' for name in self.columns]
        parent = [] if self.resource is SUPPLIERS else ["_parent INTEGER NOT NULL"]
        own = [self.own] if self.own else []
        return ", ".join(["_id INTEGER PRIMARY KEY", *parent, *own, *stored])

    def view(self) -> str:
        """Return the CREATE VIEW that the resource reads; what is hidden does not show."""
        worked_out = _WORKED_OUT.get(self.resource.name, {})
        added = "".join(f', {sql} AS "{name}"' for name, sql in worked_out.items())
        shown = " WHERE NOT t._hidden" if self.resource is SUPPLIERS else ""
        return (
            f"CREATE VIEW IF NOT EXISTS {self.resource.table} AS SELECT t.*{added},"  # noqa: S608 - our own names
            f" CASE WHEN {_IS_OVER} THEN 'INACTIVE' ELSE 'ACTIVE' END AS Status"
            f" FROM {self.name} t{shown}"
        )


SUPPLIER_TABLE = SupplierTable(
    resource=SUPPLIERS,
    own="_taxpayer TEXT, _insurance TEXT, _hidden INTEGER NOT NULL DEFAULT 0",
)
ADDRESS_TABLE = SupplierTable(resource=ADDRESSES)
SITE_TABLE = SupplierTable(resource=SITES)
ASSIGNMENT_TABLE = SupplierTable(resource=ASSIGNMENTS)
CONTACT_TABLE = SupplierTable(resource=CONTACTS)
_ALL = (SUPPLIER_TABLE, ADDRESS_TABLE, SITE_TABLE, ASSIGNMENT_TABLE, CONTACT_TABLE)

SUPPLIER_TABLES = {
    **{table.name: table.definition() for table in _ALL},
    "supplier_day": "day TEXT NOT NULL",
}
SUPPLIER_INDEXES = (
    "CREATE UNIQUE INDEX IF NOT EXISTS suppliers_by_number ON poz_suppliers (SupplierNumber)",
    "CREATE INDEX IF NOT EXISTS suppliers_by_name ON poz_suppliers (upper(Supplier))",
    "CREATE INDEX IF NOT EXISTS suppliers_by_taxpayer ON poz_suppliers (_taxpayer)",
    *(
        f"CREATE INDEX IF NOT EXISTS {table.name}_by_parent ON {table.name} (_parent)"
        for table in _ALL[1:]
    ),
)
SUPPLIER_VIEWS = tuple(table.view() for table in _ALL)
