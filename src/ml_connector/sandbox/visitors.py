"""The requests a server has taken in and not answered yet."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Pause = Callable[[float], None]
"""Waits so many real seconds, fewer where the visitors are sent off meanwhile."""


class Visitors:
    """Counts requests under way, so that a reset can wait for them.

    What a client gave up on is still answered here: begun before a reset and ended after it, it
    would stand in the journal, or have its effect, in a world it never saw.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._sent_off = 0
        self._thread = threading.local()

    @contextmanager
    def receive(self) -> Iterator[None]:
        """A request is under way in this thread within the block."""
        with self._changed:
            self._thread.came = self._sent_off
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    def pause(self, seconds: float) -> None:
        """So many real seconds have passed; fewer where the request of this thread was sent off."""
        with self._changed:
            came = getattr(self._thread, "came", self._sent_off)
            self._changed.wait_for(lambda: self._sent_off != came, timeout=seconds)

    def send_off(self, limit_s: float) -> bool:
        """Pauses end now; whether every request was answered within so many real seconds."""
        with self._changed:
            self._sent_off += 1
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._inside == 0, timeout=limit_s)
