"""Running half of a house: which engine executes or follows its runs, and what it may do."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from ml_connector.errors import SystemUnavailableError
from ml_connector.ports import UNFINISHED_STATES, Clock, Json, RunRow, RunState, Steps
from ml_connector.wiring.moving import (
    Moved,
    Versions,
    Waiting,
    find_waiting,
    move_run,
    verify_version,
)
from ml_connector.wiring.observer import RunHistory, StepListener
from ml_connector.wiring.once import once
from ml_connector.wiring.parts import Part
from ml_connector.wiring.schedules import Look
from ml_connector.wiring.serving import (
    ServedEngine,
    TakeRecorded,
    find_server,
    is_running,
    requeue_stopped,
    verify_not_running,
)
from ml_connector.wiring.stop_wishes import ask_to_stop
from ml_connector.wiring.telling import Tell, say_nothing
from ml_connector.wiring.workers import (
    ExecutedRunError,
    OneProcessError,
    RunListener,
    SharedEngine,
    ToldHistory,
    following,
    is_shared,
    name_queue,
    work,
)

if TYPE_CHECKING:
    from ml_connector.engine.crew import Role
    from ml_connector.engine.durable import DurableEngine
    from ml_connector.engine.versions import RunVersions
    from ml_connector.ports.schedules import RunQueue
    from ml_connector.records.migrating import Migrated

APPLICATION_VERSION = 1
"""Kept by hand: raised with every change of any flow's steps, of their order, names or results.

Also with one made by `is_changed`: processes of the release before may run beside those of this
one, and would not know what to do with its runs.
"""
MOVES_FROM: frozenset[int] = frozenset()
"""Versions whose recorded runs this code goes on with: each change since asks `is_changed`."""
ENGINE_FILE = "engine.db"


def new_run_id(clock: Clock, *, is_shared: bool) -> str:
    """A short id that sorts by time and is easy to read aloud.

    Where hundreds of organisations may share the engine's database, many runs begin in one second.
    """
    return f"{clock.now():%y%m%d-%H%M%S}-{secrets.token_hex(6 if is_shared else 2)}"


class Engines(Part):
    """The running half of a house; the house itself supplies records, benches and flows."""

    _on_step: StepListener | None
    _on_run: RunListener | None

    if TYPE_CHECKING:

        def trace_runs(self, history: RunHistory) -> Any:
            """The history, which also traces where somebody listens."""

        def _configure_database(self) -> None: ...

        def _set_up_logs(self) -> None: ...

        def _make_look(self, queue: RunQueue, tell: Tell) -> Look: ...

        def _watching_periods(self, tell: Tell) -> AbstractContextManager[None]: ...

        def _telling(self, tell: Tell) -> AbstractContextManager[None]: ...

        def _run_flow(self, flow_name: str, steps: Steps, request: Json) -> Json: ...

    @once
    def engine(self) -> "DurableEngine | SharedEngine | ServedEngine":
        """The durable engine, launched, every flow of the project registered.

        Raises:
            BusyError: Another process holds the state folder; names it.
            SettingsError: Processes would share runs and not records.
        """
        if is_shared(self.project):
            return SharedEngine(self._make_engine, self.records)
        from ml_connector.engine.errors import EngineBusyError  # noqa: PLC0415 - start-up time.

        engine = self._make_engine(executes=True)
        try:
            engine.launch()
        except EngineBusyError:
            if find_server(self.project) is None:
                raise
            return ServedEngine(self.project, self.records, self._stop)
        return engine

    @property
    def _engine_url(self) -> str:
        folder = self.project.state_dir
        return self.project.settings.engine_url or f"sqlite:///{folder / ENGINE_FILE}"

    def _make_engine(
        self, *, executes: bool | None, alone: "Role | None" = None
    ) -> "DurableEngine":
        from ml_connector.engine.durable import DurableEngine  # noqa: PLC0415 - start-up time.

        self._set_up_logs()
        self.project.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        engine = DurableEngine(
            self._engine_url,
            clock=self.clock,
            observer=self.trace_runs(self._make_history()),
            application_version=APPLICATION_VERSION,
            role=self._make_role(executes=executes) if is_shared(self.project) else alone,
        )
        for name in self.project.flows:
            engine.register(name, partial(self._run_flow, name))
        return engine

    def _make_role(self, *, executes: bool | None) -> "Role":
        from ml_connector.engine.crew import Role  # noqa: PLC0415 - start-up time.
        from ml_connector.records.migrating import verify_schema  # noqa: PLC0415 - as above.
        from ml_connector.records.stages import find_newest  # noqa: PLC0415 - as above.

        return Role(
            queue=name_queue(self.project.settings.organisation),
            executes=executes,
            migration=find_newest(),
            on_joined=verify_schema,
            on_taken_for_dead=self._stop.set,
        )

    def _make_history(self) -> RunHistory:
        if self._on_run is None:
            return RunHistory(self.records, self._on_step, actor=self.actor)
        return ToldHistory(self.records, self._on_step, actor=self.actor, on_run=self._on_run)

    def work(self, tell: RunListener, tell_schedule: Tell = say_nothing) -> None:
        """Queued and scheduled runs are executed until `request_stop`; `tell` hears of each.

        Raises:
            OneProcessError: The project's runs are in SQLite.
            TakenForDeadError: Others have the runs of this process.
        """
        if not is_shared(self.project):
            raise OneProcessError
        self.serve(tell, tell_schedule)

    def serve(self, tell: RunListener, tell_schedule: Tell = say_nothing) -> None:
        """As `work`, also on SQLite, where this process holds the state folder.

        Raises:
            BusyError: Another process holds the state folder; names it.
            TakenForDeadError: Others have the runs of this process.
        """
        from ml_connector.engine.crew import Role  # noqa: PLC0415 - start-up time.

        self._on_run = tell
        # Known before it is launched: a signal that comes meanwhile finds whom to stop.
        self.engine = engine = self._make_engine(executes=True, alone=Role(serves=True))
        engine.launch()
        looks: list[Callable[[], None]] = [self._make_look(engine, tell_schedule)]
        if not is_shared(self.project):
            requeue_stopped(self.records, self.project.flows)
            looks.append(
                TakeRecorded(
                    engine, self.records, self._find_place, tell_schedule,
                    flows=tuple(self.project.flows),
                )
            )  # fmt: skip
        with self._telling(tell_schedule), self._watching_periods(tell_schedule):
            work(engine, self._stop.wait, looks)

    def run(self, flow_name: str, request: Json) -> RunRow:
        """A run of the flow, executed to its end.

        Raises:
            ConnectorError: What stopped it; it stays in the history and may be resumed.
        """
        return self.run_as(self.new_run_id(), flow_name, request)

    def new_run_id(self) -> str:
        """An id for a run of now."""
        return new_run_id(self.clock, is_shared=is_shared(self.project))

    def run_as(self, run_id: str, flow_name: str, request: Json) -> RunRow:
        """A run under an id of the caller's, executed to its end.

        Raises:
            ConnectorError: What stopped it; it stays in the history and may be resumed.
        """
        from ml_connector.flows.runs import start_run  # noqa: PLC0415 - start-up time.

        flow = self.flow(flow_name)
        return start_run(
            self._desk(), run_id=run_id, flow=flow.name, kind=flow.kind,
            request=request, queue=self.bench(flow).target.model_id,
        )  # fmt: skip

    def resume(self, run_id: str) -> RunRow:
        """A stopped run goes on to its end.

        Raises:
            OtherVersionError: It is another version's; nothing was changed.
            ConnectorError: What stopped it again.
        """
        from ml_connector.flows.runs import resume_run  # noqa: PLC0415 - start-up time.

        return resume_run(self._desk(), self._verify_resumable(run_id).run_id)

    def _verify_resumable(self, run_id: str) -> RunRow:
        """The run, which has not ended and is of this version."""
        from ml_connector.flows.runs import verify_resumable  # noqa: PLC0415 - start-up time.

        run = self.records.runs.load_run(run_id)
        verify_resumable(run)
        with self._open_versions() as book:
            verify_version(run, book=book, ours=str(APPLICATION_VERSION))
        return run

    def _desk(self, engine: Any = None) -> Any:
        from ml_connector.flows.runs import RunDesk  # noqa: PLC0415 - start-up time.

        return RunDesk(
            engine=engine or self.engine,
            records=self.records, clock=self.clock, actor=self.actor,
            find_queue=lambda flow: self.bench(self.flow(flow)).target.model_id,
        )  # fmt: skip

    def stop_run(self, run_id: str) -> RunRow:
        """An executed run ends before its next step, wherever it is executed, and can be resumed.

        Raises:
            NotExecutedError: It is not running.
        """
        return ask_to_stop(self.records, run_id, actor=self.actor)

    def cancel(self, run_id: str) -> RunRow:
        """An unfinished run that no process executes is put away.

        Raises:
            NotResumableError: It has ended.
            OutcomeUnknownError: A task start of it has no known outcome.
            BusyError: A process works on the state folder, maybe on this very run; names it. With
                PostgreSQL: a worker executes it.
        """
        if is_shared(self.project):
            with self._asking_workers() as is_executed:
                return self._put_away(run_id, is_executed)
        if find_server(self.project) is not None:
            return self._put_away(run_id, partial(is_running, self.records))
        with self._alone():
            return self._put_away(run_id, lambda _: False)

    def _put_away(self, run_id: str, is_executed: Callable[[str], bool]) -> RunRow:
        """Nobody executes the run and nobody will: asked and stored as one act.

        Who takes a run stores that in the same line: it is seen here, or finds the run put away.
        """
        from ml_connector.flows.runs import cancel_run  # noqa: PLC0415 - start-up time.

        whole_id = self.records.runs.load_run(run_id).run_id
        with self.records.transactions.begin(f"that run {whole_id} is put away"):
            if is_executed(whole_id):
                raise ExecutedRunError(whole_id)
            return cancel_run(self.records, whole_id, actor=self.actor)

    @contextmanager
    def _asking_workers(self) -> Iterator[Callable[[str], bool]]:
        """Whether a living worker has a run; asked of the engine of this process, if it has one."""
        engine: Any = vars(self).get("engine")
        if hasattr(engine, "is_executed"):
            yield engine.is_executed
            return
        with following(self._make_engine(executes=False)) as own:
            yield own.is_executed

    def move(self, run_id: str) -> Moved:
        """A stopped or queued run that another version began is one of this version.

        Raises:
            NotResumableError: It has ended.
            BlockedError: This version cannot go on with it.
            BusyError: A living process executes it; with SQLite, works on the state folder.
        """
        from ml_connector.flows.runs import (  # noqa: PLC0415 - start-up time.
            verify_resumable,
        )

        run = self.records.runs.load_run(run_id)
        verify_resumable(run)
        versions = Versions(ours=str(APPLICATION_VERSION), taken={str(one) for one in MOVES_FROM})
        with self._alone(), self._open_versions() as book:
            return move_run(
                run, book=book, versions=versions, records=self.records, actor=self.actor
            )

    def list_foreign(self, version: str = "") -> list[RunRow]:
        """Unfinished runs of the project's flows that are of another version, or of that one."""
        runs = [self.records.runs.find_unfinished(flow) for flow in sorted(self.project.flows)]
        with self._open_versions() as book:
            found = [(run, book.find_run(run.run_id)) for run in runs if run is not None]
        return [
            run
            for run, held in found
            if held is not None
            and held.version != str(APPLICATION_VERSION)
            and version in ("", held.version)
        ]

    def find_waiting(self, run: RunRow) -> Waiting | None:
        """Why nobody goes on with an unfinished run, when its version is the reason.

        Also when the engine's database does not say: what is known of the run stands elsewhere.
        """
        if run.state not in UNFINISHED_STATES:
            return None
        try:
            with self._open_versions() as book:
                return find_waiting(run, book=book, ours=str(APPLICATION_VERSION))
        except SystemUnavailableError:
            # Told to whoever may look: without the server's own words, which hold its address.
            return Waiting(
                finding="The engine's database does not answer: whether anybody goes on with run"
                f" {run.run_id} is not known.",
                next_step="Look at the database server.",
            )

    def migrate(self, *, after: bool) -> "Migrated":
        """The records database is migrated; `after`: what older releases use is taken away too.

        Raises:
            OldWorkersError: A worker of an older release lives; nothing was changed.
        """
        from ml_connector.wiring.upgrading import migrate_records  # noqa: PLC0415 - start-up time.

        self._configure_database()
        found = migrate_records(self.project, after=after, is_shared=is_shared(self.project))
        if found.applied:
            self.records.audit.record(
                "database.migrated", subject="records", actor=self.actor,
                applied=", ".join(found.applied),
            )  # fmt: skip
        return found

    def _open_versions(self) -> "RunVersions":
        from ml_connector.engine.versions import RunVersions  # noqa: PLC0415 - start-up time.

        return RunVersions(self._engine_url, queue=name_queue(self.project.settings.organisation))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """With SQLite: no other process works on the state folder."""
        if is_shared(self.project):
            yield
            return
        from ml_connector.engine.process_lock import ProcessLock  # noqa: PLC0415 - start-up time.

        lock = ProcessLock(self.project.state_dir)
        lock.take(now=self.clock.now())
        try:
            yield
        finally:
            lock.release()

    def verify_not_sending(self, run_id: str) -> None:
        """No process, though it may be frozen, can still send what the run has begun to send.

        With PostgreSQL one that was frozen finds out by itself, before it sends.

        Raises:
            BusyError: One may; names it.
        """
        if is_shared(self.project):
            return
        if "engine" in vars(self):
            # The pages of a server: its own engine may be about to send.
            verify_not_running(self.records, run_id)
            return
        if self.records.runs.load_run(run_id).state is not RunState.RUNNING:
            return
        if find_server(self.project) is not None:
            verify_not_running(self.records, run_id)
        with self._alone():
            pass

    def _verify_heard(self) -> None:
        engine: DurableEngine | SharedEngine | ServedEngine | None = vars(self).get("engine")
        if engine is not None:
            engine.verify_heard()
