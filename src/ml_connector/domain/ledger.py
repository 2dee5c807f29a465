"""Ledgers, charts of accounts, batches and their lines."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from ml_connector.domain.money import ZERO
from ml_connector.errors import RefusedError

STATISTICAL = "STAT"
"""The pretended currency of statistical units: they are no money and are never added to it."""


class CombinationSplitError(RefusedError):
    """An account combination does not fit its chart's delimiter and segments."""

    code = "ledger.combination-split"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """How one chart of accounts writes its account combinations.

    Of a keyed chart the combinations are ids that only the ERP's account master explains; what it
    says of an id is written with the same delimiter and split the same way.
    """

    name: str
    delimiter: str
    segments: tuple[str, ...]
    is_keyed: bool = False

    def split(self, combination: str) -> dict[str, str]:
        """Segment values by segment name, leading zeros kept.

        Raises:
            CombinationSplitError: The count of values is not the count of segments.
        """
        values = combination.split(self.delimiter)
        if len(values) != len(self.segments):
            raise CombinationSplitError(
                f"The account combination {combination!r} has {len(values)} parts; the chart"
                f" {self.name!r} has {len(self.segments)} segments with delimiter"
                f" {self.delimiter!r}.",
                written="Nothing of its period was sent.",
                next_step="Correct delimiter and segments of the chart in the connection's file.",
                combination=combination, chart=self.name,
            )  # fmt: skip
        return dict(zip(self.segments, values, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """A ledger (JDE: a company) as the ERP shows it."""

    name: str
    ledger_id: str
    currency: str
    chart: str
    calendar: str
    kind: str = "primary"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchStamp:
    """What a listing says of a batch, enough to know whether it must be read again.

    Attributes:
        version: Tells one state of the batch from another: the same text, the same batch.
        is_posted: Some of its lines are posted.
        is_pending: Some of its lines are entered and not posted yet.
    """

    batch_id: str
    version: str
    is_posted: bool = True
    is_pending: bool = False


class Line(NamedTuple):
    """One posted journal line; amounts are never negative zero and never None.

    A named tuple rather than a dataclass: millions are made per run, and it is four times cheaper.
    `debit` and `credit` are in the ledger's currency, the entered ones in the line's.
    """

    ledger: str
    period: str
    accounting_date: date
    chart: str
    combination: str
    journal: str
    number: int
    currency: str
    debit: Decimal
    credit: Decimal
    entered_currency: str
    entered_debit: Decimal
    entered_credit: Decimal
    source: str
    category: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A posted journal batch, read whole: the unit that is read and replaced.

    `version` is what a listing of the same state would say; empty when no listing can.
    """

    batch_id: str
    name: str
    updated_at: datetime
    version: str = ""
    posted_on: date | None
    is_actual: bool
    lines: tuple[Line, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Debits, credits and line count of some scope; adding two adds each."""

    debit: Decimal = ZERO
    credit: Decimal = ZERO
    lines: int = 0

    @property
    def net(self) -> Decimal:
        """Debits less credits; debit positive."""
        return self.debit - self.credit

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(
            debit=self.debit + other.debit,
            credit=self.credit + other.credit,
            lines=self.lines + other.lines,
        )


class Scope(NamedTuple):
    """The grain a tie-out is printed at; amounts of two scopes may differ in currency."""

    ledger: str
    period: str
    currency: str


class CombinationKey(NamedTuple):
    """The grain every hop before the mapping is compared at."""

    ledger: str
    period: str
    currency: str
    combination: str

    @property
    def scope(self) -> Scope:
        """The ledger, period and currency of the key."""
        return Scope(self.ledger, self.period, self.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What the ERP itself says an account combination moved by in a period.

    `of_lines` is what the ERP's own posted lines add up to, where that can be asked apart; the two
    differ when the ERP's books are out of order.
    """

    key: CombinationKey
    activity: Decimal
    of_lines: Decimal | None = None
