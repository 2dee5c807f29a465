"""Rows of the supplier interface tables turned into suppliers, or rejected with reasons."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ml_connector.sandbox.fusion.imports_files import Values
from ml_connector.sandbox.fusion.imports_templates import ACTION, BATCH, Template
from ml_connector.sandbox.fusion.refusals import RefusalError
from ml_connector.sandbox.fusion.supplier_desk import Author, SupplierDesk
from ml_connector.sandbox.fusion.supplier_rules import (
    ADDRESS_KIND,
    ASSIGNMENT_KIND,
    CONTACT_KIND,
    SITE_KIND,
    SUPPLIER_KIND,
    Kind,
)

INTERFACE_TABLES = {
    "poz_interface": """
        _id INTEGER PRIMARY KEY, object TEXT NOT NULL, load_request_id INTEGER NOT NULL,
        import_request_id INTEGER, batch_id TEXT, line INTEGER NOT NULL, status TEXT NOT NULL,
        payload TEXT NOT NULL, rejection TEXT""",
}
_CLEARED = "#NULL"
_NO_SUPPLIER = "You must provide a valid value for either the VENDOR_ID or the VENDOR_NAME."
_INVALID = "You must provide a valid value."
_NO_ROW = "The row to update does not exist."
_SEVERAL = "More than one supplier has this name; give the supplier number as well."
_WAYS: dict[str, tuple[tuple[str, str], ...]] = {
    ADDRESS_KIND.key: (("PARTY_SITE_NAME", "AddressName"),),
    SITE_KIND.key: (
        ("VENDOR_SITE_CODE", "SupplierSite"),
        ("PROCUREMENT_BUSINESS_UNIT_NAME", "ProcurementBU"),
    ),
    ASSIGNMENT_KIND.key: (("BUSINESS_UNIT_NAME", "ClientBU"),),
    CONTACT_KIND.key: (("LAST_NAME", "LastName"), ("FIRST_NAME", "FirstName")),
}
"""Which columns say which row of a supplier (of a site, for assignments) is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one row of an interface table."""

    line: int
    values: Values
    column: str | None = None
    reason: str | None = None

    @property
    def is_rejected(self) -> bool:
        """The row stays in the interface table."""
        return self.reason is not None


class RejectionError(Exception):
    """A row that is not imported, with the column it is about."""

    def __init__(self, column: str, reason: str) -> None:
        self.column = column
        self.reason = reason
        super().__init__(f"{reason} [{column}]")


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierImport:
    """Takes rows of one object from its interface table to the suppliers."""

    desk: SupplierDesk
    template: Template

    def stage(self, rows: Iterable[Values], load_request_id: int) -> int:
        """The rows stand in the interface table as new ones; how many there are."""
        listed = [
            (self.template.definition, load_request_id, values.get(BATCH), line, json.dumps(values))
            for line, values in enumerate(rows, 1)
        ]
        self.desk.store.execute_many(
            "INSERT INTO poz_interface (object, load_request_id, batch_id, line, status, payload)"
            " VALUES (?,?,?,?,'NEW',?)",
            listed,
        )
        return len(listed)

    def run(self, parameters: str, author: Author) -> list[Outcome]:
        """The rows that the parameters choose are imported or rejected.

        `parameters` are the import option (NEW, or ALL for rejected ones too), whether the
        report shows exceptions only, and a batch id that limits the rows.
        """
        return [self._take(row, author) for row in self._chosen(parameters)]

    def _chosen(self, parameters: str) -> list[tuple[Any, ...]]:
        option, _, batch_id = (*(part.strip() for part in parameters.split(",")), "", "", "")[:3]
        statuses = ["NEW", "REJECTED"] if option.upper() == "ALL" else ["NEW"]
        marks = ",".join("?" * len(statuses))
        sql = (
            "SELECT _id, line, payload FROM poz_interface"  # noqa: S608 - our own names, values are bound
            f" WHERE object = ? AND status IN ({marks})"
        )
        given: list[Any] = [self.template.definition, *statuses]
        if batch_id and batch_id.upper() != _CLEARED:
            sql += " AND batch_id = ?"
            given.append(batch_id)
        return self.desk.store.query(sql + " ORDER BY _id", given)

    def _take(self, row: tuple[Any, ...], author: Author) -> Outcome:
        row_id, line, payload = row
        values: Values = json.loads(payload)
        column = reason = None
        try:
            self._write(values, author)
        except RejectionError as rejection:
            column, reason = rejection.column, rejection.reason
        except RefusalError as refusal:
            column, reason = self._column_of(refusal), refusal.messages[0]
        self.desk.store.execute(
            "UPDATE poz_interface SET status = ?, rejection = ? WHERE _id = ?",
            ("REJECTED" if reason else "PROCESSED", reason and f"{reason} [{column}]", row_id),
        )
        return Outcome(line=line, values=values, column=column, reason=reason)

    def _write(self, values: Values, author: Author) -> None:
        action = values.get(ACTION, "").upper()
        if action not in {"CREATE", "UPDATE"}:
            raise RejectionError(ACTION, _INVALID)
        kind, parent_id = self.template.kind, self._find_owner(values)
        members = self._members(values, is_new=action == "CREATE")
        if action == "CREATE":
            self.desk.add(kind, parent_id, members, author)
            return
        row_id = self._find_row(values, parent_id)
        changed = {name: value for name, value in members.items() if name not in self._keys(kind)}
        renamed = {
            member: values[column]
            for column, member in self.template.renames.items()
            if column in values
        }
        self.desk.change(kind, row_id, changed | renamed, author)

    def _find_owner(self, values: Values) -> int | None:
        """Return the row above: the supplier, or the site of an assignment."""
        kind = self.template.kind
        if kind is SUPPLIER_KIND:
            return None
        supplier_id = self._find_supplier(values)
        if kind is not ASSIGNMENT_KIND:
            return supplier_id
        return self._find_child(SITE_KIND, values, supplier_id)

    def _find_row(self, values: Values, parent_id: int | None) -> int:
        if parent_id is None:
            return self._find_supplier(values)
        return self._find_child(self.template.kind, values, parent_id)

    def _find_supplier(self, values: Values) -> int:
        name, number = values.get("VENDOR_NAME", ""), values.get("SEGMENT1", "")
        sql = "SELECT _id FROM poz_suppliers WHERE upper(Supplier) = upper(?)"
        given = [name]
        if number and self.template.kind is SUPPLIER_KIND:
            sql += " AND SupplierNumber = ?"
            given.append(number)
        found = self.desk.store.query(sql, given)
        if not found:
            raise RejectionError("VENDOR_NAME", _NO_SUPPLIER)
        if len(found) > 1:
            raise RejectionError("VENDOR_NAME", _SEVERAL)
        return int(found[0][0])

    def _find_child(self, kind: Kind, values: Values, parent_id: int) -> int:
        ways = [(column, member) for column, member in _WAYS[kind.key] if column in values]
        condition = "".join(f' AND "{member}" = ?' for _, member in ways)
        sql = f"SELECT _id FROM {kind.table.name} WHERE _parent = ?{condition} ORDER BY _id LIMIT 1"  # noqa: S608 - our own names, values are bound
        found = self.desk.store.query(sql, (parent_id, *(values[column] for column, _ in ways)))
        if not ways or not found:
            reason = _INVALID if kind is not self.template.kind else _NO_ROW
            raise RejectionError(_WAYS[kind.key][0][0], reason)
        return int(found[0][0])

    def _keys(self, kind: Kind) -> set[str]:
        """Return the members that only say which row is meant."""
        if kind is SUPPLIER_KIND:
            return {"Supplier", "SupplierNumber"}
        return {member for _, member in _WAYS[kind.key]}

    def _members(self, values: Values, *, is_new: bool) -> dict[str, Any]:
        """Return the body a request would have; an empty column is not a member of it."""
        members: dict[str, Any] = {}
        for column, member in self.template.maps.items():
            if column not in values:
                continue
            value = values[column]
            if value.upper() == _CLEARED:
                if not is_new:
                    members[member] = None
                continue
            members[self._coded(member, value)] = self._typed(member, value)
        return members

    def _coded(self, member: str, value: str) -> str:
        """Return the member that takes the value: files hold codes or meanings alike."""
        for lookup in self.template.kind.lookups:
            if lookup.meaning == member and value in lookup.values and not lookup.is_id:
                return lookup.code
        return member

    def _typed(self, member: str, value: str) -> Any:
        attribute = self.template.kind.table.resource.find_attribute(member)
        is_flag = attribute is not None and attribute.kind == "boolean"
        flags: Mapping[str, bool] = {"Y": True, "N": False}
        return flags.get(value.upper(), value) if is_flag else value

    def _column_of(self, refusal: RefusalError) -> str:
        """Return the column behind the member that a refusal is about."""
        member = (refusal.path or "").lstrip("/")
        for column, name in self.template.maps.items():
            if member in {name, f"{name}Code"}:
                return column
        return member or ACTION
