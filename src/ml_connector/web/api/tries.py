"""Wrong tokens, counted by where they come from."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

WRONG_MAX = 20
"""Wrong tokens from one place within a minute before unknown ones wait."""
WRONG_S = 60
PLACES_MAX = 10_000
"""Places and tokens that are remembered; the oldest are forgotten first."""


class Tries:
    """Wrong tokens, counted by where they come from.

    Nobody guesses a token; the limit keeps a program with an old one from asking the database all
    day. Behind a proxy many programs share a place, so tokens that were right lately are let in.
    """

    def __init__(self, *, read_s: Callable[[], float] = time.monotonic) -> None:
        self._read_s = read_s
        self._guard = Lock()
        self._wrong: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._right: OrderedDict[bytes, None] = OrderedDict()

    def find_wait(self, place: str, token: str) -> int:
        """Seconds until an unknown token of this place is looked at again; 0: it is now."""
        with self._guard:
            since, count = self._wrong.get(place, (0.0, 0))
            left = since + WRONG_S - self._read_s()
            if count < WRONG_MAX or left <= 0 or _digest(token) in self._right:
                return 0
            return int(left) + 1

    def record(self, place: str, token: str, *, is_right: bool) -> None:
        """A token was shown; what was wrong counts for a minute from the first."""
        with self._guard:
            if is_right:
                _keep(self._right, _digest(token), None)
                return
            self._right.pop(_digest(token), None)
            now = self._read_s()
            since, count = self._wrong.get(place, (now, 0))
            fresh = (now, 1) if now - since >= WRONG_S else (since, count + 1)
            _keep(self._wrong, place, fresh)


def _keep(kept: OrderedDict, key: object, value: object) -> None:  # type: ignore[type-arg]  # of either kind
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > PLACES_MAX:
        kept.popitem(last=False)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
