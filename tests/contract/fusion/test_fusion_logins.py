"""Every way of logging in, from the settings to the pod that verifies it."""

import datetime as dt
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from ml_connector.errors import CredentialsError
from ml_connector.systems.fusion.adapter import FusionSource

SCOPE = "urn:opc:resource:fa:instanceid=100200300urn:opc:resource:consumer::all"
USER = "INTEGRATION.USER"
ISSUER = "halden.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A private key and its self-signed certificate, PEM both."""

    key: str
    certificate: str


@pytest.fixture(scope="module")
def pair() -> Pair:
    """One pair for the module; making keys is slow."""
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
    return Pair(
        key=key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
        certificate=certificate.public_bytes(serialization.Encoding.PEM).decode(),
    )


def read_ledgers(pod: Any, auth: dict[str, Any]) -> list[str]:
    """The ledgers a source with this log-in sees."""
    source = FusionSource(pod.settings(auth=auth), clock=pod.clock, secrets=pod.secrets)
    with closing(source):
        return [ledger.name for ledger in source.read_ledgers()]


def logins(pod: Any) -> dict[str, dict[str, Any]]:
    """The settings of each log-in, by method."""
    return {
        "jwt-assertion": {
            "method": "jwt-assertion", "token_url": f"{pod.url}/oauth2/v1/token",
            "client_id": "halden-connector", "client_secret": "secret:client", "user": USER,
            "private_key": "secret:key", "key_id": "halden", "scope": SCOPE,
        },
        "self-issued-jwt": {
            "method": "self-issued-jwt", "issuer": ISSUER, "user": USER,
            "private_key": "secret:key", "certificate": "secret:certificate",
        },
        "basic": {"method": "basic", "user": USER, "password": "secret:user"},
    }  # fmt: skip


@pytest.mark.parametrize("method", ["jwt-assertion", "self-issued-jwt", "basic"])
def test_log_in_acts_as_the_named_user(own_pod: Any, pair: Pair, method: str) -> None:
    """The pod accepts the log-in and takes the connector for the user it names."""
    own_pod.perform("register_certificate", alias="halden", pem=pair.certificate, issuer=ISSUER)
    own_pod.secrets.known |= {"secret:key": pair.key, "secret:certificate": pair.certificate}

    assert "Halden US" in read_ledgers(own_pod, logins(own_pod)[method])
    assert own_pod.server.journal.lines()[-1].user == USER


@pytest.mark.parametrize("method", ["jwt-assertion", "self-issued-jwt"])
def test_signature_nobody_registered_is_refused_once(own_pod: Any, pair: Pair, method: str) -> None:
    """A key the pod does not know is a matter of credentials, told without the key."""
    own_pod.secrets.known |= {"secret:key": pair.key, "secret:certificate": pair.certificate}

    with pytest.raises(CredentialsError) as caught:
        read_ledgers(own_pod, logins(own_pod)[method])

    assert "PRIVATE" not in str(caught.value)
