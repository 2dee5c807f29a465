"""How a run's state looks; the word is always there, the colour only helps."""

from ml_connector.flows.answers.health import tone_of
from ml_connector.flows.answers.listing import State, Tone
from ml_connector.ports import RunState

NEVER = State(word="never run", tone=Tone.IDLE)


def show_state(state: RunState) -> State:
    """The state as a cell."""
    return State(word=str(state), tone=tone_of(state))
