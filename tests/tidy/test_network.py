"""Tests cannot reach beyond this machine, whatever they try."""

import socket

import pytest
from pytest_socket import SocketConnectBlockedError


def test_address_beyond_this_machine_is_refused() -> None:
    """A test that reaches out fails at once instead of depending on somebody's network."""
    with (
        socket.socket() as outward,
        # The guard warns before it raises, and warnings are errors here.
        pytest.raises((SocketConnectBlockedError, UserWarning), match=r"192\.0\.2\.1"),
    ):
        outward.connect(("192.0.2.1", 80))


def test_loopback_is_open_outside_of_units() -> None:
    """Tests of the wire talk to servers of their own."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        with socket.create_connection(server.getsockname()):
            pass
