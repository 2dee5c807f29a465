"""What the sandbox writes down: requests without secrets, habits a client should not have."""

from typing import Any

import pytest

F0010_COUNT = {"targetName": "F0010", "targetType": "table", "dataServiceType": "COUNT"}


def warnings(own: Any) -> dict[str, int]:
    """The counts of bad habits seen."""
    found: dict[str, int] = own.control("GET", "info")["warnings"]
    return found


def test_requests_are_written_down_without_secrets(own: Any) -> None:
    """Neither password nor token stands anywhere, not even of an address that carries them."""
    body = own.browsing("F0911", "DOC", maxPageSize="50", enableNextPageProcessing=True)
    address = own.read(body)["links"][0]["href"]
    own.send("GET", address)
    params = {"$token": own.token, "$device": own.device, "$password": "halden-password"}
    own.send("GET", "/v2/dataservice/table/F0010", signed=False, params=params)
    lines = own.control("GET", "journal")["lines"]
    text = str(lines)
    quoted = [own.token.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")]

    assert any("/dataservice/next" in line["path"] for line in lines)
    assert any("/dataservice/table/F0010" in line["path"] for line in lines)
    for secret in ("halden-password", own.token, *quoted, own.token[:20]):
        assert secret not in text


def test_sessions_can_be_listed_without_their_tokens(own: Any) -> None:
    """Who, from which device, and whether its other half lives."""
    (session,) = own.sessions()

    assert (session["user"], session["device"]) == ("PLNSVC", own.device)
    assert own.token not in str(session)


def test_login_without_device_is_noticed(own: Any) -> None:
    """A token bound to an address is a trap for many machines."""
    before = sum(warnings(own).values())
    own.login()

    assert sum(warnings(own).values()) == before + 1


def test_login_for_each_call_is_noticed(own: Any) -> None:
    """Five log-ins for five calls."""
    before = warnings(own)
    for _ in range(5):
        own.sign_on()
        own.query(F0010_COUNT)

    assert warnings(own) != before


@pytest.mark.parametrize(
    "path", ["/v2/dataservice/table/F0911", "/v2/table/F0911", "/v2/dataservice/F0911"]
)
def test_attempt_to_write_a_table_is_refused(own: Any, path: str) -> None:
    """There is no such endpoint."""
    count = own.count("F0911")

    assert own.post(path, {"DOC": 1}).status_code in {404, 405}
    assert own.send("PUT", path, json={"DOC": 1}).status_code in {404, 405}
    assert own.count("F0911") == count


def test_session_left_behind_is_noticed(own: Any) -> None:
    """It ends by time, nobody logged out."""
    before = sum(warnings(own).values())
    own.advance(minutes=31)
    own.query(F0010_COUNT)
    own.sign_on()

    assert sum(warnings(own).values()) > before


# Security and sign-on beyond the defaults.


def test_basic_credentials_may_be_switched_off(own: Any) -> None:
    """A disabled way to sign on is 403; the body still works."""
    own.turn(basicAuth="refused")
    reply = own.http.post(
        f"{own.url}/jderest/v2/tokenrequest", auth=("PLNSVC", "halden-password"), json={}
    )

    assert reply.status_code == 403
    assert own.login().status_code == 200


@pytest.mark.parametrize(
    ("position", "status", "is_flagged"),
    [("fine", 200, False), ("aboutToExpire", 200, True), ("expired", 403, None)],
)
def test_password_grows_old(own: Any, position: str, status: int, *, is_flagged: bool) -> None:
    """16: first a flag in the answer, then no entry."""
    own.turn(passwordExpiry=position)
    reply = own.login()

    assert reply.status_code == status
    assert reply.json().get("passwordAboutToExpire") is is_flagged


def test_site_of_the_first_generation_has_no_second(own: Any) -> None:
    """The new paths are unknown, the old ones work."""
    own.turn(versions="v1")
    body = {"username": "PLNSVC", "password": "halden-password", "deviceName": "old"}

    assert own.send("GET", "/v2/defaultconfig").status_code == 404
    assert own.send("GET", "/defaultconfig").status_code == 200
    assert own.login().status_code == 404
    assert own.post("/tokenrequest", body, signed=False).status_code == 200


def test_site_without_validation_answers_404(own: Any) -> None:
    """An older site lacks the service and the capability."""
    own.turn(validateService="off")
    names = {one["name"] for one in own.send("GET", "/v2/defaultconfig").json()["capabilityList"]}
    reply = own.post("/v2/tokenrequest/validate", {"token": own.token, "deviceName": own.device})

    assert "validate" not in names
    assert reply.status_code in {404, 405, 500}


@pytest.mark.parametrize("position", [403, 500, "empty"])
def test_table_the_user_may_not_read(own: Any, position: object) -> None:
    """Forbidden, failed, or empty without a word; other tables are not concerned."""
    own.turn(deniedTables=["F0101"], deniedAs=position)
    reply = own.query(own.browsing("F0101", "AN8", maxPageSize="1"))

    if position == "empty":
        assert (reply.status_code, own.rows(reply.json(), "F0101")) == (200, [])
    else:
        assert reply.status_code == position
    assert own.query(F0010_COUNT).status_code == 200


def test_next_page_without_any_token_is_refused(own: Any) -> None:
    """The rest of the address is not enough."""
    body = own.browsing("F0911", "DOC", maxPageSize="50", enableNextPageProcessing=True)
    address = own.read(body)["links"][0]["href"]
    head, _, tail = address.partition("token=")
    bare = head + tail.partition("&")[2]

    assert own.send("GET", bare, signed=False).status_code in {400, 403, 444}
    assert own.send("GET", bare, signed=True).status_code == 200
