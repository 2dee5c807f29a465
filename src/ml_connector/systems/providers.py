"""A provider that signs people in, by OpenID Connect: the code flow, with PKCE and a nonce.

What the provider says is believed only as a token it has signed, for us, now, and for this very
sign-in; what was fetched beside it has to be of the same subject.
"""

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import httpx2
import jwt

from ml_connector.errors import ConnectorError, CredentialsError, ProtocolError, RefusedError
from ml_connector.ports import Claims, Clock, Secrets
from ml_connector.settings.sign_in import ProviderSettings
from ml_connector.systems.calls import LOGIN_TIMEOUTS, ONE_TRY, RemoteCall, RemoteReply
from ml_connector.systems.http import HttpClient, HttpOptions, verify_origin

DOCUMENT: Final = "/.well-known/openid-configuration"
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
"""Of public keys only: a token signed with our own secret, or by nobody, proves nothing."""
BODY_BYTES_MAX: Final = 1_000_000
KEPT_S: Final = 600
"""How long what the provider says of itself is believed; unknown keys are asked for at once."""
ASKED_AGAIN_S: Final = 30
"""Between two questions for its keys, so that wrong tokens do not make us ask all the time."""
LEEWAY_S: Final = 60
"""Clocks of two houses differ."""
GROUPS_MAX: Final = 1_000


class TokenRefusedError(CredentialsError):
    """What the provider says proves nobody's identity."""

    code = "sign-in.token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One sign-in under way; kept in the session of whoever began it."""

    address: str
    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


class Provider:
    """One provider; safe to share between threads; close it when done."""

    def __init__(
        self,
        settings: ProviderSettings,
        *,
        secrets: Secrets,
        clock: Clock,
        transport: httpx2.BaseTransport | None = None,
        read_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self._secrets, self._clock, self._transport = secrets, clock, transport
        self._read_s = read_s
        self._lock = Lock()
        self._clients: dict[str, HttpClient] = {}
        self._kept: dict[str, tuple[float, dict[str, Any]]] = {}

    def close(self) -> None:
        """Every connection is closed."""
        with self._lock:
            while self._clients:
                self._clients.popitem()[1].close()

    def begin(self, back: str) -> Way:
        """A new sign-in: where the browser goes, and what it has to come back with.

        Raises:
            SystemUnavailableError: The provider does not answer.
            ProtocolError: What it says of itself is off the standard.
        """
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        digest = hashlib.sha256(verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": back,
            "scope": " ".join(["openid", *self.settings.scopes]),
            "state": state,
            "nonce": nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        where = self._find_endpoint("authorization_endpoint")
        joint = "&" if urlsplit(where).query else "?"
        address = f"{where}{joint}{urlencode(query)}"
        return Way(address=address, state=state, nonce=nonce, verifier=verifier)

    def read_claims(self, code: str, *, nonce: str, verifier: str, back: str) -> Claims:
        """Who has signed in, proved by a token for this very sign-in.

        Raises:
            CredentialsError: The provider refuses the code, or what it says proves nothing.
            SystemUnavailableError: The provider does not answer.
        """
        held = self._submit_code(code, verifier=verifier, back=back)
        said = self._verify(str(held.get("id_token", "")), nonce=nonce)
        claim = self.settings.roles_claim
        if "email" not in said or (claim and claim not in said):
            said = _join(said, self._read_more(held, said))
        if claim and claim in said.get("_claim_names", {}):
            raise self._refuse(
                f"names so many groups that it leaves out {claim}; let it send those only that give"
                " roles"
            )
        return _render(said, claim)

    def _submit_code(self, code: str, *, verifier: str, back: str) -> dict[str, Any]:
        fields = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": back,
            "code_verifier": verifier, "client_id": self.settings.client_id,
        }  # fmt: skip
        headers = {"content-type": "application/x-www-form-urlencoded"}
        if self.settings.client_secret:
            secret = self._secrets.read_secret(self.settings.client_secret)
            ways = self._read_document().get("token_endpoint_auth_methods_supported")
            if ways is not None and "client_secret_post" not in ways:
                pair = urlencode({self.settings.client_id: secret}).replace("=", ":", 1)
                headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
            else:
                fields["client_secret"] = secret
        try:
            reply = self._exchange(headers, fields)
        except RefusedError as error:
            raise self._refuse("does not take the code it gave, or the client's secret") from error
        return reply.parse_json(dict)

    def _exchange(self, headers: Mapping[str, str], fields: Mapping[str, str]) -> RemoteReply:
        return self._send(
            self._find_endpoint("token_endpoint"), method="POST", headers=headers,
            content=urlencode(fields).encode(),
        )  # fmt: skip

    def _verify(self, token: str, *, nonce: str) -> dict[str, Any]:
        """What the token says."""
        try:
            key = self._find_key(jwt.get_unverified_header(token))
            said = jwt.decode(
                token, key.key, algorithms=[key.algorithm_name], leeway=LEEWAY_S,
                audience=self.settings.client_id, issuer=self.settings.issuer,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )  # fmt: skip
        except jwt.PyJWTError as error:
            raise self._refuse(f"sends a token that does not hold: {error}") from error
        party = said.get("azp", self.settings.client_id)
        if party != self.settings.client_id or not said["sub"]:
            raise self._refuse("sends a token that is for another client, or of nobody")
        if not secrets.compare_digest(str(said.get("nonce", "")), nonce):
            raise self._refuse("sends a token of another sign-in (its nonce differs)")
        return said

    def _find_key(self, header: Mapping[str, Any]) -> jwt.PyJWK:
        name, algorithm = header.get("kid"), str(header.get("alg"))
        if algorithm not in ALGORITHMS:
            raise self._refuse(f"signs by {algorithm}, which proves nothing to us")
        for age_s in (KEPT_S, ASKED_AGAIN_S):
            where = self._find_endpoint("jwks_uri")
            for one in self._read_kept(where, age_s).get("keys", []):
                if one.get("use", "sig") == "sig" and name in (None, one.get("kid")):
                    return jwt.PyJWK(one, algorithm=algorithm)
        raise self._refuse("signs by a key it does not show")

    def _read_more(self, held: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
        """What it tells of the same subject when asked with the access token."""
        token = str(held.get("access_token", ""))
        if not token or "userinfo_endpoint" not in self._read_document():
            return {}
        where = self._find_endpoint("userinfo_endpoint")
        more: dict[str, Any] = self._send(
            where, headers={"authorization": f"Bearer {token}"}
        ).parse_json(dict)
        if more.get("sub") != said["sub"]:
            raise self._refuse("tells of another subject than its token")
        return more

    def _find_endpoint(self, name: str) -> str:
        where = self._read_document().get(name)
        if not isinstance(where, str):
            raise self._off(f"names no {name}")
        parts = urlsplit(where)
        verify_origin(f"{parts.scheme}://{parts.netloc}")
        return where

    def _read_document(self) -> dict[str, Any]:
        document = self._read_kept(f"{self.settings.issuer.rstrip('/')}{DOCUMENT}", KEPT_S)
        if document.get("issuer") != self.settings.issuer:
            raise self._off(
                f"calls itself {document.get('issuer')!r}, not {self.settings.issuer!r}"
            )
        return document

    def _read_kept(self, address: str, age_s: float) -> dict[str, Any]:
        at, kept = self._kept.get(address, (0.0, None))
        if kept is None or self._read_s() - at >= age_s:
            kept = self._send(address).parse_json(dict)
            self._kept[address] = (self._read_s(), kept)
        return kept

    def _send(self, address: str, *, method: str = "GET", **parts: Any) -> RemoteReply:
        """The reply of an address; each of the provider's hosts has a client of its own."""
        there = urlsplit(address)
        call = RemoteCall(
            method=method, path=there.path or "/", raw_query=there.query, is_login=True,
            timeouts=LOGIN_TIMEOUTS, bytes_max=BODY_BYTES_MAX, accepted=frozenset(),
            # A browser waits; a code is good for one exchange, whatever became of it.
            patience=ONE_TRY, is_repeatable=True, **parts,
        )  # fmt: skip
        return self._find_client(f"{there.scheme}://{there.netloc}").send(call)

    def _find_client(self, origin: str) -> HttpClient:
        with self._lock:
            if origin not in self._clients:
                options = HttpOptions(
                    system=f"The provider {self.settings.name}", origin=origin,
                    ca_bundle=self.settings.ca_bundle,
                )  # fmt: skip
                self._clients[origin] = HttpClient(
                    options, clock=self._clock, transport=self._transport
                )
            return self._clients[origin]

    def _refuse(self, finding: str) -> ConnectorError:
        return TokenRefusedError(
            f"The provider {self.settings.name} {finding}.",
            written="Nobody was signed in.",
            next_step="Sign in again; if it stays, an admin compares the provider's settings.",
            provider=self.settings.name,
        )

    def _off(self, finding: str) -> ConnectorError:
        return ProtocolError(
            f"The provider {self.settings.name} {finding}.",
            written="Nobody was signed in.",
            next_step="Correct `pages.sign_in.oidc` in ml-connector.yaml.",
            provider=self.settings.name,
        )


def _join(said: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """What the token says, and what it leaves out; an address is verified where it is said."""
    whose = said if "email" in said else more
    joint = {**more, **said}
    joint.pop("email_verified", None)
    if "email_verified" in whose:
        joint["email_verified"] = whose["email_verified"]
    return joint


def _render(said: Mapping[str, Any], claim: str) -> Claims:
    found = said.get(claim) if claim else None
    groups = [found] if isinstance(found, str) else found
    return Claims(
        issuer=str(said["iss"]), subject=str(said["sub"]), email=str(said.get("email") or ""),
        # Some say it as text; what is neither says nothing.
        is_email_verified=said.get("email_verified") in (True, "true"),
        name=str(said.get("preferred_username") or ""), display_name=str(said.get("name") or ""),
        groups=tuple(map(str, groups[:GROUPS_MAX])) if isinstance(groups, list) else None,
    )  # fmt: skip
