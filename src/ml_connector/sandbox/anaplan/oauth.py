"""OAuth2 for completeness: device grant, authorisation code, refresh."""

import json
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from ml_connector.sandbox.anaplan.seed import (
    OAUTH_CODE_CLIENT,
    OAUTH_CODE_SECRET,
    OAUTH_DEVICE_CLIENT,
)
from ml_connector.sandbox.anaplan.tokens import TokenService
from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.http import Request, Response, json_response
from ml_connector.sandbox.store import Store

DEVICE_LIFE_S = 900
_SPACE = "oauth"
_USER = "integration@halden.example"
_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class OAuthRefusedError(Exception):
    """The grant is not given; `code` is the OAuth error."""

    def __init__(self, code: str, status: int = 400) -> None:
        self.code = code
        self.status = status
        super().__init__(code)


class OAuthService:
    """Answers /oauth/* and /auth/*; the sandbox's user consents at the second poll."""

    def __init__(self, store: Store, clock: SandboxClock, tokens: TokenService) -> None:
        self._store = store
        self._clock = clock
        self._tokens = tokens

    def answer(self, request: Request) -> Response:
        """The reply of the OAuth service."""
        routes: dict[tuple[str, str], Callable[[Request], Response]] = {
            ("POST", "/oauth/device/code"): self._start_device,
            ("POST", "/oauth/token"): self._grant,
            ("GET", "/auth/authorize"): self._authorise,
            ("GET", "/auth/prelogin"): self._prelogin,
        }
        handler = routes.get((request.method, request.path))
        if handler is None:
            return Response(status=404)
        try:
            return handler(request)
        except OAuthRefusedError as refusal:
            body = {"error": refusal.code, "error_description": refusal.code.replace("_", " ")}
            return json_response(body, refusal.status)

    def clear(self) -> None:
        """No code and no refresh token is valid."""
        self._store.clear_space(_SPACE)

    def _start_device(self, request: Request) -> Response:
        if _form(request).get("client_id") != OAUTH_DEVICE_CLIENT:
            raise OAuthRefusedError("unauthorized_client", 401)
        code, user_code = secrets.token_urlsafe(24), secrets.token_hex(4).upper()
        until = self._clock.now() + DEVICE_LIFE_S
        self._store.save(_SPACE, code, {"kind": "device", "polls": 0, "until": until})
        address = "https://us1a.app.anaplan.com/activate"
        return json_response(
            {
                "device_code": code,
                "user_code": user_code,
                "verification_uri": address,
                "verification_uri_complete": f"{address}?user_code={user_code}",
                "expires_in": DEVICE_LIFE_S,
                "interval": 5,
            }
        )

    def _grant(self, request: Request) -> Response:
        form = _form(request)
        grants = {
            _DEVICE_GRANT: self._grant_device,
            "authorization_code": self._grant_code,
            "refresh_token": self._grant_refresh,
        }
        grant = grants.get(form.get("grant_type", ""))
        if grant is None:
            raise OAuthRefusedError("invalid_request")
        grant(form)
        return json_response(self._tokens_of(form["client_id"]))

    def _grant_device(self, form: dict[str, str]) -> None:
        code = form.get("device_code", "")
        stored = self._store.find(_SPACE, code)
        if stored is None or stored["kind"] != "device":
            raise OAuthRefusedError("invalid_grant")
        if self._clock.now() > stored["until"]:
            raise OAuthRefusedError("expired_token")
        if not stored["polls"]:
            self._store.save(_SPACE, code, {**stored, "polls": 1})
            raise OAuthRefusedError("authorization_pending")
        self._store.delete(_SPACE, code)

    def _grant_code(self, form: dict[str, str]) -> None:
        self._verify_secret(form)
        stored = self._store.find(_SPACE, form.get("code", ""))
        if stored is None or stored["kind"] != "code":
            raise OAuthRefusedError("invalid_grant")
        self._store.delete(_SPACE, form["code"])

    def _grant_refresh(self, form: dict[str, str]) -> None:
        if form.get("client_id") == OAUTH_CODE_CLIENT:
            self._verify_secret(form)
        stored = self._store.find(_SPACE, form.get("refresh_token", ""))
        if stored is None or stored["kind"] != "refresh":
            raise OAuthRefusedError("invalid_grant")
        if stored["client"] != form.get("client_id"):
            raise OAuthRefusedError("unauthorized_client", 401)
        self._store.delete(_SPACE, form["refresh_token"])

    def _verify_secret(self, form: dict[str, str]) -> None:
        given = (form.get("client_id"), form.get("client_secret"))
        if given != (OAUTH_CODE_CLIENT, OAUTH_CODE_SECRET):
            raise OAuthRefusedError("unauthorized_client", 401)

    def _tokens_of(self, client: str) -> dict[str, Any]:
        value, token = self._tokens.mint(_USER)
        refresh = secrets.token_urlsafe(48)
        self._store.save(_SPACE, refresh, {"kind": "refresh", "client": client})
        return {
            "access_token": value,
            "id_token": secrets.token_urlsafe(32),
            "refresh_token": refresh,
            "scope": "openid email offline_access",
            "expires_in": int(token.expires_ms / 1000 - self._clock.now()),
            "token_type": "Bearer",
        }

    def _authorise(self, request: Request) -> Response:
        code = secrets.token_urlsafe(16)
        self._store.save(_SPACE, code, {"kind": "code"})
        target = f"{request.find_query('redirect_uri') or ''}?code={code}"
        state = request.find_query("state")
        target += f"&state={state}" if state else ""
        return Response(status=302, headers=(("Location", target),))

    def _prelogin(self, _request: Request) -> Response:
        html = (("Content-Type", "text/html"),)
        return Response(status=200, headers=html, body=b"<html><body>Log in</body></html>")


def _form(request: Request) -> dict[str, str]:
    """The body, JSON as documented or form-encoded as the standard has it."""
    try:
        body = json.loads(request.body)
    except ValueError:
        return dict(parse_qsl(request.body.decode("latin-1")))
    return {key: str(value) for key, value in body.items()} if isinstance(body, dict) else {}
