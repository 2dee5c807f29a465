"""The orchestrator: finds the orchestration, runs it, and wraps what comes out."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.http import Request, Response, json_response
from ml_connector.sandbox.jde import books
from ml_connector.sandbox.jde.budget_journal import BudgetJournal, Entered
from ml_connector.sandbox.jde.callers import Caller, Doorkeeper
from ml_connector.sandbox.jde.orchestrations import (
    DEFAULT_NAME,
    ORCHESTRATIONS,
    InputError,
    Orchestration,
    parse_inputs,
)
from ml_connector.sandbox.jde.refusals import PageError, RefusalError, long_stamp, short_stamp
from ml_connector.sandbox.jde.switches import logic_zone
from ml_connector.sandbox.store import Store
from ml_connector.sandbox.switches import Switches
from ml_connector.sandbox.visitors import Pause

_EXCEPTION = "com.oracle.e1.rest.orchestrator.OrchestrationException"
_FORM = "fs_P0911_W0911A"


class StepError(Exception):
    """A step aborted; what earlier steps wrote stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orchestrator:
    """Runs orchestrations for signed-on callers."""

    store: Store
    clock: SandboxClock
    switches: Switches
    door: Doorkeeper
    pause: Pause

    def answer(self, request: Request) -> Response:
        """Return what the named orchestration makes of the request."""
        self._verify_accept(request)
        body = _body_of(request)
        caller = self.door.admit(request, body)
        found = self._find(request.params["name"])
        started_at = self.clock.now_utc()
        try:
            inputs = parse_inputs(body, str(self.switches["inputFormat"]))
            output = self._run(found, inputs, caller)
        except (InputError, StepError) as error:
            return self._failure(str(error), started_at)
        return json_response({**output, **self._elements(output, started_at)})

    def _run(self, found: Orchestration, inputs: dict[str, Any], caller: Caller) -> dict[str, Any]:
        behaviour = found.behaviour
        if found.name == DEFAULT_NAME:
            behaviour = self.switches["orchestrationBehaviour"]
        journal = BudgetJournal(
            store=self.store,
            switches=self.switches,
            now=self.clock.now_utc().astimezone(logic_zone(self.switches)),
            user=caller.user.name,
        )
        entered = self._enter(journal, inputs, str(behaviour))
        if behaviour == "delays":
            self.pause(float(self.switches["orchestrationDelayS"]))
        if entered.output["Result"] == "REJECTED" and self.switches["rejectedAs"] == "500":
            raise StepError("; ".join(entered.output["Messages"]))
        if behaviour == "fails" and entered.output["Result"] == "CREATED":
            raise StepError("Read back failed: the connection to the server was lost.")
        return _raw_steps(entered) if behaviour == "raw" else self._named(entered)

    def _enter(self, journal: BudgetJournal, inputs: dict[str, Any], behaviour: str) -> Entered:
        try:
            if behaviour == "half" and journal.find(inputs) is None:
                journal.write(inputs, inputs["Lines"][: max(1, len(inputs["Lines"]) // 2)])
                raise StepError("Add journal failed: the form was closed before its last line.")
            return journal.enter(
                inputs, checked=behaviour != "unchecked", staged=behaviour == "staged"
            )
        except sqlite3.IntegrityError as error:
            raise StepError("Add journal failed: the key of a record exists already.") from error
        except books.JournalRejectedError as error:
            raise StepError(str(error)) from error

    def _named(self, entered: Entered) -> dict[str, Any]:
        if not entered.warnings or self.switches["jdeElements"] == "off":
            return entered.output
        warnings = [_warning(one) for one in entered.warnings]
        form = {"Application ID": "P0911", "Title": "Journal Entry", "Errors": []}
        return {**entered.output, "Errors/Warnings": [{**form, "Warnings": warnings}]}

    def _find(self, name: str) -> Orchestration:
        found = ORCHESTRATIONS.get(name)
        if found is None:
            if int(self.switches["unknownOrchestration"]) == 404:
                raise PageError(404)
            message = f"No such orchestration: {name}"
            failure = {"message": message, "jde__status": "ERROR", "jde__simpleMessage": message}
            raise RefusalError(500, message, body=failure)
        if name in self.switches["deniedOrchestrations"]:
            raise RefusalError(403, f"Not authorized to orchestration {name}.")
        return found

    def _failure(self, message: str, started_at: datetime) -> Response:
        at = self.clock.now_utc()
        nested = {_FORM: {"errors": [{"CODE": "0001", "TITLE": message, "DESC": message}]}}
        body: dict[str, Any] = {
            "message": message if self.switches["messageForm"] == "string" else nested,
            "exception": _EXCEPTION,
            "timeStamp": short_stamp(at),
            "userDefinedErrorText": "",
            "type": "FORM",
            "status": "ERROR",
            "exceptionId": "77",
        }
        return json_response(body | self._timed("ERROR", message, started_at), 500)

    def _elements(self, output: dict[str, Any], started_at: datetime) -> dict[str, Any]:
        status = "WARNING" if "Errors/Warnings" in output else "SUCCESS"
        return self._timed(status, "", started_at)

    def _timed(self, status: str, message: str, started_at: datetime) -> dict[str, Any]:
        if self.switches["jdeElements"] == "off":
            return {}
        ended_at = self.clock.now_utc()
        return {
            "jde__status": status,
            "jde__simpleMessage": message,
            "jde__startTimestamp": long_stamp(started_at),
            "jde__endTimestamp": long_stamp(ended_at),
            "jde__serverExecutionSeconds": round((ended_at - started_at).total_seconds(), 3),
        }

    def _verify_accept(self, request: Request) -> None:
        listed = [one.split(";")[0].strip() for one in request.headers.get("accept", "").split(",")]
        if any(listed) and not set(listed) & {"application/json", "application/*", "*/*"}:
            raise RefusalError(406, "Not Acceptable")


def _body_of(request: Request) -> dict[str, Any]:
    if request.method == "GET":
        return dict(request.query)
    try:
        body = json.loads(request.body, parse_float=Decimal) if request.body.strip() else {}
    except ValueError as error:
        raise RefusalError(400, "Bad Request - Invalid JSON Input") from error
    if not isinstance(body, dict):
        raise RefusalError(400, "Bad Request - Invalid JSON Input")
    return body


def _raw_steps(entered: Entered) -> dict[str, Any]:
    """The outputs of the steps as they are where the customer named none."""
    output = entered.output
    form = {
        "title": "Journal Entry",
        "data": {
            "txtBatchNumber_11": {"internalValue": output["BatchNumber"]},
            "txtDocumentNumber_13": {"internalValue": output["DocumentNumber"]},
        },
        "errors": [{"TITLE": one} for one in output["Messages"]],
        "warnings": [],
    }
    row = {
        "F0911_ICUT": output["BatchType"],
        "F0911_ICU": str(output["BatchNumber"]),
        "F0911_DCT": output["DocumentType"],
        "F0911_DOC": str(output["DocumentNumber"]),
        "F0911_KCO": output["DocumentCompany"],
    }
    return {"ServiceRequest1": {"forms": [{_FORM: form}]}, "ReadBack": [row]}


def _warning(text: str) -> dict[str, str]:
    return {"CODE": "0066", "TITLE": text, "DESC": text, "ERRORCONTROL": "12", "MOBILE": ""}
