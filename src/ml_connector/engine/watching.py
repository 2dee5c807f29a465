"""Threads that do one thing again and again, beside whatever the process executes."""

import threading
from collections.abc import Callable


class Watch:
    """Acts, waits, and acts again, until it is stopped."""

    def __init__(
        self, name: str, act: Callable[[], bool], *, find_wait_s: Callable[[], float]
    ) -> None:
        """Nothing happens yet.

        Args:
            name: The thread's.
            act: Whether it is to be called again; must not raise.
            find_wait_s: Seconds until the next call, asked before each.
        """
        self._act = act
        self._find_wait_s = find_wait_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._act_on, name=name, daemon=True)

    @property
    def is_stopping(self) -> bool:
        """Whether a call under way shall end soon."""
        return self._stop.is_set()

    def start(self) -> None:
        """Calls go on by themselves."""
        self._thread.start()

    def stop(self) -> None:
        """No call follows, and none is under way."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _act_on(self) -> None:
        while not self._stop.wait(self._find_wait_s()) and self._act():
            pass
