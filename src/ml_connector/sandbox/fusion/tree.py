"""The REST tree: from a path to a collection, an item or a description, and to an answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.fusion.bulk_parts import BulkParts
from ml_connector.sandbox.fusion.call import API_VERSIONS, Call, answer_media, verify_acceptable
from ml_connector.sandbox.fusion.describing import (
    describe_resources,
    describe_version,
    describe_versions,
)
from ml_connector.sandbox.fusion.ess_answers import ErpIntegrations
from ml_connector.sandbox.fusion.ess_resource import ERP_INTEGRATIONS
from ml_connector.sandbox.fusion.places import Place, place_of_child
from ml_connector.sandbox.fusion.reading import Reader
from ml_connector.sandbox.fusion.refusals import RefusalError
from ml_connector.sandbox.fusion.resource import Resource
from ml_connector.sandbox.fusion.supplier_writing import SupplierWriter
from ml_connector.sandbox.fusion.writing import Writer
from ml_connector.sandbox.http import Response
from ml_connector.sandbox.store import Store
from ml_connector.sandbox.switches import Switches

_OVERRIDE = "x-http-method-override"
_DESCRIBE = "describe"
_PRIVILEGES = {
    "journal": "journal_privilege",
    "lov": "lov_privilege",
    "supplier": "supplier_privilege",
}
_ACTION = "action"
_STEPS = frozenset({"child", "lov"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RestTree:
    """Finds what a path means and lets it be read or written."""

    resources: dict[str, Resource]
    store: Store
    clock: SandboxClock
    switches: Switches
    reader: Reader
    writer: Writer
    supplier_writer: SupplierWriter
    integrations: ErpIntegrations

    def answer(self, call: Call) -> Response:
        """Return the answer to a request of a known user; refusals are raised."""
        segments = call.segments
        if not segments:
            return _described(call, "version", describe_versions(call.origin))
        if segments[0] not in API_VERSIONS:
            raise RefusalError(404)
        verify_acceptable(call)
        if len(segments) == 1:
            _verify_verb(_method(call), frozenset({"GET", "POST"}))
            if _method(call) == "POST":
                bulk = BulkParts(store=self.store, switches=self.switches, answer=self.answer)
                return bulk.run(call)
            return _described(call, "version", describe_version(call.origin, segments[0]))
        if segments[-1] == _DESCRIBE:
            return self._describe(call)
        return self._answer_resource(call)

    def _describe(self, call: Call) -> Response:
        wanted = list(self.resources.values())
        if len(call.segments) > 2:
            wanted = [self._root(call.segments[1])]
        described = describe_resources(wanted, call.base, self.switches)
        return _described(call, "description", described)

    def _answer_resource(self, call: Call) -> Response:
        resource = self._root(call.segments[1])
        if resource is ERP_INTEGRATIONS:
            return self.integrations.answer(call, _method(call))
        self._verify_privilege(resource)
        place = Place(resource=resource, href=f"{call.base}/{resource.name}", name=resource.name)
        rest = list(call.segments[2:])
        while len(rest) > 1:
            if rest[1] == _ACTION:
                return self._act(call, place, rest)
            place, rest = self._descend(call, place, rest)
        method = _method(call)
        if not rest:
            return self._answer_collection(call, place, method)
        return self._answer_item(call, place, rest[0], method)

    def _act(self, call: Call, place: Place, rest: list[str]) -> Response:
        """Return the answer to an action; only suppliers have any."""
        if len(rest) != 3 or place.resource.privilege != "supplier":
            raise RefusalError(404)
        _verify_verb(call.request.method, frozenset({"POST"}))
        row_id = self._row(call, place, rest[0])
        return self.supplier_writer.act(call, place, row_id, rest[2])

    def _descend(self, call: Call, place: Place, rest: list[str]) -> tuple[Place, list[str]]:
        """Return the collection below the next key, and what is left of the path."""
        if rest[1] not in _STEPS or len(rest) < 3:
            raise RefusalError(404)
        row_id = self._row(call, place, rest[0])
        return place_of_child(place, row_id, rest[0], (rest[1], rest[2])), rest[3:]

    def _answer_collection(self, call: Call, place: Place, method: str) -> Response:
        _verify_verb(method, place.resource.verbs & {"GET", "POST"})
        if method == "POST":
            return self._writer_of(place).create(call, place)
        return self.reader.collection(call, place)

    def _answer_item(self, call: Call, place: Place, key: str, method: str) -> Response:
        _verify_verb(method, place.resource.verbs - {"POST"})
        row_id = self._row(call, place, key)
        if method == "PATCH":
            return self._writer_of(place).update(call, place, row_id)
        if method == "DELETE":
            return self.writer.delete(call, place, row_id)
        return self.reader.item(call, place, row_id)

    def _writer_of(self, place: Place) -> Writer | SupplierWriter:
        is_supplier = place.resource.privilege == "supplier"
        return self.supplier_writer if is_supplier else self.writer

    def _root(self, name: str) -> Resource:
        if name not in self.resources:
            raise RefusalError(404)
        return self.resources[name]

    def _row(self, call: Call, place: Place, key: str) -> int:
        row_id = self.reader.find_row(place, key, call.user)
        if row_id is None or self._is_too_new(place.resource, row_id):
            raise RefusalError(404)
        return row_id

    def _is_too_new(self, resource: Resource, row_id: int) -> bool:
        """Return whether a row was created so lately that it cannot be found by key yet."""
        window_s = float(self.switches["not_found_after_create_s"])
        if window_s <= 0 or resource.find_attribute("CreationDate") is None:
            return False
        sql = f"SELECT CreationDate FROM {resource.table} WHERE _id = ?"  # noqa: S608 - our own names
        created = datetime.fromisoformat(self.store.query(sql, (row_id,))[0][0])
        return self.clock.now() < created.timestamp() + window_s

    def _verify_privilege(self, resource: Resource) -> None:
        switch = _PRIVILEGES.get(resource.privilege)
        if switch and self.switches[switch] == "denied":
            raise RefusalError(403, "You do not have the privilege to use this resource.")


def _described(call: Call, kind: str, payload: dict[str, Any]) -> Response:
    body = json.dumps(payload, ensure_ascii=False).encode()
    headers = (("Content-Type", answer_media(call, kind)),)
    return Response(status=200, headers=headers, body=body)


def _method(call: Call) -> str:
    """Return the method meant: a PATCH may travel inside a POST."""
    method = call.request.method
    wanted = call.request.headers.get(_OVERRIDE, "").upper()
    return "PATCH" if method == "POST" and wanted == "PATCH" else method


def _verify_verb(method: str, allowed: frozenset[str]) -> None:
    if method not in allowed and not (method == "HEAD" and "GET" in allowed):
        raise RefusalError(405, headers=(("Allow", ", ".join(sorted(allowed))),))
