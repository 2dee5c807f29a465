"""Writes docs/reference from the code; a tidy test fails while a page is stale."""

import sys
from pathlib import Path

from ml_connector.settings.schema import render_reference
from ml_connector.wiring.projects import connection_models

FOLDER = Path(__file__).parent.parent / "docs" / "reference"


def render_pages() -> dict[str, str]:
    """The text of each generated page by its name in docs/reference."""
    return {"settings.md": render_reference(connection_models())}


def write_pages() -> None:
    """Every generated page holds what the code says now."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in render_pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        sys.stderr.write(f"wrote docs/reference/{name}\n")


if __name__ == "__main__":
    write_pages()
