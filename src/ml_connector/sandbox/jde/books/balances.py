"""Account balances: net change by period, and what is carried into the next fiscal year."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ml_connector.sandbox.jde.books.accounts import PROFIT_AND_LOSS, RETAINED_EARNINGS
from ml_connector.sandbox.jde.books.patterns import CENTURY, PERIODS_ALL
from ml_connector.sandbox.jde.books.rows import insert_sql
from ml_connector.sandbox.jde.books.stamps import Stamp
from ml_connector.sandbox.store import Store

ACTUAL = ("AA", "CA", "AZ")
BUDGETS_START_WITH = ("B", "J")
_NETS = tuple(f"AN{number:02}" for number in range(1, PERIODS_ALL + 1))
_KEY = ("AID", "CTRY", "FY", "FQ", "LT", "SBL", "SBLT", "CRCD")
_COLUMNS = (
    *_KEY, "CO", "MCU", "OBJ", "SUB", "APYC", *_NETS, "BORG",
    "USER", "PID", "JOBN", "UPMJ", "UPMT",
)  # fmt: skip
_MATCH = (
    "AID = ? AND CTRY = ? AND FY = ? AND FQ = '' AND LT = ? AND SBL = ? AND SBLT = ? AND CRCD = ?"
)


class BalanceKey(NamedTuple):
    """One line of balances over all its fiscal years."""

    account: str
    ledger_type: str
    subledger: str
    subledger_type: str
    currency: str


class Change(NamedTuple):
    """What one posted row does to the balances."""

    key: BalanceKey
    year: int
    period: int
    amount: int


def balance_currency(ledger_type: str, currency: str) -> str:
    """Return the currency a balance is kept by: that of foreign amounts, else blank."""
    return currency if ledger_type == "CA" else ""


def seed_balances(store: Store, stamp: Stamp) -> None:
    """The empty balances equal the posted rows, carried forward through the years."""
    store.execute(_aggregate_sql(), (stamp.user, stamp.program, "HALENT01", stamp.day, stamp.time))
    budgets = " OR ".join(f"LT LIKE '{letter}%'" for letter in BUDGETS_START_WITH)
    total = " + ".join(_NETS)
    store.execute(f"UPDATE F0902 SET BORG = {total} WHERE {budgets}")  # noqa: S608 - our own names
    years = dict(store.query("SELECT CO, DFYJ / 1000 % 100 FROM F0010"))
    _carry_forward(store, years, stamp)


def apply_changes(store: Store, changes: Iterable[Change], stamp: Stamp) -> None:
    """The balances have moved by the changes; later years carry them forward."""
    desk = _BalanceDesk(store=store, stamp=stamp)
    for change in changes:
        desk.apply(change)


def set_periods(
    store: Store, key: BalanceKey, year: int, amounts: Mapping[int, int], stamp: Stamp
) -> None:
    """The net changes of these periods are the amounts, whatever the ledger's rows say."""
    desk = _BalanceDesk(store=store, stamp=stamp)
    desk.ensure(key, year)
    columns = ", ".join(f"AN{number:02} = ?" for number in amounts)
    where = (key.account, CENTURY, year, *key[1:])
    sql = f"UPDATE F0902 SET {columns} WHERE {_MATCH}"  # noqa: S608 - our own names
    store.execute(sql, (*amounts.values(), *where))
    if key.ledger_type.startswith(BUDGETS_START_WITH):
        total = " + ".join(_NETS)
        store.execute(f"UPDATE F0902 SET BORG = {total} WHERE {_MATCH}", where)  # noqa: S608 - as above
    desk.touch(key, year)


@dataclass(frozen=True, slots=True, kw_only=True)
class _BalanceDesk:
    """Moves single balances."""

    store: Store
    stamp: Stamp

    def apply(self, change: Change) -> None:
        """One net change has moved, and the balances forward of the years after it."""
        key, year, period, amount = change
        self.ensure(key, year)
        column = f"AN{period:02}"
        budget = ", BORG = BORG + ?" if key.ledger_type.startswith(BUDGETS_START_WITH) else ""
        sql = f"UPDATE F0902 SET {column} = {column} + ?{budget} WHERE {_MATCH}"  # noqa: S608 - our own names
        amounts = (amount, amount) if budget else (amount,)
        self.store.execute(sql, (*amounts, key.account, CENTURY, year, *key[1:]))
        self.touch(key, year)
        self._carry(key, year, amount)

    def ensure(self, key: BalanceKey, year: int) -> None:
        """The year has a row; a new one takes over what the year before leaves."""
        where = (key.account, CENTURY, year, *key[1:])
        if self.store.query(f"SELECT 1 FROM F0902 WHERE {_MATCH}", where):  # noqa: S608 - constant
            return
        facts = self._account(key.account)
        forward = self._balance_before(key, year) if _is_carried(key, facts["OBJ"]) else 0
        values = {
            "AID": key.account, "CTRY": CENTURY, "FY": year, "LT": key.ledger_type,
            "SBL": key.subledger, "SBLT": key.subledger_type, "CRCD": key.currency,
            "APYC": forward, **facts, "USER": self.stamp.user, "PID": self.stamp.program,
            "JOBN": "HALENT01", "UPMJ": self.stamp.day, "UPMT": self.stamp.time,
        }  # fmt: skip
        self.store.execute(insert_sql("F0902", values), tuple(values.values()))

    def touch(self, key: BalanceKey, year: int) -> None:
        """The audit columns name this change."""
        stamp = self.stamp
        sql = f'UPDATE F0902 SET "USER" = ?, PID = ?, UPMJ = ?, UPMT = ? WHERE {_MATCH}'  # noqa: S608 - constant
        where = (key.account, CENTURY, year, *key[1:])
        self.store.execute(sql, (stamp.user, stamp.program, stamp.day, stamp.time, *where))

    def _carry(self, key: BalanceKey, year: int, amount: int) -> None:
        facts = self._account(key.account)
        current = self._current_year(facts["CO"])
        if year >= current:
            return
        if not _is_carried(key, facts["OBJ"]):
            if key.ledger_type != "AA" or not _is_result(facts["OBJ"]):
                return
            key = BalanceKey(self._retained_earnings(facts["CO"]), "AA", "", "", "")
        for later in range(year + 1, current + 1):
            where = (key.account, CENTURY, later, *key[1:])
            found = self.store.execute(
                f"UPDATE F0902 SET APYC = APYC + ? WHERE {_MATCH}",  # noqa: S608 - constant
                (amount, *where),
            )
            if not found:
                self.ensure(key, later)

    def _balance_before(self, key: BalanceKey, year: int) -> int:
        total = " + ".join(("APYC", *_NETS))
        where = (key.account, CENTURY, year - 1, *key[1:])
        found = self.store.query(f"SELECT {total} FROM F0902 WHERE {_MATCH}", where)  # noqa: S608 - our own names
        return int(found[0][0]) if found else 0

    def _account(self, account: str) -> dict[str, str]:
        sql = "SELECT CO, MCU, OBJ, SUB FROM F0901 WHERE AID = ?"
        found = self.store.query(sql, (account,))
        values = found[0] if found else ("", "", "", "")
        return dict(zip(("CO", "MCU", "OBJ", "SUB"), values, strict=True))

    def _current_year(self, company: str) -> int:
        found = self.store.query("SELECT DFYJ / 1000 % 100 FROM F0010 WHERE CO = ?", (company,))
        return int(found[0][0]) if found else 0

    def _retained_earnings(self, company: str) -> str:
        sql = (
            "SELECT a.AID FROM F0012 i JOIN F0901 a ON a.MCU = i.MCU AND a.OBJ = i.OBJ"
            " AND a.SUB = i.SUB WHERE i.ITEM = 'GLG4' AND i.CO = ?"
        )
        return str(self.store.query(sql, (company,))[0][0])


def _is_result(object_: str) -> bool:
    return PROFIT_AND_LOSS[0] <= object_ <= PROFIT_AND_LOSS[1]


def _is_carried(key: BalanceKey, object_: str) -> bool:
    """Return whether a balance lives on in the next year: assets, liabilities, equity."""
    return key.ledger_type in ACTUAL and "1000" <= object_ < PROFIT_AND_LOSS[0]


def _aggregate_sql() -> str:
    nets = ", ".join(
        f"SUM(CASE PN WHEN {number} THEN AA ELSE 0 END)" for number in range(1, PERIODS_ALL + 1)
    )
    currency = "CASE WHEN LT = 'CA' THEN CRCD ELSE '' END"
    columns = ", ".join(f'"{name}"' for name in _COLUMNS)
    return (
        f"INSERT INTO F0902 ({columns})"  # noqa: S608 - our own names
        f" SELECT AID, CTRY, FY, '', LT, SBL, SBLT, {currency} AS kept, CO, MCU, OBJ, SUB, 0,"
        f" {nets}, 0, ?, ?, ?, ?, ? FROM F0911 WHERE POST = 'P'"
        " GROUP BY AID, CTRY, FY, LT, SBL, SBLT, kept"
    )


def _carry_forward(store: Store, current_years: Mapping[str, int], stamp: Stamp) -> None:
    """Every balance sheet account has a row in each year up to the company's present one."""
    nets = _nets_by_key(store)
    results = _results_by_year(store)
    forwards: list[tuple[Any, ...]] = []
    for (key, place), by_year in _with_retained_earnings(store, nets, results).items():
        current = current_years[place[0]]
        forward = 0
        for year in range(min(by_year), current + 1):
            forwards.append((*key, place, year, forward))
            forward += by_year.get(year, 0)
            if place[2] == RETAINED_EARNINGS and key.ledger_type == "AA":
                forward += results.get((place[0], year), 0)
    columns = ("AID", "LT", "SBL", "SBLT", "CRCD", "CO", "MCU", "OBJ", "SUB", "FY", "CTRY", "APYC",
               "USER", "PID", "JOBN", "UPMJ", "UPMT")  # fmt: skip
    conflict = ", ".join(_KEY)
    sql = (
        f"{insert_sql('F0902', columns)} ON CONFLICT ({conflict})"
        " DO UPDATE SET APYC = excluded.APYC"
    )
    audit = (stamp.user, "R098201", "HALENT01", stamp.day, stamp.time)
    store.execute_many(
        sql,
        ((*row[:5], *row[5], row[6], CENTURY, row[7], *audit) for row in forwards),
    )


_Place = tuple[str, str, str, str]
"""Company, business unit, object and subsidiary of an account."""
_Years = dict[tuple[BalanceKey, _Place], dict[int, int]]


def _nets_by_key(store: Store) -> _Years:
    total = " + ".join(_NETS)
    sql = (
        f"SELECT AID, LT, SBL, SBLT, CRCD, CO, MCU, OBJ, SUB, FY, {total} FROM F0902"  # noqa: S608 - our own names
        " WHERE OBJ >= '1000' AND OBJ < ? AND LT IN ('AA', 'CA', 'AZ')"
        " ORDER BY AID, LT, SBL, SBLT, CRCD, FY"
    )
    nets: _Years = defaultdict(dict)
    for row in store.query(sql, (PROFIT_AND_LOSS[0],)):
        nets[BalanceKey(*row[:5]), row[5:9]][row[9]] = row[10]
    return nets


def _results_by_year(store: Store) -> dict[tuple[str, int], int]:
    total = " + ".join(_NETS)
    sql = (
        f"SELECT CO, FY, SUM({total}) FROM F0902"  # noqa: S608 - our own names
        " WHERE LT = 'AA' AND OBJ BETWEEN ? AND ? GROUP BY CO, FY"
    )
    return {(company, year): net for company, year, net in store.query(sql, PROFIT_AND_LOSS)}


def _with_retained_earnings(
    store: Store, nets: _Years, results: Mapping[tuple[str, int], int]
) -> _Years:
    """Return the nets with a place for each company's retained earnings."""
    firsts: dict[str, int] = {}
    for company, year in results:
        firsts[company] = min(year, firsts.get(company, year))
    for place, account in _retained_earnings(store):
        years = nets.setdefault((BalanceKey(account, "AA", "", "", ""), place), {})
        if place[0] in firsts:
            years.setdefault(firsts[place[0]], 0)
    return {key: years for key, years in nets.items() if years}


def _retained_earnings(store: Store) -> Iterator[tuple[_Place, str]]:
    sql = "SELECT CO, MCU, OBJ, SUB, AID FROM F0901 WHERE OBJ = ? ORDER BY AID"
    for *place, account in store.query(sql, (RETAINED_EARNINGS,)):
        company, unit, object_, subsidiary = place
        yield (company, unit, object_, subsidiary), account
