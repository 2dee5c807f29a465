"""A run whose version nobody lives of: what people are told, and who may move it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from ml_connector.cli.upgrading import tell_moved
from ml_connector.engine.errors import OtherVersionError, UnknownRunError
from ml_connector.engine.versions import Progress, RunVersions, VersionedRun
from ml_connector.ports import Records, RunRow, RunState
from ml_connector.wiring.engines import APPLICATION_VERSION, MOVES_FROM
from ml_connector.wiring.moving import (
    ChangedRunError,
    Moved,
    NotTakenError,
    Versions,
    find_waiting,
    move_run,
    verify_version,
)
from ml_connector.wiring.workers import ExecutedRunError

ROW = RunRow(
    run_id="r1", flow="actuals", kind="actuals", state=RunState.QUEUED, actor="kim", request={},
    summary={}, error=None, created_at=datetime(2026, 11, 22, tzinfo=UTC), finished_at=None,
)  # fmt: skip
TWO = Versions(ours="2", taken={"1"})


@dataclass(slots=True, kw_only=True)
class Book:
    """Versions of one run, in memory."""

    run: VersionedRun | None
    workers: set[str] = field(default_factory=set)
    is_shared: bool = True
    executes: bool = False
    is_taken_meanwhile: bool = False

    def find_run(self, run_id: str) -> VersionedRun | None:
        """The run."""
        return self.run if run_id == "r1" else None

    def find_worker(self, version: str) -> str | None:
        """Any of them."""
        return f"worker of {version}" if version in self.workers else None

    def is_executed(self, run: VersionedRun) -> bool:
        """As told."""
        return run == self.run and self.executes

    def move(self, run: VersionedRun, *, to: str, on_moved: Callable[[], None]) -> bool:
        """Unless somebody has taken it."""
        if self.is_taken_meanwhile:
            return False
        assert run == self.run
        on_moved()
        self.run = make_run(to)
        return True


class Chain:
    """An audit chain in memory."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def record(self, event: str, **details: Any) -> None:
        """Kept."""
        self.events.append((event, details))

    def find(self, _text: str, *, limit: int) -> list[Any]:
        """Nobody has moved anything."""
        assert limit
        return []


def make_run(version: str = "1", progress: Progress = Progress.QUEUED) -> VersionedRun:
    """The run of a version."""
    return VersionedRun(run_id="r1", version=version, progress=progress)


def make_book(run: VersionedRun | None, **facts: Any) -> RunVersions:
    """A book of that run."""
    return cast("RunVersions", Book(run=run, **facts))


def move(book: RunVersions, versions: Versions = TWO) -> tuple[str, str, list[Any]]:
    """Versions before and after, and what the chain tells."""
    chain = Chain()
    records: Any = type("Fakes", (), {"audit": chain})
    found = move_run(
        ROW, book=book, versions=versions, records=cast("Records", records), actor="kim"
    )
    return found.version, found.version_now, chain.events


def test_move_is_recorded_with_its_actor_and_done_once() -> None:
    """A second one finds nothing to do and tells nothing."""
    book = make_book(make_run())
    before, after, (told,) = move(book)
    assert (before, after) == ("1", "2")
    details = {"version_before": "1", "version_after": "2"}
    assert told == (
        "run.moved", {"subject": "actuals", "actor": "kim", "run_id": "r1", **details},
    )  # fmt: skip
    assert move(book) == ("2", "2", [])


@pytest.mark.parametrize(
    ("book", "versions", "refusal"),
    [
        (make_book(None), TWO, UnknownRunError),
        (make_book(make_run(), executes=True), TWO, ExecutedRunError),
        (make_book(make_run()), Versions(ours="3", taken={"2"}), NotTakenError),
        (make_book(make_run("3")), TWO, NotTakenError),
        (make_book(make_run(), is_taken_meanwhile=True), TWO, ChangedRunError),
    ],
)
def test_move_is_refused_where_the_run_would_not_go_on_well(
    book: RunVersions, versions: Versions, refusal: type[Exception]
) -> None:
    """Unknown, executed, of steps this code does not have, of a newer release, or just taken."""
    with pytest.raises(refusal, match="r1"):
        move(book, versions)


@pytest.mark.parametrize(
    ("book", "finding"),
    [
        (make_book(make_run()), "was begun by version 1; this is version 2, and no worker"),
        (make_book(make_run(), workers={"1"}), ""),
        (make_book(make_run(progress=Progress.TAKEN)), "and no worker of version 1 lives"),
        (make_book(make_run(progress=Progress.TAKEN), executes=True), ""),
        (make_book(make_run(progress=Progress.STOPPED), workers={"1"}), "begun by version 1"),
        (make_book(make_run(), is_shared=False), "was begun by version 1; this is version 2."),
        (make_book(make_run("2")), "queued, and no worker of its version, 2, lives"),
        (make_book(make_run("2"), workers={"2"}), ""),
        (make_book(make_run("2", Progress.STOPPED)), ""),
        (make_book(make_run("2"), is_shared=False), ""),
        (make_book(None), ""),
    ],
)
def test_people_are_told_of_a_run_that_waits_for_its_version(
    book: RunVersions, finding: str
) -> None:
    """Only when nobody will go on with it, and with the command that helps."""
    waiting = find_waiting(ROW, book=book, ours="2")
    assert (waiting is not None) is bool(finding)
    if waiting is not None:
        assert finding in waiting.finding
        command = "worker" if "its version, 2" in finding else "runs move r1"
        assert f"`ml-connector {command}`" in waiting.next_step


def test_resume_of_another_versions_run_is_refused_before_anything_changes() -> None:
    """Also one that the engine has ended is none of another version."""
    verify_version(ROW, book=make_book(make_run("2")), ours="2")
    verify_version(ROW, book=make_book(None), ours="2")
    with pytest.raises(OtherVersionError, match="`ml-connector runs move r1`"):
        verify_version(ROW, book=make_book(make_run("1")), ours="2")


def test_release_goes_on_with_runs_of_older_versions_only() -> None:
    """What a newer one records, nobody could have known here."""
    assert all(0 < one < APPLICATION_VERSION for one in MOVES_FROM)


def test_run_that_was_of_this_version_is_not_told_as_moved() -> None:
    """Moving twice says what is so, not that something was done."""
    assert tell_moved(Moved(run=ROW, version="2", version_now="2")) == "it is of version 2 already"
    assert tell_moved(Moved(run=ROW, version="1", version_now="2")) == "moved from version 1 to 2"
