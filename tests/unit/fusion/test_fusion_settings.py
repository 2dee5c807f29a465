"""Settings of a Fusion connection: what is taken, what is refused, what is never shown."""

from typing import Any

import pytest
from pydantic import ValidationError

from ml_connector.systems.fusion.connection import FusionSettings

AUTH = {
    "method": "client-credentials",
    "token_url": "https://idcs-1.identity.oraclecloud.com/oauth2/v1/token",
    "client_id": "halden-connector",
    "client_secret": "secret:erp",
    "scope": "urn:opc:resource:fa:instanceid=1urn:opc:resource:consumer::all",
}
CHART = {"name": "US", "delimiter": ".", "segments": ["company", "account"]}
PLAIN: dict[str, Any] = {
    "name": "erp", "pod_url": "https://pod.fa.us2.oraclecloud.com/", "auth": AUTH,
    "charts": [CHART],
}  # fmt: skip


def build(**changes: Any) -> FusionSettings:
    """Settings with changes."""
    return FusionSettings.model_validate({**PLAIN, **changes})


def test_defaults_are_the_pinned_ones() -> None:
    """What is not said is what the connector is built for."""
    settings = build()

    assert settings.kind == "fusion"
    assert settings.pod_url == "https://pod.fa.us2.oraclecloud.com"
    assert (settings.api_version, settings.framework_version) == ("11.13.18.05", 4)
    assert (settings.parallel_max, settings.page_size) == (4, 500)
    assert settings.budget_key() == ""
    assert build(requests_per_minute=60).budget_key() == "fusion:pod.fa.us2.oraclecloud.com"


@pytest.mark.parametrize(
    "pod_url",
    [
        "https://fa-x-saasfaprod1.fa.ocs.oraclecloud.com",
        "https://erp.customer.example:8443",
        "http://127.0.0.1:8080",
        "http://localhost:8080",
    ],
)
def test_any_bare_origin_is_taken(pod_url: str) -> None:
    """Vanity hosts and private pods exist; plain http only on this machine."""
    assert build(pod_url=pod_url).pod_url == pod_url


@pytest.mark.parametrize(
    "changes",
    [
        {"pod_url": "http://pod.example"},
        {"pod_url": "https://pod.example/fscmRestApi"},
        {"pod_url": "https://user:letmein@pod.example"},
        {"framework_version": 3},
        {"framework_version": 10},
        {"parallel_max": 0},
        {"parallel_max": 9},
        {"page_size": 501},
        {"api_version": "newest"},
        {"surprise": 1},
        {"charts": [CHART, CHART]},
        {"charts": [{**CHART, "segments": ["account", "account"]}]},
        {"charts": [{**CHART, "delimiter": ".."}]},
        {"charts": [{**CHART, "segments": []}]},
        {"auth": {**AUTH, "client_secret": "letmein"}},
        {"auth": {**AUTH, "token_url": "https://idcs-1.identity.oraclecloud.com"}},
        {"auth": {**AUTH, "token_url": "http://idcs.example/oauth2/v1/token"}},
        {"auth": {"method": "basic", "user": "U", "password": "letmein"}},
        {"auth": {"method": "magic"}},
        {"auth": {**AUTH, "password": "secret:x"}},
    ],
    ids=str,
)
def test_faulty_settings_are_refused_without_showing_secrets(changes: dict[str, Any]) -> None:
    """Each fault is found; a password in the wrong place is not repeated."""
    with pytest.raises(ValidationError) as raised:
        build(**changes)
    assert "letmein" not in str(raised.value)


def test_chart_splits_by_its_own_delimiter() -> None:
    """The lines do not say where a segment ends; the settings do."""
    chart = build().find_chart("US")

    assert chart is not None
    assert chart.split("101.68010") == {"company": "101", "account": "68010"}
    assert build().find_chart("other") is None
    assert build().segments >= {"company", "account"}
