"""Project folders: found and read."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml_connector.settings import Project, find_project_root, load_project

if TYPE_CHECKING:
    from pydantic import BaseModel

SANDBOX_MODEL = "Finance Planning"
"""The planning model of the sandbox's company."""


def connection_models() -> Mapping[str, "type[BaseModel]"]:
    """The settings model of each connection kind; the packages of the systems own them."""
    from ml_connector.systems.anaplan.connection import AnaplanSettings  # noqa: PLC0415 - start-up
    from ml_connector.systems.fusion.connection import FusionSettings  # noqa: PLC0415 - time.
    from ml_connector.systems.jde.connection import JdeSettings  # noqa: PLC0415 - start-up time.

    return {"fusion": FusionSettings, "jde": JdeSettings, "anaplan": AnaplanSettings}


def find_root(start: Path) -> Path:
    """The nearest project folder at or above `start`; `start` itself when there is none."""
    return find_project_root(start) or start


def read_project(root: Path, overrides: Mapping[str, str] | None = None) -> Project:
    """The project's settings, typed and checked.

    Raises:
        SettingsError: All faults of all files.
    """
    return load_project(root, connection_models=connection_models(), overrides=overrides)


def render_schemas() -> Mapping[str, Any]:
    """The JSON Schema of each kind of project file."""
    from ml_connector.settings.schema import render_schema  # noqa: PLC0415 - start-up time.

    return render_schema(connection_models())
