"""The pod's own balances: what the archive is tied to."""

from collections.abc import Iterator
from typing import Final

from ml_connector.domain.ledger import STATISTICAL, Balance, Chart, CombinationKey, Ledger
from ml_connector.domain.money import ZERO
from ml_connector.domain.periods import Period
from ml_connector.errors import ProtocolError, RefusedError, SettingsError
from ml_connector.ports import Measure
from ml_connector.systems.fusion import translation, wire
from ml_connector.systems.fusion.client import FusionClient

TOTAL: Final = "Total"
ENTERED: Final = "Entered"
CURRENCIES_MAX: Final = 500
"""Currencies asked for one by one; the standard's list has fewer than two hundred."""


class BalanceReader:
    """Reads the movement of a period per account combination."""

    def __init__(self, client: FusionClient) -> None:
        self._client = client

    def read(
        self, chart: Chart | None, *, ledger: Ledger, period: Period, measure: Measure
    ) -> Iterator[Balance]:
        """Yield the movement per combination: accounted, or entered currency by currency.

        Raises:
            SettingsError: The chart of the ledger is not configured; nothing was asked.
            RefusedError: The pod refused ledger, period or currency in its own words.
            ProtocolError: A combination came twice, or of another period.
        """
        if chart is None:
            raise _render_unknown_chart(ledger)
        if measure is Measure.BASE:
            yield from self._read(chart, ledger, period, currency=ledger.currency, kind=TOTAL)
            return
        for currency in self._list_currencies(ledger):
            yield from self._read(chart, ledger, period, currency=currency, kind=ENTERED)

    def _list_currencies(self, ledger: Ledger) -> list[str]:
        """The ledger's own currency first, then every enabled one: the pod tells no used ones.

        Statistical units are left out: they are no money and never add up with it.
        """
        members = (translation.build_currency(row) for row in self._client.read_currencies())
        found = dict.fromkeys([ledger.currency, *(m.code for m in members if m.is_active)])
        found.pop(STATISTICAL, None)  # Units, not money (F-11).
        if len(found) > CURRENCIES_MAX:
            raise RefusedError(
                f"{self._client.system} has {len(found)} enabled currencies; balances are asked"
                f" for at most {CURRENCIES_MAX}.",
                written="Nothing was written.",
                next_step="Disable the currencies nobody uses, or compare the base measure.",
                currencies=len(found),
            )
        return list(found)

    def _read(
        self, chart: Chart, ledger: Ledger, period: Period, *, currency: str, kind: str
    ) -> Iterator[Balance]:
        rows = self._client.read_balances(
            chart, ledger=ledger.name, period=period.name, currency=currency, currency_type=kind
        )
        for row in rows:
            if row.error_detail:
                raise self._render_refused(ledger, period, currency, row.error_detail)
            key = self._verify_row(row, ledger=ledger, period=period, currency=currency)
            yield Balance(key=key, activity=row.period_activity or ZERO)

    def _verify_row(
        self, row: wire.BalanceRow, *, ledger: Ledger, period: Period, currency: str
    ) -> CombinationKey:
        key = CombinationKey(
            ledger=ledger.name,
            period=period.name,
            currency=currency,
            combination=row.detail_account_combination or "",
        )
        if not key.combination:
            raise self._render_odd(key, "came without its account combination")
        if row.period_name not in (None, period.name):
            raise self._render_odd(key, f"came for period {row.period_name}")
        return key

    def _render_odd(self, key: CombinationKey, fault: str) -> ProtocolError:
        return ProtocolError(
            f"{self._client.system}: the {key.currency} balance of {key.combination!r} in"
            f" {key.period} of {key.ledger} {fault}.",
            written="Nothing was compared with these balances.",
            next_step="Run the flow again; if it stays, show the vendor's support this answer.",
            ledger=key.ledger, period=key.period, combination=key.combination,
        )  # fmt: skip

    def _render_refused(
        self, ledger: Ledger, period: Period, currency: str, detail: str
    ) -> RefusedError:
        return RefusedError(
            f"{self._client.system} gives no {currency} balances for {period.name} of"
            f" {ledger.name}: {detail.strip().rstrip('.')[:300]}.",
            written="Nothing was written.",
            next_step=f"Check delimiter and segments of chart {ledger.chart!r} in the connection's"
            " file, and the user's data access to the ledger.",
            ledger=ledger.name, period=period.name, currency=currency,
        )  # fmt: skip


def _render_unknown_chart(ledger: Ledger) -> SettingsError:
    return SettingsError(
        f"The chart {ledger.chart!r} of ledger {ledger.name!r} is not configured.",
        written="Nothing was written.",
        next_step="Add its delimiter and segments under `charts` of the connection.",
        chart=ledger.chart,
        ledger=ledger.name,
    )
