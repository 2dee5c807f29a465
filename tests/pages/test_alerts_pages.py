"""Alerts and connections as pages: seen, looked after, tested, refused."""

import re
from datetime import UTC, datetime
from typing import Any

from tests.fakes.alert_seeds import AWAY, CONNECTION, HOOK_FILE, plant_finding
from tests.fakes.channels import open_hook

from ml_connector.ports import RunState

WAIT_S = 60


def test_open_alerts_channels_and_rules_are_on_one_page(site: Any) -> None:
    """In words, and without any address."""
    text = site.member("viewer").get("/alerts/").text

    for part in ("unexplained difference", "summaries refused", "Members are being added.",
                 "controllers", "webhook", "There is no secret alerts/mail",
                 "20:00 to 07:00 Europe/Berlin, unless critical", "error=500"):  # fmt: skip
        assert part in text, part
    assert AWAY not in text
    assert "127.0.0.1:9" not in text
    assert "Send a test" not in text
    assert "Send again" not in text
    csv = site.member("viewer").get("/alerts/?as=csv&table=open").text
    assert 'critical,actuals-fusion: unexplained difference,"Unexplained: 1,200.50 USD."' in csv


def test_alert_says_what_happened_and_who_was_told(site: Any) -> None:
    """And only who may run things can say that they look after it."""
    where = f"/alerts/{site.samples['<str:alert_id>']}/"
    text = site.member("viewer").get(where).text
    for part in ("Unexplained: 1,200.50 USD.", "runs lines", site.run_id, "controllers"):
        assert part in text, part
    assert "I look after it" not in text
    assert "I look after it" in site.member("operator").get(where).text
    assert site.member("viewer").get("/alerts/nothing/").status == 404
    assert site.member("viewer").post(f"{where}acknowledge/", {}).status == 403


def test_alert_is_looked_after_by_one_person_who_stands_in_the_chain(site: Any) -> None:
    """A second one is refused with the first one's name, on the same page."""
    operator = site.member("operator")
    with site.house() as house:
        past = house.records.alerts.load_alerts(event="moving")[0].alert_id
    where = f"/alerts/{past}/"

    too_long = operator.post(f"{where}acknowledge/", {"remark": "x" * 501})
    first = operator.post(f"{where}acknowledge/", {"remark": "it is <b>known</b>"})
    second = operator.post(f"{where}acknowledge/", {})

    assert (too_long.status, first.status, second.status) == (422, 302, 422)
    assert "was acknowledged by operator already" in second.text
    text = site.member("viewer").get(where).text
    assert "it is &lt;b&gt;known&lt;/b&gt;" in text
    with site.house() as house:
        link = house.records.audit.find(past)[-1]
    assert (link.event, link.actor) == ("alert.acknowledged", "operator")


def test_test_button_sends_to_the_channel_and_tells_what_it_said(site: Any) -> None:
    """A message that failed is sent again by hand, when the channel is back."""
    operator = site.member("operator")
    refused = operator.post("/alerts/test/", {"channel": "controllers"})
    unknown = operator.post("/alerts/test/", {"channel": "nowhere"})
    missing = operator.post("/alerts/test/", {"channel": "approvers"})
    assert (refused.status, unknown.status, missing.status) == (422, 422, 422)
    assert "did not take the message" in refused.text
    assert "There is no channel" in unknown.text
    with open_hook() as hook:
        (site.project / HOOK_FILE).write_text(hook.url, encoding="utf-8")
        assert operator.post("/alerts/test/", {"channel": "controllers"}).status == 302
        (site.project / HOOK_FILE).write_text(AWAY, encoding="utf-8")

    assert [one["title"] for one in hook.got][:1] == ["ml-connector: test"]
    page = operator.get("/alerts/").text
    (number,) = set(re.findall(r'name="number" value="(\d+)"', page)) or {"0"}
    assert operator.post("/alerts/again/", {"number": number}).status == 302
    assert operator.post("/alerts/again/", {"number": "not one"}).status == 302


def test_all_alerts_are_found_by_event_and_subject(site: Any) -> None:
    """The address can be pasted into a ticket."""
    viewer = site.member("viewer")

    failed = viewer.get("/alerts/past/?event=failed&subject=actuals-fusion").text
    nothing = viewer.get("/alerts/past/?event=outage").text

    assert "run failed</a>" in failed
    assert "unexplained difference</a>" not in failed
    assert "There was no such alert." in nothing


def test_connections_tell_what_was_found_and_what_is_left(site: Any) -> None:
    """Names of secrets, never their texts."""
    viewer = site.member("viewer")
    with site.house() as house:
        plant_finding(house, at=datetime.now(UTC))
    before = viewer.get(f"/connections/{CONNECTION}/").text
    assert "Let the user&#x27;s role see its actions." in before
    assert site.member("operator").post(f"/connections/{CONNECTION}/test/", {}).status == 302
    text = viewer.get("/connections/").text
    one = viewer.get(f"/connections/{CONNECTION}/").text

    for part in ("Requests at this moment", "Who writes", "Stored secrets", "never tested"):
        assert part in text, part
    for part in ("imports of the model", "Logs in with", "secret:", "Requests of the last minute"):
        assert part in one, part
    assert "Test it now" not in one
    assert "Rotate the key" not in text
    assert "Rotate the key" in site.member("admin").get("/connections/").text
    assert viewer.get("/connections/nothing/").status == 404
    with site.house() as house:
        plain = [house.vault.read_secret(f"secret:{row.name}") for row in house.list_secrets()]
    assert not [secret for secret in plain if secret in text + one]
    picture = viewer.get(
        re.findall(r'<img src="(\?[^"]+)"', one)[0]
        .replace("?", f"/connections/{CONNECTION}/?", 1)
        .replace("&amp;", "&")
    )
    assert picture.headers["Content-Type"] == "image/svg+xml"


def test_connection_is_tested_from_its_page_and_the_finding_is_kept(site: Any) -> None:
    """By who may run things; the page of before asks no other system."""
    operator = site.member("operator")

    answer = operator.post(f"/connections/{CONNECTION}/test/", {})

    assert answer.status == 302
    with site.house() as house:
        test = house.records.connections.load_tests(CONNECTION, limit=1)[0]
    assert (test.actor, test.is_whole) == ("operator", True)
    assert {"reach", "log-in", "rights"} <= {one.subject for one in test.checks}
    assert operator.post("/connections/nothing/test/", {}).status == 404
    assert site.member("viewer").post(f"/connections/{CONNECTION}/test/", {}).status == 403
    assert operator.post("/connections/rotate/", {}).status == 403


def test_server_raises_and_sends_by_itself(site: Any) -> None:
    """A run that ended beside it is told within seconds, by a thread of its own."""
    with open_hook() as hook:
        (site.project / HOOK_FILE).write_text(hook.url, encoding="utf-8")
        with site.house() as house:
            runs = house.records.runs
            runs.create_run(
                run_id="261122-000000-told", flow="told", kind="actuals", actor="kim", request={}
            )
            runs.save_run(
                "261122-000000-told", RunState.FAILED,
                error={"code": "unavailable", "refused": "It is away.", "written": "Nothing."},
            )  # fmt: skip
        assert hook.arrived.wait(WAIT_S)
        (site.project / HOOK_FILE).write_text(AWAY, encoding="utf-8")

    # Others that are due at the same moment leave in the same message.
    assert "told: run failed" in "\n".join(f"{one['title']}\n{one['message']}" for one in hook.got)
    assert "told: run failed" in site.member("viewer").get("/alerts/").text
