"""Runs change hands: from a process that is dead, or that stops, back into their queue.

DBOS names no public verb for it that asks who has the run; the one its own recovery uses does, and
keeps the run in the queue it is in. A test holds this release to what is relied on here.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from dbos import DBOSClient, WorkflowStatusString
from dbos._context import current_owner_xid

from ml_connector.engine.crew_table import IDLE_TRANSACTION_S
from ml_connector.engine.serializer import TaggedSerializer

RUNNING = WorkflowStatusString.PENDING.value


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRun:
    """A run that a process has taken from the queue and not ended."""

    run_id: str
    executor_id: str


class Handover:
    """Looks at who has which run and hands runs on; on connections of its own."""

    def __init__(self, database_url: str, *, application: str) -> None:
        self._client = DBOSClient(
            system_database_url=database_url,
            serializer=TaggedSerializer(),
            application_name=application,
            retry_connection_errors=False,
            sys_db_idle_transaction_timeout_sec=IDLE_TRANSACTION_S,
        )
        self._system: Any = self._client._sys_db  # noqa: SLF001 - see the module's docstring.
        self._status = self._system.tables.workflow_status

    def load_held(self) -> list[HeldRun]:
        """Runs that are held by somebody, living or dead."""
        query = sa.select(self._status.c.workflow_uuid, self._status.c.executor_id).where(
            self._status.c.status == RUNNING, self._status.c.queue_name.is_not(None)
        )
        with self._system.engine.connect() as connection:
            rows = connection.execute(query).all()
        return [HeldRun(run_id=str(row[0]), executor_id=str(row[1])) for row in rows]

    def requeue(self, held: HeldRun) -> bool:
        """The run is back in its queue; False when that process does not hold it any more."""
        return bool(
            self._system.reenqueue_for_recovery(held.run_id, [held.executor_id], "unreachable")
        )

    def is_owner(self, run_id: str, owner: str) -> bool:
        """Whether the execution with this token still has the run."""
        query = sa.select(self._status.c.owner_xid).where(
            self._status.c.workflow_uuid == run_id, self._status.c.status == RUNNING
        )
        with self._system.engine.connect() as connection:
            return bool(connection.execute(query).scalar() == owner)

    def close(self) -> None:
        """No connection is open."""
        self._client.destroy()


def find_owner(run_id: str) -> str:
    """The token of the execution this thread is in; the database checks it at every step."""
    owner = current_owner_xid(run_id)
    assert owner is not None, "asked for within a run"
    return owner
