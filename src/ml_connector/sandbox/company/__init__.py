"""Halden Instruments: one seeded company that every server of the sandbox serves.

The same number of lines gives the same company, to the last digit, on every machine. Batches
are made one at a time, so a million lines need no more memory than thirty thousand.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from ml_connector.sandbox.company.factory import Factory, replicate_batch
from ml_connector.sandbox.company.ledgers import (
    HALDEN_CANADA,
    HALDEN_JAPAN,
    HALDEN_KUWAIT,
    HALDEN_US,
)
from ml_connector.sandbox.company.model import Batch
from ml_connector.sandbox.company.specials import specials_lines, specials_of

SEED = 20261103
LINES_DEFAULT = 30_000
LINES_MIN = 2_000
"""What the named batches alone take, rounded up; fewer lines give them all the same."""

_SHARES = ((HALDEN_US, 40), (HALDEN_CANADA, 22), (HALDEN_JAPAN, 20), (HALDEN_KUWAIT, 18))
_MONTHS = tuple((2024 + m // 12, m % 12 + 1) for m in range(35))
_OPEN_MONTH = (2026, 11)
_OPEN_MONTH_LESS = 4
_COPIES_FROM = (2026, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """The company at one size; the master data are in the modules beside this one."""

    lines: int = LINES_DEFAULT

    def batches(self) -> Iterator[Batch]:
        """Yield every batch, month by month; a batch is followed by its copy, if it has one."""
        factory = Factory(rng=Random(SEED))
        owed = {ledger.name: 0 for ledger, _ in _SHARES}
        for month in _MONTHS:
            for batch in self._month(factory, month, owed):
                yield batch
                copy = replicate_batch(batch)
                if copy is not None:
                    yield copy

    def _month(
        self, factory: Factory, month: tuple[int, int], owed: dict[str, int]
    ) -> Iterator[Batch]:
        """Yield the batches of one month; what a ledger has too many is owed the next month."""
        for make in specials_of(month, lines=self.lines):
            yield from make(factory, month)
        for ledger, share in _SHARES:
            owed[ledger.name] += self._quota(month, share, copied=ledger is HALDEN_US)
            while owed[ledger.name] > 0:
                batch = factory.regular(ledger, month, self._lines_mean())
                owed[ledger.name] -= sum(len(journal.lines) for journal in batch.journals)
                yield batch

    def _quota(self, month: tuple[int, int], share: int, *, copied: bool) -> int:
        regular = max(0, self.lines - specials_lines(lines=self.lines))
        quota = regular * share // (100 * len(_MONTHS))
        if copied and month >= _COPIES_FROM:
            quota //= 2
        return quota // _OPEN_MONTH_LESS if month == _OPEN_MONTH else quota

    def _lines_mean(self) -> int:
        """Larger companies have larger journals as well as more of them."""
        return max(4, math.isqrt(self.lines * 28 * 28 // LINES_DEFAULT))
