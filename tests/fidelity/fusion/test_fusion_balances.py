"""`ledgerBalances` against the lines: the oracle of every tie-out must itself be right."""

from collections import defaultdict
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest

from ml_connector.sandbox.company.accounts import account_types

ANY_US = "%.%.%.%.%.%"


def ask(fusion: Any, **variables: str) -> list[dict[str, Any]]:
    """All rows of the account balance finder, over all pages."""
    text = ",".join(f"{name}={value}" for name, value in variables.items())
    finder = quote(f"AccountBalanceFinder;{text}")
    rows: list[dict[str, Any]] = []
    more = True
    while more:
        path = f"/ledgerBalances?limit=500&offset={len(rows)}&onlyData=true&finder={finder}"
        page = fusion.read(path)
        rows += page["items"]
        more = page["hasMore"]
    return rows


def us(fusion: Any, period: str, **more: str) -> list[dict[str, Any]]:
    """Balances of the United States books."""
    asked = {
        "accountCombination": ANY_US,
        "accountingPeriod": period,
        "currency": "USD",
        "ledgerName": "Halden US",
        **more,
    }
    return ask(fusion, **asked)


def sums(fusion: Any, **filters: str) -> dict[str, Decimal]:
    """Net accounted by combination, from the lines themselves."""
    net: dict[str, Decimal] = defaultdict(Decimal)
    for total in fusion.do("totals", **filters)["totals"]:
        if total["currency"] != "STAT":
            net[total["combination"]] += Decimal(total["accounted_dr"])
            net[total["combination"]] -= Decimal(total["accounted_cr"])
    return net


def activity(rows: list[dict[str, Any]]) -> dict[str, Decimal]:
    """Period activity by combination, zeros left out."""
    moved = {row["DetailAccountCombination"]: Decimal(row["PeriodActivity"]) for row in rows}
    return {combination: amount for combination, amount in moved.items() if amount}


@pytest.mark.parametrize(
    ("ledger", "currency", "pattern"),
    [
        ("Halden US", "USD", ANY_US),
        ("Halden Canada", "CAD", ANY_US),
        ("Halden Japan", "JPY", "%-%-%-%"),
        ("Halden Kuwait", "KWD", "%-%-%-%"),
        ("Halden US Reporting", "EUR", ANY_US),
    ],
)
@pytest.mark.parametrize("period", ["Sep-26", "Oct-26"])
def test_activity_is_the_sum_of_the_posted_lines(
    fusion: Any, ledger: str, currency: str, pattern: str, period: str
) -> None:
    """For each combination, to the last digit; encumbrances and unposted lines do not count."""
    rows = ask(
        fusion,
        accountCombination=pattern,
        accountingPeriod=period,
        currency=currency,
        ledgerName=ledger,
        mode="Detail",
    )
    expected = {c: net for c, net in sums(fusion, ledger=ledger, period=period).items() if net}

    assert expected
    assert activity(rows) == expected
    assert sum(expected.values()) == 0


def test_row_has_the_members_of_the_contract_all_texts(fusion: Any) -> None:
    """Amounts are strings; nothing is a number."""
    row = us(fusion, "Sep-26", accountCombination="101.%.68010.%.%.%")[0]

    assert {"LedgerSetName", "LedgerName", "Currency", "PeriodName", "AccountCombination",
            "DetailAccountCombination", "BeginningBalance", "PeriodActivity", "EndingBalance",
            "AmountType", "CurrencyType", "Scenario", "ErrorDetail"} <= row.keys()  # fmt: skip
    assert all(value is None or isinstance(value, str) for value in row.values())
    assert row["AccountCombination"] == "101.%.68010.%.%.%"
    assert row["DetailAccountCombination"].startswith("101.")
    assert (row["AmountType"], row["CurrencyType"], row["Scenario"]) == ("PTD", "Total", "Actual")


def test_ending_is_beginning_plus_activity_and_begins_the_next_period(fusion: Any) -> None:
    """Balances roll from period to period inside a year."""
    september = {r["DetailAccountCombination"]: r for r in us(fusion, "Sep-26")}
    october = {r["DetailAccountCombination"]: r for r in us(fusion, "Oct-26")}

    for combination, row in september.items():
        ending = Decimal(row["BeginningBalance"]) + Decimal(row["PeriodActivity"])
        assert ending == Decimal(row["EndingBalance"])
        assert Decimal(october[combination]["BeginningBalance"]) == ending


def test_revenue_and_expense_begin_each_year_at_nothing(fusion: Any) -> None:
    """What they held is in retained earnings, so that the books still balance."""
    types = account_types("Halden Account")
    rows = us(fusion, "Jan-26")
    begins = {r["DetailAccountCombination"]: Decimal(r["BeginningBalance"]) for r in rows}
    profit_and_loss = [b for c, b in begins.items() if types[c.split(".")[2]] in {"R", "E"}]
    earnings = [b for c, b in begins.items() if c.split(".")[2] == "35000"]

    assert set(profit_and_loss) == {Decimal(0)}
    assert any(earnings)
    assert sum(begins.values()) == 0


def test_adjusting_period_lies_between_december_and_january(fusion: Any) -> None:
    """December, then Adj, then the next year."""
    december = us(fusion, "Dec-25", accountCombination="101.00.23100.000.000.000")[0]
    adjusting = us(fusion, "Adj-25", accountCombination="101.00.23100.000.000.000")[0]
    january = us(fusion, "Jan-26", accountCombination="101.00.23100.000.000.000")[0]

    assert adjusting["BeginningBalance"] == december["EndingBalance"]
    assert january["BeginningBalance"] == adjusting["EndingBalance"]


def test_fiscal_year_of_japan_starts_in_april(fusion: Any) -> None:
    """Expense begins at nothing in April, not in January."""

    def begins(period: str) -> set[Decimal]:
        rows = ask(
            fusion, accountCombination="%-%-510200-%", accountingPeriod=period, currency="JPY",
            ledgerName="Halden Japan",
        )  # fmt: skip
        return {Decimal(row["BeginningBalance"]) for row in rows}

    assert begins("Apr-26") == {Decimal(0)}
    assert begins("Jan-26") != {Decimal(0)}


def test_summary_is_one_row_without_detail_members(fusion: Any) -> None:
    """The row adds up what detail lists."""
    detail = us(fusion, "Sep-26", accountCombination="101.%.%.%.%.%")
    (row,) = us(fusion, "Sep-26", accountCombination="101.%.%.%.%.%", mode="Summary")

    assert row["PeriodName"] is row["DetailAccountCombination"] is None
    for member in ("BeginningBalance", "PeriodActivity", "EndingBalance"):
        assert Decimal(row[member]) == sum(Decimal(r[member]) for r in detail)


def test_entered_balances_are_those_of_one_currency(fusion: Any) -> None:
    """Entered euros of the dollar books are the entered amounts of the euro journals."""
    rows = us(fusion, "Sep-26", currency="EUR", currencyType="Entered")
    totals = fusion.do("totals", ledger="Halden US", period="Sep-26", currency="EUR")["totals"]
    expected = {
        t["combination"]: Decimal(t["entered_dr"]) - Decimal(t["entered_cr"]) for t in totals
    }

    assert expected
    assert activity(rows) == {c: net for c, net in expected.items() if net}


def test_statistical_balances_stand_apart(fusion: Any) -> None:
    """STAT is a currency of its own and is in no total."""
    stat = us(fusion, "Sep-26", currency="STAT")
    dollars = us(fusion, "Sep-26")

    assert {row["DetailAccountCombination"].split(".")[2] for row in stat} == {"91010", "99990"}
    assert not any(r["DetailAccountCombination"].split(".")[2] == "91010" for r in dollars)


def test_wildcard_stands_for_part_of_a_segment_too(fusion: Any) -> None:
    """`68%` is every account that starts so."""
    rows = us(fusion, "Sep-26", accountCombination="%.%.68%.%.%.%")

    assert len({r["DetailAccountCombination"].split(".")[2] for r in rows}) > 1
    assert all(r["DetailAccountCombination"].split(".")[2].startswith("68") for r in rows)


def test_ledger_set_lists_its_ledgers(fusion: Any) -> None:
    """The set's name stands beside the ledger's."""
    finder = {
        "accountCombination": "%.%.68010.%.%.%",
        "accountingPeriod": "Sep-26",
        "currency": "USD",
        "currencyType": "Entered",
        "ledgerSetName": "Halden Americas Ledgers",
    }
    rows = ask(fusion, **finder)

    assert {r["LedgerSetName"] for r in rows} == {"Halden Americas Ledgers"}
    assert {r["LedgerName"] for r in rows} == {"Halden US", "Halden Canada"}


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"ledgerName": "US Primary"}, "US Primary"),
        ({"accountingPeriod": "Jan-99"}, "Jan-99"),
        ({"accountCombination": "101.%.68010"}, "101.%.68010"),
        ({"accountCombination": "101-%-68010-%-%-%"}, "101-%-68010-%-%-%"),
        ({"accountCombination": "%.%.00000.%.%.%"}, "00000"),
        ({"currency": "EUR"}, "EUR"),
        ({"currencyType": "Odd"}, "Odd"),
    ],
)
def test_question_without_answer_is_200_with_one_row_that_says_so(
    fusion: Any, wrong: dict[str, str], named: str
) -> None:
    """The error is inside the item."""
    asked = {
        "accountCombination": ANY_US,
        "accountingPeriod": "Sep-26",
        "currency": "USD",
        "ledgerName": "Halden US",
    }
    rows = ask(fusion, **{**asked, **wrong})

    assert len(rows) == 1
    assert named in rows[0]["ErrorDetail"]
    assert rows[0]["PeriodActivity"] is None


@pytest.mark.parametrize(
    "query",
    ["", "?finder=AccountBalanceFinder;accountCombination=%25.%25.%25.%25.%25.%25",
     "?finder=AccountBalanceFinder;accountCombination=1,accountingPeriod=Sep-26,currency=USD",
     "?finder=Other;a=1"],
)  # fmt: skip
def test_missing_finder_or_variable_is_400(fusion: Any, query: str) -> None:
    """All but mode and currency type are wanted."""
    assert fusion.call("GET", f"/ledgerBalances{query}").status_code == 400


def test_query_beside_the_finder_is_400(fusion: Any) -> None:
    """Balances are asked for by finder alone."""
    finder = quote(
        f"AccountBalanceFinder;accountCombination={ANY_US},accountingPeriod=Sep-26,"
        "currency=USD,ledgerName=Halden US"
    )

    assert (
        fusion.call("GET", f"/ledgerBalances?finder={finder}&q=Currency='USD'").status_code == 400
    )


def test_account_group_gives_one_row_for_each_account(fusion: Any) -> None:
    """The second finder answers with the group's own names."""
    finder = quote(
        "AccountGroupBalanceFinder;accountGroupName=Halden Operating Expenses,"
        "accountingPeriod=Sep-26,currency=USD,ledgerName=Halden US"
    )
    rows = {r["AccountName"]: r for r in fusion.items(f"/ledgerBalances?finder={finder}")}
    (summary,) = us(fusion, "Sep-26", accountCombination="%.%.68010.%.%.%", mode="Summary")

    assert rows.keys() == {"Office supplies", "Rent", "Salaries"}
    assert rows["Office supplies"]["CurrentPeriodBalance"] == summary["PeriodActivity"]


def test_unknown_account_group_says_so_in_its_row(fusion: Any) -> None:
    """The error is inside the item here too."""
    finder = quote(
        "AccountGroupBalanceFinder;accountGroupName=Nothing,accountingPeriod=Sep-26,"
        "currency=USD,ledgerName=Halden US"
    )

    assert "Nothing" in fusion.items(f"/ledgerBalances?finder={finder}")[0]["ErrorDetail"]
