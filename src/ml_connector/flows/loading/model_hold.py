"""The right to write into a model, taken when it is first needed and kept while it is used."""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

from ml_connector.errors import BusyError
from ml_connector.flows.bench import Bench
from ml_connector.flows.loading.polling import DEADLINE_S, TaskDeadlineError, follow_task
from ml_connector.ports import Action, ActionKind, Intent, Lease, Steps

logger = logging.getLogger(__name__)

LEASE_S = 25
"""How long a model stays with a process that has died. A living one renews, however long its calls
take; one that stood still for longer loses the model, and the fence shuts it out."""
STOP_S_MAX = 60.0
"""How long a renewal under way may take to end: longer than the database lets it wait."""
RENEW_S = 5.0
"""From one renewal to the next, by the machine's time: four may fail before the model is lost."""


class ModelInUseError(BusyError):
    """A task that another run has started in the model does not end."""

    code = "loading.model-in-use"


class ModelHold:
    """One run's hold on one model.

    Taken inside the steps that write, never before: a resumed run that only replays what is done
    neither waits for a model somebody else has by now nor moves its fence.
    """

    def __init__(self, bench: Bench, *, steps: Steps, model_id: str) -> None:
        self._bench = bench
        self._steps = steps
        self._intents = bench.records.intents
        self._holder = f"{steps.run_id}/{bench.holder}"
        self._model_id = model_id
        self._lease: Lease | None = None
        self._keeper = Keeper()

    def take(self) -> Lease:
        """The run has the model, or has it for longer; a dead predecessor of it is shut out.

        Who comes anew waits until the tasks that other runs have started and nobody has followed
        to their end are done: they may still read the file this run is about to replace.

        Raises:
            BusyError: Another run has it, or has started something in it; names that run.
            RunInterruptedError: A stop was asked for while such a task ran.
        """
        if self._renew():
            self._intents.verify_settled(self._model_id, except_run=self._steps.run_id)
            for intent in self._load_unfollowed():
                self._wait_out(intent)
        assert self._lease is not None
        return self._lease

    def keep(self) -> None:
        """The hold lasts longer, unless another run has the model by now.

        For looking on: what has been started is followed to its end whoever holds the model.
        """
        try:
            self._renew()
        except BusyError:
            self._keeper.stop()
            self._lease = None

    def release(self) -> None:
        """The model is free, where this run had it."""
        self._keeper.stop()
        if self._lease is not None:
            self._intents.release_lease(self._lease)
            self._lease = None

    def _renew(self) -> bool:
        """Whether the model is held anew: somebody else may have had it before."""
        before = self._lease
        lease = self._intents.take_lease(self._model_id, holder=self._holder, seconds=LEASE_S)
        self._lease = lease
        if before is not None and before.fence == lease.fence:
            return False
        self._keeper.start(lambda: self._intents.verify_lease(lease))
        return True

    def _load_unfollowed(self) -> list[Intent]:
        # A task that has not ended by the deadline of its own run keeps nobody any longer.
        since = self._bench.clock.now() - timedelta(seconds=DEADLINE_S)
        return self._intents.load_unfollowed(
            self._model_id, except_run=self._steps.run_id, since=since
        )

    def _wait_out(self, intent: Intent) -> None:
        """The task is over; one of an action that is gone cannot be asked for, nor be running."""
        action = self._find_action(intent)
        if action is None:
            return
        bench = self._bench
        try:
            follow_task(
                self._steps, bench.target, bench.clock, action, intent.task_id, beat=self._renew
            )
        except TaskDeadlineError as error:
            raise _in_use(intent) from error

    def _find_action(self, intent: Intent) -> Action | None:
        kinds = (ActionKind.IMPORT, ActionKind.PROCESS)
        actions = (one for kind in kinds for one in self._bench.target.read_actions(kind))
        return next((one for one in actions if one.action_id == intent.action_id), None)


class Keeper:
    """Renews a lease beside whatever the run does, in a thread of its own."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, renew: Callable[[], object]) -> None:
        """Renewals go on by themselves until a stop, or until the lease is lost."""
        self.stop()
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=_keep_on, args=(renew, self._stop), name="lease-keeper", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """No renewal begins, and none is under way: its connection may be closed after this."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(STOP_S_MAX)
            self._thread = None


def _keep_on(renew: Callable[[], object], stop: threading.Event) -> None:
    while not stop.wait(RENEW_S):
        try:
            renew()
        except BusyError:
            return
        except Exception as error:  # noqa: BLE001 - the next one may pass; the fence guards anyway.
            logger.warning("lease.not_renewed fault=%s", type(error).__name__)


def is_shared(fence_before: int, fence: int) -> bool:
    """Whether another run may have had the model between two steps of a load.

    A run that goes on after a stop takes the model anew, which moves the fence by one; whoever
    else takes it in between moves it further.
    """
    return fence > fence_before + 1


def _in_use(intent: Intent) -> ModelInUseError:
    return ModelInUseError(
        f"Task {intent.task_id} of {intent.action_name}, which run {intent.run_id} has started in"
        f" model {intent.model_id}, does not end.",
        written="This run has uploaded and started nothing.",
        next_step=f"Cancel the task in the model if it hangs, or let its run follow it:"
        f" `ml-connector runs resume {intent.run_id}`.",
        task_id=intent.task_id, run_id=intent.run_id, model_id=intent.model_id,
    )  # fmt: skip
