"""Modules, line items, views and dimensions: structure, and cells read and written."""

from typing import TYPE_CHECKING, Any

from ml_connector.sandbox.anaplan.celltexts import cell_texts
from ml_connector.sandbox.anaplan.cellwrites import CELLS_PER_CALL_MAX, WRITE_BYTES_MAX, CellWriter
from ml_connector.sandbox.anaplan.csvtext import render_rows
from ml_connector.sandbox.anaplan.definitions import (
    LINE_ITEMS_ID,
    TIME_ID,
    USERS_ID,
    VERSIONS_ID,
    LineItemDef,
    ModuleDef,
)
from ml_connector.sandbox.anaplan.envelope import RefusedError, render_one, sort_kindly
from ml_connector.sandbox.anaplan.routing import (
    WRITES,
    Call,
    ModelRoutes,
    model_page,
    read_body,
)
from ml_connector.sandbox.anaplan.views import Grid, ModuleReader, TooManyCellsError
from ml_connector.sandbox.http import Response, json_response, text_response

if TYPE_CHECKING:
    from ml_connector.sandbox.anaplan.server import AnaplanServer

_LISTLIKE = ("101", "109", "114")
_FORMATS: dict[str, dict[str, Any]] = {
    "NUMBER": {
        "dataType": "NUMBER",
        "minimumSignificantDigits": 4,
        "decimalPlaces": -1,
        "decimalSeparator": "FULL_STOP",
        "groupingSeparator": "COMMA",
        "negativeNumberNotation": "MINUS_SIGN",
        "unitsType": "NONE",
        "unitsDisplayType": "NONE",
        "zeroFormat": "ZERO",
        "comparisonIncrease": "GOOD",
    },
    "TEXT": {"dataType": "TEXT", "textType": "GENERAL"},
    "BOOLEAN": {"dataType": "BOOLEAN"},
    "DATE": {"dataType": "DATE"},
    "TIME PERIOD": {
        "dataType": "TIME_ENTITY",
        "periodType": {"entityId": "MONTH", "entityLabel": "Month", "entityIndex": 0},
    },
}


class ModulesApi:
    """The module endpoints of a model."""

    def __init__(self, server: "AnaplanServer", routes: ModelRoutes) -> None:
        self._server = server
        view = r"/views/(?P<v>[^/]+)"
        line_item = r"/lineItems/(?P<li>[^/]+)"
        items = r"/dimensions/(?P<d>[^/]+)/items"
        routes.add("GET", "/modules", self._list)
        routes.add("GET", r"/modules/(?P<x>[^/]+)/views", self._list_views)
        routes.add("GET", r"/modules/(?P<x>[^/]+)/lineItems", self._list_line_items)
        routes.add("POST", r"/modules/(?P<x>[^/]+)/data", self._write_cells, WRITES)
        routes.add("GET", "/views", self._list_views)
        routes.add("GET", view, self._read_view)
        routes.add("GET", view + "/data", self._read_cells)
        routes.add("GET", view + items, self._read_view_items)
        routes.add("GET", "/lineItems", self._list_line_items)
        routes.add("GET", line_item + "/dimensions", self._read_dimensions)
        routes.add("GET", line_item + items, self._read_line_item_items)
        routes.add("GET", items, self._read_dimension_items)
        routes.add("POST", items, self._look_up_items)

    def _list(self, call: Call) -> Response:
        found = call.model.definitions.modules.values()
        rows: list[dict[str, Any]] = [{"id": one.id, "name": one.name} for one in found]
        return model_page(self._server, call, "modules", "module", sort_kindly(rows, call.request))

    def _list_views(self, call: Call) -> Response:
        modules = call.model.definitions.modules.values()
        if "x" in call.request.params:
            modules = [self._module(call, "x")]  # type: ignore[assignment]  # any iterable will do
        rows: list[dict[str, Any]] = [
            {"code": "", "id": one.id, "name": "default", "moduleId": one.id} for one in modules
        ]
        return model_page(self._server, call, "views", "view", sort_kindly(rows, call.request))

    def _list_line_items(self, call: Call) -> Response:
        modules = call.model.definitions.modules.values()
        if "x" in call.request.params:
            modules = [self._module(call, "x")]  # type: ignore[assignment]  # any iterable will do
        is_full = (call.request.find_query("includeAll") or "").lower() == "true"
        rows = [
            self._line_item(call, module, item, is_full=is_full)
            for module in modules
            for item in module.line_items
        ]
        return render_one("lineItem", {"items": rows} if rows else {}, model_id=call.model.id)

    def _read_view(self, call: Call) -> Response:
        reader = self._reader(call)
        module = reader.module
        body: dict[str, Any] = {"viewName": "default", "viewId": module.id}
        axes = {"rows": module.rows, "columns": module.columns, "pages": module.pages}
        for name, ids in axes.items():
            body[name] = [{"id": axis, "name": reader.axis_name(axis)} for axis in ids]
        return render_one("view", body, model_id=call.model.id)

    def _read_cells(self, call: Call) -> Response:
        reader = self._reader(call)
        pages = reader.default_pages() | self._page_choices(call, reader)
        try:
            grid = reader.read_grid(pages)
        except TooManyCellsError as error:
            raise RefusedError(400, "The view holds more than 1000000 cells.") from error
        accept = call.request.headers.get("accept", "")
        if call.request.find_query("format") == "v1" and "application/json" in accept:
            return json_response(_grid_json(grid))
        return text_response(_grid_csv(grid, is_escaped="escaped=true" in accept), "text/csv")

    def _page_choices(self, call: Call, reader: ModuleReader) -> dict[str, int]:
        chosen: dict[str, int] = {}
        given = (value for key, value in call.request.query if key == "pages")
        for pair in (text for value in given for text in value.split(",")):
            axis, _, member = pair.partition(":")
            if axis not in reader.module.pages:
                raise RefusedError(400, f"Invalid page selector [{axis}]")
            if not member.isdigit() or int(member) not in reader.members(axis):
                raise RefusedError(400, f"Invalid page selector [{member}]")
            chosen[axis] = int(member)
        return chosen

    def _read_view_items(self, call: Call) -> Response:
        reader = self._reader(call)
        axes = (*reader.module.dimensions, LINE_ITEMS_ID)
        return self._dimension(call, call.param("d") in axes, reader)

    def _read_dimensions(self, call: Call) -> Response:
        reader = self._line_item_reader(call)
        rows = [{"id": a, "name": reader.axis_name(a)} for a in reader.module.dimensions]
        return render_one("dimension", {"dimensions": rows}, model_id=call.model.id)

    def _read_line_item_items(self, call: Call) -> Response:
        reader = self._line_item_reader(call)
        return self._dimension(call, call.param("d") in reader.module.dimensions, reader)

    def _dimension(self, call: Call, is_known: bool, reader: ModuleReader) -> Response:  # noqa: FBT001 - private, read at one glance
        if not is_known:
            raise RefusedError(404)
        axis = call.param("d")
        if axis != LINE_ITEMS_ID:
            return self._items(call, axis)
        names = reader.members(axis).items()
        rows = [{"id": str(key), "name": name, "code": ""} for key, name in names]
        return render_one("dimensionItem", {"items": rows}, model_id=call.model.id)

    def _read_dimension_items(self, call: Call) -> Response:
        axis = call.param("d")
        if axis != USERS_ID and not axis.startswith(_LISTLIKE):
            raise RefusedError(404)
        return self._items(call, axis)

    def _look_up_items(self, call: Call) -> Response:
        if not call.request.body.strip():
            raise RefusedError(400, "The request body is empty.")
        body = read_body(call.request)
        wanted: set[str] = set()
        if isinstance(body, dict):
            wanted = {*(body.get("names") or ()), *(body.get("codes") or ())}
        if not wanted:
            raise RefusedError(400, "Names or codes are required.")
        return self._items(call, call.param("d"), only=wanted)

    def _items(self, call: Call, axis: str, only: set[str] | None = None) -> Response:
        rows = self._item_rows(call, axis)
        if only is not None:
            rows = [row for row in rows if {row["name"], row["code"]} & only]
        keeps_key = rows or self._server.switches["empty.omit_key"] == "off"
        body = {"items": rows} if keeps_key else {}
        return render_one("dimensionItem", body, model_id=call.model.id)

    def _item_rows(self, call: Call, axis: str) -> list[dict[str, str]]:
        data = call.model.data
        if axis == USERS_ID:
            users = self._server.users.items()
            return [{"id": u["id"], "name": email, "code": ""} for email, u in users]
        if axis in {TIME_ID, VERSIONS_ID}:
            shown = data.shown(axis).items()
            return [{"id": str(key), "name": name, "code": name} for key, name in shown]
        items = data.lists.get(axis)
        if items is None:
            raise RefusedError(404)
        return [
            {"id": str(item.id), "name": item.name, "code": item.code}
            for item in items.items.values()
        ]

    def _write_cells(self, call: Call) -> Response:
        module = self._module(call, "x")
        body = read_body(call.request)
        if not isinstance(body, list) or not all(isinstance(one, dict) for one in body):
            raise RefusedError(400, "An array of cells is required.")
        if len(body) > CELLS_PER_CALL_MAX or len(call.request.body) > WRITE_BYTES_MAX:
            raise RefusedError(400, f"At most {CELLS_PER_CALL_MAX} cells or 15 MB per request.")
        writer = CellWriter(call.model.data, module)
        changed, failures = writer.write(body)
        call.model.count_save(call.user)
        answer: dict[str, Any] = {"numberOfCellsChanged": changed}
        if failures:
            answer["failures"] = failures
        return render_one("cell", answer, model_id=call.model.id)

    def _reader(self, call: Call) -> ModuleReader:
        definitions = call.model.definitions
        view = call.param("v")
        found = definitions.find_line_item(view)
        module = found[0] if found else definitions.modules.get(view)
        if module is None:
            raise RefusedError(404)
        return ModuleReader(call.model.data, module, cell_texts(self._server.switches))

    def _line_item_reader(self, call: Call) -> ModuleReader:
        found = call.model.definitions.find_line_item(call.param("li"))
        if found is None:
            raise RefusedError(404)
        return ModuleReader(call.model.data, found[0])

    def _module(self, call: Call, name: str) -> ModuleDef:
        module = call.model.definitions.modules.get(call.param(name))
        if module is None:
            raise RefusedError(404)
        return module

    def _line_item(
        self, call: Call, module: ModuleDef, item: LineItemDef, *, is_full: bool
    ) -> dict[str, Any]:
        row: dict[str, Any] = {
            "moduleId": module.id,
            "moduleName": module.name,
            "id": item.id,
            "name": item.name,
        }
        if not is_full:
            return row
        reader = ModuleReader(call.model.data, module)
        axes = [{"id": a, "name": reader.axis_name(a)} for a in module.dimensions]
        is_listed = item.format == "LIST"
        metadata: dict[str, Any] = _FORMATS.get(item.format, {})
        if is_listed:
            metadata = {
                "dataType": "ENTITY",
                "hierarchyEntityLongId": item.list_id,
                "selectiveAccessApplied": False,
                "showAll": False,
            }
        return row | {
            "format": item.format,
            "formatMetadata": metadata,
            "formula": item.formula,
            "formulaScope": "ALL_VERSIONS",
            "appliesTo": [a for a in axes if a["id"] not in {TIME_ID, VERSIONS_ID}],
            "dataTags": [],
            "referencedBy": [],
            "summary": "SUM" if item.format == "NUMBER" else "NONE",
            "timeScale": "MONTH" if TIME_ID in module.dimensions else "NOT_APPLICABLE",
            "timeRange": "Model Calendar",
            "version": {"id": "16000000000", "name": "All"},
            "style": "NORMAL",
            "cellCount": len(call.model.data.cells[item.id]),
            "notes": "",
            "code": "",
            "isSummary": False,
            "useSwitchover": False,
            "breakback": False,
            "broughtForward": False,
            "startOfSection": False,
        }


def _grid_json(grid: Grid) -> dict[str, Any]:
    return {
        "pages": grid.pages,
        "columnCoordinates": [[name] for name in grid.columns],
        "rows": [{"rowCoordinates": [name], "cells": cells} for name, cells in grid.rows],
    }


def _grid_csv(grid: Grid, *, is_escaped: bool) -> str:
    """Line 1: page members; line 2: columns after a blank; then the rows."""
    rows = [grid.pages, ["", *grid.columns], *([name, *cells] for name, cells in grid.rows)]
    if is_escaped:
        return render_rows(rows)
    return "".join(",".join(row) + "\n" for row in rows)
