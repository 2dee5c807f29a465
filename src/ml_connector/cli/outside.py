"""What the machine refuses a command: a file, a folder, a full disk, a closed stream."""

import os
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from ml_connector.errors import ConnectorError

ROWS_MAX = 100_000
"""Rows that a listing is asked for at most."""
Rows = Annotated[int, Parameter(validator=Number(gte=1, lte=ROWS_MAX))]
"""How many rows a listing has at most; a negative number asks for nothing that there is."""
WAYS_TO_SAY_JSON = frozenset({("--output", "json"), ("-o", "json")})


class FileRefusedError(ConnectorError):
    """A file, a folder or a stream cannot be read or written as a command was asked to."""

    code = "files.refused"


def explain_refusal(error: OSError) -> FileRefusedError:
    """The error to show for what the machine has refused."""
    what = f"The file {error.filename}" if error.filename else "What was to be printed or stored"
    why = error.strerror or type(error).__name__
    return FileRefusedError(
        f"{what} cannot be used: {why}.",
        written="What was recorded or sent before stands; see `ml-connector runs list`.",
        next_step="Name another place, make room, or ask for the right to write; then repeat.",
        file=str(error.filename or ""), why=why,
    )  # fmt: skip


def open_missing_streams() -> None:
    """Standard output and error are there, though whoever started the command has closed them."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - until the process ends.
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123 - as above.


def find_output(arguments: Sequence[str]) -> str:
    """The output that a command line asks for which cannot be understood as a whole."""
    pairs = set(pairwise(arguments))
    is_json = "--output=json" in arguments or not WAYS_TO_SAY_JSON.isdisjoint(pairs)
    return "json" if is_json else "text"
