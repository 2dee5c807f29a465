"""HTTP without sockets: requests of the real clients are answered by a sandbox server in process.

An answer is spoiled on its way as the sandbox's fault rules ask, by what a client would see of it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import httpx2
from tests.simulation.life import Life
from tests.simulation.times import SimClock

from ml_connector.sandbox.http import Delivery, Response, parse_request
from ml_connector.sandbox.server import SandboxServer

LATE = "write arrives late"
"""How it is told."""
WRITE = re.compile(
    r"^POST .*(/(imports|processes)/\d+/tasks|/orchestrator/[^/]+)$|^P\w+ .*/suppliers(/\d+)?$"
)
"""Requests that load or enter, and that nobody may repeat blindly."""
TOO_MANY = 429
HOLDING = frozenset({TOO_MANY, 503})
"""Answers whose Retry-After holds everybody who shares the allowance."""
HOLD_S_DEFAULT, HOLD_S_MAX = 10.0, 300.0
"""Of a 429 that names no time, and the longest that is obeyed."""
BEARER = re.compile(r"(?:Bearer|AnaplanAuthToken|Basic)\s+(\S+)")


@dataclass(slots=True, kw_only=True)
class Intervention:
    """Something that happens to the world right after the n-th matching request was answered.

    What `act` calls False has not happened: there was nothing it could befall.
    """

    kind: str
    path: str
    nth: int
    act: Callable[[], object]
    method: str = ""
    status: int = 0
    """Of the answer; 0: any."""
    times: int = 1
    """It happens at so many requests in a row."""
    hits: int = 0

    def is_due(self, request: httpx2.Request, status: int) -> bool:
        """Count the request; whether it is one of those."""
        target = request.url.raw_path.decode()
        if (self.method and self.method != request.method) or not re.search(self.path, target):
            return False
        if self.status not in (0, status):
            return False
        self.hits += 1
        return self.nth <= self.hits < self.nth + self.times


@dataclass(slots=True, kw_only=True)
class Delay:
    """The n-th matching write: its client hears nothing, and it comes in later all the same."""

    path: str
    method: str
    nth: int
    seconds: float
    kills: bool = False
    """Whoever has sent it is gone before he knows."""
    hits: int = 0

    def is_due(self, request: httpx2.Request) -> bool:
        """Count the request; whether it is the one."""
        target = request.url.raw_path.decode()
        if self.method != request.method or not re.search(self.path, target):
            return False
        self.hits += 1
        return self.hits == self.nth


@dataclass(slots=True, kw_only=True)
class Wire:
    """What all transports of a world share: time per request, what interferes, tokens seen."""

    clock: SimClock
    latency_s: float = 0.05
    interventions: list[Intervention] = field(default_factory=list)
    delays: list[Delay] = field(default_factory=list)
    happened: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    """Credentials that were on the wire; none of them may lie in a file."""
    arrivals: list[tuple[str, float]] = field(default_factory=list)
    """(server, instant) of each request as it came in; one may be answered much later."""
    holds: list[tuple[str, float, float]] = field(default_factory=list)
    """(server, from, until) of each time a client was told to stay quiet."""
    last_path: str = ""
    """Of the newest request."""

    def note(self, request: httpx2.Request) -> None:
        """The credentials of the request are known."""
        for value in request.headers.get_list("authorization"):
            found = BEARER.match(value)
            if found:
                self.tokens.add(found[1])

    def intervene(self, request: httpx2.Request, status: int) -> None:
        """What was to happen after this request has happened."""
        self.last_path = request.url.path
        for one in tuple(self.interventions):
            if one.is_due(request, status) and one.act() is not False and one.kind:
                self.happened.append(one.kind)

    def find_delay(self, request: httpx2.Request) -> Delay | None:
        """How long the request is on its way, where it is too long."""
        return next((one for one in self.delays if one.is_due(request)), None)

    def note_hold(self, server: SandboxServer, answer: Response) -> None:
        """A client has the answer, which may ask for quiet."""
        asked = {name.lower(): value for name, value in answer.headers}.get("retry-after")
        if answer.status in HOLDING and (asked is not None or answer.status == TOO_MANY):
            now = server.clock.now()
            seconds = HOLD_S_DEFAULT if asked is None else min(float(asked), HOLD_S_MAX)
            self.holds.append((server.name, now, now + seconds))


class Loopback(httpx2.BaseTransport):
    """A transport of `HttpClient` that ends at one sandbox server."""

    def __init__(self, server: SandboxServer, *, wire: Wire, life: Life) -> None:
        self._server = server
        self._wire = wire
        self._life = life

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """The server's answer, or the error that its loss is to the client."""
        name = f"{request.method} {request.url.path}"
        with self._life.at_call(name), self._life.at_write(name, is_one=bool(WRITE.match(name))):
            self._wire.note(request)
            self._wire.clock.pass_time(self._wire.latency_s)
            self._wire.arrivals.append((self._server.name, self._server.clock.now()))
            delay = self._wire.find_delay(request)
            if delay is not None:
                self._wire.clock.plan(delay.seconds, partial(self._come_late, request))
                if delay.kills:
                    self._life.end("write", f"{name}, which comes in later")
                raise httpx2.ReadError("nobody answers", request=request)
            answer = self._answer(request)
            self._wire.intervene(request, answer.status)
        return self._deliver(request, answer)

    def _come_late(self, request: httpx2.Request) -> None:
        self._wire.happened.append(LATE)
        self._answer(request)

    def _answer(self, request: httpx2.Request) -> Response:
        headers = {key.lower(): value for key, value in request.headers.items()}
        target = request.url.raw_path.decode("ascii")
        asked = parse_request(request.method, target, headers, request.read())
        return self._server._take(asked)

    def _deliver(self, request: httpx2.Request, answer: Response) -> httpx2.Response:
        delivery = answer.delivery
        if delivery is None:
            self._wire.note_hold(self._server, answer)
        elif delivery.mode in {"reset", "close", "kill"}:
            raise httpx2.ReadError("the connection was lost", request=request)
        body = b"" if request.method == "HEAD" else answer.body
        headers = [*answer.headers, ("Date", self._server.clock.http_date())]
        return httpx2.Response(
            answer.status, headers=headers, stream=_Body(body, delivery, self._wire.clock)
        )


class _Body(httpx2.SyncByteStream):
    """The bytes of an answer: whole, slow or cut."""

    def __init__(self, body: bytes, delivery: Delivery | None, clock: SimClock) -> None:
        self._body = body
        self._delivery = delivery
        self._clock = clock

    def __iter__(self) -> Iterator[bytes]:
        body, delivery = self._body, self._delivery
        if delivery is None:
            yield body
        elif delivery.mode == "truncate":
            yield body[: delivery.cut_at]
            raise httpx2.RemoteProtocolError("peer closed connection without the complete body")
        else:
            size = max(1, -(-len(body) // delivery.pieces))
            for start in range(0, len(body), size):
                self._clock.pass_time(delivery.pause_s)
                yield body[start : start + size]
