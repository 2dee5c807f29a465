"""Flows: how each stands, whether its systems fit, and runs of it."""

from typing import Annotated, Any, Literal

from ninja import Body, Router, Schema
from pydantic import Field

from ml_connector.flows.answers.health import find_worst, judge_flow
from ml_connector.flows.requests import RunWish, render_request
from ml_connector.ports import Right, RunRow
from ml_connector.web.api.calls import verify_key
from ml_connector.web.api.connections import CHECKS_MAX, ChecksOut
from ml_connector.web.api.paging import ROWS_DEFAULT, After, Limit, Page, walk_page
from ml_connector.web.api.runs import RunOut
from ml_connector.web.api.shapes import (
    Asked,
    IdempotencyKey,
    Key,
    PathName,
    Told,
    finding,
)
from ml_connector.web.guards import Asked as Request
from ml_connector.web.guards import needs

router = Router()
CHOSEN_MAX = 1_000
"""Summaries or causes that are chosen one by one; more are replayed all together."""
FINDINGS_MAX = 100
OWED_MAX = 2_000
"""Periods told that were touched since they were loaded."""
PARTS_MAX = 100
"""Members of one intersection."""


class OwedPeriod(Schema):
    """A period that was touched since it was last loaded."""

    ledger: str
    period: str


class FlowOut(Schema):
    """A flow and how it stands."""

    name: str
    kind: str
    source: str
    target: str
    last_run: RunOut | None
    owed: list[OwedPeriod] = Field(max_length=OWED_MAX)
    refused: int = Field(description="Summaries the model has not taken and nobody has settled.")


class FindingOut(Schema):
    """One thing a flow's health depends on, and what to do about it."""

    subject: str
    state: str
    tone: str = Field(description="good, idle, busy, waits or wrong.")
    sentence: str
    next_step: str


class HealthOut(Schema):
    """How a flow is; its worst finding says it."""

    worst: str
    tone: str
    findings: list[FindingOut] = Field(max_length=FINDINGS_MAX)


class RunAsked(Asked):
    """What a run shall do; without periods or months, all that was touched since the last load."""

    periods: list[Key] = Field(default=[], max_length=200, description="By the ledger's own names.")
    month_first: Key = Field(default="", description="Such as 2026-10.")
    month_last: Key = ""
    dry_run: bool = Field(default=False, description="Plan only; nothing is sent.")
    remap: bool = Field(default=False, description="Also periods a changed mapping affects.")
    against: Literal["", "shadow", "model"] = Field(
        default="", description="`model`: its word is taken for what it holds."
    )
    backfill: bool = Field(default=False, description="Read the periods whole again.")
    reconcile: bool = Field(default=False, description="Only compare, hop by hop; send nothing.")
    take: list[Key] = Field(
        default=[],
        max_length=1_000,
        description="Suppliers whose conflict is decided for the model.",
    )


class ReplayAsked(Asked):
    """Which refused summaries are sent again; all of the flow where nothing is chosen."""

    causes: list[Told] = Field(default=[], max_length=CHOSEN_MAX)
    keys: list[Annotated[list[Told], Field(max_length=PARTS_MAX)]] = Field(
        default=[], max_length=CHOSEN_MAX
    )


@router.get("", response=Page[FlowOut], summary="Every flow and how it stands, by name")
@needs(Right.SEE)
def list_flows(request: Request, after: After = "", limit: Limit = ROWS_DEFAULT) -> dict[str, Any]:
    """Their last runs, the periods they owe, what was refused."""
    names = sorted(request.house.project.flows)
    page = walk_page(names, after=after, limit=limit, find_key=str)
    return {**page, "items": [_tell(request, name) for name in page["items"]]}


@router.get("/{name}", response=FlowOut, summary="One flow and how it stands")
@needs(Right.SEE)
def show_flow(request: Request, name: PathName) -> dict[str, Any]:
    """Its last run, the periods it owes, what was refused."""
    with finding():
        return _tell(request, request.house.flow(name).name)


@router.get("/{name}/checks", response=ChecksOut, summary="Whether a flow's systems fit it")
@needs(Right.RUN)
def check_flow(request: Request, name: PathName) -> dict[str, Any]:
    """Model, actions and headers are looked up at the systems; this takes seconds."""
    with finding():
        flow = request.house.flow(name)
    return {"checks": list(request.house.check_flow(flow.name))[:CHECKS_MAX]}


@router.get("/{name}/health", response=HealthOut, summary="How a flow is, and why")
@needs(Right.SEE)
def show_health(request: Request, name: PathName) -> dict[str, Any]:
    """Last run, freshness, tie-out, what is unmapped or refused, credentials."""
    with finding():
        flow = request.house.flow(name)
    findings = judge_flow(request.house.load_flow_facts(flow.name), request.house.clock.now())
    worst = find_worst(findings)
    return {
        "worst": worst.word, "tone": str(worst.tone),
        "findings": [
            {"subject": one.subject, "state": one.state.word, "tone": str(one.state.tone),
             "sentence": one.sentence, "next_step": one.next_step}
            for one in findings[:FINDINGS_MAX]
        ],
    }  # fmt: skip


@router.post("/{name}/runs", response={202: RunOut}, summary="Start a run")
@needs(Right.RUN)
def start_run(
    request: Request,
    name: PathName,
    wanted: Annotated[RunAsked, Body()],
    idempotency_key: IdempotencyKey = "",
) -> RunRow:
    """A run is queued; poll it by the id that is answered."""
    with finding():
        flow = request.house.flow(name)
    asked = render_request(
        RunWish(
            periods=wanted.periods, month_first=wanted.month_first, month_last=wanted.month_last,
            is_dry=wanted.dry_run, remaps=wanted.remap, against=wanted.against, take=wanted.take,
            backfills=wanted.backfill,
        )
    )  # fmt: skip
    if wanted.reconcile:
        asked |= {"reconcile": True}
    key = verify_key(request, idempotency_key, asked)
    return request.house.enqueue_run(flow.name, asked, key=key)


@router.post("/{name}/replays", response={202: RunOut}, summary="Send refused summaries again")
@needs(Right.RUN)
def replay(
    request: Request,
    name: PathName,
    wanted: Annotated[ReplayAsked, Body()],
    idempotency_key: IdempotencyKey = "",
) -> RunRow:
    """After their mapping or the model was mended."""
    with finding():
        flow = request.house.flow(name)
    key = verify_key(request, idempotency_key, wanted.dict())
    return request.house.enqueue_replay(flow.name, wanted.dict(), key=key)


def _tell(request: Request, name: str) -> dict[str, Any]:
    flow, records = request.house.project.flows[name], request.house.records
    return {
        "name": name, "kind": flow.kind, "source": flow.source, "target": flow.target,
        "last_run": next(iter(records.runs.load_runs(flow=name, limit=1)), None),
        "owed": [
            {"ledger": ledger, "period": period}
            for ledger, period in sorted(records.batches.load_touched(name))[:OWED_MAX]
        ],
        "refused": records.loads.count_refused(name),
    }  # fmt: skip
