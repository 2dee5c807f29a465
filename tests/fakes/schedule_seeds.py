"""Schedules of the served project, held so that none fires, and a past of each kind."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

FILES = {
    "calendars/germany.yaml": """\
country: DE
subdivision: BY
holidays: [{from: 2026-12-28, to: 2026-12-31, reason: works holiday}]
working: [2026-12-19]
""",
    "maintenance/fusion.yaml": """\
connection: fusion-sandbox
zone: America/New_York
windows: [{from: Sat 21:00, to: Sun 06:00, reason: monthly patch}]
""",
    # Named as its flow, so that every address with a name leads somewhere.
    "schedules/actuals-fusion.yaml": """\
flow: actuals-fusion
when: {cron: "0 5 * * *"}
zone: Europe/Berlin
request: {dry_run: true}
calendar: germany
blackouts: [{from: Fri 04:30, to: Fri 07:00, reason: backup}]
""",
    "schedules/close.yaml": """\
flow: actuals-fusion
when: {on: period-closed}
zone: Europe/Berlin
enabled: false
""",
    "schedules/working-day.yaml": """\
flow: actuals-fusion
when: {working_day: WD+2 06:00, of: months}
zone: Europe/Berlin
calendar: germany
enabled: false
""",
}
HELD = "actuals-fusion"


def add_schedules(root: Path) -> None:
    """The project folder has them, and the windows and days they know."""
    for name, text in FILES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)


def plant_schedules(house: Any, *, run_id: str) -> None:
    """One is paused, and has a past: a run, times that were missed, skipped and refused."""
    from ml_connector.ports.schedules import (  # noqa: PLC0415 - only served projects pay.
        FiringRow,
        FiringState,
    )

    house.pause_schedule(HELD)
    states = (
        (FiringState.STARTED, "", run_id),
        (FiringState.MISSED, "3 times came while nothing looked; only the newest runs", ""),
        (FiringState.SKIPPED, "a day off (Sunday) lets nothing run until 2026-11-01 23:00 UTC", ""),
        (FiringState.REFUSED, "The file mappings/rules.csv is gone.", "gone"),
    )
    for days, (state, reason, its_run) in enumerate(states, start=1):
        due = datetime(2026, 11, 6, 4, tzinfo=UTC) - timedelta(days=days)
        house.records.schedules.record_firing(
            FiringRow(
                schedule=HELD, flow=HELD, due_at=due, run_id=its_run, state=state, reason=reason,
                actor=f"schedule {HELD}", request={"dry_run": True}, looks=0, ended_at=None,
            )
        )  # fmt: skip
