"""Rows of suppliers written, whoever asks: a request, a file, or the stage behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ml_connector.sandbox.fusion.refusals import RefusalError
from ml_connector.sandbox.fusion.stamps import later_stamp
from ml_connector.sandbox.fusion.supplier_lookups import SOURCES
from ml_connector.sandbox.fusion.supplier_payloads import PayloadParser
from ml_connector.sandbox.fusion.supplier_rules import (
    ASSIGNMENT_KIND,
    SUPPLIER_KIND,
    Facts,
    Kind,
    Rules,
)
from ml_connector.sandbox.store import Store
from ml_connector.sandbox.switches import Switches

ROW_COUNTER = ("fusion", "next_supplier_row")
"""Where the next free id is kept."""
_FIRST_ROW = 300000005000001
_ID_STEP = 7
_REGISTRY_BASE = 300000005000001 - 9000 * _ID_STEP


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who writes, when, and by which way new suppliers come in."""

    user: str
    stamp: str
    source: str = "WEB_SERVICE"


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierDesk:
    """Writes inside the caller's transaction; what is refused there leaves rows behind it."""

    store: Store
    switches: Switches

    def add(
        self, kind: Kind, parent_id: int | None, body: Mapping[str, Any], author: Author
    ) -> int:
        """A row stands with its children; its id."""
        payload = PayloadParser(resource=kind.table.resource, switches=self.switches).parse(body)
        given = self._resolve(kind, parent_id, payload.members)
        row_id = self._take_id()
        facts: Facts = {**kind.defaults, **given, "_id": row_id, kind.key: row_id}
        facts |= {"CreationDate": author.stamp, "CreatedBy": author.user}
        facts |= {"LastUpdateDate": author.stamp, "LastUpdatedBy": author.user}
        if kind is SUPPLIER_KIND:
            facts = {**self._identity(row_id, author), **facts}
            facts["SupplierNumber"] = facts.get("SupplierNumber") or self._free_number()
        else:
            facts["_parent"] = parent_id
        kind.verify_filled(facts)
        kind.verify(self._rules, {}, facts)
        self._insert(kind, facts)
        self._write_children(kind, row_id, payload.children, author)
        self._move_supplier(kind, parent_id, author)
        return row_id

    def change(self, kind: Kind, row_id: int, body: Mapping[str, Any], author: Author) -> None:
        """The row has the members of the body; a moment later than before is on it."""
        before = self.load(kind, row_id)
        shown = self._show(kind, row_id)
        parser = PayloadParser(resource=kind.table.resource, switches=self.switches, current=shown)
        payload = parser.parse(body)
        given = self._resolve(kind, before.get("_parent"), payload.members)
        after = {**before, **given}
        kind.verify_filled(after)
        kind.verify(self._rules, before, after)
        given["LastUpdateDate"] = later_stamp(author.stamp, before["LastUpdateDate"])
        given["LastUpdatedBy"] = author.user
        self._update(kind, row_id, given)
        self._write_children(kind, row_id, payload.children, author)
        self._move_supplier(kind, before.get("_parent"), author)

    def load(self, kind: Kind, row_id: int) -> Facts:
        """Return the row as the table holds it; LookupError where there is none."""
        return self._row(kind.table.name, row_id)

    def find_supplier(self, condition: str, value: Any) -> int | None:
        """Return the first supplier for which a column has a value, hidden ones included."""
        sql = f'SELECT _id FROM poz_suppliers WHERE "{condition}" = ? ORDER BY _id LIMIT 1'  # noqa: S608 - our own names
        found = self.store.query(sql, (value,))
        return int(found[0][0]) if found else None

    @property
    def _rules(self) -> Rules:
        return Rules(store=self.store, switches=self.switches)

    def _resolve(self, kind: Kind, parent_id: int | None, members: Facts) -> Facts:
        found = dict(members)
        for lookup in kind.lookups:
            found |= lookup.resolve(members)
        return dict(kind.resolve(self._rules, found, parent_id))

    def _show(self, kind: Kind, row_id: int) -> Facts:
        """Return the row as a client reads it; one that is hidden as the table holds it."""
        try:
            return self._row(kind.table.resource.table, row_id)
        except LookupError:
            return self.load(kind, row_id)

    def _row(self, table: str, row_id: int) -> Facts:
        names = [row[1] for row in self.store.query(f"PRAGMA table_info({table})")]
        found = self.store.query(f"SELECT * FROM {table} WHERE _id = ?", (row_id,))  # noqa: S608 - our own names
        if not found:
            raise LookupError(f"There is no row {row_id} in {table}.")
        return dict(zip(names, found[0], strict=True))

    def _write_children(
        self,
        kind: Kind,
        row_id: int,
        children: Mapping[str, list[dict[str, Any]]],
        author: Author,
    ) -> None:
        for accessor, bodies in children.items():
            below = kind.children.get(accessor)
            if below is None:
                raise RefusalError(400, f"The child {accessor} cannot be written here.")
            for body in bodies:
                self._write_child(below, row_id, body, author)

    def _write_child(
        self, kind: Kind, parent_id: int, body: dict[str, Any], author: Author
    ) -> None:
        """A body with an id changes that row, one without adds one."""
        child_id = body.get(kind.key)
        if child_id is None:
            members = {name: given for name, given in body.items() if name != kind.key}
            self.add(kind, parent_id, members, author)
            return
        sql = f"SELECT 1 FROM {kind.table.name} WHERE _id = ? AND _parent = ?"  # noqa: S608 - our own names
        if not self.store.query(sql, (child_id, parent_id)):
            raise RefusalError(400, f"There is no {kind.key} {child_id}.", path=f"/{kind.key}")
        self.change(kind, int(child_id), body, author)

    def _move_supplier(self, kind: Kind, parent_id: int | None, author: Author) -> None:
        """A change below moves the supplier's own moment only where the switch says so."""
        if kind is SUPPLIER_KIND or not self.switches["child_change_moves_supplier"]:
            return
        supplier_id = parent_id
        if kind is ASSIGNMENT_KIND:
            sql = "SELECT _parent FROM poz_supplier_sites WHERE _id = ?"
            supplier_id = self.store.query(sql, (parent_id,))[0][0]
        assert supplier_id is not None
        before = self.load(SUPPLIER_KIND, supplier_id)["LastUpdateDate"]
        stamp = later_stamp(author.stamp, before)
        facts = {"LastUpdateDate": stamp, "LastUpdatedBy": author.user}
        self._update(SUPPLIER_KIND, supplier_id, facts)

    def _identity(self, row_id: int, author: Author) -> Facts:
        return {
            "SupplierPartyId": row_id - 1,
            "RegistryId": str((row_id - _REGISTRY_BASE) // _ID_STEP),
            "CreationSourceCode": author.source,
            "CreationSource": SOURCES[author.source],
        }

    def _take_id(self) -> int:
        number = int(self.store.find(*ROW_COUNTER) or _FIRST_ROW)
        self.store.save(*ROW_COUNTER, number + _ID_STEP)
        return number

    def _free_number(self) -> str:
        sql = "SELECT MAX(CAST(SupplierNumber AS INTEGER)) FROM poz_suppliers"
        return str(int(self.store.query(sql)[0][0] or 0) + 1)

    def _insert(self, kind: Kind, facts: Facts) -> None:
        columns = ", ".join(f'"{name}"' for name in facts)
        marks = ", ".join("?" * len(facts))
        sql = f"INSERT INTO {kind.table.name} ({columns}) VALUES ({marks})"  # noqa: S608 - our own names
        self.store.execute(sql, facts.values())

    def _update(self, kind: Kind, row_id: int, facts: Facts) -> None:
        columns = ", ".join(f'"{name}" = ?' for name in facts)
        sql = f"UPDATE {kind.table.name} SET {columns} WHERE _id = ?"  # noqa: S608 - our own names
        self.store.execute(sql, (*facts.values(), row_id))
