"""Runs and their steps."""

from collections.abc import Collection

from django.db import IntegrityError, connection, connections

from ml_connector.errors import BusyError, UsageError
from ml_connector.ports import UNFINISHED_STATES, Json, RunRow, RunState, StepRow
from ml_connector.ports.traces import PREFIX_MIN
from ml_connector.records import models
from ml_connector.records.alerts import note_run
from ml_connector.records.canonical import verify_plain
from ml_connector.records.setup import BUDGET_ALIAS
from ml_connector.records.store import OrganisationStore, writing

RUNS_NAMED_MAX = 5
"""Runs an ambiguous prefix is answered with."""
RUNS_ALIKE_MAX = 100
"""Runs looked at for a prefix; who gives the first digit of a year wants no list of thousands."""
LAST_LETTER = "\U0010ffff"
STEP_RUNNING = "running"
STEP_DONE = "done"

# Asked some hundred times a run, so these two stand as SQL.
_FIND_RUN = "SELECT id FROM records_run WHERE organisation_id = %s AND run_id = %s"
_FIND_LAST_STEP = (
    "SELECT attempt, state FROM records_step WHERE organisation_id = %s AND run_id = %s"
    " AND name = %s ORDER BY id DESC LIMIT 1"
)


class RunRecords(OrganisationStore):
    """A `ports.RunStore`; the database refuses a second unfinished run of a flow.

    Steps are history for people, while progress is the engine's: they are written hundreds of times
    a run, over the connection that does not wait for the disk.
    """

    def create_run(self, *, run_id: str, flow: str, kind: str, actor: str, request: Json) -> RunRow:
        """The run exists in state queued; see `ports.RunStore`."""
        try:
            with self._writing(f"run {run_id}"):
                row = models.Run.of(self._id).create(
                    organisation_id=self._id,
                    run_id=run_id,
                    flow=flow,
                    kind=kind,
                    actor=actor,
                    state=RunState.QUEUED.value,
                    request=verify_plain(request),
                    created_at=self._clock.now(),
                )
        except IntegrityError as error:
            raise self._explain_conflict(run_id, flow) from error
        return _render_run(row)

    def save_run(
        self,
        run_id: str,
        state: RunState,
        *,
        summary: Json | None = None,
        error: Json | None = None,
    ) -> None:
        """The run is in this state; an error given earlier is gone unless given again."""
        changes: dict[str, object] = {
            "state": state.value,
            "error": None if error is None else verify_plain(error),
            "finished_at": None if state in UNFINISHED_STATES else self._clock.now(),
        }
        if state not in (RunState.QUEUED, RunState.RUNNING):
            changes["stop_asked_by"] = None
        if summary is not None:
            changes["summary"] = verify_plain(summary)
        row = self._find(run_id) or self._refuse_unknown(run_id)
        try:
            with self._writing(f"the state of run {run_id}"):
                models.Run.of(self._id).filter(pk=row.pk).update(**changes)
                note_run(self._id, run_id, state, self._clock.now())
        except IntegrityError as conflict:
            raise self._explain_conflict(run_id, row.flow) from conflict

    def save_stop_wish(self, run_id: str, *, actor: str) -> bool:
        """The run is to stop before its next step; see `ports.RunStore`."""
        row = self._find(run_id) or self._refuse_unknown(run_id)
        running = models.Run.of(self._id).filter(pk=row.pk, state=RunState.RUNNING.value)
        with self._writing(f"the wish that run {run_id} stop"):
            return bool(running.update(stop_asked_by=actor))

    def load_run(self, run_id: str) -> RunRow:
        """The run by its id or an unambiguous prefix; see `ports.RunStore`."""
        row = self._find(run_id)
        if row is not None:
            return _render_run(row)
        found = self._find_beginning(run_id) if run_id else []
        if not found:
            self._refuse_unknown(run_id)
        if len(found) > 1 or len(run_id) < PREFIX_MIN:
            raise _unnamed(run_id, [row.run_id for row in found])
        return _render_run(found[0])

    def load_runs(
        self, *, flow: str | None = None, limit: int = 50, before: str = ""
    ) -> list[RunRow]:
        """The newest runs first; see `ports.RunStore`."""
        rows = models.Run.of(self._id)
        if flow is not None:
            rows = rows.filter(flow=flow)
        if before:
            start = self._find(before) or self._refuse_unknown(before)
            rows = rows.filter(pk__lt=start.pk)
        return [_render_run(row) for row in rows.order_by("-id")[:limit]]

    def find_unfinished(self, flow: str) -> RunRow | None:
        """The run that keeps the flow busy, if any."""
        row = self._find_unfinished(flow)
        return None if row is None else _render_run(row)

    def record_step_started(self, run_id: str, name: str) -> int:
        """A step began; returns its row number."""
        with writing(f"step {name} of run {run_id}", using=BUDGET_ALIAS):
            with connections[BUDGET_ALIAS].cursor() as cursor:
                cursor.execute(_FIND_RUN, [self._id, run_id])
                found = cursor.fetchone()
                run_key = found[0] if found else self._refuse_unknown(run_id).pk
                cursor.execute(_FIND_LAST_STEP, [self._id, run_key, name])
                last, state = cursor.fetchone() or (0, STEP_DONE)
            steps = models.Step.of(self._id).using(BUDGET_ALIAS)
            row = steps.create(
                organisation_id=self._id,
                run_id=run_key,
                name=name,
                # A loop may use a name again: attempts count from the last time it was done.
                attempt=1 if state == STEP_DONE else last + 1,
                state=STEP_RUNNING,
                started_at=self._clock.now(),
            )
        return int(row.pk)

    def record_step_finished(self, row: int, *, state: str, result: Json) -> None:
        """A step ended: done, failed or interrupted."""
        steps = models.Step.of(self._id).using(BUDGET_ALIAS).filter(pk=row)
        with writing(f"the end of step {row}", using=BUDGET_ALIAS):
            changed = steps.update(
                state=state, result=verify_plain(result), finished_at=self._clock.now()
            )
        if not changed:
            raise UsageError(
                f"The step {row} does not exist.",
                written="Nothing was stored.",
                next_step="Finish only steps that were started in this organisation.",
                step=row,
            )

    def load_steps(self, run_id: str, *, after: int = 0, limit: int | None = None) -> list[StepRow]:
        """The steps in order of their start; see `ports.RunStore`."""
        run = self._find(run_id) or self._refuse_unknown(run_id)
        steps = models.Step.of(self._id).filter(run_id=run.pk, pk__gt=after).order_by("id")
        return [_render_step(step) for step in steps[:limit]]

    def find_done_step(self, flow: str, name: str, *, runs_max: int) -> StepRow | None:
        """The newest such step that was done; see `ports.RunStore`."""
        runs = models.Run.of(self._id).filter(flow=flow).order_by("-id")
        newest = list(runs.values_list("pk", flat=True)[:runs_max])
        steps = models.Step.of(self._id).filter(run_id__in=newest, name=name, state=STEP_DONE)
        found = steps.order_by("-run_id", "-id").first()
        return None if found is None else _render_step(found)

    def load_timings(self, run_ids: Collection[str]) -> dict[str, list[StepRow]]:
        """The steps of these runs by run; see `ports.RunStore`."""
        runs = models.Run.of(self._id).filter(run_id__in=list(run_ids))
        names = dict(runs.values_list("pk", "run_id"))
        steps = models.Step.of(self._id).filter(run_id__in=list(names)).order_by("id")
        fields = ("run_id", "name", "attempt", "state", "started_at", "finished_at")
        found: dict[str, list[StepRow]] = {name: [] for name in names.values()}
        for key, name, attempt, state, started_at, finished_at in steps.values_list(*fields):
            found[names[key]].append(
                StepRow(
                    name=name, attempt=attempt, state=state, started_at=started_at,
                    finished_at=finished_at, result={},
                )
            )  # fmt: skip
        return found

    def _find(self, run_id: str) -> models.Run | None:
        return models.Run.of(self._id).filter(run_id=run_id).first()

    def _find_unfinished(self, flow: str) -> models.Run | None:
        states = [state.value for state in UNFINISHED_STATES]
        # Without an order: a database that is asked for one walks the flow's runs in that order.
        found = models.Run.of(self._id).filter(flow=flow, state__in=states).order_by()
        return next(iter(found[:1]), None)

    def _find_beginning(self, prefix: str) -> list[models.Run]:
        """Runs whose ids begin so, the newest first; not all where there are very many."""
        rows = models.Run.of(self._id).filter(run_id__startswith=prefix).order_by()
        if connection.vendor == "sqlite":
            # LIKE uses no index there and ignores case; texts compare by their bytes.
            rows = rows.filter(run_id__gte=prefix, run_id__lt=prefix + LAST_LETTER)
        return sorted(rows[:RUNS_ALIKE_MAX], key=lambda row: -row.pk)

    def _refuse_unknown(self, run_id: str) -> models.Run:
        newest = models.Run.of(self._id).order_by("-id").values_list("run_id", flat=True)
        names = ", ".join(newest[:RUNS_NAMED_MAX]) or "none yet"
        raise UsageError(
            f"There is no run {run_id!r}; the newest are: {names}.",
            written="Nothing was changed.",
            next_step="List the runs: `ml-connector runs list`.",
            run_id=run_id,
        )

    def _explain_conflict(self, run_id: str, flow: str) -> UsageError | BusyError:
        busy = self._find_unfinished(flow)
        if busy is None or busy.run_id == run_id:
            return UsageError(
                f"The run id {run_id} has been used before.",
                written="Nothing was stored.",
                next_step="Start the run again; it gets an id of its own.",
                run_id=run_id,
            )
        return BusyError(
            f"The flow {flow} is busy with run {busy.run_id}, which is {busy.state}.",
            written=f"Run {run_id} was not started.",
            next_step=f"Wait for it, or `ml-connector runs resume {busy.run_id}`, or cancel it.",
            flow=flow, run_id=busy.run_id, state=busy.state,
        )  # fmt: skip


def _unnamed(prefix: str, found: list[str]) -> UsageError:
    """Why the prefix names no run, though some begin with it."""
    names = ", ".join(found[:RUNS_NAMED_MAX])
    more = " and more" if len(found) == RUNS_ALIKE_MAX else ""
    fits = f"fits {len(found)} run{'s' if len(found) > 1 else ''}{more}: {names}."
    short = "is too short to name a run, and " if len(prefix) < PREFIX_MIN else ""
    return UsageError(
        f"{prefix!r} {short}{fits}",
        written="Nothing was changed.",
        next_step=f"Give more of the run's id, at least {PREFIX_MIN} characters.",
        run_id=prefix,
    )


def _render_run(row: models.Run) -> RunRow:
    return RunRow(
        run_id=row.run_id,
        flow=row.flow,
        kind=row.kind,
        state=RunState(row.state),
        actor=row.actor,
        request=row.request,
        summary=row.summary,
        error=row.error,
        created_at=row.created_at,
        finished_at=row.finished_at,
        stop_asked_by=row.stop_asked_by or "",
    )


def _render_step(row: models.Step) -> StepRow:
    return StepRow(
        name=row.name,
        attempt=row.attempt,
        state=row.state,
        started_at=row.started_at,
        finished_at=row.finished_at,
        result=row.result,
        number=row.pk,
    )
