"""The settings of alerts: the section `alerts` of `ml-connector.yaml`.

**API boundary.** The keys are what users write; a key that changes its name or meaning needs a
migration note.
"""

import re
from collections import Counter
from datetime import time
from decimal import Decimal
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, ConfigDict, Field, field_validator, model_validator

from ml_connector.settings.references import verify_reference
from ml_connector.settings.strict import Strict

Event = Literal[
    "failed", "unknown", "blocked", "approval", "unmapped", "untied", "refused", "refusal-rate",
    "no-lines", "late", "drift", "moving", "expiring", "missed", "outage",
]  # fmt: skip
Least = Literal["info", "warning", "critical"]
CHANNELS_MAX = 50
RULES_MAX = 100
HOURS_MAX = 24 * 31
DAYS_MAX = 366
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def _verify_time(text: object) -> object:
    if isinstance(text, str) and not _TIME.fullmatch(text):
        raise ValueError("is no time of day such as `20:00`")
    return text


TimeOfDay = Annotated[str, BeforeValidator(_verify_time)]


class ChannelSettings(Strict):
    """Where alerts go: one address of e-mail, Slack, Teams, a webhook or another service."""

    model_config = ConfigDict(hide_input_in_errors=True)

    name: str
    """Name of the channel: lower-case letters, digits and hyphens."""
    address: str
    """`secret:NAME`, `env:NAME` or `file:PATH` of the address, which holds credentials: such as
    `mailtos://user:password@mail.example?to=close@halden.example`, `slack://…`, `workflows://…`,
    `jsons://hooks.example/close`."""
    to: Literal["", "approvers"] = ""
    """`approvers`: an e-mail address that writes to whoever may approve, but never to the maker of
    a plan; empty: to whom the address says."""

    @field_validator("name")
    @classmethod
    def _verify_name(cls, text: str) -> str:
        if not _NAME.fullmatch(text):
            raise ValueError("is no name: lower-case letters, digits and single hyphens")
        return text

    @field_validator("address")
    @classmethod
    def _verify_address(cls, text: str) -> str:
        return verify_reference(text, what="address")


class QuietSettings(Strict):
    """Hours of each day in which a rule tells nobody; what came meanwhile is told at their end."""

    begins: TimeOfDay = Field(alias="from")
    """First moment, such as `"20:00"`."""
    ends: TimeOfDay = Field(alias="to")
    """The first moment after, such as `"07:00"`; earlier than `from`: over midnight."""
    zone: str
    """Time zone by its IANA name, such as `Europe/Berlin`."""
    least: Least = "critical"
    """What is at least so bad is told all the same."""

    @field_validator("zone")
    @classmethod
    def _verify_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ValueError, OSError, KeyError) as error:
            raise ValueError("is no time zone; allowed: names such as Europe/Berlin") from error
        return name

    @model_validator(mode="after")
    def _verify_window(self) -> "QuietSettings":
        if self.begins == self.ends:
            raise ValueError("ends where it begins")
        return self

    @property
    def times(self) -> tuple[time, time]:
        """Begin and end."""
        return time.fromisoformat(self.begins), time.fromisoformat(self.ends)


class AlertRule(Strict):
    """Which alerts go where; an alert goes to every channel of every rule that fits."""

    channels: tuple[str, ...] = Field(min_length=1, max_length=CHANNELS_MAX)
    """Names of channels."""
    events: tuple[Event, ...] = ()
    """What it is about; empty: everything."""
    flows: tuple[str, ...] = ()
    """Flows it is about; empty: all of them, and what belongs to no flow."""
    least: Least = "info"
    """How bad an alert is at least: info, warning, critical."""
    quiet: QuietSettings | None = None
    """Hours in which it tells nobody."""


class ExpectedFlow(Strict):
    """How long a flow may be without a good run."""

    flow: str
    """Name of the flow."""
    hours: Annotated[int, Field(ge=1, le=HOURS_MAX)]
    """Hours after its last good run from which it is late."""


class AlertSettings(Strict):
    """Who is told of what; without channels alerts are on their page only."""

    channels: tuple[ChannelSettings, ...] = Field(default=(), max_length=CHANNELS_MAX)
    """Where alerts go."""
    rules: tuple[AlertRule, ...] = Field(default=(), max_length=RULES_MAX)
    """Which alerts go where."""
    expected: tuple[ExpectedFlow, ...] = Field(default=(), max_length=RULES_MAX)
    """Flows that are late when they had no good run for so long."""
    refused_share_max: Annotated[Decimal, Field(gt=0, le=1)] = Decimal("0.01")
    """Share of the summaries sent above which refusals are critical, such as `0.01`."""
    remind_hours: Annotated[int, Field(ge=1, le=HOURS_MAX)] = 24
    """Hours until the repeats of an alert nobody looks after are told, summed into one message."""
    expiring_days: Annotated[int, Field(ge=1, le=DAYS_MAX)] = 45
    """Days before its end from which a certificate is told of; in any case before the next
    close."""

    @model_validator(mode="after")
    def _verify_names(self) -> "AlertSettings":
        names = Counter(channel.name for channel in self.channels)
        twice = sorted(name for name, count in names.items() if count > 1)
        if twice:
            raise ValueError(f"names a channel twice: {', '.join(twice)}")
        wanted = {name for rule in self.rules for name in rule.channels}
        if missing := sorted(wanted - set(names)):
            known = ", ".join(sorted(names)) or "none"
            raise ValueError(f"a rule names no channel: {', '.join(missing)}; there are: {known}")
        return self
