"""The tenant as it is on a fresh state folder: people, workspaces, models and their content."""

from dataclasses import asdict, dataclass, field
from typing import Any

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
from ml_connector.sandbox.anaplan.seed_jde import add_jde
from ml_connector.sandbox.anaplan.seed_suppliers import add_suppliers

CUSTOMER_ID = "8b81da6f5fb6b75701604d6c950c05b1"
FINANCE_WORKSPACE = "8a868cd97b120fc7017b36d7331d0001"
LAB_WORKSPACE = "8a868cd97b120fc7017b36d7331d0002"
FINANCE_MODEL = "F1A2B3C4D5E64F708192A3B4C5D6E701"
LAB_MODEL = "F1A2B3C4D5E64F708192A3B4C5D6E702"
LOCKED_MODEL = "F1A2B3C4D5E64F708192A3B4C5D6E703"
ARCHIVED_MODEL = "F1A2B3C4D5E64F708192A3B4C5D6E704"
MAINTENANCE_MODEL = "F1A2B3C4D5E64F708192A3B4C5D6E705"
PRODUCTION_MODEL = "F1A2B3C4D5E64F708192A3B4C5D6E706"
CLOSED_MODEL = "F1A2B3C4D5E64F708192A3B4C5D6E707"
OAUTH_DEVICE_CLIENT = "halden-device-client"
OAUTH_CODE_CLIENT = "halden-code-client"
OAUTH_CODE_SECRET = "halden-code-secret"  # noqa: S105 - a seeded value of the sandbox, no secret

ENTITIES, ACCOUNTS = "101000000001", "101000000002"
COST_CENTRES, CURRENCIES, JOURNAL_ITEMS = "101000000003", "101000000004", "101000000005"
ACTUALS, ACTUALS_ENTERED, JOURNAL_ITEM_DATA = "102000000001", "102000000002", "102000000003"
LEDGER_DIMENSIONS = [ENTITIES, ACCOUNTS, COST_CENTRES, CURRENCIES, VERSIONS_ID, TIME_ID]
VERSIONS = {"107000000001": "Actual", "107000000002": "Budget", "107000000003": "Forecast"}
_LEDGER_HEADERS = ["Entity", "Account", "Cost Centre", "Currency", "Version", "Period", "Amount"]


@dataclass(slots=True, kw_only=True)
class UserSeed:
    """One person; `admin_of` names workspaces, `no_access` models."""

    id: str
    email: str
    password: str
    first_name: str
    last_name: str
    tenant_admin: bool = False
    admin_of: list[str] = field(default_factory=list)
    no_access: list[str] = field(default_factory=list)
    certificates: list[str] = field(default_factory=list)
    active: bool = True


@dataclass(slots=True, kw_only=True)
class ModelSeed:
    """One model; `is_closed` means that the first call has to load it."""

    id: str
    name: str
    workspace: str
    state: str = "UNLOCKED"
    is_closed: bool = False
    serial: int = 4711


def seed_users() -> dict[str, dict[str, Any]]:
    """Everyone by e-mail address, as plain JSON."""
    word = "halden-password"
    people = [
        UserSeed(
            id="8a868cd97b120fc7017b36d7331d7401",
            email="integration@halden.example",
            password=word,
            first_name="Ina",
            last_name="Integration",
            admin_of=[FINANCE_WORKSPACE, LAB_WORKSPACE],
        ),
        UserSeed(
            id="8a868cd97b120fc7017b36d7331d7402",
            email="planner@halden.example",
            password=word,
            first_name="Paul",
            last_name="Planner",
        ),
        UserSeed(
            id="8a868cd97b120fc7017b36d7331d7403",
            email="noaccess@halden.example",
            password=word,
            first_name="Nora",
            last_name="Noaccess",
            no_access=[FINANCE_MODEL, LAB_MODEL],
        ),
        UserSeed(
            id="8a868cd97b120fc7017b36d7331d7404",
            email="certificate@halden.example",
            password=word,
            first_name="Cora",
            last_name="Certificate",
            admin_of=[FINANCE_WORKSPACE],
        ),
        UserSeed(
            id="8a868cd97b120fc7017b36d7331d7405",
            email="tenant.admin@halden.example",
            password=word,
            first_name="Tessa",
            last_name="Admin",
            tenant_admin=True,
            admin_of=[FINANCE_WORKSPACE, LAB_WORKSPACE],
        ),
    ]
    return {person.email: asdict(person) for person in people}


def seed_workspaces() -> dict[str, str]:
    """Workspace names by id."""
    return {FINANCE_WORKSPACE: "Halden Finance", LAB_WORKSPACE: "Halden Lab"}


def seed_models() -> dict[str, dict[str, Any]]:
    """Every model's header by id, as plain JSON."""
    models = [
        ModelSeed(id=FINANCE_MODEL, name="Finance Planning", workspace=FINANCE_WORKSPACE),
        ModelSeed(id=LAB_MODEL, name="Lab", workspace=LAB_WORKSPACE),
        ModelSeed(id=LOCKED_MODEL, name="Locked", workspace=LAB_WORKSPACE, state="LOCKED"),
        ModelSeed(id=ARCHIVED_MODEL, name="Archive", workspace=LAB_WORKSPACE, state="ARCHIVED"),
        ModelSeed(
            id=MAINTENANCE_MODEL, name="Offline", workspace=LAB_WORKSPACE, state="MAINTENANCE"
        ),
        ModelSeed(
            id=PRODUCTION_MODEL, name="Deployed", workspace=LAB_WORKSPACE, state="PRODUCTION"
        ),
        ModelSeed(id=CLOSED_MODEL, name="Closed", workspace=LAB_WORKSPACE, is_closed=True),
    ]
    return {model.id: asdict(model) for model in models}


def seed_definitions(model_id: str) -> Definitions:
    """What the model is made of; the smaller models share one small pattern."""
    if model_id == FINANCE_MODEL:
        finance = _finance()
        add_jde(finance, currencies=CURRENCIES)
        add_suppliers(finance)
        return finance
    from ml_connector.sandbox.anaplan.seed_lab import lab_definitions  # noqa: PLC0415 - only tests.

    return lab_definitions()


def _finance() -> Definitions:
    return Definitions(
        lists=by_id(
            ListDef(id=ENTITIES, name="Entities", block=201),
            ListDef(id=ACCOUNTS, name="Accounts", block=202, properties={"Account Type": "TEXT"}),
            ListDef(id=COST_CENTRES, name="Cost Centres", block=203),
            ListDef(id=CURRENCIES, name="Currencies", block=204),
            ListDef(id=JOURNAL_ITEMS, name="Journal Items", block=205, numbered=True),
        ),
        modules=by_id(
            _ledger_module(ACTUALS, "Actuals", "220000000001"),
            _ledger_module(ACTUALS_ENTERED, "Actuals Entered", "221000000001"),
            _journal_module(),
        ),
        sources=by_id(*(SourceDef(id=key, name=name) for key, name in _SOURCES.items())),
        imports=by_id(*_list_imports(), *_ledger_imports(), *_journal_imports()),
        exports=by_id(
            ExportDef(id="116000000001", name="Export Actuals", module=ACTUALS),
            ExportDef(id="116000000002", name="Export Actuals Entered", module=ACTUALS_ENTERED),
            ExportDef(id="116000000003", name="Export Journal Items", module=JOURNAL_ITEM_DATA),
        ),
        actions=by_id(
            ActionDef(
                id="117000000001",
                name="Delete Journal Items",
                type="DELETE_BY_SELECTION",
                target=JOURNAL_ITEMS,
            )
        ),
        processes=by_id(
            ProcessDef(
                id="118000000001", name="Append Actuals", steps=["112000000007", "112000000008"]
            ),
            ProcessDef(
                id="118000000002",
                name="Load Dimensions",
                steps=["112000000001", "112000000002", "112000000003", "112000000004"],
            ),
        ),
        versions=dict(VERSIONS),
    )


_SOURCES = {
    "113000000001": "entities.csv",
    "113000000002": "accounts.csv",
    "113000000003": "cost_centres.csv",
    "113000000004": "currencies.csv",
    "113000000005": "actuals.csv",
    "113000000006": "actuals_entered.csv",
    "113000000007": "journal_items.csv",
}


def _ledger_module(module_id: str, name: str, line_item: str) -> ModuleDef:
    return ModuleDef(
        id=module_id,
        name=name,
        dimensions=list(LEDGER_DIMENSIONS),
        line_items=[LineItemDef(id=line_item, name="Amount")],
        rows=[ACCOUNTS],
        columns=[TIME_ID],
    )


def _journal_module() -> ModuleDef:
    from_lists = (
        ("Entity", ENTITIES),
        ("Account", ACCOUNTS),
        ("Cost Centre", COST_CENTRES),
        ("Currency", CURRENCIES),
    )
    items = [
        LineItemDef(id=f"22200000000{n}", name=name, format="LIST", list_id=list_id)
        for n, (name, list_id) in enumerate(from_lists, start=1)
    ]
    items += [
        LineItemDef(id="222000000005", name="Version", format="TEXT"),
        LineItemDef(id="222000000006", name="Period", format="TIME PERIOD"),
        LineItemDef(id="222000000007", name="Amount"),
    ]
    return ModuleDef(
        id=JOURNAL_ITEM_DATA,
        name="Journal Item Data",
        dimensions=[JOURNAL_ITEMS],
        line_items=items,
        rows=[JOURNAL_ITEMS],
        columns=[LINE_ITEMS_ID],
    )


def _list_imports() -> list[ImportDef]:
    shapes = (
        ("Load Entities", ENTITIES, ["Code", "Name", "Parent"]),
        ("Load Accounts", ACCOUNTS, ["Code", "Name", "Parent", "Account Type"]),
        ("Load Cost Centres", COST_CENTRES, ["Code", "Name", "Parent"]),
        ("Load Currencies", CURRENCIES, ["Code", "Name"]),
    )
    targets = {"Code": "code", "Name": "name", "Parent": "parent"}
    return [
        ImportDef(
            id=f"11200000000{n}",
            name=name,
            kind="HIERARCHY_DATA",
            target=list_id,
            source=f"11300000000{n}",
            headers=headers,
            columns={targets.get(text, f"property:{text}"): text for text in headers},
        )
        for n, (name, list_id, headers) in enumerate(shapes, start=1)
    ]


def _ledger_imports() -> list[ImportDef]:
    shapes = (
        ("112000000005", "Load Actuals", ACTUALS, "113000000005", "220000000001"),
        ("112000000006", "Load Actuals Entered", ACTUALS_ENTERED, "113000000006", "221000000001"),
    )
    return [
        ImportDef(
            id=key,
            name=name,
            kind="MODULE_DATA",
            target=module,
            source=source,
            headers=list(_LEDGER_HEADERS),
            columns=dict(zip([*LEDGER_DIMENSIONS, item], _LEDGER_HEADERS, strict=True)),
            on_blank="keep",
        )
        for key, name, module, source, item in shapes
    ]


def _journal_imports() -> list[ImportDef]:
    headers = ["Code", *_LEDGER_HEADERS]
    items = [f"22200000000{n}" for n in range(1, 8)]
    return [
        ImportDef(
            id="112000000007",
            name="Load Journal Items",
            kind="HIERARCHY_DATA",
            target=JOURNAL_ITEMS,
            source="113000000007",
            headers=headers,
            columns={"code": "Code"},
        ),
        ImportDef(
            id="112000000008",
            name="Load Journal Item Data",
            kind="MODULE_DATA",
            target=JOURNAL_ITEM_DATA,
            source="113000000007",
            headers=headers,
            columns=dict(zip([JOURNAL_ITEMS, *items], headers, strict=True)),
            on_blank="keep",
        ),
    ]
