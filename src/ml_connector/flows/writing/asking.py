"""People's word on a plan: asked for once, given by others than its maker, for this plan alone."""

from datetime import timedelta
from decimal import Decimal

from ml_connector.errors import BlockedError
from ml_connector.flows.bench import BudgetBench, read_document
from ml_connector.flows.writing.approved import list_pairs
from ml_connector.flows.writing.held import read_held
from ml_connector.ports import Approval, ApprovalState, Json


class PlanNotApprovedError(BlockedError):
    """The plan was not approved, or is not this flow's."""

    code = "budgets.not-approved"


class PlanDriftedError(BlockedError):
    """What the ledger holds is no longer what the plan was made from."""

    code = "budgets.drifted"


def ask_people(bench: BudgetBench, run_id: str, plan: Json) -> Json:
    """The plan waits for as many people as the flow wants; nobody is asked when it wants none."""
    rules, now = bench.flow.approval, bench.clock.now()
    if not rules.people:
        return {"plan_hash": plan["plan_hash"], "needed": 0}
    moved = {currency: Decimal(text) for currency, text in plan["moved"].items()}
    is_large = rules.second_above is not None and any(
        amount > rules.second_above for amount in moved.values()
    )
    approval = bench.records.approvals.request_approval(
        Approval(
            plan_hash=plan["plan_hash"],
            flow=bench.flow.name,
            run_id=run_id,
            maker=bench.actor,
            needed=rules.people + is_large,
            amounts=moved,
            totals={"journals": plan["journals"]},
            state=ApprovalState.WAITING,
            made_at=now,
            expires_at=now + timedelta(days=rules.days),
        )
    )
    return {
        "plan_hash": approval.plan_hash,
        "needed": approval.needed,
        "expires_at": approval.expires_at.isoformat(timespec="seconds"),
    }


def verify_approved(bench: BudgetBench, plan_hash: str) -> Json:
    """The plan is approved, of this flow, made from what the ledger still holds; it is applied now.

    Raises:
        PlanNotApprovedError: It waits, was rejected, has expired, is stale, or nobody knows it.
        PlanDriftedError: The ledger has moved; the plan is stale from now on.
    """
    approval = bench.records.approvals.find_approval(plan_hash)
    state = approval.state if approval else None
    if approval is None or approval.flow != bench.flow.name or approval.plan_hash != plan_hash:
        raise _not_approved(bench, plan_hash, "is no plan of this flow")
    if state is ApprovalState.APPLIED:
        return {"plan_hash": plan_hash}
    if state is not ApprovalState.APPROVED:
        raise _not_approved(bench, plan_hash, f"is {state}")
    plan = dict(read_document(bench.archive, plan_hash))
    _verify_undrifted(bench, plan_hash, plan)
    bench.records.approvals.save_state(
        plan_hash, ApprovalState.APPLIED, before=ApprovalState.APPROVED
    )
    return {"plan_hash": plan_hash}


def _verify_undrifted(bench: BudgetBench, plan_hash: str, plan: Json) -> None:
    now = read_held(bench, list_pairs(bench, plan["approved"]))
    if now["document"] != plan["held"]:
        bench.records.approvals.save_state(
            plan_hash, ApprovalState.STALE, before=ApprovalState.APPROVED
        )
        raise PlanDriftedError(
            f"The ledger no longer holds what plan {plan_hash[:12]} was made from.",
            written="Nothing was posted; the plan is stale.",
            next_step=f"Make and approve a new one: `ml-connector run {bench.flow.name}`.",
            plan=plan_hash,
        )


def _not_approved(bench: BudgetBench, plan_hash: str, why: str) -> PlanNotApprovedError:
    return PlanNotApprovedError(
        f"Plan {plan_hash[:12]} {why}.",
        written="Nothing was posted.",
        next_step="See the plans that wait: `ml-connector approvals list`; or make a new one:"
        f" `ml-connector run {bench.flow.name}`.",
        plan=plan_hash,
    )
