"""Immutable files named by the hash of their content, in one folder per organisation.

`root/<organisation>/<kind>/<aa>/<sha256>.<suffix>`, where `aa` are the hash's first two digits. A
file appears under its name only when it is whole and on the disk: it is written beside, synced,
renamed, and then the folder is synced.
"""

import errno
import hashlib
import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ml_connector.archive.errors import (
    ArchiveFullError,
    BrokenFileError,
    MissingFileError,
    UnsafeNameError,
)
from ml_connector.archive.scratch import scratch_folder

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_HASH = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class NewFile(io.RawIOBase):
    """A file being written; its hash grows with it."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._digest = hashlib.sha256()
        self.bytes_stored = 0

    def writable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """Bytes written so far; Parquet's offsets are made of it."""
        return self.bytes_stored

    def write(self, content: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]  # RawIOBase takes any buffer; three kinds are enough here
        """All of the content is written."""
        self._raw.write(content)
        self._digest.update(content)
        self.bytes_stored += len(content)
        return len(content)

    @property
    def file_hash(self) -> str:
        """Sha256 of what was written, in hexadecimal digits."""
        return self._digest.hexdigest()


class FileStore:
    """The folder of one organisation."""

    def __init__(self, root: Path, organisation: str) -> None:
        self._folder = root / _verify_name(organisation)

    @contextmanager
    def create(self, kind: str, *, suffix: str) -> Iterator[NewFile]:
        """What is written inside the block is stored whole at its end, or not at all.

        Raises:
            ArchiveFullError: The disk is full; the unfinished file is gone.
        """
        _verify_name(suffix)
        with self.scratch() as folder, full_disk_told(self._folder):
            part = folder / "part"
            with _open_new(part) as raw:
                new = NewFile(raw)
                yield new
                raw.flush()
                os.fsync(raw.fileno())
            target = self._path(kind, new.file_hash, suffix)
            _make_folder(target.parent)
            # An existing file of this name has this content, or was damaged and is healed here.
            part.replace(target)
            _sync_folder(target.parent)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder on the archive's disk exists until the end of the block."""
        parent = self._folder / "unfinished"
        with full_disk_told(self._folder):
            _make_folder(parent)
        with scratch_folder(parent) as folder:
            yield folder

    @contextmanager
    def open(self, kind: str, file_hash: str, *, suffix: str = "*") -> Iterator[BinaryIO]:
        """The stored file is open for reading, its content verified to fit its hash.

        Raises:
            MissingFileError: No such file.
            BrokenFileError: The content no longer fits the hash.
        """
        path = self.find_path(kind, file_hash, suffix=suffix)
        if path is None:
            raise MissingFileError(self._folder / kind, file_hash)
        # What was hashed is what is read: the same open file, not the same path.
        with path.open("rb") as file:
            seen = hashlib.file_digest(file, "sha256").hexdigest()
            if seen != file_hash:
                raise BrokenFileError(path, f"its content has the hash {seen}")
            file.seek(0)
            yield file

    def find_path(self, kind: str, file_hash: str, *, suffix: str = "*") -> Path | None:
        """Where the file lies; the first by suffix when several hold this content."""
        if not _HASH.fullmatch(file_hash):
            return None
        pattern = self._path(kind, file_hash, suffix)
        if suffix != "*":
            return pattern if pattern.exists() else None
        return min(pattern.parent.glob(pattern.name), default=None)

    def _path(self, kind: str, file_hash: str, suffix: str) -> Path:
        return self._folder / kind / file_hash[:2] / f"{file_hash}.{suffix}"


@contextmanager
def full_disk_told(folder: Path) -> Iterator[None]:
    """A full disk inside the block is told as such.

    Raises:
        ArchiveFullError: No space or quota was left.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise ArchiveFullError(folder) from error
        raise


def _verify_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise UnsafeNameError(name)
    return name


def _open_new(path: Path) -> BinaryIO:
    return path.open("xb")


def _make_folder(folder: Path) -> None:
    if folder.exists():
        return
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
