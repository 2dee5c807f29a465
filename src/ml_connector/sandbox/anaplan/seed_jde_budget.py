"""What the finance model has for approved budgets: a module by company, and its export.

A budget is planned in each company's own currency, so the module has no dimension for it.
"""

from ml_connector.sandbox.anaplan.definitions import (
    TIME_ID,
    VERSIONS_ID,
    Definitions,
    ExportDef,
    LineItemDef,
    ModuleDef,
    by_id,
)

BUDGET, AMOUNT = "102000000005", "224000000001"
BUDGET_EXPORT = "116000000005"


def add_jde_budget(model: Definitions, *, companies: str, accounts: str, units: str) -> None:
    """The model has the module and the export; the lists it is made of are there already."""
    module = ModuleDef(
        id=BUDGET,
        name="JDE Budget",
        dimensions=[companies, accounts, units, VERSIONS_ID, TIME_ID],
        line_items=[LineItemDef(id=AMOUNT, name="Amount")],
        rows=[accounts],
        columns=[TIME_ID],
    )
    model.modules |= by_id(module)
    model.exports |= by_id(ExportDef(id=BUDGET_EXPORT, name="Export JDE Budget", module=BUDGET))
