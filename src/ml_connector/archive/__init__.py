"""Immutable, content-addressed files of lines, summaries, plans and raw bytes."""

from ml_connector.archive.bucket import BucketAddress
from ml_connector.archive.bucket_store import BucketArchive
from ml_connector.archive.files import FileArchive
from ml_connector.archive.local import LocalArchive

__all__ = ["BucketAddress", "BucketArchive", "FileArchive", "LocalArchive"]
