"""A bucket of an S3-compatible store: whole files in, whole files out, errors in our words.

An object appears under its name only when it is whole. pyarrow's streams do not promise that by
themselves: whatever ends a stream, its destructor too, publishes what was written so far. Three
rules keep the promise, and `tests/contract/test_archive_bucket.py` holds us to them:

- a small file is one write and one request;
- of a larger one the upload in parts is opened before the first byte, and sends in the background,
  where the first failure stays and forbids the completion;
- the content comes out of a mapped file, so that nothing of ours can fail between two parts.

And a stream compresses by itself what is named `.gz`, unless it is told not to.
"""

import mmap
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ml_connector.archive.errors import (
    BucketDeniedError,
    BucketMissingError,
    BucketRefusedError,
    BucketUnavailableError,
)
from ml_connector.archive.store import NewFile
from ml_connector.errors import ConnectorError
from ml_connector.ports import Secrets

if TYPE_CHECKING:
    from pyarrow import fs

# pyarrow takes a third of a second to load, and its file systems start threads.
# ruff: noqa: PLC0415 - see above

CONNECT_S_MAX = 5
"""How long a connection may take."""
STALL_S_MAX = 10
"""How long a connection may stand still; a request is given up after four times this at most."""
ATTEMPTS_MAX = 3
"""How often a request is sent; all of them may be repeated, for names follow from content."""
SINGLE_BYTES_MAX = 5 << 20
"""Files up to this size are stored by one request; it lies below the size of a part."""
CHUNK_BYTES = 20 << 20
"""What is held of a larger file while it is sent."""
READ_BYTES = 8 << 20
"""What is asked for at a time, and held, while a file is fetched."""
REGION_OF_ENDPOINTS = "us-east-1"
"""What stores other than Amazon's take when no region is named."""

_AWS_ERROR = re.compile(r"AWS Error (\w+)(?: \(HTTP status (\d+)\))?")
_UNPARSED = re.compile(r"ExceptionName: (\w+)")
_NETWORK = re.compile(r"curlCode: \d+, ([^;]+)")
_DENIED = frozenset({
    "ACCESS_DENIED", "SIGNATURE_DOES_NOT_MATCH", "INVALID_ACCESS_KEY_ID", "INVALID_SIGNATURE",
    "INCOMPLETE_SIGNATURE", "INVALID_CLIENT_TOKEN_ID", "MISSING_AUTHENTICATION_TOKEN",
    "UNRECOGNIZED_CLIENT", "OPT_IN_REQUIRED", "REQUEST_EXPIRED", "REQUEST_TIME_TOO_SKEWED",
    "ExpiredToken", "InvalidToken", "TokenRefreshRequired", "AccountProblem",
})  # fmt: skip
_STATUS_DENIED = frozenset({401, 403})
_STATUS_LATER = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketAddress:
    """Where a bucket is, and by which references its keys are found.

    Attributes:
        url: `s3://bucket` or `s3://bucket/prefix`.
        endpoint: Scheme, host and port; empty for Amazon's own.
        region: Empty: what the machine's AWS configuration says.
        access_key: Reference to a secret; empty for the usual AWS chain.
        secret_key: As `access_key`.
        ca_bundle: PEM file of the authorities to trust instead of the system's own.
    """

    url: str
    endpoint: str = ""
    region: str = ""
    access_key: str = ""
    secret_key: str = ""
    ca_bundle: Path | None = None

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return urlsplit(self.url).netloc

    @property
    def prefix(self) -> str:
        """What every key begins with; no slash at either end."""
        return urlsplit(self.url).path.strip("/")


class Bucket:
    """One bucket; connects with the first request. May be used by several threads at a time."""

    def __init__(self, address: BucketAddress, secrets: Secrets) -> None:
        self._address = address
        self._secrets = secrets

    def __repr__(self) -> str:
        return f"Bucket({self._address.url!r})"

    def url_of(self, key: str) -> str:
        """The object's address, as people look for it."""
        return f"s3://{self._path(key)}"

    def upload(self, file: Path, key: str) -> None:
        """The object holds the file's content; until then there was none, or the one before.

        Raises:
            BucketDeniedError: The key is not accepted, or may not write.
            BucketMissingError: No such bucket.
            BucketUnavailableError: The store did not answer in time, or kept another size.
            BucketRefusedError: The store does not take the request.
        """
        size = file.stat().st_size
        with file.open("rb") as content:
            if size <= SINGLE_BYTES_MAX:
                self._put(content.read(), key)
            else:
                with mmap.mmap(content.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                    self._put_parts(mapped, key)
        kept = self._read_size(key)
        if kept != size:
            finding = f"it keeps {kept or 0} bytes of the {size} that were sent"
            raise BucketUnavailableError(self.url_of(key), finding)

    def download(self, key: str, file: NewFile) -> bool:
        """Whether there is such an object; its content is in the file then.

        Raises:
            BucketDeniedError: The key is not accepted, or may not read.
            BucketMissingError: No such bucket.
            BucketUnavailableError: The store did not answer in time.
            BucketRefusedError: The store does not take the request.
        """
        try:
            with self._told(key):
                stream = self._whole.open_input_file(self._path(key))
                left = stream.size()  # Asks; the opening may put that off.
        except FileNotFoundError:
            self._verify_bucket()
            return False
        with stream:
            while left > 0:
                with self._told(key):
                    chunk = stream.read(min(left, READ_BYTES))
                if not chunk:
                    raise BucketUnavailableError(self.url_of(key), f"it ended {left} bytes early")
                file.write(chunk)
                left -= len(chunk)
        return True

    def read_names(self, folder: str) -> list[str]:
        """The names of the objects right below the folder, ascending; none when there is none.

        Raises as `download`.
        """
        from pyarrow.fs import FileSelector

        with self._told(folder):
            found = self._whole.get_file_info(
                FileSelector(self._path(folder), allow_not_found=True)
            )
        if not found:
            self._verify_bucket()
        return sorted(each.base_name for each in found)

    def _put(self, content: bytes, key: str) -> None:
        with self._told(key):
            stream = self._whole.open_output_stream(self._path(key), compression=None)
            stream.write(content)
            stream.close()

    def _put_parts(self, content: mmap.mmap, key: str) -> None:
        with self._told(key), memoryview(content) as view:
            stream = self._in_parts.open_output_stream(self._path(key), compression=None)
            try:
                for start in range(0, len(view), CHUNK_BYTES):
                    with view[start : start + CHUNK_BYTES] as chunk:
                        stream.write(chunk)
                    stream.flush()  # Waits for the parts; else all of the file would be held.
                stream.close()
            except OSError:
                # Fails again, as the rule has it; the destructor would say so on stderr.
                with suppress(OSError):
                    stream.close()
                raise

    def _read_size(self, key: str) -> int | None:
        with self._told(key):
            size: int | None = self._whole.get_file_info(self._path(key)).size
        return size

    def _verify_bucket(self) -> None:
        from pyarrow.fs import FileType

        name = self._address.bucket
        with self._told(""):
            found = self._whole.get_file_info(name)
        if found.type == FileType.NotFound:
            raise BucketMissingError(name, self._address.endpoint or "Amazon S3")

    def _path(self, key: str) -> str:
        return "/".join(part for part in (self._address.bucket, self._address.prefix, key) if part)

    @cached_property
    def _whole(self) -> "fs.S3FileSystem":
        """Stores a file by one request, made when its stream is closed."""
        return self._connect(is_delayed=True)

    @cached_property
    def _in_parts(self) -> "fs.S3FileSystem":
        """Opens an upload in parts when its stream is opened."""
        return self._connect(is_delayed=False)

    def _connect(self, *, is_delayed: bool) -> "fs.S3FileSystem":
        from pyarrow.fs import AwsStandardS3RetryStrategy, S3FileSystem

        endpoint = urlsplit(self._address.endpoint)
        region = self._address.region or (REGION_OF_ENDPOINTS if endpoint.netloc else "")
        ca_bundle = self._address.ca_bundle
        options: dict[str, Any] = {
            "region": region or None,
            "scheme": endpoint.scheme or "https",
            "endpoint_override": endpoint.netloc or None,
            "connect_timeout": CONNECT_S_MAX,
            "request_timeout": STALL_S_MAX,
            "retry_strategy": AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS_MAX),
            "background_writes": True,
            "allow_delayed_open": is_delayed,
            "tls_ca_file_path": str(ca_bundle) if ca_bundle else None,
        }
        return S3FileSystem(**self._read_keys(), **options)

    def _read_keys(self) -> dict[str, Any]:
        references = {
            "access_key": self._address.access_key, "secret_key": self._address.secret_key
        }  # fmt: skip
        return {name: self._secrets.read_secret(ref) for name, ref in references.items() if ref}

    @contextmanager
    def _told(self, key: str) -> Iterator[None]:
        """What the store says inside the block is told in our words; a missing object passes."""
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            # Some stores repeat the access key in their text, so nothing of it is passed on.
            raise self._find_words(key, str(error)) from None

    def _find_words(self, key: str, text: str) -> ConnectorError:
        name, status = _parse_error(text)
        url = self.url_of(key)
        if name in {"NO_SUCH_BUCKET", "NoSuchBucket"}:
            return BucketMissingError(self._address.bucket, self._address.endpoint or "Amazon S3")
        if name in _DENIED or status in _STATUS_DENIED:
            return BucketDeniedError(url, name)
        if 300 <= status < 500 and status not in _STATUS_LATER:
            return BucketRefusedError(url, name)
        network = _NETWORK.search(text)
        return BucketUnavailableError(url, network[1].strip().lower() if network else name)


def _parse_error(text: str) -> tuple[str, int]:
    """The name of the store's refusal, and its HTTP status if that is told; 0 if not."""
    known, unparsed = _AWS_ERROR.search(text), _UNPARSED.search(text)
    name = unparsed[1] if unparsed else known[1] if known else "no reason given"
    return name, int(known[2]) if known and known[2] else 0
