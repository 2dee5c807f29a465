"""What a connection or a call may change about the chain: patience, renewal, cookies, links."""

from collections.abc import Mapping
from typing import Any

import httpx2
import pytest

from ml_connector.errors import RefusedError, SystemUnavailableError
from ml_connector.systems.calls import (
    LOGIN_TIMEOUTS,
    ONE_TRY,
    SLOW_READ_TIMEOUTS,
    Patience,
    RemoteReply,
)
from ml_connector.systems.http import RemoteCall


def reply(status: int, content: bytes = b"{}", **headers: str) -> httpx2.Response:
    """A scripted answer; underscores in header names are hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.Response(status, content=content, headers=named)


def call(**changes: Any) -> RemoteCall:
    """A read."""
    return RemoteCall(method="GET", path="/next", **changes)


@pytest.mark.parametrize("trouble", [reply(503), httpx2.ConnectError("c"), httpx2.ReadError("r")])
def test_call_of_one_try_is_never_sent_again(build: Any, trouble: Any) -> None:
    """A call that would mean something else the second time is sent once."""
    chain = build(trouble, reply(200))

    with pytest.raises(SystemUnavailableError):
        chain.client.send(call(patience=ONE_TRY))

    assert len(chain.server.requests) == 1
    assert chain.clock.sleeps == []


def test_patient_call_waits_for_longer(build: Any) -> None:
    """A call may outlive more than five failures, within its own time."""
    chain = build(*[reply(503)] * 9, reply(200))

    assert chain.client.send(call(patience=Patience(tries_max=10, total_s=600))).status == 200
    assert len(chain.server.requests) == 10


def test_patience_ends_with_its_time(build: Any) -> None:
    """No try begins after the call's own time has passed."""
    chain = build(reply(503))

    with pytest.raises(SystemUnavailableError):
        chain.client.send(call(patience=Patience(tries_max=1000, total_s=60)))

    assert sum(chain.clock.sleeps) <= 60


@pytest.mark.parametrize("status", [401, 403, 444])
def test_named_statuses_renew_the_token(build: Any, numbered: Any, status: int) -> None:
    """What says that a token is dead differs by system, so the call names it."""
    chain = build(reply(status), reply(200), authorizer=numbered())

    sent = chain.client.send(call(renews_on=frozenset({401, 403, 444})))

    tokens = [request.headers["authorization"] for request in chain.server.requests]
    assert (sent.status, tokens) == (200, ["Bearer t0", "Bearer t1"])


def test_other_statuses_leave_the_token_alone(build: Any, numbered: Any) -> None:
    """By default only 401 is about the token."""
    authorizer = numbered()
    chain = build(reply(444), authorizer=authorizer)

    with pytest.raises(RefusedError, match="444"):
        chain.client.send(call())

    assert authorizer.rejected == []


def test_passing_trouble_is_waited_for_whatever_its_status(build: Any) -> None:
    """A connection may know that some 500 pass; the call's accepted statuses do not hide them."""
    chain = build(*[reply(500, b"<html>")] * 3, reply(500), is_passing=is_page)

    assert chain.client.send(call(accepted=frozenset({500}))).content == b"{}"
    assert len(chain.server.requests) == 4


def is_page(answer: RemoteReply) -> bool:
    """Whether the answer is a page."""
    return answer.content.startswith(b"<")


def test_passing_trouble_does_not_repeat_a_write(build: Any) -> None:
    """A write that may have left is never sent again for it."""
    chain = build(reply(500, b"<html>"), is_passing=is_page)

    chain.client.send(RemoteCall(method="POST", path="/tasks", accepted=frozenset({500})))

    assert len(chain.server.requests) == 1


def test_cookies_are_told_with_the_credentials_they_came_for(build: Any, numbered: Any) -> None:
    """Each set cookie comes whole, with the token its request carried; none is sent by itself."""
    told: list[tuple[Mapping[str, str], tuple[str, ...]]] = []
    cookies = ("a=1; Expires=Wed, 04 Nov 2026 08:00:00 GMT", "b=2")
    answer = httpx2.Response(200, headers=[("Set-Cookie", cookie) for cookie in cookies])
    chain = build(
        answer, reply(200), authorizer=numbered(), on_cookies=lambda *what: told.append(what)
    )
    chain.client.send(call())
    chain.client.send(call())

    assert told == [({"Authorization": "Bearer t0"}, cookies)]
    assert "cookie" not in chain.server.requests[1].headers


def test_raw_query_goes_out_as_it_stands(build: Any) -> None:
    """The query of a link is encoded already, and is shown in no description."""
    chain = build(reply(200))
    link = call(raw_query="token=a%2Bb%3D&x=1%7C2")

    chain.client.send(link)

    assert chain.server.requests[0].url.raw_path == b"/next?token=a%2Bb%3D&x=1%7C2"
    assert "a%2Bb" not in repr(link)


def test_any_credential_is_hidden_in_a_quoted_answer(build: Any) -> None:
    """A gateway that echoes a request shows neither token nor cookie in our error."""

    class Marked:
        def headers(self) -> dict[str, str]:
            return {"X-Token": "044tokenvalue", "Cookie": "node=n1value"}

        def on_unauthorized(self, rejected: object) -> bool:
            raise AssertionError(rejected)

    chain = build(reply(400, b"bad: 044tokenvalue node=n1value"), authorizer=Marked())

    with pytest.raises(RefusedError) as caught:
        chain.client.send(call())

    assert "bad:" in str(caught.value)
    assert "044tokenvalue" not in str(caught.value)
    assert "n1value" not in str(caught.value)


def test_later_header_takes_the_place_of_an_earlier_one_however_it_is_spelled(
    build: Any, numbered: Any
) -> None:
    """What a call says of a header counts instead of the connection's, and the token above both."""
    chain = build(
        reply(200), authorizer=numbered(), headers={"Accept": "a/b", "AUTHORIZATION": "none"}
    )

    chain.client.send(call(headers={"accept": "c/d"}))

    sent = chain.server.requests[0].headers
    assert sent.get_list("accept") == ["c/d"]
    assert sent.get_list("authorization") == ["Bearer t0"]
    assert sent["user-agent"] == "ml-connector"
    assert sent["host"] == "pod.example"


def test_request_carries_the_time_outs_of_its_call(build: Any) -> None:
    """Each kind of call has its own patience with a silent server."""
    chain = build(reply(200))

    for timeouts in (LOGIN_TIMEOUTS, SLOW_READ_TIMEOUTS):
        chain.client.send(call(timeouts=timeouts))

    told = [request.extensions["timeout"]["read"] for request in chain.server.requests]
    assert told == [LOGIN_TIMEOUTS.read_s, SLOW_READ_TIMEOUTS.read_s]
