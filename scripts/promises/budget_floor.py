"""Real processes that send through one request budget, and a server that counts what arrives.

`python -m scripts.promises.budget_floor` with loads as JSON is the parent of the processes: it says
"ready", forks the person's process at the first line it reads and the others at the second. All
are gone at the instant that the first line names.
"""

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ml_connector.logs import set_up_logs
from ml_connector.records import Allowance, close, configure, migrate, open_budget
from ml_connector.records.clock import SystemClock
from ml_connector.systems.http import HttpClient, HttpOptions, RemoteCall
from ml_connector.wiring.callers import CallerBudget, Callers

ROOT = Path(__file__).parents[2]
PROCESSES, RUNS_EACH = 4, 5
WIDE, WIDE_READERS = "run-0", 8
"""One of the runs reads with that many threads; all others with one."""
PERSON = "person"
CONNECTIONS = 16
ENDED_S_MAX = 60.0
LOOK_S = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one process sends under: whose allowance, and for which runs; none: for a person."""

    database_url: str
    origin: str
    key: str
    requests: int
    window_s: float
    margin_s: float
    runs: tuple[str, ...] = ()
    pause_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What is played.

    Attributes:
        key: The allowance drawn on.
        allowance: What it allows.
        seconds: How long is sent.
        refuses_nth: Which request is answered by 429, counted from one; none by default.
        retry_after_s: What that answer asks for.
        person_pause_s: How long a person waits between two requests.
    """

    key: str
    allowance: Allowance
    seconds: float
    refuses_nth: int = 0
    retry_after_s: int = 0
    person_pause_s: float = 2.5


@dataclass(slots=True)
class Seen:
    """What the server saw, by its own clock, in the order of arrival.

    `refused_at` is when the one request was refused; `person_waits` what each of a person's
    requests took.
    """

    arrivals: list[tuple[float, str]] = field(default_factory=list)
    refused_at: float | None = None
    person_waits: list[float] = field(default_factory=list)

    def instants(self) -> list[float]:
        """When something arrived, in order."""
        return sorted(at for at, _ in self.arrivals)

    def count_by_run(self) -> dict[str, int]:
        """How many requests of each run arrived."""
        names = [f"run-{number}" for number in range(PROCESSES * RUNS_EACH)]
        return {name: sum(1 for _, who in self.arrivals if who == name) for name in names}


class CountingServer(ThreadingHTTPServer):
    """Answers everything at once and notes when it came; refuses one request."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, course: Course) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.course = course
        self.seen = Seen()
        self.guard = threading.Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: processes that are gone leave their connections as they are."""

    def note(self, who: str) -> bool:
        """Whether the request that came just now is the one to be refused."""
        with self.guard:
            at = time.monotonic()
            self.seen.arrivals.append((at, who))
            is_refused = len(self.seen.arrivals) == self.course.refuses_nth
            if is_refused:
                self.seen.refused_at = at
            return is_refused


class _Answer(BaseHTTPRequestHandler):
    server: CountingServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Empty, or the refusal."""
        is_refused = self.server.note(self.path.removeprefix("/"))
        self.send_response(429 if is_refused else 200)
        if is_refused:
            self.send_header("Retry-After", str(self.server.course.retry_after_s))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the parent's name.
        """Nothing."""


def play(database_url: str, course: Course) -> Seen:
    """What the server saw of the processes, all of them and a person, for the course's seconds."""
    with _serving(course) as server, _forking(database_url, course, server) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n", "the processes did not begin"
        parent.stdin.write(f"{time.monotonic() + course.seconds}\n")
        parent.stdin.flush()
        if course.refuses_nth == 1:
            # Told to hold before the others begin: what they send then, they send against it.
            _await_held(server, database_url)
        told = parent.communicate("go\n", timeout=course.seconds + ENDED_S_MAX)[0]
        server.seen.person_waits = [float(line) for line in told.split()]
        return server.seen


@contextmanager
def _serving(course: Course) -> Iterator[CountingServer]:
    with CountingServer(course) as server:
        thread = threading.Thread(target=server.serve_forever, args=(LOOK_S,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def _forking(
    database_url: str, course: Course, server: CountingServer
) -> Iterator["subprocess.Popen[str]"]:
    """The parent of four processes with five runs each, and of a person's, which comes first."""
    names = [f"run-{number}" for number in range(PROCESSES * RUNS_EACH)]
    shares = [(), *(tuple(names[number::PROCESSES]) for number in range(PROCESSES))]
    loads = [
        Load(
            database_url=database_url,
            origin=f"http://127.0.0.1:{server.server_port}",
            key=course.key,
            requests=course.allowance.requests,
            window_s=course.allowance.window_s,
            margin_s=course.allowance.margin_s,
            runs=runs,
            pause_s=course.person_pause_s,
        )
        for runs in shares
    ]
    command = [sys.executable, "-m", "scripts.promises.budget_floor"]
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    parent = subprocess.Popen(
        [*command, *(json.dumps(asdict(load)) for load in loads)], cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,
    )  # fmt: skip
    try:
        yield parent
    finally:
        with suppress(ProcessLookupError):
            os.killpg(parent.pid, signal.SIGKILL)
        parent.communicate()


def _await_held(server: CountingServer, database_url: str) -> None:
    from tests.fakes.postgres import query_database  # noqa: PLC0415 - not in the processes.

    ends_at = time.monotonic() + ENDED_S_MAX
    while time.monotonic() < ends_at:
        held = "SELECT 1 FROM records_budgethead WHERE hold_us > 0 AND key = '%s'"
        if server.seen.refused_at and query_database(database_url, held % server.course.key):
            return
        time.sleep(LOOK_S)
    raise AssertionError("nobody was told to hold")


class Sender:
    """One process: its runs, or a person, send until the end."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._callers = Callers()
        allowance = Allowance(
            requests=load.requests, window_s=load.window_s, margin_s=load.margin_s
        )
        clock = SystemClock()
        self._http = HttpClient(
            HttpOptions(
                system="the counting server", origin=load.origin, budget_key=load.key,
                connections_max=CONNECTIONS,
            ),
            clock=clock,
            budget=CallerBudget(
                open_budget(clock=clock, allowances={load.key: allowance}), self._callers
            ),
        )  # fmt: skip

    def send_until(self, ends_at: float) -> None:
        """Each run sends as fast as it is let to, until the end."""
        self._ends_at = ends_at
        for run_id in self._load.runs:
            self._spawn(lambda run_id=run_id: self._execute(run_id))
        if not self._load.runs:
            self._spawn(self._ask)
        time.sleep(max(0, ends_at - time.monotonic()))

    def _spawn(self, target: Any) -> None:
        threading.Thread(target=target, daemon=True).start()

    def _execute(self, run_id: str) -> None:
        with self._callers.executing(run_id):
            for _ in range(WIDE_READERS if run_id == WIDE else 1):
                context = copy_context()
                self._spawn(lambda context=context: context.run(self._read, run_id))
            threading.Event().wait(max(0, self._ends_at - time.monotonic()))

    def _read(self, run_id: str) -> None:
        while time.monotonic() < self._ends_at:
            self._http.send(RemoteCall(method="GET", path=f"/{run_id}"))

    def _ask(self) -> None:
        while time.monotonic() < self._ends_at:
            began = time.monotonic()
            self._http.send(RemoteCall(method="GET", path=f"/{PERSON}"))
            print(f"{time.monotonic() - began:.4f}", flush=True)
            time.sleep(self._load.pause_s)


def main(arguments: Sequence[str]) -> None:
    """The database is ready; then the processes are forked, and waited for."""
    given = [json.loads(argument) for argument in arguments]
    person, *workers = (Load(**{**load, "runs": tuple(load["runs"])}) for load in given)
    set_up_logs(log_format="console", level="error")
    configure(person.database_url, secret_key=secrets.token_hex())
    migrate()
    close()
    print("ready", flush=True)
    ends_at = float(sys.stdin.readline())
    children = [_fork(person, ends_at)]
    sys.stdin.readline()
    children += [_fork(load, ends_at) for load in workers]
    for child in children:
        os.waitpid(child, 0)


def _fork(load: Load, ends_at: float) -> int:
    child = os.fork()
    if child == 0:
        try:
            Sender(load).send_until(ends_at)
        finally:
            os._exit(0)  # At once, whoever still waits.
    return child


if __name__ == "__main__":
    main(sys.argv[1:])
