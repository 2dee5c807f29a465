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


def list_commands(app: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words of each command that does something."""
    names = [name for name in app if WORD.match(name)]
    for name in names:
        yield from list_commands(app[name], (*path, name))
    if path and not names:
        yield path


def is_typed(words: tuple[str, ...], text: str) -> bool:
    """Whether a module of tests types the command, in one go or behind what it always begins by."""
    if re.search(r'",\s*"'.join(map(re.escape, words)) + '"', text):
        return True
    begins = re.search(rf'run_command\(\["{re.escape(words[0])}", \*', text)
    return begins is not None and f'"{words[-1]}"' in text


def test_every_command_is_typed_by_some_test(app: Any, root: Path) -> None:
    """A command that nobody has ever typed is one that nobody knows to work."""
    folders = (root / "tests" / name for name in ("e2e", "contract", "pages", "api", "faults"))
    texts = [path.read_text() for folder in folders for path in folder.rglob("*.py")]
    commands = list(list_commands(app))

    assert len(commands) > 80
    unknown = [w for w in commands if not any(is_typed(w, text) for text in texts)]
    assert unknown == []
