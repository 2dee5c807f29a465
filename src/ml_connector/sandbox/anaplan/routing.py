"""From a request into a model: access, states, waiting, then the handler."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.sandbox.anaplan.envelope import Page, RefusedError, render_page
from ml_connector.sandbox.anaplan.runtime import ModelRuntime
from ml_connector.sandbox.http import Request, Response

if TYPE_CHECKING:
    from ml_connector.sandbox.anaplan.server import AnaplanServer

BASE = r"/2/0"
MODEL = BASE + r"(?:/workspaces/(?P<w>[^/]+))?/models/(?P<m>[^/]+)"
_UNREACHABLE = {"ARCHIVED": 422, "MAINTENANCE": 424, "PRODUCTION_MAINTENANCE": 424}
_KNOWN_TYPES = ("json", "*/*", "application/*", "octet-stream", "text/csv", "text/plain")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that has reached its model."""

    request: Request
    user: str
    model: ModelRuntime

    def param(self, name: str) -> str:
        """A part of the path."""
        return self.request.params[name]


ModelHandler = Callable[[Call], Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How an endpoint behaves: `waits` is `never`, `always`, or `files` (by the switch).

    `writes` is refused on a locked model; `masked` answers a user without access.
    """

    waits: str = "always"
    writes: bool = False
    masked: ModelHandler | None = None


INSTANT = Rule(waits="never")
READS = Rule()
READS_FILE = Rule(waits="files")
WRITES = Rule(writes=True)
WRITES_FILE = Rule(waits="files", writes=True)


class ModelRoutes:
    """Registers model-scoped endpoints and guards the way into them."""

    def __init__(self, server: "AnaplanServer") -> None:
        self._server = server

    def add(self, method: str, tail: str, handler: ModelHandler, rule: Rule = READS) -> None:
        """The handler answers under both forms of the model's path."""
        self._server.router.add(
            method, MODEL + tail, lambda request: self._enter(request, handler, rule)
        )

    def _enter(self, request: Request, handler: ModelHandler, rule: Rule) -> Response:
        server = self._server
        assert request.user is not None, "model routes are reached with a token only"
        model = server.find_model(request.params["m"], request.params.get("w"))
        if model is None:
            raise RefusedError(404)
        call = Call(request=request, user=request.user, model=model)
        if model.id in server.users[request.user]["no_access"]:
            if rule.masked is None:
                raise RefusedError(404)
            return rule.masked(call)
        self._verify_state(model, rule)
        self._verify_accept(request)
        self._load_model(model)
        return self._handle_when_free(call, handler, rule)

    def _verify_state(self, model: ModelRuntime, rule: Rule) -> None:
        if model.state in _UNREACHABLE:
            raise RefusedError(_UNREACHABLE[model.state])
        if model.state == "LOCKED" and rule.writes:
            raise RefusedError(423)

    def _verify_accept(self, request: Request) -> None:
        accept = request.headers.get("accept", "*/*")
        if not any(known in accept for known in _KNOWN_TYPES):
            raise RefusedError(406)

    def _load_model(self, model: ModelRuntime) -> None:
        server = self._server
        with server.lock:
            opens_at = model.touch(float(server.switches["model.cold_start_s"]))
        if opens_at > server.clock.now():
            server.hold_until(opens_at)

    def _handle_when_free(self, call: Call, handler: ModelHandler, rule: Rule) -> Response:
        """Most endpoints keep the request open while a task has the model to itself."""
        engine = self._server.engine
        waits = rule.waits == "always" or (
            rule.waits == "files" and self._server.switches["busy.files_block"] == "on"
        )
        while True:
            with self._server.lock:
                engine.settle()
                if not waits or engine.running(call.model.id) is None:
                    return handler(call)
            if not engine.wait_free(call.model.id):
                raise RefusedError(504)


def verify_json_type(request: Request) -> None:
    """The body is declared as JSON where it is declared at all; else 415."""
    kind = request.headers.get("content-type", "")
    if request.body and kind and "json" not in kind:
        raise RefusedError(415)


def read_body(request: Request) -> object:
    """The JSON of the body; 400 where it is none."""
    verify_json_type(request)
    try:
        return request.json()
    except ValueError as error:
        raise RefusedError(400, "The request body is not valid JSON.") from error


def model_page(
    server: "AnaplanServer", call: Call, key: str, kind: str, rows: list[dict[str, object]]
) -> Response:
    """A page of a model-level collection."""
    page = Page(key=key, kind=kind, model_id=call.model.id)
    return render_page(call.request, rows, page, switches=server.switches, base_url=server.url)
