"""The processes that execute runs on one PostgreSQL, a row for each; times are never compared.

A row counts beats. Who watches decides by his own clock how long a count may stand still, so that
neither two machines' clocks nor a jump of one of them can make a living process look dead.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

CONNECT_S = 5
STATEMENT_MS = 5_000
"""A beat that waits longer has failed; the next one may pass."""
IDLE_TRANSACTION_S = 10
"""A process frozen in the middle of a transaction keeps its locks no longer than this."""
ELECTION = 7_340_117_002
"""Number of the advisory lock that makes one process the reaper."""
PRUNING = 7_340_117_004
"""Number of the advisory lock that lets one process at a time prune ended runs."""
CREATION = 7_340_117_003
"""Number of the advisory lock under which the table is made."""

_NOW = sa.func.clock_timestamp()
_INSTANT = sa.TIMESTAMP(timezone=True)
_METADATA = sa.MetaData()
_WORKERS = sa.Table(
    "ml_connector_worker",
    _METADATA,
    sa.Column("executor_id", sa.Text, primary_key=True),
    sa.Column("queue", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("beats", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("is_dead", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("joined_at", _INSTANT, nullable=False, server_default=_NOW),
    sa.Column("beat_at", _INSTANT, nullable=False, server_default=_NOW),
    sa.Column("migration", sa.Text),
)
_OF = _WORKERS.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A process that executes runs.

    Attributes:
        executor_id: Its name.
        queue: Whose runs it takes.
        version: Of which engine version.
        migration: The newest change of the records database it knows; empty when it does not say.
    """

    executor_id: str
    queue: str
    version: str
    migration: str = ""


class CrewTable:
    """The rows; each call is a transaction of its own and may fail when the database is away."""

    def __init__(self, database_url: str) -> None:
        settings = {
            "statement_timeout": STATEMENT_MS,
            "lock_timeout": STATEMENT_MS,
            "idle_in_transaction_session_timeout": IDLE_TRANSACTION_S * 1000,
        }
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        self._engine = sa.create_engine(
            sa.make_url(database_url).set(drivername="postgresql+psycopg"),
            pool_size=3,
            max_overflow=0,
            pool_pre_ping=True,
            connect_args={"options": options, "connect_timeout": CONNECT_S},
        )

    def create(self) -> None:
        """The table is there, with every column; processes of an older release write beside."""
        with self._engine.begin() as connection:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(CREATION)))
            _METADATA.create_all(connection)
            columns = {one["name"] for one in sa.inspect(connection).get_columns(_WORKERS.name)}
            if _OF.migration.name not in columns:
                connection.exec_driver_sql(f"ALTER TABLE {_WORKERS.name} ADD COLUMN migration text")

    def exists(self) -> bool:
        """Whether any process has ever executed runs on this database."""
        return sa.inspect(self._engine).has_table(_WORKERS.name)

    def join(self, member: Member) -> None:
        """The member has a row; before it takes its first run."""
        row = {
            "executor_id": member.executor_id, "queue": member.queue, "version": member.version,
            "migration": member.migration,
        }  # fmt: skip
        self._write(sa.insert(_WORKERS).values(row))

    def beat(self, executor_id: str) -> bool:
        """The row counts one more; False when somebody has taken the member for dead."""
        living = sa.update(_WORKERS).where(_OF.executor_id == executor_id, ~_OF.is_dead)
        return self._write(living.values(beats=_OF.beats + 1, beat_at=_NOW))

    def leave(self, executor_id: str) -> None:
        """The member has no row."""
        self._write(sa.delete(_WORKERS).where(_OF.executor_id == executor_id))

    def mark_dead(self, executor_id: str, *, beats: int) -> bool:
        """The member is dead for good; False when it has beaten since."""
        silent = sa.update(_WORKERS).where(_OF.executor_id == executor_id, _OF.beats == beats)
        return self._write(silent.values(is_dead=True))

    def load_beats(self) -> dict[str, int]:
        """Counts of the members nobody has taken for dead."""
        query = sa.select(_OF.executor_id, _OF.beats).where(~_OF.is_dead)
        with self._engine.connect() as connection:
            return {str(name): int(beats) for name, beats in connection.execute(query)}

    def load_dead(self) -> list[str]:
        """Members taken for dead whose rows still stand: their runs may not be handed on yet."""
        return self._read(sa.select(_OF.executor_id).where(_OF.is_dead))

    def find_worker(self, *, queue: str, version: str, silent_s_max: float) -> str | None:
        """A member that would execute such runs and was heard of lately, by the database's clock.

        A guess, good enough to choose who executes: nothing is taken from anybody by it.
        """
        query = sa.select(_OF.executor_id).where(
            ~_OF.is_dead,
            _OF.queue == queue,
            _OF.version == version,
            _OF.beat_at > _NOW - timedelta(seconds=silent_s_max),
        )
        return next(iter(self._read(query.limit(1))), None)

    def load_members(self, *, silent_s_max: float) -> list[Member]:
        """Members of all queues that were heard of lately, by the database's clock; a guess."""
        self.create()
        query = sa.select(_OF.executor_id, _OF.queue, _OF.version, _OF.migration).where(
            ~_OF.is_dead, _OF.beat_at > _NOW - timedelta(seconds=silent_s_max)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(_OF.executor_id)).all()
        return [
            Member(
                executor_id=row.executor_id, queue=row.queue, version=row.version,
                migration=row.migration or "",
            )
            for row in rows
        ]  # fmt: skip

    def is_heard(self, executor_id: str, *, silent_s_max: float) -> bool:
        """Whether the member was heard of lately, by the database's clock; a guess as well."""
        query = sa.select(_OF.executor_id).where(
            ~_OF.is_dead,
            _OF.executor_id == executor_id,
            _OF.beat_at > _NOW - timedelta(seconds=silent_s_max),
        )
        return bool(self._read(query))

    @contextmanager
    def election(self, number: int = ELECTION) -> Iterator[bool]:
        """Whether this process is the one that reaps, or prunes, for the length of the block."""
        with self._engine.begin() as connection:
            asked = sa.select(sa.func.pg_try_advisory_xact_lock(number))
            yield bool(connection.execute(asked).scalar())

    def close(self) -> None:
        """No connection is open."""
        self._engine.dispose()

    def _write(self, statement: sa.Insert | sa.Update | sa.Delete) -> bool:
        with self._engine.begin() as connection:
            return connection.execute(statement).rowcount == 1

    def _read(self, query: sa.Select[Any]) -> list[str]:
        with self._engine.connect() as connection:
            return [str(row[0]) for row in connection.execute(query)]
