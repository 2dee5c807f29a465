"""`ledgerBalances`: what each combination held, moved and holds, from posted lines.

Revenue and expense start each fiscal year at nothing; what they held goes to the retained
earnings of the same entity. Every figure is written as a text, and a question that cannot be
answered comes back as a row that says so, with status 200.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from ml_connector.sandbox.company.ledgers import ACCOUNT_GROUPS, AMERICAS_SET, LEDGERS_BY_NAME
from ml_connector.sandbox.company.model import Chart, Ledger, Period
from ml_connector.sandbox.fusion.amounts import render_amount
from ml_connector.sandbox.fusion.finders import visible_ledgers
from ml_connector.sandbox.fusion.refusals import RefusalError
from ml_connector.sandbox.fusion.resource import Finder, Resource, Row, attributes
from ml_connector.sandbox.store import Store
from ml_connector.sandbox.switches import Switches

_NAMES = (
    "AccountGroupName AccountName LedgerSetName LedgerName Currency CurrentAccountingPeriod"
    " PeriodName CurrentPeriodBalance ActualBalance BudgetBalance Scenario AccountCombination"
    " DetailAccountCombination BeginningBalance PeriodActivity EndingBalance AmountType"
    " CurrencyType ErrorDetail"
)
_NAME_LIST = _NAMES.split()
_ZERO = Decimal(0)
_STAT = "STAT"


class _QuestionError(Exception):
    """The question has no answer; the text becomes the ErrorDetail of the only row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """What is asked of one ledger."""

    ledger: Ledger
    period: Period
    pattern: str
    currency: str
    currency_type: str


@dataclass(slots=True)
class _Balance:
    begins: Decimal = _ZERO
    moves: Decimal = _ZERO

    @property
    def ends(self) -> Decimal:
        """What is left at the end of the period."""
        return self.begins + self.moves


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceInquiry:
    """Answers the two finders of the resource."""

    store: Store
    switches: Switches

    def resource(self) -> Resource:
        """Return the resource that this inquiry stands behind."""
        common = {"accountingPeriod": "", "currency": "", "ledgerName": "", "ledgerSetName": ""}
        account = {"accountCombination": "", "mode": "", "currencyType": "", **common}
        group = {"accountGroupName": "", "accountName": "", **common}
        return Resource(
            name="ledgerBalances",
            title="Ledger Balances",
            opaque=True,
            compute=self.rows,
            attributes=attributes("string", _NAMES),
            finders=(
                Finder(
                    name="AccountBalanceFinder",
                    variables=account,
                    required=frozenset({"accountCombination", "accountingPeriod", "currency"}),
                ),
                Finder(
                    name="AccountGroupBalanceFinder",
                    variables=group,
                    required=frozenset({"accountGroupName", "accountingPeriod", "currency"}),
                ),
            ),
        )

    def rows(self, variables: Mapping[str, str], user: str | None) -> list[Row]:
        """Return the rows of a finder; those of ledgers the user may not see are left out."""
        if not variables.get("ledgerName") and not variables.get("ledgerSetName"):
            raise RefusalError(400, "The finder variable ledgerName is required.")
        try:
            if variables["finder"] == "AccountGroupBalanceFinder":
                return list(self._group_rows(variables, user))
            return list(self._account_rows(variables, user))
        except _QuestionError as error:
            return [_error_row(variables, str(error))]

    def _account_rows(self, variables: Mapping[str, str], user: str | None) -> Iterable[Row]:
        is_summary = variables.get("mode", "Detail").lower() == "summary"
        for ledger in self._ledgers(variables, user):
            question = _ask(ledger, variables, variables["accountCombination"])
            balances = self._balances(question)
            if is_summary:
                yield _row(variables, question, _add_up(balances.values()))
                continue
            for combination, balance in sorted(balances.items()):
                detail = {
                    "PeriodName": question.period.name,
                    "DetailAccountCombination": combination,
                }
                yield _row(variables, question, balance, **detail)

    def _group_rows(self, variables: Mapping[str, str], user: str | None) -> Iterable[Row]:
        group = ACCOUNT_GROUPS.get(variables["accountGroupName"])
        if group is None:
            raise _QuestionError(f"Account group {variables['accountGroupName']} is not valid.")
        for ledger in self._ledgers(variables, user):
            for account, pattern in group.items():
                if variables.get("accountName", account) == account:
                    question = _ask(ledger, variables, pattern)
                    total = _add_up(self._balances(question).values())
                    named = {
                        "AccountGroupName": variables["accountGroupName"],
                        "AccountName": account,
                        "AccountCombination": pattern,
                    }
                    yield _row(variables, question, total, **named)

    def _ledgers(self, variables: Mapping[str, str], user: str | None) -> list[Ledger]:
        wanted = [variables.get("ledgerName", "")]
        if variables.get("ledgerSetName"):
            if variables["ledgerSetName"] != AMERICAS_SET.name:
                raise _QuestionError(f"Ledger set {variables['ledgerSetName']} is not valid.")
            wanted = list(AMERICAS_SET.ledger_names)
        if any(name not in LEDGERS_BY_NAME for name in wanted):
            raise _QuestionError(f"Ledger {wanted[0]} is not valid.")
        seen = visible_ledgers(self.switches, user or "")
        return [LEDGERS_BY_NAME[name] for name in wanted if seen is None or name in seen]

    def _balances(self, question: _Question) -> dict[str, _Balance]:
        self._verify_pattern(question)
        balances: dict[str, _Balance] = {}
        for combination, order, account_type, amount in self._moves(
            question, question.period.order
        ):
            balance = balances.setdefault(combination, _Balance())
            if order == question.period.order:
                balance.moves += amount
            elif account_type not in {"R", "E"} or order // 100 == question.period.year:
                balance.begins += amount
        self._add_earnings(question, balances)
        return balances

    def _moves(
        self, question: _Question, order_last: int
    ) -> Iterable[tuple[str, int, str | None, Decimal]]:
        is_total = question.currency_type == "Total" and question.currency != _STAT
        amount = "accounted" if is_total else "entered"
        currency = "currency <> ?" if is_total else "currency = ?"
        sql = (
            f"SELECT combination, period_order, {amount} FROM gl_balances"  # noqa: S608 - our own names, values are bound
            f" WHERE ledger = ? AND combination GLOB ? AND period_order <= ? AND {currency}"
        )
        params = (
            question.ledger.name,
            question.pattern.replace("%", "*"),
            order_last,
            _STAT if is_total else question.currency,
        )
        # Joined here: SQLite would look the combination up for each of its periods.
        kinds = self._account_types(question.ledger.chart)
        for combination, order, text in self.store.query(sql, params):
            if combination in kinds:
                yield combination, order, kinds[combination], Decimal(text)

    def _account_types(self, chart: Chart) -> dict[str, str | None]:
        sql = "SELECT text, AccountType FROM combinations WHERE chart = ?"
        return dict(self.store.query(sql, (chart.name,)))

    def _add_earnings(self, question: _Question, balances: dict[str, _Balance]) -> None:
        """Earlier years' revenue and expense stand in the entity's retained earnings."""
        for entity in question.ledger.entities:
            target = question.ledger.retained_earnings.format(entity.value)
            if question.currency == _STAT or not _covers(question, target):
                continue
            everything = entity.value + (question.ledger.chart.delimiter + "%") * (
                len(question.ledger.chart.segments) - 1
            )
            whole = _Question(
                ledger=question.ledger,
                period=question.period,
                pattern=everything,
                currency=question.currency,
                currency_type=question.currency_type,
            )
            earned = [
                amount
                for _, _, kind, amount in self._moves(whole, question.period.year * 100 - 1)
                if kind in {"R", "E"}
            ]
            if earned:
                balances.setdefault(target, _Balance()).begins += sum(earned, _ZERO)

    def _verify_pattern(self, question: _Question) -> None:
        chart = question.ledger.chart
        parts = chart.split(question.pattern)
        if len(parts) != len(chart.segments):
            raise _QuestionError(f"Account combination {question.pattern} is not valid.")
        sql = (
            "SELECT 1 FROM segment_values v JOIN value_sets s ON s._id = v._parent"
            " WHERE s.ValueSetCode = ? AND v.Value = ?"
        )
        for part, segment in zip(parts, chart.segments, strict=True):
            if "%" not in part and not self.store.query(sql, (segment.value_set, part)):
                raise _QuestionError(f"Value {part} of segment {segment.title} is not valid.")


def _ask(ledger: Ledger, variables: Mapping[str, str], pattern: str) -> _Question:
    try:
        period = ledger.calendar.period(variables["accountingPeriod"])
    except LookupError:
        raise _QuestionError(
            f"Accounting period {variables['accountingPeriod']} is not valid."
        ) from None
    currency = variables["currency"]
    currency_type = variables.get("currencyType", "Total")
    if currency_type not in {"Total", "Entered"}:
        raise _QuestionError(f"Currency type {currency_type} is not valid.")
    if currency_type == "Total" and currency not in {ledger.currency, _STAT}:
        raise _QuestionError(f"Ledger {ledger.name} has no total balances in {currency}.")
    return _Question(
        ledger=ledger,
        period=period,
        pattern=pattern,
        currency=currency,
        currency_type=currency_type,
    )


def _covers(question: _Question, combination: str) -> bool:
    chart = question.ledger.chart
    pairs = zip(chart.split(question.pattern), chart.split(combination), strict=True)
    return all(_part_covers(pattern, value) for pattern, value in pairs)


def _part_covers(pattern: str, value: str) -> bool:
    head, wild, tail = pattern.partition("%")
    return value.startswith(head) and value.endswith(tail) if wild else pattern == value


def _add_up(balances: Iterable[_Balance]) -> _Balance:
    total = _Balance()
    for balance in balances:
        total.begins += balance.begins
        total.moves += balance.moves
    return total


def _row(variables: Mapping[str, str], question: _Question, balance: _Balance, **more: str) -> Row:
    facts = {
        "LedgerSetName": variables.get("ledgerSetName"),
        "LedgerName": question.ledger.name,
        "Currency": question.currency,
        "CurrentAccountingPeriod": question.period.name,
        "CurrentPeriodBalance": render_amount(balance.moves),
        "ActualBalance": render_amount(balance.ends),
        "Scenario": "Actual",
        "AccountCombination": question.pattern,
        "BeginningBalance": render_amount(balance.begins),
        "PeriodActivity": render_amount(balance.moves),
        "EndingBalance": render_amount(balance.ends),
        "AmountType": "PTD",
        "CurrencyType": question.currency_type,
        **more,
    }
    return tuple(facts.get(name) for name in _NAME_LIST)


def _error_row(variables: Mapping[str, str], text: str) -> Row:
    facts = {
        "LedgerSetName": variables.get("ledgerSetName"),
        "LedgerName": variables.get("ledgerName"),
        "Currency": variables.get("currency"),
        "AccountCombination": variables.get("accountCombination"),
        "ErrorDetail": text,
    }
    return tuple(facts.get(name) for name in _NAME_LIST)
