"""Where the project says its key is, there it is."""

import sys
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import ValidationError
from tests.fakes.standing import lay_state

from ml_connector.settings.project import KeySettings
from ml_connector.wiring.house import open_house


def test_key_moves_from_the_file_into_the_keyring_that_the_project_names(
    fresh_state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are named until everything is wrapped anew; then the file may go."""
    kept: dict[tuple[str, str], str] = {}
    keyring = ModuleType("keyring")
    keyring.get_password = lambda service, account: kept.get((service, account))  # type: ignore[attr-defined] # A stand-in for the optional library.
    keyring.set_password = lambda service, account, text: kept.update({(service, account): text})  # type: ignore[attr-defined] # As above.
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    lay_state(fresh_state, tmp_path)
    settings = tmp_path / "ml-connector.yaml"

    settings.write_text("key:\n  file: .key\n")
    with open_house(tmp_path) as house:
        house.vault.save_secret("erp", "open sesame")
    settings.write_text("key:\n  file: .key\n  keyring: finance\n")
    with open_house(tmp_path) as house:
        assert house.vault.rotate() == 1
    (tmp_path / ".key").unlink()
    settings.write_text("key:\n  keyring: finance\n")
    with open_house(tmp_path) as house:
        assert house.vault.read_secret("secret:erp") == "open sesame"
    assert list(kept) == [("ml-connector", "finance")]


def test_key_needs_one_source_and_has_one_beside_the_keyring() -> None:
    """Two places at once would leave it open which of them a backup is to hold."""
    for faulty in ({}, {"file": ".key", "env": "KEY"}):
        with pytest.raises(ValidationError, match="names"):
            KeySettings.model_validate(faulty)
    KeySettings.model_validate({"env": "KEY", "keyring": "finance"})
