"""What every command takes: where the project is and how to print."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from ml_connector import wiring
from ml_connector.cli.progress import Progress
from ml_connector.cli.signals import stopping
from ml_connector.errors import UsageError

Output = Literal["text", "json", "csv", "markdown"]
PROJECT_VARIABLE = "ML_CONNECTOR_PROJECT"


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Options:
    """Options every command understands."""

    project: Annotated[
        Path | None, Parameter(help="Project folder; default: the one you are in.")
    ] = None
    output: Annotated[Output, Parameter(alias="-o", help="How data on stdout is printed.")] = "text"
    verbose: Annotated[
        bool, Parameter(alias="-v", negative=(), help="Log each step and each call on stderr.")
    ] = False
    set_: Annotated[
        list[str],
        Parameter(name="--set", help="Overrule a setting: KEY=VALUE, dotted.", negative=()),
    ] = field(default_factory=list)

    def find_root(self) -> Path:
        """The project folder: the option, the environment, or the nearest folder above."""
        given = self.project or os.environ.get(PROJECT_VARIABLE)
        return Path(given) if given else wiring.find_root(Path.cwd())

    def parse_overrides(self) -> dict[str, str]:
        """The settings overruled by `--set`, and the level of the log by `--verbose`.

        Raises:
            UsageError: One of them is not KEY=VALUE.
        """
        parsed = {"log_level": "debug"} if self.verbose else {}
        for text in self.set_:
            key, equals, value = text.partition("=")
            if not equals:
                raise UsageError(
                    f"--set {text!r} is not KEY=VALUE.",
                    written="Nothing was done.",
                    next_step="Write it as --set flows.NAME.KEY=VALUE.",
                    given=text,
                )
            parsed[key] = value
        return parsed


@contextmanager
def opened(options: Options | None) -> "Iterator[wiring.House]":
    """The project's house for the length of a command, steps shown on a terminal."""
    chosen = options or Options()
    with (
        stopping() as stop,
        Progress(sys.stderr) as progress,
        wiring.open_house(
            chosen.find_root(), overrides=chosen.parse_overrides(), on_step=progress.tell
        ) as house,
    ):
        stop.watch(house.request_stop)
        yield house


def output_of(options: Options | None) -> Output:
    """The output the command was asked for."""
    return options.output if options else "text"
