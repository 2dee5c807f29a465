"""What was written into an ERP, what became of it, and taking it back."""

from typing import Annotated, Any

from ninja import Query, Router, Schema

from ml_connector.ports import Posting, PostingState, Right, RunRow
from ml_connector.web.api.calls import verify_key
from ml_connector.web.api.runs import RunOut
from ml_connector.web.api.shapes import (
    ROWS_DEFAULT,
    Document,
    IdempotencyKey,
    Instant,
    Limit,
    OfFlow,
    PathName,
    finding,
)
from ml_connector.web.guards import Asked as Request
from ml_connector.web.guards import needs

router = Router()


class PostingOut(Schema):
    """One write into an ERP."""

    posting_key: str
    flow: str
    run_id: str
    plan_hash: str
    connection: str
    kind: str
    subject: str
    generation: int
    totals: Document
    state: PostingState
    receipt: Document
    reason: str
    reverses: str
    reversed_by: str
    made_at: Instant
    sent_at: Instant | None
    settled_at: Instant | None


class PostingsOut(Schema):
    """Postings, newest first."""

    items: list[PostingOut]


class SettledOut(Schema):
    """A posting after a look at the ERP, and what was seen there."""

    posting: PostingOut
    seen: str


@router.get("", response=PostingsOut, summary="Postings, newest first")
@needs(Right.SEE)
def list_postings(
    request: Request,
    flow: OfFlow = "",
    state: Annotated[list[PostingState] | None, Query(description="In one of these.")] = None,
    limit: Limit = ROWS_DEFAULT,
) -> dict[str, Any]:
    """All of them, unless states are named."""
    store = request.house.records.postings
    return {"items": store.load_postings(flow=flow or None, states=state or (), limit=limit)}


@router.get("/{key}", response=PostingOut, summary="One posting")
@needs(Right.SEE)
def show_posting(request: Request, key: PathName) -> Posting:
    """By its key."""
    with finding():
        return request.house.find_posting(key)


@router.post("/{key}/settle", response=SettledOut, summary="Look what became of a posting")
@needs(Right.RUN)
def settle(request: Request, key: PathName) -> dict[str, Any]:
    """The ERP is asked; nothing is sent."""
    with finding():
        found = request.house.find_posting(key)
    posting, seen = request.house.settle_posting(found.posting_key)
    return {"posting": posting, "seen": seen}


@router.post("/{key}/reverse", response={202: RunOut}, summary="Take a posting back")
@needs(Right.RUN)
def reverse(request: Request, key: PathName, idempotency_key: IdempotencyKey = "") -> RunRow:
    """A run is queued that takes it back by a counter-posting, or plans that and asks."""
    with finding():
        found = request.house.find_posting(key)
        flow = request.house.writing_flow(found.flow)
    wanted = {"reverse": found.posting_key}
    call = verify_key(request, idempotency_key, wanted)
    return request.house.enqueue_run(flow.name, wanted, key=call)
