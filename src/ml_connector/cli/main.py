"""The command line. Commands are imported when they are called, so that help is quick.

Exit codes follow the error classes; where several hold, the most dangerous wins.
"""

import signal
import sys
from collections.abc import Sequence
from types import FrameType

from cyclopts import App

from ml_connector import __version__
from ml_connector.errors import ConnectorError, StoredError

EXIT_USAGE = 2
EXIT_INTERRUPTED = 130

app = App(
    name="ml-connector",
    version=__version__,
    help="Keeps Oracle ERP ledgers and Anaplan in step: nothing posted twice, nothing lost,"
    " every amount tied out.",
    help_format="plaintext",
    result_action="return_value",
)

_COMMANDS = {
    "init": "projects:init",
    "doctor": "systems:doctor",
    "discover": "systems:discover",
    "plan": "running:plan",
    "apply": "running:apply",
    "run": "running:run",
    "backfill": "running:backfill",
    "retry": "running:retry",
    "replay": "running:replay",
    "reconcile": "running:reconcile",
    "status": "history:status",
    "trace": "history:trace",
    "sandbox": "sandbox:sandbox",
}
_GROUPS = {
    "config": (
        "Settings of the project.",
        {
            "validate": "projects:config_validate",
            "show": "projects:config_show",
            "schema": "projects:config_schema",
        },
    ),
    "secrets": (
        "Credentials, encrypted.",
        {
            "set": "secrets:set_secret",
            "list": "secrets:list_secrets",
            "rotate": "secrets:rotate",
            "delete": "secrets:delete",
        },
    ),
    "connections": (
        "Accounts at the systems.",
        {"list": "systems:list_connections", "test": "systems:check_connection"},
    ),
    "runs": (
        "The run history.",
        {
            "list": "history:list_runs",
            "show": "history:show_run",
            "lines": "history:show_lines",
            "cancel": "history:cancel",
            "resume": "running:resume",
        },
    ),
    "mappings": (
        "Mapping rules.",
        {
            "test": "mappings:explain",
            "coverage": "mappings:coverage",
            "diff": "mappings:diff",
            "import": "mappings:import_rules",
            "export": "mappings:export_rules",
        },
    ),
    "unmapped": (
        "Values no rule takes.",
        {"list": "mappings:list_unmapped", "assign": "mappings:assign"},
    ),
    "audit": (
        "The audit chain.",
        {"verify": "history:verify_audit", "export": "history:export_audit"},
    ),
}

for _name, _place in _COMMANDS.items():
    app.command(f"ml_connector.cli.{_place}", name=_name)
for _name, (_help, _members) in _GROUPS.items():
    _group = App(name=_name, help=_help)
    for _member, _place in _members.items():
        _group.command(f"ml_connector.cli.{_place}", name=_member)
    app.command(_group)
app.register_install_completion_command(name="completion")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave with its exit code."""
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(run_command(arguments))


def run_command(arguments: Sequence[str] | None = None) -> int:
    """The exit code of one command; errors are told on stderr, with what to do next."""
    try:
        result = app(arguments, exit_on_error=False, print_error=True)
    except ConnectorError as error:
        return tell_error(error)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return 0
    except Exception as error:  # noqa: BLE001 - cyclopts' own usage errors share no public base with ours.
        return _tell_unexpected(error)
    return int(result or 0)


def tell_error(error: ConnectorError) -> int:
    """The three sentences of an error on stderr; returns its exit code."""
    print(f"error: {error.refused}\n{error.written}", file=sys.stderr)
    if error.next_step:
        print(f"\nhint: {error.next_step}", file=sys.stderr)
    return error.stored_exit_code if isinstance(error, StoredError) else error.exit_code


def _tell_unexpected(error: Exception) -> int:
    from cyclopts import CycloptsError  # noqa: PLC0415 - only needed when something went wrong.

    if isinstance(error, CycloptsError):
        return EXIT_USAGE
    raise error


def _terminate(_number: int, _frame: FrameType | None) -> None:
    """A SIGTERM ends a command as Ctrl-C does: the step ends, the run stays resumable."""
    raise KeyboardInterrupt
