"""Suppliers changed behind the client's back: what the operations under /__sandbox/ do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ml_connector.sandbox.fusion.desk import Change
from ml_connector.sandbox.fusion.supplier_desk import Author, SupplierDesk
from ml_connector.sandbox.fusion.supplier_rules import (
    ADDRESS_KIND,
    CONTACT_KIND,
    SITE_KIND,
    SUPPLIER_KIND,
    Kind,
)

CLERK = "PROCUREMENT.CLERK"
_NAMES = frozenset({"SupplierId", "SupplierNumber", "at", "by"})
_EVERY_SECOND = (
    "_id IN (SELECT _id FROM (SELECT _id, row_number() OVER (ORDER BY _id) AS place"
    " FROM poz_suppliers) WHERE place % 2 = 0)"
)
_Answer = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierStage:
    """Carries out changes as somebody else; each is all or nothing for its caller."""

    desk: SupplierDesk

    @property
    def operations(self) -> dict[str, Callable[[Change, Mapping[str, Any]], _Answer]]:
        """Every operation by its name."""
        return {
            "create_supplier": self.create,
            "change_supplier": self.change,
            "inactivate_supplier": self.inactivate,
            "merge_suppliers": self.merge,
            "add_supplier_child": self.add_child,
            "change_supplier_child": self.change_child,
            "hide_suppliers": self.hide,
            "show_suppliers": self.show,
        }

    def create(self, change: Change, body: Mapping[str, Any]) -> _Answer:
        """A supplier stands as the form says: members of the wire, children as arrays."""
        members = {name: given for name, given in body.items() if name not in {"at", "by"}}
        row_id = self.desk.add(SUPPLIER_KIND, None, members, _author(change, body))
        return self._tell(row_id)

    def change(self, change: Change, body: Mapping[str, Any]) -> _Answer:
        """The supplier named by SupplierId or SupplierNumber has the other members."""
        row_id = self.find(body)
        members = {name: given for name, given in body.items() if name not in _NAMES}
        self.desk.change(SUPPLIER_KIND, row_id, members, _author(change, body))
        return self._tell(row_id)

    def inactivate(self, change: Change, body: Mapping[str, Any]) -> _Answer:
        """The supplier ends on `date`, or today."""
        members = {"InactiveDate": str(body.get("date", change.at.date()))}
        row_id = self.find(body)
        self.desk.change(SUPPLIER_KIND, row_id, members, _author(change, body))
        return self._tell(row_id)

    def merge(self, change: Change, body: Mapping[str, Any]) -> _Answer:
        """Of two suppliers, named by number, `loser` ends today; `winner` carries its name on."""
        winner_id = self.find({"SupplierNumber": body["winner"]})
        self.inactivate(change, {"SupplierNumber": body["loser"]})
        self.desk.change(SUPPLIER_KIND, winner_id, {}, _author(change, body))
        return self._tell(winner_id)

    def add_child(self, change: Change, body: Mapping[str, Any]) -> _Answer:
        """The supplier has a further `address`, `site` or `contact`, whichever is given."""
        kind, members = _child_of(body)
        child_id = self.desk.add(kind, self.find(body), members, _author(change, body))
        return {kind.key: child_id}

    def change_child(self, change: Change, body: Mapping[str, Any]) -> _Answer:
        """The `address`, `site` or `contact`, named by its own id, has the other members."""
        kind, members = _child_of(body)
        child_id = int(members.pop(kind.key))
        self.desk.change(kind, child_id, members, _author(change, body))
        return {kind.key: child_id}

    def hide(self, _change: Change, body: Mapping[str, Any]) -> _Answer:
        """The suppliers of `numbers`, or every second one, cannot be seen: a role was lost."""
        self.show(_change, body)
        numbers = [str(number) for number in body.get("numbers", ())]
        condition = _EVERY_SECOND
        if "numbers" in body:
            condition = f"SupplierNumber IN ({','.join('?' * len(numbers)) or 'NULL'})"
        sql = f"UPDATE poz_suppliers SET _hidden = 1 WHERE {condition}"  # noqa: S608 - our own names, values are bound
        return {"hidden": self.desk.store.execute(sql, numbers)}

    def show(self, _change: Change, _body: Mapping[str, Any]) -> _Answer:
        """Every supplier can be seen again."""
        return {"shown": self.desk.store.execute("UPDATE poz_suppliers SET _hidden = 0")}

    def mutation(self, arguments: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return the operation that changes, hides or inserts a supplier between two pages.

        `row` counts the suppliers by id from 1; `op` is update, hide or insert (with `form`).
        """
        op = arguments.get("op", "update")
        if op == "insert":
            return "create_supplier", dict(arguments["form"])
        offset = int(arguments.get("row", 1)) - 1
        sql = "SELECT SupplierNumber FROM poz_suppliers ORDER BY _id LIMIT 1 OFFSET ?"
        number = self.desk.store.query(sql, (offset,))[0][0]
        if op == "hide":
            return "hide_suppliers", {"numbers": [number]}
        return "change_supplier", {"SupplierNumber": number}

    def find(self, body: Mapping[str, Any]) -> int:
        """Return the id of the supplier that a form names; LookupError where there is none."""
        for name in ("SupplierId", "SupplierNumber"):
            if name in body:
                row_id = self.desk.find_supplier(name, body[name])
                if row_id is None:
                    raise LookupError(f"There is no supplier with {name} {body[name]!r}.")
                return row_id
        raise LookupError("Name the supplier by SupplierId or SupplierNumber.")

    def _tell(self, row_id: int) -> _Answer:
        facts = self.desk.load(SUPPLIER_KIND, row_id)
        shown = ("SupplierId", "SupplierNumber", "Supplier", "LastUpdateDate")
        return {name: facts[name] for name in shown}


def _author(change: Change, body: Mapping[str, Any]) -> Author:
    return Author(user=str(body.get("by", CLERK)), stamp=change.stamp, source="MANUAL")


def _child_of(body: Mapping[str, Any]) -> tuple[Kind, dict[str, Any]]:
    for name, kind in (("address", ADDRESS_KIND), ("site", SITE_KIND), ("contact", CONTACT_KIND)):
        if name in body:
            return kind, dict(body[name])
    raise LookupError("Give an address, a site or a contact.")
