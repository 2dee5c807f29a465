"""What tests may do to tasks: see all of them, start, cancel, spoil or lose one, hold the model."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ml_connector.sandbox.anaplan.definitions import find_named
from ml_connector.sandbox.anaplan.runner import FORCED
from ml_connector.sandbox.anaplan.runtime import ModelRuntime
from ml_connector.sandbox.anaplan.tasks import Task

if TYPE_CHECKING:
    from ml_connector.sandbox.anaplan.server import AnaplanServer

Body = dict[str, Any]


class TaskDesk:
    """Registers the operations; `find_model` tells the model a body means."""

    def __init__(self, server: "AnaplanServer", find_model: Callable[[Body], ModelRuntime]) -> None:
        self._server = server
        self._model = find_model
        operations = (
            self.hold_lock, self.release_lock, self.force_outcome, self.read_tasks,
            self.start_task, self.cancel_task, self.set_task_fate,
        )  # fmt: skip
        for operation in operations:
            server.add_admin(operation.__name__, operation)

    def hold_lock(self, body: Body) -> Body:
        """A competitor's task holds the model for {seconds}."""
        with self._server.lock:
            model = self._model(body)
            task = self._server.engine.hold(
                model.id, "competitor@halden.example", float(body.get("seconds", 60))
            )
        return {"task": task.id}

    def release_lock(self, body: Body) -> None:
        """The running task, if it is a competitor's, is over now."""
        with self._server.lock:
            task = self._server.engine.running(self._model(body).id)
            if task is not None:
                self._server.engine.cut_short(task)

    def force_outcome(self, body: Body) -> None:
        """The next {times} runs of the action {action} (id) fail as a whole with {type}."""
        forced = {"type": body["type"], "times": int(body.get("times", 1))}
        self._server.store.save(FORCED, body["action"], forced)

    def read_tasks(self, body: Body) -> list[Body]:
        """Every task of the model {model} the server still knows, whoever started it."""
        with self._server.lock:
            self._server.engine.settle()
            found = self._server.engine.tasks(self._model(body).id)
            return [
                {"task": one.id, "object": one.object_id, "state": one.state, "user": one.user}
                for one in found
            ]

    def start_task(self, body: Body) -> Body:
        """The user {user} has started the import {import} (id or name) by hand."""
        with self._server.lock:
            model = self._model(body)
            one = find_named(model.definitions.imports, body["import"])

            def by_hand(task_id: str, number: int, now: float) -> Task:
                return Task(
                    id=task_id, model=model.id, kind="imports", object_id=one.id,
                    user=body["user"], created_at=now, number=number, steps=[one.id],
                )  # fmt: skip

            return {"task": self._server.engine.submit(by_hand).id}

    def cancel_task(self, body: Body) -> None:
        """Somebody, {user}, cancels the task {task} in the model's own pages."""
        with self._server.lock:
            task = self._server.engine.find(body["task"])
            if task is None:
                raise LookupError(f"There is no task {body['task']}.")
            self._server.engine.cancel(task, body.get("user", "owner@halden.example"))

    def set_task_fate(self, body: Body) -> None:
        """The task {task} is `vanished` or `stuck`."""
        with self._server.lock:
            task = self._server.engine.find(body["task"])
            if task is None:
                raise LookupError(f"There is no task {body['task']}.")
            self._apply_fate(task, body["fate"])

    def _apply_fate(self, task: Task, fate: str) -> None:
        if fate == "vanished":
            self._server.engine.forget(task)
        elif fate == "stuck":
            self._server.engine.stick(task)
        else:
            raise ValueError(f"There is no fate {fate!r}; known: vanished, stuck.")
