"""Alerts of every state, messages, tests of connections: planted into a project's records."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ml_connector.domain.alerts import AlertEvent, Severity
from ml_connector.ports import Check, CheckState
from ml_connector.ports.alerts import DeliveryKind, NewAlert, NewDelivery
from ml_connector.ports.connections import ConnectionTest

FLOW = "actuals-fusion"
CONNECTION = "anaplan-sandbox"
HOOK_FILE = "hook-address"
"""File of the project folder that holds the channel's address."""
AWAY = "json://127.0.0.1:9/close"
SETTINGS = f"""
alerts:
  channels:
    - name: controllers
      address: file:{HOOK_FILE}
    - name: approvers
      address: secret:alerts/mail
      to: approvers
  rules:
    - channels: [controllers]
      least: critical
    - channels: [approvers]
      events: [approval]
      flows: [{FLOW}]
      quiet: {{from: "20:00", to: "07:00", zone: Europe/Berlin}}
"""


def add_channels(root: Path) -> None:
    """The project has two channels, one of which has no address yet."""
    file = root / "ml-connector.yaml"
    file.write_text(file.read_text(encoding="utf-8") + SETTINGS, encoding="utf-8")
    (root / HOOK_FILE).write_text(AWAY, encoding="utf-8")


def plant_open(house: Any) -> None:
    """An alert that is open and that no run which succeeds ends."""
    house.records.alerts.record_alert(
        NewAlert(
            event=AlertEvent.FAILED, severity=Severity.WARNING, subject="a-flow-of-nobody",
            cause="unavailable", key="planted open", title="a-flow-of-nobody: run failed",
            happened=("Anaplan does not answer.",), run_id="", at=house.clock.now(),
            written="Nothing was written.", next_step="Look again.",
        )
    )  # fmt: skip


def plant_alerts(house: Any, *, run_id: str) -> dict[str, str]:
    """Parts of addresses that lead to what was planted."""
    now, store = house.clock.now(), house.records.alerts
    made = [
        NewAlert(
            event=event, severity=severity, subject=FLOW, cause=cause, key=f"planted {number}",
            title=title, happened=happened, run_id=run_id, at=now + timedelta(minutes=number),
            written="The other 999 are in the model.",
            next_step=f"List them: `ml-connector runs lines {run_id} --refused`.",
        )
        for number, (event, severity, cause, title, happened) in enumerate(
            (
                (AlertEvent.UNTIED, Severity.CRITICAL, "", f"{FLOW}: unexplained difference",
                 ("Unexplained: 1,200.50 USD.",)),
                (AlertEvent.REFUSED, Severity.WARNING, "", f"{FLOW}: summaries refused",
                 ("The model refused 1 of 1,000 summaries, 3.00 USD in all.",)),
                (AlertEvent.FAILED, Severity.CRITICAL, "unavailable", f"{FLOW}: run failed",
                 ("Anaplan does not answer.",)),
                (AlertEvent.MOVING, Severity.INFO, "", f"{FLOW}: books moving",
                 ("Lines were posted while they were read.",)),
            )
        )
    ]  # fmt: skip
    assert house.list_open_alerts() == []  # The run that went before is noted, and ends nothing.
    rows = [store.record_alert(one) for one in made]
    store.save_acknowledged(rows[1].alert_id, actor="operator", remark="Members are being added.")
    store.save_over([rows[2].alert_id], by="run 261005-060000-aaaa succeeded")
    store.save_deliveries(
        [
            NewDelivery(
                alert_id=rows[0].alert_id, channel="controllers", kind=DeliveryKind.RAISED,
                due_at=now,
            )
        ]
    )  # fmt: skip
    (claimed,) = store.claim_deliveries(holder="seed", seconds=60, lapses_max=1, limit=1)
    store.save_unsent(
        claimed.number, holder="seed", due_at=None,
        error="The channel did not take the message: error=500.",
    )  # fmt: skip
    plant_finding(house, at=now)
    return {"<str:alert_id>": rows[0].alert_id, "<str:connection>": CONNECTION}


def plant_finding(house: Any, *, at: datetime) -> None:
    """The connection was tested at that time, and somebody has to do something about it."""
    house.records.connections.record_test(
        ConnectionTest(
            connection=CONNECTION, actor="operator", at=at, milliseconds=840, is_whole=True,
            checks=(
                Check(subject="reach", state=CheckState.OK, finding="it answers"),
                Check(
                    subject="rights", state=CheckState.WARNING, finding="the user sees 3 files",
                    next_step="Let the user's role see its actions.",
                ),
            ),
        )
    )  # fmt: skip
