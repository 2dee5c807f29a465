"""The right to write into a model, taken when it is first needed and kept while it is used."""

from ml_connector.errors import BusyError
from ml_connector.flows.bench import Bench
from ml_connector.ports import Lease

LEASE_S = 600
"""Longer than any single call of a load, so that a live run never loses its model in mid-call."""


class ModelHold:
    """One run's hold on one model.

    Taken inside the steps that write, never before: a resumed run that only replays what is done
    neither waits for a model somebody else has by now nor moves its fence.
    """

    def __init__(self, bench: Bench, *, run_id: str, model_id: str) -> None:
        self._intents = bench.records.intents
        self._holder = f"{run_id}/{bench.holder}"
        self._model_id = model_id
        self._lease: Lease | None = None

    def take(self) -> Lease:
        """The run has the model, or has it for longer; a dead predecessor of it is shut out.

        Raises:
            BusyError: Another run has it; names that run.
        """
        self._lease = self._intents.take_lease(self._model_id, holder=self._holder, seconds=LEASE_S)
        return self._lease

    def keep(self) -> None:
        """The hold lasts longer, unless another run has the model by now.

        For looking on: what has been started is followed to its end whoever holds the model.
        """
        try:
            self.take()
        except BusyError:
            self._lease = None

    def release(self) -> None:
        """The model is free, where this run had it."""
        if self._lease is not None:
            self._intents.release_lease(self._lease)
            self._lease = None


def is_shared(fence_before: int, fence: int) -> bool:
    """Whether another run may have had the model between two steps of a load.

    A run that goes on after a stop takes the model anew, which moves the fence by one; whoever
    else takes it in between moves it further.
    """
    return fence > fence_before + 1
