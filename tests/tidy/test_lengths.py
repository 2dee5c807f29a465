"""Files and functions stay short enough to be read in one go."""

import ast
from typing import Any

FILE_LINES_MAX = 450
FUNCTION_LINES_MAX = 50
FUNCTION_LINES_MEDIAN = 10
PARAMETERS_MAX = 6


def functions_of(source: Any) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a file, inner ones included."""
    return [n for n in ast.walk(source.tree) if isinstance(n, ast.FunctionDef)]


def body_lines(function: Any) -> int:
    """Lines of a function's body, its docstring left out."""
    body = function.body
    if ast.get_docstring(function) is not None:
        body = body[1:]
    return 0 if not body else body[-1].end_lineno - body[0].lineno + 1


def test_no_file_is_longer_than_a_reader_can_hold(sources: Any, verify: Any) -> None:
    """A file past the limit holds a second thing that wants a file of its own."""
    verify(
        "file-lines",
        [(s.path, "file") for s in sources if len(s.text.splitlines()) > FILE_LINES_MAX],
    )


def test_no_function_is_longer_than_a_screen(sources: Any, verify: Any) -> None:
    """A function past the limit does more than one thing."""
    verify(
        "function-lines",
        [
            (source.path, function.name)
            for source in sources
            for function in functions_of(source)
            if body_lines(function) > FUNCTION_LINES_MAX
        ],
    )


def test_functions_are_short_as_a_rule(sources: Any) -> None:
    """Half of all functions are a handful of lines."""
    lengths = sorted(body_lines(f) for source in sources for f in functions_of(source))

    assert lengths[len(lengths) // 2] <= FUNCTION_LINES_MEDIAN


def test_no_function_takes_a_crowd_of_parameters(sources: Any, verify: Any) -> None:
    """Past the limit a value object is missing; a command's parameters are its options."""
    verify(
        "parameters",
        [
            (source.path, function.name)
            for source in sources
            if "/cli/" not in source.path
            for function in functions_of(source)
            if len(function.args.args + function.args.kwonlyargs) > PARAMETERS_MAX + 1
        ],
    )
