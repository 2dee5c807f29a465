"""Token, device, time-outs and log-out as the contract has them."""

import base64
import re
from typing import Any

import httpx2
import pytest

F0010_COUNT = {"targetName": "F0010", "targetType": "table", "dataServiceType": "COUNT"}
DEAD = {403, 444}


def is_alive(ais: Any) -> bool:
    """The token opens the data service."""
    status = ais.query(F0010_COUNT).status_code
    assert status in {200, *DEAD}
    return bool(status == 200)


def basic(user: str, word: str = "halden-password") -> dict[str, str]:
    """The header of Basic credentials."""
    return {"Authorization": f"Basic {base64.b64encode(f'{user}:{word}'.encode()).decode()}"}


def test_token_may_stand_in_the_header_or_in_the_body(ais: Any) -> None:
    """Device and token travel together, whichever way."""
    in_body = {**F0010_COUNT, "token": ais.token, "deviceName": ais.device}

    assert ais.query(F0010_COUNT).status_code == 200
    assert ais.query(in_body, signed=False).status_code == 200


@pytest.mark.parametrize(
    "headers", [{"jde-AIS-Auth-Device": "another"}, {"jde-AIS-Auth-Device": ""}]
)
def test_token_is_refused_from_another_device(ais: Any, headers: dict[str, str]) -> None:
    """A token given to a device is dead elsewhere, and alive where it belongs."""
    reply = ais.query(F0010_COUNT, headers=headers)

    assert reply.status_code in DEAD
    assert is_alive(ais)


def test_token_with_device_is_refused_where_the_device_is_missing(ais: Any) -> None:
    """A request that leaves the device out is rejected when the log-in named one."""
    reply = ais.query(F0010_COUNT, signed=False, headers={"jde-AIS-Auth": ais.token})

    assert reply.status_code in DEAD


def test_token_without_device_is_bound_to_the_address(ais: Any) -> None:
    """From the address of the log-in it works without a device, from another it does not."""
    ais.token = ais.login().json()["userInfo"]["token"]
    headers = {"jde-AIS-Auth": ais.token}
    at_home = ais.query(F0010_COUNT, signed=False, headers=headers)
    transport = httpx2.HTTPTransport(local_address="127.0.0.2", verify=False)
    with httpx2.Client(transport=transport) as stranger:
        url = f"{ais.url}/jderest/v2/dataservice"
        abroad = stranger.post(url, json=F0010_COUNT, headers=headers)

    assert at_home.status_code == 200
    assert abroad.status_code in DEAD


def test_each_login_makes_a_token_of_its_own(ais: Any) -> None:
    """Two log-ins are two sessions; ending one leaves the other."""
    first = ais.token
    ais.sign_on()
    assert ais.token != first
    ais.post("/v2/tokenrequest/logout", {"token": first}, signed=False)

    assert is_alive(ais)


@pytest.mark.parametrize("token", ["044nonsense==", "x"])
def test_dead_token_is_444_with_the_short_body(ais: Any, token: str) -> None:
    """The status has a reason phrase and the body says which token it means: none."""
    ais.token = token
    reply = ais.query(F0010_COUNT)

    assert (reply.status_code, reply.reason_phrase) == (444, "Invalid Token")
    assert reply.json().keys() >= {"message", "exception", "timeStamp"}
    assert reply.json()["message"] == "Invalid Token"
    assert "errorText" not in reply.json()


@pytest.mark.parametrize("way", ["token", "login"])
def test_error_is_stamped_with_the_time_of_the_server(ais: Any, way: str) -> None:
    """Milliseconds and a zone, at the moment of the sandbox clock."""
    if way == "token":
        ais.token = "044dead"
        reply = ais.query(F0010_COUNT)
    else:
        reply = ais.login(word="guess")
    stamp = reply.json()["timeStamp"]

    assert re.fullmatch(r"2026-11-03T08:00:00\.\d{3}\+0000|2026-11-03:08\.00\.00", stamp)


def test_session_is_validated_by_get_as_well(ais: Any) -> None:
    """The orchestrator's flavour takes both verbs, token and device in headers."""
    reply = ais.send("GET", "/v3/orchestrator/jde-validate-session")

    assert (reply.status_code, reply.json()["isValidSession"]) == (200, True)


def test_call_without_any_credentials_is_refused(ais: Any) -> None:
    """No token, no user: no data."""
    assert ais.query(F0010_COUNT, signed=False).status_code in {400, 403, 444}


@pytest.mark.parametrize("way", ["header", "body"])
def test_stateless_call_leaves_no_session_behind(own: Any, way: str) -> None:
    """Credentials on the call itself open a session for that call only."""
    before = len(own.sessions())
    if way == "header":
        reply = own.query(F0010_COUNT, signed=False, headers=basic("PLNSVC"))
    else:
        word = {"username": "PLNSVC", "password": "halden-password"}
        reply = own.query({**F0010_COUNT, **word}, signed=False)

    assert reply.status_code == 200, reply.text
    assert len(own.sessions()) == before


def test_stateless_call_with_a_wrong_password_is_forbidden(ais: Any) -> None:
    """Basic credentials on a data request are checked like a log-in."""
    reply = ais.query(F0010_COUNT, signed=False, headers=basic("PLNSVC", "guess"))

    assert reply.status_code == 403


# Life and end of a session.


def validate(ais: Any, *, touch: bool) -> Any:
    """The answer of the validation of the present token."""
    body = {"token": ais.token, "deviceName": ais.device, "touch": touch}
    return ais.post("/v2/tokenrequest/validate", body, signed=False)


def test_validation_says_whether_the_session_lives(ais: Any) -> None:
    """A live token is true, one that was never given is not 200."""
    reply = validate(ais, touch=False)
    ais.token = "044never=="

    assert (reply.status_code, reply.json()["isValidSession"]) == (200, True)
    assert validate(ais, touch=False).status_code in DEAD


def test_session_dies_of_idleness(own: Any) -> None:
    """29 minutes of rest are survived, 31 are not."""
    own.advance(minutes=29)
    assert is_alive(own)
    own.advance(minutes=29)
    assert is_alive(own)
    own.advance(minutes=31)

    assert own.query(F0010_COUNT).status_code == 444


@pytest.mark.parametrize("touch", [True, False])
def test_validation_prolongs_the_session_only_with_touch(own: Any, *, touch: bool) -> None:
    """Looking alone does not count as use."""
    own.advance(minutes=20)
    assert validate(own, touch=touch).status_code == 200
    own.advance(minutes=20)

    assert is_alive(own) is touch


def test_session_dies_of_age_however_much_it_is_used(own: Any) -> None:
    """Use every 25 minutes carries it to the end of its time to live, not past it."""
    for _ in range(28):
        own.advance(minutes=25)
        assert is_alive(own)
    own.advance(minutes=25)

    assert not is_alive(own)


def test_logout_ends_the_session_and_needs_no_device(own: Any) -> None:
    """The token is gone at once; a second log-out is 444."""
    sessions = len(own.sessions())
    body = {"token": own.token}
    first = own.post("/v2/tokenrequest/logout", body, signed=False)

    assert first.status_code == 200
    assert len(own.sessions()) == sessions - 1
    assert own.query(F0010_COUNT).status_code == 444
    assert own.post("/v2/tokenrequest/logout", body, signed=False).status_code == 444


def test_logout_takes_the_token_from_the_header(own: Any) -> None:
    """The header serves as well as the body."""
    assert own.post("/v2/tokenrequest/logout", {}).status_code == 200
    assert not is_alive(own)
