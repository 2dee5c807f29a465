"""Scheduled jobs: a parent with children that go through states as the clock goes on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.store import Store
from ml_connector.sandbox.switches import Switches

ESS_TABLES = {
    "ess_jobs": """
        request_id INTEGER PRIMARY KEY, root INTEGER NOT NULL, parent INTEGER, name TEXT NOT NULL,
        path TEXT NOT NULL, user TEXT NOT NULL, states TEXT NOT NULL, starts REAL NOT NULL,
        ends REAL NOT NULL, final TEXT NOT NULL, forced TEXT, log TEXT NOT NULL DEFAULT '',
        output_name TEXT, output TEXT""",
    "ess_tasks": """
        _id INTEGER PRIMARY KEY, root INTEGER NOT NULL, due REAL NOT NULL, kind TEXT NOT NULL,
        facts TEXT NOT NULL""",
    "ess_documents": """
        _id INTEGER PRIMARY KEY, file_name TEXT NOT NULL, account TEXT, comments TEXT,
        content_type TEXT, content BLOB NOT NULL""",
}
FIRST_REQUEST_ID = 15000123
_IDS_PER_JOB = 7
_INTERIM = ("WAIT", "RUNNING", "PAUSED")
SUCCEEDED = "SUCCEEDED"
TERMINAL = frozenset(
    {SUCCEEDED, "WARNING", "ERROR", "ERROR MANUAL RECOVERY", "CANCELLED", "CANCELED", "EXPIRED",
     "VALIDATION_FAILED"}
)  # fmt: skip
_COLUMNS = "request_id, parent, name, path, states, starts, ends, final, forced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """When a job begins, when its files are loaded, when all is over."""

    states: tuple[str, ...]
    starts: float
    loaded: float
    ends: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job as it is put into the book; `steps` are the states before the final one."""

    request_id: int
    root: int
    parent: int | None
    name: str
    path: str
    user: str
    starts: float
    ends: float
    steps: tuple[str, ...] = ("RUNNING",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Work that is done when its moment has come."""

    id: int
    root: int
    due: float
    kind: str
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobBook:
    """Every job there is; a state is worked out from the clock whenever somebody asks."""

    store: Store
    clock: SandboxClock
    switches: Switches

    def plan(self) -> Timeline:
        """Return the timeline of a job that is submitted now."""
        step = float(self.switches["ess_seconds_per_state"])
        states = tuple(self.switches["ess_states"] or _INTERIM)
        now = self.clock.now()
        loaded = now + step * max(len(states) - 1, 0)
        return Timeline(states=states, starts=now, loaded=loaded, ends=now + step * len(states))

    def take_id(self) -> int:
        """Return the request id of a new parent; a few ids after it are free for children."""
        found = self.store.query("SELECT MAX(root) FROM ess_jobs")[0][0]
        return FIRST_REQUEST_ID if found is None else int(found) + _IDS_PER_JOB

    def add(self, jobs: Sequence[Job]) -> None:
        """The jobs stand in the book."""
        self.store.execute_many(
            "INSERT INTO ess_jobs (request_id, root, parent, name, path, user, states, starts,"
            " ends, final) VALUES (?,?,?,?,?,?,?,?,?,?)",
            (
                (job.request_id, job.root, job.parent, job.name, job.path, job.user,
                 json.dumps(job.steps), job.starts, job.ends, SUCCEEDED)
                for job in jobs
            ),
        )  # fmt: skip

    def add_task(self, root: int, due: float, kind: str, facts: dict[str, Any]) -> None:
        """The work will be done at its moment, unless the job is held or ended before."""
        self.store.execute(
            "INSERT INTO ess_tasks (root, due, kind, facts) VALUES (?,?,?,?)",
            (root, due, kind, json.dumps(facts)),
        )

    def find_due(self) -> Task | None:
        """Return the earliest work whose moment has come, or None."""
        sql = (
            "SELECT t._id, t.root, t.due, t.kind, t.facts FROM ess_tasks t"
            " JOIN ess_jobs j ON j.request_id = t.root"
            " WHERE t.due <= ? AND j.forced IS NULL ORDER BY t.due, t._id LIMIT 1"
        )
        found = self.store.query(sql, (self.clock.now(),))
        if not found:
            return None
        task_id, root, due, kind, facts = found[0]
        return Task(id=task_id, root=root, due=due, kind=kind, facts=json.loads(facts))

    def drop_task(self, task: Task) -> None:
        """The work is done."""
        self.store.execute("DELETE FROM ess_tasks WHERE _id = ?", (task.id,))

    def drop_tasks(self, root: int) -> None:
        """Nothing of the job is still to be done."""
        self.store.execute("DELETE FROM ess_tasks WHERE root = ?", (root,))

    def find_state(self, request_id: int) -> str:
        """Return the state of a job; an empty text for one that nobody here knows."""
        sql = f"SELECT {_COLUMNS} FROM ess_jobs WHERE request_id = ?"  # noqa: S608 - constant
        found = self.store.query(sql, (request_id,))
        return self._state(found[0]) if found else ""

    def tree(self, request_id: int) -> dict[str, Any] | None:
        """Return a job with its children as the wire shows them, or None where it is unknown."""
        sql = f"SELECT {_COLUMNS} FROM ess_jobs WHERE request_id = ?"  # noqa: S608 - constant
        found = self.store.query(sql, (request_id,))
        return self._node(found[0]) if found else None

    def update(self, request_id: int, **facts: Any) -> None:
        """The job has these facts."""
        columns = ", ".join(f"{name} = ?" for name in facts)
        sql = f"UPDATE ess_jobs SET {columns} WHERE request_id = ?"  # noqa: S608 - our own names
        self.store.execute(sql, (*facts.values(), request_id))

    def remove_children(self, request_ids: Sequence[int]) -> None:
        """These children have never begun."""
        marks = ",".join("?" * len(request_ids))
        self.store.execute(f"DELETE FROM ess_jobs WHERE request_id IN ({marks})", request_ids)  # noqa: S608 - bound

    def hurry(self, request_id: int) -> None:
        """All that the job has still to do is due now."""
        now = self.clock.now()
        self.update(request_id, forced=None)
        self.store.execute(
            "UPDATE ess_jobs SET ends = MIN(ends, ?), starts = MIN(starts, ?) WHERE root = ?",
            (now, now, request_id),
        )
        self.store.execute(
            "UPDATE ess_tasks SET due = MIN(due, ?) WHERE root = ?", (now, request_id)
        )

    def records(self, request_id: int) -> list[tuple[int, str, str | None, str | None]]:
        """Return id, log, name of the output and output of a job and of all below it."""
        sql = (
            "WITH RECURSIVE family(id) AS (SELECT ? UNION SELECT request_id FROM ess_jobs"
            " JOIN family ON parent = id) SELECT request_id, log, output_name, output"
            " FROM ess_jobs JOIN family ON request_id = id WHERE starts <= ? ORDER BY request_id"
        )
        return self.store.query(sql, (request_id, self.clock.now()))

    def _node(self, row: tuple[Any, ...]) -> dict[str, Any]:
        sql = (
            f"SELECT {_COLUMNS} FROM ess_jobs WHERE parent = ? AND starts <= ?"  # noqa: S608 - constant
            " ORDER BY request_id"
        )
        below = [self._node(child) for child in self.store.query(sql, (row[0], self.clock.now()))]
        node: dict[str, Any] = {
            "JOBNAME": row[2],
            "JOBPATH": row[3],
            "REQUESTID": str(row[0]),
            "STATUS": self._state(row),
        }
        if below:
            node["CHILD"] = below if len(below) > 1 else below[0]
        return node

    def _state(self, row: tuple[Any, ...]) -> str:
        states, starts, ends, final, forced = row[4:]
        if forced is not None:
            return str(forced)
        now, steps = self.clock.now(), json.loads(states)
        if now >= ends or not steps:
            return str(final)
        passed = max(now - starts, 0.0) / ((ends - starts) / len(steps))
        return str(steps[min(int(passed), len(steps) - 1)])
