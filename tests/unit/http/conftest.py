"""A transport chain over a scripted server, with everything it touches at hand."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from ml_connector.systems.http import HttpClient, HttpOptions

START = datetime(2026, 11, 3, 8, tzinfo=UTC)
ORIGIN = "https://pod.example"
Answer = httpx2.Response | Exception


class MovedClock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.at = START
        self.sleeps: list[float] = []

    def now(self) -> datetime:
        """The instant it stands at."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """It stands that much later."""
        self.sleeps.append(seconds)
        self.at += timedelta(seconds=seconds)


class Budget:
    """Counts grants and holds."""

    def __init__(self) -> None:
        self.grants: list[str] = []
        self.holds: list[tuple[str, float]] = []

    def acquire(self, key: str) -> None:
        """The grant is counted."""
        self.grants.append(key)

    def hold(self, key: str, seconds: float) -> None:
        """The hold is kept."""
        self.holds.append((key, seconds))


class Numbered:
    """Hands out t0 until it is rejected, then t1, and so on."""

    def __init__(self, *, renews: bool = True) -> None:
        self.number = 0
        self.renews = renews
        self.rejected: list[object] = []

    def headers(self) -> dict[str, str]:
        """The current token."""
        return {"Authorization": f"Bearer t{self.number}"}

    def on_unauthorized(self, rejected: object) -> bool:
        """The next number, when it renews."""
        self.rejected.append(rejected)
        self.number += 1
        return self.renews


class Server:
    """Gives the answers in order, the last one for ever; keeps the requests."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """The next answer."""
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx2.Response(answer.status_code, headers=answer.headers, content=answer.content)


class Chain:
    """A client over a scripted server, with everything it touches at hand."""

    def __init__(
        self, server: Server, *, authorizer: Numbered | None = None, **options: Any
    ) -> None:
        self.server = server
        self.clock = MovedClock()
        self.budget = Budget()
        self.client = HttpClient(
            HttpOptions(
                system="Fusion (erp)",
                origin=ORIGIN,
                budget_key="erp",
                trace_header="X-Trace",
                **options,
            ),
            clock=self.clock,
            budget=self.budget,
            authorizer=authorizer,
            transport=httpx2.MockTransport(server),
        )


Build = Callable[..., Chain]


@pytest.fixture
def build() -> Iterator[Build]:
    """A chain over scripted answers; closed after the test."""
    made: list[Chain] = []

    def build(*answers: Answer, authorizer: Numbered | None = None, **options: Any) -> Chain:
        made.append(Chain(Server(*answers), authorizer=authorizer, **options))
        return made[-1]

    yield build
    for chain in made:
        chain.client.close()


@pytest.fixture
def numbered() -> type[Numbered]:
    """The authorizer that hands out numbered tokens."""
    return Numbered
