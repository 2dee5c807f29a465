"""Stored files: content-addressed, whole or not there, verified before they are trusted."""

import hashlib
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from tests.fakes.archives import Place

from ml_connector.archive import FileArchive, LocalArchive, key_files, store
from ml_connector.archive.errors import (
    ArchiveFullError,
    BrokenFileError,
    KeyOrderError,
    MissingFileError,
    UnsafeNameError,
)
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


def open_full_disk(_: Path) -> BinaryIO:
    """A file on a device that has no space left."""
    return Path("/dev/full").open("wb")


def test_bytes_lie_under_their_hash(archive: FileArchive, place: Place) -> None:
    """Organisation, kind, two digits, hash and suffix make the path."""
    stored = archive.write_bytes([b"one,", b"two"], suffix=".csv.gz")
    digest = hashlib.sha256(b"one,two").hexdigest()
    assert (stored.file_hash, stored.rows, stored.bytes_stored) == (digest, 0, 7)
    name = f"default/raw/{digest[:2]}/{digest}.csv.gz"
    assert place.list_files() == [name]
    assert place.read(name) == b"one,two"
    assert b"".join(archive.read_bytes(digest)) == b"one,two"


def test_bytes_stored_twice_are_one_file(archive: FileArchive, place: Place) -> None:
    """The same content is the same file."""
    assert archive.write_bytes([b"x"], suffix="bin") == archive.write_bytes([b"x"], suffix="bin")
    assert len(place.list_files()) == 1


def test_bytes_of_organisations_are_apart(archive: FileArchive, place: Place) -> None:
    """One organisation cannot read another's file by its hash."""
    stored = archive.write_bytes([b"x"], suffix="bin")
    with pytest.raises(MissingFileError):
        list(place.open("other").read_bytes(stored.file_hash))


def test_changed_bytes_are_refused_and_healed_by_storing_again(
    archive: FileArchive, place: Place
) -> None:
    """Damage is told by path; the same content stored again replaces it."""
    stored = archive.write_bytes([b"content"], suffix="bin")
    [name] = place.list_files()
    place.replace(name, b"Content")
    with pytest.raises(BrokenFileError, match=name):
        next(archive.read_bytes(stored.file_hash))
    archive.write_bytes([b"content"], suffix="bin")
    assert b"".join(archive.read_bytes(stored.file_hash)) == b"content"


@pytest.mark.parametrize("file_hash", ["", "*", "../../etc/passwd", "0" * 63, "G" * 64, "0" * 64])
def test_a_hash_that_names_no_file_is_told(archive: FileArchive, file_hash: str) -> None:
    """Neither patterns nor paths pass for a hash."""
    archive.write_bytes([b"x"], suffix="bin")
    with pytest.raises(MissingFileError):
        list(archive.read_bytes(file_hash))


@pytest.mark.parametrize("name", ["", "..", "a/b", "/abs", ".hidden", "a\x00b", "x" * 101])
def test_unsafe_names_are_refused(archive: FileArchive, place: Place, name: str) -> None:
    """Neither organisation nor suffix leads out of the folder."""
    with pytest.raises(UnsafeNameError):
        place.open(name)
    if not name.startswith("."):
        with pytest.raises(UnsafeNameError):
            archive.write_bytes([b"x"], suffix=name)


def test_a_full_disk_leaves_nothing_half_stored(
    archive: FileArchive, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel says no space: the error says so, and no part of the file remains."""
    monkeypatch.setattr(store, "_open_new", open_full_disk)
    big = [os.urandom(1 << 20)]
    with pytest.raises(ArchiveFullError, match="is full") as told:
        archive.write_bytes(big, suffix="bin")
    assert isinstance(told.value, SystemUnavailableError)
    with pytest.raises(ArchiveFullError):
        archive.write_summaries(SUMMARIES)
    assert place.list_files() == []


def test_a_source_that_fails_half_way_leaves_nothing(archive: FileArchive, place: Place) -> None:
    """An error of the caller's iterator goes through, and no file appears."""

    def chunks() -> Iterator[bytes]:
        yield b"first"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        archive.write_bytes(chunks(), suffix="bin")
    assert place.list_files() == []


def test_summaries_come_back_in_key_order(archive: FileArchive) -> None:
    """Keys, exact amounts and line counts survive."""
    stored = archive.write_summaries(iter(SUMMARIES))
    assert stored.rows == 3
    found = list(archive.read_summaries(stored.file_hash))
    assert found == SUMMARIES
    assert all(isinstance(summary, Summary) for summary in found)


def test_plan_comes_back_in_key_order(archive: FileArchive) -> None:
    """Before and after are not mixed up."""
    cells = [
        PlannedCell(("A",), Decimal(0), Decimal("1.10"), 2),
        PlannedCell(("B",), Decimal("5.55"), Decimal(0), 0),
    ]
    stored = archive.write_plan(cells)
    found = list(archive.read_plan(stored.file_hash))
    assert found == cells
    assert [cell.change for cell in found] == ["added", "vanished"]


def test_totals_come_back_in_key_order(archive: FileArchive) -> None:
    """Debits, credits and counts survive under keys of any length."""
    rows = [
        (("A", "x"), Totals(debit=Decimal("1.10"), credit=Decimal("0.3"), lines=2)),
        (("B", ""), Totals(debit=Decimal(0), credit=Decimal(-7), lines=1)),
    ]
    stored = archive.write_totals(rows)
    assert list(archive.read_totals(stored.file_hash)) == rows
    with pytest.raises(KeyOrderError):
        archive.write_totals(reversed(rows))


def test_empty_files_are_files(archive: FileArchive) -> None:
    """A period without summaries has a file too, and always the same."""
    one, two = archive.write_summaries([]), archive.write_summaries([])
    assert one == two
    assert list(archive.read_summaries(one.file_hash)) == []
    assert list(archive.read_plan(archive.write_plan([]).file_hash)) == []


def test_same_summaries_give_the_same_file(archive: FileArchive, tmp_path: Path) -> None:
    """Zeros behind the point do not change the bytes, nor does the archive."""
    other = [s._replace(amount=s.amount.quantize(Decimal("1e-9"))) for s in SUMMARIES[:2]]
    second = LocalArchive(tmp_path / "second", "other")
    assert archive.write_summaries(SUMMARIES[:2]) == second.write_summaries(other)


def test_files_of_many_groups_stream(archive: FileArchive, monkeypatch: pytest.MonkeyPatch) -> None:
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
    archive: FileArchive, place: Place, keys: list[Any], finding: str
) -> None:
    """A file that could not be merged is never stored."""
    with pytest.raises(KeyOrderError, match=finding):
        archive.write_summaries(Summary(key, Decimal(1), 1) for key in keys)
    assert place.list_files() == []


def test_too_many_decimals_of_a_summary_are_refused(archive: FileArchive) -> None:
    """The refusal names the key."""
    with pytest.raises(TooManyDecimalsError, match=r"key \('A', 'Oct'\)"):
        archive.write_summaries([Summary(("A", "Oct"), Decimal("0.0000000001"), 1)])


def test_raw_bytes_of_a_parquet_file_can_be_read(archive: FileArchive) -> None:
    """Evidence packs copy files of every kind by hash."""
    stored = archive.write_plan([])
    content = b"".join(archive.read_bytes(stored.file_hash))
    assert hashlib.sha256(content).hexdigest() == stored.file_hash
