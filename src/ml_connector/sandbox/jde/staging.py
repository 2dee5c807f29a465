"""The batch file of journal lines, whose primary key is a barrier against duplicates."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ml_connector.sandbox.jde.julian import stamp_of, to_julian
from ml_connector.sandbox.jde.money import DECIMALS_DEFAULT, load_money
from ml_connector.sandbox.jde.raw import pad_account_id, pad_company, scale_up
from ml_connector.sandbox.store import Store

_TRANSACTION = "1"
_UNIT_DECIMALS = 2
_FIELDS = (
    "EDUS", "EDBT", "EDTN", "EDLN", "EDSP", "EDTC", "EDTR", "CO", "DGJ", "ANI", "AID", "LT",
    "AA", "U", "EXA", "EXR", "R2", '"USER"', "UPMJ", "UPMT",
)  # fmt: skip


def stage_lines(store: Store, inputs: dict[str, Any], *, user: str, at: datetime) -> None:
    """The lines stand unprocessed; a key that is there already breaks the primary key."""
    day, time = stamp_of(at, at.tzinfo) if at.tzinfo else stamp_of(at)
    company = pad_company(inputs["Company"])
    decimals = load_money(store).companies.get(company, DECIMALS_DEFAULT)
    rows = (
        (
            user, inputs["PlanBatchKey"], _TRANSACTION, place, "0", "A", "J",
            company, to_julian(inputs["GLDate"]), line["Account"],
            pad_account_id(line["AccountId"]), inputs["LedgerType"],
            scale_up(line["Amount"], decimals), scale_up(line["Units"] or 0, _UNIT_DECIMALS),
            inputs["Explanation"][:30], line["Remark"][:30], inputs["PlanBatchKey"], user, day,
            time,
        )
        for place, line in enumerate(inputs["Lines"], 1)
    )  # fmt: skip
    marks = ",".join("?" * len(_FIELDS))
    store.execute_many(
        f"INSERT INTO F0911Z1 ({','.join(_FIELDS)}) VALUES ({marks})",  # noqa: S608 - our own names
        rows,
    )


def is_staged(store: Store, key: str, *, user: str) -> bool:
    """Return whether lines of the key stand in the file."""
    found = store.query("SELECT 1 FROM F0911Z1 WHERE EDUS = ? AND EDBT = ? LIMIT 1", (user, key))
    return bool(found)


def mark_processed(store: Store, key: str, output: dict[str, Any]) -> None:
    """The lines of the key are processed and name their document and batch."""
    numbers = ("DocumentNumber", "DocumentType", "DocumentCompany", "BatchNumber", "BatchType")
    store.execute(
        "UPDATE F0911Z1 SET EDSP = '1', DOC = ?, DCT = ?, KCO = ?, ICU = ?, ICUT = ?"
        " WHERE EDBT = ?",
        (*(output[name] for name in numbers), key),
    )
