"""Commands about the project folder, its secrets, and what cannot be understood at all."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from tests.fakes.standing import lay_state

FLOW = "flows/actuals-fusion.yaml"


@pytest.fixture
def company_folder(terminal: Any, tmp_path: Path) -> Path:
    """A folder as `init` writes it for a real company."""
    root = tmp_path / "company"
    assert terminal.type("init", str(root), "--first-month", "2026-01").code == 0
    terminal.project = root
    return root


@pytest.fixture
def company_databases(company_folder: Path, fresh_state: Path) -> None:
    """The folder's databases stand, as after its first command; migrating them takes seconds."""
    lay_state(fresh_state, company_folder)


def test_init_writes_a_valid_folder_for_a_company(terminal: Any, tmp_path: Path) -> None:
    """Every file written is listed on stdout, and together they are valid as they stand."""
    root = tmp_path / "books"

    made = terminal.type("init", str(root), "--first-month", "2026-01")
    terminal.project = root
    checked = terminal.type("config", "validate")

    written = {Path(line) for line in made.out.splitlines()}
    assert made.code == checked.code == 0
    assert {path for path in root.rglob("*") if path.is_file()} == written
    assert (root / "ml-connector.yaml") in written
    assert "fill in connections/*.yaml" in made.hints[0]
    assert checked.out == ""
    flows = len(list((root / "flows").glob("*.yaml")))
    assert f"is valid: 3 connections, {flows} flows." in checked.err


def test_init_writes_over_nothing(terminal: Any, company_folder: Path) -> None:
    """A folder that holds a project stays as it is; the refusal names the files."""
    before = {path: path.read_bytes() for path in company_folder.rglob("*") if path.is_file()}

    terminal.project = None
    again = terminal.type("init", str(company_folder), "--first-month", "2025-01")

    assert (again.code, again.out) == (2, "")
    assert "ml-connector.yaml" in again.err
    assert "No file was written." in again.err
    assert before == {p: p.read_bytes() for p in company_folder.rglob("*") if p.is_file()}


def test_init_asks_for_the_first_month_on_a_terminal(terminal: Any, tmp_path: Path) -> None:
    """What is typed becomes the flow's first month; the question does not mix with the data."""
    made = terminal.type("init", str(tmp_path / "books"), stdin="2025-07\n", sits=True)

    flow = YAML(typ="safe").load(tmp_path / "books" / FLOW)
    assert made.code == 0
    assert made.err.startswith("First month the model takes from here (YYYY-MM): ")
    assert "First month" not in made.out
    assert flow["first_month"] == "2025-07"


@pytest.mark.parametrize("given", [(), ("--first-month", "July"), ("--first-month", "2026-13")])
def test_init_without_a_month_says_how_to_give_one(
    terminal: Any, tmp_path: Path, given: tuple[str, ...]
) -> None:
    """Where nobody sits at a terminal, a missing month is a usage error, as a wrong one is."""
    refused = terminal.type("init", str(tmp_path / "books"), *given)

    assert (refused.code, refused.out) == (2, "")
    assert refused.hints == ["Give it as in `ml-connector init FOLDER --first-month 2026-01`."]
    assert not (tmp_path / "books").exists()


def test_init_for_the_sandbox_is_ready_to_run(
    terminal: Any, shared_company: Any, tmp_path: Path
) -> None:
    """Addresses, ids and the public credentials of the sandbox are in place.

    It begins without databases, as everybody's first command does.
    """
    root = tmp_path / "halden"

    made = terminal.type(
        "init", str(root), "--sandbox", shared_company.fusion, shared_company.anaplan
    )
    terminal.project = root
    tested = terminal.type("connections", "test", "anaplan-sandbox", "-o", "json")

    assert made.code == 0
    assert made.hints == ["`ml-connector doctor`"]
    assert {row["state"] for row in tested.json} == {"ok"}
    assert stat.S_IMODE((root / ".key").stat().st_mode) == 0o600


def test_init_without_a_sandbox_there_writes_nothing(terminal: Any, tmp_path: Path) -> None:
    """An address nobody answers at is an unavailable system; how to start one is named."""
    nobody = "http://127.0.0.1:9"

    refused = terminal.type("init", str(tmp_path / "halden"), "--sandbox", nobody, nobody)

    assert refused.code == 8
    assert refused.hints == ["Start it in another terminal: `ml-connector sandbox`."]
    assert not (tmp_path / "halden").exists()


def test_config_validate_lists_all_faults_of_all_files(terminal: Any, company_folder: Path) -> None:
    """Two faults in each of two files: four lines, each with file, key and what is allowed."""
    change(company_folder / FLOW, measure="gross", mode="sometimes")
    change(company_folder / "ml-connector.yaml", log_format="loud", colour="red")

    checked = terminal.type("config", "validate")

    assert (checked.code, checked.out) == (2, "")
    for fault in ("measure", "mode", "log_format", "colour"):
        assert fault in checked.err
    assert checked.err.count("flows/actuals-fusion.yaml") >= 2
    assert "'gross'" in checked.err
    assert "base, entered" in checked.err.replace("'", "").replace(" or ", ", ")


def test_flag_wins_over_environment_wins_over_file(
    terminal: Any, company_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`config show --origin` says which of file, environment and flag decides, and default."""

    def origin(*more: str) -> tuple[str, str]:
        rows = terminal.type("config", "show", "--origin", "-o", "json", *more).json
        row = next(row for row in rows if row["key"] == "log_format")
        return row["value"], row["origin"]

    by_file = origin()
    monkeypatch.setenv("ML_CONNECTOR__LOG_FORMAT", "json")
    by_environment = origin()
    by_flag = origin("--set", "log_format=console")

    assert by_file[0] == "console"
    assert "ml-connector.yaml" in by_file[1]
    assert by_environment == ("json", "environment ML_CONNECTOR__LOG_FORMAT")
    assert by_flag[0] == "console"
    assert "--set" in by_flag[1] or "flag" in by_flag[1]


def test_config_show_keeps_secrets_references(terminal: Any, company_folder: Path) -> None:
    """References stay references; without --origin the column is left out."""
    rows = terminal.type("config", "show", "-o", "json").json

    values = {row["key"]: row["value"] for row in rows}
    assert values["connections.anaplan-fin.auth.password"] == "secret:anaplan-fin.password"
    assert set(rows[0]) == {"key", "value"}


def test_config_schema_describes_every_kind_of_file(terminal: Any) -> None:
    """Editors get a schema for each kind of file; no project needed."""
    schemas = terminal.type("config", "schema").json

    kinds = {"ml-connector", "connection", "flow", "schedule", "calendar", "maintenance"}
    assert {name.split(".")[0] for name in schemas} == kinds
    assert all("$defs" in schema or "properties" in schema for schema in schemas.values())


def test_set_without_a_value_is_refused(terminal: Any, company_folder: Path) -> None:
    """`--set` wants KEY=VALUE, and the key must exist."""
    shapeless = terminal.type("config", "show", "--set", "log_format")
    unknown = terminal.type("config", "show", "--set", "flows.no-flow.measure=base")

    assert shapeless.code == unknown.code == 2
    assert "'log_format' is not KEY=VALUE" in shapeless.err
    assert "no-flow" in unknown.err


def test_folder_without_a_project_says_how_to_make_one(terminal: Any, tmp_path: Path) -> None:
    """A command outside of any project names `init`."""
    terminal.project = tmp_path

    refused = terminal.type("status")

    assert (refused.code, refused.out) == (2, "")
    assert "ml-connector init" in refused.hints[0]


# --- secrets ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("company_databases")
def test_secret_comes_by_standard_input_and_never_shows(
    terminal: Any, company_folder: Path
) -> None:
    """Set, listed by name and key, wrapped anew, deleted; the text is on no stream and no disk."""
    stored = terminal.type("secrets", "set", "erp.password", stdin="halden-secret\n")
    listed = terminal.type("secrets", "list", "-o", "json").json
    rotated = terminal.type("secrets", "rotate")
    again = terminal.type("secrets", "list", "-o", "json").json
    deleted = terminal.type("secrets", "delete", "erp.password")
    gone = terminal.type("secrets", "delete", "erp.password")

    assert [stored.code, rotated.code, deleted.code, gone.code] == [0, 0, 0, 7]
    assert (stored.out, stored.err) == ("", "Stored erp.password, encrypted.\n")
    assert [row["name"] for row in listed] == ["erp.password"]
    assert again[0]["key"] != listed[0]["key"]
    assert "Wrapped 1 secrets with a new key." in rotated.err
    assert terminal.type("secrets", "list").err == "No secret is stored.\n"
    for path in (company_folder / ".state").rglob("*"):
        assert not path.is_file() or b"halden-secret" not in path.read_bytes()


@pytest.mark.usefixtures("company_databases")
@pytest.mark.parametrize("typed", [("hunter2",), ("--value", "hunter2"), ("--value=hunter2",)])
def test_secret_as_an_argument_is_refused_and_not_repeated(
    terminal: Any, company_folder: Path, typed: tuple[str, ...]
) -> None:
    """An argument stands in the shell's history: it is neither stored nor printed."""
    refused = terminal.type("secrets", "set", "erp.password", *typed)

    assert (refused.code, refused.out) == (2, "")
    assert "hunter2" not in refused.err
    assert "choose another one" in refused.err
    assert terminal.type("secrets", "list", "-o", "json").json == []


@pytest.mark.usefixtures("company_databases")
@pytest.mark.parametrize(("name", "text"), [("erp.password", ""), ("no name", "x" * 10)])
def test_secret_without_text_or_with_an_odd_name_is_refused(
    terminal: Any, company_folder: Path, name: str, text: str
) -> None:
    """Nothing is stored for an empty text or a name that is none."""
    refused = terminal.type("secrets", "set", name, stdin=text)

    assert refused.code == 2
    assert terminal.type("secrets", "list", "-o", "json").json == []


@pytest.mark.usefixtures("company_databases")
def test_secret_is_asked_for_on_a_terminal(
    terminal: Any, company_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sits there is asked, without echo."""
    asked: list[str] = []

    def ask(text: str) -> str:
        asked.append(text)
        return "halden-secret"

    monkeypatch.setattr("getpass.getpass", ask)

    stored = terminal.type("secrets", "set", "erp.password", sits=True)

    assert stored.code == 0
    assert asked == ["erp.password: "]


# --- what cannot be understood ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "told", "hint"),
    [
        (("runn", "x"), 'Did you mean "run"?', "`ml-connector --help`"),
        (("runs", "lst"), 'Did you mean "list"?', "`ml-connector runs --help`"),
        (("run", "x", "--perod", "y"), "Did you mean --period?", "`ml-connector run --help`"),
        (("run",), "FLOW is missing.", "`ml-connector run --help`"),
        (("run", "x", "--period"), "--period needs a value.", "`ml-connector run --help`"),
        (("status", "-o", "jsn"), 'Did you mean "json"?', "`ml-connector status --help`"),
        (("status", "surplus"), "'surplus' is too much", "`ml-connector status --help`"),
        (("runs", "list", "--limit", "x"), "into int", "`ml-connector runs list --help`"),
    ],
)
def test_what_cannot_be_understood_looks_like_every_error(
    terminal: Any, typed: tuple[str, ...], told: str, hint: str
) -> None:
    """One line that names what was meant, one that says nothing was done, one hint; exit 2."""
    refused = terminal.type(*typed)

    first, second, blank, last = refused.err.splitlines()
    assert (refused.code, refused.out) == (2, "")
    assert first.startswith("error: ")
    assert told in first
    assert (second, blank) == ("Nothing was done.", "")
    assert last == f"hint: See what there is: {hint}."


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        (("run", "actuals-fusio"), "did you mean actuals-fusion?"),
        (("connections", "test", "anaplan-finn"), "did you mean anaplan-fin?"),
        (("mappings", "coverage", "actual-fusion"), "did you mean actuals-fusion?"),
        (("discover", "zzz"), "there are: anaplan-fin, fusion-prod, jde-prod."),
    ],
)
def test_unknown_name_of_the_project_is_answered_with_the_near_one(
    terminal: Any, company_folder: Path, typed: tuple[str, ...], near: str
) -> None:
    """A mistyped flow or connection names those there are, the nearest as a question."""
    refused = terminal.type(*typed)

    assert (refused.code, refused.out) == (2, "")
    assert near in refused.err


def test_error_is_a_record_where_json_was_asked(terminal: Any, company_folder: Path) -> None:
    """A program reads code, sentences and exit code on stdout; a person the same on stderr."""
    refused = terminal.type("connections", "test", "nowhere", "-o", "json")

    record = refused.json
    assert record["exit_code"] == refused.code == 2
    assert record["error"]["code"] == "usage"
    assert record["error"]["arguments"] == {"connection": "nowhere"}
    assert record["error"]["refused"] in refused.err


@pytest.mark.parametrize("typed", [(), ("--help",), ("-h",), ("runs",), ("run", "--help")])
def test_help_is_data_and_no_failure(terminal: Any, typed: tuple[str, ...], capsys: Any) -> None:
    """Help goes to stdout with exit 0, with or without a project."""
    from ml_connector.cli.main import run_command  # noqa: PLC0415 - help prints past redirections.

    code = run_command(list(typed))

    assert code == 0
    assert "Usage: ml-connector" in capsys.readouterr().out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_knows_the_commands(terminal: Any, shell: str) -> None:
    """The script goes to stdout, where to put it to stderr; nothing of the user's is changed."""
    printed = terminal.type("completion", shell)

    assert printed.code == 0
    assert "reconcile" in printed.out
    assert "redirect this into" in printed.hints[0]


def test_completion_finds_the_shell_in_use(terminal: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """$SHELL decides; one without a script is refused with those there are."""
    monkeypatch.setenv("SHELL", "/bin/bash")
    found = terminal.type("completion")
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    refused = terminal.type("completion")

    assert found.out == terminal.type("completion", "bash").out
    assert refused.code == 2
    assert "'tcsh'" in refused.err


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"FORCE_COLOR": "1"}, {}])
def test_pipes_get_no_colours_whatever_the_environment_wants(
    terminal: Any, company_folder: Path, variables: dict[str, str]
) -> None:
    """A real process, its streams piped: no escape sequence, JSON parses."""
    done = subprocess.run(
        [sys.executable, "-m", "ml_connector", "config", "show", "-o", "json"],
        cwd=company_folder / "flows",
        env={**{k: v for k, v in os.environ.items() if "COLOR" not in k}, **variables},
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert "\x1b" not in done.stdout + done.stderr
    assert json.loads(done.stdout)


def change(path: Path, **values: Any) -> None:
    """Keys of a YAML file stand as given."""
    yaml = YAML()
    content = yaml.load(path)
    content.update(values)
    with path.open("w") as out:
        yaml.dump(content, out)
