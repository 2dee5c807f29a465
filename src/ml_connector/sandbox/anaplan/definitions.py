"""What a model is made of, apart from its data: lists, modules, sources, actions.

Every definition goes to and from plain JSON, so that a model builder's change (a renamed
import, another header) survives a restart like everything else.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeVar

TIME_ID = "20000000003"
VERSIONS_ID = "20000000020"
LINE_ITEMS_ID = "20000000012"
USERS_ID = "101999999999"


@dataclass(slots=True, kw_only=True)
class ListDef:
    """A list; `block` is the leading three digits of its items' ids."""

    id: str
    name: str
    block: int
    numbered: bool = False
    production: bool = False
    properties: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class LineItemDef:
    """A line item; format NUMBER, TEXT, BOOLEAN, DATE, LIST or TIME PERIOD."""

    id: str
    name: str
    format: str = "NUMBER"
    list_id: str = ""
    formula: str = ""


@dataclass(slots=True, kw_only=True)
class ModuleDef:
    """A module; the axes of its default view name dimension ids."""

    id: str
    name: str
    dimensions: list[str]
    line_items: list[LineItemDef]
    rows: list[str]
    columns: list[str]

    @property
    def pages(self) -> list[str]:
        """The dimensions (line items counted as one) on neither rows nor columns."""
        shown = {*self.rows, *self.columns}
        return [axis for axis in (*self.dimensions, LINE_ITEMS_ID) if axis not in shown]


@dataclass(slots=True, kw_only=True)
class SourceDef:
    """An import data source: how its uploads are parsed. `audience` is of its default file."""

    id: str
    name: str
    separator: str = ","
    delimiter: str = '"'
    encoding: str = "UTF-8"
    header_row: int = 1
    first_data_row: int = 2
    format: str = "txt"
    audience: str = ""


@dataclass(slots=True, kw_only=True)
class ImportDef:
    """An import: which column of which source feeds what.

    `columns` maps targets to header texts. Targets of a list import are code, name, parent
    and `property:<name>`; those of a module import are dimension ids and line item ids.
    `ask` maps an entity type ("Version") to the dimension that each run must name.
    """

    id: str
    name: str
    kind: str
    target: str
    source: str = ""
    headers: list[str] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    on_duplicate: str = "first"
    on_blank: str = "clear"
    decimal_separator: str = "."
    ask: dict[str, str] = field(default_factory=dict)
    from_model: str = ""


@dataclass(slots=True, kw_only=True)
class ExportDef:
    """An export of one module; its output file has the export's own id.

    `separator` is that of the format where it is empty. `labels` names what stands for a
    dimension instead of the display names: `Code`, `Name` or both, a column each. `every_item`
    wants a row for each item, not only for those with a value. `audience` is of the output:
    the runner alone, or `admins` or `everyone`, who all see the file of the last run.
    """

    id: str
    name: str
    module: str
    layout: str = "TABULAR_MULTI_COLUMN"
    format: str = "text/csv"
    encoding: str = "UTF-8"
    separator: str = ""
    delimiter: str = '"'
    labels: dict[str, list[str]] = field(default_factory=dict)
    every_item: bool = False
    audience: str = ""


@dataclass(slots=True, kw_only=True)
class ActionDef:
    """Another action; DELETE_BY_SELECTION empties the list `target`."""

    id: str
    name: str
    type: str
    target: str = ""


@dataclass(slots=True, kw_only=True)
class ProcessDef:
    """A process: ids of imports, exports and actions in running order."""

    id: str
    name: str
    steps: list[str]


@dataclass(slots=True, kw_only=True)
class Definitions:
    """Everything defined in one model, each kind by id in the model's order."""

    lists: dict[str, ListDef] = field(default_factory=dict)
    modules: dict[str, ModuleDef] = field(default_factory=dict)
    sources: dict[str, SourceDef] = field(default_factory=dict)
    imports: dict[str, ImportDef] = field(default_factory=dict)
    exports: dict[str, ExportDef] = field(default_factory=dict)
    actions: dict[str, ActionDef] = field(default_factory=dict)
    processes: dict[str, ProcessDef] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    current_period: str = "Oct 26"

    def find_step(self, step_id: str) -> ImportDef | ExportDef | ActionDef | None:
        """The runnable thing with this id (processes apart), or None."""
        for kind in (self.imports, self.exports, self.actions):
            if step_id in kind:
                found: ImportDef | ExportDef | ActionDef = kind[step_id]
                return found
        return None

    def find_line_item(self, line_item_id: str) -> tuple[ModuleDef, LineItemDef] | None:
        """The line item with its module, or None."""
        for module in self.modules.values():
            for item in module.line_items:
                if item.id == line_item_id:
                    return module, item
        return None


_KINDS: Mapping[str, type[Any]] = {
    "lists": ListDef,
    "modules": ModuleDef,
    "sources": SourceDef,
    "imports": ImportDef,
    "exports": ExportDef,
    "actions": ActionDef,
    "processes": ProcessDef,
}
_T = TypeVar("_T")


def by_id(*definitions: _T) -> dict[str, _T]:
    """The definitions keyed by their ids."""
    return {getattr(one, "id"): one for one in definitions}  # noqa: B009 - no common base, by choice


def find_named(kind: dict[str, Any], wanted: str) -> Any:
    """Return the definition with this id or name; LookupError when there is none."""
    for one in kind.values():
        if wanted in {one.id, one.name}:
            return one
    raise LookupError(f"There is no {wanted!r}.")


def definitions_as_json(definitions: Definitions) -> dict[str, Any]:
    """The plain JSON of all definitions."""
    return asdict(definitions)


def parse_definitions(stored: Mapping[str, Any]) -> Definitions:
    """The definitions of plain JSON written by `definitions_as_json`."""
    values: dict[str, Any] = {}
    for one in fields(Definitions):
        value = stored[one.name]
        if one.name in _KINDS:
            value = {key: _KINDS[one.name](**entry) for key, entry in value.items()}
        values[one.name] = value
    for module in values["modules"].values():
        module.line_items = [LineItemDef(**item) for item in module.line_items]
    return Definitions(**values)
