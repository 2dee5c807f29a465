"""How many decimals an amount has, as SQL over the row it stands in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from ml_connector.sandbox.jde.columns import Column, Table
from ml_connector.sandbox.store import Store

DECIMALS_DEFAULT = 2
DECIMALS_MOST = 3
_COMPANIES = """
    SELECT c.CO, CAST(k.CDEC AS INTEGER) FROM F0010 c JOIN F0013 k ON k.CRCD = c.CRCD"""
_CURRENCIES = "SELECT CRCD, CAST(CDEC AS INTEGER) FROM F0013"


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """The companies and currencies whose amounts have other than two decimals."""

    companies: Mapping[str, int]
    currencies: Mapping[str, int]

    def decimals_sql(self, table: Table, column: Column) -> str:
        """Return an expression for the implied decimals of a column in the present row."""
        if not column.by_currency or not self._odd():
            return str(column.decimals)
        by_company = _case('"CO"', self.companies) if "CO" in table.by_alias else "2"
        if "LT" not in table.by_alias:
            return by_company
        return f"CASE WHEN \"LT\" = 'CA' THEN {_case(_CRCD, self.currencies)} ELSE {by_company} END"

    def possible(self, column: Column) -> list[int]:
        """Return every count of decimals the column may have."""
        if not column.by_currency:
            return [column.decimals]
        return sorted({DECIMALS_DEFAULT, *self._odd()}, key=lambda one: (one != 2, one))

    def _odd(self) -> set[int]:
        return {*self.companies.values(), *self.currencies.values()}


_CRCD = '"CRCD"'


def load_money(store: Store) -> Money:
    """Return the decimals of all companies and currencies on file."""
    return Money(companies=_odd_ones(store, _COMPANIES), currencies=_odd_ones(store, _CURRENCIES))


def amount_sql(ref: str, decimals: int) -> str:
    """Return an expression for the JSON literal of a scaled integer: -1617639 is -16176.39."""
    if decimals == 0:
        return ref
    unit = 10**decimals
    text = f"printf('%s%d.%0{decimals}d', {{sign}}, {{size}} / {unit}, {{size}} % {unit})"
    below = text.format(sign="'-'", size=f"-{ref}")
    above = text.format(sign="''", size=ref)
    return (
        f"CASE WHEN {ref} % {unit} = 0 THEN {ref} / {unit}"
        f" WHEN {ref} < 0 THEN rtrim({below}, '0') ELSE rtrim({above}, '0') END"
    )


def varied_amount_sql(ref: str, decimals_sql: str, possible: list[int]) -> str:
    """Return an expression for the JSON literal where the decimals differ by row."""
    if len(possible) == 1:
        return amount_sql(ref, possible[0])
    return by_decimals(decimals_sql, {one: amount_sql(ref, one) for one in possible})


def by_decimals(decimals_sql: str, choices: Mapping[int, str]) -> str:
    """Return a CASE that takes the choice for the decimals of the row."""
    if len(choices) == 1:
        return next(iter(choices.values()))
    arms = " ".join(f"WHEN {one} THEN {sql}" for one, sql in choices.items())
    return f"CASE {decimals_sql} {arms} END"


def number_sql(value: Decimal, decimals: int) -> str:
    """Return a number as the literal that compares with the stored integer."""
    return format(value.scaleb(decimals), "f")


def quote(text: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def _case(ref: str, odd: Mapping[str, int]) -> str:
    if not odd:
        return str(DECIMALS_DEFAULT)
    arms = " ".join(f"WHEN {quote(key)} THEN {decimals}" for key, decimals in odd.items())
    return f"CASE {ref} {arms} ELSE {DECIMALS_DEFAULT} END"


def _odd_ones(store: Store, sql: str) -> dict[str, int]:
    return {key: decimals for key, decimals in store.query(sql) if decimals != DECIMALS_DEFAULT}
