"""What never occurs in the tree: floats for money, naive times, pickle, prints, vague names."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

PICKLES = {"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle"}
VAGUE_MODULES = {"utils", "util", "common", "helpers", "helper", "manager", "misc"}
NAIVE_CALLS = {"utcnow", "utcfromtimestamp"}
DRAWERS = re.compile(r"(^|_)(manager|helper|utils?|data|info)$", re.IGNORECASE)
EVENT = re.compile(r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")
LOGGERS = ("logger", "_log")
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
SILENCERS = re.compile(r"#\s*(noqa|type:\s*ignore|pragma)\b(.*)$")
CODE_AND_REASON = re.compile(r"^(:\s*|\[)[\w, -]+\]?:?\s+\S.*$")


@cache
def walk(tree: ast.AST) -> tuple[ast.AST, ...]:
    """Every node; several rules look at the same ones."""
    return tuple(ast.walk(tree))


@cache
def calls_of(tree: ast.AST) -> tuple[tuple[str, ast.Call], ...]:
    """Each call with the name of the function it stands in."""
    return tuple(
        (function.name, node)
        for function in walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
    )


def calls_where(sources: Any, *words: str) -> Iterator[tuple[Any, str, ast.Call]]:
    """Yield source, function and call, of the files in whose text one of the words stands."""
    for source in sources:
        if any(word in source.text for word in words):
            for function, call in calls_of(source.tree):
                yield source, function, call


def called_name(call: ast.Call) -> str:
    """The last part of what is called."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def imports_of(tree: ast.AST) -> set[str]:
    """Top-level names of all imports, lazy ones included."""
    found: set[str] = set()
    for node in walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def test_float_is_never_made_outside_the_waived_places(sources: Any, verify: Any) -> None:
    """A number becomes a float nowhere; the sandbox is a pretended vendor and may keep doubles."""
    verify(
        "float-call",
        [
            (source.path, function)
            for source, function, call in calls_where(sources, "float")
            if "/sandbox/" not in source.path
            and isinstance(call.func, ast.Name)
            and call.func.id == "float"
        ],
    )


def test_times_are_aware(sources: Any, verify: Any) -> None:
    """Nothing makes a time without a zone."""
    verify(
        "naive-time",
        [
            (source.path, function)
            for source, function, call in calls_where(sources, "now", *NAIVE_CALLS)
            if called_name(call) in NAIVE_CALLS
            or (
                called_name(call) == "now"
                and not call.args + call.keywords
                and ast.unparse(call.func).endswith("datetime.now")
            )
        ],
    )


def test_pickle_is_imported_nowhere(sources: Any, verify: Any) -> None:
    """A stored row must not be able to run code when it is read."""
    verify(
        "pickle", [(s.path, name) for s in sources for name in sorted(imports_of(s.tree) & PICKLES)]
    )


def test_nothing_is_printed_past_the_console(sources: Any, verify: Any) -> None:
    """Only commands speak to the console; everything else speaks through the log."""
    verify(
        "print",
        [
            (source.path, function)
            for source, function, call in calls_where(sources, "print")
            if "/cli/" not in source.path
            and isinstance(call.func, ast.Name)
            and call.func.id == "print"
        ],
    )


def test_verbs_and_modules_have_meaning(sources: Any, verify: Any) -> None:
    """No `get_`, no drawer of utilities, no class that manages."""
    names = [
        (source.path, node.name)
        for source in sources
        for node in walk(source.tree)
        if (isinstance(node, ast.FunctionDef) and node.name.startswith(("get_", "handle_", "do_")))
        or (isinstance(node, ast.ClassDef) and DRAWERS.search(node.name))
    ]
    modules = [
        (source.path, "module")
        for source in sources
        if source.path.rsplit("/", maxsplit=1)[-1].removesuffix(".py") in VAGUE_MODULES
    ]
    verify("vague-name", names + modules)


def test_silenced_checks_say_which_and_why(sources: Any, test_sources: Any) -> None:
    """Each noqa, type-ignore and pragma carries a code and a reason on its line."""
    found = [
        f"{source.path}:{number}: {line.strip()}"
        for source in [*sources, *test_sources]
        for number, line in enumerate(source.text.splitlines(), start=1)
        if (silencer := SILENCERS.search(line))
        and not source.path.endswith("tidy/test_banned.py")
        and not CODE_AND_REASON.match(silencer[2])
    ]

    assert found == []


@pytest.mark.parametrize(
    ("comment", "is_good"),
    [
        ("# noqa: S105 - a seeded value", True),
        ("# type: ignore[arg-type]  the stub lies", True),
        ("# noqa: PLC0415 -- importing costs", True),
        ("# noqa", False),
        ("# noqa: S105", False),
        ("# type: ignore", False),
        ("# type: ignore[arg-type]", False),
    ],
)
def test_rule_about_silenced_checks_bites(comment: str, is_good: bool) -> None:  # noqa: FBT001 - a parameter of the table above.
    """The rule itself tells a bare silencer from one with code and reason."""
    silencer = SILENCERS.search(comment)

    assert silencer is not None
    assert bool(CODE_AND_REASON.match(silencer[2])) is is_good


def test_nothing_is_left_for_later(committed: list[str], root: Any) -> None:
    """Unfinished work has an issue, not a mark in the code."""
    # Cut in two, so that this file does not find itself.
    marks = re.compile(r"\b(TO" + r"DO(?!\(#\d+\))|FIX" + r"ME)\b")
    found = [
        f"{path}:{number}"
        for path in committed
        if path.endswith((".py", ".md", ".toml", ".yaml", ".sh")) or path == "Makefile"
        for number, line in enumerate((root / path).read_text().splitlines(), start=1)
        if marks.search(line)
    ]

    assert found == []


def test_log_events_are_noun_and_verb(sources: Any, verify: Any) -> None:
    """An event is a name to search for; its values stand in keys."""
    verify(
        "log-event",
        [
            (source.path, str(call.args[0].value))
            for source, _, call in calls_where(sources, *LOGGERS)
            if called_name(call) in LEVELS
            and ast.unparse(call.func).split(".")[0] in LOGGERS
            and isinstance(call.args[0], ast.Constant)
            and not EVENT.match(event := str(call.args[0].value).split()[0])
            and event != "%s"  # Whoever hands it in is looked at elsewhere.
        ],
    )


def test_tests_never_sleep(test_sources: Any, verify: Any) -> None:
    """A test moves the clock; one that waits for the world is slow and lies."""
    verify(
        "test-sleep",
        [
            (source.path, function)
            for source, function, call in calls_where(test_sources, "sleep")
            if called_name(call) == "sleep" and ast.unparse(call.func) in ("time.sleep", "sleep")
        ],
    )


def test_tests_state_their_law(test_sources: Any) -> None:
    """A test's name says what holds, and its docstring states it in a sentence."""
    found = [
        f"{source.path}: {node.name}"
        for source in test_sources
        for node in walk(source.tree)
        if isinstance(node, ast.FunctionDef)
        and node.name.startswith("test_")
        and (node.name.count("_") < 3 or not ast.get_docstring(node))
        and not is_fixture(node)
    ]

    assert found == []


def is_fixture(function: ast.FunctionDef) -> bool:
    """Whether a function is a fixture that merely begins like a test."""
    return any("fixture" in ast.unparse(decorator) for decorator in function.decorator_list)
