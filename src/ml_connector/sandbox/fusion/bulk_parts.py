"""Batch requests: several operations posted to the version root, all carried out or none."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any

from ml_connector.sandbox.fusion.call import API_VERSIONS, REST_ROOT, Call, path_segments
from ml_connector.sandbox.fusion.refusals import GatewayRefusalError, RefusalError
from ml_connector.sandbox.http import Request, Response, parse_request
from ml_connector.sandbox.store import Store
from ml_connector.sandbox.switches import Switches

BATCH_MEDIA = "application/vnd.oracle.adf.batch+json"
_ITEM_MEDIA = "application/vnd.oracle.adf.resourceitem+json"
_METHODS = {
    "get": "GET", "create": "POST", "update": "PATCH", "replace": "PUT", "delete": "DELETE",
    "upsert": "POST", "invoke": "POST",
}  # fmt: skip
_ENABLED = {
    "suppliers": frozenset({"get", "create", "update", "upsert"}),
    "valueSets": frozenset({"get", "create", "update"}),
    "erpintegrations": frozenset[str](),
}
_READ_ONLY = frozenset({"get"})
_MARK = "\0"
_MARKED = re.compile(r'"\\u0000([^"]+)"')
"""Decimals pass through the writer as marked texts: its own numbers are binary."""
_INHERITED = ("accept-language", "metadata-context")
AnswerPart = Callable[[Call], Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One operation of a batch request."""

    id: str
    path: str
    operation: str
    payload: Any
    if_match: str | None
    if_none_match: str | None

    @property
    def is_conditional(self) -> bool:
        """The part is carried out only where a change indicator fits."""
        return self.if_match is not None or self.if_none_match is not None

    @property
    def resource(self) -> str:
        """The name of the resource that the path begins with."""
        return self.path.lstrip("/").partition("?")[0].partition("/")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkParts:
    """Carries out batch requests by asking the tree about each part."""

    store: Store
    switches: Switches
    answer: AnswerPart

    def run(self, call: Call) -> Response:
        """Every part has been carried out, in order; or none, and the failing one is named."""
        _verify_media(call)
        parts = _parse_parts(call.request.body)
        slow_from = self.switches["batch_parts_time_out_above"]
        if slow_from is not None and len(parts) > int(slow_from):
            raise GatewayRefusalError(504)
        with self._together():
            shown = [self._carry_out(call, part, index) for index, part in enumerate(parts)]
        body = '{"parts":[' + ",".join(shown) + "]}"
        headers = (
            ("Content-Type", BATCH_MEDIA),
            ("REST-Framework-Version", str(call.version)),
        )
        return Response(status=200, headers=headers, body=body.encode())

    def _together(self) -> AbstractContextManager[None]:
        is_whole = self.switches["batch_transaction"] == "all_or_none"
        return self.store.transaction() if is_whole else nullcontext()

    def _carry_out(self, call: Call, part: Part, index: int) -> str:
        try:
            self._verify_enabled(part)
            with self.store.transaction():
                answer = self.answer(_call_of(call, part))
        except RefusalError as refusal:
            raise self._failure(refusal, index) from refusal
        return _render(call, part, answer)

    def _verify_enabled(self, part: Part) -> None:
        disabled = self.switches["batch_disabled"] or ()
        enabled = _ENABLED.get(part.resource, _READ_ONLY)
        if part.operation not in enabled or part.operation in disabled:
            raise RefusalError(
                400, f"The action {part.operation} isn't enabled for batch execution."
            )

    def _failure(self, refusal: RefusalError, index: int) -> RefusalError:
        form = self.switches["batch_failure"]
        path = refusal.path if form == "no_path" else f"/parts/{index}{refusal.path or ''}"
        status = refusal.status if form == "own_status" else 400
        headers = refusal.headers if form == "own_status" else ()
        return RefusalError(
            status, *refusal.messages, code=refusal.code, path=path, headers=headers
        )


def _verify_media(call: Call) -> None:
    given = call.request.headers.get("content-type", "").split(";")[0].strip().lower()
    if given != BATCH_MEDIA:
        raise RefusalError(415, f"A batch request has the content type {BATCH_MEDIA}.")


def _parse_parts(body: bytes) -> list[Part]:
    try:
        listed = json.loads(body, parse_float=Decimal)["parts"]
        return [_parse_part(given) for given in listed]
    except (KeyError, TypeError, ValueError):
        raise RefusalError(400, "The payload is no batch request.", path="/parts") from None


def _parse_part(given: Mapping[str, Any]) -> Part:
    operation = str(given["operation"])
    if operation not in _METHODS:
        raise RefusalError(400, f"The action {operation} isn't enabled for batch execution.")
    return Part(
        id=str(given["id"]),
        path=str(given["path"]),
        operation=operation,
        payload=given.get("payload"),
        if_match=given.get("ifMatch"),
        if_none_match=given.get("ifNoneMatch"),
    )


def _call_of(call: Call, part: Part) -> Call:
    """Return the part as a request of its own, with the framework headers of the whole."""
    target = f"{REST_ROOT}/{call.api_version}/{part.path.lstrip('/')}"
    headers = {
        name: call.request.headers[name] for name in _INHERITED if name in call.request.headers
    }
    headers |= {"accept": "application/json", "content-type": _ITEM_MEDIA}
    if part.if_match is not None:
        headers["if-match"] = part.if_match
    if part.if_none_match is not None:
        headers["if-none-match"] = part.if_none_match
    if part.operation == "upsert":
        headers["upsert-mode"] = "true"
    request = _request(part, target, headers)
    segments = path_segments(request)
    assert segments[0] in API_VERSIONS
    return replace(call, request=request, segments=segments, parameters=dict(request.query))


def _request(part: Part, target: str, headers: Mapping[str, str]) -> Request:
    text = ""
    if part.payload is not None:
        text = _MARKED.sub(r"\1", json.dumps(part.payload, default=_as_literal))
    return parse_request(_METHODS[part.operation], target, headers, text.encode())


def _as_literal(value: Decimal) -> str:
    return f"{_MARK}{value}"


def _render(call: Call, part: Part, answer: Response) -> str:
    href = f"{call.base}/{part.path.lstrip('/')}"
    members = [
        f'"id":{encode_basestring(part.id)}',
        f'"path":{encode_basestring(href)}',
        f'"operation":"{part.operation}"',
    ]
    if answer.body and _wants_payloads(call):
        members.append(f'"payload":{answer.body.decode()}')
    if part.is_conditional:
        succeeded = "false" if answer.status == 304 else "true"
        members.append(f'"preconditionSucceeded":{succeeded}')
    return "{" + ",".join(members) + "}"


def _wants_payloads(call: Call) -> bool:
    """Return whether items are to be shown: weight zero for their media type says no."""
    for part in call.accept.lower().split(","):
        media, _, weight = part.replace(" ", "").partition(";")
        if media == _ITEM_MEDIA and weight in {"q=0", "q=0.0"}:
            return False
    return True
