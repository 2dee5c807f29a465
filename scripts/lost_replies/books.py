"""What stands in the other system's books, asked of that system and of nobody who wrote into it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from scripts.lost_replies.stage import PASSWORD, Json, Stage, call

AIS = "/jderest/v2"
AIS_USER = {
    "username": "PLNSVC", "password": PASSWORD, "environment": "JPY920", "role": "*ALL",
    "deviceName": "lost-replies",
}  # fmt: skip
COMPANY, LEDGER_TYPE, FISCAL_YEAR, PERIOD = "00001", "BA", "26", "10"
ACCOUNT_FIRST, ACCOUNT_LAST = "4000", "8999"
MODEL = "Finance Planning"
Books = dict[str, str]
"""Entries by their own name in the books, each with the write it stands for."""


# --- JD Edwards: documents of the account ledger --------------------------------------------------


def read_documents(stage: Stage) -> Books:
    """Documents of the budget ledger that bear a key in reference 2, told apart by their lines."""
    lines = defaultdict(list)
    for row in browse_ledger(stage):
        if row["R2"].strip():
            name = f"{row['KCO']}-{row['DCT'].strip()}-{row['DOC']}"
            lines[name].append(f"{row['AID'].strip()} {Decimal(str(row['AA'])):.2f}")
    return {name: " ".join(sorted(its)) for name, its in lines.items()}


def browse_ledger(stage: Stage) -> list[Json]:
    """The lines of the budget ledger of one company and period, as AIS shows F0911."""
    where = {"CO": COMPANY, "LT": LEDGER_TYPE, "FY": FISCAL_YEAR, "PN": PERIOD}
    return browse(stage, "F0911", ("KCO", "DCT", "DOC", "R2", "AID", "AA"), where)


def browse_accounts(stage: Stage) -> list[Json]:
    """The accounts of the company that take amounts, by account id."""
    rows = browse(stage, "F0901", ("AID", "MCU", "OBJ", "SUB", "PEC"), {"CO": COMPANY})
    open_ones = [
        row for row in rows
        if not row["PEC"].strip() and ACCOUNT_FIRST <= row["OBJ"].strip() <= ACCOUNT_LAST
    ]  # fmt: skip
    return sorted(open_ones, key=lambda row: str(row["AID"]))


def browse(
    stage: Stage, table: str, columns: tuple[str, ...], where: Mapping[str, str]
) -> list[Json]:
    """Every row of a table that fits, by column; the server's limit is lifted first."""
    stage.turn("jde", dbFetchLimit=0)
    literal = [
        {
            "controlId": f"{table}.{name}", "operator": "EQUAL",
            "value": [{"content": value, "specialValueId": "LITERAL"}],
        }
        for name, value in where.items()
    ]  # fmt: skip
    body = {
        "targetName": table, "targetType": "table", "dataServiceType": "BROWSE",
        "findOnEntry": "TRUE", "outputType": "GRID_DATA", "maxPageSize": "No Max",
        "returnControlIDs": "|".join(f"{table}.{name}" for name in columns),
        "query": {"autoFind": True, "matchType": "MATCH_ALL", "condition": literal},
    }  # fmt: skip
    with signed_on(stage) as headers:
        found = call("POST", f"{stage.urls['jde']}{AIS}/dataservice", body, headers)
    rows = found[f"fs_DATABROWSE_{table}"]["data"]["gridData"]["rowset"]
    return [{name: _plain(row[f"{table}_{name}"]) for name in columns} for row in rows]


def _plain(value: Any) -> Any:
    return "" if value is None else value


@contextmanager
def signed_on(stage: Stage) -> Iterator[dict[str, str]]:
    """Headers of a session that ends with the block."""
    root = f"{stage.urls['jde']}{AIS}/tokenrequest"
    token = call("POST", root, AIS_USER)["userInfo"]["token"]
    headers = {"jde-AIS-Auth": token, "jde-AIS-Auth-Device": AIS_USER["deviceName"]}
    try:
        yield headers
    finally:
        call("POST", f"{root}/logout", {"token": token}, headers)


# --- Anaplan: tasks of the model ------------------------------------------------------------------


def read_tasks(stage: Stage) -> Books:
    """Tasks of the model, each with the import it ran."""
    return {task["task"]: task["object"] for task in stage.do("anaplan", "read_tasks")}


def read_model(stage: Stage) -> Json:
    """Ids of the model and of all that is in it."""
    model: Json = stage.read_info("anaplan")["models"][MODEL]
    return model


# --- Fusion: suppliers ----------------------------------------------------------------------------

FUSION = "/fscmRestApi/resources/11.13.18.05"
FUSION_HEADERS = {
    "Authorization": "Basic SU5URUdSQVRJT04uVVNFUjpoYWxkZW4tcGFzc3dvcmQ=",
    "REST-Framework-Version": "4",
}
"""INTEGRATION.USER and the public password of the pretended company."""
PAGE = 500


def read_suppliers(stage: Stage, condition: str) -> list[Json]:
    """Every supplier for which the condition holds."""
    url = (
        f"{stage.urls['fusion']}{FUSION}/suppliers?q={quote(condition)}"
        f"&onlyData=true&limit={PAGE}&orderBy=SupplierId:asc"
    )
    rows: list[Json] = call("GET", url, headers=FUSION_HEADERS).get("items", [])
    assert len(rows) < PAGE, "more suppliers than one page holds"
    return rows
