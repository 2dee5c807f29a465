"""What is known of connections: tests, leases, unsettled starts, requests by second and minute."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from ml_connector.ports import Check, CheckState, Intent
from ml_connector.ports.connections import (
    ConnectionTest,
    HeldModel,
    MinuteOfRequests,
    Requests,
)
from ml_connector.records import models
from ml_connector.records.allowance import MICROSECONDS, Allowance
from ml_connector.records.intents import render_intent
from ml_connector.records.store import OrganisationStore

KEYS_MAX = 100
"""Allowances looked at; an organisation has one for each tenant and ERP."""
MODELS_MAX = 500
WINDOW_S = 60
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ConnectionRecords(OrganisationStore):
    """A `ports.connections.ConnectionStore`."""

    def record_test(self, test: ConnectionTest) -> None:
        """The look is in the history."""
        with self._writing(f"the test of connection {test.connection}"):
            models.ConnectionTest.of(self._id).create(
                organisation_id=self._id, connection=test.connection, actor=test.actor, at=test.at,
                milliseconds=test.milliseconds, is_whole=test.is_whole,
                checks=[
                    [one.subject, one.state.value, one.finding, one.next_step, one.code]
                    for one in test.checks
                ],
            )  # fmt: skip

    def load_last_tests(self, connections: Collection[str]) -> dict[str, ConnectionTest]:
        """The newest look at each of these that was looked at."""
        newest = (self.load_tests(name, limit=1) for name in sorted(connections))
        return {found[0].connection: found[0] for found in newest if found}

    def load_tests(
        self, connection: str, *, limit: int = 20, before: int = 0
    ) -> list[ConnectionTest]:
        """The newest first; see `ports.connections.ConnectionStore`."""
        rows = models.ConnectionTest.of(self._id).filter(connection=connection)
        rows = rows.filter(pk__lt=before) if before else rows
        return [_render_test(row) for row in rows.order_by("-id")[:limit]]

    def load_models(self) -> list[HeldModel]:
        """Every model anybody ever wrote into, those held now first."""
        rows = list(models.ModelLease.of(self._id).order_by("-expires_at")[:MODELS_MAX])
        runs = {row.holder.split("/", 1)[0] for row in rows if row.holder}
        began = dict(
            models.Run.of(self._id).filter(run_id__in=runs).values_list("run_id", "created_at")
        )
        found = [_render_model(row, began) for row in rows]
        return sorted(found, key=lambda one: (not one.holder, one.model_id))

    def load_unsettled(self) -> list[Intent]:
        """Task starts whose outcome is not known; each keeps its model shut."""
        names = models.ModelLease.of(self._id).values("model_id")
        rows = models.Intent.of(self._id).filter(
            model_id__in=names, state__in=models.UNSETTLED_STATES
        )
        return [render_intent(row) for row in rows.order_by("made_at")[:MODELS_MAX]]

    def load_requests(self) -> list[Requests]:
        """Every allowance that was ever drawn on; see `ports.connections.ConnectionStore`."""
        now_us = _in_us(self._read_now())
        heads = list(models.BudgetHead.of(self._id).order_by("key")[:KEYS_MAX])
        since_us = now_us - WINDOW_S * MICROSECONDS
        slots = models.BudgetSlot.of(self._id).filter(head__in=heads, granted_us__gt=since_us)
        by_head: dict[int, list[tuple[int, int]]] = {head.pk: [] for head in heads}
        for head_id, slot, granted_us in slots.values_list("head_id", "slot", "granted_us"):
            by_head[head_id].append((slot, granted_us))
        return [_render_requests(head, by_head[head.pk], now_us) for head in heads]

    def record_minute(self, keep_from: datetime) -> int:
        """The grants of this minute are counted; see `ports.connections.ConnectionStore`."""
        minute = self._read_now().replace(second=0, microsecond=0)
        minutes = models.BudgetMinute.of(self._id)
        if minutes.filter(minute=minute).exists():
            return 0
        with self._writing("the requests of a minute"):
            counted = set(minutes.filter(minute=minute).values_list("key", flat=True))
            heads = models.BudgetHead.of(self._id).order_by("key")[:KEYS_MAX]
            made = models.BudgetMinute.objects.bulk_create(
                models.BudgetMinute(
                    organisation_id=self._id, key=head.key, minute=minute, grants=head.grants
                )
                for head in heads
                if head.key not in counted
            )
            minutes.filter(minute__lt=keep_from).delete()
        return len(made)

    def load_minutes(self, key: str, *, since: datetime) -> list[MinuteOfRequests]:
        """Requests of each whole minute since then; see `ports.connections.ConnectionStore`."""
        rows = models.BudgetMinute.of(self._id).filter(key=key, minute__gte=since)
        counted = list(rows.order_by("minute").values_list("minute", "grants"))
        return [
            # A pause of whoever counts makes one long minute, told as the last of it.
            MinuteOfRequests(minute=later - timedelta(minutes=1), requests=max(0, after - before))
            for (_, before), (later, after) in pairwise(counted)
        ]


def _in_us(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)


def _render_requests(
    head: models.BudgetHead, granted: list[tuple[int, int]], now_us: int
) -> Requests:
    reserve = Allowance(requests=max(1, head.size)).reserve
    past = [(slot, at_us) for slot, at_us in granted if at_us <= now_us]
    by_second = [0] * WINDOW_S
    for _, at_us in past:
        by_second[WINDOW_S - 1 - min(WINDOW_S - 1, (now_us - at_us) // MICROSECONDS)] += 1
    return Requests(
        key=head.key, allowance=head.size, reserve=reserve, used=len(past),
        used_reserve=sum(1 for slot, _ in past if slot < reserve),
        booked=len(granted) - len(past),
        held_until=(
            EPOCH + timedelta(microseconds=head.hold_us) if head.hold_us > now_us else None
        ),
        by_second=tuple(by_second), total=head.grants,
    )  # fmt: skip


def _render_test(row: models.ConnectionTest) -> ConnectionTest:
    return ConnectionTest(
        connection=row.connection, actor=row.actor, at=row.at, milliseconds=row.milliseconds,
        is_whole=row.is_whole, number=row.pk,
        checks=tuple(
            Check(
                subject=subject, state=CheckState(state), finding=finding, next_step=next_step,
                code=code,
            )
            for subject, state, finding, next_step, code in row.checks
        ),
    )  # fmt: skip


def _render_model(row: models.ModelLease, began: dict[str, datetime]) -> HeldModel:
    run_id = row.holder.split("/", 1)[0]
    return HeldModel(
        model_id=row.model_id, holder=row.holder, run_id=run_id,
        run_began_at=began.get(run_id), fence=row.fence, expires_at=row.expires_at,
    )  # fmt: skip
