"""F5 by Fusion's file import, on real sockets: the job is heard, the suppliers are believed."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.pod_desk import JOBS, NOBODY_ASKED, PodDesk, build_pod_desk

from ml_connector.ports import CheckState, RunState

ALIAS = {"attribute": "alias", "column": "Alias"}
RENAMING = {"attribute": "name", "column": "Customer Number"}
DAY = {"attribute": "inactive_date", "column": "Inactive Date"}
GIVEN = {"business_relationship": "PROSPECTIVE", "tax_organisation_type": "CORPORATION"}
NUMBERS = ("10005", "10006", "10007")
TEMPLATE = "templates/suppliers-fusion.csv"


@pytest.fixture
def desk(company: Any, office_template: Path, tmp_path: Path) -> PodDesk:
    """A project whose flow sends files and asks nobody; three suppliers have a new alias."""
    root = tmp_path / "project"
    shutil.copytree(office_template, root)
    made = build_pod_desk(company, root, send="file", settle_minutes=2, **NOBODY_ASKED)
    made.stock(*NUMBERS, Alias="NEW")
    return made


def tell(row: Any) -> tuple[Any, ...]:
    """How many were confirmed, refused and quarantined."""
    return tuple(row.summary[name] for name in ("confirmed", "refused", "quarantined"))


def read_jobs(desk: PodDesk) -> set[str]:
    """Jobs the newest postings of suppliers are of."""
    return {str(one.receipt.get("job", "")) for one in desk.postings().values()}


def swap(desk: PodDesk, first: str, second: str) -> None:
    """Two lines of the template stand in each other's place."""
    path = desk.root / TEMPLATE
    lines = path.read_text(encoding="utf-8").splitlines()
    one, other = lines.index(first), lines.index(second)
    lines[one], lines[other] = second, first
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.long
def test_file_takes_what_fits_and_each_refused_row_is_told(desk: PodDesk) -> None:
    """The job says succeeded; renamed, ended, new and refused suppliers are told by being read."""
    held = desk.held()
    desk.change(
        send="auto", file_above=4, attributes=[ALIAS, RENAMING, DAY], creations=True,
        creation_values=GIVEN,
    )  # fmt: skip
    desk.stock("10008", "10009", Alias="NEW")
    desk.revise({
        "10006": {"Inactive Date": "2027-01-31"},
        "10007": {"Customer Number": 'Renamed, "Inc" é'},
        "10008": {"Customer Number": held["10009"]["Supplier"]},
    })  # fmt: skip
    new = {"name": "row", "values": {"Customer Number": "Brand New"}}
    desk.company.model("add_suppliers", suppliers=[new])

    row = desk.run()
    found = desk.changed_since(held)
    second = desk.run()

    [refusal] = row.summary["refusals"]
    [number] = set(found) - set(held)
    assert row.state is RunState.PARTLY
    assert row.summary["send"] == "file"
    assert tell(row) == (5, 1, 0)
    assert refusal["subject"] == "supplier 10008"
    assert "Another supplier has the same supplier name" in refusal["reason"]
    assert found.pop(number)["Supplier"] == "Brand New"
    assert found == {
        "10005": {"Alias": "NEW"},
        "10006": {"Alias": "NEW", "InactiveDate": "2027-01-31"},
        "10007": {"Alias": "NEW", "Supplier": 'Renamed, "Inc" é'},
        "10009": {"Alias": "NEW"},
    }
    assert second.summary["planned"] == 1
    assert second.summary["send"] == "single"
    assert len(desk.writes(JOBS)) == 2, "changes and creations go by files of their own"


@pytest.mark.exhaustive
@pytest.mark.long
def test_import_that_does_nothing_writes_nothing_and_says_so(desk: PodDesk) -> None:
    """Refused with -1, ended with a warning or an error: partly at best, and tried anew later."""
    before = desk.held()
    rows = []
    for switches in ({"ess_rejects": True}, {"ess_import_fails": "warning"},
                     {"ess_import_fails": "error"}):  # fmt: skip
        desk.turn(**switches)
        rows.append(desk.run())
        desk.turn(ess_rejects=False, ess_import_fails="no")
    untouched = desk.changed_since(before)
    done = desk.run()

    assert [row.state for row in rows] == [RunState.PARTLY] * 3
    assert [tell(row) for row in rows] == [(0, 3, 0)] * 3
    reasons = [row.summary["refusals"][0]["reason"] for row in rows]
    assert "started no job" in reasons[0]
    assert "and job -1" in reasons[0]
    assert "ended with a warning" in reasons[1]
    assert " failed " in reasons[2]
    assert untouched == {}
    assert done.state is RunState.SUCCEEDED
    assert desk.changed_since(before) == {number: {"Alias": "NEW"} for number in NUMBERS}


@pytest.mark.exhaustive
@pytest.mark.long
def test_lost_answer_to_a_file_leads_to_no_second_import(desk: PodDesk) -> None:
    """Where a job has begun the suppliers tell; where none has the file leaves again."""
    lost: list[dict[str, Any]] = [
        {"kind": "reset_after"},
        {"kind": "html", "status": 502, "effect": True},
        {"kind": "truncate_body", "cut_at": 60},
        {"kind": "reset_before"},
    ]
    for number, rule in enumerate(lost):
        before, sent = desk.held(), len(desk.writes(JOBS))
        alias = f"A{number}"
        desk.revise({supplier: {"Alias": alias} for supplier in NUMBERS})
        desk.spoil(method="POST", path=JOBS, **rule)

        row = desk.run()

        assert row.state is RunState.SUCCEEDED, rule
        assert tell(row) == (3, 0, 0)
        assert desk.changed_since(before) == {one: {"Alias": alias} for one in NUMBERS}
        sends = 2 if rule["kind"] == "reset_before" else 1
        assert len(desk.writes(JOBS)) - sent == sends, rule


@pytest.mark.exhaustive
@pytest.mark.long
def test_job_that_pauses_is_waited_for_and_followed_by_the_resume(desk: PodDesk) -> None:
    """Within the settle time the run waits; past it the run stops, and no second file leaves."""
    before = desk.held()
    desk.turn(ess_seconds_per_state=30, ess_states=["WAIT", "PAUSED", "BLOCKED"])
    waited = desk.run()
    desk.revise({number: {"Alias": "NEXT"} for number in NUMBERS})
    desk.turn(ess_seconds_per_state=4_000)

    error, stopped = desk.fail(), desk.newest()
    again = desk.fail(dry_run=True)
    [job] = read_jobs(desk)
    still = desk.changed_since(before)
    desk.company.erp("finish_job", ReqstId=job)
    row = desk.resume(stopped.run_id)

    assert tell(waited) == (3, 0, 0)
    assert error.code == "suppliers.import-under-way"
    assert error.exit_code == 9
    assert f"Job {job} " in error.refused
    assert again.code == "busy"
    assert still == {number: {"Alias": "NEW"} for number in NUMBERS}
    assert row.state is RunState.SUCCEEDED
    assert desk.changed_since(before) == {number: {"Alias": "NEXT"} for number in NUMBERS}
    assert len(desk.writes(JOBS)) == 2


@pytest.mark.long
def test_template_of_another_release_is_no_success(desk: PodDesk) -> None:
    """A column too few moves the batch's name aside: the job succeeds and takes nothing."""
    before = desk.held()
    desk.turn(import_template="26B")

    row = desk.run()
    rows = desk.company.erp("interface_rows", ReqstId=read_jobs(desk).pop())["rows"]

    assert row.state is RunState.PARTLY
    assert tell(row) == (0, 3, 0)
    assert {refusal["reason"].partition(" and ")[2] for refusal in row.summary["refusals"]} == {
        "did not take it; no report names it"
    }
    assert {one["status"] for one in rows} == {"NEW"}
    assert desk.changed_since(before) == {}


@pytest.mark.long
def test_columns_in_a_wrong_order_are_never_taken_for_written(desk: PodDesk) -> None:
    """The job took the rows, and the alias stands elsewhere: no posting is confirmed."""
    before = desk.held()
    swap(desk, "ALIAS,alias,,", "STANDARD_INDUSTRY_CLASS,standard_industry_class,,")

    row = desk.run()

    assert desk.changed_since(before) == {
        number: {"StandardIndustryClass": "NEW"} for number in NUMBERS
    }
    assert row.state in {RunState.PARTLY, RunState.UNTIED}
    assert "confirmed" not in desk.states().values()
    reasons = [one.reason for one in desk.postings().values()]
    assert all("alias is '', sent 'NEW'" in reason for reason in reasons)


@pytest.mark.exhaustive
@pytest.mark.long
def test_template_that_cannot_be_used_stops_the_flow_before_anything_is_read(
    desk: PodDesk,
) -> None:
    """Doctor and run name the same faults; a flow that sends no files goes on without it."""
    path = desk.root / TEMPLATE
    whole = path.read_text(encoding="utf-8")
    told = {}
    for fault, text in {
        "no column holds `action`": whole.replace("action,,", ",,"),
        "alias stands in 2 columns": whole.replace("duns_number,,", "alias,,"),
        "is none of text, date": whole.replace(",date,", ",day,"),
        "inactive_date is a day": whole.replace("inactive_date,date,", "inactive_date,,"),
        "its first line must be": whole.partition("\n")[2],
        "no column holds `alias`": whole.replace("ALIAS,alias,,", "ALIAS,,,"),
    }.items():
        path.write_text(text, encoding="utf-8")
        error = desk.fail()
        told[fault] = error
    looked = desk.doctor()
    desk.change(send="single")
    row = desk.run()

    assert {error.code for error in told.values()} == {"suppliers.template"}
    assert [fault for fault, error in told.items() if fault not in error.refused] == []
    assert "`send: single`" in told["no column holds `alias`"].next_step
    assert looked[f"template {TEMPLATE}"].state is CheckState.FAILED
    assert row.state is RunState.SUCCEEDED
    assert not desk.writes(JOBS)
