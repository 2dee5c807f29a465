"""What is sent again, after how long, and what is not."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from structlog.testing import capture_logs

from ml_connector.errors import (
    CredentialsError,
    OutcomeUnknownError,
    SystemUnavailableError,
)
from ml_connector.systems.calls import PATIENCE_DEFAULT
from ml_connector.systems.http import RemoteCall
from ml_connector.systems.retries import RETRY_S_MAX

START = datetime(2026, 11, 3, 8, tzinfo=UTC)
READ = RemoteCall(method="GET", path="/ledgers", query=(("q", "secret-query"),))
WRITE = RemoteCall(method="POST", path="/tasks", content=b"{}")


def reply(status: int, content: bytes = b"{}", **headers: str) -> httpx2.Response:
    """A scripted answer; underscores in header names are hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.Response(status, content=content, headers=named)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_read_is_sent_again_when_the_status_is_transient(build: Any, status: int) -> None:
    """A GET outlives transient statuses."""
    chain = build(reply(status), reply(status), reply(200))

    assert chain.client.send(READ).status == 200
    assert len(chain.server.requests) == 3
    assert chain.budget.grants == ["erp"] * 3


@pytest.mark.parametrize(
    "error", [httpx2.ReadTimeout("t"), httpx2.ReadError("r"), httpx2.RemoteProtocolError("cut")]
)
def test_read_is_sent_again_when_the_connection_breaks(build: Any, error: Exception) -> None:
    """A GET outlives a broken connection."""
    chain = build(error, reply(200))

    assert chain.client.send(READ).status == 200


def test_read_ends_as_unavailable_when_the_tries_are_spent(build: Any) -> None:
    """Five tries, then an error that may be repeated and says how often it was tried."""
    chain = build(httpx2.ReadError("r"))

    with pytest.raises(SystemUnavailableError, match="5 tries"):
        chain.client.send(READ)
    assert len(chain.server.requests) == PATIENCE_DEFAULT.tries_max
    assert sum(chain.clock.sleeps) <= RETRY_S_MAX


def test_server_error_is_tried_once_more_only(build: Any) -> None:
    """A 500 gets one more try."""
    chain = build(reply(500))

    with pytest.raises(SystemUnavailableError):
        chain.client.send(READ)
    assert len(chain.server.requests) == 2


def test_waits_grow_under_full_jitter(build: Any) -> None:
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
    build: Any, headers: dict[str, str], seconds: float
) -> None:
    """The wait is what the server asks, by its own clock, and holds everybody else too."""
    chain = build(httpx2.Response(503, headers=headers), reply(200))
    chain.client._jitter = lambda: 0.0

    chain.client.send(READ)

    assert chain.clock.sleeps == [seconds]
    assert chain.budget.holds == [("erp", seconds)]


def test_too_many_requests_holds_ten_seconds_when_no_time_is_named(build: Any) -> None:
    """A bare 429 still makes everybody pause."""
    chain = build(reply(429), reply(200))

    chain.client.send(READ)

    assert chain.budget.holds == [("erp", 10)]


def test_retry_gives_up_when_the_server_asks_for_more_than_five_minutes(build: Any) -> None:
    """A maintenance hour is reported, not slept through; the hold is capped."""
    chain = build(reply(503, Retry_After="3600"))

    with pytest.raises(SystemUnavailableError):
        chain.client.send(READ)
    assert chain.clock.sleeps == []
    assert chain.budget.holds == [("erp", RETRY_S_MAX)]


def test_unreadable_retry_after_falls_back_to_the_backoff(build: Any) -> None:
    """Nonsense in the header is no wait of its own."""
    chain = build(reply(503, Retry_After="soon"), reply(200))
    chain.client._jitter = lambda: 0.5

    chain.client.send(READ)

    assert chain.clock.sleeps == [1.0]
    assert chain.budget.holds == []


@pytest.mark.parametrize(
    "answer", [httpx2.ReadTimeout("t"), httpx2.WriteError("w"), reply(500), reply(503), reply(504)]
)
def test_write_has_an_unknown_outcome_when_its_reply_is_lost(build: Any, answer: Any) -> None:
    """A call that must not repeat is sent once, and nobody claims to know what it did."""
    chain = build(answer)

    with pytest.raises(OutcomeUnknownError, match="not known"):
        chain.client.send(WRITE)
    assert len(chain.server.requests) == 1


def test_write_is_sent_again_when_it_never_left(build: Any) -> None:
    """A refused connection proves that nothing was sent."""
    chain = build(httpx2.ConnectError("refused"), reply(200))

    assert chain.client.send(WRITE).status == 200


def test_write_is_unavailable_when_no_try_ever_left(build: Any) -> None:
    """Only failed connections: the outcome is known, nothing happened."""
    chain = build(httpx2.ConnectTimeout("t"))

    with pytest.raises(SystemUnavailableError):
        chain.client.send(WRITE)
    assert len(chain.server.requests) == PATIENCE_DEFAULT.tries_max


def test_write_is_known_refused_when_there_are_too_many_requests(build: Any) -> None:
    """A 429 is no unknown outcome; it is not sent again by itself either."""
    chain = build(reply(429))

    with pytest.raises(SystemUnavailableError):
        chain.client.send(WRITE)
    assert len(chain.server.requests) == 1
    assert chain.budget.holds == [("erp", 10)]


def test_write_marked_repeatable_is_sent_again(build: Any) -> None:
    """The caller's word decides for other methods than GET."""
    chain = build(reply(503), reply(200))

    chain.client.send(RemoteCall(method="PUT", path="/chunks/0", is_repeatable=True))

    assert len(chain.server.requests) == 2


@pytest.mark.parametrize("call", [READ, WRITE])
def test_unauthorized_call_is_replayed_once_with_a_renewed_token(
    build: Any, numbered: Any, call: RemoteCall
) -> None:
    """A 401 executed nothing, so even a write goes again, with the new token."""
    chain = build(reply(401), reply(200), authorizer=numbered())

    chain.client.send(call)

    sent = [request.headers["Authorization"] for request in chain.server.requests]
    assert sent == ["Bearer t0", "Bearer t1"]


def test_second_unauthorized_is_final(build: Any, numbered: Any) -> None:
    """A renewed token that is rejected too ends the call."""
    chain = build(reply(401, b"<html><title>Error 401</title></html>"), authorizer=numbered())

    with pytest.raises(CredentialsError, match="Error 401"):
        chain.client.send(READ)
    assert len(chain.server.requests) == 2


@pytest.mark.parametrize(
    ("call", "renews"),
    [(RemoteCall(method="POST", path="/tasks", replays_after_401=False), True), (READ, False)],
)
def test_unauthorized_call_is_not_replayed_when_that_is_ruled_out(
    build: Any, numbered: Any, call: RemoteCall, *, renews: bool
) -> None:
    """Neither against the caller's word nor without a new token; the old one is dropped."""
    authorizer = numbered(renews=renews)
    chain = build(reply(401), authorizer=authorizer)

    with pytest.raises(CredentialsError):
        chain.client.send(call)
    assert len(chain.server.requests) == 1
    assert authorizer.rejected == [{"Authorization": "Bearer t0"}]


def test_call_is_logged_at_debug_by_its_path_and_never_by_what_it_carries(
    build: Any, numbered: Any
) -> None:
    """Queries hold amounts and names, bodies credentials; the level is for looking, not leaking."""
    chain = build(reply(200, content=b'{"access": "secret-answer"}'), authorizer=numbered())

    with capture_logs() as told:
        chain.client.send(replace(READ, content=b"secret-body"))

    assert told == [
        {"event": "http.answered", "log_level": "debug", "system": "Fusion (erp)", "method": "GET",
         "path": "/ledgers", "status": 200, "received_bytes": 27}
    ]  # fmt: skip
