"""Faults of a project folder: where, what was seen, what is allowed; told all at once."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ml_connector.errors import SettingsError

SEEN_CHARS_MAX = 60
_SECRET_KEY = re.compile(
    r"secret|password|passphrase|token|private_key|access_key|database_url|engine_url"
    r"|channels\[\d+\]\.address"
)
_REFERENCE = re.compile(r"(secret|env|file):")
_PASSWORD_IN_ADDRESS = re.compile(r"(?<=://)[^/\s@]+@")


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsFault:
    """One fault: the file and line it stands on, the key, the value seen, the values allowed."""

    file: str
    key: str
    problem: str
    line: int | None = None
    seen: str = ""
    allowed: str = ""

    def render(self) -> str:
        """One line for people: `flows/a.yaml:7 mode: is not a mode; seen 'x'; allowed: ...`."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        key = f" {self.key}:" if self.key else ":"
        seen = f"; seen {self.seen!r}" if self.seen else ""
        allowed = f"; allowed: {self.allowed}" if self.allowed else ""
        return f"{place}{key} {self.problem}{seen}{allowed}"


class ProjectFaultsError(SettingsError):
    """The project folder holds faults; every one of every file is listed."""

    code = "settings.project-faults"

    def __init__(self, root: str, faults: Sequence[SettingsFault]) -> None:
        self.faults = tuple(faults)
        listed = "\n".join(f"  {fault.render()}" for fault in self.faults)
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        super().__init__(
            f"The project folder {root} holds {count}:\n{listed}\n",
            written="Nothing was read from or written to any system.",
            next_step="Correct the lines above, then run `ml-connector config validate`.",
            root=root, faults=len(self.faults),
        )  # fmt: skip


class ProjectMissingError(SettingsError):
    """There is no project folder where one was looked for."""

    code = "settings.no-project"

    def __init__(self, looked_in: str) -> None:
        super().__init__(
            f"There is no ml-connector.yaml in {looked_in}.",
            written="Nothing was read from or written to any system.",
            next_step="Make a project folder with `ml-connector init`, or name one with --project.",
            looked_in=looked_in,
        )


def render_seen(key: str, value: object) -> str:
    """The value as a fault may show it: cut short, and masked where it may hold a secret."""
    if value is None:
        return ""
    text = _PASSWORD_IN_ADDRESS.sub("***@", str(value))
    if is_secret(key) and not _REFERENCE.match(text):
        return "***"
    return text if len(text) <= SEEN_CHARS_MAX else f"{text[:SEEN_CHARS_MAX]}…"


def is_secret(key: str) -> bool:
    """Whether a key of this name may hold plain text nobody should see."""
    return _SECRET_KEY.search(key.lower()) is not None
