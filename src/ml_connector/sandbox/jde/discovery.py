"""What orchestrations there are: the discovery service and the OpenAPI catalogues."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ml_connector.sandbox.http import Request, Response, json_response
from ml_connector.sandbox.jde.callers import Doorkeeper
from ml_connector.sandbox.jde.orchestrations import (
    INPUTS,
    ORCHESTRATIONS,
    OUTPUTS,
    Field,
    Orchestration,
)
from ml_connector.sandbox.switches import Switches

_TYPES = {"Numeric": "number", "Boolean": "boolean", "Array": "array"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """Tells a signed-on user of the orchestrations the user may see."""

    switches: Switches
    door: Doorkeeper

    def discover(self, request: Request) -> Response:
        """Return all orchestrations, or the named one."""
        self.door.admit(request, {})
        shape = str(self.switches["inputFormat"])
        return json_response(
            {"orchestrations": [one.declared(shape) for one in self._visible(request)]}
        )

    def catalogue(self, request: Request) -> Response:
        """Return the same as a Swagger 2 or OpenAPI 3 document."""
        self.door.admit(request, {})
        newer = request.params.get("three") == "3"
        paths = {
            f"/v3/orchestrator/{one.name}": {"post": _operation(one, newer=newer)}
            for one in self._visible(request)
        }
        head = {"openapi": "3.0.1"} if newer else {"swagger": "2.0"}
        about = {"title": "EnterpriseOne Orchestrations", "version": "1.0.0"}
        return json_response({**head, "info": about, "basePath": "/jderest", "paths": paths})

    def _visible(self, request: Request) -> list[Orchestration]:
        hidden, wanted = self.switches["deniedOrchestrations"], request.params.get("name")
        return [
            one
            for one in ORCHESTRATIONS.values()
            if one.name not in hidden and wanted in {None, one.name}
        ]


def _operation(one: Orchestration, *, newer: bool) -> dict[str, Any]:
    inputs, outputs = _schema(INPUTS), _schema(OUTPUTS)
    about = {"operationId": one.name, "summary": one.description}
    if newer:
        body = {"content": {"application/json": {"schema": inputs}}}
        good = {"description": "OK", "content": {"application/json": {"schema": outputs}}}
        return {**about, "requestBody": body, "responses": {"200": good}}
    parameter = {"in": "body", "name": "inputs", "schema": inputs}
    good = {"description": "OK", "schema": outputs}
    return {**about, "parameters": [parameter], "responses": {"200": good}}


def _schema(fields: tuple[Field, ...]) -> dict[str, Any]:
    return {"type": "object", "properties": {one.name: _property(one) for one in fields}}


def _property(field: Field) -> dict[str, Any]:
    if field.type == "Array":
        items = _schema(field.array) if field.array else {"type": "string"}
        return {"type": "array", "items": items}
    return {"type": _TYPES.get(field.type, "string")}
