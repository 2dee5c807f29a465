"""When a call is sent again, and after how long."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ml_connector.systems.calls import (
    PATIENCE_DEFAULT,
    RemoteCall,
    RemoteReply,
    find_http_date,
)

RETRY_S_MAX: Final = PATIENCE_DEFAULT.total_s
BACKOFF_S_FIRST: Final = 1.0
BACKOFF_S_MAX: Final = 60.0
TOO_MANY_REQUESTS: Final = 429
SERVER_ERROR: Final = 500
SERVER_ERROR_TRIES: Final = 2
"""A 500 is mostly a fault of the request itself: once more, no further."""
TRANSIENT: Final = frozenset({TOO_MANY_REQUESTS, 502, 503, 504})
HOLDING: Final = frozenset({TOO_MANY_REQUESTS, 503})
"""Statuses whose Retry-After is meant for every process that shares the allowance."""
HOLD_S_DEFAULT: Final = 10.0
"""Pause after a 429 that names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """How one sending ended: a whole reply, or the error that broke it.

    `may_have_left` tells whether the server may have seen the request; `is_final` that another
    try cannot help, as with a certificate nobody trusts; `is_passing` that the reply, whatever its
    status, is known to come of trouble that passes.
    """

    reply: RemoteReply | None = None
    error: Exception | None = None
    may_have_left: bool = True
    is_final: bool = False
    is_passing: bool = False


def find_retry_after(reply: RemoteReply, *, now: datetime) -> float | None:
    """Seconds the server asks to wait, from either form of Retry-After, never negative."""
    text = reply.headers.get("retry-after", "").strip()
    if text.isdecimal() and text.isascii():
        return float(text[:9])
    at = find_http_date(text)
    # A date is the server's; its own Date header takes our clock's error out of the difference.
    return None if at is None else max(0.0, (at - (reply.server_date or now)).total_seconds())


def find_hold(reply: RemoteReply, *, now: datetime) -> float | None:
    """Seconds everybody who shares the allowance must stay quiet; None when nothing was asked."""
    if reply.status not in HOLDING:
        return None
    asked = find_retry_after(reply, now=now)
    if asked is None and reply.status == TOO_MANY_REQUESTS:
        asked = HOLD_S_DEFAULT
    return None if asked is None else min(asked, RETRY_S_MAX)


def find_wait(
    call: RemoteCall,
    attempt: Attempt,
    *,
    tries: int,
    now: datetime,
    jitter: Callable[[], float] = random.random,
) -> float | None:
    """Seconds until the call may be sent again; None when it must not be.

    Full jitter: anything between nothing and the doubled span, so that workers that failed
    together do not return together. Never sooner than the server asked for.
    """
    if tries >= call.patience.tries_max or not _is_worth_repeating(call, attempt, tries=tries):
        return None
    backoff = jitter() * min(BACKOFF_S_MAX, BACKOFF_S_FIRST * 2 ** float(tries))
    asked = None if attempt.reply is None else find_retry_after(attempt.reply, now=now)
    if asked is None and attempt.reply is not None:
        asked = find_hold(attempt.reply, now=now)
    return backoff if asked is None else asked + jitter()


def _is_worth_repeating(call: RemoteCall, attempt: Attempt, *, tries: int) -> bool:
    if attempt.is_final:
        return False
    if attempt.reply is None:
        return call.may_repeat or not attempt.may_have_left
    if not call.may_repeat:
        return False
    status = attempt.reply.status
    if attempt.is_passing:
        return True
    if status in call.accepted:
        return False
    return status in TRANSIENT or (status == SERVER_ERROR and tries < SERVER_ERROR_TRIES)
