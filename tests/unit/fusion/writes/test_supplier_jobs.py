"""Jobs and their reports in every shape that has been seen, and in some that should not be."""

import base64
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from ml_connector.errors import OutcomeUnknownError, ProtocolError, RefusedError
from ml_connector.ports import (
    ColumnKind,
    FileAction,
    FileColumn,
    FileObject,
    FileRow,
    JobState,
    SupplierFile,
)

JOB = "15000123"
COLUMNS = (
    FileColumn(name="ACT", attribute="action"),
    FileColumn(name="NAME", attribute="name"),
    FileColumn(name="SPARE"),
    FileColumn(name="ENDS", attribute="ends", kind=ColumnKind.DATE),
    FileColumn(name="REVENUE", attribute="revenue", kind=ColumnKind.AMOUNT),
    FileColumn(name="BATCH", attribute="batch"),
    FileColumn(name="LAST", constant="END"),
)
FILE = SupplierFile(
    holds=FileObject.SUPPLIERS,
    batch="RUN-7_1",
    columns=COLUMNS,
    rows=(
        FileRow(
            action=FileAction.CREATE,
            attributes={"name": 'Ä "B", C', "ends": "2026-01-31", "revenue": "-1250.50"},
        ),
        FileRow(action=FileAction.UPDATE, attributes={"name": "D", "ends": ""}),
        FileRow(action=FileAction.CREATE, attributes={"name": "E", "ends": ""}),
    ),
)
TEXT = (
    "Import Suppliers Report\nRows read: 3  Imported: 1  Rejected: 2\n\n"
    "Record|Action|Supplier|Supplier Number|Status|Column|Reason\n"
    "1|UPDATE|A||PROCESSED||\n"
    "2|UPDATE|B|7|REJECTED|VENDOR_NAME|Not | known\n"
    "3|CREATE|C||REJECTED||Twice\n"
)
DATA = (
    "<DATA_DS><LOAD_REQUEST_ID>1</LOAD_REQUEST_ID>"
    "<G_1><RECORD>2</RECORD><VENDOR_NAME>B</VENDOR_NAME><SEGMENT1>7</SEGMENT1>"
    "<STATUS>REJECTED</STATUS><ATTRIBUTE>VENDOR_NAME</ATTRIBUTE>"
    "<REJECT_REASON>Not &amp; known</REJECT_REASON></G_1></DATA_DS>"
)
COUNTED = "Rows read: 2  Imported: 1  Rejected: 1\n"


def test_file_leaves_as_one_submission_with_everything_in_it(
    empty_script: Any, answers: Any
) -> None:
    """Documented account, job and parameters; the zip holds the one file the job looks for."""
    empty_script.on(answers.jobs, answers.reply({"ReqstId": JOB}, 201))
    job_id = empty_script.connect().submit_file(FILE)

    (request,) = empty_script.requests
    body = json.loads(request.content)
    content = base64.b64decode(body.pop("DocumentContent"))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    assert job_id == JOB
    assert body == {
        "OperationName": "importBulkData",
        "ContentType": "zip",
        "FileName": "ImportSuppliers_RUN-7_1.zip",
        "DocumentAccount": "prc$/supplier$/import$",
        "JobName": "/oracle/apps/ess/prc/poz/supplierImport,ImportSuppliers",
        "ParameterList": "NEW,N,RUN-7_1",
        "CallbackURL": "#NULL",
        "NotificationCode": "10",
        "JobOptions": "ExtractFileType=ALL",
    }
    assert files == {
        "PozSuppliersInt.csv": (
            'CREATE,"Ä ""B"", C",,2026/01/31,-1250.50,RUN-7_1,END\n'
            "UPDATE,D,,#NULL,,RUN-7_1,END\n"
            "CREATE,E,,,,RUN-7_1,END\n"
        )
    }


@pytest.mark.parametrize("job_id", [JOB, int(JOB)])
def test_job_id_comes_as_text_or_number(empty_script: Any, answers: Any, job_id: Any) -> None:
    """Both are the same job."""
    empty_script.on(answers.jobs, answers.reply({"ReqstId": job_id}))

    assert empty_script.connect().submit_file(FILE) == JOB


@pytest.mark.parametrize("job_id", ["-1", -1])
def test_job_minus_one_is_a_refusal(empty_script: Any, answers: Any, job_id: Any) -> None:
    """Nothing was loaded although the status is a success."""
    empty_script.on(answers.jobs, answers.reply({"ReqstId": job_id}, 201))

    with pytest.raises(RefusedError, match="started no job") as raised:
        empty_script.connect().submit_file(FILE)
    assert raised.value.code == "fusion.file-rejected"


@pytest.mark.parametrize(
    "body", [{"ReqstId": None}, {"ReqstId": ""}, {"ReqstId": "soon"}, {}, "<html></html>", ""]
)
def test_submission_without_a_job_is_unknown(empty_script: Any, answers: Any, body: Any) -> None:
    """Something was taken, and nobody says as what."""
    empty_script.on(answers.jobs, answers.reply(body, 201))

    with pytest.raises(OutcomeUnknownError):
        empty_script.connect().submit_file(FILE)
    assert len(empty_script.requests) == 1


def tell(answers: Any, word: str | None, tree: Any) -> Callable[[Any], str]:
    """Answers to both questions for a job."""

    def answer(request: Any) -> str:
        is_tree = "ESSExecutionDetailsRF" in str(request.url)
        text = tree if isinstance(tree, str) or tree is None else json.dumps(tree)
        return str(answers.found(RequestStatus=text if is_tree else word))

    return answer


def job(status: str | None, *children: Any, name: str = "Load") -> dict[str, Any]:
    """A job of a tree."""
    return {"JOBNAME": name, "REQUESTID": JOB, "STATUS": status, "CHILD": list(children)}


@pytest.mark.parametrize(
    ("word", "tree", "state"),
    [
        ("SUCCEEDED", {"JOBS": job("SUCCEEDED")}, JobState.SUCCEEDED),
        ("SUCCEEDED", {"JOBS": [job("SUCCEEDED", job("SUCCEEDED"))]}, JobState.SUCCEEDED),
        ("SUCCEEDED", {"JOBS": job("SUCCEEDED", job("WARNING"))}, JobState.WARNED),
        ("SUCCEEDED", {"JOBS": {"STATUS": "SUCCEEDED", "CHILD": job("ERROR")}}, JobState.FAILED),
        ("SUCCEEDED", {"JOBS": job("SUCCEEDED", job("WARNING"), job("ERROR"))}, JobState.FAILED),
        ("SUCCEEDED", {"JOBS": job("SUCCEEDED", job("SUCCEEDED", job("CANCELED")))},
         JobState.FAILED),
        ("SUCCEEDED", {"JOBS": job("SUCCEEDED", job("RUNNING"))}, JobState.RUNNING),
        ("SUCCEEDED", {"JOBS": job("SUCCEEDED", job("VALIDATION_FAILED"))}, JobState.FAILED),
        ("PAUSED", {"JOBS": job("PAUSED", job("SUCCEEDED"))}, JobState.RUNNING),
        ("PAUSED", {"JOBS": job("PAUSED", job("ERROR"))}, JobState.RUNNING),
        ("WARNING", {"JOBS": job("WARNING")}, JobState.WARNED),
        ("succeeded", {"JOBS": job("Succeeded")}, JobState.SUCCEEDED),
        ("", {"JOBS": job("SUCCEEDED", job("WARNING"))}, JobState.WARNED),
        (None, "", JobState.UNKNOWN),
        ("", None, JobState.UNKNOWN),
        ("", "no json", JobState.UNKNOWN),
        ("", "[]", JobState.UNKNOWN),
        ("", {"JOBS": "text"}, JobState.UNKNOWN),
        ("ERROR", "", JobState.FAILED),
        ("NEVER HEARD", {"JOBS": job("SUCCEEDED")}, JobState.RUNNING),
    ],
)  # fmt: skip
def test_state_is_the_worst_of_all_parts_once_all_have_ended(
    empty_script: Any, answers: Any, word: str | None, tree: Any, state: JobState
) -> None:
    """One job or lists of them, deep or flat; what is unknown is no end."""
    empty_script.on(answers.jobs, tell(answers, word, tree))

    assert empty_script.connect().read_job(JOB).state is state


def test_parts_are_listed_with_their_words(empty_script: Any, answers: Any) -> None:
    """Who looks into a failed import sees which part it was."""
    tree = {"JOBS": job("SUCCEEDED", {"REQUESTID": 15000126, "JOBNAME": "Import", "STATUS": "X"})}
    empty_script.on(answers.jobs, tell(answers, "SUCCEEDED", tree))
    parts = empty_script.connect().read_job(JOB).parts

    assert [(part.job_id, part.name, part.word) for part in parts] == [
        (JOB, "Load", "SUCCEEDED"),
        ("15000126", "Import", "X"),
    ]


def test_tree_without_an_end_is_cut(empty_script: Any, answers: Any) -> None:
    """No answer makes us walk for ever."""
    tree: Any = job("SUCCEEDED")
    for _ in range(60):
        tree = job("SUCCEEDED", tree)
    empty_script.on(answers.jobs, tell(answers, "SUCCEEDED", {"JOBS": tree}))

    assert len(empty_script.connect().read_job(JOB).parts) == 21


def read(empty_script: Any, answers: Any, files: dict[str, Any]) -> Any:
    """The report these files make."""
    empty_script.on(answers.jobs, answers.found(DocumentContent=answers.zipped(files)))
    return empty_script.connect().read_job_report(JOB)


def test_report_is_read_from_a_page(empty_script: Any, answers: Any) -> None:
    """Cut at its marks; a reason may hold one itself."""
    report = read(empty_script, answers, {"2.txt": TEXT})

    assert (report.rows_read, report.rows_taken, report.rows_refused) == (3, 1, 2)
    assert [(r.record, r.name, r.number, r.column, r.reason) for r in report.refusals] == [
        (2, "B", "7", "VENDOR_NAME", "Not | known"),
        (3, "C", "", "", "Twice"),
    ]
    assert report.is_whole


def test_report_is_read_from_data_before_pages(empty_script: Any, answers: Any) -> None:
    """Tags tell more surely than places."""
    report = read(empty_script, answers, {"1.log": COUNTED, "2.txt": TEXT, "3.xml": DATA})

    assert [(r.record, r.reason) for r in report.refusals] == [(2, "Not & known")]


@pytest.mark.parametrize(
    ("files", "is_whole"),
    [
        ({"1.log": COUNTED, "2.xml": DATA}, True),
        ({"1.log": "Rows read: 9  Imported: 2  Rejected: 7", "2.xml": DATA}, False),
        ({"1.log": COUNTED}, False),
        ({"2.xml": DATA}, False),
        ({"1.log": "Rows read: 2  Imported: 2  Rejected: 0"}, True),
        ({"1.log": COUNTED, "2.pdf": b"%PDF-1.7 \xff\xfe"}, False),
        ({"1.log": COUNTED, "2.xml": "<cut"}, False),
        ({}, False),
    ],
)
def test_report_is_whole_only_where_names_and_counts_agree(
    empty_script: Any, answers: Any, files: dict[str, Any], *, is_whole: bool
) -> None:
    """What cannot be held against a count proves nothing."""
    assert read(empty_script, answers, files).is_whole is is_whole


def test_row_refused_for_two_reasons_counts_once(empty_script: Any, answers: Any) -> None:
    """Both reasons are told."""
    both = DATA.replace("</DATA_DS>", "") + DATA.partition("</LOAD_REQUEST_ID>")[2]
    report = read(empty_script, answers, {"1.log": COUNTED, "2.xml": both})

    assert (len(report.refusals), report.is_whole) == (2, True)


def test_data_with_entities_is_not_read(empty_script: Any, answers: Any) -> None:
    """A document that could grow without end is left alone; the page is read instead."""
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]>' + DATA.replace("Not", "&a;")
    report = read(empty_script, answers, {"1.xml": bomb, "2.txt": TEXT})

    assert [r.name for r in report.refusals] == ["B", "C"]


def test_messages_are_the_lines_that_tell_of_trouble(empty_script: Any, answers: Any) -> None:
    """Each once, and not the counts."""
    log = f"Request 1\n{COUNTED}ORA-01403: no rows\nORA-01403: no rows\nNothing was loaded.\n"
    report = read(empty_script, answers, {"1.log": log})

    assert report.messages == ("ORA-01403: no rows", "Nothing was loaded.")


@pytest.mark.parametrize(
    "document",
    [None, "", "no base64!", base64.b64encode(b"no zip").decode()],
)
def test_files_that_cannot_be_read_are_an_error_of_their_own(
    empty_script: Any, answers: Any, document: str | None
) -> None:
    """What was imported is told by the suppliers, not by this."""
    empty_script.on(answers.jobs, answers.found(DocumentContent=document))

    with pytest.raises(ProtocolError, match=JOB) as raised:
        empty_script.connect().read_job_report(JOB)
    assert raised.value.code == "fusion.report-unreadable"


def test_zip_past_all_size_is_not_unpacked(empty_script: Any, answers: Any) -> None:
    """A hundred kilobytes can hold a hundred megabytes."""
    with pytest.raises(ProtocolError, match="too large"):
        read(empty_script, answers, {"1.log": b"\0" * (65 * 1024 * 1024)})


def test_job_that_nobody_knows_has_no_report(empty_script: Any, answers: Any) -> None:
    """No item at all."""
    empty_script.on(answers.jobs, empty_script.page())

    with pytest.raises(ProtocolError, match="no files"):
        empty_script.connect().read_job_report(JOB)
