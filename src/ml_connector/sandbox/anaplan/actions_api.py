"""Imports, exports, actions, processes: what they are, their tasks, their dumps."""

from typing import TYPE_CHECKING, Any

from ml_connector.sandbox.anaplan.csvtext import split_chunks
from ml_connector.sandbox.anaplan.definitions import ActionDef, ExportDef, ImportDef, ProcessDef
from ml_connector.sandbox.anaplan.envelope import RefusedError, render_one, sort_kindly
from ml_connector.sandbox.anaplan.exports import export_metadata
from ml_connector.sandbox.anaplan.files import chunk_rows
from ml_connector.sandbox.anaplan.routing import (
    INSTANT,
    Call,
    ModelHandler,
    ModelRoutes,
    Rule,
    model_page,
    read_body,
)
from ml_connector.sandbox.anaplan.tasks import Task, render_start, render_task, summary
from ml_connector.sandbox.anaplan.views import ModuleReader
from ml_connector.sandbox.http import Response, json_response

if TYPE_CHECKING:
    from ml_connector.sandbox.anaplan.server import AnaplanServer

Step = ImportDef | ExportDef | ActionDef
_KIND = r"/(?P<k>imports|exports|actions|processes)"
_TASK = _KIND + r"/(?P<i>[^/]+)/tasks/(?P<t>[^/]+)"
_DUMP = r"/imports/(?P<i>[^/]+)/tasks/(?P<t>[^/]+)/dump"
_NESTED_DUMP = r"/processes/(?P<i>[^/]+)/tasks/(?P<t>[^/]+)/dumps/(?P<o>[^/]+)"
_PLAIN = (("Content-Type", "text/plain;charset=UTF-8"),)
_OCTETS = (("Content-Type", "application/octet-stream"),)


class ActionsApi:
    """Everything that can be run in a model."""

    def __init__(self, server: "AnaplanServer", routes: ModelRoutes) -> None:
        self._server = server
        readers: dict[str, tuple[ModelHandler, ModelHandler]] = {
            "imports": (self._list_imports, self._read_import),
            "exports": (self._list_exports, self._read_export),
            "actions": (self._list_actions, self._read_action),
            "processes": (self._list_processes, self._read_process),
        }
        for kind, (lister, reader) in readers.items():
            routes.add("GET", f"/{kind}", lister, INSTANT)
            routes.add("GET", rf"/{kind}/(?P<i>[^/]+)", reader, INSTANT)
        tasks = _KIND + r"/(?P<i>[^/]+)/tasks"
        routes.add("POST", tasks, self._start, Rule(waits="never", writes=True))
        routes.add("GET", tasks, self._list_tasks, Rule(waits="never", masked=self._no_tasks))
        routes.add("GET", _TASK, self._read_task, INSTANT)
        routes.add("DELETE", _TASK, self._cancel_task, INSTANT)
        for path in (_DUMP, _NESTED_DUMP):
            routes.add("GET", path, self._read_dump, INSTANT)
            routes.add("GET", path + "/chunks", self._list_dump, INSTANT)
            routes.add("GET", path + r"/chunks/(?P<n>\d+)", self._read_dump_chunk, INSTANT)
        logs = r"/optimizeActions/(?P<i>[^/]+)/tasks/(?P<t>[^/]+)/solutionLogs"
        routes.add("GET", logs, self._read_log, INSTANT)

    def _list_imports(self, call: Call) -> Response:
        rows = [_import_row(one) for one in call.model.definitions.imports.values()]
        return self._page(call, "imports", "import", rows)

    def _list_exports(self, call: Call) -> Response:
        is_short = self._server.switches["export.listing"] == "short"
        found = call.model.definitions.exports.values()
        rows = [_export_row(one, is_short=is_short) for one in found]
        return self._page(call, "exports", "export", rows)

    def _list_actions(self, call: Call) -> Response:
        rows = [_action_row(one) for one in call.model.definitions.actions.values()]
        return self._page(call, "actions", "action", rows)

    def _list_processes(self, call: Call) -> Response:
        found = call.model.definitions.processes.values()
        rows = [{"id": one.id, "name": one.name} for one in found]
        return self._page(call, "processes", "process", rows)

    def _read_import(self, call: Call) -> Response:
        one = call.model.definitions.imports.get(call.param("i"))
        if one is None:
            # The real service fails here instead of saying 404.
            raise RefusedError(500)
        body: dict[str, Any] = {"name": one.name, "type": "FILE" if one.source else "MODEL"}
        if one.source:
            source = call.model.definitions.sources[one.source]
            body["source"] = {
                "textEncoding": source.encoding,
                "columnSeparator": source.separator,
                "textDelimiter": source.delimiter,
                "headerRow": source.header_row,
                "firstDataRow": source.first_data_row,
                "decimalSeparator": one.decimal_separator,
                "headerNames": one.headers,
                "columnCount": len(one.headers),
            }
        return render_one("import", {"importMetadata": body}, model_id=call.model.id)

    def _read_export(self, call: Call) -> Response:
        one = call.model.definitions.exports.get(call.param("i"))
        if one is None:
            raise RefusedError(404)
        reader = ModuleReader(call.model.data, call.model.definitions.modules[one.module])
        body = {"exportMetadata": export_metadata(one, reader, self._server.switches)}
        return render_one("export", body, model_id=call.model.id)

    def _read_action(self, call: Call) -> Response:
        one = call.model.definitions.actions.get(call.param("i"))
        if one is None:
            raise RefusedError(404)
        return render_one("action", {"actionMetadata": _action_row(one)}, model_id=call.model.id)

    def _read_process(self, call: Call) -> Response:
        one = call.model.definitions.processes.get(call.param("i"))
        if one is None:
            raise RefusedError(404)
        found = (call.model.definitions.find_step(step) for step in one.steps)
        steps = [_step_row(step) for step in found if step is not None]
        body = {"processMetadata": {"name": one.name, "actions": steps}}
        return render_one("process", body, model_id=call.model.id)

    def _start(self, call: Call) -> Response:
        steps = self._steps(call)
        body = self._start_body(call)
        self._verify_free(call)
        kind, object_id = call.param("k"), call.param("i")

        def task_of(task_id: str, number: int, now: float) -> Task:
            return Task(
                id=task_id,
                model=call.model.id,
                kind=kind,
                object_id=object_id,
                user=call.user,
                created_at=now,
                number=number,
                steps=steps,
                mapping=body.get("mappingParameters") or [],
            )

        task = self._server.engine.submit(task_of)
        if self._server.switches["task.post_shape"] == "top-level taskId":
            return json_response({"taskId": task.id})
        shown = render_start(task, self._server.switches)
        return render_one("task", shown, model_id=call.model.id)

    def _steps(self, call: Call) -> list[str]:
        definitions = call.model.definitions
        kinds: dict[str, dict[str, Any]] = {
            "imports": definitions.imports,
            "exports": definitions.exports,
            "actions": definitions.actions,
            "processes": definitions.processes,
        }
        one = kinds[call.param("k")].get(call.param("i"))
        if one is None:
            raise RefusedError(404)
        return list(one.steps) if isinstance(one, ProcessDef) else [one.id]

    def _start_body(self, call: Call) -> dict[str, Any]:
        body = read_body(call.request)
        if not isinstance(body, dict) or not body.get("localeName"):
            raise RefusedError(400, "localeName is required.")
        return body

    def _verify_free(self, call: Call) -> None:
        """What a second start meets: by default nothing, it is queued."""
        mode = self._server.switches["busy.mode"]
        if mode == "queue" or self._server.engine.running(call.model.id) is None:
            return
        if mode == "409":
            raise RefusedError(409)
        with self._server.stepping_aside():
            is_free = self._server.engine.wait_free(call.model.id)
        if not is_free:
            raise RefusedError(504)

    def _list_tasks(self, call: Call) -> Response:
        rows = [
            summary(task)
            for task in self._server.engine.tasks(call.model.id)
            if (task.kind, task.object_id, task.user)
            == (call.param("k"), call.param("i"), call.user)
        ]
        wanted = call.request.find_query("sort") or ""
        if wanted.startswith("-"):
            rows.reverse()
        return model_page(self._server, call, "tasks", "task", rows)

    def _no_tasks(self, call: Call) -> Response:
        return model_page(self._server, call, "tasks", "task", [])

    def _read_task(self, call: Call) -> Response:
        return self._task(call, self._find_task(call))

    def _cancel_task(self, call: Call) -> Response:
        task = self._find_task(call)
        self._server.engine.cancel(task, call.user)
        return self._task(call, task)

    def _task(self, call: Call, task: Task) -> Response:
        shown = render_task(
            task,
            self._server.switches,
            now=self._server.clock.now(),
            with_times=call.request.find_query("includeProcessDetails") == "true",
        )
        return render_one("task", {"task": shown}, model_id=call.model.id)

    def _find_task(self, call: Call) -> Task:
        task = self._server.engine.find(call.param("t"))
        kind = call.request.params.get("k") or ("processes" if self._is_nested(call) else "imports")
        if (
            task is None
            or (task.model, task.kind, task.object_id) != (call.model.id, kind, call.param("i"))
            or task.user != call.user
        ):
            raise RefusedError(404)
        return task

    def _is_nested(self, call: Call) -> bool:
        return "o" in call.request.params

    def _dump(self, call: Call) -> bytes:
        task = self._find_task(call)
        import_id = call.request.params.get("o", call.param("i"))
        content = call.model.dumps.find(call.user, import_id, task.id)
        if content is None:
            raise RefusedError(404)
        return content

    def _dump_chunks(self, call: Call) -> list[bytes]:
        size = int(self._server.switches["chunk.bytes"])
        at_lines = self._server.switches["chunk.cut"] == "line-aligned"
        return split_chunks(self._dump(call), size, at_lines=at_lines)

    def _read_dump(self, call: Call) -> Response:
        return Response(status=200, headers=_PLAIN, body=self._dump(call))

    def _list_dump(self, call: Call) -> Response:
        rows = chunk_rows(list(range(len(self._dump_chunks(call)))))
        return model_page(self._server, call, "chunks", "chunk", rows)

    def _read_dump_chunk(self, call: Call) -> Response:
        chunks, number = self._dump_chunks(call), int(call.param("n"))
        if number >= len(chunks):
            raise RefusedError(404)
        return Response(status=200, headers=_OCTETS, body=chunks[number])

    def _read_log(self, call: Call) -> Response:
        workspace = call.model.header["workspace"]
        if workspace not in self._server.users[call.user]["admin_of"]:
            raise RefusedError(403)
        task = self._server.engine.find(call.param("t"))
        if task is None:
            raise RefusedError(404)
        return Response(status=200, headers=_PLAIN, body=b"Solution found.\n")

    def _page(self, call: Call, key: str, kind: str, rows: list[dict[str, Any]]) -> Response:
        return model_page(self._server, call, key, kind, sort_kindly(rows, call.request))


def _import_row(one: ImportDef) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": one.id,
        "name": one.name,
        "importDataSourceId": one.source,
        "importType": one.kind,
    }
    if one.from_model:
        row["importDataSource"] = {"type": "MODEL", "sourceModelId": one.from_model}
    return row


def _export_row(one: ExportDef, *, is_short: bool = False) -> dict[str, Any]:
    row = {"id": one.id, "name": one.name, "exportType": one.layout}
    if is_short:
        return row
    return row | {"exportFormat": one.format, "encoding": one.encoding, "layout": one.layout}


def _action_row(one: ActionDef) -> dict[str, Any]:
    return {"id": one.id, "name": one.name, "actionType": one.type}


def _step_row(step: Step) -> dict[str, Any]:
    if isinstance(step, ImportDef):
        return {**_import_row(step), "actionType": "IMPORT"}
    if isinstance(step, ExportDef):
        return {**_export_row(step), "actionType": "EXPORT"}
    return _action_row(step)
