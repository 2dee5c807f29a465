"""How each period of each ledger stands, and its past."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

from django.db.models import F, Q, QuerySet

from ml_connector.ports.standings import (
    ELSEWHERE,
    StageState,
    Standing,
    StandingChange,
    parse_amounts,
    render_amounts,
)
from ml_connector.records import models
from ml_connector.records.canonical import verify_plain
from ml_connector.records.store import OrganisationStore, select_behind, split_chunks

STANDINGS_MAX = 20_000
"""Standings of one answer: two hundred companies in four flows over two years."""
CHANGES_MAX = 20_000
"""Changes of one answer; a period of a close changes a few times a day at most."""
PAIRS_PER_STATEMENT = 100
"""Periods of ledgers named in one statement, three values each."""
STAGES = ("read", "mapped", "loaded", "tied")
PLACE = ("flow", "ledger", "period")


class StandingRecords(OrganisationStore):
    """A `ports.standings.StandingStore`."""

    def save_standings(
        self, flow: str, standings: Sequence[Standing], *, members: Collection[str]
    ) -> None:
        """These stand for the planning periods; see `ports.standings.StandingStore`."""
        with self._writing(f"{len(standings)} standings of {flow}"):
            before = self._load_rows(flow, standings, members)
            told = {(one.ledger, one.period) for one in standings}
            gone = [row.pk for place, row in before.items() if place not in told]
            for chunk in split_chunks(gone):
                self._rows().filter(pk__in=chunk).delete()
            for chunk in split_chunks(standings):
                self._merge(chunk, before)

    def load_standings(
        self,
        *,
        flows: Collection[str] | None = None,
        first: date | None = None,
        last: date | None = None,
    ) -> list[Standing]:
        """By flow, ledger and first date; see `ports.standings.StandingStore`."""
        rows = _select_span(self._rows(), first, last)
        if flows is not None:
            rows = rows.filter(flow__in=list(flows))
        newest = rows.order_by(F("date_last").desc(nulls_first=True), "flow", "ledger", "period")
        found = self._render(newest[:STANDINGS_MAX])
        return sorted(found, key=lambda one: (one.flow, one.ledger, str(one.date_first or "")))

    def load_standing_page(
        self,
        *,
        flow: str = "",
        first: date | None = None,
        last: date | None = None,
        after: tuple[str, str, str] | None = None,
        limit: int,
    ) -> list[Standing]:
        """By flow, ledger and period, behind one of them; see `ports.standings.StandingStore`."""
        rows = _select_span(self._rows(), first, last)
        rows = rows.filter(flow=flow) if flow else rows
        if after is not None:
            rows = rows.filter(select_behind(**dict(zip(PLACE, after, strict=True))))
        return self._render(rows.order_by(*PLACE)[:limit])

    def find_standing(self, flow: str, ledger: str, period: str) -> Standing | None:
        """The standing of one period of a ledger, if a run has ever looked at it."""
        rows = self._rows().filter(flow=flow, ledger=ledger, period=period)
        return next(iter(self._render(rows)), None)

    def load_changes(
        self, pairs: Collection[tuple[str, str, str]], *, since: datetime | None = None
    ) -> list[StandingChange]:
        """The past of these (flow, ledger, period), oldest first."""
        wanted = set(pairs)
        flows, periods = ({row[at] for row in wanted} for at in (0, 2))
        found: list[StandingChange] = []
        # By the values of each column: naming the periods one by one takes far longer to read.
        for ledgers in split_chunks(sorted({row[1] for row in wanted})):
            rows = models.StandingChange.of(self._id).filter(
                flow__in=flows, ledger__in=ledgers, period__in=periods
            )
            rows = rows if since is None else rows.filter(at__gte=since)
            found += [_render_change(row) for row in _bare(rows.order_by("at", "pk")[:CHANGES_MAX])]
        its = (one for one in found if (one.flow, one.ledger, one.period) in wanted)
        return sorted(its, key=lambda one: one.at)

    def _rows(self) -> QuerySet[models.Standing]:
        return models.Standing.of(self._id)

    def _load_rows(
        self, flow: str, standings: Sequence[Standing], members: Collection[str]
    ) -> dict[tuple[str, str], models.Standing]:
        """What stood for the planning periods, and for the places that are told now."""
        its = self._rows().filter(flow=flow)
        rows: list[models.Standing] = []
        for named_members in split_chunks(sorted(set(members))):
            rows += its.filter(member__in=named_members)
        for chunk in split_chunks(standings, PAIRS_PER_STATEMENT):
            named = Q()
            for one in chunk:
                named |= Q(ledger=one.ledger, period=one.period)
            rows += its.filter(named)
        return {(row.ledger, row.period): row for row in rows}

    def _merge(
        self, standings: Sequence[Standing], before: dict[tuple[str, str], models.Standing]
    ) -> None:
        rows, changes = [], []
        for one in standings:
            old = before.get((one.ledger, one.period))
            row = self._make_row(one, old)
            rows.append(row)
            if old is None or old.proof_hash != row.proof_hash:
                changes.append(self._make_change(one, row.proof_hash))
        fields = [field.name for field in models.Standing._meta.concrete_fields]  # noqa: SLF001 - Django's public name.
        self._rows().bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["organisation", "flow", "ledger", "period"],
            update_fields=[name for name in fields if name not in UNIQUE],
        )
        models.StandingChange.objects.bulk_create(changes)

    def _make_row(self, one: Standing, old: models.Standing | None) -> models.Standing:
        proof = one.proof_hash
        is_same = old is not None and old.proof_hash == proof
        return models.Standing(
            organisation_id=self._id,
            flow=one.flow, ledger=one.ledger, period=one.period, member=one.member,
            date_first=one.date_first, date_last=one.date_last,
            status=one.status or (old.status if old else ""),
            stages={name: str(getattr(one, name)) for name in STAGES},
            amounts=verify_plain([render_amounts(row) for row in one.amounts]),
            content_hash=one.content_hash, report=one.report, proof_hash=proof,
            run_id=one.run_id, at=one.at,
            changed_at=old.changed_at if old and is_same else one.at, target=one.target,
        )  # fmt: skip

    def _make_change(self, one: Standing, proof: str) -> models.StandingChange:
        return models.StandingChange(
            organisation_id=self._id, flow=one.flow, ledger=one.ledger, period=one.period,
            is_tied=one.tied is StageState.DONE,
            has_unexplained=any(row.unexplained for row in one.amounts),
            proof_hash=proof, run_id=one.run_id, at=one.at,
        )  # fmt: skip

    def _render(self, rows: QuerySet[models.Standing]) -> list[Standing]:
        """The rows, with what has come for them since."""
        found = list(_bare(rows))
        owed = models.TouchedPeriod.of(self._id).filter(flow__in={row.flow for row in found})
        late = set(owed.values_list("flow", "ledger", "period")) if found else set()
        return [_render(row, is_owed=(row.flow, row.ledger, row.period) in late) for row in found]


def _bare(rows: QuerySet[Any]) -> Any:
    """The rows without objects of Django: a page of thousands takes half as long without them."""
    return rows.values_list(named=True)


def _select_span(
    rows: QuerySet[models.Standing], first: date | None, last: date | None
) -> QuerySet[models.Standing]:
    """Periods that end within the dates, or have none."""
    if first is not None:
        rows = rows.filter(Q(date_last__gte=first) | Q(date_last=None))
    if last is not None:
        rows = rows.filter(Q(date_last__lte=last) | Q(date_last=None))
    return rows


UNIQUE = frozenset({"id", "organisation", "flow", "ledger", "period"})


def _render(row: Any, *, is_owed: bool) -> Standing:
    stages: dict[str, Any] = {name: StageState(row.stages[name]) for name in STAGES}
    return Standing(
        flow=row.flow, ledger=row.ledger, period=row.period, member=row.member,
        date_first=row.date_first, date_last=row.date_last, status=row.status,
        amounts=tuple(parse_amounts(its) for its in row.amounts),
        content_hash=row.content_hash, report=row.report, run_id=row.run_id, at=row.at,
        changed_at=row.changed_at, is_owed=is_owed and row.ledger not in ELSEWHERE,
        target=row.target or "", **stages,
    )  # fmt: skip


def _render_change(row: Any) -> StandingChange:
    return StandingChange(
        flow=row.flow, ledger=row.ledger, period=row.period, is_tied=row.is_tied,
        unexplained=row.has_unexplained, proof_hash=row.proof_hash, run_id=row.run_id, at=row.at,
    )  # fmt: skip
