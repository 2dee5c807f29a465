"""Settling suppliers without sending: what the ERP shows decides, and a look never waits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from ml_connector.errors import BlockedError
from ml_connector.flows.bench import SupplierBench
from ml_connector.flows.revising.changes import Revision, find_revision, parse_chunk
from ml_connector.flows.revising.importing import find_job_state
from ml_connector.flows.revising.looking import look, look_all, settle_seen
from ml_connector.flows.revising.outcomes import KIND, Item, quarantine, refuse
from ml_connector.flows.revising.shown import Shown, Sight
from ml_connector.flows.writing.settling import (
    NothingToSettleError,
    find_address,
    verify_same_erp,
)
from ml_connector.ports import UNSETTLED_POSTINGS, JobState, Json, Posting, PostingState

WAITING_BYTES_MAX = 80_000
"""Length of the subjects that may wait while a flow goes on beside them; some thousand of them."""
LOOKED_AT_MAX = 50_000
"""Unsettled postings that are looked at; the plans they are of were cut off long before."""
NAMED_MAX = 10


class TooManyUnsettledError(BlockedError):
    """So many suppliers have no known outcome that nothing is planned beside them."""

    code = "suppliers.too-many-unsettled"


def settle_supplier(bench: SupplierBench, posting: Posting) -> tuple[Posting, str]:
    """The posting as it stands after a look at the ERP that a person asked for, and what was seen.

    What was taken is confirmed. What stands untouched for longer than the settle time never was
    written, and is refused: the next run plans it anew. A part, or somebody else's values, are
    quarantined; asked once more for a posting in quarantine, it is closed as refused, for then a
    person has seen what the ERP shows and lets it stand.

    Raises:
        NothingToSettleError: It is settled, or no posting of a supplier.
        UsageError: It went to another ERP than the flow writes now.
    """
    if posting.state not in UNSETTLED_POSTINGS or posting.kind != KIND:
        raise NothingToSettleError(
            f"Posting {posting.posting_key} is {posting.state}.",
            written="Nothing was changed.",
            next_step="See the postings: `ml-connector postings list`.",
            posting=posting.posting_key,
        )
    verify_same_erp(bench, posting)
    item = Item(revision=find_revision(bench.archive, posting), posting=posting)
    jobs = _Jobs(bench=bench, is_asked=True)
    is_over = jobs.is_over(posting)
    # Only then the look: what took effect before it was over is seen by it.
    sight = look(bench, item)
    is_seen_twice = posting.state is PostingState.QUARANTINED
    settled = _settle(bench, item, sight, is_over=is_over, is_seen_twice=is_seen_twice)
    return settled or posting, sight.words


def settle_earlier(bench: SupplierBench) -> Json:
    """Postings on suppliers of the connection are settled where a look tells; the others wait.

    `waiting` are the subjects of those that do not; their suppliers are in no new plan. Postings of
    another flow whose run is not over are left to it.

    Raises:
        TooManyUnsettledError: More of them wait than a flow goes on beside.
    """
    items = list(_list_unsettled(bench))
    due = _leave_to_others(bench, items)
    jobs, settled, waiting = _Jobs(bench=bench, is_asked=False), 0, []
    over = {item.subject for item in due if jobs.is_over(item.posting)}
    sights = {item.subject: sight for item, sight in look_all(bench, due)}
    for item in items:
        sight = sights.get(item.subject)
        is_over = item.subject in over
        found = None if sight is None else _settle(bench, item, sight, is_over=is_over)
        if found is None or found.state in UNSETTLED_POSTINGS:
            waiting.append(item.subject)
        else:
            settled += 1
    if sum(len(subject.encode()) + 4 for subject in waiting) > WAITING_BYTES_MAX:
        raise _too_many(bench, waiting)
    return {"settled": settled, "waiting": waiting}


def _list_unsettled(bench: SupplierBench) -> Iterator[Item]:
    revisions: dict[str, dict[str, Revision]] = {}
    for posting in bench.records.postings.load_postings(
        connection=bench.source.connection,
        states=sorted(UNSETTLED_POSTINGS),
        limit=LOOKED_AT_MAX,
    ):
        if posting.kind != KIND:
            continue
        if posting.content_hash not in revisions:
            chunk = parse_chunk(bench.archive, posting.content_hash)
            revisions[posting.content_hash] = {one.subject: one for one in chunk}
        yield Item(revision=revisions[posting.content_hash][posting.subject], posting=posting)


def _leave_to_others(bench: SupplierBench, items: Sequence[Item]) -> list[Item]:
    """Items that went to where a look goes now, and that no other flow's run may be sending."""
    others = {item.posting.flow for item in items} - {bench.flow.name}
    busy = {flow for flow in others if bench.records.runs.find_unfinished(flow) is not None}
    plans = {item.posting.plan_hash for item in items}
    here = {plan for plan in plans if find_address(bench, plan) == bench.source.address}
    return [
        item for item in items
        if item.posting.flow not in busy and item.posting.plan_hash in here
    ]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Jobs:
    """Whether postings can still take effect; a job they share is asked for once."""

    bench: SupplierBench
    is_asked: bool
    """A person asks, who has seen of a job what the ERP tells nobody."""
    states: dict[str, JobState] = field(default_factory=dict)

    def is_over(self, posting: Posting) -> bool:
        """Whether what was sent can no longer take effect."""
        settle = timedelta(minutes=self.bench.flow.settle_minutes)
        if posting.sent_at is not None and self.bench.clock.now() < posting.sent_at + settle:
            return False
        job = posting.receipt.get("job", "")
        if not job:
            return True
        if job not in self.states:
            self.states[job] = find_job_state(self.bench, job)
        state = self.states[job]
        return state is not JobState.RUNNING and (self.is_asked or state is not JobState.UNKNOWN)


def _settle(
    bench: SupplierBench, item: Item, sight: Sight, *, is_over: bool, is_seen_twice: bool = False
) -> Posting | None:
    """The posting settled or quarantined; None when nothing can be said yet."""
    if not item.was_sent:
        return refuse(bench, item, "it never was sent")
    if sight.shown is Shown.TAKEN:
        return settle_seen(bench, item, sight)
    return _settle_over(bench, item, sight, is_seen_twice=is_seen_twice) if is_over else None


def _settle_over(
    bench: SupplierBench, item: Item, sight: Sight, *, is_seen_twice: bool
) -> Posting | None:
    """Nothing of it takes effect any more, and not all of it stands there."""
    is_absent = sight.shown is Shown.ABSENT
    if sight.shown is Shown.UNTOUCHED or (is_absent and item.revision.is_creation):
        return refuse(bench, item, "not in the ERP when it was looked for")
    if is_seen_twice:
        words = f"closed by {bench.actor}; the ERP keeps what it shows: {sight.words}"
        return refuse(bench, item, words)
    if is_absent:
        return quarantine(bench, item, f"it was sent, and then: {sight.words}")
    return settle_seen(bench, item, sight)


def _too_many(bench: SupplierBench, waiting: list[str]) -> TooManyUnsettledError:
    return TooManyUnsettledError(
        f"{len(waiting):,} suppliers at {bench.source.connection} have no known outcome:"
        f" {', '.join(waiting[:NAMED_MAX])} and more.",
        written="Nothing was written by this run.",
        next_step="Settle them: `ml-connector postings list`, then `ml-connector postings settle"
        " KEY`.",
        suppliers=len(waiting),
    )
