"""Where key-encryption keys are kept: a file, an environment variable, the system's keyring."""

import base64
import binascii
import fcntl
import importlib
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from ml_connector.vault.envelope import KEY_BYTES
from ml_connector.vault.errors import KeyMissingError, KeyUnsafeError

KEY_VARIABLE = "ML_CONNECTOR_KEY"
KEYRING_SERVICE = "ml-connector"
KEY_FILE_BYTES_MAX = 65_536
_HEADER = "# Keys of ml-connector, the newest last. Who has this file can open every secret.\n"


class KeySource(Protocol):
    """A place that holds keys, oldest first."""

    @property
    def place(self) -> str:
        """What people call it."""

    def read_keys(self) -> list[bytes]:
        """The keys, newest last; none when there is no such place.

        Raises:
            KeyUnsafeError: Others may read it, or what it holds is no key.
        """

    def add_key(self) -> bool:
        """Whether a newer key is kept now; False where keys are made elsewhere."""


class KeyFile:
    """A file that only its owner may read, one key a line, the newest last."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def place(self) -> str:
        """The file's path."""
        return f"the key file {self._path}"

    def read_keys(self) -> list[bytes]:
        """The keys, newest last; none when the file does not exist."""
        try:
            handle = os.open(self._path, os.O_RDONLY)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _unsafe(self.place, f"it cannot be opened ({error.strerror})") from error
        try:
            self._verify_private(os.fstat(handle))
            content = os.read(handle, KEY_FILE_BYTES_MAX)
        finally:
            os.close(handle)
        return _parse_keys(content.decode("ascii", "replace").splitlines(), self.place)

    def add_key(self) -> bool:
        """The file holds one more key, the newest; it exists now if it did not.

        The whole file is replaced at once, and one process at a time does so: a key that some
        secret is wrapped by is never lost.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _locked_folder(self._path.parent):
            keys = [*self.read_keys(), secrets.token_bytes(KEY_BYTES)]
            text = _HEADER + "".join(base64.b64encode(key).decode() + "\n" for key in keys)
            self._replace(text.encode())
        return True

    def _replace(self, content: bytes) -> None:
        partial = self._path.with_name(f"{self._path.name}.{secrets.token_hex(8)}")
        handle = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self._path)
        finally:
            partial.unlink(missing_ok=True)

    def _verify_private(self, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            raise _unsafe(self.place, "it is no file")
        if status.st_mode & 0o077:
            mode = stat.S_IMODE(status.st_mode)
            raise _unsafe(self.place, f"others may use it (mode {mode:04o}); run chmod 600")


class KeyVariable:
    """An environment variable: keys in base64, parted by commas, the newest last."""

    def __init__(self, name: str = KEY_VARIABLE, *, environment: Mapping[str, str]) -> None:
        self._name = name
        self._environment = environment

    @property
    def place(self) -> str:
        """The variable's name."""
        return f"the environment variable {self._name}"

    def read_keys(self) -> list[bytes]:
        """The keys, newest last; none when the variable is not set."""
        return _parse_keys(self._environment.get(self._name, "").split(","), self.place)

    def add_key(self) -> bool:
        """Nothing: who sets the variable makes the keys."""
        return False


class KeyringEntry:
    """An entry of the operating system's keyring; needs the extra `keyring`."""

    def __init__(self, account: str) -> None:
        self._account = account

    @property
    def place(self) -> str:
        """The entry's name."""
        return f"the keyring entry {KEYRING_SERVICE}/{self._account}"

    def read_keys(self) -> list[bytes]:
        """The keys, newest last; none when there is no such entry."""
        kept = self._keyring().get_password(KEYRING_SERVICE, self._account) or ""
        return _parse_keys(kept.split(","), self.place)

    def add_key(self) -> bool:
        """The entry holds one more key, the newest."""
        keys = [*self.read_keys(), secrets.token_bytes(KEY_BYTES)]
        text = ",".join(base64.b64encode(key).decode() for key in keys)
        self._keyring().set_password(KEYRING_SERVICE, self._account, text)
        return True

    def _keyring(self) -> Any:
        try:
            return importlib.import_module("keyring")
        except ImportError as error:
            raise KeyMissingError(
                f"Keys are to come from {self.place}, but the keyring library is not installed.",
                written="Nothing was changed or sent.",
                next_step="Install it: `pip install 'ml-connector[keyring]'`.",
            ) from error


def _parse_keys(texts: list[str], place: str) -> list[bytes]:
    written = (text.strip() for text in texts)
    return [_parse_key(text, place) for text in written if text and not text.startswith("#")]


def _parse_key(text: str, place: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise _unsafe(place, f"what it holds is not {KEY_BYTES} bytes in base64")
    return key


@contextmanager
def _locked_folder(folder: Path) -> Iterator[None]:
    """One process at a time; the lock leaves no file behind."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
        os.fsync(handle)
    finally:
        os.close(handle)


def _unsafe(place: str, finding: str) -> KeyUnsafeError:
    return KeyUnsafeError(
        f"{place[0].upper()}{place[1:]} is not used: {finding}.",
        written="Nothing was changed or sent.",
        next_step="Mend it, then run the command again.",
        place=place,
    )
