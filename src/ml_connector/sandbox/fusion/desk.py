"""What happens to batches over time: created, posted, changed, deleted, reversed, copied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from ml_connector.sandbox.company.copies import SWITCH_SIDES, reverse_journal
from ml_connector.sandbox.company.factory import replicate_batch
from ml_connector.sandbox.company.model import Batch
from ml_connector.sandbox.fusion.balances import BalanceWriter
from ml_connector.sandbox.fusion.books import BatchWriter, erase_batch, load_batch
from ml_connector.sandbox.fusion.journal_forms import STATUSES, JournalForms
from ml_connector.sandbox.fusion.seeding import save_combinations
from ml_connector.sandbox.fusion.stamps import later_stamp, render_stamp
from ml_connector.sandbox.store import Store

_GENERAL_LEDGER = 101
_OPEN = frozenset("O")
_CLOSED = frozenset("CP")


@dataclass(slots=True, kw_only=True)
class Change:
    """The moment of a change as its rows will show it, and the batch ids it may use."""

    at: datetime
    next_id: int

    @property
    def stamp(self) -> str:
        """The moment as text."""
        return render_stamp(self.at)

    def take_id(self) -> int:
        """Return the next free batch id."""
        self.next_id += 1
        return self.next_id - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Carries out changes to batches; each is all or nothing inside the caller's transaction."""

    store: Store

    def create(self, change: Change, body: Mapping[str, Any]) -> dict[str, Any]:
        """A batch stands as the form says; the answer holds its id."""
        batch = JournalForms(store=self.store).parse_batch(body, change.at)
        if batch.status not in STATUSES:
            raise ValueError(f"Status {batch.status!r} is none of {sorted(STATUSES)}.")
        if batch.status == "P":
            self._verify_periods(batch, allow_closed=bool(body.get("allow_closed")))
        batch_id = change.take_id()
        self._write(batch, batch_id)
        posted_on = body.get("posted_date")
        if posted_on and batch.status == "P":
            date.fromisoformat(str(posted_on))
            self._set(batch_id, {"PostedDate": str(posted_on)})
        return {"JeBatchId": batch_id, "BatchName": batch.name}

    def post(self, change: Change, body: Mapping[str, Any]) -> dict[str, Any]:
        """The batch is posted, or stands at `to`: selected (S) or under way (I)."""
        batch_id, target = int(body["JeBatchId"]), str(body.get("to", "P"))
        batch = load_batch(self.store, batch_id)
        if batch.status == "P" or target not in {"S", "I", "P"}:
            raise ValueError(f"Batch {batch_id} with status {batch.status} cannot go to {target}.")
        facts = {"Status": target, "CompletionStatusMeaning": "Complete", "ErrorMessage": None}
        if target == "P":
            self._verify_periods(batch, allow_closed=bool(body.get("allow_closed")))
            facts["PostedDate"] = change.at.date().isoformat()
            facts["PostingRunId"] = str(batch_id % 1_000_000)
            self._gather(replace(batch, status="P"))
        self._set(batch_id, facts)
        self.touch(change, {"JeBatchId": batch_id})
        return {"JeBatchId": batch_id, "Status": target}

    def edit(self, change: Change, body: Mapping[str, Any]) -> dict[str, Any]:
        """An unposted batch has the name, description or journals of the form."""
        batch_id = int(body["JeBatchId"])
        batch = load_batch(self.store, batch_id)
        if batch.status == "P":
            raise ValueError(f"Batch {batch_id} is posted; its lines stay as they are.")
        journals = batch.journals
        if "journals" in body:
            journals = JournalForms(store=self.store).parse_journals(body["journals"])
        changed = replace(
            batch,
            name=str(body.get("name", batch.name)),
            description=body.get("description", batch.description),
            journals=journals,
        )
        before = self._stamp_of(batch_id)
        erase_batch(self.store, batch_id)
        self._write(changed, batch_id)
        self._set(batch_id, {"LastUpdateDate": before})
        return self.touch(change, {"JeBatchId": batch_id})

    def delete(self, _change: Change, body: Mapping[str, Any]) -> dict[str, Any]:
        """An unposted batch is gone; `force` takes a posted one, with its balances."""
        batch_id = int(body["JeBatchId"])
        batch = load_batch(self.store, batch_id)
        if batch.status == "P" and not body.get("force"):
            raise ValueError(f"Batch {batch_id} is posted and stays.")
        self._gather(batch, sign=-1)
        erase_batch(self.store, batch_id)
        return {"JeBatchId": batch_id}

    def reverse(self, change: Change, body: Mapping[str, Any]) -> dict[str, Any]:
        """A posted batch has its counterpart in `period`, and both name each other."""
        batch_id, period = int(body["JeBatchId"]), str(body["period"])
        batch = load_batch(self.store, batch_id)
        if batch.status != "P":
            raise ValueError(f"Batch {batch_id} is not posted.")
        first_day = batch.journals[0].ledger.calendar.period(period).first_day
        day = date.fromisoformat(str(body.get("date", first_day)))
        method = str(body.get("method", SWITCH_SIDES))
        journals = tuple(
            reverse_journal(journal, period=period, effective_on=day, method=method)
            for journal in batch.journals
        )
        name = f"Reverses {batch.name}"
        reversal = self._copy(change, batch, name=name, period=period)
        reversal = replace(reversal, journals=journals)
        self._verify_periods(reversal, allow_closed=bool(body.get("allow_closed")))
        reversal_id = change.take_id()
        self._write(reversal, reversal_id)
        self._mark_reversed(batch_id, period, day, method)
        self.touch(change, {"JeBatchId": batch_id})
        return {"JeBatchId": reversal_id, "BatchName": name}

    def replicate(self, change: Change, body: Mapping[str, Any]) -> dict[str, Any]:
        """The secondary ledger has a copy of a posted batch."""
        batch_id = int(body["JeBatchId"])
        copy = replicate_batch(load_batch(self.store, batch_id))
        if copy is None:
            raise ValueError(f"Batch {batch_id} has nothing for the secondary ledger.")
        copy_id = change.take_id()
        self._write(replace(copy, created_at=change.at, updated_at=change.at), copy_id)
        return {"JeBatchId": copy_id, "BatchName": copy.name}

    def misstate(self, change: Change, body: Mapping[str, Any]) -> dict[str, Any]:
        """The journals of a batch state the accounted debits {debit}, whatever their lines say."""
        batch_id, stated = int(body["JeBatchId"]), str(body["debit"])
        update = "UPDATE je_headers SET RunningTotalAccountedDr = ? WHERE _parent = ?"
        self.store.execute(update, (stated, batch_id))
        return self.touch(change, {"JeBatchId": batch_id})

    def touch(self, change: Change, body: Mapping[str, Any]) -> dict[str, Any]:
        """Batch and journals carry a later `LastUpdateDate` than before."""
        batch_id = int(body["JeBatchId"])
        stamp = later_stamp(change.stamp, self._stamp_of(batch_id))
        self._set(batch_id, {"LastUpdateDate": stamp})
        headers = "SELECT _id, LastUpdateDate FROM je_headers WHERE _parent = ?"
        for header_id, before in self.store.query(headers, (batch_id,)):
            update = "UPDATE je_headers SET LastUpdateDate = ? WHERE _id = ?"
            self.store.execute(update, (later_stamp(stamp, before), header_id))
        return {"JeBatchId": batch_id, "LastUpdateDate": stamp}

    def _copy(self, change: Change, batch: Batch, *, name: str, period: str) -> Batch:
        return replace(
            batch,
            name=name,
            default_period=period,
            created_at=change.at,
            updated_at=change.at,
            reversal_period=None,
            reversal_on=None,
        )

    def _write(self, batch: Batch, batch_id: int) -> None:
        BatchWriter(self.store).write(batch, batch_id)
        used = {line.combination for journal in batch.journals for line in journal.lines}
        save_combinations(self.store, batch.chart, used)
        self._gather(batch)

    def _gather(self, batch: Batch, *, sign: int = 1) -> None:
        balances = BalanceWriter(self.store)
        balances.gather(batch, sign=sign)
        balances.write()

    def _mark_reversed(self, batch_id: int, period: str, day: date, method: str) -> None:
        facts = {
            "ReversalPeriod": period,
            "ReversalDate": day.isoformat(),
            "ReversalFlag": 1,
            "ReversalMethodMeaning": method,
        }
        self._set(batch_id, facts)
        self.store.execute(
            "UPDATE je_headers SET AccrualReversalPeriodName = ?, AccrualReversalStatus = 'R',"
            " AccrualReversalEffectiveDate = ?,"
            " AccrualReversalJeHeaderName = 'Reverses \"' || JournalName || '\"'"
            " WHERE _parent = ?",
            (period, day.isoformat(), batch_id),
        )

    def _verify_periods(self, batch: Batch, *, allow_closed: bool) -> None:
        allowed = _OPEN | _CLOSED if allow_closed else _OPEN
        sql = (
            "SELECT ClosingStatus FROM period_statuses"
            " WHERE LedgerId = ? AND PeriodNameId = ? AND ApplicationId = ?"
        )
        for journal in batch.journals:
            key = (journal.ledger.ledger_id, journal.period, _GENERAL_LEDGER)
            status = self.store.query(sql, key)[0][0]
            if status not in allowed:
                raise ValueError(
                    f"Period {journal.period} of {journal.ledger.name} has status {status};"
                    " open it, or say allow_closed for a closed one. Nothing was written."
                )

    def _stamp_of(self, batch_id: int) -> str:
        found = self.store.query("SELECT LastUpdateDate FROM je_batches WHERE _id = ?", (batch_id,))
        if not found:
            raise LookupError(f"There is no batch {batch_id}.")
        return str(found[0][0])

    def _set(self, batch_id: int, facts: Mapping[str, Any]) -> None:
        columns = ", ".join(f"{name} = ?" for name in facts)
        sql = f"UPDATE je_batches SET {columns} WHERE _id = ?"  # noqa: S608 - our own names
        self.store.execute(sql, (*facts.values(), batch_id))
