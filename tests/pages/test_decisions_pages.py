"""Plans, refused summaries, postings and what is started, as a person meets them in the pages."""

import csv
import io
import json
import re
import sqlite3
from contextlib import closing
from typing import Any

from tests.fakes.decision_seeds import CAUSE, FLOW, plant_plan

from ml_connector.ports import RunState


def test_plans_wait_above_what_was_decided_and_show_what_they_post(site: Any) -> None:
    """In money, debits beside credits, the largest movement first, and who must still agree."""
    viewer = site.member("viewer")
    with site.house() as house:
        # Of its own: the one before is stale as soon as another test has asked for a newer one.
        name = plant_plan(house, run_id=site.run_id, journals=3).plan_hash
    listed, plan = viewer.get("/plans/").text, viewer.get(f"/plans/{name}/").text
    sheet = viewer.get(f"/plans/{name}/?as=csv&table=largest").content
    largest = list(csv.DictReader(io.StringIO(sheet.decode("utf-8-sig"))))
    journal = viewer.get(f"/plans/journal/{name}/1/")

    assert f"/plans/{name}/" in listed
    assert listed.index("Waiting for people") < listed.index("Decided")
    assert "0 of 1 person approved" in plan
    assert plan.count(">balances<") == 6
    assert "Your roles let you look" in plan
    amounts = [row["Debit"] or row["Credit"] for row in largest]
    assert amounts == [
        "6003.5", "4003.5", "3002.25", "3001.25", "2003.5", "2002.25", "2001.25", "1002.25",
        "1001.25",
    ]  # fmt: skip
    assert journal.status == 200
    assert "4,003.50" in journal.text
    for nowhere in ("9", "x", "-1"):
        assert viewer.get(f"/plans/journal/{name}/{nowhere}/").status == 404


def test_decision_is_refused_to_its_maker_and_heard_once_from_others(site: Any) -> None:
    """The sentence stands where the button would; a forged form is told the same."""
    with site.house() as house:
        plan = plant_plan(house, run_id=site.run_id, needed=2, journals=3).plan_hash
        house.add_person("both", password="halden works since 1921", roles=list(_roles()))
    maker, approver = site.visitor("both"), site.member("approver")
    with site.house() as house:
        # Whoever resumed the run that made the plan is as much its maker.
        house.records.audit.record("run.resumed", subject=FLOW, actor="both", run_id=site.run_id)

    page = maker.get(f"/plans/{plan}/").text
    forged = maker.post(f"/plans/{plan}/approve/", {"reason": "Mine."})
    bare = approver.post(f"/plans/{plan}/reject/", {"reason": " "})
    long = approver.post(f"/plans/{plan}/approve/", {"reason": "x" * 2_001})
    first = approver.post(f"/plans/{plan}/approve/", {"reason": "Looked at."})
    again = approver.post(f"/plans/{plan}/approve/", {"reason": "Looked at."})
    turned = approver.post(f"/plans/{plan}/reject/", {"reason": "No."})

    assert '<button class="main">Approve' not in page
    assert 'class="notice waits">' in page
    assert forged.status == 422
    assert "both made plan" in forged.text
    assert "both made plan" in page
    assert bare.status == 422
    assert "wants a reason" in bare.text
    assert long.status == 422
    assert "The reason has 2,001 characters" in long.text
    assert "x" * 2_001 in long.text
    assert (first.status, again.status) == (302, 302)
    assert turned.status == 422
    with site.house() as house:
        decisions = house.find_approval(plan).decisions
    assert [(one.actor, one.reason) for one in decisions] == [("approver", "Looked at.")]
    assert site.member("viewer").post(f"/plans/{plan}/approve/", {}).status == 403


def _roles() -> Any:
    from ml_connector.ports import Role  # noqa: PLC0415 - only this test pays.

    return (Role.APPROVER, Role.OPERATOR)


def test_plan_of_actuals_is_shown_cell_by_cell_and_whole_as_a_file(site: Any) -> None:
    """By its hash or by the run that made it; the file holds every cell, the page a hundred."""
    viewer = site.member("viewer")
    page = viewer.get(f"/plans/{site.run_id}/")
    stored = viewer.get(f"/plans/{site.run_id}/?as=csv&table=cells")
    rows = list(csv.reader(io.StringIO(stored.content.decode("utf-8-sig"))))
    (count,) = re.findall(r"<dt>Cells</dt><dd>(\d+)</dd>", page.text)

    assert page.status == 200
    assert "Your roles let you look" in page.text
    assert len(rows) == int(count) + 1 > 101
    assert rows[0][-4:] == ["Change", "Held", "Shall hold", "Difference"]
    assert {row[-4] for row in rows[1:]} == {"added"}
    second = viewer.get(f"/plans/{site.run_id}/?page=2")
    assert second.text != page.text
    assert viewer.get("/plans/nothing-there/").status == 404


def test_refused_summaries_are_read_by_cause_down_to_their_lines(site: Any) -> None:
    """How many, how much, which; nobody replays what they did not choose."""
    viewer, operator = site.member("viewer"), site.member("operator")
    cause = site.samples["<path:cause>"]

    listed = viewer.get("/refused/").text
    page = viewer.get(f"/refused/for/{cause}/")
    chosen = operator.get(f"/refused/for/{cause}/").text
    lines = viewer.get(f"/refused/lines/{site.samples['<path:summary>']}/")
    none = operator.post(f"/refused/replay/{cause}/", {"key": "k"})

    assert CAUSE in listed
    assert f"Most are refused because: {CAUSE}: 3 of them, 75.0 %." in listed
    drawn = viewer.get("/refused/?chart=pareto")
    assert drawn.headers["Content-Type"].startswith("image/svg+xml")
    assert "3 · 75 %" in drawn.text
    assert "7.50" in listed
    assert "checkbox" not in page.text
    assert chosen.count('name="number"') == 3
    assert "No archived line makes it up any more" in lines.text
    assert none.status == 422
    assert "No summary is chosen" in none.text
    assert viewer.post(f"/refused/replay/{cause}/", {"all": "yes"}).status == 403
    assert viewer.get("/refused/for/actuals-fusion/nothing/").status == 404


def test_posting_tells_its_receipt_and_what_can_be_done(site: Any) -> None:
    """Reversing is planned by an operator; of a flow that is gone nothing begins."""
    viewer, operator = site.member("viewer"), site.member("operator")
    key = site.samples["<str:posting>"]
    page = viewer.get(f"/postings/{key}/").text

    assert key in viewer.get("/postings/").text
    assert key not in viewer.get("/postings/?unsettled=yes").text
    assert "00001-BX-12" in page
    assert "Take it back" not in page
    assert "Take it back" in operator.get(f"/postings/{key}/").text
    for act in ("reverse", "settle"):
        refused = operator.post(f"/postings/{key}/{act}/", {"key": "k"})
        assert refused.status == 422
        assert FLOW in refused.text or "confirmed" in refused.text
        assert viewer.post(f"/postings/{key}/{act}/", {}).status == 403
    assert viewer.get("/postings/NOTHING2/").status == 404


def test_executed_run_is_stopped_from_its_page_after_it_was_said_what_that_means(site: Any) -> None:
    """By who may run; the page says who asked, and offers it once; an ended run is not stopped."""
    with site.house() as house, house.records.transactions.begin("a run that is executed"):
        house.records.runs.create_run(
            run_id="261122-stop", flow="planted", kind="actuals", actor="kim", request={}
        )
        house.records.runs.save_run("261122-stop", RunState.RUNNING)
    operator, viewer = site.member("operator"), site.member("viewer")
    where, stop = "/runs/261122-stop/", "/runs/261122-stop/stop/"

    assert f'href="{stop}"' in operator.get(where).text
    assert stop not in viewer.get(where).text
    assert {viewer.get(stop).status, viewer.post(stop, {}).status} == {403}
    asked = operator.get(stop)
    assert asked.status == 200
    for said in ("next safe point", "no more is written", "has no answer yet", "puts it away"):
        assert said in asked.text
    assert operator.post(stop, {}).status == 302
    page = operator.get(where).text
    assert "operator; it ends before its next step" in page
    assert stop not in page

    with site.house() as house:
        house.records.runs.save_run("261122-stop", RunState.FAILED)
    refused = operator.post(stop, {})
    assert refused.status == 422
    assert "only one that is running is stopped" in refused.text
    assert "there is nothing to stop" in operator.get(stop).text

    away = f"{where}cancel/"
    assert f'href="{away}"' in operator.get(where).text
    asked = operator.get(away).text
    assert "Put it away for good" in asked
    assert "it cannot be resumed any more" in asked
    assert site.member("approver").get(away).status == 403
    assert [operator.post(away, {}).status for _ in range(2)] == [302, 422]
    assert "there is nothing to put away" in operator.get(away).text
    assert away not in operator.get(where).text


def test_run_that_waits_for_another_release_says_so_and_what_helps(site: Any) -> None:
    """On its page and by the API, as the command does; the engine has it of an older version."""
    run_id = "261122-waits"
    with site.house() as house, house.records.transactions.begin("a run of before"):
        house.records.runs.create_run(
            run_id=run_id, flow="planted before", kind="actuals", actor="kim", request={}
        )
        house.records.runs.save_run(run_id, RunState.INTERRUPTED)
    viewer = site.member("viewer")
    assert "was begun by version" not in viewer.get(f"/runs/{run_id}/").text
    assert json.loads(viewer.call("GET", f"/runs/{run_id}").text)["waits"] is None

    with closing(sqlite3.connect(site.project / ".state" / "engine.db")) as engine, engine:
        engine.execute(
            "INSERT INTO workflow_status (workflow_uuid, status, application_version)"
            " VALUES (?, 'CANCELLED', '0')",
            (run_id,),
        )

    page = viewer.get(f"/runs/{run_id}/").text
    told = json.loads(viewer.call("GET", f"/runs/{run_id}").text)["waits"]
    assert told == f"Run {run_id} was begun by version 0; this is version 1."
    assert told in page
    assert f"runs move {run_id}" in page


def test_numbers_without_end_are_no_fault_of_ours(site: Any) -> None:
    """More digits than anybody means are told as what is not there, or not fit."""
    viewer, digits = site.member("viewer"), "9" * 5_000
    plan = site.samples["<str:plan>"]

    assert viewer.get(f"/plans/journal/{plan}/{digits}/").status == 404
    unfit = viewer.post("/tokens/add/", {"name": "n", "right": "see", "days": digits})
    assert unfit.status == 422
    assert "it lasts 1 to" in unfit.text


def test_double_click_starts_one_run_and_leads_both_to_it(site: Any) -> None:
    """The form's key stands for the run; odd words come back with the form as it was filled in."""
    operator = site.member("operator")
    form = operator.get("/flows/actuals-fusion/start/").text
    (key,) = re.findall(r'name="key" value="([^"]+)"', form)
    odd = operator.post(
        "/flows/actuals-fusion/start/", {"key": key, "from": "2026-13", "period": "Sep-26"}
    )
    sent = {"key": key, "dry_run": "yes", "period": "Sep-26"}
    first = operator.post("/flows/actuals-fusion/start/", sent)
    second = operator.post("/flows/actuals-fusion/start/", sent)

    assert odd.status == 422
    assert "is no month" in odd.text
    assert 'value="Sep-26"' in odd.text
    assert first.status == second.status == 302
    assert first.headers["Location"] == second.headers["Location"]
    run_id = first.headers["Location"].strip("/").rpartition("/")[2]
    with site.house() as house:
        run = house.records.runs.load_run(run_id)
        assert (run.actor, run.request) == ("operator", {"periods": ["Sep-26"], "dry_run": True})
        while house.records.runs.load_run(run_id).finished_at is None:
            assert site.visitor().get("/health/live").status == 200
        assert house.records.runs.load_run(run_id).state == "succeeded"
    retried = operator.post(f"/runs/{run_id}/resume/", {})
    assert retried.status == 422
    assert "only an interrupted or failed run goes on" in retried.text
    for act in ("resume", "retry", "cancel", "period"):
        assert site.member("approver").post(f"/runs/{run_id}/{act}/", {}).status == 403
