"""What the finance model has for the books of JD Edwards, beside those of Fusion.

Lists of their own keep the two apart: both ERPs have an account 1110 and a business unit 30, and
neither means the other's. Currencies, versions and time are shared.
"""

from ml_connector.sandbox.anaplan.definitions import (
    TIME_ID,
    VERSIONS_ID,
    Definitions,
    ExportDef,
    ImportDef,
    LineItemDef,
    ListDef,
    ModuleDef,
    SourceDef,
    by_id,
)
from ml_connector.sandbox.anaplan.seed_jde_budget import add_jde_budget

COMPANIES, ACCOUNTS, BUSINESS_UNITS = "101000000006", "101000000007", "101000000008"
ACTUALS, AMOUNT = "102000000004", "223000000001"
_HEADERS = ["Company", "Account", "Business Unit", "Currency", "Version", "Period", "Amount"]
_LISTS = (
    (COMPANIES, "JDE Companies", "113000000008", ["Code", "Name", "Parent"]),
    (ACCOUNTS, "JDE Accounts", "113000000009", ["Code", "Name", "Parent", "Account Type"]),
    (BUSINESS_UNITS, "JDE Business Units", "113000000010", ["Code", "Name", "Parent"]),
)
_SOURCES = {
    "113000000008": "jde_companies.csv",
    "113000000009": "jde_accounts.csv",
    "113000000010": "jde_business_units.csv",
    "113000000011": "jde_actuals.csv",
}


def add_jde(model: Definitions, *, currencies: str) -> None:
    """The model has the lists, the module and the actions; `currencies` is its list of them."""
    dimensions = [COMPANIES, ACCOUNTS, BUSINESS_UNITS, currencies, VERSIONS_ID, TIME_ID]
    model.lists |= by_id(*_lists())
    model.modules |= by_id(_module(dimensions))
    model.sources |= by_id(*(SourceDef(id=key, name=name) for key, name in _SOURCES.items()))
    model.imports |= by_id(*_list_imports(), _module_import(dimensions))
    model.exports |= by_id(ExportDef(id="116000000004", name="Export JDE Actuals", module=ACTUALS))
    add_jde_budget(model, companies=COMPANIES, accounts=ACCOUNTS, units=BUSINESS_UNITS)


def _lists() -> list[ListDef]:
    properties = {ACCOUNTS: {"Account Type": "TEXT"}}
    return [
        ListDef(id=key, name=name, block=block, properties=properties.get(key, {}))
        for block, (key, name, _, _) in enumerate(_LISTS, start=206)
    ]


def _module(dimensions: list[str]) -> ModuleDef:
    return ModuleDef(
        id=ACTUALS,
        name="JDE Actuals",
        dimensions=list(dimensions),
        line_items=[LineItemDef(id=AMOUNT, name="Amount")],
        rows=[ACCOUNTS],
        columns=[TIME_ID],
    )


def _list_imports() -> list[ImportDef]:
    targets = {"Code": "code", "Name": "name", "Parent": "parent"}
    return [
        ImportDef(
            id=f"1120000000{n:02}",
            name=f"Load {name}",
            kind="HIERARCHY_DATA",
            target=key,
            source=source,
            headers=list(headers),
            columns={targets.get(text, f"property:{text}"): text for text in headers},
        )
        for n, (key, name, source, headers) in enumerate(_LISTS, start=9)
    ]


def _module_import(dimensions: list[str]) -> ImportDef:
    return ImportDef(
        id="112000000012",
        name="Load JDE Actuals",
        kind="MODULE_DATA",
        target=ACTUALS,
        source="113000000011",
        headers=list(_HEADERS),
        columns=dict(zip([*dimensions, AMOUNT], _HEADERS, strict=True)),
        on_blank="keep",
    )
