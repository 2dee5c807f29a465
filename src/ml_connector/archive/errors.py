"""What the archive refuses, by what the caller may do next."""

from pathlib import Path

from ml_connector.errors import (
    CredentialsError,
    RefusedError,
    SystemUnavailableError,
    UnexplainedDifferenceError,
)

UNSTORED = "No unfinished file was stored; every earlier file is whole."


class ArchiveFullError(SystemUnavailableError):
    """The archive's disk, or the quota on it, is full."""

    code = "archive.full"

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"The disk of the archive folder {folder} is full.",
            written="The unfinished file was removed; every earlier file is whole.",
            next_step="Free space on that disk, then try again.",
            folder=str(folder),
        )


class BrokenFileError(UnexplainedDifferenceError):
    """A stored file no longer holds what its hash promises."""

    code = "archive.broken-file"

    def __init__(self, place: str, finding: str) -> None:
        super().__init__(
            f"The archive file {place} cannot be trusted: {finding}.",
            written="Nothing was written.",
            next_step="Restore the file from a backup; it was changed after it was stored.",
            path=place, finding=finding,
        )  # fmt: skip


class MissingFileError(UnexplainedDifferenceError):
    """A file that the records name is not in the archive."""

    code = "archive.missing-file"

    def __init__(self, place: str, file_hash: str) -> None:
        super().__init__(
            f"The archive {place} holds no file {file_hash!r}.",
            written="Nothing was written.",
            next_step="Restore the archive from a backup, or correct where it is (`archive`,"
            " `state`).",
            folder=place, file_hash=file_hash,
        )  # fmt: skip


class BucketMissingError(RefusedError):
    """The bucket of the archive does not exist."""

    code = "archive.bucket-missing"

    def __init__(self, bucket: str, place: str) -> None:
        super().__init__(
            f"There is no bucket {bucket!r} at {place}.",
            written=UNSTORED,
            next_step="Make the bucket, or correct `archive.url` and `archive.endpoint`.",
            bucket=bucket, endpoint=place,
        )  # fmt: skip


class BucketDeniedError(CredentialsError):
    """The store of the archive does not accept the key, or its rights do not suffice."""

    code = "archive.access-refused"

    def __init__(self, address: str, finding: str) -> None:
        super().__init__(
            f"The archive's store refused access to {address} ({finding}).",
            written=UNSTORED,
            next_step="Correct `archive.access_key` and `archive.secret_key`; the key must be"
            " allowed to list the bucket and to read and write objects in it.",
            address=address, finding=finding,
        )  # fmt: skip


class BucketUnavailableError(SystemUnavailableError):
    """The store of the archive cannot be reached, is too slow, or is out of order."""

    code = "archive.unavailable"

    def __init__(self, address: str, finding: str) -> None:
        super().__init__(
            f"The archive's store did not serve {address} ({finding}).",
            written=UNSTORED,
            next_step="Look after the store, then try again: `ml-connector doctor` says"
            " whether it answers.",
            address=address, finding=finding,
        )  # fmt: skip


class BucketRefusedError(RefusedError):
    """The store of the archive does not take a request as it is made."""

    code = "archive.bucket-refused"

    def __init__(self, address: str, finding: str) -> None:
        super().__init__(
            f"The archive's store refused the request for {address} ({finding}).",
            written=UNSTORED,
            next_step="Compare `archive.endpoint` and `archive.region` with where the bucket is.",
            address=address, finding=finding,
        )  # fmt: skip


class UnfitAmountError(RefusedError):
    """An amount is no number, or has more digits than the archive keeps."""

    code = "archive.unfit-amount"


class RepeatedBatchError(RefusedError):
    """One read delivered the same batch twice."""

    code = "archive.repeated-batch"

    def __init__(self, batch_id: str) -> None:
        super().__init__(
            f"The batch {batch_id} came twice in one read.",
            written="Nothing of this read was archived.",
            next_step="Read again; if it stays, report it as a defect of the source.",
            batch_id=batch_id,
        )


class KeyOrderError(RefusedError):
    """Keys to store do not ascend strictly, differ in length or hold control characters."""

    code = "archive.key-order"

    def __init__(self, key: tuple[str, ...], finding: str) -> None:
        super().__init__(
            f"The key {key!r} cannot be stored: {finding}.",
            written="Nothing of this file was stored.",
            next_step="Correct the member codes; if they are right, report a defect.",
            key=repr(key), finding=finding,
        )  # fmt: skip


class UnsafeNameError(RefusedError):
    """An organisation or suffix that cannot be part of an archive path."""

    code = "archive.unsafe-name"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The name {name!r} cannot be part of an archive path.",
            written="Nothing was stored.",
            next_step="Use letters, digits, dots, hyphens and underscores.",
            name=name,
        )
