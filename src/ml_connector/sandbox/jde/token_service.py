"""tokenrequest, validate and logout, and their twins under the orchestrator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.http import Request, Response, json_response
from ml_connector.sandbox.jde.callers import (
    Doorkeeper,
    client_address,
    find_device,
    find_token,
)
from ml_connector.sandbox.jde.practices import Practices
from ml_connector.sandbox.jde.refusals import DeadTokenError, RefusalError, parse_body
from ml_connector.sandbox.jde.resultsets import ResultSets
from ml_connector.sandbox.jde.sessions import Session, SessionBook
from ml_connector.sandbox.jde.signon import SignOn
from ml_connector.sandbox.jde.wishes import is_true
from ml_connector.sandbox.switches import Switches

JAS_ORIGIN = "http://jas01.example.internal:8081"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenService:
    """Opens, looks at and ends sessions."""

    clock: SandboxClock
    switches: Switches
    sessions: SessionBook
    sign_on: SignOn
    door: Doorkeeper
    results: ResultSets
    practices: Practices

    def request_token(self, request: Request, version: int) -> Response:
        """Answer a sign-on; a session is open where it was good."""
        body = parse_body(request.body)
        credentials = self.sign_on.find_credentials(request, body)
        if credentials is None:
            raise RefusalError(403, "Authorization Failure")
        user = self.sign_on.verify(credentials)
        request.user = user.name
        device = find_device(request, body)
        self._watch(user.name, device)
        self._verify_room()
        session = self.sessions.open(
            user,
            device=device,
            address=client_address(request),
            environment=credentials.environment,
            role=credentials.role,
        )
        cookie = ("Set-Cookie", f"JSESSIONID={session.cookie}; Path=/jderest; HttpOnly")
        return json_response(self._told(session, version), headers=(cookie,))

    def validate(self, request: Request) -> Response:
        """Answer whether the token is good; `touch` counts as use."""
        body = parse_body(request.body)
        token = find_token(request, body)
        try:
            session = self.door.session_of(request, token)
            self._verify_device(session, find_device(request, body))
        except RefusalError as refusal:
            raise self._invalid() from refusal
        request.user = session.user.name
        if is_true(body.get("touch")):
            self.sessions.touch(session)
        return json_response({"isValidSession": True})

    def log_out(self, request: Request) -> Response:
        """The session and its result sets are gone; 444 where there was none."""
        token = find_token(request, parse_body(request.body))
        session = self.sessions.find(token)
        if session is None:
            raise DeadTokenError
        request.user = session.user.name
        self.sessions.close(token)
        self.results.forget_token(token)
        return json_response({"message": "Logout Successful"})

    def _told(self, session: Session, version: int) -> dict[str, Any]:
        told = {
            "username": session.user.name,
            "environment": session.environment,
            "role": session.role,
            "jasserver": JAS_ORIGIN,
            "userInfo": self._user_facts(session),
            "userAuthorized": False,
            "version": None,
            "poStringJSON": None,
            "altPoStringJSON": None,
            "aisSessionCookie": session.cookie,
            "adminAuthorized": False,
            "passwordAboutToExpire": self.switches["passwordExpiry"] == "aboutToExpire",
            "envColor": "#0A5",
            "machineName": "ais01",
            "currencyEnvironment": True,
            "externalJASURL": "https://jas.example.com",
        }
        if version < 2:
            told["deprecated"] = True
        if self.switches["extraKeys"] == "on":
            told["aisExtension"] = {"reserved": None}
        return told

    def _user_facts(self, session: Session) -> dict[str, Any]:
        dates, user = self.door.dates_of(session.user), session.user
        return {
            "token": session.token,
            "langPref": "  ",
            "locale": "en",
            "dateFormat": dates.code,
            "dateSeperator": dates.separator,
            "simpleDateFormat": dates.simple_format,
            "decimalFormat": ".",
            "addressNumber": user.address_number,
            "alphaName": user.alpha_name,
            "appsRelease": "E920",
            "country": " ",
            "username": user.name,
        }

    def _watch(self, name: str, device: str | None) -> None:
        if device is None:
            self.practices.warn("loginWithoutDevice")
        alike = [s for s in self.sessions.living() if (s.user.name, s.device) == (name, device)]
        if any(one.jas_alive for one in alike):
            self.practices.warn("loginPerCall")

    def _verify_room(self) -> None:
        most = self.switches["sessionsMax"]
        if most is not None and len(self.sessions.living()) >= int(most):
            raise RefusalError(500, "The maximum number of user sessions has been reached.")

    def _verify_device(self, session: Session, device: str | None) -> None:
        wrong = session.device is not None and device not in {None, session.device}
        if wrong and self.switches["deviceCheck"] == "on":
            raise self._invalid()

    def _invalid(self) -> RefusalError:
        if int(self.switches["validateDead"]) == 444:
            return DeadTokenError()
        return RefusalError(403, "Token is Invalid")
