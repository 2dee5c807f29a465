"""Log-in to Anaplan: lives by the server's clock, fresh proofs, kept rotations."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from ml_connector.errors import CredentialsError, ProtocolError, SystemUnavailableError
from ml_connector.systems.anaplan.certificates import parse_login_certificate
from ml_connector.systems.anaplan.connection import AnaplanSettings
from ml_connector.systems.anaplan.login import LEAD_S, AnaplanLogin
from ml_connector.systems.http import HttpClient, HttpOptions
from ml_connector.systems.tokens import TokenCache

OURS = datetime(2026, 11, 22, 9, tzinfo=UTC)
THEIRS = datetime(2019, 10, 14, 21, tzinfo=UTC)
Handler = Callable[[httpx2.Request], httpx2.Response]


class MovedClock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.at = OURS

    def now(self) -> datetime:
        """The instant it stands at."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """It stands that much later."""
        self.at += timedelta(seconds=seconds)


class Safe:
    """Holds the secrets of the tests."""

    def __init__(self, **texts: str) -> None:
        self.texts = texts

    def read_secret(self, reference: str) -> str:
        """The text behind a reference."""
        return self.texts[reference.partition(":")[2]]


class Server:
    """An authentication service in another year, which notes what it is sent."""

    def __init__(self, clock: MovedClock) -> None:
        self.clock = clock
        self.life_s = 2100
        self.requests: list[httpx2.Request] = []
        self.script: list[Handler] = []
        self.tells_date = True

    def now(self) -> datetime:
        """Its own time, which runs with ours, years away."""
        return THEIRS + (self.clock.now() - OURS)

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        """The next scripted answer, else a token."""
        self.requests.append(request)
        handler = self.script.pop(0) if self.script else self.grant
        reply = handler(request)
        if self.tells_date:
            reply.headers["Date"] = format_datetime(self.now(), usegmt=True)
        return reply

    def grant(self, _request: httpx2.Request) -> httpx2.Response:
        """A fresh token."""
        return self.token(f"tok.{len(self.requests)}==")

    def token(self, value: str) -> httpx2.Response:
        """The envelope of a token."""
        info = {
            "expiresAt": int((self.now().timestamp() + self.life_s) * 1000),
            "tokenId": "c2fe098f-5d19-11f1-b2db-efadbac143e7",
            "tokenValue": value,
            "refreshTokenId": "c2fe0990-5d19-11f1-b2db-5b6c7d8e9f00",
        }
        body = {"status": "SUCCESS", "statusMessage": "Login successful", "tokenInfo": info}
        return httpx2.Response(201, json=body)

    def paths(self) -> list[str]:
        """What was called, in order."""
        return [request.url.path.removeprefix("/token/") for request in self.requests]


def refuse(_request: httpx2.Request) -> httpx2.Response:
    """The answer to a wrong user, password, token or proof."""
    body = {"status": "FAILURE_BAD_CREDENTIAL", "statusMessage": "halden-password is wrong"}
    return httpx2.Response(401, json=body)


def break_off(_request: httpx2.Request) -> httpx2.Response:
    """The connection breaks after the request has left."""
    raise httpx2.ReadError("broken")


@pytest.fixture
def clock() -> MovedClock:
    """Our clock, standing."""
    return MovedClock()


@pytest.fixture
def server(clock: MovedClock) -> Server:
    """The service, years away from us."""
    return Server(clock)


@pytest.fixture
def build(clock: MovedClock, server: Server) -> Iterator[Callable[..., AnaplanLogin]]:
    """Makes log-ins against the service."""
    opened: list[HttpClient] = []

    def make(secrets: Safe, **auth: Any) -> AnaplanLogin:
        settings = AnaplanSettings.model_validate(
            {
                "name": "fin", "auth_url": "https://auth.example", "api_url": "https://api.example",
                "workspace_id": "8" * 32, "model_id": "8" * 32, "auth": auth,
            }
        )  # fmt: skip
        http = HttpClient(
            HttpOptions(system="Anaplan", origin="https://auth.example"),
            clock=clock,
            transport=httpx2.MockTransport(server.answer),
        )
        opened.append(http)
        return AnaplanLogin(settings, http, secrets=secrets, clock=clock)

    yield make
    for http in opened:
        http.close()


@pytest.fixture
def by_password(build: Callable[..., AnaplanLogin]) -> AnaplanLogin:
    """A log-in with user and password."""
    return build(
        Safe(word="halden-pässword"), method="password", user="a@b.example", password="secret:word"
    )


@pytest.fixture(scope="module")
def pair() -> tuple[str, str]:
    """A certificate valid to 2027-01-01 and its key, as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return render_certificate(key), render_key(key)


def render_key(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, password: bytes = b"") -> str:
    """The key as PEM."""
    lock = serialization.BestAvailableEncryption(password) if password else None
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        lock or serialization.NoEncryption(),
    ).decode()


def render_certificate(key: rsa.RSAPrivateKey) -> str:
    """A certificate of the key, as PEM."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "integration")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2015, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2027, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def read_proof(request: httpx2.Request, certificate_pem: str) -> bytes:
    """The payload of a log-in, after its signature was verified with the public key."""
    body = json.loads(request.content)
    payload = base64.b64decode(body["encodedData"])
    public = x509.load_pem_x509_certificate(certificate_pem.encode()).public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    signature = base64.b64decode(body["encodedSignedData"])
    public.verify(signature, payload, padding.PKCS1v15(), hashes.SHA512())
    return payload


# --- life -------------------------------------------------------------------------------------


def test_life_is_measured_by_the_servers_own_clock(by_password: AnaplanLogin) -> None:
    """A server seven years behind us grants 35 minutes, not a token that died long ago."""
    assert by_password.fetch_token(None).lifetime_s == 2100


@pytest.mark.parametrize("life_s", [0, -4000])
def test_life_is_assumed_when_the_server_tells_none_that_makes_sense(
    by_password: AnaplanLogin, server: Server, life_s: int
) -> None:
    """A token that would be dead on arrival is tried for half an hour; a 401 puts it right."""
    server.life_s = life_s
    assert by_password.fetch_token(None).lifetime_s == 1800


def test_life_is_assumed_when_the_reply_has_no_date(
    by_password: AnaplanLogin, server: Server
) -> None:
    """Without the server's time its end of life is never compared with ours."""
    server.tells_date = False
    assert by_password.fetch_token(None).lifetime_s == 1800


def test_token_is_prolonged_after_thirty_minutes(
    by_password: AnaplanLogin, server: Server, clock: MovedClock
) -> None:
    """One log-in, then one prolonging at 30 of 35 minutes; nothing in between."""
    cache = TokenCache(by_password.fetch_token, clock=clock, lead_s=LEAD_S)
    cache.read_token()
    clock.sleep(1799)
    assert cache.read_token() == "tok.1=="
    clock.sleep(2)
    server.script = [lambda _: server.token("rotated")]
    assert cache.read_token() == "rotated"
    assert server.paths() == ["authenticate", "refresh"]
    assert server.requests[1].headers["Authorization"] == "AnaplanAuthToken tok.1=="
    clock.sleep(1801)
    cache.read_token()
    assert server.requests[2].headers["Authorization"] == "AnaplanAuthToken rotated"


def test_refused_prolonging_becomes_a_new_log_in(by_password: AnaplanLogin, server: Server) -> None:
    """A token that died meanwhile is replaced, not mourned."""
    server.script = [refuse]
    assert by_password.fetch_token("dead").value == "tok.2=="
    assert server.paths() == ["refresh", "authenticate"]


# --- password ---------------------------------------------------------------------------------


def test_password_goes_as_basic_and_nowhere_else(by_password: AnaplanLogin, server: Server) -> None:
    """User and password travel in the header, in UTF-8; the body is empty."""
    by_password.fetch_token(None)
    scheme, value = server.requests[0].headers["Authorization"].split()
    assert scheme == "Basic"
    assert base64.b64decode(value).decode() == "a@b.example:halden-pässword"
    assert server.requests[0].content == b""


def test_wrong_password_is_told_without_being_shown(
    by_password: AnaplanLogin, server: Server
) -> None:
    """The refusal names user and reference, never the password or the server's words; one try."""
    server.script = [refuse]
    with pytest.raises(CredentialsError, match=r"a@b\.example.*secret:word") as caught:
        by_password.fetch_token(None)
    assert "word is wrong" not in str(caught.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "reply",
    [
        httpx2.Response(200, text="<html>portal</html>"),
        httpx2.Response(200, json={"status": "SUCCESS", "tokenInfo": {}}),
        httpx2.Response(200, json={"status": "SUCCESS", "tokenInfo": {"tokenValue": ["s3cret"]}}),
        httpx2.Response(404, text="s3cret"),
    ],
)
def test_other_services_are_not_taken_for_the_right_one(
    by_password: AnaplanLogin, server: Server, reply: httpx2.Response
) -> None:
    """An answer without a token points at the address, and quotes nothing."""
    server.script = [lambda _: reply]
    with pytest.raises(ProtocolError, match="auth_url") as caught:
        by_password.fetch_token(None)
    assert "s3cret" not in str(caught.value)


def test_failure_status_in_a_success_is_no_token(by_password: AnaplanLogin, server: Server) -> None:
    """The status text of the body counts, not the number alone."""
    body = {"status": "FAILURE_BAD_CREDENTIAL", "tokenInfo": {"tokenValue": "x"}}
    server.script = [lambda _: httpx2.Response(200, json=body)]
    with pytest.raises(CredentialsError):
        by_password.fetch_token(None)


# --- certificate ------------------------------------------------------------------------------


@pytest.fixture
def by_certificate(build: Callable[..., AnaplanLogin], pair: tuple[str, str]) -> AnaplanLogin:
    """A log-in with a certificate, layout v2."""
    return build(
        Safe(cert=pair[0], key=pair[1]),
        method="certificate", certificate="file:cert", private_key="secret:key",
    )  # fmt: skip


def test_v2_proof_begins_with_the_time_and_is_signed(
    by_certificate: AnaplanLogin, server: Server, pair: tuple[str, str]
) -> None:
    """100 bytes, the first eight our time in seconds, SHA512withRSA over the raw bytes."""
    by_certificate.fetch_token(None)
    request = server.requests[0]
    payload = read_proof(request, pair[0])
    assert len(payload) == 100
    assert int.from_bytes(payload[:8], "big") == int(OURS.timestamp())
    assert json.loads(request.content)["encodedDataFormat"] == "v2"
    scheme, value = request.headers["Authorization"].split()
    assert scheme == "CACertificate"
    assert base64.b64decode(value).decode() == pair[0]


def test_v1_proof_is_random_and_names_no_layout(
    build: Callable[..., AnaplanLogin], server: Server, pair: tuple[str, str]
) -> None:
    """The older layout signs 100 random bytes."""
    login = build(
        Safe(cert=pair[0], key=pair[1]),
        method="certificate", certificate="file:cert", private_key="secret:key", format="v1",
    )  # fmt: skip
    login.fetch_token(None)
    payload = read_proof(server.requests[0], pair[0])
    assert len(payload) == 100
    assert int.from_bytes(payload[:8], "big") != int(OURS.timestamp())
    assert set(json.loads(server.requests[0].content)) == {"encodedData", "encodedSignedData"}


def test_each_try_has_a_fresh_proof(
    by_certificate: AnaplanLogin, server: Server, pair: tuple[str, str]
) -> None:
    """A proof is taken once, so a lost reply is never followed by the same one."""
    server.script = [break_off, lambda _: httpx2.Response(503)]
    by_certificate.fetch_token(None)
    payloads = {read_proof(request, pair[0]) for request in server.requests}
    assert len(payloads) == 3


def test_proof_is_given_up_after_three_tries(by_certificate: AnaplanLogin, server: Server) -> None:
    """A service that does not answer is unavailable, and nothing is unknown about a log-in."""
    server.script = [break_off] * 9
    with pytest.raises(SystemUnavailableError):
        by_certificate.fetch_token(None)
    assert len(server.requests) == 3


def test_refused_proof_is_made_again_with_the_servers_time(
    by_certificate: AnaplanLogin, server: Server, pair: tuple[str, str]
) -> None:
    """A server in another year takes only proofs of its own time; it is asked once more."""
    server.script = [refuse]
    by_certificate.fetch_token(None)
    payload = read_proof(server.requests[1], pair[0])
    assert abs(int.from_bytes(payload[:8], "big") - THEIRS.timestamp()) <= 1


def test_refused_proof_stays_refused_when_the_clocks_agree(
    by_certificate: AnaplanLogin, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a skew to correct, a refusal is final after one try."""
    monkeypatch.setattr(server, "now", server.clock.now)
    server.script = [refuse]
    with pytest.raises(CredentialsError, match=r"file:cert.*registered"):
        by_certificate.fetch_token(None)
    assert len(server.requests) == 1


def test_key_of_another_certificate_is_refused(pair: tuple[str, str]) -> None:
    """Certificate and key must fit before anything is sent."""
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with pytest.raises(CredentialsError, match="does not belong to its certificate"):
        parse_login_certificate(pair[0], render_key(other))


def test_key_that_is_not_rsa_is_refused(pair: tuple[str, str]) -> None:
    """Other keys are named as what they are."""
    with pytest.raises(CredentialsError, match="not RSA"):
        parse_login_certificate(pair[0], render_key(ec.generate_private_key(ec.SECP256R1())))


def test_unreadable_certificate_and_key_are_told_apart(pair: tuple[str, str]) -> None:
    """Each fault names its own setting, and shows nothing of the text."""
    with pytest.raises(CredentialsError, match=r"auth\.certificate"):
        parse_login_certificate("s3cret", pair[1])
    with pytest.raises(CredentialsError, match=r"auth\.private_key") as caught:
        parse_login_certificate(pair[0], "s3cret")
    assert "s3cret" not in str(caught.value)


def test_encrypted_key_opens_with_its_password() -> None:
    """The key's password is used; without it the key stays shut."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    locked = render_key(key, b"word")
    opened = parse_login_certificate(render_certificate(key), locked, password="word")
    assert opened.valid_until == datetime(2027, 1, 1, tzinfo=UTC)
    with pytest.raises(CredentialsError):
        parse_login_certificate(render_certificate(key), locked)


def test_altered_payload_does_not_verify(pair: tuple[str, str]) -> None:
    """The check used above can fail: a changed payload no longer fits its signature."""
    proof = parse_login_certificate(*pair).render_proof(at=OURS, layout="v2")
    body = json.loads(proof)
    body["encodedData"] = base64.b64encode(b"0" * 100).decode()
    with pytest.raises(InvalidSignature):
        read_proof(httpx2.Request("POST", "https://x", content=json.dumps(body)), pair[0])


# --- log-out ----------------------------------------------------------------------------------


def test_log_out_kills_the_last_token_once(by_password: AnaplanLogin, server: Server) -> None:
    """The newest token is given back; a second log-out has nothing to do."""
    by_password.fetch_token(None)
    server.script = [lambda _: httpx2.Response(204)]
    by_password.log_out()
    by_password.log_out()
    assert server.paths() == ["authenticate", "logout"]
    assert server.requests[1].headers["Authorization"] == "AnaplanAuthToken tok.1=="


@pytest.mark.parametrize("answer", [refuse, break_off, lambda _: httpx2.Response(500)])
def test_log_out_never_fails(by_password: AnaplanLogin, server: Server, answer: Handler) -> None:
    """A token that cannot be given back dies by itself; the work is done all the same."""
    by_password.fetch_token(None)
    server.script = [answer] * 9
    by_password.log_out()


def test_no_log_out_without_log_in(by_password: AnaplanLogin, server: Server) -> None:
    """A connection that was never used sends nothing."""
    by_password.log_out()
    assert server.requests == []
