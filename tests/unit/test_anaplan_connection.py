"""Settings of an Anaplan connection: refusals name what was seen and what is allowed."""

from typing import Any

import pytest
from pydantic import ValidationError

from ml_connector.systems.anaplan.connection import (
    AnaplanSettings,
    CertificateLogin,
    PasswordLogin,
)

WORKSPACE = "8a868cd97b120fc7017b36d7331d0001"
MODEL = "F1A2B3C4D5E64F708192A3B4C5D6E701"


def build(**changes: Any) -> AnaplanSettings:
    """Settings as a project file would give them."""
    plain: dict[str, Any] = {
        "name": "anaplan-fin",
        "auth_url": "https://auth.anaplan.com",
        "api_url": "https://api.anaplan.com/",
        "workspace_id": WORKSPACE,
        "model_id": MODEL,
        "auth": {"method": "password", "user": "a@b.example", "password": "secret:anaplan"},
    }
    return AnaplanSettings.model_validate(plain | changes)


def refusal(**changes: Any) -> str:
    """The text a change is refused with."""
    with pytest.raises(ValidationError) as caught:
        build(**changes)
    return str(caught.value)


def test_settings_hold_origins_without_trailing_slash() -> None:
    """An address is kept as scheme, host and port."""
    assert build().api_url == "https://api.anaplan.com"
    assert build(auth_url="http://127.0.0.1:8080").auth_url == "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("http://api.anaplan.com", "not encrypted"),
        ("https://api.anaplan.com/2/0", "more than a host"),
        ("https://user:word@api.anaplan.com", "not an address"),
        ("api.anaplan.com", "not an address"),
        ("ftp://api.anaplan.com", "not an address"),
    ],
)
def test_address_is_refused_when_it_is_no_safe_origin(url: str, word: str) -> None:
    """Only https origins are taken; http is for this machine alone."""
    text = refusal(api_url=url)
    assert "api_url" in text
    assert word in text
    assert "word@" not in text


@pytest.mark.parametrize("key", ["workspace_id", "model_id"])
def test_swapped_ids_are_named_as_swapped(key: str) -> None:
    """A model id in the place of a workspace id, or the other way round, is told as a swap."""
    text = refusal(workspace_id=MODEL, model_id=WORKSPACE)
    assert key in text
    assert text.count("workspace and model id look swapped") == 2
    assert MODEL in text
    assert WORKSPACE in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model_id": MODEL.lower()[:-1]}, ["31 characters", "32 UPPER-case hex digits"]),
        ({"model_id": MODEL[:-1] + "x"}, ["'x'", "upper and lower case mixed"]),
        ({"workspace_id": WORKSPACE + "9"}, ["33 characters", "32 lower-case hex digits"]),
        ({"workspace_id": ""}, ["0 characters"]),
        ({"workspace_id": "8" * 900}, ["900 characters"]),
    ],
)
def test_odd_ids_are_described(changes: dict[str, str], words: list[str]) -> None:
    """A refused id is shown with its length, its odd letters and the form allowed."""
    text = refusal(**changes)
    assert [word for word in words if word not in text] == []
    assert "swapped" not in text
    assert len(text) < 600


@pytest.mark.parametrize("typed", ["hunter2!", "vault:hunter2!", "secret:"])
def test_secret_in_place_of_its_reference_is_refused_without_being_shown(typed: str) -> None:
    """A password typed into the file never reaches an error text, nor does a form nobody reads."""
    text = refusal(auth={"method": "password", "user": "a@b.example", "password": typed})
    assert "a reference to a secret is wanted" in text
    assert "hunter2!" not in text


def test_unknown_fields_are_refused() -> None:
    """A misspelt key is a fault, not a silence."""
    assert "requests_per_minut" in refusal(requests_per_minut=100)


def test_all_faults_are_told_at_once() -> None:
    """One look at the settings finds every fault."""
    text = refusal(api_url="x", model_id="y", requests_per_minute=601, locale="english")
    assert [
        k for k in ("api_url", "model_id", "requests_per_minute", "locale") if k not in text
    ] == []


def test_log_in_is_a_choice_of_two() -> None:
    """Password and certificate exclude each other; certificates default to layout v2."""
    assert isinstance(build().auth, PasswordLogin)
    wanted = {"method": "certificate", "certificate": "file:c.pem", "private_key": "secret:key"}
    auth = build(auth=wanted).auth
    assert isinstance(auth, CertificateLogin)
    assert auth.format == "v2"
    assert "user" in refusal(auth=wanted | {"user": "a@b.example"})


def test_budget_is_shared_by_connections_of_one_customer_on_one_host() -> None:
    """Anaplan counts requests per tenant, so the key does not depend on user or workspace."""
    other = build(workspace_id=WORKSPACE.replace("1", "2"))
    assert build().budget_key("halden") == other.budget_key("halden")
    assert build().budget_key("halden") != build().budget_key("other")
    assert build(tenant="t1").budget_key("halden") == "anaplan:t1"
