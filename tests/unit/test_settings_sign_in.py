"""How people sign in is checked before anybody can."""

from typing import Any

import pytest
from pydantic import ValidationError

from ml_connector.settings.project import PagesSettings
from ml_connector.settings.sign_in import ProviderSettings, SignInSettings

GOOD: dict[str, Any] = {"name": "entra", "issuer": "https://login.example/t/v2", "client_id": "c"}


def test_provider_that_is_whole_is_taken() -> None:
    """With a secret by reference, and roles by group."""
    made = ProviderSettings(
        **GOOD, client_secret="secret:oidc", roles_claim="groups", roles={"a": "admin"}
    )
    assert made.scopes == ("email", "profile")
    assert not made.adds_people
    ProviderSettings(**{**GOOD, "issuer": "http://127.0.0.1:8080"})


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"name": "En tra"}, "a-z, 0-9"),
        ({"issuer": "http://login.example"}, "not encrypted"),
        ({"issuer": "https://a:b@login.example"}, "not an address"),
        ({"issuer": "login.example"}, "not an address"),
        ({"client_secret": "hunter2"}, "reference to a secret"),
        ({"roles_claim": "groups"}, "both, or neither"),
        ({"roles": {"a": "admin"}}, "both, or neither"),
        ({"adds_people": True}, "adds people only where"),
        ({"roles_claim": "g", "roles": {"a": "boss"}}, "viewer"),
    ],
)
def test_provider_that_would_let_in_the_wrong_people_is_refused(
    change: dict[str, Any], why: str
) -> None:
    """Unencrypted, unclear or too generous."""
    with pytest.raises(ValidationError, match=why):
        ProviderSettings(**{**GOOD, **change})


def test_somebody_can_sign_in_and_each_provider_has_a_name_of_its_own() -> None:
    """No passwords and no provider would lock everybody out; a proxy is an address."""
    with pytest.raises(ValidationError, match="lets nobody sign in"):
        SignInSettings(password=False)
    one = ProviderSettings(**GOOD)
    with pytest.raises(ValidationError, match="entra twice"):
        SignInSettings(oidc=(one, one))
    assert not SignInSettings(password=False, oidc=(one,)).password
    with pytest.raises(ValidationError, match="does not appear to be"):
        PagesSettings(trusted_proxy="proxy.example")
