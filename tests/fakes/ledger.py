"""A small ERP in memory: ledgers, periods, posted batches, and balances it sums by itself."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from ml_connector.domain.dimensions import Member
from ml_connector.domain.ledger import (
    STATISTICAL,
    Balance,
    Batch,
    BatchStamp,
    Chart,
    CombinationKey,
    Ledger,
    Line,
)
from ml_connector.domain.periods import Period, PeriodState
from ml_connector.ports import Check, Clock, Measure, RemoteObject

CHART = Chart(name="Chart", delimiter=".", segments=("entity", "account", "centre"))
CALENDAR = "Calendar"


def month(number: int, year: int = 2026, *, calendar: str = CALENDAR) -> Period:
    """A regular period, named such as 09-26."""
    last = date(year + number // 12, number % 12 + 1, 1) - date.resolution
    return Period(
        name=f"{number:02}-{year % 100:02}", calendar=calendar, year=year, number=number,
        date_first=date(year, number, 1), date_last=last,
    )  # fmt: skip


def adjustment(after: Period, name: str) -> Period:
    """An adjustment period of the last day of another one."""
    return replace(
        after, name=name, number=after.number + 1, date_first=after.date_last, is_adjustment=True
    )


def amounts(text: str) -> tuple[Decimal, Decimal]:
    """Debit and credit of a signed amount."""
    amount = Decimal(text)
    return (amount, Decimal(0)) if amount >= 0 else (Decimal(0), -amount)


def line(
    number: int, ledger: str, period: str, combination: str, amount: str, **changes: object
) -> Line:
    """A journal line; debit positive, entered as accounted unless `changes` say otherwise."""
    debit, credit = amounts(amount)
    made = Line(
        ledger=ledger, period=period, accounting_date=date(2026, int(period[:2] or 1), 15)
        if period[:2].isdigit() else date(2026, 12, 31),
        chart=CHART.name, combination=combination, journal="J", number=number, currency="USD",
        debit=debit, credit=credit, entered_currency="USD", entered_debit=debit,
        entered_credit=credit, source="Manual", category="Adjustment", description="",
    )  # fmt: skip
    return made._replace(**changes)  # type: ignore[arg-type] # fields by name, as the test gives.


@dataclass(slots=True, kw_only=True)
class FakeSource:
    """A `ports.LedgerSource`; what it holds is in plain dicts that tests change."""

    clock: Clock
    connection: str = "erp"
    address: str = "https://erp.example"
    ledgers: list[Ledger] = field(default_factory=list)
    periods: dict[str, list[Period]] = field(default_factory=dict)
    states: dict[tuple[str, str], PeriodState] = field(default_factory=dict)
    batches: dict[str, Batch] = field(default_factory=dict)
    filed: dict[str, str] = field(default_factory=dict)
    """Default period of a batch's header, where it is not its first line's."""
    members: dict[str, list[Member]] = field(default_factory=dict)
    entered: dict[str, tuple[Line, ...]] = field(default_factory=dict)
    """Batches entered and not posted yet."""
    chart: Chart = CHART
    combinations: dict[str, dict[str, str]] = field(default_factory=dict)
    """Of a keyed chart: what each combination stands for."""
    hidden: set[str] = field(default_factory=set)
    """Batches no listing shows, though balances hold them."""
    shifts: dict[CombinationKey, Decimal] = field(default_factory=dict)
    """What the ERP says of a combination beyond its lines."""
    breaks: dict[CombinationKey, Decimal] = field(default_factory=dict)
    """What the ERP's own lines of a combination add up to, where that is not its balance."""
    ahead: timedelta = timedelta(0)
    """How far the ERP's clock is ahead of ours."""
    on_balances: Callable[[], None] | None = None
    """Told before each read of balances: the books may move there."""

    def post(self, batch_id: str, *lines: Line, filed: str = "", is_actual: bool = True) -> None:
        """The batch is posted now, or replaced by these lines."""
        self.clock.sleep(60)
        at = self.clock.now()
        self.batches[batch_id] = Batch(
            batch_id=batch_id, name=f"Batch {batch_id}", updated_at=at, version=at.isoformat(),
            posted_on=None, is_actual=is_actual, lines=lines,
        )  # fmt: skip
        self.filed[batch_id] = filed or lines[0].period
        self.clock.sleep(60)

    def remove(self, batch_id: str) -> None:
        """The batch is gone; nothing tells of it."""
        del self.batches[batch_id]

    def check(self) -> Iterator[Check]:
        """Nothing to say."""
        return iter(())

    def discover(self) -> Iterator[RemoteObject]:
        """Nothing to say."""
        return iter(())

    def read_server_time(self) -> datetime:
        """The clock's time, or as far ahead as a test says."""
        return self.clock.now() + self.ahead

    def read_ledgers(self) -> list[Ledger]:
        """All of them."""
        return list(self.ledgers)

    def read_periods(self, ledger: Ledger) -> list[Period]:
        """The calendar of the ledger."""
        return list(self.periods[ledger.name])

    def read_period_state(self, ledger: Ledger, period: Period) -> PeriodState:
        """Open unless a test says otherwise."""
        return self.states.get((ledger.name, period.name), PeriodState.OPEN)

    def find_chart(self, name: str) -> Chart | None:
        """The one chart there is."""
        return self.chart if name == self.chart.name else None

    def read_combinations(self, chart: str) -> Iterator[tuple[str, str]]:
        """As a test has set them, for a keyed chart."""
        return iter(self.combinations.get(chart, {}).items())

    def _stamps(self, keep: Callable[[Batch], bool]) -> Iterator[BatchStamp]:
        for batch_id, batch in sorted(self.batches.items()):
            if batch_id not in self.hidden and keep(batch):
                yield BatchStamp(batch_id=batch_id, version=batch.version)

    def read_changed_stamps(self, since: datetime, until: datetime) -> Iterator[BatchStamp]:
        """By update time, both ends included."""
        return self._stamps(lambda batch: since <= batch.updated_at <= until)

    def read_period_stamps(self, periods: Sequence[Period]) -> Iterator[BatchStamp]:
        """By the header's default period."""
        names = {period.name for period in periods}
        return self._stamps(lambda batch: self.filed[batch.batch_id] in names)

    def read_all_stamps(self) -> Iterator[BatchStamp]:
        """Every visible batch."""
        return self._stamps(lambda _: True)

    def read_pending_stamps(self) -> Iterator[BatchStamp]:
        """Entered, not posted."""
        return (
            BatchStamp(batch_id=batch_id, version="entered", is_posted=False, is_pending=True)
            for batch_id in sorted(self.entered)
        )

    def read_stamps(self, batch_ids: Sequence[str]) -> Iterator[BatchStamp]:
        """Those that are there, and shown."""
        return self._stamps(lambda batch: batch.batch_id in batch_ids)

    def read_batches(
        self, stamps: Sequence[BatchStamp]
    ) -> Iterator[tuple[BatchStamp, Batch | None]]:
        """Each batch whole, last asked first."""
        for stamp in reversed(stamps):
            yield stamp, self.batches.get(stamp.batch_id)

    def read_balances(self, ledger: Ledger, period: Period, measure: Measure) -> Iterator[Balance]:
        """Summed from the lines, shifted where a test says so."""
        if self.on_balances is not None:
            self.on_balances()
        sums: dict[CombinationKey, Decimal] = defaultdict(Decimal)
        for batch in self.batches.values():
            for one in batch.lines if batch.is_actual else ():
                if (one.ledger, one.period) != (ledger.name, period.name):
                    continue
                if one.entered_currency == STATISTICAL:
                    continue
                base = measure is Measure.BASE
                currency = one.currency if base else one.entered_currency
                net = one.debit - one.credit if base else one.entered_debit - one.entered_credit
                sums[CombinationKey(one.ledger, one.period, currency, one.combination)] += net
        for key, shift in self.shifts.items():
            if (key.ledger, key.period) == (ledger.name, period.name):
                sums[key] += shift
        for key, net in sums.items():
            yield Balance(key=key, activity=net, of_lines=self.breaks.get(key))

    def read_members(self, dimension: str) -> Iterator[Member]:
        """As a test has set them."""
        return iter(self.members.get(dimension, []))
