"""Batch reports: R09801 posts batches; its job goes through the states of the queue."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.http import Request, Response, json_response
from ml_connector.sandbox.jde import books
from ml_connector.sandbox.jde.callers import Doorkeeper
from ml_connector.sandbox.jde.julian import to_clock_number
from ml_connector.sandbox.jde.refusals import RefusalError, parse_body
from ml_connector.sandbox.jde.switches import logic_zone
from ml_connector.sandbox.jde.users import ENVIRONMENT
from ml_connector.sandbox.store import Store
from ml_connector.sandbox.switches import Switches

POST_REPORT = "R09801"
_JOB_FIRST = 40211
_WAITING, _RUNNING, _DONE, _ERROR = "W", "P", "D", "E"


@dataclass(slots=True, kw_only=True)
class Job:
    """One submitted report; it is carried out once its time has come."""

    number: int
    report: str
    version: str
    queue: str
    user: str
    batches: list[books.BatchKey]
    submitted_at: float
    due_at: float
    status: str = _WAITING


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """Submits reports and tells how they are doing."""

    store: Store
    clock: SandboxClock
    switches: Switches
    door: Doorkeeper
    jobs: dict[int, Job] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def submit(self, request: Request) -> Response:
        """The report is in the queue; its job number."""
        body = parse_body(request.body)
        caller = self.door.admit(request, body)
        report = str(body.get("reportName") or "")
        if report != POST_REPORT:
            raise RefusalError(500, f"Report {report!r} is not available.")
        now = self.clock.now()
        with self.lock:
            job = Job(
                number=_JOB_FIRST + len(self.jobs),
                report=report,
                version=str(body.get("reportVersion") or "ZJDE0001"),
                queue=str(body.get("queueName") or "QBATCH"),
                user=caller.user.name,
                batches=self._selected(body),
                submitted_at=now,
                due_at=now + float(self.switches["reportRunS"]),
            )
            self.jobs[job.number] = job
        self.run_due()
        return json_response(self._told(job))

    def status(self, request: Request) -> Response:
        """Return how the job of a number is doing."""
        body = parse_body(request.body)
        self.door.admit(request, body)
        self.run_due()
        number = str(body.get("jobNumber") or "")
        job = self.jobs.get(int(number)) if number.isdigit() else None
        if job is None:
            raise RefusalError(500, f"There is no job {number}.")
        return json_response(self._told(job))

    def run_due(self) -> None:
        """Every job whose time has come has been carried out."""
        now = self.clock.now()
        with self.lock:
            for job in self.jobs.values():
                if job.status in {_WAITING, _RUNNING}:
                    job.status = self._carried_on(job, now)

    def _carried_on(self, job: Job, now: float) -> str:
        if now < job.due_at:
            return _WAITING if now < (job.submitted_at + job.due_at) / 2 else _RUNNING
        posted = [self._post(batch) for batch in job.batches]
        return _DONE if posted and all(posted) else _ERROR

    def _post(self, batch: books.BatchKey) -> bool:
        at = self.clock.now_utc().astimezone(logic_zone(self.switches))
        try:
            result = books.post_batch(
                self.store,
                batch,
                now=at,
                touches_upmj=self.switches["postTouchesUpmj"],
                touches_header=self.switches["batchAudit"] == "touched",
            )
        except (LookupError, ValueError):
            return False
        return result.is_posted

    def _selected(self, body: Mapping[str, Any]) -> list[books.BatchKey]:
        """The batches that the data selection names by number and, maybe, type."""
        chosen: dict[str, list[str]] = {}
        selection = body.get("dataSelection")
        criteria = selection.get("criteria") if isinstance(selection, dict) else None
        for one in criteria or []:
            item = str(one.get("subject", {}).get("dictItem", ""))
            chosen[item] = [str(v) for v in one.get("predicate", {}).get("values", [])]
        numbers = [int(one) for one in chosen.get("ICU", []) if one.isdigit()]
        marks = ",".join("?" * len(numbers))
        sql = f"SELECT ICUT, ICU FROM F0011 WHERE ICU IN ({marks})"  # noqa: S608 - question marks
        found = [books.BatchKey(*row) for row in self.store.query(sql, numbers)]
        types = chosen.get("ICUT")
        return [one for one in found if not types or one.type in types]

    def _told(self, job: Job) -> dict[str, Any]:
        submitted_at = datetime.fromtimestamp(job.submitted_at, UTC)
        return {
            "reportName": job.report,
            "reportVersion": job.version,
            "jobNumber": job.number,
            "executionServer": "ent01",
            "port": "6017",
            "jobStatus": job.status,
            "queueName": job.queue,
            "user": job.user,
            "environment": ENVIRONMENT,
            "submitTime": to_clock_number(submitted_at),
            "lastTime": to_clock_number(self.clock.now_utc()),
        }
