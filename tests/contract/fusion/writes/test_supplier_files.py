"""Files of suppliers: one sending, one job, and what became of every row."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ml_connector.errors import AccessDeniedError, OutcomeUnknownError, RefusedError
from ml_connector.ports import (
    FileAction,
    FileColumn,
    FileObject,
    FileRow,
    JobState,
    SupplierFile,
)

NEW = FileRow(
    action=FileAction.CREATE,
    attributes={
        "name": 'The "Filed", Ltd',
        "number": "000099",
        "tax_organisation_type": "CORPORATION",
        "business_relationship": "PROSPECTIVE",
        "inactive_date": "2027-01-31",
        "one_time": "Y",
        "alias": "",
    },
)
Rows = Callable[..., FileRow]


def run(scene: Any, *rows: FileRow, batch: str = "B1") -> str:
    """The id of a job that is over."""
    job_id: str = scene.source.submit_file(scene.file(*rows, batch=batch))
    scene.pod.clock.sleep(6)
    return job_id


def posts(scene: Any) -> int:
    """Submissions that reached the pod."""
    return int(scene.written("POST", "erpintegrations"))


def test_file_creates_and_changes_in_the_order_of_the_template(scene: Any, row: Rows) -> None:
    """Names, quotes, zeros, days, flags and an alias that is emptied arrive where they belong."""
    scene.source.submit_change(scene.change(alias="OLD", customer_number="C-1"))
    job_id = run(scene, NEW, row(alias="", number="10005"))
    made, changed = scene.shown("000099"), scene.shown()

    assert scene.source.read_job(job_id).state is JobState.SUCCEEDED
    assert (made["Supplier"], made["InactiveDate"], made["OneTimeSupplierFlag"]) == (
        'The "Filed", Ltd', "2027-01-31", True,
    )  # fmt: skip
    assert (changed["Alias"], changed["CustomerNumber"]) == (None, "C-1")
    assert posts(scene) == 1


def test_report_tells_rows_taken_from_rows_refused(scene: Any, row: Rows) -> None:
    """The job succeeds all the same; place, name, number, column and reason are the pod's."""
    job_id = run(scene, row(alias="ACM"), row("Nobody & Sons", number="77"), NEW)
    report = scene.source.read_job_report(job_id)

    assert scene.source.read_job(job_id).state is JobState.SUCCEEDED
    assert (report.rows_read, report.rows_taken, report.rows_refused) == (3, 2, 1)
    assert report.is_whole
    (refusal,) = report.refusals
    assert (refusal.record, refusal.name, refusal.number, refusal.column) == (
        2, "Nobody & Sons", "77", "VENDOR_NAME",
    )  # fmt: skip
    assert "valid value" in refusal.reason
    assert (scene.shown()["Alias"], scene.shown("000099")["Alias"]) == ("ACM", None)


@pytest.mark.parametrize("release", ["25C", "26B"])
def test_names_decide_and_not_the_order_of_another_release(
    scene: Any, row: Rows, release: str
) -> None:
    """A template of the pod's own release puts every value where it belongs."""
    scene.pod.turn(import_template=release)
    file = scene.file(row(alias="ACM"))
    columns = scene.pod.perform("import_template", release=release)["columns"]
    known = {column.name: column for column in file.columns}
    order = tuple(known.get(name, FileColumn(name=name)) for name in columns)
    scene.source.submit_file(replace(file, columns=order))
    scene.pod.clock.sleep(6)

    assert scene.shown()["Alias"] == "ACM"


def test_job_imports_only_the_rows_of_its_own_file(scene: Any, row: Rows) -> None:
    """Rows somebody else left waiting under another batch keep waiting."""
    first, second = scene.file(row(alias="ONE"), batch="B1"), scene.file(row(alias="TWO"))
    for file in (first, replace(second, batch="B2")):
        scene.source.submit_file(file)
        scene.pod.clock.sleep(6)

    assert scene.shown()["Alias"] == "TWO"


def test_job_is_followed_through_its_states_without_waiting(scene: Any, row: Rows) -> None:
    """Waiting, running and PAUSED are all under way; nothing has changed until the end."""
    before = scene.pod.clock.now()
    job_id = scene.source.submit_file(scene.file(row(alias="ACM")))
    seen = []
    for _ in range(4):
        status = scene.source.read_job(job_id)
        seen.append((status.parts[0].word, status.state, scene.shown()["Alias"]))
        scene.pod.clock.sleep(2)

    assert seen == [
        ("WAIT", JobState.RUNNING, None),
        ("RUNNING", JobState.RUNNING, None),
        ("PAUSED", JobState.RUNNING, None),
        ("SUCCEEDED", JobState.SUCCEEDED, "ACM"),
    ]
    assert (scene.pod.clock.now() - before).total_seconds() < 60


@pytest.mark.parametrize("form", ["object", "list"])
@pytest.mark.parametrize(
    ("end", "state"), [("warning", JobState.WARNED), ("error", JobState.FAILED)]
)
def test_child_that_does_not_succeed_is_no_success(
    scene: Any, row: Rows, end: str, state: JobState, form: str
) -> None:
    """The job itself says SUCCEEDED; its import did nothing."""
    scene.pod.turn(ess_import_fails=end, ess_jobs_form=form)
    status = scene.source.read_job(run(scene, row(alias="ACM")))

    assert status.parts[0].word == "SUCCEEDED"
    assert status.state is state
    assert {part.word for part in status.parts} == {"SUCCEEDED", end.upper()}
    assert scene.shown()["Alias"] is None


@pytest.mark.parametrize(
    ("end", "state"),
    [
        ("succeeded", JobState.SUCCEEDED),
        ("warning", JobState.WARNED),
        ("error", JobState.FAILED),
    ],
)
def test_report_tells_rows_whatever_state_the_import_ended_in(
    scene: Any, row: Rows, end: str, state: JobState
) -> None:
    """Good rows were taken beside bad ones, also by an import in ERROR."""
    scene.pod.turn(ess_rejected_rows=end)
    job_id = run(scene, row(alias="ACM"), row("Nobody"))
    report = scene.source.read_job_report(job_id)

    assert scene.source.read_job(job_id).state is state
    assert (report.rows_taken, len(report.refusals), report.is_whole) == (1, 1, True)
    assert scene.shown()["Alias"] == "ACM"


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("CANCELLED", JobState.FAILED),
        ("EXPIRED", JobState.FAILED),
        ("ERROR MANUAL RECOVERY", JobState.FAILED),
        ("COMPLETED", JobState.RUNNING),
        ("CANCELLING", JobState.RUNNING),
        ("HOLD", JobState.RUNNING),
        ("PONDERING", JobState.RUNNING),
    ],
)
def test_words_for_states_are_ends_only_when_they_are_known_to_be(
    scene: Any, row: Rows, word: str, state: JobState
) -> None:
    """A word nobody has heard of is no end."""
    job_id = scene.source.submit_file(scene.file(row(alias="ACM")))
    scene.pod.perform("set_job_state", ReqstId=job_id, state=word)

    assert scene.source.read_job(job_id).state is state
    assert scene.shown()["Alias"] is None


def test_job_the_pod_tells_nothing_of_is_neither_over_nor_failed(scene: Any) -> None:
    """An empty state and an empty tree; how long to look is for the caller."""
    status = scene.source.read_job("99")

    assert (status.state, status.parts) == (JobState.UNKNOWN, ())


def test_blank_state_does_not_hide_what_the_tree_tells(scene: Any, row: Rows) -> None:
    """Some pods leave the state empty of a job whose parts they show."""
    scene.pod.turn(ess_blank_status=True)

    assert scene.source.read_job(run(scene, row(alias="ACM"))).state is JobState.SUCCEEDED


def test_rejected_submission_is_a_refusal_although_the_status_is_success(
    scene: Any, row: Rows
) -> None:
    """Job -1 with 201: nothing was loaded."""
    scene.pod.turn(ess_rejects=True)

    with pytest.raises(RefusedError, match="job -1") as raised:
        scene.source.submit_file(scene.file(row(alias="ACM")))
    scene.pod.clock.sleep(60)
    assert raised.value.code == "fusion.file-rejected"
    assert (scene.shown()["Alias"], posts(scene)) == (None, 1)


def test_missing_rights_are_told_by_either_answer(scene: Any, row: Rows) -> None:
    """Without the job's right it is -1, without the resource's 403."""
    file = scene.file(row(alias="ACM"))
    scene.pod.turn(import_privilege="job_denied")
    with pytest.raises(RefusedError, match="ImportSuppliers"):
        scene.source.submit_file(file)
    scene.pod.turn(import_privilege="denied")
    with pytest.raises(AccessDeniedError):
        scene.source.submit_file(file)


def test_submission_answered_with_200_has_its_job(scene: Any, row: Rows) -> None:
    """Success is not always 201."""
    scene.pod.turn(import_status_code=200)

    assert scene.source.read_job(run(scene, row(alias="ACM"))).state is JobState.SUCCEEDED


@pytest.mark.parametrize(("kind", "alias"), [("reset_before", None), ("reset_after", "ACM")])
def test_lost_reply_to_a_file_is_unknown_and_never_followed_by_another(
    scene: Any, row: Rows, kind: str, alias: str | None
) -> None:
    """The file may be imported although nobody knows its job."""
    scene.pod.spoil(kind=kind, path="erpintegrations$", method="POST")

    with pytest.raises(OutcomeUnknownError):
        scene.source.submit_file(scene.file(row(alias="ACM")))
    scene.pod.clock.sleep(6)
    assert (scene.shown()["Alias"], posts(scene)) == (alias, 1)


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "status", "status": 500},
        {"kind": "html", "status": 504},
        {"kind": "truncate_body", "cut_at": 40},
    ],
    ids=lambda rule: rule["kind"] + str(rule.get("status", "")),
)
def test_answer_to_a_file_that_does_not_tell_is_unknown(
    scene: Any, row: Rows, rule: dict[str, Any]
) -> None:
    """Faults, gateways and cut answers are no reason to send it again."""
    scene.pod.spoil(path="erpintegrations$", method="POST", times=None, **rule)

    with pytest.raises(OutcomeUnknownError):
        scene.source.submit_file(scene.file(row(alias="ACM")))
    assert posts(scene) == 1


def test_file_after_a_refused_login_is_imported_once(scene: Any, row: Rows) -> None:
    """401 comes before anything is taken."""
    scene.source.read_supplier("10005")
    scene.pod.perform("revoke_tokens")
    job_id = run(scene, row(alias="ACM"))

    assert scene.source.read_job_report(job_id).rows_taken == 1


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda f: replace(f, batch="B,1"), "no name of a batch"),
        (lambda f: replace(f, rows=()), "0 rows"),
        (lambda f: replace(f, columns=()), "no column for action; .*no column for batch"),
        (lambda f: replace(f, columns=f.columns * 2), "more than one column for alias"),
        (lambda f: replace(f, rows=(*f.rows, NEW, FileRow(
            action=FileAction.UPDATE, attributes={"colour": "red"}))), "row 3: colour"),
        (lambda f: replace(f, rows=(FileRow(
            action=FileAction.UPDATE, attributes={"inactive_date": "31-JAN-2026"}),)), "no day"),
        (lambda f: replace(f, rows=(FileRow(
            action=FileAction.UPDATE, attributes={"alias": "a\nb"}),)), "line break"),
        (lambda f: replace(f, rows=(FileRow(
            action=FileAction.UPDATE, attributes={"alias": "#NULL"}),)), "meaning of its own"),
        (lambda f: replace(f, rows=(FileRow(
            action=FileAction.UPDATE, attributes={"batch": "B9"}),)), "batch"),
    ],
)  # fmt: skip
def test_unfit_file_is_told_before_anything_is_sent(
    scene: Any, row: Rows, spoil: Callable[[SupplierFile], SupplierFile], fault: str
) -> None:
    """What would load wrongly, or wait for ever, does not leave."""
    with pytest.raises(RefusedError, match=fault) as raised:
        scene.source.submit_file(spoil(scene.file(row(alias="ACM"))))
    assert raised.value.code == "fusion.supplier-unfit"
    assert posts(scene) == 0


def test_file_that_does_not_load_shows_it_in_state_and_messages(scene: Any, row: Rows) -> None:
    """A template of too many columns: nothing was loaded, and the log says why."""
    file = scene.file(row(alias="ACM"))
    job_id = scene.source.submit_file(
        replace(file, columns=(*file.columns, FileColumn(name="MORE", constant="x")))
    )
    scene.pod.clock.sleep(6)
    report = scene.source.read_job_report(job_id)

    assert scene.source.read_job(job_id).state is JobState.FAILED
    assert any("othing was loaded" in message for message in report.messages)
    assert (report.rows_read, report.is_whole) == (None, False)


def test_children_of_suppliers_go_by_files_of_their_own(scene: Any) -> None:
    """An address and its site, each by the template of its object."""
    unit = "Halden US Procurement"
    for holds, job, names, values in (
        (
            FileObject.ADDRESSES, "ImportSupplierAddresses",
            {"VENDOR_NAME": "name", "PARTY_SITE_NAME": "address", "COUNTRY": "country"},
            {"name": "ACME OFFICE SUPPLIES", "address": "Reno", "country": "US"},
        ),
        (
            FileObject.SITES, "ImportSupplierSites",
            {"VENDOR_NAME": "name", "PARTY_SITE_NAME": "address", "VENDOR_SITE_CODE": "site",
             "PROCUREMENT_BUSINESS_UNIT_NAME": "unit"},
            {"name": "ACME OFFICE SUPPLIES", "address": "Reno", "site": "RENO", "unit": unit},
        ),
    ):  # fmt: skip
        mapped = {"IMPORT_ACTION": "action", "BATCH_ID": "batch", **names}
        columns = tuple(
            FileColumn(name=name, attribute=mapped.get(name, "")) for name in scene.columns(job)
        )
        file = SupplierFile(
            holds=holds, batch=f"B-{holds}", columns=columns,
            rows=(FileRow(action=FileAction.CREATE, attributes=values),),
        )  # fmt: skip
        job_id = scene.source.submit_file(file)
        scene.pod.clock.sleep(6)
        report = scene.source.read_job_report(job_id)
        assert (report.rows_taken, report.refusals) == (1, ())


def test_reading_a_report_is_repeated_when_its_answer_breaks(scene: Any, row: Rows) -> None:
    """Only what writes is sent once."""
    job_id = run(scene, row(alias="ACM"))
    scene.pod.spoil(kind="truncate_body", cut_at=60, path="erpintegrations", method="GET", times=1)

    assert scene.source.read_job_report(job_id).rows_taken == 1


@pytest.mark.parametrize("job_id", ["", "-1", "1,fileType=LOG", "1;x"])
def test_question_for_no_job_is_not_sent(scene: Any, job_id: str) -> None:
    """Only a number is a job's id."""
    with pytest.raises(RefusedError, match="no id"):
        scene.source.read_job(job_id)
    assert scene.pod.requests("erpintegrations") == []


def test_hundreds_of_rows_go_by_one_job(scene: Any, row: Rows) -> None:
    """Every supplier gets a customer number, and the report has a row for each."""
    items = scene.ask("SupplierId > 0")
    rows = [
        row(item["Supplier"], number=item["SupplierNumber"], customer_number=f"C{place}")
        for place, item in enumerate(items)
    ]
    report = scene.source.read_job_report(run(scene, *rows))

    assert (report.rows_read, report.rows_taken, report.refusals) == (400, 400, ())
    assert report.is_whole
    assert [item["CustomerNumber"] for item in scene.ask("SupplierId > 0")] == [
        f"C{place}" for place in range(400)
    ]
