"""Refusals of the AIS server and the bodies they get, in both generations."""

from __future__ import annotations

import json
from datetime import datetime
from http import HTTPStatus
from typing import Any

from ml_connector.sandbox.http import Headers, Response, json_response

TOKEN_STATUS = 444
TOKEN_PHRASE = "Invalid Token"  # noqa: S105 - the reason phrase, not a token
EXPIRED_TITLE = "JAS_MSG347: The query results expired.  Refresh them by clicking Find again."
_SERVICE_EXCEPTION = "com.jdedwards.mobile.rest.exceptions.ServiceException"
_HTML = (
    "<html><head><title>Error {status}--{title}</title></head>"
    "<body bgcolor=white><h2>Error {status}--{title}</h2></body></html>"
)


class RefusalError(Exception):
    """A request the server does not carry out; `body` is sent instead of the usual one."""

    def __init__(self, status: int, message: str, *, body: dict[str, Any] | None = None) -> None:
        self.status = status
        self.message = message
        self.body = body
        super().__init__(message)


class QueryRefusalError(RefusalError):
    """A query names something that does not exist; a switch decides about the status."""

    def __init__(self, message: str) -> None:
        super().__init__(400, message)


class DeadTokenError(RefusalError):
    """The token names no living session."""

    def __init__(self) -> None:
        super().__init__(TOKEN_STATUS, TOKEN_PHRASE)


class PageError(RefusalError):
    """The web container refuses before the service is reached; the body is a page."""

    def __init__(self, status: int) -> None:
        super().__init__(status, phrase_of(status))


class CutError(Exception):
    """The connection is reset instead of being answered."""


def phrase_of(status: int) -> str:
    """Return the words that go with a status."""
    if status == TOKEN_STATUS:
        return TOKEN_PHRASE
    return HTTPStatus(status).phrase


def long_stamp(at: datetime) -> str:
    """Return a time stamp with zone, as the newer bodies have it."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}{at:%z}"


def short_stamp(at: datetime) -> str:
    """Return a time stamp without zone, as the older bodies have it."""
    return f"{at:%Y-%m-%d:%H.%M.%S}"


def render_refusal(refusal: RefusalError, at: datetime) -> Response:
    """Return the answer to a refused request."""
    if isinstance(refusal, PageError):
        return html_page(refusal.status)
    return json_response(refusal.body or _newer(refusal, at), refusal.status)


def render_dead_token(status: int, form: str, at: datetime) -> Response:
    """Return the answer to a dead token in the form wanted."""
    if form == "empty":
        return Response(status=status)
    if form == "html":
        return html_page(status)
    if form == "short":
        short = {"message": TOKEN_PHRASE, "exception": "Exception", "timeStamp": long_stamp(at)}
        return json_response(short, status)
    return json_response(service_error(TOKEN_PHRASE, at, kind="TOKEN"), status)


def service_error(message: str, at: datetime, *, kind: str = "DATASERVICE") -> dict[str, Any]:
    """Return the body of the service error class."""
    return {
        "message": message,
        "exception": _SERVICE_EXCEPTION,
        "exceptionId": str(at.microsecond % 9973),
        "errorText": message,
        "userDefinedErrorText": "",
        "status": "ERROR",
        "type": kind,
        "timeStamp": short_stamp(at),
    }


def sys_errors(title: str, code: str = "") -> dict[str, Any]:
    """Return the body that lists errors of the HTML server."""
    error = {"CODE": code, "TITLE": title, "DESC": title, "ERRORCONTROL": "", "MOBILE": ""}
    return {"sysErrors": [error]}


def html_page(status: int, headers: Headers = ()) -> Response:
    """Return the page a web container makes of an error."""
    page = _HTML.format(status=status, title=phrase_of(status))
    kind = (("Content-Type", "text/html; charset=UTF-8"),)
    return Response(status=status, headers=kind + headers, body=page.encode())


def parse_body(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a body; absent, `null` and `""` count as an empty one."""
    try:
        found = json.loads(body) if body.strip() else {}
    except ValueError as error:
        raise RefusalError(400, "Bad Request - Invalid JSON Input") from error
    if found is None or found == "":
        return {}
    if not isinstance(found, dict):
        raise RefusalError(400, "Bad Request - Invalid JSON Input")
    return found


def _newer(refusal: RefusalError, at: datetime) -> dict[str, Any]:
    return {
        "message": refusal.message,
        "exception": _SERVICE_EXCEPTION,
        "timeStamp": long_stamp(at),
        "status": "ERROR",
    }
