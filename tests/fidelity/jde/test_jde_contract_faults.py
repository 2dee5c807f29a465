"""The eighteen bad days a client has to live through, each on the wire."""

from decimal import Decimal
from typing import Any

import httpx2
import pytest

F0010_COUNT = {"targetName": "F0010", "targetType": "table", "dataServiceType": "COUNT"}
DEAD = {403, 444}


def paged(own: Any) -> Any:
    """The first page of a read in pages of fifty."""
    body = own.browsing("F0911", "DOC JELN", maxPageSize="50", enableNextPageProcessing=True)
    return own.read(body)


def orchestration(own: Any, *words: str) -> str:
    """The orchestration whose name or description has one of the words."""
    listed = own.send("GET", "/v2/discover").json()["orchestrations"]
    texts = {one["name"]: f"{one['name']} {one['description']}".lower() for one in listed}
    return str(next(n for n, text in texts.items() if any(word in text for word in words)))


def test_restart_between_login_and_page_two_kills_token_and_result(own: Any) -> None:
    """1: everything in memory is gone, a new log-in works, the old page does not."""
    address = paged(own)["links"][0]["href"]
    own.do("restart_ais")

    assert own.post(address).status_code in {403, 444, 500}
    assert own.query(F0010_COUNT).status_code in DEAD
    assert own.sessions() == []
    own.sign_on()
    assert own.query(F0010_COUNT).status_code == 200
    assert own.post(address).status_code in {403, 444, 500}


def test_html_server_may_die_while_the_token_seems_to_live(own: Any) -> None:
    """2: calls fail although nobody logged out; a new log-in mends it."""
    own.do("kill_jas")
    assert own.query(F0010_COUNT).status_code in {403, 444, 500}
    own.sign_on()

    assert own.query(F0010_COUNT).status_code == 200


@pytest.mark.parametrize("position", [500, 444, 200])
def test_dead_html_server_is_told_as_switched(own: Any, position: int) -> None:
    """2: an error status, a dead token, or a success that holds an error."""
    own.turn(deadJas=position)
    own.do("kill_jas")
    reply = own.query(F0010_COUNT)

    assert reply.status_code == position
    if position == 200:
        assert reply.json()["sysErrors"]


def test_books_outlive_the_process_and_sessions_do_not(own: Any) -> None:
    """1: after a new start the journal is there and the old token is dead."""
    own.write("OUTLIVE1", [1250, -300])
    own.restart()
    assert own.query(F0010_COUNT).status_code in DEAD
    own.sign_on()

    assert [row["AA"] for row in own.keyed("OUTLIVE1")] == [1250, -300]


def test_result_set_expires_between_pages(own: Any) -> None:
    """3: 500 with JAS_MSG347; reading from the first page again gives all rows."""
    address = paged(own)["links"][0]["href"]
    own.advance(seconds=61)
    reply = own.post(address)
    assert (reply.status_code, "JAS_MSG347" in reply.text) == (500, True)
    pages = own.pages(own.browsing("F0911", "DOC JELN", maxPageSize="500"))

    assert sum(len(own.rows(page, "F0911")) for page in pages) == own.count("F0911")


def test_token_of_another_device_is_refused_without_harm(own: Any) -> None:
    """4: the thief gets nothing, the owner goes on."""
    own.device = "stolen"
    assert own.query(F0010_COUNT).status_code in DEAD
    own.device = "planning-connector-01"

    assert own.query(F0010_COUNT).status_code == 200


def test_login_may_be_refused_for_the_host(own: Any) -> None:
    """5: 405 in JSON that names the list."""
    own.turn(allowedHosts="405Login")
    reply = own.login()

    assert reply.status_code == 405
    assert "Allowed Hosts" in reply.json()["message"]
    assert reply.json()["status"] == "ERROR"


def test_locked_account_stays_locked(own: Any) -> None:
    """6: waiting does not help."""
    own.turn(badLogin="403ThenDisabled")
    for _ in range(10):
        own.login(word="guess")
    own.advance(days=1)

    assert own.login().status_code == 403


@pytest.mark.parametrize("status", [502, 503, 504])
def test_gateway_may_answer_with_a_page(own: Any, status: int) -> None:
    """7: HTML where JSON was expected; the next call is answered again."""
    own.fault(kind="html", path="/dataservice", status=status)
    reply = own.query(F0010_COUNT)

    assert reply.status_code == status
    assert "html" in reply.headers["Content-Type"]
    assert own.query(F0010_COUNT).status_code == 200


def test_answer_may_break_off_or_stay_away(own: Any) -> None:
    """7: truncated JSON and a reset."""
    own.fault(kind="truncate_body", path="/dataservice", cut_at=20)
    with pytest.raises(httpx2.RemoteProtocolError):
        own.query(F0010_COUNT)
    own.fault(kind="reset_before", path="/dataservice")
    with pytest.raises(httpx2.TransportError):
        own.query(F0010_COUNT)

    assert own.query(F0010_COUNT).status_code == 200


def test_fetch_limit_truncates_with_more_records(own: Any) -> None:
    """8 and 17: the flag is the only sign; no link leads on."""
    own.turn(dbFetchLimit=120)
    answer = own.read(own.browsing("F0911", "DOC"))

    assert own.grid(answer, "F0911")["summary"] == {"records": 120, "moreRecords": True}
    assert "links" not in answer


def test_post_leaves_the_date_of_update(own: Any) -> None:
    """9: a row that became an actual today is not among today's changes."""
    own.write("NOSTAMP1", [1250])
    own.advance(days=3)
    own.sign_on()
    row = own.keyed("NOSTAMP1")[0]
    own.do("post_batch", batch=f"G-{row['ICU']}")
    key = own.when("R2", "EQUAL", "NOSTAMP1")

    assert own.keyed("NOSTAMP1")[0]["POST"] == "P"
    assert (
        own.count("F0911", key, own.special("UPMJ", "GREATER_EQUAL", "TODAY_MINUS_DAY", "2")) == 0
    )
    assert (
        own.count("F0911", key, own.special("UPMJ", "GREATER_EQUAL", "TODAY_MINUS_DAY", "3")) == 1
    )


def test_orchestration_commits_and_is_never_heard_of(own: Any) -> None:
    """10: the client gives up, the rows are there, the repetition is a duplicate."""
    own.fault(kind="delay", path="/orchestrator/", delay_s=3600, effect=True)
    body = own.plan("TIMEOUT1", own.lines([1250, -300]))
    path = f"{own.url}/jderest/v3/orchestrator/PLN_PostBudgetJournal"
    with pytest.raises(httpx2.ReadTimeout):
        own.http.post(path, json=body, headers=own.headers(), timeout=0.1)
    written = own.await_keyed("TIMEOUT1")
    again = own.run(body).json()

    assert [row["AA"] for row in written] == [1250, -300]
    assert (again["Result"], again["BatchNumber"]) == ("DUPLICATE", written[0]["ICU"])
    assert len(own.keyed("TIMEOUT1")) == 2


def test_orchestration_may_write_and_then_fail(own: Any) -> None:
    """10: status 500 proves nothing; the rows carry the key."""
    name = orchestration(own, "fail")
    reply = own.run(own.plan("WROTE001", own.lines([1250])), name=name)

    assert (reply.status_code, reply.json()["jde__status"]) == (500, "ERROR")
    assert [row["AA"] for row in own.keyed("WROTE001")] == [1250]


def test_clock_may_be_askew_around_midnight(own: Any) -> None:
    """14: written before and after midnight in two zones; an overlap of two days finds both."""
    own.turn(serverZones="+9/-8")
    for key, moment in (("SKEWED01", "2026-11-05T14:59:00Z"), ("SKEWED02", "2026-11-05T15:01:00Z")):
        own.set_clock(moment)
        own.sign_on()
        own.write(key, [10])
    dates = [own.keyed(key, "UPMJ LT JELN")[0]["UPMJ"] for key in ("SKEWED01", "SKEWED02")]
    window = own.special("UPMJ", "GREATER_EQUAL", "TODAY_MINUS_DAY", "2")

    assert dates == ["20261105", "20261106"]
    for key in ("SKEWED01", "SKEWED02"):
        assert own.count("F0911", own.when("R2", "EQUAL", key), window) == 1


def test_column_may_be_hidden_from_the_user(own: Any) -> None:
    """15: the read succeeds and the key is missing."""
    own.do("hide_columns", F0911=["AA"])
    answer = own.read(own.browsing("F0911", "DOC AA", maxPageSize="3"))

    assert set(own.grid(answer, "F0911")["columns"]) == {"F0911_DOC"}


def test_amounts_of_other_decimals_are_scaled_by_their_currency(own: Any) -> None:
    """18: yen have none, dinars three, on the literal."""
    texts = {}
    for company, currency, amount in (("00200", "JPY", 17500000), ("00300", "KWD", 12.345)):
        free = [a for a in own.accounts(company) if "4000" <= a["OBJ"].strip() < "9000"]
        lines = own.lines([amount], accounts=free)
        key = f"SCALED{currency[:2]}"
        body = own.plan(key, lines, Company=company, CurrencyCode=currency)
        assert own.run(body).json()["Result"] == "CREATED"
        reply = own.query(own.browsing("F0911", "AA", own.when("R2", "EQUAL", key)))
        texts[currency] = own.rows(own.literals(reply.text), "F0911")[0]["AA"]

    assert texts == {"JPY": "17500000", "KWD": "12.345"}
    assert Decimal(texts["KWD"]) == Decimal("12.345")
