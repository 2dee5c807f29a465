"""Plans that wait for people, and what the people said.

Every look and its write are one transaction, one at a time per organisation, so that people who
decide at the same instant decide one after the other. The database refuses once more what must not
happen: a maker's decision, a second one of the same person, an approval with too few people.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from django.db.models import Q

from ml_connector.errors import BlockedError
from ml_connector.ports import RUN_RESUMED, Approval, ApprovalState, Decision
from ml_connector.ports.traces import PREFIX_MIN
from ml_connector.records import models
from ml_connector.records.canonical import verify_plain
from ml_connector.records.errors import (
    AmbiguousPlanError,
    CountsAsOneError,
    DecidedTwiceError,
    ExpiredApprovalError,
    MovedApprovalError,
    NotWaitingError,
    OtherFlowError,
    OwnPlanError,
    PeopleDecideError,
    ShortPlanError,
    UnfitApprovalError,
    UnknownApprovalError,
)
from ml_connector.records.keepers import Together, find_together, fold_person
from ml_connector.records.store import OrganisationStore, split_chunks

MOVES = {
    ApprovalState.WAITING: {ApprovalState.STALE, ApprovalState.EXPIRED},
    ApprovalState.APPROVED: {ApprovalState.APPLIED, ApprovalState.STALE, ApprovalState.EXPIRED},
}
"""Where a plan goes without a decision."""
EXPIRING = (ApprovalState.WAITING.value, ApprovalState.APPROVED.value)
"""States that hold until the plan expires: what was approved long ago is not applied either."""


class ApprovalRecords(OrganisationStore):
    """A `ports.ApprovalStore`."""

    def request_approval(self, approval: Approval) -> Approval:
        """The plan waits, or is known; see `ports.ApprovalStore`.

        State and decisions are the store's own: a new plan waits and nobody has decided.
        """
        _verify_fit(approval)
        with self._writing(f"the request to approve plan {approval.plan_hash}"):
            known = models.Approval.of(self._id).filter(plan_hash=approval.plan_hash).first()
            if known is None:
                self._retire_waiting(approval.flow)
                return self._render(self._add(approval))
            if known.flow != approval.flow:
                raise OtherFlowError(self._render(known), approval.flow)
            return self._render(known)

    def decide(self, plan_hash: str, *, actor: str, approves: bool, reason: str) -> Approval:
        """The decision is stored and the state follows; see `ports.ApprovalStore`."""
        if not fold_person(actor):
            raise UnfitApprovalError(plan_hash, "nobody is named as the one who decides")
        with self._writing(f"the decision of {actor} on plan {plan_hash}"):
            row = self._load(plan_hash)
            self._save_expiry(row)
            refusal = self._find_refusal(row, actor)
            if refusal is None:
                self._record_decision(row, actor=actor, approves=approves, reason=reason)
                self._count(row)
        # Only now, so that the expiry a refusal comes with is stored.
        if refusal is not None:
            raise refusal
        return self._render(row)

    def save_state(
        self, plan_hash: str, state: ApprovalState, *, before: ApprovalState, run_id: str = ""
    ) -> Approval:
        """The plan moved on from the state it was in; see `ports.ApprovalStore`.

        Told twice, the second time is refused: of two who would apply a plan only one may.

        Raises:
            UsageError: There is no such plan.
            BlockedError: Only people lead from that state to this one, or nothing does.
        """
        if state not in MOVES.get(before, ()):
            raise PeopleDecideError(plan_hash, state, before=before)
        with self._writing(f"the state of plan {plan_hash}"):
            row = self._load(plan_hash)
            if self._tell_state(row) is not before:
                raise MovedApprovalError(self._render(row), before=before)
            row.state = state.value
            row.applied_run = run_id if state is ApprovalState.APPLIED else None
            row.save(update_fields=["state", "applied_run"])
        return self._render(row)

    def find_approval(self, plan_hash: str) -> Approval | None:
        """The plan by its hash or an unambiguous prefix; see `ports.ApprovalStore`."""
        row = self._find(plan_hash)
        return None if row is None else self._render(row)

    def find_bar(self, plan_hash: str, *, actor: str) -> str:
        """Why this person may not decide on the plan now; see `ports.ApprovalStore`."""
        refusal = self._find_refusal(self._load(plan_hash), actor)
        return refusal.refused if refusal else ""

    def load_approvals(
        self,
        *,
        flow: str | None = None,
        states: Sequence[ApprovalState] = (),
        limit: int = 200,
        skip: int = 0,
        before: str = "",
    ) -> list[Approval]:
        """Plans, newest first; see `ports.ApprovalStore`."""
        rows = models.Approval.of(self._id)
        if before:
            rows = self._older(rows, plan_hash=before)
        if flow is not None:
            rows = rows.filter(flow=flow)
        if states:
            rows = rows.filter(_select_told(states, now=self._clock.now()))
        return self._render_all(rows.order_by("-id")[skip : skip + limit])

    def _find(self, plan_hash: str) -> models.Approval | None:
        rows = models.Approval.of(self._id)
        exact = rows.filter(plan_hash=plan_hash).first()
        if exact is not None or not plan_hash:
            return exact
        # SQLite takes capitals for small letters here; the second look does not.
        near = rows.filter(plan_hash__startswith=plan_hash).order_by("plan_hash")
        hashes = [h for h in near.values_list("plan_hash", flat=True) if h.startswith(plan_hash)]
        if len(hashes) > 1:
            raise AmbiguousPlanError(plan_hash, hashes)
        if hashes and len(plan_hash) < PREFIX_MIN:
            raise ShortPlanError(plan_hash, hashes[0])
        return rows.filter(plan_hash__in=hashes).first()

    def _load(self, plan_hash: str) -> models.Approval:
        row = self._find(plan_hash)
        if row is None:
            raise UnknownApprovalError(plan_hash)
        return row

    def _retire_waiting(self, flow: str) -> None:
        """No plan of the flow waits any more."""
        waiting = models.Approval.of(self._id).filter(flow=flow, state=ApprovalState.WAITING.value)
        over = waiting.filter(expires_at__lte=self._clock.now())
        over.update(state=ApprovalState.EXPIRED.value)
        waiting.update(state=ApprovalState.STALE.value)

    def _add(self, approval: Approval) -> models.Approval:
        return models.Approval.of(self._id).create(
            organisation_id=self._id,
            plan_hash=approval.plan_hash,
            flow=approval.flow,
            run_id=approval.run_id,
            maker=approval.maker,
            maker_person=fold_person(approval.maker),
            needed=approval.needed,
            amounts={currency: str(amount) for currency, amount in approval.amounts.items()},
            totals=verify_plain(approval.totals),
            state=ApprovalState.WAITING.value,
            made_at=approval.made_at,
            expires_at=approval.expires_at,
        )

    def _save_expiry(self, row: models.Approval) -> None:
        told = self._tell_state(row)
        if told != row.state:
            row.state = told.value
            row.save(update_fields=["state"])

    def _find_refusal(self, row: models.Approval, actor: str) -> BlockedError | None:
        """Why this person may not decide on the plan now."""
        stored = self._render(row)
        if stored.state is ApprovalState.EXPIRED:
            return ExpiredApprovalError(stored)
        if stored.state is not ApprovalState.WAITING:
            return NotWaitingError(stored)
        mine, makers = find_together(self._id, [actor]), self._find_makers(row)
        deciders = find_together(self._id, [decision.actor for decision in stored.decisions])
        if mine.names & {row.maker_person, *makers.names}:
            return OwnPlanError(stored, actor)
        if mine.names & deciders.names:
            return DecidedTwiceError(stored, actor)
        for others, are in ((makers, "made it"), (deciders, "have decided on it")):
            if mine.wide & others.wide:
                what = f"cannot decide on plan {stored.plan_hash} beside those who {are}"
                return CountsAsOneError(actor, what, kept={**mine.kept, **others.kept})
        return None

    def _find_makers(self, row: models.Approval) -> Together:
        """Who the plan is of; the audit chain knows who resumed its run."""
        runs = models.Run.of(self._id).filter(run_id=row.run_id)
        resumed = models.AuditLink.of(self._id).filter(run_id=row.run_id, event=RUN_RESUMED)
        actors = {*runs.values_list("actor", flat=True), *resumed.values_list("actor", flat=True)}
        return find_together(self._id, {row.maker, *actors})

    def _record_decision(
        self, row: models.Approval, *, actor: str, approves: bool, reason: str
    ) -> None:
        models.Decision.of(self._id).create(
            organisation_id=self._id,
            approval_id=row.pk,
            actor=actor,
            person=fold_person(actor),
            is_approval=approves,
            reason=reason,
            at=self._clock.now(),
        )

    def _count(self, row: models.Approval) -> None:
        """The state follows from the decisions."""
        stored = self._render(row)
        if stored.approvals < len(stored.decisions):
            row.state = ApprovalState.REJECTED.value
        elif stored.approvals >= stored.needed:
            row.state = ApprovalState.APPROVED.value
        row.save(update_fields=["state"])

    def _tell_state(self, row: models.Approval) -> ApprovalState:
        """The state as of now: nothing is stored when the time of a plan runs out."""
        is_over = row.expires_at <= self._clock.now()
        if is_over and row.state in EXPIRING:
            return ApprovalState.EXPIRED
        return ApprovalState(row.state)

    def _render(self, row: models.Approval) -> Approval:
        return self._render_all([row])[0]

    def _render_all(self, rows: Iterable[models.Approval]) -> list[Approval]:
        return [
            _render(row, state=self._tell_state(row), decisions=decisions[row.pk])
            for chunk in split_chunks(rows)
            for decisions in [self._load_decisions(chunk)]
            for row in chunk
        ]

    def _load_decisions(self, rows: Sequence[models.Approval]) -> dict[int, list[Decision]]:
        decisions: dict[int, list[Decision]] = {row.pk: [] for row in rows}
        for one in models.Decision.of(self._id).filter(approval_id__in=decisions).order_by("id"):
            decisions[one.approval_id].append(
                Decision(actor=one.actor, is_approval=one.is_approval, reason=one.reason, at=one.at)
            )
        return decisions


def _verify_fit(approval: Approval) -> None:
    finding = ""
    if not fold_person(approval.maker):
        finding = "nobody is named as its maker"
    elif approval.needed < 1:
        finding = f"{approval.needed} people would have to approve"
    elif not approval.plan_hash:
        finding = "it has no hash"
    for currency, amount in approval.amounts.items():
        if not isinstance(amount, Decimal) or not amount.is_finite():
            finding = f"its amount in {currency} is {amount!r}"
    if finding:
        raise UnfitApprovalError(approval.plan_hash, finding)


def _select_told(states: Sequence[ApprovalState], *, now: datetime) -> Q:
    """Plans that are told to be in one of the states, whatever is stored of their expiry."""
    over = Q(state__in=EXPIRING, expires_at__lte=now)
    told = Q(state__in=[state.value for state in states]) & ~over
    return told | over if ApprovalState.EXPIRED in states else told


def _render(row: models.Approval, *, state: ApprovalState, decisions: list[Decision]) -> Approval:
    return Approval(
        plan_hash=row.plan_hash,
        flow=row.flow,
        run_id=row.run_id,
        maker=row.maker,
        needed=row.needed,
        amounts={currency: Decimal(text) for currency, text in row.amounts.items()},
        totals=row.totals,
        state=state,
        made_at=row.made_at,
        expires_at=row.expires_at,
        decisions=tuple(decisions),
        applied_run=row.applied_run or "",
    )
