"""The books of a healthy AIS server: every line once, exact, and tied to the balance table."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.domain.ledger import Balance, Batch, Ledger, Line
from ml_connector.domain.money import count_decimals
from ml_connector.domain.periods import Period, PeriodState
from ml_connector.errors import UsageError
from ml_connector.ports import LedgerSource, Measure
from ml_connector.systems.jde.adapter import JdeSource
from ml_connector.systems.jde.reference import LedgerTypeUnknownError

Sums = dict[tuple[str, ...], Decimal]


def find_ledger(source: LedgerSource, name: str) -> Ledger:
    """The ledger of this name."""
    return next(each for each in source.read_ledgers() if each.name == name)


def find_period(source: LedgerSource, ledger: Ledger, name: str) -> Period:
    """The period of this name."""
    return next(each for each in source.read_periods(ledger) if each.name == name)


def list_lines(batches: Iterable[Batch]) -> list[Line]:
    """The lines of some batches."""
    return [line for batch in batches for line in batch.lines]


def net_by_account(lines: Iterable[Line], measure: Measure) -> Sums:
    """Nets at the grain of a balance: base, or entered."""
    sums: Sums = defaultdict(Decimal)
    for line in lines:
        if measure is Measure.ENTERED:
            key = (line.ledger, line.period, line.entered_currency, line.combination)
            sums[key] += line.entered_debit - line.entered_credit
        else:
            key = (line.ledger, line.period, line.currency, line.combination)
            sums[key] += line.debit - line.credit
    return {key: net for key, net in sums.items() if net}


def read_balances(source: LedgerSource, ledger: Ledger, measure: Measure) -> list[Balance]:
    """The balances of every period of a ledger."""
    return [
        balance
        for period in source.read_periods(ledger)
        for balance in source.read_balances(ledger, period, measure)
    ]


def moved(balances: Iterable[Balance]) -> Sums:
    """Movement by key, those at rest left out; no key twice."""
    found = {tuple(balance.key): balance.activity for balance in balances}
    return {key: net for key, net in found.items() if net}


@pytest.mark.parametrize("measure", list(Measure))
@pytest.mark.parametrize("company", ["00001", "00077", "00200", "00300"])
def test_lines_add_up_to_the_balances_of_every_account_and_period(
    source: JdeSource, books: list[Batch], company: str, measure: Measure
) -> None:
    """What was read is what the balance table says, account by account, to the last decimal."""
    balances = read_balances(source, find_ledger(source, company), measure)
    keys = [tuple(balance.key) for balance in balances]
    of_company = [line for line in list_lines(books) if line.ledger == company]

    assert moved(balances) == net_by_account(of_company, measure)
    assert len(moved(balances)) > 100
    assert len(keys) == len(set(keys))
    assert [b for b in balances if b.of_lines != b.activity] == []


def test_balances_at_rest_are_told(source: JdeSource) -> None:
    """An account without movement shows that the user may see the balances."""
    ledger = find_ledger(source, "00001")
    balances = list(
        source.read_balances(ledger, find_period(source, ledger, "FY2026-P01"), Measure.BASE)
    )

    assert [balance for balance in balances if not balance.activity]


def test_journalised_budget_is_a_ledger_of_its_own(source: JdeSource, books: list[Batch]) -> None:
    """Budget lines are tied to budget balances, and no actual is among them."""
    balances = read_balances(source, find_ledger(source, "00001/BA"), Measure.BASE)
    of_budget = [line for line in list_lines(books) if line.ledger == "00001/BA"]

    assert moved(balances) == net_by_account(of_budget, Measure.BASE) != {}


def test_budget_without_lines_says_so(source: JdeSource, books: list[Batch]) -> None:
    """Where a budget is in the balance table alone, the lines add up to nothing."""
    balances = read_balances(source, find_ledger(source, "00200/BA"), Measure.BASE)

    assert moved(balances)
    assert {balance.of_lines for balance in balances} == {Decimal(0)}
    assert not [line for line in list_lines(books) if line.ledger == "00200/BA"]


@pytest.mark.parametrize(
    ("company", "currency", "decimals"),
    [("00001", "USD", 2), ("00077", "CAD", 2), ("00200", "JPY", 0), ("00300", "KWD", 3)],
)
def test_amounts_have_the_decimals_of_their_currency(
    books: list[Batch], company: str, currency: str, decimals: int
) -> None:
    """Yen have none, dinars up to three, and nothing is scaled on the way."""
    amounts = [
        line.debit - line.credit for line in list_lines(books) if line.ledger == company
    ]  # fmt: skip

    assert {line.currency for line in list_lines(books) if line.ledger == company} == {currency}
    assert max(map(count_decimals, amounts)) == decimals


def test_batches_hold_what_the_seed_promises(books: list[Batch]) -> None:
    """Foreign documents, automatic entries, two companies in a batch, large and nought amounts."""
    lines = list_lines(books)

    assert {line.category for line in lines} >= {"JE", "PV", "RI", "AE"}
    assert {line.source for line in lines} >= {"G", "V", "IB", "RB"}
    assert {line.entered_currency for line in lines} >= {"USD", "EUR", "GBP", "JPY", "KWD"}
    assert [b for b in books if len({line.ledger for line in b.lines}) > 1]
    assert [line for line in lines if not line.debit and not line.credit]
    assert max(line.debit for line in lines) >= Decimal(10) ** 12
    assert {line.period for line in lines} >= {"FY2024-P13", "FY2025-P13", "FY2025-P14"}
    assert {line.ledger.partition("/")[2] for line in lines} == {"", "BA"}


def test_lines_are_dated_and_named(books: list[Batch]) -> None:
    """Each line says its document, its number, its account id and its day."""
    for line in list_lines(books):
        company, kind, number = line.journal.split("-")
        assert (len(company), kind, number.isdecimal()) == (5, line.category, True)
        assert len(line.combination) == 8
        assert line.number > 0
        assert date(2023, 10, 1) <= line.accounting_date <= date(2027, 12, 31)


def test_ledgers_are_companies_and_their_ledger_types(source: JdeSource) -> None:
    """The company alone stands for its actuals; budgets are added to it."""
    found = {each.name: each for each in source.read_ledgers()}

    assert list(found) == sorted(found)
    assert found.keys() == {
        f"{co}{kind}" for co in ("00001", "00077", "00200", "00300") for kind in ("", "/BA")
    }
    assert (found["00077"].currency, found["00077"].calendar) == ("CAD", "O")
    assert (found["00200/BA"].ledger_id, found["00200/BA"].kind) == ("00200", "ledger type BA")


def test_companies_of_the_settings_limit_what_is_read(ais: Any, build: Any) -> None:
    """Only the named companies' ledgers, lines and stamps are seen."""
    source = build(ais, companies=["00077"])
    lines = list_lines(
        batch for _, batch in source.read_batches(list(source.read_all_stamps())) if batch
    )

    assert {each.name for each in source.read_ledgers()} == {"00077", "00077/BA"}
    assert {line.ledger.partition("/")[0] for line in lines} == {"00077"}


@pytest.mark.parametrize(
    ("types", "told"), [(["AA", "QQ"], "it has AA"), (["CA"], "CA"), (["AU"], "units")]
)
def test_ledger_type_that_is_no_ledger_is_refused(
    ais: Any, build: Any, types: list[str], told: str
) -> None:
    """An unknown type is told with those there are; entered amounts and units are no ledgers."""
    with pytest.raises(LedgerTypeUnknownError, match=told):
        build(ais, ledger_types=types).read_ledgers()


def test_two_fiscal_years_meet_in_one_month(source: JdeSource) -> None:
    """A period is of the month it ends in, whatever its number."""
    october = {
        name: [
            p.name for p in source.read_periods(find_ledger(source, name)) if p.month == "2026-10"
        ]
        for name in ("00001", "00077", "00200")
    }

    assert october == {"00001": ["FY2026-P10"], "00077": ["FY2026-P01"], "00200": ["FY2026-P04"]}


def test_adjustment_periods_follow_the_last_regular_one(source: JdeSource) -> None:
    """Periods 13 and 14 lie on the year's last day, behind the twelfth."""
    periods = source.read_periods(find_ledger(source, "00077"))
    at = [p.name for p in periods].index("FY2025-P12")

    assert [p.name for p in periods[at : at + 3]] == ["FY2025-P12", "FY2025-P13", "FY2025-P14"]
    assert [p.is_adjustment for p in periods[at : at + 3]] == [False, True, True]
    assert periods[at + 1].date_first == periods[at + 2].date_last == date(2026, 9, 30)


@pytest.mark.parametrize(
    ("ledger", "period", "state"),
    [
        ("00001", "FY2026-P10", PeriodState.CLOSED),
        ("00001", "FY2026-P11", PeriodState.OPEN),
        ("00001", "FY2026-P12", PeriodState.FUTURE),
        ("00001", "FY2025-P14", PeriodState.CLOSED),
        ("00001/BA", "FY2026-P12", PeriodState.OPEN),
        ("00077", "FY2026-P01", PeriodState.CLOSED),
        ("00077", "FY2026-P02", PeriodState.OPEN),
        ("00200", "FY2026-P06", PeriodState.FUTURE),
    ],
)
def test_period_state_follows_the_company(
    source: JdeSource, ledger: str, period: str, state: PeriodState
) -> None:
    """Closed before the company's period, open at it, later open only where lines are posted."""
    found = find_ledger(source, ledger)

    assert source.read_period_state(found, find_period(source, found, period)) is state


def test_every_account_of_a_line_is_explained(source: JdeSource, books: list[Batch]) -> None:
    """Whatever id lines carry, the account master says what it stands for, as the chart splits."""
    chart = source.find_chart("account-master")
    assert chart is not None
    explained = {aid: chart.split(text) for aid, text in source.read_combinations(chart.name)}

    assert {line.combination for line in list_lines(books)} <= explained.keys()
    assert all(facts["account_id"] == aid for aid, facts in explained.items())
    assert {"r001", "r002", "rp01"} <= set(chart.segments)
    assert {facts["business_unit"] for facts in explained.values()} >= {"1", "30", "M30", "YARD"}
    assert source.find_chart("another") is None
    assert list(source.read_combinations("another")) == []


def test_members_of_each_dimension(source: JdeSource) -> None:
    """Codes come trimmed, once each, and every parent is a member."""
    for dimension in (
        "ledgers", "currencies", "accounts", "account-ids", "business-units", "value-set:09/LT",
    ):  # fmt: skip
        members = list(source.read_members(dimension))
        codes = [member.code for member in members]

        assert len(codes) == len(set(codes)) > 2, dimension
        assert all(code == code.strip() != "" for code in codes)
        assert {m.parent_code for m in members} - {""} <= set(codes)


def test_accounts_are_of_every_kind(source: JdeSource) -> None:
    """Headers hold accounts, inactive ones are marked, types come from the settings."""
    found = {member.code: member for member in source.read_members("accounts")}

    assert [m for m in found.values() if m.parent_code]
    assert dict(found["1110.BEAR"].properties)["account_type"] == "asset"
    assert [m for m in source.read_members("account-ids") if not m.is_active]


@pytest.mark.parametrize("dimension", ["customers", "value-set", ""])
def test_unknown_dimension_is_refused_with_the_known_ones(
    source: JdeSource, dimension: str
) -> None:
    """Whoever names another is told what there is."""
    with pytest.raises(UsageError, match="business-units"):
        source.read_members(dimension)


def test_server_time_is_the_servers(ais: Any, source: JdeSource) -> None:
    """The server's own time makes watermarks."""
    assert abs((source.read_server_time() - ais.clock.now()).total_seconds()) <= 1
