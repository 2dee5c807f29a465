"""Writes docs/reference from the code; a tidy test fails while a page is stale."""

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel

from ml_connector.settings.schema import render_reference

ROOT = Path(__file__).parent.parent
CONNECTIONS = {"anaplan": "AnaplanSettings", "fusion": "FusionSettings"}


def find_connection_models() -> Mapping[str, type[BaseModel]]:
    """The settings model of each system package that is there."""
    found: dict[str, type[BaseModel]] = {}
    for kind, name in CONNECTIONS.items():
        path = ROOT / "src" / "ml_connector" / "systems" / kind / "connection.py"
        if path.is_file():
            module = importlib.import_module(f"ml_connector.systems.{kind}.connection")
            found[kind] = getattr(module, name)
    return found


def render_pages() -> dict[str, str]:
    """The text of each generated page by its path below docs/reference."""
    return {"settings.md": render_reference(find_connection_models())}


def write_pages() -> None:
    """Every generated page holds what the code says now."""
    folder = ROOT / "docs" / "reference"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in render_pages().items():
        (folder / name).write_text(text, encoding="utf-8")
        sys.stderr.write(f"wrote docs/reference/{name}\n")


if __name__ == "__main__":
    write_pages()
