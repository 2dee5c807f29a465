"""Rendering an export's output file from the present content of the model."""

from collections.abc import Iterator
from typing import Any

from ml_connector.sandbox.anaplan.csvtext import render_rows
from ml_connector.sandbox.anaplan.definitions import ExportDef
from ml_connector.sandbox.anaplan.views import CellTexts, ModuleReader
from ml_connector.sandbox.switches import Switches

_SINGLE = "TABULAR_SINGLE_COLUMN"
_GRIDS = frozenset({"GRID_ALL_PAGES", "GRID_CURRENT_PAGE"})
_DATA_TYPES = {"LIST": "ENTITY", "TIME PERIOD": "TIME_ENTITY"}


def render_export(definition: ExportDef, reader: ModuleReader, switches: Switches) -> bytes:
    """The bytes of the output file: text in UTF-8, comma or tab, minimal quotes."""
    separator = "\t" if definition.format == "text/plain" else ","
    newline = "\r\n" if switches["export.newline"] == "CRLF" else "\n"
    rows = export_rows(definition.layout, reader)
    text = render_rows(rows, separator=separator, newline=newline)
    mark = b"\xef\xbb\xbf" if switches["export.bom"] == "on" else b""
    return mark + text.encode()


def cell_texts(switches: Switches) -> CellTexts:
    """How the switches want booleans and dates printed."""
    return CellTexts(booleans=switches["export.bool"], dates=switches["export.date"])


def export_rows(layout: str, reader: ModuleReader) -> Iterator[list[str]]:
    """The header line and every line after it."""
    if layout in _GRIDS:
        yield from _grid_rows(layout, reader)
        return
    yield export_headers(layout, reader)
    columns = [(item, reader.cells(item)) for item in reader.module.line_items]
    for key in reader.leaf_keys():
        names = reader.coordinates(key)
        texts = [(item, reader.text(item, cells.get(key))) for item, cells in columns]
        if layout == _SINGLE:
            yield from ([*names, item.name, text] for item, text in texts)
        else:
            yield [*names, *(text for _, text in texts)]


def export_headers(layout: str, reader: ModuleReader) -> list[str]:
    """The header line of a tabular layout."""
    names = [reader.axis_name(axis) for axis in reader.module.dimensions]
    if layout == _SINGLE:
        return [*names, "Line Items", "Value"]
    return [*names, *(item.name for item in reader.module.line_items)]


def export_metadata(definition: ExportDef, reader: ModuleReader) -> dict[str, Any]:
    """The metadata of an export; its row count is an estimate by design."""
    headers = export_headers(definition.layout, reader)
    items = reader.module.line_items
    if definition.layout == "TABULAR_MULTI_COLUMN":
        kinds = ["ENTITY"] * len(reader.module.dimensions)
        kinds += [_DATA_TYPES.get(item.format, item.format) for item in items]
    else:
        kinds = ["MIXED"] * len(headers)
    return {
        "columnCount": len(headers),
        "dataTypes": kinds,
        "delimiter": '"',
        "encoding": "UTF-8",
        "exportFormat": definition.format,
        "headerNames": headers,
        "listNames": [reader.axis_name(axis) for axis in reader.module.dimensions],
        "rowCount": len(reader.leaf_keys()),
        "separator": "\t" if definition.format == "text/plain" else ",",
    }


def _grid_rows(layout: str, reader: ModuleReader) -> Iterator[list[str]]:
    pages = reader.all_pages() if layout == "GRID_ALL_PAGES" else [reader.default_pages()]
    for chosen in pages:
        grid = reader.read_grid(chosen)
        yield grid.pages
        yield ["", *grid.columns]
        yield from ([name, *cells] for name, cells in grid.rows)
