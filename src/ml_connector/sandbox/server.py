"""What every server of the sandbox is made of: transport, store, switches, faults, journal."""

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.control import CONTROL_PREFIX, AdminOperation, Control
from ml_connector.sandbox.faults import FaultBook, apply_fault
from ml_connector.sandbox.http import HttpServer, Request, Response, Router, json_response
from ml_connector.sandbox.journal import Journal
from ml_connector.sandbox.store import Store
from ml_connector.sandbox.switches import Switch, Switches
from ml_connector.sandbox.visitors import Visitors

EXIT_KILLED = 137
SEND_OFF_S_MAX = 30.0


class SandboxServer:
    """One server; subclasses fill `router` and override `answer`, `info` and `reseed`.

    Order for each request: control paths are taken out; a due fault rule decides what happens;
    `answer` does the work; the journal is written; only then the reply leaves.
    """

    def __init__(
        self, name: str, *, state_dir: Path, clock: SandboxClock, switches: Mapping[str, Switch]
    ) -> None:
        self.name = name
        self.clock = clock
        self.store = Store(state_dir / f"{name}.sqlite")
        self.switches = Switches(self.store, switches)
        self.faults = FaultBook(self.store)
        self.journal = Journal(self.store)
        self.router = Router()
        self.lock = threading.RLock()
        self.control = Control(self)
        self.visitors = Visitors()
        self._http: HttpServer | None = None

    @property
    def url(self) -> str:
        """The base address of the started server."""
        assert self._http is not None, f"the {self.name} server has not been started"
        return self._http.url

    def start(self, port: int = 0) -> str:
        """The server answers on a loopback port (0: any free one); its base address."""
        self._http = HttpServer(port, self._take, self.clock.http_date)
        self._http.start()
        return self.url

    def stop(self) -> None:
        """The port is free, connections are closed, the store is closed."""
        if self._http is not None:
            self._http.stop()
        self.visitors.send_off(SEND_OFF_S_MAX)
        self.store.close()

    def answer(self, request: Request) -> Response:
        """The reply to a request that no fault has taken; by default the router's."""
        handler, others = self.router.find(request)
        if handler is None:
            return self.refuse(request, 405 if others else 404)
        return handler(request)

    def refuse(self, request: Request, status: int) -> Response:
        """The reply to a request the server has no handler for."""
        return json_response({"status": status, "path": request.path}, status)

    def info(self) -> dict[str, Any]:
        """What tests need to know: ids, users, addresses."""
        return {}

    def reseed(self) -> None:
        """The server's own state is as on a fresh state folder."""

    def reset(self) -> None:
        """State, switches, faults and journal are as on a fresh state folder; time stays.

        Requests under way are ended first.

        Raises:
            ValueError: One of them does not end; rules of faults are gone, nothing else is.
        """
        self.faults.clear()
        if not self.visitors.send_off(SEND_OFF_S_MAX):
            raise ValueError(f"A request is under way for more than {SEND_OFF_S_MAX:.0f} seconds.")
        self.switches.reset()
        self.journal.clear()
        self.reseed()

    def add_admin(self, name: str, operation: AdminOperation) -> None:
        """POST /__sandbox/<name> runs the operation with the JSON body it was sent."""
        self.control.add(name, operation)

    def _take(self, request: Request) -> Response:
        if request.path.startswith(CONTROL_PREFIX):
            return self.control.answer(request)
        with self.visitors.receive():
            response = self._answer(request)
        if response.delivery is not None and response.delivery.mode == "kill":
            os._exit(EXIT_KILLED)
        return response

    def _answer(self, request: Request) -> Response:
        rule = self.faults.find_due(request)
        if rule is None:
            response = self.answer(request)
        else:
            hooks, pause = self.faults.hooks, self.visitors.pause
            response = apply_fault(rule, request, lambda: self.answer(request), hooks, pause)
        self.journal.record(
            request,
            response.status or None,
            at=self.clock.now_utc(),
            fault=rule.kind if rule else None,
        )
        return response
