"""Cells written one by one through the API."""

from typing import Any

from ml_connector.sandbox.anaplan.data import Cell, Changes, Key, ModelData
from ml_connector.sandbox.anaplan.definitions import (
    TIME_ID,
    VERSIONS_ID,
    LineItemDef,
    ModuleDef,
)
from ml_connector.sandbox.anaplan.values import ValueRefusedError, parse_cell

CELLS_PER_CALL_MAX = 100_000
WRITE_BYTES_MAX = 15 * 1024 * 1024


class CellWriter:
    """Writes the cells of one request; each stands or fails by itself."""

    def __init__(self, data: ModelData, module: ModuleDef) -> None:
        self._data = data
        self._module = module
        self._leaves = {axis: data.leaves(axis) for axis in module.dimensions}
        self._names = {axis: data.names(axis) for axis in module.dimensions}

    def write(self, wanted: list[dict[str, Any]]) -> tuple[int, list[dict[str, Any]]]:
        """The good cells are committed; their number and the failures."""
        cells: dict[str, dict[Key, Cell | None]] = {}
        failures: list[dict[str, Any]] = []
        count = 0
        for index, one in enumerate(wanted):
            try:
                item = self._line_item(one)
                key = self._key(one)
                value = self._value(item, one.get("value"))
            except ValueRefusedError as error:
                failures.append(
                    {
                        "requestIndex": index,
                        "failureType": error.kind,
                        "failureMessageDetails": error.text,
                    }
                )
                continue
            cells.setdefault(item.id, {})[key] = value
            count += 1
        self._data.commit(Changes(cells=cells))
        return count, failures

    def _line_item(self, one: dict[str, Any]) -> LineItemDef:
        for item in self._module.line_items:
            if item.id == str(one.get("lineItemId", "")) or item.name == one.get("lineItemName"):
                if item.formula:
                    raise ValueRefusedError("CELL_NOT_WRITABLE", f"{item.name} is calculated")
                return item
        raise ValueRefusedError("INVALID_LINE_ITEM", "line item not found")

    def _key(self, one: dict[str, Any]) -> Key:
        given = {self._axis(d): d for d in one.get("dimensions") or ()}
        return tuple(self._member(axis, given.get(axis, {})) for axis in self._module.dimensions)

    def _axis(self, given: dict[str, Any]) -> str:
        if given.get("dimensionId"):
            return str(given["dimensionId"])
        names = {"Time": TIME_ID, "Versions": VERSIONS_ID}
        names |= {one.name: one.id for one in self._data.definitions.lists.values()}
        return names.get(str(given.get("dimensionName")), "")

    def _member(self, axis: str, given: dict[str, Any]) -> int:
        if given.get("itemId"):
            text = str(given["itemId"])
            member = int(text) if text.isdigit() else 0
        else:
            text = str(given.get("itemCode") or given.get("itemName") or "")
            member = self._names[axis].get(text, 0)
        if member not in self._data.parents(axis):
            raise ValueRefusedError("INVALID_ITEM", f"item not found -- {axis}: {text}")
        if member not in self._leaves[axis]:
            raise ValueRefusedError("CELL_NOT_WRITABLE", f"{text} is an aggregate")
        return member

    def _value(self, item: LineItemDef, value: Any) -> Cell | None:
        if value is None or value == "":
            return None
        text = str(value).lower() if isinstance(value, bool) else str(value)
        axis = item.list_id or TIME_ID
        has_members = item.format in {"LIST", "TIME PERIOD"}
        return parse_cell(text, item, members=self._data.names(axis) if has_members else {})
