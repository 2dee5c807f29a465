"""Completion of commands and options on the Tab key."""

import os
from pathlib import Path
from typing import Literal

from ml_connector.cli.output import hint
from ml_connector.errors import UsageError

Shell = Literal["bash", "zsh", "fish"]
_PLACES = {
    "bash": "~/.local/share/bash-completion/completions/ml-connector",
    "zsh": "a folder of $fpath, as _ml-connector",
    "fish": "~/.config/fish/completions/ml-connector.fish",
}


def completion(shell: Shell | None = None, /) -> int:
    """Print the completion script of a shell; by default of the one you use."""
    from ml_connector.cli.main import app  # noqa: PLC0415 - it holds this very command.

    chosen = shell or _find_shell()
    print(app.generate_completion(shell=chosen), end="")
    hint(f"redirect this into {_PLACES[chosen]}, then open a new shell")
    return 0


def _find_shell() -> Shell:
    name = Path(os.environ.get("SHELL", "")).name
    for known in ("bash", "zsh", "fish"):
        if name == known:
            return known
    raise UsageError(
        f"The shell {name or 'of this terminal'!r} has no completion script here.",
        written="Nothing was printed.",
        next_step="Name one: `ml-connector completion bash`, `zsh` or `fish`.",
        shell=name,
    )
