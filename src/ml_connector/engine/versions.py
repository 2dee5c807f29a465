"""Which version each run belongs to, and moving one to another; no engine is launched for it.

A run's version is a column of the engine's own table: a process takes only those of its own version
out of the queue. The library offers the change of it to paying customers only; here it is one
conditional statement, and a test holds the library's release to the columns named below.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from ml_connector.engine.crew_table import CONNECT_S, CrewTable
from ml_connector.engine.database import BUSY_TIMEOUT_MS, find_sqlite_file
from ml_connector.engine.reaper import DEAD_AFTER_S
from ml_connector.errors import SystemUnavailableError

SCHEMA = "dbos"
TABLE = "workflow_status"


class Progress(StrEnum):
    """How the engine has a run that has not ended; the values are the library's."""

    QUEUED = "ENQUEUED"
    TAKEN = "PENDING"
    STOPPED = "CANCELLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionedRun:
    """A run that has not ended, as the engine has it.

    Attributes:
        run_id: The run's id.
        version: Whose steps it has: a process of this version executes it.
        progress: Whether it waits, is executed, or was stopped.
        executor_id: The process that has it or had it last; empty when none had.
    """

    run_id: str
    version: str
    progress: Progress
    executor_id: str = ""

    @property
    def is_stopped(self) -> bool:
        """Whether it waits for somebody to resume it."""
        return self.progress is Progress.STOPPED


class RunVersions:
    """Versions of the runs in one engine's database; a context manager."""

    def __init__(self, database_url: str, *, queue: str) -> None:
        self._queue = queue
        self._file = find_sqlite_file(database_url)
        self._crew = None if self._file else CrewTable(database_url)
        url = sa.make_url(database_url)
        if self._file is None:
            patience = {"connect_timeout": CONNECT_S}
            address = url.set(drivername="postgresql+psycopg")
            self._engine = sa.create_engine(address, connect_args=patience)
        else:
            wait = {"timeout": BUSY_TIMEOUT_MS / 1000}
            self._engine = sa.create_engine(url, connect_args=wait)
        self._runs = _describe_runs(None if self._file else SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._engine.dispose()
        if self._crew is not None:
            self._crew.close()
        if isinstance(error, OperationalError):
            raise SystemUnavailableError(
                f"The engine's database does not answer: {error.orig}.",
                written="No run was changed.",
                next_step="Look at the database server, then run the command again.",
            ) from error

    @property
    def is_shared(self) -> bool:
        """Whether several processes may execute the runs."""
        return self._crew is not None

    def find_run(self, run_id: str) -> VersionedRun | None:
        """The run; None when the engine never heard of it, or it has ended."""
        if not self._has_runs():
            return None
        of = self._runs.c
        query = sa.select(of.workflow_uuid, of.application_version, of.status, of.executor_id)
        with self._engine.connect() as connection:
            row = connection.execute(query.where(of.workflow_uuid == run_id)).one_or_none()
        if row is None or row.status not in set(Progress):
            return None
        return VersionedRun(
            run_id=str(row.workflow_uuid), version=str(row.application_version),
            progress=Progress(row.status), executor_id=row.executor_id or "",
        )  # fmt: skip

    def find_worker(self, version: str) -> str | None:
        """A process heard of lately that takes runs of that version; none with SQLite."""
        if self._crew is None or not self._crew.exists():
            return None
        return self._crew.find_worker(queue=self._queue, version=version, silent_s_max=DEAD_AFTER_S)

    def is_executed(self, run: VersionedRun) -> bool:
        """Whether a process that was heard of lately has the run.

        With SQLite nobody beats: who asks holds the lock of the state folder.
        """
        if run.progress is not Progress.TAKEN or self._crew is None or not self._crew.exists():
            return False
        return self._crew.is_heard(run.executor_id, silent_s_max=DEAD_AFTER_S)

    def move(self, run: VersionedRun, *, to: str, on_moved: Callable[[], None]) -> bool:
        """The run is of the other version; False when it is no longer as it was read.

        A run of a silent process keeps its holder: whoever takes over from the dead finds the new
        version on it, and one that is alive after all ends it as it began.

        Args:
            run: The run as it was read.
            to: The version whose processes shall take it.
            on_moved: Told before the change stands; what it raises undoes the change.
        """
        of = self._runs.c
        as_read = sa.and_(
            of.workflow_uuid == run.run_id,
            of.application_version == run.version,
            of.status == run.progress.value,
            sa.func.coalesce(of.executor_id, "") == run.executor_id,
        )
        with self._engine.begin() as connection:
            change = sa.update(self._runs).where(as_read).values(application_version=to)
            if connection.execute(change).rowcount != 1:
                return False
            on_moved()
        return True

    def _has_runs(self) -> bool:
        if self._file is not None and not self._file.exists():
            return False
        return sa.inspect(self._engine).has_table(TABLE, schema=self._runs.schema)


def _describe_runs(schema: str | None) -> Any:
    names = ("workflow_uuid", "status", "application_version", "executor_id")
    return sa.table(TABLE, *(sa.column(name) for name in names), schema=schema)
