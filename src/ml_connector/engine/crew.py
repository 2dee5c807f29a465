"""What a process is part of when several execute runs on one PostgreSQL."""

import logging
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass

from dbos import WorkflowStatus
from sqlalchemy.exc import SQLAlchemyError

from ml_connector.engine.board import RunBoard
from ml_connector.engine.crew_table import PRUNING, CrewTable, Member
from ml_connector.engine.errors import (
    LeftToOthersError,
    NobodyWorksError,
    StoppedRunError,
    TakenForDeadError,
)
from ml_connector.engine.handover import RUNNING, Handover, HeldRun, find_owner
from ml_connector.engine.heart import Heart
from ml_connector.engine.launching import NAME, QUEUE
from ml_connector.engine.outage import ENGINE, Outage
from ml_connector.engine.reaper import DEAD_AFTER_S, Reaper
from ml_connector.errors import RunInterruptedError

logger = logging.getLogger(__name__)

HEARD_LOOK_S = 0.5
HEARD_LOOKS_MAX = 3_600
"""Looks at whether this process is heard again: half an hour, then its run stops and can be
resumed."""
OWNER_ASKS_MAX = 600
OWNER_ASK_S = 1.0
OWNER_ASKS_STOPPING = 2
"""Once a stop was asked for, a database that is away is not waited for."""


def _do_nothing() -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What an engine does among others; with SQLite there are none.

    Attributes:
        queue: The runs it knows the flows of; one queue for each organisation.
        executes: Whether it executes runs; else it only queues and follows them. None: when nobody
            else does at its launch.
        migration: The newest change of the records database that this process knows.
        serves: Whether it takes the runs that commands record; with SQLite.
        on_joined: Called once the others see this process, before it takes a run; what it raises
            ends the launch.
        on_taken_for_dead: Told, in a thread of the engine's, that others have its runs.
    """

    queue: str = QUEUE
    executes: bool | None = True
    migration: str = ""
    serves: bool = False
    on_joined: Callable[[], None] = _do_nothing
    on_taken_for_dead: Callable[[], None] = _do_nothing


class Crew:
    """Heart-beat, reaper and hand-over of one process; a process that only follows has no beat."""

    def __init__(
        self,
        database_url: str,
        member: Member,
        *,
        role: Role,
        outage: Outage,
        board: RunBoard,
        on_taken_over: Callable[[HeldRun], None],
    ) -> None:
        self._member = member
        self._role = role
        self._outage = outage
        self._stop = outage.stop
        self._board = board
        self._table = CrewTable(database_url)
        self._handover = Handover(database_url, application=NAME)
        self._heart = Heart(
            self._table, member.executor_id, on_taken_for_dead=self._leave, on_beat=self._note_beat
        )
        self._reaper = Reaper(
            self._table, self._handover, on_taken_over=on_taken_over, is_left=self._is_left
        )
        self._has_joined = False

    def open(self) -> bool:
        """A process that executes is heard and watches from now on; returns whether it does."""
        self._table.create()
        is_asked = self._role.executes
        if is_asked or (is_asked is None and self.find_worker() is None):
            self._table.join(self._member)
            self._has_joined = True
            self._heart.start()
            self._reaper.start()
            self._role.on_joined()
        return self._has_joined

    @property
    def is_taken_for_dead(self) -> bool:
        """Whether others have this process's runs by now."""
        return self._heart.is_taken_for_dead

    def find_worker(self) -> str | None:
        """Some process that would execute runs of this version and queue now."""
        return self._table.find_worker(
            queue=self._member.queue, version=self._member.version, silent_s_max=DEAD_AFTER_S
        )

    def is_living(self, executor_id: str) -> bool:
        """Whether that process was heard of lately."""
        return self._table.is_heard(executor_id, silent_s_max=DEAD_AFTER_S)

    def verify_heard(self) -> None:
        """Return when nobody can have taken this process for dead; a database away is waited for.

        Raises:
            TakenForDeadError: Others have its runs.
            RunInterruptedError: A stop was asked for meanwhile, or the database stays away.
        """
        for _ in range(HEARD_LOOKS_MAX):
            if not self._has_joined or self._heart.wait_heard(HEARD_LOOK_S):
                return
            if self.is_taken_for_dead:
                raise TakenForDeadError(self._member.executor_id)
            if self._stop.is_set():
                break
        raise RunInterruptedError(
            "The run was stopped while this process waited to be heard by the others.",
            written="What it had sent stays; a resume looks at that first.",
            next_step="List the runs, then go on: `ml-connector runs list`.",
        )

    def verify_followed(self, run: WorkflowStatus) -> None:
        """The run, which has not ended, goes on somewhere, and this process may still wait for it.

        A database that is away says nothing of the workers, and nothing right after either: they
        have the time to be heard again.

        Raises:
            TakenForDeadError: It goes on elsewhere.
            LeftToOthersError: A stop was asked for, and others execute it.
            NobodyWorksError: Nobody executes runs.
        """
        if self.is_taken_for_dead:
            raise TakenForDeadError(self._member.executor_id)
        is_elsewhere = run.status == RUNNING and run.executor_id != self._member.executor_id
        if self._stop.is_set() and (is_elsewhere or not self._has_joined):
            raise LeftToOthersError(run.workflow_id)
        if self._has_joined:
            return
        try:
            worker = self.find_worker()
        except SQLAlchemyError:
            self._outage.note_away(ENGINE)
            return
        if worker is None and not self._outage.is_recent(DEAD_AFTER_S):
            raise NobodyWorksError(run.workflow_id)

    def verify_owned(self, run_id: str) -> None:
        """The execution this thread is in has the run; asked until the database answers.

        By its token: a run that went away and came back is another execution of this process.

        Raises:
            TakenForDeadError: Another execution has it.
            StoppedRunError: A stop was asked for, and the database does not say.
        """
        owner = find_owner(run_id)
        for asked in range(OWNER_ASKS_MAX):
            try:
                if self._handover.is_owner(run_id, owner):
                    return
                break
            except SQLAlchemyError as error:
                self._outage.note_away(ENGINE)
                if self._stop.is_set() and asked + 1 >= OWNER_ASKS_STOPPING:
                    raise StoppedRunError(run_id) from error
                self._stop.wait(OWNER_ASK_S)
        raise TakenForDeadError(self._member.executor_id)

    def elect_pruner(self) -> AbstractContextManager[bool]:
        """Whether this process is the one that prunes for the length of the block."""
        return self._table.election(PRUNING)

    def close(self, *, still: Collection[str]) -> None:
        """What this process held is in its queue again, and the process has left.

        While threads of it are still in a step of some runs, those stay its own: it beats on until
        it ends, and whoever notices that goes on with them.
        """
        self._reaper.stop()
        try:
            self._give_back(except_runs=still)
            if self._has_joined and not still:
                self._heart.stop()
                self._table.leave(self._member.executor_id)
        except SQLAlchemyError as error:
            # The row stays and falls silent with the process; the others do the rest.
            logger.warning("worker.not_left fault=%s", type(error).__name__)
        finally:
            self._handover.close()
        if not still:
            self._heart.stop()
            self._table.close()

    def _give_back(self, *, except_runs: Collection[str]) -> None:
        for held in self._handover.load_held() if self._has_joined else ():
            if held.executor_id == self._member.executor_id and held.run_id not in except_runs:
                self._handover.requeue(held)

    def _is_left(self, run: HeldRun) -> bool:
        """Whether this process has the run, and no thread of it is in it.

        So it is when the database went away between giving the run and saying so, or when a run
        met that between two steps.
        """
        is_own = run.executor_id == self._member.executor_id
        return is_own and not self._board.is_executing(run.run_id)

    def _note_beat(self, is_stored: bool) -> None:  # noqa: FBT001 - a listener's one argument.
        note = self._outage.note_back if is_stored else self._outage.note_away
        note(ENGINE)

    def _leave(self) -> None:
        self._stop.set()
        self._role.on_taken_for_dead()
