"""The ledger source and supplier target over a Fusion pod."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

import httpx2
import structlog

from ml_connector.domain.dimensions import Member
from ml_connector.domain.ledger import Balance, Batch, BatchStamp, Chart, Ledger
from ml_connector.domain.periods import Period, PeriodState
from ml_connector.errors import AccessDeniedError, ProtocolError, RefusedError, UsageError
from ml_connector.ports import (
    Check,
    Clock,
    FileReport,
    JobStatus,
    Measure,
    RemoteObject,
    RequestBudget,
    Secrets,
    SupplierChange,
    SupplierFile,
    SupplierFound,
    SupplierReceipt,
    SupplierRow,
)
from ml_connector.systems.fusion import translation, wire
from ml_connector.systems.fusion.balances import BalanceReader
from ml_connector.systems.fusion.batches import BatchReader
from ml_connector.systems.fusion.checks import run_checks
from ml_connector.systems.fusion.client import FusionClient, GoneError, Window
from ml_connector.systems.fusion.connection import FusionSettings
from ml_connector.systems.fusion.supplier_files import SupplierLoader
from ml_connector.systems.fusion.supplier_writes import SupplierWriter
from ml_connector.systems.fusion.suppliers import SUPPLIER_DIMENSIONS, SupplierReader
from ml_connector.systems.parallel import map_parallel

VALUE_SET_PREFIX = "value-set:"

_log = structlog.get_logger()


class FusionSource:
    """Implements `ports.LedgerSource` and `ports.SupplierTarget`; close it when done.

    Safe to share between threads. What a pod cannot filter is learned once per source from its own
    description.
    """

    def __init__(
        self,
        settings: FusionSettings,
        *,
        clock: Clock,
        secrets: Secrets,
        budget: RequestBudget | None = None,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self.connection = settings.name
        self.address = settings.pod_url
        self._settings = settings
        self._clock = clock
        self._client = FusionClient(
            settings, clock=clock, secrets=secrets, budget=budget, transport=transport
        )
        self._writer = SupplierWriter(self._client)
        self._loader = SupplierLoader(self._client)
        self._queryable: frozenset[str] | None = None
        self._period_types: dict[str, str] | None = None
        self._lock = threading.Lock()

    def close(self) -> None:
        """Every connection is closed."""
        self._client.close()

    def check(self) -> Iterator[Check]:
        """Yield reach, log-in, rights and set-up findings, worst last."""
        yield from run_checks(self, self._client, settings=self._settings, clock=self._clock)

    def discover(self) -> Iterator[RemoteObject]:
        """Yield ledgers, charts, calendars, value sets and what suppliers are read as."""
        ledgers = self.read_ledgers()
        for ledger in ledgers:
            detail = f"{ledger.kind}, {ledger.currency}, {ledger.chart}, {ledger.calendar}"
            yield RemoteObject(
                kind="ledger", name=ledger.name, remote_id=ledger.ledger_id, detail=detail
            )
        for row in self._client.read_charts():
            is_known = self.find_chart(row.name) is not None
            yield RemoteObject(
                kind="chart",
                name=row.name,
                remote_id=str(row.structure_instance_number),
                detail="configured" if is_known else "delimiter and segments not configured",
            )
        for calendar in sorted({ledger.calendar for ledger in ledgers if ledger.calendar}):
            yield RemoteObject(kind="calendar", name=calendar, remote_id=calendar)
        for value_set in self._client.read_value_sets():
            yield RemoteObject(
                kind="value-set",
                name=value_set.value_set_code,
                remote_id=value_set.value_set_code,
                detail=value_set.description or "",
            )
        for name, detail in SUPPLIER_DIMENSIONS.items():
            yield RemoteObject(kind="dimension", name=name, remote_id=name, detail=detail)

    def read_suppliers(self) -> Iterator[SupplierRow]:
        """Every supplier in one sweep; see `SupplierTarget`."""
        return self._writer.read_suppliers()

    def read_supplier(self, number: str) -> SupplierRow:
        """The supplier as it stands now, with its version."""
        return self._writer.read_supplier(number)

    def find_supplier(self, *, number: str = "", name: str = "") -> SupplierFound:
        """Every supplier with the number or the name."""
        return self._writer.find_supplier(number=number, name=name)

    def submit_change(self, change: SupplierChange) -> SupplierReceipt:
        """The attributes are as the change has them, if nobody else changed the supplier."""
        return self._writer.submit_change(change)

    def submit_creation(self, attributes: Mapping[str, str]) -> SupplierReceipt:
        """There is one supplier more; not repeatable."""
        return self._writer.submit_creation(attributes)

    def submit_batch(self, changes: Sequence[SupplierChange]) -> tuple[SupplierReceipt, ...]:
        """All the changes are made, or none is."""
        return self._writer.submit_batch(changes)

    def submit_file(self, file: SupplierFile) -> str:
        """The id of the job that imports the file; not repeatable."""
        return self._loader.submit_file(file)

    def read_job(self, job_id: str) -> JobStatus:
        """How far the job and its parts have come now."""
        return self._loader.read_job(job_id)

    def read_job_report(self, job_id: str) -> FileReport:
        """What became of the rows of a job that is over."""
        return self._loader.read_job_report(job_id)

    def read_server_time(self) -> datetime:
        """The pod's own time now, to the second."""
        return self._client.read_server_time()

    def read_ledgers(self) -> list[Ledger]:
        """Every ledger the user may see, by name, ledger sets left out."""
        charts = {row.structure_instance_number: row.name for row in self._client.read_charts()}
        rows = list(self._client.read_ledgers())
        self._period_types = {str(row.ledger_id): row.accounted_period_type or "" for row in rows}
        return sorted(
            (translation.build_ledger(row, charts) for row in rows), key=lambda each: each.name
        )

    def read_periods(self, ledger: Ledger) -> list[Period]:
        """Every period of the ledger's calendar and period type, adjustment periods after theirs.

        Raises:
            RefusedError: The calendar shows no period at all.
        """
        rows = [
            row
            for row in self._client.read_periods(ledger.calendar)
            if row.period_set_name_id in (None, ledger.calendar)
        ]
        if not rows:
            raise _render_no_periods(ledger)
        if len({row.period_type for row in rows}) > 1:
            kind = self._find_period_type(ledger)
            rows = [row for row in rows if row.period_type == kind]
        periods = (translation.build_period(row, ledger.calendar) for row in rows)
        return sorted(periods, key=lambda p: (p.date_first, p.is_adjustment, p.date_last, p.number))

    def read_period_state(self, ledger: Ledger, period: Period) -> PeriodState:
        """The general-ledger state of one period of one ledger.

        Raises:
            RefusedError: The pod has no state for the two.
            ProtocolError: It has several, or one by an unknown letter.
        """
        rows = [
            row
            for row in self._client.read_period_statuses(period.name, ledger.ledger_id)
            if (row.application_id, str(row.ledger_id), row.period_name_id)
            == (wire.GENERAL_LEDGER, ledger.ledger_id, period.name)
        ]
        if not rows:
            raise _render_no_state(ledger, period)
        states = {translation.find_state(row) for row in rows}
        state = states.pop()
        if state is None or states:
            letters = ", ".join(sorted({str(row.closing_status) for row in rows}))
            raise _render_odd_state(ledger, period, letters)
        return state

    def find_chart(self, name: str) -> Chart | None:
        """The configured delimiter and segments of a chart."""
        return self._settings.find_chart(name)

    def read_combinations(self, chart: str) -> Iterator[tuple[str, str]]:  # noqa: ARG002 - port.
        """Nothing: combinations show their segments themselves."""
        return iter(())

    def read_changed_stamps(self, since: datetime, until: datetime) -> Iterator[BatchStamp]:
        """Yield posted batches changed in [since, until], each once, ascending by batch id.

        Where the pod cannot filter by change date, every posted batch is listed and compared here.
        """
        return self._read_stamps(
            lambda row: since <= row.last_update_date <= until, window=(since, until)
        )

    def read_period_stamps(self, periods: Sequence[Period]) -> Iterator[BatchStamp]:
        """Yield posted batches whose default period is one of these."""
        wanted = {(period.calendar, period.name) for period in periods}
        names = {name for _, name in wanted}

        def is_wanted(row: wire.BatchRow) -> bool:
            name, calendar = row.default_period_name or "", row.user_period_set_name
            return (calendar, name) in wanted or (calendar is None and name in names)

        if not names:
            return
        if wire.DEFAULT_PERIOD not in self._load_queryable():
            # One sweep serves all periods; asking per period would yield each batch as often.
            yield from self._read_stamps(is_wanted)
            return
        for name in sorted(names):
            yield from self._read_stamps(is_wanted, period=name)

    def read_all_stamps(self) -> Iterator[BatchStamp]:
        """Yield every posted batch the user may see, ascending by batch id."""
        return self._read_stamps(lambda _: True)

    def read_pending_stamps(self) -> Iterator[BatchStamp]:
        """Nothing: posting moves a batch's update time."""
        return iter(())

    def read_stamps(self, batch_ids: Sequence[str]) -> Iterator[BatchStamp]:
        """Yield those of the batches that are there and posted; no listing yields other ones."""
        for batch_id in batch_ids:
            try:
                row = self._client.read_batch(batch_id)
            except GoneError:
                continue
            if row.status == wire.POSTED:
                yield translation.build_stamp(row)

    def read_batches(
        self, stamps: Sequence[BatchStamp]
    ) -> Iterator[tuple[BatchStamp, Batch | None]]:
        """Yield each batch whole, as they come; None when it is gone or no longer posted."""
        reader = BatchReader(self._client)
        yield from map_parallel(reader.read, stamps, threads=self._settings.parallel_max)

    def read_balances(self, ledger: Ledger, period: Period, measure: Measure) -> Iterator[Balance]:
        """Yield the pod's own movement per account combination."""
        reader = BalanceReader(self._client)
        chart = self.find_chart(ledger.chart)
        yield from reader.read(chart, ledger=ledger, period=period, measure=measure)

    def read_members(self, dimension: str) -> Iterator[Member]:
        """Yield the members of a dimension, those of suppliers by one sweep over all of them.

        Raises:
            UsageError: Another dimension is asked for.
            RefusedError: There is no such value set; two suppliers share a code.
        """
        if dimension == "ledgers":
            return (translation.build_ledger_member(ledger) for ledger in self.read_ledgers())
        if dimension == "currencies":
            return map(translation.build_currency, self._client.read_currencies())
        if dimension.startswith(VALUE_SET_PREFIX):
            return self._read_values(dimension.removeprefix(VALUE_SET_PREFIX))
        if dimension in SUPPLIER_DIMENSIONS:
            reader = SupplierReader(self._client, today=self._clock.now().date())
            return reader.read(dimension)
        raise UsageError(
            f"Fusion has no dimension {dimension!r}.",
            written="Nothing was written.",
            next_step="Name `ledgers`, `currencies`, `suppliers`, `supplier-sites` or"
            " `value-set:CODE` in the flow.",
            dimension=dimension,
        )

    def _read_values(self, code: str) -> Iterator[Member]:
        today = self._clock.now().date()
        try:
            for row in self._client.read_values(code):
                yield translation.build_value(row, today=today)
        except GoneError as error:
            raise RefusedError(
                f"Fusion ({self.connection}) shows no value set {code!r}.",
                written="Nothing was written.",
                next_step="List the value sets with `ml-connector discover`; correct the flow.",
                value_set=code,
            ) from error

    def _read_stamps(
        self,
        keep: Callable[[wire.BatchRow], bool],
        *,
        window: Window | None = None,
        period: str | None = None,
    ) -> Iterator[BatchStamp]:
        rows = self._client.read_batches(self._load_queryable(), window=window, period=period)
        for row in rows:
            if row.status == wire.POSTED and keep(row):
                yield translation.build_stamp(row)

    def _load_queryable(self) -> frozenset[str]:
        with self._lock:
            if self._queryable is None:
                self._queryable = self._read_queryable()
            return self._queryable

    def _read_queryable(self) -> frozenset[str]:
        try:
            return self._client.read_queryable(wire.BATCHES)
        except (AccessDeniedError, RefusedError):
            # Without a description the change date counts as not queryable: the sweep that
            # follows is slow, a query that is wrongly believed would lose batches.
            _log.warning("fusion.describe_unreadable", connection=self.connection)
            return wire.CLAUSES_KNOWN

    def _find_period_type(self, ledger: Ledger) -> str:
        if self._period_types is None or ledger.ledger_id not in self._period_types:
            self.read_ledgers()
        return (self._period_types or {}).get(ledger.ledger_id, "")


def _render_no_periods(ledger: Ledger) -> RefusedError:
    return RefusedError(
        f"Calendar {ledger.calendar!r} of ledger {ledger.name!r} shows no periods.",
        written="Nothing was written.",
        next_step="Give the integration user the right to read accounting calendars.",
        ledger=ledger.name,
        calendar=ledger.calendar,
    )


def _render_no_state(ledger: Ledger, period: Period) -> RefusedError:
    return RefusedError(
        f"Ledger {ledger.name!r} shows no general-ledger state for period {period.name!r}.",
        written="Nothing was written.",
        next_step="Check the period's name, and the user's data access to the ledger.",
        ledger=ledger.name,
        period=period.name,
    )


def _render_odd_state(ledger: Ledger, period: Period, letters: str) -> ProtocolError:
    return ProtocolError(
        f"Period {period.name!r} of ledger {ledger.name!r} is in state {letters!r}.",
        written="Nothing was written.",
        next_step="Look at the period in Fusion; tell the maintainers what this state means.",
        ledger=ledger.name,
        period=period.name,
        state=letters,
    )
