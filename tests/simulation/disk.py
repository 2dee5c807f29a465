"""A disk that fills up: for files of the archive, and for the records database."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self
from unittest.mock import patch

from django.db import connections

from ml_connector.archive import store
from ml_connector.records.setup import BUDGET_ALIAS, DEFAULT_ALIAS

PAGES_MAX = 1 << 30


@dataclass(slots=True, kw_only=True)
class Disk:
    """Whether files can be written."""

    is_full: bool = False
    refused: int = 0
    """Files that were to be written and could not be."""

    def fill(self) -> None:
        """No file of the archive can be written."""
        self.is_full = True

    def fill_records(self) -> None:
        """The records database cannot grow, and its free pages are few."""
        for alias in (DEFAULT_ALIAS, BUDGET_ALIAS):
            with connections[alias].cursor() as cursor:
                pages = cursor.execute("PRAGMA page_count").fetchone()[0]
                cursor.execute(f"PRAGMA max_page_count = {pages}")

    def free(self) -> None:
        """There is room again; a database finds out when it is next opened."""
        self.is_full, self.refused = False, 0


class _Filling:
    """A file on a disk without room."""

    def __init__(self, raw: BinaryIO, disk: Disk) -> None:
        self._raw = raw
        self._disk = disk

    def write(self, _: Any) -> int:
        """Nothing fits."""
        self._disk.refused += 1
        raise OSError(errno.ENOSPC, "No space left on device")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._raw.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)


@contextmanager
def spoiling_files(disk: Disk) -> Iterator[None]:
    """New files of the archive meet the disk as it is."""
    make = store._open_new

    def open_new(path: Path) -> Any:
        raw = make(path)
        return _Filling(raw, disk) if disk.is_full else raw

    with patch.object(store, "_open_new", open_new):
        yield
