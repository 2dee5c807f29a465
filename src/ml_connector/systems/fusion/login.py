"""Log-in to a pod: four ways, one authorizer; secrets are resolved here and nowhere else."""

import base64
import hashlib
import json
import uuid
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ml_connector.errors import CredentialsError
from ml_connector.ports import Clock, Secrets
from ml_connector.systems.calls import RemoteReply
from ml_connector.systems.fusion import wire
from ml_connector.systems.fusion.connection import (
    BasicLogin,
    ClientCredentialsLogin,
    FusionSettings,
    JwtAssertionLogin,
    SelfIssuedJwtLogin,
)
from ml_connector.systems.http import LOGIN_TIMEOUTS, HttpClient, RemoteCall
from ml_connector.systems.tokens import (
    Authorizer,
    BasicAuthorizer,
    FetchToken,
    TokenAuthorizer,
    TokenCache,
    TokenGrant,
    render_basic,
)

ASSERTION_S: Final = 300
BACKDATE_S: Final = 60
"""Assertions begin a minute ago, for pods whose clock is behind ours."""
TOKEN_BYTES_MAX: Final = 256 * 1024
_REFUSED: Final = frozenset({400, 401, 403})
_NEXT_STEPS: Final = {
    "invalid_client": "Check client id and secret of the confidential application.",
    "invalid_scope": "Copy the scope from the Fusion application of the identity domain: audience"
    " and scope stand together without a blank.",
    "invalid_grant": "Check user, key id and certificate of the assertion, and this machine's"
    " clock.",
}
_NEXT_STEP_OTHER: Final = "Check the grant types and the scope of the confidential application."

Seconds = int
Claims = dict[str, object]


def build_authorizer(
    settings: FusionSettings, *, clock: Clock, secrets: Secrets, identity: HttpClient | None
) -> Authorizer:
    """The authorizer of the configured log-in; nothing is sent or resolved yet.

    Args:
        settings: Of the connection.
        clock: Dates assertions and ends tokens.
        secrets: Asked at each log-in, so a rotated secret is taken without a restart.
        identity: Reaches the token service; only the two token log-ins need it.
    """
    auth = settings.auth
    if isinstance(auth, BasicLogin):
        reference = auth.password
        return BasicAuthorizer(auth.user, lambda: secrets.read_secret(reference))
    if isinstance(auth, SelfIssuedJwtLogin):
        return _cached(_issue_fetch(auth, clock=clock, secrets=secrets), clock)
    assert identity is not None
    return _cached(_build_fetch(auth, clock=clock, secrets=secrets, identity=identity), clock)


def find_token_origin(settings: FusionSettings) -> str | None:
    """Scheme, host and port of the token service; None when the log-in needs none."""
    if isinstance(settings.auth, ClientCredentialsLogin | JwtAssertionLogin):
        parts = urlsplit(settings.auth.token_url)
        return f"{parts.scheme}://{parts.netloc}"
    return None


def _cached(fetch: FetchToken, clock: Clock) -> TokenAuthorizer:
    return TokenAuthorizer(TokenCache(fetch, clock=clock))


def _build_fetch(
    auth: ClientCredentialsLogin | JwtAssertionLogin,
    *,
    clock: Clock,
    secrets: Secrets,
    identity: HttpClient,
) -> FetchToken:
    def fetch(_living: str | None) -> TokenGrant:
        form, headers = (
            _render_client_grant(auth, secrets)
            if isinstance(auth, ClientCredentialsLogin)
            else _render_assertion_grant(auth, secrets, clock)
        )
        if auth.scope:
            form["scope"] = auth.scope
        return _read_grant(identity, auth.token_url, form=form, headers=headers)

    return fetch


def _read_grant(
    identity: HttpClient, token_url: str, *, form: dict[str, str], headers: dict[str, str]
) -> TokenGrant:
    reply = identity.send(
        RemoteCall(
            method="POST",
            path=urlsplit(token_url).path,
            headers={
                "Content-Type": "application/x-www-form-urlencoded;charset=UTF-8",
                "Accept": "application/json",
                **headers,
            },
            content=urlencode(form, quote_via=quote, safe="").encode("ascii"),
            # A second token harms nobody: the first is simply never used.
            is_repeatable=True,
            accepted=_REFUSED,
            timeouts=LOGIN_TIMEOUTS,
            bytes_max=TOKEN_BYTES_MAX,
            is_login=True,
        )
    )
    if not reply.is_success:
        raise _render_login_refused(reply)
    return wire.parse_grant(reply)


def _render_login_refused(reply: RemoteReply) -> CredentialsError:
    # Only the code is contractual; descriptions are translated and may repeat what was sent.
    code = wire.find_grant_fault(reply)
    return CredentialsError(
        f"The token service {reply.system} refused the log-in with {code or 'no reason'}"
        f" (status {reply.status}).",
        written="Nothing was written.",
        next_step=_NEXT_STEPS.get(code, _NEXT_STEP_OTHER),
        status=reply.status, fault=code,
    )  # fmt: skip


def _render_client_grant(
    auth: ClientCredentialsLogin, secrets: Secrets
) -> tuple[dict[str, str], dict[str, str]]:
    secret = secrets.read_secret(auth.client_secret)
    return {"grant_type": "client_credentials"}, render_basic(auth.client_id, secret)


def _render_assertion_grant(
    auth: JwtAssertionLogin, secrets: Secrets, clock: Clock
) -> tuple[dict[str, str], dict[str, str]]:
    key = secrets.read_secret(auth.private_key)
    now = int(clock.now().timestamp())
    header: Claims = {"alg": "RS256", "typ": "JWT", "kid": auth.key_id}
    claims = {"iss": auth.client_id, "aud": auth.audience, **_render_times(now, ASSERTION_S)}
    user = {**claims, "sub": auth.user, "prn": auth.user, "jti": uuid.uuid4().hex}
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "assertion": sign_jwt(header, user, key=key),
    }
    if auth.client_secret is not None:
        return form, render_basic(auth.client_id, secrets.read_secret(auth.client_secret))
    client = {**claims, "sub": auth.client_id, "jti": uuid.uuid4().hex}
    form["client_id"] = auth.client_id
    form["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    form["client_assertion"] = sign_jwt(header, client, key=key)
    return form, {}


def _issue_fetch(auth: SelfIssuedJwtLogin, *, clock: Clock, secrets: Secrets) -> FetchToken:
    def fetch(_living: str | None) -> TokenGrant:
        now = int(clock.now().timestamp())
        thumbprint = _sum_thumbprint(secrets.read_secret(auth.certificate))
        header: Claims = {"alg": "RS256", "typ": "JWT", "x5t": thumbprint}
        claims: Claims = {
            "iss": auth.issuer,
            "prn": auth.user,
            "sub": auth.user,
            **_render_times(now, auth.lifetime_seconds),
        }
        token = sign_jwt(header, claims, key=secrets.read_secret(auth.private_key))
        return TokenGrant(value=token, lifetime_s=auth.lifetime_seconds)

    return fetch


def _render_times(now: Seconds, lifetime_s: int) -> Claims:
    return {"iat": now - BACKDATE_S, "exp": now + lifetime_s}


def sign_jwt(header: Claims, claims: Claims, *, key: str) -> str:
    """A compact RS256 token over the claims.

    Raises:
        CredentialsError: The key is no RSA private key in PEM form; it is not shown.
    """
    signed = f"{_encode(_render_json(header))}.{_encode(_render_json(claims))}"
    signature = _load_key(key).sign(signed.encode("ascii"), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{_encode(signature)}"


def _load_key(text: str) -> rsa.RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise _render_bad_secret("private_key", "an RSA private key in PEM form, unencrypted")
    return key


def _sum_thumbprint(text: str) -> str:
    try:
        certificate = x509.load_pem_x509_certificate(text.encode())
    except ValueError:
        certificate = None
    if certificate is None:
        raise _render_bad_secret("certificate", "a certificate in PEM form")
    # SHA-1 is what the x5t header is defined as; it names the certificate, it protects nothing.
    digest = hashlib.sha1(
        certificate.public_bytes(serialization.Encoding.DER), usedforsecurity=False
    )
    return _encode(digest.digest())


def _render_bad_secret(setting: str, wanted: str) -> CredentialsError:
    return CredentialsError(
        f"The secret behind `{setting}` is not {wanted}.",
        written="Nothing was sent.",
        next_step="Store the right one with `ml-connector secrets set NAME`.",
        setting=setting,
    )


def _render_json(claims: Claims) -> bytes:
    return json.dumps(claims, separators=(",", ":")).encode()


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
