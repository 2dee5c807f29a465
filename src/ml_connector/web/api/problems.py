"""Errors as programs read them: problem details (RFC 9457) made of our own errors."""

import json
import logging
from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from ml_connector.errors import (
    BlockedError,
    BusyError,
    ConnectorError,
    CredentialsError,
    DatabaseAwayError,
    OutcomeUnknownError,
    PartlyRefusedError,
    ProtocolError,
    RefusedError,
    RunInterruptedError,
    StoredError,
    SystemUnavailableError,
    UnexplainedDifferenceError,
    UsageError,
    list_error_classes,
)

logger = logging.getLogger(__name__)

PROBLEM = "application/problem+json"
STATUSES: dict[type[ConnectorError], int] = {
    UsageError: 422,
    RefusedError: 422,
    ProtocolError: 502,
    PartlyRefusedError: 409,
    UnexplainedDifferenceError: 409,
    BlockedError: 409,
    BusyError: 409,
    CredentialsError: 502,
    SystemUnavailableError: 503,
    DatabaseAwayError: 503,
    OutcomeUnknownError: 500,
    RunInterruptedError: 503,
}
"""By class, the nearest one counts. Log-ins and rights that fail are ours at a system, not the
caller's here: hence 502, and never 401 or 403."""
FORBIDDEN = frozenset(
    {"approvals.own-plan", "approvals.people-decide", "sign-offs.own-run", "tokens.foreign"}
)
"""Codes of what this person may never do, whatever changes elsewhere: 403."""
WHOLE = frozenset({"body", "wanted"})
"""What stands for a body as a whole where a fault is told."""
RETRY_S = 5
"""What a caller is asked to wait for when something is away."""


class MissingError(UsageError):
    """There is no such thing, or this caller is not to know of it."""

    code = "api.missing"


class UnfitCallError(UsageError):
    """The call is not what the API takes; the text lists all faults."""

    code = "api.unfit"

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        told = "; ".join(f"{where}: {what}" for where, what in faults)
        super().__init__(
            f"The call is not understood: {told}.",
            written="Nothing was done.",
            next_step="Compare it with /api/v1/openapi.json.",
        )
        self.faults = [{"where": where, "what": what} for where, what in faults]


class CallRefusedError(ConnectorError):
    """The call was turned away before anybody looked at what it asks for."""

    code = "api.refused"

    def __init__(self, refused: str, *, status: int, next_step: str, wait_s: int = 0) -> None:
        super().__init__(refused, written="Nothing was done.", next_step=next_step)
        self.status = status
        self.wait_s = wait_s


def render_problem(error: ConnectorError, *, status: int | None = None) -> HttpResponse:
    """The error as a program reads it, with all that a person would be told."""
    record = error.render_record()
    code, status = str(record["code"]), status or find_status(error)
    refused, arguments = error.refused, error.arguments
    if isinstance(error, DatabaseAwayError):
        # Whoever asks may be nobody we know: where the database is, only the log tells.
        logger.warning("%s", error.refused)
        refused, arguments = "The records do not answer.", {}
    body: dict[str, Any] = {
        "type": reverse("api-error", args=[code]),
        "title": find_title(code),
        "status": status,
        "detail": f"{refused} {error.written} {error.next_step}".strip(),
        "code": code,
        "refused": refused,
        "written": error.written,
        "next_step": error.next_step,
        "arguments": {name: value for name, value in arguments.items() if value is not None},
        "faults": [_render_fault(one) for one in getattr(error, "faults", ())],
    }
    answer = HttpResponse(json.dumps(body, default=str), status=status, content_type=PROBLEM)
    wait_s = getattr(error, "wait_s", 0) or (RETRY_S if status == 503 else 0)
    if wait_s:
        answer["Retry-After"] = str(wait_s)
    if status == 401:
        answer["WWW-Authenticate"] = 'Bearer realm="ml-connector"'
    return answer


def _render_fault(fault: Any) -> dict[str, str]:
    """Where it is and what: files tell a line as well, which belongs to the place."""
    if isinstance(fault, dict):
        return {"where": str(fault["where"]), "what": str(fault["what"])}
    if hasattr(fault, "render"):
        return {"where": "", "what": str(fault.render())}
    *place, what = fault if isinstance(fault, tuple) else ("", fault)
    return {"where": ":".join(str(part) for part in place if part), "what": str(what)}


def find_status(error: ConnectorError) -> int:
    """The status that says who is to do what next."""
    if isinstance(error, CallRefusedError):
        return error.status
    if isinstance(error, MissingError):
        return 404
    code = error.stored_code if isinstance(error, StoredError) else error.code
    if code in FORBIDDEN:
        return 403
    kind = _find_class(code) if isinstance(error, StoredError) else type(error)
    return next((STATUSES[one] for one in kind.__mro__ if one in STATUSES), 500)


def find_title(code: str) -> str:
    """What errors of this code have in common."""
    return (_find_class(code).__doc__ or "").strip().splitlines()[0]


def _find_class(code: str) -> type[ConnectorError]:
    return next((one for one in list_error_classes() if one.code == code), ConnectorError)


def answer_error(_: HttpRequest, error: ConnectorError) -> HttpResponse:
    """What an operation has refused."""
    return render_problem(error)


def answer_broken(request: HttpRequest, error: Exception) -> HttpResponse:
    """A fault of ours: the log has it, the caller is told that it is none of theirs."""
    logger.error("api.broken path=%s", request.path, exc_info=error)
    return render_problem(
        ConnectorError(
            "The connector has failed at this call.",
            written="What was stored before stands.",
            next_step="Look into its log for `api.broken`.",
        )
    )


def answer_missing(_: HttpRequest, error: Http404) -> HttpResponse:
    """There is no such thing."""
    return render_problem(
        MissingError(
            str(error) or "There is no such thing.",
            written="Nothing was done.",
            next_step="Addresses are those of /api/v1/openapi.json; none ends with a slash.",
        )
    )


def answer_unfit(_: HttpRequest, error: Any) -> HttpResponse:
    """The call does not fit the operation's schema; every fault is named."""
    faults = [
        (".".join(str(part) for part in one["loc"] if part not in WHOLE) or "body", one["msg"])
        for one in error.errors
    ]
    return render_problem(UnfitCallError(faults))


def answer_unreadable(_: HttpRequest, error: Any) -> HttpResponse:
    """The body is no JSON that is understood; the library says why only to whoever asks it."""
    why = str(error.__cause__ or error)
    return render_problem(UnfitCallError([("body", why)]), status=error.status_code)
