"""The transport chain every client sends through.

In working order, outermost first:

1. status: what is neither a success nor accepted by the call becomes an error of the tree;
   404 is left to the caller by default. Redirects are never followed.
2. authorization: a 401 renews the token once (one thread for all) and replays the call once; a
   401 proves that nothing was executed, so writes are replayed too unless the call forbids it. A
   call may name further statuses that mean the same.
3. retry: 429, 502, 503, 504 and broken connections, 500 once, and what the connection knows to
   pass; only calls that may repeat, and calls that provably never left. At most 5 tries in 5
   minutes unless the call has more patience, full jitter, Retry-After obeyed. Waits go through the
   clock port.
4. request budget: one grant per sending, retries included; 429 and 503 hold everybody.
5. time-outs and body cap: bodies are streamed and cut off at the call's limit.
6. redaction: nothing below writes headers or queries to a log, and errors quote neither.

A call that must not repeat and whose request may have left ends as `OutcomeUnknownError`.
"""

import logging
import random
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import httpx2
import structlog

from ml_connector.errors import ConnectorError, SettingsError
from ml_connector.ports import Clock, RequestBudget
from ml_connector.settings.references import LOOPBACK_HOSTS
from ml_connector.systems.calls import (
    LOGIN_TIMEOUTS,
    READ_TIMEOUTS,
    SLOW_READ_TIMEOUTS,
    WRITE_TIMEOUTS,
    CallTimeouts,
    RemoteCall,
    RemoteReply,
)
from ml_connector.systems.refusals import (
    Explain,
    RemoteRefusedError,
    find_status_error,
    render_broken,
)
from ml_connector.systems.retries import Attempt, find_hold, find_wait
from ml_connector.systems.tokens import Authorizer
from ml_connector.telemetry import tracing_request

__all__ = [
    "LOGIN_TIMEOUTS",
    "READ_TIMEOUTS",
    "SLOW_READ_TIMEOUTS",
    "WRITE_TIMEOUTS",
    "CallTimeouts",
    "HttpClient",
    "HttpOptions",
    "RemoteCall",
    "RemoteRefusedError",
    "RemoteReply",
    "verify_origin",
]

CONNECTIONS_MAX: Final = 8
POOL_WAIT_S_MAX: Final = 600.0
TIMEOUTS_KEPT_MAX: Final = 64
"""Kinds of time-outs in the library's form that are kept; there are about a dozen."""
AUTHORIZATION: Final = "authorization"
UNSENT: Final = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.UnsupportedProtocol,
)
"""Failures that come before the first byte of a request leaves."""
NOISY_LOGGERS: Final = (
    "httpx2",
    "httpcore2.connection",
    "httpcore2.http11",
    "httpcore2.http2",
    "httpcore2.proxy",
    "httpcore2.socks",
)
"""They write whole addresses, and at debug level whole headers."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """What holds for every call of one connection.

    Attributes:
        system: How errors name the other side, such as "Fusion (erp)".
        origin: Scheme, host and port, without path; http only for loopback hosts.
        headers: Sent with every call; no credentials.
        ca_bundle: PEM file of authorities trusted besides the system's own.
        budget_key: The allowance the calls draw on; empty: none, the budget only lets pass or stop.
        trace_header: Response header with the vendor's trace id.
        explain: Finds the vendor's own message in an error body.
        connections_max: Connections open at once.
        is_passing: Tells replies of trouble that passes; they are retried like a 503.
        on_cookies: Told the credentials of a request and the cookies its reply sets; without it
            they are dropped.
    """

    system: str
    origin: str
    headers: Mapping[str, str] = field(default_factory=dict)
    ca_bundle: Path | None = None
    budget_key: str = ""
    trace_header: str = ""
    explain: Explain | None = None
    connections_max: int = CONNECTIONS_MAX
    is_passing: Callable[[RemoteReply], bool] | None = None
    on_cookies: Callable[[Mapping[str, str], tuple[str, ...]], None] | None = None


class HttpClient:
    """Sends calls to one origin; safe to share between threads; close it when done."""

    def __init__(
        self,
        options: HttpOptions,
        *,
        clock: Clock,
        budget: RequestBudget | None = None,
        authorizer: Authorizer | None = None,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self._origin = verify_origin(options.origin)
        self._options = options
        self._clock = clock
        self._budget = budget
        self._authorizer = authorizer
        self._jitter: Callable[[], float] = random.random
        _quieten_libraries()
        self._client = _build_client(options, transport)
        self._headers = _merge_headers(dict(self._client.headers), options.headers)

    def send(self, call: RemoteCall) -> RemoteReply:
        """The reply: a success, or a status the call accepts (404 by default).

        Raises:
            CredentialsError: 401 after the token was renewed, or a redirect to a log-in page.
            AccessDeniedError: 403.
            RemoteRefusedError: Another 4xx; quotes the start of the body.
            SystemUnavailableError: No answer or 5xx after every allowed try; safe to repeat.
            OutcomeUnknownError: The same for a call that must not repeat and may have left.
            ProtocolError: A body past the call's limit.
        """
        assert call.path.startswith("/")
        reply, credentials = self._send_authorized(call)
        error = find_status_error(
            reply,
            trace_header=self._options.trace_header,
            explain=self._options.explain,
            secrets=_find_secrets(call.headers, credentials),
        )
        if error is not None:
            raise error
        return reply

    def close(self) -> None:
        """Every connection is closed."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _send_authorized(self, call: RemoteCall) -> tuple[RemoteReply, dict[str, str]]:
        reply, used = self._send_retried(call)
        if reply.status not in call.renews_on or self._authorizer is None:
            return reply, used
        is_renewed = self._authorizer.on_unauthorized(used)
        if not (is_renewed and call.replays_after_401):
            return reply, used
        return self._send_retried(call)

    def _send_retried(self, call: RemoteCall) -> tuple[RemoteReply, dict[str, str]]:
        tries, started_at = 0, None
        while True:
            tries += 1
            # Asked for anew per try: a token may expire while a long Retry-After is waited for.
            credentials = {} if self._authorizer is None else self._authorizer.headers()
            self._acquire()
            started_at = started_at or self._clock.now()
            attempt = self._attempt(call, credentials)
            now = self._clock.now()
            self._hold(attempt)
            wait_s = find_wait(call, attempt, tries=tries, now=now, jitter=self._jitter)
            elapsed_s = (now - started_at).total_seconds()
            if wait_s is None or elapsed_s + wait_s > call.patience.total_s:
                return self._verify_answered(call, attempt, tries=tries), credentials
            self._log_retry(call, attempt, wait_s)
            self._clock.sleep(wait_s)

    def _verify_answered(self, call: RemoteCall, attempt: Attempt, *, tries: int) -> RemoteReply:
        if attempt.reply is None:
            error = render_broken(self._options.system, call, attempt, tries=tries)
            raise error from attempt.error
        return attempt.reply

    def _acquire(self) -> None:
        if self._budget is not None:
            self._budget.acquire(self._options.budget_key)

    def _hold(self, attempt: Attempt) -> None:
        if self._budget is None or not self._options.budget_key or attempt.reply is None:
            return
        seconds = find_hold(attempt.reply, now=self._clock.now())
        if seconds is not None:
            self._budget.hold(self._options.budget_key, seconds)

    def _attempt(self, call: RemoteCall, credentials: Mapping[str, str]) -> Attempt:
        try:
            return self._judge(self._send_once(call, credentials), credentials)
        except httpx2.TransportError as error:
            return Attempt(
                error=error,
                may_have_left=not isinstance(error, UNSENT),
                is_final=_is_untrusted(error),
            )
        except httpx2.DecodingError as error:
            return Attempt(error=error)

    def _judge(self, reply: RemoteReply, credentials: Mapping[str, str]) -> Attempt:
        if reply.cookies and self._options.on_cookies is not None:
            self._options.on_cookies(credentials, reply.cookies)
        is_passing = self._options.is_passing
        return Attempt(reply=reply, is_passing=is_passing is not None and is_passing(reply))

    def _send_once(self, call: RemoteCall, credentials: Mapping[str, str]) -> RemoteReply:
        # The client's own way to a request merges addresses, cookies and parameters we never have.
        request = httpx2.Request(
            call.method,
            self._origin + call.target,
            headers=_merge_headers(self._headers, call.headers, credentials),
            content=call.content,
            extensions={"timeout": _render_timeout(call.timeouts).as_dict()},
        )
        host = request.url.host
        with tracing_request(self._options.system, method=call.method, host=host) as tell:
            response = self._client.send(request, stream=True, follow_redirects=False)
            tell(response.status_code)
            try:
                reply = self._read_reply(call, response)
                # Neither query nor body: they hold amounts, and at a log-in credentials.
                _log.debug(
                    "http.answered", system=self._options.system, method=call.method,
                    path=call.path, status=reply.status, received_bytes=len(reply.content),
                )  # fmt: skip
                return reply
            finally:
                response.close()

    def _read_reply(self, call: RemoteCall, response: httpx2.Response) -> RemoteReply:
        headers = {name.lower(): value for name, value in response.headers.items()}
        head = RemoteReply(
            system=self._options.system, call=call, status=response.status_code,
            headers=headers, content=b"", cookies=tuple(response.headers.get_list("set-cookie")),
        )  # fmt: skip
        content = bytearray()
        ends_at = self._clock.now() + timedelta(seconds=call.timeouts.body_s)
        for piece in response.iter_bytes():
            content += piece
            if len(content) > call.bytes_max:
                raise head.render_off_contract(f"a body of more than {call.bytes_max} bytes")
            if self._clock.now() > ends_at:
                raise httpx2.ReadTimeout("the body drips")
        return replace(head, content=bytes(content))

    def _log_retry(self, call: RemoteCall, attempt: Attempt, wait_s: float) -> None:
        _log.warning(
            "http.retried",
            system=self._options.system,
            method=call.method,
            path=call.path,
            status=None if attempt.reply is None else attempt.reply.status,
            fault="" if attempt.error is None else type(attempt.error).__name__,
            wait_s=round(wait_s, 1),
        )


def verify_origin(origin: str) -> str:
    """The origin without trailing slashes.

    Raises:
        SettingsError: It has a path, query or user, or is http to a host that is not loopback.
    """
    trimmed = origin.rstrip("/")
    try:
        parts = urlsplit(trimmed)
        is_bare = not (parts.path or parts.query or parts.fragment or "@" in parts.netloc)
        is_known = parts.hostname is not None and (parts.port or 1) > 0
    except ValueError:
        is_bare = is_known = False
        parts = urlsplit("")
    is_safe = parts.scheme == "https" or (
        parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS
    )
    if not (is_bare and is_known and is_safe):
        raise _render_bad_origin(parts.scheme, parts.hostname or "")
    return trimmed


def _render_bad_origin(scheme: str, host: str) -> ConnectorError:
    return SettingsError(
        f"The address {scheme}://{host} of the connection is not a bare https origin.",
        written="Nothing was sent.",
        next_step="Write it as https://host or https://host:port, without path, query or user.",
        host=host,
    )


def _build_client(options: HttpOptions, transport: httpx2.BaseTransport | None) -> httpx2.Client:
    is_loopback = urlsplit(options.origin).hostname in LOOPBACK_HOSTS
    return httpx2.Client(
        headers={"User-Agent": "ml-connector"},
        # Session cookies would tie calls together that each carry their own credentials.
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        verify=_build_tls(options) if transport is None else True,
        limits=httpx2.Limits(
            max_connections=options.connections_max,
            max_keepalive_connections=options.connections_max,
        ),
        timeout=_render_timeout(READ_TIMEOUTS),
        trust_env=not is_loopback,
        transport=transport,
    )


def _build_tls(options: HttpOptions) -> ssl.SSLContext:
    if urlsplit(options.origin).scheme == "http":
        # Never used, and it trusts nobody: reading all authorities takes a tenth of a second.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context, ca_bundle = httpx2.create_ssl_context(), options.ca_bundle
    if ca_bundle is None:
        return context
    try:
        context.load_verify_locations(cafile=ca_bundle)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"The certificate file {ca_bundle} cannot be read ({error}).",
            written="Nothing was sent.",
            next_step="Name a PEM file with the authority's certificates as `ca_bundle`.",
            path=str(ca_bundle),
        ) from error
    return context


def _merge_headers(*parts: Mapping[str, str]) -> dict[str, str]:
    """All of them as they are spelled; of the same header the last one counts."""
    found = {name.lower(): (name, value) for part in parts for name, value in part.items()}
    return dict(found.values())


@lru_cache(maxsize=TIMEOUTS_KEPT_MAX)
def _render_timeout(timeouts: CallTimeouts) -> httpx2.Timeout:
    return httpx2.Timeout(
        connect=timeouts.connect_s,
        read=timeouts.read_s,
        write=timeouts.read_s,
        pool=POOL_WAIT_S_MAX,
    )


def _is_untrusted(error: BaseException | None) -> bool:
    """Whether a certificate was refused somewhere down the chain of causes."""
    for _ in range(10):
        if error is None:
            return False
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _find_secrets(headers: Mapping[str, str], credentials: Mapping[str, str]) -> list[str]:
    """Every credential, and the one of an Authorization header without its scheme."""
    schemed = [*headers.items(), *credentials.items()]
    bare = [value.partition(" ")[2] for name, value in schemed if name.lower() == AUTHORIZATION]
    return [*credentials.values(), *bare]


def _quieten_libraries() -> None:
    for name in NOISY_LOGGERS:
        logger = logging.getLogger(name)
        # Setting it makes every logger of the process forget what it is enabled for.
        if logger.level != logging.WARNING:
            logger.setLevel(logging.WARNING)
