"""POST, PATCH and DELETE on resources, as far as the ledger allows them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.company.copies import CHANGE_SIGN, SWITCH_SIDES
from ml_connector.sandbox.fusion.admin import stamp_now
from ml_connector.sandbox.fusion.books import erase_batch
from ml_connector.sandbox.fusion.call import Call, verify_content_type
from ml_connector.sandbox.fusion.places import Place
from ml_connector.sandbox.fusion.reading import Reader, matches_etag
from ml_connector.sandbox.fusion.refusals import RefusalError
from ml_connector.sandbox.fusion.resource import Attribute, Resource
from ml_connector.sandbox.fusion.stamps import later_stamp, parse_day
from ml_connector.sandbox.fusion.values import ValueDesk
from ml_connector.sandbox.http import Response
from ml_connector.sandbox.store import Store
from ml_connector.sandbox.switches import Switches

_COMPLETION = {"U": "Incomplete", "P": "Complete"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Writes what a resource lets be written; the reader shows the outcome."""

    store: Store
    clock: SandboxClock
    switches: Switches
    reader: Reader

    def create(self, call: Call, place: Place) -> Response:
        """A row is added below a collection: 201, the item and its address."""
        members = self._members(call, place.resource, is_new=True)
        assert place.parent_id is not None
        desk = ValueDesk(store=self.store)
        with self.store.transaction():
            row_id = desk.add(place.parent_id, members, stamp=stamp_now(self.clock), user=call.user)
        location = (("Location", f"{place.href}/{row_id}"),)
        answer = self.reader.item(call, place, row_id, status=201)
        return Response(status=201, headers=answer.headers + location, body=answer.body)

    def update(self, call: Call, place: Place, row_id: int) -> Response:
        """The item has the members of the body; what the body leaves out stays."""
        members = self._members(call, place.resource, is_new=False)
        with self.store.transaction():
            verify_unchanged(call, self.reader, place.resource, row_id)
            if place.resource.name == "journalBatches":
                self._update_batch(call, row_id, members)
            else:
                desk = ValueDesk(store=self.store)
                desk.alter(row_id, members, stamp=stamp_now(self.clock), user=call.user)
        return self.reader.item(call, place, row_id)

    def delete(self, call: Call, place: Place, row_id: int) -> Response:
        """An unposted batch is gone without a trace; anything else stays."""
        with self.store.transaction():
            verify_unchanged(call, self.reader, place.resource, row_id)
            if place.resource.name != "journalBatches":
                raise RefusalError(400, "Values cannot be deleted; disable them or end them.")
            sql = "SELECT Status FROM je_batches WHERE _id = ?"
            if self.store.query(sql, (row_id,))[0][0] == "P":
                raise RefusalError(400, "A posted journal batch cannot be deleted.")
            erase_batch(self.store, row_id)
        return Response(status=204)

    def _update_batch(self, call: Call, row_id: int, members: Mapping[str, Any]) -> None:
        facts = dict(members)
        if "Status" in facts:
            # Completion is all that a client may set; the batch is not posted by it.
            facts["CompletionStatusMeaning"] = _completion(facts.pop("Status"))
        method = facts.get("ReversalMethodMeaning")
        if method not in {None, CHANGE_SIGN, SWITCH_SIDES}:
            raise RefusalError(
                400,
                "Applying List binding LOV_ReversalMethodMeaning with given set of values leads"
                " to no matching row.",
            )
        before = self.store.query("SELECT LastUpdateDate FROM je_batches WHERE _id = ?", (row_id,))
        facts["LastUpdateDate"] = later_stamp(stamp_now(self.clock), before[0][0])
        facts["LastUpdatedBy"] = call.user
        columns = ", ".join(f'"{name}" = ?' for name in facts)
        sql = f"UPDATE je_batches SET {columns} WHERE _id = ?"  # noqa: S608 - our own names
        self.store.execute(sql, (*facts.values(), row_id))

    def _members(self, call: Call, resource: Resource, *, is_new: bool) -> dict[str, Any]:
        """Return the members of the body that may be written, as the tables hold them."""
        verify_content_type(call)
        members: dict[str, Any] = {}
        for name, given in parse_object(call.request.body).items():
            attribute = resource.find_attribute(name)
            if attribute is None:
                raise RefusalError(400, f'Invalid attribute "{name}" in the payload')
            if attribute.updatable or (is_new and attribute.name in {"Value", "IndependentValue"}):
                members[name] = _stored(attribute, given)
            elif self.switches["read_only_member"] == "refuse":
                raise RefusalError(400, f"Attribute {name} cannot be set.", path=f"/{name}")
        return members


def verify_unchanged(call: Call, reader: Reader, resource: Resource, row_id: int) -> None:
    """The row is the one the client has seen, if it says which; 412 otherwise."""
    wanted = call.request.headers.get("if-match")
    current = reader.revision(resource, row_id)
    if wanted is not None and not matches_etag(wanted, current):
        raise RefusalError(
            412, "The item has been changed since.", headers=(("ETag", f'"{current}"'),)
        )


def _completion(status: object) -> str:
    if status not in _COMPLETION:
        raise RefusalError(400, f"The status {status!r} is not valid.", path="/Status")
    return _COMPLETION[str(status)]


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a body; 400 where it is none."""
    try:
        parsed = json.loads(body, parse_float=Decimal)
    except ValueError:
        raise RefusalError(400, "The payload is not valid JSON.") from None
    if not isinstance(parsed, dict):
        raise RefusalError(400, "The payload is no JSON object.")
    return parsed


def _stored(attribute: Attribute, given: Any) -> Any:
    path = f"/{attribute.name}"
    if given is None:
        return None
    if attribute.kind == "boolean":
        if not isinstance(given, bool):
            raise RefusalError(400, f"The value of {attribute.name} is no boolean.", path=path)
        return int(given)
    if attribute.kind == "integer":
        if not isinstance(given, int):
            raise RefusalError(400, f"The value of {attribute.name} is no number.", path=path)
        return given
    if not isinstance(given, str):
        raise RefusalError(400, f"The value of {attribute.name} is no text.", path=path)
    if attribute.length_max is not None and len(given) > attribute.length_max:
        raise RefusalError(400, f"The value {given} is too long. (FND-2825)", path=path)
    return _stored_day(attribute, given) if attribute.kind == "date" else given


def _stored_day(attribute: Attribute, given: str) -> str:
    try:
        return parse_day(given)
    except ValueError:
        raise RefusalError(
            400, f"The value {given} of {attribute.name} is no date.", path=f"/{attribute.name}"
        ) from None
