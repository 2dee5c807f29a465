"""People's word on a plan: asked for once, given by others than its maker, for this plan alone."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from ml_connector.errors import BlockedError, BusyError
from ml_connector.flows.bench import BudgetBench, WritingBench, read_document
from ml_connector.flows.writing.approved import list_pairs
from ml_connector.flows.writing.held import read_held
from ml_connector.flows.writing.replacing import read_earlier
from ml_connector.ports import Approval, ApprovalState, Json


class PlanNotApprovedError(BlockedError):
    """The plan was not approved, or is not this flow's."""

    code = "plan.not-approved"


class PlanAppliedError(BlockedError):
    """Another run has applied the plan; what it left undone only its own resume may do."""

    code = "plan.applied-before"


class PlanDriftedError(BlockedError):
    """What the ledger holds is no longer what the plan was made from."""

    code = "budgets.drifted"


class OtherErpError(BlockedError):
    """The plan was made from another ERP than the flow writes now."""

    code = "plan.other-erp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What people are asked.

    Attributes:
        plan_hash: The saved plan.
        run_id: The run that made it.
        needed: People besides the maker who must approve; nobody is asked when it is none.
        days: How long the plan waits.
        amounts: What it moves, by currency.
        totals: What else a list of plans may show.
        supersedes: Whether it says anew what is wanted, which a reversal does not.
    """

    plan_hash: str
    run_id: str
    needed: int
    days: int
    amounts: Mapping[str, Decimal] = field(default_factory=dict)
    totals: Json = field(default_factory=dict)
    supersedes: bool = True


def ask_budget(bench: BudgetBench, run_id: str, plan: Json) -> Question:
    """The question about a budget: a large one needs one person more."""
    rules = bench.flow.approval
    moved = {currency: Decimal(text) for currency, text in plan["moved"].items()}
    is_large = rules.second_above is not None and any(
        amount > rules.second_above for amount in moved.values()
    )
    return Question(
        plan_hash=plan["plan_hash"],
        run_id=run_id,
        needed=rules.people + bool(rules.people and is_large),
        days=rules.days,
        amounts=moved,
        totals={"journals": plan["journals"]},
    )


def ask_people(bench: WritingBench, question: Question) -> Json:
    """The plan waits for as many people as the flow wants; nobody is asked when it wants none.

    Its maker is who started the run: whoever resumed it, or lent it a process, has not decided what
    it plans. The records let those who resumed it approve as little. Older plans of the flow are
    over: what people were asked about then is not what is wanted now.
    """
    if question.supersedes:
        retire_plans(bench, but=question.plan_hash)
    if not question.needed:
        return {"plan_hash": question.plan_hash, "needed": 0}
    now = bench.clock.now()
    approval = bench.records.approvals.request_approval(
        Approval(
            plan_hash=question.plan_hash,
            flow=bench.flow.name,
            run_id=question.run_id,
            maker=bench.records.runs.load_run(question.run_id).actor,
            needed=question.needed,
            amounts=question.amounts,
            totals=question.totals,
            state=ApprovalState.WAITING,
            made_at=now,
            expires_at=now + timedelta(days=question.days),
        )
    )
    return {
        "plan_hash": approval.plan_hash,
        "needed": approval.needed,
        "expires_at": approval.expires_at.isoformat(timespec="seconds"),
    }


def retire_plans(bench: WritingBench, *, but: str = "") -> Json:
    """No plan of the flow that waits, or is approved and not applied, is ever applied any more.

    Args:
        bench: Of the flow.
        but: The plan that is not retired; empty when the newest look found nothing to write.
    """
    retired = 0
    states = [ApprovalState.WAITING, ApprovalState.APPROVED]
    for one in bench.records.approvals.load_approvals(flow=bench.flow.name, states=states):
        if one.plan_hash != but:
            # Applied this very moment it is no longer in that state, and stays as it is.
            with suppress(BusyError):
                bench.records.approvals.save_state(
                    one.plan_hash, ApprovalState.STALE, before=one.state
                )
                retired += 1
    return {"retired": retired}


def apply_once(
    bench: WritingBench, plan_hash: str, run_id: str, verify: Callable[[], None] = lambda: None
) -> Json:
    """The plan is approved, of this flow, and applied by this run alone; told again it still is.

    Args:
        bench: Of the flow.
        plan_hash: The plan.
        run_id: The run that applies it.
        verify: Raises when what the plan was made from has moved.

    Raises:
        PlanAppliedError: Another run has applied it: a newer plan may have written the same since.
        PlanNotApprovedError: It waits, was rejected, has expired, is stale, or nobody knows it.
    """
    approval = bench.records.approvals.find_approval(plan_hash)
    state = approval.state if approval else None
    if approval is None or approval.flow != bench.flow.name or approval.plan_hash != plan_hash:
        raise _not_approved(bench, plan_hash, "is no plan of this flow")
    if state is ApprovalState.APPLIED:
        _verify_applier(bench, approval, run_id)
        return {"plan_hash": plan_hash}
    if state is not ApprovalState.APPROVED:
        raise _not_approved(bench, plan_hash, f"is {state}")
    verify()
    bench.records.approvals.save_state(
        plan_hash, ApprovalState.APPLIED, before=ApprovalState.APPROVED, run_id=run_id
    )
    return {"plan_hash": plan_hash}


def _verify_applier(bench: WritingBench, approval: Approval, run_id: str) -> None:
    """It is this run that applies the plan; nothing was posted between its word and this one."""
    if approval.applied_run == run_id:
        return
    other = approval.applied_run
    by = f"by run {other}" if other else "before"
    resume = f"Let that run go on: `ml-connector runs resume {other}`; or make" if other else "Make"
    raise PlanAppliedError(
        f"Plan {approval.plan_hash[:12]} of flow {bench.flow.name} was applied {by}.",
        written=f"Nothing was posted by run {run_id}.",
        next_step=f"{resume} a new plan: `ml-connector run {bench.flow.name}`.",
        plan=approval.plan_hash,
        run=other,
    )


def verify_applicable(bench: BudgetBench, plan_hash: str) -> None:
    """The plan is of this ERP, and the ledger still holds what it was made from.

    Raises:
        OtherErpError: It is of another ERP, whose ledger nobody has looked at.
        PlanDriftedError: The ledger has moved; the plan is stale from now on.
    """
    verify_connection(bench, plan_hash)
    try:
        verify_undrifted(bench, plan_hash)
    except PlanDriftedError:
        bench.records.approvals.save_state(
            plan_hash, ApprovalState.STALE, before=ApprovalState.APPROVED
        )
        raise


def verify_connection(bench: WritingBench, plan_hash: str) -> None:
    """The plan was made from the ERP that the flow writes now.

    Raises:
        OtherErpError: It was made from another one.
    """
    plan, source = read_document(bench.archive, plan_hash), bench.source
    if plan["connection"] != source.connection:
        raise OtherErpError(
            f"Plan {plan_hash[:12]} was made for {plan['connection']}, and flow {bench.flow.name}"
            f" writes {source.connection} now.",
            written=f"Nothing was written into {source.connection}.",
            next_step=f"Set `target` of flows/{bench.flow.name}.yaml back, or make a new plan:"
            f" `ml-connector run {bench.flow.name}`.",
            plan=plan_hash,
        )
    verify_address(bench, plan, what=f"Plan {plan_hash[:12]} was made for")


def verify_address(bench: WritingBench, held: Json, *, what: str) -> None:
    """The flow's ERP is where it was then; what an earlier version held does not say where.

    Raises:
        OtherErpError: Somebody has changed the connection since; the same name is another ERP.
    """
    source = bench.source
    was = held.get("address") or source.address
    if was != source.address:
        raise OtherErpError(
            f"{what} {source.connection} at {was}, and that connection leads to {source.address}"
            " now.",
            written="Nothing more was written.",
            next_step=f"Set connections/{source.connection}.yaml back and resume the run, or begin"
            f" anew: `ml-connector run {bench.flow.name}`.",
            connection=source.connection,
        )


def verify_undrifted(bench: BudgetBench, plan_hash: str) -> None:
    """The ledger still holds what the plan was made from.

    Raises:
        PlanDriftedError: The ledger has moved.
    """
    plan = dict(read_document(bench.archive, plan_hash))
    now = read_held(bench, list_pairs(bench, plan["approved"]), plan_hash=plan_hash)
    is_moved = now["document"] != plan["held"]
    if is_moved or _find_earlier(bench, plan, plan_hash) != plan.get("earlier", ""):
        raise PlanDriftedError(
            f"The ledger no longer holds what plan {plan_hash[:12]} was made from.",
            written="Nothing was posted.",
            next_step=f"Make a new one: `ml-connector run {bench.flow.name}`.",
            plan=plan_hash,
        )


def _find_earlier(bench: BudgetBench, plan: Json, plan_hash: str) -> str:
    """The document of what a plan that replaces would take back now; empty for other plans.

    A journal may have been taken back, and its amounts entered by hand: the ledger holds the same.
    """
    if not plan.get("earlier"):
        return ""
    found = read_earlier(bench, plan["approved"], plan["held"], plan_hash=plan_hash)
    return str(found["document"])


def _not_approved(bench: WritingBench, plan_hash: str, why: str) -> PlanNotApprovedError:
    return PlanNotApprovedError(
        f"Plan {plan_hash[:12]} {why}.",
        written="Nothing was posted.",
        next_step="See the plans that wait: `ml-connector approvals list`; or make a new one:"
        f" `ml-connector run {bench.flow.name}`.",
        plan=plan_hash,
    )
