"""Every interface the flows need: sources, targets, engine, records, archive, secrets, clock.

**API boundary.** Adapters implement these; flows see nothing else of the world. All calls are
synchronous. `read_` calls may be repeated; `submit_` calls change the other system and are repeated
only where their docstring says so; `load_`/`save_`/`record_` concern our own database.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from ml_connector.domain.dimensions import Member
from ml_connector.domain.ledger import (
    Balance,
    Batch,
    BatchStamp,
    Chart,
    CombinationKey,
    Ledger,
    Line,
    Totals,
)
from ml_connector.domain.periods import Period, PeriodState
from ml_connector.domain.plan import PlannedCell
from ml_connector.domain.summaries import Summary, SummaryKey

Json = dict[str, Any]
"""Small JSON: text, ints, bools, lists, nulls; amounts as decimal text; never a float."""


# --- time and secrets -------------------------------------------------------------------------


class Clock(Protocol):
    """The only source of time; tests move it."""

    def now(self) -> datetime:
        """The current instant, aware UTC."""

    def sleep(self, seconds: float) -> None:
        """Return after that many seconds of this clock, sooner when a stop was asked for."""


class Secrets(Protocol):
    """Resolves references such as `secret:NAME`, `env:NAME`, `file:PATH`."""

    def read_secret(self, reference: str) -> str:
        """The plain text behind a reference, for a log-in only.

        Raises:
            CredentialsError: No such secret, or it cannot be opened; names the reference only.
        """


class SessionStore(Protocol):
    """Remote sessions that are open, encrypted, so that a later start can end what a kill left."""

    def save_session(self, connection: str, token: str) -> None:
        """This process holds a session at the connection."""

    def forget_session(self, connection: str) -> None:
        """This process holds none any more."""

    def take_left_sessions(self, connection: str) -> list[str]:
        """Tokens of processes that ended without signing off; each is handed out once."""


# --- checks (doctor, preflight) ---------------------------------------------------------------


class CheckState(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of `doctor`: what was looked at, what was found, what to do.

    `code` is the stable code of the error a failed check ended with, if it was one.
    """

    subject: str
    state: CheckState
    finding: str
    next_step: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteObject:
    """One line of `discover`: a ledger, list, import, export, file ... with its id."""

    kind: str
    name: str
    remote_id: str
    detail: str = ""


# --- sources: the ERPs ------------------------------------------------------------------------


class Measure(StrEnum):
    """Which amounts a flow carries; the two are never added."""

    BASE = "base"
    ENTERED = "entered"


class LedgerSource(Protocol):
    """An ERP that actuals and members are read from. Reads only; every call may be repeated.

    All calls raise `SystemUnavailableError` when the retry budget is spent, `CredentialsError` or
    `AccessDeniedError` when log-in or rights fail, `ProtocolError` for answers off contract.
    """

    connection: str

    def check(self) -> Iterator[Check]:
        """Yield reach, log-in, rights and set-up findings, worst last; never raises for those."""

    def discover(self) -> Iterator[RemoteObject]:
        """Yield what can be named in a flow: ledgers, charts, calendars, value sets."""

    def read_server_time(self) -> datetime:
        """The server's own time now; watermarks are made of it."""

    def read_ledgers(self) -> list[Ledger]:
        """Every ledger the user may see, ledger sets left out; maybe none."""

    def read_periods(self, ledger: Ledger) -> list[Period]:
        """Every period of the ledger's calendar, by first date, adjustment periods after theirs."""

    def read_period_state(self, ledger: Ledger, period: Period) -> PeriodState:
        """The general-ledger state of one period of one ledger."""

    def find_chart(self, name: str) -> Chart | None:
        """The configured delimiter and segments of a chart; None when the settings lack it."""

    def read_combinations(self, chart: str) -> Iterator[tuple[str, str]]:
        """Yield (combination, its segment values as the chart writes them) of a keyed chart.

        Nothing for a chart whose combinations show their segments themselves.
        """

    def read_changed_stamps(self, since: datetime, until: datetime) -> Iterator[BatchStamp]:
        """Yield posted batches changed in [since, until], each once, ascending by batch id.

        Falls back to a sweep when the ERP cannot filter by change date; may then yield more.
        """

    def read_pending_stamps(self) -> Iterator[BatchStamp]:
        """Yield every batch with lines that are entered and not posted yet.

        Nothing where the change date moves when a batch is posted. Where it may not, a batch that
        leaves this listing is asked for by its id (`read_stamps`): it was posted, or it is gone.
        """

    def read_stamps(self, batch_ids: Sequence[str]) -> Iterator[BatchStamp]:
        """Yield those of the batches that exist now, posted or pending, in no promised order."""

    def read_period_stamps(self, periods: Sequence[Period]) -> Iterator[BatchStamp]:
        """Yield the posted batches that by their header may hold lines of these periods.

        A batch whose lines lie in other periods than its own default is not promised here: the
        comparison with the ERP's balances finds it, and `read_all_stamps` widens the search.
        """

    def read_all_stamps(self) -> Iterator[BatchStamp]:
        """Yield every posted batch the user may see, ascending by batch id."""

    def read_batches(
        self, stamps: Sequence[BatchStamp]
    ) -> Iterator[tuple[BatchStamp, Batch | None]]:
        """Yield each batch whole, in no promised order; None when it is gone or no longer posted.

        Lines are read in parallel, bounded by the connection's setting. A batch whose lines do not
        add up to its own header totals is read once more and then refused (`ProtocolError`).
        """

    def read_balances(self, ledger: Ledger, period: Period, measure: Measure) -> Iterator[Balance]:
        """Yield the ERP's own movement per account combination, in no promised order.

        For `Measure.BASE` in the ledger's currency; for `Measure.ENTERED` per entered currency.
        Statistical units are no money and are left out.
        """

    def read_members(self, dimension: str) -> Iterator[Member]:
        """Yield the members of a source dimension, in no promised order, inactive ones included.

        Args:
            dimension: `ledgers`, `currencies`, `accounts`, `account-ids`, `business-units` or
                `value-set:CODE`, as far as the ERP has them.

        Raises:
            UsageError: The ERP has no such dimension; names those it has.
        """


# --- targets: the planning model --------------------------------------------------------------


class ActionKind(StrEnum):
    """What can be started in a model."""

    IMPORT = "import"
    PROCESS = "process"
    EXPORT = "export"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """An action resolved by its name; ids are pinned in the run."""

    kind: ActionKind
    name: str
    action_id: str
    file_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportShape:
    """How the model will parse the file of an import."""

    headers: tuple[str, ...]
    separator: str
    delimiter: str
    encoding: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelState:
    """The model as its server describes it."""

    model_id: str
    name: str
    state: str
    is_writable: bool
    finding: str = ""


class TaskState(StrEnum):
    """Life of a task; unknown remote states count as running until the deadline."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETE = "complete"
    CANCELLED = "cancelled"
    VANISHED = "vanished"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStamp:
    """A task as the task list shows it."""

    task_id: str
    state: TaskState
    created_at: datetime | None


class LoadOutcome(StrEnum):
    """How a finished task ended (anaplan §6.3)."""

    OK = "ok"
    IGNORED = "ok with ignored rows"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """A task's state and, once terminal, its result."""

    task_id: str
    state: TaskState
    progress: str = ""
    outcome: LoadOutcome | None = None
    dump_object_ids: tuple[str, ...] = ()
    rows_failed: int | None = None
    rows_ignored: int | None = None
    messages: tuple[str, ...] = ()
    raw: bytes = field(default=b"", repr=False)

    @property
    def is_terminal(self) -> bool:
        """Whether polling may stop."""
        return self.state in (TaskState.COMPLETE, TaskState.CANCELLED, TaskState.VANISHED)


class RefusedRow(NamedTuple):
    """A row of a failure dump: the columns as sent, and why it was not (wholly) taken."""

    columns: dict[str, str]
    reasons: tuple[str, ...]
    is_warning: bool


class TargetMember(NamedTuple):
    """An item a list of the model holds."""

    name: str
    code: str
    parent: str


class PlanningTarget(Protocol):
    """A planning model that members and facts are loaded into.

    Raises as `LedgerSource`; `submit_` calls say below whether they may be repeated.
    """

    connection: str
    model_id: str

    def check(self) -> Iterator[Check]:
        """Yield reach, log-in, model state and rights findings; never raises for those."""

    def discover(self) -> Iterator[RemoteObject]:
        """Yield workspaces, models, lists, modules, imports, exports, processes, files."""

    def read_model_state(self) -> ModelState:
        """Whether the model can be written now: archived, locked, offline and closed are told."""

    def read_actions(self, kind: ActionKind) -> list[Action]:
        """Every action of a kind, with the file an import reads."""

    def read_process_imports(self, process_id: str) -> list[Action]:
        """The import steps of a process in their order, with the file each reads."""

    def read_import_shape(self, import_id: str) -> ImportShape:
        """The header and format the import was defined with."""

    def read_time_members(self, module: str) -> list[str]:
        """Names of the leaf periods the module's time dimension holds, in order."""

    def read_list_members(self, list_name: str) -> Iterator[TargetMember]:
        """Yield the items of a list; none for an empty list."""

    def submit_chunk_count(self, file_id: str, chunks: int) -> None:
        """The file expects that many chunks; may be repeated before any chunk is up.

        Raises:
            ProtocolError: The answer names another file (an unknown id creates one).
        """

    def submit_chunk(self, file_id: str, index: int, gzipped: bytes) -> None:
        """Chunk `index` holds these gzipped bytes; may be repeated with the same bytes."""

    def submit_upload_complete(self, file_id: str, chunks: int) -> None:
        """The file is whole; may be repeated; a lost reply is settled by the chunk count."""

    def read_chunk_count(self, file_id: str) -> int:
        """Chunks the file holds now."""

    def submit_task(self, action: Action) -> str:
        """A task of the action is started once; returns its id. Never repeated by the client.

        Raises:
            OutcomeUnknownError: The reply was lost; find the task by `read_task_stamps`.
            BusyError: The model refuses a second start; nothing was started.
        """

    def read_task_stamps(self, action: Action) -> list[TaskStamp]:
        """The action's tasks, oldest first; an empty list proves nothing without access."""

    def read_task(self, action: Action, task_id: str) -> TaskResult:
        """The task now; `VANISHED` when the model no longer knows it."""

    def submit_cancel(self, action: Action, task_id: str) -> None:
        """The model is asked to cancel the task; may be repeated; not guaranteed to stop it."""

    def read_dump(self, action: Action, task_id: str, object_id: str) -> Iterator[bytes]:
        """Yield the failure dump's bytes; nothing when the model has dropped it."""

    def parse_dump(self, content: Iterable[bytes]) -> Iterator[RefusedRow]:
        """Yield the rows of a dump; pure, used again on stored dumps."""

    def read_export_file(self, file_id: str) -> Iterator[bytes]:
        """Yield the bytes of an export's output; a row may straddle two of them."""

    def parse_csv(self, content: Iterable[bytes]) -> Iterator[dict[str, str]]:
        """Yield the rows of an export file by header name; pure, used again on stored exports."""


# --- engine -----------------------------------------------------------------------------------


class Steps(Protocol):
    """What a running flow may ask of the engine."""

    run_id: str

    def step(self, name: str, body: Callable[[], Json]) -> Json:
        """The body's result, computed at most once per success and stored; at least once per crash.

        A body that raises is not stored as an outcome: the run stops with that error and a resume
        executes the same step again. Names may repeat; order must not depend on anything but
        earlier results.

        Raises:
            RunInterruptedError: A stop was asked for; the step was not begun.
        """

    def is_stop_requested(self) -> bool:
        """Whether a long step shall leave within five seconds (poll loops look here)."""


class FlowFunction(Protocol):
    """A flow registered under a fixed name."""

    def __call__(self, steps: Steps, request: Json) -> Json:
        """Run to the end and return the run's summary."""


class Engine(Protocol):
    """Durable runs: progress only; truth about writes lives in records."""

    def start(self, *, flow: str, run_id: str, request: Json, queue_key: str) -> None:
        """The run is queued under its id; the same id twice is one run."""

    def wait(self, run_id: str) -> Json:
        """The run's summary once it ended.

        Raises:
            ConnectorError: The error the run stopped with.
        """

    def resume(self, run_id: str) -> None:
        """An interrupted, failed or abandoned run goes on at its first missing step."""

    def request_stop(self) -> None:
        """All runs of this process stop at their next step boundary and stay resumable."""


# --- records ----------------------------------------------------------------------------------


class RunState(StrEnum):
    """How a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    PARTLY = "partly succeeded"
    BLOCKED = "blocked"
    WAITING_APPROVAL = "waiting for approval"
    UNTIED = "unexplained difference"
    MOVING = "books moving"
    UNKNOWN = "outcome unknown"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"


UNFINISHED_STATES = frozenset(
    {RunState.QUEUED, RunState.RUNNING, RunState.INTERRUPTED, RunState.UNKNOWN}
)
"""A flow with a run in one of these takes no second run; it is resumed or cancelled first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A run as the history keeps it."""

    run_id: str
    flow: str
    kind: str
    state: RunState
    actor: str
    request: Json
    summary: Json
    error: Json | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """A step of a run as people see it."""

    name: str
    attempt: int
    state: str
    started_at: datetime
    finished_at: datetime | None
    result: Json


class RunStore(Protocol):
    """Runs and their steps."""

    def create_run(self, *, run_id: str, flow: str, kind: str, actor: str, request: Json) -> RunRow:
        """The run exists in state queued.

        Raises:
            BusyError: The flow has an unfinished run; names it.
        """

    def save_run(
        self,
        run_id: str,
        state: RunState,
        *,
        summary: Json | None = None,
        error: Json | None = None,
    ) -> None:
        """The run is in this state; finished states get their time."""

    def load_run(self, run_id: str) -> RunRow:
        """The run by its id or an unambiguous prefix.

        Raises:
            UsageError: No such run, or the prefix fits several; names them.
        """

    def load_runs(self, *, flow: str | None = None, limit: int = 50) -> list[RunRow]:
        """The newest runs first."""

    def find_unfinished(self, flow: str) -> RunRow | None:
        """The run that keeps the flow busy, if any."""

    def record_step_started(self, run_id: str, name: str) -> int:
        """A step began; returns its row number."""

    def record_step_finished(self, row: int, *, state: str, result: Json) -> None:
        """A step ended: done, failed or interrupted."""

    def load_steps(self, run_id: str) -> list[StepRow]:
        """The steps in order of their start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRevision:
    """The archive's word on one revision of a batch; `removed` when the ERP no longer has it."""

    batch_id: str
    revision: int
    updated_at: datetime
    version: str
    file_hash: str
    lines: int
    content_hash: str
    periods: tuple[tuple[str, str], ...] = ()
    is_removed: bool = False
    name: str = ""
    run_id: str = ""


class BatchStore(Protocol):
    """Which batches are archived, in which revision, touching which (ledger, period)."""

    def load_watermark(self, connection: str) -> datetime | None:
        """Server time up to which every change is archived; None before the first read."""

    def save_watermark(self, connection: str, at: datetime) -> None:
        """The watermark moved; never backwards."""

    def find_versions(self, connection: str, batch_ids: Sequence[str]) -> dict[str, str]:
        """Version of the current revisions of those batches that are archived."""

    def record_revisions(
        self,
        connection: str,
        revisions: Sequence[BatchRevision],
        *,
        owed_by: Mapping[str, Collection[str]] | None = None,
    ) -> list[tuple[str, str]]:
        """The revisions are current, all or none; returns the (ledger, period) pairs touched.

        Both the pairs of the new and of the replaced revision are touched. A revision whose
        `content_hash` equals the current one's touches nothing but refreshes `updated_at` and
        `version`.
        `owed_by` names flows with their ledgers: what is touched of these they owe their models in
        the same transaction, for told again after a crash the revisions touch nothing any more.
        """

    def load_current(self, connection: str, ledger: str, period: str) -> list[BatchRevision]:
        """Current, not removed revisions with lines in the period, by batch id."""

    def load_revisions(self, connection: str, batch_id: str) -> list[BatchRevision]:
        """Every revision of a batch, oldest first."""

    def load_pending(self, connection: str) -> set[str]:
        """Batches that were entered and not wholly posted when they were last looked at."""

    def save_pending(self, connection: str, batch_ids: Collection[str]) -> None:
        """Exactly these batches are pending."""

    def record_whole(self, connection: str, ledger: str, period: str, *, run_id: str) -> None:
        """The period has been read whole and tied to the ERP."""

    def load_whole(self, connection: str) -> set[tuple[str, str]]:
        """The (ledger, period) pairs that have been read whole."""

    def record_touched(self, flow: str, pairs: Iterable[tuple[str, str]]) -> None:
        """The flow owes the model these periods, until they are settled."""

    def load_touched(self, flow: str) -> set[tuple[str, str]]:
        """Periods read or re-mapped but not yet loaded."""

    def settle_touched(self, flow: str, pairs: Iterable[tuple[str, str]]) -> None:
        """The flow's model holds these periods now."""


class IntentState(StrEnum):
    """The stored decision to write and what became of it."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One decision to start one task."""

    intent_id: str
    run_id: str
    model_id: str
    action_id: str
    action_name: str
    content_hash: str
    state: IntentState
    task_id: str
    made_at: datetime
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to write into a model, with a number that only grows."""

    model_id: str
    holder: str
    fence: int
    expires_at: datetime


class IntentStore(Protocol):
    """Leases and intents; the database forbids the second writer, whatever the queue does."""

    def take_lease(self, model_id: str, *, holder: str, seconds: int) -> Lease:
        """The holder has the model.

        A holder is `RUN/PROCESS`. The same holder renews and keeps its fence; another process of
        the same run takes over at once with a higher fence, which shuts its predecessor out.

        Raises:
            BusyError: Somebody else holds a lease that has not expired; names the holder.
        """

    def verify_lease(self, lease: Lease) -> None:
        """The lease is still ours and is prolonged.

        Raises:
            BusyError: It was lost to a successor; nothing may be sent any more.
        """

    def release_lease(self, lease: Lease) -> None:
        """The model is free; a lost lease is left alone."""

    def release_run(self, run_id: str) -> None:
        """Every model that a process of the run holds, a dead one's too, is free."""

    def make_intent(
        self, *, lease: Lease, run_id: str, action: Action, content_hash: str
    ) -> Intent:
        """The intent is stored, in one transaction with the check of the fence.

        The same run, action and content give the same intent back, whatever its state.

        Raises:
            BusyError: The lease is lost, or another intent on the model is open or unknown.
        """

    def save_intent(self, intent_id: str, state: IntentState, *, task_id: str = "") -> Intent:
        """The intent has this state; a task id, once set, never changes."""

    def load_intents(
        self, *, run_id: str | None = None, model_id: str | None = None
    ) -> list[Intent]:
        """Intents, oldest first."""

    def find_claimed_tasks(self, action_id: str) -> set[str]:
        """Task ids other intents of the action already own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRow:
    """One upload, import and result."""

    load_id: str
    run_id: str
    flow: str
    plan_hash: str
    intent_id: str
    task_id: str
    outcome: str
    chunks: int
    cells_sent: int
    cells_refused: int
    result_hash: str
    dump_hashes: tuple[str, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedSummary:
    """A summary the model did not take, with the reason in its own words."""

    load_id: str
    flow: str
    key: SummaryKey
    before: Decimal
    after: Decimal
    reasons: tuple[str, ...]
    is_settled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRow:
    """A saved plan: a file in the archive, and what it was made from."""

    plan_hash: str
    run_id: str
    flow: str
    model_id: str
    mapping_hash: str
    shadow_revision: int
    periods: tuple[str, ...]
    totals: Json
    created_at: datetime
    state: str


class LoadStore(Protocol):
    """Plans, shadows, loads, refused summaries."""

    def save_plan(self, plan: PlanRow) -> None:
        """The plan is known by its hash; saving it again changes nothing but its state."""

    def find_plan(self, plan_hash: str) -> PlanRow | None:
        """The plan by its hash."""

    def load_shadow(self, flow: str, model_id: str) -> tuple[int, dict[str, str]]:
        """Shadow revision, and the shadow file's hash by target period; (0, {}) before any load."""

    def save_shadow(
        self, flow: str, model_id: str, files: Mapping[str, str], *, revision_before: int, why: str
    ) -> int:
        """These periods have new shadow files; returns the new revision.

        Raises:
            BusyError: The shadow moved meanwhile.
        """

    def record_load(self, load: LoadRow, refused: Iterable[RefusedSummary]) -> None:
        """The load and its refused summaries are stored, all or none; repeatable by load id."""

    def load_loads(self, *, run_id: str | None = None, flow: str | None = None) -> list[LoadRow]:
        """Loads, oldest first."""

    def load_refused(
        self, flow: str, *, run_id: str | None = None, open_only: bool = True
    ) -> list[RefusedSummary]:
        """Refused summaries, oldest load first."""

    def settle_refused(
        self, flow: str, keys: Iterable[SummaryKey], *, except_load: str = ""
    ) -> int:
        """Open refusals of these keys are settled, those of one load left out; returns how many."""


class MappingStore(Protocol):
    """Versions of a flow's mapping rules, by content hash."""

    def save_mapping(self, flow: str, *, content_hash: str, content: str, actor: str) -> int:
        """The content is a numbered version; the same hash keeps its number."""

    def find_mapping(self, content_hash: str) -> str | None:
        """The content of a version."""

    def load_applied(self, flow: str) -> str:
        """Hash of the rules the model was last loaded by; empty before the first load."""

    def save_applied(self, flow: str, content_hash: str) -> None:
        """The model holds amounts by these rules: the mapping, and the settings beside it."""

    def load_explained(self, flow: str) -> str:
        """Hash of what keyed combinations stood for at the flow's last look; empty before it."""

    def save_explained(self, flow: str, file_hash: str) -> None:
        """What keyed combinations stand for has been looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One link of the audit chain."""

    number: int
    at: datetime
    actor: str
    event: str
    subject: str
    run_id: str
    details: Json
    hash_before: str
    hash_after: str


class Audit(Protocol):
    """Append-only, hash-chained."""

    def record(
        self, event: str, *, subject: str, actor: str, run_id: str = "", **details: Any
    ) -> None:
        """The event is the newest link; `event` is `noun.verb`."""

    def find(self, text: str, *, limit: int = 200) -> list[AuditRow]:
        """Links whose subject, run or details hold the text, oldest first."""

    def verify(self) -> int:
        """Number of links, all of which verify.

        Raises:
            UnexplainedDifferenceError: Names the first broken link.
        """


class RequestBudget(Protocol):
    """One allowance of requests per tenant, over all processes."""

    def acquire(self, key: str) -> None:
        """Return when one request may be sent now; waits, first come first served.

        An empty key draws on no allowance.

        Raises:
            RunInterruptedError: A stop was asked for; the request must not be sent.
        """

    def hold(self, key: str, seconds: float) -> None:
        """Nobody sends for that long: a process was told Retry-After."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """All stores of one organisation, bundled."""

    runs: RunStore
    batches: BatchStore
    intents: IntentStore
    loads: LoadStore
    mappings: MappingStore
    audit: Audit


# --- archive ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """An immutable file, named by the hash of its content."""

    file_hash: str
    rows: int
    bytes_stored: int


class LineSum(NamedTuple):
    """Lines of one file that agree in everything a mapping may look at, summed exactly."""

    ledger: str
    period: str
    accounting_date: date
    chart: str
    combination: str
    currency: str
    source: str
    category: str
    totals: Totals


class TotalsSorter(Protocol):
    """Sums by text key with bounded memory: what does not fit is spilled in sorted runs."""

    def add(self, key: tuple[str, ...], totals: Totals) -> None:
        """The key's totals grow; parts of a key must not hold control characters."""

    def merged(self) -> Iterator[tuple[tuple[str, ...], Totals]]:
        """Yield each key once, ascending, with its totals; may be called again."""


class Archive(Protocol):
    """Immutable, content-addressed files; written and synced before a row names them."""

    def write_batches(self, batches: Iterable[Batch]) -> tuple[StoredFile, list[BatchRevision]]:
        """The lines are stored in one file; returns a revision (number 0: not yet given) each.

        `content_hash` of a revision depends on its lines only, not on read time or order.

        Raises:
            RefusedError: An amount has more decimals than the archive keeps; nothing is stored.
            SystemUnavailableError: The disk is full; nothing is half-stored.
        """

    def read_lines(
        self,
        revision: BatchRevision,
        *,
        ledger: str = "",
        period: str = "",
        is_summed: bool = False,
    ) -> Iterator[Line]:
        """Yield the lines of one revision in journal and line order; filters by name when given.

        With `is_summed` only those that `read_line_sums` takes: no encumbrances, no statistics.
        """

    def read_line_sums(
        self,
        revisions: Sequence[BatchRevision],
        *,
        pairs: Sequence[tuple[str, str]],
        measure: Measure,
    ) -> Iterator[LineSum]:
        """Yield the lines of some (ledger, period), summed by everything a mapping may look at.

        Currency and amounts are the measure's: base or entered. Each file is read once, whatever
        the number of pairs, its hash verified first.

        Raises:
            UnexplainedDifferenceError: A file's content no longer fits its hash; names the file.
        """

    def sorter(self) -> AbstractContextManager[TotalsSorter]:
        """A sorter whose spilled runs vanish at the end of the block."""

    def write_summaries(self, summaries: Iterable[Summary]) -> StoredFile:
        """Summaries in strictly ascending key order are stored; same input, same hash."""

    def read_summaries(self, file_hash: str) -> Iterator[Summary]:
        """Yield them in key order."""

    def write_plan(self, cells: Iterable[PlannedCell]) -> StoredFile:
        """Planned cells in strictly ascending key order are stored; same input, same hash."""

    def read_plan(self, file_hash: str) -> Iterator[PlannedCell]:
        """Yield them in key order."""

    def write_totals(self, totals: Iterable[tuple[tuple[str, ...], Totals]]) -> StoredFile:
        """Totals by text key, strictly ascending, are stored; same input, same hash.

        Used for the ERP's balances, control totals, placements and contributions of a period.
        """

    def read_totals(self, file_hash: str) -> Iterator[tuple[tuple[str, ...], Totals]]:
        """Yield them in key order."""

    def write_bytes(self, chunks: Iterable[bytes], *, suffix: str) -> StoredFile:
        """Raw bytes (a chunk, a dump, a result, an export) are stored; rows is 0."""

    def write_gzipped(self, content: bytes, *, suffix: str) -> StoredFile:
        """The bytes are stored gzipped; the same content gives the same file on every run."""

    def read_bytes(self, file_hash: str) -> Iterator[bytes]:
        """Yield the stored bytes after their hash was verified.

        Raises:
            UnexplainedDifferenceError: The content no longer fits its hash.
        """


CombinationTotals = Iterator[tuple[CombinationKey, Totals]]
"""Totals per account combination, ascending by key."""
