"""Commands about alerts: what is open, who looks after it, whether channels work."""

from typing import Annotated

from cyclopts import Parameter

from ml_connector.cli.options import Options, opened, output_of
from ml_connector.cli.output import Listing, hint, say, show
from ml_connector.flows.answers.alert_listings import list_alerts as render_alerts
from ml_connector.flows.answers.alert_listings import list_deliveries as render_deliveries
from ml_connector.flows.answers.alert_listings import (
    list_rules,
    show_delivery_state,
    sort_worst,
)


def list_alerts(
    *,
    all_: Annotated[bool, Parameter(name="--all", help="Also those that are over.")] = False,
    options: Options | None = None,
) -> int:
    """List the alerts that are open, the newest first; also what nobody has looked at yet."""
    with opened(options) as house:
        found = house.list_open_alerts()
        rows = house.records.alerts.load_alerts() if all_ else sort_worst(found)
    shown = render_alerts(rows)
    listing = Listing(
        columns=("Id", *shown.columns), empty=shown.empty,
        rows=[(one.alert_id, *row) for one, row in zip(rows, shown.rows, strict=True)],
    )  # fmt: skip
    show(listing, output_of(options))
    if any(one.acknowledged_at is None for one in found):
        hint("say that you look after one: `ml-connector alerts ack ID`")
    return 0


def acknowledge(
    alert: str,
    /,
    *,
    remark: Annotated[str, Parameter(help="What is done about it.")] = "",
    options: Options | None = None,
) -> int:
    """Say that you look after an alert; nobody is reminded of it any more."""
    with opened(options) as house:
        row = house.acknowledge_alert(alert, remark=remark)
    say(f"{row.acknowledged_by} looks after: {row.title}.")
    return 0


def try_channel(channel: str, /, *, options: Options | None = None) -> int:
    """Send a test message to a channel."""
    with opened(options) as house:
        house.test_channel(channel)
    say(f"The channel {channel} took the message.")
    return 0


def send(*, options: Options | None = None) -> int:
    """Send what is due now; for machines where neither a server nor a worker runs."""
    with opened(options) as house:
        count = house.send_alerts()
    say(f"Sent {count} messages.")
    return 0


def list_channels(*, options: Options | None = None) -> int:
    """List channels with what became of the last message, and the rules in words."""
    with opened(options) as house:
        rows = [
            (
                one.channel.name, one.kind, one.channel.to or "as its address says",
                show_delivery_state(one.last) if one.last else "", one.problem,
            )
            for one in house.list_channels()
        ]  # fmt: skip
        rules = list_rules(house.project.settings.alerts)
    output = output_of(options)
    columns = ("Channel", "Kind", "To", "Last message", "Problem")
    empty = "There is no channel: add one under `alerts.channels` in ml-connector.yaml."
    show(Listing(columns=columns, rows=rows, empty=empty), output)
    # One table per CSV or JSON: who reads it by a program wants the channels.
    if output in ("text", "markdown"):
        print()
        show(rules, output)
    return 0


def list_messages(*, options: Options | None = None) -> int:
    """List the newest messages and what became of each."""
    with opened(options) as house:
        rows = house.records.alerts.load_deliveries()
    show(render_deliveries(rows), output_of(options))
    return 0
