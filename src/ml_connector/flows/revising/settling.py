"""Settling suppliers without sending: what the ERP shows decides, and a look never waits."""

from collections.abc import Iterator
from datetime import timedelta

from ml_connector.errors import (
    BlockedError,
    ProtocolError,
    RefusedError,
    SystemUnavailableError,
)
from ml_connector.flows.bench import SupplierBench
from ml_connector.flows.revising.changes import Revision, parse_chunk
from ml_connector.flows.revising.looking import call_at_once, look, settle_seen
from ml_connector.flows.revising.outcomes import KIND, Item, quarantine, refuse
from ml_connector.flows.revising.shown import Shown, Sight
from ml_connector.flows.writing.settling import NothingToSettleError
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
    """
    if posting.state not in UNSETTLED_POSTINGS or posting.kind != KIND:
        raise NothingToSettleError(
            f"Posting {posting.posting_key} is {posting.state}.",
            written="Nothing was changed.",
            next_step="See the postings: `ml-connector postings list`.",
            posting=posting.posting_key,
        )
    item = Item(revision=_find_revision(bench, posting), posting=posting)
    sight = look(bench, item)
    settled = _settle(bench, item, sight, is_asked=True)
    return settled or posting, sight.words


def settle_earlier(bench: SupplierBench) -> Json:
    """Postings on suppliers of the connection are settled where a look tells; the others wait.

    `waiting` are the subjects of those that do not; their suppliers are in no new plan. Postings of
    another flow whose run is not over are left to it.

    Raises:
        TooManyUnsettledError: More of them wait than a flow goes on beside.
    """
    items = list(_list_unsettled(bench))
    sights = call_at_once(lambda item: _find_sight(bench, item), items, at_once=bench.flow.at_once)
    settled, waiting = 0, []
    for item, sight in zip(items, sights, strict=True):
        found = None if sight is None else _settle(bench, item, sight, is_asked=False)
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


def _find_sight(bench: SupplierBench, item: Item) -> Sight | None:
    """What is seen of it; None when it cannot be read now, or belongs to a run under way."""
    flow = item.posting.flow
    if flow != bench.flow.name and bench.records.runs.find_unfinished(flow) is not None:
        return None
    try:
        return look(bench, item)
    except (SystemUnavailableError, ProtocolError):
        return None


def _settle(bench: SupplierBench, item: Item, sight: Sight, *, is_asked: bool) -> Posting | None:
    """The posting settled or quarantined; None when nothing can be said yet."""
    if not item.was_sent:
        return refuse(bench, item, "it never was sent")
    if sight.shown is Shown.TAKEN:
        return settle_seen(bench, item, sight)
    if not _is_over(bench, item.posting, is_asked=is_asked):
        return None
    is_seen_twice = is_asked and item.posting.state is PostingState.QUARANTINED
    return _settle_over(bench, item, sight, is_seen_twice=is_seen_twice)


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


def _is_over(bench: SupplierBench, posting: Posting, *, is_asked: bool) -> bool:
    """Whether what was sent can no longer take effect."""
    settle = timedelta(minutes=bench.flow.settle_minutes)
    if posting.sent_at is not None and bench.clock.now() < posting.sent_at + settle:
        return False
    job = posting.receipt.get("job", "")
    if not job:
        return True
    try:
        state = bench.suppliers.read_job(job).state
    except (SystemUnavailableError, RefusedError):
        return is_asked
    return state is not JobState.RUNNING and (is_asked or state is not JobState.UNKNOWN)


def _find_revision(bench: SupplierBench, posting: Posting) -> Revision:
    chunk = parse_chunk(bench.archive, posting.content_hash)
    return next(one for one in chunk if one.subject == posting.subject)


def _too_many(bench: SupplierBench, waiting: list[str]) -> TooManyUnsettledError:
    return TooManyUnsettledError(
        f"{len(waiting):,} suppliers at {bench.source.connection} have no known outcome:"
        f" {', '.join(waiting[:NAMED_MAX])} and more.",
        written="Nothing was written by this run.",
        next_step="Settle them: `ml-connector postings list`, then `ml-connector postings settle"
        " KEY`.",
        suppliers=len(waiting),
    )
