"""Values laid over a file: environment above file, flag above environment; origins kept."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from ml_connector.settings.faults import SettingsFault, render_seen
from ml_connector.settings.yaml_files import Loc, YamlFile, parse_flow_text, render_key

ENVIRONMENT_PREFIX = "ML_CONNECTOR__"
DEFAULT_ORIGIN = "default"
SECTIONS = ("connections", "flows", "schedules")


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A value given outside the files, addressed by section, name and key path."""

    origin: str
    section: str
    name: str
    path: tuple[str, ...]
    text: str


def parse_overrides(
    flags: Mapping[str, str], environment: Mapping[str, str]
) -> tuple[list[Override], list[SettingsFault]]:
    """Environment first, flags last, so that the later one wins; and what is addressed badly."""
    pairs = [
        *((f"environment {key}", tuple(key.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")), v)
          for key, v in sorted(environment.items()) if key.startswith(ENVIRONMENT_PREFIX)),
        *((f"flag {key}", tuple(key.split(".")), v) for key, v in flags.items()),
    ]  # fmt: skip
    found: list[Override] = []
    faults: list[SettingsFault] = []
    for origin, parts, text in pairs:
        override = _address(origin, parts, text)
        if override is None:
            faults.append(_fault_of_address(origin, text))
        else:
            found.append(override)
    return found, faults


def select_overrides(overrides: Sequence[Override], *, section: str, name: str) -> list[Override]:
    """Those for one file; names compare without case, `_` as `-`."""
    return [
        o for o in overrides if o.section == section and normal_name(o.name) == normal_name(name)
    ]


def normal_name(name: str) -> str:
    """The spelling names are compared in: the environment knows neither `-` nor case."""
    return name.lower().replace("_", "-")


def lay_over(file: YamlFile, overrides: Sequence[Override]) -> dict[Loc, str]:
    """The file's values carry the overrides; returns the origin of each value that is set."""
    origins = {loc: f"{file.name}:{file.lines.get(loc, 1)}" for loc, _ in walk_values(file.values)}
    for override in overrides:
        try:
            value = parse_flow_text(override.text)
            _set_value(file.values, override.path, value)
        except ValueError as error:
            file.faults.append(
                SettingsFault(
                    file=override.origin,
                    key=render_key(override.path),
                    problem=f"cannot be laid over {file.name}: {error}",
                    seen=render_seen(render_key(override.path), override.text),
                )
            )
        else:
            depth = len(override.path)
            origins = {loc: o for loc, o in origins.items() if loc[:depth] != override.path}
            origins[override.path] = override.origin
    return origins


def walk_values(values: object, loc: Loc = ()) -> Iterator[tuple[Loc, object]]:
    """Yield each leaf below with its path; an empty list or dict is a leaf."""
    if isinstance(values, dict) and values:
        for key, value in values.items():
            yield from walk_values(value, (*loc, str(key)))
    elif isinstance(values, (list, tuple)) and values:
        for number, value in enumerate(values):
            yield from walk_values(value, (*loc, number))
    else:
        yield loc, values


def find_origin(origins: Mapping[Loc, str], loc: Loc) -> str:
    """The origin of the value or of the nearest whole it is part of."""
    for length in range(len(loc), 0, -1):
        if loc[:length] in origins:
            return origins[loc[:length]]
    return DEFAULT_ORIGIN


def _address(origin: str, parts: tuple[str, ...], text: str) -> Override | None:
    if not all(parts):
        return None
    if parts[0] not in SECTIONS:
        return Override(origin=origin, section="", name="", path=parts, text=text)
    if len(parts) < 3:
        return None
    return Override(origin=origin, section=parts[0], name=parts[1], path=parts[2:], text=text)


def _fault_of_address(origin: str, text: str) -> SettingsFault:
    return SettingsFault(
        file=origin,
        key="",
        problem="addresses no setting",
        seen=render_seen(origin, text),
        allowed="a key of ml-connector.yaml, or connections|flows|schedules, a name and a key",
    )


def _set_value(values: dict[str, object], path: tuple[str, ...], value: object) -> None:
    at = values
    for part in path[:-1]:
        inner = at.setdefault(part, {})
        if not isinstance(inner, dict):
            raise ValueError(f"{part} holds no keys")  # noqa: TRY004 - a fault, not a type error.
        at = cast("dict[str, object]", inner)
    at[path[-1]] = value
