"""Messages leave: one process has each, what fails is tried again, nothing is told in a storm."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from ml_connector.domain.alerts import AlertEvent, Severity, find_back_off
from ml_connector.errors import ConnectorError, RefusedError
from ml_connector.flows.alerting.desk import AlertDesk
from ml_connector.ports import Right
from ml_connector.ports.alerts import AlertRow, DeliveryKind, DeliveryRow, Message

logger = logging.getLogger(__name__)

CLAIM_S = 120
"""How long a process has messages for itself; several times as long as one may take."""
BEGIN_S = 60
"""Messages are begun for so long after the claim; the last one ends well before it does."""
CLAIMED_MAX = 50
"""Messages of one look; those of one channel become one."""
LAPSES_MAX = 1
"""How often a message is repeated whose process ended while it sent it."""
NAMED_MAX = 20
"""Alerts that one message names one by one."""
MAYBE_TWICE = (
    "This may come a second time: the process that sent it before ended before it noted that."
)
Address = tuple[str, tuple[str, ...]]
"""A channel, and the people it writes to where it writes to people."""


class NobodyToTellError(RefusedError):
    """A channel writes to approvers, and there is none but the maker who has an e-mail address."""

    code = "alerts.nobody-to-tell"

    def __init__(self, channel: str) -> None:
        super().__init__(
            f"The channel {channel} writes to approvers, and nobody but the maker has both the role"
            " and an e-mail address.",
            written="Nothing was sent.",
            next_step="Add an address: page People, or `ml-connector users add`.",
            channel=channel,
        )


class UnknownChannelError(RefusedError):
    """A message waits for a channel the settings have no more."""

    code = "alerts.unknown-channel"

    def __init__(self, channel: str, known: Sequence[str]) -> None:
        super().__init__(
            f"There is no channel {channel!r}; there are: {', '.join(known) or 'none'}.",
            written="Nothing was sent.",
            next_step="Add it under `alerts.channels` in ml-connector.yaml.",
            channel=channel,
        )


def send_due(desk: AlertDesk) -> int:
    """What is due has left, or is tried again later; returns how many messages left."""
    until = desk.clock.now() + timedelta(seconds=BEGIN_S)
    claimed = desk.records.alerts.claim_deliveries(
        holder=desk.holder, seconds=CLAIM_S, lapses_max=LAPSES_MAX, limit=CLAIMED_MAX
    )
    together: defaultdict[Address, list[DeliveryRow]] = defaultdict(list)
    for one in claimed:
        if _is_past(one):
            desk.records.alerts.save_skipped(
                one.number, holder=desk.holder, reason="It was over before it was told."
            )
            continue
        try:
            together[one.channel, find_recipients(desk, one.channel, one.alert)].append(one)
        except ConnectorError as error:
            _give_up(desk, one, error.refused)
    return sum(_send(desk, address, rows, until=until) for address, rows in together.items())


def send_test(desk: AlertDesk, channel: str) -> None:
    """The channel took a test message; it is in the history either way.

    Raises:
        ConnectorError: It did not.
    """
    text = "A test of this channel: alerts of ml-connector will come here."
    message = Message(title="ml-connector: test", body=_add_link(desk, text, "alerts/"),
                      severity=Severity.INFO)  # fmt: skip
    try:
        recipients = find_recipients(desk, channel, None)
        _submit(desk, channel, message, recipients)
    except ConnectorError as error:
        desk.records.alerts.record_test(channel, error=error.refused)
        raise
    desk.records.alerts.record_test(channel, error="")


def find_recipients(desk: AlertDesk, channel: str, alert: AlertRow | None) -> tuple[str, ...]:
    """Whom a channel writes to, where that is not said by its address.

    Raises:
        UnknownChannelError: The settings have no such channel.
        NobodyToTellError: It writes to approvers, and there is none to write to.
    """
    settings = desk.channels.get(channel)
    if settings is None:
        raise UnknownChannelError(channel, sorted(desk.channels))
    if settings.to != "approvers":
        return ()
    makers = _find_makers(desk, alert)
    found = sorted(
        {
            one.email
            for one in desk.records.people.load_people()
            if one.email and Right.DECIDE in one.rights and one.name.casefold() not in makers
        }
    )
    if not found:
        raise NobodyToTellError(channel)
    return tuple(found)


def _find_makers(desk: AlertDesk, alert: AlertRow | None) -> set[str]:
    """Every name of who made the plan an alert is about."""
    if alert is None or alert.event is not AlertEvent.APPROVAL:
        return set()
    approval = desk.records.approvals.find_approval(alert.cause)
    if approval is None:
        return set()
    names = desk.records.identities.find_names([approval.maker])
    return {name.casefold() for name in {*names, approval.maker}}


def render_message(desk: AlertDesk, rows: Sequence[DeliveryRow]) -> Message:
    """One message: the alert in full, or several in a line each."""
    alerts = [row.alert for row in rows if row.alert is not None]
    worst = max((one.severity for one in alerts), key=lambda one: one.rank)
    title = _name(rows[0]) if len(rows) == 1 else f"{len(rows)} alerts, the worst is {worst}"
    parts = (
        _tell_whole(desk, rows[0])
        if len(rows) == 1
        else [_add_link(desk, "\n".join(_list(rows)), "alerts/")]
    )
    if any(row.lapses for row in rows):
        parts.append(MAYBE_TWICE)
    return Message(title=f"[{worst}] {title}", body="\n\n".join(parts), severity=worst)


def _tell_whole(desk: AlertDesk, row: DeliveryRow) -> list[str]:
    alert = row.alert
    assert alert is not None
    if row.kind is DeliveryKind.OVER:
        parts = [f"It is over: {alert.ended_by}. It was first seen {_at(alert.first_at)}."]
    else:
        parts = [*alert.happened, alert.written, alert.next_step and f"Next: {alert.next_step}"]
    if alert.count > 1:
        parts.append(f"{alert.count} times since {_at(alert.first_at)}.")
    parts = [part for part in parts if part] or [alert.title]
    return [*parts[:-1], _add_link(desk, parts[-1], f"alerts/{alert.alert_id}/")]


def _list(rows: Sequence[DeliveryRow]) -> list[str]:
    lines = [f"- [{row.alert.severity}] {_name(row)}" for row in rows if row.alert is not None]
    left = len(lines) - NAMED_MAX
    return lines[:NAMED_MAX] + ([f"and {left} more"] if left > 0 else [])


def _name(row: DeliveryRow) -> str:
    assert row.alert is not None
    match row.kind:
        case DeliveryKind.OVER:
            return f"Over: {row.alert.title}"
        case DeliveryKind.REMINDER:
            return f"Still: {row.alert.title} ({row.alert.count} times)"
    return row.alert.title


def _at(instant: object) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"


def _add_link(desk: AlertDesk, text: str, path: str) -> str:
    return f"{text}\n\n{desk.url.rstrip('/')}/{path}" if desk.url else text


def _is_past(one: DeliveryRow) -> bool:
    """Whether what was to be told is over by now, and nobody has heard of it."""
    is_news = one.kind in (DeliveryKind.RAISED, DeliveryKind.REMINDER)
    return is_news and one.alert is not None and one.alert.ended_at is not None


def _send(
    desk: AlertDesk, address: Address, rows: Sequence[DeliveryRow], *, until: datetime
) -> int:
    channel, recipients = address
    # Slow channels must not use up the claim: somebody else would send the rest as well.
    if desk.is_stopping() or desk.clock.now() >= until:
        for row in rows:
            _give_back(desk, row)
        return 0
    try:
        _submit(desk, channel, render_message(desk, rows), recipients)
    except ConnectorError as error:
        for row in rows:
            _try_later(desk, row, error)
        return 0
    except Exception as error:
        # A fault of ours must not keep other channels from being told.
        logger.exception("alerts.message_dropped channel=%s", channel)
        for row in rows:
            _give_up(desk, row, f"{type(error).__name__}; the log has the rest.")
        return 0
    for row in rows:
        desk.records.alerts.save_sent(row.number, holder=desk.holder)
    return len(rows)


def _submit(desk: AlertDesk, channel: str, message: Message, recipients: tuple[str, ...]) -> None:
    address = desk.secrets.read_secret(desk.channels[channel].address)
    desk.sender.submit_message(
        address,
        Message(
            title=message.title, body=message.body, severity=message.severity,
            recipients=recipients,
        ),
    )  # fmt: skip


def _try_later(desk: AlertDesk, row: DeliveryRow, error: ConnectorError) -> None:
    """A channel that is away is tried again; one that is set up wrongly waits for a person."""
    wait = None if isinstance(error, RefusedError) else find_back_off(row.attempts)
    desk.records.alerts.save_unsent(
        row.number, holder=desk.holder, error=error.refused,
        due_at=None if wait is None else desk.clock.now() + wait,
    )  # fmt: skip


def _give_back(desk: AlertDesk, row: DeliveryRow) -> None:
    """Whoever looks next sends it; nobody has to fear that it was sent."""
    desk.records.alerts.save_unsent(
        row.number, holder=desk.holder, error=row.error, due_at=desk.clock.now()
    )


def _give_up(desk: AlertDesk, row: DeliveryRow, reason: str) -> None:
    desk.records.alerts.save_unsent(row.number, holder=desk.holder, error=reason, due_at=None)
