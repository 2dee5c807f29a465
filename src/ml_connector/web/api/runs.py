"""Runs: the history, one of them, and what may be done about it."""

from itertools import islice
from typing import Any

from ninja import Router, Schema
from pydantic import Field

from ml_connector.ports import Right, RunRow, RunState
from ml_connector.web.api.calls import verify_key
from ml_connector.web.api.shapes import (
    ROWS_DEFAULT,
    After,
    Amount,
    Document,
    IdempotencyKey,
    Instant,
    Limit,
    OfFlow,
    Page,
    PathName,
    cut_page,
    finding,
)
from ml_connector.web.guards import Asked as Request
from ml_connector.web.guards import needs

router = Router()
STEPS_MAX = 2_000
"""Steps shown of one run."""
REFUSALS_JOINED_MAX = 50
"""Refused summaries that one call joins to their lines; each is looked for in whole periods."""


class ErrorRecord(Schema):
    """What stopped a run, as it was recorded."""

    code: str
    refused: str
    written: str
    next_step: str
    arguments: Document


class RunOut(Schema):
    """A run as the history keeps it."""

    run_id: str
    flow: str
    kind: str
    state: RunState
    actor: str
    request: Document
    created_at: Instant
    finished_at: Instant | None


class RunInFull(RunOut):
    """A run with what it came to."""

    summary: Document
    error: ErrorRecord | None


class StepOut(Schema):
    """A step of a run."""

    name: str
    attempt: int
    state: str
    started_at: Instant
    finished_at: Instant | None
    result: Document


class StepsOut(Schema):
    """The steps of a run, in order of their start."""

    items: list[StepOut]


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


class RefusedLinesOut(Schema):
    """The lines behind the refused summaries of a run."""

    items: list[RefusedLineOut]
    lines_more: int = Field(description="Of the summaries that were looked at.")
    is_whole: bool = Field(description="Whether every refused summary of the run was looked at.")


@router.get("", response=Page[RunOut], summary="Runs, newest first")
@needs(Right.SEE)
def list_runs(
    request: Request,
    flow: OfFlow = "",
    after: After = "",
    limit: Limit = ROWS_DEFAULT,
) -> dict[str, Any]:
    """The history; go on with `after` until `next` is null."""
    rows = load_page(request, flow=flow, after=after, limit=limit)
    return cut_page(rows, limit=limit, find_key=lambda row: row.run_id)


def load_page(request: Request, *, flow: str, after: str, limit: int) -> list[RunRow]:
    """One run more than fits, so that it is known whether there are others."""
    with finding():
        start = request.house.records.runs.load_run(after).run_id if after else ""
    return request.house.records.runs.load_runs(flow=flow or None, limit=limit + 1, before=start)


@router.get("/{run_id}", response=RunInFull, summary="One run, and what it came to")
@needs(Right.SEE)
def show_run(request: Request, run_id: PathName) -> RunRow:
    """By its id, or an unambiguous beginning of it."""
    with finding():
        return request.house.records.runs.load_run(run_id)


@router.get("/{run_id}/steps", response=StepsOut, summary="The steps of a run")
@needs(Right.SEE)
def list_steps(request: Request, run_id: PathName) -> dict[str, Any]:
    """In order of their start."""
    with finding():
        run = request.house.records.runs.load_run(run_id)
    return {"items": request.house.records.runs.load_steps(run.run_id)[:STEPS_MAX]}


@router.get("/{run_id}/lines", response=RefusedLinesOut, summary="Lines the model did not take")
@needs(Right.SEE)
def list_lines(request: Request, run_id: PathName, limit: Limit = ROWS_DEFAULT) -> dict[str, Any]:
    """Refused summaries of an actuals run, joined to their journal lines."""
    with finding():
        run = request.house.records.runs.load_run(run_id)
    rows: list[dict[str, Any]] = []
    more = 0
    refusals = request.house.join_refusals(run.run_id)
    for refusal in islice(refusals, REFUSALS_JOINED_MAX):
        fit = refusal.lines[: max(limit - len(rows), 0)]
        more += refusal.lines_more + len(refusal.lines) - len(fit)
        rows += [
            {
                "intersection": list(refusal.summary.key), "reasons": list(refusal.summary.reasons),
                "batch": way.batch_id, "journal": way.line.journal, "line": way.line.number,
                "ledger": way.line.ledger, "period": way.line.period,
                "combination": way.line.combination, "debit": way.line.debit,
                "credit": way.line.credit, "currency": way.line.currency,
            }
            for way in fit
        ]  # fmt: skip
        if more:
            break
    return {"items": rows, "lines_more": more, "is_whole": next(refusals, None) is None}


@router.post("/{run_id}/resume", response={202: RunOut}, summary="Let a stopped run go on")
@needs(Right.RUN)
def resume(request: Request, run_id: PathName) -> RunRow:
    """It is queued and goes on at its first missing step; one under way is left alone."""
    with finding():
        run = request.house.records.runs.load_run(run_id)
    request.house.enqueue_resume(run.run_id)
    return request.house.records.runs.load_run(run.run_id)


@router.post("/{run_id}/retry", response={202: RunOut}, summary="Start a run of the same scope")
@needs(Right.RUN)
def retry(request: Request, run_id: PathName, idempotency_key: IdempotencyKey = "") -> RunRow:
    """A new run is queued; poll it by the id that is answered."""
    with finding():
        run = request.house.records.runs.load_run(run_id)
    key = verify_key(request, idempotency_key, {"retry": run.run_id})
    return request.house.enqueue_retry(run.run_id, key=key)


@router.post("/{run_id}/apply", response={202: RunOut}, summary="Load exactly what a run planned")
@needs(Right.RUN)
def apply_plan(request: Request, run_id: PathName, idempotency_key: IdempotencyKey = "") -> RunRow:
    """Of a dry run of actuals; refused where the books or the model have moved since."""
    with finding():
        run = request.house.records.runs.load_run(run_id)
    plan = str(run.summary.get("plan_hash", ""))
    key = verify_key(request, idempotency_key, {"apply": plan})
    return request.house.enqueue_plan(plan, key=key)


@router.post("/{run_id}/stop", response={202: RunOut}, summary="Stop a run before its next step")
@needs(Right.RUN)
def stop(request: Request, run_id: PathName) -> RunRow:
    """The step it is in is finished; what is written stays, and it can be resumed or put away."""
    run = find_run(request, run_id)
    return request.house.stop_run(run.run_id)


@router.post("/{run_id}/cancel", response=RunOut, summary="Put an unfinished run away")
@needs(Right.RUN)
def cancel(request: Request, run_id: PathName) -> RunRow:
    """A task it started in the model is left alone."""
    with finding():
        run = request.house.records.runs.load_run(run_id)
    return request.house.cancel(run.run_id)
