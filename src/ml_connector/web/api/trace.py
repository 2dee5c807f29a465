"""Everything known of a key."""

from itertools import islice
from typing import Annotated, Any

from ninja import Query, Router, Schema

from ml_connector.ports import Right
from ml_connector.web.api.shapes import ROWS_DEFAULT, Limit, Name
from ml_connector.web.guards import Asked, needs

router = Router()


class TraceOut(Schema):
    """One thing that is known."""

    place: str
    at: str
    text: str
    run_id: str


class TracesOut(Schema):
    """All that fits."""

    items: list[TraceOut]


@router.get("", response=TracesOut, summary="Everything known of a key")
@needs(Right.SEE)
def trace(
    request: Asked,
    key: Annotated[Name, Query(description="Batch, account, task, run, member.")],
    limit: Limit = ROWS_DEFAULT,
) -> dict[str, Any]:
    """From the ledger to the cell and back."""
    return {"items": list(islice(request.house.trace(key), limit))}
