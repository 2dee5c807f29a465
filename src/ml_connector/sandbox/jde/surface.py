"""The paths under /jderest: which service answers, and what is refused before it is asked."""

from __future__ import annotations

import gzip
import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace

from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.http import Delivery, Request, Response, Router
from ml_connector.sandbox.jde.callers import Doorkeeper
from ml_connector.sandbox.jde.configuration import default_config
from ml_connector.sandbox.jde.dataservice import DataService
from ml_connector.sandbox.jde.discovery import Discovery
from ml_connector.sandbox.jde.orchestrator import Orchestrator
from ml_connector.sandbox.jde.practices import Practices
from ml_connector.sandbox.jde.refusals import (
    CutError,
    DeadTokenError,
    PageError,
    QueryRefusalError,
    RefusalError,
    parse_body,
    render_dead_token,
    render_refusal,
)
from ml_connector.sandbox.jde.reports import Reports
from ml_connector.sandbox.jde.simple_get import parse_address
from ml_connector.sandbox.jde.token_service import TokenService
from ml_connector.sandbox.switches import Switches

_VERSION = r"/jderest(?:/(?P<version>v2))?"
_ANY_VERSION = r"/jderest(?:/(?P<version>v[23]))?"
_CATALOGUE = r"/jderest/v3/open-api-catalog(?P<three>3?)(?:/(?P<name>[^/]+))?"
_TABLE_PATH = re.compile(r"/jderest/v2/dataservice/(table|view)/[^/]+")
_NO_CONTENT_TYPE = re.compile(r"/jderest/v2/dataservice/next")
_LOGIN_PATH = re.compile(r"/jderest(/v[23])?/(tokenrequest|orchestrator/jde-login)")
_NEWER = re.compile(r"/jderest/v[23](/|$)")
_HOSTS = (
    "Allowed Hosts on the HTML Server is not configured to accept requests from this AIS Server"
)
_GZIP_FROM_BYTES = 256
_GZIP_LEVEL = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """Answers every request below /jderest; `routes` are tried in order."""

    clock: SandboxClock
    switches: Switches
    door: Doorkeeper
    tokens: TokenService
    data: DataService
    orchestrator: Orchestrator
    discovery: Discovery
    reports: Reports
    practices: Practices
    routes: Router
    origin: Callable[[], str]

    def answer(self, request: Request) -> Response:
        """Return the answer, refusals rendered as the switches have it."""
        try:
            answer = self._dispatch(request)
        except CutError:
            return Response(status=0, delivery=Delivery(mode="reset"))
        except DeadTokenError:
            form = str(self.switches["deadTokenBody"])
            status = int(self.switches["deadTokenStatus"])
            answer = render_dead_token(status, form, self.clock.now_utc())
        except QueryRefusalError as refusal:
            refusal.status = int(self.switches["refusalStatus"])
            answer = render_refusal(refusal, self.clock.now_utc())
        except RefusalError as refusal:
            answer = render_refusal(refusal, self.clock.now_utc())
        except sqlite3.OperationalError as error:
            failure = RefusalError(500, f"Database error: {error}")
            answer = render_refusal(failure, self.clock.now_utc())
        return self._packed(request, answer)

    def add_routes(self) -> None:
        """The paths of tokens, configuration and data are known."""
        add = self.routes.add
        for method in ("GET", "POST"):
            add(method, _VERSION + "/defaultconfig", self._default_config)
            add(method, "/jderest/v2/dataservice/next", self._next_page)
            for name, handler in self._twins():
                add(method, f"{_ANY_VERSION}/orchestrator/{name}", handler)
        add("POST", _VERSION + "/tokenrequest", self._login)
        add("POST", _VERSION + "/tokenrequest/validate", self._validate)
        add("POST", _VERSION + "/tokenrequest/logout", self._logout)
        add("POST", _VERSION + "/dataservice", self._data)
        add("GET", r"/jderest/v2/dataservice/(?P<kind>table|view)/(?P<target>[^/]+)", self._simple)
        for method in ("GET", "POST"):
            add(method, _ANY_VERSION + r"/orchestrator/(?P<name>[^/]+)", self.orchestrator.answer)
        add("GET", _VERSION + r"/discover(?:/(?P<name>[^/]+))?", self.discovery.discover)
        add("GET", _CATALOGUE, self.discovery.catalogue)
        add("POST", "/jderest/v2/report/execute", self.reports.submit)
        add("POST", "/jderest/v2/report/status", self.reports.status)

    def _twins(self) -> list[tuple[str, Callable[[Request], Response]]]:
        return [
            ("jde-login", self._login),
            ("jde-logout", self._logout),
            ("jde-validate-session", self._validate),
        ]

    def _dispatch(self, request: Request) -> Response:
        self._verify_host(request)
        self.reports.run_due()
        if self.switches["versions"] == "v1" and _NEWER.match(request.path):
            raise PageError(404)
        handler, others = self.routes.find(request)
        if handler is None:
            if _TABLE_PATH.fullmatch(request.path):
                self.practices.warn("tableWrite")
            raise PageError(405 if others else 404)
        self._verify_content_type(request)
        return handler(request)

    def _verify_host(self, request: Request) -> None:
        wanted = self.switches["allowedHosts"]
        if wanted == "reset":
            raise CutError
        if wanted == "403Gateway":
            raise PageError(403)
        at_login = wanted == "405Login" and _LOGIN_PATH.fullmatch(request.path)
        if wanted == "405Every" or at_login:
            raise RefusalError(405, _HOSTS)

    def _verify_content_type(self, request: Request) -> None:
        if request.method != "POST" or _NO_CONTENT_TYPE.fullmatch(request.path):
            return
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise RefusalError(415, "Unsupported Media Type")

    def _default_config(self, request: Request) -> Response:
        return default_config(request, self.switches, version_of(request))

    def _login(self, request: Request) -> Response:
        return self.tokens.request_token(request, version_of(request))

    def _logout(self, request: Request) -> Response:
        return self.tokens.log_out(request)

    def _validate(self, request: Request) -> Response:
        if self.switches["validateService"] == "off":
            raise PageError(404)
        return self.tokens.validate(request)

    def _data(self, request: Request) -> Response:
        body = parse_body(request.body)
        caller = self.door.admit(request, body)
        return self.data.answer(body, caller, self.origin(), version_of(request))

    def _next_page(self, request: Request) -> Response:
        body = parse_body(request.body)
        caller = self.door.admit(request, body, paging=True)
        rid = request.find_query("rid") or str(body.get("rid") or "")
        return self.data.next_page(rid, caller, self.origin())

    def _simple(self, request: Request) -> Response:
        if any(key.lower() in {"$token", "$password"} for key, _ in request.query):
            self.practices.warn("credentialsInAddress")
        body = parse_address(request)
        caller = self.door.admit(request, {}, paging=True)
        return self.data.answer(body, caller, self.origin(), 2)

    def _packed(self, request: Request, answer: Response) -> Response:
        takes = "gzip" in request.headers.get("accept-encoding", "").lower()
        if self.switches["gzip"] == "off" or not takes or len(answer.body) < _GZIP_FROM_BYTES:
            return answer
        body = gzip.compress(answer.body, compresslevel=_GZIP_LEVEL)
        return replace(answer, headers=(*answer.headers, ("Content-Encoding", "gzip")), body=body)


def version_of(request: Request) -> int:
    """Return the version of the services a path names; none is the first."""
    return int(request.params.get("version", "v1")[1:])
