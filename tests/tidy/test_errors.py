"""Every error has a code of its own, an exit code, and a heading that says what to do."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HEADING = re.compile(r"^## `([^`]+)`\n\nExit code (\d+)\.", re.MULTILINE)
CODE = re.compile(r"^[a-z]+([.-][a-z]+)*$")
BASE = "ConnectorError"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorClass:
    """An error class as its source declares it."""

    name: str
    path: str
    parents: tuple[str, ...]
    code: str | None
    exit_code: int | None
    doc: str


@pytest.fixture(scope="module")
def errors(sources: Any) -> dict[str, ErrorClass]:
    """Every class below the base, by name; read from the source, so no import is needed."""
    classes = {
        node.name: declare(source, node)
        for source in sources
        if "/sandbox/" not in source.path
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef)
    }
    found = {BASE: classes[BASE]}
    while more := {
        name: one
        for name, one in classes.items()
        if name not in found and found.keys() & set(one.parents)
    }:
        found |= more
    return found


def declare(source: Any, node: ast.ClassDef) -> ErrorClass:
    """What a class statement says of an error."""
    values = dict(assigned(node))
    return ErrorClass(
        name=node.name,
        path=source.path,
        parents=tuple(ast.unparse(base).rsplit(".", maxsplit=1)[-1] for base in node.bases),
        code=values.get("code"),
        exit_code=values.get("exit_code"),
        doc=ast.get_docstring(node) or "",
    )


def assigned(node: ast.ClassDef) -> list[tuple[str, Any]]:
    """Names of a class body and the constants they are set to."""
    return [
        (target.id, statement.value.value)
        for statement in node.body
        if isinstance(statement, (ast.Assign, ast.AnnAssign))
        and isinstance(statement.value, ast.Constant)
        for target in (
            statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        )
        if isinstance(target, ast.Name)
    ]


def exit_code_of(errors: dict[str, ErrorClass], name: str) -> int:
    """The exit code a class has or inherits."""
    one = errors[name]
    if one.exit_code is not None:
        return one.exit_code
    return exit_code_of(errors, next(parent for parent in one.parents if parent in errors))


def test_error_codes_are_stable_and_unique(errors: dict[str, ErrorClass], verify: Any) -> None:
    """Two errors never share a code, and each has one of its own."""
    codes = [str(e.code) for e in errors.values() if e.code is not None]

    verify("error-code", [(e.path, e.name) for e in errors.values() if e.code is None])
    assert sorted({code for code in codes if codes.count(code) > 1}) == []
    assert [code for code in codes if not CODE.match(code)] == []


def test_error_classes_are_named_and_described(errors: dict[str, ErrorClass]) -> None:
    """A class name ends in Error, and its docstring says what happened."""
    assert [e.name for e in errors.values() if not e.name.endswith("Error")] == []
    assert [e.name for e in errors.values() if not e.doc.strip().endswith(".")] == []


def test_every_error_code_has_its_heading(errors: dict[str, ErrorClass], root: Path) -> None:
    """docs/errors.md tells each code, with the exit code it has now, and no code that is gone."""
    told = {
        code: int(exit_code)
        for code, exit_code in HEADING.findall((root / "docs" / "errors.md").read_text())
    }
    known = {e.code: exit_code_of(errors, name) for name, e in errors.items() if e.code}

    assert sorted(set(known) - set(told)) == [], "write a heading for these in docs/errors.md"
    assert sorted(set(told) - set(known)) == [], "these headings are of errors that are gone"
    assert told == known


def test_errors_are_told_in_three_sentences(sources: Any, errors: dict[str, ErrorClass]) -> None:
    """What was refused, what has been written, what to do next: none may be empty where raised."""
    found = [
        f"{source.path}:{call.lineno}"
        for source in sources
        for call in ast.walk(source.tree)
        if isinstance(call, ast.Call)
        and ast.unparse(call.func).rsplit(".", maxsplit=1)[-1] in errors
        for keyword in call.keywords
        if keyword.arg in ("written", "next_step")
        and isinstance(keyword.value, ast.Constant)
        and not str(keyword.value.value).endswith((".", "`", ")"))
    ]

    assert found == []


def test_clients_do_not_speak_of_a_run_that_may_not_exist(sources: Any) -> None:
    """Who looks by `doctor` has no run to resume: a next step says to try again."""
    asked_by_all = ("/systems/", "/records/", "/archive/", "/vault/")
    told = [
        f"{source.path}:{node.lineno}"
        for source in sources
        if any(part in source.path for part in asked_by_all)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Constant) and re.search("(?i)resume the run", str(node.value))
    ]
    assert not told
