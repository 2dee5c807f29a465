"""A Fusion server for reading (one for all tests) and one that a test may change."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.fusion.server import FusionServer, build_fusion_server

USER = ("INTEGRATION.USER", "halden-password")
VERSION_ROOT = "/fscmRestApi/resources/11.13.18.05"
LINES_SHARED = 30_000
LINES_OWN = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fusion:
    """A running server with a client that may come in."""

    server: FusionServer
    clock: SandboxClock
    client: httpx2.Client

    def call(self, method: str, path: str, *, version: int | None = 4, **more: Any) -> Any:
        """The response to a request below the version root, or to an absolute address."""
        headers = dict(more.pop("headers", {}))
        if version is not None:
            headers.setdefault("REST-Framework-Version", str(version))
        url = path if "://" in path else self.server.url + VERSION_ROOT + path
        return self.client.request(method, url, headers=headers, **more)

    def read(self, path: str, *, version: int | None = 4, **more: Any) -> Any:
        """The parsed answer of a reading that must succeed."""
        reply = self.call("GET", path, version=version, **more)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def items(self, path: str, *, version: int | None = 4, **more: Any) -> list[dict[str, Any]]:
        """The items of one page."""
        found: list[dict[str, Any]] = self.read(path, version=version, **more)["items"]
        return found

    def do(self, operation: str, **body: Any) -> Any:
        """The result of an operation behind the stage."""
        reply = self.client.post(f"{self.server.url}/__sandbox/{operation}", json=body)
        assert reply.status_code == 200, reply.text
        return reply.json()["result"]

    def turn(self, **switches: Any) -> None:
        """The switches stand as given."""
        self.server.switches.turn(switches)

    def batch(self, batch_id: int) -> dict[str, Any]:
        """One batch by its id."""
        found: dict[str, Any] = self.read(f"/journalBatches/{batch_id}")
        return found

    def walk(self, batch_id: int) -> list[dict[str, Any]]:
        """Every line of a batch, with its header under `header`."""
        lines = []
        for header in self.items(f"/journalBatches/{batch_id}/child/journalHeaders?limit=500"):
            href = child_href(header)
            offset, more = 0, True
            while more:
                page = self.read(f"{href}?limit=500&offset={offset}")
                lines += [{**line, "header": header} for line in page["items"]]
                offset, more = offset + page["count"], page["hasMore"]
        return lines


def child_href(item: dict[str, Any]) -> str:
    """The address of the child collection a walk goes on with."""
    wanted = {"journalHeaders", "journalLines"}
    return next(str(link["href"]) for link in item["links"] if link["name"] in wanted
                and link["rel"] == "child")  # fmt: skip


def build(folder: Path, *, lines: int) -> Iterator[Fusion]:
    """A started server, stopped afterwards."""
    clock = SandboxClock(folder, virtual=True)
    server = build_fusion_server(folder, clock, lines=lines)
    server.start()
    with httpx2.Client(auth=USER, timeout=30) as client:
        yield Fusion(server=server, clock=clock, client=client)
    server.stop()


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fusion]:
    """The server that all reading tests share."""
    yield from build(tmp_path_factory.mktemp("fusion"), lines=LINES_SHARED)


@pytest.fixture
def fusion(shared_server: Fusion) -> Iterator[Fusion]:
    """The shared server; tests leave its rows alone, switches and faults are put back."""
    yield shared_server
    shared_server.server.switches.reset()
    shared_server.server.faults.clear()


@pytest.fixture(scope="session")
def small_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with a small company, to be copied."""
    folder = tmp_path_factory.mktemp("small")
    build_fusion_server(folder, SandboxClock(folder, virtual=True), lines=LINES_OWN).stop()
    return folder


@pytest.fixture
def own(small_state: Path, tmp_path: Path) -> Iterator[Fusion]:
    """A small server of the test's own, on its first day."""
    shutil.copytree(small_state, tmp_path, dirs_exist_ok=True)
    yield from build(tmp_path, lines=LINES_OWN)
