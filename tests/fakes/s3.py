"""A real S3 server of the tests' own, and a wire to it that can be cut; nothing need be installed.

It listens on the loopback interface; its data go with the tests.
"""

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pyarrow import fs
from tests.fakes.certificates import write_certificate

LOOK_S = 0.05
LOOKS_MAX = 600
STOP_S_MAX = 10
WRITER = ("writer", "writers-own-secret")
READER = ("reader", "readers-own-secret")
IDENTITIES = {
    "identities": [
        {"name": name, "credentials": [{"accessKey": name, "secretKey": secret}], "actions": can}
        for (name, secret), can in ((WRITER, ["Admin"]), (READER, ["Read", "List"]))
    ]
}
_PARTS = ("master", "volume", "filer", "s3")
_CHUNK = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A running server with one empty bucket for each who asks."""

    endpoint: str
    secure_endpoint: str
    """The same over TLS, by a certificate that only `ca_bundle` makes trusted."""
    ca_bundle: Path
    files: Any
    """Its objects past everything of ours, for who may do all."""

    def make_bucket(self, name: str) -> str:
        """The bucket exists; returns its URL."""
        self.files.create_dir(name)
        return f"s3://{name}"

    def list_objects(self, folder: str) -> list[str]:
        """The keys of all objects below, the bucket first."""
        selector = fs.FileSelector(folder, recursive=True, allow_not_found=True)
        return sorted(each.path for each in self.files.get_file_info(selector) if each.is_file)

    def read(self, path: str) -> bytes:
        """What the object holds."""
        with self.files.open_input_stream(path, compression=None) as stream:
            content: bytes = stream.read()
            return content

    def replace(self, path: str, content: bytes) -> None:
        """The object holds something else."""
        with self.files.open_output_stream(path, compression=None) as stream:
            stream.write(content)


@contextmanager
def running_store() -> Iterator[Store]:
    """A fresh server for the length of the block."""
    folder = Path(tempfile.mkdtemp(prefix="ml-s3-"))
    try:
        (folder / "data").mkdir()
        (folder / "identities.json").write_text(json.dumps(IDENTITIES))
        with _serving(folder) as store:
            yield store
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def connect(endpoint: str, **options: Any) -> Any:
    """The server's objects, for who may do all."""
    return fs.S3FileSystem(
        access_key=WRITER[0], secret_key=WRITER[1], region="us-east-1",
        scheme="http", endpoint_override=urlsplit(endpoint).netloc,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=1), **options,
    )  # fmt: skip


@contextmanager
def _serving(folder: Path) -> Iterator[Store]:
    with _holding_ports(2 * len(_PARTS) + 1) as ports, _serving_at(ports, folder) as store:
        yield store


@contextmanager
def _serving_at(held: list[int], folder: Path) -> Iterator[Store]:
    *ports, secure_port = held
    certificate, key = write_certificate(folder)
    command = [
        str(Path(sys.executable).with_name("weed")), "server", f"-dir={folder / 'data'}",
        "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false", "-volume.max=20",
        "-master.volumeSizeLimitMB=64", "-volume.preStopSeconds=0", "-filer", "-s3",
        f"-s3.port.https={secure_port}", f"-s3.cert.file={certificate}", f"-s3.key.file={key}",
        f"-s3.config={folder / 'identities.json'}", "-s3.iam=false", "-s3.port.iceberg=0",
        "-s3.port.lance=0", "-s3.autoCreateBucket=false",
        f"-filer.localSocket={folder / 'filer'}", f"-s3.localSocket={folder / 's3'}",
        *(f"-{part}.port={port}" for part, port in zip(_PARTS, ports[:4], strict=True)),
        *(f"-{part}.port.grpc={port}" for part, port in zip(_PARTS, ports[4:], strict=True)),
    ]  # fmt: skip
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        endpoint = f"http://127.0.0.1:{ports[3]}"
        files = connect(endpoint, allow_bucket_creation=True)
        _wait_until_ready(server, files, folder / "log")
        secure = f"https://127.0.0.1:{secure_port}"
        yield Store(
            endpoint=endpoint, secure_endpoint=secure, ca_bundle=certificate, files=files
        )  # fmt: skip
    finally:
        server.kill()
        server.wait(STOP_S_MAX)


@contextmanager
def _holding_ports(count: int) -> Iterator[list[int]]:
    """Ports that nobody is given during the block; who asks for one of them by its number has it.

    A port that was only looked for is anybody's again until the server has come up.
    """
    with ExitStack() as stack:
        held = [stack.enter_context(closing(socket.socket())) for _ in range(count)]
        for each in held:
            # Both ends say so, hence the server may listen where nobody does.
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            each.bind(("127.0.0.1", 0))
        yield [each.getsockname()[1] for each in held]


def _wait_until_ready(server: "subprocess.Popen[bytes]", files: Any, log: Path) -> None:
    """The first object was stored: the gateway answers before it has where to write."""
    for _ in range(LOOKS_MAX):
        with suppress(OSError):
            files.create_dir("ready")
            with files.open_output_stream("ready/ready") as stream:
                stream.write(b"ready")
            return
        with suppress(subprocess.TimeoutExpired):
            server.wait(LOOK_S)
            break
    raise AssertionError(log.read_text())


class Wire:
    """A way to the server that is cut, or falls silent, after so many bytes were sent to it."""

    def __init__(self, endpoint: str) -> None:
        self._far = (urlsplit(endpoint).hostname, urlsplit(endpoint).port)
        self._near = socket.create_server(("127.0.0.1", 0))
        self._left = sys.maxsize
        self._is_silent = False
        self._is_back_at_once = False
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def endpoint(self) -> str:
        """Where clients reach the wire."""
        return f"http://127.0.0.1:{self._near.getsockname()[1]}"

    def cut_after(self, size: int, *, is_back_at_once: bool = False) -> None:
        """After so many bytes more the server is dead: connections break, new ones end at once.

        With `is_back_at_once` one connection breaks, and the server takes the next.
        """
        self._left, self._is_back_at_once = size, is_back_at_once

    def mend(self) -> None:
        """The server is back."""
        self._left, self._is_silent = sys.maxsize, False

    def silence(self) -> None:
        """Nothing is passed on any more, and nothing is closed."""
        self._is_silent = True

    def close(self) -> None:
        """Nobody listens any more."""
        for each in (self._near, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._near.accept()
                if self._left < 0:
                    client.close()
                    continue
                server = socket.create_connection(self._far)
                self._open += [client, server]
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            is_sent = sink.getpeername() == self._far
            while chunk := source.recv(_CHUNK):
                self._left -= len(chunk) if is_sent else 0
                if self._left < 0:
                    self._left = sys.maxsize if self._is_back_at_once else self._left
                    break
                if not self._is_silent:
                    sink.sendall(chunk)
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
