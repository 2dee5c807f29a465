"""What JDE's balance table says an account moved by, and what its own posted lines add up to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Final

from ml_connector.domain.ledger import Balance, CombinationKey, Ledger
from ml_connector.domain.money import ZERO
from ml_connector.domain.periods import Period
from ml_connector.errors import ProtocolError
from ml_connector.ports import Measure
from ml_connector.systems.jde.account_windows import read_by_account
from ml_connector.systems.jde.client import JdeClient
from ml_connector.systems.jde.conditions import Query, Where, equal
from ml_connector.systems.jde.connection import JdeSettings
from ml_connector.systems.jde.line_sums import LineSumReader
from ml_connector.systems.jde.rows import ACTUAL, BALANCES, FOREIGN, parse_amount, parse_text
from ml_connector.systems.jde.translation import parse_ledger

KEYS_MAX: Final = 5_000_000
"""Accounts and currencies of one company and year whose sums are held at once."""
Key = tuple[str, str]
"""Account id and currency; the currency is empty where all of them are one."""
Sums = dict[Key, Decimal]


class BalanceUnfitError(ProtocolError):
    """The balance table shows what cannot be held against lines; the row is named."""

    code: ClassVar[str] = "jde.balance-unfit"


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceReader:
    """Reads the movement of a period per account id; safe to share between threads."""

    client: JdeClient
    lines: LineSumReader
    settings: JdeSettings

    def read(self, ledger: Ledger, period: Period, measure: Measure) -> Iterator[Balance]:
        """Yield the movement per account id, those at rest included.

        Raises:
            BalanceUnfitError: A row has no account or no currency, there are too many, or what
                foreign documents come to cannot be asked for.
        """
        name = parse_ledger(ledger.name)
        if measure is Measure.BASE or name.ledger_type != ACTUAL:
            # Only a company's own books know foreign documents; other types are as entered.
            moved = self._sum_balances(ledger, period, name.ledger_type)
            lines = self.lines.find_sums(ledger, period, name.ledger_type)
            yield from _pair(ledger, period, moved=moved, lines=lines)
            return
        yield from self._read_own_entered(ledger, period)
        moved = self._sum_balances(ledger, period, FOREIGN, is_split=True)
        lines = self.lines.find_sums(ledger, period, FOREIGN, is_split=True)
        own = ledger.currency
        yield from _pair(
            ledger, period, moved=_without(moved, own), lines=lines and _without(lines, own)
        )

    def _read_own_entered(self, ledger: Ledger, period: Period) -> Iterator[Balance]:
        """Yield what was entered in the company's own currency.

        Its books hold foreign documents in its own currency as well, in one balance with the
        others. What these come to only the lines know, so it is taken off the balance (J-51).
        """
        moved = self._sum_balances(ledger, period, ACTUAL)
        lines = self.lines.find_sums(ledger, period, ACTUAL, is_split=True)
        if lines is None:
            raise self._render_unfit(ledger, period, "cannot be split: sums of lines make no sense")
        own: Sums = {}
        foreign: Sums = {}
        for (account, currency), net in lines.items():
            part = own if currency in {"", ledger.currency} else foreign
            part[account, ""] = part.get((account, ""), ZERO) + net
        entered = {key: net - foreign.get(key, ZERO) for key, net in moved.items()}
        entered |= {key: -net for key, net in foreign.items() if key not in moved}
        yield from _pair(ledger, period, moved=entered, lines=own)

    def _sum_balances(
        self, ledger: Ledger, period: Period, ledger_type: str, *, is_split: bool = False
    ) -> Sums:
        """The period's column of the balance table by account, and by currency when split."""
        century, year = divmod(period.year, 100)
        conditions: tuple[Where, ...] = (
            equal("CO", ledger.ledger_id), equal("CTRY", century), equal("FY", year),
            equal("LT", ledger_type),
        )  # fmt: skip
        columns = ("AID", "CRCD", f"AN{period.number:02d}")
        query = Query(table=BALANCES, columns=columns, conditions=conditions)
        sums: Sums = {}
        for rows in read_by_account(self.client, query):
            for account, currency, net in rows:
                if account is None or (is_split and currency is None):
                    fault = f"has a row of ledger type {ledger_type} without account or currency"
                    raise self._render_unfit(ledger, period, fault)
                key = (parse_text(account), parse_text(currency) if is_split else "")
                sums[key] = sums.get(key, ZERO) + parse_amount(net)
            if len(sums) > KEYS_MAX:
                raise self._render_unfit(ledger, period, f"has more than {KEYS_MAX} accounts")
        return sums

    def _render_unfit(self, ledger: Ledger, period: Period, fault: str) -> BalanceUnfitError:
        return BalanceUnfitError(
            f"The balance of {ledger.name} in {period.name} at JD Edwards ({self.settings.name})"
            f" {fault}.",
            written="Nothing was compared with these balances.",
            next_step="Look at the company in the integrity reports of JD Edwards, then run again.",
            ledger=ledger.name,
            period=period.name,
        )


def _pair(
    ledger: Ledger, period: Period, *, moved: Sums, lines: Mapping[Key, Decimal] | None
) -> Iterator[Balance]:
    """Yield a balance for each account that is in the balance table or has lines.

    An account with a balance and no lines adds up to nothing; one with lines alone is at rest.
    """
    for account, currency in sorted(moved.keys() | (lines or {}).keys()):
        key = CombinationKey(
            ledger=ledger.name,
            period=period.name,
            currency=currency or ledger.currency,
            combination=account,
        )
        yield Balance(
            key=key,
            activity=moved.get((account, currency), ZERO),
            of_lines=None if lines is None else lines.get((account, currency), ZERO),
        )


def _without(sums: Mapping[Key, Decimal], currency: str) -> Sums:
    return {key: net for key, net in sums.items() if key[1] != currency}
