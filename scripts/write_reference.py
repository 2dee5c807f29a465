"""Writes docs/reference from the code; a tidy test fails while a page is stale."""

import subprocess
import sys
from pathlib import Path

from ml_connector.settings.schema import render_reference
from ml_connector.wiring.projects import connection_models

FOLDER = Path(__file__).parent.parent / "docs" / "reference"
OPENAPI = """
import sys
from ml_connector.records.setup import configure
from ml_connector.settings.project import PagesSettings
from ml_connector.wiring.pages import render_pages
configure("sqlite:///nowhere.db", secret_key="-", pages=render_pages(PagesSettings()))
from ml_connector.web.api.document import render_text
sys.stdout.write(render_text())
"""
"""In a process of its own: Django is set up once for each, and no database is opened here."""


def render_pages() -> dict[str, str]:
    """The text of each generated page by its name in docs/reference."""
    openapi = subprocess.run(
        [sys.executable, "-c", OPENAPI], capture_output=True, text=True, check=True
    ).stdout
    return {"settings.md": render_reference(connection_models()), "openapi.json": openapi}


def write_pages() -> None:
    """Every generated page holds what the code says now."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in render_pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        sys.stderr.write(f"wrote docs/reference/{name}\n")


if __name__ == "__main__":
    write_pages()
