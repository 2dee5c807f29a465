"""Requests as unmodified third-party clients send them, answered literally."""

from typing import Any

import httpx2
import pytest

ROOT = "/fscmRestApi/resources/11.13.18.05"
SCOPE = "urn%3Aopc%3Aresource%3Afa%3Ainstanceid%3D100200300urn%3Aopc%3Aresource%3Aconsumer%3A%3Aall"


def send(fusion: Any, path: str, **headers: str) -> Any:
    """The parsed answer to a raw request target with Basic credentials."""
    reply = fusion.client.get(fusion.server.url + ROOT + path, headers=headers)
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_mcp_search_of_journal_batches(fusion: Any) -> None:
    """Version 1, `+` for blanks, three semicolon filters, totals, only data."""
    page = send(
        fusion,
        "/journalBatches?limit=10&offset=0&onlyData=true&fields=JeBatchId%2CBatchName%2CStatus"
        "&q=DefaultPeriodName+%3D+%27Jan-26%27%3BStatus+%3D+%27P%27%3B"
        "UserJeSourceName+%3D+%27Payables%27&totalResults=true",
        Accept="*/*",
    )
    expected = fusion.items(
        "/journalBatches?limit=10&q=DefaultPeriodName='Jan-26' and Status='P' and "
        "UserJeSourceName='Payables'"
    )

    assert page["count"] > 0
    assert page["totalResults"] >= page["count"]
    assert page["items"][0].keys() == {"JeBatchId", "BatchName", "Status"}
    assert [i["JeBatchId"] for i in page["items"]] == [i["JeBatchId"] for i in expected]


@pytest.mark.parametrize(("ledger", "is_known"), [("US+Primary", False), ("Halden+US", True)])
def test_mcp_search_of_balances(fusion: Any, ledger: str, *, is_known: bool) -> None:
    """The finder comes wholly encoded and without a currency type."""
    pattern = "101.%25.%25.%25.%25.%25" if is_known else "101.%25.%25.%25"
    page = send(
        fusion,
        "/ledgerBalances?limit=25&offset=0&onlyData=true&fields=LedgerName%2CPeriodActivity"
        "%2CErrorDetail&totalResults=true&finder=AccountBalanceFinder%3BaccountCombination%3D"
        f"{pattern}%2Cmode%3DDetail%2CaccountingPeriod%3DJan-26%2Ccurrency%3DUSD"
        f"%2CledgerName%3D{ledger}",
    )

    assert page["items"][0].keys() == {"LedgerName", "PeriodActivity", "ErrorDetail"}
    assert (page["items"][0]["ErrorDetail"] is None) is is_known
    assert page["totalResults"] >= page["count"] > 0


def test_mcp_search_of_rates(fusion: Any) -> None:
    """Five encoded variables."""
    page = send(
        fusion,
        "/currencyRates?limit=25&offset=0&onlyData=true&totalResults=true&finder="
        "CurrencyRatesFinder%3BfromCurrency%3DUSD%2CtoCurrency%3DEUR"
        "%2CuserConversionType%3DCorporate%2CstartDate%3D2026-01-01%2CendDate%3D2026-01-31",
    )

    assert (page["count"], page["totalResults"], page["hasMore"]) == (25, 31, True)


def test_rytass_token_then_batches(fusion: Any) -> None:
    """Token by Basic and form, then a pinned version with an encoded window."""
    with httpx2.Client() as client:
        token = client.post(
            f"{fusion.server.url}/oauth2/v1/token",
            auth=("halden-connector", "halden-secret"),
            content=f"grant_type=client_credentials&scope={SCOPE}",
            headers={"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"},
        ).json()["access_token"]
        page = client.get(
            f"{fusion.server.url}{ROOT}/journalBatches?q=LastUpdateDate%20%3E%20%272026-01-01T00"
            "%3A00%3A00%2B00%3A00%27&fields=JeBatchId,BatchName&orderBy=JeBatchId:asc&limit=500"
            "&offset=0",
            headers={
                "Authorization": f"Bearer {token}",
                "REST-Framework-Version": "4",
                "Accept": "application/vnd.oracle.adf.resourcecollection+json,"
                "application/vnd.oracle.adf.error+json",
            },
        ).json()

    assert page["count"] > 100
    assert page["items"][0].keys() == {"JeBatchId", "BatchName", "links"}


def test_rytass_period_status_keeps_its_semicolons(fusion: Any) -> None:
    """In version 1 they join; in version 4 they are refused, unless the pod is lenient."""
    path = (
        "/accountingPeriodStatusLOV?q=LedgerId%3D300000002498206%3BPeriodNameId%3DJul-26"
        "%3BApplicationId%3D101&limit=500&offset=0"
    )
    page = send(fusion, path)
    url = fusion.server.url + ROOT + path
    refused = fusion.client.get(url, headers={"REST-Framework-Version": "4"})

    assert [row["ClosingStatus"] for row in page["items"]] == ["C"]
    assert refused.status_code == 400


def test_activepieces_filters_find_nothing_in_version_1(fusion: Any) -> None:
    """Its joined filter is broken there, and the server says nothing."""
    path = "/journalBatches?q=DefaultPeriodName%3D%22Jan-26%22%20AND%20Status%3D%22P%22"

    assert send(fusion, path)["count"] == 0


def test_rytass_walk_with_a_low_cap_sees_every_batch(fusion: Any) -> None:
    """A client that advances by what it received gets every id once."""
    fusion.turn(max_limit=100)
    seen: list[int] = []
    more = True
    while more:
        path = (
            f"/journalBatches?fields=JeBatchId&orderBy=JeBatchId:asc&limit=500&offset={len(seen)}"
        )
        page = send(fusion, path, **{"REST-Framework-Version": "4"})
        seen += [item["JeBatchId"] for item in page["items"]]
        more = page["hasMore"]

    assert len(seen) == len(set(seen)) > 500
