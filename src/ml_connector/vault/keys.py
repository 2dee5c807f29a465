"""Key-encryption keys: which one wraps now, which ones still open."""

import os
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from threading import Lock

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ml_connector.vault.envelope import NONCE_BYTES, KeyProvider
from ml_connector.vault.errors import KeyMissingError, SecretUnreadableError
from ml_connector.vault.sources import (
    KEY_VARIABLE,
    KeyFile,
    KeyringEntry,
    KeySource,
    KeyVariable,
)

KEY_ID_CHARS = 12


def find_keys(
    *,
    keyring_account: str = "",
    file: Path | None = None,
    variable: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> KeyProvider:
    """The keys of the first place that has any wrap; keys of all the others still open.

    The order is: keyring, file, variable. Nothing is read before the first use.

    Args:
        keyring_account: Entry of the system's keyring; empty: the keyring is not asked.
        file: Key file, readable by its owner alone; made when the first secret is saved.
        variable: Name of an environment variable instead of `ML_CONNECTOR_KEY`.
        environment: Instead of the process's own.
    """
    sources: list[KeySource] = []
    if keyring_account:
        sources.append(KeyringEntry(keyring_account))
    if file is not None:
        sources.append(KeyFile(file))
    sources.append(
        KeyVariable(
            variable or KEY_VARIABLE,
            environment=os.environ if environment is None else environment,
        )
    )
    return LocalKeys(sources)


class LocalKeys:
    """A `KeyProvider` whose keys are at hand; read from their places when first needed."""

    def __init__(self, sources: Sequence[KeySource]) -> None:
        self._sources = tuple(sources)
        self._lock = Lock()
        self._keys: dict[str, bytes] = {}
        self._newest = ""

    def __repr__(self) -> str:
        return f"LocalKeys({', '.join(source.place for source in self._sources)})"

    @property
    def newest_key_id(self) -> str:
        """Id of the newest key of the first place that has any."""
        self._read_once()
        if not self._newest:
            raise self._missing("a key")
        return self._newest

    def holds(self, key_id: str) -> bool:
        """Whether the key is in any of the places; they are read again for one not known yet.

        Another process may have rotated since, and this one need not be started anew for it.
        """
        self._read_once()
        if key_id not in self._keys:
            self._read()
        return key_id in self._keys

    def wrap(self, data_key: bytes, *, bound_to: bytes) -> tuple[str, bytes]:
        """Id of the newest key, and the data key sealed by it."""
        key_id = self.newest_key_id
        nonce = os.urandom(NONCE_BYTES)
        sealed = AESGCM(self._keys[key_id]).encrypt(nonce, data_key, _bind(key_id, bound_to))
        return key_id, nonce + sealed

    def unwrap(self, key_id: str, wrapped: bytes, *, bound_to: bytes) -> bytes:
        """The data key."""
        if not self.holds(key_id):
            raise self._missing(f"the key {key_id}")
        nonce, sealed = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
        try:
            return AESGCM(self._keys[key_id]).decrypt(nonce, sealed, _bind(key_id, bound_to))
        except (InvalidTag, ValueError) as error:
            raise SecretUnreadableError(
                f"A data key does not open with the key {key_id}: it was changed, or it belongs"
                " to another secret.",
                written="Nothing was changed or sent.",
                next_step="Enter the secret again: `ml-connector secrets set NAME`.",
                key_id=key_id,
            ) from error

    def add_key(self) -> bool:
        """Whether the first place that can make keys has a newer one now."""
        for source in self._sources:
            # A key behind one that wraps already would never be used.
            if source.add_key():
                self._read()
                return True
            if source.read_keys():
                return False
        return False

    def _read_once(self) -> None:
        if not self._newest:
            self._read()

    def _read(self) -> None:
        with self._lock:
            held = [[(_name_key(key), key) for key in s.read_keys()] for s in self._sources]
            self._keys = {key_id: key for keys in held for key_id, key in keys}
            self._newest = next((keys[-1][0] for keys in held if keys), "")

    def _missing(self, wanted: str) -> KeyMissingError:
        places = ", ".join(source.place for source in self._sources)
        return KeyMissingError(
            f"Secrets need {wanted}, and none of these has it: {places}.",
            written="Nothing was changed or sent.",
            next_step="Put the key file back, or set the variable; a new project makes a key with"
            " its first secret.",
            places=places,
        )


def _name_key(key: bytes) -> str:
    """A key is known by its fingerprint, so it may move from variable to file as it is."""
    return sha256(b"ml-connector key id\0" + key).hexdigest()[:KEY_ID_CHARS]


def _bind(key_id: str, bound_to: bytes) -> bytes:
    return b"ml-connector data key\0" + key_id.encode() + b"\0" + bound_to
