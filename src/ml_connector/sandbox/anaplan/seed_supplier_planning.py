"""What the finance model has for planners who revise suppliers: a module by supplier.

A module and not more properties of the list: only line items have formats that an export tells,
and loading the list anew leaves alone what planners have written.
"""

from ml_connector.sandbox.anaplan.definitions import (
    LINE_ITEMS_ID,
    Definitions,
    ExportDef,
    ImportDef,
    LineItemDef,
    ModuleDef,
    SourceDef,
    by_id,
)

PLANNING = "102000000006"
PLANNING_SOURCE = "113000000014"
PLANNING_IMPORT = "112000000015"
REVISIONS_EXPORT = "116000000006"
LABELS = ("Code", "Name")
"""What an export shows of the supplier itself; the name is that of the list's item."""
LINE_ITEMS = (
    LineItemDef(id="225000000001", name="Alias", format="TEXT"),
    LineItemDef(id="225000000002", name="Alternate Name", format="TEXT"),
    LineItemDef(id="225000000003", name="Corporate Website", format="TEXT"),
    LineItemDef(id="225000000004", name="D-U-N-S", format="TEXT"),
    LineItemDef(id="225000000005", name="Inactive Date", format="DATE"),
    LineItemDef(id="225000000006", name="One-Time", format="BOOLEAN"),
    LineItemDef(id="225000000007", name="Year Established"),
    LineItemDef(id="225000000008", name="Customer Number", format="TEXT"),
)
"""What planners revise; nothing is filled until an import or a person does."""


def add_supplier_planning(model: Definitions, *, suppliers: str) -> None:
    """The model has the module, the import that fills it and the export of what was revised."""
    items = [LineItemDef(id=one.id, name=one.name, format=one.format) for one in LINE_ITEMS]
    module = ModuleDef(
        id=PLANNING,
        name="Supplier Planning",
        dimensions=[suppliers],
        line_items=items,
        rows=[suppliers],
        columns=[LINE_ITEMS_ID],
    )
    export = ExportDef(
        id=REVISIONS_EXPORT,
        name="Supplier Revisions",
        module=PLANNING,
        labels={suppliers: list(LABELS)},
        every_item=True,
    )
    model.modules |= by_id(module)
    model.sources |= by_id(SourceDef(id=PLANNING_SOURCE, name="supplier_planning.csv"))
    model.imports |= by_id(_import(suppliers))
    model.exports |= by_id(export)


def _import(suppliers: str) -> ImportDef:
    """The column Name is there for people; it is mapped to nothing."""
    return ImportDef(
        id=PLANNING_IMPORT,
        name="Load Supplier Planning",
        kind="MODULE_DATA",
        target=PLANNING,
        source=PLANNING_SOURCE,
        headers=[*LABELS, *(item.name for item in LINE_ITEMS)],
        columns={suppliers: "Code", **{item.id: item.name for item in LINE_ITEMS}},
    )
