"""The queue of each model: one task at a time, first come first served, commit at the end.

Nothing sleeps here in virtual time: whoever calls in settles what has become due since. In real
time one worker thread does so, because a caller may have lost its connection for good.
"""

import secrets
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from ml_connector.sandbox.anaplan.results import Outcome, failed
from ml_connector.sandbox.anaplan.runner import StepRunner, StepWork
from ml_connector.sandbox.anaplan.runtime import ModelRuntime
from ml_connector.sandbox.anaplan.tasks import COMPETITOR, Task
from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.store import Store
from ml_connector.sandbox.switches import Switches

CANCEL_S = 0.1
_SPACE = "tasks"
_WORKER_PAUSE_S = 0.2
_HOLD_PAUSE_S = 0.05


class TaskEngine:
    """All tasks of all models. Methods want the server's lock held, except `wait_free`."""

    def __init__(
        self,
        store: Store,
        clock: SandboxClock,
        switches: Switches,
        models: Mapping[str, ModelRuntime],
        lock: "threading.RLock",
    ) -> None:
        self._store = store
        self._clock = clock
        self._switches = switches
        self._models = models
        self._lock = lock
        self._runner = StepRunner(store, switches, models.get)
        self._tasks: dict[str, Task] = {}
        self._queues: dict[str, list[Task]] = {}
        self._free_at: dict[str, float] = {}
        self._wake = threading.Event()
        self._is_closing = False
        self._worker: threading.Thread | None = None

    def recover(self) -> None:
        """Stored tasks are known again; one that was running has met its end."""
        stored = [Task(**task) for task in self._store.load_space(_SPACE).values()]
        for task in sorted(stored, key=lambda one: one.number):
            self._enqueue(task)
            if task.holds_model():
                self._end_at_restart(task)

    def start_worker(self) -> None:
        """Due steps are carried out by themselves from now on (real time only)."""
        if not self._clock.virtual:
            self._worker = threading.Thread(target=self._work_forever, daemon=True)
            self._worker.start()

    def stop_worker(self) -> None:
        """The worker has ended."""
        self._is_closing = True
        self._wake.set()
        if self._worker is not None:
            self._worker.join()

    def clear(self) -> None:
        """There are no tasks."""
        self._tasks.clear()
        self._queues.clear()
        self._free_at.clear()
        self._store.clear_space(_SPACE)

    def submit(self, task_of: Callable[[str, int, float], Task]) -> Task:
        """The task stands in its model's queue, begun already if the model was free."""
        number = max((task.number for task in self._tasks.values()), default=0) + 1
        task = task_of(secrets.token_hex(16).upper(), number, self._clock.now())
        self._enqueue(task)
        self._save(task)
        self.settle()
        self._wake.set()
        return task

    def hold(self, model_id: str, user: str, seconds: float) -> Task:
        """A competitor's task of this length stands in the queue."""

        def competitor(task_id: str, number: int, now: float) -> Task:
            return Task(
                id=task_id,
                model=model_id,
                kind=COMPETITOR,
                object_id=str(seconds),
                user=user,
                created_at=now,
                number=number,
                steps=[""],
            )

        return self.submit(competitor)

    def cancel(self, task: Task, user: str) -> None:
        """The task will be cancelled where that is still possible."""
        if task.is_over or task.state == "CANCELLING":
            return
        task.cancelled_by = user
        if task.state == "NOT_STARTED" or task.is_stuck:
            self._end(task, "CANCELLED", self._clock.now())
            return
        task.state = "CANCELLING"
        task.cancel_at = self._clock.now() + CANCEL_S
        self._save(task)
        self._wake.set()

    def find(self, task_id: str) -> Task | None:
        """The task, unless its record is older than the retention."""
        task = self._tasks.get(task_id)
        return task if task and self._is_kept(task) else None

    def tasks(self, model_id: str) -> list[Task]:
        """The kept tasks of a model, oldest first."""
        return [t for t in self._tasks.values() if t.model == model_id and self._is_kept(t)]

    def forget(self, task: Task) -> None:
        """The task has vanished without a trace."""
        self._tasks.pop(task.id, None)
        self._dequeue(task)
        self._store.delete(_SPACE, task.id)

    def stick(self, task: Task) -> None:
        """The task stays IN_PROGRESS for ever, without holding the model."""
        task.state = "IN_PROGRESS"
        task.is_stuck = True
        task.result = None
        self._dequeue(task)
        self._save(task)

    def cut_short(self, task: Task) -> None:
        """A competitor's task is over at this moment."""
        if task.kind == COMPETITOR:
            self._end(task, "COMPLETE", self._clock.now())

    def running(self, model_id: str) -> Task | None:
        """The task that has the model to itself, or None."""
        owned = (task for task in self._queues.get(model_id, ()) if task.holds_model())
        return next(owned, None)

    def busy_until(self, model_id: str) -> float | None:
        """When the running task is due to end, or None for a free model."""
        task = self.running(model_id)
        if task is None:
            return None
        return task.cancel_at if task.state == "CANCELLING" else task.step_ends[-1]

    def wait_free(self, model_id: str) -> bool:
        """Block, without the lock, until the model is free; False when the limit is reached."""
        limit = float(self._switches["busy.hold_limit_s"])
        for _ in range(int(limit / _HOLD_PAUSE_S) + 1):
            with self._lock:
                self.settle()
                until = self.busy_until(model_id)
            if until is None:
                return True
            self._let_time_pass(until)
        return False

    def settle(self) -> None:
        """Everything due by now has been started and, in virtual time, carried out."""
        for model in self._models.values():
            while self._settle_once(model):
                pass

    def _let_time_pass(self, until: float) -> None:
        jumps = self._switches["busy.virtual_wait"] == "jump"
        if self._clock.virtual and jumps:
            # In virtual time a held request would hang for ever: holding is what moves time.
            self._clock.advance(max(0.0, until - self._clock.now()))
        else:
            later = max(until, self._clock.now() + _HOLD_PAUSE_S)
            self._clock.wait_until(later, limit_s=_HOLD_PAUSE_S)

    def _settle_once(self, model: ModelRuntime) -> bool:
        """One thing has changed for the model; False when nothing is due."""
        now = self._clock.now()
        task = self.running(model.id)
        if task is None:
            return self._start_next(model)
        if task.state == "CANCELLING":
            return now >= task.cancel_at and self._end(task, "CANCELLED", task.cancel_at)
        if now < task.step_ends[task.done] or not self._clock.virtual:
            return False
        self._finish_step(model, task, self._work_of(model, task))
        return True

    def _start_next(self, model: ModelRuntime) -> bool:
        queue = self._queues.get(model.id)
        if not queue:
            return False
        task = queue[0]
        at = max(task.created_at, self._free_at.get(model.id, 0.0))
        task.state = "IN_PROGRESS"
        task.started_at = at
        for step in task.steps:
            at += self._seconds(model, task, step)
            task.step_ends.append(at)
        self._save(task)
        return True

    def _seconds(self, model: ModelRuntime, task: Task, step: str) -> float:
        if task.kind == COMPETITOR:
            return float(task.object_id)
        return self._runner.seconds(model, step, task.user)

    def _work_of(self, model: ModelRuntime, task: Task) -> StepWork | None:
        if task.kind == COMPETITOR:
            return None
        step_id = task.steps[task.done]
        try:
            return self._runner.work(model, task, step_id)
        except Exception:  # noqa: BLE001 - a defect of the sandbox must not leave a task hanging
            traceback.print_exc()
            return StepWork(outcome=self._broken(model, step_id))

    def _finish_step(self, model: ModelRuntime, task: Task, work: StepWork | None) -> None:
        """The step is committed in one transaction with the task's new state."""
        with self._store.transaction():
            if work is not None:
                self._commit(model, task, work)
                true_on_partial = self._switches["import.true_on_partial"] == "on"
                result = work.outcome.as_json(true_on_partial=true_on_partial)
                task.results.append({**result, "ignored": work.outcome.ignored})
            is_stopped = work is not None and not work.outcome.successful and not self._goes_on()
            if work is None or is_stopped or task.done == len(task.steps):
                task.result = self._whole_result(model, task)
                self._end(task, "COMPLETE", max(task.step_ends[max(0, task.done - 1)], 0.0))
            else:
                self._save(task)

    def _commit(self, model: ModelRuntime, task: Task, work: StepWork) -> None:
        model.data.commit(work.changes)
        model.count_save(task.user)
        if work.output is not None:
            file_id = work.outcome.object_id
            model.files.put_output(task.user, file_id, work.output, is_shared=work.is_shared)
        if work.is_import and work.outcome.successful:
            dump = work.outcome.dump() if work.outcome.rejected else None
            model.dumps.record(task.user, work.outcome.object_id, task.id, dump)

    def _goes_on(self) -> bool:
        return bool(self._switches["process.continue_after_failure"] == "on")

    def _whole_result(self, model: ModelRuntime, task: Task) -> dict[str, Any] | None:
        if task.kind == COMPETITOR:
            return None
        ignored = [one.pop("ignored", 0) for one in task.results]
        if task.kind != "processes":
            return task.results[0]
        process = model.definitions.processes.get(task.object_id)
        is_good = all(one["successful"] for one in task.results)
        if self._switches["process.false_on_ignored"] == "on":
            flawed = any(ignored) or any(one["failureDumpAvailable"] for one in task.results)
            is_good = is_good and not flawed
        return {
            "successful": is_good,
            "failureDumpAvailable": any(one["failureDumpAvailable"] for one in task.results),
            "objectId": task.object_id,
            "objectName": process.name if process else "",
            "details": [],
            "nestedResults": task.results,
        }

    def _end(self, task: Task, state: str, at: float) -> bool:
        task.state = state
        task.ended_at = at
        self._dequeue(task)
        self._free_at[task.model] = max(self._free_at.get(task.model, 0.0), at)
        self._save(task)
        return True

    def _end_at_restart(self, task: Task) -> None:
        fate = self._switches["task.on_restart"]
        if task.kind == COMPETITOR or fate == "vanished":
            self.forget(task)
            return
        if fate == "stuck":
            self.stick(task)
            return
        model = self._models[task.model]
        outcome = self._broken(model, task.steps[task.done]).as_json(true_on_partial=True)
        task.results.append({**outcome, "ignored": 0})
        task.result = self._whole_result(model, task)
        self._end(task, "COMPLETE", self._clock.now())

    def _broken(self, model: ModelRuntime, step_id: str) -> Outcome:
        step = model.definitions.find_step(step_id)
        return failed(step_id, step.name if step else "", "internalError")

    def _enqueue(self, task: Task) -> None:
        self._tasks[task.id] = task
        if not task.is_over and not task.is_stuck:
            self._queues.setdefault(task.model, []).append(task)

    def _dequeue(self, task: Task) -> None:
        queue = self._queues.get(task.model, [])
        if task in queue:
            queue.remove(task)

    def _is_kept(self, task: Task) -> bool:
        if task.kind == COMPETITOR:
            return False
        age = self._clock.now() - task.created_at
        return not task.is_over or age <= float(self._switches["task.retention_h"]) * 3600

    def _save(self, task: Task) -> None:
        self._store.save(_SPACE, task.id, asdict(task))

    def _work_forever(self) -> None:
        while not self._is_closing:
            with self._lock:
                self.settle()
                due = self._find_due()
                pause = self._pause()
            if due is None:
                self._wake.wait(pause)
                self._wake.clear()
                continue
            model, task = due
            # The long part runs without the lock, so that polls are answered meanwhile.
            work = self._work_of(model, task)
            with self._lock:
                if task.state == "IN_PROGRESS" and task.id in self._tasks and not self._is_closing:
                    self._finish_step(model, task, work)

    def _find_due(self) -> tuple[ModelRuntime, Task] | None:
        now = self._clock.now()
        for model in self._models.values():
            task = self.running(model.id)
            if task and task.state == "IN_PROGRESS" and now >= task.step_ends[task.done]:
                return model, task
        return None

    def _pause(self) -> float | None:
        """Until something can be due; a clock that is pushed forward is noticed in time."""
        running = [task for model in self._models if (task := self.running(model))]
        if not running:
            return None
        ends = [t.cancel_at if t.state == "CANCELLING" else t.step_ends[t.done] for t in running]
        soonest = min(ends)
        return min(max(soonest - self._clock.now(), 0.005), _WORKER_PAUSE_S)
