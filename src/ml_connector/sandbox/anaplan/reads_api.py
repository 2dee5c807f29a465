"""Large reads of views and lists: a request, its pages, its end."""

import secrets
from typing import TYPE_CHECKING, Any

from ml_connector.sandbox.anaplan.celltexts import cell_texts
from ml_connector.sandbox.anaplan.csvtext import render_rows, split_chunks
from ml_connector.sandbox.anaplan.definitions import ExportDef
from ml_connector.sandbox.anaplan.envelope import RefusedError, render_one
from ml_connector.sandbox.anaplan.exports import export_rows
from ml_connector.sandbox.anaplan.routing import Call, ModelRoutes, read_body
from ml_connector.sandbox.anaplan.views import ModuleReader
from ml_connector.sandbox.http import Response, text_response

if TYPE_CHECKING:
    from ml_connector.sandbox.anaplan.server import AnaplanServer

REQUEST_LIFE_S = 1800
_SPACE = "read_requests"
_LAYOUTS = ("TABULAR_MULTI_COLUMN", "TABULAR_SINGLE_COLUMN", "GRID_ALL_PAGES")


class ReadsApi:
    """The readRequests endpoints; a request is complete as soon as it is made."""

    def __init__(self, server: "AnaplanServer", routes: ModelRoutes) -> None:
        self._server = server
        base = r"/(?P<kind>views|lists)/(?P<o>[^/]+)/readRequests"
        one = base + r"/(?P<r>[^/]+)"
        routes.add("POST", base, self._start)
        routes.add("GET", one, self._read)
        routes.add("GET", one + r"/pages/(?P<n>\d+)", self._read_page)
        routes.add("DELETE", one, self._delete)

    def _start(self, call: Call) -> Response:
        is_view = call.param("kind") == "views"
        text = self._view_text(call) if is_view else self._list_text(call)
        request_id = secrets.token_hex(16).upper()
        stored = {
            "object": call.param("o"),
            "user": call.user,
            "text": text,
            "until": self._server.clock.now() + REQUEST_LIFE_S,
        }
        self._server.store.save(_SPACE, request_id, stored)
        return self._shown(call, request_id, stored, state="IN_PROGRESS")

    def _read(self, call: Call) -> Response:
        return self._shown(call, call.param("r"), self._find(call), state="COMPLETE")

    def _read_page(self, call: Call) -> Response:
        pages = self._pages(self._find(call))
        number = int(call.param("n"))
        if number >= len(pages):
            raise RefusedError(404)
        return text_response(pages[number], "text/csv")

    def _delete(self, call: Call) -> Response:
        stored = self._find(call)
        self._server.store.delete(_SPACE, call.param("r"))
        return self._shown(call, call.param("r"), stored, state="COMPLETE")

    def _view_text(self, call: Call) -> str:
        module = call.model.definitions.modules.get(call.param("o"))
        if module is None:
            raise RefusedError(404)
        body = read_body(call.request)
        layout = body.get("exportType") if isinstance(body, dict) else None
        if layout not in _LAYOUTS:
            raise RefusedError(400, f"Invalid exportType '{layout}'.")
        texts = cell_texts(self._server.switches)
        shape = ExportDef(id=module.id, name=module.name, module=module.id, layout=layout)
        return render_rows(export_rows(shape, ModuleReader(call.model.data, module, texts)))

    def _list_text(self, call: Call) -> str:
        items = call.model.data.lists.get(call.param("o"))
        if items is None:
            raise RefusedError(404)
        rows = [["id", "name", "code"]]
        rows += [[str(item.id), item.name, item.code] for item in items.items.values()]
        return render_rows(rows)

    def _find(self, call: Call) -> dict[str, Any]:
        stored: dict[str, Any] | None = self._server.store.find(_SPACE, call.param("r"))
        wanted = (call.param("o"), call.user)
        if stored is None or (stored["object"], stored["user"]) != wanted:
            raise RefusedError(404)
        if self._server.clock.now() > stored["until"]:
            raise RefusedError(404)
        return stored

    def _pages(self, stored: dict[str, Any]) -> list[str]:
        size = int(self._server.switches["chunk.bytes"])
        pages = split_chunks(stored["text"].encode(), size, at_lines=True)
        return [page.decode() for page in pages]

    def _shown(
        self, call: Call, request_id: str, stored: dict[str, Any], *, state: str
    ) -> Response:
        key = "viewReadRequest" if call.param("kind") == "views" else "listReadRequest"
        body: dict[str, Any] = {
            "requestId": request_id,
            "requestState": state,
            "url": f"{self._server.url}{call.request.path}",
        }
        if state == "COMPLETE":
            body |= {"availablePages": len(self._pages(stored)), "successful": True}
        return render_one(key, {key: body}, model_id=call.model.id)
