"""How much is refused and open, by cause: counted in the transaction that changes the summaries."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import Count, QuerySet

from ml_connector.ports import RefusedSummary, RefusedTally
from ml_connector.records import models

Place = tuple[str, str, str, str]
"""Flow, cause, period and currency."""
EARLIER = ""
"""The cause of what was recorded before causes were kept."""


@dataclass(slots=True)
class Tallies:
    """What changes, gathered until it is stored."""

    organisation_id: int
    _changes: dict[Place, tuple[int, Decimal]] = field(default_factory=dict)

    def add(self, summary: RefusedSummary) -> None:
        """The summary is refused and open from now on."""
        if summary.cause and not summary.is_settled:
            place = (summary.flow, summary.cause, summary.period, summary.currency)
            self._move(place, 1, summary.lacking)

    def take(self, rows: QuerySet[models.RefusedSummary]) -> None:
        """These rows are settled from now on."""
        names = ("flow", "cause", "period", "currency", "before", "after")
        for flow, cause, period, currency, before, after in rows.values_list(*names):
            if cause is not None:
                place = (flow, cause, period or "", currency or "")
                self._move(place, -1, Decimal(after) - Decimal(before))

    def save(self) -> None:
        """The tallies are what they were, and what has changed."""
        for (flow, cause, period, currency), (count, amount) in sorted(self._changes.items()):
            row, _ = models.RefusedTally.of(self.organisation_id).get_or_create(
                organisation_id=self.organisation_id, flow=flow, cause=cause, period=period,
                currency=currency, defaults={"count": 0, "amount": "0"},
            )  # fmt: skip
            row.count += count
            row.amount = str(Decimal(row.amount) + amount)
            row.save(update_fields=["count", "amount"])

    def _move(self, place: Place, count: int, lacking: Decimal) -> None:
        before = self._changes.get(place, (0, Decimal(0)))
        self._changes[place] = (before[0] + count, before[1] + count * abs(lacking))


def load_tallies(
    organisation_id: int, flows: Collection[str], *, limit: int
) -> Iterable[RefusedTally]:
    """Yield what is refused and open in these flows, most first; what has no cause comes last."""
    rows = models.RefusedTally.of(organisation_id).filter(flow__in=flows, count__gt=0)
    for row in rows.order_by("-count", "id")[:limit]:
        yield RefusedTally(
            flow=row.flow, cause=row.cause, period=row.period, currency=row.currency,
            count=row.count, amount=Decimal(row.amount),
        )  # fmt: skip
    earlier = models.RefusedSummary.of(organisation_id).filter(
        flow__in=flows, cause=None, is_settled=False
    )
    for flow, count in earlier.values_list("flow").annotate(Count("id")).order_by("flow"):
        yield RefusedTally(
            flow=flow, cause=EARLIER, period="", currency="", count=count, amount=Decimal(0)
        )
