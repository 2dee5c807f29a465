"""A pod that answers from a script, path by path."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from ml_connector.systems.fusion.adapter import FusionSource
from ml_connector.systems.fusion.connection import FusionSettings

POD = "https://pod.fa.us2.oraclecloud.com"
Reply = str | int | httpx2.Response
Replies = Reply | list[Reply] | Callable[[httpx2.Request], Reply]


class StillClock:
    """Only sleeping moves it."""

    def now(self) -> datetime:
        """One instant."""
        return datetime(2026, 11, 3, 8, tzinfo=UTC)

    def sleep(self, seconds: float) -> None:
        """Nobody waits."""


class Vault:
    """One password."""

    def read_secret(self, reference: str) -> str:
        """The plain text."""
        return f"password of {reference}"


class Script:
    """A pod that answers each raw path from a script, in turn, the last answer for ever."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Reply] | Callable[[httpx2.Request], Reply]] = {}
        self.requests: list[httpx2.Request] = []

    def on(self, path: str, replies: Replies) -> None:
        """The path answers so."""
        self.answers[path] = (
            replies if isinstance(replies, list) or callable(replies) else [replies]
        )

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """The next answer of the path; 404 where nothing is scripted."""
        self.requests.append(request)
        path = request.url.raw_path.decode().partition("?")[0]
        answers = self.answers.get(path, [404])
        if callable(answers):
            reply = answers(request)
        else:
            reply = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(reply, httpx2.Response):
            return reply
        if isinstance(reply, int):
            return httpx2.Response(reply)
        return httpx2.Response(200, content=reply.encode())

    def count(self, ending: str) -> int:
        """Requests whose path ends so."""
        return sum(urlsplit(str(each.url)).path.endswith(ending) for each in self.requests)

    @staticmethod
    def query(request: httpx2.Request) -> dict[str, str]:
        """The query as a form decoder reads it: a bare plus would be a blank."""
        raw = request.url.raw_path.decode().partition("?")[2]
        return {name: values[0] for name, values in parse_qs(raw).items()}

    @staticmethod
    def page(*items: str, more: bool = False, **envelope: Any) -> str:
        """A collection of raw items."""
        facts = {"count": len(items), "hasMore": more, "limit": 500, "offset": 0, **envelope}
        rest = ",".join(f"{json.dumps(name)}:{json.dumps(value)}" for name, value in facts.items())
        return f'{{"items":[{",".join(items)}],{rest}}}'

    def connect(self, **changes: Any) -> FusionSource:
        """A source over this script."""
        settings = FusionSettings.model_validate(
            {
                "name": "erp",
                "pod_url": POD,
                "auth": {"method": "basic", "user": "U", "password": "secret:erp"},
                "charts": [
                    {
                        "name": "US Chart of Accounts",
                        "delimiter": ".",
                        "segments": ["company", "lob", "account", "cc", "product", "future"],
                    }
                ],
                **changes,
            }
        )
        transport = httpx2.MockTransport(self)
        return FusionSource(settings, clock=StillClock(), secrets=Vault(), transport=transport)


@pytest.fixture
def empty_script() -> Script:
    """A pod that knows nothing yet."""
    return Script()
