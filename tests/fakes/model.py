"""A small planning model in memory: lists, one module or numbered list, imports, exports, dumps."""

import csv
import gzip
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from ml_connector.errors import OutcomeUnknownError
from ml_connector.ports import (
    Action,
    ActionKind,
    Check,
    Clock,
    ExportForm,
    ImportShape,
    LoadOutcome,
    ModelState,
    RefusedRow,
    RemoteObject,
    TargetMember,
    TaskResult,
    TaskStamp,
    TaskState,
)
from ml_connector.systems.anaplan.csv_stream import parse_records
from ml_connector.systems.anaplan.dumps import parse_dump
from ml_connector.systems.anaplan.export_forms import render_plain, verify_form

IMPORT = Action(kind=ActionKind.IMPORT, name="Load", action_id="112", file_id="113")
EXPORT = Action(kind=ActionKind.EXPORT, name="Read back", action_id="116", file_id="116")
Row = dict[str, str]
Refusal = Callable[[Row], str | None]


@dataclass(slots=True, kw_only=True)
class FakeTask:
    """A task with the effect it has at its end."""

    stamp: TaskStamp
    result: TaskResult
    dump: bytes = b""


@dataclass(slots=True, kw_only=True)
class FakeTarget:
    """A `ports.PlanningTarget` of one module; cells and items are plain dicts tests look at."""

    clock: Clock
    headers: tuple[str, ...]
    lists: dict[str, dict[str, str]]
    """Code to display name, by list."""
    list_of: dict[str, str]
    """List by column; other columns take any text."""
    amount: str = "Amount"
    code: str = ""
    """Column of the item code: set, the import fills a numbered list."""
    times: list[str] = field(default_factory=list)
    connection: str = "model"
    model_id: str = "M1"
    cells: dict[tuple[str, ...], str] = field(default_factory=dict)
    """Text of a module's cell by the codes of its coordinates, in header order."""
    items: dict[str, Row] = field(default_factory=dict)
    refuse: Refusal = lambda _: None
    warn: Refusal = lambda _: None
    """A row a warning is told of is taken without its amount."""
    chunks: dict[int, bytes] = field(default_factory=dict)
    tasks: dict[str, FakeTask] = field(default_factory=dict)
    starts: list[str] = field(default_factory=list)
    """Ids of actions in the order they were started."""
    loaded: list[list[Row]] = field(default_factory=list)
    """Rows of every import, in order."""
    export_form: ExportForm = field(default_factory=ExportForm)
    lose_reply: bool = False
    """The next start happens, and its reply does not arrive."""

    # --- looking --------------------------------------------------------------------------------

    def check(self) -> Iterator[Check]:
        """Nothing to say."""
        return iter(())

    def discover(self) -> Iterator[RemoteObject]:
        """Nothing to say."""
        return iter(())

    def read_model_state(self) -> ModelState:
        """Always writable."""
        return ModelState(
            model_id=self.model_id, name="Planning", state="UNLOCKED", is_writable=True
        )

    def read_actions(self, kind: ActionKind) -> list[Action]:
        """One import and one export."""
        return [action for action in (IMPORT, EXPORT) if action.kind is kind]

    def read_process_imports(self, process_id: str) -> list[Action]:
        """None."""
        raise NotImplementedError(process_id)

    def read_import_shape(self, import_id: str) -> ImportShape:
        """Comma, quote, UTF-8."""
        return ImportShape(headers=self.headers, separator=",", delimiter='"', encoding="UTF-8")

    def read_time_members(self, module: str) -> list[str]:
        """The leaf periods."""
        return list(self.times)

    def read_list_members(self, list_name: str) -> Iterator[TargetMember]:
        """The items of a list."""
        for code, name in self.lists[list_name].items():
            yield TargetMember(name=name, code=code, parent="")

    # --- uploading ------------------------------------------------------------------------------

    def submit_chunk_count(self, file_id: str, chunks: int) -> None:
        """What was staged is gone."""
        self.chunks.clear()

    def submit_chunk(self, file_id: str, index: int, gzipped: bytes) -> None:
        """The chunk holds these bytes."""
        self.chunks[index] = gzip.decompress(gzipped)

    def submit_upload_complete(self, file_id: str, chunks: int) -> None:
        """Nothing more to do."""

    def read_chunk_count(self, file_id: str) -> int:
        """Chunks staged."""
        return len(self.chunks)

    # --- tasks ----------------------------------------------------------------------------------

    def submit_task(self, action: Action) -> str:
        """The task runs to its end at once."""
        self.starts.append(action.action_id)
        task_id = f"T{len(self.starts)}"
        result = TaskResult(
            task_id=task_id, state=TaskState.COMPLETE, outcome=LoadOutcome.OK, raw=b"{}"
        )
        dump = self._import() if action.kind is ActionKind.IMPORT else b""
        if dump:
            result = replace(
                result, outcome=LoadOutcome.PARTIAL, dump_object_ids=(action.action_id,)
            )
        stamp = TaskStamp(task_id=task_id, state=result.state, created_at=self.clock.now())
        self.tasks[task_id] = FakeTask(stamp=stamp, result=result, dump=dump)
        if self.lose_reply:
            self.lose_reply = False
            raise OutcomeUnknownError("No reply.", written="Unknown.", next_step="Look.")
        return task_id

    def read_task_stamps(self, action: Action) -> list[TaskStamp]:
        """Every task of the action."""
        ids = [f"T{n}" for n, one in enumerate(self.starts, start=1) if one == action.action_id]
        return [self.tasks[task_id].stamp for task_id in ids]

    def read_task(self, action: Action, task_id: str) -> TaskResult:
        """Always at its end."""
        return self.tasks[task_id].result

    def submit_cancel(self, action: Action, task_id: str) -> None:
        """Too late."""

    def read_dump(self, action: Action, task_id: str, object_id: str) -> Iterator[bytes]:
        """The dump in two pieces, cut anywhere."""
        dump = self.tasks[task_id].dump
        yield dump[: len(dump) // 2]
        yield dump[len(dump) // 2 :]

    def parse_dump(self, content: Iterable[bytes]) -> Iterator[RefusedRow]:
        """As the real adapter does."""
        return parse_dump(content)

    def read_export_form(self, export_id: str) -> ExportForm:
        """As tests set it."""
        verify_form(self.export_form)
        return self.export_form

    def parse_export(self, content: Iterable[bytes], form: ExportForm) -> Iterator[bytes]:
        """As the real adapter does."""
        return render_plain(content, form)

    def read_export_file(self, file_id: str) -> Iterator[bytes]:
        """What the model holds, members by display name."""
        out = io.StringIO()
        headers = [header for header in self.headers if header != self.code]
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(headers)
        for row in self._held_rows():
            writer.writerow([self._shown(header, row[header]) for header in headers])
        yield out.getvalue().encode()

    def parse_csv(self, content: Iterable[bytes]) -> Iterator[dict[str, str]]:
        """As the real adapter does."""
        return parse_records(content)

    # --- inside ---------------------------------------------------------------------------------

    @property
    def coordinates(self) -> tuple[str, ...]:
        """Headers that are neither amount nor code."""
        return tuple(h for h in self.headers if h not in (self.amount, self.code))

    def total(self, *coordinates: str) -> str:
        """What the model holds under these codes, items added up."""
        wanted = set(coordinates)
        amounts = [
            float(row[self.amount] or 0)
            for row in self._held_rows()
            if wanted <= {row[header] for header in self.coordinates}
        ]
        return f"{sum(amounts):.2f}"

    def _held_rows(self) -> Iterator[Row]:
        if self.code:
            yield from self.items.values()
            return
        for key, text in self.cells.items():
            yield dict(zip(self.coordinates, key, strict=True)) | {self.amount: text}

    def _shown(self, header: str, text: str) -> str:
        return self.lists.get(self.list_of.get(header, ""), {}).get(text, text)

    def _import(self) -> bytes:
        content = b"".join(self.chunks[index] for index in sorted(self.chunks)).decode()
        rows = list(csv.DictReader(io.StringIO(content)))
        self.loaded.append(rows)
        refused: list[tuple[str, Row, int, str]] = []
        sums: dict[tuple[str, ...], float] = {}
        for number, row in enumerate(rows, start=2):
            reason = self._find_fault(row) or self.refuse(row)
            warning = None if reason else self.warn(row)
            if reason or warning:
                refused.append(("E" if reason else "W", row, number, str(reason or warning)))
            if reason:
                continue
            taken = row | {self.amount: ""} if warning else row
            if self.code:
                self.items[row[self.code]] = taken
            elif not warning:
                key = tuple(row[header] for header in self.coordinates)
                sums[key] = sums.get(key, 0.0) + float(taken[self.amount])
        # Equal keys of one file are added up; the cell itself is set.
        self.cells |= {key: repr(amount) for key, amount in sums.items()}
        return self._render_dump(refused)

    def _find_fault(self, row: Row) -> str | None:
        for header, list_name in self.list_of.items():
            if row[header] not in self.lists[list_name]:
                return f"Item not located in {list_name} list"
        return None

    def _render_dump(self, refused: list[tuple[str, Row, int, str]]) -> bytes:
        if not refused:
            return b""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerow(["_Status_", *self.headers, "_Line_", "_Error_1_"])
        for status, row, number, reason in refused:
            writer.writerow([status, *(row[h] for h in self.headers), number, reason])
        return out.getvalue().encode()
