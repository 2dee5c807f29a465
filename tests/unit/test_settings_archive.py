"""Where the archive is: every fault is told, and no key is repeated."""

from pathlib import Path
from typing import Any

import pytest

from ml_connector.archive import BucketArchive, LocalArchive
from ml_connector.errors import SettingsError
from ml_connector.settings import Project, load_project
from ml_connector.wiring.archives import open_archive

KEYS = "access_key: secret:archive-access, secret_key: env:ARCHIVE_SECRET"


def load(root: Path, archive: str) -> Project:
    """The project whose archive is described so."""
    (root / "ml-connector.yaml").write_text(f"archive: {{{archive}}}\n")
    return load_project(root, connection_models={}, environment={})


class NoSecrets:
    """A vault that is asked nothing."""

    def read_secret(self, reference: str) -> str:
        """Nobody opens a secret before the first request."""
        raise AssertionError(reference)


@pytest.mark.parametrize(
    ("archive", "kind"),
    [
        ("", LocalArchive),
        ("url: s3://abc", BucketArchive),
        (f"url: s3://a-b.c/d/e_f/, region: eu-1, {KEYS}", BucketArchive),
        (f"url: s3://abc/d, endpoint: 'https://s3.example.com:9000', {KEYS}", BucketArchive),
        ("url: s3://abc, endpoint: 'http://127.0.0.1:8333', ca_bundle: ca.pem", BucketArchive),
    ],
)
def test_archive_is_a_bucket_where_one_is_named(tmp_path: Path, archive: str, kind: Any) -> None:
    """Without a bucket it is the folder; opening it asks neither the vault nor the network."""
    assert type(open_archive(load(tmp_path, archive), NoSecrets)) is kind


@pytest.mark.parametrize(
    ("archive", "fault"),
    [
        ("url: abc", "names no bucket; allowed: s3://BUCKET"),
        ("url: s3://A/x", "names no bucket"),
        ("url: s3://abc/../x", "names no bucket"),
        ("url: s3://abc, endpoint: 'http://s3.example.com'", "not encrypted; allowed: https"),
        ("url: s3://abc, endpoint: 'http://127.0.0.1.example.com'", "not encrypted"),
        ("url: s3://abc, endpoint: 'https://u:p4ssw0rd@s3.example.com'", "not an address"),
        ("url: s3://abc, endpoint: 'https://s3.example.com/path'", "not an address"),
        ("url: s3://abc, endpoint: s3.example.com", "not an address"),
        ("url: s3://abc, access_key: secret:a", "names `access_key` and `secret_key` both"),
        ("url: s3://abc, secret_key: env:A", "names `access_key` and `secret_key` both"),
        ("url: s3://abc, access_key: AKIAp4ssw0rd, secret_key: env:A", "a reference to a secret"),
        ("url: s3://abc, access_key: env:A, secret_key: p4ssw0rd", "a reference to a secret"),
        (KEYS, "has no `url`"),
        ("endpoint: 'https://s3.example.com'", "has no `url`"),
        ("url: s3://abc, buckets: x", "buckets"),
    ],
)
def test_faults_of_the_archive_are_told_without_its_keys(
    tmp_path: Path, archive: str, fault: str
) -> None:
    """Half a setting, an open line and a key in the place of its name are refused at the start."""
    with pytest.raises(SettingsError) as told:
        load(tmp_path, archive)
    assert fault in str(told.value)
    assert "ml-connector.yaml" in str(told.value)
    assert "p4ssw0rd" not in str(told.value)
