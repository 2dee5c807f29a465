"""What schedules follow: periods as they were last seen, their events, maintenance windows."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from django.db.models import Q, QuerySet

from ml_connector.domain.closing import PeriodEventKind, find_event
from ml_connector.domain.periods import Period, PeriodState
from ml_connector.errors import RefusedError
from ml_connector.ports.closing import MaintenanceRow, PeriodEvent, SeenPeriod, WatchRow
from ml_connector.records import models
from ml_connector.records.store import OrganisationStore, split_chunks

PERIODS_MAX = 100_000
"""Periods of all ledgers that are answered: hundreds of companies over decades."""
WINDOWS_MAX = 1_000
"""Maintenance windows of an organisation."""
TICK = timedelta(microseconds=1)


class TooManyWindowsError(RefusedError):
    """There are more maintenance windows than anybody looks through."""

    code = "closing.too-many-windows"


class ClosingRecords(OrganisationStore):
    """A `ports.closing.ClosingStore`."""

    def load_periods(self, connection: str = "") -> list[SeenPeriod]:
        """Periods of all connections or one, by ledger and date."""
        rows = self._periods().filter(connection=connection) if connection else self._periods()
        ordered = rows.order_by("connection", "ledger", "date_last", "is_adjustment", "name")
        return [_render_seen(row) for row in ordered[:PERIODS_MAX]]

    def save_seen(
        self,
        connection: str,
        ledger: str,
        *,
        periods: Sequence[Period],
        states: Mapping[str, PeriodState],
    ) -> list[PeriodEvent]:
        """The ledger's periods are these; see `ports.closing.ClosingStore`."""
        with self._writing(f"the periods of {ledger}"):
            known = {
                row.name: row
                for row in self._periods().filter(connection=connection, ledger=ledger)
            }
            newest = max((row.date_first for row in known.values() if row.state), default=None)
            events = []
            for period in periods:
                row = known.get(period.name)
                before = PeriodState(row.state) if row is not None and row.state else None
                if before is None and newest is not None and period.date_first > newest:
                    # It came after all that were looked at: it was not open then.
                    before = PeriodState.NEVER_OPENED
                state = states.get(period.name)
                kind = find_event(before, state) if state is not None else None
                if kind is not None:
                    events.append((period, kind))
            self._save_periods(connection, ledger, periods, states=states, known=known)
            return [self._record_event(connection, ledger, *event) for event in events]

    def load_events(
        self,
        after: datetime | None = None,
        *,
        limit: int,
        kind: PeriodEventKind | None = None,
        ledgers: Mapping[str, Collection[str]] | None = None,
    ) -> list[PeriodEvent]:
        """The first events later than an instant; see `ports.closing.ClosingStore`."""
        rows = self._events().filter(at__gt=after) if after is not None else self._events()
        if kind is not None:
            rows = rows.filter(kind=kind.value)
        if ledgers is not None:
            wanted = (Q(connection=one, ledger__in=list(its)) for one, its in ledgers.items())
            rows = rows.filter(reduce(or_, wanted, Q(pk__in=[])))
        found = list(rows.order_by("at")[:limit])
        names = {row.period for row in found}
        periods = {
            (row.connection, row.ledger, row.name): _render_period(row)
            for part in split_chunks(names)
            for row in self._periods().filter(name__in=part)
        }
        return [
            _render_event(row, periods[row.connection, row.ledger, row.period]) for row in found
        ]

    def claim_watches(self, connections: Collection[str], *, hold: timedelta) -> list[WatchRow]:
        """Those that are due for a look; see `ports.closing.ClosingStore`."""
        now = self._clock.now()
        rows = {row.connection: row for row in self._watches()}
        if not any(name not in rows or rows[name].next_look_at <= now for name in connections):
            return []
        claimed = []
        with self._writing("who looks at periods"):
            for name in sorted(connections):
                row, _ = self._watches().get_or_create(
                    connection=name, defaults={"organisation_id": self._id, "next_look_at": now}
                )
                due = self._watches().filter(pk=row.pk, next_look_at__lte=now)
                if due.update(next_look_at=now + hold):
                    claimed.append(_render_watch(row))
        return claimed

    def save_watch(self, connection: str, *, problem: str, next_look: timedelta) -> None:
        """A look has ended, and the next one is due after that long."""
        now = self._clock.now()
        with self._writing(f"the look at periods of {connection}"):
            row = self._watches().get(connection=connection)
            row.next_look_at, row.problem = now + next_look, problem
            row.failures = row.failures + 1 if problem else 0
            row.looked_at = row.looked_at if problem else now
            row.save()

    def load_watches(self) -> list[WatchRow]:
        """How looking goes, by connection."""
        return [_render_watch(row) for row in self._watches().order_by("connection")]

    def load_maintenance(self) -> list[MaintenanceRow]:
        """Every window, by connection and key."""
        rows = self._windows().order_by("connection", "key")[:WINDOWS_MAX]
        return [_render_window(row) for row in rows]

    def save_maintenance(self, row: MaintenanceRow) -> None:
        """The window holds from now on.

        Raises:
            TooManyWindowsError: There are as many as there may be.
        """
        with self._writing(f"the maintenance window {row.key}"):
            self._verify_few(1)
            self._make_window(row).save()

    def delete_maintenance(self, key: str) -> MaintenanceRow | None:
        """It holds no more; None when there is no such window that people may remove."""
        with self._writing(f"the maintenance window {key}"):
            row = self._windows().filter(key=key, is_filed=False).first()
            if row is None:
                return None
            row.delete()
        return _render_window(row)

    def save_filed_maintenance(self, rows: Sequence[MaintenanceRow]) -> bool:
        """The files say these; returns whether they said anything else before."""
        with self._writing("the maintenance windows of the project folder"):
            filed = self._windows().filter(is_filed=True)
            if {_say(_render_window(row)) for row in filed} == {_say(row) for row in rows}:
                return False
            filed.delete()
            self._verify_few(len(rows))
            models.MaintenanceWindow.objects.bulk_create(self._make_window(row) for row in rows)
        return True

    def _verify_few(self, more: int) -> None:
        if self._windows().count() + more > WINDOWS_MAX:
            raise TooManyWindowsError(
                f"There would be more than {WINDOWS_MAX:,} maintenance windows.",
                written="Nothing was changed.",
                next_step="Remove those that are over: `ml-connector maintenance list`.",
            )

    def _save_periods(
        self,
        connection: str,
        ledger: str,
        periods: Sequence[Period],
        *,
        states: Mapping[str, PeriodState],
        known: Mapping[str, models.KnownPeriod],
    ) -> None:
        now, new = self._clock.now(), []
        for period in periods:
            row = known.get(period.name) or models.KnownPeriod(
                organisation_id=self._id, connection=connection, ledger=ledger, name=period.name
            )
            before = _render_period(row) if row.pk else None
            state = states.get(period.name)
            row.calendar, row.year, row.number = period.calendar, period.year, period.number
            row.date_first, row.date_last = period.date_first, period.date_last
            row.is_adjustment = period.is_adjustment
            if state is not None:
                row.state, row.seen_at = state.value, now
            if row.pk is None:
                new.append(row)
            elif state is not None or before != period:
                row.save()
        models.KnownPeriod.objects.bulk_create(new, batch_size=500)

    def _record_event(
        self, connection: str, ledger: str, period: Period, kind: PeriodEventKind
    ) -> PeriodEvent:
        its = self._events().filter(
            connection=connection, ledger=ledger, period=period.name, kind=kind.value
        )
        last = self._events().order_by("-at").first()
        now = self._clock.now()
        row = models.PeriodEvent(
            organisation_id=self._id, connection=connection, ledger=ledger, period=period.name,
            kind=kind.value, number=its.count() + 1,
            # A firing is found by its instant: of two events of one look the second is later.
            at=max(now, last.at + TICK) if last is not None else now,
        )  # fmt: skip
        row.save()
        return _render_event(row, period)

    def _make_window(self, row: MaintenanceRow) -> models.MaintenanceWindow:
        return models.MaintenanceWindow(
            organisation_id=self._id, key=row.key, connection=row.connection, begins=row.begins,
            ends=row.ends, zone=row.zone, reason=row.reason, is_filed=row.is_filed,
            added_by=row.added_by, added_at=row.added_at,
        )  # fmt: skip

    def _periods(self) -> QuerySet[models.KnownPeriod]:
        return models.KnownPeriod.of(self._id)

    def _events(self) -> QuerySet[models.PeriodEvent]:
        return models.PeriodEvent.of(self._id)

    def _watches(self) -> QuerySet[models.PeriodWatch]:
        return models.PeriodWatch.of(self._id)

    def _windows(self) -> QuerySet[models.MaintenanceWindow]:
        return models.MaintenanceWindow.of(self._id)


def _say(row: MaintenanceRow) -> tuple[str, ...]:
    """What a file says of a window."""
    return row.key, row.connection, row.begins, row.ends, row.zone, row.reason


def _render_period(row: models.KnownPeriod) -> Period:
    return Period(
        name=row.name, calendar=row.calendar, year=row.year, number=row.number,
        date_first=row.date_first, date_last=row.date_last, is_adjustment=row.is_adjustment,
    )  # fmt: skip


def _render_seen(row: models.KnownPeriod) -> SeenPeriod:
    return SeenPeriod(
        connection=row.connection, ledger=row.ledger, period=_render_period(row),
        state=PeriodState(row.state) if row.state else None, seen_at=row.seen_at,
    )  # fmt: skip


def _render_event(row: models.PeriodEvent, period: Period) -> PeriodEvent:
    return PeriodEvent(
        connection=row.connection, ledger=row.ledger, period=period,
        kind=PeriodEventKind(row.kind), number=row.number, at=row.at,
    )  # fmt: skip


def _render_watch(row: models.PeriodWatch) -> WatchRow:
    return WatchRow(
        connection=row.connection, next_look_at=row.next_look_at, looked_at=row.looked_at,
        failures=row.failures, problem=row.problem,
    )  # fmt: skip


def _render_window(row: models.MaintenanceWindow) -> MaintenanceRow:
    return MaintenanceRow(
        key=row.key, connection=row.connection, begins=row.begins, ends=row.ends, zone=row.zone,
        reason=row.reason, is_filed=row.is_filed, added_by=row.added_by, added_at=row.added_at,
    )  # fmt: skip
