"""Signing in: tokens, assertions, self-issued tokens, Basic, and the refusals."""

import base64
import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

SCOPE = "urn:opc:resource:fa:instanceid=100200300urn:opc:resource:consumer::all"
CLIENT = ("halden-connector", "halden-secret")
AUDIENCE = "https://identity.oraclecloud.com/"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CLIENT_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """A key with its certificate."""

    key: rsa.RSAPrivateKey
    pem: str
    x5t: str

    def sign(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        """A signed token."""
        signed = ".".join(_encode(json.dumps(part).encode()) for part in (header, claims))
        signature = self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_encode(signature)}"


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def new_signer() -> Signer:
    """A fresh RSA key with a self-signed certificate."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "halden")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(dt.datetime(2024, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(2030, 1, 1, tzinfo=dt.UTC))
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    x5t = base64.b64encode(certificate.fingerprint(hashes.SHA1())).decode()
    return Signer(key=key, pem=pem, x5t=x5t)


@pytest.fixture(scope="module")
def signer() -> Signer:
    """One key for the module; making keys is slow."""
    return new_signer()


def ask(fusion: Any, form: dict[str, str], auth: Any = CLIENT) -> Any:
    """The answer of the token endpoint."""
    with httpx2.Client() as client:
        return client.post(f"{fusion.server.url}/oauth2/v1/token", data=form, auth=auth)


def token_of(fusion: Any) -> str:
    """A token for the client itself."""
    reply = ask(fusion, {"grant_type": "client_credentials", "scope": SCOPE})
    assert reply.status_code == 200, reply.text
    return str(reply.json()["access_token"])


def read_with(fusion: Any, token: str) -> int:
    """The status of a reading with a bearer token."""
    url = f"{fusion.server.url}/fscmRestApi/resources/11.13.18.05/journalBatches?limit=1"
    with httpx2.Client() as client:
        return int(client.get(url, headers={"Authorization": f"Bearer {token}"}).status_code)


def times(fusion: Any, *, lifetime_s: int = 300) -> dict[str, int]:
    """Times of an assertion, by the sandbox clock."""
    now = int(fusion.clock.now())
    return {"iat": now - 60, "exp": now + lifetime_s}


def user_assertion(fusion: Any, signer: Signer, **claims: Any) -> str:
    """An assertion that names a user."""
    stated = {"sub": "INTEGRATION.USER", "iss": CLIENT[0], "aud": AUDIENCE, "jti": "1"}
    header = {"alg": "RS256", "kid": "halden"}
    return signer.sign(header, {**stated, **times(fusion), **claims})


def test_client_credentials_give_a_token_of_the_contract_shape(fusion: Any) -> None:
    """Token, type and lifetime in seconds; no refresh token."""
    reply = ask(fusion, {"grant_type": "client_credentials", "scope": SCOPE})

    assert reply.headers["content-type"].startswith("application/json")
    assert reply.json().keys() == {"access_token", "token_type", "expires_in"}
    assert reply.json()["token_type"] == "Bearer"
    assert reply.json()["expires_in"] == 3600
    assert read_with(fusion, reply.json()["access_token"]) == 200


def test_token_has_the_form_of_a_signed_token(fusion: Any) -> None:
    """Three parts, the middle one JSON with the claims seen in the wild."""
    body = token_of(fusion).split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))

    assert {"iss", "aud", "sub", "client_id", "scope", "exp", "iat", "tok_type"} <= claims.keys()


@pytest.mark.parametrize(
    ("form", "auth", "status", "error"),
    [
        ({"grant_type": "client_credentials", "scope": SCOPE}, ("halden-connector", "no"), 401,
         "invalid_client"),
        ({"grant_type": "client_credentials", "scope": SCOPE}, None, 401, "invalid_client"),
        ({"grant_type": "client_credentials", "scope": "urn:opc:resource:consumer::all"}, CLIENT,
         400, "invalid_scope"),
        ({"grant_type": "client_credentials"}, CLIENT, 400, "invalid_scope"),
        ({"grant_type": "client_credentials",
          "scope": SCOPE.replace("urn:opc:resource:consumer", " urn:opc:resource:consumer")},
         CLIENT, 400, "invalid_scope"),
        ({"grant_type": "password", "scope": SCOPE}, CLIENT, 400, "unsupported_grant_type"),
        ({"scope": SCOPE}, CLIENT, 400, "invalid_request"),
        ({"grant_type": JWT_BEARER, "assertion": "a.b.c", "scope": SCOPE}, CLIENT, 400,
         "invalid_grant"),
    ],
)  # fmt: skip
def test_token_refusal_carries_the_code_of_its_cause(
    fusion: Any, form: dict[str, str], auth: Any, status: int, error: str
) -> None:
    """Each wrong request has its status and its code in JSON."""
    reply = ask(fusion, form, auth)

    assert reply.status_code == status
    assert reply.json()["error"] == error
    assert reply.json()["error_description"]


def test_token_request_without_a_form_is_an_invalid_request(fusion: Any) -> None:
    """A JSON body is no form."""
    with httpx2.Client() as client:
        url = f"{fusion.server.url}/oauth2/v1/token"
        reply = client.post(url, json={"grant_type": "client_credentials"}, auth=CLIENT)

    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_request")


def test_lenient_scope_takes_what_other_clients_send(fusion: Any) -> None:
    """Scope left out, or shortened, is granted behind the switch."""
    fusion.turn(scope_check="lenient")

    assert ask(fusion, {"grant_type": "client_credentials"}).status_code == 200
    short = {"grant_type": "client_credentials", "scope": "urn:opc:resource:consumer::all"}
    assert ask(fusion, short).status_code == 200


def test_token_expires_by_the_sandbox_clock(own: Any) -> None:
    """A five-second token is worth nothing after five seconds."""
    own.turn(token_lifetime_s=5)
    token = token_of(own)
    own.clock.advance(4)
    before = read_with(own, token)
    own.clock.advance(1)

    assert (before, read_with(own, token)) == (200, 401)


def test_revoking_ends_every_token(own: Any) -> None:
    """After revoke-all an old token is refused and a new one works."""
    token = token_of(own)
    own.do("revoke_tokens")

    assert read_with(own, token) == 401
    assert read_with(own, token_of(own)) == 200


def test_user_assertion_gives_a_token_of_that_user(own: Any, signer: Signer) -> None:
    """The token acts as the user the assertion names, and the journal shows it."""
    own.do("register_certificate", alias="halden", pem=signer.pem)
    form = {"grant_type": JWT_BEARER, "assertion": user_assertion(own, signer), "scope": SCOPE}
    token = ask(own, form).json()["access_token"]

    assert read_with(own, token) == 200
    assert own.server.journal.lines()[-1].user == "INTEGRATION.USER"


@pytest.mark.parametrize(
    "claims",
    [{"exp": 1}, {"sub": "NOBODY"}, {"iss": "another"}, {"aud": "https://elsewhere.example/"},
     {"iat": 4_000_000_000}],
)  # fmt: skip
def test_bad_user_assertion_is_an_invalid_grant(
    own: Any, signer: Signer, claims: dict[str, Any]
) -> None:
    """An assertion that is over, or for another, is refused with 400 or, by switch, 401."""
    own.do("register_certificate", alias="halden", pem=signer.pem)
    assertion = user_assertion(own, signer, **claims)
    form = {"grant_type": JWT_BEARER, "assertion": assertion, "scope": SCOPE}
    first = ask(own, form)
    own.turn(bad_assertion_status=401)

    assert (first.status_code, first.json()["error"]) == (400, "invalid_grant")
    assert ask(own, form).status_code == 401


def test_assertion_of_an_unknown_key_is_refused(own: Any, signer: Signer) -> None:
    """Nobody may sign with a certificate that was not registered."""
    own.do("register_certificate", alias="halden", pem=new_signer().pem)
    form = {"grant_type": JWT_BEARER, "assertion": user_assertion(own, signer), "scope": SCOPE}

    assert ask(own, form).json()["error"] == "invalid_grant"


def test_client_may_sign_instead_of_sending_its_secret(own: Any, signer: Signer) -> None:
    """A client assertion stands for Basic."""
    own.do("register_certificate", alias="halden", pem=signer.pem)
    claims = {"sub": CLIENT[0], "iss": CLIENT[0], "aud": [AUDIENCE], **times(own)}
    form = {
        "grant_type": "client_credentials",
        "scope": SCOPE,
        "client_id": CLIENT[0],
        "client_assertion_type": CLIENT_ASSERTION,
        "client_assertion": signer.sign({"alg": "RS256", "x5t": signer.x5t}, claims),
    }
    good = ask(own, form, None)
    bad = ask(own, {**form, "client_id": "another"}, None)

    assert good.status_code == 200
    assert (bad.status_code, bad.json()["error"]) == (401, "invalid_client")


def self_issued(own: Any, signer: Signer, **claims: Any) -> str:
    """A token that was never near the token endpoint."""
    stated = {"iss": "halden.example", "prn": "INTEGRATION.USER", **times(own)}
    return signer.sign({"alg": "RS256", "typ": "JWT", "x5t": signer.x5t}, {**stated, **claims})


def test_self_issued_token_of_a_trusted_issuer_is_accepted(own: Any, signer: Signer) -> None:
    """The REST resources take a token signed by an uploaded certificate."""
    own.do("register_certificate", alias="api", pem=signer.pem, issuer="halden.example")

    assert read_with(own, self_issued(own, signer)) == 200


@pytest.mark.parametrize(
    "claims", [{"exp": 1}, {"iss": "stranger.example"}, {"prn": "NOBODY"}, {"prn": None}]
)
def test_self_issued_token_that_does_not_hold_is_refused(
    own: Any, signer: Signer, claims: dict[str, Any]
) -> None:
    """Over, of another issuer, or for nobody: 401."""
    own.do("register_certificate", alias="api", pem=signer.pem, issuer="halden.example")

    assert read_with(own, self_issued(own, signer, **claims)) == 401


def test_self_issued_token_needs_a_trusted_issuer(own: Any, signer: Signer) -> None:
    """A certificate for assertions alone opens no REST resource."""
    own.do("register_certificate", alias="halden", pem=signer.pem)

    assert read_with(own, self_issued(own, signer)) == 401


def test_certificate_must_be_one(own: Any) -> None:
    """Text that is no certificate is refused at the side door."""
    reply = own.client.post(
        f"{own.server.url}/__sandbox/register_certificate", json={"alias": "x", "pem": "no"}
    )

    assert reply.status_code == 400


@pytest.mark.parametrize("auth", [None, ("INTEGRATION.USER", "wrong"), ("NOBODY", "x")])
def test_request_without_good_credentials_is_challenged_with_a_page(fusion: Any, auth: Any) -> None:
    """401 names the realm and carries HTML, even where JSON was asked for."""
    headers = {"Accept": "application/json", "REST-Framework-Version": "4"}
    url = f"{fusion.server.url}/fscmRestApi/resources/11.13.18.05/journalBatches"
    with httpx2.Client() as client:
        reply = client.get(url, headers=headers, auth=auth)

    assert reply.status_code == 401
    assert reply.headers["www-authenticate"] == 'Basic realm="owsm"'
    assert reply.headers["content-type"].startswith("text/html")
    assert "Error 401--Unauthorized" in reply.text


def test_challenge_changes_by_switch(fusion: Any) -> None:
    """The body may be empty, and a second challenge may stand beside the first."""
    fusion.turn(body_401="empty", bearer_challenge=True)
    url = f"{fusion.server.url}/fscmRestApi/resources/11.13.18.05/journalBatches"
    with httpx2.Client() as client:
        reply = client.get(url, headers={"Authorization": "Bearer stale"})

    assert reply.content == b""
    assert reply.headers.get_list("www-authenticate") == [
        'Basic realm="owsm"',
        'Bearer error="invalid_token"',
    ]


def test_basic_can_be_forbidden(fusion: Any) -> None:
    """Customers may switch Basic off; tokens go on working."""
    fusion.turn(basic_auth="refused", body_401="json")

    assert fusion.call("GET", "/journalBatches?limit=1").json()["status"] == "401"
    assert read_with(fusion, token_of(fusion)) == 200


def test_token_endpoint_can_be_busy(fusion: Any) -> None:
    """A token rate limit answers 429, with or without a hint when to come back."""
    fusion.turn(token_throttle={"every": 1, "body": "empty", "retry_after": "none"})
    busy = ask(fusion, {"grant_type": "client_credentials", "scope": SCOPE})

    assert (busy.status_code, busy.content) == (429, b"")
    assert "retry-after" not in busy.headers
