"""What each operation that writes is called with so that it succeeds, and what is so afterwards."""

import base64
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.api.writer import Story, Writer
from tests.conftest import BridgedClock, call_control
from tests.fakes.alert_seeds import HOOK_FILE
from tests.fakes.channels import open_hook
from tests.fakes.decision_seeds import make_journal, plant_refusals
from tests.pages.conftest import PASSWORD

from ml_connector.domain.alerts import AlertEvent, Severity
from ml_connector.ports.alerts import NewAlert

FLOW, LISTS, BUDGETS = "actuals-fusion", "dimensions-fusion", "budgets-jde"
CAUSE = "The list Accounts of the model has no member 7777"
STORIES: dict[Story, tuple[str, ...]] = {}
"""Each with the operations that succeed in it, in the order in which they are told."""


def succeed(*operations: str) -> Callable[[Story], Story]:
    """In this story these operations succeed."""

    def keep(story: Story) -> Story:
        STORIES[story] = operations
        return story

    return keep


@succeed("reconciliation_sign_off", "reconciliation_withdraw")
def sign(writer: Writer) -> None:
    """A signature is taken back and given anew, by who has run nothing."""
    (held,) = [one for one in writer.read("/reconciliation/sign-offs")["items"] if not _over(one)]
    with writer.site.house() as house:
        rights = list(house.records.people.find_person("approver").rights)
        _, token = house.make_token("signs", rights=rights, person="approver")
    path = f"/reconciliation/sign-offs?flow={held['flow']}&period={held['period']}"
    taken = writer.write(
        "reconciliation_withdraw", {"reason": "Too early."}, sign_off_id=held["sign_off_id"]
    )
    assert (taken["withdrawn_by"], taken["reason"]) == ("everything", "Too early.")
    told = {name: held[name] for name in ("flow", "period", "ledger")}
    given = writer.write(
        "reconciliation_sign_off", {**told, "comment": "Tied out \u2013 w\u00f6rtlich."},
        token=token,
    )  # fmt: skip
    newest = writer.read(path)["items"][0]
    assert newest == given
    assert newest["number"] == held["number"] + 1


@succeed("people_add_person", "people_save_roles", "people_save_active", "people_save_password",
         "people_bind_account", "people_free_account", "people_reset_factor",
         "people_free_identities")  # fmt: skip
def look_after_a_person(writer: Writer) -> None:
    """Somebody comes, is known here and elsewhere, and goes."""
    name = "juergen.o-neill"
    body = {
        "name": name, "password": PASSWORD, "roles": ["viewer"], "email": "j@halden.example",
        "display_name": "J\u00fcrgen O'Neill",
    }  # fmt: skip
    made = writer.write("people_add_person", body)
    assert (made["name"], made["display_name"]) == (name, body["display_name"])
    writer.write("people_save_roles", {"roles": ["mapper", "approver"]}, name=name)
    writer.write("people_save_password", {"password": f"{PASSWORD} again"}, name=name)
    assert writer.site.visitor().sign_in(name, f"{PASSWORD} again").status == 302
    writer.write("people_save_active", {"is_active": False}, name=name)
    bound = writer.write("people_bind_account", {"account": "jo@build"}, name=name)
    assert bound["accounts"] == ["jo@build"]
    assert writer.write("people_free_account", {"account": "jo@build"}, name=name)["accounts"] == []
    with writer.site.house() as house:
        house.records.factors.create_factor(name)
        house.records.factors.confirm_factor(name, ["digest"])
        house.records.identities.save_identity(name, issuer="https://id.example", subject="7")
    path = f"/people/{name}"
    before = writer.read(path)
    assert (before["second_factor_at"] is None, before["issuers"]) == (
        False,
        ["https://id.example"],
    )
    assert writer.write("people_reset_factor", name=name)["second_factor_at"] is None
    assert writer.write("people_free_identities", name=name)["issuers"] == []
    told = writer.read(path)
    assert (told["roles"], told["is_active"], told["issuers"]) == (
        ["approver", "mapper"],
        False,
        [],
    )
    assert writer.site.visitor().sign_in(name, f"{PASSWORD} again").status != 302


@succeed("tokens_make_token", "tokens_revoke_token")
def make_a_token(writer: Writer) -> None:
    """By somebody at a page; it opens what it was made for until it is taken back."""
    viewer = writer.site.member("viewer")
    body = {"name": "a sheet", "rights": ["see"], "days": 7}
    made = writer.write("tokens_make_token", body, visitor=viewer)
    shown = {"Authorization": f"Bearer {made['secret']}"}
    assert writer.site.visitor().call("GET", "/people/me", **shown).status == 200
    number = made["token"]["token_id"]
    assert writer.write("tokens_revoke_token", token_id=number)["revoked_by"] == "everything"
    assert writer.site.visitor().call("GET", "/people/me", **shown).status == 401
    assert number in {one["token_id"] for one in writer.read("/tokens?limit=200")["items"]}


@succeed("secrets_rotate")
def rotate(writer: Writer) -> None:
    """Every secret is wrapped anew, and the systems are still logged in to."""
    before = {one["name"]: one["key_id"] for one in writer.read("/secrets?limit=200")["items"]}
    assert writer.write("secrets_rotate")["secrets"] >= len(before)
    after = {one["name"]: one["key_id"] for one in writer.read("/secrets?limit=200")["items"]}
    assert before.keys() == after.keys()
    assert not set(before.values()) & set(after.values())


@succeed("connections_test_connection")
def try_a_connection(writer: Writer) -> None:
    """Its system was asked, and what it said is kept."""
    found = writer.write("connections_test_connection", name="anaplan-sandbox")
    newest = writer.read("/connections/anaplan-sandbox/tests?limit=1")["items"][0]
    assert (newest["actor"], newest["at"]) == ("everything", found["at"])
    assert "log-in" in {one["subject"] for one in found["checks"]}, found


@succeed("alerts_acknowledge", "alerts_send_again", "alerts_test_channel")
def look_after_alerts(writer: Writer) -> None:
    """One is looked after; a message that failed waits anew; a channel takes a test."""
    with writer.site.house() as house:
        alert = house.records.alerts.record_alert(
            NewAlert(
                event=AlertEvent.DRIFT, severity=Severity.INFO, subject=FLOW, cause="", key="story",
                title="Drift", happened=("It has.",), run_id=writer.site.run_id,
                at=datetime.now(UTC), written="", next_step="Look.",
            )
        )  # fmt: skip
        failed = [one for one in house.records.alerts.load_deliveries() if _failed(one)][-1]
    number = alert.alert_id
    writer.write("alerts_acknowledge", {"remark": "I call them."}, alert_id=number)
    told = writer.read(f"/alerts/{number}")
    assert (told["acknowledged_by"], told["remark"]) == ("everything", "I call them.")
    again = writer.write("alerts_send_again", number=failed.number)
    assert again == {"number": failed.number, "is_waiting": True}
    file = writer.site.project / HOOK_FILE
    kept = file.read_text(encoding="utf-8")
    with open_hook() as hook:
        file.write_text(hook.url, encoding="utf-8")
        try:
            writer.write("alerts_test_channel", name="controllers")
        finally:
            file.write_text(kept, encoding="utf-8")
    assert any("test" in str(one) for one in hook.got)
    sent = writer.read("/alerts/messages?limit=1")["items"][0]
    assert (sent["channel"], sent["kind"], sent["state"]) == ("controllers", "test", "sent")


@succeed("maintenance_add_window", "maintenance_remove_window")
def keep_a_window(writer: Writer) -> None:
    """Added by a person, and taken back."""
    body = {
        "connection": "anaplan-sandbox", "begins": "Sat 22:00", "ends": "Sun 02:00",
        "zone": "Europe/Berlin", "reason": "patch \u2713",
    }  # fmt: skip
    made = writer.write("maintenance_add_window", body)
    assert made in writer.read("/maintenance")["items"]
    assert writer.write("maintenance_remove_window", key=made["key"]) == made
    assert made not in writer.read("/maintenance")["items"]


@succeed("mapping_explain", "mapping_edits_keep", "mapping_edits_add_rule",
         "mapping_edits_change_rule", "mapping_edits_end_rule", "mapping_edits_remove_rule",
         "mapping_edits_preview", "mapping_edits_import_rules",
         "mapping_edits_restore")  # fmt: skip
def change_rules(writer: Writer) -> None:
    """Each change is a version; a file replaces them; the file keeps them at last, as before."""

    def number() -> int:
        return int(writer.read(f"/mapping/{FLOW}")["number"])

    def write(operation: str, body: dict[str, Any], **names: Any) -> Any:
        return writer.write(f"mapping_edits_{operation}", body, flow=FLOW, **names)

    facts = {"facts": {"account": "11010", "entity": "110"}, "on": "2026-10-31"}
    asked = writer.write("mapping_explain", facts, flow=FLOW)
    assert {one["dimension"]: one["target"] for one in asked["items"]}["account"] == "11010"
    if writer.read(f"/mapping/{FLOW}")["is_kept"]:  # Another test has tried just that.
        write("keep", {"where": "file", "based_on": number()})
    was = writer.read(f"/mapping/{FLOW}/rules")["csv"]
    begun = write("keep", {"where": "records", "comment": "here"})
    assert begun["is_kept"]
    rule = {
        "dimension": "account",
        "when": "account=68010",
        "target": "6801",
        "note": '\u20ac, "x"',
    }
    assert "68010" in write("add_rule", rule)["csv"]
    entries = writer.read(f"/mapping/{FLOW}/entries")["items"]
    (place,) = [one["place"] for one in entries if one["when"] == "account=68010"]
    write("change_rule", {**rule, "target": "6802", "based_on": number()}, place=place)
    write("end_rule", {"on": "2026-12-31", "based_on": number()}, place=place)
    changed = writer.read(f"/mapping/{FLOW}/entries")["items"][place]
    assert (changed["target"], changed["valid_to"], changed["note"]) == (
        "6802", "2026-12-31", rule["note"],
    )  # fmt: skip
    with_it = writer.read(f"/mapping/{FLOW}/rules")["csv"]
    write("remove_rule", {"based_on": number(), "comment": "not needed"}, place=place)
    assert writer.read(f"/mapping/{FLOW}/rules")["csv"] == was
    shown = write("preview", {"csv": with_it})
    assert [(one["how"], one["when"]) for one in shown["changes"]] == [("added", "account=68010")]
    book = writer.site.visitor().call(
        "GET", f"/mapping/{FLOW}/workbook", Authorization=f"Bearer {writer.token}"
    )
    same = write("preview", {"workbook": base64.b64encode(book.content).decode()})
    assert same["count"] == 0
    write("import_rules", {"csv": with_it, "based_on": number()})
    assert writer.read(f"/mapping/{FLOW}/rules")["csv"] == with_it
    write("restore", {"based_on": number(), "comment": "back"}, number=begun["number"])
    assert writer.read(f"/mapping/{FLOW}/rules")["csv"] == was
    assert not write("keep", {"where": "file", "based_on": number()})["is_kept"]
    assert not writer.read(f"/mapping/{FLOW}")["is_kept"]


@succeed("schedules_resume", "schedules_pause", "schedules_trigger")
def hold_a_schedule(writer: Writer) -> None:
    """It goes on, is held again, and runs by hand."""
    assert writer.write("schedules_resume", name=FLOW)["next_due"]
    assert writer.read(f"/schedules/{FLOW}")["paused_by"] == ""
    assert writer.write("schedules_pause", name=FLOW)["paused_by"] == "everything"
    assert writer.read(f"/schedules/{FLOW}")["next_due"] is None
    run = writer.follow(writer.write("schedules_trigger", name=FLOW, call="by hand"))
    assert (run["state"], run["request"]["dry_run"]) == ("succeeded", True)


@succeed("flows_start_run", "runs_retry", "runs_run_period", "runs_apply_plan", "flows_replay")
def run_flows(writer: Writer) -> None:
    """Each call queues a run of what was asked for, which ends."""
    first = writer.write("flows_start_run", {"dry_run": True}, name=LISTS)
    assert writer.follow(first)["state"] == "succeeded"
    again = writer.follow(writer.write("runs_retry", run_id=first["run_id"], call="again"))
    assert again["request"] == first["request"]
    assert again["run_id"] != first["run_id"]
    member = writer.read(f"/runs/{writer.site.run_id}")["summary"]["periods"][-1]
    whole = writer.write("runs_run_period", {"period": member}, run_id=writer.site.run_id)
    assert writer.follow(whole)["request"] == {"members": [member]}
    plan = writer.read(f"/runs/{writer.site.run_id}/plan")["plan"]
    applied = writer.write("runs_apply_plan", run_id=writer.site.run_id)
    assert writer.follow(applied)["request"]["apply"] == plan
    with writer.site.house() as house:
        plant_refusals(house, run_id=writer.site.run_id, count=1, cause=CAUSE)
    sent = writer.follow(writer.write("flows_replay", {"causes": [CAUSE]}, name=FLOW))
    assert sent["request"]["chosen"] == {"causes": [CAUSE]}
    left = writer.read(f"/refused?flow={FLOW}&limit=200")["items"]
    assert CAUSE not in {one["cause"] for one in left}, (left, sent["summary"])


@succeed("runs_stop", "runs_resume", "runs_cancel")
def stop_runs(writer: Writer) -> None:
    """What is executed stops at its next step, goes on, or is put away."""
    from ml_connector.ports import RunState  # noqa: PLC0415 - only tests that ask pay.

    for begun in ("begun", "begun-anew"):
        with writer.site.house() as house:
            house.records.runs.create_run(
                run_id=begun, flow=LISTS, kind="dimensions", actor="operator",
                request={"dry_run": True},
            )  # fmt: skip
            house.records.runs.save_run(begun, RunState.INTERRUPTED)
        if begun == "begun":
            assert writer.write("runs_cancel", run_id=begun)["state"] == "cancelled"
            assert writer.read("/runs/begun")["state"] == "cancelled"
        else:
            writer.write("runs_resume", run_id=begun)
            assert writer.follow({"run_id": begun})["state"] == "succeeded"
    with writer.site.house() as house:
        house.records.runs.create_run(
            run_id="executed", flow=BUDGETS, kind="budget", actor="operator", request={}
        )
        house.records.runs.save_run("executed", RunState.RUNNING)
        writer.write("runs_stop", run_id="executed")
        assert house.records.runs.load_run("executed").stop_asked_by == "everything"
        house.records.runs.save_run("executed", RunState.CANCELLED)


@succeed("unmapped_assign", "unmapped_place_again")
def place_values(writer: Writer) -> None:
    """Somebody looks after a value; its periods are placed again."""
    from ml_connector.flows.bench import store_document  # noqa: PLC0415 - as above.
    from ml_connector.ports.unmapped import PlacedRow, UnmappedSum  # noqa: PLC0415 - as above.

    member = writer.read(f"/runs/{writer.site.run_id}")["summary"]["periods"][-1]
    value = {"flow": FLOW, "dimension": "account", "value": "68/999 \u00e4"}
    with writer.site.house() as house:
        placed = PlacedRow(
            flow=FLOW, member=member, mapping_hash="h", run_id=writer.site.run_id,
            at=datetime(2026, 11, 22, tzinfo=UTC),
            document=store_document(house.archive, {"placed": [], "rules": [], "left_out": 0}),
        )  # fmt: skip
        told = UnmappedSum(
            dimension="account", fact="account", value=value["value"], ledger="Halden US",
            period="Oct-26", currency="USD", debit=Decimal("12345.60"), credit=Decimal(0), lines=3,
            facts={"account": value["value"]}, on=date(2026, 10, 14),
        )  # fmt: skip
        house.records.unmapped.save_placed(placed, [told])
    body = {**value, "owner": "viewer", "note": "asked"}
    assert writer.write("unmapped_assign", body)["owner"] == "viewer"
    (held,) = writer.read("/unmapped?owner=viewer")["items"]
    assert (held["value"], held["note"]) == (value["value"], "asked")
    run = writer.follow(writer.write("unmapped_place_again", value))
    assert member in run["request"]["members"]
    assert writer.read("/unmapped?owner=viewer")["items"] == [], run


@succeed("postings_settle", "plans_approve", "postings_reverse", "plans_reject")
def decide(writer: Writer) -> None:
    """A posting is looked for; a budget is approved by another, posted, and left so."""
    desk = _open_books(writer)
    posting = _plant_sent(writer)
    with writer.site.house() as house:
        rights = list(house.records.people.find_person("approver").rights)
        _, token = house.make_token("decides", rights=rights, person="approver")
    settled = writer.write("postings_settle", key=posting.lower())
    assert settled["seen"] == "absent (no document)"
    assert writer.read(f"/postings/{posting}") == settled["posting"]
    assert settled["posting"]["state"] == "refused"

    before = desk.held()
    asked = writer.follow(writer.write("flows_start_run", {}, name=BUDGETS))
    assert asked["state"] == "waiting for approval", asked
    (plan,) = writer.read(f"/plans?flow={BUDGETS}")["items"]
    approved = writer.write("plans_approve", {"reason": "\u2713"}, plan=plan["plan"], token=token)
    assert approved["plan"]["state"] == "approved"
    assert writer.follow(approved["run"])["state"] == "succeeded"
    assert writer.read(f"/plans/{plan['plan']}")["state"] == "applied"
    posted = desk.held()
    assert posted != before
    (sent,) = writer.read(f"/postings?flow={BUDGETS}&state=confirmed")["items"]

    back = writer.follow(writer.write("postings_reverse", key=sent["posting_key"], call="back"))
    assert back["request"] == {"reverse": sent["posting_key"]}
    (plan,) = writer.read(f"/plans?flow={BUDGETS}")["items"]
    writer.write("plans_reject", {"reason": "It is right."}, plan=plan["plan"], token=token)
    told = writer.read(f"/plans/{plan['plan']}")
    assert (told["state"], told["run_id"]) == ("rejected", back["run_id"])
    assert [(one["actor"], one["reason"]) for one in told["decisions"]] == [
        ("approver", "It is right.")
    ]
    assert desk.held() == posted


def _open_books(writer: Writer) -> Any:
    """The books as on their first day, and a budget in the model that differs from them."""
    from tests.fakes.budget_desk import build_budget_desk  # noqa: PLC0415 - as above.

    call_control(writer.company.jde, "POST", "reset", {})
    desk = build_budget_desk(writer.company, writer.site.project)
    spare = {(place, "Oct 26"): Decimal("1250.50") for place in desk.places[:2]}
    desk.plan({**desk.held(), **spare})
    return desk


def _plant_sent(writer: Writer) -> str:
    """A posting that was sent a day ago and never arrived."""
    from ml_connector.flows.bench import store_document  # noqa: PLC0415 - as above.
    from ml_connector.flows.writing.journals import render_journal  # noqa: PLC0415 - as above.
    from ml_connector.ports import Posting  # noqa: PLC0415 - as above.
    from ml_connector.wiring import open_house  # noqa: PLC0415 - as above.

    journal, key = make_journal(9), "PLANTED9"
    clock = BridgedClock(writer.company.fusion, at=datetime.now(UTC) - timedelta(days=1))
    with open_house(writer.site.project, clock=clock) as house:
        plan = store_document(house.archive, {"address": f"{writer.company.jde} JPY920"})
        house.records.postings.make_posting(
            Posting(
                posting_key=key, flow=BUDGETS, run_id=writer.site.run_id, plan_hash=plan,
                connection="jde-sandbox", kind="journal", subject=journal.subject, generation=1,
                content_hash=store_document(house.archive, render_journal(journal)), totals={},
                made_at=clock.now(),
            )
        )  # fmt: skip
        house.records.postings.mark_sent(key, last=None)
    return key


def _over(one: dict[str, Any]) -> bool:
    return one["withdrawn_at"] is not None


def _failed(one: Any) -> bool:
    return str(one.state) == "failed" and one.alert is not None
