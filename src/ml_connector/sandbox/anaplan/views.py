"""Reading cells: leaves for exports, grids with their totals for views."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from ml_connector.sandbox.anaplan.celltexts import CellTexts
from ml_connector.sandbox.anaplan.data import Cell, Cells, Key, ModelData
from ml_connector.sandbox.anaplan.definitions import (
    LINE_ITEMS_ID,
    TIME_ID,
    VERSIONS_ID,
    LineItemDef,
    ModuleDef,
)

CELLS_MAX = 1_000_000
_TIMES = re.compile(r"(?P<source>.+) \* (?P<factor>\d+)")


class TooManyCellsError(Exception):
    """The view holds more cells than one read may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """One page of a view: texts in rows and columns."""

    pages: list[str]
    columns: list[str]
    rows: list[tuple[str, list[str]]]


class ModuleReader:
    """The cells of one module as texts, from the present content of the model."""

    def __init__(self, model: ModelData, module: ModuleDef, texts: CellTexts | None = None) -> None:
        self.model = model
        self.module = module
        self._texts = texts or CellTexts()
        self._shown = {axis: model.shown(axis) for axis in module.dimensions}
        self._pointed = {
            item.id: model.shown(item.list_id or TIME_ID)
            for item in module.line_items
            if item.format in {"LIST", "TIME PERIOD"}
        }

    def axis_name(self, axis: str) -> str:
        """The dimension's name as headers show it."""
        fixed = {TIME_ID: "Time", VERSIONS_ID: "Versions", LINE_ITEMS_ID: "Line Items"}
        return fixed.get(axis) or self.model.definitions.lists[axis].name

    def members(self, axis: str) -> dict[int, str]:
        """Display names by id, in the model's order."""
        if axis == LINE_ITEMS_ID:
            return {int(item.id): item.name for item in self.module.line_items}
        return self._shown[axis]

    def leaf_keys(self) -> list[Key]:
        """The leaf coordinates where any line item has a value, in the model's order."""
        found: set[Key] = set()
        for item in self.module.line_items:
            found.update(self.cells(item))
        leaves = [self.model.leaves(axis) for axis in self.module.dimensions]
        orders = [
            {member: n for n, member in enumerate(self._shown[axis])}
            for axis in self.module.dimensions
        ]
        kept = [key for key in found if all(m in s for m, s in zip(key, leaves, strict=True))]
        return sorted(kept, key=lambda key: [o[m] for m, o in zip(key, orders, strict=True)])

    def every_key(self) -> list[Key]:
        """The coordinates of every item, with or without a value, in the model's order."""
        return list(product(*(self._shown[axis] for axis in self.module.dimensions)))

    def cells(self, item: LineItemDef) -> Cells:
        """The values of a line item; a formula is worked out."""
        match = _TIMES.fullmatch(item.formula)
        if match is None:
            return self.model.cells[item.id]
        source = next(one for one in self.module.line_items if one.name == match["source"])
        factor = float(match["factor"])
        return {key: float(value) * factor for key, value in self.model.cells[source.id].items()}

    def coordinates(self, key: Key) -> list[str]:
        """The display names of the coordinates."""
        return [self._shown[axis][m] for axis, m in zip(self.module.dimensions, key, strict=True)]

    def label(self, axis: str, member: int, label: str) -> str:
        """The code or the name of a list's item."""
        item = self.model.lists[axis].items[member]
        return item.code if label == "Code" else item.name

    def text(self, item: LineItemDef, value: Cell | None) -> str:
        """The value as exports print it."""
        match item.format:
            case "NUMBER":
                return self._texts.number(float(value or 0))
            case "BOOLEAN":
                return self._texts.boolean(value=bool(value))
            case "DATE":
                return self._texts.date(str(value)) if value else self._texts.blank
            case "LIST" | "TIME PERIOD":
                return self._pointed[item.id].get(int(value or 0), self._texts.blank)
            case _:
                return str(value or self._texts.blank)

    def default_pages(self) -> dict[str, int]:
        """The first member of every page axis."""
        return {axis: next(iter(self.members(axis)), 0) for axis in self.module.pages}

    def all_pages(self) -> Iterator[dict[str, int]]:
        """Every combination of page members."""
        axes = self.module.pages
        for chosen in product(*(self.members(axis) for axis in axes)):
            yield dict(zip(axes, chosen, strict=True))

    def read_grid(self, pages: Mapping[str, int]) -> Grid:
        """The page of the view chosen by one member for each page axis."""
        row_axis, column_axis = self.module.rows[0], self.module.columns[0]
        rows, columns = self.members(row_axis), self.members(column_axis)
        if len(rows) * len(columns) > CELLS_MAX:
            raise TooManyCellsError
        values: dict[tuple[int, int], str] = {}
        blank = "0"
        for item in self.module.line_items:
            if pages.get(LINE_ITEMS_ID, int(item.id)) == int(item.id):
                blank = self.text(item, None)
                values |= self._item_values(item, pages, row_axis, column_axis)
        shown = [self.members(axis)[member] for axis, member in pages.items() if member]
        table = [(name, [values.get((r, c), blank) for c in columns]) for r, name in rows.items()]
        return Grid(pages=shown, columns=list(columns.values()), rows=table)

    def _item_values(
        self, item: LineItemDef, pages: Mapping[str, int], row_axis: str, column_axis: str
    ) -> dict[tuple[int, int], str]:
        """The texts of one line item, its totals included where it is a number."""
        above = [self._lineages(axis, sums=item.format == "NUMBER") for axis in self._axes()]
        places = {axis: n for n, axis in enumerate(self.module.dimensions)}
        own = [int(item.id)]
        summed: dict[tuple[int, int], Cell] = {}
        for key, value in self.cells(item).items():
            lineage = [lines.get(m, []) for lines, m in zip(above, key, strict=True)]
            if any(
                axis in places and member not in lineage[places[axis]]
                for axis, member in pages.items()
            ):
                continue
            rows = lineage[places[row_axis]] if row_axis in places else own
            columns = lineage[places[column_axis]] if column_axis in places else own
            for place in product(rows, columns):
                before = summed.get(place)
                is_sum = item.format == "NUMBER" and before is not None
                summed[place] = float(before or 0) + float(value) if is_sum else value
        blank = self.text(item, None)
        texts = {place: self.text(item, value) for place, value in summed.items()}
        if LINE_ITEMS_ID in {row_axis, column_axis}:
            texts = self._with_blanks(item, texts, blank, row_axis)
        return texts

    def _with_blanks(
        self, item: LineItemDef, texts: dict[tuple[int, int], str], blank: str, row_axis: str
    ) -> dict[tuple[int, int], str]:
        """Line items side by side have different blanks, so each fills its own line."""
        if row_axis == LINE_ITEMS_ID:
            others = self.members(self.module.columns[0])
            return {(int(item.id), other): blank for other in others} | texts
        return {(other, int(item.id)): blank for other in self.members(row_axis)} | texts

    def _axes(self) -> list[str]:
        return self.module.dimensions

    def _lineages(self, axis: str, *, sums: bool) -> dict[int, list[int]]:
        """For each leaf: itself and, where values add up, all items above it."""
        parents = self.model.parents(axis)
        lines: dict[int, list[int]] = {}
        for leaf in self.model.leaves(axis):
            line, member = [leaf], parents.get(leaf, 0)
            while sums and member:
                line.append(member)
                member = parents.get(member, 0)
            lines[leaf] = line
        return lines
