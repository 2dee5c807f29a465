"""A small threaded HTTP/1.1 server: keep-alive, one write per answer, delivery that can fail."""

import contextlib
import json
import re
import socket
import socketserver
import struct
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from io import BufferedIOBase
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote

LINE_BYTES_MAX = 64 * 1024
HEADERS_MAX = 200
BODY_BYTES_MAX = 512 * 1024 * 1024
IDLE_S_MAX = 300.0

Headers = tuple[tuple[str, str], ...]
DeliveryMode = Literal["reset", "close", "slow", "truncate", "kill"]


@dataclass(slots=True, kw_only=True)
class Request:
    """One request. `user` and `params` are filled in by the server on the way."""

    method: str
    path: str
    raw_path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes
    user: str | None = None
    params: dict[str, str] = field(default_factory=dict)

    def find_query(self, name: str) -> str | None:
        """The first value of a query parameter, or None."""
        return next((value for key, value in self.query if key == name), None)

    def json(self) -> Any:
        """The body parsed as JSON; raises ValueError where it is none."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How an answer is spoiled on its way to the client; `kill` ends the whole process."""

    mode: DeliveryMode
    pieces: int = 10
    pause_s: float = 0.05
    cut_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One answer; `delivery` is set where it is not to arrive whole."""

    status: int
    headers: Headers = ()
    body: bytes = b""
    delivery: Delivery | None = None


Handler = Callable[[Request], Response]


def json_response(payload: Any, status: int = 200, headers: Headers = ()) -> Response:
    """An answer with a JSON body."""
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    kind = (("Content-Type", "application/json"),)
    return Response(status=status, headers=kind + headers, body=body)


def text_response(text: str, content_type: str = "text/plain", status: int = 200) -> Response:
    """An answer with a UTF-8 text body."""
    headers = (("Content-Type", f"{content_type};charset=UTF-8"),)
    return Response(status=status, headers=headers, body=text.encode())


class Router:
    """Patterns to handlers, first match wins; named groups arrive as `request.params`."""

    def __init__(self) -> None:
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = []

    def add(self, method: str, pattern: str, handler: Handler) -> None:
        """The handler answers this method where the pattern matches the whole path."""
        self._routes.append((method, re.compile(pattern), handler))

    def find(self, request: Request) -> tuple[Handler | None, list[str]]:
        """The handler, or None with the methods other handlers of the path would take."""
        others: list[str] = []
        for method, pattern, handler in self._routes:
            match = pattern.fullmatch(request.path)
            if match and method == request.method:
                request.params = {k: v for k, v in match.groupdict().items() if v is not None}
                return handler, []
            if match:
                others.append(method)
        return None, others


class HttpServer(socketserver.ThreadingTCPServer):
    """Listens on a loopback port and hands every request to one handler."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(self, port: int, handler: Handler, http_date: Callable[[], str]) -> None:
        self.handler = handler
        self.http_date = http_date
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(("127.0.0.1", port), _Connection)

    @property
    def url(self) -> str:
        """The base address, without a trailing slash."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def start(self) -> None:
        """Requests are answered from now on, in threads of their own."""
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """The port is free and every connection is closed."""
        self.shutdown()
        self.server_close()
        with self._guard:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def track(self, connection: socket.socket, *, is_open: bool) -> None:
        """The connection is among those `stop` will close, or no longer."""
        with self._guard:
            (self._open.add if is_open else self._open.discard)(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is normal and stays quiet."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Connection(socketserver.StreamRequestHandler):
    """One keep-alive connection."""

    disable_nagle_algorithm = True
    timeout = IDLE_S_MAX
    server: HttpServer

    def setup(self) -> None:
        super().setup()
        self.server.track(self.connection, is_open=True)

    def finish(self) -> None:
        self.server.track(self.connection, is_open=False)
        with contextlib.suppress(OSError):
            super().finish()

    def handle(self) -> None:
        goes_on = True
        while goes_on:
            goes_on = self._answer_one()

    def _answer_one(self) -> bool:
        request = self._read_request()
        if request is None:
            return False
        try:
            response = self.server.handler(request)
        except Exception:  # noqa: BLE001 - a defect of the sandbox must show, not hang the client
            traceback.print_exc()
            response = text_response("The sandbox itself failed; see its stderr.\n", status=500)
        keep = request.headers.get("connection", "").lower() != "close"
        return self._send(request, response, keep=keep) and keep

    def _read_request(self) -> Request | None:
        try:
            line = self.rfile.readline(LINE_BYTES_MAX)
            if not line.strip():
                return None
            method, target, _version = line.decode("latin-1").split()
            headers = _read_headers(self.rfile)
            if headers.get("expect", "").lower() == "100-continue":
                self.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = _read_body(self.rfile, headers)
        except (OSError, ValueError):
            return None
        return parse_request(method, target, headers, body)

    def _send(self, request: Request, response: Response, *, keep: bool) -> bool:
        head = self._head(response, keep=keep)
        body = b"" if request.method == "HEAD" else response.body
        if response.delivery is None:
            self.connection.sendall(head + body)
            return True
        return _deliver_badly(self.connection, head, body, response.delivery)

    def _head(self, response: Response, *, keep: bool) -> bytes:
        names = {name.lower() for name, _ in response.headers}
        lines = [f"HTTP/1.1 {response.status} {_reason(response.status)}"]
        lines += [f"{name}: {value}" for name, value in response.headers]
        if "date" not in names:
            lines.append(f"Date: {self.server.http_date()}")
        if response.status not in {204, 304}:
            lines.append(f"Content-Length: {len(response.body)}")
        if not keep:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def parse_request(
    method: str, target: str, headers: Mapping[str, str], body: bytes = b""
) -> Request:
    """The request of a request line, lower-case headers and a decoded body."""
    if "://" in target.split("?", maxsplit=1)[0]:
        target = "/" + target.split("://", 1)[1].partition("/")[2]
    path, _, query = target.partition("?")
    return Request(
        method=method,
        path=unquote(path),
        raw_path=target,
        query=tuple(parse_qsl(query, keep_blank_values=True)),
        headers=headers,
        body=body,
    )


def _read_headers(stream: BufferedIOBase) -> dict[str, str]:
    headers: dict[str, str] = {}
    for _ in range(HEADERS_MAX):
        line = stream.readline(LINE_BYTES_MAX)
        if line in {b"\r\n", b"\n"}:
            return headers
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            raise ValueError("a header line has no colon")
        headers[name.strip().lower()] = value.strip()
    raise ValueError("too many header lines")


def _read_body(stream: BufferedIOBase, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return b"".join(_read_chunks(stream))
    length = int(headers.get("content-length", "0"))
    if not 0 <= length <= BODY_BYTES_MAX:
        raise ValueError("the body is larger than the sandbox takes")
    body = stream.read(length)
    if len(body) < length:
        raise ValueError("the body ended early")
    return body


def _read_chunks(stream: BufferedIOBase) -> Iterable[bytes]:
    total = 0
    while total <= BODY_BYTES_MAX:
        size = int(stream.readline(LINE_BYTES_MAX).split(b";")[0], 16)
        chunk = stream.read(size)
        if len(chunk) < size:
            raise ValueError("the body ended early")
        stream.readline(LINE_BYTES_MAX)
        if size == 0:
            return
        total += size
        yield chunk
    raise ValueError("the body is larger than the sandbox takes")


def _deliver_badly(connection: socket.socket, head: bytes, body: bytes, delivery: Delivery) -> bool:
    """The answer was spoiled as asked; True where the connection may be used again."""
    if delivery.mode == "slow":
        return _send_slowly(connection, head, body, delivery)
    if delivery.mode == "truncate":
        connection.sendall(head + body[: delivery.cut_at])
    if delivery.mode == "reset":
        # Linger zero turns the close into a reset, which is what a dying gateway looks like.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    return False


def _send_slowly(connection: socket.socket, head: bytes, body: bytes, delivery: Delivery) -> bool:
    connection.sendall(head)
    size = max(1, -(-len(body) // delivery.pieces))
    for start in range(0, len(body), size):
        time.sleep(delivery.pause_s)
        connection.sendall(body[start : start + size])
    return True


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
