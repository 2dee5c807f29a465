"""A way to PostgreSQL that can be cut, blocked or cut at the end of a transaction, and restarts."""

import os
import re
import selectors
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
from tests.fakes.postgres import LOOK_S, LOOKS_MAX, Postgres

PIECE = 65_536
COMMIT, ROLLBACK = b"COMMIT", b"ROLLBACK"
WRITE = re.compile(r'(INSERT INTO|UPDATE|DELETE FROM) "?(records_[a-z]+|dbos\.[a-z_]+)')
PORT = 5432


class Way:
    """A port of this machine that leads to the server, for as long as nothing is done to it."""

    def __init__(self, server: Postgres) -> None:
        [folder] = parse_qs(urlsplit(server.url).query)["host"]
        self._socket = f"{folder}/.s.PGSQL.{PORT}"
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._is_cut = False
        self._passes = threading.Event()
        self._passes.set()
        self._lost = ""
        self._loses_firsts = False
        self.writes_lost: set[str] = set()
        """What the transactions did whose commit was not answered, such as `UPDATE records_run`."""
        self.commits_lost = 0
        threading.Thread(target=self._accept, name="way", daemon=True).start()

    def url(self, url: str) -> str:
        """The URL of a database of the server, over this way."""
        return f"postgresql://postgres@127.0.0.1:{self.port}{urlsplit(url).path}"

    def cut(self) -> None:
        """Every connection ends at once, and new ones end as soon as they are made."""
        self._is_cut = True
        with self._lock:
            for end in self._open:
                _shut(end)

    def block(self) -> None:
        """Nothing passes any more, and nobody is told."""
        self._passes.clear()

    def mend(self) -> None:
        """Everything passes; what was held up does too."""
        self._is_cut = False
        self._passes.set()

    def lose_commit(self, of: str) -> None:
        """The next transaction that names this text is committed, and its client never hears so."""
        self._lost = of

    def lose_first_commits(self) -> None:
        """So it goes with the first transaction that writes to each of our tables in each way."""
        self._loses_firsts = True

    def close(self) -> None:
        """The way is gone."""
        self._passes.set()
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._is_cut:
                client.close()
                continue
            threading.Thread(target=self._lead, args=(client,), daemon=True).start()

    def _lead(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        with client, server, suppress(OSError), selectors.DefaultSelector() as both:
            self._passes.wait()
            server.connect(self._socket)
            with self._lock:
                self._open |= {client, server}
            try:
                both.register(client, selectors.EVENT_READ, server)
                both.register(server, selectors.EVENT_READ, client)
                self._pass_on(both, client)
            finally:
                with self._lock:
                    self._open -= {client, server}

    def _pass_on(self, both: selectors.BaseSelector, client: socket.socket) -> None:
        said = b""
        while not self._is_cut:
            for key, _ in both.select():
                source = key.fileobj
                assert isinstance(source, socket.socket)
                piece = source.recv(PIECE)
                self._passes.wait()
                if not piece or self._is_cut:
                    return
                key.data.sendall(piece)
                if source is not client:
                    continue
                said += piece
                if COMMIT in piece and self._loses(said):
                    key.data.recv(PIECE)  # The server has answered: it is committed.
                    self.commits_lost += 1
                    return
                said = b"" if COMMIT in piece or ROLLBACK in piece else said

    def _loses(self, said: bytes) -> bool:
        """Whether the answer to the transaction in which this was said gets lost."""
        if self._lost and self._lost.encode() in said:
            self._lost = ""
            return True
        if not self._loses_firsts:
            return False
        with self._lock:
            new = _name_writes(said) - self.writes_lost
            self.writes_lost |= new
        return bool(new)


def _name_writes(said: bytes) -> set[str]:
    found = WRITE.findall(said.decode(errors="replace"))
    return {f"{verb.split()[0]} {table}" for verb, table in found}


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


@contextmanager
def way_to(server: Postgres) -> Iterator[Way]:
    """A way to the server, for the length of the block."""
    way = Way(server)
    try:
        yield way
    finally:
        way.close()


@contextmanager
def restarting(server: Postgres) -> Iterator["Restarter"]:
    """Who stops and starts the server; one that was started again is stopped at the end."""
    restarter = Restarter(server)
    try:
        yield restarter
    finally:
        restarter.stop()


class Restarter:
    """Stops a server as a crash does, and starts it as it was."""

    def __init__(self, server: Postgres) -> None:
        [folder] = parse_qs(urlsplit(server.url).query)["host"]
        self._url = server.url
        pid = int((Path(folder) / "data" / "postmaster.pid").read_text().split()[0])
        self._command = Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")
        self._user = Path(f"/proc/{pid}").stat()
        self._first = pid
        self._started: subprocess.Popen[bytes] | None = None

    def stop(self) -> None:
        """The server is gone, its sessions with it; nothing was written down for the next one."""
        if self._started is not None:
            self._started.send_signal(signal.SIGQUIT)
            self._started.wait()
            self._started = None
        elif self._first:
            os.kill(self._first, signal.SIGQUIT)
            self._until(lambda: not _is_running(self._first))
            self._first = 0

    def start(self) -> None:
        """The server serves the same data."""
        identity: dict[str, Any] = {
            "user": self._user.st_uid,
            "group": self._user.st_gid,
            "extra_groups": (),
        }
        self._started = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
            **(identity if os.geteuid() == 0 else {}),
        )  # fmt: skip
        self._until(self._is_serving)

    def _is_serving(self) -> bool:
        with suppress(psycopg.OperationalError):
            psycopg.connect(self._url).close()
            return True
        return False

    def _until(self, holds: Callable[[], bool]) -> None:
        for _ in range(LOOKS_MAX):
            if holds():
                return
            threading.Event().wait(LOOK_S)
        raise AssertionError("the server does not do as it is told")


def _is_running(pid: int) -> bool:
    """Whether the process lives; one that has ended and was not asked for yet does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0]
    except FileNotFoundError:
        return False
    return state != "Z"
