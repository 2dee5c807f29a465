"""Joins the engine's events to the run history and to whoever watches."""

from collections.abc import Callable

from ml_connector.errors import ConnectorError, UsageError
from ml_connector.flows.runs import NotResumableError, finish_run
from ml_connector.ports import UNFINISHED_STATES, Json, Records, RunState
from ml_connector.wiring.stop_wishes import verify_may_go_on

StepListener = Callable[[str, str, str], None]
"""Told (run id, step name, "started" | "done" | "failed" | "interrupted")."""
PUT_AWAY = frozenset({RunState.CANCELLED, RunState.FAILED, RunState.BLOCKED})
"""Whoever resumes a run takes it out of these states first; a cancelled one never."""


class RunHistory:
    """Keeps in the records what the engine tells."""

    def __init__(self, records: Records, on_step: StepListener | None, *, actor: str = "") -> None:
        self._records = records
        self._actor = actor
        self._on_step = on_step
        self._names: dict[int, tuple[str, str]] = {}

    def run_started(self, run_id: str) -> None:
        """The run left the queue.

        One may come again that has ended: its process died before the engine heard of the end. What
        it has done is only told again then; what it has failed at is not tried again, since a later
        run of its flow may have written by now.

        Raises:
            NotResumableError: Somebody has put it away while it waited, or it has failed.
        """
        # One act: whoever puts the run away at this moment comes before it or finds it begun.
        with self._records.transactions.begin(f"the beginning of run {run_id}"):
            self._begin(run_id)

    def _begin(self, run_id: str) -> None:
        state = self._records.runs.load_run(run_id).state
        if state in PUT_AWAY:
            way = "was cancelled before it began" if state is RunState.CANCELLED else f"is {state}"
            raise NotResumableError(
                f"The run {run_id} {way}.",
                written="Nothing was read or sent.",
                next_step="List the runs: `ml-connector runs list`.",
                run=run_id,
            )
        if state in UNFINISHED_STATES:
            self._records.runs.save_run(run_id, RunState.RUNNING)

    def step_started(self, run_id: str, name: str) -> int:
        """A step began; the row's number is its token.

        Raises:
            StoppedByPersonError: Somebody has asked the run to stop; the step is not begun.
        """
        verify_may_go_on(self._records, run_id, name)
        token = self._records.runs.record_step_started(run_id, name)
        self._names[token] = (run_id, name)
        self._tell(run_id, name, "started")
        return token

    def step_finished(self, token: int, *, state: str, result: Json) -> None:
        """A step ended: done, failed or interrupted."""
        self._records.runs.record_step_finished(token, state=state, result=result)
        run_id, name = self._names.pop(token)
        self._tell(run_id, name, state)

    def run_finished(
        self, run_id: str, *, summary: Json | None, error: ConnectorError | None
    ) -> None:
        """The run ended, or stopped and can be resumed."""
        finish_run(self._records, run_id, summary=summary, error=error)

    def run_given_back(self, run_id: str) -> None:
        """The run waits in its queue again."""
        run = self._records.runs.load_run(run_id)
        if run.state is RunState.CANCELLED:
            return
        self._records.runs.save_run(run_id, RunState.QUEUED)
        self._records.audit.record(
            "run.given-back", subject=run.flow, actor=self._actor, run_id=run_id
        )

    def run_taken_over(self, run_id: str) -> None:
        """The run of a dead process goes on; its state is for whoever executes it."""
        try:
            run = self._records.runs.load_run(run_id)
        except UsageError:
            return  # Of another organisation on the same engine; its own history will tell.
        with self._records.transactions.begin(f"the take-over of run {run_id}"):
            self._records.alerts.record_note("takeover", run_id)
            self._records.audit.record(
                "run.taken-over", subject=run.flow, actor=self._actor, run_id=run_id
            )

    def _tell(self, run_id: str, name: str, state: str) -> None:
        if self._on_step is not None:
            self._on_step(run_id, name, state)
