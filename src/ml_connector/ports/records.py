"""The audit chain, the request budget, and the records of one organisation together."""

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from ml_connector.ports.agreements import AgreementStore
from ml_connector.ports.alerts import AlertStore
from ml_connector.ports.batches import BatchStore
from ml_connector.ports.closing import ClosingStore
from ml_connector.ports.connections import ConnectionStore
from ml_connector.ports.gauges import GaugeStore
from ml_connector.ports.history import HistoryStore
from ml_connector.ports.identities import FactorStore, IdentityStore
from ml_connector.ports.loads import LoadStore, MappingStore
from ml_connector.ports.people import PersonStore
from ml_connector.ports.postings import ApprovalStore, PostingStore
from ml_connector.ports.runs import RunStore
from ml_connector.ports.schedules import ScheduleStore
from ml_connector.ports.sign_offs import SignOffStore
from ml_connector.ports.standings import StandingStore
from ml_connector.ports.tokens import AskedRunStore, TokenStore
from ml_connector.ports.traces import TraceStore
from ml_connector.ports.unmapped import UnmappedStore
from ml_connector.ports.world import Json
from ml_connector.ports.writing import IntentStore


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One link of the audit chain."""

    number: int
    at: datetime
    actor: str
    event: str
    subject: str
    run_id: str
    details: Json
    hash_before: str
    hash_after: str


class Audit(Protocol):
    """Append-only, hash-chained."""

    def record(
        self, event: str, *, subject: str, actor: str, run_id: str = "", **details: Any
    ) -> None:
        """The event is the newest link; `event` is `noun.verb`."""

    def find(self, text: str, *, limit: int = 200, before: int = 0) -> list[AuditRow]:
        """The newest links about the text, oldest first; those before a number where one is given.

        Every one of a run or with a subject of that name; of others that name it anywhere, those
        that are not too old to be looked through.
        """

    def find_span(self, runs: Collection[str]) -> tuple[int, int] | None:
        """Numbers of the first and the last link about these runs; None: there is none."""

    def load_range(self, first: int, last: int) -> Iterator[AuditRow]:
        """Yield the links from one number to another, both included, oldest first."""

    def verify(self) -> int:
        """Number of links, all of which verify.

        Raises:
            UnexplainedDifferenceError: Names the first broken link.
        """


class Transactions(Protocol):
    """What several stores say of one thing, stored together."""

    def begin(self, what: str) -> AbstractContextManager[None]:
        """All that is stored in the block is kept when it ends well, else nothing of it.

        For what several stores say of one thing, such as an outcome and its audit link. Nothing
        remote belongs inside: other processes wait.

        Raises:
            SystemUnavailableError: The database could not store it; names `what`.
        """


class RequestBudget(Protocol):
    """One allowance of requests per tenant, over all processes.

    People keep a part of it; runs share the rest alike, however many requests each has under way.
    """

    def acquire(self, key: str) -> None:
        """Return when one request may be sent now; waits, first come first served.

        Who asks is known by the thread: the run it executes, or else a person. An empty key draws
        on no allowance.

        Raises:
            RunInterruptedError: A stop was asked for; the request must not be sent.
        """

    def hold(self, key: str, seconds: float) -> None:
        """Nobody sends for that long: a process was told Retry-After."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """All stores of one organisation, bundled."""

    runs: RunStore
    batches: BatchStore
    intents: IntentStore
    loads: LoadStore
    mappings: MappingStore
    unmapped: UnmappedStore
    postings: PostingStore
    approvals: ApprovalStore
    agreements: AgreementStore
    people: PersonStore
    identities: IdentityStore
    factors: FactorStore
    schedules: ScheduleStore
    closing: ClosingStore
    sign_offs: SignOffStore
    traces: TraceStore
    standings: StandingStore
    tokens: TokenStore
    asked: AskedRunStore
    gauges: GaugeStore
    alerts: AlertStore
    connections: ConnectionStore
    history: HistoryStore
    audit: Audit
    transactions: Transactions
