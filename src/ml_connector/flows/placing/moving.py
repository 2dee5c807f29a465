"""What a change of rules would move, in money: archived lines by the rules before and after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from ml_connector.domain.ledger import Totals
from ml_connector.domain.mapping import Mapped, Mapper, Unmapped, find_changed_dates
from ml_connector.domain.mapping_rules import MappingSet
from ml_connector.flows.bench import ActualsBench
from ml_connector.flows.ledger.books import Books, load_books
from ml_connector.flows.ledger.reading import read_pairs
from ml_connector.flows.pins import find_newest_pins, load_placer

LINE_SUMS_MAX = 400_000
"""Sums of lines weighed for one answer; what is told then begins with the newest periods."""
NOWHERE = ""
"""The member of lines no rule takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedAmount:
    """Lines of one planning period that would go to another member of a dimension."""

    member: str
    dimension: str
    before: str
    after: str
    currency: str
    totals: Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """What would move; `left_out` names planning periods that were too many to look at."""

    moved: tuple[MovedAmount, ...]
    looked_at: tuple[str, ...]
    left_out: tuple[str, ...]


def weigh_change(bench: ActualsBench, before: MappingSet, after: MappingSet) -> Weighed:
    """The amounts that change place, newest planning period first; sends nothing.

    Raises:
        NeverRunError: Nothing of the flow is archived yet.
    """
    pins = find_newest_pins(bench)
    books = load_books(bench, pins["books"])
    placer = load_placer(bench, pins)
    reach = find_changed_dates(before, after)
    members = _find_members(books, reach)
    dimensions = placer.mapper.dimensions
    scale = _Scale(Mapper(before, dimensions), Mapper(after, dimensions))
    looked_at: list[str] = []
    for member in members:
        if scale.weighed >= LINE_SUMS_MAX:
            break
        for line_sum in read_pairs(bench, books.pairs_of(member)):
            facts = placer.facts_of(line_sum)
            if placer.find_exclusion(facts) is None:
                where = (member, line_sum.currency)
                scale.weigh(facts, line_sum.accounting_date, where, line_sum.totals)
        looked_at.append(member)
    return Weighed(
        moved=scale.list_moved(),
        looked_at=tuple(looked_at),
        left_out=tuple(members[len(looked_at) :]),
    )


def _find_members(books: Books, reach: tuple[date, date] | None) -> list[str]:
    """Planning periods the changed rules can reach, the newest first."""
    if reach is None:
        return []
    first, last = reach
    found: dict[str, date] = {}
    for pair, member in books.members.items():
        period = books.period(pair)
        if period.date_first <= last and first <= period.date_last:
            found[member] = max(found.get(member, date.min), period.date_first)
    return sorted(found, key=lambda member: found[member], reverse=True)


class _Scale:
    """Holds lines against the rules before and after."""

    def __init__(self, before: Mapper, after: Mapper) -> None:
        self._before, self._after = before, after
        self._moved: dict[tuple[str, ...], Totals] = {}
        self.weighed = 0

    def weigh(
        self, facts: Mapping[str, str], on: date, where: tuple[str, str], totals: Totals
    ) -> None:
        """Lines of these facts are looked at."""
        self.weighed += 1
        old, new = self._before.map_facts(facts, on), self._after.map_facts(facts, on)
        if isinstance(old, Mapped) and isinstance(new, Mapped) and old.targets == new.targets:
            return
        before, after = self._name(self._before, old, on), self._name(self._after, new, on)
        for dimension, left, right in zip(self._before.dimensions, before, after, strict=True):
            if left != right:
                key = (where[0], dimension, left, right, where[1])
                self._moved[key] = self._moved.get(key, Totals()) + totals

    @staticmethod
    def _name(mapper: Mapper, found: Mapped | Unmapped, on: date) -> Sequence[str]:
        """The members, nowhere for each dimension no rule decides."""
        if isinstance(found, Mapped):
            return found.targets
        return [target or NOWHERE for target, _ in mapper.find_decided(found.facts, on)]

    def list_moved(self) -> tuple[MovedAmount, ...]:
        """What moved, the largest amount first."""
        rows = [
            MovedAmount(
                member=key[0], dimension=key[1], before=key[2], after=key[3], currency=key[4],
                totals=totals,
            )
            for key, totals in self._moved.items()
        ]  # fmt: skip
        return tuple(sorted(rows, key=_order))


def _order(row: MovedAmount) -> tuple[Decimal, str, str, str, str]:
    largest = max(row.totals.debit, row.totals.credit)
    return (-largest, row.member, row.dimension, row.before, row.after)
