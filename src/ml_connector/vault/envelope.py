"""The sealed form of a secret: its own data key, wrapped by a key-encryption key.

Layout of a blob, lengths in two bytes, big-endian:

    "MLCS" | version 1 | length, key id | length, wrapped data key | nonce, 12 bytes | ciphertext

AES-256-GCM seals the text with the data key, and the key provider wraps the data key. Both are
bound to organisation and name of the secret, so a blob that is copied to another name or to
another organisation does not open. A new key-encryption key needs the data key wrapped again
only; the ciphertext stays as it is.
"""

import os
import struct
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ml_connector.vault.errors import SecretUnreadableError

MAGIC = b"MLCS"
VERSION = 1
NONCE_BYTES = 12
KEY_BYTES = 32
KEY_ID_BYTES_MAX = 200
WRAPPED_BYTES_MAX = 8_192
"""Room for what a key service returns; our own wrapping takes 60 bytes."""
_LENGTH = struct.Struct(">H")


class KeyProvider(Protocol):
    """Wraps and opens data keys; a key service never shows its own key.

    All calls may be repeated. None keeps a data key.
    """

    @property
    def newest_key_id(self) -> str:
        """Id of the key that `wrap` uses.

        Raises:
            KeyMissingError: There is none.
        """

    def holds(self, key_id: str) -> bool:
        """Whether `unwrap` can use this key."""

    def wrap(self, data_key: bytes, *, bound_to: bytes) -> tuple[str, bytes]:
        """Id of the key that was used, and the wrapped data key.

        Raises:
            KeyMissingError: There is no key.
        """

    def unwrap(self, key_id: str, wrapped: bytes, *, bound_to: bytes) -> bytes:
        """The data key.

        Raises:
            KeyMissingError: This key is not at hand.
            SecretUnreadableError: The bytes do not open, or are bound to something else.
        """

    def add_key(self) -> bool:
        """Whether a newer key exists now; False where keys are made elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What a sealed secret belongs to; it opens for nothing else."""

    organisation: str
    name: str

    def render(self) -> bytes:
        """Unambiguous bytes: no two pairs of texts give the same."""
        parts = (b"ml-connector secret", self.organisation.encode(), self.name.encode())
        return b"".join(_LENGTH.pack(len(part)) + part for part in parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Envelope:
    key_id: str
    wrapped: bytes = field(repr=False)
    nonce: bytes = field(repr=False)
    ciphertext: bytes = field(repr=False)


def seal(plain: bytes, *, keys: KeyProvider, binding: Binding) -> tuple[str, bytes]:
    """Id of the wrapping key and the sealed secret; never the same bytes twice.

    Raises:
        KeyMissingError: There is no key to wrap with.
    """
    data_key = AESGCM.generate_key(KEY_BYTES * 8)
    key_id, wrapped = keys.wrap(data_key, bound_to=binding.render())
    nonce = os.urandom(NONCE_BYTES)
    ciphertext = AESGCM(data_key).encrypt(nonce, plain, binding.render())
    return key_id, _render(
        _Envelope(key_id=key_id, wrapped=wrapped, nonce=nonce, ciphertext=ciphertext)
    )


def unseal(blob: bytes, *, keys: KeyProvider, binding: Binding) -> bytes:
    """The plain text of a sealed secret.

    Raises:
        KeyMissingError: The key it was wrapped by is not at hand.
        SecretUnreadableError: It was changed, or belongs to another name or organisation.
    """
    envelope = _parse(blob, binding)
    data_key = keys.unwrap(envelope.key_id, envelope.wrapped, bound_to=binding.render())
    return _decrypt(data_key, envelope, binding)


def rewrap(blob: bytes, *, keys: KeyProvider, binding: Binding) -> tuple[str, bytes]:
    """The same secret under the newest key; verified to open before and after.

    Raises:
        KeyMissingError: The key it was wrapped by is not at hand.
        SecretUnreadableError: It was changed, or belongs to another name or organisation.
    """
    envelope = _parse(blob, binding)
    data_key = keys.unwrap(envelope.key_id, envelope.wrapped, bound_to=binding.render())
    _decrypt(data_key, envelope, binding)
    key_id, wrapped = keys.wrap(data_key, bound_to=binding.render())
    renewed = _render(
        _Envelope(
            key_id=key_id, wrapped=wrapped, nonce=envelope.nonce, ciphertext=envelope.ciphertext
        )
    )
    unseal(renewed, keys=keys, binding=binding)
    return key_id, renewed


def _decrypt(data_key: bytes, envelope: _Envelope, binding: Binding) -> bytes:
    try:
        return AESGCM(data_key).decrypt(envelope.nonce, envelope.ciphertext, binding.render())
    except InvalidTag as error:
        raise _unreadable(binding, "its bytes were changed") from error


def _render(envelope: _Envelope) -> bytes:
    key_id = envelope.key_id.encode()
    assert 0 < len(key_id) <= KEY_ID_BYTES_MAX
    assert 0 < len(envelope.wrapped) <= WRAPPED_BYTES_MAX
    return b"".join(
        (
            MAGIC,
            bytes((VERSION,)),
            _LENGTH.pack(len(key_id)),
            key_id,
            _LENGTH.pack(len(envelope.wrapped)),
            envelope.wrapped,
            envelope.nonce,
            envelope.ciphertext,
        )
    )


def _parse(blob: bytes, binding: Binding) -> _Envelope:
    if blob[:4] != MAGIC or blob[4:5] != bytes((VERSION,)):
        raise _unreadable(binding, "it is of an unknown form")
    try:
        key_id, left = _cut(blob[5:])
        wrapped, left = _cut(left)
        text = key_id.decode("ascii")
    except (struct.error, ValueError) as error:
        raise _unreadable(binding, "its bytes were changed") from error
    return _Envelope(
        key_id=text, wrapped=wrapped, nonce=left[:NONCE_BYTES], ciphertext=left[NONCE_BYTES:]
    )


def _cut(blob: bytes) -> tuple[bytes, bytes]:
    (length,) = _LENGTH.unpack(blob[: _LENGTH.size])
    end = _LENGTH.size + length
    if not length or len(blob) < end + NONCE_BYTES:
        raise ValueError("cut short")
    return blob[_LENGTH.size : end], blob[end:]


def _unreadable(binding: Binding, finding: str) -> SecretUnreadableError:
    return SecretUnreadableError(
        f"The secret {binding.name} of organisation {binding.organisation} does not open:"
        f" {finding}.",
        written="Nothing was changed or sent.",
        next_step=f"Enter it again: `ml-connector secrets set {binding.name}`.",
        secret_name=binding.name,
    )
