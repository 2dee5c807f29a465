"""Several processes on one PostgreSQL: who executes, who follows, and what each may send."""

import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Protocol

from ml_connector.errors import (
    BusyError,
    ConnectorError,
    DatabaseAwayError,
    SettingsError,
    StoredError,
    SystemUnavailableError,
    UsageError,
)
from ml_connector.ports import Json, Records, RequestBudget
from ml_connector.settings import Project
from ml_connector.wiring.observer import RunHistory, StepListener

if TYPE_CHECKING:
    from ml_connector.engine.durable import DurableEngine

logger = logging.getLogger(__name__)

STOP_LOOK_S = 1.0
GRANT_S_MAX = 0.2
"""How long after a grant its request may leave; the budget allows for half a second."""
GRANTS_MAX = 50
"""Grants a request may lose while its process is not heard."""
RunListener = Callable[[str, str], None]
"""Told (run id, what became of it) of each run that begins or ends in this process."""


class OneProcessError(UsageError):
    """A worker was asked for where one process works at a time."""

    code = "workers.one-process"

    def __init__(self) -> None:
        super().__init__(
            "This project keeps its runs in SQLite, which one process at a time works on; a worker"
            " would only lock the commands out.",
            written="Nothing was started.",
            next_step="Start `ml-connector serve`, which takes the commands' runs, or name a"
            " PostgreSQL database in `database_url` and `engine_url`.",
        )


class RecordsApartError(SettingsError):
    """Processes would share their runs and not the truth about what they wrote."""

    code = "workers.records-apart"

    def __init__(self) -> None:
        super().__init__(
            "`engine_url` names PostgreSQL and `database_url` does not: processes would share runs"
            " and not the records of what was sent.",
            written="Nothing was started.",
            next_step="Name a PostgreSQL database in `database_url` too; it may be the same one.",
        )


class ExecutedRunError(BusyError):
    """A run that a living worker has cannot be put away or moved."""

    code = "workers.executed-run"

    def __init__(self, run_id: str, *, then: str = "cancel") -> None:
        super().__init__(
            f"A worker executes the run {run_id}.",
            written="Nothing was changed.",
            next_step=f"Wait until it ends, or stop it: `ml-connector runs stop {run_id}`;"
            f" then {then} the run.",
            run_id=run_id,
        )


class MakeEngine(Protocol):
    """Makes an engine that is not launched."""

    def __call__(self, *, executes: bool | None) -> "DurableEngine":
        """None: it executes when nobody else does."""


def is_shared(project: Project) -> bool:
    """Whether several processes execute the project's runs.

    Raises:
        RecordsApartError: They would share the runs and not the records.
    """
    settings = project.settings
    if not settings.engine_url or settings.engine_url.startswith("sqlite:"):
        return False
    if not settings.database_url or settings.database_url.startswith("sqlite:"):
        raise RecordsApartError
    return True


def name_queue(organisation: str) -> str:
    """The queue of an organisation's runs: its workers know its flows, and no others do."""
    from ml_connector.engine.launching import QUEUE  # noqa: PLC0415 - start-up time.

    if organisation == "default":
        return QUEUE
    return f"{QUEUE}-{hashlib.sha256(organisation.encode()).hexdigest()[:12]}"


class SharedEngine:
    """A `ports.Engine` for commands: follows what workers execute, executes when there is none."""

    def __init__(self, make: MakeEngine, records: Records) -> None:
        self._make = make
        self._records = records
        self._is_stopping = False
        self._engine = self._launch(executes=None)

    def start(self, *, flow: str, run_id: str, request: Json, queue_key: str) -> None:
        """The run is queued under its id; the same id twice is one run."""
        self._engine.start(flow=flow, run_id=run_id, request=request, queue_key=queue_key)

    def wait(self, run_id: str) -> Json:
        """The run's summary once it ended, wherever it was executed.

        Raises:
            ConnectorError: The error the run stopped with.
            LeftToOthersError: A stop was asked for; the run goes on where it is.
        """
        from ml_connector.engine.errors import (  # noqa: PLC0415 - start-up time.
            NobodyWorksError,
            StoppedRunError,
        )

        try:
            return self._engine.wait(run_id)
        except NobodyWorksError:
            self._engine.close()
            self._engine = self._launch(executes=True)
            return self._engine.wait(run_id)
        except StoppedRunError as error:
            # The engine keeps errors of steps; what stopped a run between two is in its history.
            raise self._find_error(run_id, error) from error

    def resume(self, run_id: str) -> None:
        """An interrupted or failed run goes on at its first missing step."""
        self._engine.resume(run_id)

    def request_stop(self) -> None:
        """Runs of this process stop at their next step boundary; those of others go on."""
        self._is_stopping = True
        self._engine.request_stop()

    def verify_heard(self) -> None:
        """Return when this process may act on other systems."""
        self._engine.verify_heard()

    def close(self) -> list[str]:
        """Nothing runs in this process any more."""
        return self._engine.close()

    def _launch(self, *, executes: bool | None) -> "DurableEngine":
        engine = self._make(executes=executes)
        engine.launch()
        if self._is_stopping:
            engine.request_stop()
        return engine

    def _find_error(self, run_id: str, error: ConnectorError) -> ConnectorError:
        kept = self._records.runs.load_run(run_id).error
        return StoredError(kept) if kept else error


class HeardBudget:
    """A budget that grants nothing to a process that others may have taken for dead.

    A grant is for the moment it was given for. One that passed while the process waited to be heard
    is lost, and another is asked for: else whatever lined up meanwhile would leave all at once.

    Asked as the last thing before a request leaves: a process that was frozen in the middle of
    something finds out here, before it sends what its successor may have sent by now.
    """

    def __init__(self, budget: RequestBudget, verify_heard: Callable[[], None]) -> None:
        self._budget = budget
        self._verify_heard = verify_heard

    def acquire(self, key: str) -> None:
        """Return when one request may be sent now, by this process.

        Raises:
            RunInterruptedError: Others have its runs, or a stop was asked for.
        """
        for _ in range(GRANTS_MAX):
            self._budget.acquire(key)
            granted_at = time.monotonic()
            self._verify_heard()
            if time.monotonic() - granted_at < GRANT_S_MAX:
                return
        raise SystemUnavailableError(
            f"{GRANTS_MAX} grants of the request budget {key} passed while this process waited to"
            " be heard by the others.",
            written="The request was not sent.",
            next_step="Look at the engine's database, then try again.",
            key=key,
        )

    def hold(self, key: str, seconds: float) -> None:
        """Nobody sends for that long.

        Asked when an answer is in hand, which is worth more than that others know: while our
        database is away the hold is lost, and nobody sends anything without it anyway.
        """
        try:
            self._budget.hold(key, seconds)
        except DatabaseAwayError:
            logger.warning("budget.not_held key=%s seconds=%s", key, seconds)


READS = ("load_", "find_")
"""Calls of the stores that change nothing; a verb has one meaning."""
TELLING = "audit"
"""What a process did before it knew is told all the same, and nothing told is ever changed."""


class _HeardStore:
    """A store in which a process that others may have taken for dead changes nothing."""

    def __init__(self, store: Any, verify_heard: Callable[[], None]) -> None:
        self._store = store
        self._verify_heard = verify_heard

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name.startswith(READS) or not callable(found):
            return found

        def heard(*args: Any, **kwargs: Any) -> Any:
            self._verify_heard()
            return found(*args, **kwargs)

        return heard


def hear_records(records: Records, verify_heard: Callable[[], None]) -> Records:
    """All stores; but for the audit chain, a process whose runs others may have only reads them."""
    stores: Any = {one.name: getattr(records, one.name) for one in fields(records)}
    guarded = {
        name: _HeardStore(store, verify_heard) for name, store in stores.items() if name != TELLING
    }
    return Records(**{**stores, **guarded})


class ToldHistory(RunHistory):
    """A history that also tells somebody what becomes of runs."""

    def __init__(
        self,
        records: Records,
        on_step: StepListener | None,
        *,
        actor: str = "",
        on_run: RunListener,
    ) -> None:
        super().__init__(records, on_step, actor=actor)
        self._on_run = on_run

    def run_started(self, run_id: str) -> None:
        """The run left the queue."""
        super().run_started(run_id)
        self._on_run(run_id, f"of flow {self._records.runs.load_run(run_id).flow} begins here")

    def run_finished(
        self, run_id: str, *, summary: Json | None, error: ConnectorError | None
    ) -> None:
        """The run ended, or stopped and can be resumed."""
        super().run_finished(run_id, summary=summary, error=error)
        state = self._records.runs.load_run(run_id).state
        self._on_run(run_id, f"ended as {state}{f': {error.refused}' if error else ''}")

    def run_given_back(self, run_id: str) -> None:
        """The run waits in its queue again."""
        super().run_given_back(run_id)
        self._on_run(run_id, "is left to others")

    def run_taken_over(self, run_id: str) -> None:
        """The run of a dead process goes on."""
        super().run_taken_over(run_id)
        self._on_run(run_id, "of a dead process is queued again")


@contextmanager
def following(engine: "DurableEngine") -> Iterator["DurableEngine"]:
    """The engine, which only follows, answers within the block."""
    engine.launch()
    try:
        yield engine
    finally:
        engine.close()


def work(
    engine: "DurableEngine",
    wait_stop: Callable[[float], bool],
    looks: Sequence[Callable[[], None]],
) -> None:
    """Queued runs are executed until a stop is asked for; each second it is looked what is due.

    Raises:
        TakenForDeadError: Others have the runs of this process.
    """
    from ml_connector.engine.errors import TakenForDeadError  # noqa: PLC0415 - start-up time.

    while not wait_stop(STOP_LOOK_S):
        for look in looks:
            look()
    if engine.is_taken_for_dead:
        raise TakenForDeadError(engine.executor_id)
