"""The four log-ins, on the wire."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ml_connector.errors import CredentialsError, ProtocolError
from ml_connector.systems.fusion.client import FusionClient
from ml_connector.systems.fusion.connection import FusionSettings

START = datetime(2026, 11, 3, 8, tzinfo=UTC)
SCOPE = "urn:opc:resource:fa:instanceid=123456789urn:opc:resource:consumer::all"
TOKEN_URL = "https://idcs.example/oauth2/v1/token"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()


class MovedClock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        """The instant it stands at."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """It stands that much later."""
        self.at += timedelta(seconds=seconds)


class Vault:
    """Secrets by reference."""

    def __init__(self, **known: str) -> None:
        self.known = known

    def read_secret(self, reference: str) -> str:
        """The plain text."""
        return self.known[reference.removeprefix("secret:")]


class Services:
    """The token service and the pod behind one transport; keeps what was sent to either."""

    def __init__(self, *answers: httpx2.Response) -> None:
        self.answers = answers or (
            httpx2.Response(200, json={"access_token": "t1", "expires_in": 3600}),
        )
        self.asked: list[httpx2.Request] = []
        self.served: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """A token from one host, the time from the other."""
        if request.url.host == "idcs.example":
            self.asked.append(request)
            return self.answers[min(len(self.asked), len(self.answers)) - 1]
        self.served.append(request)
        return httpx2.Response(200, headers={"Date": "Tue, 03 Nov 2026 08:00:00 GMT"})

    @property
    def form(self) -> dict[str, str]:
        """The last form sent to the token service."""
        return {
            name: values[0] for name, values in parse_qs(self.asked[-1].content.decode()).items()
        }


def connect(services: Services, auth: dict[str, Any], vault: Vault) -> FusionClient:
    """A client whose transport are the services."""
    settings = FusionSettings.model_validate(
        {"name": "erp", "pod_url": "https://pod.example", "auth": auth}
    )
    transport = httpx2.MockTransport(services)
    return FusionClient(settings, clock=MovedClock(), secrets=vault, transport=transport)


def decode(part: str) -> Any:
    """A part of a compact token."""
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def verify(token: str) -> tuple[Any, Any]:
    """Header and claims of a token our key has signed."""
    header, claims, signature = token.split(".")
    raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    KEY.public_key().verify(raw, f"{header}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
    return decode(header), decode(claims)


CLIENT = {
    "method": "client-credentials", "token_url": TOKEN_URL, "client_id": "halden-connector",
    "client_secret": "secret:client", "scope": SCOPE,
}  # fmt: skip
ASSERTION = {
    "method": "jwt-assertion", "token_url": TOKEN_URL, "client_id": "halden-connector",
    "client_secret": "secret:client", "user": "INTEGRATION.USER", "private_key": "secret:key",
    "key_id": "alias", "scope": SCOPE,
}  # fmt: skip


def test_client_credentials_go_out_as_the_token_service_takes_them() -> None:
    """Basic client, form body, the scope in one piece; the token becomes a bearer."""
    services = Services()
    client = connect(services, CLIENT, Vault(client="halden-secret"))

    client.read_server_time()

    (asked,) = services.asked
    basic = base64.b64encode(b"halden-connector:halden-secret").decode()
    assert asked.method == "POST"
    assert asked.headers["Authorization"] == f"Basic {basic}"
    assert asked.headers["Content-Type"] == "application/x-www-form-urlencoded;charset=UTF-8"
    assert asked.content == (
        b"grant_type=client_credentials&scope=urn%3Aopc%3Aresource%3Afa%3Ainstanceid%3D123456789"
        b"urn%3Aopc%3Aresource%3Aconsumer%3A%3Aall"
    )
    assert services.served[0].headers["Authorization"] == "Bearer t1"


def test_scope_is_left_out_when_none_is_configured() -> None:
    """Some identity domains have a default."""
    services = Services()

    connect(services, {**CLIENT, "scope": ""}, Vault(client="s")).read_server_time()

    assert services.form == {"grant_type": "client_credentials"}


@pytest.mark.parametrize(("expires_in", "lives_s"), [(7200, 7200), ("1800", 1800), (None, 300)])
def test_token_lives_as_long_as_it_says(expires_in: object, lives_s: int) -> None:
    """Read, never assumed; a short life where nothing is said."""
    body = {"access_token": "t", **({} if expires_in is None else {"expires_in": expires_in})}
    services = Services(httpx2.Response(200, json=body))
    client = connect(services, CLIENT, Vault(client="s"))
    clock = client._http._clock

    client.read_server_time()
    clock.sleep(lives_s - 76)
    client.read_server_time()
    assert len(services.asked) == 1
    clock.sleep(76)
    client.read_server_time()
    assert len(services.asked) == 2


def test_assertion_names_the_user_and_is_signed() -> None:
    """Claims, key id and signature as the grant wants them; the client by its secret."""
    services = Services()
    vault = Vault(client="halden-secret", key=PEM)

    connect(services, ASSERTION, vault).read_server_time()

    header, claims = verify(services.form["assertion"])
    assert services.form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert services.form["scope"] == SCOPE
    assert header == {"alg": "RS256", "typ": "JWT", "kid": "alias"}
    assert claims["sub"] == claims["prn"] == "INTEGRATION.USER"
    assert claims["iss"] == "halden-connector"
    assert claims["aud"] == "https://identity.oraclecloud.com/"
    assert claims["iat"] < START.timestamp() < claims["exp"]
    assert services.asked[0].headers["Authorization"].startswith("Basic ")


def test_client_proves_itself_by_an_assertion_when_it_has_no_secret() -> None:
    """The same key signs for the client; nothing goes out as Basic."""
    services = Services()
    auth = {name: value for name, value in ASSERTION.items() if name != "client_secret"}

    connect(services, auth, Vault(key=PEM)).read_server_time()

    _, user = verify(services.form["assertion"])
    _, client = verify(services.form["client_assertion"])
    assert client["sub"] == client["iss"] == "halden-connector"
    assert client["jti"] != user["jti"]
    assert services.form["client_id"] == "halden-connector"
    assert services.form["client_assertion_type"].endswith(":jwt-bearer")
    assert "Authorization" not in services.asked[0].headers


def test_self_issued_token_names_its_certificate() -> None:
    """No token service: the pod checks issuer, user and thumbprint."""
    services = Services()
    certificate = build_certificate()
    auth = {
        "method": "self-issued-jwt", "issuer": "halden", "user": "INTEGRATION.USER",
        "private_key": "secret:key", "certificate": "secret:certificate",
    }  # fmt: skip
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()

    connect(services, auth, Vault(key=PEM, certificate=pem)).read_server_time()

    header, claims = verify(services.served[0].headers["Authorization"].removeprefix("Bearer "))
    digest = hashlib.sha1(certificate.public_bytes(serialization.Encoding.DER)).digest()
    assert header["x5t"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert (claims["iss"], claims["prn"]) == ("halden", "INTEGRATION.USER")
    assert claims["exp"] - claims["iat"] == 360
    assert not services.asked


@pytest.mark.parametrize("reference", ["key", "certificate"])
def test_secret_of_the_wrong_kind_is_named_and_not_shown(reference: str) -> None:
    """Something that is no key ends the log-in before anything is sent."""
    auth = {
        "method": "self-issued-jwt", "issuer": "halden", "user": "U",
        "private_key": "secret:key", "certificate": "secret:certificate",
    }  # fmt: skip
    pem = build_certificate().public_bytes(serialization.Encoding.PEM).decode()
    vault = Vault(key=PEM, certificate=pem)
    vault.known[reference] = "top-secret-nonsense"
    services = Services()

    with pytest.raises(CredentialsError, match="PEM") as raised:
        connect(services, auth, vault).read_server_time()
    assert "nonsense" not in str(raised.value)
    assert not services.served


@pytest.mark.parametrize(
    ("status", "body", "match"),
    [
        (401, b'{"error":"invalid_client","error_description":"halden-secret"}', "invalid_client"),
        (400, b'{"error":"invalid_scope"}', "without a blank"),
        (400, b'{"error":"invalid_grant"}', "clock"),
        (400, b'{"error":"unsupported_grant_type"}', "grant types"),
        (401, b"<html>halden-secret</html>", "no reason"),
    ],
)
def test_refused_login_is_told_by_its_code(status: int, body: bytes, match: str) -> None:
    """Only the code is contractual; the description is not repeated."""
    services = Services(httpx2.Response(status, content=body))

    with pytest.raises(CredentialsError, match=match) as raised:
        connect(services, CLIENT, Vault(client="halden-secret")).read_server_time()
    assert "halden-secret" not in f"{raised.value} {raised.value.render_record()}"
    assert len(services.asked) == 1


@pytest.mark.parametrize(
    "body", [b"<html></html>", b'{"token":1}', b'{"access_token":"t","expires_in":"soon"}']
)
def test_token_reply_off_contract_is_refused(body: bytes) -> None:
    """A success without a usable token is none."""
    services = Services(httpx2.Response(200, content=body))

    with pytest.raises(ProtocolError):
        connect(services, CLIENT, Vault(client="s")).read_server_time()


def build_certificate() -> x509.Certificate:
    """A self-signed certificate of our key."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "halden")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(7)
        .not_valid_before(START - timedelta(days=1))
        .not_valid_after(START + timedelta(days=365))
        .sign(KEY, hashes.SHA256())
    )
