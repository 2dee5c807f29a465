"""How much is refused and open, by cause: counted in the transaction that changes the summaries."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import Count, QuerySet, Sum

from ml_connector.errors import UsageError
from ml_connector.ports import RefusedSummary, RefusedTally
from ml_connector.records import models
from ml_connector.records.store import select_behind

Place = tuple[str, str, str, str]
"""Flow, cause, period and currency."""
EARLIER = ""
"""The cause of what was recorded before causes were kept."""
EARLIER_MARK = "earlier "
"""Begins the places of those; behind it stands their flow."""
ORDER = ("flow", "cause", "period", "currency")
DIGITS_MAX = 18


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


def count_periods(organisation_id: int, flow: str) -> dict[str, int]:
    """How many are refused and open by planning period; of a million none is looked at itself."""
    tallied = _find_open(organisation_id, [flow]).values_list("period")
    found = Counter(dict(tallied.annotate(total=Sum("count")).order_by()))
    earlier = _find_earlier(organisation_id, [flow]).values_list("period")
    for period, count in earlier.annotate(Count("id")).order_by():
        found[period or ""] += count
    return dict(found)


def load_tallies(
    organisation_id: int, flows: Collection[str], *, limit: int
) -> Iterable[RefusedTally]:
    """Yield what is refused and open in these flows, most first; what has no cause comes last."""
    rows = _find_open(organisation_id, flows)
    yield from map(_render, rows.order_by("-count", "id")[:limit])
    yield from _list_earlier(organisation_id, flows)


def load_tally_page(
    organisation_id: int, flows: Collection[str], *, after: str, limit: int
) -> list[RefusedTally]:
    """The same behind a place, by flow, cause, period and currency; what has no cause is last.

    Raises:
        UsageError: There is no such place.
    """
    is_earlier = after.startswith(EARLIER_MARK)
    found = [] if is_earlier else _load_behind(organisation_id, flows, after=after, limit=limit)
    if len(found) < limit:
        last = after.removeprefix(EARLIER_MARK) if is_earlier else ""
        found += [one for one in _list_earlier(organisation_id, flows) if one.flow > last]
    return found[:limit]


def _load_behind(
    organisation_id: int, flows: Collection[str], *, after: str, limit: int
) -> list[RefusedTally]:
    rows = _find_open(organisation_id, flows)
    if after:
        is_number = after.isdecimal() and len(after) <= DIGITS_MAX
        its = models.RefusedTally.of(organisation_id).filter(pk=int(after) if is_number else 0)
        place = its.values(*ORDER).first()
        if place is None:
            raise UsageError(
                f"Nothing was ever refused at the place {after!r}.",
                written="Nothing was changed.",
                next_step="Begin with the first page.",
                place=after,
            )
        rows = rows.filter(select_behind(**place))
    return [_render(row) for row in rows.order_by(*ORDER)[:limit]]


def _find_open(organisation_id: int, flows: Collection[str]) -> QuerySet[models.RefusedTally]:
    return models.RefusedTally.of(organisation_id).filter(flow__in=flows, count__gt=0)


def _list_earlier(organisation_id: int, flows: Collection[str]) -> Iterable[RefusedTally]:
    """Yield how much each flow was refused before causes were kept."""
    earlier = _find_earlier(organisation_id, flows)
    for flow, count in earlier.values_list("flow").annotate(Count("id")).order_by("flow"):
        yield RefusedTally(
            flow=flow, cause=EARLIER, period="", currency="", count=count, amount=Decimal(0),
            place=f"{EARLIER_MARK}{flow}",
        )  # fmt: skip


def _find_earlier(organisation_id: int, flows: Collection[str]) -> QuerySet[models.RefusedSummary]:
    return models.RefusedSummary.of(organisation_id).filter(
        flow__in=flows, cause=None, is_settled=False
    )


def _render(row: models.RefusedTally) -> RefusedTally:
    return RefusedTally(
        flow=row.flow, cause=row.cause, period=row.period, currency=row.currency,
        count=row.count, amount=Decimal(row.amount), place=str(row.pk),
    )  # fmt: skip
