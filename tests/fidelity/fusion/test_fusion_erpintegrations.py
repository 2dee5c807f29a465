"""Jobs: how they are submitted, what states they go through, what they leave behind."""

import base64
import io
import json
import zipfile
from typing import Any

import pytest

PATH = "/erpintegrations"
JOB = "/oracle/apps/ess/prc/poz/supplierImport,ImportSuppliers"
LOADER = "/oracle/apps/ess/financials/commonModules/shared/common/interfaceLoader"
MEMBERS = [
    "OperationName", "DocumentId", "DocumentContent", "FileName", "ContentType", "FileType",
    "DocumentAccount", "Comments", "ProcessName", "LoadRequestId", "JobPackageName", "JobDefName",
    "ReqstId", "RequestStatus", "JobName", "ParameterList", "NotificationCode", "CallbackURL",
    "JobOptions", "StatusCode", "ESSParameters", "links",
]  # fmt: skip


def zipped(name: str, text: str) -> str:
    """A zip with one file, as base64."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)
    return base64.b64encode(buffer.getvalue()).decode()


def row(fusion: Any, **values: str) -> str:
    """One line of the supplier file, in the order of the pod's template."""
    columns = fusion.do("import_template")["columns"]
    assert values.keys() <= set(columns)
    return ",".join(f'"{values[name]}"' if name in values else "" for name in columns)


def renamed(fusion: Any) -> str:
    """A line that gives the golden supplier an alias."""
    return row(fusion, IMPORT_ACTION="UPDATE", VENDOR_NAME="ACME OFFICE SUPPLIES", ALIAS="ACM")


def form(fusion: Any, text: str | None = None, **more: Any) -> dict[str, Any]:
    """The body that sends a supplier file."""
    return {
        "OperationName": "importBulkData",
        "DocumentContent": zipped("PozSuppliersInt.csv", text or renamed(fusion)),
        "ContentType": "zip",
        "FileName": "PozSuppliersInt_20261103_01.zip",
        "DocumentAccount": "prc$/supplier$/import$",
        "JobName": JOB,
        "ParameterList": "NEW,N",
        "CallbackURL": "#NULL",
        "NotificationCode": "10",
        "JobOptions": "ExtractFileType=ALL",
        **more,
    }


def post(fusion: Any, body: dict[str, Any]) -> Any:
    """The reply to an operation."""
    return fusion.call("POST", PATH, json=body)


def submit(fusion: Any, text: str | None = None, **more: Any) -> str:
    """The request id of a file that was taken."""
    reply = post(fusion, form(fusion, text, **more))
    assert reply.status_code == 201, reply.text
    found: str = reply.json()["ReqstId"]
    return found


def state(fusion: Any, request_id: str) -> str:
    """The state of a job."""
    items = fusion.items(f"{PATH}?finder=ESSJobStatusRF;requestId={request_id}")
    found: str = items[0]["RequestStatus"]
    return found


def tree(fusion: Any, request_id: str) -> Any:
    """The jobs of a tree, as the text inside the answer tells them."""
    items = fusion.items(f"{PATH}?finder=ESSExecutionDetailsRF;requestId={request_id}")
    return json.loads(items[0]["RequestStatus"])["JOBS"]


def files(content: str) -> dict[str, str]:
    """The texts in a zip."""
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(content))) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def alias(fusion: Any) -> Any:
    """The alias of the golden supplier."""
    return fusion.items("/suppliers?q=SupplierNumber='10005'")[0]["Alias"]


def test_submission_is_echoed_with_every_member_and_the_id_as_text(own: Any) -> None:
    """201, all attributes in their order, most of them null."""
    body = form(own)
    reply = post(own, body)
    item = reply.json()

    assert reply.status_code == 201
    assert list(item) == MEMBERS
    assert item["ReqstId"] == "15000123"
    assert {name: item[name] for name in body} == body
    assert (item["DocumentId"], item["RequestStatus"], item["LoadRequestId"]) == (None, None, None)


def test_some_pods_answer_200(own: Any) -> None:
    """Success is not always 201."""
    own.turn(import_status_code=200)

    assert post(own, form(own)).status_code == 200


def test_state_is_told_in_the_shape_of_the_contract(own: Any) -> None:
    """One item with five members; the finder comes raw or encoded."""
    request_id = submit(own)
    raw = own.read(f"{PATH}?finder=ESSJobStatusRF;requestId={request_id}")
    encoded = own.read(f"{PATH}?finder=ESSJobStatusRF%3BrequestId%3D{request_id}")

    assert raw == encoded
    assert list(raw["items"][0]) == [
        "OperationName", "ReqstId", "RequestStatus", "DocumentId", "links",
    ]  # fmt: skip
    assert raw["items"][0]["OperationName"] == "getESSJobStatus"
    assert (raw["count"], raw["hasMore"], raw["limit"], raw["offset"]) == (1, False, 25, 0)


def test_job_goes_through_its_states_as_the_clock_moves(own: Any) -> None:
    """Two seconds each: waiting, running, paused for its children, succeeded."""
    request_id, seen = submit(own), []
    for _ in range(5):
        seen.append(state(own, request_id))
        own.clock.advance(2)

    assert seen == ["WAIT", "RUNNING", "PAUSED", "SUCCEEDED", "SUCCEEDED"]


def test_import_takes_effect_at_its_own_moment_and_not_before(own: Any) -> None:
    """Rows change when the import is over, with the stamp of that moment."""
    submit(own)
    own.clock.advance(5.999)
    before = alias(own)
    own.clock.advance(600)
    item = own.items("/suppliers?q=SupplierNumber='10005'")[0]

    assert (before, item["Alias"]) == (None, "ACM")
    assert item["LastUpdateDate"] == "2026-11-03T08:00:06.000+00:00"


def test_timeline_is_what_the_pod_makes_of_it(own: Any) -> None:
    """Other states and other times; with no time at all the job is over at once."""
    own.turn(ess_states=["", "BLOCKED", "COMPLETED"], ess_seconds_per_state=60)
    slow, seen = submit(own), []
    for _ in range(4):
        seen.append(state(own, slow))
        own.clock.advance(60)
    own.turn(ess_seconds_per_state=0)

    assert seen == ["", "BLOCKED", "COMPLETED", "SUCCEEDED"]
    assert state(own, submit(own)) == "SUCCEEDED"


def test_tree_is_json_inside_a_text_with_the_children_of_the_load(own: Any) -> None:
    """Names, paths, ids and states as the field notes tell them; the import has a higher id."""
    request_id = submit(own)
    alone = tree(own, request_id)
    own.clock.advance(6)
    jobs = tree(own, request_id)

    assert alone == {
        "JOBNAME": "Load Interface File for Import", "JOBPATH": LOADER,
        "REQUESTID": request_id, "STATUS": "WAIT",
    }  # fmt: skip
    assert [(c["JOBNAME"], c["REQUESTID"], c["STATUS"]) for c in jobs["CHILD"]] == [
        ("Transfer File", "15000124", "SUCCEEDED"),
        ("Load File to Interface", "15000125", "SUCCEEDED"),
        ("Import Suppliers", "15000126", "SUCCEEDED"),
    ]
    assert jobs["CHILD"][2]["CHILD"]["REQUESTID"] == "15000127"


def test_single_child_is_an_object_and_jobs_may_be_a_list(own: Any) -> None:
    """Whoever expects lists everywhere is wrong, and so is who expects none."""
    request_id = submit(own)
    own.clock.advance(2)
    single = tree(own, request_id)["CHILD"]
    own.turn(ess_jobs_form="list")

    assert single["JOBNAME"] == "Transfer File"
    assert isinstance(tree(own, request_id), list)


@pytest.mark.parametrize(
    "more",
    [
        {"JobName": "/oracle/apps/ess/prc/poz/supplierImport/,ImportSuppliers"},
        {"JobName": "/oracle/apps/ess/prc/poz/supplierImport,ImportVendors"},
        {"JobName": None},
        {"DocumentAccount": "fin$/nowhere$/import$"},
    ],
)
def test_unknown_job_is_minus_one_with_success(own: Any, more: dict[str, Any]) -> None:
    """The rejection travels in a text inside 201; nothing was stored."""
    reply = post(own, form(own, **more))

    assert (reply.status_code, reply.json()["ReqstId"]) == (201, "-1")
    assert own.server.store.query("SELECT COUNT(*) FROM ess_jobs") == [(0,)]


def test_missing_privileges_are_minus_one_or_403(own: Any) -> None:
    """Without the job's privilege the id is -1; without that of the resource it is 403."""
    own.turn(import_privilege="job_denied")
    job = post(own, form(own)).json()["ReqstId"]
    own.turn(import_privilege="denied")
    resource = post(own, form(own)).status_code
    own.turn(import_privilege="granted", ess_rejects=True)

    assert (job, resource) == ("-1", 403)
    assert post(own, form(own)).json()["ReqstId"] == "-1"


@pytest.mark.parametrize(
    ("account", "is_taken"),
    [
        ("prc$/supplier$/import$", True),
        ("prc$/supplier$/import", True),
        ("prc/supplier/import", True),
    ],
)
def test_account_is_taken_with_and_without_the_last_mark(
    own: Any, account: str, *, is_taken: bool
) -> None:
    """Clients disagree about the notation; the pod does not mind."""
    assert (submit(own, DocumentAccount=account) != "-1") is is_taken


@pytest.mark.parametrize(
    "body",
    [
        {"OperationName": "importBulkdata"},
        {},
        {"OperationName": "importBulkData", "ContentType": "ZIP", "DocumentContent": ""},
        {"OperationName": "importBulkData", "ContentType": "zip", "DocumentContent": "?"},
        {"OperationName": "downloadESSJobExecutionDetails", "ReqstId": "7", "FileType": "ALL"},
        {"OperationName": "downloadESSJobExecutionDetails", "ReqstId": "x"},
        {"OperationName": "getESSJobStatus"},
        {"OperationName": "getDocumentForDocumentId", "DocumentId": "7"},
    ],
)
def test_senseless_operation_is_400(own: Any, body: dict[str, Any]) -> None:
    """What cannot be understood is refused before anything happens."""
    assert post(own, body).status_code == 400


def test_wrong_member_is_refused_in_the_words_of_the_field(own: Any) -> None:
    """The id of a request is called ReqstId, not requestId."""
    body = {"OperationName": "downloadESSJobExecutionDetails", "requestId": "15000123"}
    reply = post(own, body)

    assert reply.status_code == 400
    assert reply.json()["o:errorDetails"][0]["detail"] == (
        'Invalid attribute "requestId" in the payload'
    )


def test_unknown_job_has_an_empty_state_and_so_may_a_known_one(own: Any) -> None:
    """A job that erpintegrations does not know is no error."""
    request_id = submit(own)
    own.clock.advance(10)
    unknown = state(own, "99")
    own.turn(ess_blank_status=True)

    assert (unknown, state(own, request_id)) == ("", "")
    assert alias(own) == "ACM"


def test_state_can_be_asked_by_an_operation(own: Any) -> None:
    """The operation tells the same as the finder."""
    request_id = submit(own)
    body = {"OperationName": "getESSJobStatus", "ReqstId": request_id}

    assert post(own, body).json()["RequestStatus"] == "WAIT"


def test_logs_come_as_a_deflated_zip_with_an_entry_for_each_job(own: Any) -> None:
    """By operation and by finder; LOG, OUT or both."""
    request_id = submit(own)
    own.clock.advance(6)
    body = {
        "OperationName": "downloadESSJobExecutionDetails",
        "ReqstId": request_id,
        "FileType": "ALL",
    }
    content = post(own, body).json()["DocumentContent"]
    finder = f"{PATH}?finder=ESSJobExecutionDetailsRF;requestId={request_id},fileType="
    logs = files(own.items(finder + "LOG")[0]["DocumentContent"])
    output = files(own.items(finder + "OUT")[0]["DocumentContent"])
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(content))) as archive:
        kinds = {entry.compress_type for entry in archive.infolist()}

    assert kinds == {zipfile.ZIP_DEFLATED}
    assert files(content) == logs | output
    assert sorted(logs) == [f"150001{number}.log" for number in range(23, 28)]
    assert sorted(output) == ["15000126.txt", "15000127.xml"]
    assert "Rows read: 1  Imported: 1  Rejected: 0" in logs["15000126.log"]


def test_without_the_option_the_report_is_not_extracted(own: Any) -> None:
    """Who sends no JobOptions gets logs and nothing else."""
    request_id = submit(own, JobOptions=None)
    own.clock.advance(6)
    finder = f"{PATH}?finder=ESSJobExecutionDetailsRF;requestId={request_id},fileType="

    assert files(own.items(finder + "OUT")[0]["DocumentContent"]) == {}
    assert files(own.items(finder + "LOG")[0]["DocumentContent"])


@pytest.mark.parametrize("end", ["warning", "error"])
def test_parent_succeeds_over_a_child_that_does_not(own: Any, end: str) -> None:
    """SUCCEEDED on the parent proves nothing about rows: the worst child does."""
    own.turn(ess_import_fails=end)
    request_id = submit(own)
    own.clock.advance(6)
    statuses = [child["STATUS"] for child in tree(own, request_id)["CHILD"]]
    rows = own.do("interface_rows", ReqstId=request_id)["rows"]

    assert state(own, request_id) == "SUCCEEDED"
    assert statuses == ["SUCCEEDED", "SUCCEEDED", end.upper()]
    assert alias(own) is None
    assert [r["status"] for r in rows] == ["NEW"]


def test_kind_parent_shows_what_its_import_came_to(own: Any) -> None:
    """Some pods tell the truth at the top."""
    own.turn(ess_import_fails="error", ess_parent_follows=True)
    request_id = submit(own)
    own.clock.advance(6)

    assert state(own, request_id) == "ERROR"


@pytest.mark.parametrize("word", ["CANCELLED", "EXPIRED", "ERROR MANUAL RECOVERY"])
def test_job_that_is_ended_from_outside_does_nothing_more(own: Any, word: str) -> None:
    """An administrator's word is final."""
    request_id = submit(own)
    own.do("set_job_state", ReqstId=request_id, state=word)
    own.clock.advance(60)

    assert (state(own, request_id), alias(own)) == (word, None)


def test_held_job_waits_until_it_is_let_go(own: Any) -> None:
    """Any other word holds it, also one that nobody has heard of."""
    request_id = submit(own)
    own.do("set_job_state", ReqstId=request_id, state="PONDERING")
    own.clock.advance(3600)
    held = (state(own, request_id), alias(own))
    own.do("set_job_state", ReqstId=request_id, state=None)

    assert held == ("PONDERING", None)
    assert (state(own, request_id), alias(own)) == ("SUCCEEDED", "ACM")


def test_job_can_be_finished_without_moving_the_clock(own: Any) -> None:
    """A demonstration need not wait."""
    request_id = submit(own)
    done = own.do("finish_job", ReqstId=request_id)

    assert done == {"ReqstId": request_id, "state": "SUCCEEDED"}
    assert alias(own) == "ACM"


def test_same_file_twice_is_imported_twice(own: Any) -> None:
    """Nothing recognises a repetition; the second creation is rejected row by row."""
    text = row(
        own, IMPORT_ACTION="CREATE", VENDOR_NAME="Twice Ltd",
        ORGANIZATION_TYPE_LOOKUP_CODE="CORPORATION", BUSINESS_RELATIONSHIP="PROSPECTIVE",
    )  # fmt: skip
    first, second = submit(own, text), submit(own, text)
    own.clock.advance(6)
    statuses = [
        [r["status"] for r in own.do("interface_rows", ReqstId=request_id)["rows"]]
        for request_id in (first, second)
    ]

    assert first != second
    assert statuses == [["PROCESSED"], ["REJECTED"]]


@pytest.mark.parametrize(("kind", "jobs"), [("reset_before", 0), ("reset_after", 1)])
def test_lost_reply_may_hide_a_job(own: Any, kind: str, jobs: int) -> None:
    """The connection breaks before or after the job was taken."""
    body = form(own)
    own.server.faults.add({"kind": kind, "path": "erpintegrations$", "method": "POST"})
    with pytest.raises(Exception, match=r"."):
        post(own, body)
    own.clock.advance(6)

    assert own.server.store.query("SELECT COUNT(*) FROM ess_jobs WHERE parent IS NULL") == [(jobs,)]
    assert (alias(own) == "ACM") is bool(jobs)


def test_jobs_survive_a_restart(own: Any, tmp_path: Any) -> None:
    """What is under way is in the state folder, not in the process."""
    from ml_connector.sandbox.clock import SandboxClock  # noqa: PLC0415 - only this test restarts
    from ml_connector.sandbox.fusion.server import build_fusion_server  # noqa: PLC0415 - as above

    request_id = submit(own)
    clock = SandboxClock(tmp_path, virtual=True)
    again = build_fusion_server(tmp_path, clock, lines=2_000)
    url = again.start()
    clock.advance(6)
    reply = own.client.get(
        f"{url}/fscmRestApi/resources/latest/erpintegrations"
        f"?finder=ESSJobStatusRF;requestId={request_id}"
    )
    again.stop()

    assert reply.json()["items"][0]["RequestStatus"] == "SUCCEEDED"


def test_other_methods_and_paths_are_refused(own: Any) -> None:
    """There are no items to read or delete."""
    assert own.call("DELETE", PATH).status_code == 405
    assert own.call("GET", f"{PATH}/15000123").status_code == 404
    assert own.call("GET", f"{PATH}?finder=Nonsense;requestId=1").status_code == 400
    assert own.call("GET", f"{PATH}?finder=ESSJobStatusRF").status_code == 400
    assert own.read(PATH)["items"] == []
    assert "ReqstId" in json.dumps(own.read(f"{PATH}/describe"))
