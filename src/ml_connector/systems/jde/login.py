"""Log-in and log-out: one attempt per secret, for refused ones lock the user's profile."""

import hashlib
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from ml_connector.errors import ConnectorError, CredentialsError, ProtocolError
from ml_connector.ports import Secrets
from ml_connector.systems.calls import (
    NOT_FOUND,
    ONE_TRY,
    CallTimeouts,
    Patience,
    RemoteReply,
)
from ml_connector.systems.http import LOGIN_TIMEOUTS, HttpClient, RemoteCall
from ml_connector.systems.jde import wire
from ml_connector.systems.jde.answers import UnreadableError, decode_as, is_object, is_true
from ml_connector.systems.jde.connection import JdeSettings, PasswordLogin
from ml_connector.systems.jde.dates import build_date_renderer
from ml_connector.systems.jde.refusals import (
    TOKEN_REFUSED,
    UNTOUCHED,
    SignOnFailedError,
    render_blocked,
    render_gateway_refused,
    render_service_missing,
)

PATIENCE: Final = Patience(tries_max=16, total_s=600.0)
"""AIS servers are restarted at night and are away for minutes (J-24)."""
LOGOUT_TIMEOUTS: Final = CallTimeouts(connect_s=3, read_s=5, body_s=5)
LOGIN_BYTES_MAX: Final = 256 * 1024
_JSON: Final = {"Content-Type": "application/json", "Accept": "application/json"}
_REFUSED: Final = frozenset({400, 401, 403, NOT_FOUND, 405, 406, 415, TOKEN_REFUSED, 445, 446, 500})
_ENDED: Final = frozenset({200, 403, TOKEN_REFUSED})
"""Answers to a log-out after which the session is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a log-in gave: the token, the node that knows it, and the user's ways of writing."""

    token: str = field(repr=False)
    cookies: tuple[str, ...] = field(repr=False)
    user: str
    environment: str
    role: str
    date_format: str
    decimal_format: str
    is_password_expiring: bool
    render_date: Callable[[date], str] = field(repr=False)


class JdeLogin:
    """Opens and ends sessions; its caller lets one thread in at a time.

    Log-outs go through a client of their own, which no budget or stop holds back.
    """

    def __init__(
        self, settings: JdeSettings, http: HttpClient, *, exit_http: HttpClient, secrets: Secrets
    ) -> None:
        self._settings = settings
        self._http = http
        self._exit_http = exit_http
        self._secrets = secrets
        self._refused: tuple[str, ConnectorError] | None = None
        self._asked: Future[RemoteReply] | None = None
        """The answer to a log-in that nobody has taken yet."""

    def open_session(self) -> Grant:
        """A new session.

        A secret that was refused is not sent again by this object, however often it is asked: the
        user's profile would be locked (J-06). Another secret is tried.

        Raises:
            CredentialsError: User, secret, environment or role are refused, or the sign-on is
                blocked.
            SignOnFailedError: The server cannot open a session now.
            SystemUnavailableError: It does not answer.
        """
        secret = self._secrets.read_secret(self._reference)
        mark = hashlib.sha256(secret.encode()).hexdigest()
        if self._refused is not None and self._refused[0] == mark:
            raise self._refused[1]
        reply = self._send_aside(self._render_call(secret))
        try:
            return self._parse(self._verify_granted(reply, secret=secret))
        except CredentialsError as error:
            self._refused = (mark, error)
            raise

    def find_abandoned(self, *, within_s: float) -> Grant | None:
        """The session of a log-in whose caller was interrupted while it waited for the answer."""
        asked, self._asked = self._asked, None
        try:
            reply = None if asked is None else asked.result(within_s)
            return None if reply is None else self._parse(self._verify_granted(reply, secret=""))
        except (ConnectorError, TimeoutError):
            return None

    def end_session(self, token: str, cookies: Mapping[str, str]) -> bool:
        """Whether the session is known to be gone; never raises for one that may live on."""
        headers = {**_JSON, wire.TOKEN_HEADER: token, wire.DEVICE_HEADER: self._settings.device}
        call = RemoteCall(
            method="POST",
            path=f"{self._settings.root}/v2/tokenrequest/logout",
            headers={**headers, **render_cookies(cookies)},
            content=wire.render_logout(token),
            accepted=_REFUSED,
            timeouts=LOGOUT_TIMEOUTS,
            patience=ONE_TRY,
            is_login=True,
        )
        try:
            return self._exit_http.send(call).status in _ENDED
        except ConnectorError:
            # The session ends by itself within its time-out, and the work does not depend on it.
            return False

    def _send_aside(self, call: RemoteCall) -> RemoteReply:
        """The answer, awaited in a thread of its own, where an interrupt of this one loses nothing.

        A log-in takes seconds, and without its answer nobody can end the session it opened (J-18).
        """
        asked: Future[RemoteReply] = Future()

        def ask() -> None:
            try:
                asked.set_result(self._http.send(call))
            except BaseException as error:  # noqa: BLE001 - raised again by whoever waits, for ever
                # without it.
                asked.set_exception(error)

        self._asked = asked
        threading.Thread(target=ask, name="jde-log-in", daemon=True).start()
        try:
            return asked.result()
        finally:
            # Not after an interrupt, which finds the answer still to come.
            if asked.done():
                self._asked = None

    @property
    def _reference(self) -> str:
        auth = self._settings.auth
        return auth.password if isinstance(auth, PasswordLogin) else auth.token

    def _render_call(self, secret: str) -> RemoteCall:
        auth = self._settings.auth
        is_password = isinstance(auth, PasswordLogin)
        body = wire.render_login(
            user=auth.user if isinstance(auth, PasswordLogin) else "",
            password=secret if is_password else "",
            device=self._settings.device,
            environment=auth.environment,
            role=auth.role,
        )
        return RemoteCall(
            method="POST",
            path=f"{self._settings.root}/v2/tokenrequest",
            headers=_JSON if is_password else {**_JSON, **self._render_jwt(secret)},
            content=body,
            # A lost answer leaves a session that nobody can end; it dies of its time-out (J-18).
            is_repeatable=True,
            accepted=_REFUSED,
            timeouts=LOGIN_TIMEOUTS,
            patience=PATIENCE,
            bytes_max=LOGIN_BYTES_MAX,
            is_login=True,
        )

    def _render_jwt(self, token: str) -> dict[str, str]:
        auth = self._settings.auth
        headers = {
            "Authorization": f"Bearer {token}",
            wire.DEVICE_HEADER: self._settings.device,
            wire.ENVIRONMENT_HEADER: auth.environment,
            wire.ROLE_HEADER: auth.role,
        }
        return {name: value for name, value in headers.items() if value}

    def _verify_granted(self, reply: RemoteReply, *, secret: str) -> RemoteReply:
        if reply.is_success:
            return reply
        if reply.status == 401:
            raise render_gateway_refused(reply)
        if reply.status == 405:
            raise render_blocked(reply)
        if reply.status == NOT_FOUND:
            raise render_service_missing(reply)
        if reply.status in {403, 445, 446}:
            raise self._render_refused(reply)
        raise self._render_failed(reply, secret=secret)

    def _parse(self, reply: RemoteReply) -> Grant:
        """The session of a success, which is a token and nothing else (J-01)."""
        try:
            told = decode_as(reply.content, wire.LoginReply)
        except UnreadableError:
            raise self._render_no_token(reply) from None
        user = told.user_info
        if user is None or not user.token:
            raise self._render_no_token(reply)
        pattern = user.simple_date_format or ""
        return Grant(
            token=user.token,
            cookies=reply.cookies or _find_node(told),
            user=told.username or "",
            environment=told.environment or "",
            role=told.role or "",
            date_format=pattern or user.date_format or "",
            decimal_format=user.decimal_format or "",
            is_password_expiring=is_true(told.password_about_to_expire),
            render_date=build_date_renderer(
                pattern, code=user.date_format or "", separator=user.date_separator or ""
            ),
        )

    def _render_refused(self, reply: RemoteReply) -> CredentialsError:
        auth = self._settings.auth
        who = auth.user if isinstance(auth, PasswordLogin) else "the signed token"
        page = "" if is_object(reply.content) else (
            " The answer is no JSON, so a gateway may have refused in the AIS server's place."
        )  # fmt: skip
        return CredentialsError(
            f"{reply.system} refused the log-in of {who} for environment"
            f" {auth.environment or '(default)'} and role {auth.role or '(default)'}"
            f" (status {reply.status}).{page}",
            written="Nothing was written, and the log-in is not tried again with this secret:"
            " repeated refusals lock the user.",
            next_step=f"Check user, secret ({self._reference}), environment, role, and whether the"
            " password has expired or the user is locked. Then: `ml-connector connections test"
            f" {self._settings.name}`.",
            connection=self._settings.name,
            status=reply.status,
        )

    def _render_failed(self, reply: RemoteReply, *, secret: str) -> SignOnFailedError:
        words = wire.find_error_text(reply.content).replace(secret, "[hidden]")[:200].rstrip(".")
        return SignOnFailedError(
            f"{reply.system} could not open a session (status {reply.status}"
            f"{': ' + words if words else ''}).",
            written=UNTOUCHED,
            next_step="Check that the HTML server behind the AIS server runs and that its number of"
            " users is not used up; sessions that were not ended free themselves after their"
            " time-out. Then try again.",
            connection=self._settings.name,
            status=reply.status,
        )

    def _render_no_token(self, reply: RemoteReply) -> ProtocolError:
        # The body may hold a token, so nothing of it is repeated.
        return ProtocolError(
            f"{reply.system} answered the log-in with status {reply.status} but without a token.",
            written=UNTOUCHED,
            next_step="Check `ais_url`: it must lead to the AIS server, not to a log-in page.",
            connection=self._settings.name,
            status=reply.status,
        )


def render_cookies(cookies: Mapping[str, str]) -> dict[str, str]:
    """The header of the cookies; none when there are none."""
    pairs = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return {"Cookie": pairs} if pairs else {}


def _find_node(told: wire.LoginReply) -> tuple[str, ...]:
    """The node's cookie where it comes in the body alone (J-17)."""
    value = told.ais_session_cookie or ""
    is_fit = value.isascii() and value.isprintable() and not set(value) & set(" ;,")
    return (f"{wire.NODE_COOKIE}={value}",) if value and is_fit else ()
