"""Postings of suppliers: made, found again, and settled in one way wherever it is done.

What is settled is told three times, to the agreements, the postings and the audit chain, and stored
in one transaction: whoever dies in between finds nothing of it, looks again, and tells it all anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ml_connector.flows.bench import SupplierBench
from ml_connector.flows.revising.agreeing import save_agreement
from ml_connector.flows.revising.changes import Revision, parse_chunk
from ml_connector.flows.revising.shown import list_unlike
from ml_connector.flows.writing.postings import GENERATION, Outcome, find_key, save_outcome
from ml_connector.ports import Json, Posting, PostingState, SupplierRow

KIND = "supplier"
REASON_MAX = 1_000
"""Characters of the ERP's words that are kept with a posting."""
JOB_FACTS = frozenset({"batch", "row", "job"})
"""What a receipt keeps of a file."""
AGAIN = "again"
"""In the receipt of what is in a file and left before: that request may take effect yet."""
SENDABLE = frozenset({PostingState.OPEN, PostingState.UNKNOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A revision and its posting as it stands."""

    revision: Revision
    posting: Posting
    is_cleared: bool = False
    """Whether the ERP has said of every request that left that nothing of it was written."""

    @property
    def subject(self) -> str:
        """What the posting is about."""
        return self.posting.subject

    @property
    def was_sent(self) -> bool:
        """Whether a request may have left that nobody knows the outcome of."""
        return self.posting.sent_at is not None and not self.is_cleared


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Revisions of a plan that one step sends."""

    plan_hash: str
    content: str
    """The document of the revisions."""
    run_id: str
    reverses: str = ""


def make_items(bench: SupplierBench, chunk: Chunk) -> list[Item]:
    """Every revision of the chunk has its posting; those of an earlier attempt are given back.

    Raises:
        BusyError: Another posting on one of the suppliers is unsettled; names it.
    """
    return [
        Item(revision=revision, posting=_make_posting(bench, chunk, revision))
        for revision in parse_chunk(bench.archive, chunk.content)
    ]


def find_posting(bench: SupplierBench, plan_hash: str, subject: str) -> Posting | None:
    """The posting a plan made on the subject."""
    return find_key(bench, plan_hash, subject)[1]


def _make_posting(bench: SupplierBench, chunk: Chunk, revision: Revision) -> Posting:
    key, stored = find_key(bench, chunk.plan_hash, revision.subject)
    if stored is not None:
        return stored
    action = "creation" if revision.is_creation else "change"
    return bench.records.postings.make_posting(
        Posting(
            posting_key=key,
            flow=bench.flow.name,
            run_id=chunk.run_id,
            plan_hash=chunk.plan_hash,
            connection=bench.source.connection,
            kind=KIND,
            subject=revision.subject,
            generation=GENERATION,
            content_hash=chunk.content,
            totals={"attributes": len(revision.after), "action": action},
            reverses=chunk.reverses,
            made_at=bench.clock.now(),
        )
    )


# --- on its way -----------------------------------------------------------------------------------


def mark_sent(bench: SupplierBench, item: Item) -> Item:
    """The request is about to leave.

    Raises:
        BusyError: Another one has left since the item was looked at.
    """
    known = item.posting
    posting = bench.records.postings.mark_sent(known.posting_key, last=known.sent_at)
    return replace(item, posting=posting, is_cleared=False)


def mark_unknown(
    bench: SupplierBench, item: Item, reason: str, *, receipt: Json | None = None
) -> Item:
    """Nobody knows what became of it; the reason says why."""
    posting = bench.records.postings.save_posting(
        item.posting.posting_key, PostingState.UNKNOWN, receipt=receipt, reason=reason[:REASON_MAX]
    )
    return replace(item, posting=posting)


def mark_batch(bench: SupplierBench, item: Item, batch: str, *, row: int) -> Item:
    """It is about to leave in a file: the file's name and its place there are stored."""
    receipt = {"batch": batch, "row": row, **({AGAIN: True} if item.was_sent else {})}
    posting = bench.records.postings.save_posting(
        item.posting.posting_key, item.posting.state, receipt=receipt
    )
    return replace(item, posting=posting)


def render_importing(job_id: str) -> str:
    """Why nobody knows yet what became of a supplier in a file."""
    return f"job {job_id} imports it"


# --- settled --------------------------------------------------------------------------------------


def confirm(
    bench: SupplierBench, item: Item, row: SupplierRow, unlike: Sequence[str] | None = None
) -> Posting:
    """The ERP has taken the revision, as the row shows; what it spells otherwise is noted."""
    named = list_unlike(item.revision, row) if unlike is None else list(unlike)
    run_id, flow = item.posting.run_id, item.posting.flow
    receipt = _keep_job(item) | {
        "number": row.number,
        "remote_id": row.remote_id,
        "version": row.version,
        "unlike": named,
    }
    reason = f"the ERP shows otherwise: {', '.join(named)}" if named else ""
    with bench.records.transactions.begin(f"the outcome of posting {item.posting.posting_key}"):
        save_agreement(bench, item.revision, row, run_id=run_id, flow=flow)
        return _settle(bench, item, PostingState.CONFIRMED, receipt=receipt, reason=reason)


def refuse(bench: SupplierBench, item: Item, reason: str) -> Posting:
    """Nothing of the revision stands in the ERP, and nothing of it is under way."""
    return _settle(bench, item, PostingState.REFUSED, receipt=_keep_job(item), reason=reason)


def quarantine(bench: SupplierBench, item: Item, reason: str) -> Posting:
    """The ERP shows a part of it, or what nobody planned; a person decides."""
    stands = item.posting.state is PostingState.QUARANTINED and item.posting.reason == reason
    if stands:
        return item.posting
    return _settle(bench, item, PostingState.QUARANTINED, receipt=_keep_job(item), reason=reason)


def _keep_job(item: Item) -> Json:
    return {name: value for name, value in item.posting.receipt.items() if name in JOB_FACTS}


def _settle(
    bench: SupplierBench, item: Item, state: PostingState, *, receipt: Json, reason: str
) -> Posting:
    """The outcome, of what left until the item was looked at, and its link: both, or neither."""
    outcome = Outcome(state=state, receipt=receipt, reason=reason[:REASON_MAX])
    return save_outcome(bench, item.posting, outcome, run_id=item.posting.run_id)
