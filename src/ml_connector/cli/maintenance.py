"""Commands about maintenance: when a system is away, and nothing scheduled begins that needs it."""

from typing import Annotated

from cyclopts import Parameter

from ml_connector.cli.options import Options, opened, output_of
from ml_connector.cli.output import hint, say, show


def list_maintenance(*, options: Options | None = None) -> int:
    """List the maintenance windows of files and of people."""
    from ml_connector.flows.answers import schedule_listings as tables  # noqa: PLC0415 - start-up.

    with opened(options) as house:
        windows = house.list_maintenance()
    show(tables.list_maintenance(windows), output_of(options))
    return 0


def add(
    connection: str,
    /,
    *,
    begins: Annotated[
        str, Parameter(name="--from", help="`02:00`, `Sat 22:00` or `2026-12-24 18:00`.")
    ],
    ends: Annotated[str, Parameter(name="--to", help="The first moment after it, alike.")],
    zone: Annotated[str, Parameter(help="Time zone of both, such as Europe/Berlin.")],
    reason: Annotated[str, Parameter(help="What it is for.")] = "",
    options: Options | None = None,
) -> int:
    """Let no scheduled run begin in a window that needs the connection."""
    with opened(options) as house:
        row = house.add_maintenance(connection, begins=begins, ends=ends, zone=zone, reason=reason)
    say(f"Window {row.key}: {row.connection} is away from {begins} to {ends}, {zone}.")
    hint(f"take it back: `ml-connector maintenance remove {row.key}`")
    return 0


def remove(window: str, /, *, options: Options | None = None) -> int:
    """Take a maintenance window back that somebody added."""
    with opened(options) as house:
        row = house.remove_maintenance(window)
    say(f"Window {window} of {row.connection} holds no more.")
    return 0
