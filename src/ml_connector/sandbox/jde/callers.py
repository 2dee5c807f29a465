"""Who calls: by token and device, by Basic, by JWT, or by credentials in the body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any

from ml_connector.sandbox.http import Request
from ml_connector.sandbox.jde.literals import DateReader
from ml_connector.sandbox.jde.practices import Practices
from ml_connector.sandbox.jde.refusals import DeadTokenError, RefusalError, sys_errors
from ml_connector.sandbox.jde.sessions import Session, SessionBook
from ml_connector.sandbox.jde.signon import Credentials, SignOn
from ml_connector.sandbox.jde.transport import PEER_HEADER
from ml_connector.sandbox.jde.users import User
from ml_connector.sandbox.switches import Switches

_JAS_GONE = "The session of the HTML Server is no longer valid."


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The user of a call; `session` is None where it was made for this call alone."""

    user: User
    session: Session | None
    dates: DateReader


@dataclass(frozen=True, slots=True, kw_only=True)
class Doorkeeper:
    """Finds the caller of a request, or refuses it."""

    sessions: SessionBook
    sign_on: SignOn
    switches: Switches
    practices: Practices

    def admit(self, request: Request, body: Mapping[str, Any], *, paging: bool = False) -> Caller:
        """Return the caller; `paging` takes a token from the address and asks for no device."""
        token = find_token(request, body, in_address=paging)
        if token:
            session = self.session_of(request, token)
            self._verify_device(session, find_device(request, body), asked=not paging)
            return self._enter(request, session)
        credentials = self.sign_on.find_credentials(request, body)
        if credentials is None:
            raise RefusalError(403, "Authorization Failure")
        return self._admit_once(request, credentials)

    def session_of(self, request: Request, token: str) -> Session:
        """Return the session of a token as the instance that the request reaches knows it."""
        session = self.sessions.find(token)
        if session is None:
            raise DeadTokenError
        if self.switches["loadBalanced"] != "off" and session.cookie != find_cookie(request):
            # Without the cookie the balancer picks the instance that never heard of the token.
            raise DeadTokenError
        if session.device is None and self.switches["deviceCheck"] == "on":
            self._verify_address(session, request)
        return session

    def dates_of(self, user: User) -> DateReader:
        """Return how the user's session reads dates."""
        wanted = str(self.switches["dateFormat"])
        return DateReader(
            code=user.date_format if wanted == "user" else wanted,
            separator=str(self.switches["dateSeparator"]),
            wrong=str(self.switches["wrongDate"]),
        )

    def _enter(self, request: Request, session: Session) -> Caller:
        self.sessions.touch(session)
        request.user = session.user.name
        if not session.jas_alive:
            self._refuse_jas()
        return Caller(user=session.user, session=session, dates=self.dates_of(session.user))

    def _admit_once(self, request: Request, credentials: Credentials) -> Caller:
        user = self.sign_on.verify(credentials)
        request.user = user.name
        self.practices.warn("loginPerCall")
        return Caller(user=user, session=None, dates=self.dates_of(user))

    def _verify_device(self, session: Session, device: str | None, *, asked: bool) -> None:
        if session.device is None or self.switches["deviceCheck"] != "on":
            return
        if device is None:
            if asked and self.switches["missingDevice"] == "reject":
                raise RefusalError(403, "Token is Invalid")
            return
        if device != session.device:
            raise RefusalError(403, "Token is Invalid")

    def _verify_address(self, session: Session, request: Request) -> None:
        if client_address(request) != session.address:
            raise RefusalError(403, "Token is Invalid")

    def _refuse_jas(self) -> None:
        status = int(self.switches["deadJas"])
        if status == 444:
            raise DeadTokenError
        raise RefusalError(status, _JAS_GONE, body=sys_errors(_JAS_GONE))


def find_token(request: Request, body: Mapping[str, Any], *, in_address: bool = False) -> str:
    """Return the token of header, body or (where it may stand there) address; empty for none."""
    found = request.headers.get("jde-ais-auth") or body.get("token")
    if not found and in_address:
        found = request.find_query("token") or request.find_query("$token")
    return str(found or "")


def find_device(request: Request, body: Mapping[str, Any]) -> str | None:
    """Return the device name of header, body or address, or None."""
    found = request.headers.get("jde-ais-auth-device") or body.get("deviceName")
    found = found or request.find_query("$device") or request.find_query("deviceName")
    return str(found) if found else None


def find_cookie(request: Request) -> str | None:
    """Return the value of JSESSIONID, or None."""
    try:
        jar = SimpleCookie(request.headers.get("cookie", ""))
    except CookieError:
        return None
    return jar["JSESSIONID"].value if "JSESSIONID" in jar else None


def client_address(request: Request) -> str:
    """Return the address a request came from; a balancer's word goes before the socket's."""
    seen = request.headers.get(PEER_HEADER, "127.0.0.1")
    return request.headers.get("x-forwarded-for", seen).split(",")[0].strip()
