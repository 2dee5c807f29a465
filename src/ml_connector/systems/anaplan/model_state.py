"""Whether the model can be written now; a closed model is opened and waited for."""

from typing import Final

from ml_connector.ports import Clock, ModelState
from ml_connector.systems.anaplan.client import AnaplanClient
from ml_connector.systems.anaplan.refusals import render_hidden_model
from ml_connector.systems.anaplan.wire import Model

OPEN_WAIT_S_MAX: Final = 900.0
"""A large model needs minutes to load; past this somebody should look."""
CLOSED: Final = "closed"
UNOPENED_STEPS: Final = frozenset({CLOSED, "closing", "opening"})
WRITABLE_STATES: Final = frozenset({"UNLOCKED", "ACTIVE", "PRODUCTION"})
FINDINGS: Final = {
    "LOCKED": "locked by an administrator; ask the model's owner to unlock it",
    "ARCHIVED": "archived; ask the model's owner to unarchive it",
    "MAINTENANCE": "offline; ask the model's owner to bring it online",
    "PRODUCTION_MAINTENANCE": "deployed and offline; ask the model's owner to bring it online",
    "PRODUCTION": "in deployed mode: data can be loaded, lists only where they are production data",
}
_UNREACHABLE: Final = frozenset({"ARCHIVED", "MAINTENANCE", "PRODUCTION_MAINTENANCE"})


class ModelWatch:
    """Looks at one model through a client."""

    def __init__(
        self, client: AnaplanClient, clock: Clock, *, workspace_id: str, poll_s: float
    ) -> None:
        self._client = client
        self._clock = clock
        self._workspace_id = workspace_id
        self._poll_s = poll_s

    def read_state(self, model_id: str) -> ModelState:
        """The model's state; afterwards it is open if it could be opened (A-11).

        Raises:
            AccessDeniedError: The model is unknown or hidden from the user.
        """
        model = self._client.find_model()
        if model is None:
            raise render_hidden_model(model_id, self._workspace_id)
        if model.active_state in _UNREACHABLE:
            return _render(model, "", is_open=False)
        # Only the status proves access: the head is told to users without any right.
        step = self._client.read_model_status().current_step
        if step.lower() in UNOPENED_STEPS:
            step = self._open(step)
        return _render(model, step, is_open=step.lower() not in UNOPENED_STEPS)

    def _open(self, step: str) -> str:
        """What the model does after it was asked to open, at most a quarter of an hour later."""
        waited_s = 0.0
        is_asked = False
        while step.lower() in UNOPENED_STEPS and waited_s < OPEN_WAIT_S_MAX:
            if step.lower() == CLOSED and not is_asked:
                self._client.submit_open()
                is_asked = True
            self._clock.sleep(self._poll_s)
            waited_s += self._poll_s
            step = self._client.read_model_status().current_step
        return step


def _render(model: Model, step: str, *, is_open: bool) -> ModelState:
    state = model.active_state
    is_known = state in WRITABLE_STATES or state in FINDINGS
    finding = FINDINGS.get(state, "" if is_known else f"in the unknown state {state!r}")
    if not finding and not is_open:
        finding = f"closed, and not open {OPEN_WAIT_S_MAX:.0f} seconds after it was asked to open"
    return ModelState(
        model_id=model.id,
        name=model.name,
        state=state or step,
        is_writable=is_open and (state in WRITABLE_STATES or not is_known),
        finding=finding,
    )
