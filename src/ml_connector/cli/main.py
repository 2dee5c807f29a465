"""The command line. Commands are imported when they are called, so that help is quick.

Exit codes follow the error classes; where several hold, the most dangerous wins.
"""

import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from cyclopts import App, CycloptsError

from ml_connector import __version__
from ml_connector.cli.outside import explain_refusal, find_output, open_missing_streams
from ml_connector.cli.signals import Interruption, terminating
from ml_connector.errors import ConnectorError, StoredError

EXIT_INTERRUPTED = 130
EXIT_OUTPUT_GONE = 141
"""What a shell says of a command whose reader went away: 128 and the number of SIGPIPE."""

RUBBISH_MIN = 50_000
"""New objects after which Python looks for rubbish; of all that is imported nothing is."""

app = App(
    name="ml-connector",
    version=__version__,
    help="Keeps Oracle ERP ledgers and Anaplan in step: nothing posted twice, nothing lost,"
    " every amount tied out.",
    help_format="plaintext",
)

_COMMANDS = {
    "init": ("projects:init", "Write a project folder."),
    "doctor": ("systems:doctor", "Check everything a run relies on."),
    "discover": ("systems:discover", "List what can be named in flows."),
    "plan": ("running:plan", "Show in money what a run would change."),
    "apply": ("running:apply", "Load exactly a saved plan."),
    "run": ("running:run", "Bring the model in step with the ledger, and tie it out."),
    "backfill": ("running:backfill", "Read periods whole again, load, tie out."),
    "retry": ("running:retry", "Start a new run with the scope of an earlier one."),
    "replay": ("running:replay", "Send the refused summaries again."),
    "reconcile": ("running:reconcile", "Compare ledger and model hop by hop; sends nothing."),
    "serve": ("serving:serve", "Execute queued and scheduled runs until stopped."),
    "worker": ("serving:worker", "Execute queued runs until stopped; needs PostgreSQL."),
    "mcp": ("agents:mcp", "Let an agent read and plan, over standard input and output."),
    "migrate": ("upgrading:migrate", "Bring the records database up to this release."),
    "sign-off": ("sign_offs:sign_off", "Sign a period as reconciled."),
    "close": ("close:close", "Show where the close stands, in money."),
    "status": ("history:status", "Show each flow: last run, periods owed, refusals."),
    "trace": ("history:trace", "Tell everything known of a key."),
    "sandbox": ("sandbox:sandbox", "Start pretended Fusion, JD Edwards and Anaplan servers."),
    "completion": ("completion:completion", "Print a completion script for a shell."),
}
_GROUPS = {
    "config": (
        "Settings of the project.",
        {
            "validate": ("projects:config_validate", "Check every file; all faults at once."),
            "show": ("projects:config_show", "Show every setting in effect."),
            "schema": ("projects:config_schema", "Print the JSON Schemas, for editors."),
        },
    ),
    "secrets": (
        "Credentials, encrypted.",
        {
            "set": ("secrets:set_secret", "Store a secret, encrypted."),
            "list": ("secrets:list_secrets", "List names and key versions."),
            "rotate": ("secrets:rotate", "Wrap every secret with a new key."),
            "delete": ("secrets:delete", "Delete a secret."),
        },
    ),
    "connections": (
        "Accounts at the systems.",
        {
            "list": ("systems:list_connections", "List the connections."),
            "test": ("systems:check_connection", "Check reach, log-in and rights of one."),
        },
    ),
    "runs": (
        "The run history.",
        {
            "list": ("history:list_runs", "List runs, newest first."),
            "show": ("history:show_run", "Show steps, tie-out, error."),
            "lines": ("history:show_lines", "Refused summaries with their journal lines."),
            "stop": ("history:stop", "Let a running run end before its next step."),
            "cancel": ("history:cancel", "Put an unfinished run away."),
            "resume": ("running:resume", "Go on at the first missing step."),
            "move": ("upgrading:move", "Let this version go on with another's run."),
        },
    ),
    "mappings": (
        "Mapping rules.",
        {
            "test": ("mappings:explain", "Say which rule decides, and why."),
            "coverage": ("mappings:coverage", "Show where lines go, in money."),
            "diff": ("mappings:diff", "Compare with another file."),
            "import": ("mappings:import_rules", "Replace the rules by a file's."),
            "export": ("mappings:export_rules", "Print the rules as CSV."),
            "history": ("mappings:history", "List who changed the rules, and why."),
            "restore": ("mappings:restore", "Go back to an earlier version."),
            "keep": ("mappings:keep", "Let the records keep the rules, or the file."),
        },
    ),
    "approvals": (
        "Plans that wait for people.",
        {
            "list": ("writing:list_approvals", "List the plans that wait."),
            "show": ("writing:show_approval", "Show a plan line by line, and who said what."),
            "approve": ("writing:approve", "Approve a plan; then it is posted."),
            "reject": ("writing:reject", "Reject a plan; it is never posted."),
        },
    ),
    "postings": (
        "What was written into an ERP.",
        {
            "list": ("writing:list_postings", "List postings, newest first."),
            "show": ("writing:show_posting", "Show the lines sent under a key."),
            "settle": ("writing:settle", "Look in the ERP what became of one."),
            "reverse": ("writing:reverse", "Take one back by a counter-posting."),
        },
    ),
    "schedules": (
        "Flows that run by themselves.",
        {
            "list": ("schedules:list_schedules", "List schedules: next, last, who paused."),
            "show": ("schedules:show_schedule", "Show the next firings and the last."),
            "next": ("schedules:show_next", "Show the next ten firings, and what holds them."),
            "pause": ("schedules:pause", "Let nothing run until resumed."),
            "resume": ("schedules:resume", "Let a paused one go on from now."),
            "trigger": ("schedules:trigger", "Run now what the schedule would."),
        },
    ),
    "maintenance": (
        "When systems are away.",
        {
            "list": ("maintenance:list_maintenance", "List maintenance windows."),
            "add": ("maintenance:add", "Let nothing scheduled begin in a window."),
            "remove": ("maintenance:remove", "Take a window back."),
        },
    ),
    "alerts": (
        "What people are told without looking.",
        {
            "list": ("alerts:list_alerts", "List what is open."),
            "ack": ("alerts:acknowledge", "Say that you look after one."),
            "channels": ("alerts:list_channels", "List channels and rules."),
            "messages": ("alerts:list_messages", "List messages, newest first."),
            "test": ("alerts:try_channel", "Send a test message to a channel."),
            "send": ("alerts:send", "Send what is due, where no server runs."),
        },
    ),
    "sign-offs": (
        "Who stands for which period.",
        {
            "list": ("sign_offs:list_signed", "List signatures, or how each period stands."),
            "withdraw": ("sign_offs:withdraw", "Take a signature back."),
        },
    ),
    "evidence": (
        "Everything about a period, in one signed zip: `evidence FLOW PERIOD`.",
        {
            "make": ("evidence:make", "Write the pack of a period."),
            "verify": ("evidence:verify", "Check a pack offline, without a project."),
            "key": ("evidence:show_key", "Print the public key packs are signed with."),
        },
    ),
    "unmapped": (
        "Values no rule takes.",
        {
            "list": ("mappings:list_unmapped", "List what no rule takes."),
            "assign": ("mappings:assign", "Add a rule."),
            "owner": ("mappings:own", "Say who looks after a value."),
        },
    ),
    "users": (
        "People who may sign in to the pages.",
        {
            "add": ("users:add", "Add a person; the first one is an admin."),
            "list": ("users:list_users", "List people and their roles."),
            "roles": ("users:change_roles", "Give a person exactly these roles."),
            "password": ("users:change_password", "Give a person another password."),
            "disable": ("users:disable", "Let a person sign in no more."),
            "enable": ("users:enable", "Let a person sign in again."),
            "bind": ("users:bind", "Let an account's commands be a person's."),
            "unbind": ("users:unbind", "Let an account be nobody's any more."),
            "reset-factor": ("users:reset_factor", "Take a lost second factor away."),
        },
    ),
    "tokens": (
        "Tokens of programs that ask the API.",
        {
            "add": ("tokens:add", "Make a token of a person; it is printed this once."),
            "list": ("tokens:list_tokens", "List tokens: whose, last used, until when."),
            "revoke": ("tokens:revoke", "Take a token back."),
        },
    ),
    "audit": (
        "The audit chain.",
        {
            "verify": ("history:verify_audit", "Walk the chain; name the first broken link."),
            "export": ("history:export_audit", "Write the chain as JSON lines."),
        },
    ),
}

_DEFAULTS = {"evidence": "make"}
"""Members of groups that need not be named."""

for _name, (_place, _help) in _COMMANDS.items():
    app.command(f"ml_connector.cli.{_place}", name=_name, help=_help)
for _name, (_about, _members) in _GROUPS.items():
    _group = App(name=_name, help=_about)
    for _member, (_place, _help) in _members.items():
        _group.command(f"ml_connector.cli.{_place}", name=_member, help=_help)
    app.command(_group)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave with its exit code."""
    open_missing_streams()
    gc.set_threshold(RUBBISH_MIN, 20, 20)
    with terminating():
        code = run_command(sys.argv[1:] if arguments is None else arguments)
    _leave(code)


def _leave(code: int) -> None:
    # Whatever the command opened is closed. To take the interpreter down piece by piece as well
    # is a quarter of a short command's time, and threads of libraries have crashed in it.
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def run_command(arguments: Sequence[str]) -> int:
    """The exit code of one command; errors are told on stderr, with what to do next."""
    output = "text"
    try:
        given = _complete(arguments)
        command, bound, _ = app.parse_args(given, exit_on_error=False, print_error=False)
        output = getattr(bound.arguments.get("options"), "output", "text")
        return _flushed(int(command(*bound.args, **bound.kwargs) or 0))
    except CycloptsError as error:
        from ml_connector.cli.usage import explain_usage  # noqa: PLC0415 - start-up time.

        return tell_error(explain_usage(error), find_output(arguments))
    except ConnectorError as error:
        return tell_error(error, output)
    except KeyboardInterrupt as stop:
        return _tell_interruption(stop, output)
    except BrokenPipeError:
        # The reader has seen enough; what Python would still flush has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OUTPUT_GONE
    except OSError as error:
        return tell_error(explain_refusal(error), output if error.filename else "text")


def _flushed(code: int) -> int:
    # Now, while it can still be told that there is no room for what was printed.
    sys.stdout.flush()
    return code


def _complete(arguments: Sequence[str]) -> Sequence[str]:
    """The command line with the member of a group that need not be named."""
    name, *rest = [*arguments, "", ""][:2]
    known = {*_GROUPS.get(name, ("", {}))[1], "", "--help", "-h"}
    if name in _DEFAULTS and rest[0] not in known:
        return [name, _DEFAULTS[name], *arguments[1:]]
    return arguments


def tell_error(error: ConnectorError, output: str = "text") -> int:
    """The three sentences of an error on stderr, its record on stdout as JSON when that was asked.

    Returns:
        The error's exit code.
    """
    code = error.stored_exit_code if isinstance(error, StoredError) else error.exit_code
    print(f"error: {error.refused}\n{error.written}", file=sys.stderr)
    if error.next_step:
        print(f"\nhint: {error.next_step}", file=sys.stderr)
    if output == "json":
        from ml_connector.cli.output import show_json  # noqa: PLC0415 - start-up time.

        show_json({"error": error.render_record(), "exit_code": code})
    return code


def _tell_interruption(stop: KeyboardInterrupt, output: str) -> int:
    if not isinstance(stop, Interruption):
        print("Interrupted.", file=sys.stderr)
        return EXIT_INTERRUPTED
    if stop.error is None:
        print(f"{stop.name}.", file=sys.stderr)
    else:
        tell_error(stop.error, output)
    return stop.exit_code
