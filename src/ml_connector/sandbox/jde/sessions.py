"""Tokens and the two halves of the session behind each; in memory, as an AIS server keeps them."""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
from dataclasses import dataclass
from typing import Any

from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.jde.users import User
from ml_connector.sandbox.switches import Switches

_NODES = 2


@dataclass(slots=True, kw_only=True)
class Session:
    """What a token stands for; `device` None binds it to `address` instead."""

    token: str
    cookie: str
    user: User
    device: str | None
    address: str
    environment: str
    role: str
    created_at: float
    used_at: float
    jas_used_at: float
    jas_alive: bool = True
    stacks: int = 0

    def next_stack(self) -> int:
        """Return the number of the next form that is opened."""
        self.stacks += 1
        return self.stacks


class SessionBook:
    """Every living session."""

    def __init__(self, *, clock: SandboxClock, switches: Switches) -> None:
        self._clock = clock
        self._switches = switches
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}
        self.timed_out = 0

    def open(
        self, user: User, *, device: str | None, address: str, environment: str, role: str
    ) -> Session:
        """Return a new session of the user."""
        now = self._clock.now()
        session = Session(
            token=_new_token(device or address, int(now * 1000)),
            cookie=f"{secrets.token_urlsafe(18)}!{secrets.randbelow(2**31)}!{int(now * 1000)}",
            user=user,
            device=device,
            address=address,
            environment=environment,
            role=role,
            created_at=now,
            used_at=now,
            jas_used_at=now,
        )
        with self._lock:
            self._sessions[session.token] = session
        return session

    def find(self, token: str | None) -> Session | None:
        """Return the living session of a token, or None; looking is no use."""
        self._drop_late()
        with self._lock:
            return self._sessions.get(token or "")

    def touch(self, session: Session) -> None:
        """The session has been used now; its HTML server half too, unless it has died."""
        now = self._clock.now()
        idle = self._switches["jasTimeoutMin"]
        if idle is not None and now - session.jas_used_at > float(idle) * 60:
            session.jas_alive = False
        session.used_at = session.jas_used_at = now

    def close(self, token: str) -> bool:
        """The session is gone; False where there was none."""
        self._drop_late()
        with self._lock:
            return self._sessions.pop(token, None) is not None

    def close_all(self) -> int:
        """No session is left; how many there were."""
        with self._lock:
            count = len(self._sessions)
            self._sessions.clear()
        return count

    def kill_jas(self, token: str | None) -> int:
        """The HTML server has forgotten the session (None: all); how many it knew."""
        count = 0
        for session in self.living():
            if session.jas_alive and token in {None, session.token}:
                session.jas_alive = False
                count += 1
        return count

    def living(self) -> list[Session]:
        """Return every living session, oldest first."""
        self._drop_late()
        with self._lock:
            return sorted(self._sessions.values(), key=lambda one: one.created_at)

    def _drop_late(self) -> None:
        now = self._clock.now()
        idle = float(self._switches["sessionTimeoutMin"]) * 60
        life = float(self._switches["timeToLiveMin"]) * 60
        with self._lock:
            late = [
                token
                for token, one in self._sessions.items()
                if now - one.used_at > idle or now - one.created_at > life
            ]
            for token in late:
                del self._sessions[token]
            self.timed_out += len(late)


def session_as_json(session: Session) -> dict[str, Any]:
    """Return what an administrator sees of a session; never the token itself."""
    return {
        "id": token_id(session.token),
        "user": session.user.name,
        "device": session.device,
        "address": session.address,
        "environment": session.environment,
        "role": session.role,
        "created_at": session.created_at,
        "used_at": session.used_at,
        "jas_alive": session.jas_alive,
    }


def token_id(token: str) -> str:
    """Return a name for a token that does not give it away."""
    return hashlib.sha256(token.encode()).hexdigest()[:12]


def _new_token(bound_to: str, at_ms: int) -> str:
    # Real tokens hold +, / and =, which clients must encode in addresses.
    hashed = base64.b64encode(secrets.token_bytes(18)).decode()
    blob = base64.b64encode(f"019{len(bound_to):03}{bound_to}{at_ms}".encode()).decode()
    return f"044{hashed}+/{blob}="
