"""Commands about the project folder itself."""

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from ml_connector import wiring
from ml_connector.cli.options import Options, output_of
from ml_connector.cli.output import Listing, hint, say, show, show_json
from ml_connector.errors import UsageError
from ml_connector.settings import Project


def init(
    folder: Path = Path(),
    /,
    *,
    first_month: Annotated[
        str | None, Parameter(help="First month the model takes from here, such as 2026-01.")
    ] = None,
    erp: Annotated[
        list[Literal["fusion", "jde"]] | None,
        Parameter(help="ERP to write examples for; default: both.", negative=()),
    ] = None,
    sandbox: Annotated[
        list[str] | None,
        Parameter(
            help="Addresses of the sandbox's Fusion, Anaplan and, if wanted, JD Edwards servers.",
            consume_multiple=True,
            negative=(),
        ),
    ] = None,
) -> int:
    """Write a project folder: settings, connections, flows, mappings, with examples."""
    if sandbox:
        written = wiring.write_sandbox_project(folder, **_name_addresses(sandbox))
        next_step = "`ml-connector doctor`"
    else:
        month = first_month or _ask_first_month()
        written = wiring.write_project(folder, first_month=month, erps=erp or ())
        next_step = "fill in connections/*.yaml, then `ml-connector secrets set NAME`"
    for path in written:
        print(path)
    say(f"Wrote {len(written)} files into {folder.resolve()}.")
    hint(next_step)
    return 0


def _name_addresses(sandbox: list[str]) -> dict[str, str]:
    names = ("fusion_url", "anaplan_url", "jde_url")
    if not len(names) - 1 <= len(sandbox) <= len(names):
        raise UsageError(
            f"--sandbox was given {len(sandbox)} addresses; it takes two or three.",
            written="No file was written.",
            next_step="Start `ml-connector sandbox` and copy the addresses it prints: Fusion,"
            " Anaplan, and JD Edwards if wanted.",
        )
    return dict(zip(names, sandbox, strict=False))


def _ask_first_month() -> str:
    """What is typed on the terminal; nothing where nobody sits."""
    if not sys.stdin.isatty():
        return ""
    print("First month the model takes from here (YYYY-MM): ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()


def config_validate(*, options: Options | None = None) -> int:
    """Check every file of the project; all faults at once."""
    project = _read_project(options)
    say(
        f"{project.root} is valid: {len(project.connections)} connections,"
        f" {len(project.flows)} flows."
    )
    return 0


def _read_project(options: Options | None) -> Project:
    chosen = options or Options()
    return wiring.read_project(chosen.find_root(), chosen.parse_overrides())


def config_show(
    *,
    origin: Annotated[
        bool, Parameter(negative=(), help="Say where each value comes from.")
    ] = False,
    options: Options | None = None,
) -> int:
    """Show every setting in effect; secrets are references and stay that."""
    values = _read_project(options).list_values()
    columns = ("Key", "Value", "Origin") if origin else ("Key", "Value")
    rows = [(v.key, v.value, v.origin) if origin else (v.key, v.value) for v in values]
    show(Listing(columns=columns, rows=rows), output_of(options))
    return 0


def config_schema() -> int:
    """Print the JSON Schemas of the project's files, for editors."""
    show_json(wiring.render_schemas())
    return 0
