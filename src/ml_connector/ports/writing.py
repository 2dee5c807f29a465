"""Records of what is written: the right to write, and the decision before each write."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from ml_connector.ports.targets import Action


class IntentState(StrEnum):
    """The stored decision to write and what became of it."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One decision to start one task."""

    intent_id: str
    run_id: str
    model_id: str
    action_id: str
    action_name: str
    content_hash: str
    state: IntentState
    task_id: str
    made_at: datetime
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to write into a model, with a number that only grows."""

    model_id: str
    holder: str
    fence: int
    expires_at: datetime


class IntentStore(Protocol):
    """Leases and intents; the database forbids the second writer, whatever the queue does."""

    def take_lease(self, model_id: str, *, holder: str, seconds: int) -> Lease:
        """The holder has the model.

        A holder is `RUN/PROCESS`. The same holder renews and keeps its fence; another process of
        the same run takes over at once with a higher fence, which shuts its predecessor out.

        Raises:
            BusyError: Somebody else holds a lease that has not expired; names the holder.
        """

    def verify_lease(self, lease: Lease) -> None:
        """The lease is still ours and is prolonged.

        Raises:
            BusyError: It was lost to a successor; nothing may be sent any more.
        """

    def release_lease(self, lease: Lease) -> None:
        """The model is free; a lost lease is left alone."""

    def release_run(self, run_id: str) -> None:
        """Every model that a process of the run holds, a dead one's too, is free."""

    def make_intent(
        self, *, lease: Lease, run_id: str, action: Action, content_hash: str
    ) -> Intent:
        """The intent is stored, in one transaction with the check of the fence.

        The same run, action and content give the same intent back, whatever its state.

        Raises:
            BusyError: The lease is lost, or another intent on the model is open or unknown.
        """

    def save_intent(
        self,
        intent_id: str,
        state: IntentState,
        *,
        task_id: str = "",
        lease: Lease | None = None,
    ) -> Intent:
        """The intent has this state; a task id, once set, never changes.

        With a lease only while it is ours, checked in the same transaction: a process that stood
        still meanwhile does not undo what its successor has found out.

        Raises:
            BusyError: The lease is lost.
        """

    def load_intents(
        self, *, run_id: str | None = None, model_id: str | None = None
    ) -> list[Intent]:
        """Intents, oldest first."""

    def verify_settled(self, model_id: str, *, except_run: str) -> None:
        """No other run has an intent on the model whose outcome is open or unknown.

        Raises:
            BusyError: One has; names the way out.
        """

    def load_unfollowed(self, model_id: str, *, except_run: str, since: datetime) -> list[Intent]:
        """Confirmed intents of other runs, made since then, whose load nobody has recorded.

        Their tasks may still run in the model.
        """

    def find_claimed_tasks(self, action_id: str) -> set[str]:
        """Task ids other intents of the action already own."""
