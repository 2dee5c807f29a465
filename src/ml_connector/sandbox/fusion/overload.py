"""Answers of a pod that is too busy: 429 and 503 with bodies nobody promised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from threading import Lock
from typing import Any

from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.fusion.refusals import ErrorStyle, RefusalError, render_refusal
from ml_connector.sandbox.http import Headers, Response

_BODIES = ("json", "html", "empty")
_RETRY_AFTER_S = 2
_STRUCTURED = 4


@dataclass(slots=True, kw_only=True)
class Overload:
    """Refuses every n-th request while its switch stands.

    The switch holds {"status": 429, "every": 5, "retry_after": "s"|"date"|"none", "seconds": 2,
    "body": "rotate"|"json"|"html"|"empty"}; each member has that default.
    """

    clock: SandboxClock
    _seen: int = 0
    _lock: Lock = field(default_factory=Lock)

    def find_refusal(self, setting: Mapping[str, Any] | None) -> Response | None:
        """Return the refusal of this request, or None where it may go on."""
        if not setting:
            return None
        with self._lock:
            self._seen += 1
            seen, every = self._seen, int(setting.get("every", 5))
        if seen % every:
            return None
        return self._refusal(setting, seen // every)

    def _refusal(self, setting: Mapping[str, Any], number: int) -> Response:
        wanted = str(setting.get("body", "rotate"))
        body = _BODIES[number % len(_BODIES)] if wanted == "rotate" else wanted
        refusal = RefusalError(int(setting.get("status", 429)))
        style = ErrorStyle(version=_STRUCTURED, accept="", wanted=body)
        answer = render_refusal(refusal, style)
        return replace(answer, headers=answer.headers + self._retry_after(setting))

    def _retry_after(self, setting: Mapping[str, Any]) -> Headers:
        seconds = int(setting.get("seconds", _RETRY_AFTER_S))
        match setting.get("retry_after", "s"):
            case "s":
                return (("Retry-After", str(seconds)),)
            case "date":
                at = datetime.fromtimestamp(int(self.clock.now()) + seconds, UTC)
                return (("Retry-After", format_datetime(at, usegmt=True)),)
            case _:
                return ()
