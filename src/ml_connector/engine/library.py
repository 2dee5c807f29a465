"""The tables of the engine's library: who may change them, and which release may work on them.

The library migrates its tables when the first process with a newer release of it starts, whoever
else is at work, and an older release says nothing when it finds newer tables. Neither is let go on.
"""

import sqlalchemy as sa
from dbos._migration import get_migration_versions, get_sqlite_migration_versions
from sqlalchemy.exc import OperationalError

from ml_connector.engine.crew_table import CrewTable
from ml_connector.engine.database import find_sqlite_file
from ml_connector.engine.errors import NewerTablesError, OlderTablesError
from ml_connector.engine.reaper import DEAD_AFTER_S

SCHEMA = "dbos"


def verify_library(database_url: str) -> None:
    """The library of this process fits the tables, or may make them fit without harm to others.

    Raises:
        NewerTablesError: A newer release of the library has changed them.
        OlderTablesError: They are to be changed, and processes work on them.
    """
    recorded, latest = _load_versions(database_url)
    if recorded > latest:
        raise NewerTablesError(recorded, latest)
    if 0 < recorded < latest and find_sqlite_file(database_url) is None:
        living = _load_living(database_url)
        if living:
            raise OlderTablesError(recorded, latest, living)


def _load_versions(database_url: str) -> tuple[int, int]:
    url = sa.make_url(database_url)
    is_file = find_sqlite_file(database_url) is not None
    engine = sa.create_engine(url if is_file else url.set(drivername="postgresql+psycopg"))
    try:
        if is_file:
            return get_sqlite_migration_versions(engine)
        return get_migration_versions(engine, SCHEMA, use_listen_notify=True)
    except OperationalError:
        # No such database yet: the library makes it. One that is away it will meet as well.
        return 0, 0
    finally:
        engine.dispose()


def _load_living(database_url: str) -> list[str]:
    table = CrewTable(database_url)
    try:
        return [one.executor_id for one in table.load_members(silent_s_max=DEAD_AFTER_S)]
    finally:
        table.close()
