"""Sources: the ERPs that actuals and members are read from."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from ml_connector.domain.dimensions import Member
from ml_connector.domain.ledger import (
    Balance,
    Batch,
    BatchStamp,
    Chart,
    Ledger,
)
from ml_connector.domain.periods import Period, PeriodState
from ml_connector.ports.world import Check, RemoteObject


class Measure(StrEnum):
    """Which amounts a flow carries; the two are never added."""

    BASE = "base"
    ENTERED = "entered"


class LedgerSource(Protocol):
    """An ERP that actuals and members are read from. Reads only; every call may be repeated.

    All calls raise `SystemUnavailableError` when the retry budget is spent, `CredentialsError` or
    `AccessDeniedError` when log-in or rights fail, `ProtocolError` for answers off contract.
    """

    connection: str
    address: str
    """Where it is; another one is another ERP, whatever the connection is called."""

    def check(self) -> Iterator[Check]:
        """Yield reach, log-in, rights and set-up findings, worst last; never raises for those."""

    def discover(self) -> Iterator[RemoteObject]:
        """Yield what can be named in a flow: ledgers, charts, calendars, value sets."""

    def read_server_time(self) -> datetime:
        """The server's own time now; watermarks are made of it."""

    def read_ledgers(self) -> list[Ledger]:
        """Every ledger the user may see, ledger sets left out; maybe none."""

    def read_periods(self, ledger: Ledger) -> list[Period]:
        """Every period of the ledger's calendar, by first date, adjustment periods after theirs."""

    def read_period_state(self, ledger: Ledger, period: Period) -> PeriodState:
        """The general-ledger state of one period of one ledger."""

    def find_chart(self, name: str) -> Chart | None:
        """The configured delimiter and segments of a chart; None when the settings lack it."""

    def read_combinations(self, chart: str) -> Iterator[tuple[str, str]]:
        """Yield (combination, its segment values as the chart writes them) of a keyed chart.

        Nothing for a chart whose combinations show their segments themselves.
        """

    def read_changed_stamps(self, since: datetime, until: datetime) -> Iterator[BatchStamp]:
        """Yield posted batches changed in [since, until], each once, ascending by batch id.

        Falls back to a sweep when the ERP cannot filter by change date; may then yield more.
        """

    def read_pending_stamps(self) -> Iterator[BatchStamp]:
        """Yield every batch with lines that are entered and not posted yet.

        Nothing where the change date moves when a batch is posted. Where it may not, a batch that
        leaves this listing is asked for by its id (`read_stamps`): it was posted, or it is gone.
        """

    def read_stamps(self, batch_ids: Sequence[str]) -> Iterator[BatchStamp]:
        """Yield those of the batches that exist now, posted or pending, in no promised order."""

    def read_period_stamps(self, periods: Sequence[Period]) -> Iterator[BatchStamp]:
        """Yield the posted batches that by their header may hold lines of these periods.

        A batch whose lines lie in other periods than its own default is not promised here: the
        comparison with the ERP's balances finds it, and `read_all_stamps` widens the search.
        """

    def read_all_stamps(self) -> Iterator[BatchStamp]:
        """Yield every posted batch the user may see, ascending by batch id."""

    def read_batches(
        self, stamps: Sequence[BatchStamp]
    ) -> Iterator[tuple[BatchStamp, Batch | None]]:
        """Yield each batch whole, in no promised order; None when it is gone or no longer posted.

        Lines are read in parallel, bounded by the connection's setting. A batch whose lines do not
        add up to its own header totals is read once more and then refused (`ProtocolError`).
        """

    def read_balances(self, ledger: Ledger, period: Period, measure: Measure) -> Iterator[Balance]:
        """Yield the ERP's own movement per account combination, in no promised order.

        For `Measure.BASE` in the ledger's currency; for `Measure.ENTERED` per entered currency.
        Statistical units are no money and are left out.
        """

    def read_members(self, dimension: str) -> Iterator[Member]:
        """Yield the members of a source dimension, in no promised order, inactive ones included.

        Args:
            dimension: `ledgers`, `companies`, `currencies`, `accounts`, `account-ids`,
                `business-units`, `suppliers`, `supplier-sites` or `value-set:CODE`, as far as the
                ERP has them.

        Raises:
            UsageError: The ERP has no such dimension; names those it has.
        """
