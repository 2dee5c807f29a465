"""What pages and calls keep of the archive: read once, bounded, never older than said."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ml_connector.flows.answers.reconciliation_accounts import CellRow, PeriodDetail
from ml_connector.web import details
from ml_connector.web.api import snapshots
from ml_connector.web.api.snapshots import keep_rows


@pytest.fixture
def request_of_now(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A call at a time that can be moved; nothing is kept yet."""
    monkeypatch.setattr(snapshots, "_kept", type(snapshots._kept)())
    request: Any = SimpleNamespace(at=datetime(2026, 11, 23, tzinfo=UTC))
    clock = SimpleNamespace(now=lambda: request.at)
    request.house = SimpleNamespace(project=SimpleNamespace(root=Path("/p")), clock=clock)
    return request


def test_pages_behind_the_first_are_of_its_sums_for_some_minutes(request_of_now: Any) -> None:
    """A list that is begun anew is made anew, and so is one that was begun long ago."""
    made: list[int] = []

    def make() -> list[int]:
        made.append(len(made))
        return [made[-1]]

    def read(after: str, name: str = "flow") -> list[int]:
        return list(keep_rows(request_of_now, "coverage", name, after=after, make=make))

    assert [read(""), read("a"), read("b")] == [[0], [0], [0]]
    assert [read(""), read("a"), read("a", "other")] == [[1], [1], [2]]
    request_of_now.at += snapshots.KEPT_FOR + timedelta(seconds=1)
    assert [read("a"), read("b")] == [[3], [3]]


def test_sums_that_are_kept_are_bounded(
    request_of_now: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest list goes first, and one of too many rows is not kept at all."""
    monkeypatch.setattr(snapshots, "ROWS_MAX", 3)
    for number in range(snapshots.KEPT_MAX + 5):
        keep_rows(request_of_now, number, after="", make=lambda: range(3))
    keep_rows(request_of_now, "long", after="", make=lambda: range(4))

    kept = {key[1] for key in snapshots._kept}
    assert kept == set(range(5, snapshots.KEPT_MAX + 5))


def test_period_is_read_once_and_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """By rows as well as by periods; the one just asked for stays however large it is."""
    read: list[str] = []

    def read_detail(_: object, standing: Any) -> PeriodDetail:
        read.append(standing.report)
        cell = CellRow(key=("a",), currency="USD")
        return PeriodDetail(cells=[cell] * standing.rows)

    def find(report: str, rows: int = 1) -> PeriodDetail:
        standing: Any = SimpleNamespace(report=report, ledger="US", period="Oct-26", rows=rows)
        archive: Any = None
        return details.find_detail(archive, standing)

    monkeypatch.setattr(details, "read_detail", read_detail)
    monkeypatch.setattr(details, "_kept", type(details._kept)())
    monkeypatch.setattr(details, "ROWS_MAX", 10)
    assert find("a") is find("a")
    assert find("").cells == []
    find("b", 8)
    find("c", 30)
    find("c", 30)
    find("a")

    assert read == ["a", "b", "c", "a"]
    assert [key[0] for key in details._kept] == ["a"]
