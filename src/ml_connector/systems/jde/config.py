"""What a server and a log-in tell about themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ml_connector.errors import ConnectorError
from ml_connector.systems.calls import NOT_FOUND, RemoteReply
from ml_connector.systems.http import LOGIN_TIMEOUTS, HttpClient, RemoteCall
from ml_connector.systems.jde import wire
from ml_connector.systems.jde.answers import UnreadableError, decode_as
from ml_connector.systems.jde.refusals import (
    render_blocked,
    render_gateway_refused,
    render_service_missing,
)

API: Final = "v2"
API_OLD: Final = "v1"
CONFIG_BYTES_MAX: Final = 4 * 1024 * 1024
_REFUSED: Final = frozenset({400, 401, 403, NOT_FOUND, 405, 406, 415, 444, 500})


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """What the server tells everybody.

    Attributes:
        version: Of the server, as it writes it.
        capabilities: Names of what it can do; empty when it does not tell.
        api: "v2", or "v1" for servers too old to be read (J-20).
        session_timeout_minutes: Idle minutes after which a log-in ends; None: not said.
        time_to_live_minutes: Minutes after which a log-in ends in any case; None: not said.
        default_environment: Where a log-in without environment leads.
    """

    version: str
    capabilities: frozenset[str]
    api: str
    session_timeout_minutes: int | None
    time_to_live_minutes: int | None
    default_environment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionInfo:
    """What a log-in told; `logins` counts those of this client so far."""

    user: str
    environment: str
    role: str
    date_format: str
    decimal_format: str
    is_password_expiring: bool
    logins: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrchestrationRow:
    """An orchestration the user may call; `arrays` are what the lines of its inputs hold."""

    name: str
    description: str
    input_format: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    arrays: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def read_config(http: HttpClient, *, root: str) -> tuple[ServerConfig, RemoteReply]:
    """What the server tells everybody, and the reply that said so; older servers are asked last.

    Raises:
        ServiceMissingError: Neither version of the service answers.
        SignOnBlockedError: Both are answered with 405.
        CredentialsError: Both are answered with 401 or 403, as gateways do.
        SystemUnavailableError: The server does not answer.
    """
    for api, path in ((API, f"{root}/v2/defaultconfig"), (API_OLD, f"{root}/defaultconfig")):
        reply = _ask(http, path)
        found = _find_config(reply, api)
        if found is not None:
            return found, reply
    raise _render_no_config(reply)


def _render_no_config(reply: RemoteReply) -> ConnectorError:
    if reply.status == 405:
        return render_blocked(reply)
    if reply.status in {401, 403}:
        return render_gateway_refused(reply)
    return render_service_missing(reply)


def _ask(http: HttpClient, path: str) -> RemoteReply:
    return http.send(
        RemoteCall(
            method="GET",
            path=path,
            headers={"Accept": "application/json"},
            accepted=_REFUSED,
            timeouts=LOGIN_TIMEOUTS,
            bytes_max=CONFIG_BYTES_MAX,
        )
    )


def _find_config(reply: RemoteReply, api: str) -> ServerConfig | None:
    if not reply.is_success:
        return None
    try:
        told = decode_as(reply.content, wire.ConfigReply)
    except UnreadableError:
        return None
    names = (each.name for each in told.capability_list or [])
    return ServerConfig(
        version=told.ais_version,
        capabilities=frozenset(name for name in names if name),
        api=api,
        session_timeout_minutes=_find_minutes(told.session_timeout),
        time_to_live_minutes=_find_minutes(told.time_to_live),
        default_environment=told.default_environment or "",
    )


def _find_minutes(value: str | int | None) -> int | None:
    text = str(value).strip()
    return int(text) if text.isascii() and text.isdecimal() else None


def map_orchestration(part: wire.OrchestrationPart) -> OrchestrationRow:
    """The orchestration without the wire's gaps."""
    return OrchestrationRow(
        name=part.name or "",
        description=part.description or "",
        input_format=part.input_format or "",
        inputs=tuple(each.name or "" for each in part.inputs or []),
        outputs=tuple(each.name or "" for each in part.outputs or []),
        arrays={
            each.name or "": tuple(inner.name or "" for inner in each.array)
            for each in part.inputs or []
            if each.array
        },
    )
