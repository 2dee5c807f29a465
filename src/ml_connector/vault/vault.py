"""Credentials: kept sealed, opened for a log-in only."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from ml_connector.errors import BusyError
from ml_connector.logs import hide_secret
from ml_connector.vault.envelope import Binding, KeyProvider, rewrap, seal, unseal
from ml_connector.vault.errors import (
    KeyMissingError,
    SecretMissingError,
    SecretRefusedError,
    SecretUnreadableError,
)

PLAIN_BYTES_MAX = 262_144
REWRAP_TRIES_MAX = 5
"""How often a secret that is saved again during a rotation is looked at anew."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")


class BlobStore(Protocol):
    """Keeps the sealed secrets of one organisation; `records` has one."""

    organisation: str

    def find_blob(self, name: str) -> bytes | None:
        """The sealed secret of that name."""

    def save_blob(self, name: str, *, key_id: str, blob: bytes) -> None:
        """The name stands for this sealed secret."""

    def replace_blob(self, name: str, *, before: bytes, key_id: str, blob: bytes) -> bool:
        """Whether the secret still was `before`, and so is `blob` now."""

    def load_names(self) -> list[tuple[str, str, datetime]]:
        """Name, key id and time of saving of every secret, by name."""

    def delete_blob(self, name: str) -> bool:
        """Whether there was such a secret; there is none now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSecret:
    """A secret as a list shows it."""

    name: str
    key_id: str
    saved_at: datetime


class Vault:
    """A `ports.Secrets` over sealed secrets, environment variables and files.

    Args:
        store: Of one organisation; secrets open for this organisation only.
        keys: Wrap and open the data keys.
        folder: Where relative paths of `file:` begin; the current folder unless given.
        environment: Instead of the process's own.
    """

    def __init__(
        self,
        store: BlobStore,
        keys: KeyProvider,
        *,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._store = store
        self._keys = keys
        self._folder = folder or Path()
        self._environment = os.environ if environment is None else environment

    def __repr__(self) -> str:
        return f"Vault({self._store.organisation!r})"

    def read_secret(self, reference: str) -> str:
        """The plain text behind a reference, masked in every log line from now on.

        Raises:
            SecretMissingError: It leads to nothing, or is no reference at all.
            SecretUnreadableError: What is there cannot be opened or is no text.
            KeyMissingError: The key that opens it is not at hand.
        """
        kind, _, rest = reference.partition(":")
        if kind == "secret" and rest:
            return hide_secret(self._read_stored(rest))
        if kind == "env" and rest:
            return hide_secret(self._read_variable(rest))
        if kind == "file" and rest:
            return hide_secret(self._read_file(rest))
        # The text is not shown: somebody may have written the secret itself in its place.
        raise SecretMissingError(
            "A secret is given neither as secret:NAME, env:NAME nor file:PATH.",
            written="Nothing was sent.",
            next_step="Store it with `ml-connector secrets set NAME` and write secret:NAME.",
        )

    def save_secret(self, name: str, plain: str) -> None:
        """The name stands for this text, sealed; what it stood for before is gone.

        With the very first secret the first key is made, where the place of the keys allows it.

        Raises:
            SecretRefusedError: The name has odd characters, or the text is empty or too long.
            KeyMissingError: There is no key; nothing was stored.
        """
        content = plain.encode(errors="replace")
        is_text = content.decode() == plain  # Else it holds halves of characters.
        if not _NAME.fullmatch(name) or not is_text or not 0 < len(content) <= PLAIN_BYTES_MAX:
            raise _refused(name)
        if not self._store.load_names():
            self._make_first_key()
        key_id, blob = seal(content, keys=self._keys, binding=self._bind(name))
        self._store.save_blob(name, key_id=key_id, blob=blob)

    def list_secrets(self) -> list[StoredSecret]:
        """Every stored secret by name, without its text."""
        return [
            StoredSecret(name=name, key_id=key_id, saved_at=saved_at)
            for name, key_id, saved_at in self._store.load_names()
        ]

    def rotate(self) -> int:
        """Every secret is wrapped by a newer key than before; returns how many were wrapped anew.

        Nothing is entered again. An interrupted rotation is finished by the next one; old keys are
        still needed for backups taken before.

        Raises:
            KeyMissingError: A key in use is not at hand; secrets wrapped until then stay so.
            SecretUnreadableError: A secret does not open; as above.
        """
        pending = self._find_older()
        if not pending and self._keys.add_key():
            pending = self._find_older()
        return sum(self._rewrap(name) for name in pending)

    def delete_secret(self, name: str) -> None:
        """There is no such secret any more.

        Raises:
            SecretMissingError: There was none.
        """
        if not self._store.delete_blob(name):
            raise self._missing(name)

    def _make_first_key(self) -> None:
        try:
            self._keys.newest_key_id  # noqa: B018 -- asking is what raises
        except KeyMissingError:
            self._keys.add_key()

    def _read_stored(self, name: str) -> str:
        blob = self._store.find_blob(name)
        if blob is None:
            raise self._missing(name)
        plain = unseal(blob, keys=self._keys, binding=self._bind(name))
        return _decode(plain, f"the secret {name}")

    def _read_variable(self, name: str) -> str:
        value = self._environment.get(name, "")
        if not value:
            raise SecretMissingError(
                f"The environment variable {name} is not set.",
                written="Nothing was sent.",
                next_step=f"Set {name} for this process, or use secret:NAME instead.",
                variable=name,
            )
        return value

    def _read_file(self, path: str) -> str:
        try:
            with (self._folder / path).open("rb") as file:
                content = file.read(PLAIN_BYTES_MAX + 1)
        except OSError as error:
            raise SecretMissingError(
                f"The file {path} of a secret cannot be read: {error.strerror}.",
                written="Nothing was sent.",
                next_step="Correct the path or the rights of the file.",
                path=path,
            ) from error
        if not content.strip() or len(content) > PLAIN_BYTES_MAX:
            raise SecretUnreadableError(
                f"The file {path} is empty or longer than {PLAIN_BYTES_MAX} bytes.",
                written="Nothing was sent.",
                next_step="Put the secret, and nothing else, into the file.",
                path=path,
            )
        return _decode(content, f"the file {path}").removesuffix("\n").removesuffix("\r")

    def _find_older(self) -> list[str]:
        stored = self._store.load_names()
        for key_id in {key_id for _, key_id, _ in stored}:
            # One that another process has made becomes known by being asked for.
            self._keys.holds(key_id)
        newest = self._keys.newest_key_id
        return [name for name, key_id, _ in stored if key_id != newest]

    def _rewrap(self, name: str) -> bool:
        for _ in range(REWRAP_TRIES_MAX):
            before = self._store.find_blob(name)
            if before is None:
                return False
            key_id, blob = rewrap(before, keys=self._keys, binding=self._bind(name))
            if self._store.replace_blob(name, before=before, key_id=key_id, blob=blob):
                return True
        raise BusyError(
            f"The secret {name} was saved again {REWRAP_TRIES_MAX} times during its rotation.",
            written="It holds what was saved last; other secrets may be wrapped anew.",
            next_step="Run `ml-connector secrets rotate` again.",
            secret_name=name,
        )

    def _bind(self, name: str) -> Binding:
        return Binding(organisation=self._store.organisation, name=name)

    def _missing(self, name: str) -> SecretMissingError:
        return SecretMissingError(
            f"There is no secret {name} in organisation {self._store.organisation}.",
            written="Nothing was changed or sent.",
            next_step=f"Store it: `ml-connector secrets set {name}`.",
            secret_name=name,
        )


def _decode(plain: bytes, what: str) -> str:
    # Decoded outside of any handler: a UnicodeDecodeError carries all the bytes along.
    text = plain.decode(errors="replace")
    if text.encode(errors="replace") == plain:
        return text
    raise SecretUnreadableError(
        f"What {what} holds is no UTF-8 text.",
        written="Nothing was sent.",
        next_step="Store it again as text.",
        what=what,
    )


def _refused(name: str) -> SecretRefusedError:
    return SecretRefusedError(
        f"The secret {name[:200]!r} is not stored: a name has letters, digits and . _ - / only, and"
        f" a text is neither empty nor longer than {PLAIN_BYTES_MAX} bytes.",
        written="Nothing was stored.",
        next_step="Choose another name, or give the text again.",
        secret_name=name[:200],
    )
