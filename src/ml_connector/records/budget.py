"""One allowance of requests per tenant, exact in every sliding window, over all processes.

The allowance of N requests is N places in the database, each with the instant of its last grant. A
place is granted again no earlier than one window later, so no window ever holds more than N. One
short transaction on a connection of its own books the place that is free first and says from when
it may be used; the caller sleeps once. Bookings are in line order: nobody is overtaken, nobody
polls.

Two things stand beside the line. The first places are kept for people: whoever asks outside a run
takes the earlier of one of these and of the line. And a run has one place in the line however many
threads it reads with, so that runs get equal shares, in whatever processes they are.

The instant is the one of `ports.Clock` on SQLite: all processes that share the file share the
machine and so its clock, which SQLite itself would ask too, if only to the millisecond. On
PostgreSQL the processes may run on several machines whose clocks differ; there the server's
`clock_timestamp()` stands in for the machine's, asked after the row lock is held, and only
differences are slept. A clock that somebody moves is asked on both.

A clock may be set back. Then grants lie further ahead than any line is long; they count as granted
at this moment, which is no earlier than they were, and requests go on one window later.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import NamedTuple

from django.db import connections
from django.db.models import QuerySet

from ml_connector.errors import SystemUnavailableError
from ml_connector.ports import Clock
from ml_connector.records import models
from ml_connector.records.allowance import MICROSECONDS, Allowance
from ml_connector.records.clock import SystemClock
from ml_connector.records.setup import BUDGET_ALIAS, DEFAULT_ALIAS
from ml_connector.records.store import writing

logger = logging.getLogger(__name__)

WAIT_MAX_S = 3600
"""A request that would have to wait longer is refused instead."""
HOLD_MAX_S = 600
"""No answer of a server makes everybody wait longer than this; clients pass on half of it."""
BOOKINGS_MAX = 50
"""Grants a caller may lose, by coming late or by a hold, before it gives up."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NEVER = 0
NOWHERE = -1
PERSON = ""
"""Who asks outside any run."""

# Asked for before each request, so these few stand as SQL: the mapper's way to the same statements
# takes longer than the request of a quick server.
_FIND_HEAD = (
    "SELECT id, organisation_id, key, size, grants, granted_us, hold_us FROM records_budgethead"
    " WHERE organisation_id = %s AND key = %s"
)
_FIND_FIRST = (
    "SELECT slot, granted_us FROM records_budgetslot WHERE organisation_id = %s AND head_id = %s"
    " AND slot >= %s AND slot < %s ORDER BY granted_us, slot LIMIT 1"
)
_COUNT_USED = (
    "SELECT count(*) FROM records_budgetslot WHERE organisation_id = %s AND head_id = %s"
    " AND slot >= %s AND granted_us > %s"
)
_SAVE_PLACE = (
    "UPDATE records_budgetslot SET granted_us = %s"
    " WHERE organisation_id = %s AND head_id = %s AND slot = %s"
)
_SAVE_HEAD = "UPDATE records_budgethead SET granted_us = %s, grants = %s WHERE id = %s"
_FIND_HOLD = (
    "SELECT 1 FROM records_budgethead WHERE organisation_id = %s AND key = %s AND hold_us > %s"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A place from an instant on; `before_us` is when it was granted before.

    Without a place it only says when to ask again, the line being as long as it may be.
    """

    slot: int
    at_us: int
    before_us: int


class _Place(NamedTuple):
    slot: int
    granted_us: int


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
        self._lanes = _Lanes()

    def acquire(self, key: str, *, run_id: str = PERSON) -> None:
        """Return when one request may be sent now; waits, first come first served.

        A grant is good for a moment only: who comes late, because the machine was busy or because
        another process was told to hold meanwhile, gives it up and lines up again.

        Args:
            key: The allowance drawn on.
            run_id: The run that asks; without it a person does, who may use the reserve.

        Raises:
            SystemUnavailableError: The wait would be too long.
        """
        # A wait inside a transaction would stop every other writer, this booking included.
        assert not connections[DEFAULT_ALIAS].in_atomic_block
        if run_id == PERSON:
            self._await_grant(key, is_person=True)
            return
        with self._lanes.entered(key, run_id):
            self._await_grant(key, is_person=False)

    def hold(self, key: str, seconds: float) -> None:
        """Nobody sends for that long; a shorter hold does not end a longer one."""
        wait_us = round(min(max(seconds, 0), HOLD_MAX_S) * MICROSECONDS)
        # Not behind the bookings of this process: until it is stored, others go on sending.
        with writing(f"the hold of {key}", using=BUDGET_ALIAS):
            head, now_us = self._open_head(key, self._allowance(key))
            head.hold_us = max(head.hold_us, now_us + wait_us)
            head.save(using=BUDGET_ALIAS, update_fields=["hold_us"])

    def _allowance(self, key: str) -> Allowance:
        return self._allowances.get(key, Allowance())

    def _await_grant(self, key: str, *, is_person: bool) -> None:
        allowance = self._allowance(key)
        lost: Grant | None = None
        for _ in range(BOOKINGS_MAX):
            with self._gate:
                grant = self._book(key, allowance, is_person=is_person, lost=lost)
            is_due = self._is_due(grant.at_us, allowance) and grant.slot != NOWHERE
            if is_due and not self._is_held(key, grant.at_us):
                return
            lost = grant
        raise SystemUnavailableError(
            f"{BOOKINGS_MAX} grants of the request budget {key} passed by unused.",
            written="The request was not sent.",
            next_step="Lower the load on this machine, then try again.",
            key=key,
        )

    def _book(
        self, key: str, allowance: Allowance, *, is_person: bool, lost: Grant | None
    ) -> Grant:
        """Book the next grant; the lost one was not used, so its place is given back first."""
        with writing(f"a grant of {key}", using=BUDGET_ALIAS):
            head, now_us = self._open_head(key, allowance)
            if lost is not None:
                mine = self._places(head).filter(slot=lost.slot, granted_us=lost.at_us)
                mine.update(granted_us=lost.before_us)
            from_us = max(now_us, head.hold_us)
            place, granted_us = self._find_place(head, allowance, from_us, is_person=is_person)
            if granted_us - now_us > WAIT_MAX_S * MICROSECONDS:
                raise _too_long(key, (granted_us - now_us) // MICROSECONDS)
            if granted_us - from_us > allowance.line_us:
                later_us = granted_us - allowance.line_us
                return Grant(slot=NOWHERE, at_us=later_us, before_us=NEVER)
            return self._store(head, place, granted_us, in_line=place.slot >= allowance.reserve)

    def _store(
        self, head: models.BudgetHead, place: _Place, granted_us: int, *, in_line: bool
    ) -> Grant:
        head_us = granted_us if in_line else head.granted_us
        with connections[BUDGET_ALIAS].cursor() as cursor:
            cursor.execute(_SAVE_PLACE, [granted_us, self._id, head.pk, place.slot])
            cursor.execute(_SAVE_HEAD, [head_us, head.grants + 1, head.pk])
        return Grant(slot=place.slot, at_us=granted_us, before_us=place.granted_us)

    def _find_place(
        self, head: models.BudgetHead, allowance: Allowance, from_us: int, *, is_person: bool
    ) -> tuple[_Place, int]:
        """The place that is free first, and the instant it may be used from."""
        mine, reserve = [self._id, head.pk], allowance.reserve
        with connections[BUDGET_ALIAS].cursor() as cursor:
            cursor.execute(_FIND_FIRST, [*mine, reserve, head.size])
            first = _Place(*cursor.fetchone())
            cursor.execute(_COUNT_USED, [*mine, reserve, from_us - allowance.cycle_us])
            paced_us = head.granted_us + allowance.find_pace_us(cursor.fetchone()[0])
            granted_us = max(from_us, paced_us, first.granted_us + allowance.cycle_us)
            if is_person and reserve:
                cursor.execute(_FIND_FIRST, [*mine, 0, reserve])
                kept = _Place(*cursor.fetchone())
                kept_us = max(from_us, kept.granted_us + allowance.cycle_us)
                if kept_us < granted_us:
                    return kept, kept_us
        return first, granted_us

    def _is_due(self, granted_us: int, allowance: Allowance) -> bool:
        """Sleep until the grant; whether it may be used when this returns.

        Not when the machine was too busy to be there in time, nor when its clock was set back
        meanwhile: by the new time the grant is still to come, and the line is another one.
        """
        left_us = granted_us - self._now_us()
        while left_us > 0:
            self._clock.sleep(left_us / MICROSECONDS)
            left_us = granted_us - self._now_us()
            if left_us > allowance.late_us:
                return False
        return -left_us <= allowance.late_us

    def _is_held(self, key: str, granted_us: int) -> bool:
        """Whether a hold was set after the grant was booked."""
        with connections[BUDGET_ALIAS].cursor() as cursor:
            cursor.execute(_FIND_HOLD, [self._id, key, granted_us])
            return cursor.fetchone() is not None

    def _open_head(self, key: str, allowance: Allowance) -> tuple[models.BudgetHead, int]:
        """The key's row, locked, and the time; nothing in it lies further ahead than can be."""
        head = self._lock_head(key)
        if head.size != allowance.requests:
            self._resize(head, allowance)
        now_us = self._now_us()  # Asked once the lock is held; before, it would be stale.
        line_ends_us = max(now_us, head.hold_us) + allowance.line_us
        hold_ends_us = now_us + HOLD_MAX_S * MICROSECONDS + allowance.cycle_us
        if head.granted_us > line_ends_us or head.hold_us > hold_ends_us:
            self._forget_ahead(head, now_us, allowance.cycle_us)
        return head, now_us

    def _forget_ahead(self, head: models.BudgetHead, now_us: int, cycle_us: int) -> None:
        """What lies ahead by a clock that was set back counts as granted now.

        Who booked it and still sleeps finds on waking that the grant is not due, and lines up.
        """
        ahead_s = (max(head.granted_us, head.hold_us) - now_us) // MICROSECONDS
        logger.warning(
            "budget.clock_set_back key=%s ahead_s=%d wait_s=%d",
            head.key, ahead_s, cycle_us // MICROSECONDS,
        )  # fmt: skip
        self._places(head).filter(granted_us__gt=now_us).update(granted_us=now_us)
        head.granted_us = min(head.granted_us, now_us)
        head.hold_us = min(head.hold_us, now_us + cycle_us)
        head.save(using=BUDGET_ALIAS, update_fields=["granted_us", "hold_us"])

    def _lock_head(self, key: str) -> models.BudgetHead:
        found = self._find_head(key)
        if found is None:
            # Made first, then locked: a row that does not exist cannot be waited for.
            models.BudgetHead.of(self._id).using(BUDGET_ALIAS).get_or_create(
                organisation_id=self._id,
                key=key,
                defaults={"size": 0, "grants": 0, "granted_us": NEVER, "hold_us": NEVER},
            )
            found = self._find_head(key)
        assert found is not None
        return found

    def _find_head(self, key: str) -> models.BudgetHead | None:
        connection = connections[BUDGET_ALIAS]
        lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
        with connection.cursor() as cursor:
            cursor.execute(_FIND_HEAD + lock, [self._id, key])
            row = cursor.fetchone()
        return None if row is None else models.BudgetHead(*row)

    def _resize(self, head: models.BudgetHead, allowance: Allowance) -> None:
        """There are that many places, the people's free first; the newest grants are kept.

        Grants that a window may still hold are kept behind them, where nothing is granted: another
        process may know a larger allowance, and counts them when its own places are made.
        """
        places, size = self._places(head), allowance.requests
        known = sorted(places.values_list("granted_us", flat=True))
        kept = known[-size:]
        young_us = self._now_us() - allowance.cycle_us
        beyond = [granted_us for granted_us in known[:-size] if granted_us > young_us]
        places.delete()
        places.bulk_create(
            models.BudgetSlot(
                organisation_id=self._id, head_id=head.pk, slot=place, granted_us=granted_us
            )
            for place, granted_us in enumerate([NEVER] * (size - len(kept)) + kept + beyond)
        )
        head.size, head.grants = size, 0
        # What the old line had booked further ahead than the new one is long, is waited for.
        head.hold_us = max(head.hold_us, head.granted_us - allowance.line_us)
        head.save(using=BUDGET_ALIAS, update_fields=["size", "grants", "hold_us"])

    def _places(self, head: models.BudgetHead) -> QuerySet[models.BudgetSlot]:
        return models.BudgetSlot.of(self._id).using(BUDGET_ALIAS).filter(head_id=head.pk)

    def _now_us(self) -> int:
        connection = connections[BUDGET_ALIAS]
        if connection.vendor == "sqlite" or not isinstance(self._clock, SystemClock):
            return (self._clock.now() - EPOCH) // timedelta(microseconds=1)
        with connection.cursor() as cursor:
            cursor.execute("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
            return int(cursor.fetchone()[0])


class _Lanes:
    """One place in line for each run and key of this process."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._lanes: dict[tuple[str, str], Lock] = {}
        self._waiting: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def entered(self, key: str, run_id: str) -> Iterator[None]:
        """No other thread of the run waits for a grant of the key within the block."""
        name = (key, run_id)
        with self._guard:
            lane = self._lanes.setdefault(name, Lock())
            self._waiting[name] += 1
        try:
            with lane:
                yield
        finally:
            with self._guard:
                self._waiting[name] -= 1
                if not self._waiting[name]:
                    del self._waiting[name], self._lanes[name]


def _too_long(key: str, wait_s: int) -> SystemUnavailableError:
    return SystemUnavailableError(
        f"The request budget {key} has no grant for the next {wait_s} seconds.",
        written="The request was not sent.",
        next_step="Run fewer flows at once or raise `requests_per_minute`, then try again.",
        key=key,
        wait_s=wait_s,
    )
