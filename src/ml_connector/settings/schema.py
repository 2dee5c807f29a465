"""JSON Schemas for editors and the settings reference, both made from the models."""

import functools
import operator
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from ml_connector.settings.calendars import CalendarSettings
from ml_connector.settings.kinds import FLOW_MODELS, FlowSettings
from ml_connector.settings.project import ProjectSettings
from ml_connector.settings.schedules import Maintenance, Schedule
from ml_connector.settings.validation import walk_models

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_WORDS: dict[object, str] = {
    str: "text", int: "whole number", float: "number", bool: "true or false", Path: "path",
}  # fmt: skip
_INTRODUCTION = """\
# Settings

<!-- Made from the models by `make reference`; edit the models, not this page. -->

A project folder holds `ml-connector.yaml`, `connections/*.yaml`, `flows/*.yaml`,
`schedules/*.yaml`, `calendars/*.yaml`, `maintenance/*.yaml` and `mappings/*.csv`. A flag wins over
the environment (`ML_CONNECTOR__SECTION__KEY`), that over the file, that over the default;
`ml-connector config show --origin` prints which one spoke.

Every value is read as the text it is written in: `NO`, `12:30` and `010` stay what they are. An
empty value is as good as none. Anchors, tags and keys given twice are refused.

In the environment, `ML_CONNECTOR__LOG_FORMAT` means `log_format` of `ml-connector.yaml`, and
`ML_CONNECTOR__FLOWS__ACTUALS_FUSION__MODULE` means `module` of `flows/actuals-fusion.yaml`; lists
are written `[a, b]`.
"""


def render_schema(
    connection_models: Mapping[str, type[BaseModel]] | None = None,
) -> dict[str, dict[str, Any]]:
    """A JSON Schema by file name, for editors; the one for connections when models are given."""
    schemas = {
        "ml-connector.schema.json": ProjectSettings.model_json_schema(),
        "flow.schema.json": _relax_name(TypeAdapter(FlowSettings).json_schema()),
        "schedule.schema.json": _relax_name(Schedule.model_json_schema()),
        "calendar.schema.json": _relax_name(CalendarSettings.model_json_schema()),
        "maintenance.schema.json": _relax_name(Maintenance.model_json_schema()),
    }
    models = connection_models or {}
    if models:
        union: Any = functools.reduce(operator.or_, (models[kind] for kind in sorted(models)))
        schemas["connection.schema.json"] = _relax_name(TypeAdapter(union).json_schema())
    return {name: {"$schema": _DRAFT, **schema} for name, schema in schemas.items()}


def render_reference(connection_models: Mapping[str, type[BaseModel]]) -> str:
    """The settings reference in Markdown, one table for each part of each file."""
    parts = [_INTRODUCTION, *_render_file("`ml-connector.yaml`", ProjectSettings)]
    for kind, model in sorted(connection_models.items()):
        parts += _render_file(f"`connections/*.yaml`, kind `{kind}`", model)
    for kind, flow in sorted(FLOW_MODELS.items()):
        parts += _render_file(f"`flows/*.yaml`, kind `{kind}`", flow)
    parts += _render_file("`schedules/*.yaml`", Schedule)
    parts += _render_file("`calendars/*.yaml`", CalendarSettings)
    parts += _render_file("`maintenance/*.yaml`", Maintenance)
    return "\n".join(parts)


def _relax_name(schema: dict[str, Any]) -> dict[str, Any]:
    """The file's own name stands for `name`, so an editor must not ask for it."""
    for part in [schema, *schema.get("$defs", {}).values()]:
        is_file = part is schema or {"kind", "flow"} & set(part.get("properties", {}))
        if is_file and "name" in part.get("required", []):
            part["required"] = [key for key in part["required"] if key != "name"]
    return schema


def _render_file(title: str, model: type[BaseModel]) -> Iterator[str]:
    yield f"## {title}\n"
    yield from _render_model(model)
    for prefix, inner in _walk_inner(model, ""):
        yield f"### {title.rsplit(', ', maxsplit=1)[-1]}: `{prefix}`\n"
        yield from _render_model(inner)


def _walk_inner(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield the models inside a model under the key that leads to them, each place once."""
    for name, info in model.model_fields.items():
        mark = "[]" if get_origin(info.annotation) is tuple else ""
        for inner in walk_models(info.annotation):
            key = f"{prefix}{info.alias or name}{mark}"
            yield key, inner
            yield from _walk_inner(inner, f"{key}.")


def _render_model(model: type[BaseModel]) -> Iterator[str]:
    if model.__doc__:
        yield f"{' '.join(model.__doc__.split())}\n"
    yield "| key | value | default | meaning |\n|---|---|---|---|"
    for name, info in model.model_fields.items():
        meaning = " ".join((info.description or "").split()).replace("|", "\\|")
        cells = (f"`{info.alias or name}`", _render_type(info.annotation), _render_default(info))
        yield f"| {' | '.join(cells)} | {meaning} |"
    yield ""


def _render_default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    value = info.get_default(call_default_factory=True, validated_data={})
    if value is PydanticUndefined or value is None or value in ("", (), {}):
        return "none"
    if isinstance(value, BaseModel):
        return "see below"
    if isinstance(value, tuple):
        return ", ".join(f"`{one}`" for one in value)
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value.value if isinstance(value, Enum) else value}`"


def _render_type(annotation: object) -> str:
    """The type in the words of the people who write the files."""
    origin, inner = get_origin(annotation), [a for a in get_args(annotation) if a is not Ellipsis]
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in inner)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_render_type(a) for a in inner if a is not NoneType))
    if origin in (dict, Mapping):
        return f"keys to {_render_type(inner[1])}"
    if origin is not None:  # What is left is a list, or Annotated: a type and its limits.
        return f"{'list of ' if origin is tuple else ''}{_render_type(inner[0])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "see below"
    return _WORDS.get(annotation, getattr(annotation, "__name__", str(annotation)).lower())
