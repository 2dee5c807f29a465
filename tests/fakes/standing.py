"""What takes seconds to make and is alike for all: the first who asks makes it, all copy it."""

import fcntl
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.children import find_environment
from tests.fakes.postgres import make_cluster

from ml_connector.records import close, configure, migrate

OPEN = """
import sys
from pathlib import Path
from ml_connector.wiring import open_house
with open_house(Path(sys.argv[1])) as house:
    assert house.records is not None
    assert house.engine is not None
"""
MIGRATE = """
import sys
from ml_connector.records import close, configure, migrate
configure(sys.argv[1], secret_key="only for tests")
migrate()
close()
"""
DATABASES = ("records.db", "engine.db")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A folder that all workers of a test session share."""

    folder: Path

    def make(self, name: str, fill: Callable[[Path], None]) -> Path:
        """The folder of that name; the first worker that asks fills it, the others wait."""
        made, filling = self.folder / name, self.folder / f"{name}.filling"
        with (self.folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                shutil.rmtree(filling, ignore_errors=True)
                filling.mkdir()
                fill(filling)
                filling.rename(made)
        return made

    def state(self) -> Path:
        """The state folder of a project that was opened once and holds nothing."""
        return self.make("project", _open_project) / ".state"

    def cluster(self) -> Path:
        """What PostgreSQL servers begin with; its template of the records is migrated."""
        return self.make("cluster", _fill_cluster) / "data"


def _open_project(root: Path) -> None:
    (root / "ml-connector.yaml").write_text("organisation: default\n", encoding="utf-8")
    _execute(OPEN, str(root))


def _fill_cluster(folder: Path) -> None:
    make_cluster(folder / "data", lambda url: _execute(MIGRATE, url))


def _execute(script: str, argument: str) -> None:
    """In a process of its own: what Django is set up with there binds no worker."""
    subprocess.run([sys.executable, "-c", script, argument], check=True, env=find_environment())


def make_records(standing: Standing) -> Path:
    """A migrated, empty records database on SQLite, to be copied."""
    return standing.make("records", _migrate_records) / "template.db"


def _migrate_records(folder: Path) -> None:
    close()  # What a test before has left open is of another database.
    configure(f"sqlite:///{folder / 'template.db'}", secret_key="only for tests")
    migrate()
    close()


def lay_state(state: Path, root: Path) -> None:
    """The project's databases stand, migrated and empty; migrating takes seconds of each new one.

    Args:
        state: What `Standing.state` has made.
        root: The project's folder.
    """
    (root / ".state").mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in DATABASES:
        shutil.copy2(state / name, root / ".state" / name)
