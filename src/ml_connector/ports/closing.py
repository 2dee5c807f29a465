"""Records of what schedules follow: how periods stand, what became of them, maintenance."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from ml_connector.domain.closing import PeriodEventKind
from ml_connector.domain.periods import Period, PeriodState


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenPeriod:
    """A period of a ledger, and the state it was last seen in."""

    connection: str
    ledger: str
    period: Period
    state: PeriodState | None
    """None: its state was never looked at."""
    seen_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodEvent:
    """A period that was seen closed, or opened."""

    connection: str
    ledger: str
    period: Period
    kind: PeriodEventKind
    number: int
    """1 for the first time it was, 2 when it happened to it again."""
    at: datetime
    """When it was seen; no two events of an organisation share an instant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchRow:
    """How looking at the periods of a connection goes."""

    connection: str
    next_look_at: datetime
    looked_at: datetime | None
    """The last look that went well."""
    failures: int
    """Looks since then that did not."""
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceRow:
    """A window in which no scheduled run begins that uses the connection."""

    key: str
    connection: str
    begins: str
    """As in files: `02:00`, `Fri 22:00` or `2026-12-24 18:00`."""
    ends: str
    zone: str
    reason: str
    is_filed: bool
    """Whether a file of the project folder says so."""
    added_by: str
    added_at: datetime


class ClosingStore(Protocol):
    """What schedules of one organisation follow."""

    def load_periods(self, connection: str = "") -> list[SeenPeriod]:
        """Periods of all connections or one, by ledger and date."""

    def save_seen(
        self,
        connection: str,
        ledger: str,
        *,
        periods: Sequence[Period],
        states: Mapping[str, PeriodState],
    ) -> list[PeriodEvent]:
        """The ledger's periods are these, some of them seen in these states just now.

        Returns:
            What became of them since the last look. A period that lies beyond all that were looked
            at counts as never opened before; the first look at a ledger finds nothing.
        """

    def load_events(
        self,
        after: datetime | None = None,
        *,
        limit: int,
        kind: PeriodEventKind | None = None,
        ledgers: Mapping[str, Collection[str]] | None = None,
    ) -> list[PeriodEvent]:
        """The first events later than an instant, oldest first.

        Args:
            after: The instant; None: from the first event on.
            limit: Most that are answered.
            kind: Only those of the kind.
            ledgers: By connection, the ledgers whose events are wanted; None: of all.
        """

    def claim_watches(self, connections: Collection[str], *, hold: timedelta) -> list[WatchRow]:
        """Of these connections those that are due for a look, each for one process only.

        Args:
            connections: Watched ones.
            hold: After it another process looks, should this one have died.
        """

    def save_watch(self, connection: str, *, problem: str, next_look: timedelta) -> None:
        """A look has ended, and the next one is due after that long.

        Args:
            connection: Looked at.
            problem: What went wrong; empty: nothing.
            next_look: From now on.
        """

    def load_watches(self) -> list[WatchRow]:
        """How looking goes, by connection."""

    def load_maintenance(self) -> list[MaintenanceRow]:
        """Every window, by connection and key."""

    def save_maintenance(self, row: MaintenanceRow) -> None:
        """The window holds from now on."""

    def delete_maintenance(self, key: str) -> MaintenanceRow | None:
        """It holds no more; None when there is no such window that people may remove."""

    def save_filed_maintenance(self, rows: Sequence[MaintenanceRow]) -> bool:
        """The files say these; returns whether they said anything else before."""
