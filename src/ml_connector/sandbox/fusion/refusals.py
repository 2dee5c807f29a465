"""Refusals, and the bodies they get by framework version, Accept and switch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus

from ml_connector.sandbox.http import Headers, Response

ERROR_MEDIA = "application/vnd.oracle.adf.error+json"
STRUCTURED_FROM = 4
_PERMITTING = (ERROR_MEDIA, "application/json", "application/*", "*/*")
_HTML = (
    "<!DOCTYPE HTML PUBLIC '-//W3C//DTD HTML 4.0 Draft//EN'>\n<HTML><HEAD>"
    "<TITLE>Error {status}--{title}</TITLE></HEAD>\n<BODY bgcolor='white'>"
    "<H2>Error {status}--{title}</H2></BODY></HTML>\n"
)


class RefusalError(Exception):
    """A request the server does not carry out.

    `code` and `path` stand beside the first message in a structured body. `gateway` marks a
    refusal from before the framework, which is HTML whatever the client asked for.
    """

    def __init__(
        self,
        status: int,
        *messages: str,
        code: str | None = None,
        path: str | None = None,
        headers: Headers = (),
    ) -> None:
        self.status = status
        self.messages = messages or (phrase_of(status),)
        self.code = code
        self.path = path
        self.headers = headers
        self.gateway = False
        super().__init__("; ".join(self.messages))


class GatewayRefusalError(RefusalError):
    """A refusal from before the framework; its body is a page, never JSON."""

    def __init__(self, status: int, *, headers: Headers = ()) -> None:
        super().__init__(status, headers=headers)
        self.gateway = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorStyle:
    """What decides about the form of an error body."""

    version: int
    accept: str
    wanted: str = "by_version"


def phrase_of(status: int) -> str:
    """Return the words that go with a status."""
    return HTTPStatus(status).phrase


def render_refusal(refusal: RefusalError, style: ErrorStyle) -> Response:
    """Return the answer to a refused request."""
    kind = _kind(refusal, style)
    if kind == "json":
        return _answer(refusal, ERROR_MEDIA, json.dumps(_structured(refusal), ensure_ascii=False))
    if kind == "html":
        return html_page(refusal.status, refusal.headers)
    if kind == "empty":
        return Response(status=refusal.status, headers=refusal.headers)
    return _answer(refusal, "text/plain;charset=UTF-8", "\n".join(refusal.messages))


def html_page(status: int, headers: Headers = ()) -> Response:
    """Return the page an application server makes of an error."""
    page = _HTML.format(status=status, title=phrase_of(status))
    kind = (("Content-Type", "text/html; charset=UTF-8"),)
    return Response(status=status, headers=kind + headers, body=page.encode())


def _kind(refusal: RefusalError, style: ErrorStyle) -> str:
    if style.wanted != "by_version":
        return style.wanted
    if refusal.gateway:
        return "html"
    return "json" if style.version >= STRUCTURED_FROM and _permits(style.accept) else "text"


def _permits(accept: str) -> bool:
    listed = [part.split(";")[0].strip().lower() for part in accept.split(",") if part.strip()]
    return not listed or any(part in _PERMITTING for part in listed)


def _structured(refusal: RefusalError) -> dict[str, object]:
    details: list[dict[str, str]] = [{"detail": message} for message in refusal.messages]
    if refusal.code:
        details[0]["o:errorCode"] = refusal.code
    if refusal.path:
        details[0]["o:errorPath"] = refusal.path
    return {
        "title": phrase_of(refusal.status),
        "status": str(refusal.status),
        "o:errorDetails": details,
    }


def _answer(refusal: RefusalError, content_type: str, body: str) -> Response:
    headers = (("Content-Type", content_type), *refusal.headers)
    return Response(status=refusal.status, headers=headers, body=body.encode())
