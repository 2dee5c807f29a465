"""Changes of the records database while processes of an older release may be at work."""

from functools import partial
from typing import TYPE_CHECKING

from ml_connector.errors import SystemUnavailableError
from ml_connector.settings import Project

if TYPE_CHECKING:
    from ml_connector.engine.crew_table import Member
    from ml_connector.records.migrating import Migrated

HEARD_S_MAX = 60.0
"""A worker heard of in this time may still be at work; one that is silent for longer is gone.

Longer than the others take to find it dead, so that one that merely stands still is waited for.
"""


def migrate_records(project: Project, *, after: bool, is_shared: bool) -> "Migrated":
    """The records are migrated; with `after` also by what takes away what older releases use.

    Raises:
        OldWorkersError: A worker of an older release lives; nothing was changed.
    """
    from ml_connector.records import migrating  # noqa: PLC0415 - start-up time.

    if not after:
        return migrating.migrate_database()
    return migrating.migrate_after(partial(_verify_gone, project, is_shared))


def _verify_gone(project: Project, is_shared: bool, migrations: tuple[str, ...]) -> None:  # noqa: FBT001 - bound by `partial`.
    from ml_connector.records.migrating import OldWorkersError  # noqa: PLC0415 - start-up time.
    from ml_connector.records.stages import find_number  # noqa: PLC0415 - as above.

    # One engine for each state folder beats nowhere: whoever upgrades stops those by himself.
    members = _load_members(project) if is_shared else []
    needed = find_number(migrations[-1])
    old = [_name(one) for one in members if find_number(one.migration) < needed]
    if old:
        raise OldWorkersError(migrations, old)


def _load_members(project: Project) -> "list[Member]":
    from sqlalchemy.exc import OperationalError  # noqa: PLC0415 - start-up time.

    from ml_connector.engine.crew_table import CrewTable  # noqa: PLC0415 - start-up time.

    table = CrewTable(project.settings.engine_url or "")
    try:
        return table.load_members(silent_s_max=HEARD_S_MAX)
    except OperationalError as error:
        raise SystemUnavailableError(
            f"The engine's database does not say which workers live: {error.orig}.",
            written="Nothing was changed.",
            next_step="Look at the database server, then run the command again.",
        ) from error
    finally:
        table.close()


def _name(member: "Member") -> str:
    knows = f"knows {member.migration}" if member.migration else "does not say what it knows"
    return f"{member.executor_id} (version {member.version}, {knows})"
