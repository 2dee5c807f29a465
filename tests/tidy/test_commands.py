"""Every command and option that a document, message or setting names can be typed."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

TYPED = re.compile(r"(?:`|^\s*(?:\S*bin/)?|&& )ml-connector ([a-z][^`\n#|]*)", re.MULTILINE)
OPTION = re.compile(r"(?<!\S)--[a-z][a-z-]*")
WORD = re.compile(r"^[a-z][a-z-]*$")


@pytest.fixture(scope="module")
def app() -> Any:
    """The command line."""
    return importlib.import_module("ml_connector.cli.main").app


def find_fault(app: Any, line: str) -> str:
    """What is wrong with a command line; empty when it can be typed."""
    words = line.replace(" && ", " ").split()
    if words[0] not in set(app):
        return f"no command {words[0]}"
    command = app[words[0]]
    members = {name for name in command if WORD.match(name)}
    if members:
        if len(words) < 2 or words[1] not in members:
            return f"{words[0]} has no command {words[1:2]}"
        command = command[words[1]]
    known = {"--help", "--version"} | {
        name for argument in command.assemble_argument_collection() for name in argument.names
    }
    unknown = sorted(set(OPTION.findall(line)) - known)
    return f"{line}: no option {', '.join(unknown)}" if unknown else ""


def texts_of(tree: ast.Module) -> Iterator[str]:
    """Yield the texts of a module; what an f-string fills in becomes one word."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("plan FLOW --period Oct-26", ""),
        ("runs resume RUN", ""),
        ("runs resme RUN", "runs has no command"),
        ("pln FLOW", "no command pln"),
        ("plan FLOW --perod Oct-26", "no option --perod"),
    ],
)
def test_rule_about_commands_bites(app: Any, line: str, fault: str) -> None:
    """The rule tells what can be typed from what cannot."""
    found = find_fault(app, line)

    assert fault in found
    assert bool(found) is bool(fault)


def test_commands_in_documents_can_be_typed(app: Any, committed: list[str], root: Path) -> None:
    """What a page tells people to type, the command line understands."""
    faults = [
        f"{path}: {fault}"
        for path in committed
        if path.endswith((".md", ".yaml")) and not path.startswith("changelog.d/")
        for line in TYPED.findall((root / path).read_text())
        if (fault := find_fault(app, line))
    ]

    assert faults == []


def test_commands_in_messages_can_be_typed(app: Any, sources: Any) -> None:
    """What an error or a docstring tells people to type, the command line understands."""
    faults = {
        f"{source.path}: {fault}"
        for source in sources
        if "/sandbox/" not in source.path
        for text in texts_of(source.tree)
        for line in TYPED.findall(text)
        if "`ml-connector" in text and (fault := find_fault(app, line))
    }

    assert sorted(faults) == []
