"""Verification of certificate logins, and certificates for tests to log in with."""

import base64
import binascii
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

PAYLOAD_BYTES_MIN = 100
_PEM_MARK = b"-----BEGIN"
_YEARS_VALID = timedelta(days=3650)


class BadCertificateError(Exception):
    """The certificate or signature is not what it claims to be."""


def parse_certificate(encoded: str) -> x509.Certificate:
    """The certificate of a header value: base64 of the PEM text, or of the DER bytes."""
    try:
        raw = base64.b64decode("".join(encoded.split()), validate=True)
        if _PEM_MARK in raw:
            return x509.load_pem_x509_certificate(raw)
        return x509.load_der_x509_certificate(raw)
    except (binascii.Error, ValueError) as error:
        raise BadCertificateError("the header holds no certificate") from error


def fingerprint(certificate: x509.Certificate) -> str:
    """The SHA-256 of the certificate, as hexadecimal text."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def verify_signature(certificate: x509.Certificate, payload: bytes, signature: bytes) -> None:
    """The payload was signed by the certificate's key with SHA512withRSA, or this raises."""
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise BadCertificateError("only RSA keys are accepted")
    if len(payload) < PAYLOAD_BYTES_MIN:
        raise BadCertificateError(f"the payload is shorter than {PAYLOAD_BYTES_MIN} bytes")
    try:
        key.verify(signature, payload, padding.PKCS1v15(), hashes.SHA512())
    except InvalidSignature as error:
        raise BadCertificateError("the signature does not fit") from error


def issue_certificate(email: str) -> tuple[str, str]:
    """A self-signed certificate for the address and its private key, both as PEM text."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, email)])
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + _YEARS_VALID)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), private.decode()


def parse_pem(text: str) -> x509.Certificate:
    """The certificate of a PEM text."""
    return x509.load_pem_x509_certificate(text.encode())
