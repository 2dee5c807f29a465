"""Folders for unfinished work; what a killed process left behind is swept by the next one."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

CLAIM_ATTEMPTS_MAX = 10


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """A folder of the caller's own exists under `parent` until the end of the block.

    Its owner holds a lock on it. Folders whose lock is free belong to processes that died, and are
    removed here; the lock goes with the process, so neither clock nor process id has to be trusted.
    """
    _sweep(parent)
    folder, handle = _claim_folder(parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def _claim_folder(parent: Path) -> tuple[Path, int]:
    for _ in range(CLAIM_ATTEMPTS_MAX):
        folder = Path(mkdtemp(dir=parent))
        handle = _lock(folder)
        if handle is None:
            continue
        # Between the making and the lock another process may have swept the folder.
        if folder.exists():
            return folder, handle
        os.close(handle)
    raise AssertionError(f"no folder could be claimed in {parent}")


def _lock(folder: Path) -> int | None:
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def _sweep(parent: Path) -> None:
    for folder in parent.iterdir():
        handle = _lock(folder)
        if handle is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(handle)
