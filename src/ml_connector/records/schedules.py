"""Schedules of one organisation: claimed by one process only, each time of theirs once."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError
from django.db.models import OuterRef, QuerySet, Subquery

from ml_connector.errors import DatabaseAwayError, SystemUnavailableError
from ml_connector.ports import Json, RunState
from ml_connector.ports.schedules import (
    OPEN_FIRINGS,
    UNBEGUN_FIRINGS,
    Claim,
    Decide,
    FindNext,
    FiringRow,
    FiringState,
    ScheduleRow,
)
from ml_connector.records import models
from ml_connector.records.canonical import verify_plain
from ml_connector.records.store import OrganisationStore, split_chunks, writing

CLAIMS_PER_LOOK_MAX = 100
"""Schedules one look decides on, and open firings it takes; the others wait a second."""
PICK_UP_S = 5
"""An open firing that nobody touched for so long is anybody's: who claimed it may be dead."""
LOOKS_MAX = 17_280
"""Looks at a firing whose flow is busy, a day of them; then it is passed over."""
SCHEDULES_MAX = 10_000
"""Schedules of an organisation that are kept, those gone from the folder included."""
NEWER_CAME = "a newer time came before it began"
_OPEN = sorted(state.value for state in OPEN_FIRINGS)
_UNBEGUN = sorted(state.value for state in UNBEGUN_FIRINGS)


class ScheduleRecords(OrganisationStore):
    """A `ports.schedules.ScheduleStore`.

    What is due is decided on under the lock of its own row, which others skip: looking takes no
    turn behind those who write about other things.
    """

    def save_schedules(self, definitions: Mapping[str, Json], find_next: FindNext) -> list[str]:
        """These are the schedules; see `ports.schedules.ScheduleStore`."""
        plain = {name: verify_plain(its) for name, its in definitions.items()}
        with self._writing(f"{len(plain)} schedules"):
            rows = {row.name: row for row in self._schedules().select_for_update()}
            changed = [name for name, its in plain.items() if _differs(rows.get(name), its)]
            gone = [name for name, row in rows.items() if row.is_listed and name not in plain]
            for name in changed:
                row = rows.get(name) or models.Schedule(organisation_id=self._id, name=name)
                if not (row.is_listed and _follows_on(row.definition, plain[name])):
                    row.since_at, row.next_due_at = self._clock.now(), None
                if _has_other_clocks(row.definition, plain[name]):
                    row.since_at = self._clock.now()  # What had come by the old ones is over.
                row.flow, row.definition, row.is_listed = plain[name]["flow"], plain[name], True
                row.next_due_at = None if row.paused_at else self._find_moved(row, find_next)
                row.save()
            self._schedules().filter(name__in=gone).update(is_listed=False, next_due_at=None)
        return sorted([*changed, *gone])

    def save_recomputed(self, flows: Collection[str], find_next: FindNext) -> int:
        """Schedules are due when that says now; see `ports.schedules.ScheduleStore`."""
        changed = 0
        with self._writing("when schedules are due"):
            now = self._clock.now()
            rows = self._schedules().filter(is_listed=True, paused_at=None, flow__in=list(flows))
            for row in rows.exclude(next_due_at__lte=now).select_for_update():
                found = self._find_moved(row, find_next)
                if found != row.next_due_at:
                    changed += self._schedules().filter(pk=row.pk).update(next_due_at=found)
        return changed

    def load_schedules(self) -> list[ScheduleRow]:
        """All there ever were, by name."""
        with _asking():
            rows = self._schedules().order_by("name")[:SCHEDULES_MAX]
            return sorted((_render_schedule(row) for row in rows), key=lambda one: one.name)

    def find_schedule(self, name: str) -> ScheduleRow | None:
        """One of them, if there is."""
        with _asking():
            row = self._schedules().filter(name=name).first()
        return None if row is None else _render_schedule(row)

    def save_pause(self, name: str, *, flow: str, actor: str) -> bool:
        """It is due no more; see `ports.schedules.ScheduleStore`."""
        with self._writing(f"the pause of schedule {name}"):
            row, _ = self._schedules().get_or_create(
                name=name, defaults={"organisation_id": self._id, "flow": flow, "is_listed": False}
            )
            free = self._schedules().filter(pk=row.pk, paused_at=None)
            changed = free.update(paused_at=self._clock.now(), paused_by=actor, next_due_at=None)
        return bool(changed)

    def save_resumption(self, name: str, find_next: FindNext) -> bool:
        """It is due again from now on; False when it was not paused."""
        with self._writing(f"the resumption of schedule {name}"):
            held = self._schedules().filter(name=name, paused_at__isnull=False)
            row = held.select_for_update().first()
            if row is None:
                return False
            row.paused_at, row.paused_by, row.since_at = None, "", self._clock.now()
            row.next_due_at = self._find_next(row, find_next) if row.is_listed else None
            row.save()
        return True

    def claim_due(self, flows: Collection[str], decide: Decide) -> list[FiringRow]:
        """Schedules that are due are decided on; see `ports.schedules.ScheduleStore`."""
        claimed: list[FiringRow] = []
        with _asking():
            due = self._schedules().filter(next_due_at__lte=self._clock.now(), flow__in=list(flows))
            if not due.exists():
                return []
            with writing("what is due"):
                rows = due.order_by("next_due_at").select_for_update(skip_locked=True)
                for row in rows[:CLAIMS_PER_LOOK_MAX]:
                    claimed += self._decide(row, decide)
        return claimed

    def claim_open(self) -> list[FiringRow]:
        """Open firings that nobody has looked at for some seconds; they are this process's now."""
        now = self._clock.now()
        with _asking():
            left = self._firings().filter(
                state__in=_OPEN, looked_at__lte=now - timedelta(seconds=PICK_UP_S)
            )
            if not left.exists():
                return []
            with writing("who looks at open firings"):
                rows = left.order_by("looked_at").select_for_update(skip_locked=True)
                found = list(rows[:CLAIMS_PER_LOOK_MAX])
                self._firings().filter(pk__in=[row.pk for row in found]).update(looked_at=now)
        return [_render_firing(row) for row in found]

    def save_begun(self, firing: FiringRow) -> bool:
        """Its run is recorded in the same transaction; False when it has been passed over."""
        with self._writing(f"the firing {firing.run_id}"):
            unbegun = self._one(firing).filter(state__in=_UNBEGUN)
            return bool(unbegun.update(state=FiringState.RECORDED.value, reason=firing.reason))

    def save_waiting(
        self, firing: FiringRow, reason: str, *, for_ever: bool = False
    ) -> FiringState:
        """It is looked at again later, unless it was often enough; returns how it stands."""
        looks = firing.looks + (not for_ever)  # A window's hours are none of the flow's day.
        if looks >= LOOKS_MAX and not for_ever:
            self.save_ended(firing, FiringState.PASSED_OVER, f"{reason}, for {looks:,} looks")
            return FiringState.PASSED_OVER
        with self._writing(f"the firing {firing.run_id}"):
            self._one(firing).filter(state__in=_UNBEGUN).update(
                state=FiringState.WAITING.value, reason=reason, looks=looks,
                looked_at=self._clock.now(),
            )  # fmt: skip
        return FiringState.WAITING

    def save_ended(self, firing: FiringRow, state: FiringState, reason: str = "") -> None:
        """An open firing has its end; one that has is left alone."""
        with self._writing(f"the end of firing {firing.run_id}"):
            self._one(firing).filter(state__in=_OPEN).update(
                state=state.value, reason=reason, ended_at=self._clock.now()
            )

    def record_firing(self, firing: FiringRow) -> None:
        """A firing that somebody asked for is in the history, with its end."""
        with self._writing(f"the firing {firing.run_id}"):
            while self._one(firing).exists():
                # Somebody asked at the very instant that was due.
                firing = replace(firing, due_at=firing.due_at + timedelta(microseconds=1))
            self._make_firing(firing).save()

    def load_firings(
        self, name: str, *, limit: int = 20, before: datetime | None = None
    ) -> list[FiringRow]:
        """The newest first, of those before an instant if one is given."""
        with _asking():
            its = self._firings().filter(schedule=name)
            if before is not None:
                its = its.filter(due_at__lt=before)
            return [_render_firing(row) for row in its.order_by("-due_at")[:limit]]

    def load_last_firings(self, names: Collection[str]) -> dict[str, FiringRow]:
        """The newest of each of these that has one."""
        newest = (
            self._firings().filter(schedule=OuterRef("name")).order_by("-due_at").values("pk")[:1]
        )
        with _asking():
            known = dict(
                self._schedules().annotate(last=Subquery(newest)).values_list("name", "last")
            )
            keys = [key for name, key in known.items() if key and name in names]
            rows = [_render_firing(row) for row in self._firings().filter(pk__in=keys)]
        # Somebody may have asked for a run of a schedule that nothing has served yet.
        asked_for = self._find_fired({*names} - {*known})
        rows += [row for name in asked_for for row in self.load_firings(name, limit=1)]
        return {row.schedule: row for row in rows}

    def _find_fired(self, names: Collection[str]) -> list[str]:
        """Those of them that have a firing; few statements, however many have none."""
        with _asking():
            fired = (self._firings().filter(schedule__in=part) for part in split_chunks(names))
            return [
                name
                for part in fired
                for name in part.order_by().values_list("schedule", flat=True).distinct()
            ]

    def load_run_states(self, run_ids: Collection[str]) -> dict[str, RunState]:
        """How the runs of firings stand, of those that are there."""
        found: dict[str, RunState] = {}
        with _asking():
            for part in split_chunks(run_ids):
                rows = models.Run.of(self._id).filter(run_id__in=part)
                found |= {
                    name: RunState(state) for name, state in rows.values_list("run_id", "state")
                }
        return found

    def _schedules(self) -> QuerySet[models.Schedule]:
        return models.Schedule.of(self._id)

    def _firings(self) -> QuerySet[models.Firing]:
        return models.Firing.of(self._id)

    def _one(self, firing: FiringRow) -> QuerySet[models.Firing]:
        return self._firings().filter(schedule=firing.schedule, due_at=firing.due_at)

    def _find_next(self, row: models.Schedule, find_next: FindNext) -> datetime | None:
        """Later than now, and than all that has come: a clock that was set back repeats nothing."""
        last = self._firings().filter(schedule=row.name).order_by("-due_at").first()
        now = self._clock.now()
        return find_next(row.definition, max(now, last.due_at) if last else now)

    def _find_moved(self, row: models.Schedule, find_next: FindNext) -> datetime | None:
        """When it is due by what holds now; what has come and not run is due at once.

        A window that ends sooner than was said leaves such times behind, and so does a period that
        is learned of late: its working day may be over.
        """
        cursor = _render_schedule(row).cursor
        left = find_next(row.definition, cursor) if cursor is not None else None
        if left is not None and left <= self._clock.now():
            return left
        return self._find_next(row, find_next)

    def _decide(self, row: models.Schedule, decide: Decide) -> list[FiringRow]:
        its = self._firings().filter(schedule=row.name)
        claim = decide(_render_schedule(row), its.filter(state__in=_OPEN).exists())
        if claim is None:
            return []
        firings = self._make_firings(row, claim)
        runs = [one for one in firings if one.state == FiringState.CLAIMED.value]
        if runs and claim.passes_over:
            older = its.filter(state__in=_UNBEGUN, due_at__lt=runs[-1].due_at)
            older.filter(reason="").update(reason=NEWER_CAME)
            older.update(state=FiringState.PASSED_OVER.value, ended_at=self._clock.now())
        models.Firing.objects.bulk_create(firings)
        done_at = claim.done_at or row.done_at
        self._schedules().filter(pk=row.pk).update(next_due_at=claim.next_due_at, done_at=done_at)
        return [_render_firing(one) for one in runs]

    def _make_firings(self, row: models.Schedule, claim: Claim) -> list[models.Firing]:
        """The firings of a claim, without those whose time has one already."""
        instants = [one.due_at for one in claim.firings]
        had = set(
            self._firings()
            .filter(schedule=row.name, due_at__in=instants)
            .values_list("due_at", flat=True)
        )
        return [
            self._make_firing(
                FiringRow(
                    schedule=row.name, flow=row.flow, due_at=one.due_at, run_id=one.run_id,
                    state=one.state, reason=one.reason, actor=claim.actor, request=claim.request,
                    looks=0, ended_at=None,
                )
            )
            for one in claim.firings if one.due_at not in had
        ]  # fmt: skip

    def _make_firing(self, firing: FiringRow) -> models.Firing:
        now = self._clock.now()
        return models.Firing(
            organisation_id=self._id,
            schedule=firing.schedule,
            flow=firing.flow,
            due_at=firing.due_at,
            run_id=firing.run_id,
            state=firing.state.value,
            reason=firing.reason,
            actor=firing.actor,
            request=verify_plain(firing.request),
            looks=firing.looks,
            looked_at=now,
            ended_at=None if firing.state in OPEN_FIRINGS else now,
        )


@contextmanager
def _asking() -> Iterator[None]:
    """What fails in the block fails in our own words.

    Raises:
        DatabaseAwayError: The server does not answer.
        SystemUnavailableError: The file is locked for too long, or damaged.
    """
    try:
        yield
    except DatabaseAwayError:
        raise
    except (OperationalError, InterfaceError) as error:
        raise SystemUnavailableError(
            f"The records database could not be asked for schedules: {error}.",
            written="Nothing was changed.",
            next_step="Look at the database; schedules go on when it answers again.",
        ) from error


def _differs(row: models.Schedule | None, definition: Json) -> bool:
    return row is None or not row.is_listed or row.definition != definition


def _follows_on(before: Json, after: Json) -> bool:
    """Whether a changed definition still waits for the same thing."""
    is_same = all(before.get(key) == after.get(key) for key in ("when", "flow"))
    return is_same and before.get("enabled", True)


def _has_other_clocks(before: Json, after: Json) -> bool:
    """Whether its times are of another zone; what becomes of periods has no zone."""
    return before.get("zone") != after.get("zone") and not after.get("when", {}).get("on")


def _render_schedule(row: models.Schedule) -> ScheduleRow:
    return ScheduleRow(
        name=row.name,
        flow=row.flow,
        definition=row.definition,
        next_due_at=row.next_due_at,
        paused_by=row.paused_by,
        paused_at=row.paused_at,
        is_listed=row.is_listed,
        done_at=row.done_at,
        since_at=row.since_at,
    )


def _render_firing(row: models.Firing) -> FiringRow:
    return FiringRow(
        schedule=row.schedule,
        flow=row.flow,
        due_at=row.due_at,
        run_id=row.run_id,
        state=FiringState(row.state),
        reason=row.reason,
        actor=row.actor,
        request=row.request,
        looks=row.looks,
        ended_at=row.ended_at,
    )
