"""The authentication service: golden answers, life of a token, certificates, OAuth."""

import base64
import json
import os
import re
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
HEX_32 = re.compile(r"[0-9a-f]{32}")
CERTIFICATE_USER = "certificate@halden.example"


def test_login_answer_has_the_golden_shape(anaplan: Any) -> None:
    """201, envelope with string status, four token fields, 35 minutes in milliseconds."""
    reply = anaplan.login()
    body = reply.json()
    assert reply.status_code == 201
    assert body["status"] == "SUCCESS"
    assert body["statusMessage"] == "Login successful"
    assert body["meta"]["validationUrl"].endswith("/token/validate")
    info = body["tokenInfo"]
    assert set(info) == {"expiresAt", "tokenId", "tokenValue", "refreshTokenId"}
    assert info["expiresAt"] - anaplan.server.clock.now() * 1000 == pytest.approx(2_100_000)
    assert UUID.fullmatch(info["tokenId"])
    assert UUID.fullmatch(info["refreshTokenId"])
    assert len(info["tokenValue"]) > 100


def test_login_status_can_be_the_documented_one(anaplan: Any) -> None:
    """The documents show 200 where the wire shows 201."""
    anaplan.switch(auth__create_status=200)
    assert anaplan.login().status_code == 200


@pytest.mark.parametrize(
    ("header", "status", "kind"),
    [
        (None, 400, "FAILURE_BAD_HEADER"),
        ("Basic", 400, "FAILURE_BAD_HEADER"),
        ("Basic ===", 400, "FAILURE_BAD_HEADER"),
        ("Digest abc", 400, "FAILURE_BAD_HEADER"),
        ("wrong", 401, "FAILURE_BAD_CREDENTIAL"),
    ],
)
def test_bad_login_is_refused(anaplan: Any, header: str | None, status: int, kind: str) -> None:
    """Malformed headers are 400, wrong words 401, each with its own status text."""
    if header == "wrong":
        header = "Basic " + base64.b64encode(b"integration@halden.example:no").decode()
    anaplan.http.headers.pop("Authorization")
    reply = anaplan.http.post(
        "/token/authenticate", headers={"Authorization": header} if header else {}
    )
    assert reply.status_code == status
    assert reply.json()["status"] == kind
    if status == 400:
        assert reply.json()["statusMessage"] == "Invalid header. Verify the header."


def test_inactive_user_cannot_log_in(anaplan: Any) -> None:
    """Basic access stops for a user who was switched off."""
    anaplan.admin("set_access", email="planner@halden.example", active=False)
    assert anaplan.login("planner@halden.example").status_code == 401


def test_validation_answer_has_the_golden_shape(anaplan: Any) -> None:
    """The exact status message and the three ids some clients insist on."""
    body = anaplan.http.get("/token/validate").json()
    assert body["statusMessage"] == "Token validated"
    assert set(body["tokenInfo"]) == {"expiresAt", "tokenId"}
    assert body["userInfo"]["userId"] == "integration@halden.example"
    assert HEX_32.fullmatch(body["userInfo"]["userGuid"])
    assert HEX_32.fullmatch(body["userInfo"]["customerGuid"])


def test_refresh_keeps_the_value_and_moves_the_expiry(anaplan: Any) -> None:
    """The token comes back unchanged with a later expiry and the same refresh id."""
    first = anaplan.login().json()["tokenInfo"]
    anaplan.http.headers["Authorization"] = f"AnaplanAuthToken {first['tokenValue']}"
    anaplan.advance(1800)
    reply = anaplan.http.post("/token/refresh")
    second = reply.json()["tokenInfo"]
    assert (reply.status_code, reply.json()["statusMessage"]) == (200, "Token refreshed")
    assert second == {**first, "expiresAt": first["expiresAt"] + 1_800_000}


def test_refresh_may_rotate_the_value(anaplan: Any) -> None:
    """Under the switch the old value is dead and a new one lives."""
    anaplan.switch(auth__refresh="rotate")
    old = anaplan.http.headers["Authorization"]
    value = anaplan.http.post("/token/refresh").json()["tokenInfo"]["tokenValue"]
    assert f"AnaplanAuthToken {value}" != old
    assert anaplan.http.get("/2/0/users/me").status_code == 401
    anaplan.http.headers["Authorization"] = f"AnaplanAuthToken {value}"
    assert anaplan.http.get("/2/0/users/me").status_code == 200


def test_token_dies_after_its_life_and_use_does_not_prolong_it(anaplan: Any) -> None:
    """2100 seconds after the login every service says 401."""
    anaplan.advance(2099)
    assert anaplan.http.get("/2/0/users/me").status_code == 200
    anaplan.advance(1)
    assert anaplan.http.get("/2/0/users/me").status_code == 401
    for method, path in (("POST", "/token/refresh"), ("GET", "/token/validate")):
        reply = anaplan.http.request(method, path)
        assert (reply.status_code, reply.json()["status"]) == (401, "FAILURE_BAD_CREDENTIAL")


def test_logout_is_empty_and_kills_at_once(anaplan: Any) -> None:
    """204 without a body, and the next use is refused."""
    reply = anaplan.http.post("/token/logout")
    assert (reply.status_code, reply.content) == (204, b"")
    assert anaplan.http.get("/2/0/users/me").status_code == 401
    assert anaplan.http.post("/token/logout").status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/token/validate", 400),
        ("POST", "/token/refresh", 400),
        ("POST", "/token/logout", 401),
    ],
)
def test_bearer_is_not_for_the_authentication_service(
    anaplan: Any, method: str, path: str, status: int
) -> None:
    """The same token that the API takes as Bearer is refused here."""
    token = anaplan.http.headers["Authorization"].split()[1]
    bearer = {"Authorization": f"Bearer {token}"}
    assert anaplan.http.request(method, path, headers=bearer).status_code == status
    assert anaplan.http.get("/2/0/users/me", headers=bearer).status_code == 200


def test_api_401_is_an_error_envelope(anaplan: Any) -> None:
    """Here status is an object, unlike at the authentication service."""
    anaplan.http.headers["Authorization"] = "AnaplanAuthToken nobody"
    body = anaplan.http.get("/2/0/users/me").json()
    assert body["status"] == {"code": 401, "message": "Unauthorized"}
    assert body["path"] == "/2/0/users/me"
    assert body["timestamp"].endswith("Z")


def test_token_can_be_killed_at_a_chosen_request(anaplan: Any) -> None:
    """The k-th matching request finds the token dead; a new login lives on."""
    anaplan.admin("kill_token", at_request=3)
    statuses = [anaplan.http.get("/2/0/users/me").status_code for _ in range(4)]
    assert statuses == [200, 200, 401, 401]
    anaplan.act_as("integration@halden.example")
    assert anaplan.http.get("/2/0/users/me").status_code == 200


class Signer:
    """A client's side of the certificate login."""

    def __init__(self, issued: dict[str, str]) -> None:
        self.pem = issued["certificate"].encode()
        key = serialization.load_pem_private_key(issued["private_key"].encode(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        self.key = key

    def sign(self, payload: bytes) -> str:
        """The signature over the raw bytes, in base64."""
        raw = self.key.sign(payload, padding.PKCS1v15(), hashes.SHA512())
        return base64.b64encode(raw).decode()

    def header(self, *, as_pem: bool = True) -> str:
        """The header in one of the two forms in production use."""
        der = x509.load_pem_x509_certificate(self.pem).public_bytes(serialization.Encoding.DER)
        return "CACertificate " + base64.b64encode(self.pem if as_pem else der).decode()


Login = Callable[..., Any]


@pytest.fixture
def signer(anaplan: Any) -> Signer:
    """A registered certificate and its key."""
    return Signer(anaplan.admin("issue_certificate", email=CERTIFICATE_USER))


@pytest.fixture
def cert_login(anaplan: Any, signer: Signer) -> Login:
    """Logs in with a payload; `version` v2 names the format."""

    def login(payload: bytes, version: str = "v1", **options: Any) -> Any:
        body = {
            "encodedData": base64.b64encode(payload).decode(),
            "encodedSignedData": options.get("signature") or signer.sign(payload),
        }
        if version == "v2":
            body["encodedDataFormat"] = "v2"
        header = signer.header(as_pem=options.get("as_pem", True))
        return anaplan.http.post(
            "/token/authenticate", json=body, headers={"Authorization": header}
        )

    return login


def _fresh(anaplan: Any, shift_s: float = 0, scale: int = 1) -> bytes:
    stamp = int((anaplan.server.clock.now() + shift_s) * scale)
    return stamp.to_bytes(8, "big") + os.urandom(92)


@pytest.mark.parametrize("as_pem", [True, False])
def test_certificate_logs_in_with_either_payload_and_either_header(
    anaplan: Any, cert_login: Login, *, as_pem: bool
) -> None:
    """v1 and v2, base64 of the PEM text and of the DER bytes."""
    assert cert_login(os.urandom(100), as_pem=as_pem).status_code == 201
    reply = cert_login(_fresh(anaplan), "v2", as_pem=as_pem)
    assert reply.json()["status"] == "SUCCESS"
    token = reply.json()["tokenInfo"]["tokenValue"]
    anaplan.http.headers["Authorization"] = f"AnaplanAuthToken {token}"
    assert anaplan.http.get("/2/0/users/me").json()["user"]["email"] == CERTIFICATE_USER


def test_stale_or_repeated_v2_payload_is_refused(anaplan: Any, cert_login: Login) -> None:
    """Five minutes either way, and every payload once."""
    payload = _fresh(anaplan, 299)
    assert cert_login(payload, "v2").status_code == 201
    assert cert_login(payload, "v2").status_code == 401
    assert cert_login(_fresh(anaplan, 301), "v2").status_code == 401
    assert cert_login(_fresh(anaplan, -301), "v2").status_code == 401


def test_milliseconds_in_the_payload_are_a_switchable_tolerance(
    anaplan: Any, cert_login: Login
) -> None:
    """A known client packs milliseconds."""
    assert cert_login(_fresh(anaplan, scale=1000), "v2").status_code == 201
    anaplan.switch(auth__cert_milliseconds="off")
    assert cert_login(_fresh(anaplan, scale=1000), "v2").status_code == 401


def test_payload_format_can_be_restricted(anaplan: Any, cert_login: Login) -> None:
    """When v2 is mandatory v1 is a bad credential, and the other way round."""
    anaplan.switch(auth__cert_format="v2")
    reply = cert_login(os.urandom(100))
    assert (reply.status_code, reply.json()["status"]) == (401, "FAILURE_BAD_CREDENTIAL")
    anaplan.switch(auth__cert_format="v1")
    assert cert_login(_fresh(anaplan), "v2").status_code == 401


def test_forged_signature_short_payload_and_stranger_are_refused(
    anaplan: Any, cert_login: Login, signer: Signer
) -> None:
    """The signature is really verified, over the very bytes, for registered certificates."""
    payload = _fresh(anaplan)
    assert cert_login(payload, signature=signer.sign(payload + b"x")).status_code == 401
    assert cert_login(os.urandom(99)).status_code == 401
    assert cert_login(payload, signature="%%%").status_code == 400
    anaplan.server.users[CERTIFICATE_USER]["certificates"].clear()
    assert cert_login(payload).status_code == 401


def test_rubbish_instead_of_a_certificate_is_refused(anaplan: Any, signer: Signer) -> None:
    """A header that holds no certificate is a bad credential, not a crash."""
    payload = os.urandom(100)
    body = {
        "encodedData": base64.b64encode(payload).decode(),
        "encodedSignedData": signer.sign(payload),
    }
    for header in ("CACertificate !!", "CACertificate " + base64.b64encode(b"x").decode()):
        reply = anaplan.http.post(
            "/token/authenticate", json=body, headers={"Authorization": header}
        )
        assert reply.status_code == 401
    assert (
        anaplan.http.post(
            "/token/authenticate", content=b"{}", headers={"Authorization": signer.header()}
        ).status_code
        == 400
    )


def test_device_grant_waits_for_consent_and_gives_a_bearer(anaplan: Any) -> None:
    """The first poll is pending, the second gives tokens; the code works once."""
    client = anaplan.info["oauth"]["device_client"]
    start = anaplan.http.post("/oauth/device/code", json={"client_id": client, "scope": "openid"})
    assert {"device_code", "user_code", "verification_uri", "expires_in", "interval"} <= set(
        start.json()
    )
    ask = {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "client_id": client,
        "device_code": start.json()["device_code"],
    }
    assert anaplan.http.post("/oauth/token", json=ask).json()["error"] == "authorization_pending"
    granted = anaplan.http.post("/oauth/token", json=ask).json()
    assert (granted["expires_in"], granted["token_type"]) == (2100, "Bearer")
    assert anaplan.http.post("/oauth/token", json=ask).json()["error"] == "invalid_grant"
    bearer = {"Authorization": f"Bearer {granted['access_token']}"}
    assert anaplan.http.get("/2/0/users/me", headers=bearer).status_code == 200
    again = {"grant_type": "refresh_token", "client_id": client}
    reply = anaplan.http.post(
        "/oauth/token", content=json.dumps(again | {"refresh_token": granted["refresh_token"]})
    )
    assert reply.json()["refresh_token"] != granted["refresh_token"]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"grant_type": "password"}, "invalid_request"),
        ({"grant_type": "client_credentials"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant"),
        ({"grant_type": "authorization_code", "client_id": "x"}, "unauthorized_client"),
    ],
)
def test_other_grants_do_not_exist(anaplan: Any, body: dict[str, str], error: str) -> None:
    """There is no password and no client-credentials grant."""
    reply = anaplan.http.post("/oauth/token", json=body)
    assert reply.status_code in {400, 401}
    assert reply.json()["error"] == error
