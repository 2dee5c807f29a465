"""Summaries that models have not taken: counted by cause, and one by one."""

from typing import Annotated, Any

from ninja import Path, Query, Router, Schema
from pydantic import Field

from ml_connector.errors import UsageError
from ml_connector.ports import RefusedTally, Right
from ml_connector.web.api.paging import (
    ROWS_DEFAULT,
    After,
    Limit,
    Page,
    UnfitCursorError,
    cut_page,
    read_number,
)
from ml_connector.web.api.problems import MissingError
from ml_connector.web.api.run_plans import RefusedLineOut, tell_line
from ml_connector.web.api.shapes import (
    KEY_MAX,
    STORABLE,
    TEXT_MAX,
    Amount,
    Line,
    Name,
    OfFlow,
    PathName,
    finding,
)
from ml_connector.web.guards import Asked as Request
from ml_connector.web.guards import needs

router = Router()
NUMBER_MAX = 2**62
LINES_MAX = 5_000
"""Lines that are told of one summary."""


class TallyOut(Schema):
    """What is refused for one cause, in one period and currency."""

    flow: str
    cause: str
    period: str
    currency: str
    count: int
    amount: Amount


class SummaryOut(Schema):
    """A summary the model has not taken, and nobody has settled."""

    number: int
    flow: str
    run_id: str
    load_id: str
    key: list[str] = Field(description="Chosen by it, the summary is sent again.")
    before: Amount
    after: Amount
    reasons: list[str]
    cause: str
    period: str
    currency: str


class SummaryInFull(SummaryOut):
    """A refused summary with the journal lines that make it up."""

    lines: list[RefusedLineOut] = Field(max_length=LINES_MAX)
    lines_more: int


@router.get("", response=Page[TallyOut], summary="What is refused, by cause")
@needs(Right.SEE)
def list_refused(
    request: Request, flow: OfFlow = "", after: After = "", limit: Limit = ROWS_DEFAULT
) -> dict[str, Any]:
    """By flow, cause, period and currency; what was recorded before causes were kept is last."""
    flows = [flow] if flow else sorted(request.house.project.flows)
    store = request.house.records.loads
    try:
        rows: list[RefusedTally] = store.load_tally_page(flows=flows, after=after, limit=limit + 1)
    except UsageError as error:
        raise UnfitCursorError(after) from error
    return cut_page(rows, limit=limit, find_key=lambda one: one.place)


@router.get("/summaries", response=Page[SummaryOut], summary="Refused summaries of one cause")
@needs(Right.SEE)
def list_summaries(
    request: Request,
    flow: Annotated[Name, Query()],
    cause: Annotated[
        str, Query(max_length=TEXT_MAX, pattern=STORABLE, description="Letter by letter as told.")
    ] = "",
    period: Annotated[str, Query(max_length=KEY_MAX, pattern=Line)] = "",
    after: After = "",
    limit: Limit = ROWS_DEFAULT,
) -> dict[str, Any]:
    """Oldest first, of one period; without a cause those recorded before causes were kept."""
    with finding():
        name = request.house.flow(flow).name
    rows = request.house.records.loads.load_refused_page(
        name, cause=cause, period=period, after=read_number(after), limit=limit + 1
    )
    return cut_page(rows, limit=limit, find_key=lambda one: str(one.number))


@router.get(
    "/summaries/{flow}/{number}", response=SummaryInFull, summary="A refused summary's lines"
)
@needs(Right.SEE)
def show_summary(
    request: Request, flow: PathName, number: Annotated[int, Path(ge=0, le=NUMBER_MAX)]
) -> dict[str, Any]:
    """By the rules its load was made with; of an actuals flow."""
    with finding():
        name = request.house.actuals_flow(flow).name
    found = next(iter(request.house.records.loads.find_refused(name, [number])), None)
    if found is None:
        raise MissingError(
            f"No summary of number {number} of {name} is refused and open.",
            written="Nothing was done.", next_step="List them: GET /api/v1/refused/summaries.",
        )  # fmt: skip
    joined = request.house.join_refusal(found)
    return {
        **{field: getattr(found, field) for field in SummaryOut.model_fields},
        "lines": [tell_line(found, way) for way in joined.lines[:LINES_MAX]],
        "lines_more": joined.lines_more + len(joined.lines[LINES_MAX:]),
    }
