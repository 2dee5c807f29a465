"""Actions on a supplier: asked for by name below the item, answered with a result."""

from __future__ import annotations

import json
from dataclasses import dataclass

from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.fusion.admin import stamp_now
from ml_connector.sandbox.fusion.call import Call
from ml_connector.sandbox.fusion.places import Place
from ml_connector.sandbox.fusion.refusals import RefusalError
from ml_connector.sandbox.fusion.supplier_desk import Author, SupplierDesk
from ml_connector.sandbox.fusion.supplier_rules import SUPPLIER_KIND
from ml_connector.sandbox.http import Response

_MEDIA = ("application/vnd.oracle.adf.action+json", "application/json")
_RESULT_MEDIA = "application/vnd.oracle.adf.actionresult+json"
_SUBMIT = "submitSpendAuthorizationRequest"


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierActions:
    """Carries out actions; scores and signals have nothing to tell here."""

    desk: SupplierDesk
    clock: SandboxClock

    def run(self, call: Call, place: Place, row_id: int, name: str) -> Response:
        """The action is done: 200 with its result."""
        if name not in place.resource.actions:
            raise RefusalError(404)
        given = call.request.headers.get("content-type", "").split(";")[0].strip().lower()
        if given not in _MEDIA:
            raise RefusalError(415, "The content type of the body is not supported.")
        result = self._authorise(call, row_id) if name == _SUBMIT else None
        headers = (("Content-Type", _RESULT_MEDIA),)
        body = json.dumps({"result": result}).encode()
        return Response(status=200, headers=headers, body=body)

    def _authorise(self, call: Call, row_id: int) -> str:
        """The supplier may be spent with, if it can be identified."""
        author = Author(user=call.user, stamp=stamp_now(self.clock))
        with self.desk.store.transaction():
            body = {"BusinessRelationshipCode": "SPEND_AUTHORIZED"}
            self.desk.change(SUPPLIER_KIND, row_id, body, author)
        return "SUCCESS"
