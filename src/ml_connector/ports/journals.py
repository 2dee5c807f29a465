"""Journals: the ERP's side of an approved budget.

The answer of an ERP to a journal is one of three: entered, refused, or unknown. An ERP assigns
batch and document numbers itself, so the only thing known beforehand is the posting key, which is
kept on every line and found again by it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from ml_connector.domain.journals import Journal
from ml_connector.domain.ledger import Ledger
from ml_connector.domain.periods import Period
from ml_connector.ports.world import Check


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalAccount:
    """An account as journals name it.

    Attributes:
        account: Its id, as `Balance` and `JournalLine` have it.
        text: As people write it, such as `30.8720`.
        facts: Its segments by name, as the chart has them.
        refuses: Why a line of this ledger on it would be refused; empty when it would be taken.
    """

    account: str
    text: str
    facts: Mapping[str, str]
    refuses: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRules:
    """What the ERP asks of journals in a ledger.

    Attributes:
        must_balance: Debits and credits of each journal must be equal.
        refuses: Why no journal at all can be entered there; empty when it can.
        decimals: Of the ledger's currency.
    """

    must_balance: bool
    decimals: int
    refuses: str = ""


class PeriodVerdict(StrEnum):
    """What the ERP would say of a journal in a period."""

    TAKEN = "taken"
    WARNED = "taken with a warning"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalHead:
    """What a journal says besides its lines."""

    posting_key: str
    document_type: str
    explanation: str
    post_at_once: bool = False
    """The ERP shall post it as soon as it is entered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalReceipt:
    """The ERP's word that a journal was entered, or had been before.

    Attributes:
        batch_id: As `BatchStamp` has it.
        document: Company, type and number.
        is_duplicate: The ERP knew the key already and entered nothing.
        warnings: In the ERP's words.
    """

    batch_id: str
    document: str
    is_duplicate: bool = False
    warnings: tuple[str, ...] = ()


class JournalState(StrEnum):
    """What the ERP shows under a posting key."""

    ABSENT = "absent"
    ENTERED = "entered"
    POSTED = "posted"
    FAILED = "in error"
    """All of it is there, and the ERP could not post it."""
    PARTIAL = "partial"
    """Fewer lines than were sent, or other ones; nobody adds to it."""
    DOUBLE = "double"
    """More than one document bears the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalFound:
    """What the ERP shows under a posting key, read line by line."""

    state: JournalState
    batch_ids: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    amounts: Mapping[str, Decimal] = field(default_factory=dict)
    """Net by account, debit positive."""
    unposted: Mapping[str, Decimal] = field(default_factory=dict)
    """The part of it that stands in the journal's own ledger and period and that no balance holds
    yet, whatever the state."""
    lines: int = 0


class JournalTarget(Protocol):
    """An ERP that journals are written into.

    Raises as `LedgerSource`. `submit_journal` is the one call that changes anything.
    """

    connection: str

    def check_journals(self, ledger: str) -> Iterator[Check]:
        """Yield whether journals can be entered: the service is there, its inputs are as told."""

    def read_journal_rules(self, ledger: Ledger) -> LedgerRules:
        """What the ERP asks of journals in the ledger."""

    def read_journal_accounts(self, ledger: Ledger) -> Iterator[JournalAccount]:
        """Yield every account of the ledger's company, in no promised order."""

    def read_period_verdict(self, ledger: Ledger, period: Period) -> PeriodVerdict:
        """What the ERP would say of a journal in the period."""

    def submit_journal(self, journal: Journal, head: JournalHead) -> JournalReceipt:
        """The journal is entered once; never repeated by the client.

        Raises:
            RefusedError: The ERP says why it entered nothing; whether that is so is read back.
            OutcomeUnknownError: No answer, or one that does not tell; find it by its key.
        """

    def find_journal(self, journal: Journal, posting_key: str) -> JournalFound:
        """What the ERP shows under the key, held against the journal; may be repeated."""
