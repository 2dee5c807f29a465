"""The settings of the project itself: `ml-connector.yaml`."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator


class Strict(BaseModel):
    """Base of every settings model: frozen, and an unknown key is a fault."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, populate_by_name=True
    )


class KeySettings(Strict):
    """Where the key that opens the stored secrets comes from; exactly one of the two."""

    file: Path | None = None
    """Key file, readable by its owner alone (mode 0600); keep it out of the backups of the
    state folder. A path is read from the project folder."""
    env: str = ""
    """Name of the environment variable that holds the key."""

    @model_validator(mode="after")
    def _verify_one_source(self) -> "KeySettings":
        if (self.file is None) == (not self.env):
            raise ValueError("names exactly one of `file` and `env`")
        return self


class ProjectSettings(Strict):
    """`ml-connector.yaml`: where state lives, how logs look, which key opens the secrets."""

    organisation: str = "default"
    """The customer this project folder belongs to."""
    state: Path = Path(".state")
    """Folder of databases and archive, from the project folder."""
    database_url: str = ""
    """Records database; empty: SQLite in `records.db` of the state folder."""
    engine_url: str = ""
    """Database of the durable engine; empty: SQLite in `engine.db` of the state folder."""
    log_format: Literal["console", "json"] = "console"
    """How log lines on stderr look."""
    key: KeySettings = KeySettings(file=Path(".key"))
    """Where the key that opens the stored secrets comes from."""
