"""Schedules as pages: what comes and why not, what came, pauses, and maintenance by people."""

import re
from typing import Any

import pytest
from tests.fakes.schedule_seeds import HELD

PLACE = f"/schedules/{HELD}/"


def read_text(page: str) -> str:
    """What the page says, without its marks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_list_tells_when_in_words_and_who_paused(site: Any) -> None:
    """Every schedule of the folder, off ones too, and the maintenance of files."""
    text = read_text(site.member("viewer").get("/schedules/").text)
    for told in (
        "at 05:00", "when a period is closed", "at 06:00 on the 2nd working day after the month",
        "paused", "off", "monthly patch", "maintenance/fusion.yaml", "Europe/Berlin",
    ):  # fmt: skip
        assert told in text, told
    assert "Say when a system is away" not in text, "a viewer changes nothing"
    listed = site.member("viewer").get("/schedules/?as=csv").text
    assert listed.splitlines()[0].startswith("\ufeffSchedule,State,When,Next,Last")


def test_schedule_tells_its_next_ten_and_what_holds_them(site: Any) -> None:
    """Ten runs, and between them the times that a day off drops or a window delays, said why."""
    rows = site.member("viewer").get(f"{PLACE}?as=csv&table=next").text.splitlines()[1:]
    assert sum(",runs," in row for row in rows) == 10
    assert any(",skipped," in row and "a day off (" in row for row in rows)
    assert any("delayed from Fri" in row and "a blackout (backup)" in row for row in rows)


def test_past_tells_each_end_and_leads_to_the_run(site: Any) -> None:
    """A run's state stands for its firing; what had none says why."""
    page = site.member("viewer").get(PLACE).text
    assert f'href="/runs/{site.run_id}/"' in page
    text = read_text(page)
    for told in ("succeeded", "missed", "skipped", "refused", "mappings/rules.csv is gone"):
        assert told in text, told
    older = site.member("viewer").get(f"{PLACE}?before=2026-11-04T00:00:00Z").text
    assert "succeeded" not in read_text(older)
    assert site.member("viewer").get(f"{PLACE}?before=nonsense").status == 200
    assert site.member("viewer").get("/schedules/nothing/").status == 404


def test_operator_lets_it_go_on_and_pauses_it_and_the_chain_knows(site: Any) -> None:
    """A viewer may not; each change names who made it."""
    operator = site.member("operator")
    assert site.member("viewer").post(f"{PLACE}resume/", {}).status == 403
    assert operator.post(f"{PLACE}resume/", {}).headers["Location"] == PLACE
    assert "paused by" not in read_text(operator.get(PLACE).text).lower()
    assert operator.post(f"{PLACE}pause/", {}).status == 302
    assert "Paused by operator" in read_text(operator.get(PLACE).text)
    with site.house() as house:
        told = [(one.event, one.actor) for one in house.records.audit.find(HELD)]
    assert told.count(("schedule.paused", "operator")) == 1
    assert ("schedule.resumed", "operator") in told


def test_maintenance_is_said_and_taken_back_by_people(site: Any) -> None:
    """All faults of a window at once, with what was typed; one of a file stays."""
    operator = site.member("operator")
    bad = {"connection": "elsewhere", "from": "noon", "to": "02:00", "zone": "Berlin"}
    answer = operator.post("/schedules/maintenance/add/", bad)
    text = read_text(answer.text)
    assert answer.status == 422
    for told in ("there is no connection", "elsewhere", "the beginning is neither like", "noon",
                 "the zone is no time zone; did you mean Europe/Berlin"):  # fmt: skip
        assert told in text or told in answer.text, told
    good = {"connection": "anaplan-sandbox", "from": "Sat 22:00", "to": "Sun 02:00", "zone": "UTC",
            "reason": "release <7>"}  # fmt: skip
    assert operator.post("/schedules/maintenance/add/", good).status == 302
    assert "release &lt;7&gt;" in operator.get("/schedules/").text
    assert "release &lt;7&gt;" in operator.get(PLACE).text, "its flow needs the connection"
    with site.house() as house:
        (row,) = [one for one in house.list_maintenance() if not one.is_filed]
        assert row.added_by == "operator"
    assert operator.post("/schedules/maintenance/remove/", {"window": row.key}).status == 302
    for key in (row.key, "fusion-1"):
        refused = operator.post("/schedules/maintenance/remove/", {"window": key})
        assert refused.status == 422, key
    assert "maintenance/fusion.yaml" in refused.text
    with site.house() as house:
        events = {one.event for one in house.records.audit.find("anaplan-sandbox")}
    assert {"maintenance.added", "maintenance.removed"} <= events


@pytest.mark.long
def test_schedule_is_run_now_once_for_each_form(site: Any) -> None:
    """The page of its run is next, and the firing says who asked; the same form makes no second."""
    operator = site.member("operator")
    first = operator.post(f"{PLACE}trigger/", {"key": "form-1"})
    assert first.status == 302, first.text
    again = operator.post(f"{PLACE}trigger/", {"key": "form-1"})
    assert again.headers["Location"] == first.headers["Location"]
    with site.house() as house:
        (asked,) = [row for row, _ in house.list_past(HELD) if row.actor == "operator"]
        assert first.headers["Location"] == f"/runs/{asked.run_id}/"
        assert asked.request == {"dry_run": True}
