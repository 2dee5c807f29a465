"""Project folders written by `init`."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ml_connector.errors import SystemUnavailableError
from ml_connector.settings import project_template
from ml_connector.wiring.house import open_house
from ml_connector.wiring.projects import SANDBOX_MODEL, connection_models

SANDBOX_INFO_PATH = "/__sandbox/info"
SANDBOX_WAIT_S = 10.0


class SandboxNotReachableError(SystemUnavailableError):
    """No sandbox answers at the address."""

    code = "wiring.sandbox-not-reachable"


def write_project(folder: Path, *, first_month: str, erps: Collection[str] = ()) -> list[Path]:
    """A commented project folder for real systems; returns the files written.

    With examples for the ERPs named, `fusion` and `jde`; for both when none is.

    Raises:
        UsageError: The folder holds files that would be written over.
    """
    content = project_template.render_project(
        first_month=first_month,
        erps=erps or project_template.ERPS,
        connection_models=connection_models(),
    )
    project_template.save_project(folder, content)
    return [folder / name for name in content]


def write_sandbox_project(
    folder: Path, *, fusion_url: str, anaplan_url: str, jde_url: str = ""
) -> list[Path]:
    """A project folder for the sandbox's company, its public credentials stored.

    Without a `jde_url` it knows nothing of JD Edwards.

    Raises:
        UsageError: The folder holds files that would be written over.
        SystemUnavailableError: No sandbox answers at the address.
    """
    model = _read_sandbox_info(anaplan_url)["models"][SANDBOX_MODEL]
    content = project_template.render_sandbox_project(
        fusion_url=fusion_url,
        anaplan_url=anaplan_url,
        jde_url=jde_url,
        workspace_id=model["workspace"],
        model_id=model["id"],
        connection_models=connection_models(),
    )
    project_template.save_project(folder, content)
    with open_house(folder) as house:
        for name, value in project_template.SANDBOX_SECRETS.items():
            house.save_secret(name, value)
    return [folder / name for name in content]


def _read_sandbox_info(anaplan_url: str) -> dict[str, Any]:
    from urllib.request import urlopen  # noqa: PLC0415 - start-up time.

    url = anaplan_url.rstrip("/") + SANDBOX_INFO_PATH
    try:
        # A control path of our own pretended server, not of a remote system: no chain is needed.
        with urlopen(url, timeout=SANDBOX_WAIT_S) as reply:  # noqa: S310 - address the user gave.
            info = json.load(reply)
    except (OSError, ValueError) as error:
        raise SandboxNotReachableError(
            f"No sandbox answers at {url}: {error}.",
            written="No file was written.",
            next_step="Start it in another terminal: `ml-connector sandbox`.",
            url=url,
        ) from error
    return dict(info)
