"""What a run of actuals has planned for the model, cell by cell, and what the model refused."""

from itertools import islice
from typing import Annotated, Any

from ninja import Query, Router, Schema
from pydantic import Field

from ml_connector.flows.placing.lineage import LineWay
from ml_connector.ports import RefusedSummary, Right
from ml_connector.web.api.paging import (
    ROWS_DEFAULT,
    After,
    Limit,
    Page,
    cut_page,
    read_number,
)
from ml_connector.web.api.runs import find_run
from ml_connector.web.api.shapes import KEY_MAX, Amount, Document, Instant, Line, PathName, finding
from ml_connector.web.guards import Asked as Request
from ml_connector.web.guards import needs

router = Router()
GUARDS_MAX = 50
"""Guards of one flow."""


class SavedPlanOut(Schema):
    """A plan as a run has saved it."""

    plan: str
    flow: str
    run_id: str
    model_id: str
    mapping_hash: str
    shadow_revision: int
    state: str
    created_at: Instant
    cells: int
    periods: Document = Field(description="What changes, by planning period.")
    tripped: list[str] = Field(max_length=GUARDS_MAX, description="Guards, as the flow is set now.")


class PlannedCellOut(Schema):
    """One cell that changes."""

    number: int
    key: list[str]
    change: str
    before: Amount
    after: Amount
    currency: str
    lines: int


class RefusedLineOut(Schema):
    """A journal line that is in no cell of the model."""

    intersection: list[str]
    reasons: list[str]
    batch: str
    journal: str
    line: int
    ledger: str
    period: str
    combination: str
    debit: Amount
    credit: Amount
    currency: str


@router.get("/{run_id}/plan", response=SavedPlanOut, summary="What a run has planned")
@needs(Right.SEE)
def show_plan(request: Request, run_id: PathName) -> dict[str, Any]:
    """Of a run of actuals, dry or not; `apply` loads exactly it."""
    run = find_run(request, run_id)
    with finding():
        saved = request.house.load_saved_plan(run.run_id)
    row = saved.row
    names = ("flow", "run_id", "model_id", "mapping_hash", "shadow_revision", "state", "created_at")
    return {
        **{name: getattr(row, name) for name in names}, "plan": row.plan_hash,
        "cells": saved.count, "periods": dict(saved.members),
        "tripped": list(request.house.list_tripped(saved))[:GUARDS_MAX],
    }  # fmt: skip


@router.get(
    "/{run_id}/plan/cells", response=Page[PlannedCellOut], summary="The cells of a run's plan"
)
@needs(Right.SEE)
def list_cells(
    request: Request,
    run_id: PathName,
    period: Annotated[
        str, Query(max_length=KEY_MAX, pattern=Line, description="Of this planning period only.")
    ] = "",
    after: After = "",
    limit: Limit = ROWS_DEFAULT,
) -> dict[str, Any]:
    """In the plan's own order."""
    run, start = find_run(request, run_id), read_number(after)
    with finding():
        saved = request.house.load_saved_plan(run.run_id)
    cells = saved.read_cells(period, start=start)
    told = [
        {**cell._asdict(), "key": list(cell.key), "change": str(cell.change), "number": number,
         "currency": saved.currency_of(cell.key)}
        for number, cell in enumerate(islice(cells, limit + 1), start=start + 1)
    ]  # fmt: skip
    return cut_page(told, limit=limit, find_key=lambda one: str(one["number"]))


@router.get(
    "/{run_id}/lines", response=Page[RefusedLineOut], summary="Lines the model did not take"
)
@needs(Right.SEE)
def list_lines(
    request: Request, run_id: PathName, after: After = "", limit: Limit = ROWS_DEFAULT
) -> dict[str, Any]:
    """Open refusals of an actuals run, joined to their journal lines.

    A page may hold fewer lines than asked for and have a next one all the same: summaries are
    looked for one by one, and only so many at a time.
    """
    run = find_run(request, run_id)
    number, _, count = after.partition(".")
    found = request.house.read_refused_lines(
        run.run_id, number=read_number(number), told=read_number(count), limit=limit
    )
    place = f"{found.number}.{found.told}" if found.told else str(found.number)
    told = [tell_line(one.summary, one.way) for one in found.lines]
    return {"items": told, "next": place if found.number else None}


def tell_line(summary: RefusedSummary, way: LineWay) -> dict[str, Any]:
    """A journal line with the summary it is in."""
    line = way.line
    names = ("journal", "ledger", "period", "combination", "debit", "credit", "currency")
    return {
        **{name: getattr(line, name) for name in names}, "line": line.number,
        "intersection": list(summary.key), "reasons": list(summary.reasons), "batch": way.batch_id,
    }  # fmt: skip
