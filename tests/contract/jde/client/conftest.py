"""Clients over a sandbox AIS server, with somebody who meddles between two requests."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx2
import pytest

from ml_connector.systems.jde.client import JdeClient
from ml_connector.systems.jde.conditions import Query

KEY = ("KCO", "DCT", "DOC", "DGJ", "JELN", "LT", "EXTL")


class OneSecret:
    """A password; the sandbox's own unless a test spoils it."""

    def __init__(self) -> None:
        self.password = "halden-password"

    def read_secret(self, _reference: str) -> str:
        """The plain text."""
        return self.password


class Sessions:
    """Sessions as a store keeps them: what was open when its process died is left."""

    def __init__(self) -> None:
        self.open: list[str] = []
        self.left: list[str] = []

    def save_session(self, _connection: str, token: str) -> None:
        """The session is kept."""
        self.open = [token]

    def forget_session(self, _connection: str) -> None:
        """The session is forgotten."""
        self.open = []

    def take_left_sessions(self, _connection: str) -> list[str]:
        """What dead processes held; once."""
        taken, self.left = self.left, []
        return taken

    def kill(self) -> None:
        """The process died without a word."""
        self.left, self.open = self.left + self.open, []


class Meddler(httpx2.BaseTransport):
    """Passes requests on; before the nth whose path ends so, something happens."""

    def __init__(self) -> None:
        self.inner = httpx2.HTTPTransport()
        self.paths: list[str] = []
        self.plans: dict[tuple[str, int], Callable[[], object]] = {}

    def before(self, ending: str, number: int, act: Callable[[], object]) -> None:
        """This happens just before that request is sent."""
        self.plans[ending, number] = act

    def count(self, ending: str) -> int:
        """Requests whose path ends so."""
        return sum(path.endswith(ending) for path in self.paths)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """The server's answer."""
        self.paths.append(request.url.path)
        for ending, number in list(self.plans):
            # Other threads may have sent theirs meanwhile; whoever takes the plan carries it out.
            if request.url.path.endswith(ending) and self.count(ending) >= number:
                self.plans.pop((ending, number), lambda: None)()
        return self.inner.handle_request(request)

    def close(self) -> None:
        """Every connection is closed."""
        self.inner.close()


class Wire:
    """A server, and the clients that were made over it."""

    def __init__(self, ais: Any, stack: ExitStack) -> None:
        self.ais = ais
        self.meddler = Meddler()
        self.secret = OneSecret()
        self.sessions = Sessions()
        self._stack = stack

    def connect(self, **changes: Any) -> JdeClient:
        """A client with settings changed; closed after the test."""
        client = JdeClient(
            self.ais.settings(**changes),
            clock=self.ais.clock,
            secrets=self.secret,
            sessions=self.sessions,
            transport=self.meddler,
        )
        self._stack.callback(client.close)
        return client

    def sessions_open(self) -> int:
        """Sessions the server holds."""
        return int(self.ais.control("GET", "info")["sessions"])

    def warnings(self) -> dict[str, int]:
        """Practices the server has seen and counted that it warns of."""
        return {k: v for k, v in self.ais.control("GET", "info")["warnings"].items() if v}

    @property
    def logins(self) -> int:
        """Log-ins that were asked for."""
        return self.meddler.count("/tokenrequest")


@pytest.fixture
def wire(ais: Any) -> Iterator[Wire]:
    """The shared server, without a fetch limit; its books are left alone."""
    ais.turn(dbFetchLimit=10**9)
    # Other tests may have blocked their own log-outs.
    ais.perform("restart_ais")
    with ExitStack() as stack:
        yield Wire(ais, stack)


@pytest.fixture
def keys() -> Query:
    """The whole account ledger by its key, in no promised order."""
    return Query(table="F0911", columns=KEY)
