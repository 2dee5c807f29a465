"""Who may come in: the token endpoint, and the credentials on each REST request."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from ml_connector.sandbox.fusion.refusals import html_page
from ml_connector.sandbox.fusion.tokens import ISSUER, CertificateBook, TokenBook
from ml_connector.sandbox.http import Headers, Request, Response, json_response
from ml_connector.sandbox.switches import Switches

TOKEN_PATH = "/oauth2/v1/token"  # noqa: S105 - a path, no secret
LOGIN_PAGE = "https://login.halden.example/oam/server/obrareq.cgi"
SCOPE = "urn:opc:resource:fa:instanceid=100200300urn:opc:resource:consumer::all"
CLIENTS = {"halden-connector": "halden-secret"}
USERS = {"INTEGRATION.USER": "halden-password"}
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_CLIENT_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_FORM = "application/x-www-form-urlencoded"
_REALM = ("WWW-Authenticate", 'Basic realm="owsm"')
_BEARER_CHALLENGE = ("WWW-Authenticate", 'Bearer error="invalid_token"')


class TokenRefusalError(Exception):
    """A token request that is not granted."""

    def __init__(self, status: int, error: str, description: str) -> None:
        self.status = status
        self.error = error
        self.description = description
        super().__init__(f"{error}: {description}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Grants tokens and recognises users."""

    tokens: TokenBook
    certificates: CertificateBook
    switches: Switches

    def answer_token(self, request: Request) -> Response:
        """Return a token, or the refusal of the protocol."""
        try:
            granted = self._grant(request)
        except TokenRefusalError as refusal:
            body = {
                "error": refusal.error,
                "error_description": refusal.description,
                "ecid": secrets.token_hex(6),
            }
            return json_response(body, refusal.status)
        return json_response(granted, headers=(("Cache-Control", "no-store"),))

    def find_user(self, request: Request) -> str | None:
        """Return the user whose credentials the request carries, or None."""
        kind, _, value = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "basic" and self.switches["basic_auth"] == "accepted":
            user, password = _parse_basic(value)
            return user if user in USERS and USERS[user] == password else None
        if kind.lower() == "bearer":
            return self.tokens.find_user(value.strip()) or self._self_issued(value.strip())
        return None

    def challenge(self, request: Request) -> Response:
        """Return the 401 of a request without good credentials; it is never JSON by default.

        Who sends none at all may be shown the way to a log-in page on another host instead.
        """
        is_bare = "authorization" not in request.headers
        if is_bare and self.switches["without_credentials"] == "redirect":
            return Response(status=302, headers=(("Location", LOGIN_PAGE),))
        headers: Headers = (_REALM,)
        if self.switches["bearer_challenge"]:
            headers += (_BEARER_CHALLENGE,)
        match self.switches["body_401"]:
            case "empty":
                return Response(status=401, headers=headers)
            case "json":
                return json_response({"title": "Unauthorized", "status": "401"}, 401, headers)
            case _:
                return html_page(401, headers)

    def _grant(self, request: Request) -> dict[str, Any]:
        form = _parse_form(request)
        client = self._client(request, form)
        request.user = client
        match form.get("grant_type"):
            case "client_credentials":
                user = client
            case grant if grant == _JWT_BEARER:
                user = self._asserted_user(form, client)
            case None:
                raise TokenRefusalError(400, "invalid_request", "grant_type is missing.")
            case other:
                raise TokenRefusalError(
                    400, "unsupported_grant_type", f"Grant type {other} is not supported."
                )
        scope = self._scope(form)
        return self.tokens.issue(user, client=client, scope=scope)

    def _client(self, request: Request, form: Mapping[str, str]) -> str:
        if form.get("client_assertion_type") == _CLIENT_ASSERTION:
            return self._asserted_client(form)
        kind, _, value = request.headers.get("authorization", "").partition(" ")
        client, secret = _parse_basic(value) if kind.lower() == "basic" else ("", "")
        if client not in CLIENTS or CLIENTS[client] != secret:
            raise TokenRefusalError(401, "invalid_client", "Client authentication failed.")
        return client

    def _asserted_client(self, form: Mapping[str, str]) -> str:
        try:
            claims = self.certificates.verify(form.get("client_assertion", "")).claims
        except ValueError as error:
            raise TokenRefusalError(401, "invalid_client", str(error)) from error
        client = str(claims.get("sub"))
        named = form.get("client_id", client)
        if client not in CLIENTS or claims.get("iss") != client or named != client:
            raise TokenRefusalError(401, "invalid_client", "Client authentication failed.")
        _verify_audience(claims, 401, "invalid_client")
        return client

    def _asserted_user(self, form: Mapping[str, str], client: str) -> str:
        status = int(self.switches["bad_assertion_status"])
        try:
            claims = self.certificates.verify(form.get("assertion", "")).claims
        except ValueError as error:
            raise TokenRefusalError(status, "invalid_grant", str(error)) from error
        user = str(claims.get("sub") or claims.get("prn"))
        if user not in USERS or claims.get("iss") != client:
            raise TokenRefusalError(status, "invalid_grant", "The assertion names no user.")
        _verify_audience(claims, status, "invalid_grant")
        return user

    def _scope(self, form: Mapping[str, str]) -> str:
        scope = form.get("scope", "")
        if scope != SCOPE and self.switches["scope_check"] == "exact":
            raise TokenRefusalError(400, "invalid_scope", f"Scope {scope!r} is not granted.")
        return scope or SCOPE

    def _self_issued(self, token: str) -> str | None:
        try:
            assertion = self.certificates.verify(token)
        except ValueError:
            return None
        user = str(assertion.claims.get("prn"))
        trusted = assertion.certificate["issuer"]
        is_trusted = trusted is not None and assertion.claims.get("iss") == trusted
        has_thumbprint = "x5t" in assertion.header
        return user if user in USERS and is_trusted and has_thumbprint else None


def _verify_audience(claims: Mapping[str, Any], status: int, error: str) -> None:
    audience = claims.get("aud")
    listed = audience if isinstance(audience, list) else [audience]
    if ISSUER not in listed:
        raise TokenRefusalError(status, error, "The audience of the assertion is another.")


def _parse_form(request: Request) -> dict[str, str]:
    media = request.headers.get("content-type", "").split(";")[0].strip().lower()
    try:
        pairs = parse_qsl(request.body.decode(), keep_blank_values=True, strict_parsing=True)
    except (UnicodeDecodeError, ValueError):
        pairs = []
    if media != _FORM or not pairs:
        raise TokenRefusalError(400, "invalid_request", "The body is no form.")
    return dict(pairs)


def _parse_basic(value: str) -> tuple[str, str]:
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password
