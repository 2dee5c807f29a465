"""The section `alerts`: every fault at once, and never an address."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from ml_connector.settings import ProjectFaultsError, load_project
from ml_connector.settings.strict import Strict

GOOD = """
alerts:
  channels:
    - {name: close, address: "secret:alerts/close"}
    - {name: approvers, address: "env:MAIL", to: approvers}
  rules:
    - channels: [close]
      events: [failed, refusal-rate]
      least: warning
      quiet: {from: "20:00", to: "07:00", zone: Europe/Berlin}
  refused_share_max: 0.05
"""
FAULTS = """
alerts:
  channels:
    - {name: Close!, address: "slack://geheim-a/geheim-b/geheim-c"}
    - {name: close, address: "secret:x", to: everybody}
  rules:
    - channels: []
      events: [exploded]
      least: awful
      quiet: {from: "25:00", to: "07:00", zone: Mars/Olympus}
  refused_share_max: 2
  remind_hours: 0
"""


class Connection(Strict):
    """Any connection."""

    name: str
    kind: str


def load(folder: Path, text: str) -> Any:
    """The settings of a folder whose file ends so."""
    (folder / "ml-connector.yaml").write_text(f"key: {{env: KEY}}\n{text}", encoding="utf-8")
    models: dict[str, type[BaseModel]] = {"any": Connection}
    return load_project(folder, connection_models=models, environment={})


def test_channels_and_rules_are_read(tmp_path: Path) -> None:
    """And a folder without any has none."""
    alerts = load(tmp_path, GOOD).settings.alerts

    assert [channel.to for channel in alerts.channels] == ["", "approvers"]
    assert alerts.rules[0].quiet.least == "critical"
    assert str(alerts.refused_share_max) == "0.05"
    assert load(tmp_path, "").settings.alerts.channels == ()


def test_every_fault_is_told_at_once_and_no_address(tmp_path: Path) -> None:
    """An address where its name belongs is not repeated."""
    with pytest.raises(ProjectFaultsError) as caught:
        load(tmp_path, FAULTS)

    text = str(caught.value)
    for key in (
        "channels[0].name", "channels[0].address", "channels[1].to", "rules[0].channels",
        "rules[0].events[0]", "rules[0].least", "quiet.from", "quiet.zone", "refused_share_max",
        "remind_hours",
    ):  # fmt: skip
        assert key in text, key
    assert "geheim" not in text
    assert "geheim" not in repr(caught.value.faults)


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("rules: [{channels: [nowhere]}]", "names no channel: nowhere; there are: none"),
        ("expected: [{flow: nothing, hours: 3}]", "names no flow"),
        ("channels: [{name: a, address: 'secret:x'}, {name: a, address: 'secret:y'}]", "twice: a"),
        (
            "channels: [{name: a, address: 'env:X'}]\n  rules: [{channels: [a], flows: [nothing]}]",
            "names no flow",
        ),
        (
            (
                "channels: [{name: a, address: 'env:X'}]\n"
                "  rules: [{channels: [a], quiet: {from: '07:00', to: '07:00', zone: UTC}}]"
            ),
            "ends where it begins",
        ),
    ],
)
def test_names_are_held_against_the_rest(tmp_path: Path, text: str, finding: str) -> None:
    """A rule that leads nowhere would tell nobody, and nobody would notice."""
    with pytest.raises(ProjectFaultsError, match=finding):
        load(tmp_path, f"alerts:\n  {text}\n")
