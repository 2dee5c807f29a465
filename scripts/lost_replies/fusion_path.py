"""Suppliers into Fusion: flow F5, and one request for each row."""

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

from scripts.lost_replies.books import FUSION, FUSION_HEADERS, Books, read_suppliers
from scripts.lost_replies.projects import change_yaml, copy_project, order_flow
from scripts.lost_replies.stage import Json, Stage
from scripts.lost_replies.work import Job, Setting, Tool, WritePath

FLOW = "supplier-revisions-fusion"
ITEM_TYPE = "application/vnd.oracle.adf.resourceitem+json"
NEW = "Lost Reply Supplies"
"""Begins the names of the suppliers that are made."""
ALIAS = "LOST REPLY"
"""Begins the aliases that are written."""
ANY = "SupplierId > 0"
OK = 200
GIVEN = {"business_relationship": "PROSPECTIVE", "tax_organisation_type": "CORPORATION"}
ONE_BY_ONE: Json = {"send": "single", "at_once": 1, "approval": {"people": 0}}


# --- suppliers made -------------------------------------------------------------------------------


def read_new(stage: Stage) -> Books:
    """Suppliers made by anybody, each with its name."""
    rows = read_suppliers(stage, f"Supplier LIKE '{NEW}%'")
    return {str(row["SupplierId"]): str(row["Supplier"]) for row in rows}


def name_new(setting: Setting, duplicates: str) -> list[str]:
    """Names nobody has; the pod is told what to do with a second supplier of a name."""
    setting.stage.turn("fusion", supplier_duplicates=duplicates)
    return [f"{NEW} {number:03}" for number in range(1, setting.writes + 1)]


def create_by_product(duplicates: str, setting: Setting) -> list[Job]:
    """Planners have put new suppliers into their list; F5 runs once."""
    names = name_new(setting, duplicates)
    setting.stage.do("anaplan", "add_suppliers", suppliers=[{"name": name} for name in names])
    attributes = [{"attribute": "name", "column": "Name"}]
    changes: Json = {"attributes": attributes, "creations": True, "creation_values": GIVEN}
    command = order_revisions(setting, **changes)
    return [Job(command=command, wanted=Counter(names))]


def create_by_dlt(duplicates: str, setting: Setting) -> list[Job]:
    """One row for each supplier."""
    names = name_new(setting, duplicates)
    rows = [
        {
            "url": f"{setting.stage.urls['fusion']}{FUSION}/suppliers", "method": "POST",
            "body": {
                "Supplier": name, "BusinessRelationshipCode": GIVEN["business_relationship"],
                "TaxOrganizationTypeCode": GIVEN["tax_organisation_type"],
            },
        }
        for name in names
    ]  # fmt: skip
    return [Job(command=order_rows(setting, rows), wanted=Counter(names))]


# --- suppliers changed ----------------------------------------------------------------------------


def read_changes(stage: Stage) -> Books:
    """Changes the wire shows as taken, or as taken and left without an answer, by supplier.

    Each is told with the alias that the supplier has now.
    """
    aliases = {str(row["SupplierId"]): str(row["Alias"]) for row in read_suppliers(stage, ANY)}
    return {
        f"{supplier}#{line['seq']}": f"{supplier} {aliases.get(supplier, '')}"
        for line in stage.journal("fusion")
        if line["method"] == "PATCH" and (line["status"] == OK or line["fault"])
        for supplier in [line["path"].rpartition("/")[2]]
    }


def pick_suppliers(setting: Setting) -> list[tuple[Json, str]]:
    """Suppliers that are there, each with the alias it is to have."""
    rows = [row for row in read_suppliers(setting.stage, ANY) if row["Status"] == "ACTIVE"]
    numbered = enumerate(rows[: setting.writes], start=1)
    return [(row, f"{ALIAS} {number:03}") for number, row in numbered]


def describe_alias() -> Json:
    """The one attribute that the flow writes."""
    return {"attribute": "alias", "column": "Alias"}


def name_changes(picked: list[tuple[Json, str]]) -> Counter[str]:
    """Each supplier once, with its alias."""
    return Counter(f"{row['SupplierId']} {alias}" for row, alias in picked)


def update_by_product(setting: Setting) -> list[Job]:
    """Planners have written an alias for each; F5 runs once."""
    picked = pick_suppliers(setting)
    suppliers = [
        {"name": row["SupplierNumber"], "code": row["SupplierNumber"], "values": {"Alias": alias}}
        for row, alias in picked
    ]
    setting.stage.do("anaplan", "add_suppliers", suppliers=suppliers)
    command = order_revisions(setting, attributes=[describe_alias()])
    return [Job(command=command, wanted=name_changes(picked))]


def update_by_dlt(setting: Setting) -> list[Job]:
    """One row for each supplier."""
    picked = pick_suppliers(setting)
    root = f"{setting.stage.urls['fusion']}{FUSION}/suppliers"
    rows = [
        {"url": f"{root}/{row['SupplierId']}", "method": "PATCH", "body": {"Alias": alias}}
        for row, alias in picked
    ]
    return [Job(command=order_rows(setting, rows), wanted=name_changes(picked))]


# --- commands -------------------------------------------------------------------------------------


def order_revisions(setting: Setting, **changes: Any) -> tuple[str, ...]:
    """The command of F5 on a fresh project, its flow changed by these keys."""
    project: Path = copy_project(setting)
    change_yaml(project / "flows" / f"{FLOW}.yaml", **{**ONE_BY_ONE, **changes})
    return order_flow(setting, project, FLOW, claims="suppliers")


def order_rows(setting: Setting, rows: list[Json]) -> tuple[str, ...]:
    """The command of dlt for these rows."""
    spec = {
        "rows": rows, "folder": str(setting.folder / "dlt"), "timeout_s": setting.timeout_s,
        "headers": {**FUSION_HEADERS, "Content-Type": ITEM_TYPE}, "sign_on": None,
    }  # fmt: skip
    return setting.order("by_dlt", spec)


def _build_creation(title: str, duplicates: str) -> WritePath:
    return WritePath(
        title=title, system="fusion", method="POST", pattern=f"{FUSION}/suppliers$", read=read_new,
        tools={
            Tool.PRODUCT: partial(create_by_product, duplicates),
            Tool.DLT: partial(create_by_dlt, duplicates),
        },
    )  # fmt: skip


PATHS = (
    _build_creation("Fusion supplier made, the pod refuses a second of the name", "refuse"),
    _build_creation("Fusion supplier made, the pod takes a second of the name", "accept"),
    WritePath(
        title="Fusion supplier changed", system="fusion", method="PATCH",
        pattern=rf"{FUSION}/suppliers/\d+$", read=read_changes,
        tools={Tool.PRODUCT: update_by_product, Tool.DLT: update_by_dlt},
    ),
)  # fmt: skip
