"""Calls that change something, each held to the description, and what they have answered."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ml_connector.errors import ConnectorError

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance,
    response_schema_conformance,
]  # fmt: skip
LOOKS_MAX, LOOK_S = 600, 0.05
ACTED_S = 5
"""What passes in the systems between two looks at a run."""
Story = Callable[["Writer"], None]


def await_idle(site: Any, company: Any, *flows: str) -> None:
    """No run that another test has left keeps the flows busy; time passes in the systems."""
    clock = company.clock()
    with site.house() as house:
        for _ in range(LOOKS_MAX):
            if not any(house.find_unfinished(flow) for flow in flows):
                return
            _let_pass(clock)
    raise AssertionError(f"{flows} are busy")


def end_runs(site: Any, company: Any) -> None:
    """Nothing runs on the site any more, nor waits to: the next test finds every flow free."""
    clock = company.clock()
    with site.house() as house:
        for _ in range(LOOKS_MAX):
            left = [run.run_id for run in map(house.find_unfinished, house.project.flows) if run]
            if not left:
                return
            for run_id in left:
                _end(house, run_id)
            _let_pass(clock)
    raise AssertionError(f"{left} go on")


def _end(house: Any, run_id: str) -> None:
    """Put away; while it is executed, stopped before its next step."""
    with suppress(ConnectorError):
        house.cancel(run_id)
        return
    with suppress(ConnectorError):
        house.stop_run(run_id)


def _let_pass(clock: Any) -> None:
    """Time passes in the systems, and the server has a moment to look for what is queued."""
    clock.sleep(ACTED_S)
    Event().wait(LOOK_S)


@dataclass(slots=True)
class Writer:
    """Calls operations by their ids, as whoever holds the token."""

    site: Any
    token: str
    operations: dict[str, Any]
    company: Any
    answered: set[str] = field(default_factory=set)
    """Operations that have succeeded."""

    def write(
        self, operation_id: str, body: Any = None, *, token: str = "", call: str = "",
        visitor: Any = None, **names: Any,
    ) -> dict[str, Any]:  # fmt: skip
        """What a call that succeeds has answered, once it is as described.

        Args:
            operation_id: As the document names it.
            body: What is sent, if anything.
            token: Of whoever calls; who holds every right unless given.
            call: The caller's own name for the call.
            visitor: Who calls from a page of ours instead.
            names: Parts of the address.
        """
        operation = self.operations[operation_id]
        sent = {} if body is None else {"body": body, "media_type": "application/json"}
        case = operation.Case(path_parameters=names, **sent)
        if visitor is None:
            answer = case.call(headers=self._show(token, call))
        else:
            cookies = {one.name: one.value for one in visitor._cookies}
            shown = {"X-CSRFToken": cookies["ml-connector-csrf"]}
            answer = case.call(headers=shown, cookies=cookies)
        assert 200 <= answer.status_code < 300, (operation_id, answer.status_code, answer.text)
        case.validate_response(answer, checks=CHECKS)
        self.answered.add(operation_id)
        told: dict[str, Any] = answer.json()
        return told

    def read(self, path: str) -> Any:
        """What stands there now."""
        answer = self.site.visitor().call("GET", path, Authorization=f"Bearer {self.token}")
        assert answer.status == 200, (path, answer.text)
        return json.loads(answer.text)

    def follow(self, run: dict[str, Any]) -> dict[str, Any]:
        """The run once it has ended; time passes in the systems meanwhile."""
        clock = self.company.clock()
        for _ in range(LOOKS_MAX):
            _let_pass(clock)
            told: dict[str, Any] = self.read(f"/runs/{run['run_id']}")
            if told["state"] not in ("queued", "running"):
                return told
        raise AssertionError(f"run {run['run_id']} never ended: {told}")

    def _show(self, token: str, call: str) -> dict[str, str]:
        shown = {"Authorization": f"Bearer {token or self.token}"}
        return shown | ({"Idempotency-Key": call} if call else {})
