"""Every decision left open by the contract, in each of its positions."""

from typing import Any

import httpx2
import pytest

F0010_COUNT = {"targetName": "F0010", "targetType": "table", "dataServiceType": "COUNT"}
DEAD = {403, 444}


@pytest.mark.parametrize("status", [444, 403])
def test_status_of_a_dead_token_follows_the_switch(ais: Any, status: int) -> None:
    """Data calls answer with the one or the other; a live token is not concerned."""
    ais.turn(deadTokenStatus=status)
    assert ais.query(F0010_COUNT).status_code == 200
    ais.token = "044dead"

    assert ais.query(F0010_COUNT).status_code == status


@pytest.mark.parametrize("position", ["short", "ServiceErrorResponse", "empty", "html"])
def test_body_of_a_dead_token_follows_the_switch(ais: Any, position: str) -> None:
    """Three fields, the long error, nothing at all, or a page."""
    ais.turn(deadTokenBody=position)
    ais.token = "044dead"
    reply = ais.query(F0010_COUNT)

    assert reply.status_code == 444
    if position == "short":
        assert reply.json().keys() >= {"message", "exception", "timeStamp"}
        assert "errorText" not in reply.json()
    elif position == "ServiceErrorResponse":
        golden = {"message": "x", "exception": "x", "errorText": "x",
                  "userDefinedErrorText": "", "status": "ERROR", "timeStamp": "x"}  # fmt: skip
        assert ais.misfits(reply.json(), golden) == []
    elif position == "empty":
        assert reply.content == b""
    else:
        assert reply.text.lower().lstrip().startswith(("<html", "<!doctype"))


def test_wrong_passwords_may_disable_the_user(own: Any) -> None:
    """After some attempts the right password is refused too; another user is not."""
    own.turn(badLogin="403ThenDisabled")
    statuses = [own.login(word="guess").status_code for _ in range(10)]

    assert statuses == [403] * 10
    assert own.login().status_code == 403
    assert own.login("DMEUSER").status_code == 200


def test_wrong_passwords_do_no_harm_by_default(ais: Any) -> None:
    """The right one still opens."""
    for _ in range(10):
        assert ais.login(word="guess").status_code == 403

    assert ais.login().status_code == 200


@pytest.mark.parametrize(
    ("position", "at_login", "at_call"),
    [("off", 200, 200), ("405Login", 405, 200), ("405Every", 405, 405), ("403Gateway", 403, 403)],
)
def test_allowed_hosts_follow_the_switch(
    ais: Any, position: str, at_login: int, at_call: int
) -> None:
    """Refused at the log-in, at every call, or by a gateway in front."""
    ais.turn(allowedHosts=position)
    login, call = ais.login(), ais.query(F0010_COUNT)

    assert (login.status_code, call.status_code) == (at_login, at_call)
    if position.startswith("405"):
        assert "Allowed Hosts" in login.json()["message"]
        assert "json" in login.headers["Content-Type"]


def test_blocked_caller_may_be_cut_off(ais: Any) -> None:
    """The connection dies without an answer."""
    ais.turn(allowedHosts="reset")
    with pytest.raises(httpx2.TransportError):
        ais.login()


@pytest.mark.parametrize(("position", "is_checked"), [("on", True), ("off", False)])
def test_device_check_follows_the_switch(ais: Any, position: str, *, is_checked: bool) -> None:
    """Off, any device will do."""
    ais.turn(deviceCheck=position)
    ais.device = "another"

    assert (ais.query(F0010_COUNT).status_code in DEAD) is is_checked


@pytest.mark.parametrize(("position", "is_refused"), [("reject", True), ("accept", False)])
def test_missing_device_follows_the_switch(ais: Any, position: str, *, is_refused: bool) -> None:
    """A wrong device stays wrong in both positions."""
    ais.turn(missingDevice=position)
    silent = ais.query(F0010_COUNT, signed=False, headers={"jde-AIS-Auth": ais.token})
    ais.device = "another"

    assert (silent.status_code in DEAD) is is_refused
    assert ais.query(F0010_COUNT).status_code in DEAD


def test_padding_may_be_full(ais: Any) -> None:
    """Every text fills its column."""
    ais.turn(stringPadding="full")
    widths = {"KCO": 5, "DCT": 2, "EXTL": 2, "LT": 2, "AID": 8, "MCU": 12, "OBJ": 6, "SUB": 8,
              "SBL": 8, "SBLT": 1, "CRCD": 3, "EXA": 30, "EXR": 30, "R2": 8, "POST": 1}  # fmt: skip
    rows = ais.browse("F0911", " ".join(widths), ais.when("CO", "EQUAL", "00300"))

    assert rows
    assert {name: {len(row[name]) for row in rows} for name in widths} == {
        name: {width} for name, width in widths.items()
    }


def test_padding_may_be_trimmed(ais: Any) -> None:
    """No text ends in a blank, blank text is empty."""
    ais.turn(stringPadding="trimmed")
    rows = ais.browse("F0911", "SUB SBL MCU OBJ POST", ais.when("CO", "EQUAL", "00300"))

    assert all(value == value.rstrip() for row in rows for value in row.values())
    assert "" in {row["SUB"] for row in rows}


@pytest.mark.parametrize("padding", ["single", "full", "trimmed"])
def test_padding_does_not_change_what_is_found(ais: Any, padding: str) -> None:
    """It is a matter of output."""
    condition = ais.when("MCU", "EQUAL", "30")
    before = ais.count("F0911", condition)
    ais.turn(stringPadding=padding)

    assert ais.count("F0911", condition) == len(ais.browse("F0911", "DOC", condition)) == before > 0


def test_load_balancer_needs_its_cookie(own: Any) -> None:
    """With it each call reaches the node of the token, without it some do not."""
    own.turn(loadBalanced="2 nodes")
    own.http.cookies.clear()
    own.sign_on()
    assert own.http.cookies.get("JSESSIONID")
    kept = [own.query(F0010_COUNT).status_code for _ in range(6)]
    lost = []
    for _ in range(6):
        own.http.cookies.clear()
        lost.append(own.query(F0010_COUNT).status_code)

    assert kept == [200] * 6
    assert 444 in lost


def test_next_page_needs_the_cookie_too(own: Any) -> None:
    """Pages live on one node."""
    own.turn(loadBalanced="2 nodes")
    own.http.cookies.clear()
    own.sign_on()
    body = own.browsing("F0911", "DOC", maxPageSize="50", enableNextPageProcessing=True)
    answer = own.read(body)
    for _ in range(4):
        reply = own.post(answer["links"][0]["href"])
        assert reply.status_code == 200
        answer = own.loads(reply.text)


@pytest.mark.parametrize("position", ["on", "off"])
@pytest.mark.parametrize("accepted", ["gzip", "identity"])
def test_compression_follows_switch_and_request(ais: Any, position: str, accepted: str) -> None:
    """Compressed only where both want it."""
    ais.turn(gzip=position)
    reply = ais.query(ais.browsing("F0901", "AID DL01"), headers={"Accept-Encoding": accepted})
    is_compressed = reply.headers.get("Content-Encoding") == "gzip"

    assert is_compressed is (position == "on" and accepted == "gzip")
    assert reply.json()["fs_DATABROWSE_F0901"]


def test_order_of_keys_follows_the_switch(ais: Any) -> None:
    """On, it is not that of the request; the keys are the same in both positions."""
    asked = "KCO DCT DOC DGJ JELN LT CO AID AA"
    orders = {}
    for position in ("on", "off"):
        ais.turn(shuffleKeys=position)
        form = ais.query(ais.browsing("F0911", asked, maxPageSize="50")).json()
        rows = form["fs_DATABROWSE_F0911"]["data"]["gridData"]["rowset"]
        orders[position] = {tuple(row) for row in rows}

    assert orders["on"] != orders["off"]
    assert tuple(f"F0911_{name}" for name in asked.split()) not in orders["on"]
    assert len({frozenset(one) for one in orders["on"] | orders["off"]}) == 1


def test_unknown_keys_follow_the_switch(ais: Any) -> None:
    """Off, the answer has fewer keys; what is documented is there in both positions."""
    texts = {}
    for position in ("on", "off"):
        ais.turn(extraKeys=position)
        answer = ais.sign_on()
        assert answer["userInfo"]["token"]
        texts[position] = set(answer) | set(ais.read(ais.browsing("F0010", "CO")))

    assert texts["off"] < texts["on"]


def test_hidden_company_vanishes_without_a_sign(own: Any) -> None:
    """Rows, counts and sums leave it out."""
    own.do("hide_companies", companies=["00200"])

    assert "00200" not in {row["CO"] for row in own.browse("F0010", "CO")}
    assert own.count("F0911", own.when("CO", "EQUAL", "00200")) == 0
    groups = own.aggregate("F0911", "COUNT:*", "CO")
    assert {row["groupBy"]["CO"] for row in groups} == {"00001", "00077", "00300"}


def test_hidden_column_vanishes_from_columns_and_rows(own: Any) -> None:
    """No error: the key is not there."""
    own.do("hide_columns", F0911=["EXA"])
    grid = own.grid(own.read(own.browsing("F0911", "DOC EXA EXR", maxPageSize="5")), "F0911")

    assert set(grid["columns"]) == {"F0911_DOC", "F0911_EXR"}
    assert {frozenset(row) for row in grid["rowset"]} == {frozenset({"F0911_DOC", "F0911_EXR"})}


def test_switches_stand_as_documented_on_the_first_day(own: Any) -> None:
    """The positions the contract prints in bold."""
    documented = {
        "deadTokenStatus": 444, "deadTokenBody": "short", "badLogin": "403", "allowedHosts": "off",
        "deviceCheck": "on", "missingDevice": "reject", "dateSeparator": "/", "wrongDate": "400",
        "blankDate": "null", "stringPadding": "single", "aggregationDates": "epoch",
        "countShape": "wrapped", "dbFetchLimit": 2000, "nextHost": "configured",
        "postTouchesUpmj": False, "batchAudit": "untouched", "serverZones": "UTC/UTC",
        "loadBalanced": "off", "jdeElements": "on", "messageForm": "string",
        "inputFormat": "Generic", "unknownOrchestration": 500, "gzip": "off",
        "shuffleKeys": "on", "extraKeys": "on", "resultSetTimeoutS": 60, "sessionTimeoutMin": 30,
        "timeToLiveMin": 720,
    }  # fmt: skip
    own.server.switches.reset()
    seen = own.control("GET", "switches")

    assert {name: seen.get(name) for name in documented} == documented


def test_switches_take_no_position_they_do_not_know(ais: Any) -> None:
    """A slip in a test is noticed."""
    for slip in ({"stringPadding": "quadruple"}, {"stringPading": "full"}):
        reply = ais.http.post(f"{ais.url}/__sandbox/switches", json=slip)
        assert reply.status_code == 400
