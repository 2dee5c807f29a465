"""A run that stopped while the engine's own database takes nothing: a full disk."""

from pathlib import Path
from typing import Any

import pytest
from dbos import DBOS
from tests.fakes.engines import make_engine

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


def _fail(failures: list[SystemUnavailableError]) -> Json:
    if failures:
        raise failures.pop()
    return {"lines": 2}
