"""From statuses and broken connections to errors, grouped by what the caller may do next."""

import socket
import ssl
from collections.abc import Callable, Collection
from typing import ClassVar, Final
from urllib.parse import urlsplit

from ml_connector.errors import (
    AccessDeniedError,
    ConnectorError,
    CredentialsError,
    OutcomeUnknownError,
    ProtocolError,
    RefusedError,
    SystemUnavailableError,
)
from ml_connector.systems.calls import UNAUTHORIZED, RemoteCall, RemoteReply, render_excerpt
from ml_connector.systems.retries import TOO_MANY_REQUESTS, Attempt

FORBIDDEN: Final = 403
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
UNTOUCHED: Final = "Nothing was written by this call."
TRACE_CHARACTERS_MAX: Final = 100
HIDDEN: Final = "[hidden]"
UNKNOWN: Final = "Whether the call took effect is not known."

_LOGIN_FAILED: Final = (
    CredentialsError,
    "Check the connection's user, secret and scope, then try again.",
)
_BY_STATUS: Final[dict[int, tuple[type[ConnectorError], str]]] = {
    UNAUTHORIZED: _LOGIN_FAILED,
    FORBIDDEN: (
        AccessDeniedError,
        "Give the integration user the right to do this, then try again.",
    ),
    TOO_MANY_REQUESTS: (
        SystemUnavailableError,
        "Lower the request rate of the connection, or wait, then try again.",
    ),
    # Log-in pages answer with redirects; whatever else moves is not ours to follow.
    **dict.fromkeys(REDIRECTS, _LOGIN_FAILED),
}

CAUSES_MAX: Final = 10
"""Errors behind an error that are looked at."""
_CAUSES: Final[dict[type[BaseException], str]] = {
    socket.gaierror: "no address is known for its name",
    ConnectionRefusedError: "nothing listens at that address and port",
    ssl.SSLError: "what listens at that port does not speak TLS as wanted",
}

Explain = Callable[[bytes], str]
"""Finds the vendor's own message in an error body; empty when there is none."""


class RemoteRefusedError(RefusedError):
    """A system refused a request with a 4xx status; the text holds its own words."""

    code: ClassVar[str] = "remote.refused"


def find_status_error(
    reply: RemoteReply,
    *,
    trace_header: str = "",
    explain: Explain | None = None,
    secrets: Collection[str] = (),
) -> ConnectorError | None:
    """The error a status stands for; None for a success and for what the call accepts.

    `secrets` are blotted out of the quoted body: some gateways echo the request.
    """
    if reply.is_success or reply.status in reply.call.accepted:
        return None
    trace = reply.headers.get(trace_header.lower(), "")[:TRACE_CHARACTERS_MAX]
    words = _find_words(reply, explain)
    for secret in filter(None, secrets):
        words = words.replace(secret, HIDDEN)
    kind, written, next_step = _classify(reply)
    return kind(
        _render_refused(reply, trace=trace, words=words),
        written=written,
        next_step=next_step,
        system=reply.system, method=reply.call.method, path=reply.call.path,
        status=reply.status, trace=trace,
    )  # fmt: skip


def render_broken(system: str, call: RemoteCall, attempt: Attempt, *, tries: int) -> ConnectorError:
    """The error for a call whose connection broke, unknown when it may have taken effect."""
    assert attempt.error is not None
    refused = (
        f"{system} gave no whole answer to {call.method} {call.path}"
        f" ({name_cause(attempt.error)}, {tries} {'try' if tries == 1 else 'tries'})."
    )
    if attempt.may_have_left and not call.may_repeat:
        kind: type[ConnectorError] = OutcomeUnknownError
        written, next_step = UNKNOWN, "Read the system back before anything is sent again."
    else:
        kind, written = SystemUnavailableError, UNTOUCHED
        next_step = "Check the network and the system's status, then try again."
    if attempt.is_final:
        next_step = "Name the certificate authority's file as `ca_bundle` of the connection."
    return kind(
        refused, written=written, next_step=next_step,
        system=system, method=call.method, path=call.path, tries=tries,
    )  # fmt: skip


def name_cause(error: BaseException) -> str:
    """What broke a connection, in words where its causes are known; else the error's name."""
    causes, found = [error], error
    while len(causes) < CAUSES_MAX and (its := found.__cause__ or found.__context__) is not None:
        causes.append(found := its)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {cause.verify_message}"
        for kind, words in _CAUSES.items():
            if isinstance(cause, kind):
                return words
    return type(error).__name__


def _classify(reply: RemoteReply) -> tuple[type[ConnectorError], str, str]:
    status = reply.status
    if status in _BY_STATUS:
        kind, next_step = _BY_STATUS[status]
        return kind, UNTOUCHED, next_step
    if status >= 500:
        return _classify_fault(reply.call)
    if status >= 400:
        return RemoteRefusedError, UNTOUCHED, "Correct what the answer names; repeating is useless."
    return ProtocolError, UNTOUCHED, "Show the vendor's support this answer."


def _classify_fault(call: RemoteCall) -> tuple[type[ConnectorError], str, str]:
    if call.may_repeat:
        return SystemUnavailableError, UNTOUCHED, "Wait for the system, then try again."
    return OutcomeUnknownError, UNKNOWN, "Read the system back before anything is sent again."


def _render_refused(reply: RemoteReply, *, trace: str, words: str) -> str:
    marks = f"status {reply.status}" + (f", trace id {trace}" if trace else "")
    said = f": {words.rstrip('.')}" if words else ""
    return f"{reply.system} answered {reply.call.method} {reply.call.path} with {marks}{said}."


def _find_words(reply: RemoteReply, explain: Explain | None) -> str:
    if reply.status in REDIRECTS:
        host = urlsplit(reply.headers.get("location", "")).hostname or "itself"
        return f"a redirect to {host}, which is not followed"
    if reply.call.is_login:
        return ""
    found = explain(reply.content) if explain is not None else ""
    return render_excerpt(found.encode()) if found else render_excerpt(reply.content)
