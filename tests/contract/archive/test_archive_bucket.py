"""An archive in a bucket: whole objects whatever happens on the way, and errors in our words."""

import gc
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.archives import BucketPlace, FolderPlace
from tests.fakes.s3 import READER, WRITER, Wire

from ml_connector.archive import FileArchive, bucket, copies
from ml_connector.archive.errors import (
    BrokenFileError,
    BucketDeniedError,
    BucketMissingError,
    BucketRefusedError,
    BucketUnavailableError,
)
from ml_connector.errors import ConnectorError
from ml_connector.ports import CheckState

SMALL = b"some lines of a chunk\n"
LARGE_BYTES = 12 << 20
"""Two parts: more than one request stores, less than a test should wait for."""
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def _tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request is sent once, so that a test need not wait for what repeats."""
    monkeypatch.setattr(bucket, "ATTEMPTS_MAX", 1)


def read_whole(archive: FileArchive, file_hash: str) -> bytes:
    """The file's content."""
    return b"".join(archive.read_bytes(file_hash))


@pytest.mark.usefixtures("_tried_once")
@pytest.mark.parametrize(
    ("sent", "is_back_at_once"),
    [(10, True), (5_000_000, False), (5_000_000, True), (11_500_000, False), (11_500_000, True)],
)
def test_an_upload_that_is_cut_off_leaves_nothing_and_is_repeated(
    bucket_place: BucketPlace, wire: Wire, sent: int, *, is_back_at_once: bool
) -> None:
    """Cut at the first request, in the first part or the last: no object, no scratch is left.

    A server that is back at once would take the end of an upload that lacks a part.
    """
    content = os.urandom(LARGE_BYTES)
    archive = bucket_place.open(endpoint=wire.endpoint)
    wire.cut_after(sent, is_back_at_once=is_back_at_once)
    with pytest.raises(BucketUnavailableError, match=r"No unfinished file was stored") as told:
        archive.write_bytes([content], suffix="bin")
    assert told.value.exit_code == 8
    wire.mend()
    gc.collect()  # What pyarrow's destructors may still send has somewhere to go now.
    assert bucket_place.list_files() == []
    stored = archive.write_bytes([content], suffix="bin")
    shutil.rmtree(bucket_place.root)
    assert read_whole(archive, stored.file_hash) == content


@pytest.mark.usefixtures("_tried_once")
def test_a_small_upload_that_is_cut_off_leaves_nothing_and_is_repeated(
    bucket_place: BucketPlace, wire: Wire
) -> None:
    """One request stores it, or none."""
    archive = bucket_place.open(endpoint=wire.endpoint)
    wire.cut_after(200)
    with pytest.raises(BucketUnavailableError, match=f"serve s3://{bucket_place.prefix}/default/"):
        archive.write_bytes([SMALL], suffix="csv")
    wire.mend()
    gc.collect()
    assert bucket_place.list_files() == []
    stored = archive.write_bytes([SMALL], suffix="csv")
    assert read_whole(bucket_place.open(), stored.file_hash) == SMALL


@pytest.mark.usefixtures("_tried_once", "no_copies")
def test_a_download_that_is_cut_off_gives_nothing_and_is_repeated(
    bucket_place: BucketPlace, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not one byte is handed on before the last has come and the hash was verified."""
    monkeypatch.setattr(bucket, "READ_BYTES", 1 << 20)
    content = os.urandom(LARGE_BYTES)
    stored = bucket_place.open().write_bytes([content], suffix="bin")
    archive = bucket_place.open(endpoint=wire.endpoint)
    wire.cut_after(6_000)  # Requests are a kilobyte each; the answers do not count.
    with pytest.raises(BucketUnavailableError):
        next(archive.read_bytes(stored.file_hash))
    wire.mend()
    assert read_whole(archive, stored.file_hash) == content


@pytest.mark.usefixtures("_tried_once", "no_copies")
def test_a_store_that_falls_silent_is_given_up(
    bucket_place: BucketPlace, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that stands still ends as unavailable; nothing waits for ever."""
    stored = bucket_place.open().write_bytes([SMALL], suffix="csv")
    # From here on only: a store that has just begun may think about its first file for longer.
    monkeypatch.setattr(bucket, "STALL_S_MAX", 1)
    wire.silence()
    with pytest.raises(BucketUnavailableError, match="timeout"):
        read_whole(bucket_place.open(endpoint=wire.endpoint), stored.file_hash)


@pytest.mark.usefixtures("_tried_once")
def test_a_store_that_is_not_there_is_unavailable(bucket_place: BucketPlace) -> None:
    """Neither reading nor writing takes it for an empty archive."""
    archive = bucket_place.open(endpoint=NOWHERE)
    for ask in (lambda: archive.write_bytes([SMALL], suffix="csv"), lambda: read_all(archive)):
        with pytest.raises(BucketUnavailableError, match="connect"):
            ask()


@pytest.mark.usefixtures("_tried_once")
def test_a_private_authority_is_trusted_by_its_bundle_alone(bucket_place: BucketPlace) -> None:
    """Nothing is sent to a store whose certificate nobody vouches for."""
    store = bucket_place.store
    with pytest.raises(BucketUnavailableError, match="certificate"):
        bucket_place.open(endpoint=store.secure_endpoint).write_bytes([SMALL], suffix="csv")
    archive = bucket_place.open(endpoint=store.secure_endpoint, ca_bundle=store.ca_bundle)
    stored = archive.write_bytes([SMALL], suffix="csv")
    shutil.rmtree(bucket_place.root)
    assert read_whole(archive, stored.file_hash) == SMALL


def read_all(archive: FileArchive) -> None:
    """Something is read that nobody stored."""
    read_whole(archive, "0" * 64)


@pytest.mark.parametrize("key", [("writer", "not-the-secret"), ("nobody", "not-the-secret")])
def test_a_wrong_key_is_told_without_it(bucket_place: BucketPlace, key: tuple[str, str]) -> None:
    """Reading and writing end as refused credentials; neither half of the key is in any text."""
    archive = bucket_place.open(access_key=f"env:{key[0]}", secret_key=f"env:{key[1]}")
    for ask in (lambda: archive.write_bytes([SMALL], suffix="csv"), lambda: read_all(archive)):
        with pytest.raises(BucketDeniedError, match="refused access to s3://") as told:
            ask()
        assert told.value.exit_code == 7
        assert told.value.__suppress_context__
        assert key[1] not in f"{told.value} {told.value.render_record()} {archive!r}"
    assert bucket_place.list_files() == []


def test_a_key_that_may_not_write_reads(bucket_place: BucketPlace) -> None:
    """A refused write is no partial one, and what is stored is readable with less rights."""
    stored = bucket_place.open().write_bytes([SMALL], suffix="csv")
    shutil.rmtree(bucket_place.root)
    reader = bucket_place.open(access_key=f"env:{READER[0]}", secret_key=f"env:{READER[1]}")
    assert read_whole(reader, stored.file_hash) == SMALL
    with pytest.raises(BucketDeniedError):
        reader.write_bytes([b"other"], suffix="csv")


def test_without_keys_the_machines_own_are_taken(
    bucket_place: BucketPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The usual AWS chain is asked where the settings name no key."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", WRITER[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", WRITER[1])
    archive = bucket_place.open(access_key="", secret_key="")
    assert read_whole(archive, archive.write_bytes([SMALL], suffix="csv").file_hash) == SMALL


def test_a_bucket_that_is_missing_is_told(bucket_place: BucketPlace) -> None:
    """It is made by nobody, and its emptiness is not taken for lost files."""
    archive = bucket_place.open(url="s3://no-such-bucket/x")
    for ask in (lambda: archive.write_bytes([SMALL], suffix="csv"), lambda: read_all(archive)):
        with pytest.raises(BucketMissingError, match=r"no bucket 'no-such-bucket' at http"):
            ask()


@pytest.mark.parametrize(
    ("text", "kind", "finding"),
    [
        ("When x: AWS Error NO_SUCH_BUCKET during y", BucketMissingError, "no bucket"),
        ("AWS Error ACCESS_DENIED during x: No response body.", BucketDeniedError, "ACCESS"),
        (
            "AWS Error UNKNOWN (HTTP status 400): ExceptionName: ExpiredToken Message: AKIA123",
            BucketDeniedError, "(ExpiredToken)",
        ),
        ("AWS Error UNKNOWN (HTTP status 403) during x: AKIA123", BucketDeniedError, "(UNKNOWN)"),
        (
            "AWS Error UNKNOWN (HTTP status 301): ExceptionName: PermanentRedirect Message: x",
            BucketRefusedError, "(PermanentRedirect)",
        ),
        ("AWS Error SLOW_DOWN during x", BucketUnavailableError, "SLOW_DOWN"),
        ("AWS Error UNKNOWN (HTTP status 429) during x", BucketUnavailableError, "UNKNOWN"),
        ("AWS Error UNKNOWN (HTTP status 503) during x", BucketUnavailableError, "UNKNOWN"),
        (
            "AWS Error NETWORK_CONNECTION: curlCode: 60, SSL peer was not OK; Details: AKIA123",
            BucketUnavailableError, "ssl peer was not ok",
        ),
        ("something else, AKIA123", BucketUnavailableError, "no reason given"),
    ],
)  # fmt: skip
def test_each_refusal_of_a_store_has_our_words(
    bucket_place: BucketPlace,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    kind: type[ConnectorError],
    finding: str,
) -> None:
    """What a caller may do next follows from the refusal's name; the store's text is not told."""

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(text)

    monkeypatch.setattr(bucket.Bucket, "_whole", _Refusing(refuse))
    with pytest.raises(kind) as told:
        bucket_place.open().write_bytes([SMALL], suffix="csv")
    assert finding in str(told.value)
    assert "AKIA123" not in str(told.value)


class _Refusing:
    """A store's client each of whose calls is refused."""

    def __init__(self, refuse: Any) -> None:
        self._refuse = refuse

    def __getattr__(self, _: str) -> Any:
        return self._refuse


@pytest.mark.usefixtures("no_copies")
def test_an_object_that_was_cut_short_is_refused(bucket_place: BucketPlace) -> None:
    """The beginning of the right content is not the content, and reads as tampered with."""
    archive = bucket_place.open()
    stored = archive.write_bytes([SMALL], suffix="csv")
    [name] = bucket_place.list_files()
    bucket_place.replace(name, SMALL[:-1])
    with pytest.raises(BrokenFileError, match=f"s3://{bucket_place.prefix}/{name}") as told:
        next(archive.read_bytes(stored.file_hash))
    assert told.value.exit_code == 4


def test_writers_of_the_same_content_end_with_one_object(bucket_place: BucketPlace) -> None:
    """Several processes' archives store the same file at once: one object, whole, for all."""
    content = os.urandom(LARGE_BYTES // 2)
    archives = [bucket_place.open() for _ in range(3)]
    with ThreadPoolExecutor(len(archives)) as pool:
        stored = set(pool.map(lambda each: each.write_bytes([content], suffix="bin"), archives))
    [one] = stored
    assert len(bucket_place.store.list_objects(bucket_place.prefix)) == 1
    shutil.rmtree(bucket_place.root)
    assert read_whole(archives[0], one.file_hash) == content


def test_copies_spare_the_store_and_are_verified(bucket_place: BucketPlace, wire: Wire) -> None:
    """What was written or read here is read without the store; a damaged copy is fetched anew."""
    archive = bucket_place.open(endpoint=wire.endpoint)
    stored = archive.write_gzipped(SMALL, suffix="csv.gz")
    content = read_whole(archive, stored.file_hash)
    wire.cut_after(0)
    assert read_whole(archive, stored.file_hash) == content
    [copy] = (bucket_place.root / "default" / "held").iterdir()
    copy.write_bytes(b"damaged")
    wire.mend()
    assert read_whole(archive, stored.file_hash) == content
    assert copy.read_bytes() == content


@pytest.mark.parametrize(("limit", "value"), [("COPIES_MAX", 2), ("COPIES_BYTES_MAX", 25)])
def test_copies_stay_within_bounds(
    bucket_place: BucketPlace, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    """The longest unused go first, by number and by size; all of them are still in the bucket."""
    monkeypatch.setattr(copies, limit, value)
    archive = bucket_place.open()
    folder = bucket_place.root / "default" / "held"
    stored = []
    for number in range(4):
        stored.append(archive.write_bytes([b"%010d" % number], suffix="bin"))
        for copy in folder.iterdir():
            if stored[-1].file_hash in copy.name:
                os.utime(copy, (number, number))
    held = {path.name.split(".")[1] for path in folder.iterdir()}
    assert held == {each.file_hash for each in stored[2:]}
    assert read_whole(archive, stored[0].file_hash) == b"0000000000"


def test_a_folder_copied_into_a_bucket_is_the_same_archive(
    bucket_place: BucketPlace, tmp_path: Path
) -> None:
    """Names and bytes are those of the folder, so an archive moves by being copied."""
    folder = FolderPlace(tmp_path / "folder")
    stored = folder.open().write_gzipped(SMALL, suffix="csv.gz")
    [name] = folder.list_files()
    bucket_place.replace(name, folder.read(name))
    assert read_whole(bucket_place.open(), stored.file_hash) == folder.read(name)


def test_check_says_whether_a_file_goes_there_and_back(bucket_place: BucketPlace) -> None:
    """Doctor's line is sound where both work, and otherwise what the error says; none is raised."""
    sound = bucket_place.open().check()
    assert (sound.state, sound.next_step) == (CheckState.OK, "")
    assert f"s3://{bucket_place.prefix}/default" in sound.finding
    failed = bucket_place.open(url="s3://no-such-bucket").check()
    assert (failed.state, failed.code) == (CheckState.FAILED, "archive.bucket-missing")
    assert "Make the bucket" in failed.next_step
