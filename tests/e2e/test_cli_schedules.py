"""Schedules as people see and steer them, and a server that runs what is due."""

from pathlib import Path
from typing import Any

import pytest
from tests.conftest import ACTUALS, Company, Office

from ml_connector.wiring import open_house, read_project
from ml_connector.wiring.house import House

NIGHTLY = """\
flow: actuals-fusion
when: {cron: "0 6 * * *"}
zone: Europe/Berlin
request: {dry_run: true}
blackouts: [{from: Sat 00:00, to: Mon 00:00, reason: weekend}]
"""
# The clock of these tests begins on Sunday, 2026-11-22 06:00 UTC.
MONDAY_S = 20 * 3_600


def add_schedule(root: Path, text: str = NIGHTLY, name: str = "nightly") -> None:
    """The project folder has the schedule."""
    (root / "schedules").mkdir(exist_ok=True)
    (root / "schedules" / f"{name}.yaml").write_text(text)


def test_schedules_are_listed_shown_paused_and_resumed(office: Office, typist: Any) -> None:
    """Next times local and in UTC, blackouts said, pauses by name; every form of output."""
    assert typist.type("schedules", "list").err.startswith("There is no schedule")
    add_schedule(office.root)
    (row,) = typist.type("schedules", "list", "--output", "csv").csv
    assert row == {
        "Schedule": "nightly", "Flow": ACTUALS, "When": "at 06:00", "Zone": "Europe/Berlin",
        "Next": "Mon 2026-11-23 00:00", "Next (UTC)": "2026-11-22 23:00", "Last": "",
        "Became": "", "Run": "", "State": "not served yet", "Paused by": "",
    }  # fmt: skip
    paused = typist.type("schedules", "pause", "nightly")
    assert (paused.code, paused.hints) == (
        0, ["let it go on: `ml-connector schedules resume nightly`"],
    )  # fmt: skip
    assert "paused already" in typist.type("schedules", "pause", "nightly").err
    (listed,) = typist.type("schedules", "list", "--output", "json").json
    assert listed["next"] == ""
    assert "@" in listed["paused_by"]
    shown = typist.type("schedules", "show", "nightly")
    assert "Nothing runs: paused by" in shown.err
    assert "Mon 2026-11-23 00:00" in shown.out
    assert "delayed from Sun 2026-11-22 06:00 by a blackout" not in shown.out, "it has gone by"
    assert "delayed from Sat 2026-11-28 06:00 by a blackout" in shown.out
    assert "CET +0100" in shown.out
    as_json = typist.type("schedules", "show", "nightly", "--output", "json").json
    assert len(as_json["next"]) == 10
    assert as_json["schedule"]["when"] == {"cron": "0 6 * * *"}
    resumed = typist.type("schedules", "resume", "nightly").err
    assert "Schedule nightly goes on." in resumed
    events = typist.type("audit", "export").out
    assert "schedule.paused" in events
    assert "schedule.resumed" in events
    near = typist.type("schedules", "pause", "nigtly")
    assert near.code == 2
    assert "nightly" in near.err


@pytest.mark.long
def test_trigger_runs_what_the_schedule_would_and_is_in_its_history(
    office: Office, typist: Any
) -> None:
    """At once, by the person who asked; the schedule's own time stands."""
    add_schedule(office.root)
    done = typist.type("schedules", "trigger", "nightly")
    assert done.code == 0, done.err
    run = office.newest()
    assert (run.request, "schedule" in run.actor) == ({"dry_run": True}, False)
    (row,) = typist.type("schedules", "list", "--output", "json").json
    assert (row["became"], row["next"]) == ("succeeded", "Mon 2026-11-23 00:00")
    (past,) = typist.type("schedules", "show", "nightly", "--output", "json").json["last"]
    assert past["run_id"] == run.run_id
    assert past["reason"] == f"asked for by {run.actor}"


class Served(House):
    """A server that is told to stop as soon as its run has ended."""

    told: list[str]

    def play(self) -> None:
        """Serve until a run has ended and its firing is told."""
        self.told = []
        self.serve(lambda run_id, what: self._hear(f"{run_id} {what}"), self.told.append)

    def _hear(self, text: str) -> None:
        self.told.append(text)
        if " ended as " in text:
            self.request_stop()


@pytest.fixture
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server looks ten times a second."""
    monkeypatch.setattr("ml_connector.wiring.workers.STOP_LOOK_S", 0.1)


def serve_once(office: Office) -> list[str]:
    """What a server told until its first run had ended."""
    house = Served(read_project(office.root), clock=office.clock)
    try:
        house.play()
    finally:
        house.close()
    return house.told


@pytest.mark.long
def test_server_on_sqlite_runs_what_is_due_and_catches_up_what_it_missed(
    company: Company, office: Office, quick_looks: None
) -> None:
    """The folder's schedule is taken in by the first server; the next one finds it due."""
    add_schedule(office.root, NIGHTLY.replace("request: {dry_run: true}\n", ""))
    with open_house(office.root, clock=office.clock) as house:
        house._make_look(house.engine, lambda _text: None)  # type: ignore[arg-type]  # of SQLite
    office.clock.sleep(MONDAY_S)
    told = serve_once(office)
    run = office.newest()
    assert (str(run.state), run.actor) == ("succeeded", "schedule nightly")
    assert run.run_id.startswith("261122-230000-"), "midnight in Berlin"
    assert any(f"run {run.run_id} of flow {ACTUALS}" in line for line in told)
    assert len(company.starts()) == 1
    with open_house(office.root, clock=office.clock) as house:
        (view,) = house.list_schedules()
        assert view.last is not None
        assert (view.last.run_id, view.last_state) == (run.run_id, "succeeded")
        assert view.last.reason == ("delayed from 2026-11-21 05:00 UTC by a blackout (weekend)")
        house.records.audit.verify()


CLOSE = "flow: actuals-fusion\nwhen: {on: period-closed}\nzone: Europe/Berlin\n"


@pytest.mark.long
def test_closing_in_the_erp_runs_its_period_on_a_server(
    office: Office, typist: Any, quick_looks: None
) -> None:
    """Looked at in turn, seen closed, run for that period by the schedule, told as what it was."""
    add_schedule(office.root, CLOSE, "close")
    working = CLOSE.replace("on: period-closed", "working_day: WD+2 06:00")
    add_schedule(office.root, working, "late")
    assert "waits for the ERP's calendar" in typist.type("schedules", "next", "late").err
    with open_house(office.root, clock=office.clock) as house:
        house._make_look(house.engine, lambda _text: None)  # type: ignore[arg-type]  # of SQLite
        assert house.look_at_periods() == []
        assert house.look_at_periods() == []
        (watch,) = house.list_watches()
        assert (watch.connection, watch.problem) == ("fusion-sandbox", "")
    (late,) = [
        row for row in typist.type("schedules", "list", "--output", "csv").csv
        if row["Schedule"] == "late"
    ]  # fmt: skip
    assert late["When"] == "at 06:00 on the 2nd working day after the period"
    assert (late["Next"], late["State"]) == ("Wed 2026-12-02 06:00", "on")
    office.company.erp("set_period_status", ledger="Halden US", period="Nov-26", status="C")
    office.clock.sleep(600)
    with open_house(office.root, clock=office.clock) as house:
        assert house.look_at_periods() == ["Period Nov-26 of Halden US was closed"]
        assert [one.period.name for one in house.list_waiting("close")] == ["Nov-26"]
    told = serve_once(office)
    run = office.newest()
    assert run.request == {"periods": ["Nov-26"], "ledger": "Halden US"}
    assert run.actor == "schedule close"
    assert any(run.run_id in line for line in told)
    (past,) = typist.type("schedules", "show", "close", "--output", "json").json["last"]
    assert past["reason"] == "Nov-26 of Halden US was closed"


@pytest.mark.long
def test_changed_folder_is_read_again_and_a_faulty_one_is_told(
    office: Office, typist: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New schedules and windows are taken; of faults all are told, and the old schedules stay."""
    monkeypatch.setattr("ml_connector.wiring.folder.LOOK_S", 0.0)
    add_schedule(office.root)
    told: list[str] = []
    with open_house(office.root, clock=office.clock) as house:
        look = house._make_look(house.engine, told.append)  # type: ignore[arg-type]  # of SQLite
        look()
        add_schedule(office.root, "flow: nothing\nwhen: {every: 9d}\nzone: Berlin\n", "broken")
        look()
        look()
        assert len(told) == 2, told
        for fault in ("when.every: is not like", "zone: is no time zone"):
            assert fault in house.folder_problem, house.folder_problem
        assert told[1].startswith("The old schedules go on: ")
        assert list(house.project.schedules) == ["nightly"]
        add_schedule(office.root, NIGHTLY.replace('cron: "0 6 * * *"', "every: 6h"), "broken")
        window = "connection: anaplan-sandbox\nzone: UTC\nwindows: [{from: '02:00', to: '03:00'}]\n"
        (office.root / "maintenance").mkdir()
        (office.root / "maintenance" / "anaplan.yaml").write_text(window)
        look()
        assert house.folder_problem == ""
        assert told[2:] == ["Schedule broken is new, changed or gone"]
        assert house.view_schedule("broken").next_due is not None
        assert house.project.flows.keys() >= {ACTUALS}
    (row,) = typist.type("maintenance", "list", "--output", "csv").csv
    assert (row["Window"], row["From"], row["By"]) == (
        "anaplan-1", "02:00", "maintenance/anaplan.yaml",
    )  # fmt: skip
    added = typist.type(
        "maintenance", "add", "fusion-sandbox", "--from", "2026-11-23 00:00", "--to",
        "2026-11-23 09:00", "--zone", "Europe/Berlin", "--reason", "patch",
    )  # fmt: skip
    assert added.code == 0, added.err
    shown = typist.type("schedules", "next", "nightly").out
    assert "a blackout and maintenance window (weekend; patch)" in shown
    key = added.hints[0].split()[-1].strip("`")
    assert typist.type("maintenance", "remove", key).code == 0
    assert "patch" not in typist.type("schedules", "next", "nightly").out
    wrong = typist.type("maintenance", "add", "x", "--from", "1", "--to", "2", "--zone", "Mars")
    assert wrong.code == 2
    for fault in ("there is no connection 'x'", "the beginning is", "the end is", "the zone is"):
        assert fault in wrong.err, wrong.err
    assert typist.type("maintenance", "remove", "anaplan-1").code == 2
