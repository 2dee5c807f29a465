"""How the Integration API wraps what it says: envelopes, paging, sorting, errors."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ml_connector.sandbox.http import Headers, Request, Response, json_response
from ml_connector.sandbox.switches import Switches

SCHEMA_ROOT = "https://api.anaplan.com/2/0"
NEXT_LIMIT_QUIRK = 20
_HTML = "<html><head><title>{0} {1}</title></head><body><center>{0} {1}</center></body></html>"
MESSAGES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    409: "Conflict",
    415: "Unsupported Media Type",
    422: "Model is archived",
    423: "Model is locked",
    424: "Model is offline",
    425: "Model is in deployed mode",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


class RefusedError(Exception):
    """The request is answered with an error envelope."""

    def __init__(self, status: int, message: str = "", headers: Headers = ()) -> None:
        self.status = status
        self.message = message or MESSAGES.get(status, "Error")
        self.headers = headers
        super().__init__(f"{status} {self.message}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a collection and what surrounds it."""

    key: str
    kind: str
    model_id: str = ""


def render_error(
    request: Request, refusal: RefusedError, *, at: datetime, switches: Switches
) -> Response:
    """The error envelope, in the shape the switch asks for."""
    stamp = at.strftime("%Y-%m-%dT%H:%M:%S.%f") + "915Z"
    payload = {
        "status": {"code": refusal.status, "message": refusal.message},
        "path": request.path,
        "timestamp": stamp,
    }
    shape = switches["error.body"]
    if shape == "JSON":
        return json_response(payload, refusal.status, refusal.headers)
    text = {
        "HTML": _HTML.format(refusal.status, refusal.message),
        "empty": "",
        "truncated JSON": json.dumps(payload)[:25],
    }[shape]
    kind = "text/html" if shape == "HTML" else "application/json"
    headers = (("Content-Type", kind), *refusal.headers)
    return Response(status=refusal.status, headers=headers, body=text.encode())


def render_one(kind: str, body: dict[str, Any], *, model_id: str = "") -> Response:
    """A success envelope around single objects."""
    return json_response({"meta": {"schema": _schema(kind, model_id)}, **_success(), **body})


def render_page(
    request: Request, rows: Sequence[Any], page: Page, *, switches: Switches, base_url: str
) -> Response:
    """One page of the rows, with the quirks of the real paging block."""
    limit, offset = _limit_and_offset(request)
    size = min(limit or switches["paging.max_page"], switches["paging.max_page"])
    shown = list(rows[offset : offset + size])
    paging: dict[str, Any] = {
        "currentPageSize": len(shown),
        "offset": offset,
        "totalSize": len(rows),
    }
    url = f"{base_url}{request.path}"
    more = offset + len(shown) < len(rows)
    if limit is None and switches["paging.next_quirk"] == "on":
        # Seen on the real service: without a limit the next page is always named like this,
        # although every row has been sent already.
        paging["next"] = f"{url}?limit={NEXT_LIMIT_QUIRK}&offset={NEXT_LIMIT_QUIRK}"
    elif more:
        paging["next"] = f"{url}?limit={size}&offset={offset + len(shown)}"
    if offset > 0:
        paging["previous"] = f"{url}?limit={size}&offset={max(0, offset - size)}"
    body: dict[str, Any] = {"meta": {"schema": _schema(page.kind, page.model_id), "paging": paging}}
    body |= _success()
    if shown or switches["empty.omit_key"] == "off":
        body[page.key] = shown
    return json_response(body)


def sort_strictly(
    rows: list[dict[str, Any]], request: Request, allowed: Sequence[str]
) -> list[dict[str, Any]]:
    """Top-level collections: the sign is mandatory and the field is checked."""
    wanted = request.find_query("sort")
    if not wanted:
        return rows
    if wanted[0] not in "+-":
        raise RefusedError(400, f"Bad sort order format: '{wanted}'. Expected '+' or '-' first.")
    if wanted[1:] not in allowed:
        raise RefusedError(400, f"Failed to parse sort parameter '{wanted}'.")
    return _sorted(rows, wanted[1:], is_descending=wanted[0] == "-")


def sort_kindly(rows: list[dict[str, Any]], request: Request) -> list[dict[str, Any]]:
    """Model-level collections: the sign is optional and unknown fields are ignored."""
    wanted = request.find_query("sort") or ""
    # A plus sign that was not percent-encoded arrives as a blank.
    name = wanted.lstrip("+- ")
    if not name or not all(name in row for row in rows):
        return rows
    return _sorted(rows, name, is_descending=wanted.startswith("-"))


def _sorted(rows: list[dict[str, Any]], name: str, *, is_descending: bool) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: str(row.get(name, "")), reverse=is_descending)


def _limit_and_offset(request: Request) -> tuple[int | None, int]:
    try:
        limit = request.find_query("limit")
        numbers = (int(limit) if limit else None, int(request.find_query("offset") or 0))
    except ValueError as error:
        raise RefusedError(400, "Invalid paging parameter.") from error
    if (numbers[0] is not None and numbers[0] < 1) or numbers[1] < 0:
        raise RefusedError(400, "Invalid paging parameter.")
    return numbers


def _schema(kind: str, model_id: str) -> str:
    middle = f"/models/{model_id}" if model_id else ""
    return f"{SCHEMA_ROOT}{middle}/objects/{kind}"


def _success() -> dict[str, Any]:
    return {"status": {"code": 200, "message": "Success"}}
