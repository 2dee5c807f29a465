"""The end of a supplier run: what was confirmed is read once more and held against what was sent.

Planned is confirmed, refused or quarantined, and nothing is left over.
"""

from collections.abc import Iterator, Sequence
from functools import partial

from ml_connector.flows.bench import SupplierBench, read_document, store_document
from ml_connector.flows.revising.changes import load_plan, parse_chunk
from ml_connector.flows.revising.looking import Patience, Sending, call_at_once
from ml_connector.flows.revising.outcomes import Item, find_posting
from ml_connector.flows.revising.shown import find_value, list_differing, list_sent
from ml_connector.ports import (
    Json,
    PostingState,
    RunState,
    Steps,
    SupplierMissingError,
    SupplierRow,
)

DIFFERENCES_MAX = 40
"""Differences, refusals and quarantines that a summary tells; all of them are archived."""
VALUE_SHOWN_MAX = 120
"""Characters of a value in a summary."""
REASON_SHOWN_MAX = 300
OUTCOMES = (PostingState.CONFIRMED, PostingState.REFUSED, PostingState.QUARANTINED)
LEFT_AWAY = (PostingState.REFUSED, PostingState.QUARANTINED)


def conclude_suppliers(
    steps: Steps, bench: SupplierBench, plan_hash: str, sent: list[Json]
) -> Json:
    """The summary of what was sent: counts, refusals, and every attribute that is not as sent.

    Args:
        steps: Of the run.
        bench: Of the flow.
        plan_hash: Of the plan that was sent.
        sent: The rows of `send_all`, one for each chunk.
    """
    plan = load_plan(bench, plan_hash)
    sending = Sending(steps=steps, bench=bench)
    read = [
        steps.step(
            f"read back: {number}/{len(sent)}",
            partial(read_back_chunk, sending, plan_hash, row["chunk"]),
        )
        for number, row in enumerate(sent, start=1)
    ]
    return steps.step("proof", partial(prove, bench, plan_hash, plan, read))


def read_back_chunk(sending: Sending, plan_hash: str, chunk: str) -> Json:
    """The suppliers of the chunk as the ERP shows them now, held against what was sent.

    What is told of them is archived; the posting of one that was taken back is not held against
    anything any more.
    """
    bench = sending.bench
    items = list(_list_items(bench, plan_hash, chunk))
    counts = {str(state): sum(item.posting.state is state for item in items) for state in OUTCOMES}
    held = [
        item
        for item in items
        if item.posting.state is PostingState.CONFIRMED and not item.posting.reversed_by
    ]
    rows = _read_all(sending, held)
    document = {
        "differences": [
            one
            for item, row in zip(held, rows, strict=True)
            for one in _list_differences(item, row)
        ],
        "left_away": [_tell(item) for item in items if item.posting.state in LEFT_AWAY],
    }
    return {"counts": counts, "document": store_document(bench.archive, document)}


def prove(bench: SupplierBench, plan_hash: str, plan: Json, read: list[Json]) -> Json:
    """The chunks together, archived as the run's report, and the state they make the run."""
    documents = [read_document(bench.archive, chunk["document"]) for chunk in read]
    differences = [one for document in documents for one in document["differences"]]
    left_away = [one for document in documents for one in document["left_away"]]
    counts = {str(state): sum(chunk["counts"][str(state)] for chunk in read) for state in OUTCOMES}
    planned = plan["changes"] + plan["creations"]
    assert planned == sum(counts.values()), "a posting of the plan was left over"
    report = {"plan_hash": plan_hash, "counts": counts, "differences": differences}
    return {
        "state": str(_find_state(counts, differences)),
        "plan_hash": plan_hash,
        "send": plan["send"],
        "planned": planned,
        **counts,
        "differences": [_cut(one) for one in differences[:DIFFERENCES_MAX]],
        "differing": len(differences),
        "refusals": _pick(left_away, PostingState.REFUSED),
        "quarantines": _pick(left_away, PostingState.QUARANTINED),
        "report": store_document(bench.archive, report | {"left_away": left_away}),
    }


def _find_state(counts: Json, differences: Sequence[Json]) -> RunState:
    if differences or counts[str(PostingState.QUARANTINED)]:
        return RunState.UNTIED
    return RunState.PARTLY if counts[str(PostingState.REFUSED)] else RunState.SUCCEEDED


def _list_items(bench: SupplierBench, plan_hash: str, chunk: str) -> Iterator[Item]:
    for revision in parse_chunk(bench.archive, chunk):
        posting = find_posting(bench, plan_hash, revision.subject)
        assert posting is not None, f"{revision.subject} has no posting"
        yield Item(revision=revision, posting=posting)


def _tell(item: Item) -> Json:
    return {
        "subject": item.subject,
        "posting_key": item.posting.posting_key,
        "state": str(item.posting.state),
        "reason": item.posting.reason,
    }


def _pick(rows: Sequence[Json], state: PostingState) -> list[Json]:
    """The first of them, as a summary tells them."""
    found = [row for row in rows if row["state"] == state]
    return [
        {
            "subject": row["subject"],
            "posting_key": row["posting_key"],
            "reason": row["reason"][:REASON_SHOWN_MAX],
        }
        for row in found[:DIFFERENCES_MAX]
    ]


def _cut(difference: Json) -> Json:
    return {name: value[:VALUE_SHOWN_MAX] for name, value in difference.items()}


# --- read back ------------------------------------------------------------------------------------


def _read_all(sending: Sending, items: Sequence[Item]) -> list[SupplierRow | None]:
    """Each supplier as it is shown; one that is not yet is looked for until its settle time."""
    found: dict[str, SupplierRow | None] = {}
    left, patience = list(items), Patience(sending)
    while left:
        rows = call_at_once(
            lambda item: _find_row(sending.bench, item), left, at_once=sending.bench.flow.at_once
        )
        found |= {i.posting.posting_key: row for i, row in zip(left, rows, strict=True)}
        left = [
            item
            for item, row in zip(left, rows, strict=True)
            if row is None and _may_show_yet(sending, item)
        ]
        if left:
            patience.pause(left)
    return [found[item.posting.posting_key] for item in items]


def _find_row(bench: SupplierBench, item: Item) -> SupplierRow | None:
    try:
        return bench.suppliers.read_supplier(item.posting.receipt["number"])
    except SupplierMissingError:
        return None


def _may_show_yet(sending: Sending, item: Item) -> bool:
    """What was just made is not shown at once everywhere."""
    at = item.posting.settled_at
    return at is not None and sending.bench.clock.now() < at + sending.settle


def _list_differences(item: Item, row: SupplierRow | None) -> list[Json]:
    posting = item.posting
    told = {"subject": item.subject, "posting_key": posting.posting_key}
    if row is None:
        return [told | {"attribute": "", "sent": "", "shown": "", "finding": "not shown"}]
    is_later = row.version != posting.receipt["version"]
    finding = "changed again since" if is_later else "not taken"
    return [
        told
        | {
            "attribute": name,
            "sent": list_sent(item.revision)[name],
            "shown": find_value(row, name) or "",
            "finding": finding,
        }
        for name in list_differing(item.revision, row)
    ]
