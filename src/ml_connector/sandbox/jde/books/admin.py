"""The operations under /__sandbox/ that make the books move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from ml_connector.sandbox.jde.books.checks import set_prior_period
from ml_connector.sandbox.jde.books.day import name_answer, pass_day
from ml_connector.sandbox.jde.books.desk import (
    delete_document,
    move_balance,
    purge,
    redate_document,
    rename_account,
    upload_budget,
    year_after,
)
from ml_connector.sandbox.jde.books.journals import approve_batch, create_journal, set_status
from ml_connector.sandbox.jde.books.keys import (
    BatchKey,
    DocumentKey,
    parse_batch,
    parse_document,
)
from ml_connector.sandbox.jde.books.posting import post_batch
from ml_connector.sandbox.jde.books.requests import (
    JournalRejectedError,
    parse_decimal,
    parse_request,
)
from ml_connector.sandbox.jde.books.spoiling import add_row, change_posted_amount
from ml_connector.sandbox.jde.raw import pad_company
from ml_connector.sandbox.jde.switches import logic_zone
from ml_connector.sandbox.server import SandboxServer

_DAY_S = 86_400
_USER = "JSMITH"
Body = Mapping[str, Any]
Answer = dict[str, Any]


def register_operations(server: SandboxServer) -> None:
    """POST /__sandbox/<name> runs each of the operations; see `Operations` for their bodies."""
    operations = Operations(server=server)
    for name in (
        "create_journal", "approve_batch", "set_batch_status", "post_batch", "delete_document",
        "redate_document", "rename_account", "purge", "upload_budget", "break_balances",
        "add_row", "change_posted_amount", "set_prior_period", "pass_day",
    ):  # fmt: skip
        server.add_admin(name, getattr(operations, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """Takes JSON objects apart and puts answers together; amounts are texts both ways."""

    server: SandboxServer

    def create_journal(self, body: Body) -> Answer:
        """`parse_request` tells the body; with `post` true the batch is posted at once."""
        decimals = self.server.switches["excessDecimals"]
        request = parse_request({"excess_decimals": decimals, **body})
        user = str(body.get("user", _USER))
        try:
            created = create_journal(self.server.store, request, now=self._now(body), user=user)
        except JournalRejectedError as error:
            return {"rejects": [_reject_answer(reject) for reject in error.rejects]}
        answer = {
            "batch": str(created.batch),
            "document": str(created.document),
            "lines_written": created.lines_written,
            "warnings": list(created.warnings),
            "rejects": [],
        }
        return {**answer, **self._post(created.batch, body)} if body.get("post") else answer

    def approve_batch(self, body: Body) -> Answer:
        """{batch}: a pending batch is approved."""
        batch = _batch(body)
        approve_batch(self.server.store, batch)
        return {"batch": str(batch), "status": "A"}

    def set_batch_status(self, body: Body) -> Answer:
        """{batch, status}: such as U while a clerk has it open."""
        batch, status = _batch(body), str(body["status"])
        set_status(self.server.store, batch, status)
        return {"batch": str(batch), "status": status}

    def post_batch(self, body: Body) -> Answer:
        """{batch}: posted, or at E with `errors`."""
        return self._post(_batch(body), body)

    def delete_document(self, body: Body) -> Answer:
        """{document}: an unposted one is gone."""
        document = _document(body)
        batch = delete_document(self.server.store, document)
        return {"batch": str(batch), "document": str(document)}

    def redate_document(self, body: Body) -> Answer:
        """{document, gl_date}: an unposted one has another date."""
        document = _document(body)
        day = date.fromisoformat(str(body["gl_date"]))
        redate_document(self.server.store, document, day, now=self._now(body))
        return {"document": str(document), "gl_date": day.isoformat()}

    def rename_account(self, body: Body) -> Answer:
        """{aid, business_unit, object, subsidiary}: what is left out stays."""
        renamed = rename_account(
            self.server.store,
            str(body["aid"]),
            business_unit=_optional_text(body, "business_unit"),
            object=_optional_text(body, "object"),
            subsidiary=_optional_text(body, "subsidiary"),
            now=self._now(body),
        )
        return {
            "aid": renamed.account_id,
            "before": name_answer(renamed.before),
            "after": name_answer(renamed.after),
            "ledger_rows": renamed.ledger_rows,
        }

    def purge(self, body: Body) -> Answer:
        """{company, before} or {company, fiscal_year}: what was posted up to then is gone."""
        company = pad_company(str(body["company"]))
        if "before" in body:
            before = date.fromisoformat(str(body["before"]))
        else:
            before = year_after(company, int(body["fiscal_year"]))
        return {"rows": purge(self.server.store, company, before=before)}

    def upload_budget(self, body: Body) -> Answer:
        """{aid, year, amounts: {period: amount}, ledger_type}: in the balances only."""
        amounts = {int(key): parse_decimal(value) for key, value in body["amounts"].items()}
        upload_budget(
            self.server.store,
            str(body["aid"]),
            year=int(body["year"]),
            amounts=amounts,
            ledger_type=str(body.get("ledger_type", "BA")),
            now=self._now(body),
        )
        return {"aid": str(body["aid"]), "periods": sorted(amounts)}

    def break_balances(self, body: Body) -> Answer:
        """{aid, year, period, by, ledger_type}: a balance its rows do not add up to."""
        period = int(body["period"])
        if not 1 <= period <= 14:
            raise ValueError(f"Periods are 1 to 14, not {period}.")
        by = parse_decimal(body.get("by", "1"))
        move_balance(
            self.server.store,
            str(body["aid"]),
            year=int(body["year"]),
            period=period,
            by=by,
            ledger_type=str(body.get("ledger_type", "AA")),
        )
        return {"aid": str(body["aid"]), "by": format(by, "f")}

    def add_row(self, body: Body) -> Answer:
        """{table, values}: a raw row, F0911 unless said; `amount` may stand for a raw AA."""
        table = str(body.get("table", "F0911"))
        return {"table": table, "row": add_row(self.server.store, table, body["values"])}

    def change_posted_amount(self, body: Body) -> Answer:
        """{batch, document, line, against, by, balances, stamped}: a posted line has changed."""
        against = body.get("against")
        changed = change_posted_amount(
            self.server.store,
            _batch(body),
            line=int(body.get("line", 1)),
            against=None if against is None else int(against),
            by=parse_decimal(body["by"]),
            document=int(body["document"]) if "document" in body else None,
            now=self._now(body),
            keeps_balances=bool(body.get("balances", True)),
            is_stamped=bool(body.get("stamped", False)),
        )
        return {"batch": str(_batch(body)), "lines": changed}

    def set_prior_period(self, body: Body) -> Answer:
        """{company, setting}: `warn` or `error` for days before the current period."""
        company, setting = pad_company(str(body["company"])), str(body["setting"])
        set_prior_period(self.server.store, company, setting)
        return {"company": company, "setting": setting}

    def pass_day(self, _body: Body) -> Answer:
        """{}: the clock is a day on and `day.pass_day` has happened."""
        self.server.clock.advance(_DAY_S)
        switches = self.server.switches
        return pass_day(
            self.server.store, now=self._now({}), touches_upmj=switches["postTouchesUpmj"]
        )

    def _post(self, batch: BatchKey, body: Body) -> Answer:
        switches = self.server.switches
        result = post_batch(
            self.server.store,
            batch,
            now=self._now(body),
            touches_upmj=body.get("touches_upmj", switches["postTouchesUpmj"]),
            touches_header=switches["batchAudit"] == "touched",
        )
        return {
            "batch": str(batch),
            "posted": result.is_posted,
            "rows_posted": result.rows_posted,
            "rows_created": result.rows_created,
            "errors": list(result.errors),
        }

    def _now(self, body: Body) -> datetime:
        """Return the moment the rows will show, in the logic server's zone; `at` overrides it."""
        zone = logic_zone(self.server.switches)
        if "at" not in body:
            return self.server.clock.now_utc().astimezone(zone)
        at = datetime.fromisoformat(str(body["at"]))
        if at.tzinfo is None:
            raise ValueError(f"The moment {body['at']!r} has no offset.")
        return at.astimezone(zone)


def _batch(body: Body) -> BatchKey:
    """Return the batch of {batch: "G-15981"} or of {batch_type: "G", batch: 15981}."""
    if "batch_type" in body:
        return BatchKey(str(body["batch_type"]).strip(), int(body["batch"]))
    return parse_batch(str(body["batch"]))


def _document(body: Body) -> DocumentKey:
    """Return the document of {document: "00001-JE-41260"}, or of its three parts."""
    if "document_type" in body:
        company = pad_company(str(body["company"]))
        return DocumentKey(company, str(body["document_type"]).strip(), int(body["document"]))
    return parse_document(str(body["document"]))


def _optional_text(body: Body, name: str) -> str | None:
    return None if body.get(name) is None else str(body[name])


def _reject_answer(reject: Any) -> dict[str, Any]:
    return {"line": reject.line, "code": reject.code, "message": reject.message}
