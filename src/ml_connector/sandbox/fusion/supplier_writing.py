"""POST and PATCH on suppliers and on what hangs below them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.fusion.admin import stamp_now
from ml_connector.sandbox.fusion.call import Call, verify_content_type
from ml_connector.sandbox.fusion.places import Place
from ml_connector.sandbox.fusion.reading import Reader
from ml_connector.sandbox.fusion.refusals import RefusalError
from ml_connector.sandbox.fusion.supplier_actions import SupplierActions
from ml_connector.sandbox.fusion.supplier_desk import Author, SupplierDesk
from ml_connector.sandbox.fusion.supplier_rules import KINDS, SUPPLIER_KIND
from ml_connector.sandbox.fusion.writing import parse_object, verify_unchanged
from ml_connector.sandbox.http import Response

_UPSERT = "upsert-mode"
_KEYS = ("SupplierId", "SupplierNumber", "Supplier")


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierWriter:
    """Lets the desk write and the reader show the outcome."""

    desk: SupplierDesk
    clock: SandboxClock
    reader: Reader

    def create(self, call: Call, place: Place) -> Response:
        """A row is added to a collection: 201, the item and its address."""
        self._verify_privilege()
        verify_content_type(call)
        body = parse_object(call.request.body)
        with self.desk.store.transaction():
            known = self._find_known(call, place, body)
            if known is not None:
                self._change(call, place, known, body)
                return self.reader.item(call, place, known)
            kind = KINDS[place.resource.name]
            row_id = self.desk.add(kind, place.parent_id, body, self._author(call))
            answer = self.reader.item(call, place, row_id, status=201)
        location = (("Location", f"{place.href}/{row_id}"),)
        return Response(status=201, headers=answer.headers + location, body=answer.body)

    def update(self, call: Call, place: Place, row_id: int) -> Response:
        """The item has the members of the body; what the body leaves out stays."""
        self._verify_privilege()
        verify_content_type(call)
        body = parse_object(call.request.body)
        with self.desk.store.transaction():
            verify_unchanged(call, self.reader, place.resource, row_id)
            self._change(call, place, row_id, body)
            return self.reader.item(call, place, row_id)

    def act(self, call: Call, place: Place, row_id: int, name: str) -> Response:
        """An action on a supplier has been done."""
        self._verify_privilege()
        actions = SupplierActions(desk=self.desk, clock=self.clock)
        return actions.run(call, place, row_id, name)

    def _change(self, call: Call, place: Place, row_id: int, body: dict[str, Any]) -> None:
        self.desk.change(KINDS[place.resource.name], row_id, body, self._author(call))

    def _find_known(self, call: Call, place: Place, body: dict[str, Any]) -> int | None:
        """Return the row that a create-or-update means, where the pod takes such requests."""
        if call.request.headers.get(_UPSERT, "").lower() != "true":
            return None
        mode = self.desk.switches["supplier_upsert"]
        if mode == "refuse":
            raise RefusalError(400, "The header Upsert-Mode is not supported by this resource.")
        if mode == "ignore" or KINDS[place.resource.name] is not SUPPLIER_KIND:
            return None
        found = (self.desk.find_supplier(key, body[key]) for key in _KEYS if body.get(key))
        return next((row_id for row_id in found if row_id is not None), None)

    def _verify_privilege(self) -> None:
        """The user may write; 403 otherwise."""
        if self.desk.switches["supplier_privilege"] != "maintain":
            raise RefusalError(403, "You do not have the privilege to maintain suppliers.")

    def _author(self, call: Call) -> Author:
        return Author(user=call.user, stamp=stamp_now(self.clock))
