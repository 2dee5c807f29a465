"""An ERP in memory that takes journals, and loses, refuses or halves them as a test says."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from tests.fakes.ledger import FakeSource, amounts
from tests.fakes.ledger import line as make_line
from tests.fakes.steps import Crash

from ml_connector.domain.journals import Journal, JournalLine
from ml_connector.domain.ledger import Ledger
from ml_connector.domain.periods import Period
from ml_connector.errors import OutcomeUnknownError, RefusedError
from ml_connector.ports import (
    Check,
    JournalAccount,
    JournalFound,
    JournalHead,
    JournalReceipt,
    JournalState,
    LedgerRules,
    PeriodVerdict,
)

LOOKS_UNTIL_LATE = 3


@dataclass(slots=True, kw_only=True)
class Entered:
    """A journal the ERP has: its key, its lines, whether it is posted."""

    key: str
    journal: Journal
    lines: tuple[JournalLine, ...]
    is_posted: bool


@dataclass(slots=True, kw_only=True)
class FakeJournals:
    """A `ports.JournalTarget` beside a `FakeSource`; posted journals move its balances."""

    source: FakeSource
    connection: str = "erp"
    accounts: dict[str, str] = field(default_factory=dict)
    """Account id to why it refuses a line; empty when it takes one. `UNIT.ACCOUNT` is the id."""
    documents: list[Entered] = field(default_factory=list)
    must_balance: bool = False
    verdicts: dict[str, PeriodVerdict] = field(default_factory=dict)
    posts: bool = True
    """What is entered is posted at once."""
    honours_keys: bool = True
    """A second journal of one key is answered by the first."""
    lose_before: int = 0
    """Calls that never arrive."""
    lose_after: int = 0
    """Calls that take effect and whose answer is lost."""
    late: list[tuple[Journal, JournalHead]] = field(default_factory=list)
    """Lost calls the server goes on with after the caller has gone."""
    delays: int = 0
    """Calls that take effect only at the third look."""
    looks: int = 0
    dies: int = 0
    """Calls in which the process ends before anything leaves."""
    refuse: str = ""
    refuse_at: dict[int, str] = field(default_factory=dict)
    """Number of a call, counted from 1, to why it is refused."""
    lose_at: dict[int, str] = field(default_factory=dict)
    """Number of a call to how it is lost: `lose_before`, `lose_after` or `delays`."""
    checks: list[Check] = field(default_factory=list)
    """What is found of the service before journals are sent."""
    checked: list[str] = field(default_factory=list)
    """Ledgers it was asked for."""
    cut: int = 0
    """Lines that are left out of what is entered."""
    calls: int = 0

    def check_journals(self, ledger: str) -> Iterator[Check]:
        """As a test has set them."""
        self.checked.append(ledger)
        return iter(self.checks)

    def read_journal_rules(self, ledger: Ledger) -> LedgerRules:
        """Two decimals."""
        return LedgerRules(must_balance=self.must_balance, decimals=2)

    def read_journal_accounts(self, ledger: Ledger) -> Iterator[JournalAccount]:
        """As a test has set them."""
        for account, refuses in self.accounts.items():
            unit, _, number = account.partition(".")
            yield JournalAccount(
                account=account, text=account, refuses=refuses,
                facts={"business_unit": unit, "account": number},
            )  # fmt: skip

    def read_period_verdict(self, ledger: Ledger, period: Period) -> PeriodVerdict:
        """Taken, unless a test says otherwise."""
        return self.verdicts.get(period.name, PeriodVerdict.TAKEN)

    def submit_journal(self, journal: Journal, head: JournalHead) -> JournalReceipt:
        """Entered, refused or lost."""
        self.calls += 1
        if how := self.lose_at.pop(self.calls, ""):
            setattr(self, how, 1)
        if self.dies:
            self.dies -= 1
            raise Crash
        if self.lose_before:
            self.lose_before -= 1
            raise _lost()
        if self.delays:
            self.delays -= 1
            self.late.append((journal, head))
            raise _lost()
        why = self.refuse_at.get(self.calls, self.refuse)
        if why:
            raise RefusedError(why, written="Nothing.", next_step="Look.")
        receipt = self._enter(journal, head)
        if self.lose_after:
            self.lose_after -= 1
            raise _lost()
        return receipt

    def _enter(self, journal: Journal, head: JournalHead) -> JournalReceipt:
        key = head.posting_key
        known = next((one for one in self.documents if one.key == key), None)
        if known is not None and self.honours_keys:
            return JournalReceipt(batch_id="G-0", document="old", is_duplicate=True)
        lines = journal.lines[: len(journal.lines) - self.cut]
        entered = Entered(key=key, journal=journal, lines=lines, is_posted=False)
        self.documents.append(entered)
        if self.posts:
            self.post(entered)
        return JournalReceipt(batch_id=f"G-{len(self.documents)}", document=key)

    def delete(self, key: str) -> None:
        """Somebody deletes the journal before it is posted: nothing of it is left."""
        assert not any(one.is_posted for one in self.documents if one.key == key)
        self.documents = [one for one in self.documents if one.key != key]

    def post(self, entered: Entered) -> None:
        """The journal moves the balances."""
        entered.is_posted = True
        for number, one in enumerate(entered.lines, start=1):
            debit, credit = amounts(str(one.amount))
            journal = entered.journal
            line = make_line(number, journal.ledger, journal.period, one.account, "0")
            line = line._replace(debit=debit, credit=credit)
            self.source.post(f"{entered.key}-{len(self.source.batches)}-{number}", line)

    def find_journal(self, journal: Journal, posting_key: str) -> JournalFound:
        """By key, held against the journal."""
        self.looks += bool(self.late)
        if self.looks == LOOKS_UNTIL_LATE:
            for late, head in self.late:
                self._enter(late, head)
            self.late.clear()
        found = [one for one in self.documents if one.key == posting_key]
        if not found:
            return JournalFound(state=JournalState.ABSENT)
        sums: dict[str, Decimal] = defaultdict(Decimal)
        unposted: dict[str, Decimal] = defaultdict(Decimal)
        for one in found:
            for line in one.lines:
                sums[line.account] += line.amount
                unposted[line.account] += line.amount * (not one.is_posted)
        state = JournalState.POSTED if found[0].is_posted else JournalState.ENTERED
        if found[0].lines != journal.lines:
            state = JournalState.PARTIAL
        if len(found) > 1:
            state = JournalState.DOUBLE
        return JournalFound(
            state=state, amounts=dict(sums), unposted={k: v for k, v in unposted.items() if v},
            lines=sum(len(one.lines) for one in found),
            batch_ids=tuple(f"G-{n}" for n, _ in enumerate(found)),
            documents=tuple(one.key for one in found),
        )  # fmt: skip


def _lost() -> OutcomeUnknownError:
    return OutcomeUnknownError("No reply.", written="Unknown.", next_step="Look.")
