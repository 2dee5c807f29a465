"""One day in the life of the books."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from ml_connector.sandbox.jde.books.accounts import find_key
from ml_connector.sandbox.jde.books.companies import COMPANIES_BY_NUMBER
from ml_connector.sandbox.jde.books.desk import AccountName, delete_document, rename_account
from ml_connector.sandbox.jde.books.journals import create_journal, load_status
from ml_connector.sandbox.jde.books.keys import BatchKey, find_document, load_batch_of
from ml_connector.sandbox.jde.books.posting import (
    TouchesUpmj,
    load_rows,
    post_batch,
)
from ml_connector.sandbox.jde.books.requests import JournalLine, JournalRequest
from ml_connector.sandbox.jde.books.specials import (
    DOOMED_EXPLANATION,
    LATE_EXPLANATION,
    RENAMED_ACCOUNT,
)
from ml_connector.sandbox.jde.julian import from_julian
from ml_connector.sandbox.jde.raw import scale_down
from ml_connector.sandbox.store import Store

RENAMED_TO = AccountName(business_unit="M40", object="8330", subsidiary="YARD")
_FRESH_CENTS = 12_050


def pass_day(store: Store, *, now: datetime, touches_upmj: TouchesUpmj) -> dict[str, Any]:
    """What the first day brings has happened, or else one small journal is new and posted.

    The first day posts the late batch, deletes the document keyed twice and renames an
    account; on every day after it a fresh journal is `created`. What did not happen is None.
    """
    with store.transaction():
        answer: dict[str, Any] = {
            "posted": _post_late(store, now, touches_upmj),
            "deleted": _delete_doomed(store),
            "renamed": _rename(store, now),
            "created": None,
        }
        if not any(answer.values()):
            answer["created"] = _create_fresh(store, now, touches_upmj)
    return answer


def _post_late(store: Store, now: datetime, touches_upmj: TouchesUpmj) -> dict[str, Any] | None:
    document = find_document(store, LATE_EXPLANATION)
    if document is None:
        return None
    batch = load_batch_of(store, document)
    if load_status(store, batch) == "D":
        return None
    post_batch(store, batch, now=now, touches_upmj=touches_upmj)
    return _batch_answer(store, batch)


def _delete_doomed(store: Store) -> dict[str, Any] | None:
    document = find_document(store, DOOMED_EXPLANATION)
    if document is None:
        return None
    batch = delete_document(store, document)
    return {"batch": str(batch), "document": str(document)}


def _rename(store: Store, now: datetime) -> dict[str, Any] | None:
    account_id = find_key(*RENAMED_ACCOUNT).AID
    sql = "SELECT 1 FROM F0901 WHERE AID = ? AND TRIM(MCU) = ? AND OBJ = ? AND SUB = ''"
    if not store.query(sql, (account_id, *RENAMED_ACCOUNT)):
        return None
    renamed = rename_account(
        store,
        account_id,
        business_unit=RENAMED_TO.business_unit,
        object=RENAMED_TO.object,
        subsidiary=RENAMED_TO.subsidiary,
        now=now,
    )
    return {
        "aid": renamed.account_id,
        "before": name_answer(renamed.before),
        "after": name_answer(renamed.after),
    }


def _create_fresh(store: Store, now: datetime, touches_upmj: TouchesUpmj) -> dict[str, Any]:
    """A few taxi rides, on the last day of the books at the latest."""
    day = min(now.date(), date(2026, 11, 30))
    amount = Decimal(_FRESH_CENTS + now.toordinal() % 100 * 37).scaleb(-2)
    request = JournalRequest(
        company="00001",
        day=day,
        explanation=f"Petty cash {day.isoformat()}",
        lines=[
            JournalLine(account="30.8720", amount=amount, remark="Taxi", number=1),
            JournalLine(account="1.1120", amount=-amount, remark="Taxi", number=2),
        ],
    )
    created = create_journal(store, request, now=now, user="JSMITH")
    post_batch(store, created.batch, now=now, touches_upmj=touches_upmj)
    return _batch_answer(store, created.batch)


def name_answer(name: AccountName) -> dict[str, str]:
    """Return the name of an account for JSON."""
    return {
        "business_unit": name.business_unit,
        "object": name.object,
        "subsidiary": name.subsidiary,
    }


def _batch_answer(store: Store, batch: BatchKey) -> dict[str, Any]:
    """Return company, day and base amounts by account id, as text."""
    amounts: dict[str, Decimal] = {}
    rows = [row for row in load_rows(store, batch) if row["LT"] == "AA"]
    for row in rows:
        amount = scale_down(row["AA"], COMPANIES_BY_NUMBER[row["CO"]].decimals)
        amounts[row["AID"]] = amounts.get(row["AID"], Decimal(0)) + amount
    day = from_julian(rows[0]["DGJ"])
    return {
        "batch": str(batch),
        "company": rows[0]["KCO"],
        "gl_date": day.isoformat() if day else "",
        "amounts": {account: format(amount, "f") for account, amount in sorted(amounts.items())},
    }
