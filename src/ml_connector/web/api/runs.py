"""Runs: the history, one of them, and what may be done about it."""

from typing import Annotated, Any

from django.http import StreamingHttpResponse
from ninja import Body, Router, Schema
from pydantic import Field

from ml_connector.errors import UsageError
from ml_connector.ports import Right, RunRow, RunState
from ml_connector.web.api.calls import verify_key
from ml_connector.web.api.paging import (
    ROWS_DEFAULT,
    After,
    Limit,
    Page,
    UnfitCursorError,
    cut_page,
    read_number,
    walk_page,
)
from ml_connector.web.api.problems import MissingError
from ml_connector.web.api.shapes import (
    Asked,
    Document,
    IdempotencyKey,
    Instant,
    Key,
    OfFlow,
    PathName,
    finding,
)
from ml_connector.web.guards import Asked as Request
from ml_connector.web.guards import needs

router = Router()


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
    waits: Annotated[
        str | None, Field(description="Why nobody goes on with it: no worker of its version lives.")
    ]

    @staticmethod
    def resolve_waits(run: RunRow, context: dict[str, Any]) -> str | None:
        """As the house finds it now; nothing of a run that has ended."""
        waiting = context["request"].house.find_waiting(run)
        return waiting.finding if waiting else None


class StepOut(Schema):
    """A step of a run."""

    number: int
    name: str
    attempt: int
    state: str
    started_at: Instant
    finished_at: Instant | None
    result: Document


class LoadOut(Schema):
    """One upload of a run, its task in the model, and what came of it."""

    load_id: str
    plan_hash: str
    intent_id: str
    task_id: str
    outcome: str
    chunks: int
    cells_sent: int
    cells_refused: int
    result_hash: str = Field(description="A file of the run.")
    dump_hashes: list[str] = Field(description="Files of the run.")
    created_at: Instant


class PeriodAsked(Asked):
    """A planning period of the run."""

    period: Key


@router.get("", response=Page[RunOut], summary="Runs, newest first")
@needs(Right.SEE)
def list_runs(
    request: Request,
    flow: OfFlow = "",
    after: After = "",
    limit: Limit = ROWS_DEFAULT,
) -> dict[str, Any]:
    """The history; go on with `after` until `next` is null."""
    store = request.house.records.runs
    try:
        rows = store.load_runs(flow=flow or None, limit=limit + 1, before=after)
    except UsageError as error:
        raise UnfitCursorError(after) from error
    return cut_page(rows, limit=limit, find_key=lambda row: row.run_id)


@router.get("/{run_id}", response=RunInFull, summary="One run, and what it came to")
@needs(Right.SEE)
def show_run(request: Request, run_id: PathName) -> RunRow:
    """By its id, or an unambiguous beginning of it."""
    return find_run(request, run_id)


@router.get("/{run_id}/steps", response=Page[StepOut], summary="The steps of a run")
@needs(Right.SEE)
def list_steps(
    request: Request, run_id: PathName, after: After = "", limit: Limit = ROWS_DEFAULT
) -> dict[str, Any]:
    """In order of their start."""
    run, start = find_run(request, run_id), read_number(after)
    rows = request.house.records.runs.load_steps(run.run_id, after=start, limit=limit + 1)
    return cut_page(rows, limit=limit, find_key=lambda row: str(row.number))


@router.get("/{run_id}/loads", response=Page[LoadOut], summary="What a run has loaded")
@needs(Right.SEE)
def list_loads(
    request: Request, run_id: PathName, after: After = "", limit: Limit = ROWS_DEFAULT
) -> dict[str, Any]:
    """Oldest first, each with its task in the model."""
    run = find_run(request, run_id)
    rows = request.house.records.loads.load_loads(run_id=run.run_id)
    return walk_page(rows, after=after, limit=limit, find_key=lambda row: row.load_id)


@router.get(
    "/{run_id}/files/{file}", summary="What the model said of a load",
    openapi_extra={
        "responses": {
            200: {
                "description": "Its result as it came, or a dump of refused rows.",
                "content": {"text/plain": {"schema": {"type": "string"}}},
            }
        }
    },
)  # fmt: skip
@needs(Right.SEE)
def fetch_file(request: Request, run_id: PathName, file: PathName) -> StreamingHttpResponse:
    """By the hash that its loads tell."""
    run = find_run(request, run_id)
    with finding():
        content = request.house.read_run_file(run.run_id, file)
    return StreamingHttpResponse(content, content_type="text/plain; charset=utf-8")


@router.post("/{run_id}/resume", response={202: RunOut}, summary="Let a stopped run go on")
@needs(Right.RUN)
def resume(request: Request, run_id: PathName) -> RunRow:
    """It is queued and goes on at its first missing step; one under way is left alone."""
    run = find_run(request, run_id)
    request.house.enqueue_resume(run.run_id)
    return request.house.records.runs.load_run(run.run_id)


@router.post("/{run_id}/retry", response={202: RunOut}, summary="Start a run of the same scope")
@needs(Right.RUN)
def retry(request: Request, run_id: PathName, idempotency_key: IdempotencyKey = "") -> RunRow:
    """A new run is queued; poll it by the id that is answered."""
    run = find_run(request, run_id)
    key = verify_key(request, idempotency_key, {"retry": run.run_id})
    return request.house.enqueue_retry(run.run_id, key=key)


@router.post("/{run_id}/period", response={202: RunOut}, summary="Run one period of it again")
@needs(Right.RUN)
def run_period(
    request: Request,
    run_id: PathName,
    wanted: Annotated[PeriodAsked, Body()],
    idempotency_key: IdempotencyKey = "",
) -> RunRow:
    """A new run of that planning period alone is queued."""
    run = find_run(request, run_id)
    if wanted.period not in run.summary.get("periods", ()):
        raise MissingError(
            f"Run {run.run_id} has no planning period {wanted.period!r}.",
            written="Nothing was started.", next_step="See the run's summary.",
        )  # fmt: skip
    key = verify_key(request, idempotency_key, {"run": run.run_id, "period": wanted.period})
    return request.house.enqueue_run(run.flow, {"members": [wanted.period]}, key=key)


@router.post("/{run_id}/apply", response={202: RunOut}, summary="Load exactly what a run planned")
@needs(Right.RUN)
def apply_plan(request: Request, run_id: PathName, idempotency_key: IdempotencyKey = "") -> RunRow:
    """Of a dry run of actuals; refused where the books or the model have moved since."""
    run = find_run(request, run_id)
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
    run = find_run(request, run_id)
    return request.house.cancel(run.run_id)


def find_run(request: Request, run_id: str) -> RunRow:
    """The run, by its id or the beginning of it.

    Raises:
        MissingError: There is none, or several.
    """
    with finding():
        return request.house.records.runs.load_run(run_id)
