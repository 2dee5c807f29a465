"""Where a key that somebody has in hand leads, found quickly however long the records are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

FOUND_MAX = 50
"""Rows of one kind that an answer holds; the newest."""
SEARCHED_MAX = 5_000
"""Newest rows of one kind that are looked through for what no index knows."""
PREFIX_MIN = 6
"""Characters the beginning of an id or a hash has at least; a slip of the hand has fewer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRefusal:
    """A summary the model refused, and the run that had sent it."""

    run_id: str
    key: tuple[str, ...]
    after: Decimal
    reasons: Sequence[str]
    is_settled: bool
    at: datetime


class TraceStore(Protocol):
    """Looks for a key by indexes; what none knows is looked for in the newest rows only."""

    def find_runs(self, key: str) -> list[str]:
        """Runs that the key leads to: by their id, a load, a task, a plan; oldest first.

        The beginning of one is enough, if it is long enough.
        """

    def find_postings(self, key: str) -> list[str]:
        """Keys of postings that the key leads to: a run, a plan, or newest ones that name it."""

    def find_refused(self, flow: str, member: str) -> list[FoundRefusal]:
        """Refused summaries with that member, of the flow's newest loads; oldest first."""

    def load_line_files(self, connection: str) -> list[str]:
        """Hashes of the newest archived files of journal lines, newest first."""
