"""The tenant's request allowance."""

import math

from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.switches import Switches


class TokenBucket:
    """Holds up to `limits.bucket` requests and refills by the sandbox clock."""

    def __init__(self, clock: SandboxClock, switches: Switches) -> None:
        self._clock = clock
        self._switches = switches
        self._level = float(switches["limits.bucket"])
        self._at = clock.now()

    def take(self) -> int | None:
        """One request is allowed (None), or the whole seconds until the next one is."""
        self._refill()
        if self._level >= 1:
            self._level -= 1
            return None
        refill = float(self._switches["limits.refill_per_s"])
        return max(1, math.ceil((1 - self._level) / refill))

    def drain(self, count: float) -> None:
        """A competitor has spent `count` requests."""
        self._refill()
        self._level = max(0.0, self._level - count)

    def fill(self) -> None:
        """The whole allowance is there."""
        self._level = float(self._switches["limits.bucket"])

    def _refill(self) -> None:
        now = self._clock.now()
        gained = max(0.0, now - self._at) * self._switches["limits.refill_per_s"]
        self._level = min(float(self._switches["limits.bucket"]), self._level + gained)
        self._at = now
