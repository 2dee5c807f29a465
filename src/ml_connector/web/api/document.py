"""The API's own description, OpenAPI 3.1: served, kept in the manual, and drawn as a page."""

import json
from functools import cache
from typing import Any

from django.http import HttpResponse
from ninja import Schema
from pydantic import Field

from ml_connector.web.api.problems import PROBLEM
from ml_connector.web.api.routing import ROOT, api, list_operations
from ml_connector.web.api.shapes import Document
from ml_connector.web.guards import Asked

SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "A token of one's own."},
    "session": {
        "type": "apiKey", "in": "cookie", "name": "ml-connector-session",
        "description": "For our own pages; what changes anything also sends X-CSRFToken.",
    },
}  # fmt: skip
REFUSALS = {
    400: "The body is no JSON object.",
    401: "Nobody is known to call.",
    403: "The caller has no right to this.",
    404: "There is no such thing.",
    409: "Somebody else holds it, or a guard stopped it.",
    413: "The body is too large.",
    422: "What was asked makes no sense, or was refused; every fault is named.",
    429: "Too many wrong tokens were shown from this place.",
    500: "What was sent has an outcome nobody knows yet, or the fault is ours.",
    502: "A system behind a connection refused us, or broke its contract.",
    503: "Something does not answer now; the same call may be repeated.",
}
WITH_BODY = frozenset({400, 413})


class Fault(Schema):
    """One thing that is wrong with a call."""

    where: str
    what: str


class Problem(Schema):
    """What was refused, what has been written, what to do next (RFC 9457)."""

    type: str = Field(description="Leads to what errors of this code have in common.")
    title: str
    status: int
    detail: str = Field(description="The three sentences below, one after another.")
    code: str = Field(description="Does not change; see docs/errors.md.")
    refused: str
    written: str
    next_step: str
    arguments: Document = Field(description="The values the text was made from.")
    faults: list[Fault] = Field(description="All of them at once, where the call itself is unfit.")


@cache
def render_document() -> dict[str, Any]:
    """The description, with every refusal and with the right that each operation asks for."""
    made: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema(path_prefix=f"/{ROOT}")))
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    made["components"]["schemas"] |= problem.pop("$defs", {}) | {"Problem": problem}
    made["components"]["securitySchemes"] = SCHEMES
    made["components"]["responses"] = {
        f"Refused{status}": _render_refusal(why) for status, why in REFUSALS.items()
    }
    made["security"] = [{"token": []}, {"session": []}]
    made["servers"] = [{"url": "/"}]
    for address, method, right in list_operations():
        operation = made["paths"][f"/{address}"][method.lower()]
        operation["operationId"] = operation["operationId"].removeprefix("ml_connector_web_api_")
        operation["x-right"] = right.value
        has_body = "requestBody" in operation
        for status in REFUSALS:
            if has_body or status not in WITH_BODY:
                refusal = {"$ref": f"#/components/responses/Refused{status}"}
                operation["responses"].setdefault(str(status), refusal)
    return made


def _render_refusal(why: str) -> dict[str, Any]:
    shape = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {"description": why, "content": {PROBLEM: shape}}


def render_text() -> str:
    """The description as it stands in the manual."""
    return json.dumps(render_document(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def show_document(_: Asked) -> HttpResponse:
    """The description, for whoever builds a client."""
    return HttpResponse(render_text(), content_type="application/json")
