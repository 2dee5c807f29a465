"""Records of what the rules reach: planning periods as placed, and values no rule takes."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedRow:
    """A planning period as it was last placed.

    Attributes:
        document: Hash of the archived document that holds its amounts by rule.
    """

    flow: str
    member: str
    mapping_hash: str
    document: str
    run_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmappedSum:
    """What lies on a value no rule takes, in one ledger period and currency.

    Attributes:
        facts: Of the first line met: what a rule could look at.
        on: Its accounting date.
    """

    dimension: str
    fact: str
    value: str
    ledger: str
    period: str
    currency: str
    debit: Decimal
    credit: Decimal
    lines: int
    facts: Mapping[str, str]
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmappedTotal:
    """What lies on a value in one currency, all periods together."""

    currency: str
    debit: Decimal
    credit: Decimal
    lines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmappedValue:
    """A value that no rule of a dimension takes, as it was last placed."""

    flow: str
    dimension: str
    fact: str
    value: str
    is_open: bool
    first_seen_at: datetime
    first_run_id: str
    facts: Mapping[str, str]
    on: date
    totals: tuple[UnmappedTotal, ...]
    members: tuple[str, ...]
    lines: int
    owner: str = ""
    note: str = ""
    assigned_by: str = ""
    assigned_at: datetime | None = None
    stake: int = 0
    """The largest amount of any currency in whole units: the queue's order."""
    number: int = field(default=0, repr=False)
    """Of the row; orders those of one stake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmappedAmount:
    """What lies on one value in a ledger period and currency."""

    member: str
    ledger: str
    period: str
    currency: str
    debit: Decimal
    credit: Decimal
    lines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmappedFilter:
    """Which values of the queue are asked for; empty: all."""

    flow: str = ""
    dimension: str = ""
    owner: str = ""
    text: str = ""
    """Part of the value."""
    is_unowned: bool = False


class UnmappedStore(Protocol):
    """Planning periods as they were last placed, and the queue of unmapped values."""

    def save_placed(
        self, placed: PlacedRow, sums: Iterable[UnmappedSum], *, is_look: bool = False
    ) -> None:
        """The period was placed like this, whatever was told of it before; repeatable.

        A value that no period holds any more leaves the queue; its owner and note are kept. A look,
        of a run that sends nothing, leaves a period alone that other rules have placed: its lines
        lie in the model where those have put them.
        """

    def keep_periods(self, flow: str, members: Collection[str]) -> dict[str, int]:
        """Of the flow's planning periods only these are told of; those that have left it are not.

        Returns those that left, each with how many values of the queue lay in it. Repeatable.
        """

    def load_placed(self, flow: str) -> list[PlacedRow]:
        """The planning periods of a flow that were ever placed, the newest placing first."""

    def load_values(
        self, asked: UnmappedFilter, *, limit: int, offset: int = 0,
        after: tuple[int, int] | None = None,
    ) -> list[UnmappedValue]:  # fmt: skip
        """Values of the queue, the largest amount first; behind a stake and number if given."""

    def count_values(self, asked: UnmappedFilter) -> int:
        """How many values of the queue are asked for."""

    def find_value(self, flow: str, dimension: str, fact: str, value: str) -> UnmappedValue | None:
        """One value, also when it has left the queue."""

    def find_by_value(self, asked: UnmappedFilter) -> UnmappedValue | None:
        """The value `text` of a flow's dimension, also when it has left the queue.

        Of two facts with that value the one with the larger amount.
        """

    def load_amounts(
        self, flow: str, dimension: str, fact: str, value: str
    ) -> list[UnmappedAmount]:
        """What lies on a value, by planning period, ledger period and currency."""

    def save_owner(self, found: UnmappedValue, *, owner: str, note: str, actor: str) -> None:
        """Somebody looks after the value, or nobody does; the note says what is known."""
