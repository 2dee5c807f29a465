"""Carrying out one step of a task: nothing is changed before the engine commits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ml_connector.sandbox.anaplan.csvtext import parse_rows
from ml_connector.sandbox.anaplan.data import Changes, ModelData
from ml_connector.sandbox.anaplan.definitions import ActionDef, ExportDef, ImportDef, SourceDef
from ml_connector.sandbox.anaplan.exports import render_output
from ml_connector.sandbox.anaplan.import_lists import ListImport, Table
from ml_connector.sandbox.anaplan.import_modules import ModuleImport
from ml_connector.sandbox.anaplan.results import Outcome, detail, failed
from ml_connector.sandbox.anaplan.runtime import ModelRuntime
from ml_connector.sandbox.anaplan.tasks import Task
from ml_connector.sandbox.store import Store
from ml_connector.sandbox.switches import Switches

FORCED = "forced_outcomes"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepWork:
    """The outcome of a step and what committing it means; an output may be for all to see."""

    outcome: Outcome
    changes: Changes = field(default_factory=Changes)
    output: list[bytes] | None = None
    is_shared: bool = False
    is_import: bool = False


class StepRunner:
    """Computes steps; `find_model` gives another model for model-to-model imports."""

    def __init__(
        self, store: Store, switches: Switches, find_model: Callable[[str], ModelRuntime | None]
    ) -> None:
        self._store = store
        self._switches = switches
        self._find_model = find_model

    def seconds(self, model: ModelRuntime, step_id: str, user: str) -> float:
        """How long the step will take by the sandbox clock."""
        step = model.definitions.find_step(step_id)
        rows = 0
        if isinstance(step, ImportDef) and step.source:
            rows = (model.files.find_content(user, step.source) or b"").count(b"\n")
        elif isinstance(step, ExportDef):
            items = model.definitions.modules[step.module].line_items
            rows = sum(len(model.data.cells[item.id]) for item in items)
        return float(self._switches["task.base_s"]) + rows * float(self._switches["task.row_s"])

    def work(self, model: ModelRuntime, task: Task, step_id: str) -> StepWork:
        """The step's outcome; nothing has been written."""
        step = model.definitions.find_step(step_id)
        if step is None:
            return StepWork(outcome=failed(step_id, step_id, "failedToLocateEntity"))
        forced = self._take_forced(step_id)
        if forced:
            return StepWork(outcome=failed(step.id, step.name, forced))
        if isinstance(step, ImportDef):
            outcome, changes = self._import(model, task, step)
            return StepWork(outcome=outcome, changes=changes, is_import=True)
        if isinstance(step, ExportDef):
            return self._export(model, step)
        return self._action(model.data, step)

    def _import(self, model: ModelRuntime, task: Task, step: ImportDef) -> tuple[Outcome, Changes]:
        table = self._table(model, task, step)
        if isinstance(table, Outcome):
            return table, Changes()
        if step.kind == "HIERARCHY_DATA":
            is_unique = self._switches["list.unique_names"] == "on"
            run = ListImport(step, model.data.lists[step.target], unique_names=is_unique)
            return run.run(table)
        if step.kind == "MODULE_DATA":
            return self._module_import(model.data, task, step, table)
        kind = {"USERS": "usersRowsProcessed", "VERSIONS": "versionsRowsProcessed"}
        one = detail(kind.get(step.kind, "taskElementSucceeded"))
        return Outcome(object_id=step.id, object_name=step.name, details=[one]), Changes()

    def _module_import(
        self, data: ModelData, task: Task, step: ImportDef, table: Table
    ) -> tuple[Outcome, Changes]:
        asked = self._asked(data, task, step)
        if asked is None:
            return failed(step.id, step.name, "failedToLocateEntity"), Changes()
        strict = self._switches["import.strict_boolean"] == "on"
        run = ModuleImport(step, data, asked=asked, strict=strict)
        is_fatal = self._switches["import.missing_line_item_column"] == "fail"
        return run.run(table, fail_on_missing=is_fatal)

    def _asked(self, data: ModelData, task: Task, step: ImportDef) -> Mapping[str, int] | None:
        """The member for each dimension the import asks for; None where one is wrong."""
        found: dict[str, int] = {}
        for entity, axis in step.ask.items():
            names = [
                one.get("entityName", "")
                for one in task.mapping
                if one.get("entityType") == entity and one.get("importId", step.id) == step.id
            ]
            member = data.names(axis).get(names[0]) if names else None
            if member is None:
                return None
            found[axis] = member
        return found

    def _table(self, model: ModelRuntime, task: Task, step: ImportDef) -> Table | Outcome:
        if step.from_model:
            return self._foreign_table(step)
        if not step.source:
            return Table(headers=[], rows=[])
        content = model.files.find_content(task.user, step.source)
        if content is None:
            return failed(step.id, step.name, "uploadedFileNoLongerAvailable")
        return parse_table(content, model.definitions.sources[step.source])

    def _foreign_table(self, step: ImportDef) -> Table | Outcome:
        """A model-to-model import: the other model's first list as a table."""
        other = self._find_model(step.from_model)
        if other is None:
            return failed(step.id, step.name, "failedToLocateModel")
        if other.state == "ARCHIVED":
            return failed(step.id, step.name, "sourceModelArchived")
        items = next(iter(other.data.lists.values()))
        step.columns = {"code": "Code", "name": "Name"}
        rows = [[item.code, item.name] for item in items.items.values()]
        return Table(headers=["Code", "Name"], rows=list(enumerate(rows, start=2)))

    def _export(self, model: ModelRuntime, step: ExportDef) -> StepWork:
        outcome = Outcome(
            object_id=step.id, object_name=step.name, details=[detail("exportSucceeded")]
        )
        output = render_output(step, model.data, self._switches)
        return StepWork(outcome=outcome, output=output, is_shared=bool(step.audience))

    def _action(self, data: ModelData, step: ActionDef) -> StepWork:
        if step.type != "DELETE_BY_SELECTION":
            return StepWork(outcome=Outcome(object_id=step.id, object_name=step.name))
        items = data.lists[step.target].copy()
        gone = set(items.items)
        for item_id in gone:
            items.remove(item_id)
        changes = Changes(lists={step.target: items}, dropped_items={step.target: gone})
        one = detail("deleteFromSelectionSucceeded")
        outcome = Outcome(object_id=step.id, object_name=step.name, details=[one])
        return StepWork(outcome=outcome, changes=changes)

    def _take_forced(self, step_id: str) -> str | None:
        forced: dict[str, Any] | None = self._store.find(FORCED, step_id)
        if not forced or forced["times"] < 1:
            return None
        self._store.save(FORCED, step_id, {**forced, "times": forced["times"] - 1})
        return str(forced["type"])


def parse_table(content: bytes, source: SourceDef) -> Table:
    """The file's header texts and its data rows with their line numbers (header is 1)."""
    headers: list[str] = []
    rows: list[tuple[int, list[str]]] = []
    for line, row in enumerate(parse_rows(content, source), start=1):
        if line == source.header_row:
            headers = [text.strip() for text in row]
        elif line >= source.first_data_row and row:
            rows.append((line, row))
    return Table(headers=headers, rows=rows)
