"""Totals by key are merged exactly, in order, in little memory."""

import os
import random
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import TextIO

import pytest

import ml_connector
from ml_connector.archive import LocalArchive, sorter, store
from ml_connector.archive.errors import ArchiveFullError, KeyOrderError
from ml_connector.domain.ledger import Totals
from ml_connector.ports import TotalsSorter

ONE = Totals(debit=Decimal("1.10"), credit=Decimal("0.35"), lines=1)


def add_ten_keys(totals: TotalsSorter) -> None:
    """More keys than the sorter holds."""
    for number in range(10):
        totals.add((str(number),), ONE)


def open_full_disk(_: Path) -> TextIO:
    """A file on a device that has no space left."""
    return Path("/dev/full").open("w", encoding="utf-8")


def run_python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """The finished process."""
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True, check=False, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(ml_connector.__file__).parents[1])},
    )  # fmt: skip


@pytest.fixture
def archive(tmp_path: Path) -> LocalArchive:
    """An archive whose sorter spills at its fourth key."""
    return LocalArchive(tmp_path, "default", keys_held_max=3)


def test_equal_keys_are_added_across_runs(archive: LocalArchive) -> None:
    """Whether a key's totals met in memory or in runs does not show."""
    with archive.sorter() as totals:
        for round_ in range(5):
            for part in "fcaebd":
                totals.add((part, "x"), Totals(debit=Decimal(round_), lines=1))
        found = list(totals.merged())
    assert found == [((part, "x"), Totals(debit=Decimal(10), lines=5)) for part in "abcdef"]


def test_merge_may_be_repeated(archive: LocalArchive) -> None:
    """Every reader of the sorter gets the same rows."""
    with archive.sorter() as totals:
        add_ten_keys(totals)
        assert list(totals.merged()) == list(totals.merged())


def test_two_merges_may_run_side_by_side(archive: LocalArchive) -> None:
    """A reader that is half-way does not disturb another."""
    with archive.sorter() as totals:
        add_ten_keys(totals)
        pairs = list(zip(totals.merged(), totals.merged(), strict=True))
    assert len(pairs) == 10
    assert all(one == other for one, other in pairs)


def test_nothing_added_gives_nothing(archive: LocalArchive) -> None:
    """An empty sorter is no error."""
    with archive.sorter() as totals:
        assert list(totals.merged()) == []


def test_order_is_the_order_of_the_key_tuples(archive: LocalArchive) -> None:
    """Empty parts, prefixes, spaces and any script sort as the tuples do."""
    parts = ["", "a", "a ", "a!", "ab", "ä", "Ω", "中", "\u2028", "~", "\U0001f600", "-1", "10"]
    chance = random.Random(3)
    keys = [(one, other) for one in parts for other in parts]
    chance.shuffle(keys)
    with archive.sorter() as totals:
        for key in keys:
            totals.add(key, ONE)
        assert [key for key, _ in totals.merged()] == sorted(keys)


def test_sums_keep_every_digit(archive: LocalArchive) -> None:
    """Thirty-eight digits and nine decimals are added without rounding in any context."""
    large, small = Decimal("9" * 29), Decimal("0.000000001")
    with archive.sorter() as totals:
        for amount in (large, small, large):
            for key in "abcd":
                totals.add((key,), Totals(debit=amount, credit=amount.copy_negate(), lines=1))
        found = dict(totals.merged())
    expected = Decimal("1" + "9" * 28 + "8.000000001")
    assert found["b",] == Totals(debit=expected, credit=expected.copy_negate(), lines=3)


def test_many_runs_are_merged_in_stages(
    archive: LocalArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of open runs stays bounded however many are written."""
    monkeypatch.setattr(sorter, "RUNS_MAX", 4)
    with archive.sorter() as totals:
        for number in range(200):
            totals.add((f"{number % 50:02}",), ONE)
        assert len(list(tmp_path.rglob("run-*"))) <= 4
        found = list(totals.merged())
    assert [key for (key,), _ in found] == [f"{number:02}" for number in range(50)]
    assert {totals.lines for _, totals in found} == {4}


@pytest.mark.parametrize("part", ["a\x1fb", "a\nb", "\x00", "a\x1e", "\x7f", "\x85"])
def test_control_characters_are_refused(archive: LocalArchive, part: str) -> None:
    """A part that could pass for a separator is named and refused."""
    with archive.sorter() as totals, pytest.raises(KeyOrderError, match="control character"):
        totals.add(("x", part), ONE)


def test_key_without_parts_is_refused(archive: LocalArchive) -> None:
    """A sum of everything is not a sum by key."""
    with archive.sorter() as totals, pytest.raises(KeyOrderError, match="no parts"):
        totals.add((), ONE)


def test_runs_vanish_at_the_end_of_the_block(archive: LocalArchive, tmp_path: Path) -> None:
    """Nothing is left behind, also when the block fails."""

    def fail_in_the_block() -> None:
        with archive.sorter() as totals:
            add_ten_keys(totals)
            assert list(tmp_path.rglob("run-*"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_in_the_block()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_full_disk_while_spilling_is_told(
    archive: LocalArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that does not fit is an unavailable system, not a crash."""
    monkeypatch.setattr(sorter, "_open_run", open_full_disk)
    with archive.sorter() as totals, pytest.raises(ArchiveFullError, match="is full"):
        add_ten_keys(totals)


def test_leftovers_of_a_killed_process_are_swept(archive: LocalArchive, tmp_path: Path) -> None:
    """Runs of a dead process go when the next one starts; those of a living one stay."""
    code = (
        "import os, sys; from pathlib import Path; from ml_connector.archive import LocalArchive\n"
        "with LocalArchive(Path(sys.argv[1]), 'default').sorter(): os._exit(9)"
    )
    died = run_python(code, tmp_path)
    unfinished = tmp_path / "default" / "unfinished"
    [left] = unfinished.iterdir()
    assert died.returncode == 9
    with archive.sorter():
        [living] = unfinished.iterdir()
        assert living != left
        with archive.sorter():
            assert living in unfinished.iterdir()


@pytest.mark.exhaustive
@pytest.mark.long
def test_memory_stays_bounded_with_300_000_keys(tmp_path: Path) -> None:
    """Three hundred thousand groups are summed and merged in less than 100 MiB above the start."""
    code = """
import resource, sys
from decimal import Decimal
from pathlib import Path
from typing import TextIO
from ml_connector.archive import LocalArchive
from ml_connector.domain.ledger import Totals
import pyarrow.parquet
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
start = peak()
def rows(sorter):
    from ml_connector.domain.summaries import Summary
    for key, totals in sorter.merged():
        yield Summary(key, totals.net, totals.lines)
archive = LocalArchive(Path(sys.argv[1]), "default")
with archive.sorter() as sorter:
    for number in range(600_000):
        key = (f"A{number * 7919 % 300_000:08}", f"cost centre {number % 300_000 % 977}", "Oct")
        sorter.add(key, Totals(debit=Decimal(number), lines=1))
    stored = archive.write_summaries(rows(sorter))
read = sum(s.lines for s in archive.read_summaries(stored.file_hash))
print(stored.rows, read, peak() - start)
"""
    done = run_python(code, tmp_path)
    assert done.returncode == 0, done.stderr
    rows, lines, peak = map(int, done.stdout.split())
    assert (rows, lines) == (300_000, 600_000)
    assert peak < 100


def test_store_opens_new_files_only() -> None:
    """A part that exists is never written over."""
    with pytest.raises(FileExistsError):
        store._open_new(Path(os.devnull))
