"""The authentication service: who holds which token, and until when."""

import base64
import binascii
import hashlib
import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ml_connector.sandbox.anaplan.certificates import (
    BadCertificateError,
    fingerprint,
    parse_certificate,
    verify_signature,
)
from ml_connector.sandbox.anaplan.seed import CUSTOMER_ID
from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.http import Request, Response, json_response
from ml_connector.sandbox.store import Store
from ml_connector.sandbox.switches import Switches

_SPACE = "tokens"
_PAYLOADS = "certificate_payloads"
_VALIDATION_URL = "/token/validate"
_BAD_HEADER = "Invalid header. Verify the header."
_MILLISECONDS_FROM = 10**11
SCHEME = "AnaplanAuthToken"


class AuthRefusedError(Exception):
    """The authentication service says no."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.message = message
        super().__init__(message)


@dataclass(slots=True, kw_only=True)
class Token:
    """One login. The value itself is not kept, only its digest."""

    digest: str
    user: str
    token_id: str
    refresh_id: str
    expires_ms: int


class TokenService:
    """Answers /token/*; tokens survive a restart and die by the sandbox clock."""

    def __init__(
        self, store: Store, clock: SandboxClock, switches: Switches, users: Mapping[str, Any]
    ) -> None:
        self._store = store
        self._clock = clock
        self._switches = switches
        self._users = users
        self._tokens = {k: Token(**v) for k, v in store.load_space(_SPACE).items()}
        self.base_url: Callable[[], str] = str

    def answer(self, request: Request) -> Response:
        """The reply of the authentication service."""
        routes = {
            ("POST", "/token/authenticate"): self._authenticate,
            ("POST", "/token/refresh"): self._refresh,
            ("GET", "/token/validate"): self._validate,
            ("POST", "/token/logout"): self._logout,
        }
        handler = routes.get((request.method, request.path))
        if handler is None:
            known = {path for _, path in routes}
            return Response(status=405 if request.path in known else 404)
        try:
            return handler(request)
        except AuthRefusedError as refusal:
            kind = "FAILURE_BAD_HEADER" if refusal.status == 400 else "FAILURE_BAD_CREDENTIAL"
            body = {"status": kind, "statusMessage": refusal.message}
            return json_response(body, refusal.status)

    def find_user(self, authorization: str) -> str | None:
        """The e-mail address behind a header of the Integration API, or None."""
        scheme, _, value = authorization.partition(" ")
        if scheme not in {SCHEME, "Bearer"}:
            return None
        token = self._find(value.strip())
        return token.user if token else None

    def mint(self, user: str) -> tuple[str, Token]:
        """A new token for the user and its value."""
        value = f"{secrets.token_urlsafe(96)}.{secrets.token_urlsafe(24)}=="
        token = Token(
            digest=_digest(value),
            user=user,
            token_id=str(uuid.uuid1()),
            refresh_id=str(uuid.uuid1()),
            expires_ms=self._expiry(),
        )
        self._save(token)
        return value, token

    def kill(self, authorization: str) -> None:
        """The token of this header is dead at once."""
        digest = _digest(authorization.partition(" ")[2].strip())
        self._tokens.pop(digest, None)
        self._store.delete(_SPACE, digest)

    def kill_all(self) -> None:
        """Nobody is logged in."""
        self._tokens.clear()
        self._store.clear_space(_SPACE)
        self._store.clear_space(_PAYLOADS)

    def _authenticate(self, request: Request) -> Response:
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme == "Basic":
            user = self._user_of_password(value)
        elif scheme == "CACertificate":
            user = self._user_of_certificate(value, request)
        else:
            raise AuthRefusedError(400, _BAD_HEADER)
        request.user = user
        token_value, token = self.mint(user)
        body = self._envelope("Login successful", self._token_info(token, token_value))
        return json_response(body, self._switches["auth.create_status"])

    def _refresh(self, request: Request) -> Response:
        value, token = self._present(request, bearer_status=400)
        if self._switches["auth.refresh"] == "rotate":
            self.kill(f"{SCHEME} {value}")
            value, token = self.mint(token.user)
        else:
            token.expires_ms = self._expiry()
            self._save(token)
        return json_response(self._envelope("Token refreshed", self._token_info(token, value)))

    def _validate(self, request: Request) -> Response:
        _, token = self._present(request, bearer_status=400)
        user = {
            "userGuid": self._users[token.user]["id"],
            "userId": token.user,
            "customerGuid": CUSTOMER_ID,
        }
        info = {"expiresAt": token.expires_ms, "tokenId": token.token_id}
        return json_response({**self._envelope("Token validated", info), "userInfo": user})

    def _logout(self, request: Request) -> Response:
        value, _ = self._present(request, bearer_status=401)
        self.kill(f"{SCHEME} {value}")
        return Response(status=204)

    def _present(self, request: Request, *, bearer_status: int) -> tuple[str, Token]:
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme == "Bearer":
            raise AuthRefusedError(bearer_status, _BAD_HEADER)
        if scheme != SCHEME or not value.strip():
            raise AuthRefusedError(400, _BAD_HEADER)
        token = self._find(value.strip())
        if token is None:
            raise AuthRefusedError(401, "Token is expired or unknown.")
        request.user = token.user
        return value.strip(), token

    def _find(self, value: str) -> Token | None:
        token = self._tokens.get(_digest(value))
        if token is None or token.expires_ms <= self._clock.now() * 1000:
            return None
        return token

    def _user_of_password(self, encoded: str) -> str:
        try:
            email, colon, password = (
                base64.b64decode(encoded, validate=True).decode().partition(":")
            )
        except (binascii.Error, UnicodeDecodeError) as error:
            raise AuthRefusedError(400, _BAD_HEADER) from error
        if not colon:
            raise AuthRefusedError(400, _BAD_HEADER)
        user = self._users.get(email)
        if user is None or not user["active"] or user["password"] != password:
            raise AuthRefusedError(401, "Invalid credentials.")
        return email

    def _user_of_certificate(self, encoded: str, request: Request) -> str:
        try:
            body = request.json()
            payload = base64.b64decode(body["encodedData"], validate=True)
            signature = base64.b64decode(body["encodedSignedData"], validate=True)
        except (binascii.Error, KeyError, TypeError, ValueError) as error:
            raise AuthRefusedError(400, _BAD_HEADER) from error
        try:
            certificate = parse_certificate(encoded)
            verify_signature(certificate, payload, signature)
        except BadCertificateError as error:
            raise AuthRefusedError(401, f"Certificate refused: {error}.") from error
        self._verify_format(body.get("encodedDataFormat"), payload)
        return self._registered_user(fingerprint(certificate))

    def _verify_format(self, named: str | None, payload: bytes) -> None:
        version = "v2" if named == "v2" else "v1"
        if self._switches["auth.cert_format"] not in {"both", version}:
            raise AuthRefusedError(401, f"The {version} payload is not accepted.")
        if version == "v2":
            self._verify_fresh(payload)

    def _verify_fresh(self, payload: bytes) -> None:
        stamp = float(int.from_bytes(payload[:8], "big"))
        if stamp > _MILLISECONDS_FROM and self._switches["auth.cert_milliseconds"] == "on":
            stamp /= 1000
        if abs(stamp - self._clock.now()) > self._switches["auth.cert_skew_s"]:
            raise AuthRefusedError(401, "The payload is not fresh.")
        digest = hashlib.sha256(payload).hexdigest()
        if self._store.find(_PAYLOADS, digest):
            raise AuthRefusedError(401, "The payload was used before.")
        self._store.save(_PAYLOADS, digest, stamp)

    def _registered_user(self, certificate: str) -> str:
        for email, user in self._users.items():
            if certificate in user["certificates"] and user["active"]:
                return email
        raise AuthRefusedError(401, "The certificate is registered to nobody.")

    def _token_info(self, token: Token, value: str) -> dict[str, Any]:
        return {
            "expiresAt": token.expires_ms,
            "tokenId": token.token_id,
            "tokenValue": value,
            "refreshTokenId": token.refresh_id,
        }

    def _envelope(self, message: str, info: dict[str, Any]) -> dict[str, Any]:
        return {
            "meta": {"validationUrl": f"{self.base_url()}{_VALIDATION_URL}"},
            "status": "SUCCESS",
            "statusMessage": message,
            "tokenInfo": info,
        }

    def _expiry(self) -> int:
        return int((self._clock.now() + self._switches["auth.life_s"]) * 1000)

    def _save(self, token: Token) -> None:
        self._tokens[token.digest] = token
        self._store.save(_SPACE, token.digest, asdict(token))


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
