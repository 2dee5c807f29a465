"""What was written into an ERP, what became of it, and taking it back."""

from typing import Annotated, Any

from ninja import Query, Router, Schema

from ml_connector.flows.answers.postings_listings import SUPPLIER
from ml_connector.ports import Posting, PostingState, Right, RunRow
from ml_connector.web.api.calls import verify_key
from ml_connector.web.api.paging import (
    ROWS_DEFAULT,
    After,
    Limit,
    Page,
    begin_after,
    cut_page,
    walk_page,
)
from ml_connector.web.api.plans import ChangeOut
from ml_connector.web.api.problems import MissingError
from ml_connector.web.api.runs import RunOut
from ml_connector.web.api.shapes import (
    Amount,
    Document,
    IdempotencyKey,
    Instant,
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


class PostedLineOut(Schema):
    """One line that was sent; debit positive."""

    number: int
    account: str
    amount: Amount


class SettledOut(Schema):
    """A posting after a look at the ERP, and what was seen there."""

    posting: PostingOut
    seen: str


@router.get("", response=Page[PostingOut], summary="Postings, newest first")
@needs(Right.SEE)
def list_postings(
    request: Request,
    flow: OfFlow = "",
    state: Annotated[list[PostingState] | None, Query(description="In one of these.")] = None,
    after: After = "",
    limit: Limit = ROWS_DEFAULT,
) -> dict[str, Any]:
    """All of them, unless states are named."""
    store = request.house.records.postings
    before = begin_after(after, store.find_posting)
    rows = store.load_page(flow=flow or None, states=state or (), before=before, limit=limit + 1)
    return cut_page(rows, limit=limit, find_key=lambda one: one.posting_key)


@router.get("/{key}", response=PostingOut, summary="One posting")
@needs(Right.SEE)
def show_posting(request: Request, key: PathName) -> Posting:
    """By its key."""
    return _find(request, key)


@router.get("/{key}/lines", response=Page[PostedLineOut], summary="What was sent, line by line")
@needs(Right.SEE)
def list_posted(
    request: Request, key: PathName, after: After = "", limit: Limit = ROWS_DEFAULT
) -> dict[str, Any]:
    """Of a journal; a supplier is told by `change`."""
    posting = _find(request, key)
    lines = () if _is_supplier(posting) else request.house.list_posted(posting)
    told = (
        {"number": number, "account": line.account, "amount": line.amount}
        for number, line in enumerate(lines, start=1)
    )
    return walk_page(told, after=after, limit=limit, find_key=lambda one: str(one["number"]))


@router.get("/{key}/change", response=ChangeOut, summary="What was sent of a supplier")
@needs(Right.SEE)
def show_change(request: Request, key: PathName) -> Any:
    """What it held, and what it was to hold."""
    posting = _find(request, key)
    if not _is_supplier(posting):
        raise MissingError(
            f"The posting {posting.posting_key} is a journal, and changes no supplier.",
            written="Nothing was done.",
            next_step=f"See its lines: GET /api/v1/postings/{posting.posting_key}/lines.",
        )
    return request.house.find_revision(posting)


@router.post("/{key}/settle", response=SettledOut, summary="Look what became of a posting")
@needs(Right.RUN)
def settle(request: Request, key: PathName) -> dict[str, Any]:
    """The ERP is asked; nothing is sent."""
    found = _find(request, key)
    posting, seen = request.house.settle_posting(found.posting_key)
    return {"posting": posting, "seen": seen}


@router.post("/{key}/reverse", response={202: RunOut}, summary="Take a posting back")
@needs(Right.RUN)
def reverse(request: Request, key: PathName, idempotency_key: IdempotencyKey = "") -> RunRow:
    """A run is queued that takes it back by a counter-posting, or plans that and asks."""
    found = _find(request, key)
    with finding():
        request.house.writing_flow(found.flow)
    call = verify_key(request, idempotency_key, {"reverse": found.posting_key})
    return request.house.enqueue_reversal(found.posting_key, key=call)


def _find(request: Request, key: str) -> Posting:
    with finding():
        return request.house.find_posting(key)


def _is_supplier(posting: Posting) -> bool:
    return posting.kind == SUPPLIER
