"""A small model with one of everything: formats, encodings, layouts, odd imports, processes."""

from ml_connector.sandbox.anaplan.definitions import (
    LINE_ITEMS_ID,
    TIME_ID,
    VERSIONS_ID,
    ActionDef,
    Definitions,
    ExportDef,
    ImportDef,
    LineItemDef,
    ListDef,
    ModuleDef,
    ProcessDef,
    SourceDef,
    by_id,
)
from ml_connector.sandbox.anaplan.seed import FINANCE_MODEL, VERSIONS

PRODUCTS, REGIONS, TICKETS = "101000000001", "101000000002", "101000000003"
FACTS, SALES = "102000000001", "102000000002"
FACT_ITEMS = {
    "Quantity": "220000000001",
    "Note": "220000000002",
    "Since": "220000000003",
    "Active": "220000000004",
    "Region": "220000000005",
    "Double Quantity": "220000000006",
}
REVENUE = "221000000001"


def lab_definitions() -> Definitions:
    """Lists plain, hierarchical and numbered; every format, encoding, layout and action kind."""
    return Definitions(
        lists=by_id(
            ListDef(id=PRODUCTS, name="Products", block=201, properties={"Weight": "NUMBER"}),
            ListDef(id=REGIONS, name="Regions", block=202),
            ListDef(id=TICKETS, name="Tickets", block=203, numbered=True, production=True),
        ),
        modules=by_id(_facts(), _sales()),
        sources=by_id(*_sources()),
        imports=by_id(*_list_imports(), *_module_imports(), *_odd_imports()),
        exports=by_id(*_exports()),
        actions=by_id(*_actions()),
        processes=by_id(*_processes()),
        versions=dict(VERSIONS),
    )


def _sources() -> list[SourceDef]:
    return [
        SourceDef(id="113000000001", name="products.csv"),
        SourceDef(id="113000000002", name="facts.txt", separator="\t", encoding="ISO-8859-1"),
        SourceDef(id="113000000003", name="sales.txt", separator=";", encoding="UTF-16LE"),
        SourceDef(id="113000000004", name="regions.csv", delimiter=""),
        SourceDef(id="113000000005", name="#T & #R.csv", audience="everyone"),
    ]


def _exports() -> list[ExportDef]:
    single = "TABULAR_SINGLE_COLUMN"
    return [
        ExportDef(id="116000000001", name="Sales by row.csv", module=SALES),
        ExportDef(
            id="116000000002",
            name="Sales single.txt",
            module=SALES,
            layout=single,
            format="text/plain",
        ),
        ExportDef(id="116000000003", name="Sales grid.csv", module=SALES, layout="GRID_ALL_PAGES"),
        ExportDef(id="116000000004", name="Facts.csv", module=FACTS),
    ]


def _actions() -> list[ActionDef]:
    delete = "DELETE_BY_SELECTION"
    return [
        ActionDef(id="117000000001", name="Delete Products", type=delete, target=PRODUCTS),
        ActionDef(id="117000000002", name="Order Regions", type="ORDER_HIERARCHY"),
        ActionDef(id="117000000003", name="Optimise", type="OPTIMIZER"),
    ]


def _processes() -> list[ProcessDef]:
    steps = {
        "Load then delete": ["112000000001", "112000000002", "117000000001"],
        "Load and export": ["112000000001", "116000000004"],
        "Fails in the middle": ["112000000001", "112000000006", "112000000004"],
    }
    return [
        ProcessDef(id=f"11800000000{n}", name=name, steps=ids)
        for n, (name, ids) in enumerate(steps.items(), start=1)
    ]


def _facts() -> ModuleDef:
    items = FACT_ITEMS
    return ModuleDef(
        id=FACTS,
        name="Facts",
        dimensions=[PRODUCTS],
        line_items=[
            LineItemDef(id=items["Quantity"], name="Quantity"),
            LineItemDef(id=items["Note"], name="Note", format="TEXT"),
            LineItemDef(id=items["Since"], name="Since", format="DATE"),
            LineItemDef(id=items["Active"], name="Active", format="BOOLEAN"),
            LineItemDef(id=items["Region"], name="Region", format="LIST", list_id=REGIONS),
            LineItemDef(
                id=items["Double Quantity"], name="Double Quantity", formula="Quantity * 2"
            ),
        ],
        rows=[PRODUCTS],
        columns=[LINE_ITEMS_ID],
    )


def _sales() -> ModuleDef:
    return ModuleDef(
        id=SALES,
        name="Sales",
        dimensions=[PRODUCTS, REGIONS, VERSIONS_ID, TIME_ID],
        line_items=[LineItemDef(id=REVENUE, name="Revenue")],
        rows=[PRODUCTS],
        columns=[TIME_ID],
    )


def _list_imports() -> list[ImportDef]:
    return [
        ImportDef(
            id="112000000001",
            name="Products from file",
            kind="HIERARCHY_DATA",
            target=PRODUCTS,
            source="113000000001",
            headers=["Code", "Name", "Weight"],
            columns={"code": "Code", "name": "Name", "property:Weight": "Weight"},
        ),
        ImportDef(
            id="112000000004",
            name="Regions from file, no duplicates",
            kind="HIERARCHY_DATA",
            target=REGIONS,
            source="113000000004",
            headers=["Code", "Name", "Parent"],
            columns={"code": "Code", "name": "Name", "parent": "Parent"},
            on_duplicate="reject",
        ),
    ]


def _module_imports() -> list[ImportDef]:
    facts = list(FACT_ITEMS)
    sales = ["Product", "Region", "Month", "Revenue"]
    return [
        ImportDef(
            id="112000000002",
            name="Facts from file",
            kind="MODULE_DATA",
            target=FACTS,
            source="113000000002",
            headers=["Product", *facts],
            columns={PRODUCTS: "Product", **{FACT_ITEMS[name]: name for name in facts}},
        ),
        ImportDef(
            id="112000000003",
            name="Sales from file, ask version",
            kind="MODULE_DATA",
            target=SALES,
            source="113000000003",
            headers=sales,
            columns=dict(zip([PRODUCTS, REGIONS, TIME_ID, REVENUE], sales, strict=True)),
            decimal_separator=",",
            ask={"Version": VERSIONS_ID},
        ),
    ]


def _odd_imports() -> list[ImportDef]:
    """Two from other models (one of them gone), and the kinds that load no data."""
    return [
        ImportDef(
            id="112000000005",
            name="Entities from Finance Planning",
            kind="HIERARCHY_DATA",
            target=REGIONS,
            from_model=FINANCE_MODEL,
        ),
        ImportDef(
            id="112000000006",
            name="Entities from a vanished model",
            kind="HIERARCHY_DATA",
            target=REGIONS,
            from_model="0" * 32,
        ),
        ImportDef(id="112000000007", name="People", kind="USERS", target=""),
        ImportDef(id="112000000008", name="Versions", kind="VERSIONS", target=""),
        ImportDef(id="112000000009", name="Line items", kind="LINE_ITEM_DEFINITION", target=SALES),
    ]
