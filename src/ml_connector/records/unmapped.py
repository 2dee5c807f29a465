"""Planning periods as they were last placed, and the queue of values no rule takes."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet

from ml_connector.domain.money import render_plain
from ml_connector.ports.unmapped import (
    PlacedRow,
    UnmappedAmount,
    UnmappedFilter,
    UnmappedSum,
    UnmappedTotal,
    UnmappedValue,
)
from ml_connector.records import models
from ml_connector.records.store import OrganisationStore, split_chunks

STAKE_MAX = 2**62
"""What orders the queue is a whole number of the database; no ledger comes near it."""
AMOUNTS_SHOWN_MAX = 2_000
"""Ledger periods and currencies told of one value."""
ROWS_UPDATED = 40
"""Rows with all their columns in one statement."""
PLACED_MAX = 1_000
"""Planning periods of a flow that are told of."""

_Amount = tuple[Any, ...]
"""A value, a ledger period and currency, and what lies there."""
_Key = tuple[str, str, str]
"""Dimension, fact and value."""


class UnmappedRecords(OrganisationStore):
    """A `ports.unmapped.UnmappedStore`.

    Amounts are stored by planning period and replaced with it; what the queue shows of a value is
    added up from them in the same transaction, so that no page has to.
    """

    def save_placed(
        self, placed: PlacedRow, sums: Iterable[UnmappedSum], *, is_look: bool = False
    ) -> None:
        """The period was placed like this; see `ports.unmapped.UnmappedStore`."""
        told = list(sums)
        with self._writing(f"what the rules reach in {placed.member}"):
            if is_look and self._is_placed_otherwise(placed):
                return
            models.PlacedPeriod.of(self._id).update_or_create(
                organisation_id=self._id, flow=placed.flow, member=placed.member,
                defaults={
                    "mapping_hash": placed.mapping_hash, "document": placed.document,
                    "run_id": placed.run_id, "at": placed.at,
                },
            )  # fmt: skip
            held = self._load_held(placed)
            new = [one for one in told if held.pop(_name_amount(one), None) is None]
            for chunk in split_chunks([pk for pk, _ in held.values()]):
                models.UnmappedAmount.of(self._id).filter(pk__in=chunk).delete()
            ids = self._save_values(placed, new)
            self._save_amounts(placed, new, ids)
            self._add_up({value_id for _, value_id in held.values()} | set(ids.values()))

    def keep_periods(self, flow: str, members: Collection[str]) -> dict[str, int]:
        """No other period of the flow is told of; see `ports.unmapped.UnmappedStore`."""
        placed = models.PlacedPeriod.of(self._id).filter(flow=flow)
        gone = sorted(set(placed.values_list("member", flat=True)) - set(members))
        left: dict[str, int] = {}
        if not gone:
            return left
        with self._writing(f"periods that have left {flow}"):
            for member in gone:
                amounts = models.UnmappedAmount.of(self._id).filter(flow=flow, member=member)
                values = set(amounts.values_list("value_id", flat=True))
                amounts.delete()
                placed.filter(member=member).delete()
                self._add_up(values)
                left[member] = len(values)
        return left

    def load_placed(self, flow: str) -> list[PlacedRow]:
        """The planning periods of a flow that were ever placed, the newest placing first."""
        rows = models.PlacedPeriod.of(self._id).filter(flow=flow).order_by("-at", "-id")
        return [
            PlacedRow(
                flow=row.flow, member=row.member, mapping_hash=row.mapping_hash,
                document=row.document, run_id=row.run_id, at=row.at,
            )
            for row in rows[:PLACED_MAX]
        ]  # fmt: skip

    def load_values(
        self, asked: UnmappedFilter, *, limit: int, offset: int = 0,
        after: tuple[int, int] | None = None,
    ) -> list[UnmappedValue]:  # fmt: skip
        """Values of the queue, the largest amount first; see `ports.unmapped.UnmappedStore`."""
        rows = self._find(asked).order_by("-stake", "id")
        if after is not None:
            stake, number = after
            behind = Q(stake__lt=stake) | Q(pk__gt=number)
            rows = rows.filter(behind, stake__lte=stake)
        return [_render(row) for row in rows[offset : offset + limit]]

    def count_values(self, asked: UnmappedFilter) -> int:
        """How many values of the queue are asked for."""
        return self._find(asked).count()

    def find_value(self, flow: str, dimension: str, fact: str, value: str) -> UnmappedValue | None:
        """One value, also when it has left the queue."""
        row = self._one(flow, dimension, fact, value).first()
        return None if row is None else _render(row)

    def find_by_value(self, asked: UnmappedFilter) -> UnmappedValue | None:
        """The value `text` of a flow's dimension, also when it has left the queue."""
        rows = self._values().filter(flow=asked.flow, dimension=asked.dimension, value=asked.text)
        row = rows.order_by("-is_open", "-stake", "id").first()
        return None if row is None else _render(row)

    def load_amounts(
        self, flow: str, dimension: str, fact: str, value: str
    ) -> list[UnmappedAmount]:
        """What lies on a value, by planning period, ledger period and currency."""
        values = self._one(flow, dimension, fact, value).values("pk")
        rows = models.UnmappedAmount.of(self._id).filter(value_id__in=values)
        return [
            UnmappedAmount(
                member=row.member, ledger=row.ledger, period=row.period, currency=row.currency,
                debit=Decimal(row.debit), credit=Decimal(row.credit), lines=row.lines,
            )
            for row in rows.order_by("member", "ledger", "period", "currency")[:AMOUNTS_SHOWN_MAX]
        ]  # fmt: skip

    def save_owner(self, found: UnmappedValue, *, owner: str, note: str, actor: str) -> None:
        """Somebody looks after the value, or nobody does."""
        with self._writing(f"the owner of {found.fact}={found.value}"):
            self._one(found.flow, found.dimension, found.fact, found.value).update(
                owner=owner, note=note, assigned_by=actor, assigned_at=self._clock.now()
            )

    def _is_placed_otherwise(self, placed: PlacedRow) -> bool:
        """Whether the period was placed by other rules; what these find is no more than a look."""
        rows = models.PlacedPeriod.of(self._id).filter(flow=placed.flow, member=placed.member)
        return rows.exclude(mapping_hash=placed.mapping_hash).exists()

    def _values(self) -> QuerySet[models.UnmappedValue]:
        return models.UnmappedValue.of(self._id)

    def _one(
        self, flow: str, dimension: str, fact: str, value: str
    ) -> QuerySet[models.UnmappedValue]:
        return self._values().filter(flow=flow, dimension=dimension, fact=fact, value=value)

    def _find(self, asked: UnmappedFilter) -> QuerySet[models.UnmappedValue]:
        rows = self._values().filter(is_open=True)
        exact = {"flow": asked.flow, "dimension": asked.dimension, "owner": asked.owner}
        rows = rows.filter(**{name: text for name, text in exact.items() if text})
        if asked.is_unowned:
            rows = rows.filter(owner="")
        return rows.filter(value__icontains=asked.text) if asked.text else rows

    def _load_held(self, placed: PlacedRow) -> dict[_Amount, tuple[int, int]]:
        """Ids of what is stored of the period, and of the values it lies on."""
        amounts = models.UnmappedAmount.of(self._id).filter(flow=placed.flow, member=placed.member)
        names = ("value__dimension", "value__fact", "value__value", "ledger", "period", "currency",
                 "debit", "credit", "lines", "pk", "value_id")  # fmt: skip
        return {tuple(row[:9]): (row[9], row[10]) for row in amounts.values_list(*names).iterator()}

    def _save_values(self, placed: PlacedRow, told: Sequence[UnmappedSum]) -> dict[_Key, int]:
        """Every value told of has a row, with a line that lies on it now; returns their ids."""
        firsts = {(one.dimension, one.fact, one.value): one for one in reversed(told)}
        ids = self._find_ids(placed.flow, firsts)
        self._save_samples(firsts, ids)
        new = [one for key, one in sorted(firsts.items()) if key not in ids]
        for chunk in split_chunks(new):
            models.UnmappedValue.of(self._id).bulk_create(
                models.UnmappedValue(
                    organisation_id=self._id, flow=placed.flow, dimension=one.dimension,
                    fact=one.fact, value=one.value, first_seen_at=placed.at,
                    first_run_id=placed.run_id, sample=_render_sample(one),
                )
                for one in chunk
            )  # fmt: skip
        return self._find_ids(placed.flow, firsts) if new else ids

    def _save_samples(self, firsts: Mapping[_Key, UnmappedSum], ids: Mapping[_Key, int]) -> None:
        """The known values' lines are of those told of now; earlier ones may be mapped since."""
        samples = {pk: _render_sample(firsts[key]) for key, pk in ids.items()}
        for chunk in split_chunks(sorted(samples)):
            values = list(self._values().filter(pk__in=chunk))
            changed = [one for one in values if one.sample != samples[one.pk]]
            for value in changed:
                value.sample = samples[value.pk]
            self._values().bulk_update(changed, ["sample"], batch_size=ROWS_UPDATED)

    def _find_ids(self, flow: str, keys: Iterable[_Key]) -> dict[_Key, int]:
        wanted = set(keys)
        ids: dict[_Key, int] = {}
        for chunk in split_chunks(sorted({value for _, _, value in wanted})):
            rows = self._values().filter(flow=flow, value__in=chunk)
            for pk, *key in rows.values_list("pk", "dimension", "fact", "value"):
                ids[key[0], key[1], key[2]] = pk
        return {key: pk for key, pk in ids.items() if key in wanted}

    def _save_amounts(
        self, placed: PlacedRow, told: Sequence[UnmappedSum], ids: dict[_Key, int]
    ) -> None:
        for chunk in split_chunks(told):
            models.UnmappedAmount.of(self._id).bulk_create(
                models.UnmappedAmount(
                    organisation_id=self._id, value_id=ids[one.dimension, one.fact, one.value],
                    flow=placed.flow, member=placed.member, ledger=one.ledger, period=one.period,
                    currency=one.currency, debit=render_plain(one.debit),
                    credit=render_plain(one.credit), lines=one.lines,
                )
                for one in chunk
            )  # fmt: skip

    def _add_up(self, pks: set[int]) -> None:
        """What the queue shows of these values is what lies on them now."""
        fields = ("is_open", "totals", "members", "lines", "stake")
        names = ("value_id", "member", "currency", "debit", "credit", "lines")
        for chunk in split_chunks(sorted(pks)):
            sums: dict[int, _Sum] = defaultdict(_Sum)
            rows = models.UnmappedAmount.of(self._id).filter(value_id__in=chunk)
            for pk, *row in rows.values_list(*names).iterator():
                sums[pk].add(*row)
            values = list(self._values().filter(pk__in=chunk))
            for value in values:
                sums[value.pk].write(value)
            # All of them exist: an insert that meets its row is the quickest way to change many.
            self._values().bulk_create(
                values, update_conflicts=True, unique_fields=["id"], update_fields=fields,
                batch_size=ROWS_UPDATED,
            )  # fmt: skip


def _render_sample(one: UnmappedSum) -> dict[str, Any]:
    return {"facts": dict(one.facts), "on": one.on.isoformat()}


def _name_amount(one: UnmappedSum) -> _Amount:
    """All that is stored of an amount; the same again is left as it is."""
    return (
        one.dimension, one.fact, one.value, one.ledger, one.period, one.currency,
        render_plain(one.debit), render_plain(one.credit), one.lines,
    )  # fmt: skip


class _Sum:
    """What lies on one value, in all its periods."""

    def __init__(self) -> None:
        self._totals: dict[str, tuple[Decimal, Decimal, int]] = {}
        self._members: set[str] = set()

    def add(self, member: str, currency: str, debit: str, credit: str, lines: int) -> None:
        """One ledger period and currency more."""
        held = self._totals.get(currency, (Decimal(0), Decimal(0), 0))
        self._totals[currency] = (
            held[0] + Decimal(debit), held[1] + Decimal(credit), held[2] + lines,
        )  # fmt: skip
        self._members.add(member)

    def write(self, value: models.UnmappedValue) -> None:
        """The row says what was added."""
        value.is_open = bool(self._members)
        value.totals = {
            currency: [render_plain(debit), render_plain(credit), lines]
            for currency, (debit, credit, lines) in sorted(self._totals.items())
        }
        value.members = sorted(self._members)
        value.lines = sum(lines for _, _, lines in self._totals.values())
        largest = max(
            (max(abs(debit), abs(credit)) for debit, credit, _ in self._totals.values()),
            default=Decimal(0),
        )
        value.stake = min(int(largest), STAKE_MAX)


def _render(row: models.UnmappedValue) -> UnmappedValue:
    totals: dict[str, list[Any]] = row.totals
    return UnmappedValue(
        flow=row.flow, dimension=row.dimension, fact=row.fact, value=row.value,
        is_open=row.is_open, first_seen_at=row.first_seen_at, first_run_id=row.first_run_id,
        facts=row.sample["facts"], on=date.fromisoformat(row.sample["on"]),
        totals=tuple(
            UnmappedTotal(
                currency=currency, debit=Decimal(its[0]), credit=Decimal(its[1]), lines=its[2]
            )
            for currency, its in totals.items()
        ),
        members=tuple(row.members), lines=row.lines, owner=row.owner, note=row.note,
        assigned_by=row.assigned_by, assigned_at=row.assigned_at, stake=row.stake, number=row.pk,
    )  # fmt: skip
