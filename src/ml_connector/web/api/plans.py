"""Plans that wait for people, and what people say of them."""

from typing import Annotated, Any

from ninja import Body, Query, Router, Schema
from pydantic import Field, StringConstraints

from ml_connector.ports import Approval, ApprovalState, Right
from ml_connector.web.api.calls import verify_key
from ml_connector.web.api.paging import (
    ROWS_DEFAULT,
    ROWS_MAX,
    After,
    Limit,
    Page,
    begin_after,
    cut_page,
    read_number,
)
from ml_connector.web.api.runs import RunOut
from ml_connector.web.api.shapes import (
    TEXT_MAX,
    Amount,
    Asked,
    Document,
    IdempotencyKey,
    Instant,
    OfFlow,
    PathName,
    Text,
    finding,
)
from ml_connector.web.guards import Asked as Request
from ml_connector.web.guards import needs

router = Router()
DECISIONS_MAX = ROWS_MAX
"""People who have said something of one plan."""
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
    decisions: list[DecisionOut] = Field(max_length=DECISIONS_MAX)

    @staticmethod
    def resolve_plan(one: Any) -> str:
        """Its hash names it."""
        return str(one.plan_hash)


class PlanLineOut(Schema):
    """One line of a plan's journals; debit positive."""

    number: int
    ledger: str
    period: str
    part: str
    account: str
    text: str = Field(description="The account as people write it, where it was asked for.")
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


class DecisionAsked(Asked):
    """Why."""

    reason: Text = ""


class RejectionAsked(Asked):
    """Why; whoever made the plan reads it."""

    reason: Reason


class StandingPlanOut(PlanOut):
    """A plan, and whether the caller may decide on it."""

    barred: str = Field(description="Why the caller may not decide on it now; empty: they may.")

    @staticmethod
    def resolve_plan(one: Any) -> str:
        """The other fields come beside it by their names."""
        return str(one["plan"])


class ApprovedOut(Schema):
    """A plan after an approval, and the run that writes it where that was enough."""

    plan: PlanOut
    run: RunOut | None


@router.get("", response=Page[PlanOut], summary="Plans that wait for people, newest first")
@needs(Right.SEE)
def list_plans(
    request: Request,
    state: Annotated[list[ApprovalState] | None, Query(description="In one of these.")] = None,
    flow: OfFlow = "",
    after: After = "",
    limit: Limit = ROWS_DEFAULT,
) -> dict[str, Any]:
    """Those that wait, unless states are named."""
    states, store = state or [ApprovalState.WAITING], request.house.records.approvals
    before = begin_after(after, store.find_approval)
    rows = store.load_approvals(flow=flow or None, states=states, before=before, limit=limit + 1)
    return cut_page(rows, limit=limit, find_key=lambda one: one.plan_hash)


@router.get("/{plan}", response=StandingPlanOut, summary="One plan")
@needs(Right.SEE)
def show_plan(request: Request, plan: PathName) -> dict[str, Any]:
    """By its hash, or an unambiguous beginning of it."""
    found, house = _find(request, plan), request.house
    told = StandingPlanOut.model_fields.keys() - {"plan", "barred"}
    bar = house.records.approvals.find_bar(found.plan_hash, actor=house.actor)
    return {**{name: getattr(found, name) for name in told}, "plan": found.plan_hash, "barred": bar}


@router.get("/{plan}/lines", response=Page[PlanLineOut], summary="Lines a plan would post")
@needs(Right.SEE)
def list_lines(
    request: Request,
    *,
    plan: PathName,
    names: Annotated[bool, Query(description="Ask the ERP for the accounts' names.")] = False,
    after: After = "",
    limit: Limit = ROWS_DEFAULT,
) -> dict[str, Any]:
    """Every line of its journals, in the order they are posted; none of a plan of suppliers."""
    found, start = _find(request, plan), read_number(after)
    lines = request.house.list_planned_page(found, start=start, limit=limit + 1, named=names)
    told = [{**line._asdict(), "number": start + at} for at, line in enumerate(lines, start=1)]
    return cut_page(told, limit=limit, find_key=lambda one: str(one["number"]))


@router.get("/{plan}/changes", response=Page[ChangeOut], summary="Suppliers a plan would change")
@needs(Right.SEE)
def list_changes(
    request: Request, plan: PathName, after: After = "", limit: Limit = ROWS_DEFAULT
) -> dict[str, Any]:
    """What each is to be otherwise; none of a plan of journals."""
    found, start = _find(request, plan), read_number(after)
    rows = request.house.list_revisions_page(found, start=start, limit=limit + 1)
    more = len(rows) > limit
    return {"items": rows[:limit], "next": str(start + limit) if more else None}


@router.post("/{plan}/approve", response=ApprovedOut, summary="Approve a plan of somebody else's")
@needs(Right.DECIDE)
def approve(
    request: Request,
    plan: PathName,
    wanted: Annotated[DecisionAsked, Body()],
    idempotency_key: IdempotencyKey = "",
) -> dict[str, Any]:
    """Once enough people have, the run that writes exactly this plan is queued."""
    found = _find(request, plan)
    key = verify_key(request, idempotency_key, {"approve": found.plan_hash})
    decided, run = request.house.approve_plan(found.plan_hash, reason=wanted.reason, key=key)
    return {"plan": decided, "run": run}


@router.post("/{plan}/reject", response=PlanOut, summary="Reject a plan")
@needs(Right.DECIDE)
def reject(request: Request, plan: PathName, wanted: Annotated[RejectionAsked, Body()]) -> Approval:
    """It is never written; a reason is wanted."""
    found = _find(request, plan)
    return request.house.reject_plan(found.plan_hash, reason=wanted.reason)


def _find(request: Request, plan: str) -> Approval:
    with finding():
        return request.house.find_approval(plan)
