"""Runs of two versions on one database: who takes which, and how one is moved."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.fakes.clock import FakeClock
from tests.fakes.postgres import Postgres, query_database

from ml_connector.engine import launching
from ml_connector.engine.crew import Role
from ml_connector.engine.crew_table import CrewTable, Member
from ml_connector.engine.durable import DurableEngine
from ml_connector.engine.errors import (
    NewerTablesError,
    OlderTablesError,
    OtherVersionError,
    StepOrderError,
)
from ml_connector.engine.library import verify_library
from ml_connector.engine.observer import SilentObserver
from ml_connector.engine.versions import Progress, RunVersions, VersionedRun
from ml_connector.errors import SettingsError, SystemUnavailableError
from ml_connector.ports import FlowFunction, Json, RunState, Steps
from ml_connector.records import migrating
from ml_connector.records.migrating import Migrated, OldWorkersError
from ml_connector.records.stages import find_newest
from ml_connector.wiring.engines import Engines
from ml_connector.wiring.upgrading import migrate_records

AWAY = SystemUnavailableError("Away.", written="Nothing.", next_step="Wait.")
OPEN = "(SELECT count(*) FROM dbos.workflow_status WHERE status = 'ENQUEUED')"
Launch = Callable[..., DurableEngine]


class Outside:
    """A system that counts what is sent, and is away when it is told to be."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.is_away = False

    def send(self, what: str) -> Callable[[], Json]:
        """A step's body."""

        def body() -> Json:
            if self.is_away:
                raise AWAY
            self.sent.append(what)
            return {}

        return body


@pytest.fixture(scope="module")
def server_url(postgres: Postgres) -> Iterator[str]:
    """A database of this module's own."""
    with postgres.database() as url:
        yield url


@pytest.fixture
def file_url(tmp_path: Path) -> str:
    """A file of this test's own."""
    return f"sqlite:///{tmp_path}/engine.db"


@pytest.fixture
def launch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Launch]:
    """Launches an engine with the flow `f`; the one before is closed."""
    monkeypatch.setattr(launching, "QUEUE_POLL_S", 0.02)
    monkeypatch.setattr(launching, "NOTIFICATION_POLL_S", 0.02)
    with ExitStack() as stack:

        def start(
            url: str, version: int, flow: FlowFunction | None = None, **role: Any
        ) -> DurableEngine:
            stack.close()
            engine = DurableEngine(
                url, clock=FakeClock(), observer=SilentObserver(), application_version=version,
                role=Role(**role),
            )  # fmt: skip
            engine.register("f", flow or sequence())
            engine.launch()
            stack.callback(engine.close)
            return engine

        yield start


def sequence(*parts: tuple[str, Callable[[], Json]]) -> FlowFunction:
    """A flow of these steps."""

    def flow(steps: Steps, request: Json) -> Json:
        for name, body in parts:
            steps.step(name, body)
        return {"steps": [name for name, _ in parts]}

    return flow


def queue(engine: DurableEngine, run_id: str, key: str = "model") -> None:
    """The run waits."""
    engine.start(flow="f", run_id=run_id, request={}, queue_key=key)


def find(url: str, run_id: str) -> VersionedRun:
    """The run as the engine has it."""
    with RunVersions(url, queue=launching.QUEUE) as book:
        found = book.find_run(run_id)
    assert found is not None
    return found


def move(url: str, run_id: str, to: str) -> bool:
    """Whether the run was moved."""
    with RunVersions(url, queue=launching.QUEUE) as book:
        found = book.find_run(run_id)
        assert found is not None
        return book.move(found, to=to, on_moved=lambda: None)


def test_worker_takes_runs_of_its_own_version_and_others_wait(
    server_url: str, launch: Launch
) -> None:
    """A run has the version it was asked with; one that waits for its version blocks no other.

    Not even one of its own model; moved, it is taken.
    """
    queue(launch(server_url, 1, executes=False), "old")
    engine = launch(server_url, 2)
    queue(engine, "new")
    assert engine.wait("new") == {"steps": []}
    assert find(server_url, "old") == VersionedRun(
        run_id="old", version="1", progress=Progress.QUEUED,
        executor_id=find(server_url, "old").executor_id,
    )  # fmt: skip
    with pytest.raises(OtherVersionError, match="begun by engine version 1; this is version 2"):
        engine.wait("old")
    assert move(server_url, "old", "2")
    assert engine.wait("old") == {"steps": []}


def test_version_is_living_while_a_worker_of_it_is_heard(server_url: str, launch: Launch) -> None:
    """A run counts as executed as long as its holder is heard, whatever its version."""
    queue(launch(server_url, 1, executes=False), "held")
    launch(server_url, 2, executes=False).close()
    hold = "UPDATE dbos.workflow_status SET status = 'PENDING', executor_id = 'old-1'"
    query_database(server_url, f"{hold} WHERE workflow_uuid = 'held'")
    held, table = find(server_url, "held"), CrewTable(server_url)
    with RunVersions(server_url, queue=launching.QUEUE) as book:
        assert (book.find_worker("1"), book.is_executed(held)) == (None, False)
        table.join(Member(executor_id="old-1", queue=launching.QUEUE, version="1"))
        assert (book.find_worker("1"), book.is_executed(held)) == ("old-1", True)
        assert book.find_worker("2") is None
        table.leave("old-1")
        # Of a silent process only the label changes: the others take its run from it as always.
        assert book.move(held, to="2", on_moved=lambda: None)
    table.close()
    assert find(server_url, "held") == VersionedRun(
        run_id="held", version="2", progress=Progress.TAKEN, executor_id="old-1"
    )
    query_database(server_url, "DELETE FROM dbos.workflow_status")


def test_run_is_moved_only_as_it_was_read(file_url: str, launch: Launch) -> None:
    """One that changed hands or version meanwhile is left alone, and so is a failed record."""
    outside = Outside()
    outside.is_away = True
    engine = launch(file_url, 1, sequence(("send", outside.send("a"))))
    queue(engine, "r")
    with pytest.raises(SystemUnavailableError):
        engine.wait("r")
    engine.close()
    with RunVersions(file_url, queue=launching.QUEUE) as book:
        read = book.find_run("r")
        assert read is not None
        assert read.is_stopped
        assert not book.is_executed(read)
        with pytest.raises(ZeroDivisionError):
            book.move(read, to="2", on_moved=lambda: 1 // 0)  # type: ignore[arg-type]  # it shall raise
        assert book.find_run("r") == read
        assert book.move(read, to="2", on_moved=lambda: None)
        assert not book.move(read, to="3", on_moved=lambda: None)
        assert book.find_run("nobody") is None
    with RunVersions(f"{file_url}.none", queue=launching.QUEUE) as book:
        assert book.find_run("r") is None


def test_moved_run_whose_steps_do_not_fit_stops_and_sends_nothing_twice(
    file_url: str, launch: Launch
) -> None:
    """It ends as a step order error; moved back, the old steps go on behind what was sent."""
    outside = Outside()

    def old() -> FlowFunction:
        return sequence(("read", dict), ("send", outside.send("load")), ("tell", fail_once))

    failures = [AWAY]

    def fail_once() -> Json:
        if failures:
            raise failures.pop()
        return {}

    engine = launch(file_url, 1, old())
    queue(engine, "r")
    with pytest.raises(SystemUnavailableError):
        engine.wait("r")
    engine.close()
    assert move(file_url, "r", "2")
    new = sequence(("read", dict), ("check", outside.send("check")), ("send", outside.send("load")))
    engine = launch(file_url, 2, new)
    engine.resume("r")
    with pytest.raises(StepOrderError, match="not those it was begun with"):
        engine.wait("r")
    assert outside.sent == ["load"]
    engine.close()
    assert move(file_url, "r", "1")
    engine = launch(file_url, 1, old())
    engine.resume("r")
    assert engine.wait("r") == {"steps": ["read", "send", "tell"]}
    assert outside.sent == ["load"]


def test_flow_changed_by_name_ends_recorded_runs_the_old_way(file_url: str, launch: Launch) -> None:
    """A recorded history goes on as it began; new runs, and runs not yet there, go the new way."""
    outside = Outside()
    outside.is_away = True
    old = sequence(("read", dict), ("send", outside.send("load")))
    engine = launch(file_url, 1, old)
    queue(engine, "begun")
    with pytest.raises(SystemUnavailableError):
        engine.wait("begun")
    engine.close()
    assert move(file_url, "begun", "2")
    outside.is_away = False

    def changed(steps: Steps, request: Json) -> Json:
        steps.step("read", dict)
        if is_new := steps.is_changed("check before send"):
            steps.step("check", outside.send("check"))
        steps.step("send", outside.send("load"))
        if steps.run_id == "later" and len(outside.sent) == 3:
            raise AWAY
        return {"is_new": is_new}

    engine = launch(file_url, 2, changed)
    engine.resume("begun")
    assert engine.wait("begun") == {"is_new": False}
    assert outside.sent == ["load"]
    queue(engine, "later")
    with pytest.raises(SystemUnavailableError):
        engine.wait("later")
    # Replayed: the marker in the history answers, and nothing is sent again.
    outside.sent.append("resumed")
    engine.resume("later")
    assert engine.wait("later") == {"is_new": True}
    assert outside.sent == ["load", "check", "load", "resumed"]


def test_library_changes_its_tables_only_when_nobody_works_on_them(
    server_url: str, file_url: str, launch: Launch
) -> None:
    """Others have to go first; on a single process's file nobody is there."""
    engine = launch(server_url, 1)
    (table,) = query_database(server_url, "SELECT version FROM dbos.dbos_migrations")
    older = f"UPDATE dbos.dbos_migrations SET version = {int(str(table[0])) - 1}"
    query_database(server_url, older)
    with pytest.raises(OlderTablesError, match=f"these processes .*: {engine.executor_id}"):
        verify_library(server_url)
    engine.close()
    verify_library(server_url)
    query_database(server_url, "UPDATE dbos.dbos_migrations SET version = version + 1")
    launch(file_url, 1).close()
    write(file_url, "UPDATE dbos_migrations SET version = version - 1")
    verify_library(file_url)


def test_newer_tables_are_refused_by_an_older_library(file_url: str, launch: Launch) -> None:
    """It would read and write them as if they were its own."""
    launch(file_url, 1).close()
    write(file_url, "UPDATE dbos_migrations SET version = version + 1")
    with pytest.raises(NewerTablesError, match="knows them up to version"):
        launch(file_url, 1)
    write(file_url, "UPDATE dbos_migrations SET version = version - 1")
    launch(file_url, 1)


def write(url: str, statement: str) -> None:
    """The statement is executed on the file."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database, database:
        database.execute(statement)


def test_worker_that_does_not_fit_the_records_takes_no_run(server_url: str, launch: Launch) -> None:
    """It looks once more when the others see it: whoever migrates has seen it, or it sees that."""
    table, seen = CrewTable(server_url), list[int]()

    def refuse() -> None:
        seen.append(len(table.load_members(silent_s_max=8.0)))
        raise SettingsError("Newer.", written="Nothing.", next_step="Install it.")

    queue(launch(server_url, 1, executes=False), "waiting")
    with pytest.raises(SettingsError, match="Newer"):
        launch(server_url, 1, on_joined=refuse)
    assert (seen, table.load_beats()) == ([1], {})
    assert find(server_url, "waiting").progress is Progress.QUEUED
    table.close()
    query_database(server_url, "DELETE FROM dbos.workflow_status")
    stop = SimpleNamespace(set=lambda: None)
    project = SimpleNamespace(settings=SimpleNamespace(organisation="default"))
    engines: Any = SimpleNamespace(project=project, _stop=stop)
    role = Engines._make_role(engines, executes=True)
    assert (role.on_joined, role.migration) == (migrating.verify_schema, find_newest())


OLD_TABLE = (
    "DROP TABLE IF EXISTS ml_connector_worker",
    (
        "CREATE TABLE ml_connector_worker (executor_id text PRIMARY KEY, queue text NOT NULL,"
        " version text NOT NULL, beats bigint NOT NULL DEFAULT 0, is_dead boolean NOT NULL"
        " DEFAULT false, joined_at timestamptz NOT NULL DEFAULT now(),"
        " beat_at timestamptz NOT NULL DEFAULT now())"
    ),
)
OLD_JOIN = (
    "INSERT INTO ml_connector_worker (executor_id, queue, version) VALUES ('{}', 'runs', '1')"
)


def test_nothing_is_taken_away_from_a_worker_that_does_not_know_the_change(
    server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers of an older release, whose rows say nothing of it, are seen and named.

    One of this release is not in the way, nor is one that is gone for good; of another queue's
    workers the same holds, as all share the records.
    """
    query_database(server_url, *OLD_TABLE, OLD_JOIN.format("oldest"))
    seen: list[str] = []

    def migrate_after(verify_gone: Callable[[tuple[str, ...]], None]) -> Migrated:
        try:
            verify_gone(("0010_post_colourless",))
        except OldWorkersError as error:
            seen.append(str(error.arguments["workers"]))
        return Migrated()

    monkeypatch.setattr(migrating, "migrate_after", migrate_after)
    settings = SimpleNamespace(engine_url=server_url, database_url=server_url)
    project: Any = SimpleNamespace(settings=settings)

    def ask() -> None:
        migrate_records(project, after=True, is_shared=True)

    ask()
    query_database(server_url, OLD_JOIN.format("old"))  # It goes on joining as it always did.
    table = CrewTable(server_url)
    members = {"new": "0010_post_colourless", "middle": "0009_pre_colour"}
    for name, migration in members.items():
        table.join(Member(executor_id=name, queue="runs-other", version="2", migration=migration))
    ask()
    gone = "UPDATE ml_connector_worker SET beat_at = now() - interval '61 s'"
    query_database(server_url, f"{gone} WHERE executor_id IN ('old', 'oldest')")
    ask()
    table.leave("middle")
    ask()
    table.close()
    nothing = "version 1, does not say what it knows"
    assert seen == [
        f"oldest ({nothing})",
        f"middle (version 2, knows 0009_pre_colour), old ({nothing}), oldest ({nothing})",
        "middle (version 2, knows 0009_pre_colour)",
    ]
    query_database(server_url, "DELETE FROM ml_connector_worker")


def test_run_is_told_of_although_the_engines_database_is_away() -> None:
    """To whoever may look at it, so without address and user; where it ended nothing is asked."""
    url = "postgresql://keeper:hush@127.0.0.1:9/engine"
    house: Any = Engines()
    house.project = SimpleNamespace(
        settings=SimpleNamespace(engine_url=url, organisation="default"), state_dir=Path("state")
    )

    waiting = house.find_waiting(SimpleNamespace(run_id="r1", state=RunState.QUEUED))

    assert "does not answer: whether anybody goes on with run r1" in waiting.finding
    for hidden in ("127.0.0.1", "keeper", "hush"):
        assert hidden not in f"{waiting.finding} {waiting.next_step}"
    assert house.find_waiting(SimpleNamespace(run_id="r1", state=RunState.SUCCEEDED)) is None
