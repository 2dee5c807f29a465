"""Log-in to Anaplan: tokens fetched, prolonged and given back; their life is the server's word."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ml_connector.errors import (
    ConnectorError,
    CredentialsError,
    OutcomeUnknownError,
    ProtocolError,
    SystemUnavailableError,
)
from ml_connector.ports import Clock, Secrets
from ml_connector.systems.anaplan.certificates import LoginCertificate, parse_login_certificate
from ml_connector.systems.anaplan.connection import AnaplanSettings, CertificateLogin, PasswordLogin
from ml_connector.systems.anaplan.lenient import OffContractError
from ml_connector.systems.anaplan.wire import TokenReply, parse_token
from ml_connector.systems.http import LOGIN_TIMEOUTS, HttpClient, RemoteCall, RemoteReply
from ml_connector.systems.tokens import TokenGrant, render_basic

SCHEME: Final = "AnaplanAuthToken"
LEAD_S: Final = 300.0
"""A token of 35 minutes is prolonged after 30."""
LIFE_S_DEFAULT: Final = 1800.0
"""Assumed where the server tells no life that makes sense; a 401 puts it right."""
LIFE_S_MAX: Final = 86_400.0
PROOF_TRIES_MAX: Final = 3
PROOF_PAUSE_S: Final = 2.0
SKEW_S_MAX: Final = 60.0
"""A proof refused by a server whose clock is farther away is made once more with its time."""
_REFUSED: Final = frozenset({400, 401})
_UNTOUCHED: Final = "Nothing was written."


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenOwner:
    """Whose token it is and how long it lives."""

    user: str
    customer: str
    lifetime_s: float


class AnaplanLogin:
    """Fetches tokens for a token cache; the cache lets one thread in at a time."""

    def __init__(
        self, settings: AnaplanSettings, http: HttpClient, *, secrets: Secrets, clock: Clock
    ) -> None:
        self._settings = settings
        self._http = http
        self._secrets = secrets
        self._clock = clock
        self._token = ""

    def fetch_token(self, living: str | None) -> TokenGrant:
        """A living token prolonged, or a new log-in where that is refused.

        Whatever prolonging returns is kept: some regions rotate the token, others do not (A-04).

        Raises:
            CredentialsError: User, password or certificate is refused.
            SystemUnavailableError: The authentication service does not answer.
        """
        reply = self._refresh(living) if living else None
        if reply is None:
            reply = self._authenticate()
        info = _parse(reply).token_info
        if not info.token_value:
            raise _off_contract(reply, "no token")
        self._token = info.token_value
        return TokenGrant(
            value=info.token_value, lifetime_s=find_lifetime(reply, info.expires_on_server)
        )

    def read_owner(self, token: str) -> TokenOwner:
        """Whose token it is, as the authentication service sees it."""
        reply = self._http.send(
            RemoteCall(
                method="GET",
                path="/token/validate",
                headers=_render_token(token),
                timeouts=LOGIN_TIMEOUTS,
                is_login=True,
            )
        )
        found = _parse(reply)
        return TokenOwner(
            user=found.user_info.user_id,
            customer=found.user_info.customer_guid,
            lifetime_s=find_lifetime(reply, found.token_info.expires_on_server),
        )

    def open_certificate(self) -> LoginCertificate | None:
        """The certificate the connection logs in with; None for passwords.

        Raises:
            CredentialsError: It cannot be opened.
        """
        auth = self._settings.auth
        if not isinstance(auth, CertificateLogin):
            return None
        password = auth.private_key_password
        return parse_login_certificate(
            self._secrets.read_secret(auth.certificate),
            self._secrets.read_secret(auth.private_key),
            password=self._secrets.read_secret(password) if password else None,
        )

    def log_out(self) -> None:
        """The last token is dead, or will die by itself; never raises for that."""
        token, self._token = self._token, ""
        if not token:
            return
        call = RemoteCall(
            method="POST",
            path="/token/logout",
            headers=_render_token(token),
            accepted=frozenset({400, 401, 404}),
            timeouts=LOGIN_TIMEOUTS,
            is_login=True,
        )
        try:
            self._http.send(call)
        except ConnectorError:
            # Logging out is a courtesy: the token dies within 35 minutes, and the work is done.
            return

    def _refresh(self, living: str) -> RemoteReply | None:
        """The answer to prolonging; None when only a new log-in will help."""
        reply = self._http.send(
            RemoteCall(
                method="POST",
                path="/token/refresh",
                headers=_render_token(living),
                is_repeatable=True,
                accepted=_REFUSED,
                timeouts=LOGIN_TIMEOUTS,
                is_login=True,
            )
        )
        return reply if reply.is_success else None

    def _authenticate(self) -> RemoteReply:
        auth = self._settings.auth
        if isinstance(auth, PasswordLogin):
            password = self._secrets.read_secret(auth.password)
            call = _render_login(render_basic(auth.user, password), None, is_repeatable=True)
            return self._verify_granted(self._http.send(call))
        return self._verify_granted(self._send_proof(auth))

    def _send_proof(self, auth: CertificateLogin) -> RemoteReply:
        certificate = self.open_certificate()
        assert certificate is not None
        reply = self._try_proof(certificate, auth, skew=timedelta(0))
        skew = _find_skew(reply, self._clock.now())
        if reply.status in _REFUSED and abs(skew.total_seconds()) > SKEW_S_MAX:
            # The proof holds our time; a server that lives in another one takes only its own.
            return self._try_proof(certificate, auth, skew=skew)
        return reply

    def _try_proof(
        self, certificate: LoginCertificate, auth: CertificateLogin, *, skew: timedelta
    ) -> RemoteReply:
        """The answer to a proof; after a lost reply a new proof, for none is taken twice."""
        for number in range(1, PROOF_TRIES_MAX + 1):
            proof = certificate.render_proof(at=self._clock.now() + skew, layout=auth.format)
            headers = {"Authorization": certificate.render_authorization()}
            try:
                return self._http.send(_render_login(headers, proof, is_repeatable=False))
            except (OutcomeUnknownError, SystemUnavailableError) as error:
                if number == PROOF_TRIES_MAX:
                    raise _unavailable(number) from error
                self._clock.sleep(PROOF_PAUSE_S * number)
        raise AssertionError("the loop above returns or raises")

    def _verify_granted(self, reply: RemoteReply) -> RemoteReply:
        if reply.is_success and _parse(reply).status in {"", "SUCCESS"}:
            return reply
        if reply.is_missing:
            raise _off_contract(reply, "status 404 instead of a token")
        raise self._render_refused(reply.status)

    def _render_refused(self, status: int) -> CredentialsError:
        auth = self._settings.auth
        if isinstance(auth, PasswordLogin):
            who = f"the user {auth.user}"
            step = (
                f"Check user and password ({auth.password}): it may have expired, and where single "
                "sign-on is in force the user must be an exception user."
            )
        else:
            who = f"the certificate {auth.certificate}"
            step = (
                "Check that an administrator registered the certificate to the integration user, "
                "that it is still valid, and that `auth.format` is what the tenant takes."
            )
        return CredentialsError(
            f"Anaplan refused to log in {who} (status {status}).",
            written=_UNTOUCHED,
            next_step=f"{step} Then: `ml-connector connections test {self._settings.name}`.",
            connection=self._settings.name,
            status=status,
        )


def find_lifetime(reply: RemoteReply, expires_at: datetime | None) -> float:
    """Seconds a token lives, by the server's clock alone (A-01).

    The end is compared with the same reply's Date header: our own clock may be years away from
    the server's, and comparing across the two would make every token immortal or dead on arrival.
    """
    if expires_at is None or reply.server_date is None:
        return LIFE_S_DEFAULT
    life_s = (expires_at - reply.server_date).total_seconds()
    return min(life_s, LIFE_S_MAX) if life_s > 0 else LIFE_S_DEFAULT


def _find_skew(reply: RemoteReply, now: datetime) -> timedelta:
    return reply.server_date - now if reply.server_date is not None else timedelta(0)


def _render_token(token: str) -> dict[str, str]:
    return {"Authorization": f"{SCHEME} {token}"}


def _render_login(
    headers: dict[str, str], content: bytes | None, *, is_repeatable: bool
) -> RemoteCall:
    kind = {"Content-Type": "application/json"} if content is not None else {}
    return RemoteCall(
        method="POST",
        path="/token/authenticate",
        headers={**headers, **kind},
        content=content,
        is_repeatable=is_repeatable,
        accepted=_REFUSED | {404},
        timeouts=LOGIN_TIMEOUTS,
        is_login=True,
    )


def _parse(reply: RemoteReply) -> TokenReply:
    try:
        return parse_token(reply.content)
    except OffContractError as error:
        raise _off_contract(reply, "a body that cannot be read") from error


def _off_contract(reply: RemoteReply, fault: str) -> ProtocolError:
    # The body may hold a token, so nothing of it is repeated, not even by the parser.
    return ProtocolError(
        f"Anaplan answered {reply.call.method} {reply.call.path} with {fault}.",
        written=_UNTOUCHED,
        next_step="Check `auth_url`: it must be the authentication service, not the application.",
        path=reply.call.path,
        status=reply.status,
    )


def _unavailable(tries: int) -> SystemUnavailableError:
    return SystemUnavailableError(
        f"Anaplan's authentication service did not answer a certificate log-in ({tries} tries).",
        written=_UNTOUCHED,
        next_step="Check the network and the system's status, then try again.",
    )
