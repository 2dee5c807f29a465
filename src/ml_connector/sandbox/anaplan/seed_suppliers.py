"""What the finance model has for suppliers: two lists, and what planners revise of one."""

from ml_connector.sandbox.anaplan.definitions import (
    Definitions,
    ImportDef,
    ListDef,
    SourceDef,
    by_id,
)
from ml_connector.sandbox.anaplan.seed_supplier_planning import add_supplier_planning

SUPPLIERS, SITES = "101000000009", "101000000010"
_LISTS = (
    (SUPPLIERS, "Suppliers", "113000000012"),
    (SITES, "Supplier Sites", "113000000013"),
)
_PROPERTIES = {
    SUPPLIERS: (
        "Status", "Inactive Date", "Type", "Tax Country", "Tax Organisation", "One-Time",
    ),
    SITES: (
        "Supplier", "Procurement Unit", "City", "Country", "Purposes", "Payment Terms", "Status",
        "Inactive Date",
    ),
}  # fmt: skip


def add_suppliers(model: Definitions) -> None:
    """The model has both lists, the imports that fill them, and the planners' module."""
    model.lists |= by_id(*_lists())
    model.sources |= by_id(
        *(
            SourceDef(id=source, name=f"{name.lower().replace(' ', '_')}.csv")
            for _, name, source in _LISTS
        )
    )
    model.imports |= by_id(*_imports())
    add_supplier_planning(model, suppliers=SUPPLIERS)


def _lists() -> list[ListDef]:
    return [
        ListDef(id=key, name=name, block=block, properties=dict.fromkeys(_PROPERTIES[key], "TEXT"))
        for block, (key, name, _) in enumerate(_LISTS, start=209)
    ]


def _imports() -> list[ImportDef]:
    return [
        ImportDef(
            id=f"1120000000{n}",
            name=f"Load {name}",
            kind="HIERARCHY_DATA",
            target=key,
            source=source,
            headers=["Code", "Name", *_PROPERTIES[key]],
            columns={
                "code": "Code",
                "name": "Name",
                **{f"property:{text}": text for text in _PROPERTIES[key]},
            },
        )
        for n, (key, name, source) in enumerate(_LISTS, start=13)
    ]
