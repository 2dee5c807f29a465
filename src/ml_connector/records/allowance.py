"""How many requests a tenant takes in which time; plain values, no database."""

from dataclasses import dataclass

MICROSECONDS = 1_000_000
MARGIN_S_MIN = 0.05
"""With less, a busy machine would come too late for every grant."""
PACE_PARTS = 5
"""A burst after idleness goes out at this many times the lasting rate, not all at once."""
BURST_PARTS = 2
"""One of so many parts of the allowance may go as a burst."""
STEADY_PARTS = 1.2
"""Past the burst, at this many times the lasting rate: who is late catches up, and the line does
not stand still for most of each window."""
RESERVE_PARTS = 20
"""One grant of this many is kept for people, so that runs leave them a twentieth."""
LINE_MAX = 100
"""Grants are booked ahead for so many runs at once, each of which has one place in line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """At most `requests` in every sliding window of `window_s`; the default is Anaplan's.

    `margin_s` covers by how much the ways of two requests differ, the grant being their beginning:
    a busy machine, a new connection. A second costs a sixtieth of the allowance.
    """

    requests: int = 600
    window_s: float = 60.0
    margin_s: float = 1.0

    def __post_init__(self) -> None:
        if self.requests < 1 or self.window_s <= 0 or self.margin_s < MARGIN_S_MIN:
            raise ValueError(f"{self!r} would let nothing through.")

    @property
    def reserve(self) -> int:
        """How many of the requests only people may send; one at least, unless there is but one."""
        return min(max(1, self.requests // RESERVE_PARTS), self.requests - 1)

    @property
    def cycle_us(self) -> int:
        """Least time between two grants of one place."""
        return round((self.window_s + self.margin_s) * MICROSECONDS)

    def find_pace_us(self, used: int) -> int:
        """Least time between two grants of the line, of which so many were used in a cycle."""
        in_line = self.requests - self.reserve
        if used < in_line / BURST_PARTS:
            return round(self.window_s * MICROSECONDS / self.requests / PACE_PARTS)
        return round(self.cycle_us / in_line / STEADY_PARTS)

    @property
    def late_us(self) -> int:
        """How late a grant may be used; the other half of the margin is the sender's."""
        return round(self.margin_s * MICROSECONDS / 2)

    @property
    def line_us(self) -> int:
        """How far ahead grants are booked at most, when nobody was told to hold."""
        return self.cycle_us * (2 + LINE_MAX // (self.requests - self.reserve))
