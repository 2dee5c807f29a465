"""One allowance of requests per tenant, exact in every sliding window, over all processes.

A ring in the database holds the instants of the last N grants. Grant n may be used no earlier than
grant n - N plus the window, so no window ever holds more than N. One short transaction on a
connection of its own books the next grant and says when it may be used; the caller sleeps once.
Bookings are in line order, so nobody is overtaken and nobody polls.

The instant is the one of `ports.Clock` on SQLite: all processes that share the file share the
machine and so its clock, which SQLite itself would ask too, if only to the millisecond. On
PostgreSQL the processes may run on several machines whose clocks differ; there the server's
`clock_timestamp()` stands in for the machine's, asked after the row lock is held, and only
differences are slept. A clock that somebody moves is asked on both.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from threading import Lock

from django.db import connections
from django.db.models import QuerySet

from ml_connector.errors import SystemUnavailableError
from ml_connector.ports import Clock
from ml_connector.records import models
from ml_connector.records.allowance import MICROSECONDS, Allowance
from ml_connector.records.clock import SystemClock
from ml_connector.records.setup import BUDGET_ALIAS, DEFAULT_ALIAS
from ml_connector.records.store import writing

WAIT_MAX_S = 3600
"""A request that would have to wait longer is refused instead."""
HOLD_MAX_S = 3600
"""No answer of a server makes everybody wait longer than this."""
BOOKINGS_MAX = 50
"""Grants a caller may lose, by coming late or by a hold, before it gives up."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NEVER = 0


class RingBudget:
    """A `ports.RequestBudget` on the records database."""

    def __init__(
        self,
        organisation_id: int,
        *,
        clock: Clock,
        allowances: Mapping[str, Allowance],
    ) -> None:
        self._id = organisation_id
        self._clock = clock
        self._allowances = dict(allowances)
        # Threads of this process line up here, so that only processes contend for the database.
        self._gate = Lock()

    def acquire(self, key: str) -> None:
        """Return when one request may be sent now; waits, first come first served.

        A grant is good for a moment only: who comes late, because the machine was busy or because
        another process was told to hold meanwhile, gives it up and lines up again.

        Raises:
            SystemUnavailableError: The wait would be longer than an hour.
        """
        # A wait inside a transaction would stop every other writer, this booking included.
        assert not connections[DEFAULT_ALIAS].in_atomic_block
        allowance = self._allowance(key)
        for _ in range(BOOKINGS_MAX):
            with self._gate:
                granted_us = self._book(key, allowance)
            if self._await(granted_us) <= allowance.late_us and not self._is_held(key, granted_us):
                return
        raise SystemUnavailableError(
            f"{BOOKINGS_MAX} grants of the request budget {key} passed by unused.",
            written="The request was not sent.",
            next_step="Lower the load on this machine, then resume the run.",
            key=key,
        )

    def hold(self, key: str, seconds: float) -> None:
        """Nobody sends for that long; a shorter hold does not end a longer one."""
        wait_us = round(min(max(seconds, 0), HOLD_MAX_S) * MICROSECONDS)
        with self._gate, writing(f"the hold of {key}", using=BUDGET_ALIAS):
            head = self._lock_head(key, self._allowance(key))
            head.hold_us = max(head.hold_us, self._now_us() + wait_us)
            head.save(using=BUDGET_ALIAS, update_fields=["hold_us"])

    def _allowance(self, key: str) -> Allowance:
        return self._allowances.get(key, Allowance())

    def _book(self, key: str, allowance: Allowance) -> int:
        """Book the next grant; the instant it may be used from."""
        with writing(f"a grant of {key}", using=BUDGET_ALIAS):
            head = self._lock_head(key, allowance)
            slot = self._slots(head).get(slot=head.grants % head.size)
            now_us = self._now_us()  # Asked once the lock is held; before, it would be stale.
            granted_us = max(now_us, head.hold_us, head.granted_us + allowance.pace_us)
            if slot.granted_us != NEVER:
                granted_us = max(granted_us, slot.granted_us + allowance.cycle_us)
            if granted_us - now_us > WAIT_MAX_S * MICROSECONDS:
                raise _too_long(key, (granted_us - now_us) // MICROSECONDS)
            self._store(head, slot, granted_us)
            return granted_us

    def _store(self, head: models.BudgetHead, slot: models.BudgetSlot, granted_us: int) -> None:
        slot.granted_us = head.granted_us = granted_us
        head.grants += 1
        slot.save(using=BUDGET_ALIAS, update_fields=["granted_us"])
        head.save(using=BUDGET_ALIAS, update_fields=["granted_us", "grants"])

    def _await(self, granted_us: int) -> int:
        """Sleep until the grant; how late it is when this returns."""
        left_us = granted_us - self._now_us()
        while left_us > 0:
            self._clock.sleep(left_us / MICROSECONDS)
            left_us = granted_us - self._now_us()
        return -left_us

    def _is_held(self, key: str, granted_us: int) -> bool:
        """Whether a hold was set after the grant was booked."""
        heads = models.BudgetHead.of(self._id).using(BUDGET_ALIAS).filter(key=key)
        return heads.filter(hold_us__gt=granted_us).exists()

    def _lock_head(self, key: str, allowance: Allowance) -> models.BudgetHead:
        heads = models.BudgetHead.of(self._id).using(BUDGET_ALIAS)
        # Made first, then locked: a row that does not exist cannot be waited for.
        heads.get_or_create(
            organisation_id=self._id,
            key=key,
            defaults={"size": 0, "grants": 0, "granted_us": NEVER, "hold_us": NEVER},
        )
        head = heads.select_for_update().get(key=key)
        if head.size != allowance.requests:
            self._resize(head, allowance.requests)
        return head

    def _resize(self, head: models.BudgetHead, size: int) -> None:
        """The ring has that many places, oldest grant first; the newest grants are kept."""
        slots = self._slots(head)
        kept = sorted(slots.values_list("granted_us", flat=True))[-size:]
        slots.delete()
        slots.bulk_create(
            models.BudgetSlot(
                organisation_id=self._id, head_id=head.pk, slot=place, granted_us=granted_us
            )
            for place, granted_us in enumerate([NEVER] * (size - len(kept)) + kept)
        )
        head.size, head.grants = size, 0
        head.save(using=BUDGET_ALIAS, update_fields=["size", "grants"])

    def _slots(self, head: models.BudgetHead) -> QuerySet[models.BudgetSlot]:
        return models.BudgetSlot.of(self._id).using(BUDGET_ALIAS).filter(head_id=head.pk)

    def _now_us(self) -> int:
        connection = connections[BUDGET_ALIAS]
        if connection.vendor == "sqlite" or not isinstance(self._clock, SystemClock):
            return (self._clock.now() - EPOCH) // timedelta(microseconds=1)
        with connection.cursor() as cursor:
            cursor.execute("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
            return int(cursor.fetchone()[0])


def _too_long(key: str, wait_s: int) -> SystemUnavailableError:
    return SystemUnavailableError(
        f"The request budget {key} has no grant for the next {wait_s} seconds.",
        written="The request was not sent.",
        next_step="Wait until the other system takes requests again, then resume the run.",
        key=key,
        wait_s=wait_s,
    )
