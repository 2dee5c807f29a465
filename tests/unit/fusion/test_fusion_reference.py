"""Balances, periods, charts and values from hand-made replies in the documented shapes."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.domain.ledger import Balance, Ledger
from ml_connector.domain.periods import Period
from ml_connector.errors import ProtocolError, RefusedError
from ml_connector.ports import Measure

ROOT = "/fscmRestApi/resources/11.13.18.05"
LEDGER = Ledger(
    name="US Primary Ledger", ledger_id="300000002498206", currency="USD",
    chart="US Chart of Accounts", calendar="US Accounting Calendar",
)  # fmt: skip
PERIOD = Period(
    name="Jan-26", calendar="US Accounting Calendar", year=2026, number=1,
    date_first=date(2026, 1, 1), date_last=date(2026, 1, 31),
)  # fmt: skip


@pytest.fixture
def script(empty_script: Any) -> Any:
    """A pod that knows nothing yet."""
    return empty_script


BALANCE = """{"LedgerName":"US Primary Ledger","Currency":"USD","PeriodName":"Jan-26",
 "AccountCombination":"%.%.%.%.%.%","DetailAccountCombination":"101.10.68010.120.000.000",
 "BeginningBalance":"1200.5","PeriodActivity":"18250.75","EndingBalance":"19451.25",
 "AmountType":"PTD","CurrencyType":"Total","Scenario":"Actual","ErrorDetail":null}"""


def read_balances(script: Any, measure: Measure = Measure.BASE) -> list[Balance]:
    """The balances of the period."""
    return list(script.connect().read_balances(LEDGER, PERIOD, measure))


def test_balances_are_texts_and_become_decimals(script: Any) -> None:
    """One wildcard per segment, the ledger's currency, detail rows; the movement counts."""
    script.on(f"{ROOT}/ledgerBalances", script.page(BALANCE))

    (balance,) = read_balances(script)

    assert balance.activity == Decimal("18250.75")
    assert balance.key.combination == "101.10.68010.120.000.000"
    assert script.query(script.requests[0])["finder"] == (
        "AccountBalanceFinder;accountCombination=%.%.%.%.%.%,accountingPeriod=Jan-26,currency=USD,"
        "ledgerName=US Primary Ledger,mode=Detail,currencyType=Total"
    )
    assert b"accountCombination%3D%25.%25" in script.requests[0].url.raw_path


def test_entered_balances_are_asked_for_per_enabled_currency(script: Any) -> None:
    """The ledger's own first, disabled ones never."""
    currencies = [
        '{"CurrencyCode":"EUR","EnabledFlag":"Y"}',
        '{"CurrencyCode":"DEM","EnabledFlag":"N"}',
        '{"CurrencyCode":"USD","EnabledFlag":"Y"}',
    ]
    script.on(f"{ROOT}/currenciesLOV", script.page(*currencies))
    script.on(f"{ROOT}/ledgerBalances", script.page(BALANCE))

    found = read_balances(script, Measure.ENTERED)

    assert [balance.key.currency for balance in found] == ["USD", "EUR"]
    finders = [
        script.query(each)["finder"] for each in script.requests if "Balances" in str(each.url)
    ]
    assert all(finder.endswith("currencyType=Entered") for finder in finders)


def test_more_currencies_than_anybody_uses_are_refused(script: Any) -> None:
    """The number of questions is bounded."""
    rows = [f'{{"CurrencyCode":"X{number}","EnabledFlag":"Y"}}' for number in range(500)]
    script.on(f"{ROOT}/currenciesLOV", [script.page(*rows), script.page(offset=500)])

    with pytest.raises(RefusedError, match="501 enabled currencies"):
        read_balances(script, Measure.ENTERED)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (('"ErrorDetail":null', '"ErrorDetail":"Invalid period."'), "Invalid period"),
        (('"PeriodName":"Jan-26"', '"PeriodName":"Feb-26"'), "Feb-26"),
        (('"101.10.68010.120.000.000"', "null"), "without its account combination"),
        (('"18250.75"', '"18,250.75"'), "PeriodActivity"),
    ],
)
def test_odd_balance_is_refused(script: Any, change: tuple[str, str], match: str) -> None:
    """An error row, another period, no combination, no number: each in its own words."""
    script.on(f"{ROOT}/ledgerBalances", script.page(BALANCE.replace(*change)))

    with pytest.raises(RefusedError, match=match):
        read_balances(script)


def test_combination_given_twice_is_refused(script: Any) -> None:
    """Two amounts for one combination would be added."""
    script.on(f"{ROOT}/ledgerBalances", script.page(BALANCE, BALANCE))

    with pytest.raises(ProtocolError, match="second time"):
        read_balances(script)


STATUS = """{"PeriodNameId":"Jan-26","ApplicationId":101,"LedgerId":300000002498206,
 "ClosingStatus":"O","StartDate":"2026-01-01","EndDate":"2026-01-31"}"""


def test_period_state_is_asked_for_by_the_whole_key(script: Any) -> None:
    """Without the application some other subledger would answer."""
    other = STATUS.replace("101", "200").replace('"O"', '"C"')
    script.on(f"{ROOT}/accountingPeriodStatusLOV", script.page(other, STATUS))

    assert script.connect().read_period_state(LEDGER, PERIOD) == "open"
    assert script.query(script.requests[0])["q"] == (
        "PeriodNameId = 'Jan-26' and ApplicationId = 101 and LedgerId = 300000002498206"
    )


def test_period_state_of_an_unknown_letter_is_refused(script: Any) -> None:
    """A letter nobody has explained is no state."""
    script.on(f"{ROOT}/accountingPeriodStatusLOV", script.page(STATUS.replace('"O"', '"W"')))

    with pytest.raises(ProtocolError, match="'W'"):
        script.connect().read_period_state(LEDGER, PERIOD)


def test_chart_is_found_by_its_number_not_its_id(script: Any) -> None:
    """The two look alike and differ."""
    script.on(
        f"{ROOT}/chartOfAccountsLOV",
        script.page(
            '{"StructureInstanceId":5237,"StructureInstanceNumber":1,"Name":"Wrong"}',
            '{"StructureInstanceId":1,"StructureInstanceNumber":5237,"Name":"Right"}',
        ),
    )
    script.on(
        f"{ROOT}/ledgersLOV",
        script.page(
            '{"LedgerId":1,"Name":"US","CurrencyCode":"USD","ChartOfAccountsId":5237,'
            '"PeriodSetName":"C","LedgerCategoryCode":"ALC","LedgerTypeCode":"L"}',
            '{"LedgerId":2,"Name":"Set","LedgerTypeCode":"S"}',
            '{"LedgerId":3,"Name":"Lone","ChartOfAccountsId":99,"LedgerTypeCode":"L"}',
        ),
    )

    found = {each.name: (each.chart, each.kind) for each in script.connect().read_ledgers()}

    assert found == {"US": ("Right", "reporting"), "Lone": ("99", "")}


def test_periods_of_another_type_are_left_out(script: Any) -> None:
    """Quarters share the calendar's name and dates."""
    row = {
        "PeriodNameId": "Jan-26", "PeriodSetNameId": LEDGER.calendar, "PeriodType": "Month",
        "AdjustmentPeriodFlag": "N", "StartDate": "2026-01-01", "EndDate": "2026-01-31",
        "PeriodYear": 2026, "PeriodNumber": 1,
    }  # fmt: skip
    quarter = {**row, "PeriodNameId": "Q1-26", "PeriodType": "Quarter", "EndDate": "2026-03-31"}
    script.on(f"{ROOT}/accountingPeriodsLOV", script.page(json.dumps(quarter), json.dumps(row)))
    script.on(f"{ROOT}/chartOfAccountsLOV", script.page())
    script.on(
        f"{ROOT}/ledgersLOV",
        script.page(
            f'{{"LedgerId":{LEDGER.ledger_id},"Name":"US","AccountedPeriodType":"Month",'
            '"LedgerTypeCode":"L"}'
        ),
    )

    assert [each.name for each in script.connect().read_periods(LEDGER)] == ["Jan-26"]


@pytest.mark.parametrize(
    ("change", "is_active", "end"),
    [
        ({}, True, ""),
        ({"EnabledFlag": "N"}, False, ""),
        ({"EnabledFlag": False}, False, ""),
        ({"EnabledFlag": "Y", "EndDateActive": "4712-12-31"}, True, ""),
        ({"EndDateActive": "2026-11-03"}, True, "2026-11-03"),
        ({"EndDateActive": "2026-11-02"}, False, "2026-11-02"),
        ({"StartDateActive": "2026-11-04"}, False, ""),
    ],
    ids=str,
)
def test_value_is_active_by_flag_and_dates(
    script: Any, change: dict[str, Any], end: str, *, is_active: bool
) -> None:
    """`"N"` is no, the end of time is no end, both dates belong to the life."""
    row = {
        "ValueId": 300000045001001, "Value": "068010", "Description": "Office supplies",
        "EnabledFlag": "Y", "StartDateActive": None, "EndDateActive": None, "SummaryFlag": "N",
        "AccountType": "E", **change,
    }  # fmt: skip
    script.on(f"{ROOT}/valueSets/US%20Account/child/values", script.page(json.dumps(row)))

    (member,) = script.connect().read_members("value-set:US Account")

    assert (member.code, member.name, member.is_active) == ("068010", "Office supplies", is_active)
    assert dict(member.properties)["end"] == end
    assert dict(member.properties)["account_type"] == "E"
