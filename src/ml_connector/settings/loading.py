"""A project folder read whole: typed settings, or every fault of every file at once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar, cast

from pydantic import BaseModel

from ml_connector.errors import SettingsError
from ml_connector.settings.calendars import CalendarSettings
from ml_connector.settings.checks import check_flow, check_maintenance, check_schedule
from ml_connector.settings.faults import (
    ProjectFaultsError,
    ProjectMissingError,
    SettingsFault,
    is_secret,
)
from ml_connector.settings.kinds import FLOW_MODELS, Flow
from ml_connector.settings.layers import (
    DEFAULT_ORIGIN,
    Override,
    find_origin,
    lay_over,
    normal_name,
    parse_overrides,
    select_overrides,
    walk_values,
)
from ml_connector.settings.project import ProjectSettings
from ml_connector.settings.schedules import Maintenance, Schedule
from ml_connector.settings.validation import build_model
from ml_connector.settings.yaml_files import Loc, YamlFile, parse_yaml_file, render_key

PROJECT_FILE = "ml-connector.yaml"
FILES_MAX = 1_000
_NAME_ALLOWED = "lower-case letters, digits and single hyphens"
Model = TypeVar("Model", bound=BaseModel)
Models = Mapping[str, type[BaseModel]] | type[BaseModel]
"""The model of each `kind`, or the only one there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingValue:
    """One line of `config show`: the key, its value (secrets masked) and where it comes from."""

    key: str
    value: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A loaded project folder, every name in it checked."""

    root: Path
    settings: ProjectSettings
    connections: Mapping[str, BaseModel]
    flows: Mapping[str, Flow]
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    calendars: Mapping[str, CalendarSettings] = field(default_factory=dict)
    maintenance: Mapping[str, Maintenance] = field(default_factory=dict)
    overrides: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Flags it was read with."""
    origins: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Dotted key to where its value comes from; keys that are absent hold their default."""

    @property
    def state_dir(self) -> Path:
        """The state folder, absolute; it may not exist yet."""
        return self.resolve(self.settings.state)

    def resolve(self, path: Path) -> Path:
        """A path of the settings, read from the project folder."""
        return (self.root / path.expanduser()).resolve()

    def read_text(self, path: Path) -> str:
        """What a file of the folder says.

        Raises:
            SettingsError: It is gone, or no text in UTF-8.
        """
        try:
            return self.resolve(path).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(
                f"The file {path} cannot be read: {error}.",
                written="Nothing was read or sent.",
                next_step="Save it as text in UTF-8.",
                file=str(path),
            ) from error

    def list_values(self) -> list[SettingValue]:
        """Every setting with its value and origin, defaults included, secrets masked."""
        sections: list[tuple[str, BaseModel]] = [
            ("", self.settings),
            *((f"connections.{name}.", model) for name, model in self.connections.items()),
            *((f"flows.{name}.", model) for name, model in self.flows.items()),
            *((f"schedules.{name}.", model) for name, model in self.schedules.items()),
            *((f"calendars.{name}.", model) for name, model in self.calendars.items()),
            *((f"maintenance.{name}.", model) for name, model in self.maintenance.items()),
        ]
        return [
            SettingValue(
                key=f"{prefix}{render_key(loc)}",
                value=_mask(loc, value),
                origin=_origin_of(self.origins, prefix, loc),
            )
            for prefix, model in sections
            for loc, value in walk_values(model.model_dump(mode="json", by_alias=True))
        ]


@dataclass(slots=True, kw_only=True)
class _Reading:
    """What one pass over a folder has gathered so far."""

    overrides: list[Override]
    faults: list[SettingsFault]
    origins: dict[str, str] = field(default_factory=dict)
    files: dict[tuple[str, str], YamlFile] = field(default_factory=dict)


def find_project_root(start: Path) -> Path | None:
    """The nearest folder at or above `start` that holds `ml-connector.yaml`."""
    at = start.resolve()
    return next((p for p in (at, *at.parents) if (p / PROJECT_FILE).is_file()), None)


def load_project(
    root: Path,
    *,
    connection_models: Mapping[str, type[BaseModel]],
    overrides: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Project:
    """The folder's settings, typed and checked against each other; nothing is written.

    A flag wins over the environment (`ML_CONNECTOR__SECTION__KEY`), that over the file, that over
    the default.

    Args:
        root: The project folder.
        connection_models: Model of each connection `kind`; the packages of the systems own them.
        overrides: Flags, as dotted keys such as `flows.actuals-fusion.overlap_minutes`.
        environment: Variables to look at; the process's own when left out.

    Raises:
        ProjectMissingError: `root` holds no `ml-connector.yaml`.
        ProjectFaultsError: Some file holds faults; all of all files are listed.
    """
    if not (root / PROJECT_FILE).is_file():
        raise ProjectMissingError(str(root))
    given, faults = parse_overrides(
        overrides or {}, os.environ if environment is None else environment
    )
    reading = _Reading(overrides=given, faults=faults)
    settings = _load_file(reading, root / PROJECT_FILE, "", ProjectSettings)
    connections = _load_folder(reading, root, "connections", connection_models)
    flows = cast("dict[str, Flow]", _load_folder(reading, root, "flows", FLOW_MODELS))
    schedules = cast("dict[str, Schedule]", _load_folder(reading, root, "schedules", Schedule))
    calendars = cast(
        "dict[str, CalendarSettings]", _load_folder(reading, root, "calendars", CalendarSettings)
    )
    maintenance = cast(
        "dict[str, Maintenance]", _load_folder(reading, root, "maintenance", Maintenance)
    )
    _check_overrides(reading)
    _check_flows(reading, root, connections, flows)
    _check_schedules(reading, schedules, flows, calendars)
    _check_maintenance(reading, maintenance, connections)
    _check_alerts(reading, settings, flows)
    faults.extend(fault for file in reading.files.values() for fault in file.faults)
    if faults or settings is None:
        raise ProjectFaultsError(str(root), sorted(faults, key=lambda f: (f.file, f.line or 0)))
    return Project(
        root=root.resolve(),
        settings=settings,
        connections=connections,
        flows=flows,
        schedules=schedules,
        calendars=calendars,
        maintenance=maintenance,
        overrides=dict(overrides or {}),
        origins=reading.origins,
    )


def _load_folder(
    reading: _Reading, root: Path, section: str, models: Models
) -> dict[str, BaseModel]:
    loaded: dict[str, BaseModel] = {}
    paths = sorted(p for p in (root / section).glob("*") if not p.name.startswith("."))
    for path in paths[:FILES_MAX]:
        if path.suffix in (".yml", ".json"):
            reading.faults.append(_fault_of_suffix(section, path))
        if path.suffix == ".yaml":
            model = _load_named(reading, path, section, models)
            if model is not None:
                loaded[path.stem] = model
    if len(paths) > FILES_MAX:
        problem = f"holds more than {FILES_MAX} files"
        reading.faults.append(SettingsFault(file=section, key="", problem=problem))
    return loaded


def _fault_of_suffix(section: str, path: Path) -> SettingsFault:
    return SettingsFault(
        file=f"{section}/{path.name}", key="", problem="is not read", allowed="names in .yaml"
    )


def _load_named(reading: _Reading, path: Path, section: str, models: Models) -> BaseModel | None:
    """A connection, flow or schedule: its `kind` chooses the model, its file gives the name."""
    file, origins = _read_file(reading, path, section)
    if normal_name(path.stem) != path.stem:
        file.add_fault((), "is named badly", seen=path.name, allowed=_NAME_ALLOWED)
    name = file.values.setdefault("name", path.stem)
    if name != path.stem:
        file.add_fault(("name",), "differs from the file's name", seen=name, allowed=path.stem)
    if isinstance(models, type):
        return build_model(models, file, origins)
    kind = file.values.get("kind")
    if not isinstance(kind, str) or kind not in models:
        if not any(fault.key in ("", "kind") for fault in file.faults):
            problem = "is none of the values allowed" if "kind" in file.values else "is missing"
            file.add_fault(("kind",), problem, seen=kind, allowed=", ".join(sorted(models)))
        return None
    return build_model(models[kind], file, origins)


def _load_file(reading: _Reading, path: Path, section: str, model: type[Model]) -> Model | None:
    file, origins = _read_file(reading, path, section)
    return build_model(model, file, origins)


def _read_file(reading: _Reading, path: Path, section: str) -> tuple[YamlFile, dict[Loc, str]]:
    """The file under its overrides, remembered for the checks between files."""
    name = path.stem if section else ""
    file = parse_yaml_file(path, name=f"{section}/{path.name}" if section else path.name)
    reading.files[section, name] = file
    chosen = select_overrides(reading.overrides, section=section, name=name)
    origins = lay_over(file, chosen)
    prefix = f"{section}.{name}." if section else ""
    reading.origins.update({f"{prefix}{render_key(loc)}": o for loc, o in origins.items()})
    return file, origins


def _check_overrides(reading: _Reading) -> None:
    known = {(section, normal_name(name)) for section, name in reading.files}
    for override in reading.overrides:
        if (override.section, normal_name(override.name)) not in known:
            names = [n for s, n in sorted(reading.files) if s == override.section]
            reading.faults.append(
                SettingsFault(
                    file=override.origin,
                    key=".".join((override.section, override.name, *override.path)),
                    problem=f"names nothing in {override.section}",
                    seen=override.name,
                    allowed=", ".join(names),
                )
            )


def _check_flows(
    reading: _Reading,
    root: Path,
    connections: Mapping[str, BaseModel],
    flows: Mapping[str, Flow],
) -> None:
    """Flows that have their types are checked against the rest; files with faults are named."""
    failed = _list_failed(reading, "connections", connections)
    for name, flow in flows.items():
        file = reading.files["flows", name]
        for found in check_flow(flow, root=root, connections=connections, flows=flows):
            # A connection whose own file is refused is not "missing": one fault is enough.
            if found.loc in (("source",), ("target",)) and found.seen in failed:
                continue
            file.add_fault(found.loc, found.problem, seen=found.seen or None, allowed=found.allowed)


def _check_schedules(
    reading: _Reading,
    schedules: Mapping[str, Schedule],
    flows: Mapping[str, Flow],
    calendars: Mapping[str, CalendarSettings],
) -> None:
    failed = _list_failed(reading, "flows", flows)
    unread = _list_failed(reading, "calendars", calendars)
    for name, schedule in schedules.items():
        if schedule.flow in failed:
            continue  # The flow's own file is refused: one fault is enough.
        for found in check_schedule(schedule, flows=flows, calendars=[*calendars, *unread]):
            reading.files["schedules", name].add_fault(
                found.loc, found.problem, seen=found.seen or None, allowed=found.allowed
            )


def _check_alerts(
    reading: _Reading, settings: ProjectSettings | None, flows: Mapping[str, Flow]
) -> None:
    if settings is None:
        return
    known = {name for section, name in reading.files if section == "flows"} | set(flows)
    named: list[tuple[Loc, str]] = [
        (("alerts", "expected", at, "flow"), one.flow)
        for at, one in enumerate(settings.alerts.expected)
    ]
    for at, rule in enumerate(settings.alerts.rules):
        named += [(("alerts", "rules", at, "flows", n), one) for n, one in enumerate(rule.flows)]
    for loc, name in named:
        if name not in known:
            reading.files["", ""].add_fault(
                loc, "names no flow", seen=name, allowed=", ".join(sorted(known)) or "none yet"
            )


def _check_maintenance(
    reading: _Reading,
    maintenance: Mapping[str, Maintenance],
    connections: Mapping[str, BaseModel],
) -> None:
    failed = _list_failed(reading, "connections", connections)
    for name, one in maintenance.items():
        for found in check_maintenance(one, connections=[*connections, *failed]):
            reading.files["maintenance", name].add_fault(
                found.loc, found.problem, seen=found.seen, allowed=found.allowed
            )


def _list_failed(reading: _Reading, section: str, loaded: Mapping[str, object]) -> set[str]:
    """Files that hold faults: what names them has none of its own."""
    return {name for one, name in reading.files if one == section} - set(loaded)


def _origin_of(origins: Mapping[str, str], prefix: str, loc: Loc) -> str:
    own = {
        tuple(loc[:length]): origins[key]
        for length in range(1, len(loc) + 1)
        if (key := f"{prefix}{render_key(loc[:length])}") in origins
    }
    return find_origin(own, loc) if own else DEFAULT_ORIGIN


def _mask(loc: Loc, value: object) -> str:
    text = "" if value is None else str(value)
    references = ("secret:", "env:", "file:")
    if isinstance(value, bool):
        # Whether there is a password is no secret.
        return text
    if text and is_secret(str(loc[-1])) and not text.startswith(references):
        return "***"
    return text
