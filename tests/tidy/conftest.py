"""What the tidy tests look at: the tree of the repository, and the rules it may break."""

import ast
import gc
import subprocess
import tomllib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "src" / "ml_connector"
Violation = tuple[str, str]
Verify = Callable[[str, Iterable[Violation]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A Python file: its path from the root, its text and its syntax tree."""

    path: str
    text: str
    tree: ast.Module


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def sources() -> list[Source]:
    """Every Python file of the package."""
    return read_sources(PACKAGE)


@pytest.fixture(scope="session")
def test_sources() -> list[Source]:
    """Every Python file of the tests."""
    return read_sources(ROOT / "tests")


@pytest.fixture(scope="session")
def committed() -> list[str]:
    """Paths of the files that are or would be committed, without those git ignores."""
    found = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [path for path in found.stdout.splitlines() if (ROOT / path).is_file()]


@pytest.fixture(scope="session")
def verify() -> Verify:
    """Compare what breaks a rule with the waivers of that rule, both ways."""
    waivers = tomllib.loads((ROOT / "tests" / "tidy" / "waivers.toml").read_text())

    def compare(rule: str, found: Iterable[Violation]) -> None:
        granted = {(w["path"], w["name"]): w["reason"] for w in waivers.get(rule, [])}
        broken = set(found)
        new, stale = broken - granted.keys(), granted.keys() - broken

        assert not new, f"{rule}: mend these, or waive them with a reason: {sorted(new)}"
        assert not stale, f"{rule}: these waivers are stale: {sorted(stale)}"
        assert all(len(reason) > 20 for reason in granted.values()), f"{rule}: say the reason"

    return compare


def read_sources(folder: Path) -> list[Source]:
    """Every Python file below the folder, parsed."""
    with uncollected():
        return [
            Source(
                path=str(path.relative_to(ROOT)),
                text=(text := path.read_text(encoding="utf-8")),
                tree=ast.parse(text, filename=str(path)),
            )
            for path in sorted(folder.rglob("*.py"))
        ]


@contextmanager
def uncollected() -> Iterator[None]:
    """No garbage is looked for inside, and what was made there is never looked through again.

    Trees are a million objects that live as long as the session: looking through them again and
    again takes several times as long as parsing does.
    """
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()
