"""The pages served by the command, and the system's browser to look at them with."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

ROOT = Path(__file__).resolve().parent.parent
START_S = 60
STOP_S = 60
NO_BROWSER = "no Chromium: sudo apt-get install chromium"
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
"""Where the system's browser is; empty: there is none."""


@contextmanager
def serving_pages(root: Path) -> Iterator[str]:
    """The command serves the project's pages until the end of the block; yields their address.

    It has to leave in good order then, or what it had to say is raised.
    """
    command = [sys.executable, "-m", "ml_connector", "serve", "--project", str(root)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    # Into a file that both append to or read: a pipe nobody reads fills, and the process stops.
    with TemporaryFile("a+") as told, subprocess.Popen(
        [*command, "--set", "pages.port=0"], stdout=subprocess.DEVNULL, stderr=told,
        env=environment,
    ) as process:  # fmt: skip
        try:
            yield _await_address(process, told)
        finally:
            process.terminate()
            process.wait(timeout=STOP_S)
        assert process.returncode == 0, _read(told)


def _await_address(process: "subprocess.Popen[bytes]", told: IO[str]) -> str:
    ends_at = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < ends_at:
        found = re.search(r"http://\S+", _read(told))
        if found:
            return found[0]
        time.sleep(0.05)
    raise AssertionError(_read(told))


def _read(told: IO[str]) -> str:
    told.seek(0)
    return told.read()


@contextmanager
def opened_browser() -> Iterator[Any]:
    """Chromium, without a window; gone at the end of the block."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - who looks pays for it.

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
