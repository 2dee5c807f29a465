"""Settings of a connection to one Anaplan model; every fault is told with what is allowed."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from ml_connector.systems.settings import Origin, SecretReference, StrictSettings

_WORKSPACE_FORM = re.compile(r"[0-9a-f]{32}")
_MODEL_FORM = re.compile(r"[0-9A-F]{32}")
_SWAPPED = "workspace and model id look swapped"
_SHOWN_CHARACTERS_MAX = 64


class PasswordLogin(StrictSettings):
    """Log-in by user and password; on single-sign-on workspaces an exception user (A-03)."""

    method: Literal["password"] = "password"
    """Log in with user and password."""
    user: Annotated[str, Field(min_length=3)]
    """E-mail address of the integration user."""
    password: SecretReference
    """Reference to the password."""


class CertificateLogin(StrictSettings):
    """Log-in by a certificate that the tenant's administrator has registered to a user."""

    method: Literal["certificate"] = "certificate"
    """Log in with a certificate."""
    certificate: SecretReference
    """Reference to the certificate, PEM."""
    private_key: SecretReference
    """Reference to its RSA key, PEM."""
    private_key_password: SecretReference | None = None
    """Reference to the password of an encrypted key."""
    format: Literal["v2", "v1"] = "v2"
    """Layout of the signed proof; v1 is for tenants that do not take v2 yet."""


class AnaplanSettings(StrictSettings):
    """One connection: where Anaplan is, which model, and how to log in."""

    kind: Literal["anaplan"] = "anaplan"
    """This is a connection to Anaplan."""
    name: Annotated[str, Field(min_length=1)]
    """The connection's name; the file's name gives it."""
    auth_url: Origin
    """Authentication service, such as https://auth.anaplan.com; some regions have their own."""
    api_url: Origin
    """Integration service, such as https://api.anaplan.com; some regions have their own."""
    workspace_id: str
    """32 lower-case hex digits."""
    model_id: str
    """32 upper-case hex digits."""
    auth: Annotated[PasswordLogin | CertificateLogin, Field(discriminator="method")]
    """How to log in."""
    requests_per_minute: Annotated[int, Field(ge=1, le=600)] = 600
    """Share of the tenant's allowance of 600 that this installation may use."""
    tenant: str = ""
    """Name of the allowance; connections of one tenant share it. Default: host and customer."""
    ca_bundle: str | None = None
    """PEM file of further certificate authorities."""
    locale: Annotated[str, Field(pattern=r"^[a-z]{2}_[A-Z]{2}$")] = "en_US"
    """Language of the model's messages and names."""
    poll_seconds: Annotated[float, Field(ge=1, le=600)] = 5.0
    """Pause between two looks at a model that is opening."""

    @field_validator("workspace_id")
    @classmethod
    def _verify_workspace(cls, text: str) -> str:
        if _WORKSPACE_FORM.fullmatch(text):
            return text
        hint = f"; {_SWAPPED}" if _MODEL_FORM.fullmatch(text) else ""
        raise ValueError(f"{_describe(text)}; allowed: 32 lower-case hex digits{hint}")

    @field_validator("model_id")
    @classmethod
    def _verify_model(cls, text: str) -> str:
        if _MODEL_FORM.fullmatch(text):
            return text
        hint = f"; {_SWAPPED}" if _WORKSPACE_FORM.fullmatch(text) else ""
        raise ValueError(f"{_describe(text)}; allowed: 32 UPPER-case hex digits{hint}")

    def budget_key(self, customer: str = "") -> str:
        """The name of the allowance of requests this connection draws on.

        Anaplan counts per tenant, over all users and workspaces (A-05), so connections of one
        customer on one host share a key unless `tenant` tells them apart.
        """
        host = urlsplit(self.api_url).netloc
        return f"anaplan:{self.tenant}" if self.tenant else f"anaplan:{host}:{customer}"


def _describe(text: str) -> str:
    shown = text if len(text) <= _SHOWN_CHARACTERS_MAX else f"{text[:_SHOWN_CHARACTERS_MAX]}…"
    odd = sorted({letter for letter in text if letter not in "0123456789abcdefABCDEF"})
    strange = f", with {''.join(odd[:8])!r} among them" if odd else ""
    is_mixed = text not in (text.lower(), text.upper())
    mixed = ", upper and lower case mixed" if is_mixed else ""
    return f"seen: {shown!r} ({len(text)} characters{mixed}{strange})"
