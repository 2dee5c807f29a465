"""The sandbox: pretended Fusion, JD Edwards and Anaplan servers, as a process of its own."""

import os
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def sandbox(
    *,
    state: Annotated[Path, Parameter(help="Folder of the servers' state.")] = Path(".sandbox"),
    fusion_port: Annotated[int, Parameter(help="0: any free port.")] = 8871,
    anaplan_port: Annotated[int, Parameter(help="0: any free port.")] = 8872,
    jde_port: Annotated[int, Parameter(help="0: any free port.")] = 8873,
    lines: Annotated[int, Parameter(help="Journal lines of a fresh company.")] = 30_000,
    clock: Annotated[str, Parameter(help="`real` or `virtual`.")] = "real",
) -> int:
    """Start the sandbox servers and stay until Ctrl-C; prints their addresses first."""
    command = [
        sys.executable, "-m", "ml_connector.sandbox", "--state", str(state),
        "--fusion-port", str(fusion_port), "--anaplan-port", str(anaplan_port),
        "--jde-port", str(jde_port),
        "--lines", str(lines), "--clock", clock,
    ]  # fmt: skip
    # The servers replace this process: nothing of ours runs beside the house they live in.
    os.execv(sys.executable, command)  # noqa: S606 - our own interpreter, our own arguments.
