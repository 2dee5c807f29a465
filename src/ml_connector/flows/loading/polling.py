"""Following a task to its end without crowding the model or outstaying a stop request."""

from collections.abc import Callable

from ml_connector.errors import OutcomeUnknownError, RunInterruptedError
from ml_connector.ports import Action, Clock, PlanningTarget, Steps, TaskResult

WAITS_S = (0.5, 5.0, 5.0, 5.0, 5.0, 10.0, 10.0, 30.0)
"""A short task is seen at once; after that polls are five seconds apart or more (anaplan §5.6)."""
WAIT_MAX_S = 60.0
STOP_LOOK_S = 2.0
"""A sleeping poll looks at the stop flag this often, so that it leaves within five seconds."""
BEAT_LOOKS = 5
"""Looks at the stop flag from one beat to the next: ten seconds."""
DEADLINE_S = 6 * 3600.0


class TaskDeadlineError(OutcomeUnknownError):
    """A task did not end in time; it may still run in the model, and write when it does."""

    code = "polling.deadline"


def follow_task(
    steps: Steps,
    target: PlanningTarget,
    clock: Clock,
    action: Action,
    task_id: str,
    *,
    beat: Callable[[], object] | None = None,
) -> TaskResult:
    """The task's result once it is terminal; one durable step follows one task.

    `beat` is called before each look and while waiting: a load keeps its model's lease alive with
    it, however long the task takes, so that no other run uploads to the file that is still being
    read.

    Raises:
        RunInterruptedError: A stop was asked for; the task runs on and is followed after a resume.
        TaskDeadlineError: Six hours passed.
    """
    waited_s = 0.0
    number = 0
    while waited_s < DEADLINE_S:
        wait_s = WAITS_S[number] if number < len(WAITS_S) else WAIT_MAX_S
        _wait(steps, clock, wait_s, task_id, beat=beat)
        waited_s += wait_s
        number += 1
        result = target.read_task(action, task_id)
        if result.is_terminal:
            return result
    raise TaskDeadlineError(
        f"Task {task_id} of {action.name} has not ended within {DEADLINE_S / 3600:.0f} hours.",
        written="What it will write is not known yet; nothing else was started.",
        next_step="Look at the model, cancel the task there if it hangs, then go on:"
        f" `ml-connector runs resume {steps.run_id}`.",
        task_id=task_id, action=action.name,
    )  # fmt: skip


def _wait(
    steps: Steps,
    clock: Clock,
    seconds: float,
    task_id: str,
    *,
    beat: Callable[[], object] | None,
) -> None:
    left_s = seconds
    looks = 0
    while left_s > 0 and not steps.is_stop_requested():
        clock.sleep(min(left_s, STOP_LOOK_S))
        left_s -= STOP_LOOK_S
        looks += 1
        if beat is not None and (looks % BEAT_LOOKS == 0 or left_s <= 0):
            beat()
    if steps.is_stop_requested():
        raise RunInterruptedError(
            f"The run stopped while task {task_id} runs in the model.",
            written="The task goes on there; nothing else was started.",
            next_step=f"Go on: `ml-connector runs resume {steps.run_id}`.",
            task_id=task_id,
        )
