"""The pages on a port of this machine, for as long as a house is open."""

import gc
import threading
from collections.abc import Iterable
from functools import partial
from typing import Any, Self

from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from waitress.server import create_server

from ml_connector.errors import SystemUnavailableError
from ml_connector.web.desk import close_desk, open_desk
from ml_connector.wiring import House

THREADS = 8
BODY_BYTES_MAX = 64_000_000
"""Of one request, beyond which the server hangs up; pages take far less and say so."""
CONNECTIONS_MAX = 200
IDLE_S = 60
LEAVE_S = 10
"""How long the last answers may take to leave, once nothing new is answered."""


class PortTakenError(SystemUnavailableError):
    """The pages cannot be served at their address."""

    code = "pages.port-taken"


class WithoutBody:
    """The pages; to HEAD they answer the headers alone, for the server sends all it is given."""

    def __init__(self, pages: WSGIHandler) -> None:
        self._pages = pages

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """The answer; what followed a broken-off one would be taken for the next."""
        answer = self._pages(environ, start_response)
        if environ["REQUEST_METHOD"] != "HEAD":
            return answer
        answer.close()
        return []


class Pages:
    """Serves pages in threads of its own; a context manager."""

    def __init__(self, house: House, *, host: str, port: int) -> None:
        self._house = house
        self._host, self._port = host, port
        self._sockets: dict[int, Any] = {}

    def __enter__(self) -> Self:
        """The pages answer."""
        assert self._house.records is not None, "pages stand on the records"
        open_desk(self._house)
        # Nothing else deletes them; each start is often enough.
        call_command("clearsessions")
        try:
            self._server = create_server(
                WithoutBody(WSGIHandler()), host=self._host, port=self._port, threads=THREADS,
                max_request_body_size=BODY_BYTES_MAX, connection_limit=CONNECTIONS_MAX,
                channel_timeout=IDLE_S, ident="", clear_untrusted_proxy_headers=True,
                map=self._sockets, **_trust(self._house.project.settings.pages.trusted_proxy),
            )  # fmt: skip
        except OSError as error:
            close_desk()
            raise PortTakenError(
                f"The pages cannot be served at {self._host}:{self._port}: {error.strerror}.",
                written="Nothing was started.",
                next_step="Choose another `pages.port` in ml-connector.yaml, or end what uses it.",
                host=self._host, port=self._port,
            ) from error  # fmt: skip
        self._thread = threading.Thread(target=self._server.run, name="pages", daemon=True)
        self._thread.start()
        # Modules and templates stay: looking for waste among them would double every fifth page.
        gc.collect()
        gc.freeze()
        return self

    @property
    def url(self) -> str:
        """Where the pages are."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        port = getattr(self._server, "effective_port", self._port)
        return f"http://{host}:{port}/"

    def __exit__(self, *_: object) -> None:
        # First what is being answered: a thread that wakes a closed server tells of a fault.
        self._server.task_dispatcher.shutdown()
        # In the thread that listens, which would meet a closed socket; and browsers keep theirs
        # open, for which a supervisor that stops the process does not wait.
        for server in [one for one in self._sockets.values() if hasattr(one, "active_channels")]:
            server.trigger.pull_trigger(partial(_leave, server))
        self._thread.join(timeout=LEAVE_S)
        close_desk()


def _leave(server: Any) -> None:
    """Nobody is heard any more, and each connection ends once its last answer is sent."""
    for channel in list(server.active_channels.values()):
        channel.close_when_flushed = True
    server.close()


def _trust(proxy: str) -> dict[str, Any]:
    """What waitress believes of the proxy: the browser's address and whether it spoke https."""
    if not proxy:
        return {}
    headers = {"x-forwarded-for", "x-forwarded-proto"}
    return {"trusted_proxy": proxy, "trusted_proxy_count": 1, "trusted_proxy_headers": headers}
