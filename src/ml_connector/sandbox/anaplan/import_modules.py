"""Imports into modules: rows become cells; equal keys of one file are summed."""

from collections import Counter
from collections.abc import Iterator, Mapping

from ml_connector.sandbox.anaplan.data import Cell, Changes, Key, ModelData
from ml_connector.sandbox.anaplan.definitions import (
    TIME_ID,
    VERSIONS_ID,
    ImportDef,
    LineItemDef,
    ModuleDef,
)
from ml_connector.sandbox.anaplan.import_lists import Table
from ml_connector.sandbox.anaplan.results import Outcome, Rejected, detail, error_details, failed
from ml_connector.sandbox.anaplan.values import ValueRefusedError, parse_cell


class _AggregateError(Exception):
    """The row aims at a parent; such rows are ignored without a trace in the dump."""


class ModuleImport:
    """One run of a module import; nothing of the model is changed until the commit."""

    def __init__(
        self, definition: ImportDef, model: ModelData, *, asked: Mapping[str, int], strict: bool
    ) -> None:
        self._definition = definition
        self._module: ModuleDef = model.definitions.modules[definition.target]
        self._model = model
        self._asked = asked
        self._strict = strict
        self._names = {axis: model.names(axis) for axis in self._module.dimensions}
        self._leaves = {axis: model.leaves(axis) for axis in self._module.dimensions}
        self._cells: dict[str, dict[Key, Cell | None]] = {}
        self._failed: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()
        self._rejected: list[Rejected] = []
        self._ignored = 0

    def run(self, table: Table, *, fail_on_missing: bool) -> tuple[Outcome, Changes]:
        """The outcome and what is to be committed."""
        one = self._definition
        columns = table.positions(one)
        axes = [(axis, columns.get(axis, -1)) for axis in self._module.dimensions]
        missing = [axis for axis, n in axes if n < 0 and axis not in self._asked]
        lost = [target for target in one.columns if target not in columns]
        if missing or (lost and fail_on_missing):
            texts = [one.columns[target] for target in lost]
            return failed(one.id, one.name, "missingFields", f"Missing: {texts}"), Changes()
        items = [item for item in self._module.line_items if item.id in columns]
        readers = [(item, columns[item.id], self._members(item)) for item in items]
        for line, row in table.rows:
            self._load_row(line, row, axes, readers)
        return self._outcome(table, items), Changes(cells=self._cells)

    def _load_row(
        self,
        line: int,
        row: list[str],
        axes: list[tuple[str, int]],
        readers: list[tuple[LineItemDef, int, Mapping[str, int]]],
    ) -> None:
        if not any(row):
            self._ignored += 1
            return
        try:
            key = tuple([self._coordinate(row, axis, n) for axis, n in axes])
        except _AggregateError:
            self._ignored += 1
            return
        except ValueRefusedError as error:
            self._errors[error.kind] += 1
            for item, _, _ in readers:
                self._failed[item.id] += 1
            self._rejected.append(Rejected(status="E", row=row, line=line, errors=[error.text]))
            return
        errors = list(self._load_cells(key, row, readers))
        if errors:
            status = "E" if len(errors) == len(readers) else "W"
            self._rejected.append(Rejected(status=status, row=row, line=line, errors=errors))

    def _coordinate(self, row: list[str], axis: str, column: int) -> int:
        if column < 0:
            return self._asked[axis]
        text = row[column].strip() if column < len(row) else ""
        found = self._names[axis].get(text)
        if found is None:
            raise self._unknown(axis, text)
        if found not in self._leaves[axis]:
            raise _AggregateError
        return found

    def _unknown(self, axis: str, text: str) -> ValueRefusedError:
        if axis == TIME_ID:
            kind = "moduleImportInvalidTimeEntityIdentifier"
            return ValueRefusedError(kind, f"Item not located in Time: {text}")
        lists = self._model.definitions.lists
        name = "Versions" if axis == VERSIONS_ID else lists[axis].name
        kind = "moduleImportInvalidListIdentifier"
        return ValueRefusedError(kind, f"Item not located in {name} list: {text}")

    def _load_cells(
        self,
        key: Key,
        row: list[str],
        readers: list[tuple[LineItemDef, int, Mapping[str, int]]],
    ) -> Iterator[str]:
        for item, column, members in readers:
            text = row[column].strip() if column < len(row) else ""
            if item.formula:
                continue
            if not text:
                self._load_blank(key, item)
                continue
            try:
                value = self._parse(text, item, members)
            except ValueRefusedError as error:
                self._errors[error.kind] += 1
                self._failed[item.id] += 1
                yield error.text
                continue
            self._set(key, item, value)

    def _parse(self, text: str, item: LineItemDef, members: Mapping[str, int]) -> Cell:
        return parse_cell(
            text,
            item,
            members=members,
            decimal_separator=self._definition.decimal_separator,
            strict=self._strict,
        )

    def _load_blank(self, key: Key, item: LineItemDef) -> None:
        if self._definition.on_blank == "clear":
            self._cells.setdefault(item.id, {}).setdefault(key, None)

    def _set(self, key: Key, item: LineItemDef, value: Cell) -> None:
        cells = self._cells.setdefault(item.id, {})
        before = cells.get(key)
        if item.format == "NUMBER" and before is not None:
            value = float(before) + float(value)
        cells[key] = value

    def _members(self, item: LineItemDef) -> Mapping[str, int]:
        if item.format == "LIST":
            return self._model.names(item.list_id)
        return self._model.names(TIME_ID) if item.format == "TIME PERIOD" else {}

    def _outcome(self, table: Table, items: list[LineItemDef]) -> Outcome:
        kind = "lineItemRowsProcessedWithFailures" if self._rejected else "lineItemRowsProcessed"
        return Outcome(
            object_id=self._definition.id,
            object_name=self._definition.name,
            details=[self._detail(kind, item) for item in items] + error_details(self._errors),
            headers=table.headers,
            rejected=self._rejected,
            ignored=self._ignored,
        )

    def _detail(self, kind: str, item: LineItemDef) -> dict[str, object]:
        # No public sample of this detail exists: its text and values are the sandbox's own.
        count = len(self._cells.get(item.id, {}))
        values = {
            "lineItemName": item.name,
            "cellCount": count,
            "failedCount": self._failed[item.id],
            "ignoredCount": self._ignored,
        }
        return detail(kind, f"{item.name}: {count} cells", values)
