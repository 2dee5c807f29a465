"""Values that no rule takes: the queue of them, and who looks after each."""

from typing import Annotated, Any

from ninja import Body, Query, Router, Schema
from pydantic import Field

from ml_connector.ports import Right
from ml_connector.ports.unmapped import UnmappedFilter
from ml_connector.web.api.shapes import (
    KEY_MAX,
    ROWS_DEFAULT,
    Amount,
    Asked,
    Instant,
    Key,
    Limit,
    Line,
    Name,
    OfFlow,
    Text,
    finding,
)
from ml_connector.web.guards import Asked as Request
from ml_connector.web.guards import needs

router = Router()
ROWS_BEHIND_MAX = 100_000
"""How far down the queue a page may begin."""


class TotalOut(Schema):
    """What lies on a value in one currency."""

    currency: str
    debit: Amount
    credit: Amount
    lines: int


class UnmappedValueOut(Schema):
    """A value that no rule of a dimension takes, as it was last placed."""

    flow: str
    dimension: str
    fact: str
    value: str
    is_open: bool
    first_seen_at: Instant
    first_run_id: str
    totals: list[TotalOut]
    members: list[str] = Field(description="Planning periods.")
    lines: int
    owner: str
    note: str


class QueueOut(Schema):
    """Values of the queue, the largest amount first."""

    items: list[UnmappedValueOut]
    count: int = Field(description="Of all that fit.")


class OwnerAsked(Asked):
    """Who looks after a value; nobody where it is empty."""

    flow: Name
    dimension: Name
    value: Name
    owner: Key = ""
    note: Text = ""


@router.get("", response=QueueOut, summary="Values that no rule takes")
@needs(Right.SEE)
def list_values(
    request: Request,
    flow: OfFlow = "",
    dimension: Annotated[str, Query(max_length=KEY_MAX, pattern=Line)] = "",
    owner: Annotated[str, Query(max_length=KEY_MAX, pattern=Line)] = "",
    offset: Annotated[int, Query(ge=0, le=ROWS_BEHIND_MAX)] = 0,
    limit: Limit = ROWS_DEFAULT,
) -> dict[str, Any]:
    """The largest amount first; by number, since amounts are their order."""
    asked, store = UnmappedFilter(flow=flow, dimension=dimension, owner=owner), _find_store(request)
    found = store.load_values(asked, limit=limit, offset=offset)
    return {"items": found, "count": store.count_values(asked)}


@router.put("/owner", response=UnmappedValueOut, summary="Say who looks after a value")
@needs(Right.MAP)
def assign(request: Request, wanted: Annotated[OwnerAsked, Body()]) -> Any:
    """Somebody, or nobody."""
    with finding():
        request.house.find_unmapped(wanted.flow, wanted.dimension, wanted.value)
    return request.house.assign_unmapped(
        wanted.flow, wanted.dimension, wanted.value, owner=wanted.owner, note=wanted.note
    )


def _find_store(request: Request) -> Any:
    return request.house.records.unmapped
