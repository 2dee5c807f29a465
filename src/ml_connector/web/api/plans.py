"""Plans that wait for people, and what people say of them."""

from typing import Annotated, Any

from ninja import Body, Query, Router, Schema
from pydantic import Field, StringConstraints

from ml_connector.ports import Approval, ApprovalState, Right
from ml_connector.web.api.calls import verify_key
from ml_connector.web.api.runs import RunOut
from ml_connector.web.api.shapes import (
    ROWS_DEFAULT,
    ROWS_MAX,
    TEXT_MAX,
    Amount,
    Asked,
    Document,
    IdempotencyKey,
    Instant,
    Limit,
    PathName,
    Text,
    finding,
)
from ml_connector.web.guards import Asked as Request
from ml_connector.web.guards import needs

router = Router()
LINES_MAX = 5_000
"""Lines or suppliers shown of one plan."""
Reason = Annotated[
    str, StringConstraints(min_length=1, max_length=TEXT_MAX, pattern=r"^[^\x00]*\S[^\x00]*$")
]


class DecisionOut(Schema):
    """What one person said of a plan."""

    actor: str
    is_approval: bool
    reason: str
    at: Instant


class PlanOut(Schema):
    """A saved plan, and how it stands with the people who decide."""

    plan: str
    flow: str
    run_id: str
    maker: str
    state: ApprovalState
    needed: int
    approvals: int
    amounts: dict[str, Amount] = Field(description="What it moves, by currency.")
    totals: Document
    made_at: Instant
    expires_at: Instant
    decisions: list[DecisionOut]


class PlansOut(Schema):
    """Plans, newest first."""

    items: list[PlanOut]


class PlanLineOut(Schema):
    """One line of a plan's journals; debit positive."""

    ledger: str
    period: str
    part: str
    account: str
    text: str
    amount: Amount
    currency: str
    reverses: str


class ChangeOut(Schema):
    """What shall be otherwise of one supplier."""

    number: str
    name: str
    is_creation: bool
    before: Document
    after: Document


class PlanContentOut(Schema):
    """What a plan would write: journal lines, or changes of suppliers."""

    lines: list[PlanLineOut]
    suppliers: list[ChangeOut]


class DecisionAsked(Asked):
    """Why."""

    reason: Text = ""


class RejectionAsked(Asked):
    """Why; whoever made the plan reads it."""

    reason: Reason


class ApprovedOut(Schema):
    """A plan after an approval, and the run that writes it where that was enough."""

    plan: PlanOut
    run: RunOut | None


@router.get("", response=PlansOut, summary="Plans that wait for people, newest first")
@needs(Right.SEE)
def list_plans(
    request: Request,
    state: Annotated[list[ApprovalState] | None, Query(description="In one of these.")] = None,
    limit: Limit = ROWS_DEFAULT,
) -> dict[str, Any]:
    """Those that wait, unless states are named."""
    states = state or [ApprovalState.WAITING]
    found = request.house.records.approvals.load_approvals(states=states, limit=limit)
    return {"items": [_tell(one) for one in found]}


@router.get("/{plan}", response=PlanOut, summary="One plan")
@needs(Right.SEE)
def show_plan(request: Request, plan: PathName) -> dict[str, Any]:
    """By its hash, or an unambiguous beginning of it."""
    with finding():
        return _tell(request.house.find_approval(plan))


@router.get("/{plan}/content", response=PlanContentOut, summary="What a plan would write")
@needs(Right.SEE)
def show_content(request: Request, plan: PathName) -> dict[str, Any]:
    """Every line of its journals, or every change of a supplier."""
    with finding():
        found = request.house.find_approval(plan)
        is_suppliers = request.house.writing_flow(found.flow).kind == "suppliers"
    if is_suppliers:
        revisions = request.house.list_revisions(found)[:LINES_MAX]
        return {"lines": [], "suppliers": [_tell_revision(one) for one in revisions]}
    return {"lines": request.house.list_planned(found)[:LINES_MAX], "suppliers": []}


@router.post("/{plan}/approve", response=ApprovedOut, summary="Approve a plan of somebody else's")
@needs(Right.DECIDE)
def approve(
    request: Request,
    plan: PathName,
    wanted: Annotated[DecisionAsked, Body()],
    idempotency_key: IdempotencyKey = "",
) -> dict[str, Any]:
    """Once enough people have, the run that writes exactly this plan is queued."""
    with finding():
        found = request.house.find_approval(plan)
    key = verify_key(request, idempotency_key, {"approve": found.plan_hash})
    decided, run = request.house.approve_plan(found.plan_hash, reason=wanted.reason, key=key)
    return {"plan": _tell(decided), "run": run}


@router.post("/{plan}/reject", response=PlanOut, summary="Reject a plan")
@needs(Right.DECIDE)
def reject(
    request: Request, plan: PathName, wanted: Annotated[RejectionAsked, Body()]
) -> dict[str, Any]:
    """It is never written; a reason is wanted."""
    with finding():
        found = request.house.find_approval(plan)
    decided = request.house.decide(found.plan_hash, approves=False, reason=wanted.reason)
    return _tell(decided)


def _tell(one: Approval) -> dict[str, Any]:
    fields = ("flow", "run_id", "maker", "state", "needed", "approvals", "amounts", "totals",
              "made_at", "expires_at", "decisions")  # fmt: skip
    told = {name: getattr(one, name) for name in fields}
    return {**told, "plan": one.plan_hash, "decisions": list(one.decisions)[:ROWS_MAX]}


def _tell_revision(one: Any) -> dict[str, Any]:
    told = {name: getattr(one, name) for name in ("number", "name", "is_creation")}
    return {**told, "before": dict(one.before), "after": dict(one.after)}
