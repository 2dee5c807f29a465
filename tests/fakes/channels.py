"""Channels that listen on this machine: a webhook and a mail server, told how to answer."""

import json
import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

JOIN_S = 5


@dataclass(slots=True)
class Hook:
    """A webhook: what it got, and what it answers."""

    url: str
    got: list[dict[str, Any]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    """Statuses of the next answers; 200 when there are none."""
    arrived: Event = field(default_factory=Event)
    """Something came."""


@dataclass(slots=True)
class MailBox:
    """A mail server: envelopes and texts it took."""

    host: str
    mails: list[tuple[list[str], str]] = field(default_factory=list)
    refuses: bool = False


@contextmanager
def open_hook() -> Iterator[Hook]:
    """A webhook listens for as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hook.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            hook.arrived.set()
            self.send_response(hook.answers.pop(0) if hook.answers else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hook = Hook(url=f"json://127.0.0.1:{server.server_address[1]}/close")
        with _serving(server):
            yield hook


@contextmanager
def open_mail_box() -> Iterator[MailBox]:
    """A mail server listens for as long as the block lasts; it knows as much as one mail needs."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 box")
            to: list[str] = []
            while line := self.rfile.readline().decode().strip():
                verb = line[:4].upper()
                if verb == "RCPT":
                    to.append(line.partition("<")[2].partition(">")[0])
                if verb == "DATA":
                    self._take(to)
                    to = []
                elif verb == "QUIT":
                    self._say("221 bye")
                    return
                else:
                    self._say("250 ok")

        def _take(self, to: list[str]) -> None:
            self._say("354 go on")
            lines = []
            while (line := self.rfile.readline().decode()) != ".\r\n":
                lines.append(line)
            box.mails += [] if box.refuses else [(list(to), "".join(lines))]
            self._say("451 not now" if box.refuses else "250 taken")

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        box = MailBox(host=f"127.0.0.1:{server.server_address[1]}")
        with _serving(server):
            yield box


@contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join(timeout=JOIN_S)
