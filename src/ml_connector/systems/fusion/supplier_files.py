"""Many suppliers at once: a file by the customer's template, one job, its state and its report.

Uploading, loading and importing are one call, which leaves once: a pod does not recognise a file it
has had before. Nothing here waits; how often a job is looked at is for the caller to say.
"""

import csv
import io
import re
import zipfile
from typing import ClassVar, Final

from ml_connector.errors import ProtocolError, RefusedError
from ml_connector.ports.suppliers import (
    FileAction,
    FileColumn,
    FileObject,
    FileReport,
    FileRow,
    JobStatus,
    SupplierFile,
)
from ml_connector.systems.calls import WRITE_TIMEOUTS, RemoteCall, RemoteReply
from ml_connector.systems.fusion import job_wire
from ml_connector.systems.fusion.client import FusionClient
from ml_connector.systems.fusion.supplier_refusals import (
    REFUSED,
    render_refused,
    render_unclear,
    render_unfit,
)
from ml_connector.systems.fusion.supplier_values import find_fault, render_cell
from ml_connector.systems.fusion.supplier_wire import ITEM_TYPE
from ml_connector.systems.http import SLOW_READ_TIMEOUTS
from ml_connector.systems.refusals import UNTOUCHED

PACKAGE: Final = "/oracle/apps/ess/prc/poz/supplierImport"
ACCOUNT: Final = "prc$/supplier$/import$"
FILES: Final = {
    FileObject.SUPPLIERS: ("PozSuppliersInt.csv", "ImportSuppliers"),
    FileObject.ADDRESSES: ("PozSupplierAddressesInt.csv", "ImportSupplierAddresses"),
    FileObject.SITES: ("PozSupplierSitesInt.csv", "ImportSupplierSites"),
    FileObject.ASSIGNMENTS: ("PozSiteAssignmentsInt.csv", "ImportSupplierSiteAssignments"),
    FileObject.CONTACTS: ("PozSupContactsInt.csv", "ImportSupplierContacts"),
}
"""The file each job looks for in its zip, and the job."""
ACTION: Final = "action"
BATCH: Final = "batch"
ROWS_MAX: Final = 50_000
COLUMNS_MAX: Final = 500
ZIP_BYTES_MAX: Final = 100 * 1024 * 1024
"""Well below the 250 MB that are quoted; the text form of the zip is a third larger."""
ANSWER_BYTES_MAX: Final = 256 * 1024 * 1024
"""The answer repeats the file that was sent."""
_BATCH: Final = re.compile(r"[A-Za-z0-9_-]{1,30}", re.ASCII)
_JOB_ID: Final = re.compile(r"\d{1,18}", re.ASCII)


class FileRejectedError(RefusedError):
    """The pod took the request for an import and started no job."""

    code: ClassVar[str] = "fusion.file-rejected"


class ReportUnreadableError(ProtocolError):
    """What a job left behind cannot be read; what it imported is in the suppliers all the same."""

    code: ClassVar[str] = "fusion.report-unreadable"


class SupplierLoader:
    """Imports files into one pod; safe to share between threads."""

    def __init__(self, client: FusionClient) -> None:
        self._client = client
        self._path = f"{client.root}/{job_wire.JOBS}"

    def submit_file(self, file: SupplierFile) -> str:
        """The id of the job that loads and imports the file.

        Raises:
            FileRejectedError: The pod started no job, by its own word.
            RefusedError: It says why it took nothing, or nothing was sent at all.
            OutcomeUnknownError: No answer, or one that does not tell.
        """
        subject = f"the file {file.batch} of {len(file.rows)} {file.holds}"
        faults = _list_faults(file)
        if faults:
            raise render_unfit(f"The file {file.batch[:40]!r} of {file.holds}", faults)
        content = _render_zip(file)
        if len(content) > ZIP_BYTES_MAX:
            raise render_unfit(subject, [f"its zip has {len(content)} of {ZIP_BYTES_MAX} bytes"])
        reply = self._send(file, content)
        if not reply.is_success:
            raise render_refused(reply, subject)
        job_id = job_wire.parse_job_id(reply)
        if job_id == job_wire.REJECTED_ID:
            raise _render_rejected(reply, file, subject)
        if not _JOB_ID.fullmatch(job_id):
            raise render_unclear(reply.system, subject, f"the answer names the job {job_id[:40]!r}")
        return job_id

    def read_job(self, job_id: str) -> JobStatus:
        """How far the job and its parts have come now.

        The job itself says SUCCEEDED although a part of it does not, hence both are asked (F-38).
        """
        word = self._find(job_wire.STATUS_FINDER, job_id)
        tree = self._find(job_wire.TREE_FINDER, job_id)
        parts = job_wire.list_parts((tree and tree.request_status) or "")
        return job_wire.map_status((word and word.request_status) or "", parts)

    def read_job_report(self, job_id: str) -> FileReport:
        """What became of the rows of a job that is over.

        Raises:
            ReportUnreadableError: The job left nothing that can be read.
        """
        item = self._find(job_wire.FILES_FINDER, job_id, ",fileType=ALL")
        document = (item and item.document_content) or ""
        if not document:
            raise _render_unreadable(self._client.system, job_id, "it has no files")
        try:
            return job_wire.build_report(job_wire.parse_files(document))
        except job_wire.UnreadableFilesError as error:
            raise _render_unreadable(self._client.system, job_id, str(error)) from error

    def _send(self, file: SupplierFile, content: bytes) -> RemoteReply:
        _, definition = FILES[file.holds]
        body = job_wire.render_submission(
            job=f"{PACKAGE},{definition}",
            account=ACCOUNT,
            file_name=f"{definition}_{file.batch}.zip",
            content=content,
            # New rows only, the whole report, and of all that waits nothing but this file.
            parameters=("NEW", "N", file.batch),
        )
        return self._client.send(
            RemoteCall(
                method="POST",
                path=self._path,
                headers={"Content-Type": ITEM_TYPE},
                content=body,
                is_repeatable=False,
                accepted=REFUSED,
                timeouts=WRITE_TIMEOUTS,
                bytes_max=ANSWER_BYTES_MAX,
            )
        )

    def _find(self, finder: str, job_id: str, more: str = "") -> job_wire.JobItem | None:
        if not _JOB_ID.fullmatch(job_id):
            raise render_unfit("The question for a job", [f"{job_id[:40]!r} is no id of one"])
        reply = self._client.send(
            RemoteCall(
                method="GET",
                path=self._path,
                query=(("finder", f"{finder};requestId={job_id}{more}"),),
                accepted=frozenset(),
                timeouts=SLOW_READ_TIMEOUTS,
                bytes_max=ANSWER_BYTES_MAX,
            )
        )
        return job_wire.find_item(reply)


def _list_faults(file: SupplierFile) -> list[str]:
    faults = [] if _BATCH.fullmatch(file.batch) else [f"{file.batch[:40]!r} is no name of a batch"]
    if not 0 < len(file.rows) <= ROWS_MAX:
        faults.append(f"{len(file.rows)} rows; a file takes 1 to {ROWS_MAX}")
    if len(file.columns) > COLUMNS_MAX:
        faults.append(f"{len(file.columns)} columns; a template has at most {COLUMNS_MAX}")
    named = [each.attribute for each in file.columns if each.attribute]
    # Without the batch's name in its column the job would leave every row waiting (F-36).
    missing = [name for name in (ACTION, BATCH) if name not in named]
    twice = sorted({name for name in named if named.count(name) > 1})
    faults += [f"the template has no column for {name}" for name in missing]
    faults += [f"the template has more than one column for {name}" for name in twice]
    kinds = {each.attribute: each for each in file.columns if each.attribute}
    for place, row in enumerate(file.rows, start=1):
        faults += [f"row {place}: {fault}" for fault in _list_row_faults(row, kinds)]
    return faults


def _list_row_faults(row: FileRow, columns: dict[str, FileColumn]) -> list[str]:
    faults = [
        f"{name}: the template has no column for it"
        for name in row.attributes
        if name not in columns or name in (ACTION, BATCH)
    ]
    faults += [
        f"{name}: {fault}"
        for name, value in row.attributes.items()
        if name in columns and (fault := find_fault(value, columns[name].kind))
    ]
    taken = [name for name, value in row.attributes.items() if value == job_wire.NO_VALUE]
    return faults + [f"{name}: {job_wire.NO_VALUE} has a meaning of its own" for name in taken]


def _render_zip(file: SupplierFile) -> bytes:
    name, _ = FILES[file.holds]
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerows(
        [_render_column(column, row, batch=file.batch) for column in file.columns]
        for row in file.rows
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, lines.getvalue().encode())
    return packed.getvalue()


def _render_column(column: FileColumn, row: FileRow, *, batch: str) -> str:
    if column.constant:
        return column.constant
    if column.attribute in (ACTION, BATCH):
        return row.action.value if column.attribute == ACTION else batch
    value = row.attributes.get(column.attribute)
    if value is None:
        return ""
    if not value:
        # An empty cell leaves a value as it is; only this word empties it (F-36).
        return job_wire.NO_VALUE if row.action is FileAction.UPDATE else ""
    return render_cell(value, column.kind)


def _render_rejected(reply: RemoteReply, file: SupplierFile, subject: str) -> FileRejectedError:
    _, definition = FILES[file.holds]
    return FileRejectedError(
        f"{reply.system} started no job for {subject}: it answered with status {reply.status} and"
        f" job {job_wire.REJECTED_ID}.",
        written=UNTOUCHED,
        next_step=f"Give the integration user the right to run {definition} and to the account"
        f" {ACCOUNT}; `ml-connector doctor` shows how it logs in.",
        batch=file.batch,
    )


def _render_unreadable(system: str, job_id: str, fault: str) -> ReportUnreadableError:
    return ReportUnreadableError(
        f"{system} shows no report of job {job_id} that can be read: {fault.rstrip('.')}.",
        written="What the job imported is in Fusion; the report alone is missing.",
        next_step="Read the suppliers back, and look at the job in Scheduled Processes.",
        job_id=job_id,
    )
