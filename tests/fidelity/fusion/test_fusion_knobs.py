"""Each switch turned once: the pod that is less friendly than the default one."""

import json
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2
import pytest

from ml_connector.sandbox.fusion.switches import FUSION_SWITCHES

BATCHES = "/journalBatches"
LATER = {
    "name": "Came between",
    "journals": [
        {
            "ledger": "Halden US",
            "period": "Nov-26",
            "lines": [
                {"combination": "101.20.68010.310.000.000", "debit": "1"},
                {"combination": "101.00.22100.000.000.000", "credit": "1"},
            ],
        }
    ],
}


def ids(page: dict[str, Any]) -> list[int]:
    """The ids of a page."""
    return [item["JeBatchId"] for item in page["items"]]


def test_every_switch_is_known_at_the_side_door(fusion: Any) -> None:
    """The control interface lists them with their defaults."""
    positions = fusion.client.get(f"{fusion.server.url}/__sandbox/switches").json()

    assert positions == {name: switch.default for name, switch in FUSION_SWITCHES.items()}


def test_items_may_be_missing_when_there_are_none(fusion: Any) -> None:
    """An empty page may have no `items` at all."""
    fusion.turn(items_missing_when_empty=True)

    assert "items" not in fusion.read(f"{BATCHES}?q=JeBatchId=1")
    assert "items" in fusion.read(f"{BATCHES}?limit=1")


def test_has_more_may_lie_both_ways(fusion: Any) -> None:
    """It may say no where rows follow, and yes behind the last."""
    fusion.turn(has_more="never")
    early = fusion.read(f"{BATCHES}?limit=2")
    fusion.turn(has_more="always")
    past = fusion.read(f"{BATCHES}?limit=2&offset=90000")

    assert (early["count"], early["hasMore"]) == (2, False)
    assert (past["count"], past["hasMore"]) == (0, True)


def test_page_may_be_repeated(fusion: Any) -> None:
    """The second page may hold the rows of the first while it says otherwise."""
    honest = fusion.read(f"{BATCHES}?limit=5&offset=5")
    fusion.turn(repeat_page=True)
    first, second = (fusion.read(f"{BATCHES}?limit=5&offset={n}") for n in (0, 5))

    assert ids(first) == ids(second) != ids(honest)
    assert second["offset"] == 5


def test_default_order_is_nobodys_promise(fusion: Any) -> None:
    """Without orderBy the rows may come the other way round."""
    before = ids(fusion.read(f"{BATCHES}?limit=3"))
    fusion.turn(default_order="reversed")
    after = ids(fusion.read(f"{BATCHES}?limit=3"))

    assert after == sorted(after, reverse=True) != before


def test_nested_page_size_can_be_smaller(fusion: Any) -> None:
    """Whoever assumes 25 is wrong."""
    fusion.turn(nested_page_size=1)
    q = "BatchName='Group accruals'"
    item = fusion.items(f"{BATCHES}?limit=1&expand=journalHeaders&q={q}")[0]

    assert (item["journalHeaders"]["count"], item["journalHeaders"]["hasMore"]) == (1, True)


def test_empty_children_may_be_absent(fusion: Any) -> None:
    """An expanded child without rows is an empty collection, or not there at all."""
    before = fusion.items(f"{BATCHES}?limit=1&expand=all")[0]
    fusion.turn(empty_children_missing=True)
    after = fusion.items(f"{BATCHES}?limit=1&expand=all")[0]

    assert before["journalErrors"]["items"] == []
    assert "journalErrors" not in after
    assert after["journalHeaders"]["items"]


def test_meanings_follow_the_language_and_codes_do_not(fusion: Any) -> None:
    """The header decides, then the user's preference; the code stays."""
    path = f"{BATCHES}?limit=1&onlyData=true&q=Status='P'"
    asked = fusion.items(path, headers={"Accept-Language": "de-CH,en;q=0.5"})[0]
    fusion.turn(user_language="fr")
    preferred = fusion.items(path)[0]

    assert (asked["StatusMeaning"], preferred["StatusMeaning"]) == ("Gebucht", "Comptabilisé")
    assert asked["ActualFlagMeaning"] == "Ist"
    assert {asked["Status"], preferred["Status"]} == {"P"}


def test_request_without_credentials_may_be_sent_to_a_log_in_page(fusion: Any) -> None:
    """302 to another host; wrong credentials are still 401."""
    fusion.turn(without_credentials="redirect")
    url = f"{fusion.server.url}/fscmRestApi/resources/11.13.18.05/journalBatches"
    with httpx2.Client() as client:
        bare = client.get(url)
        wrong = client.get(url, auth=("INTEGRATION.USER", "wrong"))

    assert (bare.status_code, wrong.status_code) == (302, 401)
    assert bare.headers["location"].startswith("https://login.")


def test_total_may_fail_or_move(fusion: Any) -> None:
    """Large tables answer 500; the estimate moves between pages."""
    fusion.turn(total_results_fails=True)
    failed = fusion.call("GET", f"{BATCHES}?totalResults=true").status_code
    without = fusion.call("GET", BATCHES).status_code
    fusion.turn(total_results_fails=False, total_results_drift=3)
    totals = [
        fusion.read(f"{BATCHES}?totalResults=true&limit=10&offset={n}")["totalResults"]
        for n in (0, 10, 20)
    ]

    assert (failed, without) == (500, 200)
    assert [total - totals[0] for total in totals] == [0, 3, 6]


def test_long_text_fields_may_fail(fusion: Any) -> None:
    """Naming such an attribute in `fields` is 500; leaving it out is not."""
    fusion.turn(clob_fields_fail=True)

    assert fusion.call("GET", f"{BATCHES}?fields=ErrorMessage").status_code == 500
    assert fusion.call("GET", f"{BATCHES}?fields=BatchName").status_code == 200


@pytest.mark.parametrize(
    ("switch", "path"),
    [("lov_privilege", "/ledgersLOV"), ("lov_privilege", "/chartOfAccountsLOV"),
     ("journal_privilege", BATCHES)],
)  # fmt: skip
def test_missing_privilege_is_403(fusion: Any, switch: str, path: str) -> None:
    """A function the user does not have is forbidden, with a body by version."""
    fusion.turn(**{switch: "denied"})
    reply = fusion.call("GET", path)

    assert (reply.status_code, reply.json()["status"]) == (403, "403")
    assert fusion.call("GET", "/valueSets").status_code == 200


def test_missing_data_role_is_200_without_rows(fusion: Any) -> None:
    """Data the user may not see is simply not there, in lists, by key and in balances."""
    key = ids(fusion.read(f"{BATCHES}?limit=1"))[0]
    fusion.turn(data_roles={"INTEGRATION.USER": []})
    page = fusion.read(f"{BATCHES}?totalResults=true")
    finder = (
        "AccountBalanceFinder;accountCombination=%25.%25.%25.%25.%25.%25,"
        "accountingPeriod=Sep-26,currency=USD,ledgerName=Halden US"
    )

    assert (page["items"], page["totalResults"]) == ([], 0)
    assert fusion.call("GET", f"{BATCHES}/{key}").status_code == 404
    assert fusion.read(f"/ledgerBalances?finder={finder}")["items"] == []


def test_data_role_for_one_ledger_shows_its_journals_only(fusion: Any) -> None:
    """A batch of two ledgers shows the header the user may see."""
    fusion.turn(data_roles={"INTEGRATION.USER": ["Halden Canada"]})
    q = "BatchName='Group accruals'"
    batches = fusion.items(f"{BATCHES}?q={q}&expand=journalHeaders")
    headers = [h["LedgerName"] for b in batches for h in b["journalHeaders"]["items"]]
    charts = {b["ChartOfAccountsName"] for b in fusion.items(f"{BATCHES}?limit=500")}

    assert headers
    assert set(headers) == {"Halden Canada"}
    assert charts == {"Halden Americas Chart"}


@pytest.mark.parametrize(
    ("wanted", "start"),
    [
        ("443", "https://127.0.0.1:443/"),
        ("https://elsewhere.example", "https://elsewhere.example/"),
    ],
)
def test_links_may_name_another_host(fusion: Any, wanted: str, start: str) -> None:
    """The path of a link is right, its host is not to be trusted."""
    fusion.turn(link_host=wanted)
    link = fusion.items(f"{BATCHES}?limit=1")[0]["links"][0]["href"]

    assert link.startswith(start)
    path = link.removeprefix(start)
    assert fusion.call("GET", f"{fusion.server.url}/{path}").status_code == 200


def test_links_follow_the_host_that_was_asked(fusion: Any) -> None:
    """Behind a proxy the host of the request is the host of the links."""
    headers = {"Host": "fusion.halden.example"}
    link = fusion.items(f"{BATCHES}?limit=1", headers=headers)[0]["links"][0]["href"]

    assert link.startswith("http://fusion.halden.example/fscmRestApi/")


def throttled(fusion: Any, **setting: Any) -> list[Any]:
    """Six readings while the pod is too busy for every second."""
    fusion.turn(throttle={"every": 2, **setting})
    return [fusion.call("GET", f"{BATCHES}?limit=1") for _ in range(6)]


def test_busy_pod_refuses_every_nth_with_changing_bodies(fusion: Any) -> None:
    """Status, hint, and three kinds of body in turn."""
    replies = throttled(fusion, status=429)
    refused = [reply for reply in replies if reply.status_code == 429]

    assert len(refused) == 3
    assert {reply.headers["retry-after"] for reply in refused} == {"2"}
    kinds = {reply.headers.get("content-type", "none").split(";")[0] for reply in refused}
    assert kinds == {"application/vnd.oracle.adf.error+json", "text/html", "none"}


def test_busy_pod_may_name_a_date_or_nothing(fusion: Any) -> None:
    """Retry-After is seconds, a date of the pod's clock, or absent."""
    dated = [r for r in throttled(fusion, retry_after="date", seconds=7) if r.status_code == 429]
    silent = [r for r in throttled(fusion, retry_after="none", status=503, body="empty")
              if r.status_code == 503]  # fmt: skip

    at = parsedate_to_datetime(dated[0].headers["retry-after"])
    assert at.timestamp() - fusion.clock.now() == 7
    assert all("retry-after" not in r.headers and r.content == b"" for r in silent)


def test_answer_may_break_off(fusion: Any) -> None:
    """A truncated body is no JSON and shorter than promised."""
    fusion.server.faults.add({"kind": "truncate_body", "path": "journalBatches", "cut_at": 100})

    with pytest.raises(httpx2.RemoteProtocolError):
        fusion.call("GET", BATCHES)
    assert fusion.read(BATCHES)["count"] == 25


def test_maintenance_page_is_html(fusion: Any) -> None:
    """A fault rule puts a gateway's page in place of an answer."""
    fusion.server.faults.add({"kind": "html", "path": "journalBatches", "status": 503})
    reply = fusion.call("GET", BATCHES)

    assert reply.status_code == 503
    with pytest.raises(json.JSONDecodeError):
        reply.json()


def scan(own: Any, *, mutate: dict[str, Any]) -> list[int]:
    """A scan in two halves by offset, while something happens before the second page."""
    rule = {"kind": "hook", "hook": "mutate", "path": "offset=20", "arguments": mutate}
    own.server.faults.add(rule)
    q = "LastUpdateDate <= '2026-11-03T07:59:59Z'"
    pages = [
        own.read(f"{BATCHES}?limit={limit}&offset={offset}&orderBy=JeBatchId&q={q}")
        for limit, offset in ((20, 0), (500, 20))
    ]
    return ids(pages[0]) + ids(pages[1])


@pytest.mark.parametrize("op", ["update", "delete"])
def test_row_that_leaves_the_filter_hides_its_neighbour(own: Any, op: str) -> None:
    """Offset paging skips one row when an earlier one moves out."""
    q = "LastUpdateDate <= '2026-11-03T07:59:59Z'"
    before = ids(own.read(f"{BATCHES}?limit=500&orderBy=JeBatchId&q={q}"))
    seen = scan(own, mutate={"op": op, "row": 3})

    assert sorted(set(before) - set(seen)) == [before[20]]


def test_row_that_comes_between_pages_is_seen_later(own: Any) -> None:
    """A batch inserted during a scan is there in the next one."""
    seen = scan(own, mutate={"op": "insert", "form": LATER})
    now = ids(own.read(f"{BATCHES}?limit=500"))

    assert len(set(now) - set(seen)) == 1


def test_late_visibility_shows_rows_with_earlier_timestamps(own: Any) -> None:
    """A batch commits two minutes after the moment it carries."""
    own.turn(visibility_delay_s=120)
    asked_at = own.clock.now_utc()
    created = own.do("create_batch", **LATER)["JeBatchId"]
    own.clock.advance(119)
    early = own.call("GET", f"{BATCHES}/{created}").status_code
    own.clock.advance(2)
    batch = own.batch(created)

    assert early == 404
    assert batch["LastUpdateDate"] == asked_at.isoformat(timespec="milliseconds")
    assert batch["BatchName"] == "Came between"


def test_late_visibility_holds_for_posting_too(own: Any) -> None:
    """Until the posting is committed the batch is seen as it was; balances follow it."""
    created = own.do("create_batch", **LATER, status="U")["JeBatchId"]
    own.turn(visibility_delay_s=60)
    own.clock.advance(10)
    own.do("post_batch", JeBatchId=created)
    before = own.batch(created)
    own.clock.advance(61)
    after = own.batch(created)

    assert (before["Status"], after["Status"]) == ("U", "P")
    assert after["LastUpdateDate"].startswith("2026-11-03T08:00:10")


def test_late_change_that_is_refused_is_refused_at_once(own: Any) -> None:
    """The delay does not hide a mistake."""
    own.turn(visibility_delay_s=60)
    url = f"{own.server.url}/__sandbox/post_batch"

    assert own.client.post(url, json={"JeBatchId": 1}).status_code == 400
    assert own.server.store.query("SELECT COUNT(*) FROM deferred") == [(0,)]


def test_late_change_that_has_become_impossible_is_dropped(own: Any) -> None:
    """A batch that was deleted before its posting committed is simply not posted."""
    created = own.do("create_batch", **LATER, status="U")["JeBatchId"]
    own.turn(visibility_delay_s=60)
    own.do("post_batch", JeBatchId=created)
    own.turn(visibility_delay_s=0)
    own.do("delete_batch", JeBatchId=created)
    own.clock.advance(61)

    assert own.call("GET", f"{BATCHES}/{created}").status_code == 404
    assert own.server.store.query("SELECT COUNT(*) FROM deferred") == [(0,)]
