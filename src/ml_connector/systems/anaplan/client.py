"""The remote calls of the Integration API this product makes, one method each.

No method decides anything: it sends, turns statuses into errors of the tree and bodies into wire
values. Names never stand in an address; ids are checked before they do.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from ml_connector.errors import OutcomeUnknownError, UsageError
from ml_connector.systems.anaplan import wire
from ml_connector.systems.anaplan.paging import Query, collect_pages, parse_reply
from ml_connector.systems.anaplan.refusals import (
    ACCEPTED,
    NOT_FOUND,
    find_model_error,
    render_hidden_model,
    render_missing,
)
from ml_connector.systems.http import (
    READ_TIMEOUTS,
    SLOW_READ_TIMEOUTS,
    WRITE_TIMEOUTS,
    CallTimeouts,
    HttpClient,
    RemoteCall,
    RemoteReply,
)

ROOT: Final = "/2/0"
COMPLETE_TIMEOUTS: Final = CallTimeouts(connect_s=10, read_s=2700)
"""The server joins the chunks before it answers; 40 minutes were seen for some gigabytes (A-07)."""
LIST_BYTES_MAX: Final = 512 * 1024 * 1024
LIST_ITEMS_MAX: Final = 1_000_000
CHUNKS_MAX: Final = 1000
GZIP_BYTES_MAX: Final = 50 * 1024 * 1024
JSON: Final = {"Content-Type": "application/json"}
OCTETS: Final = {"Accept": "application/octet-stream"}
GZIP: Final = {"Content-Type": "application/x-gzip"}
_ID_FORM: Final = re.compile(r"[0-9A-Za-z-]{1,64}")
_FILE_FORM: Final = re.compile(r"11[36]\d{9}")
_BAD_REQUEST: Final = 400
_UNAUTHORIZED: Final = 401
_OR_BAD_REQUEST: Final = ACCEPTED | {_BAD_REQUEST}
_NO_CONTENT: Final = frozenset({204, NOT_FOUND})

Row = TypeVar("Row")
Parsed = TypeVar("Parsed")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPath:
    """Where the tasks of one action live: `imports`, `processes`, `exports` and its id."""

    family: str
    action_id: str


class AnaplanClient:
    """Calls for one model; safe to share between threads."""

    def __init__(self, http: HttpClient, *, workspace_id: str, model_id: str, locale: str) -> None:
        self._http = http
        self._workspace_id = workspace_id
        self._model_id = model_id
        self._locale = locale

    # --- user, workspaces, models ---------------------------------------------------------------

    def read_user(self) -> wire.User:
        """The user of the log-in."""
        reply = self._http.send(RemoteCall(method="GET", path=f"{ROOT}/users/me"))
        return parse_reply(reply, wire.parse_user)

    def read_workspaces(self) -> list[wire.Named]:
        """The workspaces the user may see."""
        return self._read_rows(f"{ROOT}/workspaces", "workspaces", wire.Named)

    def read_models(self) -> list[wire.Model]:
        """The models of the workspace, archived ones included."""
        path = f"{ROOT}/workspaces/{self._workspace_id}/models"
        return self._read_rows(path, "models", wire.Model)

    def find_model(self) -> wire.Model | None:
        """The model's head; told even to users without access, None when there is no such model."""
        call = RemoteCall(method="GET", path=self._model(""), query=(("modelDetails", "true"),))
        reply = self._http.send(call)
        return None if reply.is_missing else parse_reply(reply, wire.parse_model)

    def read_model_status(self) -> wire.RequestStatus:
        """What the model is doing: open, closed, processing."""
        return parse_reply(self._read(self._both("/status")), wire.parse_model_status)

    def submit_open(self) -> None:
        """The model is being loaded; may be repeated."""
        self._verify(self._http.send(_render_post(self._both("/open"), b"", is_repeatable=True)))

    # --- definitions ----------------------------------------------------------------------------

    def read_files(self) -> list[wire.File]:
        """Data sources and outputs of exports."""
        return self._read_rows(self._both("/files"), "files", wire.File)

    def read_imports(self) -> list[wire.Import]:
        """The model's imports."""
        return self._read_rows(self._both("/imports"), "imports", wire.Import)

    def read_exports(self) -> list[wire.Export]:
        """The model's exports."""
        return self._read_rows(self._both("/exports"), "exports", wire.Export)

    def read_processes(self) -> list[wire.Named]:
        """The model's processes."""
        return self._read_rows(self._both("/processes"), "processes", wire.Named)

    def read_other_actions(self) -> list[wire.OtherAction]:
        """Deletes, orders and the like."""
        return self._read_rows(self._both("/actions"), "actions", wire.OtherAction)

    def read_lists(self) -> list[wire.Named]:
        """The model's lists."""
        return self._read_rows(self._both("/lists"), "lists", wire.Named)

    def read_modules(self) -> list[wire.Named]:
        """The model's modules."""
        return self._read_rows(self._both("/modules"), "modules", wire.Named)

    def read_line_items(self, module_id: str = "") -> list[wire.LineItem]:
        """Line items of a module with all fields, or of the whole model with names alone."""
        if not module_id:
            return self._read_rows(self._model("/lineItems"), "items", wire.LineItem)
        path = self._model(f"/modules/{_verify_id(module_id)}/lineItems")
        return self._read_rows(path, "items", wire.LineItem, query=(("includeAll", "true"),))

    def read_import(self, import_id: str) -> wire.ImportMetadata:
        """An import's definition; an unknown id is answered with 500 (A-16)."""
        path = self._both(f"/imports/{_verify_id(import_id)}")
        return self._read_one(path, wire.parse_import, kind="import", remote_id=import_id)

    def read_export(self, export_id: str) -> wire.ExportMetadata:
        """How an export writes its output, as far as the model tells."""
        path = self._both(f"/exports/{_verify_id(export_id)}")
        return self._read_one(path, wire.parse_export, kind="export", remote_id=export_id)

    def read_process(self, process_id: str) -> list[wire.ProcessStep]:
        """A process's steps in run order."""
        path = self._both(f"/processes/{_verify_id(process_id)}")
        query = (("showImportDataSource", "true"),)
        return self._read_one(
            path, wire.parse_process, kind="process", remote_id=process_id, query=query
        )

    def find_time_items(self, line_item_id: str) -> list[wire.Named]:
        """The time periods of a line item, summaries included; none where time does not apply."""
        path = self._model(
            f"/lineItems/{_verify_id(line_item_id)}/dimensions/{wire.TIME_DIMENSION_ID}/items"
        )
        call = _render_get(path, accepted=_OR_BAD_REQUEST)
        reply = self._verify(self._http.send(call))
        if not reply.is_success:
            return []
        return parse_reply(reply, lambda body: wire.parse_page(body, "items", wire.Named)).rows

    def find_list_items(self, list_id: str) -> Iterator[wire.ListItem] | None:
        """The items of a list; None when it has more than the service will show."""
        call = RemoteCall(
            method="GET",
            path=self._both(f"/lists/{_verify_id(list_id)}/items"),
            query=(("includeAll", "true"),),
            headers={"Accept": "application/json"},
            accepted=_OR_BAD_REQUEST,
            timeouts=SLOW_READ_TIMEOUTS,
            bytes_max=LIST_BYTES_MAX,
        )
        reply = self._verify(self._http.send(call))
        if reply.is_missing:
            raise render_missing("list", list_id, self._model_id)
        if reply.status == _BAD_REQUEST:
            return None
        return parse_reply(reply, wire.parse_list_items)

    # --- files ----------------------------------------------------------------------------------

    def submit_chunk_count(self, file_id: str, chunks: int) -> wire.File:
        """The file awaits that many chunks; returns the file the server says it means."""
        call = _render_post(
            self._file(file_id), wire.render_chunk_count(chunks), is_repeatable=True
        )
        reply = self._verify_found(self._http.send(call), "file", file_id)
        return parse_reply(reply, wire.parse_file)

    def submit_chunk(self, file_id: str, index: int, gzipped: bytes) -> None:
        """One chunk is stored, replacing what stood under its number."""
        call = RemoteCall(
            method="PUT",
            path=f"{self._file(file_id)}/chunks/{index}",
            headers=GZIP,
            content=gzipped,
            is_repeatable=True,
            accepted=ACCEPTED,
            timeouts=WRITE_TIMEOUTS,
        )
        self._verify_found(self._http.send(call), "file", file_id)

    def submit_complete(self, file_id: str) -> None:
        """The upload is ended; may be repeated, as it says nothing but that all chunks are up."""
        call = _render_post(
            f"{self._file(file_id)}/complete",
            wire.render_complete(file_id),
            is_repeatable=True,
            timeouts=COMPLETE_TIMEOUTS,
        )
        self._verify_found(self._http.send(call), "file", file_id)

    def find_chunks(self, file_id: str) -> list[wire.Named] | None:
        """The chunks a file has; None when the server knows no content or no such file."""
        return self._find_chunks(f"{self._file(file_id)}/chunks", SLOW_READ_TIMEOUTS)

    def find_chunk(self, file_id: str, chunk_id: str) -> bytes | None:
        """One chunk's bytes, as they are; None when it is gone."""
        return self._find_bytes(
            f"{self._file(file_id)}/chunks/{_verify_id(chunk_id)}", SLOW_READ_TIMEOUTS
        )

    # --- tasks and dumps ------------------------------------------------------------------------

    def submit_task(self, where: TaskPath) -> wire.Task:
        """A task is started; sent once, whatever happens.

        Raises:
            OutcomeUnknownError: The reply was lost, cut or a 5xx, or the token had died.
        """
        call = _render_post(self._tasks(where), wire.render_task(self._locale), is_repeatable=False)
        once = replace(call, replays_after_401=False, accepted=ACCEPTED | {_UNAUTHORIZED})
        reply = self._http.send(once)
        if reply.status == _UNAUTHORIZED:
            raise _render_unclear_start(reply, "the token had died (status 401)")
        reply = self._verify_found(reply, "action", where.action_id)
        task = parse_reply(reply, wire.parse_task)
        if not task.task_id:
            raise _render_unclear_start(reply, "the answer names no task")
        return task

    def read_tasks(self, where: TaskPath) -> list[wire.Task]:
        """The tasks of an action that the user may see; none for unknown ids as well (A-06)."""
        rows = collect_pages(
            lambda paging: self._read(self._tasks(where), query=paging, timeouts=READ_TIMEOUTS),
            wire.parse_tasks,
            name=lambda task: task.task_id,
        )
        return rows or []

    def find_task(self, where: TaskPath, task_id: str) -> tuple[wire.Task, bytes] | None:
        """A task with the bytes of the whole answer; None when the server does not know it."""
        path = f"{self._tasks(where)}/{_verify_id(task_id)}"
        reply = self._verify(self._http.send(_render_get(path, timeouts=READ_TIMEOUTS)))
        return None if reply.is_missing else (parse_reply(reply, wire.parse_task), reply.content)

    def submit_cancel(self, where: TaskPath, task_id: str) -> None:
        """The server is asked to cancel a task; may be repeated."""
        call = RemoteCall(
            method="DELETE",
            path=f"{self._tasks(where)}/{_verify_id(task_id)}",
            is_repeatable=True,
            accepted=ACCEPTED,
            timeouts=WRITE_TIMEOUTS,
        )
        self._verify(self._http.send(call))

    def find_dump_chunks(self, where: str) -> list[wire.Named] | None:
        """The chunks of a dump; None when there is none (any more)."""
        return self._find_chunks(f"{where}/chunks", READ_TIMEOUTS)

    def find_dump(self, where: str, chunk_id: str = "") -> bytes | None:
        """One chunk of a dump, or all of it; None when it is gone."""
        part = f"/chunks/{_verify_id(chunk_id)}" if chunk_id else ""
        return self._find_bytes(f"{where}{part}", READ_TIMEOUTS)

    def render_dump_path(self, where: TaskPath, task_id: str, object_id: str) -> str:
        """Where the dump of an import, or of one step of a process, is found."""
        task = f"{self._tasks(where)}/{_verify_id(task_id)}"
        if where.family == "processes":
            return f"{task}/dumps/{_verify_id(object_id)}"
        return f"{task}/dump"

    # --- sending --------------------------------------------------------------------------------

    def _model(self, rest: str) -> str:
        return f"{ROOT}/models/{self._model_id}{rest}"

    def _both(self, rest: str) -> str:
        return f"{ROOT}/workspaces/{self._workspace_id}/models/{self._model_id}{rest}"

    def _tasks(self, where: TaskPath) -> str:
        return self._both(f"/{where.family}/{_verify_id(where.action_id)}/tasks")

    def _file(self, file_id: str) -> str:
        # A POST to a name or an unknown id creates a file nobody reads.
        if not _FILE_FORM.fullmatch(file_id):
            raise UsageError(
                f"{file_id!r} is not the id of a file: 113 or 116 and nine more digits.",
                written="Nothing was sent.",
                next_step="Find the file's id with `ml-connector discover CONNECTION`.",
                file=file_id,
            )
        return self._both(f"/files/{file_id}")

    def _read(
        self,
        path: str,
        *,
        query: Query = (),
        timeouts: CallTimeouts = SLOW_READ_TIMEOUTS,
    ) -> RemoteReply:
        reply = self._verify(self._http.send(_render_get(path, query=query, timeouts=timeouts)))
        if reply.is_missing:
            raise render_hidden_model(self._model_id, self._workspace_id)
        return reply

    def _read_one(
        self,
        path: str,
        parse: Callable[[bytes], Parsed],
        *,
        kind: str,
        remote_id: str,
        query: Query = (),
    ) -> Parsed:
        call = _render_get(path, query=query, timeouts=READ_TIMEOUTS)
        return parse_reply(self._verify_found(self._http.send(call), kind, remote_id), parse)

    def _read_rows(self, path: str, key: str, kind: type[Row], *, query: Query = ()) -> list[Row]:
        rows = collect_pages(
            lambda paging: self._read(path, query=(*query, *paging)),
            lambda body: wire.parse_page(body, key, kind),
            name=_name_row,
        )
        return rows or []

    def _find_chunks(self, path: str, timeouts: CallTimeouts) -> list[wire.Named] | None:
        def send(paging: Query) -> RemoteReply | None:
            call = _render_get(path, query=paging, timeouts=timeouts, accepted=_OR_BAD_REQUEST)
            reply = self._verify(self._http.send(call))
            return reply if reply.is_success and reply.content else None

        return collect_pages(
            send, lambda body: wire.parse_page(body, "chunks", wire.Named), name=_name_row
        )

    def _find_bytes(self, path: str, timeouts: CallTimeouts) -> bytes | None:
        call = replace(_render_get(path, timeouts=timeouts), headers=OCTETS)
        reply = self._verify(self._http.send(call))
        return None if reply.status in _NO_CONTENT else reply.content

    def _verify(self, reply: RemoteReply) -> RemoteReply:
        error = find_model_error(reply, self._model_id)
        if error is not None:
            raise error
        return reply

    def _verify_found(self, reply: RemoteReply, kind: str, remote_id: str) -> RemoteReply:
        if self._verify(reply).is_missing:
            raise render_missing(kind, remote_id, self._model_id)
        return reply


def _render_get(
    path: str,
    *,
    query: Query = (),
    timeouts: CallTimeouts = SLOW_READ_TIMEOUTS,
    accepted: frozenset[int] = ACCEPTED,
) -> RemoteCall:
    return RemoteCall(method="GET", path=path, query=query, timeouts=timeouts, accepted=accepted)


def _render_post(
    path: str, content: bytes, *, is_repeatable: bool, timeouts: CallTimeouts = WRITE_TIMEOUTS
) -> RemoteCall:
    return RemoteCall(
        method="POST",
        path=path,
        headers=JSON if content else {},
        content=content,
        is_repeatable=is_repeatable,
        accepted=ACCEPTED,
        timeouts=timeouts,
    )


def _verify_id(text: str) -> str:
    if _ID_FORM.fullmatch(text):
        return text
    raise UsageError(
        f"{text!r} is not an id of Anaplan: digits, letters and hyphens only.",
        written="Nothing was sent.",
        next_step="Find ids with `ml-connector discover CONNECTION`.",
        id=text,
    )


def _name_row(row: Any) -> str:
    return str(row.id)


def _render_unclear_start(reply: RemoteReply, finding: str) -> OutcomeUnknownError:
    return OutcomeUnknownError(
        f"Anaplan answered the start of a task ({reply.call.path}): {finding}.",
        written="Whether a task was started is not known.",
        next_step="Look at the action's tasks before anything is started again.",
        path=reply.call.path,
        status=reply.status,
    )
