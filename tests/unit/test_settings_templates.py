"""The folders `init` makes are free of faults; the editors' schemas agree with the loader."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from ml_connector.settings import ActualsFlow, BudgetFlow, DimensionsFlow, load_project
from ml_connector.settings.project import ProjectSettings
from ml_connector.settings.project_template import (
    ERPS,
    SANDBOX_SECRETS,
    FirstMonthError,
    ProjectExistsError,
    render_project,
    render_sandbox_project,
    save_project,
)
from ml_connector.settings.schedules import Schedule
from ml_connector.settings.schema import render_schema
from ml_connector.settings.suppliers import SupplierFlow
from ml_connector.systems.jde.connection import JdeSettings
from ml_connector.wiring.projects import connection_models

FLOW_MODELS: dict[str, type[BaseModel]] = {
    "actuals": ActualsFlow, "budget": BudgetFlow, "dimensions": DimensionsFlow,
    "suppliers": SupplierFlow,
}  # fmt: skip
UNSHOWN = {"name", "kind", "chunk_bytes", "poll_seconds", "api_version", "framework_version"}
"""Said by the file's name, or of no concern but to whoever looks for it in the reference."""


@pytest.fixture(scope="module")
def models() -> dict[str, type[BaseModel]]:
    """The settings model of each connection kind."""
    return {**connection_models(), "jde": JdeSettings}


def sandbox_files(jde_url: str = "http://127.0.0.1:8803", **options: Any) -> dict[str, str]:
    """The sandbox's folder at made-up addresses."""
    return render_sandbox_project(
        fusion_url="http://127.0.0.1:8801",
        anaplan_url="http://127.0.0.1:8802",
        jde_url=jde_url,
        workspace_id="8a868cd97b120fc7017b36d7331d0001",
        model_id="F1A2B3C4D5E64F708192A3B4C5D6E701",
        **options,
    )


def read_all(folder: Path) -> str:
    """Every YAML file of the folder in one text."""
    return "".join(path.read_text() for path in folder.rglob("*.yaml"))


def test_company_folder_is_free_of_faults(tmp_path: Path, models: dict[str, Any]) -> None:
    """What `init` writes passes `config validate` before anyone has touched it."""
    content = render_project(first_month="2026-01", erps=ERPS, connection_models=models)
    save_project(tmp_path, content)

    project = load_project(tmp_path, connection_models=models, environment={})

    assert sorted(project.flows) == [
        "actuals-fusion", "actuals-jde", "budgets-jde", "dimensions-fusion", "dimensions-jde",
        "supplier-revisions-fusion", "suppliers-fusion",
    ]  # fmt: skip
    text = read_all(tmp_path)
    secrets = ("fusion-prod.client_secret", "jde-prod.password", "anaplan-fin.password")
    assert all(f"secret:{name}" in text for name in secrets)
    assert "@" not in text.replace("integration@example.com", "")


def test_company_folder_shows_every_key_somebody_may_want(models: dict[str, Any]) -> None:
    """By its default, or in a comment; whoever fills the folder in need not look elsewhere."""
    content = render_project(first_month="2026-01", erps=ERPS, connection_models=models)
    kinds = {kind: _keys_of(model) for kind, model in FLOW_MODELS.items()}
    kinds |= {kind: _keys_of(model) for kind, model in models.items()}
    lacking = []
    for name, text in content.items():
        kind = re.search(r"^kind: (\S+)$", text, re.MULTILINE)
        if name == "ml-connector.yaml":
            keys = set(ProjectSettings.model_fields)
        elif name.startswith("schedules/") and name.endswith(".yaml"):
            keys = set(Schedule.model_fields)
        elif kind is not None:
            keys = kinds[kind[1]]
        else:
            continue
        shown = set(re.findall(r"^(?:# ?)?([a-z_]+):", text, re.MULTILINE))
        lacking += [f"{name} {key}" for key in sorted(keys - shown - UNSHOWN)]

    assert lacking == []


def _keys_of(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


@pytest.mark.parametrize("erp", ERPS)
def test_folder_of_one_erp_holds_no_file_of_the_other(
    erp: str, tmp_path: Path, models: dict[str, Any]
) -> None:
    """A company with one ERP finds nothing in its folder to fill in for the other."""
    content = render_project(first_month="2026-01", erps=[erp], connection_models=models)
    save_project(tmp_path, content)

    project = load_project(tmp_path, connection_models=models, environment={})

    assert sorted(project.connections) == ["anaplan-fin", f"{erp}-prod"]
    own = {"fusion": ["suppliers-fusion", "supplier-revisions-fusion"], "jde": ["budgets-jde"]}[erp]
    assert set(project.flows) == {f"actuals-{erp}", f"dimensions-{erp}", *own}
    assert {name for name in content if name.startswith("mappings/actuals")} == {
        f"mappings/actuals-{erp}.csv"
    }


def test_sandbox_folder_is_free_of_faults(tmp_path: Path, models: dict[str, Any]) -> None:
    """The sandbox's folder loads as it is, with one flow for each way to load actuals."""
    save_project(tmp_path, sandbox_files(connection_models=models))

    project = load_project(tmp_path, connection_models=models, environment={})

    modes = {
        name: (flow.mode, flow.measure, flow.module)
        for name, flow in project.flows.items()
        if isinstance(flow, ActualsFlow)
    }
    assert modes == {
        "actuals-fusion": ("snapshot", "base", "Actuals"),
        "actuals-entered-fusion": ("snapshot", "entered", "Actuals Entered"),
        "actuals-append-fusion": ("append", "base", "Actuals"),
        "actuals-jde": ("snapshot", "base", "JDE Actuals"),
    }
    assert isinstance(project.flows["dimensions-fusion"], DimensionsFlow)
    text = read_all(tmp_path)
    assert all(f"secret:{name}" in text for name in SANDBOX_SECRETS)
    assert text.replace("integration@halden", "").count("@") == 0


def test_sandbox_folder_names_jde_companies_with_their_zeros(
    tmp_path: Path, models: dict[str, Any]
) -> None:
    """A company number is text: 00077 neither loses its zeros nor becomes octal."""
    save_project(tmp_path, sandbox_files(connection_models=models))

    flow = load_project(tmp_path, connection_models=models, environment={}).flows["actuals-jde"]

    assert isinstance(flow, ActualsFlow)
    assert flow.ledgers == ("00001", "00077", "00200", "00300")


def test_sandbox_folder_writes_no_ledger_that_its_connection_does_not_read(
    tmp_path: Path, models: dict[str, Any]
) -> None:
    """What a budget is held against is read by the connection it is posted through."""
    save_project(tmp_path, sandbox_files(connection_models=models))

    project = load_project(tmp_path, connection_models=models, environment={})

    flow, connection = project.flows["budgets-jde"], project.connections["jde-sandbox"]
    assert isinstance(flow, BudgetFlow)
    assert isinstance(connection, JdeSettings)
    assert {name.partition("/")[2] for name in flow.ledgers} <= set(connection.ledger_types)
    assert flow.approval.people == 1


def test_sandbox_folder_without_jde_names_nothing_of_it() -> None:
    """Without the address of the JDE server its connection and flows are left out."""
    content = sandbox_files(jde_url="")

    assert not [name for name in content if "jde" in name]
    assert "actuals-fusion.yaml" in {name.rpartition("/")[2] for name in content}


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


def test_schemas_describe_every_key_of_every_file(models: dict[str, Any]) -> None:
    """Editors see the same keys as the loader, `name` left to the file's own name."""
    schemas = render_schema(models)

    actuals = schemas["flow.schema.json"]["$defs"]["ActualsFlow"]
    assert set(actuals["properties"]) == set(ActualsFlow.model_fields)
    assert actuals["additionalProperties"] is False
    assert "name" not in actuals["required"]
    assert "from" in schemas["flow.schema.json"]["$defs"]["ListFlow"]["properties"]
    assert set(schemas) == {
        "calendar.schema.json",
        "connection.schema.json",
        "flow.schema.json",
        "maintenance.schema.json",
        "ml-connector.schema.json",
        "schedule.schema.json",
    }
    assert (
        json.loads(sandbox_files(connection_models=models)[".schemas/flow.schema.json"])
        == (schemas["flow.schema.json"])
    )
