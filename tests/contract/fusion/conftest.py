"""A sandbox pod, sources over it, and the screws that tests turn."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ml_connector.domain.ledger import Batch, BatchStamp
from ml_connector.errors import CredentialsError
from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.fusion.server import FusionServer, build_fusion_server
from ml_connector.systems.fusion.adapter import FusionSource
from ml_connector.systems.fusion.connection import FusionSettings

LINES = 3000
CHARTS = [
    {
        "name": "Halden Americas Chart",
        "delimiter": ".",
        "segments": ["company", "lob", "account", "cost_centre", "product", "future"],
    },
    {
        "name": "Halden Global Chart",
        "delimiter": "-",
        "segments": ["entity", "department", "account", "subaccount"],
    },
]
SCOPE = "urn:opc:resource:fa:instanceid=100200300urn:opc:resource:consumer::all"


class WornSecrets:
    """The sandbox's secrets, by reference."""

    def __init__(self) -> None:
        self.known = {"secret:client": "halden-secret", "secret:user": "halden-password"}

    def read_secret(self, reference: str) -> str:
        """The plain text."""
        if reference not in self.known:
            raise CredentialsError(f"There is no {reference}.", written="", next_step="")
        return self.known[reference]


class FollowingClock:
    """Our clock: stands where the pod's stands; sleeping moves both."""

    def __init__(self, pod: SandboxClock) -> None:
        self.pod = pod
        self.ahead = timedelta()

    def now(self) -> datetime:
        """The pod's time, and what we are ahead of it."""
        return self.pod.now_utc() + self.ahead

    def sleep(self, seconds: float) -> None:
        """It is that much later, here and there."""
        self.pod.advance(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A running sandbox pod."""

    server: FusionServer
    clock: FollowingClock
    secrets: WornSecrets
    http: httpx2.Client

    @property
    def url(self) -> str:
        """Its address."""
        return self.server.url

    def turn(self, **switches: Any) -> None:
        """These switches stand so."""
        self.server.switches.turn(switches)

    def spoil(self, **rule: Any) -> None:
        """A fault waits for its request."""
        self.server.faults.add(rule)

    def perform(self, operation: str, **body: Any) -> Any:
        """Something happened in the books."""
        reply = self.http.post(f"{self.url}/__sandbox/{operation}", json=body)
        assert reply.status_code == 200, reply.text
        return reply.json()["result"]

    def requests(self, part: str = "") -> list[str]:
        """Paths asked for since the test began, those that hold the text."""
        return [line.path for line in self.server.journal.lines() if part in line.path]

    def settings(self, **changes: Any) -> FusionSettings:
        """Settings of a connection to this pod."""
        auth = {
            "method": "client-credentials",
            "token_url": f"{self.url}/oauth2/v1/token",
            "client_id": "halden-connector",
            "client_secret": "secret:client",
            "scope": SCOPE,
        }
        plain = {"name": "erp", "pod_url": self.url, "auth": auth, "charts": CHARTS, **changes}
        return FusionSettings.model_validate(json.loads(json.dumps(plain)))


SAMPLE_SQL = """
SELECT b._id, b.LastUpdateDate FROM je_batches b WHERE b.Status = 'P' AND (
    b._id % 11 = 0 OR b.ActualFlag = 'E'
    OR (SELECT COUNT(*) FROM je_headers h WHERE h._parent = b._id) > 25
    OR EXISTS (SELECT 1 FROM je_headers h WHERE h._parent = b._id AND h.CurrencyCode = 'STAT')
    OR EXISTS (SELECT 1 FROM je_headers h JOIN je_lines l ON l._parent = h._id
               WHERE h._parent = b._id GROUP BY h._id HAVING COUNT(*) > 500))
"""
"""Every special batch and a share of the ordinary ones."""

BuildSource = Callable[..., FusionSource]


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FusionServer]:
    """One seeded pod for all tests that leave its books alone."""
    folder = tmp_path_factory.mktemp("fusion-shared")
    yield from _started(folder)


@pytest.fixture(scope="session")
def sample(shared_server: FusionServer) -> list[BatchStamp]:
    """Stamps of a few batches, the special ones among them."""
    return [
        BatchStamp(batch_id=str(batch_id), version=at)
        for batch_id, at in shared_server.store.query(SAMPLE_SQL)
    ]


@pytest.fixture(scope="session")
def books(shared_server: FusionServer) -> list[Batch]:
    """Every batch of the shared pod, read once for the tests that only look at them."""
    for pod in _worn(shared_server):
        source = FusionSource(pod.settings(), clock=pod.clock, secrets=pod.secrets)
        with closing(source):
            read = [batch for _, batch in source.read_batches(list(source.read_all_stamps()))]
    assert None not in read
    return [batch for batch in read if batch is not None]


@pytest.fixture
def pod(shared_server: FusionServer) -> Iterator[Pod]:
    """The shared pod with every switch at its default; its books are left alone."""
    yield from _worn(shared_server)


@pytest.fixture
def own_pod(tmp_path: Path) -> Iterator[Pod]:
    """A pod whose books this test may change."""
    for server in _started(tmp_path):
        yield from _worn(server)


@pytest.fixture
def build() -> Iterator[Callable[..., FusionSource]]:
    """Sources over a pod, with settings changed; closed after the test."""
    with ExitStack() as stack:

        def build(pod: Pod, **changes: Any) -> FusionSource:
            source = FusionSource(pod.settings(**changes), clock=pod.clock, secrets=pod.secrets)
            stack.callback(source.close)
            return source

        yield build


@pytest.fixture
def source(pod: Pod, build: BuildSource) -> FusionSource:
    """A source over the shared pod."""
    return build(pod)


def _started(folder: Path) -> Iterator[FusionServer]:
    server = build_fusion_server(folder, SandboxClock(folder, virtual=True), lines=LINES)
    server.start()
    yield server
    server.stop()


def _worn(server: FusionServer) -> Iterator[Pod]:
    server.journal.clear()
    # Loopback without TLS: a context for certificates would cost more than the calls.
    with httpx2.Client(timeout=60, trust_env=False, verify=False) as http:
        clock = FollowingClock(server.clock)
        yield Pod(server=server, clock=clock, secrets=WornSecrets(), http=http)
    server.switches.reset()
    server.faults.clear()
