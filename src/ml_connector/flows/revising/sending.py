"""A plan of supplier revisions sent: each decided, stored, sent once, settled before the next.

Steps are chunks of the plan. A step tells counts and the first of what was refused; the truth is in
the postings, one for each supplier, and a step that is executed again begins with them.
"""

from collections.abc import Sequence
from functools import partial

from ml_connector.errors import BlockedError
from ml_connector.flows.bench import SupplierBench, cut
from ml_connector.flows.revising.changes import CHUNK_BATCH, load_plan
from ml_connector.flows.revising.delivering import (
    deliver,
    submit_batch,
    submit_changes,
    submit_creation,
)
from ml_connector.flows.revising.filing import send_file
from ml_connector.flows.revising.looking import Sending
from ml_connector.flows.revising.outcomes import SENDABLE, Chunk, Item, find_posting, make_items
from ml_connector.ports import Json, Posting, PostingState, Steps

SHOWN_MAX = 20
"""Refusals and quarantines that a step tells; all of them are in the postings."""
REASON_SHOWN_MAX = 300


class OtherConnectionError(BlockedError):
    """The plan was made from another ERP than the flow writes now."""

    code = "suppliers.other-connection"


def send_all(steps: Steps, bench: SupplierBench, plan_hash: str) -> list[Json]:
    """Every supplier of the plan is confirmed, refused or quarantined; one row for each chunk.

    Raises:
        OtherConnectionError: The plan is of another ERP; nothing was sent.
        RevisionUnclearError: The outcome of some is unknown; nothing is sent after them.
        BusyError: An earlier posting on a supplier is unsettled; nothing of its chunk was sent.
    """
    plan = load_plan(bench, plan_hash)
    _verify_connection(bench, plan, plan_hash)
    sending = Sending(steps=steps, bench=bench)
    chunks = plan["chunks"]
    return [
        steps.step(
            f"send: {number}/{len(chunks)}",
            partial(
                send_chunk,
                sending,
                Chunk(
                    plan_hash=plan_hash,
                    content=content,
                    run_id=steps.run_id,
                    reverses=plan.get("reverses", ""),
                ),
                plan["send"],
            ),
        )
        for number, content in enumerate(chunks, start=1)
    ]


def send_chunk(sending: Sending, chunk: Chunk, send: str) -> Json:
    """Every posting of the chunk is settled or quarantined; repeatable."""
    bench = sending.bench
    items = make_items(bench, chunk)
    due = [item for item in items if item.posting.state in SENDABLE]
    if send == "file":
        send_file(sending, due)
        return tell_chunk(bench, chunk, items)
    changes = [item for item in due if not item.revision.is_creation]
    if send == "batch":
        for part in cut(changes, CHUNK_BATCH):
            deliver(sending, part, submit_batch)
    else:
        for part in cut(changes, bench.flow.at_once):
            deliver(sending, part, submit_changes)
    for item in due:
        if item.revision.is_creation:
            deliver(sending, [item], submit_creation)
    return tell_chunk(bench, chunk, items)


def tell_chunk(bench: SupplierBench, chunk: Chunk, items: Sequence[Item]) -> Json:
    """Counts by state of the chunk's postings as they are stored, and the first left away."""
    postings = [find_posting(bench, chunk.plan_hash, item.subject) for item in items]
    stored = [posting for posting in postings if posting is not None]
    row: Json = {"chunk": chunk.content, "planned": len(items)}
    for state in (PostingState.CONFIRMED, PostingState.REFUSED, PostingState.QUARANTINED):
        row[str(state)] = sum(posting.state is state for posting in stored)
    row["refusals"] = list_reasons(stored, PostingState.REFUSED)[:SHOWN_MAX]
    row["quarantines"] = list_reasons(stored, PostingState.QUARANTINED)[:SHOWN_MAX]
    return row


def list_reasons(postings: Sequence[Posting], state: PostingState) -> list[Json]:
    """What the postings in the state are about, and why they are in it."""
    return [
        {
            "subject": posting.subject,
            "posting_key": posting.posting_key,
            "reason": posting.reason[:REASON_SHOWN_MAX],
        }
        for posting in postings
        if posting.state is state
    ]


def _verify_connection(bench: SupplierBench, plan: Json, plan_hash: str) -> None:
    """Versions and creations mean the ERP they were read from and no other."""
    if plan["connection"] != bench.source.connection:
        raise OtherConnectionError(
            f"Plan {plan_hash[:12]} was made for {plan['connection']}, and flow"
            f" {bench.flow.name} writes {bench.source.connection} now.",
            written="Nothing was sent.",
            next_step=f"Make a new plan: `ml-connector run {bench.flow.name}`.",
            plan=plan_hash,
        )
