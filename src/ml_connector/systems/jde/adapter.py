"""The ledger source and journal target over an AIS server of JD Edwards EnterpriseOne."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import httpx2

from ml_connector.domain.dimensions import Member
from ml_connector.domain.journals import Journal
from ml_connector.domain.ledger import Balance, Batch, BatchStamp, Chart, Ledger
from ml_connector.domain.periods import Period, PeriodState
from ml_connector.ports import (
    Check,
    Clock,
    JournalAccount,
    JournalFound,
    JournalHead,
    JournalReceipt,
    LedgerRules,
    Measure,
    PeriodVerdict,
    RemoteObject,
    RequestBudget,
    Secrets,
    SessionStore,
)
from ml_connector.systems.jde.balances import BalanceReader
from ml_connector.systems.jde.batches import BatchReader
from ml_connector.systems.jde.checks import run_checks
from ml_connector.systems.jde.client import JdeClient
from ml_connector.systems.jde.connection import JdeSettings
from ml_connector.systems.jde.discovery import list_objects
from ml_connector.systems.jde.journal_checks import run_journal_checks
from ml_connector.systems.jde.journal_lines import KeyedLines
from ml_connector.systems.jde.journals import JournalDesk
from ml_connector.systems.jde.line_sums import LineSumReader
from ml_connector.systems.jde.masters import MasterReader
from ml_connector.systems.jde.reference import Reference
from ml_connector.systems.jde.stamps import StampReader
from ml_connector.systems.jde.translation import CHART, build_chart, parse_ledger


class JdeSource:
    """Implements `ports.LedgerSource` and `ports.JournalTarget`; close it when done.

    Safe to share between threads. Companies, calendars, currencies and what the server tells of
    the orchestration are kept for five minutes; everything else is read anew.
    """

    def __init__(
        self,
        settings: JdeSettings,
        *,
        secrets: Secrets,
        clock: Clock,
        budget: RequestBudget | None = None,
        sessions: SessionStore | None = None,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self.connection = settings.name
        self.address = f"{settings.ais_url} {settings.auth.environment}".strip()
        self._settings = settings
        self._clock = clock
        client = JdeClient(
            settings,
            clock=clock,
            secrets=secrets,
            sessions=sessions,
            budget=budget,
            transport=transport,
        )
        reference = Reference(client, settings=settings, clock=clock)
        self._client = client
        self._reference = reference
        self._stamps = StampReader(client=client, reference=reference, settings=settings)
        self._batches = BatchReader(
            client=client, reference=reference, settings=settings, clock=clock
        )
        lines = LineSumReader(client=client, connection=settings.name)
        self._balances = BalanceReader(client=client, lines=lines, settings=settings)
        self._masters = MasterReader(client=client, reference=reference, settings=settings)
        self._keyed = KeyedLines(client=client, reference=reference, clock=clock)
        self._journals = JournalDesk(self._keyed, self._masters, settings=settings)

    def close(self) -> None:
        """The session is given back and every connection closed."""
        self._client.close()

    def check(self) -> Iterator[Check]:
        """Yield reach, log-in, rights and set-up findings, worst last."""
        yield from run_checks(
            self._client, self._reference, settings=self._settings, clock=self._clock
        )

    def discover(self) -> Iterator[RemoteObject]:
        """Yield companies, ledger types, date patterns, tables, category codes, orchestrations."""
        yield from list_objects(self._client, self._reference, settings=self._settings)

    def read_server_time(self) -> datetime:
        """The server's own time now; ours where it does not tell."""
        return self._client.read_server_time() or self._clock.now()

    def read_ledgers(self) -> list[Ledger]:
        """The books of every company the user may see, by name.

        Raises:
            LedgerTypeUnknownError: A configured ledger type is none, or cannot be read.
        """
        return sorted(self._reference.list_ledgers(), key=lambda ledger: ledger.name)

    def read_periods(self, ledger: Ledger) -> list[Period]:
        """Every period of the company's date pattern, adjustment periods after theirs.

        Raises:
            CalendarUnfitError: The pattern shows no fiscal years, or contradicts itself.
        """
        return list(self._reference.find_calendar(ledger.calendar).periods)

    def read_period_state(self, ledger: Ledger, period: Period) -> PeriodState:
        """How a period stands towards the company's current one.

        Raises:
            CalendarUnfitError: The company stands in no period of its calendar.
        """
        name = parse_ledger(ledger.name)
        return self._reference.find_calendar(ledger.calendar).find_state(
            period,
            current=self._reference.find_current(name),
            posted=self._reference.list_posted_ahead(name),
        )

    def find_chart(self, name: str) -> Chart | None:
        """The account master, which is the only chart."""
        if name != CHART:
            return None
        settings = self._settings
        return build_chart(settings.account_categories, settings.business_unit_categories)

    def read_combinations(self, chart: str) -> Iterator[tuple[str, str]]:
        """Yield each account id with what the account master says of it.

        Raises:
            AccountUnfitError: A value holds the chart's delimiter.
        """
        return self._masters.read_combinations() if chart == CHART else iter(())

    def read_changed_stamps(self, since: datetime, until: datetime) -> Iterator[BatchStamp]:
        """Yield batches with lines changed since, and some days before, posted or pending."""
        # The server counts days back from its today, which is later where a failed run goes on.
        return self._stamps.read_changed(since, max(until, self.read_server_time()))

    def read_pending_stamps(self) -> Iterator[BatchStamp]:
        """Yield every batch with lines that are not posted yet: posting may leave no trace."""
        return self._stamps.read_pending()

    def read_stamps(self, batch_ids: Sequence[str]) -> Iterator[BatchStamp]:
        """Yield those of the batches that have lines now, posted or pending."""
        return self._stamps.read(batch_ids)

    def read_period_stamps(self, periods: Sequence[Period]) -> Iterator[BatchStamp]:
        """Yield the posted batches with lines in these periods."""
        return self._stamps.read_periods(periods)

    def read_all_stamps(self) -> Iterator[BatchStamp]:
        """Yield every posted batch from the first GL date on, ascending by batch id."""
        return self._stamps.read_all()

    def read_batches(
        self, stamps: Sequence[BatchStamp]
    ) -> Iterator[tuple[BatchStamp, Batch | None]]:
        """Yield each batch with its posted lines, as they come; None when it has none any more.

        Raises:
            BatchMovingError: Rows and the server's count of them differ at the second look.
            LineUnfitError: A row cannot be a line; it is named.
        """
        return self._batches.read(stamps)

    def read_balances(self, ledger: Ledger, period: Period, measure: Measure) -> Iterator[Balance]:
        """Yield the movement per account id by the balance table, beside what its lines add up to.

        Raises:
            BalanceUnfitError: The table shows what cannot be held against lines.
        """
        return self._balances.read(ledger, period, measure)

    def read_members(self, dimension: str) -> Iterator[Member]:
        """Yield the members of a dimension.

        Raises:
            UsageError: There is no such dimension; names those there are.
            RefusedError: There is no such list of codes.
        """
        return self._masters.read_members(dimension)

    def check_journals(self, ledger: str) -> Iterator[Check]:
        """Yield whether journals of the ledger can be entered and found again; writes nothing."""
        yield from run_journal_checks(
            self._journals,
            self._keyed,
            ledger=ledger,
        )

    def read_journal_rules(self, ledger: Ledger) -> LedgerRules:
        """What JD Edwards asks of approved amounts in the ledger; actual ones refuse them."""
        return self._journals.read_rules(ledger)

    def read_journal_accounts(self, ledger: Ledger) -> Iterator[JournalAccount]:
        """Yield every account of the ledger's company, those that refuse lines with the reason."""
        return self._journals.read_accounts(ledger)

    def read_period_verdict(self, ledger: Ledger, period: Period) -> PeriodVerdict:
        """What JD Edwards would say of a journal in the period, by the company's current one.

        Raises:
            CalendarUnfitError: The company stands in no period of its calendar.
        """
        return self._journals.read_verdict(ledger, period)

    def submit_journal(self, journal: Journal, head: JournalHead) -> JournalReceipt:
        """The orchestration has entered the journal once; never repeated by the client.

        Raises:
            RefusedError: Nothing was entered, and the text says why.
            OutcomeUnknownError: Nobody told whether it was; find it by its key.
            SystemUnavailableError: The server was not reached, or refused the session; nothing
                was entered.
        """
        return self._journals.submit(journal, head)

    def find_journal(self, journal: Journal, posting_key: str) -> JournalFound:
        """What the account ledger shows under the key, held against the journal.

        Raises:
            KeyPassedOverError: Other lines came than were asked for.
        """
        return self._keyed.find(journal, posting_key)
