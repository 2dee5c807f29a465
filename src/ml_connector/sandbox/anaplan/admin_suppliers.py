"""What planners do to the suppliers of the finance model, without their pages."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ml_connector.sandbox.anaplan.data import Cell, Changes, Item, ItemList, Key, ModelData
from ml_connector.sandbox.anaplan.definitions import LineItemDef
from ml_connector.sandbox.anaplan.runtime import ModelRuntime
from ml_connector.sandbox.anaplan.seed_supplier_planning import LINE_ITEMS
from ml_connector.sandbox.anaplan.seed_suppliers import SUPPLIERS
from ml_connector.sandbox.anaplan.values import ValueRefusedError, parse_cell

if TYPE_CHECKING:
    from ml_connector.sandbox.anaplan.server import AnaplanServer

_SUPPLIERS_MAX = 100_000
_ITEMS = {item.name: item for item in LINE_ITEMS}
Body = dict[str, Any]
Cells = dict[str, dict[Key, Cell | None]]


class SupplierDesk:
    """Registers the operations; `find_model` tells the model a body means."""

    def __init__(self, server: "AnaplanServer", find_model: Callable[[Body], ModelRuntime]) -> None:
        self._server = server
        self._model = find_model
        operations = (
            self.revise_suppliers, self.add_suppliers, self.remove_suppliers, self.read_suppliers,
        )  # fmt: skip
        for operation in operations:
            server.add_admin(operation.__name__, operation)

    def revise_suppliers(self, body: Body) -> Body:
        """Each of {suppliers}, named by code or name, has its {values}; others stay.

        Values go by the headers of the export: a text, a date as YYYY-MM-DD, a boolean, a number;
        `""` or null empties. `Name` and `Code` stand for those of the list's item.
        """
        wanted = _wanted(body)
        with self._server.lock:
            data = self._data(body)
            items, cells = data.lists[SUPPLIERS].copy(), _no_cells()
            for one in wanted:
                _revise(items, _find(items, one), one["values"], cells)
            data.commit(Changes(lists={SUPPLIERS: items}, cells=cells))
        return {"suppliers": len(wanted)}

    def add_suppliers(self, body: Body) -> Body:
        """{suppliers} stand in the list: a name, a code or none yet, and {values} if any."""
        wanted = _wanted(body)
        ids: list[str] = []
        with self._server.lock:
            data = self._data(body)
            items, cells = data.lists[SUPPLIERS].copy(), _no_cells()
            for one in wanted:
                item = _add(items, name=str(one["name"]), code=str(one.get("code") or ""))
                _revise(items, item, one.get("values") or {}, cells)
                ids.append(str(item.id))
            data.commit(Changes(lists={SUPPLIERS: items}, cells=cells))
        return {"suppliers": len(wanted), "ids": ids}

    def remove_suppliers(self, body: Body) -> Body:
        """{suppliers}, named by code or name, are gone with all their values."""
        wanted = _wanted(body)
        with self._server.lock:
            data = self._data(body)
            items = data.lists[SUPPLIERS].copy()
            gone: set[int] = set()
            for one in wanted:
                item = _find(items, one)
                items.remove(item.id)
                gone.add(item.id)
            data.commit(Changes(lists={SUPPLIERS: items}, dropped_items={SUPPLIERS: gone}))
        return {"suppliers": len(wanted)}

    def read_suppliers(self, body: Body) -> list[Body]:
        """Every supplier of the list: id, code, name, and its values as planners see them."""
        with self._server.lock:
            data = self._data(body)
            return [
                {
                    "id": str(item.id),
                    "code": item.code,
                    "name": item.name,
                    "values": {one.name: _shown(data, one, (item.id,)) for one in LINE_ITEMS},
                }
                for item in data.lists[SUPPLIERS].items.values()
            ]

    def _data(self, body: Body) -> ModelData:
        # What is due by now comes first: a planner acts on the model as it stands.
        self._server.engine.settle()
        return self._model(body).data


def _wanted(body: Body) -> list[Body]:
    wanted = list(body["suppliers"])
    if len(wanted) > _SUPPLIERS_MAX:
        raise ValueError(f"{len(wanted):,} suppliers; at most {_SUPPLIERS_MAX:,} are taken.")
    return wanted


def _no_cells() -> Cells:
    return {item.id: {} for item in LINE_ITEMS}


def _find(items: ItemList, wanted: Body) -> Item:
    kind = "code" if "code" in wanted else "name"
    found = items.by_code if kind == "code" else items.by_name
    if wanted[kind] not in found:
        raise LookupError(f"There is no supplier of {kind} {wanted[kind]!r}.")
    return items.items[found[wanted[kind]]]


def _add(items: ItemList, *, name: str, code: str) -> Item:
    if not name:
        raise ValueError(f"A supplier {code!r} cannot be without a name.")
    _verify_free(items, name=name, code=code)
    return items.add(code=code, name=name)


def _verify_free(items: ItemList, *, name: str = "", code: str = "") -> None:
    """A list takes each name and each code once."""
    pairs = ((name, items.by_name), (code, items.by_code))
    taken = [text for text, known in pairs if text and text in known]
    if taken:
        raise ValueError(f"There is a supplier {taken[0]!r} already.")


def _revise(items: ItemList, item: Item, values: Body, cells: Cells) -> None:
    for name, value in values.items():
        text = "" if value is None else str(value)
        if name == "Name":
            _rename(items, item, text)
        elif name == "Code":
            _recode(items, item, text)
        elif name in _ITEMS:
            one = _ITEMS[name]
            cells[one.id][(item.id,)] = _parse(one, text) if text else None
        else:
            raise LookupError(f"Suppliers have no {name!r}; known: {['Name', 'Code', *_ITEMS]}.")


def _rename(items: ItemList, item: Item, name: str) -> None:
    if not name:
        raise ValueError(f"Supplier {item.code!r} cannot be without a name.")
    if name != item.name:
        _verify_free(items, name=name)
        items.rename(item, name)


def _recode(items: ItemList, item: Item, code: str) -> None:
    if code != item.code:
        _verify_free(items, code=code)
        items.recode(item, code)


def _parse(item: LineItemDef, text: str) -> Cell:
    try:
        return parse_cell(text, item, members={})
    except ValueRefusedError as error:
        raise ValueError(f"{item.name}: {error.text}") from error


def _shown(data: ModelData, item: LineItemDef, key: Key) -> Cell:
    """The value, or what a planner sees in an empty cell of the format."""
    value = data.cells[item.id].get(key)
    match item.format:
        case "BOOLEAN":
            return bool(value)
        case "NUMBER":
            return float(value or 0)
        case _:
            return value or ""
