"""Targets: the planning model that members and facts are loaded into."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from ml_connector.ports.world import Check, RemoteObject


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
class ExportForm:
    """How an export writes its output, as the model tells it; empty where it does not tell."""

    format: str = ""
    layout: str = ""
    encoding: str = ""
    separator: str = ""
    delimiter: str | None = None
    """Sign around texts; empty where there is told to be none."""
    headers: tuple[str, ...] = ()


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

    def read_export_form(self, export_id: str) -> ExportForm:
        """How an export writes its output.

        Raises:
            RefusedError: It writes what cannot be read as rows: a grid, a workbook, a page.
        """

    def read_export_file(self, file_id: str) -> Iterator[bytes]:
        """Yield the bytes of an export's output as they are; a row may straddle two of them.

        Raises:
            ProtocolError: It was replaced meanwhile; what was yielded is of two outputs.
        """

    def parse_export(self, content: Iterable[bytes], form: ExportForm) -> Iterator[bytes]:
        """Yield an output, whatever its form, as the CSV that `parse_csv` reads; pure.

        Raises:
            RefusedError: Its form cannot be read, or has two readings; running it again is vain.
            ProtocolError: It is not whole; running it again may help.
        """

    def parse_csv(self, content: Iterable[bytes]) -> Iterator[dict[str, str]]:
        """Yield the rows of a stored export by header name; pure."""
