"""Access tokens of the identity domain, and the assertions that are exchanged for them."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509 import load_pem_x509_certificate

from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.store import Store
from ml_connector.sandbox.switches import Switches

ISSUER = "https://identity.oraclecloud.com/"
CLOCK_SKEW_S = 60
_SPACE = "fusion.tokens"
_CERTIFICATES = "fusion.certificates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """A signed statement whose signature and times have been found good."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    certificate: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBook:
    """Issues access tokens and tells whose they are; revoking starts a new generation."""

    store: Store
    clock: SandboxClock
    switches: Switches

    def issue(self, user: str, *, client: str, scope: str) -> dict[str, Any]:
        """Return the token answer for a user."""
        lifetime = int(self.switches["token_lifetime_s"])
        issued_at = int(self.clock.now())
        claims = {
            "iss": ISSUER,
            "aud": [scope],
            "sub": user,
            "client_id": client,
            "scope": scope,
            "iat": issued_at,
            "exp": issued_at + lifetime,
            "tok_type": "AT",
            "jti": secrets.token_hex(8),
        }
        signed = _encode({"x5t#S256": "aGFsZGVu", "alg": "RS256"}) + "." + _encode(claims)
        token = f"{signed}.{self._sign(signed)}"
        return {"access_token": token, "token_type": "Bearer", "expires_in": lifetime}

    def find_user(self, token: str) -> str | None:
        """Return whose token this is, or None where it is unknown, expired or revoked."""
        signed, _, signature = token.rpartition(".")
        if not signed or not hmac.compare_digest(signature, self._sign(signed)):
            return None
        claims = _decode(signed.partition(".")[2])
        return str(claims["sub"]) if claims["exp"] > self.clock.now() else None

    def revoke_all(self) -> None:
        """No token that was issued before is worth anything."""
        self.store.save(_SPACE, "secret", secrets.token_hex(16))

    def _sign(self, signed: str) -> str:
        secret = self.store.find(_SPACE, "secret")
        if secret is None:
            self.revoke_all()
            secret = self.store.find(_SPACE, "secret")
        digest = hmac.new(str(secret).encode(), signed.encode(), sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateBook:
    """Certificates that were uploaded for assertions and self-issued tokens."""

    store: Store
    clock: SandboxClock

    def register(self, alias: str, pem: str, *, issuer: str | None) -> dict[str, Any]:
        """The certificate signs for `alias`; `issuer` is trusted for self-issued tokens.

        Raises:
            ValueError: The text is no PEM certificate with an RSA key.
        """
        certificate = load_pem_x509_certificate(pem.encode())
        key = certificate.public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            raise ValueError(f"The certificate of {alias!r} has no RSA key.")  # noqa: TRY004 - a wrong value, not a wrong type
        thumbprint = certificate.fingerprint(hashes.SHA1())  # noqa: S303 - the wire's own thumbprint
        kept = {
            "alias": alias,
            "issuer": issuer,
            "x5t": base64.b64encode(thumbprint).decode(),
            "key": key.public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            ).decode(),
        }
        self.store.save(_CERTIFICATES, alias, kept)
        return {"alias": alias, "x5t": kept["x5t"]}

    def verify(self, token: str) -> Assertion:
        """Return the statement of a signed token.

        Raises:
            ValueError: No registered certificate signed it, or its time has not come or is over.
        """
        try:
            head, body, signature = token.split(".")
            header, claims = _decode(head), _decode(body)
            certificate = self._find(header)
            self._verify_signature(certificate, f"{head}.{body}", signature)
        except (InvalidSignature, KeyError, TypeError, UnicodeDecodeError) as error:
            raise ValueError(f"The assertion is not valid: {error!r}.") from error
        self._verify_times(claims)
        return Assertion(header=header, claims=claims, certificate=certificate)

    def _find(self, header: Mapping[str, Any]) -> Mapping[str, Any]:
        if header.get("alg") != "RS256":
            raise ValueError("The assertion is not signed with RS256.")
        thumbprint = _plain_base64(str(header.get("x5t", "")))
        for alias, kept in self.store.load_space(_CERTIFICATES).items():
            if header.get("kid") == alias or thumbprint == _plain_base64(kept["x5t"]):
                return dict(kept)
        raise ValueError("The assertion names no registered certificate.")

    def _verify_signature(
        self, certificate: Mapping[str, Any], signed: str, signature: str
    ) -> None:
        key = serialization.load_pem_public_key(certificate["key"].encode())
        assert isinstance(key, rsa.RSAPublicKey)
        key.verify(_unbase64(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())

    def _verify_times(self, claims: Mapping[str, Any]) -> None:
        now = self.clock.now()
        if float(claims.get("exp", 0)) <= now:
            raise ValueError("The assertion has expired.")
        if float(claims.get("iat", now)) > now + CLOCK_SKEW_S:
            raise ValueError("The assertion was issued in the future.")


def _encode(part: Mapping[str, Any]) -> str:
    text = json.dumps(part, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def _decode(part: str) -> dict[str, Any]:
    decoded = json.loads(_unbase64(part))
    if not isinstance(decoded, dict):
        raise TypeError("a part of the token is no object")
    return decoded


def _unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _plain_base64(text: str) -> str:
    return text.replace("-", "+").replace("_", "/").rstrip("=")
