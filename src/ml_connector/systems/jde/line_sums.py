"""What posted lines add up to by account: the server sums, and its sums want to be scaled."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

import structlog

from ml_connector.domain.ledger import Ledger
from ml_connector.domain.money import ZERO
from ml_connector.domain.periods import Period
from ml_connector.systems.jde.account_windows import aggregate_by_account
from ml_connector.systems.jde.client import JdeClient
from ml_connector.systems.jde.conditions import (
    AggregateQuery,
    GroupRow,
    Query,
    Where,
    equal,
    sum_of,
)
from ml_connector.systems.jde.rows import (
    ACCOUNT_LEDGER,
    FOREIGN,
    POSTED,
    parse_amount,
    parse_text,
)
from ml_connector.systems.jde.stamps import equal_text

TRIALS_MAX: Final = 3
"""Accounts whose lines are read to learn a currency's scale."""
TRIAL_ROWS_MAX: Final = 5_000
"""Lines an account may have to be tried: they are read one by one."""
SCALES: Final = tuple(Decimal(1).scaleb(places) for places in range(-6, 7))
Key = tuple[str, str]
"""Account id and currency; the currency is empty where lines are not split by it."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSumReader:
    """Sums posted lines on the server; safe to share between threads.

    A sum comes with as many decimals as the site shows amounts with, whatever the currency has, so
    sums of yen come a hundred times too small (J-50). By how much is learned once per currency: the
    lines of a few accounts are read and added up here.
    """

    client: JdeClient
    connection: str
    scales: dict[str, Decimal] = field(default_factory=dict)

    def find_sums(
        self, ledger: Ledger, period: Period, ledger_type: str, *, is_split: bool = False
    ) -> dict[Key, Decimal] | None:
        """The sums by account, and by entered currency when split; None when nobody can say.

        Lines of the foreign ledger type are in their entered currency, all others in the ledger's.
        """
        query = AggregateQuery(
            table=ACCOUNT_LEDGER,
            groups=("AID", "CRCD") if is_split else ("AID",),
            figures=(sum_of("AA"),),
            conditions=_build_conditions(ledger, period, ledger_type),
        )
        by_currency: dict[str, list[GroupRow]] = {}
        for group in aggregate_by_account(self.client, query):
            entered = parse_text(group.keys[1]) if ledger_type == FOREIGN else ledger.currency
            by_currency.setdefault(entered, []).append(group)
        sums: dict[Key, Decimal] = {}
        for currency, groups in by_currency.items():
            scale = self._find_scale(currency, groups, query)
            if scale is None:
                return None
            for account, net in list_sums(groups, is_split=is_split):
                sums[account] = sums.get(account, ZERO) + net * scale
        return sums

    def _find_scale(
        self, currency: str, groups: Sequence[GroupRow], query: AggregateQuery
    ) -> Decimal | None:
        """What a sum is multiplied by to be an amount in the currency."""
        known = self.scales.get(currency)
        if known is not None:
            return known
        moved = [group for group in groups if group.figures[0]]
        if not moved:
            return Decimal(1)
        small = sorted((g for g in moved if g.count <= TRIAL_ROWS_MAX), key=lambda g: g.count)
        # A server that rounds sums agrees with itself now and then; three accounts tell.
        found = {self._try_scale(group, query) for group in small[:TRIALS_MAX]}
        scale = found.pop() if len(found) == 1 else None
        if scale is None:
            _log.warning("jde.sums_unscalable", connection=self.connection, currency=currency)
            return None
        return self.scales.setdefault(currency, scale)

    def _try_scale(self, group: GroupRow, query: AggregateQuery) -> Decimal | None:
        """How often the sum of a group fits into the lines it is the sum of."""
        keys = zip(query.groups, map(parse_text, group.keys), strict=True)
        of_group = tuple(equal_text(column, text) for column, text in keys)
        lines = Query(
            table=query.table, columns=("AA",), conditions=(*query.conditions, *of_group)
        )  # fmt: skip
        windows = self.client.browse_windows(lines, split_by="DOC")
        total = sum((parse_amount(row[0]) for rows in windows for row in rows), ZERO)
        summed = parse_amount(group.figures[0])
        return next((scale for scale in SCALES if summed * scale == total), None)


def list_sums(groups: Iterable[GroupRow], *, is_split: bool) -> Iterator[tuple[Key, Decimal]]:
    """Yield account and currency of each group with its sum as the server gives it."""
    for keys, _, figures in groups:
        currency = parse_text(keys[1]) if is_split else ""
        yield (parse_text(keys[0]), currency), parse_amount(figures[0])


def _build_conditions(ledger: Ledger, period: Period, ledger_type: str) -> tuple[Where, ...]:
    century, year = divmod(period.year, 100)
    return (
        equal("CO", ledger.ledger_id), equal("CTRY", century), equal("FY", year),
        equal("PN", period.number), equal("LT", ledger_type), equal("POST", POSTED),
    )  # fmt: skip
