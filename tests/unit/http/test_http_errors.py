"""What each failure becomes, what is quoted of it, and what never is."""

import logging
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from ml_connector.errors import (
    AccessDeniedError,
    ConnectorError,
    CredentialsError,
    OutcomeUnknownError,
    ProtocolError,
    RefusedError,
    SettingsError,
    SystemUnavailableError,
)
from ml_connector.systems.http import RemoteCall, RemoteRefusedError, verify_origin

START = datetime(2026, 11, 3, 8, tzinfo=UTC)
READ = RemoteCall(method="GET", path="/ledgers", query=(("q", "secret-query"),))
WRITE = RemoteCall(method="POST", path="/tasks", content=b"{}")


def reply(status: int, content: bytes = b"{}", **headers: str) -> httpx2.Response:
    """A scripted answer; underscores in header names are hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.Response(status, content=content, headers=named)


def distrust(why: str) -> ssl.SSLCertVerificationError:
    """A certificate that is refused for that reason."""
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = why
    return error


def fail_with(cause: Exception) -> Exception:
    """A connection that broke for that reason."""
    error = httpx2.ConnectError("broken")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (fail_with(socket.gaierror(-2, "Name")), "no address is known for its name, 5 tries"),
        (fail_with(ConnectionRefusedError()), "nothing listens at that address and port, 5"),
        (fail_with(ssl.SSLEOFError(8, "EOF")), "does not speak TLS as wanted, 5 tries"),
        (fail_with(distrust("expired")), "its certificate is not trusted: expired, 1 try"),
        (httpx2.ReadError("r"), "ReadError, 5 tries"),
    ],
)
def test_broken_connection_names_its_cause(build: Any, error: Exception, words: str) -> None:
    """A wrong name, a closed port and a port without TLS are told apart."""
    chain = build(*[error] * 5)

    with pytest.raises(SystemUnavailableError) as raised:
        chain.client.send(READ)
    assert words in raised.value.refused


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
    build: Any, status: int, kind: type[ConnectorError]
) -> None:
    """The class follows from what the caller may do next, and is not tried twice."""
    chain = build(reply(status, b"plain words", X_Trace="ecid-1"))

    with pytest.raises(kind) as raised:
        chain.client.send(READ)
    assert type(raised.value) is kind
    assert raised.value.arguments["status"] == status
    assert "ecid-1" in str(raised.value)
    assert len(chain.server.requests) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_run_that_lost_its_rights_is_told_how_it_goes_on(build: Any, status: int) -> None:
    """What it has started may be under way: begun anew it would find its own half-done work."""
    chain = build(*[reply(status)] * 2)

    with pytest.raises(ConnectorError) as raised:
        chain.client.send(READ)
    raised.value.name_run("261103-080000-0dd4")
    assert raised.value.next_step.endswith("then `ml-connector runs resume 261103-080000-0dd4`.")


def test_redirect_is_named_by_host_and_not_followed(build: Any) -> None:
    """The log-in page's address may hold a session; only its host is told."""
    chain = build(reply(302, Location="https://login.example/sso?session=abc"))

    with pytest.raises(CredentialsError, match=r"login\.example") as raised:
        chain.client.send(READ)
    assert "abc" not in str(raised.value)


def test_missing_and_accepted_statuses_are_replies(build: Any) -> None:
    """404 by default, others where the caller can read them."""
    chain = build(reply(404), reply(423))

    assert chain.client.send(READ).is_missing
    locked = RemoteCall(method="GET", path="/model", accepted=frozenset({423}))
    assert chain.client.send(locked).status == 423


def test_missing_is_refused_when_the_call_does_not_accept_it(build: Any) -> None:
    """The caller may rule 404 out."""
    chain = build(reply(404))

    with pytest.raises(RemoteRefusedError):
        chain.client.send(RemoteCall(method="GET", path="/x", accepted=frozenset()))


def test_body_past_its_limit_is_refused(build: Any) -> None:
    """Nobody reads an endless body."""
    chain = build(reply(200, b"x" * 1001))
    call = RemoteCall(method="GET", path="/x", bytes_max=1000)

    with pytest.raises(ProtocolError, match="more than 1000 bytes"):
        chain.client.send(call)


def test_write_is_unknown_when_its_reply_is_past_the_limit(build: Any) -> None:
    """It was executed; only its answer is unusable."""
    chain = build(reply(200, b"x" * 1001))

    with pytest.raises(OutcomeUnknownError):
        chain.client.send(RemoteCall(method="POST", path="/x", bytes_max=1000))


def test_body_that_drips_for_ever_counts_as_broken_off(build: Any) -> None:
    """Steady drops keep every read time-out quiet; the whole body has its own limit."""
    chain = build(reply(200))

    def drip(_: httpx2.Request) -> httpx2.Response:
        def drops() -> Iterator[bytes]:
            for _ in range(100):
                chain.clock.sleep(30)
                yield b" "

        return httpx2.Response(200, content=drops())

    chain.client._client._transport = httpx2.MockTransport(drip)

    with pytest.raises(SystemUnavailableError, match="ReadTimeout"):
        chain.client.send(READ)


def test_accepted_refusal_of_a_write_is_no_unknown_outcome(build: Any) -> None:
    """A 404 the caller did not look at says plainly that nothing was done."""
    got = build(reply(404)).client.send(WRITE)

    with pytest.raises(RefusedError, match="status 404"):
        got.parse_json(dict[str, str])


@pytest.mark.parametrize(
    "content", [b'{"items": [1,', b"<html>busy</html>", b"", b"[]", b"\xff\xfe", b'{"items":"x"}']
)
def test_json_off_contract_is_refused(build: Any, content: bytes) -> None:
    """Cut, foreign or misshapen bodies raise one error, which names the call."""
    got = build(reply(200, content)).client.send(READ)

    with pytest.raises(ProtocolError, match="GET /ledgers"):
        got.parse_json(dict[str, list[int]])


def test_json_off_contract_leaves_a_write_unknown(build: Any) -> None:
    """The write happened; its id is lost."""
    got = build(reply(200, b'{"task"')).client.send(WRITE)

    with pytest.raises(OutcomeUnknownError):
        got.parse_json(dict[str, str])


def test_errors_logs_and_reprs_hold_no_secrets(
    build: Any, numbered: Any, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither token nor query appears, not even when the server echoes the request."""
    caplog.set_level(logging.DEBUG)
    chain = build(reply(503), reply(400, b"you sent Bearer t0"), authorizer=numbered())

    with pytest.raises(RemoteRefusedError) as raised:
        chain.client.send(READ)
    printed = capsys.readouterr()
    shown = f"{raised.value} {raised.value.render_record()} {READ!r} {caplog.text} {printed}"
    assert "t0" not in shown
    assert "secret-query" not in shown
    assert "[hidden]" in shown


def test_login_reply_is_never_quoted(build: Any) -> None:
    """A token service may answer an error with the credentials it was given."""
    chain = build(reply(400, b"client_secret=halden"))
    call = RemoteCall(method="POST", path="/token", is_login=True)

    with pytest.raises(RemoteRefusedError) as raised:
        chain.client.send(call)
    assert "halden" not in str(raised.value)


def test_query_goes_out_form_safe(build: Any) -> None:
    """A plus is %2B and a blank %20, so an offset survives the server's decoding."""
    chain = build(reply(200))
    call = RemoteCall(method="GET", path="/a%2Fb%20c", query=(("q", "at >= '+00:00';%"),))

    chain.client.send(call)

    raw = chain.server.requests[0].url.raw_path
    assert raw == b"/a%2Fb%20c?q=at%20%3E%3D%20%27%2B00%3A00%27%3B%25"


def test_cookies_are_not_kept(build: Any) -> None:
    """Each call carries its own credentials and nothing of the call before."""
    chain = build(reply(200, Set_Cookie="JSESSIONID=1; Path=/"), reply(200))

    chain.client.send(READ)
    chain.client.send(READ)

    assert "Cookie" not in chain.server.requests[1].headers


def test_server_date_is_read_from_the_reply(build: Any) -> None:
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
