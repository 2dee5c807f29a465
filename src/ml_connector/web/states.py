"""How a run's state looks; the word is always there, the colour only helps."""

from ml_connector.flows.answers.listing import State, Tone
from ml_connector.ports import RunState

TONES = {
    RunState.QUEUED: Tone.BUSY,
    RunState.RUNNING: Tone.BUSY,
    RunState.SUCCEEDED: Tone.GOOD,
    RunState.PARTLY: Tone.WAITS,
    RunState.BLOCKED: Tone.WAITS,
    RunState.WAITING_APPROVAL: Tone.WAITS,
    RunState.MOVING: Tone.WAITS,
    RunState.INTERRUPTED: Tone.WAITS,
    RunState.UNTIED: Tone.WRONG,
    RunState.UNKNOWN: Tone.WRONG,
    RunState.FAILED: Tone.WRONG,
    RunState.CANCELLED: Tone.IDLE,
}
NEVER = State(word="never run", tone=Tone.IDLE)


def show_state(state: RunState) -> State:
    """The state as a cell."""
    return State(word=str(state), tone=TONES[state])
