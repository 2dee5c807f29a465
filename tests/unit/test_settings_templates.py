"""The folders `init` makes are free of faults; the editors' schemas agree with the loader."""

import json
from pathlib import Path

import pytest

from ml_connector.settings import ActualsFlow, DimensionsFlow, load_project
from ml_connector.settings.project_template import (
    COMPANY_SECRETS,
    SANDBOX_SECRETS,
    FirstMonthError,
    ProjectExistsError,
    render_project,
    render_sandbox_project,
    save_project,
)
from ml_connector.settings.schema import render_schema
from ml_connector.wiring.projects import connection_models


def sandbox_files() -> dict[str, str]:
    """The sandbox's folder at made-up addresses."""
    return render_sandbox_project(
        fusion_url="http://127.0.0.1:8801",
        anaplan_url="http://127.0.0.1:8802",
        workspace_id="8a868cd97b120fc7017b36d7331d0001",
        model_id="F1A2B3C4D5E64F708192A3B4C5D6E701",
        connection_models=connection_models(),
    )


def test_company_folder_is_free_of_faults(tmp_path: Path) -> None:
    """What `init` writes passes `config validate` before anyone has touched it."""
    save_project(
        tmp_path, render_project(first_month="2026-01", connection_models=connection_models())
    )

    project = load_project(tmp_path, connection_models=connection_models(), environment={})

    assert sorted(project.flows) == ["actuals-fusion", "dimensions-fusion"]
    text = "".join(path.read_text() for path in tmp_path.rglob("*.yaml"))
    assert all(f"secret:{name}" in text for name in COMPANY_SECRETS)
    assert "@" not in text.replace("integration@example.com", "")


def test_sandbox_folder_is_free_of_faults(tmp_path: Path) -> None:
    """The sandbox's folder loads as it is, with one flow for each way to load actuals."""
    save_project(tmp_path, sandbox_files())

    project = load_project(tmp_path, connection_models=connection_models(), environment={})

    modes = {
        name: (flow.mode, flow.measure, flow.module)
        for name, flow in project.flows.items()
        if isinstance(flow, ActualsFlow)
    }
    assert modes == {
        "actuals-fusion": ("snapshot", "base", "Actuals"),
        "actuals-entered-fusion": ("snapshot", "entered", "Actuals Entered"),
        "actuals-append-fusion": ("append", "base", "Actuals"),
    }
    assert isinstance(project.flows["dimensions-fusion"], DimensionsFlow)
    text = "".join(path.read_text() for path in tmp_path.rglob("*.yaml"))
    assert all(f"secret:{name}" in text for name in SANDBOX_SECRETS)
    assert text.replace("integration@halden", "").count("@") == 0


@pytest.mark.parametrize("first_month", ["2026-1", "2026-13", "Jan 26", "", "2026-01\n"])
def test_first_month_that_is_no_month_is_refused(first_month: str) -> None:
    """`init` does not write a folder whose first check would fail."""
    with pytest.raises(FirstMonthError, match="YYYY-MM"):
        render_project(first_month=first_month)


def test_key_and_state_are_kept_out_of_version_control() -> None:
    """Both folders bring an ignore file that covers what must stay private."""
    for content in (render_project(first_month="2026-01"), sandbox_files()):
        assert {".state/", ".key"} <= set(content[".gitignore"].splitlines())


def test_folder_with_a_file_of_that_name_is_left_alone(tmp_path: Path) -> None:
    """`init` writes over nothing, and writes nothing when it would have to."""
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "actuals-fusion.yaml").write_text("mine")

    with pytest.raises(ProjectExistsError, match=r"flows/actuals-fusion\.yaml"):
        save_project(tmp_path, render_project(first_month="2026-01"))

    assert [path.name for path in tmp_path.rglob("*")] == ["flows", "actuals-fusion.yaml"]


def test_schemas_describe_every_key_of_every_file() -> None:
    """Editors see the same keys as the loader, `name` left to the file's own name."""
    schemas = render_schema(connection_models())

    actuals = schemas["flow.schema.json"]["$defs"]["ActualsFlow"]
    assert set(actuals["properties"]) == set(ActualsFlow.model_fields)
    assert actuals["additionalProperties"] is False
    assert "name" not in actuals["required"]
    assert "from" in schemas["flow.schema.json"]["$defs"]["ListFlow"]["properties"]
    assert set(schemas) == {
        "connection.schema.json",
        "flow.schema.json",
        "ml-connector.schema.json",
    }
    assert json.loads(sandbox_files()[".schemas/flow.schema.json"]) == schemas["flow.schema.json"]
