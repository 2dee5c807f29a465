"""What is worth an alert, how bad it is, when nobody is to be woken, and when to try again."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class Severity(StrEnum):
    """How bad it is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """The higher, the worse."""
        return list(Severity).index(self)


class AlertEvent(StrEnum):
    """What happened."""

    FAILED = "failed"
    UNKNOWN = "unknown"
    BLOCKED = "blocked"
    APPROVAL = "approval"
    UNMAPPED = "unmapped"
    UNTIED = "untied"
    REFUSED = "refused"
    REFUSAL_RATE = "refusal-rate"
    NO_LINES = "no-lines"
    LATE = "late"
    DRIFT = "drift"
    MOVING = "moving"
    EXPIRING = "expiring"
    MISSED = "missed"
    OUTAGE = "outage"


WORDS = {
    AlertEvent.FAILED: "run failed",
    AlertEvent.UNKNOWN: "outcome unknown",
    AlertEvent.BLOCKED: "blocked by a guard",
    AlertEvent.APPROVAL: "approval waiting",
    AlertEvent.UNMAPPED: "unmapped values",
    AlertEvent.UNTIED: "unexplained difference",
    AlertEvent.REFUSED: "summaries refused",
    AlertEvent.REFUSAL_RATE: "many summaries refused",
    AlertEvent.NO_LINES: "no lines where there used to be",
    AlertEvent.LATE: "late",
    AlertEvent.DRIFT: "model differs from what was sent",
    AlertEvent.MOVING: "books moving",
    AlertEvent.EXPIRING: "credential ends soon",
    AlertEvent.MISSED: "schedule missed",
    AlertEvent.OUTAGE: "outage over",
}
"""Each event as people say it."""

SEVERITIES = {
    AlertEvent.FAILED: Severity.CRITICAL,
    AlertEvent.UNKNOWN: Severity.CRITICAL,
    AlertEvent.BLOCKED: Severity.WARNING,
    AlertEvent.APPROVAL: Severity.INFO,
    AlertEvent.UNMAPPED: Severity.WARNING,
    AlertEvent.UNTIED: Severity.CRITICAL,
    AlertEvent.REFUSED: Severity.WARNING,
    AlertEvent.REFUSAL_RATE: Severity.CRITICAL,
    AlertEvent.NO_LINES: Severity.WARNING,
    AlertEvent.LATE: Severity.WARNING,
    AlertEvent.DRIFT: Severity.CRITICAL,
    AlertEvent.MOVING: Severity.INFO,
    AlertEvent.EXPIRING: Severity.WARNING,
    AlertEvent.MISSED: Severity.WARNING,
    AlertEvent.OUTAGE: Severity.INFO,
}
"""How bad each is."""

BRIEF = frozenset({AlertEvent.MISSED, AlertEvent.OUTAGE})
"""Events that are past when they are told: nothing will say that they are over."""

ATTEMPTS_MAX = 6
"""Times a message is tried; the last one some three hours after the first."""
BACK_OFF_S = 30
"""Wait after the first attempt; each following wait is four times as long."""


def find_back_off(attempts: int) -> timedelta | None:
    """How long to wait after so many attempts; None: not again."""
    if attempts >= ATTEMPTS_MAX:
        return None
    return timedelta(seconds=BACK_OFF_S * 4 ** (attempts - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """Hours of each day in which nobody is told, in a zone of their own."""

    begins: time
    ends: time
    zone: ZoneInfo

    def find_end(self, at: datetime) -> datetime:
        """The instant from which people may be told: the given one, or the end of the hours."""
        local = at.astimezone(self.zone)
        clock = local.time().replace(tzinfo=None)
        is_over_night = self.ends <= self.begins
        is_quiet = (
            clock >= self.begins or clock < self.ends
            if is_over_night
            else self.begins <= clock < self.ends
        )
        if not is_quiet:
            return at
        day = local.date() + timedelta(days=1 if is_over_night and clock >= self.begins else 0)
        end = datetime.combine(day, self.ends, tzinfo=self.zone)
        # An hour that the clocks skip, or pass twice, never makes the end come before the instant.
        return max(at, end.astimezone(at.tzinfo))
