"""A plan of supplier revisions sent: each decided, stored, sent once, settled before the next.

Steps are chunks of the plan. A step tells counts; the truth is in
the postings, one for each supplier, and a step that is executed again begins with them.
"""

from collections.abc import Sequence
from functools import partial

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
from ml_connector.flows.writing.asking import verify_connection
from ml_connector.ports import Json, PostingState, Steps


def send_all(steps: Steps, bench: SupplierBench, plan_hash: str) -> list[Json]:
    """Every supplier of the plan is confirmed, refused or quarantined; one row for each chunk.

    Raises:
        OtherErpError: The plan is of another ERP; nothing was sent.
        RevisionUnclearError: The outcome of some is unknown; nothing is sent after them.
        BusyError: An earlier posting on a supplier is unsettled; nothing of its chunk was sent.
    """
    plan = load_plan(bench, plan_hash)
    verify_connection(bench, plan_hash)
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
    """Counts by state of the chunk's postings as they are stored; why is told by the proof."""
    postings = [find_posting(bench, chunk.plan_hash, item.subject) for item in items]
    row: Json = {"chunk": chunk.content, "planned": len(items)}
    for state in (PostingState.CONFIRMED, PostingState.REFUSED, PostingState.QUARANTINED):
        row[str(state)] = sum(one is not None and one.state is state for one in postings)
    return row
