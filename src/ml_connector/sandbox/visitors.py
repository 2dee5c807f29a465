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

    @contextmanager
    def receive(self) -> Iterator[Pause]:
        """A request is under way within the block, and pauses by what is given."""
        with self._changed:
            came = self._sent_off
            self._inside += 1

        def pause(seconds: float) -> None:
            with self._changed:
                self._changed.wait_for(lambda: self._sent_off != came, timeout=seconds)

        try:
            yield pause
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    def send_off(self, limit_s: float) -> bool:
        """Pauses end now; whether every request was answered within so many real seconds."""
        with self._changed:
            self._sent_off += 1
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._inside == 0, timeout=limit_s)
