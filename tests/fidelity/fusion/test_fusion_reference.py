"""Ledgers, charts, combinations, value sets, periods, rates and the short lists."""

from typing import Any
from urllib.parse import quote

import pytest

ACCOUNT_VALUES = "/valueSets/Halden%20Account/child/values"
US = 300000002498206


def test_ledgers_have_the_members_of_the_contract(fusion: Any) -> None:
    """Flags are booleans here, categories and types are codes."""
    ledgers = {i["Name"]: i for i in fusion.items("/ledgersLOV?onlyData=true")}

    assert ledgers["Halden US"] == {
        "LedgerId": US,
        "Name": "Halden US",
        "Description": "Books of the United States",
        "CurrencyCode": "USD",
        "ChartOfAccountsId": 5237,
        "AccountedPeriodType": "Month",
        "PeriodSetName": "Halden Calendar",
        "LedgerCategoryCode": "PRIMARY",
        "LedgerTypeCode": "L",
        "EnableBudgetaryControlFlag": False,
    }
    assert ledgers["Halden US Reporting"]["LedgerCategoryCode"] == "SECONDARY"
    assert ledgers["Halden Americas Ledgers"]["LedgerTypeCode"] == "S"


def test_ledgers_can_be_filtered_in_version_1_with_double_quotes(fusion: Any) -> None:
    """The form a known client sends."""
    found = fusion.items('/ledgersLOV?q=LedgerTypeCode="L"', version=None)

    assert len(found) == 5


def test_structure_instance_number_is_the_ledgers_chart(fusion: Any) -> None:
    """The number joins ledger and chart; the id does not."""
    charts = fusion.items("/chartOfAccountsLOV?onlyData=true")
    wanted = {i["ChartOfAccountsId"] for i in fusion.items("/ledgersLOV?onlyData=true")}

    assert charts[0].keys() == {
        "StructureInstanceId", "StructureInstanceNumber", "StructureInstanceCode", "Name",
        "Description", "EnabledFlag",
    }  # fmt: skip
    assert {chart["StructureInstanceNumber"] for chart in charts} == wanted
    assert not {chart["StructureInstanceId"] for chart in charts} & wanted
    assert {chart["EnabledFlag"] for chart in charts} == {"Y"}


def test_combinations_name_their_segments_after_the_customer(fusion: Any) -> None:
    """Ids start with an underscore, segments have this customer's names, zeros are kept."""
    q = "_CHART_OF_ACCOUNTS_ID=5237;EnabledFlag='Y';AccountType!='O'"
    item = fusion.items(f"/accountCombinationsLOV?onlyData=true&q={quote(q)}", version=None)[0]

    assert {"_CODE_COMBINATION_ID", "_CHART_OF_ACCOUNTS_ID", "JgzzReconFlag"} <= item.keys()
    assert item["_CHART_OF_ACCOUNTS_ID"] == 5237
    assert (item["company"], item["product"]) == ("101", "000")
    assert item["entity"] is None
    assert item["EnabledFlag"] == "Y"


def test_combination_is_found_by_its_primary_key(fusion: Any) -> None:
    """The finder takes the underscored id."""
    first = fusion.items("/accountCombinationsLOV?limit=1")[0]["_CODE_COMBINATION_ID"]
    path = f"/accountCombinationsLOV?finder=PrimaryKey;_CODE_COMBINATION_ID={first}"

    assert fusion.items(path)[0]["_CODE_COMBINATION_ID"] == first


def test_and_in_version_1_hides_every_combination(fusion: Any) -> None:
    """The observed trap: two hundred, no rows."""
    q = "_CHART_OF_ACCOUNTS_ID=5237 and EnabledFlag='Y'"
    page = fusion.read(f"/accountCombinationsLOV?q={quote(q)}", version=None)

    assert (page["items"], page["count"]) == ([], 0)


def test_every_combination_of_the_lines_is_listed(fusion: Any) -> None:
    """Whatever a journal used has an id."""
    totals = fusion.do("totals", status=None, actual_flag=None)["totals"]
    americas = {t["combination"] for t in totals if "." in t["combination"]}
    listed: set[str] = set()
    offset, more = 0, True
    while more:
        q = quote("_CHART_OF_ACCOUNTS_ID=5237")
        page = fusion.read(f"/accountCombinationsLOV?q={q}&limit=500&offset={offset}")
        names = ("company", "lob", "account", "costCentre", "product", "future")
        listed |= {".".join(item[name] for name in names) for item in page["items"]}
        offset, more = offset + page["count"], page["hasMore"]

    assert americas <= listed


def test_value_set_is_found_by_code_and_by_path(fusion: Any) -> None:
    """The code works as id, blanks encoded."""
    by_query = fusion.items("/valueSets?q=" + quote("ValueSetCode='Halden Account'"))[0]
    by_path = fusion.read("/valueSets/Halden%20Account")

    assert by_query == by_path
    assert by_path["ValidationType"] == "INDEPENDENT"


def test_values_have_the_members_of_the_contract(fusion: Any) -> None:
    """Flags are letters, codes are texts, the end of time is a date."""
    value = fusion.items(f"{ACCOUNT_VALUES}?onlyData=true&q=" + quote("Value='68010'"))[0]

    assert value == {
        "ValueId": value["ValueId"],
        "IndependentValue": None,
        "Value": "68010",
        "Description": "Office supplies",
        "EnabledFlag": "Y",
        "StartDateActive": None,
        "EndDateActive": "4712-12-31",
        "SortOrder": None,
        "SummaryFlag": "N",
        "DetailPostingAllowed": "Y",
        "DetailBudgetingAllowed": "Y",
        "AccountType": "E",
        "ControlAccount": "N",
        "ReconciliationFlag": "N",
        "FinancialCategory": None,
        "ExternalDataSource": None,
        "CreationDate": "2024-03-02T10:00:00.000+00:00",
        "CreatedBy": "IMPL",
        "LastUpdateDate": "2025-11-12T08:31:05.118+00:00",
        "LastUpdatedBy": "IMPL",
    }


def test_values_keep_leading_zeros_and_other_scripts(fusion: Any) -> None:
    """A value is a text; its description may be in any language."""
    centres = fusion.items("/valueSets/Halden%20Cost%20Centre/child/values?orderBy=Value")
    entities = fusion.items("/valueSets/Halden%20Global%20Entity/child/values?orderBy=Value")

    assert centres[0]["Value"] == "000"
    assert entities[0]["Description"] == "Halden Japan KK (ハルデン)"


def test_value_sets_expand_to_a_first_page_of_values(fusion: Any) -> None:
    """`expand=values` holds 25 and says that there are more."""
    nested = fusion.read("/valueSets/Halden%20Account?expand=values")["values"]

    assert (nested["count"], nested["hasMore"]) == (25, True)


def test_table_validated_set_has_no_values_here(fusion: Any) -> None:
    """Its values live in a table elsewhere."""
    assert fusion.items("/valueSets/Halden%20Supplier%20Sites/child/values") == []


def test_value_is_added_with_201_and_an_address(own: Any) -> None:
    """The answer is the whole value with its defaults; its address opens it."""
    body = {"Value": "4711", "EnabledFlag": "Y", "Description": "New"}
    reply = own.call("POST", ACCOUNT_VALUES, json=body)
    value = reply.json()

    assert reply.status_code == 201
    assert (value["Value"], value["SummaryFlag"], value["AccountType"]) == ("4711", "N", None)
    assert own.read(reply.headers["location"])["ValueId"] == value["ValueId"]
    assert value["CreationDate"].startswith("2026-11-03T08:00:00")


def test_value_is_changed_and_cleared(own: Any) -> None:
    """Members given are written, null clears, members left out stay."""
    value = own.items(f"{ACCOUNT_VALUES}?q=" + quote("Value='68010'"))[0]
    path = f"{ACCOUNT_VALUES}/{value['ValueId']}"
    changed = own.call("PATCH", path, json={"EnabledFlag": "N", "EndDateActive": None}).json()

    assert (changed["EnabledFlag"], changed["EndDateActive"]) == ("N", None)
    assert changed["Description"] == "Office supplies"
    assert changed["LastUpdateDate"] > value["LastUpdateDate"]
    assert changed["LastUpdatedBy"] == "INTEGRATION.USER"


def test_value_is_never_deleted(own: Any) -> None:
    """DELETE is 400, not 405: the verb exists and always refuses."""
    value = own.items(f"{ACCOUNT_VALUES}?limit=1")[0]
    path = f"{ACCOUNT_VALUES}/{value['ValueId']}"

    assert own.call("DELETE", path).status_code == 400
    assert own.read(path) == value


@pytest.mark.parametrize(
    ("code", "body", "text"),
    [
        ("Halden Account", {"Description": "No value"}, "JBO-27014: Attribute Value in"),
        ("Halden Account", {"Value": "123456"}, "is too long. (FND-2825)"),
        ("Halden Account", {"Value": "68010"}, "already exists"),
        ("Halden Account", {"Value": "1", "requestId": 1},
         'Invalid attribute "requestId" in the payload'),
        ("Halden Future", {"Value": "001"}, "You cannot modify a protected value set."),
        ("Halden Supplier Sites", {"Value": "X"}, "table"),
        ("Halden Account", {"Value": "1", "Description": "x" * 241}, "(FND-2825)"),
    ],
)  # fmt: skip
def test_value_that_cannot_be_added_is_400(own: Any, code: str, body: Any, text: str) -> None:
    """Each refusal has the text of its cause and adds nothing."""
    path = f"/valueSets/{quote(code)}/child/values"
    before = own.read(f"{path}?totalResults=true")["totalResults"]
    reply = own.call("POST", path, json=body)

    assert reply.status_code == 400
    assert text in reply.json()["o:errorDetails"][0]["detail"]
    assert own.read(f"{path}?totalResults=true")["totalResults"] == before


def test_mandatory_value_is_refused_with_code_and_path(own: Any) -> None:
    """The structured detail names the member."""
    reply = own.call("POST", ACCOUNT_VALUES, json={"Description": "x"})

    detail = reply.json()["o:errorDetails"][0]
    assert (detail["o:errorCode"], detail["o:errorPath"]) == ("27014", "/Value")


def test_protected_value_cannot_be_changed(own: Any) -> None:
    """PATCH is refused like POST."""
    path = "/valueSets/Halden%20Future/child/values"
    value = own.items(path)[0]
    reply = own.call("PATCH", f"{path}/{value['ValueId']}", json={"Description": "x"})

    assert reply.status_code == 400


def test_created_value_may_be_404_for_a_while(own: Any) -> None:
    """Behind a switch the new row cannot be opened at once."""
    own.turn(not_found_after_create_s=30)
    reply = own.call("POST", ACCOUNT_VALUES, json={"Value": "4711"})
    early = own.call("GET", reply.headers["location"]).status_code
    own.clock.advance(31)

    assert (reply.status_code, early) == (201, 404)
    assert own.call("GET", reply.headers["location"]).status_code == 200


def test_periods_of_both_calendars_are_listed(fusion: Any) -> None:
    """The same text occurs twice with different year and number."""
    q = quote("PeriodNameId='Apr-26'")
    found = fusion.items(f"/accountingPeriodsLOV?onlyData=true&q={q}")

    assert {(p["PeriodSetNameId"], p["PeriodYear"], p["PeriodNumber"]) for p in found} == {
        ("Halden Calendar", 2026, 4),
        ("Halden April", 2027, 1),
    }
    assert found[0].keys() == {
        "PeriodNameId", "PeriodSetNameId", "PeriodType", "AdjustmentPeriodFlag", "StartDate",
        "EndDate", "EnteredPeriodName", "PeriodYear", "PeriodNumber",
    }  # fmt: skip


def test_adjusting_period_is_flagged_with_a_letter(fusion: Any) -> None:
    """'N' is a text, and a text is true."""
    q = quote("PeriodNameId in ('Adj-26','Dec-26') and PeriodSetNameId='Halden Calendar'")
    flags = {p["PeriodNameId"]: p["AdjustmentPeriodFlag"] for p in
             fusion.items(f"/accountingPeriodsLOV?q={q}")}  # fmt: skip

    assert flags == {"Adj-26": "Y", "Dec-26": "N"}


def test_period_status_needs_the_application(fusion: Any) -> None:
    """With 101 it is the ledger's; without, the first row is another application's."""
    key = f"PeriodNameId=Nov-26;LedgerId={US}"
    exact = fusion.items(f"/accountingPeriodStatusLOV?q={key};ApplicationId=101", version=1)
    loose = fusion.items(f"/accountingPeriodStatusLOV?q={key}", version=1)

    assert [row["ClosingStatus"] for row in exact] == ["O"]
    assert len(loose) == 5
    assert loose[0]["ApplicationId"] != 101
    assert loose[0]["ClosingStatus"] != "O"


def test_period_name_is_no_attribute_of_the_status(fusion: Any) -> None:
    """The attribute is called PeriodNameId."""
    path = f"/accountingPeriodStatusLOV?q=PeriodName=Nov-26;LedgerId={US};ApplicationId=101"

    assert fusion.call("GET", path, version=1).status_code == 400


def test_rates_come_by_finder_in_the_days_asked_for(fusion: Any) -> None:
    """One row a day, rates as numbers."""
    finder = (
        "CurrencyRatesFinder;fromCurrency=USD,toCurrency=EUR,userConversionType=Corporate,"
        "startDate=2026-01-01,endDate=2026-01-31"
    )
    rates = fusion.items(f"/currencyRates?limit=100&onlyData=true&finder={quote(finder)}")

    assert len(rates) == 31
    assert rates[0].keys() == {
        "FromCurrency", "ToCurrency", "ConversionDate", "ConversionRate", "ConversionType",
        "UserConversionType",
    }  # fmt: skip
    assert [r["ConversionDate"] for r in rates] == [f"2026-01-{d:02}" for d in range(1, 32)]
    assert all(0.85 < r["ConversionRate"] < 1 for r in rates)


def test_rates_finder_wants_its_variables(fusion: Any) -> None:
    """A pair without days is refused."""
    path = "/currencyRates?finder=CurrencyRatesFinder;fromCurrency=USD,toCurrency=EUR"

    assert fusion.call("GET", path).status_code == 400


@pytest.mark.parametrize(
    ("path", "member", "wanted"),
    [
        ("/currenciesLOV", "CurrencyCode", "KWD"),
        ("/journalSourcesLOV", "UserJeSourceName", "Spreadsheet"),
        ("/journalCategoriesLOV", "UserJeCategoryName", "Depreciation"),
    ],
)
def test_short_lists_hold_what_journals_use(
    fusion: Any, path: str, member: str, wanted: str
) -> None:
    """Currencies, sources and categories can be listed."""
    assert wanted in {item[member] for item in fusion.items(path)}


@pytest.mark.parametrize("path", ["/invoices", "/purchaseOrders"])
def test_collections_of_connection_tests_are_empty(fusion: Any, path: str) -> None:
    """They exist so that a client may see whether it may come in."""
    assert fusion.read(f"{path}?limit=1&onlyData=true")["count"] == 0
