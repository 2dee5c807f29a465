"""Fixtures that start sandbox servers: in this process, or as a process that can be killed."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

import ml_connector.sandbox
from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.server import SandboxServer

SOURCE_ROOT = Path(ml_connector.sandbox.__file__).parents[2]
StartServer = Callable[[SandboxServer], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxProcess:
    """A sandbox running as a process of its own."""

    process: "subprocess.Popen[str]"
    fusion: str | None
    anaplan: str | None
    state_dir: Path

    def kill(self) -> None:
        """The process is gone without having had a say."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """The process has been asked to end; its exit code."""
        self.process.terminate()
        return self.process.wait(20)


StartProcess = Callable[..., SandboxProcess]


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    """An empty state folder."""
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


@pytest.fixture
def clock(state_dir: Path) -> SandboxClock:
    """A virtual clock that stands at the sandbox's first moment."""
    return SandboxClock(state_dir, virtual=True)


@pytest.fixture
def start_server() -> Iterator[StartServer]:
    """Starts servers in this process and stops them after the test."""
    with contextlib.ExitStack() as stack:

        def start(server: SandboxServer) -> str:
            stack.callback(server.stop)
            return server.start()

        yield start


@pytest.fixture
def start_process(state_dir: Path) -> Iterator[StartProcess]:
    """Starts `python -m ml_connector.sandbox` with further arguments; ends it after the test."""
    with contextlib.ExitStack() as stack:

        def start(*arguments: str) -> SandboxProcess:
            command = [sys.executable, "-m", "ml_connector.sandbox", "--state", str(state_dir)]
            process = stack.enter_context(
                subprocess.Popen(
                    [*command, "--exit-with-stdin", *arguments],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    env={**os.environ, "PYTHONPATH": str(SOURCE_ROOT)},
                )
            )
            stack.callback(process.kill)
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            return SandboxProcess(
                process=process,
                fusion=ready["fusion"],
                anaplan=ready["anaplan"],
                state_dir=state_dir,
            )

        yield start


@pytest.fixture
def control() -> Iterator[Callable[..., Any]]:
    """Calls a control operation: `control(url, "POST", "clock", {"advance_s": 60})`."""
    with httpx2.Client(timeout=30) as client:

        def call(url: str, method: str, name: str, body: Any = None) -> Any:
            reply = client.request(method, f"{url}/__sandbox/{name}", json=body)
            assert reply.status_code < 300, reply.text
            return reply.json() if reply.content else None

        yield call
