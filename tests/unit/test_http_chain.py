"""The transport chain: what is sent again, what is not, and what each failure becomes."""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from ml_connector.errors import (
    AccessDeniedError,
    ConnectorError,
    CredentialsError,
    OutcomeUnknownError,
    ProtocolError,
    SettingsError,
    SystemUnavailableError,
)
from ml_connector.systems.http import (
    HttpClient,
    HttpOptions,
    RemoteCall,
    RemoteRefusedError,
    verify_origin,
)
from ml_connector.systems.retries import RETRY_S_MAX, TRIES_MAX

START = datetime(2026, 11, 3, 8, tzinfo=UTC)
ORIGIN = "https://pod.example"
READ = RemoteCall(method="GET", path="/ledgers", query=(("q", "secret-query"),))
WRITE = RemoteCall(method="POST", path="/tasks", content=b"{}")

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

    def __init__(self, server: Server, *, authorizer: Numbered | None = None) -> None:
        self.server = server
        self.clock = MovedClock()
        self.budget = Budget()
        self.client = HttpClient(
            HttpOptions(
                system="Fusion (erp)", origin=ORIGIN, budget_key="erp", trace_header="X-Trace"
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

    def build(*answers: Answer, authorizer: Numbered | None = None) -> Chain:
        made.append(Chain(Server(*answers), authorizer=authorizer))
        return made[-1]

    yield build
    for chain in made:
        chain.client.close()


def reply(status: int, content: bytes = b"{}", **headers: str) -> httpx2.Response:
    """A scripted answer; underscores in header names are hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.Response(status, content=content, headers=named)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_read_is_sent_again_when_the_status_is_transient(build: Build, status: int) -> None:
    """A GET outlives transient statuses."""
    chain = build(reply(status), reply(status), reply(200))

    assert chain.client.send(READ).status == 200
    assert len(chain.server.requests) == 3
    assert chain.budget.grants == ["erp"] * 3


@pytest.mark.parametrize(
    "error", [httpx2.ReadTimeout("t"), httpx2.ReadError("r"), httpx2.RemoteProtocolError("cut")]
)
def test_read_is_sent_again_when_the_connection_breaks(build: Build, error: Exception) -> None:
    """A GET outlives a broken connection."""
    chain = build(error, reply(200))

    assert chain.client.send(READ).status == 200


def test_read_ends_as_unavailable_when_the_tries_are_spent(build: Build) -> None:
    """Five tries, then an error that may be repeated and says how often it was tried."""
    chain = build(httpx2.ReadError("r"))

    with pytest.raises(SystemUnavailableError, match="5 tries"):
        chain.client.send(READ)
    assert len(chain.server.requests) == TRIES_MAX
    assert sum(chain.clock.sleeps) <= RETRY_S_MAX


def test_server_error_is_tried_once_more_only(build: Build) -> None:
    """A 500 gets one more try."""
    chain = build(reply(500))

    with pytest.raises(SystemUnavailableError):
        chain.client.send(READ)
    assert len(chain.server.requests) == 2


def test_waits_grow_under_full_jitter(build: Build) -> None:
    """Without Retry-After a wait lies between nothing and the doubled span."""
    chain = build(reply(502))
    chain.client._jitter = lambda: 1.0

    with pytest.raises(SystemUnavailableError):
        chain.client.send(READ)
    assert chain.clock.sleeps == [2, 4, 8, 16]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        (
            {
                "Retry-After": "Tue, 03 Nov 2026 09:00:30 GMT",
                "Date": "Tue, 03 Nov 2026 09:00:00 GMT",
            },
            30,
        ),
        ({"Retry-After": "Tue, 03 Nov 2026 08:00:20 GMT"}, 20),
        ({"Retry-After": "Mon, 02 Nov 2026 08:00:20 GMT"}, 0),
    ],
)
def test_retry_after_is_obeyed_in_both_forms(
    build: Build, headers: dict[str, str], seconds: float
) -> None:
    """The wait is what the server asks, by its own clock, and holds everybody else too."""
    chain = build(httpx2.Response(503, headers=headers), reply(200))
    chain.client._jitter = lambda: 0.0

    chain.client.send(READ)

    assert chain.clock.sleeps == [seconds]
    assert chain.budget.holds == [("erp", seconds)]


def test_too_many_requests_holds_ten_seconds_when_no_time_is_named(build: Build) -> None:
    """A bare 429 still makes everybody pause."""
    chain = build(reply(429), reply(200))

    chain.client.send(READ)

    assert chain.budget.holds == [("erp", 10)]


def test_retry_gives_up_when_the_server_asks_for_more_than_five_minutes(build: Build) -> None:
    """A maintenance hour is reported, not slept through; the hold is capped."""
    chain = build(reply(503, Retry_After="3600"))

    with pytest.raises(SystemUnavailableError):
        chain.client.send(READ)
    assert chain.clock.sleeps == []
    assert chain.budget.holds == [("erp", RETRY_S_MAX)]


def test_unreadable_retry_after_falls_back_to_the_backoff(build: Build) -> None:
    """Nonsense in the header is no wait of its own."""
    chain = build(reply(503, Retry_After="soon"), reply(200))
    chain.client._jitter = lambda: 0.5

    chain.client.send(READ)

    assert chain.clock.sleeps == [1.0]
    assert chain.budget.holds == []


@pytest.mark.parametrize(
    "answer", [httpx2.ReadTimeout("t"), httpx2.WriteError("w"), reply(500), reply(503), reply(504)]
)
def test_write_has_an_unknown_outcome_when_its_reply_is_lost(build: Build, answer: Answer) -> None:
    """A call that must not repeat is sent once, and nobody claims to know what it did."""
    chain = build(answer)

    with pytest.raises(OutcomeUnknownError, match="not known"):
        chain.client.send(WRITE)
    assert len(chain.server.requests) == 1


def test_write_is_sent_again_when_it_never_left(build: Build) -> None:
    """A refused connection proves that nothing was sent."""
    chain = build(httpx2.ConnectError("refused"), reply(200))

    assert chain.client.send(WRITE).status == 200


def test_write_is_unavailable_when_no_try_ever_left(build: Build) -> None:
    """Only failed connections: the outcome is known, nothing happened."""
    chain = build(httpx2.ConnectTimeout("t"))

    with pytest.raises(SystemUnavailableError):
        chain.client.send(WRITE)
    assert len(chain.server.requests) == TRIES_MAX


def test_write_is_known_refused_when_there_are_too_many_requests(build: Build) -> None:
    """A 429 is no unknown outcome; it is not sent again by itself either."""
    chain = build(reply(429))

    with pytest.raises(SystemUnavailableError):
        chain.client.send(WRITE)
    assert len(chain.server.requests) == 1
    assert chain.budget.holds == [("erp", 10)]


def test_write_marked_repeatable_is_sent_again(build: Build) -> None:
    """The caller's word decides for other methods than GET."""
    chain = build(reply(503), reply(200))

    chain.client.send(RemoteCall(method="PUT", path="/chunks/0", is_repeatable=True))

    assert len(chain.server.requests) == 2


@pytest.mark.parametrize("call", [READ, WRITE])
def test_unauthorized_call_is_replayed_once_with_a_renewed_token(
    build: Build, call: RemoteCall
) -> None:
    """A 401 executed nothing, so even a write goes again, with the new token."""
    chain = build(reply(401), reply(200), authorizer=Numbered())

    chain.client.send(call)

    sent = [request.headers["Authorization"] for request in chain.server.requests]
    assert sent == ["Bearer t0", "Bearer t1"]


def test_second_unauthorized_is_final(build: Build) -> None:
    """A renewed token that is rejected too ends the call."""
    chain = build(reply(401, b"<html><title>Error 401</title></html>"), authorizer=Numbered())

    with pytest.raises(CredentialsError, match="Error 401"):
        chain.client.send(READ)
    assert len(chain.server.requests) == 2


@pytest.mark.parametrize(
    ("call", "authorizer"),
    [
        (RemoteCall(method="POST", path="/tasks", replays_after_401=False), Numbered()),
        (READ, Numbered(renews=False)),
    ],
)
def test_unauthorized_call_is_not_replayed_when_that_is_ruled_out(
    build: Build, call: RemoteCall, authorizer: Numbered
) -> None:
    """Neither against the caller's word nor without a new token; the old one is dropped."""
    chain = build(reply(401), authorizer=authorizer)

    with pytest.raises(CredentialsError):
        chain.client.send(call)
    assert len(chain.server.requests) == 1
    assert authorizer.rejected == [{"Authorization": "Bearer t0"}]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, CredentialsError),
        (304, ProtocolError),
        (400, RemoteRefusedError),
        (403, AccessDeniedError),
        (409, RemoteRefusedError),
        (501, SystemUnavailableError),
    ],
)
def test_status_becomes_the_error_its_recovery_needs(
    build: Build, status: int, kind: type[ConnectorError]
) -> None:
    """The class follows from what the caller may do next, and is not tried twice."""
    chain = build(reply(status, b"plain words", X_Trace="ecid-1"))

    with pytest.raises(kind) as raised:
        chain.client.send(READ)
    assert type(raised.value) is kind
    assert raised.value.arguments["status"] == status
    assert "ecid-1" in str(raised.value)
    assert len(chain.server.requests) == 1


def test_redirect_is_named_by_host_and_not_followed(build: Build) -> None:
    """The log-in page's address may hold a session; only its host is told."""
    chain = build(reply(302, Location="https://login.example/sso?session=abc"))

    with pytest.raises(CredentialsError, match=r"login\.example") as raised:
        chain.client.send(READ)
    assert "abc" not in str(raised.value)


def test_missing_and_accepted_statuses_are_replies(build: Build) -> None:
    """404 by default, others where the caller can read them."""
    chain = build(reply(404), reply(423))

    assert chain.client.send(READ).is_missing
    locked = RemoteCall(method="GET", path="/model", accepted=frozenset({423}))
    assert chain.client.send(locked).status == 423


def test_missing_is_refused_when_the_call_does_not_accept_it(build: Build) -> None:
    """The caller may rule 404 out."""
    chain = build(reply(404))

    with pytest.raises(RemoteRefusedError):
        chain.client.send(RemoteCall(method="GET", path="/x", accepted=frozenset()))


def test_body_past_its_limit_is_refused(build: Build) -> None:
    """Nobody reads an endless body."""
    chain = build(reply(200, b"x" * 1001))
    call = RemoteCall(method="GET", path="/x", bytes_max=1000)

    with pytest.raises(ProtocolError, match="more than 1000 bytes"):
        chain.client.send(call)


def test_write_is_unknown_when_its_reply_is_past_the_limit(build: Build) -> None:
    """It was executed; only its answer is unusable."""
    chain = build(reply(200, b"x" * 1001))

    with pytest.raises(OutcomeUnknownError):
        chain.client.send(RemoteCall(method="POST", path="/x", bytes_max=1000))


@pytest.mark.parametrize(
    "content", [b'{"items": [1,', b"<html>busy</html>", b"", b"[]", b"\xff\xfe", b'{"items":"x"}']
)
def test_json_off_contract_is_refused(build: Build, content: bytes) -> None:
    """Cut, foreign or misshapen bodies raise one error, which names the call."""
    got = build(reply(200, content)).client.send(READ)

    with pytest.raises(ProtocolError, match="GET /ledgers"):
        got.parse_json(dict[str, list[int]])


def test_json_off_contract_leaves_a_write_unknown(build: Build) -> None:
    """The write happened; its id is lost."""
    got = build(reply(200, b'{"task"')).client.send(WRITE)

    with pytest.raises(OutcomeUnknownError):
        got.parse_json(dict[str, str])


def test_errors_logs_and_reprs_hold_no_secrets(
    build: Build, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither token nor query appears, not even when the server echoes the request."""
    caplog.set_level(logging.DEBUG)
    chain = build(reply(503), reply(400, b"you sent Bearer t0"), authorizer=Numbered())

    with pytest.raises(RemoteRefusedError) as raised:
        chain.client.send(READ)
    printed = capsys.readouterr()
    shown = f"{raised.value} {raised.value.render_record()} {READ!r} {caplog.text} {printed}"
    assert "t0" not in shown
    assert "secret-query" not in shown
    assert "[hidden]" in shown


def test_login_reply_is_never_quoted(build: Build) -> None:
    """A token service may answer an error with the credentials it was given."""
    chain = build(reply(400, b"client_secret=halden"))
    call = RemoteCall(method="POST", path="/token", is_login=True)

    with pytest.raises(RemoteRefusedError) as raised:
        chain.client.send(call)
    assert "halden" not in str(raised.value)


def test_query_goes_out_form_safe(build: Build) -> None:
    """A plus is %2B and a blank %20, so an offset survives the server's decoding."""
    chain = build(reply(200))
    call = RemoteCall(method="GET", path="/a%2Fb%20c", query=(("q", "at >= '+00:00';%"),))

    chain.client.send(call)

    raw = chain.server.requests[0].url.raw_path
    assert raw == b"/a%2Fb%20c?q=at%20%3E%3D%20%27%2B00%3A00%27%3B%25"


def test_cookies_are_not_kept(build: Build) -> None:
    """Each call carries its own credentials and nothing of the call before."""
    chain = build(reply(200, Set_Cookie="JSESSIONID=1; Path=/"), reply(200))

    chain.client.send(READ)
    chain.client.send(READ)

    assert "Cookie" not in chain.server.requests[1].headers


def test_server_date_is_read_from_the_reply(build: Build) -> None:
    """Watermarks are made of the server's time."""
    got = build(reply(200, Date="Tue, 03 Nov 2026 08:00:07 GMT")).client.send(READ)

    assert got.server_date == START + timedelta(seconds=7)
    assert build(reply(200)).client.send(READ).server_date is None


@pytest.mark.parametrize(
    "origin",
    [
        "http://pod.example",
        "https://pod.example/fscmRestApi",
        "https://user:pw@pod.example",
        "https://pod.example?x=1",
        "https://",
        "pod.example",
        "https://pod.example:port",
        "ftp://127.0.0.1",
    ],
)
def test_origin_is_refused_when_it_is_more_or_less_than_https(origin: str) -> None:
    """Only bare https origins, and http to loopback; a password in it is not repeated."""
    with pytest.raises(SettingsError) as raised:
        verify_origin(origin)
    assert "pw" not in str(raised.value)


def test_origin_is_kept_without_trailing_slashes() -> None:
    """Vanity hosts and ports are fine."""
    assert verify_origin("https://pod.example:8443//") == "https://pod.example:8443"
    assert verify_origin("http://127.0.0.1:80/") == "http://127.0.0.1:80"
