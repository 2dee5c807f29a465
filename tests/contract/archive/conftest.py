"""Each promise of the archive is held by a folder and by a bucket of a real S3 server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.archives import BUCKET, FOLDER, BucketPlace, FolderPlace, Place
from tests.fakes.s3 import Store, Wire

from ml_connector.archive import FileArchive, copies


@pytest.fixture
def no_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is kept of a bucket: each reader fetches."""
    monkeypatch.setattr(copies, "COPIES_MAX", 0)


@pytest.fixture
def bucket_place(object_store: Store, tmp_path: Path) -> BucketPlace:
    """An empty prefix of a bucket."""
    object_store.make_bucket(BUCKET)
    return BucketPlace(object_store, tmp_path / "copies")


@pytest.fixture(params=[FOLDER, BUCKET])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty place of either kind; nothing is kept of a bucket but in it."""
    if request.param == FOLDER:
        return FolderPlace(tmp_path)
    request.getfixturevalue("no_copies")
    found: BucketPlace = request.getfixturevalue("bucket_place")
    return found


@pytest.fixture
def archive(place: Place) -> FileArchive:
    """An empty archive."""
    return place.open()


@pytest.fixture
def wire(object_store: Store) -> Iterator[Wire]:
    """A way to the server that can be cut."""
    made = Wire(object_store.endpoint)
    yield made
    made.close()
