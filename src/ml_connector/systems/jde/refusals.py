"""From what an AIS server refuses to errors that say what to do about it."""

import re
from typing import ClassVar, Final

from ml_connector.errors import (
    AccessDeniedError,
    ConnectorError,
    CredentialsError,
    ProtocolError,
    RefusedError,
    SystemUnavailableError,
)
from ml_connector.systems.calls import RemoteReply, render_excerpt
from ml_connector.systems.jde import wire
from ml_connector.systems.jde.answers import is_object

UNTOUCHED: Final = "Nothing was written."
TOKEN_REFUSED: Final = 444
"""A status of the vendor's own; it has no registered name (J-03)."""
_SECRET_RUN: Final = re.compile(r"(token=|[A-Za-z0-9+/=%_!-]{32,})\S*")
"""Tokens and cookies are long runs; so is nothing a person needs to read."""


class SignOnBlockedError(CredentialsError):
    """Status 405: the HTML server does not know the AIS server, or a gateway blocks the caller."""

    code: ClassVar[str] = "jde.sign-on-blocked"


class SignOnFailedError(SystemUnavailableError):
    """The AIS server took the log-in but could not open a session."""

    code: ClassVar[str] = "jde.sign-on-failed"


class SessionRefusedError(SystemUnavailableError):
    """A token was refused that had been given a moment before."""

    code: ClassVar[str] = "jde.session-refused"


class SessionsDieError(SystemUnavailableError):
    """Log-ins had to be made anew more often than an hour allows."""

    code: ClassVar[str] = "jde.sessions-die"


class TableDeniedError(AccessDeniedError):
    """Status 403 for a table, before and after a new log-in."""

    code: ClassVar[str] = "jde.table-denied"


class ColumnHiddenError(AccessDeniedError):
    """Asked columns are missing from an answer: they are hidden by security, or do not exist."""

    code: ClassVar[str] = "jde.column-hidden"

    columns: tuple[str, ...] = ()


class ReadRefusedError(RefusedError):
    """The AIS server refused a read and said why."""

    code: ClassVar[str] = "jde.read-refused"


class ServerTroubleError(SystemUnavailableError):
    """The server answered a read with a failure that is not its own words, or broke it off."""

    code: ClassVar[str] = "jde.server-trouble"


class ServiceMissingError(RefusedError):
    """There is no AIS service at the configured address."""

    code: ClassVar[str] = "jde.service-missing"


class TruncatedError(RefusedError):
    """The server holds back rows of a read and offers no way to them."""

    code: ClassVar[str] = "jde.truncated"

    rows_seen: int = 0


class GroupsCutError(ProtocolError):
    """The counts of the groups do not add up to the rows: the list of groups was cut."""

    code: ClassVar[str] = "jde.groups-cut"


class RestartError(Exception):
    """A read was spoiled and may be begun anew; `error` is what remains when that does not help.

    `is_fault` when the server itself reported a failure, which a new session may cure; `in_link`
    when it happened behind the first page.
    """

    def __init__(
        self, error: ConnectorError, *, is_fault: bool = False, in_link: bool = False
    ) -> None:
        super().__init__(str(error))
        self.error = error
        self.is_fault = is_fault
        self.in_link = in_link


def redact(text: str) -> str:
    """The text without anything as long as a token."""
    return _SECRET_RUN.sub("[hidden]", text)


def find_reply_words(reply: RemoteReply) -> str:
    """The server's own words fit for an error: short, without secrets."""
    found = wire.find_error_text(reply.content)
    return redact(render_excerpt(found.encode() if found else reply.content)).rstrip(".")


def verify_answered(reply: RemoteReply, *, table: str) -> None:
    """The reply is a success.

    Raises:
        RestartError: Reading anew may help.
        ConnectorError: It will not.
    """
    if reply.is_success:
        return
    if reply.status >= 500:
        raise _render_fault(reply, table=table)
    raise render_refused(reply, table=table)


def render_refused(reply: RemoteReply, *, table: str) -> ConnectorError:
    """The error a status below 500 stands for."""
    if reply.status == 401:
        return render_gateway_refused(reply)
    if reply.status == 403:
        return _render_denied(reply, table=table)
    if reply.status == 404:
        return render_service_missing(reply)
    if reply.status == 405:
        return render_blocked(reply)
    if reply.status == TOKEN_REFUSED:
        return _render_session_refused(reply)
    return render_read_refused(reply, table=table, words=find_reply_words(reply))


def _render_fault(reply: RemoteReply, *, table: str) -> RestartError:
    if wire.EXPIRED_MARK in reply.content:
        return RestartError(render_trouble(reply, table=table, fault="an expired result (J-08)"))
    if is_object(reply.content):
        words = find_reply_words(reply)
        return RestartError(render_read_refused(reply, table=table, words=words), is_fault=True)
    what = render_excerpt(reply.content) or "an empty body"
    return RestartError(render_trouble(reply, table=table, fault=redact(what)))


def render_read_refused(reply: RemoteReply, *, table: str, words: str) -> ReadRefusedError:
    """The error for a read that the server refused in its own words."""
    said = redact(words)[:300].rstrip(".") or "without a word"
    return ReadRefusedError(
        f"{reply.system} refused to read {table} (status {reply.status}): {said}.",
        written=UNTOUCHED,
        next_step="Check that the table and its columns exist in this release and that the HTML"
        " server behind the AIS server runs; its log has the details.",
        table=table, status=reply.status,
    )  # fmt: skip


def render_trouble(reply: RemoteReply, *, table: str, fault: str) -> ServerTroubleError:
    """The error for an answer that is none."""
    return ServerTroubleError(
        f"{reply.system} answered a read of {table} with {fault[:300]} (status {reply.status}),"
        " each time it was tried.",
        written=UNTOUCHED,
        next_step="Wait until the AIS server and its HTML server run, then try again.",
        table=table, status=reply.status,
    )  # fmt: skip


def render_hidden(system: str, table: str, columns: list[str]) -> ColumnHiddenError:
    """The error for columns that are missing from an answer."""
    listed = ", ".join(columns)
    error = ColumnHiddenError(
        f"{system} left these columns of {table} out of its answer: {listed}.",
        written=UNTOUCHED,
        next_step="Lift the column security for the integration user (or check that this release"
        " has the columns), then: `ml-connector doctor`.",
        table=table, columns=listed,
    )  # fmt: skip
    error.columns = tuple(columns)
    return error


def render_truncated(system: str, table: str, rows_seen: int) -> TruncatedError:
    """The error for rows that are held back."""
    error = TruncatedError(
        f"{system} gave {rows_seen} rows of {table}, says that there are more, and offers no next"
        " page.",
        written=UNTOUCHED,
        next_step="Raise the DB Fetch Limit of the HTML server (Server Manager), or narrow the"
        " flow's companies or periods.",
        table=table, rows_seen=rows_seen,
    )  # fmt: skip
    error.rows_seen = rows_seen
    return error


def render_gateway_refused(reply: RemoteReply) -> CredentialsError:
    """The error for a 401, which no AIS server sends by itself, or a 403 where none asks who."""
    wants = (
        "wants a log-in of its own" if reply.status == 401 else "does not let this caller through"
    )
    return CredentialsError(
        f"{reply.system} answered {reply.call.path} with status {reply.status}. AIS servers do not"
        f" send it there, so a gateway in front of it {wants}.",
        written=UNTOUCHED,
        next_step="Let the gateway pass the connector's requests to the AIS server unchanged, and"
        " admit this machine's outbound address if it restricts callers.",
        path=reply.call.path, status=reply.status,
    )  # fmt: skip


def render_service_missing(reply: RemoteReply) -> ServiceMissingError:
    """The error for a 404."""
    return ServiceMissingError(
        f"{reply.system} has no service at {reply.call.path} (status {reply.status}).",
        written=UNTOUCHED,
        next_step="Check `ais_url`: it must lead to the AIS server, a proxy's path prefix"
        " included.",
        path=reply.call.path, status=reply.status,
    )  # fmt: skip


def render_blocked(reply: RemoteReply) -> SignOnBlockedError:
    """The error for a 405, in each of its readings (J-07)."""
    page = "" if is_object(reply.content) else " The answer is no JSON, so it may be a"
    page += " proxy's." if page else ""
    return SignOnBlockedError(
        f"{reply.system} answered {reply.call.path} with status 405: the HTML server does not list"
        " this AIS server among its Allowed Hosts, or a gateway does not let this caller through."
        f"{page}",
        written=UNTOUCHED,
        next_step="In Server Manager, add the AIS server's host to Allowed Hosts of the HTML"
        " server (Web Runtime). If a gateway restricts callers, have it admit this machine's"
        " outbound address. Check also that `ais_url` is the address of the AIS server itself.",
        path=reply.call.path, status=405,
    )  # fmt: skip


def _render_denied(reply: RemoteReply, *, table: str) -> TableDeniedError:
    return TableDeniedError(
        f"{reply.system} answered a read of {table} with status 403, before and after a new"
        f" log-in ({find_reply_words(reply) or 'no reason given'}).",
        written=UNTOUCHED,
        next_step=f"Mostly the user has no right to {table}: allow data browser and table access"
        " to it. If every table is refused, the session itself is: check that the environment and"
        " role are allowed to the user, and that no gateway answers instead of the AIS server.",
        table=table, status=403,
    )  # fmt: skip


def _render_session_refused(reply: RemoteReply) -> SessionRefusedError:
    return SessionRefusedError(
        f"{reply.system} refused {reply.call.path} with status 444 under a token it had just given"
        f" ({find_reply_words(reply) or 'no reason given'}).",
        written=UNTOUCHED,
        next_step="Have the load balancer send all requests of a session to one AIS server, keep"
        " the device-name header through proxies, then try again.",
        path=reply.call.path, status=TOKEN_REFUSED,
    )  # fmt: skip
