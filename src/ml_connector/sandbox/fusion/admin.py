"""The operations under /__sandbox/ that make the ledger move."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any

from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.company.ledgers import LEDGERS_BY_NAME
from ml_connector.sandbox.fusion.desk import Change, Desk
from ml_connector.sandbox.fusion.late import LateJournals
from ml_connector.sandbox.fusion.refusals import RefusalError
from ml_connector.sandbox.fusion.seeding import reserve_batch_ids
from ml_connector.sandbox.fusion.stamps import render_stamp
from ml_connector.sandbox.fusion.values import ValueDesk
from ml_connector.sandbox.store import Store
from ml_connector.sandbox.switches import Switches

_GENERAL_LEDGER = 101
_NEVER = float("inf")
Operation = Callable[[Change, Mapping[str, Any]], dict[str, Any]]


class _RehearsedError(Exception):
    """Takes back what a rehearsal has written."""


@dataclass(slots=True, kw_only=True)
class Backstage:
    """Carries out changes now, or so that they show later than they say.

    With a visibility delay a change is checked at once, and becomes visible when the delay is
    over, with the timestamps of the moment it was asked for. That is what a long posting run
    looks like from outside. `more` are the operations of other desks.
    """

    store: Store
    clock: SandboxClock
    switches: Switches
    more: Mapping[str, Operation] = field(default_factory=dict)
    _operations: dict[str, Operation] = field(default_factory=dict)
    _next_due: float = -_NEVER
    _turn: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        desk = Desk(store=self.store)
        values = ValueDesk(store=self.store)
        late = LateJournals(desk=desk, values=values)
        self._operations = {
            "create_batch": desk.create,
            "post_batch": desk.post,
            "change_batch": desk.edit,
            "delete_batch": desk.delete,
            "reverse_batch": desk.reverse,
            "replicate_batch": desk.replicate,
            "touch_batch": desk.touch,
            "misstate_batch": desk.misstate,
            "late_journals": late.post,
            "change_value": lambda change, body: values.change(change.stamp, body),
            "add_value": lambda change, body: _add_value(values, change, body),
            "set_period_status": self._set_period_status,
            **self.more,
        }

    @property
    def names(self) -> tuple[str, ...]:
        """The operations there are."""
        return tuple(self._operations)

    def perform(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The change is made, or is on its way; what it answers."""
        self.apply_due()
        change = Change(at=self._moment(body), next_id=reserve_batch_ids(self.store))
        delay = float(self.switches["visibility_delay_s"])
        try:
            if delay <= 0:
                with self.store.transaction():
                    return self._operations[name](change, body)
            return self._defer(name, change, body, delay)
        except RefusalError as refusal:
            raise ValueError(str(refusal)) from refusal

    def apply_due(self) -> None:
        """What was on its way and is due now is visible."""
        if self.clock.now() < self._next_due:
            return
        with self._turn:
            while self._apply_first_due():
                pass
            left = self.store.query("SELECT MIN(due) FROM deferred")[0][0]
            self._next_due = _NEVER if left is None else float(left)

    def mutate(self, arguments: Mapping[str, Any]) -> None:
        """Between two pages of a scan a batch has changed, has gone, or has come.

        `row` counts the batches by id from 1; `op` is update, delete or insert (with `form`).
        """
        op = arguments.get("op", "update")
        if op == "insert":
            self.perform("create_batch", arguments["form"])
            return
        offset = int(arguments.get("row", 1)) - 1
        sql = "SELECT _id FROM je_batches ORDER BY _id LIMIT 1 OFFSET ?"
        batch_id = self.store.query(sql, (offset,))[0][0]
        name = {"update": "touch_batch", "delete": "delete_batch"}[op]
        self.perform(name, {"JeBatchId": batch_id, "force": True})

    def _defer(
        self, name: str, change: Change, body: Mapping[str, Any], delay_s: float
    ) -> dict[str, Any]:
        answer = self._rehearse(name, Change(at=change.at, next_id=change.next_id), body)
        self.store.execute(
            "INSERT INTO deferred (due, stamp, first_id, operation, body) VALUES (?,?,?,?,?)",
            (self.clock.now() + delay_s, change.stamp, change.next_id, name, json.dumps(body)),
        )
        self._next_due = -_NEVER
        return answer

    def _apply_first_due(self) -> bool:
        """Return whether a change was due; one that cannot be made any more is dropped."""
        sql = (
            "SELECT _id, stamp, first_id, operation, body FROM deferred WHERE due <= ?"
            " ORDER BY _id LIMIT 1"
        )
        found = self.store.query(sql, (self.clock.now(),))
        if not found:
            return False
        row_id, stamp, first_id, name, body = found[0]
        change = Change(at=datetime.fromisoformat(stamp), next_id=first_id)
        forget = "DELETE FROM deferred WHERE _id = ?"
        with contextlib.suppress(LookupError, ValueError, RefusalError), self.store.transaction():
            self._operations[name](change, json.loads(body))
            self.store.execute(forget, (row_id,))
        self.store.execute(forget, (row_id,))
        return True

    def _moment(self, body: Mapping[str, Any]) -> datetime:
        """Return the moment the rows will show: now, unless the form says `at`."""
        if "at" not in body:
            return self.clock.now_utc()
        at = datetime.fromisoformat(str(body["at"]))
        if at.tzinfo is None:
            raise ValueError(f"The moment {body['at']!r} has no offset.")
        return at

    def _rehearse(self, name: str, change: Change, body: Mapping[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = {}
        with contextlib.suppress(_RehearsedError), self.store.transaction():
            answer = self._operations[name](change, body)
            _take_back()
        return answer

    def _set_period_status(self, _change: Change, body: Mapping[str, Any]) -> dict[str, Any]:
        """The period of a ledger has the status, in one application (general ledger: 101)."""
        status = str(body["status"])
        if status not in set("OCFNP"):
            raise ValueError(f"Status {status!r} is none of O, C, F, N, P.")
        ledger = LEDGERS_BY_NAME[str(body["ledger"])]
        period = ledger.calendar.period(str(body["period"]))
        application = int(body.get("application", _GENERAL_LEDGER))
        self.store.execute(
            "UPDATE period_statuses SET ClosingStatus = ?"
            " WHERE LedgerId = ? AND PeriodNameId = ? AND ApplicationId = ?",
            (status, ledger.ledger_id, period.name, application),
        )
        return {"ledger": ledger.name, "period": period.name, "status": status}


def _take_back() -> None:
    raise _RehearsedError


def _add_value(values: ValueDesk, change: Change, body: Mapping[str, Any]) -> dict[str, Any]:
    members = {name: member for name, member in body.items() if name != "value_set"}
    return {"ValueId": values.add_if_missing(change.stamp, str(body["value_set"]), members)}


def stamp_now(clock: SandboxClock) -> str:
    """Return the present moment as rows show it."""
    return render_stamp(clock.now_utc())
