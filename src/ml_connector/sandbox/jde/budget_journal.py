"""What the orchestration of budget journals does to the books, step by step."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from ml_connector.sandbox.jde import books
from ml_connector.sandbox.jde.raw import pad_company
from ml_connector.sandbox.jde.staging import is_staged, mark_processed, stage_lines
from ml_connector.sandbox.store import Store
from ml_connector.sandbox.switches import Switches

_KEY = re.compile(r"[A-Z0-9]{8}")
_PROGRAM = "ORCH"
Inputs = dict[str, Any]
Output = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """What became of a call: its outputs, and the warnings of the journal program."""

    output: Output
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetJournal:
    """Enters the journal of one call."""

    store: Store
    switches: Switches
    now: datetime
    user: str

    def enter(self, inputs: Inputs, *, checked: bool, staged: bool) -> Entered:
        """The journal stands once; a key that is there already writes nothing.

        Looking and writing are two steps, as in a customer's orchestration: two calls at the
        same moment may both write.
        """
        if checked:
            found = self.find(inputs) or self._find_staged(inputs, staged=staged)
            if found is not None:
                return Entered(output={**found, "Result": "DUPLICATE"})
        problems = _problems(inputs)
        if problems:
            return Entered(output=_rejected(problems))
        try:
            if staged:
                return self._write_staged(inputs)
            return self.write(inputs, inputs["Lines"])
        except books.JournalRejectedError as error:
            return Entered(output=_rejected([str(one) for one in error.rejects]))

    def find(self, inputs: Inputs) -> Output | None:
        """Return the outputs for the first document with the key, or None."""
        rows = self.store.query(
            "SELECT ICUT, ICU, DCT, DOC, KCO, COUNT(*) FROM F0911 WHERE R2 = ? AND LT = ?"
            " GROUP BY ICUT, ICU, DCT, DOC, KCO ORDER BY ICU, DOC LIMIT 1",
            (inputs["PlanBatchKey"], inputs["LedgerType"]),
        )
        return None if not rows else _output(rows[0])

    def write(self, inputs: Inputs, lines: list[dict[str, Any]]) -> Entered:
        """The lines stand in one document; refused by the rules of the journal program."""
        request = self._request(inputs, lines)
        created = books.create_journal(self.store, request, now=self.now, user=self.user)
        warnings = list(created.warnings)
        if inputs["PostAfterCreate"]:
            warnings += self._post(created.batch)
        found = self.find(inputs)
        assert found is not None, "a journal was written without its key"
        numbers = {
            "BatchType": created.batch_type,
            "BatchNumber": created.batch_number,
            "DocumentType": created.document_type,
            "DocumentNumber": created.document_number,
            "DocumentCompany": created.document_company,
            "LinesWritten": len(lines),
        }
        output = {**found, **numbers, "Result": "CREATED", "Messages": warnings}
        return Entered(output=output, warnings=tuple(warnings))

    def _write_staged(self, inputs: Inputs) -> Entered:
        with self.store.transaction():
            stage_lines(self.store, inputs, user=self.user, at=self.now)
            entered = self.write(inputs, inputs["Lines"])
            mark_processed(self.store, inputs["PlanBatchKey"], entered.output)
        return entered

    def _find_staged(self, inputs: Inputs, *, staged: bool) -> Output | None:
        if not staged or not is_staged(self.store, inputs["PlanBatchKey"], user=self.user):
            return None
        return _rejected(["The transaction stands in the batch file."])

    def _post(self, batch: books.BatchKey) -> list[str]:
        touches = self.switches["postTouchesUpmj"]
        header = self.switches["batchAudit"] == "touched"
        try:
            posted = books.post_batch(
                self.store, batch, now=self.now, touches_upmj=touches, touches_header=header
            )
        except ValueError as error:
            return [str(error)]
        return list(posted.errors)

    def _request(self, inputs: Inputs, lines: list[dict[str, Any]]) -> books.JournalRequest:
        return books.JournalRequest(
            company=pad_company(inputs["Company"]),
            day=inputs["GLDate"],
            lines=[_line(one, place) for place, one in enumerate(lines, 1)],
            ledger_type=inputs["LedgerType"],
            document_type=inputs["DocumentType"] or "BX",
            explanation=inputs["Explanation"],
            currency=inputs["CurrencyCode"],
            reference=inputs["PlanBatchKey"],
            excess_decimals=str(self.switches["excessDecimals"]),
            program=_PROGRAM,
        )


def _line(line: dict[str, Any], place: int) -> books.JournalLine:
    return books.JournalLine(
        account=line["Account"],
        account_id=line["AccountId"],
        amount=line["Amount"],
        units=line["Units"] or Decimal(0),
        remark=line["Remark"],
        subledger=line["Subledger"],
        subledger_type=line["SubledgerType"],
        number=int(line["LineNumber"] or place),
    )


def _problems(inputs: Inputs) -> list[str]:
    found = []
    lines, key = inputs["Lines"], inputs["PlanBatchKey"]
    if not _KEY.fullmatch(key):
        found.append(f"PlanBatchKey {key!r} is not 8 characters A-Z and 0-9.")
    expected = inputs["ExpectedLines"]
    if expected is not None and expected != len(lines):
        found.append(f"ExpectedLines is {expected}, but there are {len(lines)} lines.")
    debits = sum((one["Amount"] for one in lines if one["Amount"] > 0), Decimal(0))
    wanted = inputs["ExpectedDebits"]
    if wanted is not None and wanted != debits:
        found.append(f"ExpectedDebits is {wanted}, but the debits are {debits}.")
    return found


def _output(row: tuple[Any, ...]) -> Output:
    return {
        "Result": "CREATED",
        "BatchType": row[0],
        "BatchNumber": row[1],
        "DocumentType": row[2],
        "DocumentNumber": row[3],
        "DocumentCompany": row[4],
        "LinesWritten": row[5],
        "Messages": [],
    }


def _rejected(messages: list[str]) -> Output:
    nothing = _output(("", 0, "", 0, "", 0))
    return {**nothing, "Result": "REJECTED", "Messages": messages}
