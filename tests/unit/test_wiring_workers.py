"""Who executes, who follows: what a project's settings and its organisation say of it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.fakes.clock import FakeClock

from ml_connector.errors import ConnectorError, RunInterruptedError, SystemUnavailableError
from ml_connector.ports import Records
from ml_connector.settings import Project
from ml_connector.wiring import workers
from ml_connector.wiring.engines import Engines
from ml_connector.wiring.workers import (
    HeardBudget,
    OneProcessError,
    RecordsApartError,
    hear_records,
    is_shared,
    name_queue,
)

SHARED = "postgresql://u:p@h/db"
SILENT = RunInterruptedError("Silent.", written="", next_step="")


class Store:
    """Counts what reaches it."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *_args, **_kwargs: self.calls.append(name)

    def acquire(self, key: str) -> None:
        """A grant."""
        self.calls.append("acquire")

    def hold(self, key: str, seconds: float) -> None:
        """A hold."""
        self.calls.append("hold")


def refuse() -> None:
    """The process may be taken for dead."""
    raise SILENT


def project(engine_url: str = "", database_url: str = "") -> Project:
    """A project of which only its databases matter."""
    settings = SimpleNamespace(engine_url=engine_url, database_url=database_url)
    return cast("Project", SimpleNamespace(settings=settings, state_dir=Path()))


def test_project_is_shared_when_both_its_databases_are() -> None:
    """SQLite, the default, is one process; so is an engine of its own beside shared records."""
    assert is_shared(project(SHARED, SHARED))
    assert not is_shared(project())
    assert not is_shared(project(database_url=SHARED))
    assert not is_shared(project("sqlite:////a/engine.db", SHARED))


@pytest.mark.parametrize("database_url", ["", "sqlite:////a/records.db"])
def test_shared_runs_without_shared_records_are_refused(database_url: str) -> None:
    """Two processes would each believe that nothing was sent."""
    with pytest.raises(RecordsApartError, match="does not: processes would share runs"):
        is_shared(project(SHARED, database_url))


def test_worker_is_refused_where_one_process_works_at_a_time() -> None:
    """It would hold the state folder and lock every command out."""
    house = Engines()
    house.project = project()
    house.clock = FakeClock()
    with pytest.raises(OneProcessError, match="keeps its runs in SQLite"):
        house.work(lambda _run, _what: None)


def test_each_organisation_has_a_queue_of_its_own() -> None:
    """The default one keeps the plain name; others get one that any name fits into."""
    names = [name_queue(one) for one in ("default", "Halden AG", "halden ag", "x" * 300)]
    assert names[0] == "runs"
    assert len({*names}) == 4
    assert all(len(name) < 40 for name in names)


def test_request_is_granted_only_to_a_process_that_is_heard() -> None:
    """Asked last, after the grant: the wait for it may have been long."""
    store = Store()
    with pytest.raises(RunInterruptedError):
        HeardBudget(store, refuse).acquire("tenant")
    HeardBudget(store, refuse).hold("tenant", 5.0)
    HeardBudget(store, lambda: None).acquire("tenant")
    assert store.calls == ["acquire", "hold", "acquire"]


def test_grant_that_passed_while_the_process_was_not_heard_is_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The wait to be heard may be long; what lined up would leave all at once after it."""
    watch, waits = SimpleNamespace(at=0.0), [7.0, 0.0]
    monkeypatch.setattr("ml_connector.wiring.workers.time.monotonic", lambda: watch.at)

    def wait_heard() -> None:
        watch.at += waits.pop(0)

    store = Store()
    HeardBudget(store, wait_heard).acquire("tenant")
    assert (store.calls, waits) == (["acquire", "acquire"], [])
    waits.extend([7.0] * workers.GRANTS_MAX)
    with pytest.raises(SystemUnavailableError, match="passed while this process waited"):
        HeardBudget(store, wait_heard).acquire("tenant")


def test_silent_process_only_reads_records_and_tells_the_audit_chain() -> None:
    """What it did before it knew is told; nothing else of it reaches a store."""
    store: Any = Store()
    fields = dict.fromkeys(Records.__dataclass_fields__, store)
    records = hear_records(Records(**fields), refuse)
    records.runs.load_run("r1")
    records.audit.record("task.late", subject="t", actor="kim")
    for write in (records.runs.save_run, records.intents.take_lease, records.loads.save_plan):
        with pytest.raises(ConnectorError, match="Silent"):
            write("r1")  # type: ignore[call-arg, arg-type]  # refused before anybody looks
    assert store.calls == ["load_run", "record"]
