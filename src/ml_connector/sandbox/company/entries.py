"""Balanced entries: which combinations a journal uses and how its amounts are drawn.

Amounts are drawn as whole minor units and become Decimal only at the end, so that each
journal balances exactly in entered and in accounted amounts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from random import Random

from ml_connector.sandbox.company.ledgers import AMERICAS, LEDGERS_BY_NAME
from ml_connector.sandbox.company.model import Entity, JournalLine, Ledger
from ml_connector.sandbox.company.rates import DECIMALS, find_rate

_ROLES_AMERICAS: dict[str, tuple[str, ...]] = {
    "cash": ("11010", "11020"),
    "receivable": ("12100",),
    "prepaid": ("14100",),
    "asset": ("15100", "15200"),
    "accumulated": ("16100", "16200"),
    "payable": ("22100",),
    "accrued": ("23100", "23200"),
    "tax": ("24100",),
    "capital": ("31000",),
    "revenue": ("41010", "41020", "41030", "41040"),
    "expense": (
        "51010", "51030", "61010", "62010", "62020", "63010", "63020", "64010", "64020",
        "65010", "67010", "68010", "68020", "68030", "68040", "68050",
    ),
    "depreciation": ("66010", "66020"),
    "headcount": ("91010",),
    "contra": ("99990",),
}  # fmt: skip
_ROLES_GLOBAL: dict[str, tuple[str, ...]] = {
    "cash": ("110100",),
    "receivable": ("112000",),
    "prepaid": ("114000",),
    "asset": ("115000",),
    "accumulated": ("116000",),
    "payable": ("221000",),
    "accrued": ("231000",),
    "tax": ("241000",),
    "capital": ("310000",),
    "revenue": ("410100", "410200", "410300"),
    "expense": (
        "510100", "510200", "520100", "520200", "530100", "530200", "540100", "540200",
        "550100", "550200", "570100", "580100", "580200", "580300",
    ),
    "depreciation": ("560100",),
    "headcount": ("910100",),
    "contra": ("999900",),
}  # fmt: skip
_WITH_COST_CENTRE = frozenset({"expense", "revenue", "depreciation", "headcount"})
_COST_CENTRES_AMERICAS = ("110", "120", "130", "210", "220", "310", "320", "330", "410")
_COST_CENTRES_GLOBAL = ("1100", "1200", "2100", "2200", "3100", "3200")
_PRODUCTS = ("000", "100", "200", "300")
_LOBS = ("10", "20", "30")
_DESCRIPTIONS = (
    "Office supplies",
    "Invoice 4711, partial",
    'Cable 3/4" and fittings',
    "Überweisung",
    "Frais de déplacement; Montréal",
    "備品",
    None,
    "Period entry",
)
_AMOUNT_FLOOR = {0: 3_000, 2: 12_000, 3: 15_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPlan:
    """What an entry is to look like before amounts are drawn."""

    ledger: Ledger
    entity: Entity
    currency: str
    day: date
    debits: tuple[str, ...]
    credits: tuple[str, ...]
    lines: int


def draw_lines(rng: Random, plan: EntryPlan) -> tuple[JournalLine, ...]:
    """Return balanced lines, debits first, as `plan` wants them (at least two)."""
    debit_count = max(1, plan.lines * rng.randrange(30, 70) // 100)
    credit_count = max(1, plan.lines - debit_count)
    floor = _AMOUNT_FLOOR[DECIMALS[plan.currency]]
    debits = [floor + rng.randrange(floor) * rng.randrange(1, 30) for _ in range(debit_count)]
    credits_ = _split(rng, sum(debits), credit_count)
    combinations = [
        *_draw_combinations(rng, plan, plan.debits, debit_count),
        *_draw_combinations(rng, plan, plan.credits, credit_count),
    ]
    rate = find_rate(plan.currency, plan.ledger.currency, plan.day)
    entered = _as_amounts(debits + credits_, DECIMALS[plan.currency])
    accounted = account_amounts(entered, debit_count, rate, plan.ledger.decimals)
    return tuple(
        _line(rng, (index + 1, index < debit_count), combinations[index], amounts)
        for index, amounts in enumerate(zip(entered, accounted, strict=True))
    )


def account_amounts(
    entered: Sequence[Decimal], debit_count: int, rate: Decimal, decimals: int
) -> list[Decimal]:
    """Return `entered` in ledger currency; the last credit takes the rounding difference."""
    if rate == 1 and _fits(entered, decimals):
        return list(entered)
    step = Decimal(1).scaleb(-decimals)
    converted = [(amount * rate).quantize(step, ROUND_HALF_UP) for amount in entered]
    if debit_count < len(converted):
        converted[-1] += sum(converted[:debit_count]) - sum(converted[debit_count:])
    return converted


def combination_of(ledger: Ledger, entity: str, account: str, cost_centre: str | None) -> str:
    """Return the combination of an account; line of business and product follow from it."""
    if ledger.chart is AMERICAS:
        digits = int(account)
        lob = _LOBS[digits // 10 % 3] if cost_centre else "00"
        product = _PRODUCTS[digits % 4] if account.startswith("41") else "000"
        return f"{entity}.{lob}.{account}.{cost_centre or '000'}.{product}.000"
    return f"{entity}-{cost_centre or '0000'}-{account}-0000"


def _fits(amounts: Sequence[Decimal], decimals: int) -> bool:
    return all(-amount.as_tuple().exponent <= decimals for amount in amounts)  # type: ignore[operator]  # finite amounts have a numeric exponent


@lru_cache(maxsize=1_000)
def _pool(ledger_name: str, entity: str, role: str) -> tuple[str, ...]:
    ledger = LEDGERS_BY_NAME[ledger_name]
    americas = ledger.chart is AMERICAS
    accounts = (_ROLES_AMERICAS if americas else _ROLES_GLOBAL)[role]
    centres: tuple[str | None, ...] = (None,)
    if role in _WITH_COST_CENTRE:
        centres = _COST_CENTRES_AMERICAS if americas else _COST_CENTRES_GLOBAL
    return tuple(combination_of(ledger, entity, a, c) for a in accounts for c in centres)


def _draw_combinations(
    rng: Random, plan: EntryPlan, roles: tuple[str, ...], count: int
) -> list[str]:
    pools = [_pool(plan.ledger.name, plan.entity.value, role) for role in roles]
    pool = [combination for part in pools for combination in part]
    return rng.choices(pool, k=count)


def _split(rng: Random, total: int, count: int) -> list[int]:
    parts = []
    left = total
    for waiting in range(count, 1, -1):
        part = max(1, left * rng.randrange(50, 150) // (100 * waiting))
        parts.append(part)
        left -= part
    return [*parts, left]


def _as_amounts(minor_units: list[int], decimals: int) -> list[Decimal]:
    return [Decimal(units).scaleb(-decimals) for units in minor_units]


def _line(
    rng: Random, place: tuple[int, bool], combination: str, amounts: tuple[Decimal, Decimal]
) -> JournalLine:
    number, is_debit = place
    entered, accounted = amounts
    counted = is_debit and rng.randrange(50) == 0
    return JournalLine(
        number=number,
        combination=combination,
        entered_dr=entered if is_debit else None,
        entered_cr=None if is_debit else entered,
        accounted_dr=accounted if is_debit else None,
        accounted_cr=None if is_debit else accounted,
        description=_DESCRIPTIONS[rng.randrange(len(_DESCRIPTIONS))],
        stat_amount=Decimal(rng.randrange(1, 50)) if counted else None,
    )
