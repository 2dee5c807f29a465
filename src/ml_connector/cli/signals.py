"""Ctrl-C and SIGTERM: a run ends its step and stays resumable, anything else ends at once."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from ml_connector.errors import ConnectorError, RunInterruptedError

STDERR = 2
SIGNALS = (signal.SIGINT, signal.SIGTERM)
LEAVE_AFTER_S = 20
"""A step that has not ended by then is left as it is; resuming the run does it again."""


class Interruption(KeyboardInterrupt):
    """A signal ended the command; of a run it carries what to do next."""

    def __init__(self, number: int, error: ConnectorError | None = None) -> None:
        super().__init__(number)
        self.number = number
        self.error = error

    @property
    def exit_code(self) -> int:
        """130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + self.number

    @property
    def name(self) -> str:
        """What happened, for people."""
        return "Interrupted" if self.number == signal.SIGINT else "Terminated"


@contextmanager
def terminating() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does, with its own exit code."""

    def terminate(number: int, _frame: FrameType | None) -> None:
        raise Interruption(number)

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def stopping() -> Iterator["Stop"]:
    """The first signal asks the run to stop after its step; the second leaves at once.

    Yields:
        Where to say whom to ask, once there is somebody.

    Raises:
        Interruption: A signal came; nothing ran, or the run has stopped and can be resumed.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, stop.take) for number in SIGNALS}
    try:
        yield stop
    except RunInterruptedError as error:
        if not stop.number:
            raise
        raise Interruption(stop.number, error) from error
    finally:
        stop.settle()
        for number, handler in before.items():
            signal.signal(number, handler)


class Stop:
    """The signal that came first, and what follows from it."""

    def __init__(self) -> None:
        self.number = 0
        self._ask: Callable[[], bool] = lambda: False
        # A thread, not an alarm: a handler waits for a C call that hangs, a thread does not.
        self._timer = threading.Timer(LEAVE_AFTER_S, self._leave)
        self._timer.daemon = True

    def watch(self, ask: Callable[[], bool]) -> None:
        """`ask` stops what runs; it returns whether anything does."""
        self._ask = ask

    def take(self, number: int, _frame: FrameType | None) -> None:
        """Ask, wait, or leave."""
        if self.number:
            self._leave()
        self.number = number
        if not self._ask():
            raise Interruption(number)
        _tell("Stopping: the step that runs is ended first. Again to leave at once.")
        self._timer.start()

    def settle(self) -> None:
        """What was asked to stop has stopped."""
        self._timer.cancel()

    def _leave(self) -> None:
        _tell("Left in the middle of a step. See `ml-connector runs list`, then resume the run.")
        os._exit(128 + self.number)


def _tell(text: str) -> None:
    # Past Python's buffer: the signal may have come in the middle of a print.
    os.write(STDERR, f"\n{text}\n".encode())
