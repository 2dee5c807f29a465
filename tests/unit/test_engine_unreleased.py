"""A run that stopped while the engine's own database takes nothing: a full disk."""

import stat
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from dbos import DBOS
from tests.fakes.engines import make_engine

from ml_connector.engine.errors import as_connector_error
from ml_connector.errors import SystemUnavailableError
from ml_connector.ports import Json, Steps

FULL = SystemUnavailableError("The disk is full.", written="Nothing.", next_step="Make room.")


def test_run_that_could_not_be_released_ends_for_who_waits_and_goes_on_when_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody executes it any more: whoever waits hears why, and need not begin a process anew."""
    failures = [FULL]

    def read(steps: Steps, request: Json) -> Json:
        return steps.step("read", lambda: _fail(failures))

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("database or disk is full")

    engine = make_engine(f"sqlite:///{tmp_path / 'engine.db'}", read)
    engine.launch()
    try:
        with monkeypatch.context() as full:
            full.setattr(DBOS, "cancel_workflow", refuse)
            engine.start(flow="f", run_id="r1", request={}, queue_key="model")
            with pytest.raises(SystemUnavailableError) as told:
                engine.wait("r1")
        engine.resume("r1")
        assert engine.wait("r1") == {"lines": 2}
    finally:
        engine.close()

    assert told.value is FULL


def test_files_of_the_engine_are_read_by_their_owner_alone(tmp_path: Path) -> None:
    """Steps hold amounts of the ledger, whatever the folder lets others do."""
    engine = make_engine(f"sqlite:///{tmp_path / 'engine.db'}", lambda _, __: {})
    engine.launch()
    try:
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        engine.close()

    assert {"engine.db", "engine.db-wal"} <= modes.keys()
    assert set(modes.values()) == {0o600}


def test_full_database_is_told_as_such(tmp_path: Path) -> None:
    """Not as a defect of ours: with the run that goes on once there is room."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'small.db'}")
    with engine.connect() as connection:
        connection.execute(sa.text("PRAGMA max_page_count = 1"))
        with pytest.raises(sa.exc.OperationalError) as full:
            connection.execute(sa.text("CREATE TABLE one (name TEXT)"))
    engine.dispose()

    told = as_connector_error(full.value, "r1")

    assert told.code == "engine.full"
    assert "runs resume r1" in told.next_step


def _fail(failures: list[SystemUnavailableError]) -> Json:
    if failures:
        raise failures.pop()
    return {"lines": 2}
