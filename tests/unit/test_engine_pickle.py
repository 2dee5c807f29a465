"""No row of the engine's database can make the engine execute what it holds."""

import base64
import pickle
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from dbos import DBOS
from dbos._serialization import DefaultSerializer

from ml_connector.engine.durable import DurableEngine
from ml_connector.engine.errors import PickleRefusedError, UnreadableRunError
from ml_connector.engine.observer import SilentObserver
from ml_connector.engine.serializer import TaggedSerializer, forbid_pickle
from ml_connector.errors import ConnectorError, RefusedError, StoredError
from ml_connector.ports import Json, Steps


class QuickClock:
    """Sleeps no longer than a thread needs to get on."""

    def now(self) -> datetime:
        """The time of day."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Let other threads run."""
        threading.Event().wait(0.005)


class Poison:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def failing(steps: Steps, request: Json) -> Json:
    """A flow whose second step is refused."""

    def refuse() -> Json:
        raise RefusedError("No.", written="Nothing.", next_step="None.")

    steps.step("first", lambda: request)
    return steps.step("second", refuse)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DurableEngine]:
    """An engine with one run, `r1`, that stopped."""
    launched = DurableEngine(
        f"sqlite:///{tmp_path}/engine.db",
        clock=QuickClock(),
        observer=SilentObserver(),
        application_version=1,
    )
    launched.register("f", failing)
    launched.launch()
    launched.start(flow="f", run_id="r1", request={}, queue_key="m")
    with pytest.raises(RefusedError):
        launched.wait("r1")
    yield launched
    launched.close()


@pytest.fixture
def poison(tmp_path: Path) -> str:
    """A pickled object in the form of a row; harmful until proven disarmed."""
    return base64.b64encode(pickle.dumps(Poison(tmp_path / "executed"))).decode("ascii")


def change(folder: Path, *statements: tuple[str, tuple[str, ...]]) -> None:
    """The engine's database was changed by somebody else."""
    with closing(sqlite3.connect(folder / "engine.db")) as connection, connection:
        for statement, values in statements:
            assert connection.execute(statement, values).rowcount == 1


def poison_request(folder: Path, poison: str, *, status: str) -> None:
    """The run's request is the poison."""
    change(
        folder,
        ("UPDATE workflow_input SET inputs = ?", (poison,)),
        ("UPDATE workflow_status SET serialization = 'py_pickle', status = ?, queue_name = 'runs'",
         (status,)),
    )  # fmt: skip


def test_poison_would_work(poison: str, tmp_path: Path) -> None:
    """The other tests would notice an execution."""
    pickle.loads(base64.b64decode(poison))
    assert (tmp_path / "executed").exists()


def test_poisoned_run_is_listed_without_being_executed(
    engine: DurableEngine, poison: str, tmp_path: Path
) -> None:
    """A listing shows the raw text, and says so in the log."""
    poison_request(tmp_path, poison, status="CANCELLED")
    [listed] = DBOS.list_workflows()
    assert str(listed.input) == poison
    assert not (tmp_path / "executed").exists()


def test_poisoned_run_is_neither_awaited_nor_resumed(
    engine: DurableEngine, poison: str, tmp_path: Path
) -> None:
    """Both calls refuse the run by its id."""
    poison_request(tmp_path, poison, status="CANCELLED")
    for call in (engine.resume, engine.wait):
        with pytest.raises(UnreadableRunError, match="request of run r1 cannot be read"):
            call("r1")
    assert not (tmp_path / "executed").exists()


def test_poisoned_run_is_not_executed_from_the_queue(
    engine: DurableEngine, poison: str, tmp_path: Path
) -> None:
    """The queue takes the row up, fails to read it, and goes on with other runs."""
    poison_request(tmp_path, poison, status="ENQUEUED")
    engine.start(flow="f", run_id="r2", request={}, queue_key="other")
    with pytest.raises(RefusedError, match=r"No\."):
        engine.wait("r2")
    assert not (tmp_path / "executed").exists()


def test_poisoned_step_stops_the_run(engine: DurableEngine, poison: str, tmp_path: Path) -> None:
    """A replay that meets a pickled result fails instead of reading it."""
    change(
        tmp_path,
        (
            "UPDATE operation_outputs SET output = ?, serialization = ? WHERE function_name = ?",
            (poison, "py_pickle", "first"),
        ),
    )
    engine.resume("r1")
    with pytest.raises(PickleRefusedError):
        engine.wait("r1")
    assert not (tmp_path / "executed").exists()


def test_nothing_is_pickled_either() -> None:
    """A value the engine cannot store is refused, not pickled."""
    forbid_pickle()
    with pytest.raises(PickleRefusedError):
        DefaultSerializer().serialize({"a": 1})


def test_exceptions_are_stored_as_records() -> None:
    """An error comes back with its code and sentences, as a stored error."""
    serializer = TaggedSerializer()
    text = serializer.serialize(RefusedError("No.", written="Nothing.", next_step="None.", row=3))
    found = serializer.deserialize(text)
    assert isinstance(found, StoredError)
    assert (found.stored_code, str(found)) == ("refused", "No. Nothing. None.")


def test_unexpected_exceptions_are_stored_by_type_and_text() -> None:
    """Nothing but text of a foreign exception is kept."""
    serializer = TaggedSerializer()
    found = serializer.deserialize(serializer.serialize(ZeroDivisionError("by zero")))
    assert isinstance(found, ConnectorError)
    assert "ZeroDivisionError: by zero" in str(found)


def test_long_errors_are_cut() -> None:
    """An error of any length fits the history."""
    error = RefusedError("x" * 50_000, written="", next_step="", row="y" * 50_000)
    assert len(TaggedSerializer().serialize(error)) < 20_000
