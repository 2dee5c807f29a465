"""The REST framework: versions, envelopes, paging, projection, errors, conditions on writes."""

import json
from typing import Any

import pytest

LEDGERS = "/ledgersLOV"
BATCHES = "/journalBatches"


def test_version_root_lists_the_framework_versions(fusion: Any) -> None:
    """The catalogue of versions has the shape of the contract."""
    reply = fusion.call("GET", fusion.server.url + "/fscmRestApi/resources")
    version = reply.json()["items"][0]

    assert version["version"] == "11.13.18.05"
    assert version["adf:extension"] == {
        "defaultFrameworkVersion": "1",
        "allowedFrameworkVersions": [str(number) for number in range(1, 10)],
    }
    assert [link["rel"] for link in version["links"]] == ["self", "canonical", "describe"]
    assert version["links"][2]["href"].endswith("/11.13.18.05/describe")


def test_both_version_texts_answer_and_links_repeat_the_one_asked_for(fusion: Any) -> None:
    """`latest` gives the same rows under `latest`."""
    root = fusion.server.url + "/fscmRestApi/resources/latest"
    latest = fusion.read(f"{root}/ledgersLOV")
    literal = fusion.read(LEDGERS)

    assert [i["LedgerId"] for i in latest["items"]] == [i["LedgerId"] for i in literal["items"]]
    assert latest["items"][0]["links"][0]["href"].startswith(root)


@pytest.mark.parametrize("path", ["/journalBatchez", "/journalBatches/1", "/ledgersLOV/x"])
def test_unknown_resource_or_key_is_404(fusion: Any, path: str) -> None:
    """What is not there is not found."""
    assert fusion.call("GET", path).status_code == 404


def test_unknown_version_is_404_and_unknown_path_a_page(fusion: Any) -> None:
    """Outside the framework nobody speaks JSON."""
    version = fusion.call("GET", fusion.server.url + "/fscmRestApi/resources/12.0/ledgersLOV")
    elsewhere = fusion.call("GET", fusion.server.url + "/nowhere")

    assert version.status_code == elsewhere.status_code == 404
    assert elsewhere.headers["content-type"].startswith("text/html")


def test_collection_envelope_has_the_members_of_the_contract(fusion: Any) -> None:
    """Items, count, hasMore, limit, offset, links; no total unless asked for."""
    page = fusion.read(f"{BATCHES}?limit=3")

    assert page.keys() == {"items", "count", "hasMore", "limit", "offset", "links"}
    assert (page["count"], page["hasMore"], page["limit"], page["offset"]) == (3, True, 3, 0)
    assert page["links"] == [
        {
            "rel": "self",
            "href": f"{fusion.server.url}/fscmRestApi/resources/11.13.18.05/journalBatches",
            "name": "journalBatches",
            "kind": "collection",
        }
    ]


def test_default_limit_is_25(fusion: Any) -> None:
    """Who names no limit gets 25 rows."""
    page = fusion.read(BATCHES)

    assert (page["count"], page["limit"]) == (25, 25)


@pytest.mark.parametrize("limit_max", [500, 499, 100])
def test_larger_limits_are_reduced_in_silence(fusion: Any, limit_max: int) -> None:
    """The answer states the limit that was used, and gives no more rows than that."""
    fusion.turn(max_limit=limit_max)
    page = fusion.read(f"{BATCHES}?limit=5000")

    assert (page["limit"], page["count"], page["hasMore"]) == (limit_max, limit_max, True)


@pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=x", "offset=-1", "offset=y"])
def test_senseless_paging_is_400(fusion: Any, query: str) -> None:
    """Limits start at one, offsets at nothing."""
    assert fusion.call("GET", f"{BATCHES}?{query}").status_code == 400


def test_paging_by_rows_received_visits_each_row_once(fusion: Any) -> None:
    """Advancing by the count of each page reaches every row exactly once, with true counts."""
    fusion.turn(max_limit=100)
    seen: list[int] = []
    more = True
    while more:
        path = f"{BATCHES}?limit=500&offset={len(seen)}&totalResults=true&orderBy=JeBatchId"
        page = fusion.read(path + "&onlyData=true&fields=JeBatchId")
        assert page["count"] == len(page["items"])
        assert page["offset"] == len(seen)
        assert not (page["hasMore"] and page["count"] == 0)
        assert page["totalResults"] >= page["offset"] + page["count"]
        seen += [item["JeBatchId"] for item in page["items"]]
        more = page["hasMore"]

    assert len(seen) == len(set(seen)) == page["totalResults"]


def test_advancing_by_the_wanted_limit_skips_rows(fusion: Any) -> None:
    """A client that trusts its own limit loses what the server held back."""
    fusion.turn(max_limit=100)
    first = fusion.items(f"{BATCHES}?limit=500&onlyData=true")
    second = fusion.items(f"{BATCHES}?limit=500&offset=500&onlyData=true")

    assert len(first) == 100
    assert len(first) + len(second) < fusion.read(f"{BATCHES}?totalResults=true")["totalResults"]


def test_offset_past_the_end_is_an_empty_page(fusion: Any) -> None:
    """There is no error behind the last row."""
    page = fusion.read(f"{LEDGERS}?offset=900")

    assert (page["items"], page["count"], page["hasMore"]) == ([], 0, False)


def test_total_is_there_only_when_asked_for(fusion: Any) -> None:
    """`totalResults=true` adds the member; anything else leaves it out."""
    assert fusion.read(f"{LEDGERS}?totalResults=true")["totalResults"] == 6
    assert "totalResults" not in fusion.read(f"{LEDGERS}?totalResults=false")


def test_order_goes_both_ways_and_over_several_attributes(fusion: Any) -> None:
    """Default is ascending; the second attribute breaks ties of the first."""
    names = [i["Name"] for i in fusion.items(f"{LEDGERS}?orderBy=Name:desc")]
    pairs = [
        (i["LedgerTypeCode"], -i["LedgerId"])
        for i in fusion.items(f"{LEDGERS}?orderBy=LedgerTypeCode,LedgerId:desc")
    ]

    assert names == sorted(names, reverse=True)
    assert pairs == sorted(pairs)


def test_amounts_are_ordered_as_numbers(fusion: Any) -> None:
    """9 comes before 10 although its text does not."""
    path = f"{BATCHES}?orderBy=RunningTotalDr:desc&limit=50&onlyData=true&fields=RunningTotalDr"
    totals = [item["RunningTotalDr"] for item in fusion.items(path)]

    assert totals == sorted(totals, reverse=True)


@pytest.mark.parametrize("order", ["Nothing", "Name:sideways"])
def test_order_by_what_is_not_there_is_400(fusion: Any, order: str) -> None:
    """Unknown attributes and directions are refused."""
    assert fusion.call("GET", f"{LEDGERS}?orderBy={order}").status_code == 400


def test_fields_show_only_what_was_named(fusion: Any) -> None:
    """Attributes come alone, links stay."""
    item = fusion.items(f"{LEDGERS}?fields=LedgerId,Name&limit=1")[0]

    assert item.keys() == {"LedgerId", "Name", "links"}


def test_fields_reach_into_children_and_win_over_expand(fusion: Any) -> None:
    """Child fields follow the accessor; `expand` beside `fields` is not heard."""
    path = (
        f"{BATCHES}?limit=1&fields=JeBatchId;journalHeaders:JournalName"
        ";journalHeaders.journalLines:JeLineNumber&onlyData=true"
    )
    item = fusion.items(path)[0]
    header = item["journalHeaders"]["items"][0]
    plain = fusion.items(f"{BATCHES}?limit=1&fields=JeBatchId&expand=journalHeaders")[0]

    assert item.keys() == {"JeBatchId", "journalHeaders"}
    assert header.keys() == {"JournalName", "journalLines"}
    assert header["journalLines"]["items"][0].keys() == {"JeLineNumber"}
    assert plain.keys() == {"JeBatchId", "links"}


@pytest.mark.parametrize(
    "query",
    ["fields=Segment1", "fields=JeHeaderId", "fields=noChild:X", "fields=journalHeaders:Nope",
     "expand=noChild", "expand=journalHeaders.nope", "bogus=1", "finder=Nope;a=b",
     "finder=PrimaryKey;Nope=1"],
)  # fmt: skip
def test_unknown_names_in_parameters_are_400(fusion: Any, query: str) -> None:
    """Fields, children, parameters, finders and variables must exist."""
    assert fusion.call("GET", f"{BATCHES}?{query}").status_code == 400


def test_collection_parameter_on_an_item_is_400_and_named(fusion: Any) -> None:
    """An item takes no paging."""
    key = fusion.items(f"{BATCHES}?limit=1")[0]["JeBatchId"]
    reply = fusion.call("GET", f"{BATCHES}/{key}?limit=1")

    assert reply.status_code == 400
    assert "limit" in reply.json()["o:errorDetails"][0]["detail"]


def many_headers(fusion: Any) -> int:
    """The batch with more headers than a nested page holds."""
    path = f"{BATCHES}?q=BatchName='Payables of many sites'&onlyData=true&orderBy=JeBatchId"
    return int(fusion.items(path)[0]["JeBatchId"])


def test_expanded_children_are_a_first_page_of_25_from_version_3_on(fusion: Any) -> None:
    """More than 25 headers show 25 and say that there are more."""
    item = fusion.read(f"{BATCHES}/{many_headers(fusion)}?expand=journalHeaders", version=3)
    nested = item["journalHeaders"]

    assert nested.keys() == {"items", "count", "hasMore", "limit", "offset", "links"}
    assert (len(nested["items"]), nested["hasMore"], nested["limit"]) == (25, True, 25)


@pytest.mark.parametrize("version", [1, 2])
def test_expanded_children_are_bare_and_complete_before_version_3(
    fusion: Any, version: int
) -> None:
    """Old versions give plain arrays with all rows, however deep."""
    path = f"{BATCHES}/{many_headers(fusion)}?expand=journalHeaders.journalLines"
    headers = fusion.read(path, version=version)["journalHeaders"]

    assert isinstance(headers, list)
    assert len(headers) == 27
    assert all(isinstance(h["journalLines"], list) and h["journalLines"] for h in headers)


def test_expand_all_and_missing_parents_are_understood(fusion: Any) -> None:
    """`all` goes down the whole tree; a path implies what lies on it."""
    everything = fusion.items(f"{BATCHES}?limit=1&expand=all")[0]
    path = fusion.items(f"{BATCHES}?limit=1&expand=journalHeaders.journalLines")[0]

    for item in (everything, path):
        assert item["journalHeaders"]["items"][0]["journalLines"]["items"]


def test_only_data_drops_every_link(fusion: Any) -> None:
    """Without links there are no child keys to go on with."""
    text = fusion.call("GET", f"{BATCHES}?limit=2&onlyData=true&expand=all").text

    assert '"links"' not in text
    assert "journalHeadersUniqID" not in text
    assert "@context" not in fusion.call("GET", f"{BATCHES}?onlyData=true", version=6).text


def test_links_can_be_narrowed(fusion: Any) -> None:
    """Only the kinds named are written."""
    item = fusion.items(f"{BATCHES}?limit=1&links=self,canonical")[0]

    assert [link["rel"] for link in item["links"]] == ["self", "canonical"]


def test_row_metadata_moves_under_context_from_version_6_on(fusion: Any) -> None:
    """Key, ETag and links stand in `@context`; before, `links` stands in the row."""
    new = fusion.items(f"{BATCHES}?limit=1", version=6)[0]
    old = fusion.items(f"{BATCHES}?limit=1", version=5)[0]

    assert "links" not in new
    assert new["@context"].keys() == {"key", "headers", "links"}
    assert new["@context"]["key"] == str(new["JeBatchId"])
    assert "@context" not in old
    indicator = old["links"][0]["properties"]["changeIndicator"]
    assert new["@context"]["headers"]["ETag"] == indicator


def test_version_header_is_answered_and_its_absence_means_1(fusion: Any) -> None:
    """The version used is stated; without a header it is the switch's."""
    named = fusion.call("GET", LEDGERS, version=7)
    absent = fusion.call("GET", LEDGERS, version=None)
    fusion.turn(default_framework_version=4)
    turned = fusion.call("GET", LEDGERS, version=None)

    versions = [r.headers["rest-framework-version"] for r in (named, absent, turned)]
    assert versions == ["7", "1", "4"]


@pytest.mark.parametrize("value", ["11.13.18.05", "0", "10", "x"])
def test_unknown_framework_version_is_400_or_ignored_by_switch(fusion: Any, value: str) -> None:
    """A value from a blog is refused, unless the pod does not mind."""
    headers = {"REST-Framework-Version": value}
    refused = fusion.call("GET", LEDGERS, version=None, headers=headers)
    fusion.turn(unknown_framework_version="ignore")
    ignored = fusion.call("GET", LEDGERS, version=None, headers=headers)

    assert (refused.status_code, ignored.status_code) == (400, 200)


def test_error_body_is_structured_from_version_4_on(fusion: Any) -> None:
    """Title, status as text, details: the shape of the contract."""
    reply = fusion.call("GET", f"{BATCHES}?q=Foo=1")
    body = reply.json()

    assert reply.headers["content-type"] == "application/vnd.oracle.adf.error+json"
    assert (body["title"], body["status"]) == ("Bad Request", "400")
    assert "Foo" in body["o:errorDetails"][0]["detail"]


@pytest.mark.parametrize(
    ("version", "accept"),
    [(1, "*/*"), (3, "*/*"), (4, "application/vnd.oracle.adf.resourcecollection+json")],
)
def test_error_body_is_plain_text_otherwise(fusion: Any, version: int, accept: str) -> None:
    """Old versions, or an Accept without room for errors, get text."""
    reply = fusion.call("GET", f"{BATCHES}?q=Foo=1", version=version, headers={"Accept": accept})

    assert reply.status_code == 400
    assert reply.headers["content-type"].startswith("text/plain")
    assert "Foo" in reply.text


@pytest.mark.parametrize(
    ("kind", "media"),
    [("html", "text/html"), ("text", "text/plain"), ("json", "application/vnd"), ("empty", "")],
)
def test_error_body_can_be_anything_by_switch(fusion: Any, kind: str, media: str) -> None:
    """No client may count on JSON."""
    fusion.turn(error_body=kind)
    reply = fusion.call("GET", f"{BATCHES}?q=Foo=1", version=9)

    assert reply.status_code == 400
    assert reply.headers.get("content-type", "").startswith(media)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", BATCHES), ("PUT", f"{BATCHES}/1"), ("POST", LEDGERS), ("DELETE", f"{LEDGERS}/1"),
     ("PATCH", BATCHES)],
)  # fmt: skip
def test_verb_that_is_not_enabled_is_405(fusion: Any, method: str, path: str) -> None:
    """Journals are not created here; nobody writes a list of values."""
    reply = fusion.call(method, path, content="{}")

    assert reply.status_code == 405
    assert "GET" in reply.headers["allow"]


def test_accept_and_content_type_are_checked(fusion: Any) -> None:
    """406 where no JSON is wanted, 415 where none is sent."""
    key = fusion.items(f"{BATCHES}?limit=1")[0]["JeBatchId"]
    unacceptable = fusion.call("GET", LEDGERS, headers={"Accept": "text/csv"})
    unsupported = fusion.call(
        "PATCH", f"{BATCHES}/{key}", content="a=1", headers={"Content-Type": "text/plain"}
    )

    assert (unacceptable.status_code, unsupported.status_code) == (406, 415)


def test_media_type_follows_accept(fusion: Any) -> None:
    """The vendor's type by default, plain JSON where only that is named."""
    vendor = fusion.call("GET", LEDGERS)
    plain = fusion.call("GET", LEDGERS, headers={"Accept": "application/json"})

    assert vendor.headers["content-type"] == "application/vnd.oracle.adf.resourcecollection+json"
    assert plain.headers["content-type"] == "application/json"


def test_item_carries_its_change_indicator_twice(fusion: Any) -> None:
    """The ETag header and the self link say the same hex text."""
    key = fusion.items(f"{BATCHES}?limit=1")[0]["JeBatchId"]
    reply = fusion.call("GET", f"{BATCHES}/{key}")
    indicator = reply.json()["links"][0]["properties"]["changeIndicator"]

    assert reply.headers["etag"] == f'"{indicator}"'
    assert indicator.startswith("ACED0005")
    assert set(indicator) <= set("0123456789ABCDEF")
    assert reply.headers["content-type"] == "application/vnd.oracle.adf.resourceitem+json"


def test_item_the_client_has_already_is_304(fusion: Any) -> None:
    """If-None-Match with the present indicator saves the body; an old one does not."""
    key = fusion.items(f"{BATCHES}?limit=1")[0]["JeBatchId"]
    etag = fusion.call("GET", f"{BATCHES}/{key}").headers["etag"]
    same = fusion.call("GET", f"{BATCHES}/{key}", headers={"If-None-Match": etag})
    other = fusion.call("GET", f"{BATCHES}/{key}", headers={"If-None-Match": '"ACED00"'})

    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
    assert other.status_code == 200


def test_stale_if_match_is_412_with_the_current_tag(own: Any) -> None:
    """A change in between is not overwritten; without the header the last writer wins."""
    key = own.items(f"{BATCHES}?q=Status='U'&limit=1")[0]["JeBatchId"]
    path = f"{BATCHES}/{key}"
    stale = own.call("GET", path).headers["etag"]
    first = own.call("PATCH", path, json={"ReversalPeriod": "Dec-26"}, headers={"If-Match": stale})
    second = own.call("PATCH", path, json={"ReversalPeriod": "Nov-26"}, headers={"If-Match": stale})
    third = own.call("PATCH", path, json={"ReversalPeriod": None})

    assert (first.status_code, second.status_code, third.status_code) == (200, 412, 200)
    assert second.headers["etag"] == first.headers["etag"] != stale
    assert third.json()["ReversalPeriod"] is None


def test_date_header_is_the_sandbox_clock(own: Any) -> None:
    """The watermark of a client comes from this header."""
    before = own.call("GET", LEDGERS).headers["date"]
    own.clock.advance(3600)

    assert before == "Tue, 03 Nov 2026 08:00:00 GMT"
    assert own.call("GET", LEDGERS).headers["date"] == "Tue, 03 Nov 2026 09:00:00 GMT"


def test_each_answer_has_a_trace_id(fusion: Any) -> None:
    """Support asks for it."""
    ids = {fusion.call("GET", LEDGERS).headers["x-oracle-dms-ecid"] for _ in range(3)}

    assert len(ids) == 3


def test_patch_may_travel_inside_a_post(own: Any) -> None:
    """The override header makes a POST a PATCH."""
    key = own.items(f"{BATCHES}?q=Status='U'&limit=1")[0]["JeBatchId"]
    headers = {"X-HTTP-Method-Override": "PATCH"}
    reply = own.call("POST", f"{BATCHES}/{key}", json={"ReversalFlag": True}, headers=headers)

    assert reply.json()["ReversalFlag"] is True


def test_describe_tells_attributes_children_and_finders(fusion: Any) -> None:
    """The set-up check of a client finds what it looks for."""
    described = fusion.read(f"{BATCHES}/describe")["Resources"]["journalBatches"]
    attributes = {attribute["name"]: attribute for attribute in described["attributes"]}

    assert attributes["JeBatchId"]["type"] == "integer"
    assert attributes["LastUpdateDate"] == {
        "name": "LastUpdateDate",
        "type": "datetime",
        "updatable": False,
        "mandatory": True,
        "queryable": True,
        "title": "LastUpdateDate",
    }
    assert described["collection"]["rangeSize"] == 25
    finders = {finder["name"] for finder in described["collection"]["finders"]}
    assert finders == {"PrimaryKey", "JournalsFinder"}
    headers = described["children"]["journalHeaders"]
    assert "journalLines" in headers["children"]
    assert described["children"].keys() == {
        "batchAttachment", "journalActionLogs", "journalBatchDFF", "journalErrors",
        "journalHeaders",
    }  # fmt: skip
    assert "POST" not in json.dumps(described["collection"]["actions"])


def test_describe_names_the_segments_of_this_pod(fusion: Any) -> None:
    """Segment attributes differ by customer and are found here only."""
    described = fusion.read("/accountCombinationsLOV/describe")["Resources"]
    names = {a["name"] for a in described["accountCombinationsLOV"]["attributes"]}

    assert {"company", "costCentre", "account", "entity", "department", "subAccount"} <= names
    assert "Segment1" not in names


def test_describe_of_the_root_lists_every_resource(fusion: Any) -> None:
    """The heavy form holds them all."""
    names = fusion.read("/describe")["Resources"].keys()

    assert {"journalBatches", "ledgerBalances", "valueSets", "currencyRates"} <= names
