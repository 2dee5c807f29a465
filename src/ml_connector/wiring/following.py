"""What schedules follow: periods of the ERPs, looked at in turn, and maintenance of systems."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from ml_connector.errors import ConnectorError, UsageError
from ml_connector.ports import LedgerSource
from ml_connector.ports.closing import MaintenanceRow, WatchRow
from ml_connector.wiring.callers import Callers
from ml_connector.wiring.near import list_names
from ml_connector.wiring.parts import Part
from ml_connector.wiring.telling import Tell, TellOnce, tell_error

if TYPE_CHECKING:
    from ml_connector.flows.closing import ClosingDesk

WATCH_S = 5.0
"""How often a process asks whether a look at periods is due; the look itself is due rarely."""
LOOKS_AS = "periods of the ERPs"
"""Whom requests of a look count for: beside runs, never on the reserve of people."""
KEY_BYTES = 3
"""Of the name of a maintenance window."""


class UnknownWindowError(UsageError):
    """No maintenance window of that name was set by a person."""

    code = "closing.unknown-window"


class UnfitWindowError(UsageError):
    """A maintenance window has ends, a zone or a connection that mean nothing."""

    code = "closing.unfit-window"


class Following(Part):
    """The half of a house that follows periods and maintenance."""

    _callers: Callers

    if TYPE_CHECKING:

        def source(self, name: str) -> LedgerSource:
            """The ERP behind a connection."""

    def list_watches(self) -> list[WatchRow]:
        """How looking at periods goes, by connection; those that nothing follows are left out."""
        from ml_connector.flows.closing import list_watched  # noqa: PLC0415 - start-up time.
        from ml_connector.flows.scheduling import list_facts  # noqa: PLC0415 - as above.

        watched = list_watched(self.project.schedules, list_facts(self.project))
        return [row for row in self.records.closing.load_watches() if row.connection in watched]

    def list_maintenance(self) -> list[MaintenanceRow]:
        """Every maintenance window, of files and of people, by connection."""
        return self.records.closing.load_maintenance()

    def add_maintenance(
        self, connection: str, *, begins: str, ends: str, zone: str, reason: str = ""
    ) -> MaintenanceRow:
        """No scheduled run begins in the window that needs the connection.

        Raises:
            UnfitWindowError: An end, the zone or the connection means nothing; all faults at once.
        """
        self._verify_window(connection, begins=begins, ends=ends, zone=zone, reason=reason)
        row = MaintenanceRow(
            key=secrets.token_hex(KEY_BYTES), connection=connection, begins=begins, ends=ends,
            zone=zone, reason=reason, is_filed=False, added_by=self.actor,
            added_at=self.clock.now(),
        )  # fmt: skip
        with self.records.transactions.begin(f"the maintenance window {row.key}"):
            self.records.closing.save_maintenance(row)
            self._tell_window("maintenance.added", row)
        return row

    def remove_maintenance(self, key: str) -> MaintenanceRow:
        """The window holds no more.

        Raises:
            UnknownWindowError: There is none of that name, or a file names it.
        """
        with self.records.transactions.begin(f"the maintenance window {key}"):
            row = self.records.closing.delete_maintenance(key)
            if row is None:
                raise self._render_unknown(key)
            self._tell_window("maintenance.removed", row)
        return row

    def _tell_window(self, event: str, row: MaintenanceRow) -> None:
        """It is in the audit chain, and schedules are due by the windows there are now."""
        from ml_connector.flows.scheduling import list_facts, recompute  # noqa: PLC0415 - start-up.

        self.records.audit.record(
            event, subject=row.connection, actor=self.actor, window=row.key, begins=row.begins,
            ends=row.ends, zone=row.zone, reason=row.reason,
        )  # fmt: skip
        recompute(self.records, list_facts(self.project), self.clock)

    def _verify_window(self, connection: str, **given: str) -> None:
        from ml_connector.settings.schedules import find_window_faults  # noqa: PLC0415 - start-up.

        faults = find_window_faults(
            begins=given["begins"], ends=given["ends"], zone=given["zone"], reason=given["reason"]
        )
        if connection not in self.project.connections:
            known = list_names(connection, self.project.connections)
            faults.insert(0, f"there is no connection {connection!r}, there are: {known}")
        if faults:
            raise UnfitWindowError(
                f"That is no maintenance window: {'; '.join(faults)}.",
                written="Nothing was changed.",
                next_step="Name both ends alike: `02:00` of each day, `Sat 22:00` of each week, or"
                " `2026-12-24 18:00`; and a zone such as Europe/Berlin.",
                connection=connection,
            )

    def _render_unknown(self, key: str) -> UnknownWindowError:
        row = next((one for one in self.list_maintenance() if one.key == key), None)
        if row is not None:
            name = key.rpartition("-")[0]
            return UnknownWindowError(
                f"The window {key} stands in the file maintenance/{name}.yaml.",
                written="Nothing was changed.",
                next_step="Take it out of the file; what serves notices.",
                key=key,
            )
        return UnknownWindowError(
            f"There is no maintenance window {key!r}.",
            written="Nothing was changed.",
            next_step="List them: `ml-connector maintenance list`.",
            key=key,
        )

    @contextmanager
    def _watching_periods(self, tell: Tell) -> Iterator[None]:
        """Periods that schedules follow are looked at in a thread, until the end of the block."""
        from ml_connector.engine.watching import Watch  # noqa: PLC0415 - start-up time.

        watch = Watch("periods", self._make_period_look(tell), find_wait_s=lambda: WATCH_S)
        watch.start()
        try:
            yield
        finally:
            watch.stop()

    def _make_period_look(self, tell: Tell) -> Callable[[], bool]:
        once = TellOnce(tell)

        def act() -> bool:
            if self._stop.is_set():
                return False
            try:
                for text in self.look_at_periods():
                    once.tell(text.partition(":")[0], text)
            except ConnectorError as error:
                once.tell("", f"Periods cannot be looked at: {error.refused}")
            except Exception as error:  # noqa: BLE001 - the next look may go well.
                once.tell("", f"Periods cannot be looked at: {tell_error(error)}")
            return not self._stop.is_set()

        return act

    def look_at_periods(self) -> list[str]:
        """Connections that are due for a look at their periods have had it; tells what happened."""
        from ml_connector.flows.closing import (  # noqa: PLC0415 - start-up time.
            list_watched,
            look_at_periods,
        )
        from ml_connector.flows.scheduling import list_facts  # noqa: PLC0415 - as above.

        watched = list_watched(self.project.schedules, list_facts(self.project))
        if not watched:
            return []
        with self._callers.executing(LOOKS_AS):
            return look_at_periods(self._closing_desk(), watched)

    def _closing_desk(self) -> "ClosingDesk":
        from ml_connector.flows.closing import ClosingDesk  # noqa: PLC0415 - start-up time.
        from ml_connector.flows.scheduling import list_facts  # noqa: PLC0415 - as above.

        return ClosingDesk(
            records=self.records,
            clock=self.clock,
            find_source=self.source,
            flows=list_facts(self.project),
            look_every=timedelta(minutes=self.project.settings.period_look_minutes),
            actor=LOOKS_AS,
        )
