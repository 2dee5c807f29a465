"""The audit chain: whether it holds, what it says of something, and all of it as a file."""

from typing import Annotated, Any

from django.http import StreamingHttpResponse
from ninja import Query, Router, Schema

from ml_connector.ports import Right
from ml_connector.web.api.paging import (
    ROWS_DEFAULT,
    After,
    Limit,
    Page,
    cut_page,
    read_number,
)
from ml_connector.web.api.shapes import Document, Instant, Name
from ml_connector.web.guards import Asked, needs

router = Router()


class ChainOut(Schema):
    """The chain holds; where it does not, the answer is a problem that names the broken link."""

    links: int
    holds: bool


class LinkOut(Schema):
    """One link."""

    number: int
    at: Instant
    actor: str
    event: str
    subject: str
    run_id: str
    details: Document


@router.get("/links", response=Page[LinkOut], summary="Links about something, newest first")
@needs(Right.SEE)
def find_links(
    request: Asked,
    about: Annotated[Name, Query(description="A run, flow, batch, plan, posting or person.")],
    after: After = "",
    limit: Limit = ROWS_DEFAULT,
) -> dict[str, Any]:
    """Every one of a run or with that subject; of others that name it, those not too old."""
    found = request.house.records.audit.find(about, limit=limit + 1, before=read_number(after))
    return cut_page(found[::-1], limit=limit, find_key=lambda one: str(one.number))


@router.get("/verification", response=ChainOut, summary="Walk the chain")
@needs(Right.SEE)
def verify_chain(request: Asked) -> dict[str, Any]:
    """Every link is looked at; a broken one is answered as a problem that names it."""
    return {"links": request.house.records.audit.verify(), "holds": True}


@router.get(
    "/export", summary="The chain as lines of JSON",
    openapi_extra={
        "responses": {
            200: {
                "description": "One link on each line, oldest first.",
                "content": {"application/jsonl": {"schema": {"type": "string"}}},
            }
        }
    },
)  # fmt: skip
@needs(Right.SEE)
def export_chain(request: Asked) -> StreamingHttpResponse:
    """To be kept and verified elsewhere."""
    lines = (f"{line}\n" for line in request.house.export_audit())
    headers = {"Content-Disposition": 'attachment; filename="audit.jsonl"'}
    return StreamingHttpResponse(lines, content_type="application/jsonl", headers=headers)
