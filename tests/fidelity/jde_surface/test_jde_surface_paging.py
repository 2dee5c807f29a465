"""Pages of the JDE data service: frozen, bound, limited, and gone when left alone."""

from typing import Any

import httpx2
import pytest


def page_of(reply: Any) -> tuple[list[Any], bool, str | None]:
    """Document numbers with lines, whether there is more, and the next address."""
    assert reply.status_code == 200, reply.text
    told = reply.json()
    grid = told["fs_DATABROWSE_F0911"]["data"]["gridData"]
    assert grid["summary"]["records"] == len(grid["rowset"])
    links = told.get("links")
    keys = [(row["F0911_ICU"], row["F0911_EXA"]) for row in grid["rowset"]]
    return keys, grid["summary"]["moreRecords"], links[0]["href"] if links else None


def open_pages(ais: Any, size: int, **more: Any) -> tuple[list[Any], bool, str | None]:
    """The first page, in the order of batches."""
    asked = {
        "returnControlIDs": "F0911.ICU|EXA",
        "maxPageSize": str(size),
        "enableNextPageProcessing": True,
        "aggregation": {"orderBy": [{"column": "ICU", "direction": "ASC"}]},
    }
    return page_of(ais.ask("F0911", **asked, **more))


def test_pages_show_the_rows_of_the_first_moment(ais: Any) -> None:
    """What is changed, deleted or entered between pages is not seen by them."""
    first, more, href = open_pages(ais, 2)
    ais.server.store.execute("UPDATE F0911 SET EXA = 'changed'")
    ais.server.store.execute("DELETE FROM F0911 WHERE ICU = 15984")
    second, _, href = page_of(ais.http.post(href))
    third, more, end = page_of(ais.http.get(href))
    assert [one[0] for one in first + second + third] == [15981, 15981, 15982, 15982, 15983, 15984]
    assert "changed" not in {one[1] for one in second + third}
    assert (more, end) == (False, None)
    assert ais.ask("F0911", "COUNT").json() == {"ds_F0911": {"count": 5}}


def test_following_a_link_twice_goes_on_twice(ais: Any) -> None:
    """The server stands behind the last row it handed out, so a repeated call skips a page."""
    _, _, href = open_pages(ais, 2)
    assert page_of(ais.http.post(href))[0] != page_of(ais.http.post(href))[0]
    assert page_of(ais.http.post(href)) == ([], False, None)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 6, 7, 100])
def test_pages_make_up_the_whole(ais: Any, size: int) -> None:
    """Whatever the size, every row comes once, and the last page alone has no link."""
    rows, more, href = open_pages(ais, size)
    while href:
        assert more
        assert len(rows) % size == 0
        page, more, href = page_of(ais.http.post(href, content=b"null"))
        rows += page
    assert not more
    assert len(rows) == 6


def test_fetch_limit_ends_pages_early_and_says_more(ais: Any) -> None:
    """The last page within the limit has more records but no link."""
    ais.turn(dbFetchLimit=3)
    first, more, href = open_pages(ais, 2)
    assert (len(first), more) == (2, True)
    second, more, href = page_of(ais.http.post(href))
    assert (len(second), more, href) == (1, True, None)
    assert open_pages(ais, 100)[1:] == (True, None)


def test_no_max_is_one_page_up_to_the_limit(ais: Any) -> None:
    """Without a limit all rows come at once and nothing is left."""
    ais.turn(dbFetchLimit=0)
    reply = ais.ask("F0911", returnControlIDs="ICU|EXA", maxPageSize="No Max")
    assert len(page_of(reply)[0]) == 6
    assert page_of(reply)[1:] == (False, None)


def test_result_set_left_alone_is_gone(ais: Any) -> None:
    """Sixty seconds from the last page it lives, one more and the whole read starts again."""
    href = open_pages(ais, 1)[2]
    for _ in range(2):
        ais.clock.advance(60)
        href = page_of(ais.http.post(href))[2]
    ais.clock.advance(61)
    reply = ais.http.post(href)
    assert reply.status_code == 500
    assert reply.json()["sysErrors"][0]["TITLE"].startswith("JAS_MSG347")


@pytest.mark.parametrize(("wanted", "status"), [(444, 444), (500, 500)])
def test_result_set_belongs_to_its_token(ais: Any, wanted: int, status: int) -> None:
    """Another living token is turned away, and the owner goes on."""
    ais.turn(nextOtherToken=wanted)
    href = httpx2.URL(str(open_pages(ais, 2)[2]))
    address, owner = href.copy_with(query=None), ais.token
    other = ais.login(deviceName="second").json()["userInfo"]["token"]
    params = {"rid": href.params["rid"], "token": other}
    assert ais.http.post(address, params=params).status_code == status
    assert ais.http.post(address, params=params | {"token": owner}).status_code == 200


def test_result_sets_end_with_their_session(ais: Any) -> None:
    """After a log-out the link is dead, and its connection free for others."""
    href = open_pages(ais, 2)[2]
    assert ais.call("POST", "/v2/tokenrequest/logout", json={}).status_code == 200
    assert ais.http.post(href).status_code == 444


def test_oldest_result_set_gives_way(ais: Any) -> None:
    """Sixty-four may be open; one more ends the one that was used longest ago."""
    oldest = open_pages(ais, 2)[2]
    ais.clock.advance(1)
    hrefs = [open_pages(ais, 2)[2] for _ in range(64)]
    assert ais.http.post(oldest).status_code == 500
    assert ais.http.post(hrefs[0]).status_code == 200


@pytest.mark.parametrize(
    ("host", "origin"),
    [("wrong", "https://ais01.example.internal:8443/"), ("http", "http://ais.halden.example/")],
)
def test_link_names_the_host_the_server_believes_in(ais: Any, host: str, origin: str) -> None:
    """Which need not be one the client can reach."""
    ais.turn(nextHost=host, publicOrigin="https://ais.halden.example")
    href = open_pages(ais, 2)[2]
    assert href is not None
    assert href.startswith(origin)


def test_stateless_call_gets_no_link(stranger: Any) -> None:
    """Its session ends with the call, so nothing could follow the link."""
    stranger.http.auth = ("PLNSVC", "halden-password")
    assert open_pages(stranger, 2)[1:] == (True, None)
