"""How people sign in to the pages: by password, or by a provider of the house (OpenID Connect)."""

import re
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from ml_connector.settings.references import verify_encrypted, verify_reference
from ml_connector.settings.strict import Strict

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")
RoleName = Literal["viewer", "operator", "mapper", "approver", "admin"]


class ProviderSettings(Strict):
    """A provider that signs people in, by OpenID Connect."""

    name: str
    """Short name in addresses and in the audit chain: a-z, 0-9 and hyphens."""
    title: str = ""
    """What the button says after "Sign in with"; empty: the name."""
    issuer: str
    """The provider's own address, as its configuration document states it; https only."""
    client_id: str
    """What the provider calls the pages."""
    client_secret: str = ""
    """`secret:NAME`, `env:NAME` or `file:PATH`; empty: a public client, by PKCE alone."""
    scopes: tuple[str, ...] = ("email", "profile")
    """Asked for besides `openid`."""
    adds_people: bool = False
    """Whether somebody nobody has added is added at the first sign-in, if `roles` gives any."""
    roles_claim: str = ""
    """Claim that lists a person's groups; empty: roles are given here. With it, roles are what the
    claim says at each sign-in."""
    roles: dict[str, RoleName] = Field(default_factory=dict)
    """By group, the role it gives; a group that is not among them gives none."""
    asks_second_factor: bool = False
    """Whether the provider asks for a second factor itself; ours is then not asked for."""
    ca_bundle: Path | None = None
    """PEM file of the authorities to trust at the provider, besides the system's own. A path is
    read from the project folder."""

    @field_validator("name")
    @classmethod
    def _verify_name(cls, text: str) -> str:
        if not _NAME.fullmatch(text):
            raise ValueError("is not made of a-z, 0-9 and hyphens")
        return text

    @field_validator("issuer")
    @classmethod
    def _verify_issuer(cls, text: str) -> str:
        parts = urlsplit(text)
        if not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("not an address; allowed: https://HOST or https://HOST/PATH")
        verify_encrypted(parts)
        return text

    @field_validator("client_secret")
    @classmethod
    def _verify_reference(cls, text: str) -> str:
        return verify_reference(text) if text else text

    @model_validator(mode="after")
    def _verify_whole(self) -> "ProviderSettings":
        if bool(self.roles_claim) != bool(self.roles):
            raise ValueError("names `roles_claim` and `roles` both, or neither")
        if self.adds_people and not self.roles_claim:
            raise ValueError(
                "adds people only where `roles_claim` and `roles` say what they may do"
            )
        return self


class SignInSettings(Strict):
    """How people sign in to the pages."""

    password: bool = True
    """Whether name and password are asked for; false: providers only."""
    oidc: tuple[ProviderSettings, ...] = ()
    """Providers that sign people in, each with a button of its own."""
    mfa_required_for: tuple[RoleName, ...] = ()
    """Roles whose holders must have a second factor; others may have one."""
    names_wrong_max: int = Field(default=30, ge=5)
    """Wrong passwords for one name within a quarter of an hour, from wherever, before it waits."""

    @model_validator(mode="after")
    def _verify_whole(self) -> "SignInSettings":
        names = [one.name for one in self.oidc]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"names the provider {', '.join(twice)} twice")
        if not self.password and not self.oidc:
            raise ValueError(
                "lets nobody sign in: `password` is false and `oidc` names no provider"
            )
        return self
