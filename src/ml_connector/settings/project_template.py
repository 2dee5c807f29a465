"""The project folders that `init` makes: one for a real company, one for the sandbox's."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from ml_connector.errors import UsageError
from ml_connector.settings.flows import MONTH_PATTERN
from ml_connector.settings.schema import render_schema

ERPS = ("fusion", "jde")
"""The ERPs a folder may be for; the names of their files hold the word."""
SANDBOX_SECRETS = {
    "fusion-sandbox.client_secret": "halden-secret",
    "anaplan-sandbox.password": "halden-password",
    "jde-sandbox.password": "halden-password",
}
"""What the sandbox takes at log-in; public values of a pretended company, no secrets."""
_RENAMED = {"gitignore": ".gitignore"}
"""Kept under another name here, where they would be obeyed as files of this repository."""


class ProjectExistsError(UsageError):
    """The folder holds files that `init` would have to write over."""

    code = "settings.project-exists"

    def __init__(self, root: str, found: list[str]) -> None:
        super().__init__(
            f"The folder {root} already holds {', '.join(found)}.",
            written="No file was written.",
            next_step="Choose another folder: `ml-connector init FOLDER`.",
            root=root, found=", ".join(found),
        )  # fmt: skip


class FirstMonthError(UsageError):
    """The first month given to `init` is no month."""

    code = "settings.first-month"

    def __init__(self, given: str) -> None:
        super().__init__(
            f"The first month {given!r} is not written as YYYY-MM.",
            written="No file was written.",
            next_step="Give it as in `ml-connector init FOLDER --first-month 2026-01`.",
            given=given,
        )


def render_project(
    *,
    first_month: str,
    erps: Collection[str] = ERPS,
    connection_models: Mapping[str, type[BaseModel]] | None = None,
) -> dict[str, str]:
    """The files of a company's folder by relative path, with comments and examples.

    Args:
        first_month: First month the model takes from here, such as `2026-01`.
        erps: Which of `ERPS` the company has; the files of the others are left out.
        connection_models: Model of each connection kind, for the editors' schema.

    Raises:
        FirstMonthError: `first_month` is no month.
    """
    if not re.fullmatch(MONTH_PATTERN, first_month):
        raise FirstMonthError(first_month)
    values = {"FIRST_MONTH": first_month}
    return _render("company", values, erps=erps, connection_models=connection_models)


def render_sandbox_project(
    *,
    fusion_url: str,
    anaplan_url: str,
    workspace_id: str,
    model_id: str,
    jde_url: str = "",
    connection_models: Mapping[str, type[BaseModel]] | None = None,
) -> dict[str, str]:
    """The files of a folder for the sandbox company, ready to run but for `SANDBOX_SECRETS`.

    Without `jde_url` the folder knows nothing of JD Edwards.
    """
    values = {
        "FUSION_URL": fusion_url,
        "ANAPLAN_URL": anaplan_url,
        "JDE_URL": jde_url,
        "WORKSPACE_ID": workspace_id,
        "MODEL_ID": model_id,
    }
    erps = ERPS if jde_url else ("fusion",)
    return _render("sandbox", values, erps=erps, connection_models=connection_models)


def save_project(root: Path, content: Mapping[str, str]) -> None:
    """The files stand below `root`; nothing that was there is touched.

    Raises:
        ProjectExistsError: One of the files exists already; none was written.
    """
    found = sorted(name for name in content if (root / name).exists())
    if found:
        raise ProjectExistsError(str(root), found)
    for name, text in content.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _render(
    variant: str,
    values: Mapping[str, str],
    *,
    erps: Collection[str],
    connection_models: Mapping[str, type[BaseModel]] | None,
) -> dict[str, str]:
    absent = set(ERPS) - set(erps)
    content = {
        name: _fill(file.read_text(encoding="utf-8"), values)
        for name, file in _walk(files(__package__) / "templates" / variant, "")
        if not absent.intersection(re.split(r"[-/.]", name))
    }
    schemas = render_schema(connection_models)
    return content | {f".schemas/{name}": _render_json(schemas[name]) for name in schemas}


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{_RENAMED.get(entry.name, entry.name)}", entry


def _fill(text: str, values: Mapping[str, str]) -> str:
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text


def _render_json(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
