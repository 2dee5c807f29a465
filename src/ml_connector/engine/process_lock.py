"""One engine per state folder: a lock file that goes with the process."""

import fcntl
import json
import os
import platform
import sys
from datetime import datetime
from pathlib import Path

from ml_connector.engine.errors import EngineBusyError

LOCK_FILE = "engine.lock"
_TEXT_MAX = 4_096
_COMMAND_MAX = 200
_HOLDER = "process {pid} on {host} ({command}), since {since}"


class ProcessLock:
    """The right to run an engine on a folder.

    The system releases it when the process ends, however it ends; what the file says of the holder
    is only for people. A second lock is refused within one process as well.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._handle: int | None = None

    def take(self, *, now: datetime, serves: bool = False) -> None:
        """The lock is ours.

        Args:
            now: Since when, for people.
            serves: Whether this process takes the runs that others record.

        Raises:
            EngineBusyError: Somebody holds it; names process, host and command.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = _read_holder(handle)
            os.close(handle)
            raise EngineBusyError(str(self._folder), holder) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, _describe_process(now, serves=serves), 0)
        self._handle = handle

    def release(self) -> None:
        """The folder is free; may be called again."""
        if self._handle is not None:
            os.ftruncate(self._handle, 0)
            os.close(self._handle)
            self._handle = None


def find_server(folder: Path) -> str | None:
    """The living process of this machine that has the folder and takes runs others record."""
    try:
        holder = json.loads((folder / LOCK_FILE).read_text())
        if not holder["serves"] or holder["host"] != platform.node():
            return None
        os.kill(int(holder["pid"]), 0)
    except PermissionError:
        pass  # It lives, as somebody else's.
    except (OSError, ValueError, KeyError, TypeError):
        # Empty once it has ended; a killed one left its words behind, and no process.
        return None
    return _HOLDER.format(**holder)


def _describe_process(now: datetime, *, serves: bool) -> bytes:
    holder = {
        "serves": serves,
        "pid": os.getpid(),
        "host": platform.node(),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:_COMMAND_MAX],
        "since": now.isoformat(timespec="seconds"),
    }
    return json.dumps(holder).encode()


def _read_holder(handle: int) -> str:
    try:
        holder = json.loads(os.pread(handle, _TEXT_MAX, 0))
        return _HOLDER.format(**holder)
    except (ValueError, KeyError, TypeError):
        # Between its lock and its first line the holder has not said who it is.
        return "another process"
