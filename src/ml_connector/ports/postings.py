"""Records of postings: what shall be written into an ERP, who approved it, what became of it.

A posting is made before anything is sent and ends confirmed or refused; between the two it may be
unknown, and then only the ERP itself says what it holds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from ml_connector.ports.world import Json


class PostingState(StrEnum):
    """How a posting stands."""

    OPEN = "open"
    """Made; nothing of it was sent, or its answer is not stored yet (`sent_at` says which)."""
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    QUARANTINED = "quarantined"
    """The ERP holds a part of it, or something else under its key; a person decides."""


UNSETTLED_POSTINGS = frozenset({PostingState.OPEN, PostingState.UNKNOWN, PostingState.QUARANTINED})
"""States in which a flow makes no further posting on the same subject."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One write into an ERP.

    Attributes:
        posting_key: What the ERP keeps with it: eight letters and digits, unique for ever.
        plan_hash: The approved plan it belongs to.
        subject: What is written within the plan, such as `00001 BA FY2026-P01 1/2`, or a supplier.
        generation: Raised only by a person's decision, after quarantine or reversal.
        content_hash: The archived file of exactly what is sent.
        totals: Lines, debits and credits as decimal text, currency; for people and guards.
        receipt: What the ERP answered: batch, document, version.
        reverses: Key of the posting this one takes back.
        reversed_by: Key of the posting that takes this one back.
        sent_at: Stored before each request leaves; empty: nothing was ever sent.
    """

    posting_key: str
    flow: str
    run_id: str
    plan_hash: str
    connection: str
    kind: str
    subject: str
    generation: int
    content_hash: str
    totals: Json
    state: PostingState = PostingState.OPEN
    receipt: Json = field(default_factory=dict)
    reason: str = ""
    reverses: str = ""
    reversed_by: str = ""
    made_at: datetime
    sent_at: datetime | None = None
    settled_at: datetime | None = None


class PostingStore(Protocol):
    """Postings of one organisation; rows are kept for ever, their content never changes."""

    def make_posting(self, posting: Posting) -> Posting:
        """The posting is stored, open, in one transaction with the look for its like.

        The same flow, plan, subject and generation give the stored posting back, whatever its
        state. A posting that `reverses` another is noted there too.

        Raises:
            RefusedError: The key stands for another posting, or the same one with other content.
            BlockedError: The posting to be reversed is not confirmed, or is reversed already.
            BusyError: Another posting of the same connection and subject is unsettled; names it.
        """

    def mark_sent(self, posting_key: str, *, last: datetime | None) -> Posting:
        """The request is about to leave; the latest time counts, for it is waited from there.

        No two sendings have the same time, so that each is told from all others.

        Args:
            posting_key: Of the posting.
            last: When the last request left that the caller knows of, and has looked for.

        Raises:
            BlockedError: The posting is no longer open or unknown, so nothing may be sent.
            BusyError: Another request has left since; nobody has looked for that one.
        """

    def save_posting(
        self,
        posting_key: str,
        state: PostingState,
        *,
        receipt: Json | None = None,
        reason: str = "",
        seen: Posting | None = None,
    ) -> Posting:
        """The posting is in this state; confirmed and refused are final and may be told again.

        Args:
            posting_key: Of the posting.
            state: What it is in.
            receipt: What the ERP has told; without one the stored one stays.
            reason: Why it is so.
            seen: The posting as it stood when the ERP was looked at, for a state that says what the
                look has found: it says nothing of a request that left since.

        Raises:
            RefusedError: It is confirmed or refused, and this says otherwise.
            BusyError: A request has left since it was `seen`; nothing is stored.
        """

    def find_posting(self, posting_key: str) -> Posting | None:
        """The posting of this key."""

    def find_made(self, run_id: str) -> Posting | None:
        """The newest posting that this run was the first to make."""

    def load_postings(
        self,
        *,
        flow: str | None = None,
        plan_hash: str | None = None,
        connection: str | None = None,
        states: Sequence[PostingState] = (),
        awaits_posting: bool = False,
        limit: int = 1_000,
    ) -> list[Posting]:
        """Postings that fit all that is given, newest first.

        Args:
            flow: Of this flow.
            plan_hash: Of this plan.
            connection: Into this ERP.
            states: In one of these states.
            awaits_posting: Journals only whose receipt does not say `posted`: the ERP was not seen
                to have them in its balances.
            limit: Most that are given.
        """

    def load_page(
        self,
        *,
        flow: str | None,
        states: Sequence[PostingState],
        limit: int,
        skip: int = 0,
        before: str = "",
    ) -> list[Posting]:
        """Postings of the flow and states, newest first.

        Older than the posting `before`, where it is named; so many of the newest are passed over.
        """


class ApprovalState(StrEnum):
    """How a plan that waits for people stands."""

    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    APPLIED = "applied"
    STALE = "stale"
    """What it was made from has changed since; it is never applied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What one person said of a plan."""

    actor: str
    is_approval: bool
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A saved plan and the people's word on it; approved and applied before it expires, or not."""

    plan_hash: str
    flow: str
    run_id: str
    maker: str
    needed: int
    """People, no maker among them, who must approve."""
    amounts: Mapping[str, Decimal]
    """What it moves, by currency."""
    totals: Json
    state: ApprovalState
    made_at: datetime
    expires_at: datetime
    decisions: tuple[Decision, ...] = ()
    applied_run: str = ""
    """The one run that applies it; empty before."""

    @property
    def approvals(self) -> int:
        """People who have approved so far."""
        return sum(decision.is_approval for decision in self.decisions)


class ApprovalStore(Protocol):
    """Plans that wait for people; decisions are appended, never changed."""

    def request_approval(self, approval: Approval) -> Approval:
        """The plan waits; asked again for the same plan, the stored one is given back.

        Another plan of the same flow that still waits becomes stale.
        """

    def decide(self, plan_hash: str, *, actor: str, approves: bool, reason: str) -> Approval:
        """The decision is stored, and the plan's state follows, in one transaction.

        One rejection rejects. Enough approvals of different people approve. Its makers, who decide
        nothing, are the one it names and everybody who started or resumed its run.

        Raises:
            UsageError: No such plan, or the prefix fits several.
            BlockedError: A maker decides, somebody decides twice, the plan has expired (it then
                is so), or it does not wait any more; says which.
        """

    def save_state(
        self, plan_hash: str, state: ApprovalState, *, before: ApprovalState, run_id: str = ""
    ) -> Approval:
        """The plan moved on from the state it was in; an applied one is this run's for good.

        Raises:
            BusyError: It is in another state by now.
        """

    def find_approval(self, plan_hash: str) -> Approval | None:
        """The plan by its hash, or an unambiguous prefix of `PREFIX_MIN` characters or more.

        An expired one is told as such.

        Raises:
            UsageError: The prefix is too short or fits several; names them.
        """

    def find_bar(self, plan_hash: str, *, actor: str) -> str:
        """Why this person may not decide on the plan now; empty where nothing speaks against it.

        Raises:
            UsageError: No such plan.
        """

    def load_approvals(
        self,
        *,
        flow: str | None = None,
        states: Sequence[ApprovalState] = (),
        limit: int = 200,
        skip: int = 0,
        before: str = "",
    ) -> list[Approval]:
        """Plans, newest first; older than the plan `before`, so many of the newest passed over."""
