"""Leases and intents: the database forbids the second writer, whatever the queue does.

Expiry is told by the clock all processes share. The fence, which is checked in the transaction that
stores the intent, shuts out whoever lost a lease without noticing.
"""

from datetime import datetime, timedelta
from hashlib import sha256

from django.db import IntegrityError
from django.db.models import Exists, OuterRef, QuerySet

from ml_connector.errors import BusyError, RefusedError, UsageError
from ml_connector.ports import Action, Intent, IntentState, Lease
from ml_connector.records import models
from ml_connector.records.canonical import render_canonical
from ml_connector.records.store import OrganisationStore

NOBODY = ""
"""Holder of a model that was released; its row stays, so that the fence only grows."""


class IntentRecords(OrganisationStore):
    """A `ports.IntentStore`."""

    def take_lease(self, model_id: str, *, holder: str, seconds: int) -> Lease:
        """The holder has the model; see `ports.IntentStore`."""
        with self._writing(f"the lease of model {model_id}"):
            now = self._read_now()
            expires_at = now + timedelta(seconds=seconds)
            row, is_new = models.ModelLease.of(self._id).get_or_create(
                organisation_id=self._id,
                model_id=model_id,
                defaults={
                    "holder": holder,
                    "fence": 1,
                    "seconds": seconds,
                    "expires_at": expires_at,
                },
            )
            fence = 1 if is_new else _find_next_fence(row, holder=holder, now=now)
            if fence is None or not self._move_lease(
                row, holder=holder, fence=fence, seconds=seconds, expires_at=expires_at
            ):
                raise _busy_lease(row, holder)
        return Lease(model_id=model_id, holder=holder, fence=fence, expires_at=expires_at)

    def verify_lease(self, lease: Lease) -> None:
        """The lease is still ours and is prolonged; see `ports.IntentStore`."""
        with self._writing(f"the lease of model {lease.model_id}"):
            row = self._load_own(lease)
            expires_at = self._read_now() + timedelta(seconds=row.seconds)
            models.ModelLease.of(self._id).filter(pk=row.pk).update(expires_at=expires_at)

    def release_lease(self, lease: Lease) -> None:
        """The model is free; a lost lease is left alone."""
        with self._writing(f"the release of model {lease.model_id}"):
            self._own(lease).update(holder=NOBODY, expires_at=self._read_now())

    def release_run(self, run_id: str) -> None:
        """Every model that a process of the run holds is free; see `ports.IntentStore`."""
        with self._writing(f"the release of the models of run {run_id}"):
            # Within: a lease that had run out may be another run's by the time it is written.
            rows = models.ModelLease.of(self._id).exclude(holder=NOBODY)
            held = [row.pk for row in rows if _run_of(row.holder) == run_id]
            models.ModelLease.of(self._id).filter(pk__in=held).update(
                holder=NOBODY, expires_at=self._read_now()
            )

    def make_intent(
        self, *, lease: Lease, run_id: str, action: Action, content_hash: str
    ) -> Intent:
        """The intent is stored, in one transaction with the check of the fence.

        A lost lease is refused before anything else, so that a zombie is not even told of an
        intent its run made earlier.
        """
        key = {
            "run_id": run_id,
            "model_id": lease.model_id,
            "action_id": action.action_id,
            "content_hash": content_hash,
        }
        try:
            with self._writing(f"the intent of run {run_id} to start {action.name}"):
                self._load_own(lease)
                row, _ = models.Intent.of(self._id).get_or_create(
                    organisation_id=self._id,
                    **key,
                    defaults={
                        "intent_id": self._name_intent(key),
                        "action_name": action.name,
                        "state": IntentState.OPEN.value,
                        "task_id": "",
                        "made_at": self._clock.now(),
                        "fence": lease.fence,
                    },
                )
        except IntegrityError as error:
            raise self._explain_unsettled(lease.model_id) from error
        return render_intent(row)

    def save_intent(
        self,
        intent_id: str,
        state: IntentState,
        *,
        task_id: str = "",
        lease: Lease | None = None,
    ) -> Intent:
        """The intent has this state; see `ports.IntentStore`.

        Raises:
            UsageError: There is no such intent.
            RefusedError: The intent has another task id already.
            BusyError: The lease is lost, or it would be unsettled beside another unsettled one.
        """
        row = self._load(intent_id)
        try:
            with self._writing(f"the state of intent {intent_id}"):
                if lease is not None:
                    self._load_own(lease)
                row = self._load(intent_id)
                if task_id and row.task_id not in ("", task_id):
                    raise _other_task(row, task_id)
                row.state = state.value
                row.task_id = task_id or row.task_id
                row.save(update_fields=["state", "task_id"])
        except IntegrityError as error:
            raise self._explain_unsettled(row.model_id) from error
        return render_intent(row)

    def load_intents(
        self, *, run_id: str | None = None, model_id: str | None = None
    ) -> list[Intent]:
        """Intents, oldest first."""
        rows = models.Intent.of(self._id)
        if run_id is not None:
            rows = rows.filter(run_id=run_id)
        if model_id is not None:
            rows = rows.filter(model_id=model_id)
        return [render_intent(row) for row in rows.order_by("id")]

    def verify_settled(self, model_id: str, *, except_run: str) -> None:
        """No other run's intent on the model is open or unknown; see `ports.IntentStore`."""
        if self._unsettled(model_id).exclude(run_id=except_run).exists():
            raise self._explain_unsettled(model_id)

    def load_unfollowed(self, model_id: str, *, except_run: str, since: datetime) -> list[Intent]:
        """Started by other runs and not followed to the end; see `ports.IntentStore`."""
        loads = models.Load.of(self._id).filter(
            run_id=OuterRef("run_id"), intent_id=OuterRef("intent_id")
        )
        rows = models.Intent.of(self._id).filter(
            ~Exists(loads), model_id=model_id, made_at__gte=since, state=IntentState.CONFIRMED.value
        )
        return [
            render_intent(row) for row in rows.exclude(run_id=except_run).order_by("made_at", "id")
        ]

    def find_claimed_tasks(self, action_id: str) -> set[str]:
        """Task ids that intents of the action own."""
        rows = models.Intent.of(self._id).filter(action_id=action_id).exclude(task_id="")
        return set(rows.values_list("task_id", flat=True))

    def _own(self, lease: Lease) -> QuerySet[models.ModelLease]:
        return models.ModelLease.of(self._id).filter(
            model_id=lease.model_id, holder=lease.holder, fence=lease.fence
        )

    def _load_own(self, lease: Lease) -> models.ModelLease:
        row = self._own(lease).first()
        if row is None:
            raise self._explain_lost(lease)
        return row

    def _move_lease(
        self, row: models.ModelLease, *, holder: str, fence: int, seconds: int, expires_at: datetime
    ) -> bool:
        """Whether the row still was what the decision was made on."""
        same = models.ModelLease.of(self._id).filter(pk=row.pk, holder=row.holder, fence=row.fence)
        changed = same.update(holder=holder, fence=fence, seconds=seconds, expires_at=expires_at)
        return changed == 1

    def _load(self, intent_id: str) -> models.Intent:
        row = models.Intent.of(self._id).filter(intent_id=intent_id).first()
        if row is None:
            raise UsageError(
                f"There is no intent {intent_id}.",
                written="Nothing was stored.",
                next_step="Settle only intents that were made in this organisation.",
                intent_id=intent_id,
            )
        return row

    def _name_intent(self, key: dict[str, str]) -> str:
        """The same decision has the same name, whoever makes it and however often."""
        return sha256(render_canonical({**key, "organisation": self._id}).encode()).hexdigest()[:32]

    def _explain_lost(self, lease: Lease) -> BusyError:
        row = models.ModelLease.of(self._id).filter(model_id=lease.model_id).first()
        holder = row.holder if row is not None and row.holder else "nobody"
        return BusyError(
            f"The lease on model {lease.model_id} with fence {lease.fence} is lost by"
            f" {lease.holder}; {holder} has it now.",
            written="Nothing more was sent or stored under this lease.",
            next_step="Let this process end; the run goes on where the lease is.",
            model_id=lease.model_id, fence=lease.fence, holder=holder,
        )  # fmt: skip

    def _unsettled(self, model_id: str) -> QuerySet[models.Intent]:
        return models.Intent.of(self._id).filter(
            model_id=model_id, state__in=models.UNSETTLED_STATES
        )

    def _explain_unsettled(self, model_id: str) -> BusyError:
        row = self._unsettled(model_id).first()
        named = f"{row.intent_id} of run {row.run_id}, {row.state}" if row else "already settled"
        way_out = f"`ml-connector runs resume {row.run_id}` settles it" if row else "Try again"
        return BusyError(
            f"Another intent on model {model_id} is not settled: {named}.",
            written="No intent was stored and nothing was started.",
            next_step=f"{way_out}; then start this run again.",
            model_id=model_id, intent_id=row.intent_id if row else "",
        )  # fmt: skip


def _find_next_fence(row: models.ModelLease, *, holder: str, now: datetime) -> int | None:
    """The fence the holder gets; None while somebody else's lease lasts."""
    if row.holder == holder:
        return row.fence
    same_run = _run_of(row.holder) == _run_of(holder)
    return row.fence + 1 if same_run or row.holder == NOBODY or row.expires_at <= now else None


def _run_of(holder: str) -> str:
    """The run in `RUN/PROCESS`: its processes follow each other without waiting."""
    return holder.split("/", 1)[0]


def _busy_lease(row: models.ModelLease, holder: str) -> BusyError:
    return BusyError(
        f"The model {row.model_id} is being written by {row.holder} until"
        f" {row.expires_at:%Y-%m-%d %H:%M:%S} UTC.",
        written=f"{holder} has sent nothing.",
        next_step=f"Wait for run {_run_of(row.holder)}, or cancel it.",
        model_id=row.model_id, holder=row.holder,
    )  # fmt: skip


def _other_task(row: models.Intent, task_id: str) -> RefusedError:
    return RefusedError(
        f"The intent {row.intent_id} owns task {row.task_id}; it cannot own task {task_id} too.",
        written="The intent is as it was; a second task may be running in the model.",
        next_step=f"Look at the tasks of {row.action_name} in model {row.model_id}.",
        intent_id=row.intent_id, task_id=row.task_id, other_task_id=task_id,
    )  # fmt: skip


def render_intent(row: models.Intent) -> Intent:
    """The intent as everybody outside knows it."""
    return Intent(
        intent_id=row.intent_id,
        run_id=row.run_id,
        model_id=row.model_id,
        action_id=row.action_id,
        action_name=row.action_name,
        content_hash=row.content_hash,
        state=IntentState(row.state),
        task_id=row.task_id,
        made_at=row.made_at,
        fence=row.fence,
    )
