"""Values that no rule takes: the queue of them, and who looks after each."""

from datetime import date
from typing import Annotated, Any

from ninja import Body, Query, Router, Schema
from pydantic import Field

from ml_connector.flows.placing.behind import LineBehind
from ml_connector.ports import Right, RunRow
from ml_connector.ports.unmapped import UnmappedFilter, UnmappedValue
from ml_connector.web.api.calls import verify_key
from ml_connector.web.api.paging import (
    ROWS_DEFAULT,
    After,
    Limit,
    Page,
    UnfitCursorError,
    cut_page,
    read_number,
)
from ml_connector.web.api.runs import RunOut
from ml_connector.web.api.shapes import (
    Amount,
    Asked,
    Document,
    IdempotencyKey,
    Instant,
    Key,
    Name,
    Text,
    finding,
)
from ml_connector.web.guards import Asked as Request
from ml_connector.web.guards import needs
from ml_connector.web.views.unmapped import name_condition

router = Router()
LINES_MAX = 200
"""Journal lines told of one value."""
AMOUNTS_MAX = 2_000
"""Ledger periods and currencies told of one value."""


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


class QueueOut(Page[UnmappedValueOut]):
    """Values of the queue, the largest amount first."""

    count: int = Field(description="Of all that fit.")


class AmountOut(Schema):
    """What lies on a value in a ledger period and currency."""

    member: str
    ledger: str
    period: str
    currency: str
    debit: Amount
    credit: Amount
    lines: int


class SuggestionOut(Schema):
    """A member that fits, and why; applied by people."""

    target: str
    reason: str
    agreeing: int
    asked: int


class ValueInFull(UnmappedValueOut):
    """A value with what lies on it, and what fits."""

    amounts: list[AmountOut] = Field(max_length=AMOUNTS_MAX)
    suggestion: SuggestionOut | None
    is_settled: bool = Field(description="The rules in force map it; it waits for a run.")
    when: str = Field(description="The condition of a rule that takes it and nothing else.")
    facts: Document = Field(description="Of a line on it.")


class LineBehindOut(Schema):
    """A journal line on a value."""

    member: str
    batch_id: str
    batch_name: str
    ledger: str
    period: str
    accounting_date: date
    combination: str
    journal: str
    line: int
    currency: str
    debit: Amount
    credit: Amount
    description: str


class LinesBehindOut(Schema):
    """Some of the journal lines on a value."""

    lines: list[LineBehindOut] = Field(max_length=LINES_MAX)


class QueueAsked(Schema):
    """Which values; empty: all."""

    flow: Key = ""
    dimension: Key = ""
    owner: Key = ""
    text: Key = Field(default="", description="Part of the value.")
    is_unowned: bool = Field(default=False, description="Those that nobody looks after only.")


class ValueAsked(Schema):
    """Which value."""

    flow: Name
    dimension: Name
    value: Name


class AgainAsked(Asked):
    """A value whose periods are placed again."""

    flow: Name
    dimension: Name
    value: Name


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
    asked: Annotated[QueueAsked, Query()],
    after: After = "",
    limit: Limit = ROWS_DEFAULT,
) -> dict[str, Any]:
    """The largest amount first."""
    wanted, store = UnmappedFilter(**asked.dict()), request.house.records.unmapped
    rows = store.load_values(wanted, limit=limit + 1, after=_read_after(after))
    page = cut_page(rows, limit=limit, find_key=lambda one: f"{one.stake}.{one.number}")
    return {**page, "count": store.count_values(wanted)}


@router.get("/value", response=ValueInFull, summary="One value, and what fits it")
@needs(Right.SEE)
def show_value(request: Request, asked: Annotated[ValueAsked, Query()]) -> dict[str, Any]:
    """Also when it has left the queue."""
    found, house = _find(request, asked), request.house
    amounts = house.records.unmapped.load_amounts(
        found.flow, found.dimension, found.fact, found.value
    )
    return {
        **{name: getattr(found, name) for name in UnmappedValueOut.model_fields},
        "amounts": amounts[:AMOUNTS_MAX], "suggestion": house.suggest_members([found])[0],
        "is_settled": house.is_settled([found])[0], "when": name_condition(found),
        "facts": dict(found.facts),
    }  # fmt: skip


@router.get("/lines", response=LinesBehindOut, summary="Journal lines on a value")
@needs(Right.SEE)
def list_lines(request: Request, asked: Annotated[ValueAsked, Query()]) -> dict[str, Any]:
    """Some of them, read from the archive; the value's own numbers count all."""
    behind = request.house.list_lines_behind(_find(request, asked))
    return {"lines": [_tell_line(one) for one in behind[:LINES_MAX]]}


@router.post("/again", response={202: RunOut}, summary="Place a value's periods again")
@needs(Right.RUN)
def place_again(
    request: Request,
    wanted: Annotated[AgainAsked, Body()],
    idempotency_key: IdempotencyKey = "",
) -> RunRow:
    """A run of them is queued, and of loaded ones that changed rules reach."""
    found = _find(request, wanted)
    key = verify_key(request, idempotency_key, {"again": wanted.dict()})
    return request.house.place_again(found.flow, found.members, key=key)


@router.put("/owner", response=UnmappedValueOut, summary="Say who looks after a value")
@needs(Right.MAP)
def assign(request: Request, wanted: Annotated[OwnerAsked, Body()]) -> Any:
    """Somebody, or nobody."""
    _find(request, wanted)
    return request.house.assign_unmapped(
        wanted.flow, wanted.dimension, wanted.value, owner=wanted.owner, note=wanted.note
    )


def _find(request: Request, one: ValueAsked | AgainAsked | OwnerAsked) -> UnmappedValue:
    with finding():
        return request.house.find_unmapped(one.flow, one.dimension, one.value)


def _read_after(after: str) -> tuple[int, int] | None:
    if not after:
        return None
    stake, _, number = after.partition(".")
    if not stake or not number:
        raise UnfitCursorError(after)
    return read_number(stake), read_number(number)


def _tell_line(one: LineBehind) -> dict[str, Any]:
    line = one.line
    names = ("ledger", "period", "accounting_date", "combination", "journal", "currency", "debit",
             "credit", "description")  # fmt: skip
    return {
        **{name: getattr(line, name) for name in names}, "line": line.number,
        "member": one.member, "batch_id": one.batch_id, "batch_name": one.batch_name,
    }  # fmt: skip
