"""Copies of a bucket's files on this machine's disk: the newest used stay, within bounds."""

import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ml_connector.archive.errors import BrokenFileError
from ml_connector.archive.store import verify_hash

COPIES_BYTES_MAX = 4 << 30
"""What all copies of an organisation may take together."""
COPIES_MAX = 500
"""How many copies of an organisation there may be."""


class LocalCopies:
    """Copies by name; any of them may vanish at any time, and each is verified before it is used.

    May be used by several threads and processes at a time.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find_open(self, name: str, file_hash: str) -> BinaryIO | None:
        """A copy, open for reading, whose content fits its hash; a damaged one is removed.

        Args:
            name: The copy's name, or a pattern of which the first that is found is taken.
            file_hash: What its content must have.
        """
        path = min(self._folder.glob(name), default=None)
        if path is None:
            return None
        with suppress(FileNotFoundError):  # Between the look and the opening it may be removed.
            file = path.open("rb")
            try:
                verify_hash(file, file_hash, str(path))
                os.utime(path)
            except (BrokenFileError, FileNotFoundError):
                file.close()
                path.unlink(missing_ok=True)
            else:
                return file
        return None

    def add(self, part: Path, name: str) -> BinaryIO:
        """The file is a copy now, open for reading; older ones went to make room."""
        file = part.open("rb")  # Before it can be removed under its new name.
        self._folder.mkdir(parents=True, exist_ok=True)
        part.replace(self._folder / name)
        self._remove_oldest()
        return file

    def _remove_oldest(self) -> None:
        left = COPIES_BYTES_MAX
        for number, (_, size, path) in enumerate(sorted(self._list_copies(), reverse=True)):
            left -= size
            if number >= COPIES_MAX or left < 0:
                path.unlink(missing_ok=True)

    def _list_copies(self) -> list[tuple[float, int, Path]]:
        found = []
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
        return found
