"""The sandbox as a child process of a script, gone when the script is."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

SYSTEMS = ("fusion", "anaplan", "jde")


@contextmanager
def running_sandbox(
    state: Path, *, lines: int, only: Sequence[str] = SYSTEMS, clock: str = "real"
) -> Iterator[dict[str, str]]:
    """Yield the addresses of these servers by system; all of one company with so many lines."""
    command = [
        sys.executable, "-m", "ml_connector.sandbox", "--state", str(state),
        "--lines", str(lines), "--clock", clock, "--exit-with-stdin",
        *(part for system in only for part in ("--only", system)),
    ]  # fmt: skip
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            ready = json.loads(process.stdout.readline())
            yield {system: ready[system] for system in only}
        finally:
            process.terminate()
