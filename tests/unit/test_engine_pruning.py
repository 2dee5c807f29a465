"""Ended runs leave the engine's tables after a while; what may go on never does."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.fakes.clock import FakeClock
from tests.fakes.postgres import Postgres

from ml_connector.engine import pruning
from ml_connector.engine.crew import Role
from ml_connector.engine.crew_table import PRUNING, CrewTable
from ml_connector.engine.durable import DurableEngine
from ml_connector.engine.errors import UnknownRunError
from ml_connector.engine.observer import SilentObserver
from ml_connector.engine.pruning import KEPT_DAYS, PORTION, Pruner
from ml_connector.errors import BlockedError, ConnectorError
from ml_connector.ports import Json, Steps


@pytest.fixture
def url(tmp_path: Path) -> str:
    """An engine's database."""
    return f"sqlite:///{tmp_path / 'engine.db'}"


@pytest.fixture
def shared_url(postgres: Postgres) -> Iterator[str]:
    """One that several processes work on."""
    with postgres.database() as found:
        yield found


def run_flow(steps: Steps, request: Json) -> Json:
    """Two steps; the second one fails when it is told to."""

    def fail() -> Json:
        if request.get("fails"):
            raise BlockedError("No.", written="Nothing.", next_step="Mend it.")
        return {}

    steps.step("read", lambda: {"lines": 1})
    steps.step("load", fail)
    return {"state": "succeeded"}


def launch(url: str, *, days: float = 0) -> DurableEngine:
    """An engine of the flow `f`, that many days from now."""
    engine = DurableEngine(
        url,
        clock=FakeClock(at=datetime.now(UTC) + timedelta(days=days)),
        observer=SilentObserver(),
        application_version=1,
        role=Role(),
    )
    engine.register("f", run_flow)
    engine.launch()
    return engine


def end(engine: DurableEngine, run_id: str, *, fails: bool = False) -> None:
    """The run has ended, or stopped and can be resumed."""
    engine.start(flow="f", run_id=run_id, request={"fails": fails}, queue_key=run_id)
    if fails:
        with pytest.raises(BlockedError):
            engine.wait(run_id)
    else:
        engine.wait(run_id)


def count_rows(url: str) -> dict[str, int]:
    """Rows of the tables in which runs leave something."""
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    schema = "" if url.startswith("sqlite") else "dbos."
    try:
        with engine.connect() as connection:
            return {
                name: int(
                    connection.execute(sa.text(f"SELECT count(*) FROM {schema}{name}")).scalar_one()
                )
                for name in ("workflow_status", "operation_outputs")
            }
    finally:
        engine.dispose()


def test_run_that_ended_well_leaves_after_thirty_days(url: str) -> None:
    """At a launch, with all its steps; a day earlier it is still there."""
    engine = launch(url)
    end(engine, "r1")
    engine.close()
    launch(url, days=KEPT_DAYS - 1).close()
    assert count_rows(url)["workflow_status"] == 1
    engine = launch(url, days=KEPT_DAYS + 1)
    with pytest.raises(UnknownRunError):
        engine.wait("r1")
    engine.close()
    assert set(count_rows(url).values()) == {0}


def test_run_that_can_be_resumed_never_leaves(url: str) -> None:
    """A stopped run goes on years later, at the step it stopped in."""
    engine = launch(url)
    end(engine, "r1", fails=True)
    engine.close()
    before = count_rows(url)
    engine = launch(url, days=3_650)
    assert count_rows(url) == before
    engine.resume("r1")
    with pytest.raises(ConnectorError, match="No"):
        engine.wait("r1")
    engine.close()


def test_one_launch_prunes_one_portion(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long neglected folder starts as quickly as any; the oldest leave first."""
    monkeypatch.setattr(pruning, "PORTION", 2)
    engine = launch(url)
    for number in range(3):
        end(engine, f"r{number}")
    engine.close()
    launch(url, days=KEPT_DAYS + 1).close()
    engine = launch(url)
    assert engine.wait("r2") == {"state": "succeeded"}
    engine.close()
    assert count_rows(url)["workflow_status"] == 1


def test_fault_of_pruning_keeps_nobody_from_working(
    url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told once; the next launch prunes as well."""

    def fail(_now: datetime) -> int:
        raise OSError

    monkeypatch.setattr(pruning, "prune_portion", fail)
    engine = launch(url)
    end(engine, "r1")
    engine.close()
    assert caplog.text.count("engine.not_pruned fault=OSError") == 1


def test_one_of_several_processes_prunes(shared_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Portion by portion, until nothing is due; who is not elected does nothing."""
    monkeypatch.setattr(pruning, "PORTION", 2)
    engine = launch(shared_url)
    crew = CrewTable(shared_url)
    try:
        for number in range(5):
            end(engine, f"r{number}")
        end(engine, "stopped", fails=True)
        pruner = Pruner(
            lambda: crew.election(PRUNING),
            clock=FakeClock(at=datetime.now(UTC) + timedelta(days=KEPT_DAYS + 1)),
        )
        with crew.election(PRUNING) as is_other:
            assert is_other
            assert pruner.look() == 0
        assert pruner.look() == 5
        assert count_rows(shared_url)["workflow_status"] == 1
    finally:
        crew.close()
        engine.close()


def test_pruner_looks_by_itself_until_it_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its thread ends with the engine, whatever its looks came to."""
    monkeypatch.setattr(pruning, "FIRST_LOOK_S", 0.001)
    looked, before = threading.Event(), {*threading.enumerate()}

    class Watched(Pruner):
        def look(self) -> int:
            looked.set()
            raise OSError

    pruner = Watched(lambda: pytest.fail("nobody asks"), clock=FakeClock())
    pruner.start()
    assert looked.wait(10)
    pruner.stop()
    assert not any(one.name == "pruner" for one in {*threading.enumerate()} - before)


def test_portion_is_small_enough_for_those_who_wait() -> None:
    """All ended runs of a busy month leave within a few looks."""
    assert PORTION * pruning.PORTIONS_MAX >= 10_000
