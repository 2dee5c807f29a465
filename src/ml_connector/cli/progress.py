"""One line of progress on a terminal, nothing anywhere else."""

import os
import shutil
from types import TracebackType
from typing import Self, TextIO


class Progress:
    """Shows the step that runs; erased before anything else is printed."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shows = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._steps = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._erase()

    def tell(self, run_id: str, name: str, state: str) -> None:
        """A step of a run has started or ended."""
        if not self._shows:
            return
        self._steps += state == "started"
        width = shutil.get_terminal_size().columns - 1
        self._erase()
        if state == "started":
            self._stream.write(f"run {run_id}  step {self._steps}  {name}"[:width])
            self._stream.flush()

    def _erase(self) -> None:
        if self._shows:
            self._stream.write("\r\x1b[2K")
            self._stream.flush()
