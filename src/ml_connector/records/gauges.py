"""Numbers about an organisation, counted by the database."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from django.db.models import Count, Max, Q, Sum

from ml_connector.ports import RunState
from ml_connector.ports.gauges import BudgetGauge, Gauges
from ml_connector.ports.standings import StageState
from ml_connector.records import models
from ml_connector.records.alerts import LOOKS_ONLY
from ml_connector.records.store import OrganisationStore

WINDOW = timedelta(minutes=1)
"""What the allowance of requests is counted over."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class GaugeRecords(OrganisationStore):
    """A `ports.GaugeStore`."""

    def load_gauges(self) -> Gauges:
        """All of them; see `ports.GaugeStore`."""
        now, runs = self._read_now(), self._count_runs()
        leases = models.ModelLease.of(self._id).values_list("model_id", "expires_at")
        return Gauges(
            runs=runs,
            good_at=self._find_good(),
            periods=self._count_periods(),
            unmapped=self._count_unmapped(),
            refused=self._count_refused({flow for flow, _ in runs}),
            owed=self._count_owed(),
            budgets=self._read_budgets(now),
            leases={model_id: expires_at > now for model_id, expires_at in leases},
        )

    def _count_runs(self) -> dict[tuple[str, RunState], int]:
        rows = models.Run.of(self._id).values_list("flow", "state").annotate(count=Count("id"))
        return {(flow, RunState(state)): count for flow, state, count in rows.order_by()}

    def _find_good(self) -> dict[str, datetime]:
        """When the newest run of each flow ended that has brought all it should."""
        good = models.Run.of(self._id).filter(state=RunState.SUCCEEDED.value)
        for looks in sorted(LOOKS_ONLY):
            # A key that is missing is no `true`; to the database it is unknown.
            key = f"request__{looks}"
            good = good.filter(Q(**{f"{key}__isnull": True}) | ~Q(**{key: True}))
        newest = good.values("flow").annotate(newest=Max("id")).order_by()
        rows = models.Run.of(self._id).filter(id__in=[row["newest"] for row in newest])
        return {row.flow: row.finished_at for row in rows if row.finished_at is not None}

    def _count_periods(self) -> dict[tuple[str, str, StageState], int]:
        found: Counter[tuple[str, str, StageState]] = Counter()
        rows = models.Standing.of(self._id).values_list("flow", "stages")
        for flow, stages, count in rows.annotate(count=Count("id")).order_by():
            for stage, state in stages.items():
                found[flow, stage, StageState(state)] += count
        return dict(found)

    def _count_unmapped(self) -> dict[str, int]:
        rows = models.UnmappedValue.of(self._id).filter(lines__gt=0).values_list("flow")
        return dict(rows.annotate(count=Count("id")).order_by())

    def _count_refused(self, flows: set[str]) -> dict[str, int]:
        """Those with a cause are counted beside them; others are few, of older releases.

        Only of flows that ever ran, by name: so the database finds the few by their index.
        """
        tallied = models.RefusedTally.of(self._id).filter(count__gt=0).values_list("flow")
        earlier = models.RefusedSummary.of(self._id).filter(
            flow__in=flows, cause=None, is_settled=False
        )
        found = Counter(dict(tallied.annotate(total=Sum("count")).order_by()))
        found.update(dict(earlier.values_list("flow").annotate(total=Count("id")).order_by()))
        return dict(found)

    def _count_owed(self) -> dict[str, int]:
        rows = models.TouchedPeriod.of(self._id).values_list("flow").annotate(count=Count("id"))
        return dict(rows.order_by())

    def _read_budgets(self, now: datetime) -> tuple[BudgetGauge, ...]:
        now_us = (now - EPOCH) // timedelta(microseconds=1)
        first_us = now_us - WINDOW // timedelta(microseconds=1)
        is_used = Q(granted_us__gt=first_us, granted_us__lte=now_us)
        counted = models.BudgetSlot.of(self._id).values_list("head_id").annotate(
            used=Count("id", filter=is_used), waiting=Count("id", filter=Q(granted_us__gt=now_us))
        )  # fmt: skip
        slots = {head: (used, waiting) for head, used, waiting in counted.order_by()}
        return tuple(
            BudgetGauge(
                key=head.key, size=head.size, used=slots.get(head.pk, (0, 0))[0],
                waiting=slots.get(head.pk, (0, 0))[1],
            )
            for head in models.BudgetHead.of(self._id).order_by("key")
        )  # fmt: skip
