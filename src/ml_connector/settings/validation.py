"""Plain values turned into typed models, every refusal told as a fault with its line."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from ml_connector.settings.layers import DEFAULT_ORIGIN, find_origin
from ml_connector.settings.yaml_files import Loc, YamlFile

Model = TypeVar("Model", bound=BaseModel)
ErrorDetails = Mapping[str, Any]


def build_model(model: type[Model], file: YamlFile, origins: Mapping[Loc, str]) -> Model | None:
    """The typed settings, or None with every refusal added to the file's faults."""
    keys_refused = {fault.key for fault in file.faults}
    try:
        return model.model_validate(file.values)
    except ValidationError as error:
        for details in _drop_echoes(error.errors(include_url=False)):
            _add_fault(model, file, details, origins, keys_refused)
    return None


def list_keys(model: type[BaseModel]) -> list[str]:
    """The keys a user may write, in the order of the model."""
    return [info.alias or name for name, info in model.model_fields.items()]


def walk_models(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield the settings models inside an annotation such as `tuple[X, ...] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from walk_models(argument)


def _drop_echoes(errors: Sequence[ErrorDetails]) -> Iterator[ErrorDetails]:
    """A list with one refused item also counts as too short; the item's own fault suffices."""
    locs = [tuple(details["loc"]) for details in errors]
    for details in errors:
        loc = tuple(details["loc"])
        has_inner = any(len(other) > len(loc) and other[: len(loc)] == loc for other in locs)
        if details["type"] != "too_short" or not has_inner:
            yield details


def _add_fault(
    model: type[BaseModel],
    file: YamlFile,
    details: ErrorDetails,
    origins: Mapping[Loc, str],
    keys_refused: set[str],
) -> None:
    loc: Loc = details["loc"]
    if any(key and ".".join(str(p) for p in loc).startswith(key) for key in keys_refused):
        return
    problem, allowed = _explain(model, details)
    origin = find_origin(origins, loc)
    if origin != DEFAULT_ORIGIN and not origin.startswith(f"{file.name}:"):
        problem = f"{problem} (from {origin})"
    seen = None if isinstance(details["input"], (dict, list)) else details["input"]
    file.add_fault(loc, problem, seen=seen, allowed=allowed)


def _explain(model: type[BaseModel], details: ErrorDetails) -> tuple[str, str]:
    """The problem in a user's words, and what is allowed."""
    loc: Loc = details["loc"]
    kind = str(details["type"])
    if kind == "extra_forbidden":
        return _explain_unknown_key(model, loc)
    if kind == "missing":
        return "is missing", _describe(model, loc)
    if kind in ("literal_error", "enum"):
        return "is none of the values allowed", str(details["ctx"]["expected"])
    message = str(details["msg"]).removeprefix("Value error, ")
    return message[:1].lower() + message[1:], _describe(model, loc)


def _explain_unknown_key(model: type[BaseModel], loc: Loc) -> tuple[str, str]:
    holder = _find_model(model, loc[:-1])
    keys = list_keys(holder) if holder else []
    near = difflib.get_close_matches(str(loc[-1]), keys, n=1)
    problem = f"is no known key; did you mean {near[0]!r}?" if near else "is no known key"
    return problem, ", ".join(keys)


def _describe(model: type[BaseModel], loc: Loc) -> str:
    """The first line of the field's own description; empty where the path leads nowhere."""
    while loc and isinstance(loc[-1], int):
        loc = loc[:-1]
    holder = _find_model(model, loc[:-1]) if loc else None
    if holder is None:
        return ""
    for name, info in holder.model_fields.items():
        if loc[-1] in (name, info.alias):
            return (info.description or "").replace("\n", " ").rstrip(".")
    return ""


def _find_model(model: type[BaseModel], loc: Loc) -> type[BaseModel] | None:
    """The model a path leads to; list positions and dict keys lead on to the same one."""
    at: type[BaseModel] | None = model
    for part in loc:
        if at is None or isinstance(part, int):
            continue
        field = next((f for n, f in at.model_fields.items() if part in (n, f.alias)), None)
        if field is not None:
            at = next(walk_models(field.annotation), None)
    return at
