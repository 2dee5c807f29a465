"""Runs that another version began: who is told of them, and how they are moved to this one."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.errors import BlockedError, BusyError
from ml_connector.ports import Records, RunRow

if TYPE_CHECKING:
    from ml_connector.engine.versions import RunVersions, VersionedRun

RUN_MOVED = "run.moved"
"""The audit event of somebody who moved a run to his version."""
EVENTS_SEEN_MAX = 10_000
"""Links of the audit chain about one run that are looked through."""


class NotTakenError(BlockedError):
    """This version does not go on with runs of that other one."""

    code = "runs.version-not-taken"

    def __init__(self, run_id: str, *, theirs: str, ours: str) -> None:
        super().__init__(
            f"Run {run_id} belongs to engine version {theirs}; version {ours} does not go on with"
            " such runs, because their steps are others.",
            written="Nothing was changed.",
            next_step=f"Finish it with a worker of the release that has version {theirs}, or put"
            f" it away: `ml-connector runs cancel {run_id}`.",
            run_id=run_id, theirs=theirs, ours=ours,
        )  # fmt: skip


class ChangedRunError(BusyError):
    """A run went on while it was to be moved."""

    code = "runs.changed-meanwhile"

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"Run {run_id} was taken, stopped or ended by another process just now.",
            written="Nothing was changed.",
            next_step=f"Look at it, then move it again: `ml-connector runs show {run_id}`.",
            run_id=run_id,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """What this release says of itself and of runs that others began.

    Attributes:
        ours: The engine version of this release.
        taken: Versions whose runs it goes on with.
    """

    ours: str
    taken: Collection[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A run that is of this version now, and which one it was of before."""

    run: RunRow
    version: str
    version_now: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A run that nobody would go on with, and what to do about it."""

    finding: str
    next_step: str


def move_run(
    run: RunRow, *, book: "RunVersions", versions: Versions, records: Records, actor: str
) -> Moved:
    """The run is of this version; one that is already stays as it is. The audit chain names it.

    Raises:
        ExecutedRunError: A living process executes it.
        NotTakenError: This version cannot go on with it.
        ChangedRunError: It changed hands meanwhile.
        UnknownRunError: The engine has no such run, or has ended it.
    """
    from ml_connector.engine.errors import UnknownRunError  # noqa: PLC0415 - start-up time.
    from ml_connector.wiring.workers import ExecutedRunError  # noqa: PLC0415 - as above.

    found = book.find_run(run.run_id)
    if found is None:
        raise UnknownRunError(run.run_id)
    if found.version == versions.ours:
        return Moved(run=run, version=found.version, version_now=versions.ours)
    if book.is_executed(found):
        raise ExecutedRunError(run.run_id, then="move")
    if found.version not in versions.taken and not _is_of_origin(records, found, versions.ours):
        raise NotTakenError(run.run_id, theirs=found.version, ours=versions.ours)

    def record() -> None:
        records.audit.record(
            RUN_MOVED, subject=run.flow, actor=actor, run_id=run.run_id,
            version_before=found.version, version_after=versions.ours,
        )  # fmt: skip

    # Inside the engine's transaction: only a process that dies between the two commits leaves a
    # link without the move it tells of, and the move is then asked for again.
    if not book.move(found, to=versions.ours, on_moved=record):
        raise ChangedRunError(run.run_id)
    return Moved(run=run, version=found.version, version_now=versions.ours)


def _is_of_origin(records: Records, run: "VersionedRun", ours: str) -> bool:
    """Whether it was this version's and somebody moved it away: then it may come back."""
    told = records.audit.find(run.run_id, limit=EVENTS_SEEN_MAX)
    return any(
        one.run_id == run.run_id and one.details.get("version_before") == ours
        for one in told
        if one.event == RUN_MOVED
    )


def verify_version(run: RunRow, *, book: "RunVersions", ours: str) -> None:
    """The run is one of this version, or ended, or unknown to the engine.

    Raises:
        OtherVersionError: It is another version's; asked before anything is changed.
    """
    from ml_connector.engine.errors import OtherVersionError  # noqa: PLC0415 - start-up time.

    found = book.find_run(run.run_id)
    if found is not None and found.version != ours:
        raise OtherVersionError(run.run_id, found.version, ours)


def find_waiting(run: RunRow, *, book: "RunVersions", ours: str) -> Waiting | None:
    """What keeps an unfinished run from going on, when it is its version; else None."""
    found = book.find_run(run.run_id)
    if found is None or book.is_executed(found):
        return None
    is_alone = book.is_shared and book.find_worker(found.version) is None
    if found.version == ours:
        return _wait_for_worker(found) if is_alone and not found.is_stopped else None
    if not (is_alone or found.is_stopped or not book.is_shared):
        return None
    lives = f", and no worker of version {found.version} lives" if is_alone else ""
    return Waiting(
        finding=f"Run {found.run_id} was begun by version {found.version}; this is version"
        f" {ours}{lives}.",
        next_step=f"Move it to this version: `ml-connector runs move {found.run_id}`; or let the"
        f" release of version {found.version} finish it.",
    )


def _wait_for_worker(run: "VersionedRun") -> Waiting:
    return Waiting(
        finding=f"Run {run.run_id} is queued, and no worker of its version, {run.version}, lives.",
        next_step="Start one: `ml-connector worker`.",
    )
