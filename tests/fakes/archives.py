"""Where an archive's files lie, looked at past the archive: a folder, or a bucket."""

from itertools import count
from pathlib import Path
from typing import Any, Protocol

from tests.fakes.s3 import WRITER, Store

from ml_connector.archive import BucketAddress, BucketArchive, FileArchive, LocalArchive

FOLDER, BUCKET = "folder", "bucket"
ORGANISATION = "default"
_numbers = count(1)


class Place(Protocol):
    """Where an archive's files lie, looked at past the archive."""

    def open(self, organisation: str = ORGANISATION) -> FileArchive:
        """The archive of an organisation there."""

    def list_files(self) -> list[str]:
        """Every file, leftovers included, by its name below the place."""

    def replace(self, name: str, content: bytes) -> None:
        """The file holds something else."""

    def read(self, name: str) -> bytes:
        """What the file holds."""


class FolderPlace:
    """A local folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def open(self, organisation: str = ORGANISATION) -> FileArchive:
        """The archive of an organisation there."""
        return LocalArchive(self._root, organisation)

    def list_files(self) -> list[str]:
        """Every file, leftovers included, by its name below the place."""
        files = (path for path in self._root.rglob("*") if path.is_file())
        return sorted(str(path.relative_to(self._root)) for path in files)

    def replace(self, name: str, content: bytes) -> None:
        """The file holds something else."""
        (self._root / name).write_bytes(content)

    def read(self, name: str) -> bytes:
        """What the file holds."""
        return (self._root / name).read_bytes()


class PlainSecrets:
    """Secrets that stand in the references themselves."""

    def read_secret(self, reference: str) -> str:
        """What follows the colon."""
        return reference.partition(":")[2]


class BucketPlace:
    """A prefix of a bucket, and the local folder beside it."""

    def __init__(self, store: Store, root: Path) -> None:
        self.store = store
        self.prefix = f"{BUCKET}/{next(_numbers)}"
        self.root = root

    def open(self, organisation: str = ORGANISATION, **address: Any) -> BucketArchive:
        """The archive of an organisation there; `address` replaces parts of the address."""
        known: dict[str, Any] = {
            "url": f"s3://{self.prefix}", "endpoint": self.store.endpoint,
            "access_key": f"env:{WRITER[0]}", "secret_key": f"env:{WRITER[1]}",
        }  # fmt: skip
        return BucketArchive(
            BucketAddress(**{**known, **address}), organisation,
            secrets=PlainSecrets(), folder=self.root,
        )  # fmt: skip

    def list_files(self) -> list[str]:
        """Every object and every local file, by its name below the place."""
        below = self.store.list_objects(self.prefix)
        local = (path for path in self.root.rglob("*") if path.is_file())
        return sorted(
            [each.removeprefix(f"{self.prefix}/") for each in below] + [str(p) for p in local]
        )

    def replace(self, name: str, content: bytes) -> None:
        """The object holds something else."""
        self.store.replace(f"{self.prefix}/{name}", content)

    def read(self, name: str) -> bytes:
        """What the object holds."""
        return self.store.read(f"{self.prefix}/{name}")
