"""The day on which suppliers are looked at: an end date on or before it makes one inactive."""

from __future__ import annotations

from dataclasses import dataclass

from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.store import Store


@dataclass(slots=True, kw_only=True)
class SupplierDay:
    """Keeps the one row that the views compare end dates with."""

    store: Store
    clock: SandboxClock
    _held: str = ""

    def keep(self) -> None:
        """The row names the sandbox's present day."""
        today = self.clock.now_utc().date().isoformat()
        if today == self._held:
            return
        with self.store.transaction():
            self.store.execute("DELETE FROM supplier_day")
            self.store.execute("INSERT INTO supplier_day VALUES (?)", (today,))
        self._held = today

    def forget(self) -> None:
        """The next look writes the row again."""
        self._held = ""
