"""The floors hold, the systems have one shape, and vendor words stay at the edge."""

import ast
import importlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

HUMPS = re.compile(r"[a-z0-9][A-Z]")
SHAPE = {"__init__.py", "connection.py", "wire.py", "client.py", "adapter.py", "README.md"}
QUIRK = re.compile(r"\b([AFJ]-\d{2})\b")


def systems_of(root: Path) -> list[Path]:
    """The packages of the systems."""
    folder = root / "src" / "ml_connector" / "systems"
    return sorted(path.parent for path in folder.glob("*/__init__.py"))


def vendor_names(root: Path) -> set[str]:
    """Field names with an inner capital, as the wire structs of all systems spell them."""
    return {
        field.encode_name
        for system in systems_of(root)
        if (system / "wire.py").is_file()
        for struct in structs_of(f"ml_connector.systems.{system.name}.wire")
        for field in msgspec.structs.fields(struct)
        if HUMPS.search(field.encode_name)
    }


def structs_of(module_name: str) -> Iterator[type[msgspec.Struct]]:
    """Yield the structs a module defines."""
    module = importlib.import_module(module_name)
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, msgspec.Struct):
            yield value


def words_of(tree: ast.Module) -> Iterator[str]:
    """Yield every word of the identifiers and texts of a module, docstrings left out."""
    prose = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Constant) and id(node) not in prose:
            yield from re.findall(r"\w+", node.value if isinstance(node.value, str) else "")


def test_imports_go_down_only(root: Path) -> None:
    """Every contract about imports is kept."""
    command = shutil.which("lint-imports", path=Path(sys.executable).parent)
    assert command is not None
    done = subprocess.run(
        [command, "--no-logo", "--no-cache"],
        cwd=root,
        env={"PYTHONPATH": "src", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout


def test_vendor_names_stay_in_wire_modules(root: Path, sources: Any, verify: Any) -> None:
    """Only `wire.py` of a system and the sandbox know how a vendor spells a field."""
    names = vendor_names(root)
    found = [
        (source.path, word)
        for source in sources
        if "/sandbox/" not in source.path and not source.path.endswith("/wire.py")
        for word in sorted(set(words_of(source.tree)) & names)
    ]

    assert names, "no wire struct was found, so this test looks at nothing"
    verify("vendor-name", found)


def test_systems_have_one_inner_shape(root: Path) -> None:
    """Who knows one system finds the way in the next."""
    shapes = {
        system.name: {path.name for path in system.iterdir()} & SHAPE for system in systems_of(root)
    }

    assert shapes

    assert {name: SHAPE - shape for name, shape in shapes.items() if shape != SHAPE} == {}


def test_quirks_named_in_code_are_told_in_the_readme(root: Path) -> None:
    """A quirk's id leads to its story, in the README of the system it belongs to."""
    lost = {
        f"{system.name}: {quirk}"
        for system in systems_of(root)
        if (system / "README.md").is_file()
        for path in system.glob("*.py")
        for quirk in QUIRK.findall(path.read_text())
        if quirk not in (system / "README.md").read_text()
    }

    assert sorted(lost) == []


def test_commands_start_without_the_heavy_libraries(root: Path) -> None:
    """`--help` and completion answer at once: nothing heavy is imported before it is needed."""
    heavy = ("django", "dbos", "pyarrow", "sqlalchemy", "cryptography", "structlog")
    script = (
        "import sys, ml_connector.cli.main;"
        f"print(','.join(m for m in {heavy!r} if m in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=root / "src",
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == ""
