"""Starts the sandbox: `python -m ml_connector.sandbox --state DIR`."""

import argparse
import contextlib
import importlib
import json
import os
import signal
import sys
import threading
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.server import SandboxServer

LINES_DEFAULT = 30_000
SYSTEMS = ("fusion", "anaplan", "jde")
JDE_LINES_PART = 3
"""The default of 30 000 gives JD Edwards the 10 000 rows of its default company."""


def run(argv: Sequence[str]) -> int:
    """The servers have run until a signal (or the end of stdin) came; the exit code.

    One JSON line with the addresses is written to stdout once requests are answered.
    """
    options = _parse(argv)
    done = threading.Event()
    with _signals(done), contextlib.ExitStack() as stack:
        addresses = _start(options, stack)
        sys.stdout.write(json.dumps({**addresses, "state": str(options.state)}) + "\n")
        sys.stdout.flush()
        if options.exit_with_stdin:
            threading.Thread(target=_watch_stdin, args=(done,), daemon=True).start()
        done.wait()
    return 0


def build_servers(
    state_dir: Path, clock: SandboxClock, *, only: Collection[str], lines: int
) -> dict[str, SandboxServer]:
    """The servers wanted, seeded but not yet listening; none named means all."""
    servers: dict[str, SandboxServer] = {}
    wanted = only or SYSTEMS
    # They are imported here because each must start where the others are absent.
    if "fusion" in wanted:
        fusion = importlib.import_module("ml_connector.sandbox.fusion.server")
        servers["fusion"] = fusion.build_fusion_server(state_dir, clock, lines=lines)
    if "anaplan" in wanted:
        anaplan = importlib.import_module("ml_connector.sandbox.anaplan.server")
        servers["anaplan"] = anaplan.build_anaplan_server(state_dir, clock)
    if "jde" in wanted:
        jde = importlib.import_module("ml_connector.sandbox.jde.server")
        part = lines // JDE_LINES_PART
        servers["jde"] = jde.build_jde_server(state_dir, clock, lines=part)
    return servers


def _start(options: argparse.Namespace, stack: contextlib.ExitStack) -> dict[str, str | None]:
    clock = SandboxClock(options.state, virtual=options.clock == "virtual")
    servers = build_servers(options.state, clock, only=options.only, lines=options.lines)
    ports = {name: getattr(options, f"{name}_port") for name in SYSTEMS}
    addresses: dict[str, str | None] = dict.fromkeys(ports)
    for name, server in servers.items():
        stack.callback(server.stop)
        addresses[name] = _listen(server, ports[name])
    return addresses


def _listen(server: SandboxServer, port: int) -> str:
    try:
        return server.start(port)
    except OSError as error:
        sys.exit(
            f"error: The sandbox cannot listen at port {port}: {error.strerror}.\nhint: End"
            " what listens there, or choose other ports: --fusion-port, --anaplan-port,"
            " --jde-port."
        )


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ml_connector.sandbox", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="folder that keeps all state")
    for name in SYSTEMS:
        parser.add_argument(f"--{name}-port", type=int, default=0, help="0: any free port")
    parser.add_argument(
        "--only", choices=SYSTEMS, action="append", default=[], help="start this one; repeatable"
    )
    parser.add_argument(
        "--lines", type=int, default=LINES_DEFAULT, help="journal lines to seed; a third for JDE"
    )
    parser.add_argument("--clock", choices=("real", "virtual"), default="real")
    parser.add_argument("--exit-with-stdin", action="store_true", help="end when stdin closes")
    return parser.parse_args(argv)


@contextlib.contextmanager
def _signals(done: threading.Event) -> Iterator[None]:
    """SIGTERM and SIGINT set the event; only the main thread may listen to signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number in before:
        signal.signal(number, lambda *_: done.set())
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch_stdin(done: threading.Event) -> None:
    # The descriptor is read past its buffer, whose lock could not be taken at the exit.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    done.set()


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
