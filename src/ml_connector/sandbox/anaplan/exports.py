"""Rendering an export's output file from the present content of the model."""

import math
from collections.abc import Iterator
from itertools import chain
from typing import Any

from ml_connector.sandbox.anaplan.celltexts import cell_texts
from ml_connector.sandbox.anaplan.csvtext import split_chunks
from ml_connector.sandbox.anaplan.data import Key, ModelData
from ml_connector.sandbox.anaplan.definitions import ExportDef
from ml_connector.sandbox.anaplan.exportforms import find_separator, render_file
from ml_connector.sandbox.anaplan.views import ModuleReader
from ml_connector.sandbox.switches import Switches

_SINGLE = "TABULAR_SINGLE_COLUMN"
_GRIDS = frozenset({"GRID_ALL_PAGES", "GRID_CURRENT_PAGE"})
_DATA_TYPES = {"LIST": "ENTITY", "TIME PERIOD": "TIME_ENTITY"}
_SOME_STEP = 2


def render_output(definition: ExportDef, model: ModelData, switches: Switches) -> list[bytes]:
    """The chunks of the output file a run makes now; at least one."""
    module = model.definitions.modules[definition.module]
    reader = ModuleReader(model, module, cell_texts(switches))
    content = render_export(definition, reader, switches)
    at_lines = switches["chunk.cut"] == "line-aligned"
    return split_chunks(content, int(switches["chunk.bytes"]), at_lines=at_lines)


def render_export(definition: ExportDef, reader: ModuleReader, switches: Switches) -> bytes:
    """The bytes of the output file, as the definition and the switches want them."""
    rows = export_rows(definition, reader)
    if definition.layout not in _GRIDS:
        rows = _visible_rows(rows, switches)
    content = render_file(rows, definition, switches)
    cut = int(switches["export.cut_bytes"])
    return content[: max(0, len(content) - cut)]


def export_rows(definition: ExportDef, reader: ModuleReader) -> Iterator[list[str]]:
    """The header line and every line after it."""
    if definition.layout in _GRIDS:
        yield from _grid_rows(definition.layout, reader)
        return
    yield export_headers(definition, reader)
    columns = [(item, reader.cells(item)) for item in reader.module.line_items]
    for key in _keys(definition, reader):
        names = _labels(definition, reader, key)
        texts = [(item, reader.text(item, cells.get(key))) for item, cells in columns]
        if definition.layout == _SINGLE:
            yield from ([*names, item.name, text] for item, text in texts)
        else:
            yield [*names, *(text for _, text in texts)]


def export_headers(definition: ExportDef, reader: ModuleReader) -> list[str]:
    """The header line of a tabular layout."""
    axes = reader.module.dimensions
    named = (definition.labels.get(axis) or [reader.axis_name(axis)] for axis in axes)
    names = list(chain.from_iterable(named))
    if definition.layout == _SINGLE:
        return [*names, "Line Items", "Value"]
    return [*names, *(item.name for item in reader.module.line_items)]


def export_metadata(
    definition: ExportDef, reader: ModuleReader, switches: Switches
) -> dict[str, Any]:
    """The metadata of an export; its row count is an estimate by design.

    It tells what the definition is now. A file made before a change of it is what it was.
    """
    headers = export_headers(definition, reader)
    items = reader.module.line_items
    if definition.layout == "TABULAR_MULTI_COLUMN":
        kinds = ["ENTITY"] * (len(headers) - len(items))
        kinds += [_DATA_TYPES.get(item.format, item.format) for item in items]
    else:
        kinds = ["MIXED"] * len(headers)
    return {
        "columnCount": len(headers),
        "dataTypes": kinds,
        "delimiter": definition.delimiter,
        "encoding": definition.encoding,
        "exportFormat": definition.format,
        "headerNames": headers,
        "listNames": [reader.axis_name(axis) for axis in reader.module.dimensions],
        "rowCount": _count_rows(definition, reader, switches),
        "separator": find_separator(definition),
    }


def _count_rows(definition: ExportDef, reader: ModuleReader, switches: Switches) -> int:
    if switches["export.row_count"] == "estimate":
        return math.prod(len(reader.members(axis)) for axis in reader.module.dimensions)
    return len(_keys(definition, reader))


def _keys(definition: ExportDef, reader: ModuleReader) -> list[Key]:
    return reader.every_key() if definition.every_item else reader.leaf_keys()


def _labels(definition: ExportDef, reader: ModuleReader, key: Key) -> list[str]:
    """What the row is about: the wanted labels of each coordinate, else its display name."""
    names: list[str] = []
    shown = reader.coordinates(key)
    for axis, member, name in zip(reader.module.dimensions, key, shown, strict=True):
        wanted = definition.labels.get(axis)
        names += [reader.label(axis, member, one) for one in wanted] if wanted else [name]
    return names


def _visible_rows(rows: Iterator[list[str]], switches: Switches) -> Iterator[list[str]]:
    """The lines the runner gets: a user without access to slices gets fewer of them."""
    header = next(rows)
    wanted = switches["export.rows"]
    data = [] if wanted == "none" else list(rows)
    if wanted == "some":
        data = data[::_SOME_STEP]
    if not data and switches["export.no_rows"] == "empty":
        return
    if switches["export.header"] == "on":
        yield header
    yield from data


def _grid_rows(layout: str, reader: ModuleReader) -> Iterator[list[str]]:
    pages = reader.all_pages() if layout == "GRID_ALL_PAGES" else [reader.default_pages()]
    for chosen in pages:
        grid = reader.read_grid(chosen)
        yield grid.pages
        yield ["", *grid.columns]
        yield from ([name, *cells] for name, cells in grid.rows)
