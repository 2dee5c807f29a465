"""The sandbox as a command: addresses first, then servers until somebody ends it."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_sandbox_prints_its_addresses_and_ends_when_told(
    terminal: Any, tmp_path: Path, number: int
) -> None:
    """Both servers answer at the addresses on stdout; a signal ends the process in order."""
    command = (
        sys.executable, "-m", "ml_connector", "sandbox", "--state", str(tmp_path / "state"),
        "--fusion-port", "0", "--anaplan-port", "0", "--jde-port", "0",
        "--lines", "600",
    )  # fmt: skip
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            made = terminal.type(
                "init", str(tmp_path / "halden"), "--sandbox", ready["fusion"], ready["anaplan"]
            )
            terminal.project = tmp_path / "halden"
            found = terminal.type("discover", "fusion-sandbox", "-o", "json")
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()

    assert made.code == 0
    assert "Halden US" in {row["name"] for row in found.json}
    assert process.returncode in (0, 128 + number)
    assert (out, "Traceback" in err) == ("", False)


def test_sandbox_with_a_taken_port_says_so(
    terminal: Any, shared_company: Any, tmp_path: Path
) -> None:
    """A port somebody listens on is named; no server is left behind."""
    port = shared_company.fusion.rpartition(":")[2]
    done = subprocess.run(
        [
            sys.executable, "-m", "ml_connector", "sandbox", "--state", str(tmp_path / "state"),
            "--lines", "600", "--fusion-port", port,
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode not in (0, None)
    assert port in done.stderr
    assert "Traceback" not in done.stderr
