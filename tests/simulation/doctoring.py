"""Worlds made unsound on purpose, so that checkers have something to say."""

from contextlib import closing
from sqlite3 import connect

from tests.simulation.world import RECORDS, World


def write(world: World, *statements: str) -> None:
    """The records database is changed behind everybody's back, its guards taken off."""
    with closing(connect(world.root / RECORDS)) as database:
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in names.fetchall():
            database.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            database.execute(statement)
        database.commit()
