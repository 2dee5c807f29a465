"""Sign-on, sessions and refusals at the border of the JDE server."""

import base64
import json
import socket
from typing import Any

import httpx2
import pytest

WORD = "halden-password"


def count(ais: Any, **more: Any) -> int:
    """The status of a harmless data call."""
    body = {"targetName": "F0010", "targetType": "table", "dataServiceType": "COUNT"}
    status: int = ais.call("POST", "/v2/dataservice", json=body, **more).status_code
    return status


def test_dead_token_has_its_own_reason_phrase(ais: Any) -> None:
    """No registry knows 444, so the server says itself what it means."""
    host, port = ais.server.url.removeprefix("http://").split(":")
    body = b'{"targetName": "F0010", "token": "044dead"}'
    with socket.create_connection((host, int(port))) as link:
        link.sendall(
            b"POST /jderest/v2/dataservice HTTP/1.1\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body)
        )
        assert link.recv(64).startswith(b"HTTP/1.1 444 Invalid Token\r\n")


@pytest.mark.parametrize("form", ["short", "ServiceErrorResponse", "empty", "html"])
@pytest.mark.parametrize("status", [444, 403])
def test_dead_token_is_told_in_every_form(ais: Any, form: str, status: int) -> None:
    """Status and body follow the switches."""
    ais.turn(deadTokenStatus=status, deadTokenBody=form)
    ais.do("restart_ais")
    reply = ais.ask("F0010", "COUNT")
    assert reply.status_code == status
    if form == "html":
        assert reply.text.startswith("<html>")
    elif form == "empty":
        assert reply.content == b""
    else:
        assert reply.json()["message"] == "Invalid Token"
        assert ("errorText" in reply.json()) is (form == "ServiceErrorResponse")


def test_session_ends_idle_or_old(ais: Any) -> None:
    """Use prolongs the one limit and never the other."""
    ais.clock.advance(30 * 60)
    assert count(ais) == 200
    ais.clock.advance(30 * 60 + 1)
    assert count(ais) == 444
    ais.sign_on()
    for _ in range(24):
        ais.clock.advance(29 * 60 + 50)
        assert count(ais) == 200
    ais.clock.advance(5 * 60)
    assert count(ais) == 444
    assert ais.read("info")["warnings"]["sessionLeft"] == 2


def test_looking_at_a_token_prolongs_nothing_unless_it_touches(ais: Any) -> None:
    """`touch` counts as use."""
    for touch, alive in ((True, 200), (False, 444)):
        ais.sign_on()
        ais.clock.advance(20 * 60)
        body = {"token": ais.token, "touch": touch}
        assert ais.call("POST", "/v2/tokenrequest/validate", json=body).status_code == 200
        ais.clock.advance(20 * 60)
        assert count(ais) == alive


def test_token_is_bound_to_its_device(ais: Any) -> None:
    """A wrong or missing device is refused; the switch lets a missing one pass."""
    assert count(ais) == 200
    ais.device = "another"
    assert count(ais) == 403
    ais.device = None
    assert count(ais) == 403
    assert count(ais, headers={"jde-ais-auth-device": "unit-tests"}) == 200
    ais.turn(missingDevice="accept")
    assert count(ais) == 200
    ais.device = "another"
    assert count(ais) == 403
    ais.turn(deviceCheck="off")
    assert count(ais) == 200


def test_token_without_device_is_bound_to_the_address(ais: Any) -> None:
    """As the balancer tells it."""
    ais.sign_on(deviceName=None)
    ais.device = None
    assert count(ais) == 200
    assert count(ais, headers={"X-Forwarded-For": "10.1.2.3"}) == 403
    assert ais.read("info")["warnings"]["loginWithoutDevice"] == 1


def test_balancer_loses_those_without_the_cookie(stranger: Any) -> None:
    """The other instance has never heard of the token."""
    stranger.turn(loadBalanced="2 nodes")
    told = stranger.sign_on()
    assert count(stranger) == 200
    stranger.http.cookies.clear()
    assert count(stranger) == 444
    assert count(stranger, headers={"Cookie": f"JSESSIONID={told['aisSessionCookie']}"}) == 200


@pytest.mark.parametrize(("wanted", "status"), [(500, 500), (200, 200), (444, 444)])
def test_html_server_half_may_die_alone(ais: Any, wanted: int, status: int) -> None:
    """The token still looks valid, but nothing can be read with it."""
    ais.turn(deadJas=wanted)
    [session] = ais.do("list_sessions")
    assert ais.do("kill_jas", id=session["id"]) == {"sessions": 1}
    body = {"token": ais.token, "touch": False}
    assert ais.call("POST", "/v2/tokenrequest/validate", json=body).status_code == 200
    reply = ais.ask("F0010", "COUNT")
    assert reply.status_code == status
    assert status == 444 or reply.json()["sysErrors"]


def test_html_server_half_may_time_out_first(ais: Any) -> None:
    """Where its limit is the shorter one."""
    ais.turn(jasTimeoutMin=5)
    ais.clock.advance(6 * 60)
    assert count(ais) == 500
    ais.sign_on()
    assert count(ais) == 200


def test_profile_is_disabled_after_bad_sign_ons(stranger: Any) -> None:
    """From then on the right password does not help until somebody enables the user."""
    stranger.turn(badLogin="403ThenDisabled", signOnAttempts=2)
    assert [stranger.login(password="no").status_code for _ in range(2)] == [403, 403]
    assert stranger.login().status_code == 403
    assert stranger.read("info")["disabled_users"] == ["PLNSVC"]
    stranger.do("enable_users")
    assert stranger.login().status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [{"username": "NOBODY"}, {"password": "x"}, {"environment": "JDV920"}, {"role": "AUDITOR"},
     {"password": None}, {"externalJwt": "a.b.c"}],
)  # fmt: skip
def test_sign_on_is_refused_for_any_wrong_part(stranger: Any, wrong: dict[str, Any]) -> None:
    """Always 403, and nothing is opened."""
    assert stranger.login(**wrong).status_code == 403
    assert stranger.do("list_sessions") == []


def test_sign_on_by_other_means(stranger: Any) -> None:
    """Basic works until it is switched off, an assertion once it is switched on."""
    basic = {"auth": ("PLNSVC", WORD), "json": {}}
    assert stranger.call("POST", "/v2/tokenrequest", **basic).status_code == 200
    stranger.turn(basicAuth="refused", jwtAuth="accepted")
    assert stranger.call("POST", "/v2/tokenrequest", **basic).status_code == 403
    claims = base64.urlsafe_b64encode(json.dumps({"sub": "DMEUSER"}).encode()).decode()
    bearer = {"headers": {"Authorization": f"Bearer e30.{claims}.x"}, "json": {}}
    told = stranger.call("POST", "/v2/tokenrequest", **bearer).json()
    assert told["userInfo"]["simpleDateFormat"] == "dd/MM/yyyy"


def test_sessions_are_limited_where_the_customer_pays_by_user(stranger: Any) -> None:
    """The one past the limit is refused until another logs out."""
    stranger.turn(sessionsMax=1)
    stranger.sign_on()
    assert stranger.login().status_code == 500
    assert stranger.call("POST", "/v2/tokenrequest/logout", json={}).status_code == 200
    assert stranger.login().status_code == 200


def test_bad_habits_are_counted(ais: Any) -> None:
    """A log-in beside a living one, a poll from today, a write to a table."""
    ais.login()
    value = {"content": "", "specialValueId": "TODAY"}
    since = {"controlId": "F0911.UPMJ", "operator": "GREATER_EQUAL", "value": [value]}
    ais.ask("F0911", "COUNT", query={"condition": [since]})
    value.update(specialValueId="TODAY_MINUS_DAY", content="2")
    ais.ask("F0911", "COUNT", query={"condition": [since]})
    assert ais.call("PUT", "/v2/dataservice/table/F0911", json={}).status_code == 405
    counted = ais.read("info")["warnings"]
    assert (counted["loginPerCall"], counted["pollWithoutOverlap"], counted["tableWrite"]) == (
        1, 1, 1,
    )  # fmt: skip


def test_journal_holds_no_secret(ais: Any) -> None:
    """Tokens and passwords in addresses are starred, whoever answered."""
    ais.http.post("/__sandbox/faults", json={"kind": "status", "path": "rid=spoiled"})
    for rid in ("spoiled", "unknown"):
        ais.http.get(f"/jderest/v2/dataservice/next?rid={rid}&token={ais.token}")
    ais.http.get("/jderest/v2/dataservice/table/F0010?$username=PLNSVC&%24password=" + WORD)
    shown = json.dumps([ais.read("journal"), ais.do("list_sessions"), ais.read("info")["sessions"]])
    assert WORD not in shown
    assert ais.token not in shown
    assert shown.count("token=***") == 2
    assert ais.read("info")["warnings"]["credentialsInAddress"] == 1


@pytest.mark.parametrize(
    ("switch", "login", "data"),
    [("405Login", 405, 200), ("405Every", 405, 405), ("403Gateway", 403, 403)],
)
def test_callers_may_be_turned_away_at_the_gate(
    ais: Any, switch: str, login: int, data: int
) -> None:
    """By the HTML server's list of hosts, in JSON, or by a gateway, with a page."""
    ais.turn(allowedHosts=switch)
    refused = ais.login()
    assert (refused.status_code, count(ais)) == (login, data)
    assert ("Allowed Hosts" in refused.text) is (login == 405)


def test_connection_may_be_reset_at_the_gate(ais: Any) -> None:
    """No answer at all is what some firewalls give."""
    ais.turn(allowedHosts="reset")
    with pytest.raises(httpx2.TransportError):
        ais.login()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("POST", "/v3/tokenrequest", 404), ("GET", "/v2/tokenrequest", 405),
     ("DELETE", "/v2/dataservice", 405), ("POST", "/v3/dataservice", 404)],
)  # fmt: skip
def test_container_answers_with_a_page(ais: Any, method: str, path: str, status: int) -> None:
    """What no service takes gets HTML."""
    reply = ais.call(method, path)
    assert reply.status_code == status
    assert reply.text.startswith("<html>")


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [(b"{", "application/json", 400), (b"[]", "application/json", 400), (b"{}", "text/xml", 415),
     (b"{}", "", 415)],
)  # fmt: skip
def test_bodies_must_be_json_objects(ais: Any, content: bytes, kind: str, status: int) -> None:
    """And say so."""
    headers = {"Content-Type": kind} if kind else {}
    reply = ais.call("POST", "/v2/dataservice", content=content, headers=headers)
    assert reply.status_code == status


def test_site_of_old_tools_knows_no_second_version(stranger: Any) -> None:
    """Its paths are not there, and a token of the first says that it is outdated."""
    stranger.turn(versions="v1")
    assert stranger.call("GET", "/v2/defaultconfig").status_code == 404
    assert stranger.call("GET", "/defaultconfig").status_code == 200
    body = {"username": "PLNSVC", "password": WORD}
    told = stranger.call("POST", "/tokenrequest", json=body).json()
    assert told["deprecated"] is True
    stranger.token = told["userInfo"]["token"]
    body = {"targetName": "F0010", "findOnEntry": "TRUE"}
    grid = stranger.call("POST", "/dataservice", json=body).json()["fs_DATABROWSE_F0010"]
    assert grid["data"]["gridData"]["rowset"][0]["F0010_CO"]["value"] == "00001"


def test_hooks_strike_before_the_request_they_match(ais: Any) -> None:
    """A restart can be placed between two pages by a fault rule."""
    rule = {"kind": "hook", "hook": "restart_ais", "path": "dataservice", "nth": 2}
    ais.http.post("/__sandbox/faults", json=rule)
    assert [count(ais), count(ais)] == [200, 444]


def test_security_hides_rows_and_columns_without_a_word(ais: Any) -> None:
    """Hidden companies are not counted either; a hidden column is missing from the titles."""
    ais.do("hide_companies", companies=["00300"])
    ais.do("hide_columns", F0911=["EXA"])
    assert ais.ask("F0911", "COUNT").json() == {"ds_F0911": {"count": 5}}
    grid = ais.ask("F0911", returnControlIDs="CO|EXA").json()["fs_DATABROWSE_F0911"]["data"]
    assert set(grid["gridData"]["columns"]) == {"F0911_CO"}
    reply = ais.http.post("/__sandbox/hide_columns", json={"F0911": ["NOPE"]})
    assert reply.status_code == 400
    ais.sign_on(username="LIMITED")
    assert ais.ask("F0911", "COUNT").json() == {"ds_F0911": {"count": 4}}


def test_reset_forgets_everything_but_the_time(ais: Any) -> None:
    """Rows, sessions, switches and security are as on a fresh folder."""
    ais.turn(countShape="flat")
    ais.do("hide_companies", companies=["00001"])
    ais.server.store.execute("DELETE FROM F0911")
    assert ais.http.post("/__sandbox/reset").status_code == 204
    assert count(ais) == 444
    ais.sign_on()
    assert ais.ask("F0911", "COUNT").json() == {"ds_F0911": {"count": 6}}
