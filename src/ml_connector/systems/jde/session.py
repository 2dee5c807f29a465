"""One session for all threads: opened when needed, renewed once when it dies, ended at the end."""

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog

from ml_connector.errors import ConnectorError, RunInterruptedError
from ml_connector.ports import Clock, SessionStore
from ml_connector.systems.jde import wire
from ml_connector.systems.jde.login import Grant, JdeLogin, render_cookies
from ml_connector.systems.jde.refusals import UNTOUCHED, SessionsDieError

RENEWALS_PER_HOUR_MAX: Final = 30
"""A server that forgets more sessions than this has a fault that log-ins only make worse (J-23)."""
HOUR: Final = timedelta(hours=1)
CLOSE_S_MAX: Final = 5.0
COOKIES_MAX: Final = 20
LEFT_SESSIONS_MAX: Final = 10

_log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class _Living:
    """The session in use; its cookies live and die with its token (J-17)."""

    grant: Grant
    device: str
    cookies: dict[str, str] = field(default_factory=dict, repr=False)

    def headers(self) -> dict[str, str]:
        """What each request carries."""
        marks = {wire.TOKEN_HEADER: self.grant.token, wire.DEVICE_HEADER: self.device}
        return {**marks, **render_cookies(self.cookies)}

    def record_cookies(self, cookies: tuple[str, ...]) -> None:
        """Set cookies are kept, taken back ones dropped."""
        for cookie in cookies:
            name, value, is_dropped = parse_cookie(cookie)
            if is_dropped:
                self.cookies.pop(name, None)
            elif name and len(self.cookies) < COOKIES_MAX:
                self.cookies[name] = value


class JdeSession:
    """Authorizes every request of a client, and knows the log-in it stands on."""

    def __init__(
        self,
        login: JdeLogin,
        *,
        name: str,
        device: str,
        clock: Clock,
        store: SessionStore | None,
    ) -> None:
        self._login = login
        self._name = name
        self._device = device
        self._clock = clock
        self._store = store
        self._lock = threading.Lock()
        self._living: _Living | None = None
        self._dead: _Living | None = None
        self._is_closed = False
        self._generation = 0
        self._attempts = 0
        self._failure: ConnectorError | None = None
        self._renewed_at: deque[datetime] = deque()

    @property
    def generation(self) -> int:
        """How many log-ins there were; what is known of a session holds while this stands."""
        return self._generation

    def headers(self) -> dict[str, str]:
        """The credentials of one request; logs in first where that is needed."""
        return self._read_living().headers()

    def read_grant(self) -> Grant:
        """What the log-in told; logs in first where that is needed."""
        return self._read_living().grant

    def on_unauthorized(self, rejected: Mapping[str, str]) -> bool:
        """The rejected token is forgotten, by the first of however many rejections."""
        with self._lock:
            living = self._living
            if living is not None and living.grant.token == rejected.get(wire.TOKEN_HEADER):
                self._living, self._dead = None, living
        return True

    def renew(self, generation: int) -> None:
        """The next request logs in anew, unless somebody has done so since that generation."""
        with self._lock:
            if self._living is not None and self._generation == generation:
                self._living, self._dead = None, self._living

    def record_cookies(self, used: Mapping[str, str], cookies: tuple[str, ...]) -> None:
        """The living token's cookies are up to date; those of another token are passed over."""
        with self._lock:
            living = self._living
            if living is not None and living.grant.token == used.get(wire.TOKEN_HEADER):
                living.record_cookies(cookies)

    def close(self) -> None:
        """The session is ended, or will end by itself; takes no new one. Never raises for that."""
        self._is_closed = True
        # A thread that waits for a server that is away holds the lock; it ends its own session.
        if not self._lock.acquire(timeout=CLOSE_S_MAX):
            return
        try:
            known = [one for one in (self._dead, self._living) if one is not None]
            self._dead = self._living = None
            self._end_abandoned()
            if self._generation == 0:
                # A run that goes on after its last read needs no session, but may have left one.
                self._end_left()
            are_gone = [self._end(one) for one in known]
            if self._store is not None and known and are_gone[-1]:
                self._store.forget_session(self._name)
        finally:
            self._lock.release()

    def _end_abandoned(self) -> None:
        grant = self._login.find_abandoned(within_s=CLOSE_S_MAX)
        if grant is not None:
            living = _Living(grant=grant, device=self._device)
            living.record_cookies(grant.cookies)
            self._end(living)

    def _read_living(self) -> _Living:
        seen = self._attempts
        with self._lock:
            self._verify_open()
            if self._living is not None:
                return self._living
            # Threads that waited for a failed log-in share its failure instead of each trying too.
            if self._failure is not None and self._attempts != seen:
                raise self._failure
            return self._log_in()

    def _log_in(self) -> _Living:
        self._verify_calm()
        self._failure = None
        try:
            grant = self._login.open_session()
        except ConnectorError as error:
            self._failure = error
            raise
        finally:
            self._attempts += 1
        living = _Living(grant=grant, device=self._device)
        living.record_cookies(grant.cookies)
        self._generation += 1
        if self._generation > 1:
            self._renewed_at.append(self._clock.now())
            _log.warning("jde.session_renewed", connection=self._name, logins=self._generation)
        self._living = living
        self._settle(living)
        return living

    def _settle(self, living: _Living) -> None:
        """What the new session replaces is ended, and the new one is known to later processes."""
        dead, self._dead = self._dead, None
        if dead is not None:
            # Mostly it is gone, but a 403 may also have been about rights (J-03); then it lives.
            self._end(dead)
        if self._store is not None:
            self._store.save_session(self._name, _render_stored(living))
        if self._generation == 1:
            self._end_left()
        if self._is_closed:
            self._living = None
            self._end(living)
            self._verify_open()

    def _end(self, living: _Living) -> bool:
        return self._login.end_session(living.grant.token, living.cookies)

    def _end_left(self) -> None:
        """Sessions of processes that were killed are ended, while the server answers."""
        left = [] if self._store is None else self._store.take_left_sessions(self._name)
        for text in left[:LEFT_SESSIONS_MAX]:
            token, _, pairs = text.partition(" ")
            cookies = dict(pair.split("=", 1) for pair in pairs.split("; ") if "=" in pair)
            if not self._login.end_session(token, cookies):
                return

    def _verify_open(self) -> None:
        if self._is_closed:
            raise RunInterruptedError(
                f"The connection {self._name} is closed; its session has been ended.",
                written=UNTOUCHED,
                next_step="As its process is ending, start another and try again.",
            )

    def _verify_calm(self) -> None:
        since = self._clock.now() - HOUR
        while self._renewed_at and self._renewed_at[0] < since:
            self._renewed_at.popleft()
        if len(self._renewed_at) >= RENEWALS_PER_HOUR_MAX:
            raise SessionsDieError(
                f"JDE ({self._name}) ended {RENEWALS_PER_HOUR_MAX} sessions of this process within"
                " an hour.",
                written=UNTOUCHED,
                next_step="Check the time-outs of the AIS and HTML servers (the HTML server's must"
                " not be the shorter one to end a session in use), the load balancer's stickiness,"
                " and whether somebody ends the sessions; then try again.",
                connection=self._name,
            )


def parse_cookie(cookie: str) -> tuple[str, str, bool]:
    """Name and value of a set cookie, and whether it is taken back."""
    pair, *marks = [part.strip() for part in cookie.split(";")]
    name, _, value = pair.partition("=")
    is_dropped = not value or any(mark.replace(" ", "").lower() == "max-age=0" for mark in marks)
    return name.strip(), value.strip(), is_dropped


def _render_stored(living: _Living) -> str:
    """The token, and behind a blank the cookies without which another node would be asked."""
    pairs = render_cookies(living.cookies).get("Cookie", "")
    return f"{living.grant.token} {pairs}".strip()
