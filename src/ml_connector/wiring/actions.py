"""What people start from pages and programs: runs that nobody waits for, told where they are."""

import hashlib
import json
from typing import TYPE_CHECKING, Any

from ml_connector.errors import SystemUnavailableError, UsageError
from ml_connector.ports import (
    UNFINISHED_STATES,
    Approval,
    ApprovalState,
    AskedRun,
    Json,
    Posting,
    RunRow,
    RunState,
)
from ml_connector.wiring.parts import Part
from ml_connector.wiring.serving import ServedEngine
from ml_connector.wiring.workers import is_shared

HASH_SHOWN = 12
TAKEN = frozenset({RunState.QUEUED, RunState.RUNNING})


class NotReadyError(SystemUnavailableError):
    """The process that is asked does not execute runs yet."""

    code = "actions.not-ready"


class NothingRefusedError(UsageError):
    """There is nothing refused to be sent again."""

    code = "actions.nothing-refused"


class NotApplicableError(UsageError):
    """The plan is not one that is applied from here, or not any more."""

    code = "actions.not-applicable"


class ReasonMissingError(UsageError):
    """Somebody rejects a plan and does not say why."""

    code = "approvals.reason-missing"


class Actions(Part):
    """The asking half of a house whose process executes runs; the person waits for none of them.

    A `key` is one form's or one call's: told again it stands for the run it has started.
    """

    if TYPE_CHECKING:

        def _desk(self, engine: Any = None) -> Any: ...

        def _verify_resumable(self, run_id: str) -> RunRow: ...

        def find_approval(self, plan: str) -> Approval:
            """The plan that waits, by its hash or the beginning of it."""

        def find_posting(self, key: str) -> Posting:
            """The posting of this key."""

        def decide(self, plan: str, *, approves: bool, reason: str) -> Approval:
            """The decision of whoever acts is stored."""

    def enqueue_run(self, flow_name: str, request: Json, *, key: str = "") -> RunRow:
        """A run of the flow is recorded and handed to whoever executes runs, once for each key.

        Raises:
            UnfitRequestError: The flow does not do what is asked.
            BusyError: The flow has an unfinished run; names it.
            NotReadyError: Nobody takes runs here yet; nothing was started.
        """
        from ml_connector.flows.requests import verify_request  # noqa: PLC0415 - start-up time.
        from ml_connector.flows.runs import record_run  # noqa: PLC0415 - start-up time.

        flow = self.flow(flow_name)
        verify_request(flow.name, flow.kind, request)
        engine, run_id = self._find_hand(), self.new_run_id()
        queue = self._find_queue(flow.name)
        with self.records.transactions.begin(f"the request for run {run_id}"):
            known = self._claim(flow.name, request, key=key, run_id=run_id)
            if known == run_id:
                record_run(
                    self.records, run_id=run_id, flow=flow.name, kind=flow.kind, actor=self.actor,
                    request=request,
                )  # fmt: skip
        row = self.records.runs.load_run(known)
        if row.state is RunState.QUEUED:
            # Also one that was recorded before: whoever did may have died before this line, and
            # the same id twice is one run.
            engine.start(flow=flow.name, run_id=known, request=request, queue_key=queue)
        return row

    def enqueue_retry(self, run_id: str, *, key: str = "") -> RunRow:
        """A new run with the scope of an earlier one is queued.

        Raises:
            NotApplicableError: As `find_retried`.
        """
        earlier = self.records.runs.load_run(run_id)
        if not self._find_asked(earlier.flow, earlier.request, key=key):
            self.find_retried(run_id)
        return self.enqueue_run(earlier.flow, earlier.request, key=key)

    def find_retried(self, run_id: str) -> RunRow:
        """The run, whose scope can be run anew.

        Raises:
            NotApplicableError: It applied a plan that people had approved. What it left undone only
                its own resume may do: by now a newer plan may have written the same amounts.
        """
        run = self.records.runs.load_run(run_id)
        plan = str(run.request.get("apply") or "")
        found = self.records.approvals.find_approval(plan) if plan else None
        if found is None or found.state is not ApprovalState.APPLIED:
            return run
        raise NotApplicableError(
            f"The plan {plan[:HASH_SHOWN]} of run {run.run_id} was applied before.",
            written="Nothing was sent.",
            next_step=f"Let that run go on: `ml-connector runs resume {run.run_id}`; or make a new"
            f" plan: `ml-connector run {run.flow}`.",
            plan=plan, run=run.run_id,
        )  # fmt: skip

    def enqueue_resume(self, run_id: str) -> RunRow:
        """A stopped run is queued and goes on at its first missing step.

        One that is executed is left alone. One that is queued is handed over once more: whoever
        has recorded it may have died before doing so.

        Raises:
            NotResumableError: It has ended.
            SupersededRunError: A later run of the flow may have written since it stopped.
            OtherVersionError: It is another version's; nothing was changed.
        """
        from ml_connector.flows.runs import requeue_run  # noqa: PLC0415 - start-up time.

        run = self._verify_resumable(run_id)
        if run.state is RunState.QUEUED:
            self._find_hand().start(
                flow=run.flow, run_id=run.run_id, request=run.request,
                queue_key=self._find_queue(run.flow),
            )  # fmt: skip
        if run.state in TAKEN:
            return run
        return requeue_run(self._desk(self._find_hand()), run.run_id)

    def enqueue_replay(
        self, flow_name: str, chosen: Json | None = None, *, key: str = ""
    ) -> RunRow:
        """A run that sends refused summaries again is queued: all of the flow, or the chosen ones.

        Args:
            flow_name: An actuals flow.
            chosen: `causes`, each with all that was refused for it; or `keys`, one by one.
            key: See above.

        Raises:
            NothingRefusedError: Nothing is refused, or nothing for a cause that was chosen.
        """
        request: Json = {"replay": True}
        if chosen and any(chosen.values()):
            request["chosen"] = {name: list(its) for name, its in chosen.items() if its}
        self._verify_refused(flow_name, request.get("chosen", {}))
        return self.enqueue_run(flow_name, request, key=key)

    def enqueue_reversal(self, posting_key: str, *, key: str = "") -> RunRow:
        """A run is queued that plans to take the posting back; others approve it like any plan."""
        posting = self.find_posting(posting_key)
        return self.enqueue_run(posting.flow, {"reverse": posting.posting_key}, key=key)

    def enqueue_plan(self, plan_hash: str, *, key: str = "") -> RunRow:
        """A run is queued that loads exactly this saved plan of actuals, or refuses it as stale.

        Raises:
            NotApplicableError: There is no such plan.
        """
        plan = self.records.loads.find_plan(plan_hash)
        if plan is None:
            raise NotApplicableError(
                f"There is no plan {plan_hash[:HASH_SHOWN]} of actuals.",
                written="Nothing was sent.",
                next_step="Make one: `ml-connector plan FLOW`.",
                plan=plan_hash,
            )
        request = {"apply": plan_hash, "members": list(plan.periods), "totals": plan.totals}
        return self.enqueue_run(plan.flow, request, key=key)

    def approve_plan(
        self, plan: str, *, reason: str = "", key: str = ""
    ) -> tuple[Approval, RunRow | None]:
        """The person has approved; where that was enough, the run that writes is queued.

        Approved and not applied, as after an interruption, it is only queued.

        Raises:
            BlockedError: They may not, or not any more; says why.
            BusyError: The flow has an unfinished run: the plan is approved, and not written yet.
        """
        found = self.find_approval(plan)
        wanted = {"apply": found.plan_hash}
        if run_id := self._find_asked(found.flow, wanted, key=key):
            return found, self.records.runs.load_run(run_id)
        if found.state is not ApprovalState.APPROVED:
            found = self.decide(found.plan_hash, approves=True, reason=reason)
        if found.state is not ApprovalState.APPROVED:
            return found, None
        return found, self.enqueue_run(found.flow, wanted, key=key)

    def reject_plan(self, plan: str, *, reason: str) -> Approval:
        """The person has rejected; the plan is never written.

        Raises:
            ReasonMissingError: No reason is given.
            BlockedError: They may not, or not any more; says why.
        """
        if not reason.strip():
            raise ReasonMissingError(
                "A rejection wants a reason.",
                written="Nothing was changed.",
                next_step="Give one: `--reason TEXT`, or in the comment.",
            )
        return self.decide(plan, approves=False, reason=reason)

    def find_unfinished(self, flow_name: str) -> RunRow | None:
        """The run that keeps the flow busy, if any."""
        run = self.records.runs.find_unfinished(self.flow(flow_name).name)
        return run if run is not None and run.state in UNFINISHED_STATES else None

    def _verify_refused(self, flow_name: str, chosen: Json) -> None:
        count = self.records.loads.count_refused(flow_name)
        tallies = self.records.loads.load_tallies(flows=[flow_name]) if "causes" in chosen else []
        odd = set(chosen.get("causes", ())) - {one.cause for one in tallies}
        # Of more causes than are told here the rare ones may be any.
        if count and not (odd and sum(one.count for one in tallies) >= count):
            return
        named = f" for: {'; '.join(sorted(odd))}" if count else ""
        raise NothingRefusedError(
            f"Flow {flow_name} has no refused summaries{named}.",
            written="Nothing was sent.",
            next_step="See what is refused, and why: GET /api/v1/refused."
            if count
            else "See what became of its last run.",
            flow=flow_name,
        )

    def _find_queue(self, flow_name: str) -> str:
        # On SQLite the server itself finds the place of what is recorded.
        return self._find_place(flow_name).queue_key if is_shared(self.project) else ""

    def _claim(self, flow_name: str, request: Json, *, key: str, run_id: str) -> str:
        """The run that the key stands for: this one, or the one it has started before."""
        if not key:
            return run_id
        asked = self._render_asked(flow_name, request, key=key, run_id=run_id)
        return self.records.asked.claim(asked).run_id

    def _find_asked(self, flow_name: str, request: Json, *, key: str) -> str:
        """The run that the key has started before; empty where it has none, or there is no key."""
        if not key:
            return ""
        asked = self._render_asked(flow_name, request, key=key, run_id="")
        known = self.records.asked.find_asked(asked.actor, asked.key)
        return known.run_id if known else ""

    def _render_asked(self, flow_name: str, request: Json, *, key: str, run_id: str) -> AskedRun:
        text = json.dumps([flow_name, request], sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        # Another request of the same form, sent from a page gone back to, is another run.
        return AskedRun(
            actor=self.actor, key=f"form {key} {digest[:HASH_SHOWN]}", digest=digest, run_id=run_id
        )

    def _find_hand(self) -> Any:
        """An engine that takes runs and leaves their execution to others than this thread."""
        if not is_shared(self.project):
            # The server finds what is recorded as queued, as it does for commands beside it.
            return ServedEngine(self.project, self.records, self._stop)
        engine: Any = vars(self).get("engine")
        if not hasattr(engine, "queue"):
            raise NotReadyError(
                "This process does not execute runs yet.",
                written="Nothing was started.",
                next_step="Try again in some seconds.",
            )
        return _Hand(engine)


class _Hand:
    """An engine whose runs do not stop with this process, for nobody here waits for them."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    def start(self, *, flow: str, run_id: str, request: Json, queue_key: str) -> None:
        """The run is queued under its id; the same id twice is one run."""
        self._engine.queue(flow=flow, run_id=run_id, request=request, queue_key=queue_key)

    def resume(self, run_id: str) -> None:
        """A stopped run goes on at its first missing step."""
        self._engine.resume(run_id, is_awaited=False)
