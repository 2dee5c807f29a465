"""What the stores of postings and approvals refuse, by what the caller may do next."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from ml_connector.errors import BlockedError, BusyError, RefusedError, UsageError
from ml_connector.ports import Approval, ApprovalState, Posting, PostingState
from ml_connector.ports.traces import PREFIX_MIN

NOT_STORED = "No posting was stored and nothing was sent."
AS_IT_WAS = "The posting is as it was."
NOT_DECIDED = "No decision was stored; the plan is as it was."
HASHES_LISTED_MAX = 10


class UnknownPostingError(UsageError):
    """No posting of this organisation has the key."""

    code = "postings.unknown"

    def __init__(self, posting_key: str) -> None:
        super().__init__(
            f"There is no posting {posting_key!r}.",
            written="Nothing was stored.",
            next_step="Make the posting first, or correct its key.",
            posting_key=posting_key,
        )


class UnfitKeyError(RefusedError):
    """A posting key is not eight capital letters and digits, so the ERP could not keep it."""

    code = "postings.unfit-key"

    def __init__(self, posting_key: str) -> None:
        super().__init__(
            f"The posting key {posting_key!r} is not eight capital letters and digits.",
            written=NOT_STORED,
            next_step="Report this as a defect; keys are derived, never typed.",
            posting_key=posting_key,
        )


class KeyTakenError(RefusedError):
    """A posting key stands for another posting already."""

    code = "postings.key-taken"

    def __init__(self, posting: Posting, stored: Posting) -> None:
        super().__init__(
            f"The key {posting.posting_key} of {_name_place(posting)} already stands for"
            f" {_name_place(stored)}, {stored.state}.",
            written=NOT_STORED,
            next_step="Make a new plan; the same content in another plan has another key.",
            posting_key=posting.posting_key, subject=posting.subject, taken_by=stored.subject,
        )  # fmt: skip


class OtherContentError(RefusedError):
    """A posting was made before with another key or content; what it writes never changes."""

    code = "postings.other-content"

    def __init__(self, posting: Posting, stored: Posting, names: Sequence[str]) -> None:
        told = "; ".join(
            f"{name} {getattr(stored, name)!r}, now {getattr(posting, name)!r}" for name in names
        )
        super().__init__(
            f"{_name_place(stored)} is stored as {stored.posting_key}, {stored.state}, with other"
            f" content: {told}.",
            written="Nothing more was stored or sent; the posting is as it was.",
            next_step="Make a new plan from what shall be written now.",
            posting_key=stored.posting_key, subject=stored.subject, differs=", ".join(names),
        )  # fmt: skip


class ReversalBlockedError(BlockedError):
    """A posting cannot be reversed: it is not confirmed, is reversed already, or reverses one."""

    code = "postings.reversal-blocked"

    def __init__(self, posting: Posting, finding: str) -> None:
        super().__init__(
            f"The posting {posting.reverses} of {posting.connection} cannot be reversed:"
            f" {finding}.",
            written=NOT_STORED,
            next_step="Look at both postings; only a confirmed one that stands is reversed.",
            posting_key=posting.posting_key, reverses=posting.reverses, finding=finding,
        )  # fmt: skip


class EarlierStandsError(BlockedError):
    """An earlier generation of a posting is confirmed and not reversed, so it would be double."""

    code = "postings.earlier-stands"

    def __init__(self, posting: Posting, stored: Posting) -> None:
        super().__init__(
            f"{_name_place(posting)} would be posted twice: generation {stored.generation},"
            f" {stored.posting_key}, is confirmed and not reversed.",
            written=NOT_STORED,
            next_step=f"Reverse {stored.posting_key} first, and let that be confirmed.",
            posting_key=posting.posting_key, earlier=stored.posting_key,
        )  # fmt: skip


class SubjectUnsettledError(BusyError):
    """Another posting on the same subject has no known outcome yet."""

    code = "postings.unsettled"

    def __init__(self, posting: Posting, stored: Posting) -> None:
        super().__init__(
            f"The posting {stored.posting_key} of run {stored.run_id} on {stored.subject!r} of"
            f" {stored.connection} is not settled: it is {stored.state}.",
            written=NOT_STORED,
            next_step=f"Resume run {stored.run_id}, which reads back what the ERP holds; one in"
            " quarantine waits for a person.",
            posting_key=posting.posting_key, unsettled=stored.posting_key, run_id=stored.run_id,
            state=stored.state.value,
        )  # fmt: skip


class NotSendableError(BlockedError):
    """A posting is settled or in quarantine, so nothing of it may be sent."""

    code = "postings.not-sendable"

    def __init__(self, stored: Posting) -> None:
        super().__init__(
            f"The posting {stored.posting_key} is {stored.state}; it is not sent again.",
            written=f"Nothing was sent now. {AS_IT_WAS}",
            next_step="A settled posting needs nothing more; one in quarantine waits for a person.",
            posting_key=stored.posting_key, state=stored.state.value,
        )  # fmt: skip


class SentMeanwhileError(BusyError):
    """Somebody else has sent the posting since the caller looked at it."""

    code = "postings.sent-meanwhile"

    def __init__(self, stored: Posting, *, known: datetime | None) -> None:
        super().__init__(
            f"The last request of posting {stored.posting_key} left {_render_left(stored.sent_at)};"
            f" when it was looked at, it had left {_render_left(known)}.",
            written=f"Nothing was sent or stored now. {AS_IT_WAS}",
            next_step="Somebody else works on it. When that has ended, look again:"
            f" `ml-connector postings settle {stored.posting_key}`.",
            posting_key=stored.posting_key, state=stored.state.value,
        )  # fmt: skip


class SettledPostingError(RefusedError):
    """A posting is confirmed or refused, and somebody says otherwise."""

    code = "postings.settled"

    def __init__(self, stored: Posting, *, state: PostingState, finding: str) -> None:
        super().__init__(
            f"The posting {stored.posting_key} is {stored.state} for good; it cannot be told"
            f" {state}: {finding}.",
            written=AS_IT_WAS,
            next_step="Look at what the ERP holds under this key before anything else is posted.",
            posting_key=stored.posting_key, state=stored.state.value, told=state.value,
            finding=finding,
        )  # fmt: skip


class UnknownApprovalError(UsageError):
    """No plan that waits or waited for people has this hash."""

    code = "approvals.unknown-plan"

    def __init__(self, plan_hash: str) -> None:
        super().__init__(
            f"There is no plan {plan_hash!r} among those that people decide.",
            written="Nothing was stored.",
            next_step="Correct the hash of the plan; its beginning is enough.",
            plan_hash=plan_hash,
        )


class AmbiguousPlanError(UsageError):
    """Several plans begin with what was given."""

    code = "approvals.ambiguous"

    def __init__(self, prefix: str, hashes: Sequence[str]) -> None:
        listed = ", ".join(hashes[:HASHES_LISTED_MAX])
        more = len(hashes) - HASHES_LISTED_MAX
        super().__init__(
            f"{prefix!r} is the beginning of {len(hashes)} plans: {listed}"
            f"{f' and {more} more' if more > 0 else ''}.",
            written="Nothing was stored.",
            next_step=f"Give more of the plan's hash, at least {PREFIX_MIN} characters.",
            prefix=prefix, plans=len(hashes),
        )  # fmt: skip


class ShortPlanError(UsageError):
    """What was given is too short for the beginning of a plan's hash, though one plan begins so."""

    code = "approvals.too-short"

    def __init__(self, prefix: str, plan_hash: str) -> None:
        super().__init__(
            f"{prefix!r} is too short to name a plan: 1 plan begins so, {plan_hash}.",
            written="Nothing was stored.",
            next_step=f"Give at least {PREFIX_MIN} characters of the plan's hash, or all of it.",
            prefix=prefix, plan=plan_hash,
        )  # fmt: skip


class UnfitApprovalError(UsageError):
    """A plan or a decision cannot be stored: nobody is named, or a number makes no sense."""

    code = "approvals.unfit"

    def __init__(self, plan_hash: str, finding: str) -> None:
        super().__init__(
            f"Plan {plan_hash!r} cannot be put before people so: {finding}.",
            written="Nothing was stored.",
            next_step="Name the person, ask at least one to approve, and give amounts as decimals.",
            plan_hash=plan_hash, finding=finding,
        )  # fmt: skip


class OtherFlowError(RefusedError):
    """A plan is known as one of another flow."""

    code = "approvals.other-flow"

    def __init__(self, stored: Approval, flow: str) -> None:
        super().__init__(
            f"Plan {stored.plan_hash} belongs to flow {stored.flow}, not to {flow}.",
            written="Nothing was stored; what people said of it holds for its own flow only.",
            next_step="Make a plan of this flow.",
            plan_hash=stored.plan_hash, flow=stored.flow, asked_by=flow,
        )  # fmt: skip


class OwnPlanError(BlockedError):
    """A maker of a plan tried to decide on it: who started its run, or has resumed it."""

    code = "approvals.own-plan"

    def __init__(self, stored: Approval, actor: str) -> None:
        super().__init__(
            f"{actor} made plan {stored.plan_hash}, or resumed the run that did, and cannot decide"
            " on it.",
            written=NOT_DECIDED,
            next_step="Let another person decide.",
            plan_hash=stored.plan_hash, actor=actor,
        )  # fmt: skip


class CountsAsOneError(BlockedError):
    """Somebody could sign in as another, having set how: the two count as one person."""

    code = "people.count-as-one"

    def __init__(self, actor: str, what: str, *, kept: Mapping[str, str]) -> None:
        told = "; ".join(f"{by} has set how {person} signs in" for person, by in kept.items())
        super().__init__(
            f"{actor} {what}: {told}.",
            written="Nothing was stored; everything is as it was.",
            next_step=f"Let {' and '.join(kept)} sign in and change the password, then try again;"
            " or let another person do it.",
            actor=actor, kept=", ".join(kept),
        )  # fmt: skip


class DecidedTwiceError(BlockedError):
    """A person has decided on the plan before; a decision is never changed."""

    code = "approvals.decided-twice"

    def __init__(self, stored: Approval, actor: str) -> None:
        super().__init__(
            f"{actor} has decided on plan {stored.plan_hash} before;"
            f" {stored.approvals} of {stored.needed} have approved.",
            written=NOT_DECIDED,
            next_step="Let another person decide, or make a new plan.",
            plan_hash=stored.plan_hash, actor=actor,
        )  # fmt: skip


class ExpiredApprovalError(BlockedError):
    """A plan was not approved and applied in its time."""

    code = "approvals.expired"

    def __init__(self, stored: Approval) -> None:
        super().__init__(
            f"Plan {stored.plan_hash} of flow {stored.flow} was good until"
            f" {stored.expires_at:%Y-%m-%d %H:%M:%S} UTC.",
            written="No decision was stored; the plan is expired and is never applied.",
            next_step="Make a new plan.",
            plan_hash=stored.plan_hash, flow=stored.flow,
        )  # fmt: skip


class NotWaitingError(BlockedError):
    """A plan does not wait for people any more."""

    code = "approvals.not-waiting"

    def __init__(self, stored: Approval) -> None:
        super().__init__(
            f"Plan {stored.plan_hash} of flow {stored.flow} does not wait any more: it is"
            f" {stored.state}.",
            written=NOT_DECIDED,
            next_step="An approved plan is applied as it is; anything else takes a new plan.",
            plan_hash=stored.plan_hash, state=stored.state.value,
        )  # fmt: skip


class PeopleDecideError(BlockedError):
    """A plan was to be moved to a state that only decisions, or nothing, lead to."""

    code = "approvals.people-decide"

    def __init__(self, plan_hash: str, state: ApprovalState, *, before: ApprovalState) -> None:
        super().__init__(
            f"Plan {plan_hash} cannot go from {before} to {state}: only people approve or reject,"
            " only an approved plan is applied, and none goes back.",
            written="The plan is as it was.",
            next_step="Let people decide, or make a new plan.",
            plan_hash=plan_hash, state=state.value, before=before.value,
        )  # fmt: skip


class MovedApprovalError(BusyError):
    """A plan is in another state than the caller believed."""

    code = "approvals.moved"

    def __init__(self, stored: Approval, *, before: ApprovalState) -> None:
        super().__init__(
            f"Plan {stored.plan_hash} is {stored.state}, not {before} any more.",
            written="The plan is as it was.",
            next_step="Look at the plan as it is now.",
            plan_hash=stored.plan_hash, state=stored.state.value, before=before.value,
        )  # fmt: skip


def _render_left(at: datetime | None) -> str:
    return f"at {at:%Y-%m-%d %H:%M:%S.%f} UTC" if at else "never"


def _name_place(posting: Posting) -> str:
    return (
        f"{posting.subject!r}, generation {posting.generation}, of plan {posting.plan_hash} of flow"
        f" {posting.flow}"
    )
