"""One planning model behind the port the flows use."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import httpx2

from ml_connector.errors import (
    OutcomeUnknownError,
    ProtocolError,
    RefusedError,
    SystemUnavailableError,
    UsageError,
)
from ml_connector.ports import (
    Action,
    ActionKind,
    Check,
    Clock,
    ExportForm,
    ImportShape,
    ModelState,
    RefusedRow,
    RemoteObject,
    RequestBudget,
    Secrets,
    TargetMember,
    TaskResult,
    TaskStamp,
    TaskState,
)
from ml_connector.systems.anaplan.catalogue import discover
from ml_connector.systems.anaplan.checks import Doctor
from ml_connector.systems.anaplan.client import (
    CHUNKS_MAX,
    GZIP_BYTES_MAX,
    LIST_ITEMS_MAX,
    AnaplanClient,
    TaskPath,
)
from ml_connector.systems.anaplan.connection import AnaplanSettings
from ml_connector.systems.anaplan.csv_stream import parse_records
from ml_connector.systems.anaplan.downloads import read_dump, read_export
from ml_connector.systems.anaplan.dumps import parse_dump
from ml_connector.systems.anaplan.export_forms import render_plain, verify_form
from ml_connector.systems.anaplan.login import LEAD_S, SCHEME, AnaplanLogin
from ml_connector.systems.anaplan.model_state import ModelWatch
from ml_connector.systems.anaplan.naming import find_named
from ml_connector.systems.anaplan.outcomes import map_task, parse_state
from ml_connector.systems.anaplan.time_members import find_leaf_periods
from ml_connector.systems.anaplan.wire import ListItem, parse_error_text
from ml_connector.systems.http import HttpClient, HttpOptions
from ml_connector.systems.tokens import TokenAuthorizer, TokenCache

SYSTEM: Final = "Anaplan"
FAMILIES: Final = {
    ActionKind.IMPORT: "imports",
    ActionKind.PROCESS: "processes",
    ActionKind.EXPORT: "exports",
}
LINE_ITEMS_TRIED_MAX: Final = 20
"""Line items of a module that are asked for their periods; most modules answer at the first."""
IMPORT_STEP: Final = "IMPORT"


class AnaplanTarget:
    """Implements `PlanningTarget` for one Anaplan model; share it between threads, close it."""

    def __init__(
        self,
        settings: AnaplanSettings,
        *,
        secrets: Secrets,
        clock: Clock,
        budget: RequestBudget | None = None,
        customer: str = "",
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self.connection = settings.name
        self.model_id = settings.model_id
        key = settings.budget_key(customer)
        self._auth_http = HttpClient(
            _render_options(settings, settings.auth_url, key),
            clock=clock,
            budget=budget,
            transport=transport,
        )
        login = AnaplanLogin(settings, self._auth_http, secrets=secrets, clock=clock)
        tokens = TokenCache(login.fetch_token, clock=clock, lead_s=LEAD_S)
        self._http = HttpClient(
            _render_options(settings, settings.api_url, key),
            clock=clock,
            budget=budget,
            authorizer=TokenAuthorizer(tokens, scheme=SCHEME),
            transport=transport,
        )
        self._login = login
        self._client = AnaplanClient(
            self._http,
            workspace_id=settings.workspace_id,
            model_id=settings.model_id,
            locale=settings.locale,
        )
        self._watch = ModelWatch(
            self._client, clock, workspace_id=settings.workspace_id, poll_s=settings.poll_seconds
        )
        self._doctor = Doctor(settings, self._client, login=login, tokens=tokens, clock=clock)

    def close(self) -> None:
        """The token is given back and every connection closed."""
        self._login.log_out()
        self._http.close()
        self._auth_http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # --- looking --------------------------------------------------------------------------------

    def check(self) -> Iterator[Check]:
        """Yield reach, log-in, user, workspace, model, its state and rights; never raises."""
        return self._doctor.check(self.read_model_state)

    def discover(self) -> Iterator[RemoteObject]:
        """Yield workspaces, models, lists, modules, line items, actions and files."""
        return discover(self._client)

    def read_model_state(self) -> ModelState:
        """Whether the model can be written now; a closed model is opened first.

        Raises:
            AccessDeniedError: The model is unknown or hidden from the user.
        """
        return self._watch.read_state(self.model_id)

    def read_actions(self, kind: ActionKind) -> list[Action]:
        """Every action of a kind; imports with the file they read, exports with theirs."""
        if kind is ActionKind.IMPORT:
            return [
                Action(kind=kind, name=one.name, action_id=one.id, file_id=one.file_id)
                for one in self._client.read_imports()
            ]
        if kind is ActionKind.EXPORT:
            return [
                Action(kind=kind, name=one.name, action_id=one.id, file_id=one.id)
                for one in self._client.read_exports()
            ]
        return [
            Action(kind=kind, name=one.name, action_id=one.id)
            for one in self._client.read_processes()
        ]

    def read_process_imports(self, process_id: str) -> list[Action]:
        """The import steps of a process in run order, with the file each reads."""
        steps = [
            step
            for step in self._client.read_process(process_id)
            if step.action_type == IMPORT_STEP
        ]
        known = {one.action_id: one.file_id for one in self.read_actions(ActionKind.IMPORT)}
        return [
            Action(
                kind=ActionKind.IMPORT,
                name=step.name,
                action_id=step.id,
                file_id=known.get(step.id, ""),
            )
            for step in steps
        ]

    def read_import_shape(self, import_id: str) -> ImportShape:
        """The header and format the import was defined with.

        Raises:
            RefusedError: There is no such import, or it reads another model instead of a file.
        """
        try:
            found = self._client.read_import(import_id)
        except SystemUnavailableError as error:
            # An unknown import is answered with 500, like a fault of the server.
            if any(one.id == import_id for one in self._client.read_imports()):
                raise
            raise _render_unknown_import(import_id, self.model_id) from error
        if found.type == "MODEL":
            raise _render_fileless_import(import_id, found.name)
        source = found.source
        return ImportShape(
            headers=tuple(source.header_names),
            separator=source.column_separator,
            delimiter=source.text_delimiter,
            encoding=source.text_encoding,
        )

    def read_time_members(self, module: str) -> list[str]:
        """Names of the leaf periods of a module's time dimension, in the model's order (A-18).

        Raises:
            RefusedError: No such module, or none of its line items has a time dimension.
        """
        found = find_named(self._client.read_modules(), module, kind="module")
        line_items = self._client.read_line_items(found.id)
        for item in line_items[:LINE_ITEMS_TRIED_MAX]:
            names = [row.name for row in self._client.find_time_items(item.id)]
            if names:
                return find_leaf_periods(names)
        raise RefusedError(
            f"None of the first {LINE_ITEMS_TRIED_MAX} line items of module {module} has a time "
            "dimension.",
            written="Nothing was written.",
            next_step="Name the module that holds amounts by period as the flow's `module`.",
            module=module,
        )

    def read_list_members(self, list_name: str) -> Iterator[TargetMember]:
        """Yield the items of a list; none for an empty list.

        Raises:
            RefusedError: No such list, or it has more items than the service will show.
        """
        found = find_named(self._client.read_lists(), list_name, kind="list")
        items = self._client.find_list_items(found.id)
        if items is None:
            raise RefusedError(
                f"List {list_name} ({found.id}) cannot be read whole: Anaplan shows at most "
                f"{LIST_ITEMS_MAX} items (status 400).",
                written="Nothing was written.",
                next_step="Split the list or remove items that are no longer used.",
                list=list_name,
            )
        yield from (_map_member(item) for item in items)

    # --- uploading ------------------------------------------------------------------------------

    def submit_chunk_count(self, file_id: str, chunks: int) -> None:
        """The file expects that many chunks; may be repeated before any chunk is up.

        Raises:
            ProtocolError: The answer names another file (an unknown id creates one).
        """
        if not 1 <= chunks <= CHUNKS_MAX:
            raise UsageError(
                f"A file takes 1 to {CHUNKS_MAX} chunks, not {chunks}.",
                written="Nothing was sent.",
                next_step="Let the flow cut larger chunks.",
                chunks=chunks,
            )
        named = self._client.submit_chunk_count(file_id, chunks)
        if named.id != file_id:
            raise ProtocolError(
                f"Anaplan was told the chunk count of file {file_id} and answered for file "
                f"{named.id or 'without id'} {named.name!r}: the id is unknown, and a file that no "
                "import reads was created.",
                written="Nothing was uploaded; the new file is empty.",
                next_step="Delete that file in the model, and find the right id with "
                f"`ml-connector discover {self.connection}`.",
                file=file_id,
                created=named.id,
            )

    def submit_chunk(self, file_id: str, index: int, gzipped: bytes) -> None:
        """Chunk `index` holds these gzipped bytes; may be repeated with the same bytes."""
        if not 0 <= index < CHUNKS_MAX or len(gzipped) > GZIP_BYTES_MAX:
            raise UsageError(
                f"Chunk {index} of {len(gzipped)} bytes is not sent: allowed are numbers below "
                f"{CHUNKS_MAX} and {GZIP_BYTES_MAX} bytes.",
                written="This chunk was not sent; earlier ones stay.",
                next_step="Let the flow cut other chunks.",
                file=file_id,
            )
        self._client.submit_chunk(file_id, index, gzipped)

    def submit_upload_complete(self, file_id: str, chunks: int) -> None:
        """The file is whole; may be repeated; a lost reply is settled by the chunk list (A-07).

        Raises:
            OutcomeUnknownError: No answer, and the list does not show all chunks.
        """
        try:
            self._client.submit_complete(file_id)
        except (SystemUnavailableError, ProtocolError) as error:
            held = self.read_chunk_count(file_id)
            if held != chunks:
                raise _render_unclear_upload(file_id, held=held, sent=chunks) from error

    def read_chunk_count(self, file_id: str) -> int:
        """Chunks the file holds now, counted in its chunk list: its own counter goes stale."""
        return len(self._client.find_chunks(file_id) or [])

    # --- tasks ----------------------------------------------------------------------------------

    def submit_task(self, action: Action) -> str:
        """A task of the action is started once; returns its id. Never repeated here.

        Raises:
            OutcomeUnknownError: The reply was lost; find the task by `read_task_stamps`.
            BusyError: The model is busy or locked; nothing was started.
            BlockedError: The model is archived, offline or deployed; nothing was started.
        """
        return self._client.submit_task(_render_path(action)).task_id

    def read_task_stamps(self, action: Action) -> list[TaskStamp]:
        """The action's tasks, oldest first; an empty list proves nothing without access."""
        stamps = [
            TaskStamp(
                task_id=task.task_id,
                state=parse_state(task.task_state),
                created_at=task.created_at,
            )
            for task in self._client.read_tasks(_render_path(action))
        ]
        # Sorting is stable, so tasks without a time keep the server's order among themselves.
        if all(stamp.created_at is not None for stamp in stamps):
            stamps.sort(key=lambda stamp: stamp.created_at.timestamp() if stamp.created_at else 0)
        return stamps

    def read_task(self, action: Action, task_id: str) -> TaskResult:
        """The task now; `VANISHED` when a readable model no longer knows it.

        Raises:
            AccessDeniedError: The model itself has become invisible.
        """
        found = self._client.find_task(_render_path(action), task_id)
        if found is None:
            self._client.read_model_status()
            return TaskResult(task_id=task_id, state=TaskState.VANISHED)
        task, raw = found
        result = map_task(task, asked_id=task_id, action_id=action.action_id, raw=raw)
        if action.kind is ActionKind.PROCESS and result.dump_object_ids == (action.action_id,):
            return replace(result, dump_object_ids=self._find_process_dumps(action, task_id))
        return result

    def _find_process_dumps(self, action: Action, task_id: str) -> tuple[str, ...]:
        """Imports of a process that left a dump, where its result does not tell which (A-13)."""
        where = _render_path(action)
        steps = [step.action_id for step in self.read_process_imports(action.action_id)]
        paths = {s: self._client.render_dump_path(where, task_id, s) for s in steps}
        return tuple(s for s, path in paths.items() if self._client.find_dump_chunks(path))

    def submit_cancel(self, action: Action, task_id: str) -> None:
        """The model is asked to cancel the task; may be repeated; not guaranteed to stop it."""
        self._client.submit_cancel(_render_path(action), task_id)

    # --- downloading ----------------------------------------------------------------------------

    def read_dump(self, action: Action, task_id: str, object_id: str) -> Iterator[bytes]:
        """Yield the failure dump's bytes; nothing when the model has dropped it."""
        where = self._client.render_dump_path(_render_path(action), task_id, object_id)
        return read_dump(self._client, where)

    def parse_dump(self, content: Iterable[bytes]) -> Iterator[RefusedRow]:
        """Yield the rows of a dump; pure, used again on stored dumps."""
        return parse_dump(content)

    def read_export_form(self, export_id: str) -> ExportForm:
        """How an export writes its output, as far as the model tells (A-20).

        Raises:
            RefusedError: It writes what cannot be read as rows: a grid, a workbook, a page.
        """
        listed = next((one for one in self._client.read_exports() if one.id == export_id), None)
        found = self._client.read_export(export_id)
        form = ExportForm(
            format=found.export_format or (listed.export_format if listed else ""),
            layout=(listed.layout or listed.export_type) if listed else "",
            encoding=found.encoding,
            separator=found.separator,
            delimiter=found.delimiter,
            headers=tuple(found.header_names),
        )
        verify_form(form)
        return form

    def read_export_file(self, file_id: str) -> Iterator[bytes]:
        """Yield the bytes of an export's output as they are; a row may straddle two of them."""
        return read_export(self._client, file_id)

    def parse_export(self, content: Iterable[bytes], form: ExportForm) -> Iterator[bytes]:
        """Yield an output, whatever its form, as the CSV that `parse_csv` reads; pure."""
        return render_plain(content, form)

    def parse_csv(self, content: Iterable[bytes]) -> Iterator[dict[str, str]]:
        """Yield the rows of a stored export by header name; pure."""
        return parse_records(content)


def _render_options(settings: AnaplanSettings, origin: str, key: str) -> HttpOptions:
    return HttpOptions(
        system=SYSTEM,
        origin=origin,
        headers={"Accept": "application/json"},
        ca_bundle=Path(settings.ca_bundle) if settings.ca_bundle else None,
        budget_key=key,
        explain=parse_error_text,
    )


def _render_path(action: Action) -> TaskPath:
    return TaskPath(family=FAMILIES[action.kind], action_id=action.action_id)


def _map_member(item: ListItem) -> TargetMember:
    return TargetMember(name=_text(item.name), code=_text(item.code), parent=_text(item.parent))


def _text(value: str | int | None) -> str:
    return "" if value is None else str(value)


def _render_unknown_import(import_id: str, model_id: str) -> RefusedError:
    return RefusedError(
        f"Model {model_id} has no import {import_id}.",
        written="Nothing was written.",
        next_step="List the imports with `ml-connector discover CONNECTION`.",
        model=model_id,
        object=import_id,
    )


def _render_fileless_import(import_id: str, name: str) -> RefusedError:
    return RefusedError(
        f"Import {name} ({import_id}) reads another model instead of a file.",
        written="Nothing was written.",
        next_step="Name an import from a file in the flow.",
        object=import_id,
    )


def _render_unclear_upload(file_id: str, *, held: int, sent: int) -> OutcomeUnknownError:
    return OutcomeUnknownError(
        f"Anaplan did not confirm the upload of file {file_id}; it lists {held} of {sent} chunks.",
        written="Whether the file is whole is not known; no import was started.",
        next_step="Read the chunk list again, and upload anew when chunks are still missing.",
        file=file_id,
        chunks_held=held,
        chunks_sent=sent,
    )
