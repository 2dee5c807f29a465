"""Immutable files named by the hash of their content: the store's interface, and the local folder.

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
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

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


class FileStore(Protocol):
    """Where the files of one organisation lie."""

    def create(self, kind: str, *, suffix: str) -> AbstractContextManager[NewFile]:
        """What is written inside the block is stored whole at its end, or not at all.

        The same content may be stored again, by several writers at once: it replaces itself, and
        heals a file that was damaged.

        Raises:
            SystemUnavailableError: The disk is full, or the store does not answer.
        """

    def open(
        self, kind: str, file_hash: str, *, suffix: str = "*"
    ) -> AbstractContextManager[BinaryIO]:
        """The stored file is open for reading, its content verified to fit its hash.

        Raises:
            MissingFileError: No such file.
            BrokenFileError: The content no longer fits the hash.
        """

    def holds(self, kind: str, file_hash: str) -> bool:
        """Whether there is a file of this content, whatever its suffix."""

    def place(self, kind: str, file_hash: str, *, suffix: str) -> str:
        """Where the file lies, as people look for it."""

    def scratch(self) -> AbstractContextManager[Path]:
        """A folder on a local disk exists until the end of the block."""


class FolderStore:
    """The folder of one organisation."""

    def __init__(self, root: Path, organisation: str) -> None:
        self._folder = root / verify_name(organisation)

    @contextmanager
    def create(self, kind: str, *, suffix: str) -> Iterator[NewFile]:
        """What is written inside the block is stored whole at its end, or not at all.

        Raises:
            ArchiveFullError: The disk is full; the unfinished file is gone.
        """
        verify_name(suffix)
        with self.scratch() as folder, full_disk_told(self._folder):
            part = folder / "part"
            with writing(part, is_synced=True) as new:
                yield new
            target = self._path(kind, new.file_hash, suffix)
            _make_folder(target.parent)
            # An existing file of this name has this content, or was damaged and is healed here.
            part.replace(target)
            _sync_folder(target.parent)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder on the archive's disk exists until the end of the block."""
        with scratch_of(self._folder) as folder:
            yield folder

    @contextmanager
    def open(self, kind: str, file_hash: str, *, suffix: str = "*") -> Iterator[BinaryIO]:
        """The stored file is open for reading, its content verified to fit its hash.

        Raises:
            MissingFileError: No such file.
            BrokenFileError: The content no longer fits the hash.
        """
        path = self._find_path(kind, file_hash, suffix)
        if path is None:
            raise MissingFileError(str(self._folder / kind), file_hash)
        # What was hashed is what is read: the same open file, not the same path.
        with path.open("rb") as file:
            verify_hash(file, file_hash, str(path))
            yield file

    def holds(self, kind: str, file_hash: str) -> bool:
        """Whether there is a file of this content, whatever its suffix."""
        return self._find_path(kind, file_hash, "*") is not None

    def place(self, kind: str, file_hash: str, *, suffix: str) -> str:
        """The file's path."""
        return str(self._path(kind, file_hash, suffix))

    def _find_path(self, kind: str, file_hash: str, suffix: str) -> Path | None:
        """Where the file lies; the first by suffix when several hold this content."""
        if not is_hash(file_hash):
            return None
        pattern = self._path(kind, file_hash, suffix)
        if suffix != "*":
            return pattern if pattern.exists() else None
        return min(pattern.parent.glob(pattern.name), default=None)

    def _path(self, kind: str, file_hash: str, suffix: str) -> Path:
        return self._folder / kind / file_hash[:2] / f"{file_hash}.{suffix}"


@contextmanager
def writing(part: Path, *, is_synced: bool) -> Iterator[NewFile]:
    """The file holds what was written inside the block; on the disk too when it is to be synced."""
    with _open_new(part) as raw:
        new = NewFile(raw)
        yield new
        raw.flush()
        if is_synced:
            os.fsync(raw.fileno())


@contextmanager
def scratch_of(folder: Path) -> Iterator[Path]:
    """A folder of the caller's own below this one exists until the end of the block.

    Raises:
        ArchiveFullError: There was no room for it.
    """
    parent = folder / "unfinished"
    with full_disk_told(folder):
        _make_folder(parent)
    with scratch_folder(parent) as own:
        yield own


def verify_hash(file: io.BufferedReader, file_hash: str, place: str) -> None:
    """The open file holds what its hash promises, and stands at its beginning.

    Raises:
        BrokenFileError: It does not.
    """
    seen = hashlib.file_digest(file, "sha256").hexdigest()
    if seen != file_hash:
        raise BrokenFileError(place, f"its content has the hash {seen}")
    file.seek(0)


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


def verify_name(name: str) -> str:
    """The name, which may be part of a path.

    Raises:
        UnsafeNameError: It may not.
    """
    if not _NAME.fullmatch(name):
        raise UnsafeNameError(name)
    return name


def is_hash(text: str) -> bool:
    """Whether the text has the form of a file's hash."""
    return _HASH.fullmatch(text) is not None


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
