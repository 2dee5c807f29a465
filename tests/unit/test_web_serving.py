"""How the server of the pages ends."""

from collections.abc import Callable
from typing import Any

import pytest

from ml_connector.web import serving


class Server:
    """Tells in which order it was taken down."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.task_dispatcher = self.trigger = self
        self.close_when_flushed = False
        self.active_channels = {7: self}

    def shutdown(self) -> None:
        """Every thread has given its answer."""
        self.told.append("answers given")

    def pull_trigger(self, act: Callable[[], None]) -> None:
        """The thread that listens does it."""
        self.told.append("asked to leave")
        act()

    def close(self) -> None:
        """Nobody is heard any more."""
        self.told.append("closed")

    def join(self, timeout: float) -> None:
        """The thread that listens has ended."""
        self.told.append("ended")


def test_answers_are_given_before_the_server_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a thread that has just answered wakes a server that is gone, and logs a fault."""
    monkeypatch.setattr(serving, "close_desk", lambda: None)
    house: Any = None
    pages, server = serving.Pages(house, host="127.0.0.1", port=0), Server()
    monkeypatch.setattr(pages, "_server", server, raising=False)
    monkeypatch.setattr(pages, "_thread", server, raising=False)
    monkeypatch.setattr(pages, "_sockets", {3: server, 7: object()})

    pages.__exit__()

    assert server.told == ["answers given", "asked to leave", "closed", "ended"]
    assert server.close_when_flushed, "a browser that keeps its connection holds the process"
