"""The key that signs evidence packs: Ed25519, so that others verify with the public half alone."""

import hashlib
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

FINGERPRINT_DIGITS = 32
"""Of the SHA-256 of the public key's 32 bytes; short enough to be read out by telephone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Signs with the installation's key."""

    secret: str = field(repr=False)
    """The private key's 32 bytes in hexadecimal digits; the vault keeps it."""

    @property
    def public_pem(self) -> bytes:
        """The public key as everybody may have it."""
        public = self._key().public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @property
    def fingerprint(self) -> str:
        """What tells the key from others."""
        return render_fingerprint(self.public_pem)

    def sign(self, content: bytes) -> bytes:
        """The signature in hexadecimal digits; the same content has the same one."""
        return f"{self._key().sign(content).hex()}\n".encode()

    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(self.secret))


def make_signer() -> Signer:
    """A new key."""
    return Signer(secret=Ed25519PrivateKey.generate().private_bytes_raw().hex())


def parse_signer(secret: str) -> Signer:
    """The key that was kept."""
    return Signer(secret=secret)


def render_fingerprint(public_pem: bytes) -> str:
    """The fingerprint of a public key, in groups of four digits.

    Raises:
        ValueError: It is no such key.
    """
    digits = hashlib.sha256(_parse_public(public_pem).public_bytes_raw()).hexdigest()
    shown = digits[:FINGERPRINT_DIGITS]
    return "-".join(shown[at : at + 4] for at in range(0, FINGERPRINT_DIGITS, 4))


def is_signed(content: bytes, signature: bytes, public_pem: bytes) -> bool:
    """Whether the signature is of this content by this key."""
    try:
        _parse_public(public_pem).verify(bytes.fromhex(signature.decode("ascii")), content)
    except (InvalidSignature, ValueError):
        return False
    return True


def _parse_public(public_pem: bytes) -> Ed25519PublicKey:
    key = load_pem_public_key(public_pem)
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("The key is no Ed25519 key.")  # noqa: TRY004 - the content is wrong, as with any other bytes.
    return key
