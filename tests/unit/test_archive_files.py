"""Stored files: content-addressed, whole or not there, verified before they are trusted."""

import gzip
import hashlib
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from ml_connector.archive import LocalArchive, gzipped, key_files, store
from ml_connector.archive.errors import (
    ArchiveFullError,
    BrokenFileError,
    KeyOrderError,
    MissingFileError,
    UnsafeNameError,
)
from ml_connector.archive.gzipped import gzip_chunk
from ml_connector.domain.ledger import Totals
from ml_connector.domain.money import TooManyDecimalsError
from ml_connector.domain.plan import PlannedCell
from ml_connector.domain.summaries import Summary
from ml_connector.errors import SystemUnavailableError

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


def test_bytes_lie_under_their_hash(archive: LocalArchive, tmp_path: Path) -> None:
    """Organisation, kind, two digits, hash and suffix make the path."""
    stored = archive.write_bytes([b"one,", b"two"], suffix=".csv.gz")
    digest = hashlib.sha256(b"one,two").hexdigest()
    assert (stored.file_hash, stored.rows, stored.bytes_stored) == (digest, 0, 7)
    path = tmp_path / "default" / "raw" / digest[:2] / f"{digest}.csv.gz"
    assert list_files(tmp_path) == [path]
    assert b"".join(archive.read_bytes(digest)) == b"one,two"


def test_bytes_stored_twice_are_one_file(archive: LocalArchive, tmp_path: Path) -> None:
    """The same content is the same file."""
    assert archive.write_bytes([b"x"], suffix="bin") == archive.write_bytes([b"x"], suffix="bin")
    assert len(list_files(tmp_path)) == 1


def test_bytes_of_organisations_are_apart(archive: LocalArchive, tmp_path: Path) -> None:
    """One organisation cannot read another's file by its hash."""
    stored = archive.write_bytes([b"x"], suffix="bin")
    with pytest.raises(MissingFileError):
        list(LocalArchive(tmp_path, "other").read_bytes(stored.file_hash))


def test_changed_bytes_are_refused_and_healed_by_storing_again(
    archive: LocalArchive, tmp_path: Path
) -> None:
    """Damage is told by path; the same content stored again replaces it."""
    stored = archive.write_bytes([b"content"], suffix="bin")
    [path] = list_files(tmp_path)
    path.write_bytes(b"Content")
    with pytest.raises(BrokenFileError, match=str(path)):
        next(archive.read_bytes(stored.file_hash))
    archive.write_bytes([b"content"], suffix="bin")
    assert b"".join(archive.read_bytes(stored.file_hash)) == b"content"


@pytest.mark.parametrize("file_hash", ["", "*", "../../etc/passwd", "0" * 63, "G" * 64, "0" * 64])
def test_a_hash_that_names_no_file_is_told(archive: LocalArchive, file_hash: str) -> None:
    """Neither patterns nor paths pass for a hash."""
    archive.write_bytes([b"x"], suffix="bin")
    with pytest.raises(MissingFileError):
        list(archive.read_bytes(file_hash))


@pytest.mark.parametrize("name", ["", "..", "a/b", "/abs", ".hidden", "a\x00b", "x" * 101])
def test_unsafe_names_are_refused(archive: LocalArchive, tmp_path: Path, name: str) -> None:
    """Neither organisation nor suffix leads out of the folder."""
    with pytest.raises(UnsafeNameError):
        LocalArchive(tmp_path, name)
    if not name.startswith("."):
        with pytest.raises(UnsafeNameError):
            archive.write_bytes([b"x"], suffix=name)


def test_a_full_disk_leaves_nothing_half_stored(
    archive: LocalArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel says no space: the error says so, and no part of the file remains."""
    monkeypatch.setattr(store, "_open_new", open_full_disk)
    big = [os.urandom(1 << 20)]
    with pytest.raises(ArchiveFullError, match="is full") as told:
        archive.write_bytes(big, suffix="bin")
    assert isinstance(told.value, SystemUnavailableError)
    with pytest.raises(ArchiveFullError):
        archive.write_summaries(SUMMARIES)
    assert list_files(tmp_path) == []


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


def test_a_source_that_fails_half_way_leaves_nothing(archive: LocalArchive, tmp_path: Path) -> None:
    """An error of the caller's iterator goes through, and no file appears."""

    def chunks() -> Iterator[bytes]:
        yield b"first"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        archive.write_bytes(chunks(), suffix="bin")
    assert list_files(tmp_path) == []


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


def test_summaries_come_back_in_key_order(archive: LocalArchive) -> None:
    """Keys, exact amounts and line counts survive."""
    stored = archive.write_summaries(iter(SUMMARIES))
    assert stored.rows == 3
    found = list(archive.read_summaries(stored.file_hash))
    assert found == SUMMARIES
    assert all(isinstance(summary, Summary) for summary in found)


def test_plan_comes_back_in_key_order(archive: LocalArchive) -> None:
    """Before and after are not mixed up."""
    cells = [
        PlannedCell(("A",), Decimal(0), Decimal("1.10"), 2),
        PlannedCell(("B",), Decimal("5.55"), Decimal(0), 0),
    ]
    stored = archive.write_plan(cells)
    found = list(archive.read_plan(stored.file_hash))
    assert found == cells
    assert [cell.change for cell in found] == ["added", "vanished"]


def test_totals_come_back_in_key_order(archive: LocalArchive) -> None:
    """Debits, credits and counts survive under keys of any length."""
    rows = [
        (("A", "x"), Totals(debit=Decimal("1.10"), credit=Decimal("0.3"), lines=2)),
        (("B", ""), Totals(debit=Decimal(0), credit=Decimal(-7), lines=1)),
    ]
    stored = archive.write_totals(rows)
    assert list(archive.read_totals(stored.file_hash)) == rows
    with pytest.raises(KeyOrderError):
        archive.write_totals(reversed(rows))


def test_empty_files_are_files(archive: LocalArchive) -> None:
    """A period without summaries has a file too, and always the same."""
    one, two = archive.write_summaries([]), archive.write_summaries([])
    assert one == two
    assert list(archive.read_summaries(one.file_hash)) == []
    assert list(archive.read_plan(archive.write_plan([]).file_hash)) == []


def test_same_summaries_give_the_same_file(archive: LocalArchive, tmp_path: Path) -> None:
    """Zeros behind the point do not change the bytes, nor does the archive."""
    other = [s._replace(amount=s.amount.quantize(Decimal("1e-9"))) for s in SUMMARIES[:2]]
    second = LocalArchive(tmp_path / "second", "other")
    assert archive.write_summaries(SUMMARIES[:2]) == second.write_summaries(other)


def test_files_of_many_groups_stream(
    archive: LocalArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows beyond one row group keep their order."""
    monkeypatch.setattr(key_files, "ROWS_PER_GROUP", 10)
    rows = [Summary((f"{n:03}",), Decimal(n), 1) for n in range(105)]
    stored = archive.write_summaries(rows)
    assert list(archive.read_summaries(stored.file_hash)) == rows


@pytest.mark.parametrize(
    ("keys", "finding"),
    [
        ([("B",), ("A",)], "does not come after"),
        ([("A",), ("A",)], "does not come after"),
        ([("A",), ("B", "C")], "number of parts"),
        ([()], "number of parts"),
    ],
)
def test_keys_out_of_order_are_refused(
    archive: LocalArchive, tmp_path: Path, keys: list[Any], finding: str
) -> None:
    """A file that could not be merged is never stored."""
    with pytest.raises(KeyOrderError, match=finding):
        archive.write_summaries(Summary(key, Decimal(1), 1) for key in keys)
    assert list_files(tmp_path) == []


def test_too_many_decimals_of_a_summary_are_refused(archive: LocalArchive) -> None:
    """The refusal names the key."""
    with pytest.raises(TooManyDecimalsError, match=r"key \('A', 'Oct'\)"):
        archive.write_summaries([Summary(("A", "Oct"), Decimal("0.0000000001"), 1)])


def test_raw_bytes_of_a_parquet_file_can_be_read(archive: LocalArchive) -> None:
    """Evidence packs copy files of every kind by hash."""
    stored = archive.write_plan([])
    content = b"".join(archive.read_bytes(stored.file_hash))
    assert hashlib.sha256(content).hexdigest() == stored.file_hash


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
