"""Jobs and their files on the wire: submissions out; states, trees and reports in.

The layout of reports is nowhere promised. They are read in every shape that has been seen, and
held against the counts the logs tell; what does not agree is called incomplete.
"""

import base64
import binascii
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from xml.etree import ElementTree as ET

import msgspec

from ml_connector.ports.suppliers import FileRefusal, FileReport, JobPart, JobState, JobStatus
from ml_connector.systems.calls import RemoteReply
from ml_connector.systems.fusion import wire

JOBS: Final = "erpintegrations"
NO_VALUE: Final = "#NULL"
REJECTED_ID: Final = "-1"
OPTIONS: Final = "ExtractFileType=ALL"
"""Without it the report is not kept for us."""
STATUS_FINDER: Final = "ESSJobStatusRF"
TREE_FINDER: Final = "ESSExecutionDetailsRF"
FILES_FINDER: Final = "ESSJobExecutionDetailsRF"
PARTS_MAX: Final = 1000
DEPTH_MAX: Final = 20
ENTRIES_MAX: Final = 200
ENTRY_BYTES_MAX: Final = 64 * 1024 * 1024
REFUSALS_MAX: Final = 200_000
MESSAGES_MAX: Final = 20
MESSAGE_CHARACTERS_MAX: Final = 300
_SUCCEEDED: Final = frozenset({"SUCCEEDED"})
_WARNED: Final = frozenset({"WARNING"})
_FAILED: Final = frozenset(
    {
        "ERROR", "ERROR MANUAL RECOVERY", "CANCELLED", "CANCELED", "EXPIRED", "VALIDATION_FAILED",
    }
)  # fmt: skip
_ENDED: Final = _SUCCEEDED | _WARNED | _FAILED
_COUNTS: Final = re.compile(
    r"Rows read:\s*(\d{1,9})\s+Imported:\s*(\d{1,9})\s+Rejected:\s*(\d{1,9})", re.IGNORECASE
)
_TROUBLE: Final = re.compile(
    r"\b(error|exception|failed|rejected|nothing was loaded)\b|ORA-|invalid", re.IGNORECASE
)
_REFUSED: Final = "REJECTED"
_NAMES: Final = {
    "record": ("RECORD",),
    "name": ("VENDOR_NAME", "SUPPLIER"),
    "number": ("SEGMENT1", "SUPPLIER NUMBER"),
    "column": ("ATTRIBUTE", "COLUMN"),
    "reason": ("REJECT_REASON", "REASON"),
    "status": ("STATUS",),
}
"""What reports head their columns with: as data, and as a page."""


class JobItem(wire.Row, frozen=True, kw_only=True):
    """A job, or the answer to its submission."""

    reqst_id: str | int | None = None
    request_status: str | None = None
    document_content: str | None = None


def render_submission(
    *, job: str, account: str, file_name: str, content: bytes, parameters: Iterable[str]
) -> bytes:
    """The body that uploads a file, loads it and starts its import.

    Args:
        job: Package and definition.
        account: Where documents of this kind go, with a mark after each level.
        file_name: Of the zip, to be found by people.
        content: The zip.
        parameters: Of the job, none of which may hold a comma.
    """
    return msgspec.json.encode(
        {
            "OperationName": "importBulkData",
            "DocumentContent": base64.b64encode(content).decode("ascii"),
            "ContentType": "zip",
            "FileName": file_name,
            "DocumentAccount": account,
            "JobName": job,
            "ParameterList": ",".join(parameters),
            "CallbackURL": NO_VALUE,
            "NotificationCode": "10",
            "JobOptions": OPTIONS,
        }
    )


def parse_job_id(reply: RemoteReply) -> str:
    """The id the submission answers, be it a number or a text; it may be the one of a refusal."""
    found = reply.parse_json(JobItem).reqst_id
    return "" if found is None else str(found).strip()


def find_item(reply: RemoteReply) -> JobItem | None:
    """The one item of a finder's answer; None when it gives none."""
    return next(iter(reply.parse_json(wire.Page[JobItem]).items or []), None)


# --- states -------------------------------------------------------------------------------------


def list_parts(text: str) -> tuple[JobPart, ...]:
    """Every job of the tree, the submitted one first; nothing when the text is no tree."""
    try:
        body = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeEncodeError):
        return ()
    jobs = body.get("JOBS") if isinstance(body, dict) else None
    return tuple(_walk(jobs))[:PARTS_MAX]


def _walk(jobs: Any, *, depth: int = 0) -> Iterator[JobPart]:
    """One job or several: pods write a single one without a list around it (F-38)."""
    if depth > DEPTH_MAX:
        return
    for job in jobs if isinstance(jobs, list) else [jobs]:
        if not isinstance(job, Mapping):
            continue
        yield JobPart(
            job_id=str(job.get("REQUESTID") or ""),
            name=str(job.get("JOBNAME") or ""),
            word=str(job.get("STATUS") or "").strip(),
        )
        yield from _walk(job.get("CHILD"), depth=depth + 1)


def map_status(word: str, parts: tuple[JobPart, ...]) -> JobStatus:
    """All that is said of a job, as one state: the worst, once everything has ended.

    A word nobody has explained is no end (F-38).

    Args:
        word: What the job itself is said to be; empty when the pod does not know it.
        parts: The tree, the job itself among them.
    """
    words = [each.upper() for each in (word.strip(), *(part.word for part in parts)) if each]
    if not words:
        return JobStatus(state=JobState.UNKNOWN, parts=parts)
    if any(each not in _ENDED for each in words):
        return JobStatus(state=JobState.RUNNING, parts=parts)
    for words_of, state in ((_FAILED, JobState.FAILED), (_WARNED, JobState.WARNED)):
        if any(each in words_of for each in words):
            return JobStatus(state=state, parts=parts)
    return JobStatus(state=JobState.SUCCEEDED, parts=parts)


# --- reports ------------------------------------------------------------------------------------


class UnreadableFilesError(ValueError):
    """The files of a job cannot be read; the text says why."""


def parse_files(document: str) -> dict[str, bytes]:
    """The files of a job by name.

    Raises:
        UnreadableFilesError: It is no zip as text, or one past its limits.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(base64.b64decode(document, validate=True))) as archive:
            entries = archive.infolist()
            if len(entries) > ENTRIES_MAX or sum(e.file_size for e in entries) > ENTRY_BYTES_MAX:
                raise UnreadableFilesError(f"{len(entries)} files, too many or too large")
            return {entry.filename: archive.read(entry) for entry in entries}
    except (binascii.Error, zipfile.BadZipFile, zipfile.LargeZipFile, ValueError) as error:
        raise UnreadableFilesError(f"its files are no zip ({error})") from error
    except (NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise UnreadableFilesError(f"its files cannot be unpacked ({error})") from error


def build_report(files: Mapping[str, bytes]) -> FileReport:
    """What the files say of the rows, from the richest that has them."""
    texts = {name: content.decode("utf-8", errors="replace") for name, content in files.items()}
    rows = _find_rows(texts)
    refusals = tuple(_build_refusal(row) for row in rows if _is_refused(row))[:REFUSALS_MAX]
    counted = [tuple(map(int, found)) for text in texts.values() for found in _find_counts(text)]
    read, taken, refused = max(counted, default=(None, None, None), key=lambda each: each[0] or 0)
    named = len({(each.record, each.name, each.number) for each in refusals})
    return FileReport(
        rows_read=read,
        rows_taken=taken,
        rows_refused=refused,
        refusals=refusals,
        messages=_list_messages(texts),
        is_whole=refused is not None and refused == named,
    )


def _find_counts(text: str) -> list[tuple[str, str, str]]:
    return _COUNTS.findall(text)


def _find_rows(texts: Mapping[str, str]) -> list[dict[str, str]]:
    """Rows of the first file that has any, data before pages."""
    for ending, parse in ((".xml", _parse_data), (".txt", _parse_page), (".csv", _parse_page)):
        rows = [
            row
            for name, text in sorted(texts.items())
            if name.lower().endswith(ending)
            for row in parse(text)
        ]
        if rows:
            return rows
    return []


def _parse_data(text: str) -> list[dict[str, str]]:
    """Groups of values by their tags in capitals."""
    # A document type can hold entities that grow without end; reports have none.
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        return []
    try:
        tree = ET.fromstring(text.encode())  # noqa: S314 - documents with entities are left out
    except ET.ParseError:
        return []
    groups = (
        {cell.tag.upper(): (cell.text or "").strip() for cell in each} for each in tree.iter()
    )
    return [group for group in groups if "STATUS" in group]


def _parse_page(text: str) -> list[dict[str, str]]:
    """Lines below a heading that names a state, cut where it is cut."""
    heads: list[str] = []
    rows: list[dict[str, str]] = []
    for line in text.splitlines():
        # A reason is the last column and may itself hold the mark.
        cells = [cell.strip() for cell in line.split("|", len(heads) - 1 if heads else -1)]
        if "STATUS" in [cell.upper() for cell in cells]:
            heads = [cell.upper() for cell in cells]
        elif heads and len(cells) == len(heads):
            rows.append(dict(zip(heads, cells, strict=True)))
    return rows


def _find_cell(row: Mapping[str, str], what: str) -> str:
    return next((row[name] for name in _NAMES[what] if row.get(name)), "")


def _is_refused(row: Mapping[str, str]) -> bool:
    return _find_cell(row, "status").upper() == _REFUSED


def _build_refusal(row: Mapping[str, str]) -> FileRefusal:
    record = _find_cell(row, "record")
    return FileRefusal(
        record=int(record) if record.isascii() and record.isdecimal() else 0,
        name=_find_cell(row, "name"),
        number=_find_cell(row, "number"),
        column=_find_cell(row, "column"),
        reason=_find_cell(row, "reason")[:MESSAGE_CHARACTERS_MAX],
    )


def _list_messages(texts: Mapping[str, str]) -> tuple[str, ...]:
    """Lines of logs that tell of trouble, each once; counts are none."""
    lines = (
        " ".join(line.split())[:MESSAGE_CHARACTERS_MAX]
        for name, text in sorted(texts.items())
        if name.lower().endswith(".log")
        for line in text.splitlines()
        if _TROUBLE.search(line) and not _COUNTS.search(line)
    )
    return tuple(dict.fromkeys(lines))[:MESSAGES_MAX]
