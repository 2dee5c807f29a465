"""What a model holds: list items and cells, in memory, written through to the store."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ml_connector.sandbox.anaplan.definitions import (
    TIME_ID,
    VERSIONS_ID,
    Definitions,
    ListDef,
    definitions_as_json,
    parse_definitions,
)
from ml_connector.sandbox.anaplan.timescale import months, period_ids_by_name, periods
from ml_connector.sandbox.store import Store

Cell = float | str | bool
Key = tuple[int, ...]
Cells = dict[Key, Cell]
_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS items (model TEXT, list TEXT, id INTEGER, code TEXT, name TEXT,
    parent INTEGER, properties TEXT, PRIMARY KEY (model, list, id))""",
    """CREATE TABLE IF NOT EXISTS cells (model TEXT, line_item TEXT, key TEXT, value,
    PRIMARY KEY (model, line_item, key)) WITHOUT ROWID""",
)
_DEFINITIONS = "definitions"
_NEXT_INDEX = "next_index"


@dataclass(slots=True, kw_only=True)
class Item:
    """One list item; `parent` is the id of an item of the same list, 0 at the top."""

    id: int
    code: str
    name: str
    parent: int = 0
    properties: dict[str, str] = field(default_factory=dict)


class ItemList:
    """The items of one list with their indexes; copied before an import works on it."""

    def __init__(
        self, definition: ListDef, items: Iterable[Item] = (), next_index: int = 1
    ) -> None:
        self.definition = definition
        self.items: dict[int, Item] = {}
        self.by_code: dict[str, int] = {}
        self.by_name: dict[str, int] = {}
        self.next_index = next_index
        for item in items:
            self._index(item)

    def copy(self) -> "ItemList":
        """A list of the same items that may be changed apart from this one."""
        copies = (
            Item(
                id=item.id,
                code=item.code,
                name=item.name,
                parent=item.parent,
                properties=dict(item.properties),
            )
            for item in self.items.values()
        )
        return ItemList(self.definition, copies, self.next_index)

    def find(self, text: str) -> int:
        """The id of the item with this code, else with this name, else 0."""
        return self.by_code.get(text) or self.by_name.get(text) or 0

    def add(self, *, code: str, name: str, parent: int = 0) -> Item:
        """A new item stands in the list; in a numbered list its name is its number."""
        number = self.next_index
        self.next_index += 1
        item = Item(
            id=self.definition.block * 1_000_000_000 + number,
            code=code,
            name=f"#{number}" if self.definition.numbered else name,
            parent=parent,
        )
        self._index(item)
        return item

    def rename(self, item: Item, name: str) -> None:
        """The item has the name, and is found by it."""
        self.by_name.pop(item.name, None)
        item.name = name
        self.by_name[name] = item.id

    def recode(self, item: Item, code: str) -> None:
        """The item has the code, and is found by it."""
        self.by_code.pop(item.code, None)
        item.code = code
        if code:
            self.by_code[code] = item.id

    def remove(self, item_id: int) -> None:
        """The item is gone and its children stand at the top."""
        item = self.items.pop(item_id)
        self.by_name.pop(item.name, None)
        self.by_code.pop(item.code, None)
        for child in self.items.values():
            if child.parent == item_id:
                child.parent = 0

    def is_below(self, item_id: int, ancestor: int) -> bool:
        """The item is the ancestor itself or stands somewhere under it."""
        while item_id:
            if item_id == ancestor:
                return True
            item_id = self.items[item_id].parent
        return False

    def shown(self, item_id: int) -> str:
        """What an export prints: the code in a numbered list, else the name."""
        item = self.items[item_id]
        return item.code if self.definition.numbered and item.code else item.name

    def _index(self, item: Item) -> None:
        self.items[item.id] = item
        self.by_name[item.name] = item.id
        if item.code:
            self.by_code[item.code] = item.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What one step of a task will do to the model when it is committed."""

    lists: dict[str, ItemList] = field(default_factory=dict)
    cells: dict[str, dict[Key, Cell | None]] = field(default_factory=dict)
    dropped_items: dict[str, set[int]] = field(default_factory=dict)


class ModelData:
    """One model's definitions, items and cells. Numbers are doubles; a zero is not kept."""

    def __init__(self, store: Store, model_id: str) -> None:
        self._store = store
        self.model_id = model_id
        self.definitions = Definitions()
        self.lists: dict[str, ItemList] = {}
        self.cells: dict[str, Cells] = {}

    def load(self) -> None:
        """Memory holds what the store holds."""
        for statement in _SCHEMA:
            self._store.execute(statement)
        self.definitions = parse_definitions(self._store.find(_DEFINITIONS, self.model_id))
        indexes = self._store.find(_NEXT_INDEX, self.model_id) or {}
        for key, definition in self.definitions.lists.items():
            self.lists[key] = ItemList(definition, self._load_items(key), indexes.get(key, 1))
        for module in self.definitions.modules.values():
            for item in module.line_items:
                self.cells[item.id] = self._load_cells(item.id)

    def seed(self, definitions: Definitions) -> None:
        """The store holds the definitions and no data; call `load` afterwards."""
        for statement in _SCHEMA:
            self._store.execute(statement)
        for table in ("items", "cells"):
            self._store.execute(f"DELETE FROM {table} WHERE model=?", (self.model_id,))  # noqa: S608 - fixed names
        self._store.delete(_NEXT_INDEX, self.model_id)
        self._store.save(_DEFINITIONS, self.model_id, definitions_as_json(definitions))

    def save_definitions(self) -> None:
        """The store holds the definitions as they are in memory."""
        self._store.save(_DEFINITIONS, self.model_id, definitions_as_json(self.definitions))

    def commit(self, changes: Changes) -> None:
        """Store and memory have all changes; they are one transaction of the store."""
        with self._store.transaction():
            for key, items in changes.lists.items():
                self._save_list(key, items)
            for line_item, cells in changes.cells.items():
                self._save_cells(line_item, cells)
            for key, dropped in changes.dropped_items.items():
                self._drop_cells(key, dropped)

    def replace_all(self, lists: Mapping[str, ItemList], cells: Mapping[str, Cells]) -> None:
        """The model holds exactly the given lists and cells."""
        with self._store.transaction():
            self._store.execute("DELETE FROM cells WHERE model=?", (self.model_id,))
            self.cells = {key: {} for key in self.cells}
            for key, items in lists.items():
                self._save_list(key, items)
            for line_item, values in cells.items():
                self._save_cells(line_item, dict(values))

    def names(self, dimension: str) -> dict[str, int]:
        """Every text that names an item of the dimension: names, overruled by codes."""
        if dimension == TIME_ID:
            return period_ids_by_name()
        if dimension == VERSIONS_ID:
            return {name: int(key) for key, name in self.definitions.versions.items()}
        items = self.lists[dimension]
        return {**items.by_name, **items.by_code}

    def leaves(self, dimension: str) -> set[int]:
        """The items without children, which alone may be written."""
        if dimension == TIME_ID:
            return set(months())
        if dimension == VERSIONS_ID:
            return {int(key) for key in self.definitions.versions}
        items = self.lists[dimension].items
        return set(items) - {item.parent for item in items.values()}

    def parents(self, dimension: str) -> dict[int, int]:
        """Each item's parent, 0 where it has none; items in the model's order."""
        if dimension == TIME_ID:
            return {key: period.parent for key, period in periods().items()}
        if dimension == VERSIONS_ID:
            return {int(key): 0 for key in self.definitions.versions}
        return {key: item.parent for key, item in self.lists[dimension].items.items()}

    def shown(self, dimension: str) -> dict[int, str]:
        """Every item's display name."""
        if dimension == TIME_ID:
            return {key: period.name for key, period in periods().items()}
        if dimension == VERSIONS_ID:
            return {int(key): name for key, name in self.definitions.versions.items()}
        items = self.lists[dimension]
        return {key: items.shown(key) for key in items.items}

    def _load_items(self, list_id: str) -> Iterator[Item]:
        sql = (
            "SELECT id, code, name, parent, properties FROM items"
            " WHERE model=? AND list=? ORDER BY id"
        )
        for row in self._store.query(sql, (self.model_id, list_id)):
            number, code, name, parent, properties = row
            yield Item(
                id=number,
                code=code,
                name=name,
                parent=parent,
                properties=json.loads(properties),
            )

    def _load_cells(self, line_item: str) -> Cells:
        sql = "SELECT key, value FROM cells WHERE model=? AND line_item=?"
        rows = self._store.query(sql, (self.model_id, line_item))
        return {tuple(map(int, key.split(","))): value for key, value in rows}

    def _save_list(self, list_id: str, items: ItemList) -> None:
        self.lists[list_id] = items
        indexes = {key: one.next_index for key, one in self.lists.items()}
        self._store.save(_NEXT_INDEX, self.model_id, indexes)
        self._store.execute("DELETE FROM items WHERE model=? AND list=?", (self.model_id, list_id))
        self._store.execute_many(
            "INSERT INTO items VALUES (?,?,?,?,?,?,?)",
            (
                (self.model_id, list_id, item.id, item.code, item.name, item.parent,
                 json.dumps(item.properties))
                for item in items.items.values()
            ),
        )  # fmt: skip

    def _save_cells(self, line_item: str, changed: Mapping[Key, Cell | None]) -> None:
        present = self.cells.setdefault(line_item, {})
        kept = {key: value for key, value in changed.items() if not _is_blank(value)}
        gone = [key for key in changed if key not in kept and key in present]
        present.update(kept)  # type: ignore[arg-type]  # the blank values have been taken out
        for key in gone:
            del present[key]
        self._store.execute_many(
            "INSERT OR REPLACE INTO cells VALUES (?,?,?,?)",
            ((self.model_id, line_item, _key_text(key), value) for key, value in kept.items()),
        )
        self._store.execute_many(
            "DELETE FROM cells WHERE model=? AND line_item=? AND key=?",
            ((self.model_id, line_item, _key_text(key)) for key in gone),
        )

    def _drop_cells(self, list_id: str, items: set[int]) -> None:
        """Cells whose coordinates or values name an item that is gone are gone too."""
        for module in self.definitions.modules.values():
            axes = [n for n, axis in enumerate(module.dimensions) if axis == list_id]
            for line_item in module.line_items:
                cells = self.cells[line_item.id]
                is_pointer = line_item.list_id == list_id
                gone: dict[Key, Any] = {
                    key: None
                    for key, value in cells.items()
                    if any(key[n] in items for n in axes) or (is_pointer and value in items)
                }
                self._save_cells(line_item.id, gone)


def _is_blank(value: Cell | None) -> bool:
    return value is None or value == "" or value is False or value == 0


def _key_text(key: Key) -> str:
    return ",".join(map(str, key))
