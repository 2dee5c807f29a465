"""A project folder whose files change while a process serves them."""

import time
from collections.abc import Callable

from ml_connector.errors import ConnectorError
from ml_connector.settings import PROJECT_FILE, Project
from ml_connector.wiring.projects import read_project

LOOK_S = 10.0
"""How long a changed file may go unnoticed."""
SECTIONS = ("connections", "flows", "schedules", "calendars", "maintenance")
FILES_MAX = 5_000
"""Files that are looked at; a folder with more is refused when it is read."""
Stamp = tuple[tuple[str, int, int], ...]


class Folder:
    """Notices that files have changed, and reads them; what holds faults is left as it was."""

    def __init__(self, project: Project, *, now_s: Callable[[], float] = time.monotonic) -> None:
        self._project = project
        self._now_s = now_s
        self._looked_s = now_s()
        self._stamp = self._read_stamp()
        self.problem = ""
        """All faults of the files as they are now; empty: none, or nothing has changed."""

    def find_changed(self) -> Project | None:
        """The folder as it reads now, if it was changed since the last look and has no faults."""
        if self._now_s() - self._looked_s < LOOK_S:
            return None
        self._looked_s = self._now_s()
        stamp = self._read_stamp()
        if stamp == self._stamp:
            return None
        self._stamp = stamp
        return self._read()

    def list_unknown_flows(self, read: Project) -> list[str]:
        """Schedules of flows that this process was not started with."""
        return [name for name, its in read.schedules.items() if its.flow not in self._project.flows]

    def _read(self) -> Project | None:
        try:
            read = read_project(self._project.root, self._project.overrides)
        except ConnectorError as error:
            self.problem = error.refused
            return None
        self.problem = ""
        return read

    def _read_stamp(self) -> Stamp:
        root = self._project.root
        paths = [root / PROJECT_FILE, *(p for one in SECTIONS for p in (root / one).glob("*.y*ml"))]
        stamps = []
        for path in sorted(paths)[:FILES_MAX]:
            try:
                found = path.stat()
            except OSError:
                continue  # Gone between the two looks; the next one sees it, or that it is gone.
            stamps.append((str(path), found.st_mtime_ns, found.st_size))
        return tuple(stamps)
