"""Jobs moved from behind the stage: ended, held, hurried, and looked into."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ml_connector.sandbox.fusion.ess_jobs import TERMINAL, JobBook
from ml_connector.sandbox.fusion.ess_work import JobWork
from ml_connector.sandbox.fusion.imports_templates import RELEASES, SUPPLIER_PACKAGE, find_template

_Body = Mapping[str, Any]
_Answer = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStage:
    """Does to jobs what an administrator of the pod would do."""

    book: JobBook
    work: JobWork

    @property
    def operations(self) -> dict[str, Callable[[dict[str, Any]], _Answer]]:
        """Every operation by its name."""
        return {
            "set_job_state": self.set_state,
            "finish_job": self.finish,
            "interface_rows": self.rows,
            "import_template": self.template,
        }

    def set_state(self, body: _Body) -> _Answer:
        """The job stands at `state` from now on; null lets it go on as it would have.

        A job that is set to a final state does nothing more; in any other state it waits.
        """
        self.work.apply_due()
        request_id, state = self._known(body), body.get("state")
        self.book.update(request_id, forced=state)
        if state in TERMINAL:
            self.book.drop_tasks(request_id)
        return {"ReqstId": str(request_id), "state": self.book.find_state(request_id)}

    def finish(self, body: _Body) -> _Answer:
        """The job has done all it had to do, without the clock having moved."""
        request_id = self._known(body)
        self.book.hurry(request_id)
        self.work.apply_due()
        return {"ReqstId": str(request_id), "state": self.book.find_state(request_id)}

    def rows(self, body: _Body) -> _Answer:
        """Tell the rows of the interface tables that a load has brought in."""
        self.work.apply_due()
        sql = (
            "SELECT object, line, batch_id, status, payload, rejection FROM poz_interface"
            " WHERE load_request_id = ? ORDER BY _id"
        )
        names = ("object", "line", "batch_id", "status", "values", "rejection")
        rows = [
            dict(zip(names, (*row[:4], json.loads(row[4]), row[5]), strict=True))
            for row in self.book.store.query(sql, (int(body["ReqstId"]),))
        ]
        return {"rows": rows}

    def template(self, body: _Body) -> _Answer:
        """Tell file and columns of a job's template in `release`, or in that of the pod."""
        definition = str(body.get("job", "ImportSuppliers"))
        release = str(body.get("release", self.book.switches["import_template"]))
        template = find_template(SUPPLIER_PACKAGE, definition)
        if template is None or release not in RELEASES:
            raise LookupError(f"There is no template of {definition} in {release}.")
        return {
            "job": f"{SUPPLIER_PACKAGE},{definition}",
            "release": release,
            "file": template.files[0],
            "columns": list(template.columns(release)),
        }

    def _known(self, body: _Body) -> int:
        request_id = int(body["ReqstId"])
        if self.book.tree(request_id) is None:
            raise LookupError(f"There is no job {request_id}.")
        return request_id
