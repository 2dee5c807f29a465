"""The documents tell what is there: paths exist, links lead on, generated pages are fresh."""

import importlib.util
import os
import re
from pathlib import Path
from typing import Any

import pytest

PATHS = re.compile(
    r"`((?:src|docs|tests|scripts|requirements|changelog\.d|\.ci|domain|systems|flows|engine"
    r"|records|archive|vault|cli|sandbox|settings|wiring)/[\w./*-]*)`"
)
LINKS = re.compile(r"\]\(([^)\s]+)\)")
FRAGMENT = re.compile(r"^[a-z0-9-]+\.(security|fixed|added|changed|removed)\.md$")
SECTIONS = ("start", "guides", "concepts", "reference", "decisions")


def exists(root: Path, path: str) -> bool:
    """Whether a path, or a pattern of paths, is there; package paths may leave out the root."""
    places = (root, root / "src" / "ml_connector")
    return any(any(place.glob(path.rstrip("/"))) for place in places)


def test_paths_in_the_architecture_exist(root: Path) -> None:
    """Every path ARCHITECTURE.md names is there."""
    text = (root / "ARCHITECTURE.md").read_text()
    named = PATHS.findall(text)

    assert len(named) > 20, "the pattern finds no paths any more"
    assert [path for path in named if not exists(root, path)] == []


def test_architecture_mentions_every_package(root: Path) -> None:
    """No package of the tree is left out of the code map."""
    text = (root / "ARCHITECTURE.md").read_text()
    package = root / "src" / "ml_connector"
    parts = [path for path in package.iterdir() if not path.name.startswith("_")]
    names = {
        path.name
        for path in parts
        if (path.is_dir() and (path / "__init__.py").is_file()) or path.suffix == ".py"
    }
    names |= {f"systems/{path.parent.name}" for path in package.glob("systems/*/__init__.py")}

    assert sorted(name for name in names if name not in text) == []


def test_relative_links_lead_somewhere(committed: list[str], root: Path) -> None:
    """A link within the documents points to a file that is there."""
    lost = [
        f"{path} -> {link}"
        for path in committed
        if path.endswith(".md")
        for link in LINKS.findall((root / path).read_text())
        if not link.startswith(("http:", "https:", "mailto:", "#"))
        and not (root / os.path.normpath(Path(path).parent / link.split("#")[0])).exists()
    ]

    assert lost == []


def test_links_to_a_part_of_a_page_find_its_heading(committed: list[str], root: Path) -> None:
    """A heading that is renamed takes the links to it along."""
    pages = {path: (root / path).read_text() for path in committed if path.endswith(".md")}
    lost = [
        f"{path} -> {link}"
        for path, text in pages.items()
        for link in LINKS.findall(text)
        if "#" in link and not link.startswith(("http:", "https:"))
        for name, _, part in [link.partition("#")]
        for page in [os.path.normpath(Path(path).parent / name) if name else path]
        if page in pages and part not in name_headings(pages[page])
    ]

    assert lost == []


def name_headings(text: str) -> set[str]:
    """What links call the headings of a page; lines of code are none."""
    headings = re.findall(
        r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE
    )
    return {re.sub(r"[^\w\- ]", "", one.lower()).strip().replace(" ", "-") for one in headings}


def test_generated_pages_are_fresh(root: Path) -> None:
    """What is generated says what the code says; `make reference` writes it anew."""
    pages = load_writer(root).render_pages()

    stale = [
        name
        for name, text in pages.items()
        if (root / "docs" / "reference" / name).read_text(encoding="utf-8") != text
    ]
    assert stale == [], "run `make reference`"


def load_writer(root: Path) -> Any:
    """The script that writes the generated pages."""
    spec = importlib.util.spec_from_file_location(
        "write_reference", root / "scripts" / "write_reference.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("section", SECTIONS)
def test_each_section_of_the_documents_holds_a_page(root: Path, section: str) -> None:
    """Start, guides, concepts, reference and decisions are all there."""
    assert list((root / "docs" / section).glob("*.md"))


def test_each_page_is_reachable_from_the_index(root: Path) -> None:
    """Nobody has to guess file names: docs/README.md links every page."""
    index = (root / "docs" / "README.md").read_text()
    pages = [str(path.relative_to(root / "docs")) for path in (root / "docs").rglob("*.md")]

    assert [page for page in pages if page != "README.md" and f"({page})" not in index] == []


def test_glossary_words_have_no_rivals_in_the_pages(committed: list[str], root: Path) -> None:
    """A second word for a known thing is a defect."""
    rivals = re.compile(
        r"\b(tenants? of ours|journal rows?|sync job|data pipeline)\b", re.IGNORECASE
    )
    found = [
        path
        for path in committed
        if path.startswith("docs/")
        and not path.startswith("docs/images/")
        and rivals.search((root / path).read_text())
    ]

    assert found == []


def test_changelog_fragments_are_named_by_kind(root: Path) -> None:
    """A fragment's name tells its kind, so that releases sort them without reading."""
    names = [path.name for path in (root / "changelog.d").iterdir() if path.name != "README.md"]

    assert [name for name in names if not FRAGMENT.match(name)] == []


def test_readme_begins_with_the_two_commands(root: Path) -> None:
    """The first screen gets somebody going."""
    first_screen = "\n".join((root / "README.md").read_text().splitlines()[:25])

    assert "make demo" in first_screen
    assert "make test" in first_screen


def test_every_make_target_named_in_the_documents_exists(committed: list[str], root: Path) -> None:
    """No page tells people to type something that make does not know."""
    targets = set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(), re.MULTILINE))
    named = {
        (path, target)
        for path in committed
        if path.endswith(".md")
        for target in re.findall(r"`make ([a-z-]+)", (root / path).read_text())
    }

    assert sorted((path, target) for path, target in named if target not in targets) == []
