"""What the seeded company is made of: values, charts, calendars, ledgers, journals.

Nothing here knows a server. Each server renders these values in its own wire form, so the
same company can be compared across servers by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentValue:
    """One value a segment may take, such as natural account 68010."""

    value: str
    description: str
    account_type: str | None = None
    summary: bool = False
    enabled: bool = True
    starts_on: date | None = None
    ends_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueSet:
    """The values that one kind of segment may take."""

    code: str
    description: str
    length_max: int
    values: tuple[SegmentValue, ...]
    protected: bool = False
    validation: str = "INDEPENDENT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One position of an account combination."""

    name: str
    title: str
    value_set: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart of accounts: which segments stand in which order, joined by what."""

    number: int
    instance_id: int
    code: str
    name: str
    description: str
    delimiter: str
    segments: tuple[Segment, ...]
    entity_segment: str
    cost_centre_segment: str

    def position(self, segment_name: str) -> int:
        """Return the position of the segment called `segment_name`, counted from zero."""
        return [segment.name for segment in self.segments].index(segment_name)

    def split(self, combination: str) -> tuple[str, ...]:
        """Return the segment values of `combination`; the count is the caller's to check."""
        return tuple(combination.split(self.delimiter))


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """One accounting period; `number` counts inside the fiscal `year`."""

    name: str
    year: int
    number: int
    first_day: date
    last_day: date
    adjusting: bool = False

    @property
    def order(self) -> int:
        """A number that puts the periods of one calendar in sequence."""
        return self.year * 100 + self.number


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """A named sequence of periods."""

    name: str
    period_type: str
    periods: tuple[Period, ...]

    def period(self, name: str) -> Period:
        """Return the period called `name`; LookupError when the calendar has none."""
        for period in self.periods:
            if period.name == name:
                return period
        raise LookupError(f"Calendar {self.name} has no period {name}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A balancing segment value and the legal entity behind it."""

    value: str
    legal_entity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """A set of books: one chart, one calendar, one currency."""

    ledger_id: int
    name: str
    description: str
    currency: str
    decimals: int
    chart: Chart
    calendar: Calendar
    category: str = "PRIMARY"
    parent: str | None = None
    entities: tuple[Entity, ...] = ()
    retained_earnings: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSet:
    """Ledgers of one chart and one calendar that are looked at together."""

    ledger_id: int
    name: str
    description: str
    chart: Chart
    calendar: Calendar
    ledger_names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLine:
    """One side of an entry; exactly one of debit and credit is filled."""

    number: int
    combination: str
    entered_dr: Decimal | None
    entered_cr: Decimal | None
    accounted_dr: Decimal | None
    accounted_cr: Decimal | None
    description: str | None = None
    stat_amount: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """A journal of one ledger and one entered currency; it balances on its own."""

    name: str
    description: str | None
    ledger: Ledger
    period: str
    effective_on: date
    currency: str
    rate: Decimal
    rate_type: str
    category: str
    legal_entity: str | None
    lines: tuple[JournalLine, ...]
    encumbrance: str | None = None
    from_subledger: bool = False
    reverses: str | None = None
    reversed_by: str | None = None
    reversal_period: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Journals that are posted together."""

    name: str
    description: str | None
    source: str
    default_period: str
    chart: Chart
    calendar: Calendar
    status: str
    created_at: datetime
    updated_at: datetime
    created_by: str
    journals: tuple[Journal, ...]
    actual_flag: str = "A"
    parent_batch: str | None = None
    error: str | None = None
    reversal_period: str | None = None
    reversal_on: date | None = None
