"""The transport chain over real sockets: lost replies, cut bodies, certificates."""

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.fakes.certificates import build_context

from ml_connector.errors import OutcomeUnknownError, SystemUnavailableError
from ml_connector.systems.http import HttpClient, HttpOptions, RemoteCall

READ = RemoteCall(method="GET", path="/x")
WRITE = RemoteCall(method="POST", path="/x", content=b"{}")
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\n{}"


class StillClock:
    """Sleeping moves it, nothing else."""

    def __init__(self) -> None:
        self.at = dt.datetime(2026, 11, 3, tzinfo=dt.UTC)

    def now(self) -> dt.datetime:
        """The instant it stands at."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """It stands that much later."""
        self.at += dt.timedelta(seconds=seconds)


@contextmanager
def serving(*answers: bytes, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Yield the port of a server that gives each connection one of the raw answers in turn."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, answers, tls))
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(timeout=10)


def _serve(listener: socket.socket, answers: tuple[bytes, ...], tls: ssl.SSLContext | None) -> None:
    for answer in (*answers, *[answers[-1]] * 9):
        try:
            plain, _ = listener.accept()
        except OSError:
            return
        with plain:
            try:
                connection = tls.wrap_socket(plain, server_side=True) if tls else plain
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)
            except OSError:
                continue


def client(port: int, *, scheme: str = "http", ca_bundle: Path | None = None) -> HttpClient:
    """A client for the local server."""
    options = HttpOptions(
        system="Local", origin=f"{scheme}://127.0.0.1:{port}", ca_bundle=ca_bundle
    )
    return HttpClient(options, clock=StillClock())


@pytest.mark.parametrize("answer", [b"", CUT])
def test_lost_reply_of_a_write_leaves_its_outcome_unknown(answer: bytes) -> None:
    """Closed without an answer or in the middle of it: the write may have happened."""
    with serving(answer) as port, client(port) as http, pytest.raises(OutcomeUnknownError):
        http.send(WRITE)


def test_lost_reply_of_a_read_is_asked_for_again() -> None:
    """A cut body never passes for a whole one."""
    with serving(b"", CUT, WHOLE) as port, client(port) as http:
        assert http.send(READ).content == b"{}"


def test_closed_port_is_unavailable_even_for_a_write() -> None:
    """Nothing left, so nothing is unknown."""
    # Held and not listened at: a port that was let go may be somebody else's by now.
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        with client(held.getsockname()[1]) as http, pytest.raises(SystemUnavailableError):
            http.send(WRITE)


def test_unknown_certificate_is_refused_at_once_and_trusted_by_its_bundle(tmp_path: Path) -> None:
    """No answer is taken from a stranger; a private authority is named in the settings."""
    tls, bundle = build_context(tmp_path)
    with (
        serving(WHOLE, tls=tls) as port,
        client(port, scheme="https") as http,
        pytest.raises(SystemUnavailableError, match=r"1 try\).*ca_bundle"),
    ):
        http.send(READ)
    with (
        serving(WHOLE, tls=tls) as port,
        client(port, scheme="https", ca_bundle=bundle) as http,
    ):
        assert http.send(READ).content == b"{}"
