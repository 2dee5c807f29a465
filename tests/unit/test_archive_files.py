"""What the archive promises of a local disk, of gzip, and of its own start-up."""

import gzip
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO

import pytest

import ml_connector
from ml_connector.archive import LocalArchive, gzipped
from ml_connector.archive.errors import (
    ArchiveFullError,
)
from ml_connector.archive.gzipped import gzip_chunk
from ml_connector.domain.summaries import Summary

SUMMARIES = [
    Summary(("A1", "", "Oct 26"), Decimal("12.34"), 3),
    Summary(("A1", "C1", "Oct 26"), Decimal("-0.000000001"), 1),
    Summary(("Ä", "C1", "Oct 26"), Decimal("9" * 29), 2**40),
]


@pytest.fixture
def archive(tmp_path: Path) -> LocalArchive:
    """An empty archive."""
    return LocalArchive(tmp_path, "default")


def list_files(folder: Path) -> list[Path]:
    """Every file below the folder."""
    return [path for path in folder.rglob("*") if path.is_file()]


def open_full_disk(_: Path) -> BinaryIO:
    """A file on a device that has no space left."""
    return Path("/dev/full").open("wb")


def test_a_disk_that_fills_at_the_sync_leaves_nothing(
    archive: LocalArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Delayed allocation fails as late as at fsync; the file still never appears."""
    archive.write_bytes([b"so that folders exist"], suffix="bin")
    before = list_files(tmp_path)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ArchiveFullError):
        archive.write_bytes([b"x"], suffix="bin")
    assert list_files(tmp_path) == before


def test_file_and_folder_are_synced_before_the_file_is_named(
    archive: LocalArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Content reaches the disk before the name, the name before the call returns."""
    seen: list[str] = []
    real_sync, real_replace = os.fsync, Path.replace

    def sync(handle: int) -> None:
        seen.append(Path(f"/proc/self/fd/{handle}").readlink().name)
        real_sync(handle)

    def rename(self: Path, target: Path) -> Path:
        seen.append("rename")
        return real_replace(self, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "replace", rename)
    stored = archive.write_bytes([b"x"], suffix="bin")
    assert seen[seen.index("part") :] == [
        "part", "default", "raw", "rename", stored.file_hash[:2]
    ]  # fmt: skip


@pytest.mark.parametrize("has_fast_module", [True, False])
def test_gzip_is_repeatable_and_readable(
    monkeypatch: pytest.MonkeyPatch, *, has_fast_module: bool
) -> None:
    """Equal content gives equal bytes at any time, with and without the fast module."""
    if not has_fast_module:
        monkeypatch.setattr(gzipped, "FAST", None)
    content = b"account,amount\n" * 1000
    first = gzip_chunk(content)
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    assert gzip_chunk(content) == first
    assert first[4:8] == bytes(4)
    assert gzip.decompress(first) == content


def test_gzip_uses_the_fast_module_here() -> None:
    """The fallback is for odd machines only."""
    assert gzipped.FAST is not None


def test_import_of_the_archive_does_not_load_pyarrow() -> None:
    """Commands that read no file do not pay for it."""
    code = "import sys, ml_connector.archive; print('pyarrow' in sys.modules)"
    source = Path(ml_connector.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True,
        env={**os.environ, "PYTHONPATH": str(source)},
    )  # fmt: skip
    assert done.stdout.strip() == "False"
