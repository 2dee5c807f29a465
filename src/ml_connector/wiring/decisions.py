"""What people decide about writes: plans approved or rejected, postings settled or taken back."""

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING

from ml_connector.errors import UsageError
from ml_connector.ports import (
    Approval,
    ApprovalState,
    Json,
    Posting,
    RefusedSummary,
    RunRow,
)
from ml_connector.settings import ActualsFlow, BudgetFlow, SupplierFlow
from ml_connector.wiring.parts import Part

if TYPE_CHECKING:
    from ml_connector.domain.journals import JournalLine
    from ml_connector.flows.answers.refusals import Refusal
    from ml_connector.flows.answers.saved_plans import SavedPlan
    from ml_connector.flows.bench import BudgetBench, SupplierBench
    from ml_connector.flows.revising.changes import Revision
    from ml_connector.flows.writing.journals import PlannedLine


class Decisions(Part):
    """The deciding half of a house; the house itself supplies records, benches and runs."""

    if TYPE_CHECKING:

        def budget_bench(self, flow: BudgetFlow) -> BudgetBench:
            """The bench of a budget flow."""

        def supplier_bench(self, flow: SupplierFlow) -> SupplierBench:
            """The bench of a supplier flow."""

        def run(self, flow_name: str, request: Json) -> RunRow:
            """A run of the flow, executed to its end."""

        def verify_not_sending(self, run_id: str) -> None:
            """No process can still send what the run has begun to send."""

    def writing_flow(self, name: str) -> BudgetFlow | SupplierFlow:
        """The settings of a flow that writes into an ERP.

        Raises:
            UsageError: No such flow, or one of another kind.
        """
        flow = self.flow(name)
        return flow if isinstance(flow, SupplierFlow) else self.budget_flow(name)

    def budget_flow(self, name: str) -> BudgetFlow:
        """The settings of a flow that posts.

        Raises:
            UsageError: No such flow, or one of another kind.
        """
        flow = self.flow(name)
        if not isinstance(flow, BudgetFlow):
            raise UsageError(
                f"The flow {name} is a {flow.kind} flow; it posts nothing into an ERP.",
                written="Nothing was read or sent.",
                next_step="Name a budget flow.",
                flow=name,
            )
        return flow

    def find_approval(self, plan: str) -> Approval:
        """The plan that waits, by its hash or the beginning of it.

        Raises:
            UsageError: No such plan, or the beginning fits several.
        """
        found = self.records.approvals.find_approval(plan)
        if found is None:
            raise UsageError(
                f"There is no plan {plan!r}.",
                written="Nothing was changed.",
                next_step="List them: `ml-connector approvals list`.",
                plan=plan,
            )
        return found

    def list_planned(self, approval: Approval) -> "list[PlannedLine]":
        """Every line of the plan, with the account as people write it where the ERP tells."""
        from ml_connector.flows.writing.journals import list_planned  # noqa: PLC0415 - start-up.

        return list_planned(self.budget_bench(self.budget_flow(approval.flow)), approval.plan_hash)

    def list_planned_page(
        self, approval: Approval, *, start: int, limit: int, named: bool = False
    ) -> "list[PlannedLine]":
        """Lines of the plan from `start` on; none of a plan of suppliers.

        Where they are to be named, with accounts as people write them: the ERP is asked.
        """
        from ml_connector.flows.writing.journals import walk_planned  # noqa: PLC0415 - start-up.

        plan = self.load_plan_document(approval)
        if "journals" not in plan:
            return []
        texts = self.read_account_texts(approval) if named else {}
        return list(islice(walk_planned(self.archive, plan, texts=texts, start=start), limit))

    def list_revisions_page(
        self, approval: Approval, *, start: int, limit: int
    ) -> "list[Revision]":
        """Suppliers of the plan from `start` on; none of a plan of journals."""
        from ml_connector.flows.answers.plans_listings import (  # noqa: PLC0415 - start-up time.
            read_revisions,
        )

        plan = self.load_plan_document(approval)
        if "chunks" not in plan:
            return []
        return read_revisions(self.archive, plan, start=start, count=limit)

    def load_plan_document(self, approval: Approval) -> Json:
        """The plan's own document, exactly as people are asked about it."""
        from ml_connector.flows.bench import read_document  # noqa: PLC0415 - start-up time.

        return dict(read_document(self.archive, approval.plan_hash))

    def read_account_texts(self, approval: Approval) -> Mapping[tuple[str, str], str]:
        """Accounts of a plan of journals as people write them; the ERP is asked.

        Raises:
            ConnectorError: The ERP does not answer, or its flow is not there any more.
        """
        from ml_connector.flows.writing.journals import read_texts  # noqa: PLC0415 - start-up time.

        plan = self.load_plan_document(approval)
        bench = self.budget_bench(self.budget_flow(approval.flow))
        return read_texts(bench, {row["ledger"] for row in plan["journals"]})

    def load_saved_plan(self, key: str) -> "SavedPlan":
        """The plan of actuals of that hash, or the one that the run of that id has made.

        Raises:
            ForgottenPlanError: There is none.
        """
        from ml_connector.flows.answers.saved_plans import (  # noqa: PLC0415 - start-up time.
            load_saved_plan,
        )

        return load_saved_plan(self.records, self.archive, key)

    def list_tripped(self, plan: "SavedPlan") -> tuple[str, ...]:
        """The guards of its flow that a saved plan trips, as the flow is set now."""
        flow = self.project.flows.get(plan.row.flow)
        return plan.find_tripped(flow) if isinstance(flow, ActualsFlow) else ()

    def join_refusal(self, summary: RefusedSummary) -> "Refusal":
        """A refused summary of actuals, joined to its journal lines."""
        from ml_connector.flows.answers.refusals import read_refusal  # noqa: PLC0415 - start-up.

        flow = self.flow(summary.flow)
        assert isinstance(flow, ActualsFlow), "only summaries of lines have lines"
        return read_refusal(self.actuals_bench(flow), summary)

    def list_revisions(self, approval: Approval) -> "list[Revision]":
        """Every supplier of the plan, with what shall be otherwise of it."""
        from ml_connector.flows.bench import read_document  # noqa: PLC0415 - start-up time.
        from ml_connector.flows.revising.changes import parse_chunk  # noqa: PLC0415 - as above.

        chunks = read_document(self.archive, approval.plan_hash)["chunks"]
        return [one for chunk in chunks for one in parse_chunk(self.archive, chunk)]

    def find_revision(self, posting: Posting) -> "Revision":
        """What was sent of the posting's supplier."""
        from ml_connector.flows.revising.changes import find_revision  # noqa: PLC0415 - start-up.

        return find_revision(self.archive, posting)

    def list_posted(self, posting: Posting) -> "tuple[JournalLine, ...]":
        """Every line that was sent under the posting's key."""
        from ml_connector.flows.bench import read_document  # noqa: PLC0415 - start-up time.
        from ml_connector.flows.writing.journals import parse_journal  # noqa: PLC0415 - as above.

        return parse_journal(read_document(self.archive, posting.content_hash)).lines

    def decide(self, plan: str, *, approves: bool, reason: str) -> Approval:
        """The decision of whoever acts is stored; the plan as it stands now."""
        found = self.find_approval(plan)
        with self.records.transactions.begin(f"the decision on plan {found.plan_hash}"):
            decided = self.records.approvals.decide(
                found.plan_hash, actor=self.actor, approves=approves, reason=reason
            )
            self.records.audit.record(
                "plan.approved" if approves else "plan.rejected",
                subject=found.plan_hash,
                actor=self.actor,
                run_id=found.run_id,
                flow=found.flow,
                reason=reason,
            )
        return decided

    def apply_approved(self, approval: Approval) -> RunRow:
        """The run that posts exactly the approved plan."""
        assert approval.state is ApprovalState.APPROVED, "only an approved plan is applied"
        return self.run(approval.flow, {"apply": approval.plan_hash})

    def find_posting(self, key: str) -> Posting:
        """The posting of this key.

        Raises:
            UsageError: There is none.
        """
        found = self.records.postings.find_posting(key.upper())
        if found is None:
            raise UsageError(
                f"There is no posting {key!r}.",
                written="Nothing was changed.",
                next_step="List them: `ml-connector postings list`.",
                posting=key,
            )
        return found

    def settle_posting(self, key: str) -> tuple[Posting, str]:
        """The posting after a look at the ERP, and what was seen there.

        Raises:
            BusyError: A process has its run and may send it yet.
        """
        from ml_connector.domain.money import exact_money  # noqa: PLC0415 - start-up time.
        from ml_connector.flows.writing.settling import settle_posting  # noqa: PLC0415 - as above.

        posting = self.find_posting(key)
        self.verify_not_sending(posting.run_id)
        flow = self.writing_flow(posting.flow)
        with exact_money():
            if isinstance(flow, SupplierFlow):
                from ml_connector.flows.revising.settling import (  # noqa: PLC0415 - as above.
                    settle_supplier,
                )

                return settle_supplier(self.supplier_bench(flow), posting)
            settled, found = settle_posting(self.budget_bench(flow), posting.posting_key)
        return settled, f"{found.state} ({', '.join(found.documents) or 'no document'})"

    def reverse_posting(self, key: str) -> RunRow:
        """The run that takes the posting back, or plans it and asks."""
        posting = self.find_posting(key)
        return self.run(self.writing_flow(posting.flow).name, {"reverse": posting.posting_key})
