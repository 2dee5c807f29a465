"""The archive in a bucket: the same files under the same names as in a folder.

A file is written whole into local scratch, where its hash grows with it, and sent then. What is
read is fetched into local scratch, verified, and kept as a copy for the next reader here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ml_connector.archive.bucket import Bucket, BucketAddress
from ml_connector.archive.copies import LocalCopies
from ml_connector.archive.errors import BrokenFileError, MissingFileError
from ml_connector.archive.files import FileArchive
from ml_connector.archive.sorter import KEYS_HELD_MAX
from ml_connector.archive.store import (
    NewFile,
    full_disk_told,
    is_hash,
    scratch_of,
    verify_name,
    writing,
)
from ml_connector.errors import ConnectorError
from ml_connector.ports import Check, CheckState, Secrets

CHECKED = b"written and read back by doctor\n"
"""What `check` stores; always the same, so that there is one such file."""
CHECK_KIND = "checks"
PART = "part"
_HELD = "held"


class BucketStore:
    """The objects of one organisation in a bucket."""

    def __init__(self, bucket: Bucket, organisation: str, folder: Path) -> None:
        self._bucket = bucket
        self._organisation = verify_name(organisation)
        self._folder = folder / organisation
        self._copies = LocalCopies(self._folder / _HELD)

    @contextmanager
    def create(self, kind: str, *, suffix: str) -> Iterator[NewFile]:
        """What is written inside the block is stored whole at its end, or not at all.

        An object that is there already is sent again: only its content would prove it whole, and
        that costs more to fetch than to send; so a damaged one is healed, as in a folder.

        Raises:
            ArchiveFullError: The local disk is full; nothing was sent.
            BucketUnavailableError: The store did not answer; repeatable.
            BucketDeniedError: The key is not accepted, or may not write.
            BucketMissingError: No such bucket.
        """
        verify_name(suffix)
        with self.scratch() as folder, full_disk_told(self._folder):
            part = folder / PART
            with writing(part, is_synced=False) as new:
                yield new
            self._bucket.upload(part, self._key(kind, new.file_hash, suffix))
            self._copies.add(part, _name(kind, new.file_hash, suffix)).close()

    @contextmanager
    def open(self, kind: str, file_hash: str, *, suffix: str = "*") -> Iterator[BinaryIO]:
        """The stored file is open for reading, its content verified to fit its hash.

        Raises:
            MissingFileError: No such file.
            BrokenFileError: The content no longer fits the hash.
            BucketUnavailableError: The store did not answer; repeatable.
            BucketDeniedError: The key is not accepted, or may not read.
            BucketMissingError: No such bucket.
        """
        with self._find_copy(kind, file_hash, suffix) or self._fetch(
            kind, file_hash, suffix
        ) as file:
            yield file

    def holds(self, kind: str, file_hash: str) -> bool:
        """Whether there is an object of this content, whatever its suffix.

        Raises as `open`, a missing object aside.
        """
        copy = self._find_copy(kind, file_hash, "*")
        if copy is not None:
            copy.close()
            return True
        return self._find_key(kind, file_hash, "*") is not None

    def place(self, kind: str, file_hash: str, *, suffix: str) -> str:
        """The object's address."""
        return self._bucket.url_of(self._key(kind, file_hash, suffix))

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder on the local disk exists until the end of the block."""
        with scratch_of(self._folder) as folder:
            yield folder

    def check(self) -> Check:
        """Whether a small file is stored and read back, past any copy; never raises for that."""
        place = self._bucket.url_of(self._organisation)
        try:
            with self.create(CHECK_KIND, suffix="txt") as new:
                new.write(CHECKED)
            self._fetch(CHECK_KIND, new.file_hash, "txt").close()
        except ConnectorError as error:
            return Check(
                subject="store", state=CheckState.FAILED, finding=error.refused,
                next_step=error.next_step, code=error.code,
            )  # fmt: skip
        return Check(
            subject="store", state=CheckState.OK, finding=f"{place}: a file was stored and read."
        )

    def _fetch(self, kind: str, file_hash: str, suffix: str) -> BinaryIO:
        key = self._find_key(kind, file_hash, suffix)
        with self.scratch() as folder, full_disk_told(self._folder):
            part = folder / PART
            with writing(part, is_synced=False) as new:
                if key is None or not self._bucket.download(key, new):
                    place = f"{self._bucket.url_of(self._organisation)}/{kind}"
                    raise MissingFileError(place, file_hash)
            if new.file_hash != file_hash:
                finding = f"its content has the hash {new.file_hash}"
                raise BrokenFileError(self._bucket.url_of(key), finding)
            return self._copies.add(
                part, _name(kind, file_hash, key.rpartition("/")[2].partition(".")[2])
            )

    def _find_copy(self, kind: str, file_hash: str, suffix: str) -> BinaryIO | None:
        if not is_hash(file_hash):
            return None
        return self._copies.find_open(_name(kind, file_hash, suffix), file_hash)

    def _find_key(self, kind: str, file_hash: str, suffix: str) -> str | None:
        """The object's key; the first by suffix when several hold this content."""
        if not is_hash(file_hash):
            return None
        if suffix != "*":
            return self._key(kind, file_hash, suffix)
        folder = f"{self._organisation}/{kind}/{file_hash[:2]}"
        names = self._bucket.read_names(folder)
        found = next((name for name in names if name.startswith(f"{file_hash}.")), None)
        return None if found is None else f"{folder}/{found}"

    def _key(self, kind: str, file_hash: str, suffix: str) -> str:
        return f"{self._organisation}/{kind}/{file_hash[:2]}/{file_hash}.{suffix}"


def _name(kind: str, file_hash: str, suffix: str) -> str:
    return f"{kind}.{file_hash}.{suffix}"


class BucketArchive(FileArchive):
    """The archive of one organisation in a bucket; copies and scratch lie in a local folder."""

    def __init__(
        self,
        address: BucketAddress,
        organisation: str,
        *,
        secrets: Secrets,
        folder: Path,
        keys_held_max: int = KEYS_HELD_MAX,
    ) -> None:
        self._store = BucketStore(Bucket(address, secrets), organisation, folder)
        super().__init__(self._store, keys_held_max=keys_held_max)

    def check(self) -> Check:
        """Whether a small file is stored and read back; never raises for that."""
        return self._store.check()
