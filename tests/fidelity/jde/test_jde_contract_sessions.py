"""Capabilities, log-in and requests that are none, as the contract has them."""

import base64
from typing import Any

import pytest

LOGIN_ANSWER = {
    "username": "PLNSVC",
    "environment": "JPY920",
    "role": "*ALL",
    "jasserver": "http://jas01.example.internal:8081",
    "userInfo": {
        "token": "044r7yXa0Vb2p9Q1mZ+3C/h8KQ==",
        "langPref": "  ",
        "locale": "en",
        "dateFormat": "MDE",
        "dateSeperator": "/",
        "simpleDateFormat": "MM/dd/yyyy",
        "decimalFormat": ".",
        "addressNumber": 7001,
        "alphaName": "Planning Service",
        "appsRelease": "E920",
        "country": " ",
        "username": "PLNSVC",
    },
    "userAuthorized": False,
    "aisSessionCookie": "k3V",
    "adminAuthorized": False,
    "passwordAboutToExpire": False,
    "machineName": "ais01",
    "currencyEnvironment": True,
}
CONFIG_ANSWER = {
    "jasHost": "jas01",
    "jasPort": "8081",
    "jasProtocol": "http",
    "defaultEnvironment": "JPY920",
    "defaultRole": "*ALL",
    "displayEnvironment": True,
    "sessionTimeout": "30",
    "timeToLive": "720",
    "aisVersion": "EnterpriseOne 9.2.8.2",
    "requiredCapabilityMissing": False,
    "capabilityList": [{"name": "dataservice"}],
}
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


# Capabilities.


@pytest.mark.parametrize("content", [b"", b"null", b'{"requiredCapabilities":"dataservice"}'])
def test_defaultconfig_answers_without_credentials(ais: Any, content: bytes) -> None:
    """GET and POST, with no body, with null or with an object, tell the same configuration."""
    kind = {"Content-Type": "application/json"}
    posted = ais.send("POST", "/v2/defaultconfig", signed=False, content=content, headers=kind)
    got = ais.send("GET", "/v2/defaultconfig", signed=False)

    assert (posted.status_code, got.status_code) == (200, 200)
    assert ais.misfits(posted.json(), CONFIG_ANSWER) == []
    assert posted.json()["capabilityList"] == got.json()["capabilityList"]
    assert posted.json()["defaultEnvironment"] == "JPY920"


def test_defaultconfig_names_what_the_client_needs(ais: Any) -> None:
    """The second generation lists its own capabilities; the first does not know next pages."""
    listed = {
        version: {one["name"] for one in ais.send("GET", path).json()["capabilityList"]}
        for version, path in (("v2", "/v2/defaultconfig"), ("v1", "/defaultconfig"))
    }

    assert listed["v2"] >= {
        "dataservice", "dataServiceAggregation", "outputType", "aliasNaming", "orchestrator",
        "version2services", "nextPage", "simpleGetServices", "complexQuery", "validate",
    }  # fmt: skip
    assert "dataservice" in listed["v1"]
    assert not listed["v1"] & {"nextPage", "version2services"}


@pytest.mark.parametrize(
    ("names", "is_missing"), [("dataservice,outputType", False), ("dataservice,levitation", True)]
)
def test_defaultconfig_says_which_capability_is_missing(
    ais: Any, names: str, *, is_missing: bool
) -> None:
    """An unknown required capability is no error but a flag."""
    reply = ais.send("GET", "/v2/defaultconfig", params={"requiredCapabilities": names})

    assert reply.status_code == 200
    assert reply.json()["requiredCapabilityMissing"] is is_missing


# Log-in.


def test_login_answer_has_the_documented_shape(ais: Any) -> None:
    """Every key, also the misspelt one, with its JSON type."""
    answer = ais.sign_on()

    assert ais.misfits(answer, LOGIN_ANSWER) == []
    assert answer["username"] == answer["userInfo"]["username"] == "PLNSVC"
    assert (answer["environment"], answer["role"]) == ("JPY920", "*ALL")
    assert answer["userAuthorized"] is False
    assert answer["passwordAboutToExpire"] is False
    assert answer["userInfo"]["token"].startswith("044")
    assert "deprecated" not in answer


@pytest.mark.parametrize(
    ("user", "code", "pattern"),
    [("PLNSVC", "MDE", "MM/dd/yyyy"), ("DMEUSER", "DME", "dd/MM/yyyy")],
)
def test_login_tells_the_date_format_of_the_user(
    ais: Any, user: str, code: str, pattern: str
) -> None:
    """Each user has a format of their own."""
    shown = ais.login(user).json()["userInfo"]

    assert (shown["dateFormat"], shown["dateSeperator"]) == (code, "/")
    assert shown["simpleDateFormat"] == pattern


def test_login_takes_environment_and_role_where_they_are_right(ais: Any) -> None:
    """What is sent explicitly is what the defaults are."""
    reply = ais.login(environment="JPY920", role="*ALL", requiredCapabilities="grid,query")

    assert reply.status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "guess"},
        {"username": "NOBODY"},
        {"environment": "JPD999"},
        {"role": "NOROLE"},
        {"password": ""},
    ],
)
def test_login_with_wrong_credentials_is_forbidden(ais: Any, wrong: dict[str, str]) -> None:
    """Password, user, environment and role each lead to 403, never to 401."""
    body = {"username": "PLNSVC", "password": "halden-password", **wrong}
    reply = ais.post("/v2/tokenrequest", body, signed=False)

    assert reply.status_code == 403
    assert "Authorization Failure" in reply.json()["message"]
    assert isinstance(reply.json()["timeStamp"], str)
    assert reply.json()["status"] == "ERROR"


def test_login_of_the_first_generation_is_marked_deprecated(ais: Any) -> None:
    """The old path works and says that it is old."""
    body = {"username": "PLNSVC", "password": "halden-password"}
    reply = ais.post("/tokenrequest", body, signed=False)

    assert reply.status_code == 200
    assert reply.json()["deprecated"] is True
    assert reply.json()["userInfo"]["token"]


def test_login_by_basic_header_needs_no_body(ais: Any) -> None:
    """User and device may stand in headers; the token is bound to that device."""
    headers = {**basic("PLNSVC"), "jde-AIS-Auth-Device": "by-header"}
    headers["Content-Type"] = "application/json"
    reply = ais.send("POST", "/v2/tokenrequest", signed=False, headers=headers, content=b"")
    assert reply.status_code == 200
    ais.token, ais.device = reply.json()["userInfo"]["token"], "by-header"

    assert is_alive(ais)
    ais.device = "another"
    assert not is_alive(ais)


@pytest.mark.parametrize(
    "headers", [basic("PLNSVC", "guess"), {"Authorization": "Bearer not.a.jwt"}]
)
def test_login_by_bad_header_is_forbidden(ais: Any, headers: dict[str, str]) -> None:
    """A wrong Basic password and an unknown assertion are refused alike."""
    headers = {**headers, "Content-Type": "application/json"}
    reply = ais.send("POST", "/v2/tokenrequest", signed=False, headers=headers, content=b"")

    assert reply.status_code == 403


def test_orchestrator_flavour_of_the_token_services_works(ais: Any) -> None:
    """jde-login, jde-validate-session and jde-logout mirror the token services."""
    body = {"username": "PLNSVC", "password": "halden-password", "deviceName": "orc"}
    entered = ais.post("/v3/orchestrator/jde-login", body, signed=False)
    assert entered.status_code == 200
    assert ais.misfits(entered.json(), LOGIN_ANSWER) == []
    ais.token, ais.device = entered.json()["userInfo"]["token"], "orc"
    given = {"token": ais.token, "deviceName": "orc"}

    seen = ais.post("/v3/orchestrator/jde-validate-session", given, signed=False)
    left = ais.post("/v3/orchestrator/jde-logout", given, signed=False)

    assert (seen.status_code, seen.json()["isValidSession"]) == (200, True)
    assert left.status_code == 200
    assert not is_alive(ais)


def test_login_of_the_orchestrator_flavour_refuses_wrong_credentials(ais: Any) -> None:
    """The reserved name is a log-in, not an orchestration."""
    body = {"username": "PLNSVC", "password": "guess"}

    assert ais.post("/v3/orchestrator/jde-login", body, signed=False).status_code == 403


# What is no proper request.


@pytest.mark.parametrize(
    "path", ["/v2/tokenrequest", "/v2/dataservice", "/v3/orchestrator/PLN_PostBudgetJournal"]
)
@pytest.mark.parametrize("kind", [None, "text/plain"])
def test_post_without_json_content_type_is_unsupported(
    ais: Any, path: str, kind: str | None
) -> None:
    """A missing Content-Type is as wrong as another one."""
    headers = {"Content-Type": kind} if kind else {}
    reply = ais.send("POST", path, content=b"{}", headers=headers)

    assert reply.status_code == 415


def test_content_type_may_name_its_charset(ais: Any) -> None:
    """A parameter behind the media type does no harm."""
    headers = {"Content-Type": "application/json; charset=utf-8"}

    assert ais.query(F0010_COUNT, headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/v2/tokenrequest", "/v2/dataservice"])
def test_malformed_json_is_a_bad_request(ais: Any, path: str) -> None:
    """Half an object is 400 with a message."""
    headers = {"Content-Type": "application/json"}
    reply = ais.send("POST", path, content=b'{"targetName":', headers=headers)

    assert reply.status_code == 400
    assert reply.json()["message"]


def test_malformed_json_is_a_bad_request_of_an_orchestration(ais: Any) -> None:
    """The orchestrator reads its input before it runs anything."""
    headers = {"Content-Type": "application/json"}
    path = "/v3/orchestrator/PLN_PostBudgetJournal"

    assert ais.send("POST", path, content=b"{,", headers=headers).status_code == 400


def test_orchestration_whose_answer_nobody_accepts_is_not_acceptable(ais: Any) -> None:
    """An Accept header without JSON is 406."""
    headers = {"Accept": "image/png"}
    reply = ais.post("/v3/orchestrator/PLN_PostBudgetJournal", {}, headers=headers)

    assert reply.status_code == 406


@pytest.mark.parametrize(
    "path", ["/v3/tokenrequest", "/v3/dataservice", "/v2/nonsense", "/v2/dataservice/table"]
)
def test_unknown_path_is_a_page_of_the_container(ais: Any, path: str) -> None:
    """There is no third generation of token and data services; the 404 is HTML."""
    reply = ais.post(path, {})

    assert reply.status_code == 404
    assert "html" in reply.headers["Content-Type"]
    assert "<html" in reply.text.lower()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v2/tokenrequest"),
        ("DELETE", "/v2/dataservice"),
        ("PUT", "/v2/tokenrequest/logout"),
    ],
)
def test_wrong_verb_is_a_page_of_the_container(ais: Any, method: str, path: str) -> None:
    """This 405 is HTML, which tells it from the one of the allowed hosts."""
    reply = ais.send(method, path)

    assert reply.status_code == 405
    assert "<html" in reply.text.lower()
