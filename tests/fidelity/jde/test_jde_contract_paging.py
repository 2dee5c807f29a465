"""Next pages: links, a frozen result set, its expiry, the fetch limit."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

Row = dict[str, Any]
COLUMNS = "KCO DCT DOC DGJ JELN LT EXTL AA"


def first_page(ais: Any, *conditions: Any, **more: Any) -> Any:
    """The body of a read in pages of fifty."""
    body = ais.browsing("F0911", COLUMNS, *conditions, maxPageSize="50")
    return {**body, "enableNextPageProcessing": True, **more}


def href(answer: Any) -> str:
    """The address of the next page."""
    (link,) = answer["links"]
    assert link["rel"] == "next"
    return str(link["href"])


def test_pages_hold_every_row_once_in_order(ais: Any, ledger: list[Row]) -> None:
    """Full pages of the size asked for, a last one without links."""
    pages = ais.pages(first_page(ais, ais.when("CO", "EQUAL", "00001")))
    summaries = [ais.grid(page, "F0911")["summary"] for page in pages]
    rows = [row for page in pages for row in ais.rows(page, "F0911")]
    expected = [row for row in ledger if row["CO"] == "00001"]

    assert len(pages) > 3
    assert [one["records"] for one in summaries[:-1]] == [50] * (len(pages) - 1)
    assert [one["moreRecords"] for one in summaries] == [True] * (len(pages) - 1) + [False]
    assert "links" not in pages[-1]
    assert len(rows) == len(expected) == sum(one["records"] for one in summaries)
    keys = [tuple(row[name] for name in COLUMNS.split()[:-1]) for row in rows]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    "way",
    [
        {"method": "POST", "content": b"null", "headers": {"Content-Type": "application/json"}},
        {"method": "POST", "content": b"", "headers": {}},
        {"method": "POST", "content": b"null", "headers": {}},
        {"method": "GET", "headers": {}},
    ],
)
@pytest.mark.parametrize("signed", [True, False])
def test_next_page_comes_by_post_and_by_get(ais: Any, way: Row, *, signed: bool) -> None:
    """With null, with nothing, without Content-Type, without headers: the token in it suffices."""
    answer = ais.read(first_page(ais))
    reply = ais.send(
        way["method"],
        href(answer),
        signed=signed,
        **{k: v for k, v in way.items() if k != "method"},
    )

    assert reply.status_code == 200, reply.text
    assert len(ais.rows(reply.json(), "F0911")) == 50
    assert ais.rows(ais.loads(reply.text), "F0911") != ais.rows(answer, "F0911")


def test_string_true_asks_for_next_pages_too(ais: Any) -> None:
    """Booleans come as text from some clients."""
    assert "links" in ais.read(first_page(ais, enableNextPageProcessing="true"))
    assert "links" not in ais.read(first_page(ais, enableNextPageProcessing="false"))


def test_link_carries_what_the_next_page_needs(ais: Any) -> None:
    """An absolute address with ids, token, output type and columns."""
    answer = ais.read(first_page(ais))
    parts = urlsplit(href(answer))
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}

    assert parts.scheme in {"http", "https"}
    assert parts.netloc
    assert parts.path == "/jderest/v2/dataservice/next"
    assert (query["stackId"], query["stateId"], query["rid"]) == (
        str(answer["stackId"]), str(answer["stateId"]), answer["rid"],
    )  # fmt: skip
    assert query["fullGridId"] == ais.grid(answer, "F0911")["fullGridId"]
    assert query["token"] == ais.token
    assert query["outputType"] == "GRID_DATA"
    assert query["returnControlIDs"].split("|") == [f"F0911.{c}" for c in COLUMNS.split()]
    assert "|" not in parts.query
    assert answer["links"][0].keys() >= {"rel", "context", "href"}


def test_no_link_where_nothing_follows_or_nobody_asked(ais: Any) -> None:
    """A complete first page and a read without next pages have none."""
    assert "links" not in ais.read(first_page(ais, ais.when("DOC", "EQUAL", "1")))
    assert "links" not in ais.read(ais.browsing("F0911", "DOC", maxPageSize="50"))


def test_result_set_is_frozen_while_the_rows_change(own: Any) -> None:
    """A journal written between two pages is not in them, and nothing is missed."""
    condition = own.when("LT", "EQUAL", "BA")
    before = {
        tuple(map(str, row.values())) for row in own.browse("F0911", "DOC JELN AA", condition)
    }
    body = {**own.browsing("F0911", "DOC JELN AA", condition, maxPageSize="20")}
    answer = own.read({**body, "enableNextPageProcessing": True})
    rows = own.rows(answer, "F0911")
    own.write("FROZEN01", [100, 200, 300])
    while answer.get("links"):
        answer = own.loads(own.post(href(answer)).text)
        rows += own.rows(answer, "F0911")

    assert len(rows) == len(before)
    assert sorted(sorted(map(str, row.values())) for row in rows) == sorted(
        sorted(one) for one in before
    )
    assert own.count("F0911", condition) == len(before) + 3


def test_result_set_expires_after_sixty_idle_seconds(own: Any) -> None:
    """The page is 500 with JAS_MSG347, also when asked again; the session lives."""
    address = href(own.read(first_page(own)))
    own.advance(seconds=61)
    for _ in range(2):
        reply = own.post(address)
        assert reply.status_code == 500
        assert reply.json()["sysErrors"][0]["TITLE"].startswith("JAS_MSG347")
        assert reply.json()["sysErrors"][0]["DESC"].startswith("JAS_MSG347")

    assert own.query(first_page(own)).status_code == 200


def test_result_set_lives_on_while_it_is_read(own: Any) -> None:
    """Each page starts the minute anew."""
    answer = own.read(first_page(own))
    for _ in range(4):
        own.advance(seconds=55)
        reply = own.post(href(answer))
        assert reply.status_code == 200
        answer = own.loads(reply.text)


def test_invented_result_set_is_refused(ais: Any) -> None:
    """An id nobody gave out has no pages."""
    answer = ais.read(first_page(ais))
    address = href(answer).replace(f"rid={answer['rid']}", "rid=0000000")

    assert ais.post(address).status_code in {400, 500}


@pytest.mark.parametrize("status", [444, 500])
def test_result_set_belongs_to_its_token(ais: Any, status: int) -> None:
    """A new log-in cannot read on, whether the token is replaced in the address or not."""
    ais.turn(nextOtherToken=status)
    old = ais.token
    address = href(ais.read(first_page(ais)))
    ais.sign_on()
    parts = urlsplit(address)
    query = parse_qs(parts.query)
    assert query["token"] == [old]
    query["token"] = [ais.token]
    path = "/v2/dataservice/next"
    reply = ais.send("GET", path, params={name: values[0] for name, values in query.items()})

    assert reply.status_code == status


def test_next_page_of_a_dead_session_is_refused(own: Any) -> None:
    """After the log-out the address opens nothing."""
    address = href(own.read(first_page(own)))
    own.post("/v2/tokenrequest/logout", {"token": own.token}, signed=False)

    assert own.post(address, signed=False).status_code in {403, 444}


def test_two_reads_do_not_disturb_each_other(ais: Any) -> None:
    """Pages of two result sets, taken in turns."""
    one = ais.read(first_page(ais, ais.when("CO", "EQUAL", "00001")))
    two = ais.read(first_page(ais, ais.when("CO", "EQUAL", "00200")))
    for _ in range(2):
        one = ais.loads(ais.post(href(one)).text)
        if "links" in two:
            two = ais.loads(ais.post(href(two)).text)
        assert len(ais.rows(one, "F0911")) == 50

    assert one["rid"] != two["rid"]


def test_next_page_interval_is_taken(ais: Any) -> None:
    """How fast the server fetches ahead changes nothing in the rows."""
    pages = ais.pages(
        first_page(ais, ais.when("CO", "EQUAL", "00300"), nextPageTimeInterval="1000")
    )

    assert sum(len(ais.rows(page, "F0911")) for page in pages) == ais.count(
        "F0911", ais.when("CO", "EQUAL", "00300")
    )


@pytest.mark.long
def test_whole_ledger_comes_in_pages_of_five_hundred(full: Any) -> None:
    """As many rows as COUNT says, each once; one batch alone has more than a thousand."""
    keys = "DCT DOC KCO DGJ JELN LT EXTL"
    pages = full.pages(full.browsing("F0911", keys, maxPageSize="500"))
    rows = [tuple(row[k] for k in keys.split()) for p in pages for row in full.rows(p, "F0911")]
    count = full.count("F0911")
    batches = full.aggregate("F0911", "COUNT:*", "ICUT ICU")

    assert 9_000 < count < 11_000
    assert len(pages) == -(-count // 500)
    assert len(set(rows)) == len(rows) == count
    assert max(row["COUNT"] for row in batches) >= 1_200


def test_many_readers_at_once_see_the_same(ais: Any) -> None:
    """Four threads page through one table."""
    body = ais.browsing("F0901", "AID", maxPageSize="40")

    def read(_: int) -> list[str]:
        return [row["AID"] for page in ais.pages(body) for row in ais.rows(page, "F0901")]

    with ThreadPoolExecutor(4) as pool:
        seen = list(pool.map(read, range(4)))

    assert all(one == seen[0] for one in seen)
    assert len(set(seen[0])) == len(seen[0]) == ais.count("F0901")


# The fetch limit.


def test_fetch_limit_cuts_and_says_so(ais: Any) -> None:
    """No Max stops at the limit with more records and no link; COUNT knows them all."""
    ais.turn(dbFetchLimit=300)
    answer = ais.read(ais.browsing("F0911", "DOC"))

    assert ais.grid(answer, "F0911")["summary"] == {"records": 300, "moreRecords": True}
    assert "links" not in answer
    assert ais.count("F0911") > 300


def test_fetch_limit_of_the_first_day_is_2000(own: Any) -> None:
    """Not one row more, whatever page size was asked for."""
    own.server.switches.reset()
    assert own.count("F0911") > 2000, "the company is too small to show the limit"
    for size in ("No Max", "20000"):
        grid = own.grid(own.read(own.browsing("F0911", "DOC", maxPageSize=size)), "F0911")
        assert grid["summary"] == {"records": 2000, "moreRecords": True}


def test_fetch_limit_never_cuts_pages_silently(own: Any) -> None:
    """Page by page all rows come, or the last page says that more exist."""
    own.server.switches.reset()
    answer = own.read(first_page(own, maxPageSize="500"))
    rows = len(own.rows(answer, "F0911"))
    while answer.get("links"):
        answer = own.loads(own.post(href(answer)).text)
        rows += len(own.rows(answer, "F0911"))
    has_more = own.grid(answer, "F0911")["summary"]["moreRecords"]

    assert has_more is (rows < own.count("F0911"))


def test_fetch_limit_may_be_off(ais: Any) -> None:
    """Then No Max is what it says."""
    ais.turn(dbFetchLimit=0)
    answer = ais.read(ais.browsing("F0911", "DOC"))

    assert ais.grid(answer, "F0911")["summary"] == {
        "records": ais.count("F0911"), "moreRecords": False,
    }  # fmt: skip


@pytest.mark.parametrize("position", ["configured", "wrong", "http"])
def test_host_of_the_link_follows_the_switch(ais: Any, position: str) -> None:
    """Only path and query can be relied upon; re-based they lead on."""
    ais.turn(nextHost=position)
    parts = urlsplit(href(ais.read(first_page(ais))))
    reply = ais.post(f"{ais.url}{parts.path}?{parts.query}")

    assert reply.status_code == 200
    if position == "wrong":
        assert parts.netloc != urlsplit(ais.url).netloc
    if position == "http":
        assert parts.scheme == "http"
