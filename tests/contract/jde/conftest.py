"""A sandbox AIS server, sources over it, and the screws that tests turn."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ml_connector.domain.ledger import Batch
from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.jde.server import build_jde_server
from ml_connector.sandbox.server import SandboxServer
from ml_connector.systems.jde.adapter import JdeSource
from ml_connector.systems.jde.connection import JdeSettings

LINES = 2500


class OneSecret:
    """The password of every user of the sandbox."""

    def read_secret(self, _reference: str) -> str:
        """The plain text."""
        return "halden-password"


class FollowingClock:
    """Our clock: stands where the server's stands; sleeping moves both."""

    def __init__(self, ais: SandboxClock) -> None:
        self.ais = ais

    def now(self) -> datetime:
        """The server's time."""
        return self.ais.now_utc()

    def sleep(self, seconds: float) -> None:
        """It is that much later, here and there."""
        self.ais.advance(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ais:
    """A running sandbox server."""

    server: SandboxServer
    clock: FollowingClock
    http: httpx2.Client

    @property
    def url(self) -> str:
        """Its address."""
        return self.server.url

    def control(self, method: str, name: str, body: Any = None) -> Any:
        """The answer of a control operation."""
        reply = self.http.request(method, f"{self.url}/__sandbox/{name}", json=body)
        assert reply.status_code < 300, f"{name}: {reply.text}"
        return reply.json() if reply.content else None

    def perform(self, operation: str, /, **body: Any) -> Any:
        """Something happened in the books."""
        return self.control("POST", operation, body)["result"]

    def turn(self, **switches: Any) -> None:
        """These switches stand so."""
        self.control("POST", "switches", switches)

    def spoil(self, **rule: Any) -> None:
        """A fault waits for its request."""
        self.control("POST", "faults", rule)

    def settings(self, *, user: str = "PLNSVC", **changes: Any) -> JdeSettings:
        """Settings of a connection to this server."""
        auth = {"method": "password", "user": user, "password": "secret:jde"}
        plain = {
            "name": "jde",
            "ais_url": self.url,
            "auth": auth,
            "ledger_types": ["AA", "BA"],
            "first_gl_date": "2023-01-01",
            "account_types": [{"first": "1000", "last": "1999", "type": "asset"}],
            "account_categories": ["R001", "R002"],
            "business_unit_categories": ["RP01"],
            **changes,
        }
        return JdeSettings.model_validate(json.loads(json.dumps(plain)))


BuildSource = Callable[..., JdeSource]


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    """One seeded server for all tests that leave its books alone."""
    yield from _started(tmp_path_factory.mktemp("jde-shared"))


@pytest.fixture(scope="session")
def books(shared_server: SandboxServer) -> list[Batch]:
    """Every batch of the shared server, read once for the tests that only look at them."""
    for ais in _worn(shared_server):
        source = JdeSource(ais.settings(), clock=ais.clock, secrets=OneSecret())
        with closing(source):
            read = [batch for _, batch in source.read_batches(list(source.read_all_stamps()))]
    assert None not in read
    return [batch for batch in read if batch is not None]


@pytest.fixture
def ais(shared_server: SandboxServer) -> Iterator[Ais]:
    """The shared server with every switch at its default; its books are left alone."""
    yield from _worn(shared_server)


@pytest.fixture
def own_ais(tmp_path: Path) -> Iterator[Ais]:
    """A server whose books this test may change."""
    for server in _started(tmp_path):
        yield from _worn(server)


@pytest.fixture
def build() -> Iterator[BuildSource]:
    """Sources over a server, with settings changed; closed after the test."""
    with ExitStack() as stack:

        def build(ais: Ais, **changes: Any) -> JdeSource:
            source = JdeSource(ais.settings(**changes), clock=ais.clock, secrets=OneSecret())
            stack.callback(source.close)
            return source

        yield build


@pytest.fixture
def source(ais: Ais, build: BuildSource) -> JdeSource:
    """A source over the shared server."""
    return build(ais)


def _started(folder: Path) -> Iterator[SandboxServer]:
    server = build_jde_server(folder, SandboxClock(folder, virtual=True), lines=LINES)
    server.start()
    yield server
    server.stop()


def _worn(server: SandboxServer) -> Iterator[Ais]:
    # Loopback without TLS: a context for certificates would cost more than the calls.
    with httpx2.Client(trust_env=False, verify=False, timeout=60) as http:
        yield Ais(server=server, clock=FollowingClock(server.clock), http=http)
    server.switches.reset()
    server.faults.clear()
