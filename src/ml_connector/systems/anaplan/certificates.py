"""Proof of a certificate log-in: a fresh payload, signed by the certificate's own key."""

import base64
import secrets as random_source
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ml_connector.errors import CredentialsError
from ml_connector.systems.anaplan.wire import render_certificate_proof

PAYLOAD_BYTES = 100
_STAMP_BYTES = 8
_UNTOUCHED = "Nothing was sent."


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginCertificate:
    """A certificate and its key, opened for one log-in."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey = field(repr=False)

    @property
    def valid_until(self) -> datetime:
        """The last instant of the certificate's validity."""
        return self.certificate.not_valid_after_utc

    @property
    def subject(self) -> str:
        """Whom the certificate names."""
        return self.certificate.subject.rfc4514_string()

    def render_authorization(self) -> str:
        """The header that carries the certificate: base64 of its PEM text, chain left out."""
        pem = self.certificate.public_bytes(serialization.Encoding.PEM)
        return f"CACertificate {base64.b64encode(pem).decode('ascii')}"

    def render_proof(self, *, at: datetime, layout: str) -> bytes:
        """The signed body; v2 begins with the time, so it must be made anew for each try (A-02)."""
        payload = random_source.token_bytes(PAYLOAD_BYTES)
        if layout == "v2":
            stamp = int(at.timestamp()).to_bytes(_STAMP_BYTES, "big")
            payload = stamp + payload[_STAMP_BYTES:]
        signature = self.key.sign(payload, padding.PKCS1v15(), hashes.SHA512())
        return render_certificate_proof(payload, signature, layout=layout)


def parse_login_certificate(
    certificate_pem: str, key_pem: str, *, password: str | None = None
) -> LoginCertificate:
    """The certificate and its key, which fit each other.

    Raises:
        CredentialsError: One of them cannot be read, the key is not RSA, or they do not fit.
    """
    certificate = _parse_certificate(certificate_pem)
    key = _parse_key(key_pem, password)
    if key.public_key() != certificate.public_key():
        raise CredentialsError(
            "The private key of the Anaplan connection does not belong to its certificate "
            f"({certificate.subject.rfc4514_string()}).",
            written=_UNTOUCHED,
            next_step="Name the key the certificate was requested with as `auth.private_key`.",
        )
    return LoginCertificate(certificate=certificate, key=key)


def _parse_certificate(pem: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError as error:
        raise CredentialsError(
            "The certificate of the Anaplan connection cannot be read.",
            written=_UNTOUCHED,
            next_step="Let `auth.certificate` refer to a PEM text: -----BEGIN CERTIFICATE-----.",
        ) from error


def _parse_key(pem: str, password: str | None) -> rsa.RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(
            pem.encode(), password.encode() if password else None
        )
    except (ValueError, TypeError) as error:
        raise CredentialsError(
            "The private key of the Anaplan connection cannot be opened.",
            written=_UNTOUCHED,
            next_step="Let `auth.private_key` refer to a PEM key, and `auth.private_key_password` "
            "to its password when it has one.",
        ) from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise CredentialsError(
            f"The private key of the Anaplan connection is {type(key).__name__}, not RSA.",
            written=_UNTOUCHED,
            next_step="Anaplan takes RSA keys only: request a certificate with an RSA key.",
        )
    return key
