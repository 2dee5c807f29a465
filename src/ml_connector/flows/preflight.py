"""Preflight: everything a run relies on is looked at before anything is read or sent."""

from collections.abc import Iterable

from ml_connector.errors import BlockedError, RefusedError
from ml_connector.flows.bench import Bench
from ml_connector.ports import Action, ActionKind, ImportShape, Json, PlanningTarget


class UnknownActionError(RefusedError):
    """No action of that name exists in the model, or the user may not see it."""

    code = "preflight.unknown-action"


class AmbiguousActionError(RefusedError):
    """Several actions of the model carry the name."""

    code = "preflight.ambiguous-action"


class HeaderMismatchError(RefusedError):
    """The file of an import no longer has the columns the flow writes."""

    code = "preflight.header-mismatch"


class ModelNotWritableError(BlockedError):
    """The model is archived, locked, offline or in deployed mode."""

    code = "preflight.model-not-writable"


def verify_model(target: PlanningTarget) -> Json:
    """The model can be written now; returns its id and name.

    Raises:
        ModelNotWritableError: Archived, locked, offline or deployed.
    """
    state = target.read_model_state()
    if not state.is_writable:
        raise ModelNotWritableError(
            f"The model {state.name} ({state.model_id}) is {state.state}. {state.finding}".strip(),
            written="Nothing was read or sent.",
            next_step="Ask the model's owner to make it writable, then run again.",
            model=state.model_id, state=state.state,
        )  # fmt: skip
    return {"model_id": state.model_id, "model_name": state.name}


def find_action(target: PlanningTarget, kind: ActionKind, name: str) -> Action:
    """The one action of that kind and name.

    Raises:
        UnknownActionError: None has the name; near names are listed.
        AmbiguousActionError: Several have it; their ids are listed.
    """
    actions = target.read_actions(kind)
    found = [action for action in actions if action.name == name]
    if not found:
        raise UnknownActionError(
            f"The model {target.model_id} has no {kind} named {name!r};"
            f" it has: {_name_some(action.name for action in actions)}.",
            written="Nothing was read or sent.",
            next_step="Correct the name in the flow's file, or restore the action in the model.",
            kind=kind, name=name,
        )  # fmt: skip
    if len(found) > 1:
        raise AmbiguousActionError(
            f"The model {target.model_id} has {len(found)} {kind}s named {name!r}:"
            f" {_name_some(action.action_id for action in found)}.",
            written="Nothing was read or sent.",
            next_step="Rename all but one of them in the model.",
            kind=kind, name=name,
        )  # fmt: skip
    return found[0]


def _name_some(names: Iterable[str], most: int = 20) -> str:
    listed = sorted(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more if listed else "none"


def find_load_imports(target: PlanningTarget, action: Action) -> list[Action]:
    """The imports a load runs: the import itself, or the import steps of a process."""
    if action.kind is ActionKind.IMPORT:
        return [action]
    return target.read_process_imports(action.action_id)


def verify_headers(target: PlanningTarget, imports: list[Action], columns: set[str]) -> ImportShape:
    """Every import of the load reads one file, with exactly these columns; returns its shape.

    Raises:
        HeaderMismatchError: Columns are missing or unknown, or the imports read several files.
    """
    files = {action.file_id for action in imports}
    if len(files) != 1 or "" in files:
        raise HeaderMismatchError(
            f"The imports {_name_some(a.name for a in imports)} read {len(files)} files"
            f" ({_name_some(files)}); a load is one file.",
            written="Nothing was read or sent.",
            next_step="Let every import of the process read the same data source.",
        )
    shapes = [target.read_import_shape(action.action_id) for action in imports]
    for action, shape in zip(imports, shapes, strict=True):
        _verify_shape(action, shape, columns)
    return shapes[0]


def _verify_shape(action: Action, shape: ImportShape, columns: set[str]) -> None:
    headers = set(shape.headers)
    if headers == columns:
        return
    raise HeaderMismatchError(
        f"The import {action.name!r} expects the columns {', '.join(shape.headers)}; the flow"
        f" writes {', '.join(sorted(columns))}. Missing in the flow:"
        f" {_name_some(headers - columns)}; unknown to the import:"
        f" {_name_some(columns - headers)}.",
        written="Nothing was read or sent.",
        next_step="Correct the column names of the flow, or re-map the import in the model.",
        import_name=action.name,
    )


def render_action(action: Action) -> Json:
    """The action as a step result."""
    return {
        "kind": str(action.kind),
        "name": action.name,
        "action_id": action.action_id,
        "file_id": action.file_id,
    }


def parse_action(row: Json) -> Action:
    """The action a step result was made of."""
    return Action(**{**row, "kind": ActionKind(row["kind"])})


def pin_load(bench: Bench, *, kind: str, name: str, columns: set[str]) -> Json:
    """The load's action, file and shape, looked up by name and pinned for the run."""
    action = find_action(bench.target, ActionKind(kind), name)
    imports = find_load_imports(bench.target, action)
    shape = verify_headers(bench.target, imports, columns)
    return {
        "action": render_action(action),
        "file_id": imports[0].file_id,
        "headers": list(shape.headers),
        "separator": shape.separator,
        "delimiter": shape.delimiter,
        "encoding": shape.encoding,
    }
