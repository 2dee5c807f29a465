"""Plain values turned into typed models, every refusal told as a fault with its line."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from ml_connector.settings.layers import DEFAULT_ORIGIN, find_origin
from ml_connector.settings.yaml_files import Loc, YamlFile, render_key

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
    place = _find_place(model, details["loc"])
    if any(_is_within(render_key(place.loc), key) for key in keys_refused):
        return
    problem, allowed = _explain(place, details)
    origin = find_origin(origins, place.loc)
    if origin != DEFAULT_ORIGIN and not origin.startswith(f"{file.name}:"):
        problem = f"{problem} (from {origin})"
    seen = None if isinstance(details["input"], (dict, list)) else details["input"]
    file.add_fault(place.loc, problem, seen=seen, allowed=allowed)


def _is_within(key: str, refused: str) -> bool:
    return bool(refused) and (key == refused or key.startswith((f"{refused}.", f"{refused}[")))


def _explain(place: "_Place", details: ErrorDetails) -> tuple[str, str]:
    """The problem in a user's words, and what is allowed."""
    kind = str(details["type"])
    if kind == "extra_forbidden":
        keys = list_keys(place.holder) if place.holder else []
        near = difflib.get_close_matches(str(place.loc[-1]), keys, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"is no known key{hint}", ", ".join(keys)
    if kind == "missing":
        return "is missing", place.description
    if kind in ("literal_error", "enum"):
        return "is none of the values allowed", str(details["ctx"]["expected"])
    message = str(details["msg"]).removeprefix("Value error, ")
    return message[:1].lower() + message[1:], place.description


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a refusal points: its path as written, the model that holds it, its field."""

    loc: Loc
    holder: type[BaseModel] | None
    field: FieldInfo | None

    @property
    def description(self) -> str:
        text = self.field.description if self.field else None
        return (text or "").replace("\n", " ").rstrip(".")


def _find_place(model: type[BaseModel], loc: Loc) -> _Place:
    """Follow a refusal's path through the models; tags of unions are no part of what is written."""
    at: type[BaseModel] | None = model
    holder, field, written = at, None, list[str | int]()
    tags: dict[str | int, type[BaseModel]] = {}
    for part in loc:
        if part in tags:
            at, tags = tags[part], {}
            continue
        written.append(part)
        if isinstance(part, str) and at is not None:
            holder, field = at, _find_field(at, part)
            at = next(walk_models(field.annotation), None) if field else at
            tags = _list_tags(field) if field else {}
    return _Place(loc=tuple(written), holder=holder, field=field)


def _list_tags(field: FieldInfo) -> dict[str | int, type[BaseModel]]:
    """The models of a tagged union by their tags; empty for any other field."""
    if not isinstance(field.discriminator, str):
        return {}
    return {
        tag: inner
        for inner in walk_models(field.annotation)
        for tag in get_args(inner.model_fields[field.discriminator].annotation)
    }


def _find_field(model: type[BaseModel], key: str | int) -> FieldInfo | None:
    return next((f for n, f in model.model_fields.items() if key in (n, f.alias)), None)
