"""The habits of other public clients, imitated with plain HTTP."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

PAGES_MAX = 50


@pytest.fixture
def plain(ais: Any) -> Iterator[httpx2.Client]:
    """A client that knows nothing but the address."""
    with httpx2.Client(base_url=f"{ais.url}/jderest", verify=False, timeout=30) as client:
        yield client


def test_client_with_the_token_in_its_bodies(ais: Any, plain: httpx2.Client) -> None:
    """Log-in with capabilities, token and device in each body, next page bare, log-out bare."""
    entered = plain.post("/v2/tokenrequest", json={
        "username": "PLNSVC", "password": "halden-password", "deviceName": "celin",
        "requiredCapabilities": "grid,processingOption",
    }).json()  # fmt: skip
    token = entered["userInfo"]["token"]
    asked = plain.post("/v2/dataservice", json={
        "token": token, "deviceName": "celin", "targetName": "F0901", "targetType": "table",
        "dataServiceType": "BROWSE", "findOnEntry": "TRUE", "outputType": "GRID_DATA",
        "maxPageSize": "100", "enableNextPageProcessing": True, "formServiceDemo": "",
        "returnControlIDs": "F0901.AID|F0901.DL01", "allowCache": True,
    })  # fmt: skip
    assert asked.status_code == 200, asked.text
    answer, rows = asked.json(), []
    for _ in range(PAGES_MAX):
        rows += answer["fs_DATABROWSE_F0901"]["data"]["gridData"]["rowset"]
        if not answer.get("links"):
            break
        page = plain.request("POST", answer["links"][0]["href"])
        assert "Content-Type" not in page.request.headers
        answer = page.json()
    left = plain.post("/v2/tokenrequest/logout", json={"token": token})

    assert len({row["F0901_AID"] for row in rows}) == len(rows) == ais.count("F0901")
    assert left.status_code == 200
    assert plain.post("/v2/dataservice", json={"token": token}).status_code in {403, 444}


def test_client_with_string_booleans_and_posted_null(plain: httpx2.Client) -> None:
    """Configuration by posted null, log-in without environment, pages by posted null."""
    kind = {"Content-Type": "application/json"}
    config = plain.post("/v2/defaultconfig", content=b"null", headers=kind).json()
    names = {one["name"] for one in config["capabilityList"]}
    entered = plain.post(
        "/v2/tokenrequest", json={"username": "PLNSVC", "password": "halden-password"}
    ).json()
    kind |= {"jde-AIS-Auth": entered["userInfo"]["token"]}
    seen = plain.post("/v2/tokenrequest/validate", headers=kind,
                      json={"token": entered["userInfo"]["token"]})  # fmt: skip
    answer = plain.post("/v2/dataservice", headers=kind, json={
        "targetName": "F0006", "targetType": "table", "dataServiceType": "BROWSE",
        "findOnEntry": "true", "enableNextPageProcessing": "true", "maxPageSize": "7",
        "returnControlIDs": "MCU|DL01|CO",
        "query": {"autoFind": "true", "matchType": "MATCH_ALL", "condition": []},
    }).json()  # fmt: skip
    keys, pages = [], 0
    for _ in range(PAGES_MAX):
        pages += 1
        grid = answer["fs_DATABROWSE_F0006"]["data"]["gridData"]
        keys += [row["F0006_MCU"] for row in grid["rowset"]]
        assert grid["summary"]["moreRecords"] is bool(answer.get("links"))
        if not answer.get("links"):
            break
        answer = plain.post(answer["links"][0]["href"], content=b"null", headers=kind).json()

    assert {"validate", "dataservice", "nextPage"} <= names
    assert seen.json()["isValidSession"] is True
    assert len(set(keys)) == len(keys) > 20
    assert pages == -(-len(keys) // 7)


def test_client_with_a_qualified_aggregation_and_blank_output_type(
    ais: Any, plain: httpx2.Client
) -> None:
    """Numeric page size, view-style names, header names in another case."""
    headers = {"Jde-Ais-Auth": ais.token, "JDE-AIS-AUTH-DEVICE": ais.device}
    reply = plain.post("/v2/dataservice", headers=headers, json={
        "targetName": "F0911", "targetType": "table", "dataServiceType": "AGGREGATION",
        "outputType": "", "maxPageSize": 1000,
        "aggregation": {"aggregations": [{"aggregation": "SUM", "column": "F0911.AA"}],
                        "groupBy": [{"column": "F0911.LT"}],
                        "orderBy": [{"column": "F0911.LT", "direction": "ASC"}]},
        "query": {"matchType": "MATCH_ALL", "condition": [
            {"controlId": "F0911.CO", "operator": "EQUAL",
             "value": [{"content": "00001", "specialValueId": "LITERAL"}]}]},
    })  # fmt: skip
    output = reply.json()["ds_F0911"]["output"]

    assert reply.status_code == 200
    assert [row["groupBy"]["F0911.LT"] for row in output] == sorted(
        row["groupBy"]["F0911.LT"] for row in output
    )
    assert all("F0911.AA_SUM" in row for row in output)


@pytest.mark.parametrize("separator", ["|", "%7C"])
def test_client_that_gets_with_everything_in_the_address(
    ais: Any, plain: httpx2.Client, separator: str
) -> None:
    """A raw or an encoded bar, dollars raw, blanks as plus or percent."""
    token = str(httpx2.QueryParams({"$token": ais.token}))
    reply = plain.get(
        f"/v2/dataservice/table/F0010?$filter=F0010.CRCD%20EQ%20USD&$field=F0010.CO"
        f"&$field=F0010.NAME&$limit=10&$device={ais.device}&{token}&x=a{separator}b"
    )

    assert reply.status_code == 200, reply.text
    rows = reply.json()["fs_DATABROWSE_F0010"]["data"]["gridData"]["rowset"]
    assert [row["F0010_CO"] for row in rows] == ["00001"]


def test_client_that_reads_three_tables_in_one_batch(ais: Any, plain: httpx2.Client) -> None:
    """Codes, accounts and counts, with the token in the outer body."""
    browse = {"targetType": "table", "dataServiceType": "BROWSE", "findOnEntry": "TRUE"}
    count = {"targetName": "F0911", "targetType": "table", "dataServiceType": "COUNT"}
    answer = plain.post("/v2/dataservice", json={
        "token": ais.token, "deviceName": ais.device, "batchDataRequest": True,
        "outputType": "GRID_DATA",
        "dataRequests": [{**browse, "targetName": "F0005", "maxPageSize": "5"},
                         {**browse, "targetName": "F0901", "maxPageSize": 5}, count],
    }).json()  # fmt: skip
    text = json.dumps(answer)

    assert len(answer["fs_0_DATABROWSE_F0005"]["data"]["gridData"]["rowset"]) == 5
    assert len(answer["fs_1_DATABROWSE_F0901"]["data"]["gridData"]["rowset"]) == 5
    assert answer["ds_2_F0911"]["count"] > 0
    assert ais.token not in text
