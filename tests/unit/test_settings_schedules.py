"""Schedules of a project folder: typed, or every fault at once."""

from pathlib import Path

import pytest

from ml_connector.settings import ProjectFaultsError, load_project
from ml_connector.settings.loading import Project
from ml_connector.settings.schedules import find_window_faults
from ml_connector.settings.schema import render_schema

FLOW = """\
kind: dimensions
source: erp
target: plan
lists: [{list: Accounts, load: Load, from: accounts}]
"""
NIGHTLY = """\
flow: members
when: {cron: "0 6 * * MON-FRI"}
zone: Europe/Berlin
request: {dry_run: true}
catch_up: none
blackouts:
  - {from: Fri 22:00, to: Sun 06:00, reason: weekend}
  - {from: 2026-12-24 18:00, to: 2026-12-27}
in_blackout: skip
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project folder with a flow and one schedule."""
    for name, text in {
        "ml-connector.yaml": "",
        "flows/members.yaml": FLOW,
        "schedules/nightly.yaml": NIGHTLY,
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def load(folder: Path, **environment: str) -> Project:
    """The folder; its connections do not matter here."""
    from pydantic import BaseModel  # noqa: PLC0415 - a stand-in for any connection.

    class Any(BaseModel):
        kind: str

    for name, kind in (("erp", "fusion"), ("plan", "anaplan")):
        (folder / "connections").mkdir(exist_ok=True)
        (folder / "connections" / f"{name}.yaml").write_text(f"kind: {kind}\n")
    models = {"fusion": Any, "anaplan": Any}
    return load_project(folder, connection_models=models, environment=environment)


def faults_of(folder: Path, text: str) -> str:
    """What is said of a schedule that reads so."""
    (folder / "schedules" / "nightly.yaml").write_text(text)
    with pytest.raises(ProjectFaultsError) as caught:
        load(folder)
    return "\n".join(fault.render() for fault in caught.value.faults)


def test_schedule_is_read_with_name_defaults_and_origins(folder: Path) -> None:
    """Its file gives the name; the environment overrules a key, and `config show` says so."""
    project = load(folder, ML_CONNECTOR__SCHEDULES__NIGHTLY__ENABLED="false")
    schedule = project.schedules["nightly"]
    assert (schedule.name, schedule.flow, schedule.zone) == ("nightly", "members", "Europe/Berlin")
    assert schedule.when.cron == "0 6 * * MON-FRI"
    assert (schedule.request.dry_run, schedule.request.remap) == (True, False)
    assert [one.begins for one in schedule.blackouts] == ["Fri 22:00", "2026-12-24 18:00"]
    assert not schedule.enabled
    shown = {one.key: (one.value, one.origin) for one in project.list_values()}
    assert shown["schedules.nightly.when.cron"] == (
        "0 6 * * MON-FRI", "schedules/nightly.yaml:2",
    )  # fmt: skip
    assert shown["schedules.nightly.enabled"][1].startswith("environment ")
    again = type(schedule).model_validate(schedule.model_dump(mode="json", by_alias=True))
    assert again == schedule, "what the records keep is read back alike"


def test_every_fault_of_a_schedule_is_told_at_once(folder: Path) -> None:
    """Flow, times, zone, request and windows: nobody corrects one only to be told the next."""
    told = faults_of(
        folder,
        "flow: actuals\nwhen: {cron: 0 25 * * *}\nzone: Berlin\ncatch_up: some\nevery: 3\n"
        "blackouts:\n  - {from: Fri 22:00, to: 2026-12-24}\n  - {from: Freitag, to: Sun 06:00}\n"
        "  - {from: Sun 06:00, to: Sun 06:00}\n  - {from: 2026-12-24, to: 2026-12-23}\n"
        "  - {from: 2026-01-01, to: 2027-06-01}\n  - {from: 2026-01-01 10:00Z, to: 2026-01-02}\n",
    )
    for expected in (
        "schedules/nightly.yaml:2 when.cron: is no cron expression",
        "schedules/nightly.yaml:3 zone: is no time zone; did you mean Europe/Berlin",
        "catch_up: is none of the values allowed",
        "every: is no known key",
        "blackouts[0]: begins and ends by the same kind",
        "blackouts[1].from: is neither like",
        "blackouts[2]: ends where it begins",
        "blackouts[3]: ends before it begins",
        "blackouts[4]: is longer than 366 days",
        "blackouts[5].from: is a time of the schedule's own zone",
    ):
        assert expected in told, told


def test_schedule_names_a_flow_there_is_and_asks_what_it_takes(folder: Path) -> None:
    """A typing error in the flow, or a request its kind does not know, is found before it is due.

    A flow whose own file is refused is one fault, not two.
    """
    told = faults_of(folder, NIGHTLY.replace("flow: members", "flow: member"))
    assert "flow: is no flow; seen 'member'; allowed: members" in told
    told = faults_of(folder, NIGHTLY.replace("dry_run", "reconcile"))
    assert "request.reconcile: is nothing a dimensions flow takes" in told
    (folder / "flows" / "members.yaml").write_text("kind: nothing\n")
    assert "schedules/" not in faults_of(folder, NIGHTLY)


@pytest.mark.parametrize(
    ("cron", "problem"),
    [
        ("@daily", "has not five fields"),
        ("0 0 6 * * *", "has not five fields"),
        ("R R * * *", "field that is not understood: R"),
        ("H 3 * * *", "field that is not understood: H"),
        ("0 6 * * MON;TUE", "field that is not understood: MON;TUE"),
        ("0 0 30 2 *", "never comes"),
        ("61 * * * *", "is no cron expression"),
        ("0 6 * * MUN", "is no cron expression"),
    ],
)
def test_cron_is_refused_when_it_has_no_sure_meaning(folder: Path, cron: str, problem: str) -> None:
    """Seconds, drawn numbers, names of nothing and days there are not."""
    assert problem in faults_of(folder, NIGHTLY.replace("0 6 * * MON-FRI", cron))


def test_schedule_without_a_time_or_zone_is_refused(folder: Path) -> None:
    """A time zone is never guessed from the machine, and `when` names just one kind of time."""
    told = faults_of(folder, "flow: members\nwhen: {}\n")
    assert "when: names no kind of time: give `cron`" in told
    assert "zone: is missing" in told


def test_editor_is_offered_the_schedule_keys() -> None:
    """The file's own name stands for `name`, so nobody is asked for it."""
    schema = render_schema()["schedule.schema.json"]
    assert schema["required"] == ["flow", "when", "zone"]
    assert {"catch_up", "blackouts", "in_blackout", "enabled"} <= set(schema["properties"])


CALENDAR = """\
country: DE
subdivision: BY
weekdays: [Mon, Tue, Wed, Thu, Fri]
holidays: [{from: 2026-12-28, to: 2026-12-31, reason: works holiday}]
working: [2026-12-19]
"""
MAINTENANCE = "connection: plan\nzone: UTC\nwindows: [{from: '02:00', to: '03:00'}]\n"


def test_schedule_names_a_calendar_of_the_folder(folder: Path) -> None:
    """It is read with the schedules; what the records keep holds it whole and is read back."""
    from ml_connector.flows.timetables import (  # noqa: PLC0415 - the settings know nothing of it.
        parse_definition,
        render_definition,
    )

    (folder / "calendars").mkdir()
    (folder / "calendars" / "germany.yaml").write_text(CALENDAR)
    (folder / "calendars" / "README.md").write_text("Not one of them.")
    late = NIGHTLY.replace('cron: "0 6 * * MON-FRI"', "working_day: WD+2 06:00, of: months")
    (folder / "schedules" / "nightly.yaml").write_text(f"{late}calendar: germany\n")
    project = load(folder)
    schedule, calendar = project.schedules["nightly"], project.calendars["germany"]
    assert [one.isoformat() for one in calendar.working] == ["2026-12-19"]
    assert len(calendar.holidays[0].list_days()) == 4
    kept = render_definition(schedule, calendar)
    assert kept["when"] == {"working_day": "WD+2 06:00", "of": "months"}
    assert (parse_definition(kept).schedule, parse_definition(kept).calendar) == (
        schedule, calendar,
    )  # fmt: skip
    told = faults_of(folder, f"{NIGHTLY}calendar: france\n")
    assert "calendar: is no calendar; seen 'france'; allowed: germany" in told
    (folder / "calendars" / "germany.yaml").write_text("country: DX\n")
    told = faults_of(folder, f"{NIGHTLY}calendar: germany\n")
    assert "names no country by its ISO code: DX" in told
    assert "schedules/" not in told, "a calendar that is refused is one fault"


def test_definition_of_a_plain_schedule_is_as_releases_before_wrote_it(folder: Path) -> None:
    """An upgrade changes no schedule, so that what it missed meanwhile is caught up."""
    from ml_connector.flows.timetables import render_definition  # noqa: PLC0415 - as above.

    kept = render_definition(load(folder).schedules["nightly"])
    assert sorted(kept) == [
        "blackouts", "catch_up", "enabled", "flow", "in_blackout", "name", "request", "when",
        "zone",
    ]  # fmt: skip
    assert kept["when"] == {"cron": "0 6 * * MON-FRI"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("country: DE\nsubdivision: XX\n", "names no subdivision of DE: XX; it has: BB, BE"),
        ("subdivision: BY\n", "names a subdivision and no country"),
        ("weekdays: []\n", "works on no day of the week"),
        ("weekdays: [Montag]\n", "weekdays[0]: is none of the values allowed"),
        ("holidays: [{from: 2026-12-24, to: 2026-12-23}]\n", "holidays[0]: ends before it begins"),
        ("holidays: [{from: 2020-01-01, to: 2026-12-23}]\n", "is longer than 1,000 days"),
    ],
)
def test_calendar_is_refused_by_what_is_wrong_with_it(
    folder: Path, text: str, problem: str
) -> None:
    """Names of states, orders of dates, days of the week."""
    (folder / "calendars").mkdir()
    (folder / "calendars" / "odd.yaml").write_text(text)
    assert problem in faults_of(folder, NIGHTLY)


def test_maintenance_names_a_connection_and_ends_alike(folder: Path) -> None:
    """Windows of each day, each week or once; every fault of a file at once."""
    (folder / "maintenance").mkdir()
    file = folder / "maintenance" / "patches.yaml"
    file.write_text(MAINTENANCE)
    assert load(folder).maintenance["patches"].windows[0].begins == "02:00"
    file.write_text(MAINTENANCE.replace("plan", "elsewhere"))
    told = faults_of(folder, NIGHTLY)
    assert "connection: names no connection; seen 'elsewhere'; allowed: erp, plan" in told
    file.write_text("connection: plan\nzone: Mars\nwindows: [{from: '02:00', to: Sat 03:00}]\n")
    told = faults_of(folder, NIGHTLY)
    assert "zone: is no time zone" in told
    assert "windows[0]: begins and ends by the same kind" in told


def test_typed_window_is_refused_in_its_own_words() -> None:
    """Every fault at once, and nothing of how a file would hold it."""
    told = find_window_faults(begins="", ends="25:00", zone="Mars", reason="patches")
    assert [fault.split(" is ")[0] for fault in told] == ["the zone", "the beginning", "the end"]
    one = find_window_faults(begins="02:00", ends="02:00", zone="UTC", reason="")
    assert one == ["the window ends where it begins"]
    assert find_window_faults(begins="02:00", ends="03:00", zone="UTC", reason="") == []


@pytest.mark.parametrize(
    ("when", "problem"),
    [
        ('cron: "0 6 * * *", every: 15m', "names cron and every: give"),
        ("every: 0m", "is not like `15m`"),
        ("every: 8d", "is not like `15m`"),
        ("every: 15m, anchor: noon", "is not like `2026-12-24 18:00`"),
        ('cron: "0 6 * * *", anchor: 2026-01-01', "which only `every` is counted from"),
        ('cron: "0 6 * * *", of: months', "which only `working_day` is counted from"),
        ("working_day: WD+0 06:00", "is not like `WD+2 06:00`"),
        ("working_day: WD+61 06:00", "at most 60 days"),
        ("working_day: WD2 06:00", "is not like `WD+2 06:00`"),
        ("working_day: WD+2 06:00", "when.of: counts from the periods of ledgers"),
        ("on: period-closed", "when.on: follows the periods of ledgers"),
        ("on: close", "when.on: is none of the values allowed"),
    ],
)
def test_kind_of_time_is_refused_when_it_has_no_sure_meaning(
    folder: Path, when: str, problem: str
) -> None:
    """Two kinds at once, numbers of nothing, and books a flow has not."""
    text = NIGHTLY.replace('cron: "0 6 * * MON-FRI"', when)
    assert problem in faults_of(folder, text)
