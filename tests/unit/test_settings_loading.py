"""The project folder is read whole: typed values with origins, or every fault at once."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from ml_connector.errors import SettingsError
from ml_connector.settings import (
    ActualsFlow,
    DimensionsFlow,
    Project,
    ProjectFaultsError,
    ProjectMissingError,
    find_project_root,
    load_project,
)


class Chart(BaseModel):
    """A chart of accounts as a connection describes it."""

    name: str
    segments: tuple[str, ...]


class ErpSettings(BaseModel):
    """A connection model as a system package would hand it in."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
    kind: Literal["fusion"]
    name: str
    base_url: str
    """Address of the pod."""
    client_secret: str = ""
    timeout_s: int = 30
    charts: tuple[Chart, ...] = ()


class PasswordLogin(BaseModel):
    """One way to log in."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    method: Literal["password"] = "password"
    user: str = "a"


class CertificateLogin(BaseModel):
    """Another way to log in."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    method: Literal["certificate"] = "certificate"
    certificate: str


class ModelSettings(BaseModel):
    """A connection model of a planning system."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    auth: Annotated[PasswordLogin | CertificateLogin, Field(discriminator="method")] = (
        PasswordLogin()
    )
    kind: Literal["anaplan"]
    name: str
    workspace: str


MODELS: Mapping[str, type[BaseModel]] = {"fusion": ErpSettings, "anaplan": ModelSettings}

ACTUALS = """\
kind: actuals
source: erp
target: plan
ledgers: [Halden US, NO]
first_month: 2024-01
module: Actuals
mapping: mappings/a.csv
dimensions:
  - {name: account, column: Account, list: Accounts}
  - {name: currency, column: Currency, list: Currencies, source: currency}
  - {name: period, column: Period, export_column: Time, source: period}
actions: {load: Load Actuals, export: Export Actuals}
guards: {amount_moved_max: 0.1000000000000000000001}
periods:
  overrides: {010: 12:30, 2024-01-01: on}
dimensions_flow: members
"""

MEMBERS = """\
kind: dimensions
source: erp
target: plan
lists:
  - list: Accounts
    load: Load Accounts
    from: value-set:Halden Account
    columns: {parent: Parent}
    parents: {by: file, file: mappings/parents.csv}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project folder without a fault."""
    for name, text in {
        "ml-connector.yaml": "organisation: halden\nlog_format: json\n",
        "connections/erp.yaml": "kind: fusion\nbase_url: https://erp.example\n",
        "connections/plan.yaml": "kind: anaplan\nname: plan\nworkspace: '010'\n",
        "flows/actuals.yaml": ACTUALS,
        "flows/members.yaml": MEMBERS,
        "mappings/a.csv": "dimension,when,target\n",
        "mappings/parents.csv": "code,name,parent\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def load(
    folder: Path,
    *,
    overrides: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Project:
    """The folder, away from the environment of the process."""
    return load_project(
        folder,
        connection_models=MODELS,
        overrides=overrides,
        environment=environment or {},
    )


def faults_of(folder: Path, **given: Mapping[str, str]) -> list[str]:
    """The fault lines of a folder that must be refused."""
    with pytest.raises(ProjectFaultsError) as caught:
        load(folder, **given)
    assert isinstance(caught.value, SettingsError)
    assert caught.value.exit_code == 2
    lines = [fault.render() for fault in caught.value.faults]
    assert all(line in str(caught.value) for line in lines)
    return lines


def replace(folder: Path, name: str, before: str, after: str) -> None:
    """One text of one file is another now."""
    path = folder / name
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


def test_whole_folder_is_loaded_typed(folder: Path) -> None:
    """A folder without faults gives typed settings under the names of its files."""
    project = load(folder)

    actuals, members = project.flows["actuals"], project.flows["members"]
    assert isinstance(actuals, ActualsFlow)
    assert isinstance(members, DimensionsFlow)
    assert (actuals.name, actuals.measure, actuals.chunk_bytes) == ("actuals", "base", 10_000_000)
    assert actuals.dimensions[2].header_exported == "Time"
    assert actuals.dimensions[0].header_exported == "Account"
    assert members.lists[0].from_ == ("value-set:Halden Account",)
    assert project.settings.organisation == "halden"
    assert project.state_dir == folder / ".state"


def test_text_that_looks_like_another_type_stays_text(folder: Path) -> None:
    """`NO`, `12:30`, `010` and dates are what the user typed, and decimals are exact."""
    project = load(folder)

    flow = project.flows["actuals"]
    assert isinstance(flow, ActualsFlow)
    assert flow.ledgers == ("Halden US", "NO")
    assert flow.periods.overrides == {"010": "12:30", "2024-01-01": "on"}
    assert flow.guards.amount_moved_max == Decimal("0.1000000000000000000001")


def test_flag_wins_over_environment_over_file_over_default(folder: Path) -> None:
    """Each layer shadows the one below it, and the origin says which one spoke."""
    environment = {
        "ML_CONNECTOR__CONNECTIONS__ERP__TIMEOUT_S": "60",
        "ML_CONNECTOR__CONNECTIONS__ERP__BASE_URL": "https://other.example",
        "ML_CONNECTOR__FLOWS__ACTUALS__LEDGERS": "[Halden Japan]",
        "ML_CONNECTOR__KEY__ENV": "HALDEN_KEY",
        "ML_CONNECTOR_UNRELATED": "x",
    }
    project = load(folder, environment=environment, overrides={"connections.erp.timeout_s": "90"})

    erp = project.connections["erp"]
    assert isinstance(erp, ErpSettings)
    assert (erp.timeout_s, erp.base_url) == (90, "https://other.example")
    values = {one.key: one for one in project.list_values()}
    assert values["connections.erp.timeout_s"].origin == "flag connections.erp.timeout_s"
    assert values["flows.actuals.ledgers[0]"].value == "Halden Japan"
    assert values["flows.actuals.ledgers[0]"].origin.startswith("environment ML_CONNECTOR__FLOWS")
    assert values["organisation"].origin == "ml-connector.yaml:1"
    assert values["key.env"].origin == "environment ML_CONNECTOR__KEY__ENV"
    assert values["state"].origin == "default"
    assert values["flows.actuals.dimensions[2].export_column"].origin == "flows/actuals.yaml:11"


def test_plain_secret_is_masked_in_listings_and_faults(folder: Path) -> None:
    """Plain text in a secret's place is shown nowhere; a reference is."""
    replace(folder, "connections/erp.yaml", "base_url:", "client_secret: hunter2\nbase_url:")
    shown = {one.key: one.value for one in load(folder).list_values()}
    assert shown["connections.erp.client_secret"] == "***"

    replace(folder, "connections/erp.yaml", "client_secret: hunter2", "clientsecret: hunter2")
    (line,) = faults_of(folder)
    assert "hunter2" not in line
    assert "did you mean 'client_secret'?" in line

    replace(folder, "connections/erp.yaml", "clientsecret: hunter2", "client_secret: secret:erp.x")
    shown = {one.key: one.value for one in load(folder).list_values()}
    assert shown["connections.erp.client_secret"] == "secret:erp.x"


def test_all_faults_of_all_files_are_told_at_once(folder: Path) -> None:
    """One refusal names file, line, key, value seen and values allowed of every fault."""
    replace(folder, "ml-connector.yaml", "log_format: json", "log_format: xml")
    replace(folder, "connections/erp.yaml", "base_url:", "base_uri:")
    replace(folder, "flows/actuals.yaml", "first_month: 2024-01", "first_month: 2024-13")
    replace(folder, "flows/members.yaml", "from: value-set:Halden Account", "from: konten")

    lines = faults_of(folder)

    assert "\n".join(lines) == (
        "connections/erp.yaml:1 base_url: is missing; allowed: Address of the pod\n"
        "connections/erp.yaml:2 base_uri: is no known key; did you mean 'base_url'?;"
        " seen 'https://erp.example'; allowed: kind, name, base_url, client_secret, timeout_s,"
        " charts\n"
        "flows/actuals.yaml:5 first_month: string should match pattern"
        " '^\\d{4}-(0[1-9]|1[0-2])$'; seen '2024-13'; allowed: First month the model takes from"
        " here, such as `2024-01`; earlier ones stay as they are\n"
        "flows/members.yaml:7 lists[0].from[0]: is no dimension an ERP can be asked for; seen"
        " 'konten'; allowed: `ledgers`, `currencies`, value sets as `value-set:CODE`, and where the"
        " ERP has them `companies`, `accounts`, `account-ids`, `business-units`, `suppliers`,"
        " `supplier-sites`; the first to name a code wins\n"
        "ml-connector.yaml:2 log_format: is none of the values allowed; seen 'xml';"
        " allowed: 'console' or 'json'"
    )


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("source: erp", "source: epr", ":2 source: names no connection; seen 'epr'; allowed: erp"),
        ("source: erp", "source: plan", ":2 source: is a connection of kind anaplan; seen 'plan'"),
        ("target: plan", "target: erp", ":3 target: is a connection of kind fusion; seen 'erp'"),
        ("[Halden US, NO]", "[]", ":4 ledgers: tuple should have at least 1 item"),
        ("[Halden US, NO]", "[A, A]", ":4 ledgers[1]: is given twice; seen 'A'"),
        ("mappings/a.csv", "mappings/b.csv", ":7 mapping: names no file; seen 'mappings/b.csv'"),
        (", list: Accounts", "", "dimensions[0].list: is missing"),
        (", source: period", ", list: Time", "needs exactly one dimension with `source: period`"),
        ("export_column: Time", "export_column: Time, list: X", "is set, but a period is no list"),
        ("column: Currency", "column: Account", "dimensions[1].column: is given twice"),
        ("column: Currency", "column: Amount", "is the column of the amount or code"),
        ("name: currency", "name: account", "dimensions[1].name: is given twice"),
        ("actions:", "unmapped: suspense\nactions:", "suspense: names no member for account"),
        ("actions:", "suspense: {account: X}\nactions:", "`unmapped` is not `suspense`"),
        ("actions:", "signs: {flip: [L]}\nactions:", "signs.account_types: is missing"),
        (", source: currency", ", sauce: currency", "sauce: is no known key; did you mean"),
        ("load: Load Actuals, ", "", "actions.load: is missing"),
        ("0.1000000000000000000001", "a lot", "guards.amount_moved_max: input should be a valid"),
        ("dimensions_flow: members", "dimensions_flow: actuals", "names no dimensions flow into"),
        ("kind: actuals", "kind: actual", ":1 kind: is none of the values allowed; seen 'actual'"),
        ("kind: actuals\n", "", "kind: is missing; allowed: actuals, budget, dimensions"),
        ("kind: actuals", "kind: actuals\nname: b", ":2 name: differs from the file's name"),
        ("module: Actuals", "module: Actuals\nmodule: B", "module: is given a second time on"),
        ("module: Actuals", "module: &a Actuals", "module: uses an anchor"),
        ("module: Actuals", "module: !!python/name:os.system", "module: uses the tag"),
        ("module: Actuals", "module: [Actuals", "is no YAML"),
        ("actions: {", "actions: {<<: {a: b}, ", "is no plain key"),
        ("module: Actuals", "module:", "module: is missing"),
        ("guards: {", "guards: {cells_ratio_max: 1.5, ", "less than or equal to 1"),
    ],
)
def test_faulty_actuals_flow_is_refused_with_its_key(
    folder: Path, before: str, after: str, said: str
) -> None:
    """Every rule of an actuals flow refuses its breach, by key and value."""
    replace(folder, "flows/actuals.yaml", before, after)

    assert any(said in line for line in faults_of(folder)), said


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("mappings/parents.csv", "mappings/no.csv", "lists[0].parents.file: names no file"),
        (", file: mappings/parents.csv", "", "lists[0].parents.file: is missing"),
        ("by: file, file: mappings/parents.csv", "by: property", "parents.property: is missing"),
        ("by: file, file: mappings/parents.csv", "by: property", "parents.names: is missing"),
        ("{parent: Parent}", "{}", "lists[0].columns.parent: is missing"),
        ("    load:", "    name_pattern: '{name}'\n    load:", "must use {code}"),
        (
            "    load:",
            "    name_pattern: '{code} {x}'\n    load:",
            "may use {code} and {name} only",
        ),
        ("    load:", "    members_vanish_max_ratio: 2\n    load:", "members_vanish_max_ratio"),
        (
            "{parent: Parent}",
            "{parent: Parent, values: {one_time: {Y: TRUE}}}",
            "columns: has `values` of what `properties` does not name: one_time",
        ),
        (
            "{parent: Parent}",
            "{parent: Parent, properties: {one_time: Once}, values: {one_time: TRUE}}",
            "columns.values.one_time:",
        ),
    ],
)
def test_faulty_dimensions_flow_is_refused_with_its_key(
    folder: Path, before: str, after: str, said: str
) -> None:
    """Every rule of a dimensions flow refuses its breach, by key and value."""
    replace(folder, "flows/members.yaml", before, after)

    assert any(said in line for line in faults_of(folder)), said


def test_values_of_a_property_stay_the_text_they_are_written_in(folder: Path) -> None:
    """What a model shall be sent for a flag is no boolean of the settings file."""
    columns = "{parent: Parent, properties: {one_time: Once}, values: {one_time: {Y: TRUE, N: no}}}"
    replace(folder, "flows/members.yaml", "{parent: Parent}", columns)

    flow = load(folder).flows["members"]

    assert isinstance(flow, DimensionsFlow)
    assert flow.lists[0].columns.values == {"one_time": {"Y": "TRUE", "N": "no"}}


def test_entered_amounts_need_a_currency_dimension(folder: Path) -> None:
    """Entered amounts of several currencies are never added into one cell."""
    replace(folder, "flows/actuals.yaml", "kind: actuals", "kind: actuals\nmeasure: entered")
    load(folder)
    replace(
        folder,
        "flows/actuals.yaml",
        "  - {name: currency, column: Currency, list: Currencies, source: currency}\n",
        "",
    )

    (line,) = faults_of(folder)
    assert "flows/actuals.yaml:2 measure: needs a dimension with `source: currency`" in line


def test_sign_rule_names_charts_and_segments_of_its_source(folder: Path) -> None:
    """A sign rule for a chart nobody configured would turn nothing, in silence."""
    replace(
        folder,
        "connections/erp.yaml",
        "kind: fusion",
        "kind: fusion\ncharts: [{name: Americas, segments: [entity, konto]}]",
    )
    replace(
        folder,
        "flows/actuals.yaml",
        "actions:",
        "signs:\n  account_types: {Americas: 'value-set:A', America: 'value-set:B'}\nactions:",
    )

    assert "\n".join(faults_of(folder)) == (
        "flows/actuals.yaml:12 signs.account_fact: is no segment of Americas; seen 'account';"
        " allowed: entity, konto\n"
        "flows/actuals.yaml:13 signs.account_types.America: is no chart of erp; seen 'America';"
        " allowed: Americas"
    )


def test_faulty_connection_is_told_once_not_again_by_its_flows(folder: Path) -> None:
    """A flow does not call a connection missing whose own file is at fault."""
    replace(folder, "connections/erp.yaml", "https://erp.example", "[a]")

    (line,) = faults_of(folder)
    assert line.startswith("connections/erp.yaml:2 base_url[0]") or "base_url" in line


def test_fault_inside_a_choice_of_models_is_told_as_it_is_written(folder: Path) -> None:
    """The tag that chose the model is no part of the key, and its own keys are the allowed ones."""
    replace(
        folder,
        "connections/plan.yaml",
        "name:",
        "auth:\n  method: certificate\n  certificat: x\nname:",
    )

    assert "\n".join(faults_of(folder)) == (
        "connections/plan.yaml:2 auth.certificate: is missing\n"
        "connections/plan.yaml:4 auth.certificat: is no known key; did you mean 'certificate'?;"
        " seen 'x'; allowed: method, certificate"
    )


def test_file_that_would_be_skipped_in_silence_is_a_fault(folder: Path) -> None:
    """A `.yml` file, a bad name and an unreadable file are told, not passed over."""
    (folder / "flows" / "b.yml").write_text(ACTUALS)
    (folder / "flows" / "B_c.yaml").write_text(ACTUALS)
    (folder / "flows" / "d.yaml").write_bytes(b"\xff\xfe\x00a")

    lines = faults_of(folder)

    assert any(line.startswith("flows/b.yml: is not read") for line in lines)
    assert any("flows/B_c.yaml" in line and "is named badly" in line for line in lines)
    assert any("flows/d.yaml: cannot be read" in line for line in lines)


def test_override_that_addresses_nothing_is_a_fault(folder: Path) -> None:
    """A mistyped variable or flag is refused instead of changing nothing."""
    lines = faults_of(
        folder,
        environment={
            "ML_CONNECTOR__CONNECTIONS__EPR__TIMEOUT_S": "1",
            "ML_CONNECTOR__CONNECTIONS__ERP": "1",
            "ML_CONNECTOR__LOG_FORMT": "json",
            "ML_CONNECTOR__FLOWS__ACTUALS__LEDGERS": "[a",
            "ML_CONNECTOR__FLOWS__ACTUALS__MODULE__X": "a",
        },
        overrides={"connections.erp.timeout_s": "soon"},
    )

    text = "\n".join(lines)
    assert "ML_CONNECTOR__CONNECTIONS__EPR__TIMEOUT_S connections.epr.timeout_s: names" in text
    assert "ML_CONNECTOR__CONNECTIONS__ERP: addresses no setting" in text
    assert "log_formt: is no known key; did you mean 'log_format'? (from environment" in text
    assert "ML_CONNECTOR__FLOWS__ACTUALS__LEDGERS ledgers: cannot be laid over" in text
    assert "module.x: cannot be laid over flows/actuals.yaml: module holds no keys" in text
    assert "(from flag connections.erp.timeout_s); seen 'soon'" in text


def test_project_root_is_found_from_below(folder: Path) -> None:
    """Commands work from any folder of the project, and say so when there is none."""
    assert find_project_root(folder / "flows") == folder
    (folder / "ml-connector.yaml").unlink()
    assert find_project_root(folder / "flows") is None
    with pytest.raises(ProjectMissingError, match="ml-connector init"):
        load(folder)


def test_two_flows_over_the_same_cells_are_refused(folder: Path) -> None:
    """Whose amount a cell holds could not be told; both flows say so."""
    text = (folder / "flows" / "actuals.yaml").read_text()
    (folder / "flows" / "twin.yaml").write_text(text.replace("name: actuals\n", ""))

    found = [line for line in faults_of(folder) if "cannot be told apart" in line]

    assert len(found) == 2
    assert any("flows/twin.yaml" in line and "by actuals too" in line for line in found)


def test_file_that_is_no_text_is_refused_by_name(folder: Path) -> None:
    """A mapping saved by a spreadsheet in its own encoding is no traceback."""
    (folder / "mappings" / "a.csv").write_bytes("Büro".encode("latin-1"))

    with pytest.raises(SettingsError, match=r"mappings/a\.csv cannot be read"):
        load(folder).read_text(Path("mappings/a.csv"))


def test_yes_and_no_of_a_secrets_name_are_shown(folder: Path) -> None:
    """Whether people sign in by password is no secret: the listing says it."""
    shown = {one.key: one.value for one in load(folder).list_values()}

    assert shown["pages.sign_in.password"] == "True"
