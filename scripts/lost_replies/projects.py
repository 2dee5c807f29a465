"""A project folder of the product for the sandbox, made once and copied for each job."""

import shutil
from pathlib import Path
from threading import Lock
from typing import Any

from ruamel.yaml import YAML
from scripts.lost_replies.stage import Stage
from scripts.lost_replies.work import Setting

from ml_connector.wiring import open_house, write_sandbox_project

RUN = "261122-080000-{number:04}"
"""Id of a job's run, so that a process that comes after a killed one knows it again."""

ONE_HOUSE = Lock()
"""A process works on one project's databases at a time."""


def make_template(stage: Stage, folder: Path) -> Path:
    """A project whose databases stand already: making them takes longer than a run."""
    with ONE_HOUSE:
        write_sandbox_project(folder, **{f"{name}_url": url for name, url in stage.urls.items()})
        with open_house(folder) as house:
            assert house.engine is not None
    return folder


def copy_project(setting: Setting) -> Path:
    """A project that has run nothing yet."""
    return Path(shutil.copytree(setting.template, setting.folder / "project"))


def change_yaml(path: Path, **changes: Any) -> None:
    """Keys of a YAML file stand as given."""
    yaml = YAML()
    content = yaml.load(path)
    content.update(changes)
    with path.open("w", encoding="utf-8") as out:
        yaml.dump(content, out)


def order_flow(
    setting: Setting, project: Path, flow: str, *, claims: str, number: int = 1
) -> tuple[str, ...]:
    """The command of a process that runs the flow, or resumes its run."""
    spec = {
        "project": str(project), "flow": flow, "run": RUN.format(number=number), "claims": claims,
        "clock": f"{setting.stage.urls['anaplan']}/__sandbox/clock",
        "timeout_s": setting.timeout_s,
    }  # fmt: skip
    return setting.order("by_product", spec, name=f"run-{number}")
