"""The sandbox as a child process, and its side door: faults set, requests counted, books asked."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from scripts.sandbox_servers import SYSTEMS, running_sandbox

LINES = 3_000
"""Journal lines of a company large enough for every write and small enough for a second."""
CALL_S_MAX = 60.0
"""Longest a call to our own sandbox may take."""
PASSWORD = "halden-password"  # noqa: S105 - the public password of a pretended company.
Json = dict[str, Any]


class WireError(Exception):
    """The sandbox refused a call of the counting itself; the table would be worth nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the faults of one server have seen: requests that matched, replies withheld."""

    requests: int
    lost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A running sandbox."""

    urls: Mapping[str, str]

    def do(self, system: str, operation: str, /, **body: Any) -> Any:
        """The result of something that only the side door can do."""
        return self._control(system, "POST", operation, body)["result"]

    def turn(self, system: str, **switches: Any) -> None:
        """Switches stand as given."""
        self._control(system, "POST", "switches", switches)

    def reset(self) -> None:
        """Every server is as on its first day; the clock stands where it stood."""
        for system in SYSTEMS:
            self._control(system, "POST", "reset", {})

    def spoil(self, system: str, rules: Sequence[Json]) -> None:
        """These faults, and no others, are in force."""
        self._control(system, "DELETE", "faults")
        self._control(system, "POST", "faults", rules)

    def listen(self, system: str) -> Heard:
        """What the faults have seen; every rule counts every request, so the first one tells."""
        rules = self._control(system, "GET", "faults")["rules"]
        return Heard(
            requests=rules[0]["hits"] if rules else 0, lost=sum(rule["fired"] for rule in rules)
        )

    def journal(self, system: str) -> list[Json]:
        """Every request the server has answered or left without an answer, oldest first."""
        lines: list[Json] = self._control(system, "GET", "journal")["lines"]
        return lines

    def read_info(self, system: str) -> Json:
        """Ids, users and addresses of the server."""
        info: Json = self._control(system, "GET", "info")
        return info

    def _control(self, system: str, method: str, name: str, body: Any = None) -> Any:
        return call(method, f"{self.urls[system]}/__sandbox/{name}", body)


@contextmanager
def open_stage(folder: Path) -> Iterator[Stage]:
    """All three servers live until the end of the block, on a clock that waits for nobody."""
    with running_sandbox(folder, lines=LINES, clock="virtual") as urls:
        yield Stage(urls=urls)


def call(method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
    """The decoded answer; a body of bytes is sent as it is, any other as JSON.

    Raises:
        WireError: The server refused it.
    """
    content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    kind = {} if content is None else {"Content-Type": "application/json"}
    request = Request(  # noqa: S310 - our own sandbox.
        url, data=content, method=method, headers={**kind, **(headers or {})}
    )
    try:
        with urlopen(request, timeout=CALL_S_MAX) as reply:  # noqa: S310 - our own sandbox.
            text = reply.read()
    except HTTPError as error:
        with error:
            raise WireError(f"{method} {url}: {error.code} {error.read()[:500]!r}") from error
    return json.loads(text) if text else None
