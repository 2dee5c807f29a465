"""Settings of a connection to one Fusion pod; every fault is told with what is allowed."""

from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from ml_connector.domain.ledger import Chart
from ml_connector.systems.settings import (
    Origin,
    SecretReference,
    StrictSettings,
    verify_address,
)

FRAMEWORK_VERSION: Final = 4
"""The version pinned on each request: structured errors, paged children, plain numbers (F-01)."""
_TOKEN_PATH: Final = "/oauth2/v1/token"  # noqa: S105 - an address, not a secret
_AUDIENCE: Final = "https://identity.oraclecloud.com/"


def _verify_token_url(text: str) -> str:
    parts = urlsplit(text)
    verify_address(f"{parts.scheme}://{parts.netloc}")
    if parts.query or parts.fragment or not parts.path.strip("/"):
        raise ValueError(f"the path of the token service is wanted, mostly {_TOKEN_PATH}")
    return text


TokenUrl = Annotated[str, AfterValidator(_verify_token_url)]
"""Address of the identity domain's token service, path included."""

Text = Annotated[str, Field(min_length=1)]


class ClientCredentialsLogin(StrictSettings):
    """The connector logs in as itself; the usual choice for a service."""

    method: Literal["client-credentials"] = "client-credentials"
    token_url: TokenUrl
    client_id: Text
    client_secret: SecretReference
    scope: str = ""


class JwtAssertionLogin(StrictSettings):
    """The connector acts as a named user by a signed assertion.

    Without `client_secret` the client proves itself by a second assertion signed with the same key.
    """

    method: Literal["jwt-assertion"] = "jwt-assertion"
    token_url: TokenUrl
    client_id: Text
    client_secret: SecretReference | None = None
    user: Text
    private_key: SecretReference
    key_id: Text
    scope: str = ""
    audience: Text = _AUDIENCE


class BasicLogin(StrictSettings):
    """User and password on each request; stops when the password expires."""

    method: Literal["basic"] = "basic"
    user: Text
    password: SecretReference


class SelfIssuedJwtLogin(StrictSettings):
    """A token the connector signs itself; the pod trusts its certificate and issuer."""

    method: Literal["self-issued-jwt"] = "self-issued-jwt"
    issuer: Text
    user: Text
    private_key: SecretReference
    certificate: SecretReference
    lifetime_seconds: Annotated[int, Field(ge=60, le=3600)] = 300


Login = Annotated[
    ClientCredentialsLogin | JwtAssertionLogin | BasicLogin | SelfIssuedJwtLogin,
    Field(discriminator="method"),
]


class ChartSettings(StrictSettings):
    """How a chart of accounts writes its combinations; Fusion does not say it in the lines."""

    name: Text
    delimiter: Annotated[str, Field(min_length=1, max_length=1)]
    segments: Annotated[tuple[Text, ...], Field(min_length=1, max_length=30)]

    @model_validator(mode="after")
    def _verify_segments(self) -> "ChartSettings":
        twice = sorted({name for name in self.segments if self.segments.count(name) > 1})
        if twice:
            raise ValueError(f"chart {self.name!r} names segments twice: {', '.join(twice)}")
        return self

    def build_chart(self) -> Chart:
        """The chart as the domain knows it."""
        return Chart(name=self.name, delimiter=self.delimiter, segments=self.segments)


class FusionSettings(StrictSettings):
    """One connection: where the pod is, how to log in, how its charts are written.

    Attributes:
        pod_url: Any https origin; http on this machine only.
        api_version: Part of each address.
        framework_version: Pinned on each request; 4 is what the connector is built for.
        parallel_max: Batches read at once; two to four is customary per pod.
        page_size: Rows asked for per page; the server may give fewer.
        requests_per_minute: Shared by all processes; without it only the pod's own limits hold.
    """

    kind: Literal["fusion"] = "fusion"
    name: Text
    pod_url: Origin
    api_version: Annotated[str, Field(pattern=r"^(latest|\d+(\.\d+)+)$")] = "11.13.18.05"
    framework_version: Annotated[int, Field(ge=4, le=9)] = FRAMEWORK_VERSION
    auth: Login
    charts: tuple[ChartSettings, ...] = ()
    parallel_max: Annotated[int, Field(ge=1, le=8)] = 4
    page_size: Annotated[int, Field(ge=1, le=500)] = 500
    ca_bundle: Path | None = None
    requests_per_minute: Annotated[int, Field(ge=1, le=100_000)] | None = None

    @model_validator(mode="after")
    def _verify_charts(self) -> "FusionSettings":
        names = [chart.name for chart in self.charts]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"these charts are configured twice: {', '.join(twice)}")
        return self

    def budget_key(self) -> str:
        """The name of the allowance of requests; empty when none is configured."""
        if self.requests_per_minute is None:
            return ""
        return f"fusion:{urlsplit(self.pod_url).netloc}"

    @property
    def segments(self) -> frozenset[str]:
        """Names that rules may call parts of a combination by, of any configured chart."""
        return frozenset(name for chart in self.charts for name in chart.segments)

    def find_chart(self, name: str) -> Chart | None:
        """The configured chart of this name."""
        found = next((chart for chart in self.charts if chart.name == name), None)
        return None if found is None else found.build_chart()
