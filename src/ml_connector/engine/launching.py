"""How DBOS is set up: strict database, own serializer, one queue, no noise, no network."""

import logging
from dataclasses import dataclass

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSConfig

from ml_connector.engine.crew_table import IDLE_TRANSACTION_S
from ml_connector.engine.database import create_strict_engine, find_sqlite_file
from ml_connector.engine.library import verify_library
from ml_connector.engine.serializer import TaggedSerializer, forbid_pickle

NAME = "ml-connector"
QUEUE = "runs"
RUNS_AT_ONCE_MAX = 8
"""Runs one process executes at a time, over all keys."""
QUEUE_POLL_S = 0.2
NOTIFICATION_POLL_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who an engine is towards its database."""

    executor_id: str
    application_version: str
    queue: str = QUEUE


def prepare_dbos(database_url: str, identity: Identity) -> sa.Engine | None:
    """DBOS is made and its queue registered; what is left is the workflow and the launch.

    Returns:
        The SQLite engine, to be disposed of by the caller; None with other databases.

    Raises:
        NewerTablesError: A newer release of the library has changed its tables.
        OlderTablesError: This one would change them while others work on them.
    """
    _quieten_logs()
    forbid_pickle()
    file = find_sqlite_file(database_url)
    if file is not None:
        # Steps hold amounts; the files SQLite lays beside it get its mode.
        file.touch(mode=0o600)
    verify_library(database_url)
    DBOS.migrate(database_url)
    engine = create_strict_engine(database_url) if file is not None else None
    try:
        _register_queue(database_url, engine, name=identity.queue)
        DBOS(config=_make_config(database_url, engine, identity))
    except BaseException:
        if engine is not None:
            engine.dispose()
        raise
    return engine


def _make_config(database_url: str, engine: sa.Engine | None, identity: Identity) -> DBOSConfig:
    return {
        "name": NAME,
        "system_database_url": database_url,
        "system_database_engine": engine,
        "serializer": TaggedSerializer(),
        "executor_id": identity.executor_id,
        "application_version": identity.application_version,
        "log_level": "WARNING",
        "enable_otlp": False,
        "notification_listener_polling_interval_sec": NOTIFICATION_POLL_S,
        "run_migrations": False,
        "sys_db_idle_transaction_timeout_sec": IDLE_TRANSACTION_S,
    }


def _register_queue(database_url: str, engine: sa.Engine | None, *, name: str) -> None:
    # Before the launch: a queue that is registered later is only seen a second later.
    client = DBOSClient(
        system_database_url=database_url,
        system_database_engine=engine,
        serializer=TaggedSerializer(),
        application_name=NAME,
    )
    try:
        client.register_queue(
            name,
            partition_concurrency=1,
            worker_concurrency=RUNS_AT_ONCE_MAX,
            polling_interval_sec=QUEUE_POLL_S,
        )
    finally:
        client.destroy()


def _quieten_logs() -> None:
    # DBOS adds a console handler of its own unless it finds one.
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    logger.setLevel(logging.WARNING)
