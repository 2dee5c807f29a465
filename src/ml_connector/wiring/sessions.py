"""Remote sessions this process holds, remembered so that none outlives it unnoticed.

A process that is killed cannot sign off, and a session that nobody ends counts as a user of the
ERP until it times out. So each token is kept, sealed, beside a lock file that the system frees
when the process ends, however it ends: a free lock is a dead process, and its session is ended by
whoever comes next.
"""

import fcntl
import os
import re
import secrets
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from ml_connector.errors import ConnectorError, CredentialsError

if TYPE_CHECKING:
    from ml_connector.vault import Vault

PREFIX = "session/"
"""Where the names of such secrets begin; they are no credentials of the user's."""
LEFT_MAX = 20
"""Left sessions ended at one start; a server has timed out the older ones long ago."""

_log = structlog.get_logger()


class SealedSessions:
    """A `ports.SessionStore` over the vault, for one process."""

    def __init__(self, vault: "Vault", folder: Path) -> None:
        self._vault = vault
        self._folder = folder
        self._host = re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname())
        self._holder = f"{self._host}.{os.getpid()}.{secrets.token_hex(4)}"
        self._lock: int | None = None
        self._held: set[str] = set()

    def save_session(self, connection: str, token: str) -> None:
        """This process holds a session at the connection; a vault without a key remembers none."""
        try:
            self._hold()
            self._vault.save_secret(self._name(connection, self._holder), token)
            self._held.add(connection)
        except (ConnectorError, OSError) as error:
            # The session itself is sound; only a kill would leave it open for its idle time.
            _log.warning("sessions.not_remembered", connection=connection, fault=str(error))

    def forget_session(self, connection: str) -> None:
        """This process holds none any more."""
        if connection in self._held:
            self._held.discard(connection)
            self._delete(self._name(connection, self._holder))

    def take_left_sessions(self, connection: str) -> list[str]:
        """Tokens of dead processes of this machine and folder; each is handed out once."""
        beginning = self._name(connection, "")
        names = [row.name for row in self._vault.list_secrets() if row.name.startswith(beginning)]
        holders = [name.removeprefix(beginning) for name in names]
        # Those of other machines have no lock here; however many they are, they take no place.
        near = [holder for holder in holders if self._path(holder).exists()]
        taken = (self._take(beginning + holder, holder) for holder in near[:LEFT_MAX])
        return [token for token in taken if token]

    def close(self) -> None:
        """The lock is free; its file stays while a session may live, for whoever comes next."""
        if self._lock is not None:
            if not self._held:
                self._path(self._holder).unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    def _hold(self) -> None:
        if self._lock is None:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = os.open(self._path(self._holder), os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _take(self, name: str, holder: str) -> str:
        """The token of a dead holder; empty when it lives, or lives elsewhere."""
        path = self._path(holder)
        if holder == self._holder:
            return ""
        try:
            handle = os.open(path, os.O_RDWR)
        except OSError:
            # It is another user's, or taken by somebody else this moment.
            return ""
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            token = self._vault.read_secret(f"secret:{name}")
            self._delete(name)
            path.unlink(missing_ok=True)
        except (BlockingIOError, CredentialsError):
            return ""
        finally:
            os.close(handle)
        return token

    def _delete(self, name: str) -> None:
        try:
            self._vault.delete_secret(name)
        except CredentialsError:
            _log.debug("sessions.gone_already", secret_name=name)

    def _name(self, connection: str, holder: str) -> str:
        return f"{PREFIX}{connection}/{holder}"

    def _path(self, holder: str) -> Path:
        return self._folder / f"{holder}.lock"
