"""Commands load what they need and no more: most of a short command's time is imports."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ml_connector import __version__

ENGINE = ("dbos", "sqlalchemy", "pyarrow")
CLIENTS = ("httpx2", "structlog", "rich", "ml_connector.systems.http")
RECORDS = ("django", "ml_connector.ports", "ml_connector.wiring.house")
SCRIPT = """
import sys
from ml_connector.cli.main import run_command
code = run_command(sys.argv[2:])
print(*sorted(set(sys.argv[1].split(",")) & set(sys.modules)), file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize(
    ("words", "unloaded"),
    [
        (("--version",), (*ENGINE, *RECORDS, "structlog", "httpx2", "pydantic")),
        (("config", "show"), (*ENGINE, *CLIENTS, *RECORDS, "cryptography")),
        (("status",), (*ENGINE, *CLIENTS, "cryptography")),
        (("runs", "list"), (*ENGINE, *CLIENTS, "cryptography")),
        (("audit", "verify"), (*ENGINE, *CLIENTS, "cryptography")),
        (("secrets", "list"), (*ENGINE, "httpx2")),
        (("mappings", "export", "actuals-fusion"), (*ENGINE, *CLIENTS, "cryptography")),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_short_command_leaves_libraries_unloaded(
    office_template: Path, words: tuple[str, ...], unloaded: tuple[str, ...]
) -> None:
    """None of the libraries that only runs and systems need is imported."""
    project = () if words[0].startswith("-") else ("--project", str(office_template))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, ",".join(unloaded), *words, *project],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "", "loaded all the same"


def test_short_commands_open_no_more_than_they_read(
    terminal: Any, office_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A listing of settings makes no state folder."""
    root = office_template.parent / "untouched"
    terminal.type("init", str(root), "--first-month", "2026-01")
    terminal.project = root

    terminal.type("config", "show")

    assert not (root / ".state").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [(("--version",), 0, __version__), (("runs", "list", "--project", "/nowhere"), 2, "/nowhere")],
    ids=["done", "refused"],
)
def test_command_leaves_when_it_is_done(words: tuple[str, ...], code: int, said: str) -> None:
    """What it said has arrived and its exit code is told; the interpreter is not dismantled."""
    script = "import atexit; atexit.register(print, 'dismantled')"
    main = "from ml_connector.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", f"{script}; {main}", *words],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == code
    assert said in done.stdout + done.stderr
    assert "dismantled" not in done.stdout
