"""The archive in a local folder."""

from pathlib import Path

from ml_connector.archive.files import FileArchive
from ml_connector.archive.sorter import KEYS_HELD_MAX
from ml_connector.archive.store import FolderStore


class LocalArchive(FileArchive):
    """The archive of one organisation in a folder."""

    def __init__(
        self, root: Path, organisation: str, *, keys_held_max: int = KEYS_HELD_MAX
    ) -> None:
        super().__init__(FolderStore(root, organisation), keys_held_max=keys_held_max)
