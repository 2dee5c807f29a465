"""What is peculiar to this server below the services: its reason phrase, and what it hides."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from ml_connector.sandbox.http import Handler, HttpServer, Request, Response
from ml_connector.sandbox.jde.refusals import TOKEN_PHRASE, TOKEN_STATUS
from ml_connector.sandbox.journal import Journal

PEER_HEADER = "x-sandbox-peer"
"""A header of the server's own making, with the address of the other end."""
_SECRET = re.compile(r"((?:\$|%24)?(?:token|password|psToken|externalJwt)=)[^&]*", re.IGNORECASE)


class JdeHttpServer(HttpServer):
    """Says `Invalid Token` after 444, which no registry knows, and tells where calls come from."""

    def __init__(self, port: int, handler: Handler, http_date: Callable[[], str]) -> None:
        super().__init__(port, handler, http_date)
        self.RequestHandlerClass = _peculiar(self.RequestHandlerClass)


class RedactingJournal(Journal):
    """A journal without the secrets that this product carries in addresses."""

    def record(
        self, request: Request, status: int | None, *, at: datetime, fault: str | None
    ) -> None:
        """The request has been appended with its fate, secrets of its address starred."""
        shown = replace(request, raw_path=redact(request.raw_path))
        super().record(shown, status, at=at, fault=fault)


def redact(address: str) -> str:
    """Return the address with tokens and passwords starred."""
    return _SECRET.sub(r"\1***", address)


def _peculiar(connection: Any) -> Any:
    class Connection(connection):  # type: ignore[misc]  # the base is whatever the server was made with
        def _read_request(self) -> Request | None:
            request: Request | None = super()._read_request()
            if request is None:
                return None
            seen = {**request.headers, PEER_HEADER: self.client_address[0]}
            return replace(request, headers=seen)

        def _head(self, response: Response, *, keep: bool) -> bytes:
            head: bytes = super()._head(response, keep=keep)
            if response.status != TOKEN_STATUS:
                return head
            _, end, rest = head.partition(b"\r\n")
            return f"HTTP/1.1 {TOKEN_STATUS} {TOKEN_PHRASE}".encode() + end + rest

    return Connection
